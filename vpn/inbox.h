/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/inbox.h - datagrams from the network, several in one system call (recvmmsg, UDP_GRO). */
#ifndef DSKE_VPN_INBOX_H
#define DSKE_VPN_INBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/rc.h"
#include "base/secret.h"
#include "vpn/place.h"

#define INBOX_BATCH 8
#define INBOX_BYTES 65536 /* of one message: several datagrams of one sender that the kernel joined */

struct inbox {
	int fd;
	struct mmsghdr messages[INBOX_BATCH];
	struct iovec parts[INBOX_BATCH];
	struct place from[INBOX_BATCH];
	char control[INBOX_BATCH][CMSG_SPACE(sizeof(int))];
	struct secret bytes;           /* owned: INBOX_BYTES for each message, in which it is decrypted */
	size_t count, message, at;     /* what came; how far it has been handed out */
	size_t step;                   /* datagrams of the message, but the last */
};

dske_rc inbox_init(struct inbox *b, int fd); /* Errors: NOMEM */
void inbox_drop(struct inbox *b);

/* What waits; *any is false when nothing does.  Errors: IO. */
dske_rc inbox_read(struct inbox *b, bool *any);

/* The next datagram of what was read, and where it came from; NULL: there is none.  Borrowed until inbox_read; the
 * caller may write to it. */
uint8_t *inbox_next(struct inbox *b, size_t *len, const struct place **from);

#endif
