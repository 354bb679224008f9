/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks on whole calls.
 *
 * Undermining trust (DSKE 4.1): an initiator that is owned deals a bad share through an honest hub, to have it shunned.
 * The receiver cannot tell that from a hub that corrupts its share, so it tells and acts on neither.
 */
#include <config.h>

#include "test/client/meddler.h"
#include "test/client/world.h"

#include <stdio.h>
#include <string.h>

#include "client/taken.h"
#include "core/adapted.h"
#include "hubproto/direct.h"

static struct world w;

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, 256u << 10, "k = 3\ntimeout = 5s");
	return 0;
}

static size_t left_out(struct client *c, const char *peer)
{
	struct peers all;
	struct id hubs[WORLD_HUBS];
	assert_ok(client_refresh(c));
	assert_ok(client_peers(c, &all));
	size_t count = peers_left_out(&all, &peers_by_name(&all, peer)->id, hubs, WORLD_HUBS);
	peers_drop(&all);
	return count;
}

/* What Bob sees of a bad share by hub 1, again and again: the key stands, the hub is named, and stays in use. */
static void a_hub_made_to_look_bad(void **state)
{
	(void)state;
	world_let_hub(&w, 1, MOCK_CORRUPTS);
	for (int i = 0; i < 3; i++) {
		struct caller alice, bob;
		char context[16];
		snprintf(context, sizeof context, "bad-%d", i);
		agree_both(&w, context, 3000, 0, &alice, &bob);
		assert_same_key(&alice, &bob);
		assert_int_equal(bob.r.n, WORLD_HUBS);
		const struct hub_report *h = report_of(&bob.r.report, w.hub[1].name);
		assert_non_null(h);
		assert_int_not_equal(h->verdict, SHARE_CONSISTENT); /* CORRUPT, or late */
		callers_drop(&alice, &bob);
		assert_int_equal(left_out(w.bob, "alice"), 0);
		assert_int_equal(left_out(w.alice, "bob"), 0);
	}
	world_let_hub(&w, 1, MOCK_HONEST);
	bool consistent = false;
	for (int i = 0; i < 5 && !consistent; i++) { /* on a busy machine it may come late */
		struct caller alice, bob;
		agree_both(&w, "good", 3000, 0, &alice, &bob);
		assert_same_key(&alice, &bob);
		consistent = report_of(&bob.r.report, w.hub[1].name)->verdict == SHARE_CONSISTENT;
		callers_drop(&alice, &bob);
	}
	assert_true(consistent);
}

/*
 * The first pass is delivered to two calls of one key ID, since its receipts are lost, and what the first one says on the
 * direct link goes no further than to the enemy.  A second set of tags under the same keys would give these away.
 */
static void shares_are_tagged_once(void **state)
{
	static struct meddler m;
	char address[32];
	struct caller alice = {.client = w.alice, .q = {.scheme = SCHEME_ADAPTED, .timeout_ms = 8000, .peer = "bob", .has_key_id = true}};
	(void)state;
	for (size_t i = 0; i < WORLD_HUBS; i++)
		world_let_hub(&w, i, MOCK_LOSES_RECEIPTS);
	free_address(address);
	m.how = MEDDLE_SWALLOWS_FROM;
	m.type = DIRECT_TAGS;
	m.times = 1000;
	meddler_start(&m, address);
	memset(alice.q.key_id.b, 0x71, ID_LEN);
	alice.q.direct_listen = address;
	struct caller first = {.client = w.bob, .q = {.scheme = SCHEME_COUNT, .timeout_ms = 1500, .peer = "alice", .has_key_id = true}};
	first.q.key_id = alice.q.key_id;
	first.q.direct = m.address;
	struct caller second = first;
	second.q.timeout_ms = 6000;
	caller_go(&alice);
	caller_go(&first);
	caller_join(&first);
	assert_rc(first.rc, TIMEOUT);
	assert_int_equal(m.seen[DIRECT_TAGS], 1);
	caller_go(&second);
	caller_join(&second);
	caller_join(&alice);
	meddler_stop(&m);
	assert_int_equal(m.seen[DIRECT_TAGS], 1);
	assert_same_key(&alice, &second);
	assert_int_equal(second.r.scheme, SCHEME_SHAMIR);
	assert_non_null(strstr(second.r.fallback, "were tagged before"));
	agree_result_drop(&first.r);
	callers_drop(&alice, &second);
	for (size_t i = 0; i < WORLD_HUBS; i++)
		world_let_hub(&w, i, MOCK_HONEST);
}

/* One hub is heard, its connection is cut behind its share, and so the share comes twice; the other hubs are silent.  No key
 * stands, so that no share may be answered as if one did: the hub would forget it, and the next call had one too few. */
static void a_share_that_comes_twice_is_not_lost(void **state)
{
	struct caller alice, bob;
	(void)state;
	caller_start(&alice, w.alice, "bob", "twice", 4000);
	caller_join(&alice);
	assert_ok(alice.rc);
	for (size_t heard = 0; heard < WORLD_HUBS; heard++) {
		unsigned before = w.hub[heard].receipts;
		for (size_t i = 0; i < WORLD_HUBS; i++)
			world_let_hub(&w, i, i == heard ? MOCK_CUTS_INSTRUCTION : MOCK_MUTE);
		caller_start(&bob, w.bob, "alice", "twice", 1200);
		caller_join(&bob);
		assert_rc(bob.rc, TOO_FEW);
		agree_result_drop(&bob.r);
		sleep_ms(100); /* a receipt would be there by now */
		assert_int_equal(w.hub[heard].bad_left, 0);
		assert_int_equal(w.hub[heard].receipts, before);
	}
	for (size_t i = 0; i < WORLD_HUBS; i++)
		world_let_hub(&w, i, MOCK_HONEST);
	caller_start(&bob, w.bob, "alice", "twice", 4000);
	caller_join(&bob);
	assert_same_key(&alice, &bob);
	callers_drop(&alice, &bob);
}

static size_t second_passes(bool (*holds)(const struct mock_share *s))
{
	size_t count = 0;
	for (size_t i = 0; i < WORLD_HUBS; i++)
		for (size_t j = 0; j < w.hub[i].shares; j++)
			count += w.hub[i].share[j].terms.scheme == SCHEME_ADAPTED && holds(&w.hub[i].share[j]);
	return count;
}

static bool is_receipted(const struct mock_share *s)
{
	return s->delivered;
}

static bool is_said_to_be_kept(const struct mock_share *s)
{
	return s->delivered && s->verdict == RECEIPT_KEPT;
}

/* The shares of a second pass come twice, and it gives no key, since what Bob says on the direct link goes nowhere: no hub is told
 * that one was kept.  With the direct link the same gives a key, and then each hub that is told anything is told that. */
static void a_second_pass_is_kept_with_its_key_alone(void **state)
{
	static struct meddler m;
	char address[32];
	(void)state;
	free_address(address);
	m.how = MEDDLE_SWALLOWS_FROM;
	m.type = DIRECT_TAGS;
	m.times = 1000;
	for (unsigned honest = 0; honest < 2; honest++) {
		struct caller alice = {.client = w.alice, .q = {.scheme = SCHEME_ADAPTED, .timeout_ms = 5000, .peer = "bob", .has_key_id = true}};
		struct caller bob = {.client = w.bob, .q = {.scheme = SCHEME_COUNT, .timeout_ms = 2000, .peer = "alice", .has_key_id = true}};
		size_t receipted = second_passes(is_receipted), kept = second_passes(is_said_to_be_kept);
		for (size_t i = 0; i < WORLD_HUBS; i++)
			world_let_hub(&w, i, i < 2 ? MOCK_CUTS_SECOND : MOCK_HONEST);
		if (honest == 0)
			meddler_start(&m, address);
		memset(alice.q.key_id.b, 0x74 + (int)honest, ID_LEN);
		memcpy(alice.q.context, "pass", 4); /* what is left of it is not the next test's */
		alice.q.context_len = 4;
		bob.q.key_id = alice.q.key_id;
		alice.q.direct_listen = address;
		bob.q.direct = honest == 0 ? m.address : address;
		caller_go(&alice);
		caller_go(&bob);
		caller_join(&bob);
		caller_join(&alice);
		if (honest == 0)
			meddler_stop(&m);
		sleep_ms(100);
		assert_int_equal(w.hub[0].bad_left + w.hub[1].bad_left, 0);
		print_message("# bob: %s, %s\n", rc_name(bob.rc), scheme_name(bob.r.scheme));
		if (honest == 1) {
			assert_same_key(&alice, &bob);
			assert_int_equal(bob.r.scheme, SCHEME_ADAPTED);
			assert_in_range(second_passes(is_said_to_be_kept), kept + 3, kept + WORLD_HUBS);
		} else {
			assert_int_equal(second_passes(is_receipted), receipted);
		}
		assert_int_equal(second_passes(is_said_to_be_kept) - kept, second_passes(is_receipted) - receipted);
		agree_result_drop(&alice.r);
		agree_result_drop(&bob.r);
	}
	for (size_t i = 0; i < WORLD_HUBS; i++)
		world_let_hub(&w, i, MOCK_HONEST);
}

/* A call that came by context to the first pass waits for the fallback by its ID, which another one, by context, has taken. */
static void a_fallback_that_another_call_took(void **state)
{
	char address[32];
	struct id fallback;
	struct caller alice = {.client = w.alice, .q = {.scheme = SCHEME_ADAPTED, .timeout_ms = 2000, .peer = "bob", .has_key_id = true}};
	struct caller bob = {.client = w.bob, .q = {.scheme = SCHEME_COUNT, .timeout_ms = 3000, .peer = "alice"}};
	(void)state;
	free_address(address);
	alice.q.direct_listen = address; /* where nobody comes */
	memset(alice.q.key_id.b, 0x72, ID_LEN);
	adapted_fallback_id(&fallback, &alice.q.key_id);
	assert_ok(taken_enter(client_config(w.bob), &w.alice_id, &fallback));
	caller_go(&alice);
	caller_go(&bob);
	caller_join(&alice);
	caller_join(&bob);
	assert_rc(alice.rc, OK);
	assert_rc(bob.rc, EXISTS);
	assert_non_null(strstr(bob.why, "another call has taken this key"));
	assert_null(bob.r.key.data);
	callers_drop(&alice, &bob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_hub_made_to_look_bad), cmocka_unit_test(shares_are_tagged_once),
					   cmocka_unit_test(a_share_that_comes_twice_is_not_lost),
					   cmocka_unit_test(a_second_pass_is_kept_with_its_key_alone),
					   cmocka_unit_test(a_fallback_that_another_call_took)};
	return cmocka_run_group_tests_name("attacks", tests, set_up, world_tear_down);
}
