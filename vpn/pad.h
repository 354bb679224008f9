/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/pad.h - an agreed key as a one-time pad, used up packet by packet.
 *
 * A pad is of one direction.  It is counted in units of 16 bytes, so that one bit a unit tells exactly what is gone,
 * whatever comes late, twice or never.  Bytes are wiped as they are used; what a program that ends has not used is
 * lost with its memory, so nothing has to be recorded for one-time use.
 *
 *	sender     pad_take, in order          receiver     pad_at, then pad_burn, in any order
 *
 * Not for several threads at once.
 */
#ifndef DSKE_VPN_PAD_H
#define DSKE_VPN_PAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"

#define PAD_UNIT 16
#define PAD_MAX ((size_t)1 << 30) /* bytes: the longest key that can be agreed (doc/protocol.md 8.1) */

struct pad {
	uint64_t name;       /* the first 8 bytes of the key ID, which is random */
	struct secret bytes; /* owned */
	uint32_t units;      /* in all; what is left over of the bytes is not used */
	uint32_t next;       /* sender: the first unit that is not taken */
	uint64_t *used;      /* receiver: owned, a bit for each unit; NULL at a sender */
	_Atomic uint64_t left; /* bytes that are not used; any thread may read it */
};

enum pad_side { PAD_SENDS, PAD_RECEIVES };

/* Takes key over (it is empty afterwards).  *p must be empty.  Errors: TOOBIG, NOMEM. */
dske_rc pad_init(struct pad *p, enum pad_side side, uint64_t name, struct secret *key);
void pad_drop(struct pad *p); /* wipes; safe on an empty one */

/* Sender: the next len bytes, at unit *unit, which are not handed out again, and pad_spent wipes.  NULL: so many are not
 * left.  Borrowed from p. */
const uint8_t *pad_take(struct pad *p, size_t len, uint32_t *unit);
void pad_spent(struct pad *p, uint32_t unit, size_t len);

/* Sender: wipes what is left, as it is too little. */
void pad_end(struct pad *p);

/* Receiver: the len bytes at that unit, still to be burnt; NULL when one of their units lies outside or is used. */
const uint8_t *pad_at(const struct pad *p, uint32_t unit, size_t len);

/* Receiver: what pad_at gave is used from now on, and wiped. */
void pad_burn(struct pad *p, uint32_t unit, size_t len);

#endif
