/* SPDX-License-Identifier: Apache-2.0 */
/* Hubs that are down, die, trickle, lie or answer nonsense; and a client with itself for an enemy. */
#include <config.h>

#include "test/client/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/net.h"
#include "client/taken.h"

static struct world w;

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, 256u << 10, "k = 3\ntimeout = 5s");
	return 0;
}

/* The first `count` hubs get this manner, the others are honest. */
static void manners(enum mock_manner manner, size_t count)
{
	for (size_t i = 0; i < WORLD_HUBS; i++)
		mock_hub_start(&w.hub[i], i < count ? manner : MOCK_HONEST);
}

static const char *fresh_context(void)
{
	static char context[32];
	static unsigned serial;
	snprintf(context, sizeof context, "hostile-%u", serial++);
	return context;
}

/* A key comes although two hubs behave like this. */
static void two_of_five(enum mock_manner manner)
{
	struct caller alice, bob;
	manners(manner, 2);
	agree_both(&w, fresh_context(), 4000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	callers_drop(&alice, &bob);
}

static void two_hubs_with_any_bad_manner(void **state)
{
	(void)state;
	static const enum mock_manner all[] = {
		MOCK_NONSENSE, MOCK_GARBAGE, MOCK_BAD_GRANT, MOCK_BAD_REPLY, MOCK_BAD_INSTRUCTION, MOCK_REFUSES, MOCK_MUTE,
		MOCK_CORRUPTS, MOCK_CRIES_FROZEN,
	};
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		two_of_five(all[i]);
}

/* Do all five get their share in the end?  On a busy machine one may come too late. */
static bool all_recover(enum mock_manner manner)
{
	struct caller alice, bob;
	bool all = true;
	manners(manner, WORLD_HUBS);
	agree_both(&w, fresh_context(), 4000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	for (size_t h = 0; h < WORLD_HUBS; h++)
		all = all && rc_ok(alice.r.report.hub[h].rc);
	callers_drop(&alice, &bob);
	return all;
}

static void all_hubs_with_a_passing_fault(void **state)
{
	(void)state;
	static const enum mock_manner faults[] = {MOCK_DIES_ON_SHARE, MOCK_DIES_AFTER_SHARE, MOCK_DISOWNS_WINDOW, MOCK_SMALL_WINDOW};
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		bool all = false;
		for (int try = 0; try < 5 && !all; try++)
			all = all_recover(faults[i]);
		assert_true(all);
	}
}

/* The same bytes came twice, and were one share. */
static void a_share_is_not_stored_twice(void **state)
{
	(void)state;
	struct caller alice, bob;
	manners(MOCK_DIES_AFTER_SHARE, 1);
	size_t before = w.hub[0].shares;
	agree_both(&w, fresh_context(), 4000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	assert_int_equal(w.hub[0].shares, before + 1);
	callers_drop(&alice, &bob);
}

static void a_hub_that_trickles_delays_nobody(void **state)
{
	(void)state;
	struct caller alice, bob;
	manners(MOCK_TRICKLES, 2);
	int64_t begun = clock_ms();
	agree_both(&w, fresh_context(), 30000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	assert_true(clock_ms() - begun < 15000); /* not the whole timeout */
	callers_drop(&alice, &bob);
}

/* The hub's last share was receipted, soon. */
static bool is_receipted(size_t hub)
{
	const atomic_bool *delivered = &w.hub[hub].share[w.hub[hub].shares - 1].delivered;
	for (int ms = 0; ms < 2000 && !*delivered; ms += 5)
		sleep_ms(5);
	return *delivered;
}

/* The key comes, and nobody else is named.  Is hub1?  On a busy machine its share may come too late for that. */
static bool hub1_is_named(void)
{
	struct caller alice, bob;
	agree_both(&w, fresh_context(), 4000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	for (size_t h = 1; h < WORLD_HUBS; h++)
		assert_int_not_equal(bob.r.report.hub[h].verdict, SHARE_CORRUPT);
	bool named = report_of(&bob.r.report, "hub1")->verdict == SHARE_CORRUPT;
	callers_drop(&alice, &bob);
	return named;
}

static void corrupt_shares_are_named(void **state)
{
	(void)state;
	bool named = false;
	manners(MOCK_CORRUPTS, 1);
	for (int try = 0; try < 5 && !named; try++)
		named = hub1_is_named();
	assert_true(named);
	assert_true(is_receipted(0));
	mock_hub_stop(&w.hub[0]);
	assert_int_equal(w.hub[0].share[w.hub[0].shares - 1].verdict, RECEIPT_CORRUPT);
}

/* Bob gets no key.  Does he say so before his time is up, since nothing more can come?  He waits for a hub that Alice
 * did without, on a busy machine. */
static bool no_key_is_told_early(int64_t timeout_ms)
{
	struct caller alice, bob;
	int64_t begun = clock_ms();
	agree_both(&w, fresh_context(), timeout_ms, 0, &alice, &bob);
	assert_ok(alice.rc); /* she cannot know */
	assert_rc(bob.rc, NO_CANDIDATE);
	assert_null(bob.r.key.data);
	callers_drop(&alice, &bob);
	return clock_ms() - begun < timeout_ms;
}

static void three_corrupt_hubs_give_no_key(void **state)
{
	(void)state;
	bool early = false;
	manners(MOCK_CORRUPTS, 3);
	for (int try = 0; try < 5 && !early; try++)
		early = no_key_is_told_early(8000);
	assert_true(early);
}

/* Every RECEIPT is lost, so every hub still has the shares when Bob asks again in the same context: that would
 * be the old key under the guise of a new one. */
static void a_key_comes_once(void **state)
{
	(void)state;
	struct caller alice, bob, again;
	const char *context = fresh_context();
	manners(MOCK_LOSES_RECEIPTS, WORLD_HUBS);
	agree_both(&w, context, 4000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	callers_drop(&alice, &bob);
	for (int opened = 0; opened < 2; opened++) {
		manners(MOCK_LOSES_RECEIPTS, WORLD_HUBS);
		caller_start(&again, w.bob, "alice", context, 300);
		caller_join(&again);
		assert_rc(again.rc, TIMEOUT);
		assert_null(again.r.key.data);
		agree_result_drop(&again.r);
		client_close(w.bob); /* another process knows it too */
		assert_ok(client_open(&w.bob, w.bob_conf.s));
	}
	/* and now the hubs hear that it was taken, the last of them perhaps in another call */
	manners(MOCK_HONEST, 0);
	bool all = false;
	for (int calls = 0; calls < 100 && !all; calls++) {
		caller_start(&again, w.bob, "alice", context, 300);
		caller_join(&again);
		assert_rc(again.rc, TIMEOUT);
		agree_result_drop(&again.r);
		all = true;
		for (size_t h = 0; h < WORLD_HUBS; h++)
			all = is_receipted(h) && all;
	}
	assert_true(all);
	agree_both(&w, context, 4000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	callers_drop(&alice, &bob);
}

/* An enemy who holds up its RECEIPTs waits until the name would be forgotten, as by a list of the last so many. */
static void a_key_does_not_come_back_after_many_others(void **state)
{
	(void)state;
	struct caller alice, bob, again;
	const char *context = fresh_context();
	manners(MOCK_LOSES_RECEIPTS, WORLD_HUBS);
	agree_both(&w, context, 4000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	for (int i = 0; i < 1500; i++) {
		struct id key_id;
		assert_ok(id_random(&key_id));
		key_id.b[0] = bob.r.key_id.b[0];
		assert_ok(taken_enter(client_config(w.bob), &w.alice_id, &key_id));
	}
	caller_start(&again, w.bob, "alice", context, 300);
	caller_join(&again);
	assert_rc(again.rc, TIMEOUT);
	agree_result_drop(&again.r);
	callers_drop(&alice, &bob);
}

/* As if they had been entered long ago. */
static void age_names(const struct path *file, size_t count)
{
	FILE *f = fopen(file->s, "r+");
	assert_non_null(f);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(fseek(f, (long)(40 + 40 * i + 32), SEEK_SET), 0);
		assert_int_equal(fwrite(&(int64_t){1000}, 8, 1, f), 1);
	}
	fclose(f);
}

static void names_are_forgotten_when_no_share_can_have_them(void **state)
{
	(void)state;
	const struct config *c = client_config(w.bob);
	struct id name[101], other = {{9}};
	struct path file;
	struct stat st;
	bool taken;
	for (size_t i = 0; i < 101; i++) {
		assert_ok(id_random(&name[i]));
		name[i].b[0] = 0x42;
	}
	assert_ok(path_format(&file, "%s/taken.d/42", c->state.s));
	unlink(file.s); /* a key of an earlier test may have had that byte too: one in 256 has */
	for (size_t i = 0; i < 99; i++)
		assert_ok(taken_enter(c, &other, &name[i]));
	assert_rc(taken_enter(c, &other, &name[98]), EXISTS);
	age_names(&file, 60);
	assert_ok(taken_enter(c, &other, &name[99]));
	assert_int_equal(stat(file.s, &st), 0);
	assert_int_equal(st.st_size, 40 + 40 * 40);
	for (size_t i = 0; i < 101; i++) {
		assert_ok(taken_look(c, &other, &name[i], &taken));
		assert_int_equal(taken, i >= 60 && i < 100);
	}
}

/* A name that both know is the caller's own: who asks for that key again has it again. */
static void a_key_by_name_comes_as_often_as_asked(void **state)
{
	(void)state;
	struct caller alice, bob;
	manners(MOCK_LOSES_RECEIPTS, WORLD_HUBS);
	caller_start(&alice, w.alice, "bob", fresh_context(), 4000);
	caller_join(&alice);
	assert_ok(alice.rc);
	for (int times = 0; times < 2; times++) {
		manners(MOCK_LOSES_RECEIPTS, WORLD_HUBS);
		struct agree_request q = {.peer = "alice", .scheme = SCHEME_COUNT, .timeout_ms = 4000, .has_key_id = true,
					  .key_id = alice.r.key_id};
		assert_ok(client_agree(w.bob, &q, &bob.r));
		assert_true(mem_equal(bob.r.key.data, alice.r.key.data, alice.r.key.len));
		agree_result_drop(&bob.r);
	}
	agree_result_drop(&alice.r);
}

static void two_hubs_down(void **state)
{
	(void)state;
	struct caller alice, bob;
	manners(MOCK_HONEST, 0);
	mock_hub_stop(&w.hub[1]);
	mock_hub_stop(&w.hub[4]);
	agree_both(&w, fresh_context(), 4000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	assert_rc(report_of(&alice.r.report, "hub2")->rc, UNREACHABLE);
	assert_non_null(strstr(report_of(&alice.r.report, "hub5")->detail, "refused"));
	callers_drop(&alice, &bob);
}

static void three_hubs_down_are_named_at_once(void **state)
{
	(void)state;
	struct caller alice, bob;
	manners(MOCK_HONEST, 0);
	for (size_t h = 0; h < 3; h++)
		mock_hub_stop(&w.hub[h]);
	int64_t begun = clock_ms();
	agree_both(&w, fresh_context(), 30000, 0, &alice, &bob);
	assert_true(clock_ms() - begun < 15000);
	assert_rc(alice.rc, TOO_FEW);
	assert_rc(bob.rc, TOO_FEW);
	assert_string_equal(alice.why, "3 of 5 hubs are needed, 2 can be used");
	for (size_t h = 0; h < 3; h++) {
		assert_non_null(strstr(report_of(&alice.r.report, w.hub[h].name)->detail, "refused"));
		assert_rc(alice.r.report.hub[h].rc, UNREACHABLE);
		assert_rc(bob.r.report.hub[h].rc, UNREACHABLE);
	}
	/* well, or (on a busy machine) not heard of in the short while that is left for it; never at fault */
	assert_true(rc_ok(alice.r.report.hub[4].rc) || rc_is(alice.r.report.hub[4].rc, DSKE_RC_TIMEOUT));
	assert_true(alice.r.report.advice[0] != '\0');
	assert_null(alice.r.key.data);
	callers_drop(&alice, &bob);
}

/* A hub that comes back while Bob waits is used again. */
static void hubs_come_back(void **state)
{
	(void)state;
	struct caller alice, bob;
	const char *context = fresh_context();
	manners(MOCK_HONEST, 0);
	caller_start(&bob, w.bob, "alice", context, 15000);
	sleep_ms(50);
	mock_hub_stop(&w.hub[0]);
	mock_hub_stop(&w.hub[1]);
	sleep_ms(50);
	unsigned before[2] = {w.hub[0].leases, w.hub[1].leases};
	mock_hub_start(&w.hub[0], MOCK_HONEST);
	mock_hub_start(&w.hub[1], MOCK_HONEST);
	for (int ms = 0; ms < 10000 && (w.hub[0].leases == before[0] || w.hub[1].leases == before[1]); ms += 5)
		sleep_ms(5);
	mock_hub_stop(&w.hub[3]); /* now the two are needed */
	mock_hub_stop(&w.hub[4]);
	caller_start(&alice, w.alice, "bob", context, 5000);
	caller_join(&alice);
	caller_join(&bob);
	assert_same_key(&alice, &bob);
	callers_drop(&alice, &bob);
}

static void all_refuse(void **state)
{
	(void)state;
	struct caller alice, bob;
	manners(MOCK_REFUSES, WORLD_HUBS);
	agree_both(&w, fresh_context(), 4000, 0, &alice, &bob);
	assert_rc(alice.rc, REFUSED);
	assert_rc(bob.rc, REFUSED);
	size_t told = 0;
	for (size_t h = 0; h < alice.r.report.count; h++)
		told += strstr(alice.r.report.hub[h].detail, status_text(STATUS_UNKNOWN_CLIENT)) != NULL;
	assert_true(told >= 3); /* as many as it takes to decide */
	callers_drop(&alice, &bob);
}

static void all_mute(void **state)
{
	(void)state;
	struct caller alice, bob;
	manners(MOCK_MUTE, WORLD_HUBS);
	int64_t begun = clock_ms();
	agree_both(&w, fresh_context(), 300, 0, &alice, &bob);
	assert_rc(alice.rc, TIMEOUT);
	assert_rc(bob.rc, TIMEOUT);
	assert_true(clock_ms() - begun < 15000);
	for (size_t h = 0; h < WORLD_HUBS; h++)
		assert_rc(alice.r.report.hub[h].rc, TIMEOUT);
	callers_drop(&alice, &bob);
}

static void nobody_calls(void **state)
{
	(void)state;
	struct caller bob;
	manners(MOCK_HONEST, 0);
	caller_start(&bob, w.bob, "alice", fresh_context(), 200);
	caller_join(&bob);
	assert_rc(bob.rc, TIMEOUT);
	assert_non_null(strstr(bob.why, "alice"));
	agree_result_drop(&bob.r);
}

static atomic_bool cancelled;

static void *cancel_soon(void *context)
{
	(void)context;
	sleep_ms(100);
	cancelled = true;
	return NULL;
}

static void a_call_can_be_cancelled(void **state)
{
	(void)state;
	struct agree_request q = {.peer = "alice", .scheme = SCHEME_COUNT, .timeout_ms = 60000, .cancelled = &cancelled};
	struct agree_result r;
	pthread_t thread;
	manners(MOCK_HONEST, 0);
	assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
	int64_t begun = clock_ms();
	assert_rc(client_agree(w.bob, &q, &r), CANCELLED);
	assert_true(clock_ms() - begun < 30000);
	pthread_join(thread, NULL);
	agree_result_drop(&r);
}

static void unknown_peer(void **state)
{
	(void)state;
	struct caller alice;
	manners(MOCK_HONEST, 0);
	caller_start(&alice, w.alice, "carol", "x", 1000);
	caller_join(&alice);
	assert_rc(alice.rc, NOT_FOUND);
	assert_non_null(strstr(alice.why, "dske peer add carol"));
	agree_result_drop(&alice.r);
}

/* Two liars are named; three who do not agree leave nobody with enough votes. */
static void lying_about_names(void **state)
{
	(void)state;
	struct identity who;
	struct identity_vote *v = NULL;
	struct report report;
	manners(MOCK_LIES, 2);
	assert_ok(client_identify(w.alice, "bob", 2000, &who, &v, &report));
	assert_memory_equal(&who.id, &w.bob_id, ID_LEN);
	for (size_t i = 0; i < WORLD_HUBS; i++)
		assert_int_equal(v[i].contradicts, i < 2);
	free(v);
	report_drop(&report);
	for (size_t i = 2; i < WORLD_HUBS; i++)
		mock_hub_start(&w.hub[i], i == 2 ? MOCK_REFUSES : MOCK_MUTE);
	assert_rc(client_identify(w.alice, "bob", 300, &who, &v, &report), TOO_FEW);
	free(v);
	report_drop(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_hubs_with_any_bad_manner),
		cmocka_unit_test(all_hubs_with_a_passing_fault),
		cmocka_unit_test(a_share_is_not_stored_twice),
		cmocka_unit_test(a_hub_that_trickles_delays_nobody),
		cmocka_unit_test(corrupt_shares_are_named),
		cmocka_unit_test(three_corrupt_hubs_give_no_key),
		cmocka_unit_test(a_key_comes_once),
		cmocka_unit_test(a_key_does_not_come_back_after_many_others),
		cmocka_unit_test(names_are_forgotten_when_no_share_can_have_them),
		cmocka_unit_test(a_key_by_name_comes_as_often_as_asked),
		cmocka_unit_test(two_hubs_down),
		cmocka_unit_test(three_hubs_down_are_named_at_once),
		cmocka_unit_test(hubs_come_back),
		cmocka_unit_test(all_refuse),
		cmocka_unit_test(all_mute),
		cmocka_unit_test(nobody_calls),
		cmocka_unit_test(a_call_can_be_cancelled),
		cmocka_unit_test(unknown_peer),
		cmocka_unit_test(lying_about_names),
	};
	return cmocka_run_group_tests_name("hostile", tests, set_up, world_tear_down);
}
