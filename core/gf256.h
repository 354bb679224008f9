/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf256.h - GF(2^8) modulo x^8+x^4+x^3+x+1 (0x11B), in which shares are computed
 * (DSKE 2.5.1).
 *
 * Data are secret, coefficients are public: they come from x-coordinates.  No branch or address
 * depends on data.  The implementation is a row of a table, chosen once (gf256_selected).
 */
#ifndef DSKE_CORE_GF256_H
#define DSKE_CORE_GF256_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

/* Products and inverses of public values (bit by bit, constant time all the same). inv(0) = 0. */
uint8_t gf256_mul(uint8_t a, uint8_t b);
uint8_t gf256_inv(uint8_t a);

#define GF256_FEW 32

struct gf256_impl {
	const char *name;
	bool (*usable)(void);
	/* out[r] = sum over c of coefficients[r*columns + c] * in[c], for len bytes; out rows and in
	 * rows do not overlap.  rows and columns up to 255. */
	void (*matrix)(uint8_t *const *out, size_t rows, const uint8_t *const *in, size_t columns,
		       const uint8_t *coefficients, size_t len);
	/* Does what shamir_interpolate does, for 1 to GF256_FEW known points and 0 to GF256_FEW wanted ones, without looking
	 * coefficients up.  False: two known coordinates are equal.  NULL: this variant has no way of its own. */
	bool (*interpolate)(const uint8_t *known_x, const uint8_t *const *known, size_t k, const uint8_t *wanted_x,
			    uint8_t *const *wanted, size_t count, size_t len);
};

/* All implementations, fastest first, ending with NULL; the portable one is always usable. */
extern const struct gf256_impl *const gf256_impls[];

/* The one in use: the first usable, or the one that DSKE_GF256 names (for tests; not read under
 * setuid).  Chosen at first use, once, thread-safe. */
const struct gf256_impl *gf256_selected(void);

/* matrix of the selected implementation. */
void gf256_matrix(uint8_t *const *out, size_t rows, const uint8_t *const *in, size_t columns,
		  const uint8_t *coefficients, size_t len);

#endif
