/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf256-public.h - products in GF(2^8) by look-up, for public values ALONE: the cache shows which
 * entry was read.  Shares and keys go through core/gf256.h.
 */
#ifndef DSKE_CORE_GF256_PUBLIC_H
#define DSKE_CORE_GF256_PUBLIC_H

#include <stdint.h>

#define GF256_HALVES 16

struct gf256_public {
	uint8_t product[256][256];
	uint8_t inverse[256]; /* of 0: 0 */
	/* A byte's products with 0x00, 0x01, .. 0x0f and with 0x00, 0x10, .. 0xf0, for shuffles within a register, which show
	 * nothing of what they look up: this byte is public, what it is multiplied by need not be. */
	uint8_t low[256][GF256_HALVES], high[256][GF256_HALVES];
};

/* Made at first use, once, thread-safe; lives for ever. */
const struct gf256_public *gf256_public(void);

#endif
