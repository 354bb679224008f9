/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf128-vpclmul.c - as gf128-pclmul.c, with four elements in a 512-bit register and 32 blocks a step.
 * What is shorter than that, and the rest of what is longer, goes the other way.
 */
#include "core/gf128.h"

#include "core/gf128-impl.h"

#ifdef __x86_64__

#include <immintrin.h>

#include "base/cpu.h"

#define TARGET __attribute__((target("avx512f,avx512bw,vpclmulqdq,pclmul,sse2")))
#define LANES 4u
#define REGISTERS 8u
#define STRIDE (LANES * REGISTERS) /* blocks */

struct wide {
	__m512i low, middle, high;
};

TARGET static inline __m512i load(const uint8_t *blocks)
{
	return _mm512_loadu_si512(blocks);
}

TARGET static inline __m512i in_last(struct gf128 a)
{
	return _mm512_set_epi64((long long)a.hi, (long long)a.lo, 0, 0, 0, 0, 0, 0);
}

TARGET static inline struct wide product(__m512i a, __m512i b)
{
	return (struct wide){
		.low = _mm512_clmulepi64_epi128(a, b, 0x00),
		.middle = _mm512_xor_si512(_mm512_clmulepi64_epi128(a, b, 0x01), _mm512_clmulepi64_epi128(a, b, 0x10)),
		.high = _mm512_clmulepi64_epi128(a, b, 0x11),
	};
}

TARGET static inline void product_add(struct wide *sum, __m512i a, __m512i b)
{
	sum->low = _mm512_xor_si512(sum->low, _mm512_clmulepi64_epi128(a, b, 0x00));
	sum->middle = _mm512_xor_si512(sum->middle, _mm512_clmulepi64_epi128(a, b, 0x01));
	sum->middle = _mm512_xor_si512(sum->middle, _mm512_clmulepi64_epi128(a, b, 0x10));
	sum->high = _mm512_xor_si512(sum->high, _mm512_clmulepi64_epi128(a, b, 0x11));
}

TARGET static inline __m512i reduce(struct wide p)
{
	const __m512i tail = _mm512_set_epi64(0, 0x87, 0, 0x87, 0, 0x87, 0, 0x87);
	__m512i low = _mm512_xor_si512(p.low, _mm512_bslli_epi128(p.middle, 8));
	__m512i high = _mm512_xor_si512(p.high, _mm512_bsrli_epi128(p.middle, 8));
	__m512i fold = _mm512_clmulepi64_epi128(high, tail, 0x01);

	low = _mm512_xor_si512(low, _mm512_bslli_epi128(fold, 8));
	high = _mm512_xor_si512(high, _mm512_bsrli_epi128(fold, 8));
	return _mm512_xor_si512(low, _mm512_clmulepi64_epi128(high, tail, 0x00));
}

/* power[i] = (c^(4i+1), .., c^(4i+4)). */
TARGET static void powers_make(__m512i power[REGISTERS], struct gf128 c)
{
	struct gf128 p[LANES] = {c};

	for (size_t i = 1; i < LANES; i++)
		p[i] = gf128_pclmul.mul(p[i - 1], c);
	power[0] = _mm512_set_epi64((long long)p[3].hi, (long long)p[3].lo, (long long)p[2].hi, (long long)p[2].lo,
				    (long long)p[1].hi, (long long)p[1].lo, (long long)p[0].hi, (long long)p[0].lo);
	__m512i fourth = _mm512_shuffle_i64x2(power[0], power[0], 0xff); /* c^4 in each lane */
	for (size_t i = 1; i < REGISTERS; i++)
		power[i] = reduce(product(power[i - 1], fourth));
}

/* The sum of the four lanes, in the last one; the others are zero. */
TARGET static inline __m512i lanes_sum(__m512i a)
{
	__m512i pairs = _mm512_xor_si512(a, _mm512_shuffle_i64x2(a, a, 0x4e));
	__m512i all = _mm512_xor_si512(pairs, _mm512_shuffle_i64x2(pairs, pairs, 0xb1));

	return _mm512_maskz_mov_epi64(0xc0, all);
}

/* acc: in the last lane, where the highest power is. */
TARGET static inline __m512i step(__m512i acc, const __m512i power[REGISTERS], const uint8_t *blocks)
{
	const size_t len = LANES * GF128_LEN;
	struct wide sum = product(_mm512_xor_si512(acc, load(blocks + (REGISTERS - 1) * len)), power[REGISTERS - 1]);

	for (size_t i = 0; i < REGISTERS - 1; i++)
		product_add(&sum, load(blocks + i * len), power[i]);
	return lanes_sum(reduce(sum));
}

TARGET static struct gf128 last_lane(__m512i a)
{
	__m128i last = _mm512_extracti32x4_epi32(a, 3);

	return (struct gf128){(uint64_t)_mm_cvtsi128_si64(last), (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(last, last))};
}

TARGET static struct gf128 horner(struct gf128 start, struct gf128 c, const uint8_t *blocks, size_t block_count)
{
	__m512i power[REGISTERS];
	size_t left = block_count;

	if (left >= STRIDE) {
		__m512i acc = in_last(start);

		powers_make(power, c);
		for (; left >= STRIDE; left -= STRIDE)
			acc = step(acc, power, blocks + (left - STRIDE) * GF128_LEN);
		start = last_lane(acc);
	}
	return gf128_pclmul.horner(start, c, blocks, left);
}

static struct gf128 mul(struct gf128 a, struct gf128 b)
{
	return gf128_pclmul.mul(a, b);
}

static bool usable(void)
{
	return cpu_has(CPU_AVX512) && cpu_has(CPU_VPCLMUL) && gf128_pclmul.usable();
}

const struct gf128_impl gf128_vpclmul = {"vpclmul", usable, mul, horner};

#endif
