/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-candidate.c - the key among corrupt shares, and when there is none, or more than one. */
#include "test/core/network.h"

#include "core/candidate.h"
#include "core/shamir.h"

static void offer_all(struct network *w)
{
	for (size_t i = 0; i < w->terms.n; i++)
		assert_ok(network_offer(w, i));
}

/* Each set of corrupt hubs, as bits: with k honest ones left the key is found and each one is named. */
static void check_corruption(uint8_t n, uint8_t k, unsigned corrupt)
{
	struct network w;
	unsigned honest = (unsigned)n - (unsigned)__builtin_popcount(corrupt);

	network_start(&w, 1000u * n + k, n, k, SCHEME_SHAMIR, 32);
	for (size_t i = 0; i < n; i++)
		if (corrupt >> i & 1)
			network_corrupt(&w, i);
	offer_all(&w);
	assert_rc(network_conclude(&w, true), honest >= k ? DSKE_RC_OK : DSKE_RC_NO_CANDIDATE);
	for (size_t i = 0; i < n; i++) {
		enum share_verdict expected = honest < k           ? SHARE_UNUSED
					      : (corrupt >> i & 1) ? SHARE_CORRUPT
								   : SHARE_CONSISTENT;

		assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[i]), expected);
	}
	network_end(&w);
}

static void every_set_of_corrupt_hubs(void **state)
{
	(void)state;
	for (uint8_t n = 1; n <= 6; n++)
		for (uint8_t k = 1; k <= n; k++)
			for (unsigned corrupt = 0; corrupt < 1u << n; corrupt++)
				check_corruption(n, k, corrupt);
	check_corruption(16, 8, 0x00ff);
	check_corruption(16, 8, 0xff00);
	check_corruption(16, 8, 0x01ff);
}

static void every_byte_of_a_share_counts(void **state)
{
	(void)state;
	for (int scheme = 0; scheme < SCHEME_COUNT; scheme++)
		for (size_t at = 0; at < KEY_TAG_KEY_LEN + 16; at++) {
			struct network w;

			network_start(&w, at, 3, 3, (enum scheme)scheme, 16);
			w.share[at % 3][at] ^= 0x01;
			offer_all(&w);
			assert_rc(network_conclude(&w, true), DSKE_RC_NO_CANDIDATE);
			network_end(&w);
		}
}

static void a_corrupt_share_is_outweighed_later(void **state)
{
	struct network w;

	(void)state;
	network_start(&w, 20, 5, 3, SCHEME_SHAMIR, 32);
	network_corrupt(&w, 1);
	for (size_t i = 0; i < 3; i++)
		assert_ok(network_offer(&w, i));
	assert_rc(network_conclude(&w, false), DSKE_RC_NO_CANDIDATE);
	assert_ok(network_offer(&w, 3));
	assert_ok(network_conclude(&w, false));
	assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[1]), SHARE_CORRUPT);
	assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[4]), SHARE_ABSENT);
	network_end(&w);
}

/* Hubs that hold k points make a polynomial of their own: c = 0 makes h' = d for any key. */
static void collude(struct network *w, struct terms *t, const uint8_t *colluder_x, uint8_t key_byte)
{
	static uint8_t y0[KEY_TAG_KEY_LEN + 32], extra[TERMS_HUBS_MAX][KEY_TAG_KEY_LEN + 32];
	const uint8_t *known[TERMS_HUBS_MAX] = {y0};
	uint8_t known_x[TERMS_HUBS_MAX] = {0};
	size_t k = t->k;

	memset(y0, key_byte, sizeof y0);
	memset(y0, 0, 16);
	memcpy(y0 + 16, t->key_tag.b, 16);
	for (size_t i = 1; i < k; i++) {
		seeded_fill(&w->seed, extra[i], sizeof extra[i]);
		known[i] = extra[i];
		known_x[i] = colluder_x[i - 1];
	}
	for (size_t i = 0; i < k; i++) {
		uint8_t *out = w->share[colluder_x[i] - 1];

		assert_ok(shamir_interpolate(known_x, known, k, &colluder_x[i], &out, 1, w->share_len));
	}
}

static void two_keys_in_one_tuple(void **state)
{
	static const uint8_t colluders[2][3] = {{1, 2, 3}, {2, 4, 6}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct network w;

		network_start(&w, 21 + i, 6, 3, SCHEME_SHAMIR, 32);
		collude(&w, &w.terms, colluders[i], 0x77);
		offer_all(&w);
		assert_rc(network_conclude(&w, true), DSKE_RC_CONFLICT);
		for (size_t h = 0; h < 6; h++)
			assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[h]), SHARE_UNUSED);
		network_end(&w);
	}
}

/* The honest hubs' key first; then k others show another tuple that is valid in itself. */
static void two_keys_in_two_tuples(void **state)
{
	static const uint8_t colluders[3] = {4, 5, 6};
	struct network w;
	struct terms t;

	(void)state;
	network_start(&w, 23, 6, 3, SCHEME_SHAMIR, 32);
	t = w.terms;
	t.key_tag.b[0] ^= 1;
	collude(&w, &t, colluders, 0x66);
	for (size_t i = 0; i < 3; i++)
		assert_ok(network_offer(&w, i));
	assert_ok(network_conclude(&w, false));
	for (size_t i = 3; i < 6; i++) {
		assert_ok(network_conclude(&w, true)); /* two of them are not enough */
		assert_ok(network_offer_as(&w, &t, i, w.share[i], w.share_len));
	}
	assert_rc(network_conclude(&w, true), DSKE_RC_CONFLICT);
	network_end(&w);
}

/* More colluders than honest hubs, but their polynomial is not confirmed: they are many and wrong. */
static void a_larger_wrong_set_loses(void **state)
{
	static const uint8_t colluders[4] = {1, 2, 3, 4};
	struct network w;
	struct terms t;

	(void)state;
	network_start(&w, 24, 7, 3, SCHEME_SHAMIR, 32);
	t = w.terms;
	t.key_tag.b[5] ^= 0x80; /* they aim at another tag */
	collude(&w, &t, colluders, 0x55);
	uint8_t *fourth = w.share[3];
	const uint8_t *known[3] = {w.share[0], w.share[1], w.share[2]};
	assert_ok(shamir_interpolate(colluders, known, 3, &colluders[3], &fourth, 1, w.share_len));
	offer_all(&w);
	assert_ok(network_conclude(&w, true));
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[i]),
				 i < 4 ? SHARE_CORRUPT : SHARE_CONSISTENT);
	network_end(&w);
}

/* A long key: C(10,5) sets take several steps. */
#define LONG_KEY_LEN 250000

static size_t conclude_steps(struct network *w, int last)
{
	size_t steps = 1;
	dske_rc rc;

	while (rc_is(rc = network_conclude(w, true), DSKE_RC_BUSY))
		assert_true(++steps < 10);
	assert_rc(rc, last);
	return steps;
}

static void a_long_search_goes_in_steps(void **state)
{
	struct network w;

	(void)state;
	network_start(&w, 25, 10, 5, SCHEME_SHAMIR, LONG_KEY_LEN);
	for (size_t i = 0; i < 5; i++) /* the honest set comes last */
		network_corrupt(&w, i);
	offer_all(&w);
	assert_rc(network_conclude(&w, false), DSKE_RC_NO_CANDIDATE);
	assert_rc(network_conclude(&w, true), DSKE_RC_BUSY);
	assert_in_range(conclude_steps(&w, DSKE_RC_OK), 2, 9);
	assert_ok(network_conclude(&w, false)); /* the set is known now */
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[i]), i < 5 ? SHARE_CORRUPT : SHARE_CONSISTENT);
	network_end(&w);
}

/* The late share belongs to a set that a search going on where it was would have left behind. */
static void a_late_share_begins_the_search_again(void **state)
{
	struct network w;

	(void)state;
	network_start(&w, 28, 10, 5, SCHEME_SHAMIR, LONG_KEY_LEN);
	for (size_t i = 4; i < 9; i++)
		network_corrupt(&w, i);
	for (size_t i = 0; i < 9; i++)
		assert_ok(network_offer(&w, i));
	assert_rc(network_conclude(&w, true), DSKE_RC_BUSY);
	assert_ok(network_offer(&w, 9));
	conclude_steps(&w, DSKE_RC_OK);
	network_end(&w);
}

static void a_long_search_ends(void **state)
{
	struct network w;

	(void)state;
	network_start(&w, 26, 9, 5, SCHEME_SHAMIR, LONG_KEY_LEN);
	for (size_t i = 0; i < 5; i++)
		network_corrupt(&w, i);
	offer_all(&w);
	assert_in_range(conclude_steps(&w, DSKE_RC_NO_CANDIDATE), 2, 9);
	network_end(&w);
}

static void an_endless_search_is_not_begun(void **state)
{
	struct network w;

	(void)state;
	network_start(&w, 27, 60, 30, SCHEME_SHAMIR, 16);
	network_corrupt(&w, 0);
	offer_all(&w);
	assert_rc(network_conclude(&w, true), DSKE_RC_NO_CANDIDATE);
	assert_non_null(strstr(rc_detail((dske_rc){DSKE_RC_NO_CANDIDATE}), "too many"));
	network_end(&w);
}

static void binomials(void **state)
{
	static uint64_t row[70][70]; /* Pascal's triangle */

	(void)state;
	for (size_t n = 0; n < 68; n++)
		for (size_t k = 0; k <= n; k++) {
			row[n][k] = k == 0 || k == n ? 1 : row[n - 1][k - 1] + row[n - 1][k];
			assert_true(choose_count(n, k) == row[n][k]);
		}
	assert_int_equal(choose_count(5, 6), 0);
	assert_true(choose_count(255, 2) == 32385);
	assert_true(choose_count(255, 254) == 255);
	assert_true(choose_count(255, 127) == UINT64_MAX);
	assert_true(choose_count(68, 34) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_set_of_corrupt_hubs),
		cmocka_unit_test(every_byte_of_a_share_counts),
		cmocka_unit_test(a_corrupt_share_is_outweighed_later),
		cmocka_unit_test(two_keys_in_one_tuple),
		cmocka_unit_test(two_keys_in_two_tuples),
		cmocka_unit_test(a_larger_wrong_set_loses),
		cmocka_unit_test(a_long_search_goes_in_steps),
		cmocka_unit_test(a_late_share_begins_the_search_again),
		cmocka_unit_test(a_long_search_ends),
		cmocka_unit_test(an_endless_search_is_not_begun),
		cmocka_unit_test(binomials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
