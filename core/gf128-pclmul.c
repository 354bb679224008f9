/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf128-pclmul.c - GF(2^128) with the carry-less multiplication of x86-64, whose time does not depend
 * on its operands.
 */
#include "core/gf128.h"

#include "core/gf128-impl.h"

#ifdef __x86_64__

#include <immintrin.h>

#include "base/cpu.h"

#define TARGET __attribute__((target("pclmul,sse2")))

typedef __m128i vec;

/* A product of degree below 255, not reduced: low + x^64 middle + x^128 high. */
struct wide {
	__m128i low, middle, high;
};

TARGET static inline __m128i load(const uint8_t *block)
{
	return _mm_loadu_si128((const __m128i *)(const void *)block);
}

TARGET static inline void store(uint8_t *block, __m128i a)
{
	_mm_storeu_si128((__m128i *)(void *)block, a);
}

TARGET static inline __m128i add(__m128i a, __m128i b)
{
	return _mm_xor_si128(a, b);
}

TARGET static inline __m128i from_element(struct gf128 a)
{
	return _mm_set_epi64x((long long)a.hi, (long long)a.lo);
}

TARGET static inline struct gf128 to_element(__m128i a)
{
	return (struct gf128){(uint64_t)_mm_cvtsi128_si64(a), (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(a, a))};
}

TARGET static inline struct wide product(__m128i a, __m128i b)
{
	return (struct wide){
		.low = _mm_clmulepi64_si128(a, b, 0x00),
		.middle = _mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10)),
		.high = _mm_clmulepi64_si128(a, b, 0x11),
	};
}

TARGET static inline struct wide wide_add(struct wide a, struct wide b)
{
	return (struct wide){_mm_xor_si128(a.low, b.low), _mm_xor_si128(a.middle, b.middle), _mm_xor_si128(a.high, b.high)};
}

/* x^128 = x^7 + x^2 + x + 1, 0x87: folds the upper 64 bits, then the 64 below them. */
TARGET static inline __m128i reduce(struct wide p)
{
	const __m128i tail = _mm_set_epi64x(0, 0x87);
	__m128i low = _mm_xor_si128(p.low, _mm_slli_si128(p.middle, 8));
	__m128i high = _mm_xor_si128(p.high, _mm_srli_si128(p.middle, 8));
	__m128i fold = _mm_clmulepi64_si128(high, tail, 0x01);

	low = _mm_xor_si128(low, _mm_slli_si128(fold, 8));
	high = _mm_xor_si128(high, _mm_srli_si128(fold, 8));
	return _mm_xor_si128(low, _mm_clmulepi64_si128(high, tail, 0x00));
}

#include "core/gf128-steps.h"

static bool usable(void)
{
	return cpu_has(CPU_PCLMUL);
}

const struct gf128_impl gf128_pclmul = {"pclmul", usable, mul, horner, tag};

#endif
