/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf256-neon.c - as gf256-avx2.c, with the registers of 64-bit ARM: TBL looks halves of 16 bytes up within a
 * register, in a time that does not depend on them.
 */
#include "core/gf256.h"

#include "core/gf256-impl.h"

#ifdef __aarch64__

#include <arm_neon.h>

#include "core/gf256-rows.h"

#define TARGET
#define LANE ((size_t)16)
#define ROWS_MOST 6
#define WIDTH 2u

typedef uint8x16_t vec;

struct operand {
	vec low, high; /* halves of bytes */
};

struct factor {
	vec low, high; /* its products with them */
};

INLINE vec vec_load(const uint8_t *p)
{
	return vld1q_u8(p);
}

INLINE void vec_store(uint8_t *p, vec a)
{
	vst1q_u8(p, a);
}

INLINE vec vec_zero(void)
{
	return vdupq_n_u8(0);
}

INLINE vec vec_add(vec a, vec b)
{
	return veorq_u8(a, b);
}

INLINE struct operand operand_make(vec x)
{
	return (struct operand){vandq_u8(x, vdupq_n_u8(0x0f)), vshrq_n_u8(x, 4)};
}

INLINE struct factor factor_make(const struct rows *m, uint8_t c)
{
	return (struct factor){vld1q_u8(m->gf->low[c]), vld1q_u8(m->gf->high[c])};
}

INLINE vec times(struct factor f, struct operand x)
{
	return veorq_u8(vqtbl1q_u8(f.low, x.low), vqtbl1q_u8(f.high, x.high));
}

#include "core/gf256-lanes.h"

static bool usable(void)
{
	return true; /* every 64-bit ARM processor has them */
}

const struct gf256_impl gf256_neon = {"neon", usable, matrix, NULL};

#endif
