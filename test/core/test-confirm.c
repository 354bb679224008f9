/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/core/test-confirm.c - a member of a group, in league with one hub, gives another member a key of its own.
 *
 * Mallory receives what Bob receives, so she knows Y_0 = u || S.  She chooses another S, moves d in u so that the key
 * tag holds, and her hub sends Bob what completes an honest share to that.  Of three hubs, k = 2; Bob hears two.
 */
#include "test/core/network.h"

#include "core/confirm.h"
#include "core/tag.h"

#define MASK CONFIRM_MASK_LEN
enum { BOB, MALLORY };

static void start(struct network *w, uint64_t seed, bool confirm)
{
	memset(w, 0, sizeof *w);
	w->seed.state = seed;
	network_terms(&w->terms, 3, 2, SCHEME_SHAMIR, 32);
	w->terms.receiver[w->terms.receiver_count++] = id_of('c', 3);
	w->terms.confirm = confirm;
	network_deal(w);
	w->accepts = (struct acceptance){.k_min = 2, .n_min = 1, .n_max = 255, .hubs = w->terms.hub, .hub_count = 3};
	assert_ok(receiver_new(&w->bob, &w->terms.receiver[BOB], &w->terms.initiator, &w->accepts));
}

/* What Mallory reconstructs. */
static void know(const struct network *w, uint8_t *y0)
{
	const uint8_t x[] = {1, 2}, zero = 0;
	const uint8_t *known[] = {w->share[0], w->share[1]};

	assert_ok(shamir_interpolate(x, known, 2, &zero, &y0, 1, w->share_len));
}

/* Makes the key tag hold of what y0 has become behind u. */
static void retag(const struct network *w, uint8_t *y0)
{
	struct tag tag;

	key_tag_compute(&tag, y0, y0 + KEY_TAG_KEY_LEN, terms_tagged_len(&w->terms));
	for (size_t i = 0; i < TAG_LEN; i++)
		y0[TAG_LEN + i] ^= (uint8_t)(tag.b[i] ^ w->terms.key_tag.b[i]);
}

/* Hub 0 sends what lies with hub 1's honest share on the polynomial through that secret. */
static void deliver(struct network *w, uint8_t *y0)
{
	const uint8_t x[] = {0, 2}, one = 1;
	const uint8_t *known[] = {y0, w->share[1]};

	assert_ok(shamir_interpolate(x, known, 2, &one, &w->share[0], 1, w->share_len));
	assert_ok(network_offer(w, 0));
	assert_ok(network_offer(w, 1));
}

static void bob_concludes(struct network *w, struct secret *key)
{
	const struct terms *t = NULL;

	assert_ok(receiver_conclude(w->bob, true, key, &t));
	assert_int_equal(key->len, 32);
}

/* Gives Bob another key, and another mask where `mask` says so. */
static void split(struct network *w, const uint8_t *mask)
{
	uint8_t y0[KEY_TAG_KEY_LEN + MASK + 32];
	size_t before_key = KEY_TAG_KEY_LEN + terms_tagged_len(&w->terms) - 32;

	know(w, y0);
	y0[before_key + 5] ^= 0x40;
	if (mask)
		memcpy(y0 + KEY_TAG_KEY_LEN, mask, MASK);
	retag(w, y0);
	deliver(w, y0);
}

static void without_confirmation_the_group_is_split(void **state)
{
	struct network w;
	AUTO(secret) key = {0};

	(void)state;
	start(&w, 1, false);
	split(&w, NULL);
	bob_concludes(&w, &key);
	assert_memory_not_equal(key.data, w.deal.key.data, 32); /* and nobody is told */
	network_end(&w);
}

static void with_confirmation_the_split_is_found(void **state)
{
	uint8_t mask[MASK];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct network w;
		struct confirmation c;
		AUTO(secret) key = {0};

		start(&w, 100 + i, true);
		seeded_fill(&w.seed, mask, sizeof mask);
		split(&w, i % 2 == 0 ? mask : NULL);
		bob_concludes(&w, &key); /* the key tag holds */
		assert_memory_not_equal(key.data, w.deal.key.data, 32);
		assert_ok(confirmation_draw(&c, w.deal.mask, w.deal.key.data, w.deal.key.len));
		assert_false(confirmation_check(&c, receiver_mask(w.bob), key.data, key.len));
		network_end(&w);
	}
}

/* The mask that makes up for the other key at the point c: were it drawn before Bob is ready, nothing would be found. */
static void whoever_knows_c_beforehand_passes(void **state)
{
	struct network w;
	struct confirmation c;
	struct tag moved;
	uint8_t other[32], key[TAG_KEY_LEN] = {0}, mask[MASK];
	AUTO(secret) got = {0};

	(void)state;
	start(&w, 2, true);
	assert_ok(confirmation_draw(&c, w.deal.mask, w.deal.key.data, 32));
	memcpy(other, w.deal.key.data, 32);
	other[5] ^= 0x40;
	memcpy(key, c.point.b, TAG_LEN);
	tag_compute(&moved, key, other, 32);
	for (size_t i = 0; i < MASK; i++)
		mask[i] = (uint8_t)(moved.b[i] ^ c.value.b[i]);
	split(&w, mask);
	bob_concludes(&w, &got);
	assert_memory_equal(got.data, other, 32);
	assert_true(confirmation_check(&c, receiver_mask(w.bob), got.data, got.len));
	network_end(&w);
}

/* d' is under the key tag: a hub that nobody helps cannot change it, and so cannot keep Bob from confirming. */
static void a_hub_alone_cannot_change_the_mask(void **state)
{
	struct network w;
	AUTO(secret) key = {0};
	const struct terms *t = NULL;

	(void)state;
	start(&w, 3, true);
	w.share[0][KEY_TAG_KEY_LEN + 3] ^= 1;
	assert_ok(network_offer(&w, 0));
	assert_ok(network_offer(&w, 1));
	assert_rc(receiver_conclude(w.bob, true, &key, &t), DSKE_RC_NO_CANDIDATE);
	assert_ok(network_offer(&w, 2));
	assert_ok(receiver_conclude(w.bob, true, &key, &t));
	assert_memory_equal(key.data, w.deal.key.data, 32);
	assert_memory_equal(receiver_mask(w.bob), w.deal.mask, MASK);
	assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[0]), SHARE_CORRUPT);
	network_end(&w);
}

static void an_honest_key_is_confirmed(void **state)
{
	const enum scheme schemes[] = {SCHEME_SHAMIR, SCHEME_XOR};
	const uint32_t lengths[] = {16, 17, 32, 4095};

	(void)state;
	for (size_t s = 0; s < 2; s++)
		for (size_t l = 0; l < 4; l++) {
			struct network w = {.seed.state = 7 + l};
			struct confirmation c;
			AUTO(secret) key = {0};
			const struct terms *t = NULL;

			network_terms(&w.terms, 3, s ? 3 : 2, schemes[s], lengths[l]);
			w.terms.confirm = true;
			network_deal(&w);
			assert_int_equal(w.share_len, KEY_TAG_KEY_LEN + MASK + lengths[l]);
			w.accepts = (struct acceptance){.k_min = 1, .n_min = 1, .n_max = 9, .hubs = w.terms.hub, .hub_count = 3};
			assert_ok(receiver_new(&w.bob, &w.terms.receiver[BOB], &w.terms.initiator, &w.accepts));
			for (size_t i = 0; i < 3; i++)
				assert_ok(network_offer(&w, i));
			assert_ok(receiver_conclude(w.bob, true, &key, &t));
			assert_int_equal(key.len, lengths[l]);
			assert_memory_equal(key.data, w.deal.key.data, key.len);
			assert_ok(confirmation_draw(&c, w.deal.mask, w.deal.key.data, w.deal.key.len));
			assert_true(confirmation_check(&c, receiver_mask(w.bob), key.data, key.len));
			c.value.b[15] ^= 0x80;
			assert_false(confirmation_check(&c, receiver_mask(w.bob), key.data, key.len));
			c.value.b[15] ^= 0x80;
			c.point.b[0] ^= 1;
			assert_false(confirmation_check(&c, receiver_mask(w.bob), key.data, key.len));
			network_end(&w);
		}
}

/* ---- counting ------------------------------------------------------------------------------------------- */

static void all_are_ready_when_k_hubs_say_so_of_each(void **state)
{
	struct terms t;
	struct muster m = {0};
	struct receiver_set bob = {0}, both = {0}, strangers;

	(void)state;
	network_terms(&t, 4, 3, SCHEME_SHAMIR, 32);
	t.receiver[t.receiver_count++] = id_of('c', 3);
	receiver_set_add(&bob, BOB);
	receiver_set_add(&both, BOB);
	receiver_set_add(&both, MALLORY);
	memset(&strangers, 0xfc, 1);
	memset(strangers.b + 1, 0xff, sizeof strangers.b - 1);
	muster_note(&m, 0, &both);
	muster_note(&m, 0, &both); /* a hub counts once */
	muster_note(&m, 1, &both);
	muster_note(&m, 2, &bob);
	muster_note(&m, 3, &strangers);
	assert_int_equal(muster_count(&m, &t, BOB), 3);
	assert_int_equal(muster_count(&m, &t, MALLORY), 2);
	assert_false(muster_is_complete(&m, &t));
	muster_note(&m, 0, &bob); /* nothing is taken back */
	assert_int_equal(muster_count(&m, &t, MALLORY), 2);
	muster_note(&m, 2, &both);
	assert_true(muster_is_complete(&m, &t));
	muster_note(&m, TERMS_HUBS_MAX, &both); /* not a hub */
}

static void sets_of_receivers(void **state)
{
	struct receiver_set s = {0};

	(void)state;
	receiver_set_add(&s, TERMS_RECEIVERS_MAX);
	for (size_t i = 0; i <= TERMS_RECEIVERS_MAX; i++)
		assert_false(receiver_set_has(&s, i));
	receiver_set_add(&s, 63);
	receiver_set_add(&s, 9);
	for (size_t i = 0; i < TERMS_RECEIVERS_MAX; i++)
		assert_int_equal(receiver_set_has(&s, i), i == 63 || i == 9);
	assert_int_equal(s.b[1], 2);
	assert_int_equal(s.b[7], 0x80);
}

static void what_k_hubs_say_alike_is_believed(void **state)
{
	struct ballot b = {0};
	const struct confirmation true_one = {.point.b = {1}, .value.b = {2}}, lie = {.point.b = {1}, .value.b = {3}};

	(void)state;
	assert_null(ballot_result(&b, 1));
	ballot_note(&b, 0, &lie);
	ballot_note(&b, 1, &true_one);
	ballot_note(&b, 1, &lie); /* the first word counts */
	assert_null(ballot_result(&b, 2));
	ballot_note(&b, 254, &true_one);
	ballot_note(&b, 255, &true_one); /* not a hub */
	assert_memory_equal(ballot_result(&b, 2), &true_one, sizeof true_one);
	assert_null(ballot_result(&b, 3));
}

/* ---- keys that were given up ------------------------------------------------------------------------------ */

/* The next attempt of the same initiator, of keys of that length, for the same receiver. */
static void start_next(struct network *next, const struct network *w, unsigned number, uint32_t key_len)
{
	memset(next, 0, sizeof *next);
	next->seed.state = 77 + number;
	next->terms = w->terms;
	next->terms.key_id = id_of('k', number);
	next->terms.key_len = key_len;
	network_deal(next);
	next->bob = w->bob;
}

static void end_next(struct network *next)
{
	next->bob = NULL;
	network_end(next);
}

static void concludes_with(struct receiver *bob, const struct network *of)
{
	AUTO(secret) key = {0};
	const struct terms *t = NULL;

	assert_ok(receiver_conclude(bob, true, &key, &t));
	assert_true(id_equal(&t->key_id, &of->terms.key_id));
	assert_int_equal(key.len, of->deal.key.len);
	assert_memory_equal(key.data, of->deal.key.data, key.len);
	assert_memory_equal(receiver_mask(bob), of->deal.mask, MASK);
}

static void finds_none(struct receiver *bob)
{
	AUTO(secret) key = {0};
	const struct terms *t = NULL;

	assert_rc(receiver_conclude(bob, true, &key, &t), DSKE_RC_TOO_FEW);
	assert_null(key.data);
}

/* One hub's share of the next key does not tell the receiver anything; k of them do, and either can still be chosen. */
static void a_key_that_waits_keeps_no_other_out(void **state)
{
	struct network w, next;

	(void)state;
	start(&w, 31, true);
	start_next(&next, &w, 2, 32);
	assert_ok(network_offer(&w, 0));
	assert_ok(network_offer(&w, 1));
	concludes_with(w.bob, &w);
	receiver_set_aside(w.bob);
	finds_none(w.bob);
	assert_ok(network_offer(&w, 2)); /* a late one of the first */
	finds_none(w.bob);
	assert_ok(network_offer(&next, 0));
	finds_none(w.bob);
	assert_ok(network_offer(&next, 2));
	concludes_with(w.bob, &next);
	receiver_set_aside(w.bob);
	finds_none(w.bob);
	receiver_choose(w.bob, &w.terms.key_id);
	concludes_with(w.bob, &w);
	assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[2]), SHARE_CONSISTENT);
	receiver_choose(w.bob, &next.terms.key_id);
	concludes_with(w.bob, &next);
	end_next(&next);
	network_end(&w);
}

/* More attempts than a hub may have shares of: the oldest goes.  Each as long as what a hub's shares may take. */
static void the_oldest_goes(void **state)
{
	struct network w, next;

	(void)state;
	start(&w, 32, true);
	assert_ok(network_offer(&w, 0));
	assert_ok(network_offer(&w, 1));
	concludes_with(w.bob, &w);
	receiver_set_aside(w.bob);
	for (unsigned i = 2; i < 12; i++) {
		const struct id oldest = id_of('k', i - RECEIVER_ASIDE_MOST);

		start_next(&next, &w, i, KEY_PART_LEN - MASK);
		for (size_t hub = 0; hub < 3; hub++)
			assert_ok(network_offer(&next, hub));
		concludes_with(w.bob, &next);
		if (i > RECEIVER_ASIDE_MOST)
			receiver_drop_aside(w.bob, &oldest);
		concludes_with(w.bob, &next);
		receiver_set_aside(w.bob);
		finds_none(w.bob);
		end_next(&next);
	}
	network_end(&w);
}

/* A hub that invents agreements under the name of one that waits has no more room than others have. */
static void names_that_wait_are_no_room(void **state)
{
	struct network w;

	(void)state;
	start(&w, 33, true);
	for (size_t hub = 0; hub < 3; hub++)
		assert_ok(network_offer(&w, hub));
	concludes_with(w.bob, &w);
	receiver_set_aside(w.bob);
	for (uint8_t i = 0; i < 6; i++) {
		w.terms.key_tag.b[0]++;
		assert_rc(network_offer(&w, 0), i < 3 ? DSKE_RC_OK : DSKE_RC_DENIED);
	}
	finds_none(w.bob);
	network_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_confirmation_the_group_is_split),
		cmocka_unit_test(with_confirmation_the_split_is_found),
		cmocka_unit_test(whoever_knows_c_beforehand_passes),
		cmocka_unit_test(a_hub_alone_cannot_change_the_mask),
		cmocka_unit_test(an_honest_key_is_confirmed),
		cmocka_unit_test(all_are_ready_when_k_hubs_say_so_of_each),
		cmocka_unit_test(sets_of_receivers),
		cmocka_unit_test(what_k_hubs_say_alike_is_believed),
		cmocka_unit_test(a_key_that_waits_keeps_no_other_out),
		cmocka_unit_test(the_oldest_goes),
		cmocka_unit_test(names_that_wait_are_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
