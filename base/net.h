/* SPDX-License-Identifier: Apache-2.0 */
/* base/net.h - TCP with deadlines; and the clock that never goes back. */
#ifndef DSKE_BASE_NET_H
#define DSKE_BASE_NET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/file.h"
#include "base/rc.h"

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t clock_ms(void);

/* "host:port", "[v6]:port".  Splits into host and port text; the port is a number, 0 to 65535.
 * Errors: CONFIG. */
struct net_address {
	char host[256];
	char port[8];
};
dske_rc net_address_parse(struct net_address *a, const char *text);

/* Begins a non-blocking connect (TCP_NODELAY, keep-alive, CLOEXEC); *f is ready for poll(POLLOUT).
 * Numeric addresses never block; names are resolved by getaddrinfo, which may.  Of a name's addresses
 * the first is taken that does not fail at once.  Errors: UNREACHABLE. */
dske_rc net_connect_start(struct fd *f, const struct net_address *a);

/* After POLLOUT: did it work?  Errors: UNREACHABLE with the system's reason. */
dske_rc net_connect_result(int fd);

/* A non-blocking listening socket (SO_REUSEADDR); port "0" takes any: net_local_port tells which.
 * Errors: BUSY (port in use), DENIED, UNREACHABLE. */
dske_rc net_listen(struct fd *f, const struct net_address *a, int backlog);
dske_rc net_local_port(int fd, uint16_t *port);

/* Accepts one, non-blocking, CLOEXEC, TCP_NODELAY; writes the peer as text.  f->n is -1 if none waits.
 * What f held before is closed.  Errors: IO (EMFILE and the like: poll again only after a pause). */
dske_rc net_accept(struct fd *f, int listener, char *peer, size_t peer_cap);

/* Non-blocking transfer: *done bytes moved, 0 when it would block.  Never raises SIGPIPE.
 * Errors: CLOSED, IO. */
dske_rc net_read(int fd, void *out, size_t cap, size_t *done);
dske_rc net_writev(int fd, const struct iovec *pieces, int count, size_t *done); /* several pieces at once */
dske_rc net_write(int fd, const void *bytes, size_t len, size_t *done);

#endif
