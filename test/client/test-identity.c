/* SPDX-License-Identifier: Apache-2.0 */
/* A hub that contradicts the others about a peer: found, remembered, and left out; and a peer whose ID seems to change. */
#include <config.h>

#include "test/client/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, 256u << 10, "timeout = 5s"); /* k: more than half of the hubs */
	return 0;
}

/* As dske peer add does. */
static dske_rc ask_and_record(struct client *c, const char *name, bool change)
{
	struct identity_vote *votes = NULL;
	struct report report;
	struct hub_word words[WORLD_HUBS];
	struct peer p = {.hubs_asked = WORLD_HUBS};
	struct identity who;
	size_t count = 0;
	assert_ok(client_identify(c, name, 3000, &who, &votes, &report));
	assert_int_equal(report.count, WORLD_HUBS);
	for (size_t i = 0; i < report.count; i++) {
		if (votes[i].answer == IDENTITY_SAYS)
			words[count++] = (struct hub_word){report.hub[i].hub, votes[i].contradicts};
	}
	p.id = who.id;
	memcpy(p.name, who.name, sizeof p.name);
	dske_rc rc = (change ? peers_change : peers_add)(client_config(c), &p, words, count);
	free(votes);
	report_drop(&report);
	return rc;
}

static size_t left_out_of(struct client *c, const char *name)
{
	struct peers all;
	struct id hubs[WORLD_HUBS];
	assert_ok(client_refresh(c));
	assert_ok(client_peers(c, &all));
	size_t count = peers_left_out(&all, &peers_by_name(&all, name)->id, hubs, WORLD_HUBS);
	peers_drop(&all);
	return count;
}

/* Who takes part where alice leaves hub 4 out: it is sent nothing, and the report says why. */
static void agree_without_hub_4(const char *context)
{
	struct caller alice, bob;
	unsigned before = w.hub[4].share_frames;
	agree_both(&w, context, 3000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	assert_int_equal(alice.r.n, WORLD_HUBS - 1);
	assert_int_equal(alice.r.k, 3);
	assert_int_equal(w.hub[4].share_frames, before);
	const struct hub_report *h = report_of(&alice.r.report, w.hub[4].name);
	assert_non_null(h);
	assert_rc(h->rc, DENIED);
	assert_non_null(strstr(h->detail, "left out: it contradicts the other hubs"));
	assert_int_equal(alice.r.report.count, WORLD_HUBS);
	callers_drop(&alice, &bob);
}

static void a_liar_is_left_out(void **state)
{
	(void)state;
	world_let_hub(&w, 4, MOCK_LIES);
	assert_ok(ask_and_record(w.alice, "bob", false));
	assert_int_equal(left_out_of(w.alice, "bob"), 1);
	agree_without_hub_4("without-liar");
}

/* Neither silence nor its end, nor another process, brings it back; only its own word does. */
static void until_it_says_otherwise(void **state)
{
	(void)state;
	world_let_hub(&w, 4, MOCK_MUTE);
	assert_ok(ask_and_record(w.alice, "bob", false));
	assert_int_equal(left_out_of(w.alice, "bob"), 1);
	world_let_hub(&w, 4, MOCK_HONEST);
	client_close(w.alice);
	assert_ok(client_open(&w.alice, w.alice_conf.s));
	agree_without_hub_4("without-mute");
	assert_ok(ask_and_record(w.alice, "bob", false));
	assert_int_equal(left_out_of(w.alice, "bob"), 0);
	struct caller alice, bob;
	agree_both(&w, "with-all", 3000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	assert_int_equal(alice.r.n, WORLD_HUBS);
	callers_drop(&alice, &bob);
}

/* Bob leaves a hub out that alice uses: he asks it for nothing. */
static void a_receiver_leaves_it_out_too(void **state)
{
	(void)state;
	world_let_hub(&w, 4, MOCK_LIES);
	assert_ok(ask_and_record(w.bob, "alice", false));
	struct caller alice, bob;
	unsigned before = w.hub[4].receipts;
	agree_both(&w, "bob-leaves", 3000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	assert_int_equal(alice.r.n, WORLD_HUBS);
	assert_int_equal(w.hub[4].receipts, before);
	assert_rc(report_of(&bob.r.report, w.hub[4].name)->rc, DENIED);
	callers_drop(&alice, &bob);
	world_let_hub(&w, 4, MOCK_HONEST);
	assert_ok(ask_and_record(w.bob, "alice", false));
	assert_int_equal(left_out_of(w.bob, "alice"), 0);
}

/* Two of five are left out, one is down: k does not fall with them. */
static void k_does_not_fall(void **state)
{
	(void)state;
	world_let_hub(&w, 3, MOCK_LIES);
	world_let_hub(&w, 4, MOCK_LIES);
	assert_ok(ask_and_record(w.alice, "bob", false));
	assert_int_equal(left_out_of(w.alice, "bob"), 2);
	mock_hub_stop(&w.hub[0]);
	struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .timeout_ms = 1500};
	struct agree_result r;
	assert_rc(client_agree(w.alice, &q, &r), TOO_FEW);
	agree_result_drop(&r);
	for (size_t i = 3; i < 5; i++)
		world_let_hub(&w, i, MOCK_HONEST);
	mock_hub_start(&w.hub[0], MOCK_HONEST);
	assert_ok(ask_and_record(w.alice, "bob", false));
	assert_int_equal(left_out_of(w.alice, "bob"), 0);
}

/* Most hubs say another ID: the pinned one stands, and keys are agreed with it, until a person confirms the change. */
static void a_change_waits_for_confirmation(void **state)
{
	(void)state;
	struct peers all;
	for (size_t i = 0; i < 3; i++)
		world_let_hub(&w, i, MOCK_LIES);
	dske_rc rc = ask_and_record(w.alice, "bob", false);
	assert_rc(rc, EXISTS);
	assert_non_null(strstr(rc_detail(rc), "dske peer verify bob --id b1"));
	struct caller alice, bob;
	agree_both(&w, "pinned", 3000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	assert_memory_equal(&alice.r.peer, &w.bob_id, ID_LEN);
	callers_drop(&alice, &bob);
	assert_ok(ask_and_record(w.alice, "bob", true));
	assert_ok(client_refresh(w.alice));
	assert_ok(client_peers(w.alice, &all));
	assert_int_equal(peers_by_name(&all, "bob")->id.b[0], w.bob_id.b[0] ^ 1);
	peers_drop(&all);
	assert_int_equal(left_out_of(w.alice, "bob"), 2); /* those who still say the former */
	for (size_t i = 0; i < 3; i++)
		world_let_hub(&w, i, MOCK_HONEST);
	assert_ok(ask_and_record(w.alice, "bob", true));
	assert_int_equal(left_out_of(w.alice, "bob"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_liar_is_left_out),
		cmocka_unit_test(until_it_says_otherwise),
		cmocka_unit_test(a_receiver_leaves_it_out_too),
		cmocka_unit_test(k_does_not_fall),
		cmocka_unit_test(a_change_waits_for_confirmation),
	};
	return cmocka_run_group_tests_name("identity", tests, set_up, world_tear_down);
}
