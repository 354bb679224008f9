/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf128-pclmul.c - GF(2^128) with the carry-less multiplication of x86-64, whose time does not depend
 * on its operands.
 *
 * Horner's rule waits for each product before it begins the next.  Here eight blocks go into one step,
 *
 *     acc = (acc + y_8) c^8 + y_7 c^7 + .. + y_1 c
 *
 * whose products are independent, are added unreduced, and are reduced once.
 */
#include "core/gf128.h"

#include "core/gf128-impl.h"

#ifdef __x86_64__

#include <immintrin.h>

#include "base/cpu.h"

#define TARGET __attribute__((target("pclmul,sse2")))
#define STRIDE 8u

/* A product of degree below 255, not reduced: low + x^64 middle + x^128 high. */
struct wide {
	__m128i low, middle, high;
};

TARGET static inline __m128i load(const uint8_t *block)
{
	return _mm_loadu_si128((const __m128i *)(const void *)block);
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

TARGET static struct gf128 mul(struct gf128 a, struct gf128 b)
{
	return to_element(reduce(product(from_element(a), from_element(b))));
}

/* blocks: STRIDE of them; power[i] = c^(i+1). */
TARGET static inline __m128i step(__m128i acc, const __m128i power[STRIDE], const uint8_t *blocks)
{
	struct wide sum = product(_mm_xor_si128(acc, load(blocks + (STRIDE - 1) * GF128_LEN)), power[STRIDE - 1]);

	for (size_t i = 0; i < STRIDE - 1; i++)
		sum = wide_add(sum, product(load(blocks + i * GF128_LEN), power[i]));
	return reduce(sum);
}

TARGET static struct gf128 horner(struct gf128 start, struct gf128 c, const uint8_t *blocks, size_t block_count)
{
	__m128i acc = from_element(start), power[STRIDE] = {from_element(c)};
	size_t left = block_count;

	if (left >= STRIDE) {
		for (size_t i = 1; i < STRIDE; i++)
			power[i] = reduce(product(power[i - 1], power[0]));
		for (; left >= STRIDE; left -= STRIDE)
			acc = step(acc, power, blocks + (left - STRIDE) * GF128_LEN);
	}
	while (left-- > 0)
		acc = reduce(product(_mm_xor_si128(acc, load(blocks + left * GF128_LEN)), power[0]));
	return to_element(acc);
}

static bool usable(void)
{
	return cpu_has(CPU_PCLMUL);
}

const struct gf128_impl gf128_pclmul = {"pclmul", usable, mul, horner};

#endif
