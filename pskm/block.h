/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/block.h - secret memory in pieces of one size, for a hub with thousands of windows: to find one and to give it
 * back takes no longer when there are many.
 *
 * Thread-safe.  What was taken before a fork is the parent's: a child does not give it back.
 */
#ifndef DSKE_PSKM_BLOCK_H
#define DSKE_PSKM_BLOCK_H

#include <stdint.h>

#define BLOCK_LEN 4096 /* bytes */

struct slab;

struct block {
	uint8_t *bytes;   /* BLOCK_LEN of them; NULL: none */
	struct slab *slab; /* where it belongs */
};

/* All zeros; none when there is no memory. */
struct block block_take(void);

/* Wipes it; *b is none then.  Safe on none. */
void block_give(struct block *b);

#endif
