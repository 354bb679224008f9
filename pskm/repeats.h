/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/repeats.h - was this seen before?  A set that grows with what it has seen, 16 to 32 bytes for each.
 *
 * It keeps 64 bits of each one's HMAC-SHA256 under a random key: two different ones are taken for one with probability
 * 2^-64; among the most there are, 2^-19 in all.  Wiped when dropped: they may be keys.
 */
#ifndef DSKE_PSKM_REPEATS_H
#define DSKE_PSKM_REPEATS_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"

#define REPEATS_MOST ((size_t)1 << 23)

struct repeats {
	struct secret salt;
	uint64_t *slot; /* owned; 0: free */
	size_t slots, count;
};

/* The caller drops it, also after a failure.  Errors: NOMEM, IO. */
dske_rc repeats_init(struct repeats *r);
void repeats_drop(struct repeats *r);

/* Enters it; *before tells whether it was there.  Errors: NOMEM, TOOBIG. */
dske_rc repeats_enter(struct repeats *r, const void *bytes, size_t len, bool *before);

#endif
