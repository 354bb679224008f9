/* SPDX-License-Identifier: Apache-2.0 */
/* core/gf256-ymm.h - AVX2's registers of 32 bytes, for a variant that has defined TARGET (core/gf256-lanes.h). */
#include <immintrin.h>

#include "core/gf256-rows.h"

#define LANE ((size_t)32)
#define WIDTH 2u

typedef __m256i vec;

TARGET INLINE vec vec_load(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

TARGET INLINE void vec_store(uint8_t *p, vec a)
{
	_mm256_storeu_si256((__m256i *)(void *)p, a);
}

TARGET INLINE vec vec_zero(void)
{
	return _mm256_setzero_si256();
}

TARGET INLINE vec vec_add(vec a, vec b)
{
	return _mm256_xor_si256(a, b);
}
