/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf128-portable.c - GF(2^128) with integer multiplications alone.
 *
 * Carries are kept apart by holes: an operand is cut into four classes, class r holding its bits at
 * positions 4i+r.  In the integer product of two classes a column, four bits wide, counts the pairs
 * that meet there; the count's lowest bit is the coefficient wanted, and a count up to 15 stays inside
 * its column.  64-bit operands have 16 bits a class, one too many, so the top bit of each class of one
 * operand (its bits 60..63) is left out and added by shifts.
 *
 * No table, no branch, no address depends on the operands; the multiplication itself takes constant
 * time on every 64-bit machine that Debian runs on.
 */
#include "core/gf128.h"

#include "core/gf128-impl.h"

#include <string.h>

#include "base/secret.h"

__extension__ typedef unsigned __int128 u128;

#define CLASS UINT64_C(0x1111111111111111)
#define CLASS_WIDE ((u128)CLASS << 64 | CLASS)
#define TOP_LEN 4 /* bits of the second operand that go by shifts */

/* The constant operand of a product, made ready once for a whole message. */
struct operand {
	uint64_t class_[4]; /* without the top bits */
	uint64_t top;       /* bits 60..63, moved to 0..3 */
};

/* lo, hi and lo ^ hi: the three products of Karatsuba's rule. */
struct multiplier {
	struct operand lo, hi, both;
};

static struct operand operand_make(uint64_t y)
{
	struct operand o = {.top = y >> (64 - TOP_LEN)};

	y &= UINT64_MAX >> TOP_LEN;
	for (unsigned r = 0; r < 4; r++)
		o.class_[r] = y & (CLASS << r);
	return o;
}

static struct multiplier multiplier_make(struct gf128 c)
{
	return (struct multiplier){operand_make(c.lo), operand_make(c.hi), operand_make(c.lo ^ c.hi)};
}

/* Product of two polynomials of degree below 64. */
static inline u128 product64(uint64_t x, const struct operand *y)
{
	u128 x0 = x & CLASS, x1 = x & (CLASS << 1), x2 = x & (CLASS << 2), x3 = x & (CLASS << 3);
	const uint64_t *c = y->class_;
	u128 z0 = (x0 * c[0]) ^ (x1 * c[3]) ^ (x2 * c[2]) ^ (x3 * c[1]);
	u128 z1 = (x0 * c[1]) ^ (x1 * c[0]) ^ (x2 * c[3]) ^ (x3 * c[2]);
	u128 z2 = (x0 * c[2]) ^ (x1 * c[1]) ^ (x2 * c[0]) ^ (x3 * c[3]);
	u128 z3 = (x0 * c[3]) ^ (x1 * c[2]) ^ (x2 * c[1]) ^ (x3 * c[0]);
	u128 z = (z0 & CLASS_WIDE) | (z1 & CLASS_WIDE << 1) | (z2 & CLASS_WIDE << 2) | (z3 & CLASS_WIDE << 3);

	for (unsigned i = 0; i < TOP_LEN; i++)
		z ^= (u128)(x & (0 - (y->top >> i & 1))) << (64 - TOP_LEN + i);
	return z;
}

/* x^128 = x^7 + x^2 + x + 1: folds the upper half of a product of degree below 255 into the lower. */
static inline struct gf128 reduce(u128 low, u128 high)
{
	uint64_t w1 = (uint64_t)(low >> 64), w0 = (uint64_t)low;
	uint64_t t = (uint64_t)(high >> 64), w2 = (uint64_t)high;

	w1 ^= t ^ t << 1 ^ t << 2 ^ t << 7;
	w2 ^= t >> 63 ^ t >> 62 ^ t >> 57;
	w0 ^= w2 ^ w2 << 1 ^ w2 << 2 ^ w2 << 7;
	w1 ^= w2 >> 63 ^ w2 >> 62 ^ w2 >> 57;
	return (struct gf128){w0, w1};
}

static inline struct gf128 product(struct gf128 a, const struct multiplier *m)
{
	u128 lo = product64(a.lo, &m->lo);
	u128 hi = product64(a.hi, &m->hi);
	u128 mid = product64(a.lo ^ a.hi, &m->both) ^ lo ^ hi;

	return reduce(lo ^ mid << 64, hi ^ mid >> 64);
}

static struct gf128 mul(struct gf128 a, struct gf128 b)
{
	struct multiplier m = multiplier_make(b);

	return product(a, &m);
}

static struct gf128 horner(struct gf128 acc, struct gf128 c, const uint8_t *bytes, size_t len)
{
	struct multiplier m = multiplier_make(c);
	size_t rest = len % GF128_LEN;

	if (rest > 0) {
		uint8_t last[GF128_LEN] = {0};

		memcpy(last, bytes + len - rest, rest);
		acc = product(gf128_add(acc, gf128_load(last)), &m);
		mem_wipe(last, sizeof last);
	}
	for (size_t j = len / GF128_LEN; j-- > 0;)
		acc = product(gf128_add(acc, gf128_load(bytes + j * GF128_LEN)), &m);
	return acc;
}

static void tag(uint8_t out[GF128_LEN], const uint8_t *c_bytes, const uint8_t *d, const uint8_t *e, const uint8_t *bytes,
		size_t len)
{
	struct gf128 c = gf128_load(c_bytes), sum = horner(mul(gf128_bits(len), c), c, bytes, len);

	if (e)
		sum = mul(gf128_add(sum, gf128_load(e)), c);
	gf128_store(out, gf128_add(sum, gf128_load(d)));
}

static bool usable(void)
{
	return true;
}

const struct gf128_impl gf128_portable = {"portable", usable, mul, horner, tag};
