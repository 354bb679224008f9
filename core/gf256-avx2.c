/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf256-avx2.c - rows of products in GF(2^8), 32 bytes at once: c*x is c*(low half of x) plus c*(high
 * half of x), and a shuffle within a register looks up 32 such halves.  That is no look-up in memory: its
 * time does not depend on what is looked up.  The tables are made of coefficients, which are public.
 */
#include "core/gf256.h"

#include "core/gf256-impl.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#include "base/cpu.h"
#include "base/secret.h"

#define TARGET __attribute__((target("avx2")))
#define LANE ((size_t)32)  /* bytes of a register */
#define TILE_LEN ((size_t)4096) /* of an output row: stays in the first-level cache */
#define HALVES 16u

/* c times each low half, and c times each high half. */
struct products {
	uint8_t low[HALVES], high[HALVES];
};

/* Each product is the sum of those of single bits. */
static void products_make(struct products *p, uint8_t c)
{
	unsigned power = c;

	memset(p, 0, sizeof *p);
	for (unsigned bit = 0; bit < 8; bit++) {
		uint8_t *half = bit < 4 ? p->low : p->high;

		for (unsigned i = 0; i < HALVES; i++)
			half[i] ^= (uint8_t)(power & (0u - (i >> bit % 4 & 1)));
		power = (power << 1) ^ (0x11bu & (0u - (power >> 7)));
	}
}

TARGET static inline __m256i spread(const uint8_t half[HALVES])
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)half));
}

TARGET static inline __m256i times(__m256i low, __m256i high, __m256i x)
{
	const __m256i mask = _mm256_set1_epi8(0x0f);
	__m256i lows = _mm256_and_si256(x, mask), highs = _mm256_and_si256(_mm256_srli_epi64(x, 4), mask);

	return _mm256_xor_si256(_mm256_shuffle_epi8(low, lows), _mm256_shuffle_epi8(high, highs));
}

TARGET static inline void add_lane(uint8_t *out, const uint8_t *in, __m256i low, __m256i high)
{
	__m256i *to = (__m256i *)(void *)out;
	__m256i x = _mm256_loadu_si256((const __m256i *)(const void *)in);

	_mm256_storeu_si256(to, _mm256_xor_si256(_mm256_loadu_si256(to), times(low, high, x)));
}

/* out += c * in */
TARGET static void add_product(uint8_t *out, const uint8_t *in, const struct products *c, size_t len)
{
	__m256i low = spread(c->low), high = spread(c->high);
	size_t at = 0;

	for (; len - at >= LANE; at += LANE)
		add_lane(out + at, in + at, low, high);
	if (at < len) {
		uint8_t rest[2][LANE] = {{0}};

		memcpy(rest[0], out + at, len - at);
		memcpy(rest[1], in + at, len - at);
		add_lane(rest[0], rest[1], low, high);
		memcpy(out + at, rest[0], len - at);
		mem_wipe(rest, sizeof rest);
	}
}

static void matrix(uint8_t *const *out, size_t rows, const uint8_t *const *in, size_t columns,
		   const uint8_t *coefficients, size_t len)
{
	for (size_t r = 0; r < rows; r++) {
		struct products products[255];

		for (size_t c = 0; c < columns; c++)
			products_make(&products[c], coefficients[r * columns + c]);
		for (size_t at = 0; at < len; at += TILE_LEN) {
			size_t now = len - at < TILE_LEN ? len - at : TILE_LEN;

			memset(out[r] + at, 0, now);
			for (size_t c = 0; c < columns; c++)
				add_product(out[r] + at, in[c] + at, &products[c], now);
		}
	}
}

static bool usable(void)
{
	return cpu_has(CPU_AVX2);
}

const struct gf256_impl gf256_avx2 = {"avx2", usable, matrix};

#endif
