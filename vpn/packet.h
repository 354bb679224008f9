/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/packet.h - one datagram of the tunnel: Vernam for the content, Poly1305 under a fresh key (DSKE 5.2; RFC 8439 2.5).
 *
 *	datagram = kind flags zeros unit name ciphertext tag       integers are big-endian
 *	kind       1 byte    1: an IP packet, 2: a word between the two programs (vpn/word.h)
 *	flags      1 byte    PACKET_PARTIAL or 0; of kind 2: 0
 *	zeros      2 bytes
 *	unit       4 bytes   where in the pad, in units of 16 bytes
 *	name       8 bytes   which pad
 *	ciphertext n bytes   n of 1 to 65,535
 *	tag        16 bytes  over all before it
 *
 * With P the pad from that unit on: Poly1305's key is P[0, 32), ciphertext = plaintext XOR P[32, 32 + n).  Each packet
 * takes 32 + n bytes of pad, rounded up to a unit.  A forgery is taken with a chance of at most 8 ceil(len / 16) / 2^106,
 * whatever its maker can compute: below 2^-92 for the longest.
 */
#ifndef DSKE_VPN_PACKET_H
#define DSKE_VPN_PACKET_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "vpn/pad.h"

#define PACKET_HEAD 16
#define PACKET_TAG 16
#define PACKET_MORE (PACKET_HEAD + PACKET_TAG) /* bytes that a datagram is longer than its content */
#define PACKET_KEY 32                          /* bytes of pad that a packet takes beyond its content */
#define PACKET_CONTENT_MAX 65535

enum packet_kind { PACKET_DATA = 1, PACKET_WORD = 2 };

/* The checksum of TCP or UDP has the pseudo-header's sum alone: who writes it to a device has that end it.  What the
 * tunnel carries needs no checksum. */
#define PACKET_PARTIAL 0x01

struct packet_head {
	enum packet_kind kind;
	uint8_t flags;
	uint32_t unit;
	uint64_t name;
};

/* Poly1305, made ready once.  One for each thread. */
struct packet_tagger {
	EVP_MAC_CTX *poly1305;
};
dske_rc packet_tagger_init(struct packet_tagger *t); /* NOMEM */
void packet_tagger_drop(struct packet_tagger *t);

/* Reads the head; nothing of it is authentic yet.  False: no datagram of the tunnel. */
bool packet_read_head(struct packet_head *head, const uint8_t *datagram, size_t len);

/* Writes len + PACKET_MORE bytes; the pad's bytes are wiped.  content is out + PACKET_HEAD, or apart from out.
 * Errors: EXHAUSTED (nothing happened: so much is not left of this pad), NOMEM (the bytes are spent). */
dske_rc packet_seal(struct packet_tagger *t, struct pad *pad, enum packet_kind kind, uint8_t flags, uint8_t *out,
		    const uint8_t *content, size_t len);

/* Opens a datagram whose head names this pad: len - PACKET_MORE bytes to out, which is datagram + PACKET_HEAD or apart from it.  The
 * pad's bytes are burnt then; whatever fails changes nothing.  Errors: USED (repeated, or not in the pad), TAG, NOMEM. */
dske_rc packet_open(struct packet_tagger *t, struct pad *pad, const struct packet_head *head, uint8_t *out,
		    const uint8_t *datagram, size_t len);

#endif
