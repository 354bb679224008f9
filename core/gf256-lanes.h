/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf256-lanes.h - the stripes of variants whose loads and stores have no masks.  Included by one such variant a
 * file, after it has defined
 *
 *     TARGET  LANE  ROWS_MOST  WIDTH     attribute; bytes of a register; rows, and registers a row, of a tile
 *     vec, vec_load, vec_store, vec_zero, vec_add
 *     struct operand, operand_make(vec)  an input, prepared once for all rows
 *     struct factor, factor_make(rows, coefficient), times(factor, operand)
 *
 * The last register of a row begins LANE bytes before its end, and computes some bytes twice.
 */
#include <string.h>

#include "base/secret.h"
#include "core/gf256-rows.h"

/* rows and width are constants wherever this is inlined. */
TARGET INLINE void tile(const struct rows *m, size_t rows, size_t width, size_t at)
{
	vec acc[ROWS_MOST][WIDTH];

	UNROLL for (size_t r = 0; r < rows; r++)
		UNROLL for (size_t w = 0; w < width; w++)
			acc[r][w] = vec_zero();
	for (size_t c = 0; c < m->columns; c++) {
		struct operand x[WIDTH];

		UNROLL for (size_t w = 0; w < width; w++)
			x[w] = operand_make(vec_load(m->in[c] + at + w * LANE));
		UNROLL for (size_t r = 0; r < rows; r++) {
			struct factor f = factor_make(m, coefficient(m, r, c));

			UNROLL for (size_t w = 0; w < width; w++)
				acc[r][w] = vec_add(acc[r][w], times(f, x[w]));
		}
	}
	UNROLL for (size_t r = 0; r < rows; r++)
		UNROLL for (size_t w = 0; w < width; w++)
			vec_store(m->out[r] + at + w * LANE, acc[r][w]);
}

/* Fewer bytes than a register has. */
TARGET INLINE void short_tile(const struct rows *m, size_t rows, size_t at, size_t len)
{
	vec acc[ROWS_MOST];
	uint8_t bytes[LANE];

	UNROLL for (size_t r = 0; r < rows; r++)
		acc[r] = vec_zero();
	memset(bytes, 0, sizeof bytes);
	for (size_t c = 0; c < m->columns; c++) {
		memcpy(bytes, m->in[c] + at, len);
		struct operand x = operand_make(vec_load(bytes));

		UNROLL for (size_t r = 0; r < rows; r++)
			acc[r] = vec_add(acc[r], times(factor_make(m, coefficient(m, r, c)), x));
	}
	UNROLL for (size_t r = 0; r < rows; r++) {
		vec_store(bytes, acc[r]);
		memcpy(m->out[r] + at, bytes, len);
	}
	mem_wipe(bytes, sizeof bytes);
}

TARGET INLINE void stripe(const struct rows *m, size_t rows, size_t at, size_t end)
{
	size_t len = end - at;

	if (len < LANE) {
		short_tile(m, rows, at, len);
		return;
	}
	for (; end - at >= WIDTH * LANE; at += WIDTH * LANE)
		tile(m, rows, WIDTH, at);
	for (; end - at >= LANE; at += LANE)
		tile(m, rows, 1, at);
	if (at < end)
		tile(m, rows, 1, end - LANE);
}

#define STRIPE_OF(count) \
	TARGET static void stripe_of_##count(const struct rows *m, size_t at, size_t end) { stripe(m, count, at, end); }

STRIPE_OF(1)
STRIPE_OF(2)
STRIPE_OF(3)
#if ROWS_MOST > 3
STRIPE_OF(4)
STRIPE_OF(5)
STRIPE_OF(6)
#endif

static stripe_fn *const stripes[ROWS_MOST + 1] = {
	NULL, stripe_of_1, stripe_of_2, stripe_of_3,
#if ROWS_MOST > 3
	stripe_of_4, stripe_of_5, stripe_of_6,
#endif
};

static void matrix(uint8_t *const *out, size_t rows, const uint8_t *const *in, size_t columns,
		   const uint8_t *coefficients, size_t len)
{
	const struct rows m = {out, in, columns, coefficients, columns, 1, gf256_public()};

	if (len > 0)
		all_rows(&m, rows, len, stripes, ROWS_MOST);
}
