/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf256-avx2.c - rows of products in GF(2^8), 32 bytes at once: c*x is c*(low half of x) plus c*(high
 * half of x), and a shuffle within a register looks up 32 such halves.  That is no look-up in memory: its
 * time does not depend on what is looked up.  The tables are made of coefficients, which are public.
 */
#include "core/gf256.h"

#include "core/gf256-impl.h"

#ifdef __x86_64__

#include "base/cpu.h"

#define TARGET __attribute__((target("avx2")))
#define ROWS_MOST 3

#include "core/gf256-ymm.h"

struct operand {
	vec low, high; /* halves of bytes */
};

struct factor {
	vec low, high; /* its products with them */
};

TARGET INLINE struct operand operand_make(vec x)
{
	const vec half = _mm256_set1_epi8(0x0f);

	return (struct operand){_mm256_and_si256(x, half), _mm256_and_si256(_mm256_srli_epi64(x, 4), half)};
}

TARGET INLINE vec spread(const uint8_t half[GF256_HALVES])
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)half));
}

TARGET INLINE struct factor factor_make(const struct rows *m, uint8_t c)
{
	return (struct factor){spread(m->gf->low[c]), spread(m->gf->high[c])};
}

TARGET INLINE vec times(struct factor f, struct operand x)
{
	return _mm256_xor_si256(_mm256_shuffle_epi8(f.low, x.low), _mm256_shuffle_epi8(f.high, x.high));
}

#include "core/gf256-lanes.h"

static bool usable(void)
{
	return cpu_has(CPU_AVX2);
}

const struct gf256_impl gf256_avx2 = {"avx2", usable, matrix, NULL};

#endif
