/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/outbox.h - datagrams on their way to the other end, several in one system call (UDP_SEGMENT). */
#ifndef DSKE_VPN_OUTBOX_H
#define DSKE_VPN_OUTBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "vpn/place.h"

#define OUTBOX_BYTES 65000 /* of all datagrams of one call: what UDP takes */
#define OUTBOX_MOST 64     /* of them: UDP_MAX_SEGMENTS of older kernels */

struct outbox {
	int fd;
	bool joins;      /* UDP_SEGMENT works */
	size_t len, step; /* what is in it; the length of each but the last */
	unsigned count;
	bool is_full;    /* the last one is shorter */
	uint64_t sent, lost; /* datagrams */
	uint8_t bytes[OUTBOX_BYTES];
};

void outbox_init(struct outbox *o, int fd);

/* Room for a datagram of that length, at most OUTBOX_BYTES, which the caller fills before the next call; what does not go with what is there
 * is sent first. */
uint8_t *outbox_place(struct outbox *o, const struct place *to, size_t len);

/* Takes the last one back: it was not filled. */
void outbox_take_back(struct outbox *o, size_t len);

/* Sends all.  What the network does not take is lost. */
void outbox_flush(struct outbox *o, const struct place *to);

#endif
