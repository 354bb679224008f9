/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-gf256.c - GF(2^8): every product by a second method, and rows of every variant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/gf256-public.h"
#include "core/gf256.h"
#include "test/core/seeded.h"

/* Product of the polynomials first, division by 0x11B after. */
static uint8_t model_mul(unsigned a, unsigned b)
{
	unsigned product = 0;

	for (unsigned i = 0; i < 8; i++)
		if (b >> i & 1)
			product ^= a << i;
	for (unsigned i = 14; i >= 8; i--)
		if (product >> i & 1)
			product ^= 0x11bu << (i - 8);
	return (uint8_t)product;
}

static void every_product(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++)
			assert_int_equal(gf256_mul((uint8_t)a, (uint8_t)b), model_mul(a, b));
}

static void every_inverse(void **state)
{
	(void)state;
	assert_int_equal(gf256_inv(0), 0);
	for (unsigned a = 1; a < 256; a++)
		assert_int_equal(gf256_mul((uint8_t)a, gf256_inv((uint8_t)a)), 1);
}

#define SIDE_MAX 12
#define ROW_LEN 320 /* with room for alignment and guards */

struct shape {
	size_t rows, columns, len, at;
};

static void check_shape(const struct gf256_impl *impl, struct seeded *seed, struct shape s)
{
	static uint8_t in[SIDE_MAX][ROW_LEN], out[SIDE_MAX][ROW_LEN];
	uint8_t coefficients[SIDE_MAX * SIDE_MAX];
	const uint8_t *in_rows[SIDE_MAX];
	uint8_t *out_rows[SIDE_MAX];

	seeded_fill(seed, in, sizeof in);
	memset(out, 0xa5, sizeof out);
	seeded_fill(seed, coefficients, sizeof coefficients);
	for (size_t i = 0; i < SIDE_MAX; i++) {
		in_rows[i] = in[i] + (s.at + i) % 9;
		out_rows[i] = out[i] + 8 + (s.at + 3 * i) % 7;
	}
	impl->matrix(out_rows, s.rows, in_rows, s.columns, coefficients, s.len);

	for (size_t r = 0; r < s.rows; r++) {
		for (size_t i = 0; i < s.len; i++) {
			uint8_t sum = 0;

			for (size_t c = 0; c < s.columns; c++)
				sum ^= gf256_mul(coefficients[r * s.columns + c], in_rows[c][i]);
			assert_int_equal(out_rows[r][i], sum);
		}
		assert_int_equal(out_rows[r][-1], 0xa5);
		assert_int_equal(out_rows[r][s.len], 0xa5);
	}
}

static void rows_of_every_variant(void **state)
{
	struct seeded seed = {1};

	(void)state;
	for (const struct gf256_impl *const *impl = gf256_impls; *impl; impl++) {
		if (!(*impl)->usable())
			continue;
		for (size_t len = 0; len <= 300; len++)
			check_shape(*impl, &seed, (struct shape){1 + len % 3, 1 + len % 5, len, len % 11});
		for (int i = 0; i < 300; i++)
			check_shape(*impl, &seed,
				    (struct shape){seeded_below(&seed, SIDE_MAX + 1), 1 + seeded_below(&seed, SIDE_MAX),
						   seeded_below(&seed, 65), seeded_below(&seed, 64)});
	}
}

#define FEW_LEN 90

struct points {
	size_t k, count, len;
	uint8_t known_x[GF256_FEW], wanted_x[GF256_FEW];
};

/* k different known coordinates, and any wanted ones, known ones among them. */
static void points_draw(struct points *p, struct seeded *seed)
{
	uint8_t all[256];

	*p = (struct points){1 + seeded_below(seed, GF256_FEW), 1 + seeded_below(seed, GF256_FEW), seeded_below(seed, FEW_LEN + 1), {0}, {0}};
	for (unsigned i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	for (size_t i = 0; i < p->k; i++) {
		size_t j = i + seeded_below(seed, 256 - i);

		p->known_x[i] = all[j];
		all[j] = all[i];
	}
	for (size_t r = 0; r < p->count; r++)
		p->wanted_x[r] = (uint8_t)(r % 3 > 0 ? seeded_below(seed, 256) : p->known_x[r % p->k]);
}

/* Lagrange's coefficient of known coordinate i at w. */
static uint8_t model_coefficient(const struct points *p, size_t i, uint8_t w)
{
	uint8_t product = 1;

	for (size_t j = 0; j < p->k; j++)
		if (j != i)
			product = gf256_mul(product, gf256_mul(w ^ p->known_x[j], gf256_inv(p->known_x[i] ^ p->known_x[j])));
	return product;
}

static void check_points(const struct gf256_impl *impl, struct points *p, struct seeded *seed)
{
	static uint8_t in[GF256_FEW][FEW_LEN], out[GF256_FEW][FEW_LEN + 1];
	const uint8_t *known[GF256_FEW];
	uint8_t *wanted[GF256_FEW];

	seeded_fill(seed, in, sizeof in);
	memset(out, 0xa5, sizeof out);
	for (size_t i = 0; i < GF256_FEW; i++) {
		known[i] = in[i];
		wanted[i] = out[i];
	}
	assert_true(impl->interpolate(p->known_x, known, p->k, p->wanted_x, wanted, p->count, p->len));
	for (size_t r = 0; r < p->count; r++) {
		uint8_t sum[FEW_LEN] = {0};

		for (size_t i = 0; i < p->k; i++) {
			uint8_t c = model_coefficient(p, i, p->wanted_x[r]);

			for (size_t b = 0; b < p->len; b++)
				sum[b] ^= gf256_mul(c, in[i][b]);
		}
		assert_memory_equal(out[r], sum, p->len);
		assert_int_equal(out[r][p->len], 0xa5);
	}
	if (p->k == 1)
		return;
	p->known_x[seeded_below(seed, p->k - 1)] = p->known_x[p->k - 1];
	assert_false(impl->interpolate(p->known_x, known, p->k, p->wanted_x, wanted, p->count, p->len));
}

static void few_points_of_every_variant(void **state)
{
	struct seeded seed = {2};
	struct points p;

	(void)state;
	for (const struct gf256_impl *const *impl = gf256_impls; *impl; impl++)
		for (int i = 0; i < 300 && (*impl)->usable() && (*impl)->interpolate; i++) {
			points_draw(&p, &seed);
			check_points(*impl, &p, &seed);
		}
}

/* Every coefficient times every byte, in one row longer than a tile. */
static void every_coefficient(void **state)
{
	static uint8_t in[5000], out[5000];
	const uint8_t *in_row = in;
	uint8_t *out_row = out;

	(void)state;
	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (uint8_t)i;
	for (const struct gf256_impl *const *impl = gf256_impls; *impl; impl++)
		for (unsigned c = 0; c < 256 && (*impl)->usable(); c++) {
			uint8_t coefficient = (uint8_t)c;

			(*impl)->matrix(&out_row, 1, &in_row, 1, &coefficient, sizeof in);
			for (size_t i = 0; i < sizeof in; i++)
				if (out[i] != model_mul(c, in[i]))
					fail_msg("%u * %d", c, in[i]);
		}
}

static void a_variant_is_selected(void **state)
{
	(void)state;
	assert_true(gf256_selected()->usable());
	assert_ptr_equal(gf256_selected(), gf256_selected());
	assert_string_equal(gf256_selected()->name, "portable"); /* as main() asked for */
}

static void public_products(void **state)
{
	const struct gf256_public *gf = gf256_public();

	(void)state;
	for (unsigned a = 0; a < 256; a++) {
		assert_int_equal(gf->inverse[a], gf256_inv((uint8_t)a));
		for (unsigned b = 0; b < 256; b++)
			assert_int_equal(gf->product[a][b], gf256_mul((uint8_t)a, (uint8_t)b));
		for (unsigned i = 0; i < GF256_HALVES; i++) {
			assert_int_equal(gf->low[a][i], gf->product[a][i]);
			assert_int_equal(gf->high[a][i], gf->product[a][16 * i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_product),     cmocka_unit_test(every_inverse),
		cmocka_unit_test(rows_of_every_variant), cmocka_unit_test(every_coefficient),
		cmocka_unit_test(few_points_of_every_variant),
		cmocka_unit_test(a_variant_is_selected),
		cmocka_unit_test(public_products),
	};

	setenv("DSKE_GF256", "portable", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
