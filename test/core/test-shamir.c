/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-shamir.c - both sharing schemes. */
#include "test/core/vectors.h"

#include "core/gf256.h"
#include "core/shamir.h"
#include "core/xorshare.h"
#include "test/core/seeded.h"

#define LEN 9

static void check_interpolation(const struct vector *v)
{
	const uint8_t *known[SHAMIR_MAX];
	size_t k = v->len[0], len = v->len[3];
	uint8_t value[16], *wanted = value;

	assert_int_equal(v->len[1], k * len);
	for (size_t i = 0; i < k; i++)
		known[i] = v->field[1] + i * len;
	assert_true(rc_ok(shamir_interpolate(v->field[0], known, k, v->field[2], &wanted, 1, len)));
	assert_memory_equal(value, v->field[3], len);
}

static void known_answers(void **state)
{
	(void)state;
	vectors_each("shamir.txt", 4, check_interpolation);
}

/* All points x = 0..n of one sharing: y[0] the secret. */
struct sharing {
	size_t n, k;
	uint8_t y[SHAMIR_MAX + 1][LEN];
};

/* By the polynomial itself, with its coefficients drawn: not the method under test. */
static void sharing_make(struct sharing *s, struct seeded *seed, size_t n, size_t k)
{
	uint8_t a[SHAMIR_MAX][LEN];

	s->n = n;
	s->k = k;
	seeded_fill(seed, a, k * LEN);
	for (size_t x = 0; x <= n; x++)
		for (size_t i = 0; i < LEN; i++) {
			uint8_t value = 0;

			for (size_t j = k; j-- > 0;)
				value = gf256_mul(value, (uint8_t)x) ^ a[j][i];
			s->y[x][i] = value;
		}
}

/* k different coordinates of 1..n, in any order. */
static void pick(uint8_t *x, struct seeded *seed, size_t n, size_t k)
{
	uint8_t all[SHAMIR_MAX];

	for (size_t i = 0; i < n; i++)
		all[i] = (uint8_t)(i + 1);
	for (size_t i = 0; i < k; i++) {
		size_t j = i + seeded_below(seed, n - i);

		x[i] = all[j];
		all[j] = all[i];
	}
}

static void check_sharing(const struct sharing *s, struct seeded *seed)
{
	static uint8_t out[SHAMIR_MAX + 1][LEN];
	const uint8_t *known[SHAMIR_MAX];
	uint8_t known_x[SHAMIR_MAX], wanted_x[SHAMIR_MAX + 1], *wanted[SHAMIR_MAX + 1];

	pick(known_x, seed, s->n, s->k);
	for (size_t i = 0; i < s->k; i++)
		known[i] = s->y[known_x[i]];
	for (size_t i = 0; i <= s->n; i++) {
		wanted_x[i] = (uint8_t)(s->n - i);
		wanted[i] = out[i];
	}
	assert_true(rc_ok(shamir_interpolate(known_x, known, s->k, wanted_x, wanted, s->n + 1, LEN)));
	for (size_t i = 0; i <= s->n; i++)
		assert_memory_equal(out[i], s->y[wanted_x[i]], LEN);

	if (s->k == 1)
		return;
	/* One share off by anything: another secret. */
	static uint8_t changed[LEN];
	memcpy(changed, known[0], LEN);
	changed[seeded_below(seed, LEN)] ^= 0x40;
	known[0] = changed;
	assert_true(rc_ok(shamir_interpolate(known_x, known, s->k, wanted_x, wanted, s->n + 1, LEN)));
	assert_memory_not_equal(out[s->n], s->y[0], LEN);
}

static void every_shape(void **state)
{
	static const size_t large[][2] = {{255, 255}, {255, 254}, {255, 128}, {255, 1}, {200, 7}, {128, 64}};
	static struct sharing s;
	struct seeded seed = {5};

	(void)state;
	for (size_t n = 1; n <= 20; n++)
		for (size_t k = 1; k <= n; k++) {
			sharing_make(&s, &seed, n, k);
			for (int i = 0; i < 3; i++)
				check_sharing(&s, &seed);
		}
	for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
		sharing_make(&s, &seed, large[i][0], large[i][1]);
		check_sharing(&s, &seed);
	}
}

/* k - 1 shares say nothing: with any secret at x = 0 they have exactly one completion. */
static void fewer_than_k_say_nothing(void **state)
{
	static const uint8_t known_x[3] = {0, 3, 5}, wanted_x = 7;
	bool seen[256] = {false};

	(void)state;
	for (unsigned secret = 0; secret < 256; secret++) {
		uint8_t y[3] = {(uint8_t)secret, 17, 99}, value, *wanted = &value;
		const uint8_t *known[3] = {&y[0], &y[1], &y[2]};

		assert_true(rc_ok(shamir_interpolate(known_x, known, 3, &wanted_x, &wanted, 1, 1)));
		assert_false(seen[value]);
		seen[value] = true;
	}
}

static void wrong_coordinates_are_refused(void **state)
{
	static uint8_t byte, x[256];
	const uint8_t *known[256];
	uint8_t *wanted = &byte, zero = 0;

	(void)state;
	for (size_t i = 0; i < 256; i++) {
		known[i] = &byte;
		x[i] = (uint8_t)i;
	}
	assert_int_equal(shamir_interpolate(x, known, 0, &zero, &wanted, 1, 1).code, DSKE_RC_ARGS);
	assert_int_equal(shamir_interpolate(x, known, 256, &zero, &wanted, 1, 1).code, DSKE_RC_ARGS);
	assert_int_equal(shamir_interpolate(x, known, 255, &zero, &wanted, 1, 1).code, DSKE_RC_OK);
	x[254] = 17;
	assert_int_equal(shamir_interpolate(x, known, 255, &zero, &wanted, 1, 1).code, DSKE_RC_ARGS);
}

static void coefficients_are_lagranges(void **state)
{
	static const uint8_t known_x[3] = {1, 2, 4}, wanted_x[2] = {0, 2};
	/* Column i of the known values is 1 at x_i alone, so interpolating it gives coefficient i. */
	static const uint8_t one_at[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
	const uint8_t *known[3] = {one_at[0], one_at[1], one_at[2]};
	uint8_t c[6], *wanted[2] = {c, c + 3};

	(void)state;
	assert_true(rc_ok(shamir_interpolate(known_x, known, 3, wanted_x, wanted, 2, 3)));
	for (size_t i = 0; i < 3; i++) {
		uint8_t top = 1, bottom = 1;

		for (size_t j = 0; j < 3; j++)
			if (j != i) {
				top = gf256_mul(top, known_x[j]);
				bottom = gf256_mul(bottom, known_x[i] ^ known_x[j]);
			}
		assert_int_equal(gf256_mul(c[i], bottom), top);
	}
	assert_int_equal(c[0] ^ c[1] ^ c[2], 1); /* constant polynomials */
	assert_memory_equal(c + 3, ((uint8_t[]){0, 1, 0}), 3);
}

static void the_simple_scheme(void **state)
{
	struct seeded seed = {6};
	uint8_t y[5][33], secret[33], expected[33] = {0}, sum[33];
	const uint8_t *shares[5];

	(void)state;
	seeded_fill(&seed, y, sizeof y);
	for (size_t n = 1; n <= 5; n++) {
		shares[n - 1] = y[n - 1];
		for (size_t i = 0; i < 33; i++)
			expected[i] ^= y[n - 1][i];
		xorshare_combine(secret, shares, n, 33);
		assert_memory_equal(secret, expected, 33);
	}
	xor_bytes(sum, y[0], y[1], 33);
	xor_bytes(sum, sum, y[1], 33);
	assert_memory_equal(sum, y[0], 33);
	xor_bytes(sum, y[1], sum, 33);
	xor_bytes(sum, y[0], sum, 33);
	assert_memory_equal(sum, y[1], 33);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(every_shape),
		cmocka_unit_test(fewer_than_k_say_nothing),
		cmocka_unit_test(wrong_coordinates_are_refused),
		cmocka_unit_test(coefficients_are_lagranges),
		cmocka_unit_test(the_simple_scheme),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
