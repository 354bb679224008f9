/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf128.h - GF(2^128) modulo x^128+x^7+x^2+x+1 in polynomial basis: bit i of byte j is the
 * coefficient of x^(8j+i).  The field of the message tag and of the key tag.
 */
#ifndef DSKE_CORE_GF128_H
#define DSKE_CORE_GF128_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define GF128_LEN 16

struct gf128 {
	uint64_t lo, hi; /* coefficients of x^0..x^63 and x^64..x^127 */
};

struct gf128 gf128_load(const uint8_t bytes[GF128_LEN]);
void gf128_store(uint8_t bytes[GF128_LEN], struct gf128 a);
struct gf128 gf128_add(struct gf128 a, struct gf128 b);

struct gf128_impl {
	const char *name;
	bool (*usable)(void);
	struct gf128 (*mul)(struct gf128 a, struct gf128 b);
	/* Horner over 16-byte blocks, the last of len bytes padded with zeros and taken first:
	 *     acc = (acc + y_j) * c  for j = s..1,  which gives  c^s acc + sum_{j=1..s} c^j y_j. */
	struct gf128 (*horner)(struct gf128 acc, struct gf128 c, const uint8_t *bytes, size_t len);
	/* Both tags of core/tag.h, a whole one at once: with sum_{j=1..s} c^j y_j over the blocks and their length, it is
	 * d + sum, or, where e is given, d + c (e + sum).  Elements are bytes here, since moving them through integers takes as
	 * long as a short tag. */
	void (*tag)(uint8_t out[GF128_LEN], const uint8_t *c, const uint8_t *d, const uint8_t *e, const uint8_t *bytes, size_t len);
};

/* Fastest first, ending with NULL; the portable one is always usable. */
extern const struct gf128_impl *const gf128_impls[];

/* The first usable one, or the one that DSKE_GF128 names (for tests; not read under setuid).  Chosen at
 * first use, once, thread-safe. */
const struct gf128_impl *gf128_selected(void);

struct gf128 gf128_mul(struct gf128 a, struct gf128 b);
struct gf128 gf128_horner(struct gf128 acc, struct gf128 c, const uint8_t *bytes, size_t len);

/* The last block of a tag. */
static inline struct gf128 gf128_bits(size_t len)
{
	uint64_t bytes = len;

	return (struct gf128){bytes << 3, bytes >> 61};
}

#endif
