/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf256-rows.h - what variants with wide registers share: a matrix goes in stripes, of as many rows as a variant
 * keeps in registers, and in blocks, whose inputs are still near when the next stripe needs them.
 */
#ifndef DSKE_CORE_GF256_ROWS_H
#define DSKE_CORE_GF256_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "core/gf256-public.h"

#define INLINE __attribute__((always_inline)) static inline
#define BLOCK_LEN ((size_t)4096)

/* Compilers keep a tile in registers only where its loops are unrolled. */
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 12")
#endif

/* What a stripe is computed from: the whole matrix, at a row of it.  The coefficient of row r and column c is
 * coefficients[r * row_step + c * column_step]. */
struct rows {
	uint8_t *const *out;
	const uint8_t *const *in;
	size_t columns;
	const uint8_t *coefficients;
	size_t row_step, column_step;
	const struct gf256_public *gf; /* for variants that look factors up; they are public */
};

INLINE uint8_t coefficient(const struct rows *m, size_t r, size_t c)
{
	return m->coefficients[r * m->row_step + c * m->column_step];
}

/* The bytes at..end-1 of as many rows as its place in a table says. */
typedef void stripe_fn(const struct rows *m, size_t at, size_t end);

/* The rows are shared out evenly: thirteen as seven and six, not as twelve and one. */
INLINE void all_rows(const struct rows *m, size_t rows, size_t len, stripe_fn *const *stripes, size_t most)
{
	const size_t parts = (rows + most - 1) / most, block = parts > 1 ? BLOCK_LEN : len;

	for (size_t at = 0; at < len; at += block) {
		size_t end = len - at < block ? len : at + block;
		struct rows now = *m;

		for (size_t left = rows, part = parts; part > 0; part--) {
			size_t count = (left + part - 1) / part;

			stripes[count](&now, at, end);
			now.out += count;
			now.coefficients += count * m->row_step;
			left -= count;
		}
	}
}

#endif
