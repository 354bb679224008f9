/* SPDX-License-Identifier: Apache-2.0 */
/* What a hub that is down, or an enemy on the wire who writes notes and cuts connections, can make a client
 * waste of its tables (doc/threat-model.md, "Not covered"): a little, and ever less. */
#include <config.h>

#include "test/client/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, 1u << 20, "k = 3\ntimeout = 5s");
	return 0;
}

static struct table_status status_of(struct client *c, size_t hub)
{
	struct client_hub *hubs = NULL;
	size_t count = 0;
	assert_ok(client_hubs(c, &hubs, &count));
	assert_int_equal(count, WORLD_HUBS);
	struct table_status s = hubs[hub].status;
	free(hubs);
	return s;
}

/* Bob waits in vain while one hub behaves like this; what it cost him at that hub. */
struct cost {
	uint64_t slots, down;
	struct table_status before;
};

static struct cost waiting_costs(enum mock_manner manner, int64_t timeout_ms)
{
	struct caller bob;
	for (size_t h = 0; h < WORLD_HUBS; h++)
		mock_hub_start(&w.hub[h], h == 0 ? manner : MOCK_HONEST);
	struct table_status before = status_of(w.bob, 0);
	caller_start(&bob, w.bob, "alice", "nobody calls", timeout_ms);
	caller_join(&bob);
	assert_rc(bob.rc, TIMEOUT);
	agree_result_drop(&bob.r);
	struct table_status after = status_of(w.bob, 0);
	return (struct cost){before.lease_left - after.lease_left, before.down_left - after.down_left, before};
}

/* One LEASE, sent again on each connection; and a lasting silence costs no more in the next call. */
static void a_dead_hub_behind_a_proxy_costs_one_slot(void **state)
{
	(void)state;
	assert_int_equal(waiting_costs(MOCK_HANGS_UP, 600).slots, 1);
	assert_int_equal(waiting_costs(MOCK_HANGS_UP, 50).slots, 0);
}

static void cut_connections_cost_ever_less_often(void **state)
{
	(void)state;
	struct cost c = waiting_costs(MOCK_CUTS_GRANTS, 1500);
	assert_in_range(c.slots, 2, 8); /* two connections each at 0, 0, 0.25 and 0.75 s */
	assert_true(c.down <= c.slots * 2048);
}

static void notes_that_disown_windows_renew_two_leases(void **state)
{
	(void)state;
	assert_in_range(waiting_costs(MOCK_DISOWNS_ALL, 1000).slots, 1, 3);
}

static void notes_of_small_windows_cost_a_part_of_what_is_left(void **state)
{
	(void)state;
	struct cost c = waiting_costs(MOCK_NEVER_CONTENT, 1000);
	assert_in_range(c.slots, 2, 8);
	assert_true(c.down < c.before.down_left / 4);
}

/* Bob waits in vain.  Was he told meanwhile of a share that is longer than he can use? */
static bool call_is_told(uint32_t key_len, int64_t timeout_ms)
{
	struct agree_request q = {.peer = "alice", .scheme = SCHEME_COUNT, .timeout_ms = timeout_ms, .key_len = key_len, .context = "long", .context_len = 4};
	struct agree_result r;
	assert_rc(client_agree(w.bob, &q, &r), TIMEOUT);
	bool is_told = strstr(r.report.advice, "longer key in this context than this call can take") != NULL;
	agree_result_drop(&r);
	return is_told;
}

/* What a call loses at most of Bob's table at one hub, where such a share waits: that much, each, in eight calls that were told.
 * On a machine that is too slow for that a call has twice as long, and counts too. */
static void assert_a_call_costs(uint32_t key_len, uint64_t most)
{
	uint64_t before = status_of(w.bob, 0).down_left, calls = 0;
	int64_t timeout_ms = 200;
	for (unsigned told = 0; told < 8; calls++) {
		bool is_told = call_is_told(key_len, timeout_ms);
		told += is_told;
		timeout_ms *= is_told ? 1 : 2;
		assert_true(timeout_ms <= 30000);
	}
	assert_in_range(before - status_of(w.bob, 0).down_left, 0, calls * most);
}

/* A dishonest peer's share of 20,112 bytes: a first window a call, the one in its place, and three as long as the need. */
static void a_share_longer_than_the_call_drains_no_table(void **state)
{
	struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .key_len = 20000, .context = "long", .context_len = 4};
	struct agree_result r;
	(void)state;
	assert_ok(client_agree(w.alice, &q, &r));
	agree_result_drop(&r);
	assert_a_call_costs(32, 2048 + 4096 + 3 * 1024);
}

/* The same, of any length; the quota says how long a key may be. */
static void a_share_longer_than_the_quota_drains_no_table(void **state)
{
	struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .key_len = 20000, .context = "long", .context_len = 4};
	struct agree_result r;
	(void)state;
	assert_ok(client_agree(w.alice, &q, &r));
	agree_result_drop(&r);
	client_close(w.bob);
	FILE *f = fopen(w.bob_conf.s, "a");
	assert_non_null(f);
	fprintf(f, "[peer alice]\nreceive_bytes_per_day = 500\n");
	fclose(f);
	assert_ok(client_open(&w.bob, w.bob_conf.s));
	assert_a_call_costs(0, 2048 + 4096 + 3 * 1024);
}

/* A question needs one range: what else were leased would be gone when dske doctor ends. */
static void a_question_leases_what_it_needs(void **state)
{
	struct report report = {0};
	struct identity who;
	struct identity_vote *votes = NULL;
	struct table_status before = status_of(w.bob, 0);
	(void)state;
	assert_ok(client_ping(w.bob, 3000, &report));
	assert_rc(report.hub[0].rc, OK);
	report_drop(&report);
	struct table_status after = status_of(w.bob, 0);
	assert_int_equal(before.up_left - after.up_left, MSG_IDENTIFY_RANGE_LEN);
	assert_int_equal(before.down_left, after.down_left);
	assert_ok(client_identify(w.bob, "alice", 3000, &who, &votes, &report));
	free(votes);
	report_drop(&report);
	assert_int_equal(before.up_left - status_of(w.bob, 0).up_left, 2 * MSG_IDENTIFY_RANGE_LEN);
}

/* A key's own window is as long as ever, whoever asked before. */
static void a_key_after_a_question_leases_more(void **state)
{
	struct report report = {0};
	struct caller alice, bob;
	(void)state;
	assert_ok(client_ping(w.alice, 3000, &report));
	report_drop(&report);
	uint64_t before = status_of(w.alice, 0).up_left;
	agree_both(&w, "after", 3000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	callers_drop(&alice, &bob);
	assert_true(before - status_of(w.alice, 0).up_left >= 2048);
}

/* Against counting one by one. */
static void windows_are_counted(void **state)
{
	(void)state;
	for (uint64_t need = 64; need < 4096; need += 91) {
		for (uint64_t at = 0; at < 300000; at = at * 5 / 4 + 17) {
			uint64_t left = at, count = 0;
			while (left >= need) {
				uint64_t one = left / 32 < 2048 ? left / 32 : 2048;
				left -= one > need ? one : need;
				count++;
			}
			assert_int_equal(client_first_windows(need, at), count);
		}
	}
	assert_int_equal(client_first_windows(128, UINT64_C(1) << 62) >> 51, 1); /* not one by one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_dead_hub_behind_a_proxy_costs_one_slot, set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(cut_connections_cost_ever_less_often, set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(notes_that_disown_windows_renew_two_leases, set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(notes_of_small_windows_cost_a_part_of_what_is_left, set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(a_question_leases_what_it_needs, set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(a_share_longer_than_the_call_drains_no_table, set_up, world_tear_down),
		cmocka_unit_test_setup_teardown(a_share_longer_than_the_quota_drains_no_table, set_up, world_tear_down),
		cmocka_unit_test(windows_are_counted),
		cmocka_unit_test_setup_teardown(a_key_after_a_question_leases_more, set_up, world_tear_down),
	};
	return cmocka_run_group_tests_name("waste", tests, NULL, NULL);
}
