/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf128-vpclmul.c - as gf128-pclmul.c, with four elements in a 512-bit register and 32 blocks a step.  Of the
 * highest powers, which come first, a step may have fewer; what is missing there is loaded as zeros.
 */
#include "core/gf128.h"

#include "core/gf128-impl.h"

#ifdef __x86_64__

#include <immintrin.h>

#include "base/cpu.h"

#define TARGET __attribute__((target("avx512f,avx512bw,vpclmulqdq,pclmul,sse2")))
#define LANES 4u
#define REGISTERS 8u
#define LEN ((size_t)(LANES * GF128_LEN)) /* bytes of a register */

struct wide {
	__m512i low, middle, high;
};

TARGET static inline __m512i load(const uint8_t *blocks)
{
	return _mm512_loadu_si512(blocks);
}

TARGET static inline __m512i in_all(struct gf128 a)
{
	return _mm512_broadcast_i32x4(_mm_set_epi64x((long long)a.hi, (long long)a.lo));
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

TARGET static inline __m512i times(__m512i a, __m512i b)
{
	return reduce(product(a, b));
}

TARGET static inline __m512i last_of(__m512i a)
{
	return _mm512_shuffle_i64x2(a, a, 0xff);
}

/* power[i] = (c^(4i+1), .., c^(4i+4)); c: in each lane.  Each is made of two from its middle, so that few wait for
 * each other. */
TARGET static inline void powers_make(__m512i power[REGISTERS], size_t count, __m512i c)
{
	__m512i square = times(c, c), pairs = _mm512_mask_mov_epi64(c, 0xcc, square);

	power[0] = _mm512_mask_mov_epi64(pairs, 0xf0, times(pairs, square));
	for (size_t have = 1; have < count; have *= 2) {
		__m512i highest = last_of(power[have - 1]);

		for (size_t i = have; i < 2 * have && i < count; i++)
			power[i] = times(power[i - have], highest);
	}
}

TARGET static inline __m512i lanes_sum(__m512i a)
{
	__m512i pairs = _mm512_xor_si512(a, _mm512_shuffle_i64x2(a, a, 0x4e));

	return _mm512_xor_si512(pairs, _mm512_shuffle_i64x2(pairs, pairs, 0xb1)); /* in each lane */
}

/* As many registers as powers are given; `last` is the highest of them, with what is added to it. */
TARGET static inline __m512i step(const __m512i power[REGISTERS], const uint8_t *blocks, size_t count, __m512i last)
{
	struct wide sum = product(last, power[count - 1]);

	for (size_t i = 0; i < count - 1; i++)
		product_add(&sum, load(blocks + i * LEN), power[i]);
	return lanes_sum(reduce(sum));
}

/* The last bytes, 1 to LEN of them, and acc in the lane of the last of them. */
TARGET static inline __m512i load_last(const uint8_t *bytes, size_t len, __m512i acc)
{
	size_t lane = (len - 1) / GF128_LEN;
	__m512i last = _mm512_maskz_loadu_epi8(~(__mmask64)0 >> (LEN - len), bytes);

	return _mm512_xor_si512(last, _mm512_maskz_mov_epi64((__mmask8)(3u << 2 * lane), acc));
}

/* acc, c: in each lane, as what is returned. */
TARGET static inline __m512i sum(__m512i acc, __m512i c, const uint8_t *bytes, size_t len)
{
	__m512i power[REGISTERS];
	size_t registers = (len + LEN - 1) / LEN, top = (registers - 1) % REGISTERS + 1;

	if (len == 0)
		return acc;
	powers_make(power, registers < REGISTERS ? registers : REGISTERS, c);

	size_t at = (registers - top) * LEN, last = (registers - 1) * LEN;

	acc = step(power, bytes + at, top, load_last(bytes + last, len - last, acc));
	while (at > 0) {
		const uint8_t *highest = bytes + at - LEN;

		at -= REGISTERS * LEN;
		acc = step(power, bytes + at, REGISTERS, load_last(highest, LEN, acc));
	}
	return acc;
}

TARGET static inline struct gf128 first_lane(__m512i a)
{
	__m128i first = _mm512_castsi512_si128(a);

	return (struct gf128){(uint64_t)_mm_cvtsi128_si64(first), (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(first, first))};
}

TARGET static struct gf128 horner(struct gf128 acc, struct gf128 c, const uint8_t *bytes, size_t len)
{
	return first_lane(sum(in_all(acc), in_all(c), bytes, len));
}

TARGET static inline __m512i element(const uint8_t bytes[GF128_LEN])
{
	return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

TARGET static void tag(uint8_t out[GF128_LEN], const uint8_t *c_bytes, const uint8_t *d, const uint8_t *e, const uint8_t *bytes,
		       size_t len)
{
	__m512i c = element(c_bytes), all = sum(times(c, in_all(gf128_bits(len))), c, bytes, len);

	if (e)
		all = times(c, _mm512_xor_si512(all, element(e)));
	_mm_storeu_si128((__m128i *)(void *)out, _mm512_castsi512_si128(_mm512_xor_si512(all, element(d))));
}

static struct gf128 mul(struct gf128 a, struct gf128 b)
{
	return gf128_pclmul.mul(a, b);
}

static bool usable(void)
{
	return cpu_has(CPU_AVX512) && cpu_has(CPU_VPCLMUL) && gf128_pclmul.usable();
}

const struct gf128_impl gf128_vpclmul = {"vpclmul", usable, mul, horner, tag};

#endif
