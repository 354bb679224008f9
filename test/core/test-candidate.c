/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-candidate.c - the key among corrupt shares, and when there is none, or more than one. */
#include "test/core/network.h"

#include "core/candidate.h"

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
	for (int scheme = SCHEME_SHAMIR; scheme <= SCHEME_XOR; scheme++)
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

static void two_keys_in_one_tuple(void **state)
{
	static const uint8_t colluders[2][3] = {{1, 2, 3}, {2, 4, 6}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct network w;

		network_start(&w, 21 + i, 6, 3, SCHEME_SHAMIR, 32);
		network_forge(&w, &w.terms, colluders[i], 3, 0x77);
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
	network_forge(&w, &t, colluders, 3, 0x66);
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

/* A member of a group that is two keys behind: both wait, in one context, and neither is an alarm. */
static void two_keys_of_two_names(void **state)
{
	struct network w, later;

	(void)state;
	network_start(&w, 29, 5, 3, SCHEME_SHAMIR, 32);
	network_start(&later, 30, 5, 3, SCHEME_SHAMIR, 32);
	later.terms.key_id = id_of('k', 2);
	for (size_t i = 0; i < 5; i++) {
		assert_ok(network_offer(&w, i));
		assert_ok(network_offer_as(&w, &later.terms, i, later.share[i], later.share_len));
	}
	assert_ok(network_conclude(&w, true)); /* the older one, each time */
	assert_ok(network_conclude(&w, false));
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[i]), SHARE_CONSISTENT);
	network_end(&w);
	network_end(&later);
}

/* Terms of any length can be invented; memory for more than one longest share a hub cannot. */
static void a_hub_holds_one_longest_share(void **state)
{
	struct network w, small;
	struct terms t;

	(void)state;
	network_start(&w, 31, 3, 2, SCHEME_SHAMIR, 600000);
	network_start(&small, 32, 3, 2, SCHEME_SHAMIR, 1000);
	assert_ok(network_offer(&w, 0));
	t = w.terms;
	t.key_id = id_of('k', 2);
	assert_rc(network_offer_as(&w, &t, 0, w.share[0], w.share_len), DSKE_RC_TOOBIG);
	assert_ok(network_offer_as(&w, &t, 1, w.share[1], w.share_len)); /* another hub's is its own */
	small.terms.key_id = id_of('k', 3);
	assert_ok(network_offer_as(&w, &small.terms, 0, small.share[0], small.share_len));
	network_end(&w);
	network_end(&small);
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
	network_forge(&w, &t, colluders, 4, 0x55);
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

/* ---- many hubs ---------------------------------------------------------------------------------------- */

static void corrupt_first(struct network *w, size_t count, bool shifted)
{
	bool corrupt[TERMS_HUBS_MAX] = {false};

	for (size_t i = 0; i < count; i++) {
		corrupt[i] = true;
		if (!shifted)
			network_corrupt(w, i);
	}
	if (shifted)
		network_shift(w, corrupt);
}

static void check_many(uint8_t n, uint8_t k, size_t corrupt, bool shifted, int expected)
{
	struct network w;

	network_start(&w, n + corrupt, n, k, SCHEME_SHAMIR, 16);
	corrupt_first(&w, corrupt, shifted);
	offer_all(&w);
	assert_rc(network_conclude(&w, false), expected);
	for (size_t i = 0; i < n && expected == DSKE_RC_OK; i++)
		assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[i]), i < corrupt ? SHARE_CORRUPT : SHARE_CONSISTENT);
	network_end(&w);
}

/* Sets of k are more than anybody could try: half of the redundancy is corrected, whatever the errors are,
 * and nearly all of it where they are independent. */
static void corrupt_shares_among_many_are_located(void **state)
{
	(void)state;
	check_many(60, 30, 15, true, DSKE_RC_OK);
	check_many(60, 30, 28, false, DSKE_RC_OK);
	check_many(255, 127, 64, true, DSKE_RC_OK);
	check_many(255, 1, 127, true, DSKE_RC_OK);
	check_many(255, 253, 1, true, DSKE_RC_OK);
}

static void an_endless_search_is_not_begun(void **state)
{
	struct network w;

	(void)state;
	network_start(&w, 27, 60, 30, SCHEME_SHAMIR, 16);
	corrupt_first(&w, 16, true);
	offer_all(&w);
	assert_rc(network_conclude(&w, true), DSKE_RC_NO_CANDIDATE);
	assert_non_null(strstr(rc_detail((dske_rc){DSKE_RC_NO_CANDIDATE}), "too many"));
	network_end(&w);
}

/* ---- colluders, in every number --------------------------------------------------------------------------- */

/* One group with all shares, as a receiver has it. */
static void group_make(struct share_group **g, const struct network *w)
{
	assert_ok(share_group_new(g, &w->terms, NULL));
	for (size_t i = 0; i < w->terms.n; i++) {
		struct secret share = {0};

		assert_ok(secret_from(&share, w->share[i], w->share_len));
		assert_ok(share_group_add(*g, (uint8_t)(i + 1), &share));
	}
}

/* Shifted shares: with every number of them, first or last.  While more than k are honest, little is tried. */
static void check_shifted(uint8_t n, uint8_t k, size_t corrupt, bool last)
{
	AUTO(secret) key = {0};
	struct share_group *g;
	struct network w;
	bool is_corrupt[TERMS_HUBS_MAX] = {false};

	network_start(&w, 100u * n + k, n, k, SCHEME_SHAMIR, 32);
	for (size_t i = 0; i < corrupt; i++)
		is_corrupt[last ? n - 1 - i : i] = true;
	network_shift(&w, is_corrupt);
	group_make(&g, &w);
	dske_rc rc = candidate_search(g, true, &key);
	assert_rc(rc, n - corrupt >= k ? DSKE_RC_OK : DSKE_RC_NO_CANDIDATE);
	if (rc_ok(rc))
		assert_memory_equal(key.data, w.deal.key.data, key.len);
	/* With k honest ones alone, 1 set in 256 gives the key by chance: offsets that cancel at 0. */
	for (size_t i = 0; i < n && n - corrupt > k; i++)
		assert_int_equal(g->share[i].verdict, is_corrupt[i] ? SHARE_CORRUPT : SHARE_CONSISTENT);
	share_group_free(g);
	network_end(&w);
}

static void shifted_shares_in_every_number(void **state)
{
	(void)state;
	for (uint8_t n = 2; n <= 10; n++)
		for (uint8_t k = 1; k <= n; k++)
			for (size_t corrupt = 0; corrupt <= n; corrupt++) {
				check_shifted(n, k, corrupt, false);
				check_shifted(n, k, corrupt, true);
			}
}

/* Offsets that vanish at 0 leave the key as it is, and lay the blame on others: the larger set is believed. */
static void offsets_that_keep_the_key(void **state)
{
	static const uint8_t x[4] = {0, 1, 2, 3};
	struct network w;

	(void)state;
	network_start(&w, 35, 10, 4, SCHEME_SHAMIR, 32);
	/* Hubs 1 to 3 add the same bytes, and hub 4 what the polynomial through these and 0 at 0 has there. */
	static const uint8_t zero[KEY_TAG_KEY_LEN + 32], four = 4;
	const uint8_t *known[4] = {zero, w.share[4], w.share[4], w.share[4]};
	uint8_t at4[KEY_TAG_KEY_LEN + 32], *last = at4;
	assert_ok(shamir_interpolate(x, known, 4, &four, &last, 1, w.share_len));
	for (size_t b = 0; b < w.share_len; b++) {
		for (size_t i = 0; i < 3; i++)
			w.share[i][b] ^= w.share[4][b];
		w.share[3][b] ^= at4[b];
	}
	offer_all(&w);
	assert_ok(network_conclude(&w, true));
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[i]), i < 4 ? SHARE_CORRUPT : SHARE_CONSISTENT);
	network_end(&w);
}

/* A long key: redundancy saves nearly all of the reconstructions. */
static void located_shares_cost_few_candidates(void **state)
{
	AUTO(secret) key = {0};
	struct share_group *g;
	struct network w;

	(void)state;
	network_start(&w, 31, 16, 8, SCHEME_SHAMIR, LONG_KEY_LEN);
	corrupt_first(&w, 4, true);
	group_make(&g, &w);
	assert_ok(candidate_search(g, false, &key));
	assert_in_range(g->tried, 1, 40); /* the first was the key; the rest looked for a second one */
	share_group_free(g);
	network_end(&w);
}

/* The forgers' set takes in k - 1 honest shares, which leaves one honest one beside it, or several. */
static void check_overlap(uint8_t n, uint8_t k, size_t forgers, int expected)
{
	struct network w;
	uint8_t x[TERMS_HUBS_MAX];

	network_start(&w, 33, n, k, SCHEME_SHAMIR, 32);
	for (size_t i = 0; i < forgers; i++)
		x[i] = (uint8_t)(i + 1);
	network_forge(&w, &w.terms, x, forgers, 0x44);
	offer_all(&w);
	assert_rc(network_conclude(&w, true), expected);
	network_end(&w);
}

static void forgers_with_honest_shares_are_noticed(void **state)
{
	(void)state;
	check_overlap(7, 3, 3, DSKE_RC_CONFLICT);
	check_overlap(9, 4, 4, DSKE_RC_CONFLICT);
	check_overlap(20, 5, 9, DSKE_RC_CONFLICT);
	check_overlap(20, 10, 10, DSKE_RC_CONFLICT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_set_of_corrupt_hubs),
		cmocka_unit_test(every_byte_of_a_share_counts),
		cmocka_unit_test(a_corrupt_share_is_outweighed_later),
		cmocka_unit_test(two_keys_in_one_tuple),
		cmocka_unit_test(two_keys_in_two_tuples),
		cmocka_unit_test(two_keys_of_two_names),
		cmocka_unit_test(a_hub_holds_one_longest_share),
		cmocka_unit_test(a_larger_wrong_set_loses),
		cmocka_unit_test(a_long_search_goes_in_steps),
		cmocka_unit_test(a_late_share_begins_the_search_again),
		cmocka_unit_test(a_long_search_ends),
		cmocka_unit_test(corrupt_shares_among_many_are_located),
		cmocka_unit_test(an_endless_search_is_not_begun),
		cmocka_unit_test(shifted_shares_in_every_number),
		cmocka_unit_test(offsets_that_keep_the_key),
		cmocka_unit_test(located_shares_cost_few_candidates),
		cmocka_unit_test(forgers_with_honest_shares_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
