/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-adapted.c - the second pass: shares that were changed on the way are found and left out (DSKE 3). */
#include "core/adapted.h"
#include "test/core/network.h"

#define N_MOST 9
#define KEY_BYTES 37

/* Both ends of one second pass. */
struct pair {
	struct seeded seed;
	struct terms terms;
	struct adapted alice, bob;
	size_t len;
	uint8_t sent[N_MOST][KEY_TAG_KEY_LEN + KEY_BYTES], came[N_MOST][KEY_TAG_KEY_LEN + KEY_BYTES];
	const uint8_t *of_alice[N_MOST], *of_bob[N_MOST];
	struct adapted_marks marks;
	struct adapted_list list;
};

static void begin(struct adapted *a, const struct terms *t, uint8_t least, const uint8_t *material)
{
	AUTO(secret) own = {0};

	assert_ok(secret_from(&own, material, ADAPTED_MATERIAL_LEN(t->n)));
	assert_ok(adapted_begin(a, t, least, &own));
	assert_null(own.data);
}

static void pair_make(struct pair *p, uint64_t seed, uint8_t n, uint8_t k, uint8_t k_b)
{
	uint8_t material[ADAPTED_MATERIAL_LEN(N_MOST)];

	memset(p, 0, sizeof *p);
	p->seed.state = seed;
	network_terms(&p->terms, n, k, SCHEME_ADAPTED, KEY_BYTES);
	assert_ok(terms_check(&p->terms));
	p->len = terms_share_len(&p->terms);
	seeded_fill(&p->seed, material, sizeof material);
	begin(&p->alice, &p->terms, k, material);
	begin(&p->bob, &p->terms, k_b > k ? k_b : k, material);
	for (size_t i = 0; i < n; i++) {
		seeded_fill(&p->seed, p->sent[i], p->len);
		memcpy(p->came[i], p->sent[i], p->len);
		p->of_alice[i] = p->sent[i];
		p->of_bob[i] = p->came[i];
	}
}

static void pair_drop(struct pair *p)
{
	adapted_drop(&p->alice);
	adapted_drop(&p->bob);
}

static dske_rc tag_and_choose(struct pair *p)
{
	TRY(adapted_tag(&p->bob, p->of_bob, &p->marks));
	return adapted_choose(&p->alice, p->of_alice, &p->marks, &p->list);
}

static void assert_agreed(struct pair *p)
{
	AUTO(secret) a = {0};
	AUTO(secret) b = {0};
	struct tag proof;

	assert_ok(adapted_key(&p->alice, &a));
	assert_ok(adapted_key(&p->bob, &b));
	assert_int_equal(a.len, KEY_BYTES);
	assert_int_equal(b.len, KEY_BYTES);
	assert_memory_equal(a.data, b.data, KEY_BYTES);
	adapted_proof(&p->bob, &proof);
	assert_true(adapted_is_proof(&p->alice, &proof));
	proof.b[15] ^= 0x80;
	assert_false(adapted_is_proof(&p->alice, &proof));
}

/* ---- which shares survive ------------------------------------------------------------------------------------ */

/* Of these hubs (three states each) some are silent and some changed a byte. */
static void play_out(uint8_t n, uint8_t k, unsigned fate)
{
	struct pair p;
	uint8_t intact = 0, here = 0, x[N_MOST];

	pair_make(&p, 1000u * n + 100u * k + fate, n, k, 1);
	for (size_t i = 0; i < n; i++, fate /= 3) {
		if (fate % 3 == 0)
			x[intact++] = (uint8_t)(i + 1);
		else if (fate % 3 == 1)
			p.of_bob[i] = NULL;
		else
			p.came[i][seeded_below(&p.seed, p.len)] ^= (uint8_t)(1 + seeded_below(&p.seed, 255));
		here = (uint8_t)(here + (fate % 3 != 1));
	}
	dske_rc rc = tag_and_choose(&p);
	assert_int_equal(rc.code, intact >= k ? DSKE_RC_OK : DSKE_RC_TOO_FEW);
	assert_int_equal(p.marks.count, here >= k ? here : 0);
	if (rc_ok(rc)) {
		assert_int_equal(p.list.count, intact);
		assert_memory_equal(p.list.x, x, intact);
		assert_ok(adapted_conclude(&p.bob, p.of_bob, &p.list));
		assert_agreed(&p);
	}
	pair_drop(&p);
}

static void what_was_changed_is_left_out(void **state)
{
	(void)state;
	for (uint8_t n = 1; n <= 5; n++) {
		unsigned fates = 1;

		for (uint8_t i = 0; i < n; i++)
			fates *= 3;
		for (uint8_t k = 1; k <= n; k++)
			for (unsigned fate = 0; fate < fates; fate++)
				play_out(n, k, fate);
	}
}

/* "If n' >= k": k survive, and k - 1. */
static void exactly_k_are_enough(void **state)
{
	struct pair p;

	(void)state;
	for (unsigned lost = 4; lost <= 5; lost++) {
		pair_make(&p, lost, 9, 5, 1);
		for (unsigned i = 0; i < lost; i++)
			p.came[2 * i % 9][0] ^= 1;
		assert_rc(tag_and_choose(&p), lost == 4 ? DSKE_RC_OK : DSKE_RC_TOO_FEW);
		assert_int_equal(p.list.count, 9 - lost);
		pair_drop(&p);
	}
}

/* Alice's own: a hub that she sent nothing takes no part, whatever Bob has of it. */
static void a_share_that_nobody_sent_is_left_out(void **state)
{
	struct pair p;

	(void)state;
	pair_make(&p, 5, 3, 2, 1);
	p.of_alice[1] = NULL;
	assert_ok(tag_and_choose(&p));
	assert_int_equal(p.list.count, 2);
	assert_int_equal(p.list.x[1], 3);
	assert_ok(adapted_conclude(&p.bob, p.of_bob, &p.list));
	assert_agreed(&p);
	pair_drop(&p);
}

/* Bob's own bound, which may be above k. */
static void bob_insists_on_k_b(void **state)
{
	struct pair p;

	(void)state;
	pair_make(&p, 6, 5, 2, 4);
	p.came[0][9] ^= 4;
	p.came[1][9] ^= 4;
	assert_ok(tag_and_choose(&p)); /* three are enough for Alice */
	assert_rc(adapted_conclude(&p.bob, p.of_bob, &p.list), DSKE_RC_TOO_FEW);
	pair_drop(&p);
	pair_make(&p, 7, 5, 2, 4);
	p.of_bob[0] = p.of_bob[3] = NULL;
	assert_rc(tag_and_choose(&p), DSKE_RC_TOO_FEW);
	p.of_bob[3] = p.came[3]; /* it came late */
	assert_ok(tag_and_choose(&p));
	assert_ok(adapted_conclude(&p.bob, p.of_bob, &p.list));
	pair_drop(&p);
}

/* ---- what is said ----------------------------------------------------------------------------------------------- */

/* Of two hubs whose keys are changed over, neither's tag holds: each hub has a key of its own. */
static void each_share_has_its_own_key(void **state)
{
	struct pair p;

	(void)state;
	pair_make(&p, 8, 4, 2, 1);
	assert_ok(adapted_tag(&p.bob, p.of_bob, &p.marks));
	struct tag first = p.marks.at[0].tag;
	p.marks.at[0].tag = p.marks.at[1].tag;
	p.marks.at[1].tag = first;
	assert_ok(adapted_choose(&p.alice, p.of_alice, &p.marks, &p.list));
	assert_int_equal(p.list.count, 2);
	assert_int_equal(p.list.x[0], 3);
	pair_drop(&p);
}

static void marks_out_of_order_are_refused(void **state)
{
	static const uint8_t wrong[][3] = {{1, 1, 2}, {2, 1, 3}, {0, 1, 2}, {1, 2, 4}, {3, 3, 3}, {1, 3, 2}};
	struct pair p;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		pair_make(&p, 9, 3, 2, 1);
		assert_ok(adapted_tag(&p.bob, p.of_bob, &p.marks));
		for (size_t j = 0; j < 3; j++)
			p.marks.at[j].x = wrong[i][j];
		assert_rc(adapted_choose(&p.alice, p.of_alice, &p.marks, &p.list), DSKE_RC_FORMAT);
		assert_rc(adapted_choose(&p.alice, p.of_alice, &p.marks, &p.list), DSKE_RC_STATE); /* it is over */
		assert_null(p.alice.material.data);
		pair_drop(&p);
	}
}

/* Message tags keep lists from being changed.  Were one changed nevertheless: never another key. */
static dske_rc concludes_with(uint64_t seed, void (*change)(struct pair *p, unsigned how), unsigned how)
{
	struct pair p;

	pair_make(&p, seed, 5, 2, 1);
	p.of_bob[4] = NULL;
	assert_ok(tag_and_choose(&p));
	change(&p, how);
	dske_rc rc = adapted_conclude(&p.bob, p.of_bob, &p.list);
	if (rc_ok(rc))
		assert_agreed(&p);
	else
		assert_rc(adapted_conclude(&p.bob, p.of_bob, &p.list), DSKE_RC_STATE);
	pair_drop(&p);
	return rc_fail(rc.code, "%s", rc_detail(rc));
}

static void change_members(struct pair *p, unsigned members)
{
	p->list.count = 0;
	for (uint8_t x = 1; x <= 5; x++)
		if (members >> (x - 1) & 1)
			p->list.x[p->list.count++] = x;
}

static void change_key_tag(struct pair *p, unsigned bit)
{
	p->list.key_tag.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static void change_order(struct pair *p, unsigned how)
{
	static const uint8_t orders[][4] = {{2, 1, 3, 4}, {1, 1, 3, 4}, {0, 1, 2, 3}, {1, 2, 3, 6}};

	memcpy(p->list.x, orders[how], 4);
}

/* An offset of u and S at once, as a hub could add whose share nobody had tagged: h' notices, h would not
 * (test/core/test-tag-bound.c has the bounds). */
static void shift_share(struct pair *p, unsigned at)
{
	p->came[1][at] ^= 1;
}

static void no_list_gives_another_key(void **state)
{
	(void)state;
	for (unsigned members = 0; members < 32; members++) {
		dske_rc rc = concludes_with(10, change_members, members);
		unsigned count = (unsigned)__builtin_popcount(members);

		if (members == 15)
			assert_ok(rc);
		else
			assert_rc(rc, count < 2 ? DSKE_RC_TOO_FEW : members & 16 ? DSKE_RC_DENIED : DSKE_RC_NO_CANDIDATE);
	}
	for (unsigned bit = 0; bit < 8 * TAG_LEN; bit++)
		assert_rc(concludes_with(11, change_key_tag, bit), DSKE_RC_NO_CANDIDATE);
	for (unsigned how = 0; how < 4; how++)
		assert_rc(concludes_with(12, change_order, how), DSKE_RC_FORMAT);
	for (unsigned at = 0; at < KEY_TAG_KEY_LEN + KEY_BYTES; at++)
		assert_rc(concludes_with(13, shift_share, at), DSKE_RC_NO_CANDIDATE);
}

static void nothing_is_done_twice_or_too_early(void **state)
{
	struct pair p;
	AUTO(secret) key = {0};
	struct tag proof = {{0}};

	(void)state;
	pair_make(&p, 14, 3, 2, 1);
	assert_rc(adapted_conclude(&p.bob, p.of_bob, &p.list), DSKE_RC_STATE);
	assert_rc(adapted_key(&p.bob, &key), DSKE_RC_STATE);
	assert_false(adapted_is_proof(&p.alice, &proof));
	assert_ok(tag_and_choose(&p));
	assert_rc(adapted_tag(&p.bob, p.of_bob, &p.marks), DSKE_RC_STATE);
	assert_rc(adapted_choose(&p.alice, p.of_alice, &p.marks, &p.list), DSKE_RC_STATE);
	assert_ok(adapted_conclude(&p.bob, p.of_bob, &p.list));
	assert_rc(adapted_conclude(&p.bob, p.of_bob, &p.list), DSKE_RC_STATE);
	assert_agreed(&p);
	pair_drop(&p);
}

static void beginnings_are_checked(void **state)
{
	struct adapted a;
	struct terms t;
	AUTO(secret) material = {0};

	(void)state;
	network_terms(&t, 3, 2, SCHEME_ADAPTED, 32);
	assert_ok(secret_alloc(&material, ADAPTED_MATERIAL_LEN(3)));
	assert_rc(adapted_begin(&a, &t, 0, &material), DSKE_RC_ARGS);
	assert_rc(adapted_begin(&a, &t, 4, &material), DSKE_RC_ARGS);
	t.scheme = SCHEME_XOR;
	assert_rc(adapted_begin(&a, &t, 2, &material), DSKE_RC_ARGS);
	t.scheme = SCHEME_ADAPTED;
	t.n = 2;
	assert_rc(adapted_begin(&a, &t, 2, &material), DSKE_RC_ARGS);
	assert_non_null(material.data); /* it stays the caller's */
	assert_int_equal(ADAPTED_MATERIAL_LEN(9), 32 * 11);
}

static void three_names_are_told_apart(void **state)
{
	struct id first = id_of('k', 7), second, fallback, back;

	(void)state;
	adapted_second_id(&second, &first);
	adapted_fallback_id(&fallback, &first);
	assert_false(id_equal(&first, &second));
	assert_false(id_equal(&first, &fallback));
	assert_false(id_equal(&second, &fallback));
	adapted_second_id(&back, &second);
	assert_true(id_equal(&first, &back));
	adapted_fallback_id(&back, &fallback);
	assert_true(id_equal(&first, &back));
}

/* ---- by way of the hubs ------------------------------------------------------------------------------------------- */

/* Alice has chosen, and her list is lost: the same Y_0 through the hubs is the same key. */
static void what_was_chosen_can_be_dealt_again(void **state)
{
	struct pair p;
	struct network w = {.seed.state = 15};
	const uint8_t *pads[5];
	bool ready[5] = {true, true, true, true, true}, use_pad[5];

	(void)state;
	pair_make(&p, 15, 5, 3, 1);
	p.came[2][3] ^= 8;
	assert_ok(tag_and_choose(&p));
	network_terms(&w.terms, 5, 3, SCHEME_FALLBACK, KEY_BYTES);
	w.share_len = terms_share_len(&w.terms);
	assert_ok(agree_choose_again(use_pad, &w.terms, ready, 4));
	for (size_t i = 0; i < 5; i++) {
		w.pad[i] = malloc(w.share_len);
		w.share[i] = malloc(w.share_len);
		seeded_fill(&w.seed, w.pad[i], w.share_len);
		pads[i] = use_pad[i] ? w.pad[i] : NULL;
	}
	assert_rc(agree_deal(&w.deal, &w.terms, pads, use_pad), DSKE_RC_ARGS);
	assert_ok(agree_deal_again(&w.deal, &w.terms, pads, use_pad, p.alice.y0.data));
	assert_memory_equal(&w.terms.key_tag, &p.list.key_tag, sizeof w.terms.key_tag);
	for (size_t i = 0; i < 5; i++)
		memcpy(w.share[i], use_pad[i] ? w.pad[i] : w.deal.share[i].data, w.share_len);
	w.accepts = (struct acceptance){.k_min = 3, .n_min = 1, .n_max = 255, .hubs = w.terms.hub, .hub_count = 5};
	assert_ok(receiver_new(&w.bob, &w.terms.receiver[0], &w.terms.initiator, &w.accepts));
	for (size_t i = 1; i < 4; i++) /* two pads and computed shares, mixed */
		assert_ok(network_offer(&w, i));
	assert_ok(network_conclude(&w, true));
	assert_memory_equal(w.deal.key.data, p.alice.y0.data + KEY_TAG_KEY_LEN, KEY_BYTES);
	w.terms.scheme = SCHEME_XOR;
	w.terms.k = 5;
	assert_rc(agree_deal_again(&w.deal, &w.terms, pads, use_pad, p.alice.y0.data), DSKE_RC_ARGS);
	network_end(&w);
	pair_drop(&p);
}

/* A share of a second pass is nothing that a general agreement would take. */
static void the_general_receiver_takes_no_second_pass(void **state)
{
	struct network w;
	struct terms t;

	(void)state;
	network_start(&w, 16, 3, 2, SCHEME_SHAMIR, 32);
	network_terms(&t, 3, 2, SCHEME_ADAPTED, 32);
	assert_rc(network_offer_as(&w, &t, 0, w.share[0], w.share_len), DSKE_RC_DENIED);
	network_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_changed_is_left_out),
		cmocka_unit_test(exactly_k_are_enough),
		cmocka_unit_test(a_share_that_nobody_sent_is_left_out),
		cmocka_unit_test(bob_insists_on_k_b),
		cmocka_unit_test(each_share_has_its_own_key),
		cmocka_unit_test(marks_out_of_order_are_refused),
		cmocka_unit_test(no_list_gives_another_key),
		cmocka_unit_test(nothing_is_done_twice_or_too_early),
		cmocka_unit_test(beginnings_are_checked),
		cmocka_unit_test(three_names_are_told_apart),
		cmocka_unit_test(what_was_chosen_can_be_dealt_again),
		cmocka_unit_test(the_general_receiver_takes_no_second_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
