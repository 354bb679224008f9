/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf256-gfni.c - rows of products in GF(2^8) with GFNI, whose multiplication is in this very field,
 * and AVX-512.
 *
 * A tile of up to ROWS_MOST rows times WIDTH registers stays in registers while all columns are added to it:
 * each input is loaded once for so many rows.  More rows would spill.  The last bytes go masked, so that short
 * keys cost little and nothing is read or written beyond them.
 */
#include "core/gf256.h"

#include "core/gf256-impl.h"

#ifdef __x86_64__

#include <immintrin.h>

#include "base/cpu.h"

#define TARGET __attribute__((target("gfni,avx512f,avx512bw")))
#define INLINE __attribute__((always_inline)) static inline

#define LANE ((size_t)64) /* bytes of a register */
#define ROWS_MOST 6u
#define WIDTH 4u

/* Compilers keep the tile in registers only where its loops are unrolled. */
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* What a tile is computed from: the whole matrix, at a row of it. */
struct rows {
	uint8_t *const *out;
	const uint8_t *const *in;
	size_t columns;
	const uint8_t *coefficients;
};

/* rows and width are constants wherever this is inlined. */
TARGET INLINE void tile(struct rows m, size_t rows, size_t width, size_t at, __mmask64 mask)
{
	__m512i acc[ROWS_MOST][WIDTH];

	UNROLL for (size_t r = 0; r < rows; r++)
		UNROLL for (size_t w = 0; w < width; w++)
			acc[r][w] = _mm512_setzero_si512();
	for (size_t c = 0; c < m.columns; c++) {
		__m512i x[WIDTH];

		UNROLL for (size_t w = 0; w < width; w++)
			x[w] = _mm512_maskz_loadu_epi8(mask, m.in[c] + at + w * LANE);
		UNROLL for (size_t r = 0; r < rows; r++) {
			__m512i factor = _mm512_set1_epi8((char)m.coefficients[r * m.columns + c]);

			UNROLL for (size_t w = 0; w < width; w++)
				acc[r][w] = _mm512_xor_si512(acc[r][w], _mm512_gf2p8mul_epi8(x[w], factor));
		}
	}
	UNROLL for (size_t r = 0; r < rows; r++)
		UNROLL for (size_t w = 0; w < width; w++)
			_mm512_mask_storeu_epi8(m.out[r] + at + w * LANE, mask, acc[r][w]);
}

/* So many rows over all of their length. */
TARGET INLINE void stripe(struct rows m, size_t rows, size_t len)
{
	const __mmask64 all = ~(__mmask64)0;
	size_t at = 0;

	for (; len - at >= WIDTH * LANE; at += WIDTH * LANE)
		tile(m, rows, WIDTH, at, all);
	for (; len - at >= LANE; at += LANE)
		tile(m, rows, 1, at, all);
	if (at < len)
		tile(m, rows, 1, at, all >> (LANE - (len - at)));
}

TARGET static void stripe_of_1(struct rows m, size_t len)
{
	stripe(m, 1, len);
}

TARGET static void stripe_of_2(struct rows m, size_t len)
{
	stripe(m, 2, len);
}

TARGET static void stripe_of_3(struct rows m, size_t len)
{
	stripe(m, 3, len);
}

TARGET static void stripe_of_4(struct rows m, size_t len)
{
	stripe(m, 4, len);
}

TARGET static void stripe_of_5(struct rows m, size_t len)
{
	stripe(m, 5, len);
}

TARGET static void stripe_of_6(struct rows m, size_t len)
{
	stripe(m, 6, len);
}

static void (*const stripes[ROWS_MOST + 1])(struct rows m, size_t len) = {
	NULL, stripe_of_1, stripe_of_2, stripe_of_3, stripe_of_4, stripe_of_5, stripe_of_6,
};

/* The rows are shared out evenly: seven as four and three, not as six and one. */
static void matrix(uint8_t *const *out, size_t rows, const uint8_t *const *in, size_t columns,
		   const uint8_t *coefficients, size_t len)
{
	size_t parts = (rows + ROWS_MOST - 1) / ROWS_MOST;

	for (size_t done = 0; parts > 0; parts--) {
		size_t now = (rows - done + parts - 1) / parts;

		stripes[now]((struct rows){out + done, in, columns, coefficients + done * columns}, len);
		done += now;
	}
}

static bool usable(void)
{
	return cpu_has(CPU_AVX512) && cpu_has(CPU_GFNI);
}

const struct gf256_impl gf256_gfni = {"gfni", usable, matrix};

#endif
