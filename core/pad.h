/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/pad.h - reserved table bytes, consumable once.
 *
 * A `struct pad` owns bytes that the ledger has already recorded as used, and the place they come
 * from.  Taking its front erases it there, so that using a byte twice needs intent.  The layout of
 * every request's range is: message-tag key (32), reply-tag key (32), then pad for its ciphertext
 * (doc/protocol.md, "Tags").
 */
#ifndef DSKE_CORE_PAD_H
#define DSKE_CORE_PAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"

#define PAD_KEYS_LEN 64 /* message-tag key and reply-tag key in front of every range */

struct pad {
	struct secret bytes; /* owned */
	size_t taken;        /* bytes of the front already consumed */
	uint64_t offset;     /* where the range begins in its table */
};

/* Bytes left. */
size_t pad_left(const struct pad *p);

/* Copies the next len bytes to out (len > 0) and erases them here.  Errors: EXHAUSTED. */
dske_rc pad_take(struct pad *p, void *out, size_t len);

/* Reads the next bytes at distance `ahead` without consuming; for a share that is the pad itself
 * (DSKE 2.3.1).  NULL when fewer than ahead + len are left.  Dies with the next pad_take. */
const uint8_t *pad_peek(const struct pad *p, size_t ahead, size_t len);

/* out = in XOR next len bytes, which are erased; out may be in.  Errors: EXHAUSTED. */
dske_rc pad_xor(struct pad *p, void *out, const void *in, size_t len);

/* The same where they are: in XOR the next len bytes takes their place; with in NULL they are themselves what is wanted (a
 * share that is the pad).  They are pad no more, and die with it.  NULL: fewer than len are left. */
uint8_t *pad_open(struct pad *p, const void *in, size_t len);

void pad_move(struct pad *to, struct pad *from);
void pad_drop(struct pad *p); /* wipes what is left */

#endif
