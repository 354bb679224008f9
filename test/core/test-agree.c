/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-agree.c - agreements end to end, and what a receiver refuses. */
#include "test/core/network.h"

static void shuffled(struct seeded *seed, size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; i > 1; i--) {
		size_t j = seeded_below(seed, i), t = order[j];

		order[j] = order[i - 1];
		order[i - 1] = t;
	}
}

static void agree_once(uint8_t n, uint8_t k, enum scheme scheme, uint32_t key_len)
{
	struct network w;
	size_t order[TERMS_HUBS_MAX];

	network_start(&w, (uint64_t)n << 8 | k, n, k, scheme, key_len);
	shuffled(&w.seed, order, n);
	for (size_t i = 0; i < n; i++) {
		if (n < 50 || i < k)
			assert_rc(network_conclude(&w, false), i < k ? DSKE_RC_TOO_FEW : DSKE_RC_OK);
		assert_ok(network_offer(&w, order[i]));
		assert_int_equal(receiver_share_count(w.bob), i + 1);
	}
	assert_ok(network_conclude(&w, true));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[i]), SHARE_CONSISTENT);
	network_end(&w);
}

static void every_shape_agrees(void **state)
{
	static const uint8_t large[][2] = {{50, 30}, {100, 3}, {255, 1}, {255, 128}, {255, 255}};

	(void)state;
	for (uint8_t n = 1; n <= 12; n++)
		for (uint8_t k = 1; k <= n; k++)
			agree_once(n, k, SCHEME_SHAMIR, KEY_LEN_MIN + n);
	for (uint8_t n = 1; n <= 12; n++)
		agree_once(n, n, SCHEME_XOR, 32);
	agree_once(255, 255, SCHEME_XOR, 16);
	for (size_t i = 0; i < sizeof large / sizeof large[0]; i++)
		agree_once(large[i][0], large[i][1], SCHEME_SHAMIR, 16);
	agree_once(5, 3, SCHEME_SHAMIR, 100003);
}

static void a_deal_is_the_schemes(void **state)
{
	struct network w;
	uint8_t y0[KEY_TAG_KEY_LEN + 32] = {0};

	(void)state;
	network_start(&w, 3, 4, 4, SCHEME_XOR, 32);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < sizeof y0; j++)
			y0[j] ^= w.pad[i][j];
	assert_memory_equal(w.deal.key.data, y0 + KEY_TAG_KEY_LEN, 32);
	assert_true(key_tag_check(&w.terms.key_tag, y0, y0 + KEY_TAG_KEY_LEN, 32));
	network_end(&w);
}

static void a_deal_refuses_wrong_pads(void **state)
{
	struct terms t;
	struct deal d;
	uint8_t bytes[KEY_TAG_KEY_LEN + 16] = {0};
	const uint8_t *pads[3] = {bytes, bytes, bytes};
	bool use_pad[3] = {true, true, true};

	(void)state;
	network_terms(&t, 3, 2, SCHEME_SHAMIR, 16);
	assert_rc(agree_deal(&d, &t, pads, use_pad), DSKE_RC_ARGS);
	use_pad[0] = use_pad[1] = false;
	assert_rc(agree_deal(&d, &t, pads, use_pad), DSKE_RC_ARGS);
	use_pad[0] = true;
	pads[0] = NULL;
	assert_rc(agree_deal(&d, &t, pads, use_pad), DSKE_RC_ARGS);
	pads[0] = bytes;
	assert_ok(agree_deal(&d, &t, pads, use_pad));
	deal_drop(&d);
	t.key_len = KEY_LEN_MIN - 1;
	assert_rc(agree_deal(&d, &t, pads, use_pad), DSKE_RC_FORMAT);
	assert_null(d.key.data);
}

static void choice_spreads_load(void **state)
{
	struct terms t;
	bool ready[7] = {true, true, true, true, true, true, true}, use_pad[7];
	unsigned load[7] = {0};

	(void)state;
	network_terms(&t, 7, 3, SCHEME_SHAMIR, 16);
	for (uint64_t spread = 0; spread < 70; spread++) {
		assert_ok(agree_choose(use_pad, &t, ready, spread));
		for (size_t i = 0; i < 7; i++)
			load[i] += use_pad[i];
	}
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(load[i], 30);
	ready[0] = ready[2] = ready[4] = ready[6] = false;
	assert_ok(agree_choose(use_pad, &t, ready, UINT64_MAX));
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(use_pad[i], ready[i]);
	ready[1] = false;
	assert_rc(agree_choose(use_pad, &t, ready, 5), DSKE_RC_TOO_FEW);
}

static void replies_are_counted_once(void **state)
{
	struct terms t;
	struct deal d = {0};

	(void)state;
	network_terms(&t, 5, 3, SCHEME_SHAMIR, 16);
	assert_int_equal(agree_reply(&d, &t, 0, true), DEAL_WAIT);
	for (int i = 0; i < 5; i++)
		assert_int_equal(agree_reply(&d, &t, 0, true), DEAL_WAIT);
	assert_int_equal(agree_reply(&d, &t, 5, true), DEAL_WAIT); /* there is no hub 5 */
	assert_int_equal(agree_reply(&d, &t, 1, false), DEAL_WAIT);
	assert_int_equal(agree_reply(&d, &t, 1, true), DEAL_WAIT);
	assert_int_equal(agree_reply(&d, &t, 2, true), DEAL_WAIT);
	assert_int_equal(agree_reply(&d, &t, 3, true), DEAL_AGREED);
	assert_int_equal(agree_reply(&d, &t, 4, false), DEAL_AGREED);

	memset(&d, 0, sizeof d);
	assert_int_equal(agree_reply(&d, &t, 4, false), DEAL_WAIT);
	assert_int_equal(agree_reply(&d, &t, 3, false), DEAL_WAIT);
	assert_int_equal(agree_reply(&d, &t, 2, false), DEAL_FAILED);
}

static void acceptance_has_bounds(void **state)
{
	struct terms t;
	struct id known[4];
	struct acceptance a = {.k_min = 3, .n_min = 4, .n_max = 6, .hubs = known, .hub_count = 4};

	(void)state;
	network_terms(&t, 5, 3, SCHEME_SHAMIR, 16);
	memcpy(known, t.hub, sizeof known);
	assert_ok(acceptance_check(&a, &t));
	t.k = 2;
	assert_rc(acceptance_check(&a, &t), DSKE_RC_DENIED);
	assert_string_equal(rc_detail((dske_rc){DSKE_RC_DENIED}), "k = 2 is below the least accepted, 3");
	t.k = 4;
	assert_ok(acceptance_check(&a, &t));
	t.k = 5; /* only four of them are known here */
	assert_rc(acceptance_check(&a, &t), DSKE_RC_DENIED);
	network_terms(&t, 3, 3, SCHEME_SHAMIR, 16);
	assert_rc(acceptance_check(&a, &t), DSKE_RC_DENIED);
	network_terms(&t, 7, 3, SCHEME_SHAMIR, 16);
	assert_rc(acceptance_check(&a, &t), DSKE_RC_DENIED);
}

/* Each way in which an offer is refused, and that a refused one leaves no trace. */
static void offers_are_refused(void **state)
{
	struct network w;
	struct terms t;
	struct id stranger = id_of('h', 200);
	AUTO(secret) share = {0};

	(void)state;
	network_start(&w, 1, 5, 3, SCHEME_SHAMIR, 32);
	assert_ok(secret_from(&share, w.share[0], w.share_len));
	assert_rc(receiver_offer(w.bob, &stranger, &w.terms, &share), DSKE_RC_DENIED);
	t = w.terms;
	t.hub[0] = stranger; /* acceptable, but not among the hubs of the tuple */
	assert_rc(receiver_offer(w.bob, &w.terms.hub[0], &t, &share), DSKE_RC_DENIED);
	t = w.terms;
	t.initiator = id_of('c', 3);
	assert_rc(network_offer_as(&w, &t, 0, w.share[0], w.share_len), DSKE_RC_DENIED);
	t = w.terms;
	t.receiver[0] = id_of('c', 3);
	assert_rc(network_offer_as(&w, &t, 0, w.share[0], w.share_len), DSKE_RC_DENIED);
	t = w.terms;
	t.k = 6;
	assert_rc(network_offer_as(&w, &t, 0, w.share[0], w.share_len), DSKE_RC_FORMAT);
	assert_rc(network_offer_as(&w, &w.terms, 0, w.share[0], w.share_len - 1), DSKE_RC_FORMAT);
	assert_int_equal(receiver_share_count(w.bob), 0);
	assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[0]), SHARE_ABSENT);
	assert_rc(network_conclude(&w, true), DSKE_RC_TOO_FEW);
	network_end(&w);
}

static void a_least_k_is_kept(void **state)
{
	struct network w;

	(void)state;
	network_start(&w, 2, 5, 2, SCHEME_SHAMIR, 32);
	receiver_free(w.bob);
	w.accepts.k_min = 3;
	assert_ok(receiver_new(&w.bob, &w.terms.receiver[0], &w.terms.initiator, &w.accepts));
	for (size_t i = 0; i < 5; i++)
		assert_rc(network_offer(&w, i), DSKE_RC_DENIED);
	assert_rc(network_conclude(&w, true), DSKE_RC_TOO_FEW);
	network_end(&w);
}

/* Hubs that Bob does not know are allowed in the list, and do not count. */
static void unknown_hubs_do_not_count(void **state)
{
	struct network w;

	(void)state;
	network_start(&w, 8, 5, 3, SCHEME_SHAMIR, 32);
	receiver_free(w.bob);
	w.accepts.hub_count = 3;
	assert_ok(receiver_new(&w.bob, &w.terms.receiver[0], &w.terms.initiator, &w.accepts));
	assert_rc(network_offer(&w, 3), DSKE_RC_DENIED);
	assert_rc(network_offer(&w, 4), DSKE_RC_DENIED);
	assert_ok(network_offer(&w, 0));
	assert_ok(network_offer(&w, 1));
	assert_rc(network_conclude(&w, true), DSKE_RC_TOO_FEW);
	assert_ok(network_offer(&w, 2));
	assert_ok(network_conclude(&w, true));
	network_end(&w);
}

static void one_share_a_hub(void **state)
{
	struct network w;
	uint8_t other[KEY_TAG_KEY_LEN + 32] = {1};

	(void)state;
	network_start(&w, 4, 3, 2, SCHEME_SHAMIR, 32);
	assert_ok(network_offer(&w, 0));
	assert_rc(network_offer(&w, 0), DSKE_RC_EXISTS);
	assert_rc(network_offer_as(&w, &w.terms, 0, other, sizeof other), DSKE_RC_DENIED);
	assert_int_equal(receiver_share_count(w.bob), 1);
	assert_rc(network_conclude(&w, false), DSKE_RC_TOO_FEW);
	assert_ok(network_offer(&w, 2));
	assert_ok(network_conclude(&w, true)); /* the first counted */
	network_end(&w);
}

static void a_hub_cannot_fill_memory(void **state)
{
	struct network w;
	struct terms t;

	(void)state;
	network_start(&w, 5, 5, 3, SCHEME_SHAMIR, 32);
	t = w.terms;
	for (uint8_t i = 0; i < 20; i++) {
		t.key_tag.b[0] = (uint8_t)(w.terms.key_tag.b[0] + 1 + i);
		assert_rc(network_offer_as(&w, &t, 4, w.share[4], w.share_len),
			  i < 4 ? DSKE_RC_OK : DSKE_RC_DENIED);
	}
	assert_rc(network_offer(&w, 4), DSKE_RC_DENIED); /* its own loss */
	for (size_t i = 0; i < 3; i++)
		assert_ok(network_offer(&w, i));
	assert_ok(network_conclude(&w, true));
	assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[4]), SHARE_UNUSED);
	assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[3]), SHARE_ABSENT);
	network_end(&w);
}

/* Every field of the tuple keeps shares apart. */
static void shares_are_grouped_by_terms(void **state)
{
	(void)state;
	for (int field = 0; field < 8; field++) {
		struct network w;

		network_start(&w, 6, 3, 2, SCHEME_SHAMIR, 32);
		struct terms t = w.terms;
		switch (field) {
		case 0: t.key_id.b[15] ^= 1; break;
		case 1: t.receiver[t.receiver_count++] = id_of('c', 9); break;
		case 2: t.k = 3; break;
		case 3: t.hub[2] = id_of('h', 77); break;
		case 4: t.k = 3; t.scheme = SCHEME_XOR; break;
		case 5: t.key_tag.b[15] ^= 1; break;
		case 6: t.context[3] ^= 1; break;
		case 7: t.context_len--; break;
		}
		assert_false(terms_equal(&t, &w.terms));
		assert_ok(network_offer(&w, 0));
		assert_ok(network_offer_as(&w, &t, 1, w.share[1], w.share_len));
		assert_rc(network_conclude(&w, true), DSKE_RC_TOO_FEW);
		assert_ok(network_offer(&w, 1));
		assert_ok(network_conclude(&w, true));
		network_end(&w);
	}
}

static void late_shares_are_judged(void **state)
{
	struct network w;

	(void)state;
	network_start(&w, 7, 5, 3, SCHEME_SHAMIR, 32);
	for (size_t i = 0; i < 3; i++)
		assert_ok(network_offer(&w, i));
	assert_ok(network_conclude(&w, false));
	network_corrupt(&w, 3);
	assert_ok(network_offer(&w, 3));
	assert_ok(network_offer(&w, 4));
	assert_ok(network_conclude(&w, true));
	assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[3]), SHARE_CORRUPT);
	assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[4]), SHARE_CONSISTENT);
	network_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_agrees),
		cmocka_unit_test(a_deal_is_the_schemes),
		cmocka_unit_test(a_deal_refuses_wrong_pads),
		cmocka_unit_test(choice_spreads_load),
		cmocka_unit_test(replies_are_counted_once),
		cmocka_unit_test(acceptance_has_bounds),
		cmocka_unit_test(offers_are_refused),
		cmocka_unit_test(a_least_k_is_kept),
		cmocka_unit_test(unknown_hubs_do_not_count),
		cmocka_unit_test(one_share_a_hub),
		cmocka_unit_test(a_hub_cannot_fill_memory),
		cmocka_unit_test(shares_are_grouped_by_terms),
		cmocka_unit_test(late_shares_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
