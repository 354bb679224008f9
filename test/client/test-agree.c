/* SPDX-License-Identifier: Apache-2.0 */
/* Two clients and five hubs that do what they should. */
#include <config.h>

#include "test/client/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct world w;

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, 256u << 10, "k = 3\nk_b = 2\ntimeout = 5s");
	return 0;
}

static void in_either_order(void **state)
{
	(void)state;
	static const long orders[] = {0, 60, -60};
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		struct caller alice, bob;
		char context[16];
		snprintf(context, sizeof context, "order-%zu", i);
		agree_both(&w, context, 3000, orders[i], &alice, &bob);
		assert_same_key(&alice, &bob);
		assert_int_equal(alice.r.key.len, 32);
		assert_int_equal(alice.r.n, 5);
		assert_int_equal(bob.r.k, 3);
		callers_drop(&alice, &bob);
	}
}

/* One agreement in which every hub's share is fetched and receipted; on a busy machine one may come late. */
static bool all_five_take_part(const char *context)
{
	struct caller alice, bob;
	unsigned before[WORLD_HUBS];
	bool all = true;
	sleep_ms(30);
	for (size_t i = 0; i < WORLD_HUBS; i++)
		before[i] = w.hub[i].receipts;
	agree_both(&w, context, 3000, 0, &alice, &bob);
	assert_same_key(&alice, &bob);
	sleep_ms(30);
	for (size_t i = 0; i < WORLD_HUBS; i++) {
		const struct hub_report *a = &alice.r.report.hub[i], *b = &bob.r.report.hub[i];
		assert_string_equal(a->name, w.hub[i].name);
		assert_int_not_equal(b->verdict, SHARE_CORRUPT);
		all = all && rc_ok(a->rc) && b->verdict == SHARE_CONSISTENT && w.hub[i].receipts == before[i] + 1;
	}
	callers_drop(&alice, &bob);
	return all;
}

/* So that nothing fills the mailboxes. */
static void nothing_is_left_behind(void **state)
{
	(void)state;
	bool all = false;
	for (int try = 0; try < 5 && !all; try++)
		all = all_five_take_part("tidy");
	assert_true(all);
	for (size_t i = 0; i < WORLD_HUBS; i++) {
		mock_hub_stop(&w.hub[i]);
		assert_int_equal(w.hub[i].share[w.hub[i].shares - 1].verdict, RECEIPT_KEPT);
		mock_hub_start(&w.hub[i], MOCK_HONEST);
	}
}

static void keys_differ_each_time(void **state)
{
	(void)state;
	struct caller a1, b1, a2, b2;
	agree_both(&w, "again", 3000, 0, &a1, &b1);
	assert_same_key(&a1, &b1);
	agree_both(&w, "again", 3000, 0, &a2, &b2);
	assert_same_key(&a2, &b2);
	assert_false(mem_equal(a1.r.key.data, a2.r.key.data, 32));
	assert_memory_not_equal(&a1.r.key_id, &a2.r.key_id, ID_LEN);
	callers_drop(&a1, &b1);
	callers_drop(&a2, &b2);
}

/* One more agreement.  Does it take a new connection to hub 0?  It does when the share before came late there, on a
 * busy machine: a WAIT that still stands ends with its connection. */
static bool reuses_connections(const char *context)
{
	struct caller alice, bob;
	unsigned before = w.hub[0].connections;
	agree_both(&w, context, 3000, -20, &alice, &bob);
	assert_same_key(&alice, &bob);
	callers_drop(&alice, &bob);
	return w.hub[0].connections == before;
}

/* The connections are kept, with their windows. */
static void connections_are_reused(void **state)
{
	(void)state;
	bool reuses = false;
	(void)reuses_connections("reuse");
	for (int try = 0; try < 5 && !reuses; try++)
		reuses = reuses_connections("reuse");
	assert_true(reuses);
}

static void by_key_id_with_fixed_roles(void **state)
{
	(void)state;
	struct agree_request qa = {.peer = "bob", .role = ROLE_RECEIVER, .has_key_id = true, .scheme = SCHEME_COUNT, .timeout_ms = 3000};
	struct agree_request qb = {.peer = "alice", .role = ROLE_INITIATOR, .has_key_id = true, .scheme = SCHEME_COUNT, .timeout_ms = 3000};
	struct agree_result ra, rb;
	memset(qa.key_id.b, 7, ID_LEN);
	qb.key_id = qa.key_id;
	assert_ok(client_agree(w.bob, &qb, &rb)); /* the mailboxes keep it */
	assert_ok(client_agree(w.alice, &qa, &ra));
	assert_true(rb.initiated);
	assert_false(ra.initiated);
	assert_memory_equal(&ra.key_id, &qa.key_id, ID_LEN);
	assert_memory_equal(&ra.initiator, &w.bob_id, ID_LEN);
	assert_true(mem_equal(ra.key.data, rb.key.data, 32));
	agree_result_drop(&ra);
	agree_result_drop(&rb);
}

static void long_keys_and_all_thresholds(void **state)
{
	(void)state;
	for (uint8_t k = 2; k <= WORLD_HUBS; k++) {
		char context[16];
		snprintf(context, sizeof context, "k-%u", k);
		struct agree_request q = {.peer = "bob", .k = k, .key_len = 1000u + k, .scheme = SCHEME_COUNT, .timeout_ms = 3000};
		q.context_len = (uint8_t)strlen(context);
		memcpy(q.context, context, q.context_len);
		struct agree_result r, s;
		assert_ok(client_agree(w.alice, &q, &r));
		strcpy(q.peer, "alice");
		q.key_len = 0; /* whatever comes */
		assert_ok(client_agree(w.bob, &q, &s));
		assert_int_equal(r.key.len, 1000u + k);
		assert_int_equal(s.k, k);
		assert_int_equal(s.key.len, r.key.len);
		assert_true(mem_equal(r.key.data, s.key.data, r.key.len));
		agree_result_drop(&r);
		agree_result_drop(&s);
	}
}

/* k_B is the operator's: an application that asks for k = 1 gets no key that one hub would know. */
static void nobody_lowers_k_b(void **state)
{
	(void)state;
	struct agree_request q = {.peer = "bob", .k = 1, .scheme = SCHEME_COUNT, .timeout_ms = 3000};
	struct agree_result r, s;
	assert_ok(client_agree(w.alice, &q, &r));
	strcpy(q.peer, "alice");
	q.timeout_ms = 1500;
	assert_false(rc_ok(client_agree(w.bob, &q, &s)));
	assert_null(s.key.data);
	assert_int_equal(s.report.count, WORLD_HUBS);
	size_t refused = 0; /* one at least: with k = 1 the initiator waits for no other hub than that */
	for (size_t i = 0; i < s.report.count; i++)
		refused += strstr(s.report.hub[i].detail, "k = 1 is below the least accepted, 2") != NULL;
	assert_in_range(refused, 1, WORLD_HUBS);
	agree_result_drop(&r);
	agree_result_drop(&s);
}

struct kept {
	dske_rc rc;
	unsigned calls, receipts, hubs; /* receipts at the first hub when it was called; hubs that had taken part */
	uint8_t key[32];
};

static dske_rc keep(void *context, const struct agree_result *r)
{
	struct kept *k = context;
	k->calls++;
	k->receipts = w.hub[0].receipts;
	k->hubs = 0;
	for (size_t i = 0; i < r->report.count; i++)
		k->hubs += rc_ok(r->report.hub[i].rc);
	assert_int_equal(r->key.len, sizeof k->key);
	memcpy(k->key, r->key.data, sizeof k->key);
	return k->rc;
}

/* A hub may still be at the receipts of the agreement before. */
static unsigned receipts_when_quiet(size_t hub)
{
	unsigned before, now = w.hub[hub].receipts;
	do {
		before = now;
		sleep_ms(30);
		now = w.hub[hub].receipts;
	} while (now != before);
	return now;
}

/* Who is asked to keep the key is asked before the hubs forget; if that fails they do not forget. */
static void kept_before_receipts(void **state)
{
	(void)state;
	struct kept full = {.rc = {DSKE_RC_IO}}, good = {.rc = DSKE_OK};
	struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .timeout_ms = 3000, .context = "kept", .context_len = 4};
	struct agree_result r, s;
	unsigned before = receipts_when_quiet(0);
	assert_ok(client_agree(w.alice, &q, &r));
	strcpy(q.peer, "alice");
	q.keep = keep;
	q.keep_context = &full;
	assert_rc(client_agree(w.bob, &q, &s), IO);
	assert_null(s.key.data);
	assert_int_equal(full.calls, 1);
	agree_result_drop(&s);
	sleep_ms(30);
	assert_int_equal(w.hub[0].receipts, before);
	q.keep_context = &good;
	assert_ok(client_agree(w.bob, &q, &s));
	assert_int_equal(good.calls, 1);
	assert_int_equal(good.receipts, before);
	assert_int_equal(good.hubs, 5);
	assert_int_equal(s.report.count, 5);
	assert_memory_equal(good.key, r.key.data, 32);
	agree_result_drop(&r);
	agree_result_drop(&s);
}

static void simple_scheme(void **state)
{
	(void)state;
	struct agree_request q = {.peer = "bob", .scheme = SCHEME_XOR, .timeout_ms = 3000, .context = "xor", .context_len = 3};
	struct agree_result r, s;
	assert_ok(client_agree(w.alice, &q, &r));
	strcpy(q.peer, "alice");
	assert_ok(client_agree(w.bob, &q, &s));
	assert_int_equal(s.scheme, SCHEME_XOR);
	assert_int_equal(s.k, 5);
	assert_true(mem_equal(r.key.data, s.key.data, 32));
	agree_result_drop(&r);
	agree_result_drop(&s);
}

/* A length that is not what came is refused, for good; the next key may have it. */
static void another_length(void **state)
{
	(void)state;
	struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .timeout_ms = 3000, .context = "len", .context_len = 3};
	struct agree_result r, s;
	q.key_len = 48;
	assert_ok(client_agree(w.alice, &q, &r));
	strcpy(q.peer, "alice");
	q.key_len = 32;
	assert_rc(client_agree(w.bob, &q, &s), ARGS);
	assert_null(s.key.data);
	agree_result_drop(&s);
	agree_result_drop(&r);
	strcpy(q.peer, "bob");
	q.key_len = 48;
	assert_ok(client_agree(w.alice, &q, &r));
	strcpy(q.peer, "alice");
	assert_ok(client_agree(w.bob, &q, &s));
	assert_true(mem_equal(r.key.data, s.key.data, 48));
	agree_result_drop(&r);
	agree_result_drop(&s);
}

#define THREADS 16
static void sixteen_at_once(void **state)
{
	(void)state;
	static struct caller alice[THREADS], bob[THREADS];
	for (size_t i = 0; i < THREADS; i++) {
		char context[16];
		snprintf(context, sizeof context, "thread-%zu", i);
		caller_start(&bob[i], w.bob, "alice", context, 8000);
		caller_start(&alice[i], w.alice, "bob", context, 8000);
	}
	for (size_t i = 0; i < THREADS; i++) {
		caller_join(&alice[i]);
		caller_join(&bob[i]);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_same_key(&alice[i], &bob[i]);
		for (size_t j = 0; j < i; j++)
			assert_false(mem_equal(alice[i].r.key.data, alice[j].r.key.data, 32));
	}
	for (size_t i = 0; i < THREADS; i++)
		callers_drop(&alice[i], &bob[i]);
}

static void fork_and_fail_in_the_child(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .timeout_ms = 1000};
		struct agree_result r;
		struct report report;
		struct client_hub *hubs;
		size_t count;
		bool ok = rc_is(client_agree(w.alice, &q, &r), DSKE_RC_FORKED) && rc_is(client_ping(w.alice, 500, &report), DSKE_RC_FORKED) &&
			  rc_is(client_hubs(w.alice, &hubs, &count), DSKE_RC_FORKED) && rc_is(client_refresh(w.alice), DSKE_RC_FORKED);
		client_close(w.alice);
		_exit(ok ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* And the parent's connections live on, after each fork. */
static void a_forked_child_owns_nothing(void **state)
{
	(void)state;
	bool reuses = false;
	for (int try = 0; try < 5 && !reuses; try++) {
		(void)reuses_connections("before-fork");
		fork_and_fail_in_the_child();
		reuses = reuses_connections("after-fork");
	}
	assert_true(reuses);
}

static void who_is_who(void **state)
{
	(void)state;
	struct identity who;
	struct identity_vote *votes = NULL;
	struct report report;
	assert_ok(client_identify(w.alice, "bob", 2000, &who, &votes, &report));
	assert_memory_equal(&who.id, &w.bob_id, ID_LEN);
	assert_int_equal(report.count, WORLD_HUBS);
	for (size_t i = 0; i < WORLD_HUBS; i++) {
		char local[32];
		snprintf(local, sizeof local, "c-hub%zu", i + 1);
		assert_int_equal(votes[i].answer, IDENTITY_SAYS);
		assert_string_equal(votes[i].local, local);
	}
	free(votes);
	report_drop(&report);
	assert_rc(client_identify(w.alice, "carol", 2000, &who, &votes, &report), TOO_FEW);
	free(votes);
	report_drop(&report);
	assert_rc(client_identify(w.alice, "no such/name", 2000, &who, &votes, &report), ARGS);
}

static void ping(void **state)
{
	(void)state;
	struct report report;
	assert_ok(client_ping(w.alice, 2000, &report));
	assert_int_equal(report.count, WORLD_HUBS);
	for (size_t i = 0; i < WORLD_HUBS; i++) {
		assert_ok(report.hub[i].rc);
		assert_true(report.hub[i].rtt_ms >= 0);
		assert_true(report.hub[i].up_left > 0);
	}
	report_drop(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_either_order),
		cmocka_unit_test(nothing_is_left_behind),
		cmocka_unit_test(keys_differ_each_time),
		cmocka_unit_test(connections_are_reused),
		cmocka_unit_test(by_key_id_with_fixed_roles),
		cmocka_unit_test(long_keys_and_all_thresholds),
		cmocka_unit_test(nobody_lowers_k_b),
		cmocka_unit_test(kept_before_receipts),
		cmocka_unit_test(simple_scheme),
		cmocka_unit_test(another_length),
		cmocka_unit_test(sixteen_at_once),
		cmocka_unit_test(a_forked_child_owns_nothing),
		cmocka_unit_test(who_is_who),
		cmocka_unit_test(ping),
	};
	return cmocka_run_group_tests_name("agree", tests, set_up, world_tear_down);
}
