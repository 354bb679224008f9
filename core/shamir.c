/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/shamir.c - Lagrange interpolation (DSKE 2.5.1), in the form that shares work between wanted
 * coordinates:  L_i(w) = weight_i * prod_j (w - x_j) / (w - x_i),  weight_i = 1 / prod_{j != i} (x_i - x_j).
 * Coordinates and coefficients are public, and looked up; data goes through core/gf256.h.
 */
#include "core/shamir.h"

#include <string.h>

#include "core/gf256-public.h"
#include "core/gf256.h"

#define ROWS_MAX 8 /* rows handed to the field at once; bounds the coefficients on the stack */

static dske_rc weights_make(uint8_t weight[SHAMIR_MAX], const uint8_t *known_x, size_t k)
{
	if (k == 0 || k > SHAMIR_MAX)
		return FAIL(ARGS, "%zu shares cannot be interpolated; 1 to %d can", k, SHAMIR_MAX);

	const struct gf256_public *gf = gf256_public();
	for (size_t i = 0; i < k; i++) {
		uint8_t product = 1;

		for (size_t j = 0; j < k; j++)
			if (j != i)
				product = gf->product[known_x[i] ^ known_x[j]][product];
		if (product == 0)
			return FAIL(ARGS, "two shares have the same coordinate %d", known_x[i]);
		weight[i] = gf->inverse[product];
	}
	return DSKE_OK;
}

static void row_make(uint8_t *row, const uint8_t *weight, const uint8_t *known_x, size_t k, uint8_t wanted_x)
{
	const struct gf256_public *gf = gf256_public();
	uint8_t product = 1;

	for (size_t j = 0; j < k; j++) {
		if (known_x[j] == wanted_x) {
			memset(row, 0, k);
			row[j] = 1;
			return;
		}
		product = gf->product[wanted_x ^ known_x[j]][product];
	}
	for (size_t i = 0; i < k; i++)
		row[i] = gf->product[gf->product[product][weight[i]]][gf->inverse[wanted_x ^ known_x[i]]];
}

static bool few_interpolate(const uint8_t *known_x, const uint8_t *const *known, size_t k, const uint8_t *wanted_x,
			    uint8_t *const *wanted, size_t count, size_t len)
{
	const struct gf256_impl *impl = gf256_selected();

	return impl->interpolate && k >= 1 && k <= GF256_FEW && count >= 1 && count <= GF256_FEW &&
	       impl->interpolate(known_x, known, k, wanted_x, wanted, count, len);
}

dske_rc shamir_interpolate(const uint8_t *known_x, const uint8_t *const *known, size_t k,
			   const uint8_t *wanted_x, uint8_t *const *wanted, size_t count, size_t len)
{
	uint8_t weight[SHAMIR_MAX], coefficients[ROWS_MAX * SHAMIR_MAX];

	if (few_interpolate(known_x, known, k, wanted_x, wanted, count, len))
		return DSKE_OK;
	TRY(weights_make(weight, known_x, k));
	for (size_t done = 0; done < count; done += ROWS_MAX) {
		size_t rows = count - done < ROWS_MAX ? count - done : ROWS_MAX;

		for (size_t r = 0; r < rows; r++)
			row_make(coefficients + r * k, weight, known_x, k, wanted_x[done + r]);
		gf256_matrix(wanted + done, rows, known, k, coefficients, len);
	}
	return DSKE_OK;
}
