/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf256-public.h - products in GF(2^8) by look-up, for public values ALONE: the cache shows which
 * entry was read.  Shares and keys go through core/gf256.h.
 */
#ifndef DSKE_CORE_GF256_PUBLIC_H
#define DSKE_CORE_GF256_PUBLIC_H

#include <stdint.h>

struct gf256_public {
	uint8_t product[256][256];
	uint8_t inverse[256]; /* of 0: 0 */
};

/* Made at first use, once, thread-safe; lives for ever. */
const struct gf256_public *gf256_public(void);

#endif
