/* SPDX-License-Identifier: Apache-2.0 */
/* vpn/place.h - where an end of the tunnel is: an address and a port of UDP. */
#ifndef DSKE_VPN_PLACE_H
#define DSKE_VPN_PLACE_H

#include <sys/socket.h>

#include "base/file.h"
#include "base/rc.h"

struct place {
	struct sockaddr_storage address;
	socklen_t len; /* 0: not known */
};

#define PLACE_TEXT_MAX 64

bool place_is(const struct place *a, const struct place *b);

/* "ADDRESS:PORT", "[ADDRESS]:PORT", or a name, which is looked up and may take its time; ":PORT" is any address.
 * Errors: CONFIG, UNREACHABLE (the name is not known). */
dske_rc place_parse(struct place *p, const char *text);

/* The same as a socket of that family has it: an IPv4 address for one of IPv6 is mapped (RFC 4291, 2.5.5.2). */
dske_rc place_parse_as(struct place *p, const char *text, int family);

/* For people; returns out. */
const char *place_text(const struct place *p, char out[PLACE_TEXT_MAX]);

/* A UDP socket there, with buffers as large as they may be.  Errors: BUSY, DENIED, IO. */
dske_rc place_listen(struct fd *f, const struct place *p);

#endif
