/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf256-gfni.c - rows of products in GF(2^8) with GFNI, whose multiplication is in this very field,
 * and AVX-512.
 *
 * A tile of up to ROWS_MOST rows times some registers stays in registers while all columns are added to it: each
 * input is loaded once for so many rows.  More would spill.  The last bytes go masked, so that short keys cost
 * little and nothing is read or written beyond them.
 */
#include "core/gf256.h"

#include "core/gf256-impl.h"

#ifdef __x86_64__

#include <immintrin.h>

#include "base/cpu.h"
#include "core/gf256-rows.h"

#define TARGET __attribute__((target("gfni,avx512f,avx512bw,avx512vl")))
#define LANE ((size_t)64) /* bytes of a register */
#define TAIL ((size_t)16)
#define ROWS_MOST 12u
#define WIDTH_MOST 4u
#define WIDTH(rows) ((rows) > 4 ? 2u : WIDTH_MOST) /* registers: a product, tile and inputs fit into 32 */
#define AHEAD 384 /* bytes; many rows leave the processor no room to look so far ahead by itself */

TARGET INLINE __m512i factor_of(const struct rows *m, size_t r, size_t c)
{
	return _mm512_set1_epi8((char)coefficient(m, r, c));
}

/* rows and width are constants wherever this is inlined. */
TARGET INLINE void tile(const struct rows *m, size_t rows, size_t width, size_t at, __mmask64 mask)
{
	__m512i acc[ROWS_MOST][WIDTH_MOST];

	UNROLL for (size_t r = 0; r < rows; r++)
		UNROLL for (size_t w = 0; w < width; w++)
			acc[r][w] = _mm512_setzero_si512();
	for (size_t c = 0; c < m->columns; c++) {
		__m512i x[WIDTH_MOST];

		UNROLL for (size_t w = 0; w < width; w++) {
			x[w] = _mm512_maskz_loadu_epi8(mask, m->in[c] + at + w * LANE);
			if (width > 1 && rows > WIDTH_MOST)
				_mm_prefetch((const char *)m->in[c] + at + w * LANE + AHEAD, _MM_HINT_T0);
		}
		UNROLL for (size_t r = 0; r < rows; r++) {
			__m512i factor = factor_of(m, r, c);

			UNROLL for (size_t w = 0; w < width; w++)
				acc[r][w] = _mm512_xor_si512(acc[r][w], _mm512_gf2p8mul_epi8(x[w], factor));
		}
	}
	UNROLL for (size_t r = 0; r < rows; r++)
		UNROLL for (size_t w = 0; w < width; w++)
			_mm512_mask_storeu_epi8(m->out[r] + at + w * LANE, mask, acc[r][w]);
}

/* A whole register and up to TAIL bytes behind it, which take the narrowest registers: the share of a 256-bit key. */
TARGET INLINE void tile_with_tail(const struct rows *m, size_t rows, size_t at, __mmask16 mask)
{
	__m512i acc[ROWS_MOST];
	__m128i tail[ROWS_MOST];

	UNROLL for (size_t r = 0; r < rows; r++) {
		acc[r] = _mm512_setzero_si512();
		tail[r] = _mm_setzero_si128();
	}
	for (size_t c = 0; c < m->columns; c++) {
		__m512i x = _mm512_loadu_si512(m->in[c] + at);
		__m128i y = _mm_maskz_loadu_epi8(mask, m->in[c] + at + LANE);

		UNROLL for (size_t r = 0; r < rows; r++) {
			__m512i factor = factor_of(m, r, c);

			acc[r] = _mm512_xor_si512(acc[r], _mm512_gf2p8mul_epi8(x, factor));
			tail[r] = _mm_xor_si128(tail[r], _mm_gf2p8mul_epi8(y, _mm512_castsi512_si128(factor)));
		}
	}
	UNROLL for (size_t r = 0; r < rows; r++) {
		_mm512_storeu_si512(m->out[r] + at, acc[r]);
		_mm_mask_storeu_epi8(m->out[r] + at + LANE, mask, tail[r]);
	}
}

/* So many rows over all of their length. */
TARGET INLINE void stripe(const struct rows *m, size_t rows, size_t at, size_t end)
{
	const __mmask64 all = ~(__mmask64)0;

	for (; end - at >= WIDTH(rows) * LANE; at += WIDTH(rows) * LANE)
		tile(m, rows, WIDTH(rows), at, all);
	for (; end - at > LANE + TAIL; at += LANE)
		tile(m, rows, 1, at, all);
	if (end - at > LANE)
		tile_with_tail(m, rows, at, (__mmask16)(0xffffu >> (TAIL - (end - at - LANE))));
	else if (at < end)
		tile(m, rows, 1, at, all >> (LANE - (end - at)));
}

#define STRIPE_OF(count) \
	TARGET static void stripe_of_##count(const struct rows *m, size_t at, size_t end) { stripe(m, count, at, end); }

STRIPE_OF(1)
STRIPE_OF(2)
STRIPE_OF(3)
STRIPE_OF(4)
STRIPE_OF(5)
STRIPE_OF(6)
STRIPE_OF(7)
STRIPE_OF(8)
STRIPE_OF(9)
STRIPE_OF(10)
STRIPE_OF(11)
STRIPE_OF(12)

static stripe_fn *const stripes[ROWS_MOST + 1] = {
	NULL,        stripe_of_1, stripe_of_2, stripe_of_3,  stripe_of_4,  stripe_of_5, stripe_of_6,
	stripe_of_7, stripe_of_8, stripe_of_9, stripe_of_10, stripe_of_11, stripe_of_12,
};

static void matrix(uint8_t *const *out, size_t rows, const uint8_t *const *in, size_t columns,
		   const uint8_t *coefficients, size_t len)
{
	const struct rows m = {out, in, columns, coefficients, columns, 1, NULL};

	all_rows(&m, rows, len, stripes, ROWS_MOST);
}

/* ---- few points ------------------------------------------------------------------------------------- */

#define IDENTITY 0x0102040810204080 /* what the inverse is multiplied by */

TARGET INLINE __m512i inverse(__m512i a)
{
	return _mm512_gf2p8affineinv_epi64_epi8(a, _mm512_set1_epi64(IDENTITY), 0);
}

TARGET INLINE __mmask64 first_lanes(size_t count)
{
	return ~(__mmask64)0 >> (LANE - count);
}

/* Bytes into lanes, one by one: who wrote them just now did so too, and a wide load would wait for all of that. */
TARGET INLINE __m512i gather(const uint8_t *bytes, size_t count)
{
	__m512i all = _mm512_setzero_si512();
	__mmask64 lane = 1;

	for (size_t i = 0; i < count; i++, lane <<= 1)
		all = _mm512_mask_set1_epi8(all, lane, (char)bytes[i]);
	return all;
}

/* Lagrange's coefficients: a lane for each wanted coordinate w, a register for each known one.
 *
 *     prod_j (w - x_j)  /  ((w - x_i) gap_i)        gap_i = prod_{j != i} (x_i - x_j)
 *
 * False: two x_i are equal.  Where w is itself known, this gives zeros, as the first product is 0. */
TARGET INLINE bool lagrange(uint8_t (*column)[LANE], const uint8_t *known_x, size_t k, const uint8_t *wanted_x, size_t count,
			    bool *any_known)
{
	const __m512i one = _mm512_set1_epi8(1);
	__m512i x = gather(known_x, k), product = one;
	__m512i w = gather(wanted_x, count), gaps = one;
	uint8_t gap[LANE];

	for (size_t j = 0; j < k; j++) {
		__m512i x_j = _mm512_set1_epi8((char)known_x[j]);

		gaps = _mm512_gf2p8mul_epi8(gaps, _mm512_mask_mov_epi8(_mm512_xor_si512(x, x_j), (__mmask64)1 << j, one));
		product = _mm512_gf2p8mul_epi8(product, _mm512_xor_si512(w, x_j));
	}
	_mm512_storeu_si512(gap, gaps);
	for (size_t i = 0; i < k; i++) {
		__m512i distance = _mm512_xor_si512(w, _mm512_set1_epi8((char)known_x[i]));
		__m512i divisor = _mm512_gf2p8mul_epi8(distance, _mm512_set1_epi8((char)gap[i]));

		_mm512_storeu_si512(column[i], _mm512_gf2p8mul_epi8(product, inverse(divisor)));
	}
	*any_known = _mm512_mask_testn_epi8_mask(first_lanes(count), product, product) != 0;
	return _mm512_mask_testn_epi8_mask(first_lanes(k), gaps, gaps) == 0;
}

/* The value at a known coordinate is the known value. */
static void known_rows(uint8_t (*column)[LANE], const uint8_t *known_x, size_t k, const uint8_t *wanted_x, size_t count)
{
	for (size_t i = 0; i < k; i++)
		for (size_t r = 0; r < count; r++)
			if (wanted_x[r] == known_x[i])
				column[i][r] = 1;
}

TARGET static bool interpolate(const uint8_t *known_x, const uint8_t *const *known, size_t k, const uint8_t *wanted_x,
			       uint8_t *const *wanted, size_t count, size_t len)
{
	uint8_t column[GF256_FEW][LANE];
	const struct rows m = {wanted, known, k, column[0], 1, LANE, NULL};
	bool any_known;

	if (!lagrange(column, known_x, k, wanted_x, count, &any_known))
		return false;
	if (any_known)
		known_rows(column, known_x, k, wanted_x, count);
	all_rows(&m, count, len, stripes, ROWS_MOST);
	return true;
}

static bool usable(void)
{
	return cpu_has(CPU_AVX512) && cpu_has(CPU_AVX512VL) && cpu_has(CPU_GFNI);
}

const struct gf256_impl gf256_gfni = {"gfni", usable, matrix, interpolate};

#endif
