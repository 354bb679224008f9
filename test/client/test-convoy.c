/* SPDX-License-Identifier: Apache-2.0 */
/* client/convoy.h: calls that share links get what calls alone would get, and no call does without for another's sake. */
#include <config.h>

#include "test/client/world.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CROWD 16
#define PATIENCE_MS 10000

static struct world w;

static int set_up(void **state)
{
	world_make(&w, UINT64_C(4) << 20, "k = 3\n");
	*state = &w;
	return 0;
}

static unsigned next_key;

/* Both ends of one key, which the receiver names. */
struct couple {
	struct caller alice, bob;
};

static void prepare(struct couple *p)
{
	struct agree_request q = {.has_key_id = true, .key_len = 32, .scheme = SCHEME_SHAMIR, .timeout_ms = PATIENCE_MS};
	unsigned number = ++next_key;
	memcpy(q.key_id.b, &number, sizeof number);
	q.key_id.b[ID_LEN - 1] = 0x5C;
	*p = (struct couple){{.client = w.alice, .q = q}, {.client = w.bob, .q = q}};
	strcpy(p->alice.q.peer, "bob");
	strcpy(p->bob.q.peer, "alice");
	p->alice.q.role = ROLE_INITIATOR;
	p->bob.q.role = ROLE_RECEIVER;
}

static void go(struct couple *p, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		caller_go(&p[i].bob);
		caller_go(&p[i].alice);
	}
}

static void explain(const struct caller *c)
{
	for (size_t h = 0; !rc_ok(c->rc) && h < c->r.report.count; h++)
		print_message("# %s: %s\n", c->r.report.hub[h].name, c->r.report.hub[h].detail);
}

static void join_and_compare(struct couple *p, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		caller_join(&p[i].alice);
		caller_join(&p[i].bob);
	}
	for (size_t i = 0; i < count; i++) {
		explain(&p[i].alice);
		explain(&p[i].bob);
		assert_same_key(&p[i].alice, &p[i].bob);
		for (size_t j = 0; j < i; j++)
			assert_false(mem_equal(p[i].alice.r.key.data, p[j].alice.r.key.data, 32));
	}
	for (size_t i = 0; i < count; i++)
		callers_drop(&p[i].alice, &p[i].bob);
}

static void play(size_t count)
{
	static struct couple p[CROWD];
	for (size_t i = 0; i < count; i++)
		prepare(&p[i]);
	go(p, count);
	join_and_compare(p, count);
}

static unsigned connections(void)
{
	unsigned sum = 0;
	for (size_t i = 0; i < WORLD_HUBS; i++)
		sum += w.hub[i].connections;
	return sum;
}

/* Two connections a hub, an initiator's and a receiver's, however many call.  (On a busy machine a share may come so late
 * that connections are not used again.) */
static void a_crowd_shares_connections(void **state)
{
	bool shared = false;
	(void)state;
	for (int try = 0; try < 5 && !shared; try++) {
		unsigned before = connections();
		play(CROWD);
		play(CROWD);
		shared = connections() - before <= 2 * WORLD_HUBS;
	}
	assert_true(shared);
}

static void what_one_hub_does_harms_nobody(void **state)
{
	static const enum mock_manner manners[] = {MOCK_DIES_ON_SHARE, MOCK_DIES_AFTER_SHARE, MOCK_DISOWNS_WINDOW, MOCK_BAD_REPLY,
						   MOCK_BAD_INSTRUCTION, MOCK_NONSENSE, MOCK_GARBAGE, MOCK_MUTE, MOCK_CORRUPTS,
						   MOCK_SMALL_WINDOW, MOCK_HANGS_UP, MOCK_CUTS_GRANTS, MOCK_DISOWNS_ALL,
						   MOCK_CUTS_INSTRUCTION, MOCK_LATE, MOCK_LOSES_RECEIPTS, MOCK_BAD_GRANT};
	(void)state;
	for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
		world_let_hub(&w, 1, manners[i]);
		print_message("# manner %d\n", (int)manners[i]);
		play(8);
	}
	world_let_hub(&w, 1, MOCK_HONEST);
	play(8);
}

static void all_connections_end_in_the_midst(void **state)
{
	static struct couple p[CROWD];
	(void)state;
	for (size_t i = 0; i < CROWD; i++)
		prepare(&p[i]);
	for (size_t h = 0; h < WORLD_HUBS; h++)
		world_let_hub(&w, h, MOCK_DIES_AFTER_SHARE);
	go(p, CROWD);
	for (size_t i = 0; i < CROWD; i++) {
		caller_join(&p[i].alice);
		caller_join(&p[i].bob);
		if (rc_ok(p[i].alice.rc))
			assert_same_key(&p[i].alice, &p[i].bob);
		callers_drop(&p[i].alice, &p[i].bob);
	}
	for (size_t h = 0; h < WORLD_HUBS; h++)
		world_let_hub(&w, h, MOCK_HONEST);
	play(4);
}

/* One that is cancelled, one whose time is up, and one that leads them. */
static void each_ends_by_itself(void **state)
{
	static struct couple none[3], some[CROWD];
	atomic_bool cancelled = false;
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		prepare(&none[i]);
		none[i].bob.q.timeout_ms = 900;
	}
	none[1].bob.q.cancelled = &cancelled;
	none[1].bob.q.timeout_ms = PATIENCE_MS;
	for (size_t i = 0; i < 3; i++)
		caller_go(&none[i].bob); /* nobody deals these */
	sleep_ms(50);
	for (size_t i = 0; i < CROWD; i++)
		prepare(&some[i]);
	go(some, CROWD);
	cancelled = true;
	caller_join(&none[1].bob);
	assert_rc(none[1].bob.rc, CANCELLED);
	caller_join(&none[0].bob);
	caller_join(&none[2].bob);
	assert_rc(none[0].bob.rc, TIMEOUT);
	assert_rc(none[2].bob.rc, TIMEOUT);
	join_and_compare(some, CROWD);
	for (size_t i = 0; i < 3; i++)
		agree_result_drop(&none[i].bob.r);
}

/* What takes links of its own, for an end that could not know. */
static void a_key_that_is_confirmed_goes_elsewhere(void **state)
{
	static struct couple p;
	(void)state;
	prepare(&p);
	p.alice.q.confirm = true;
	go(&p, 1);
	caller_join(&p.alice);
	caller_join(&p.bob);
	assert_same_key(&p.alice, &p.bob);
	assert_true(p.bob.r.confirmed);
	callers_drop(&p.alice, &p.bob);
	play(2);
}

static dske_rc count_keys(void *context, const struct agree_result *r)
{
	(void)r;
	++*(unsigned *)context;
	return DSKE_OK;
}

/* A call that has its key does not begin anew, whatever one hub says then. */
static void a_key_that_stands_stays(void **state)
{
	static struct couple p;
	(void)state;
	world_let_hub(&w, 1, MOCK_TELLS_FALLBACK);
	for (int i = 0; i < 20; i++) {
		unsigned kept = 0;
		prepare(&p);
		p.bob.q.keep = count_keys;
		p.bob.q.keep_context = &kept;
		go(&p, 1);
		caller_join(&p.alice);
		caller_join(&p.bob);
		explain(&p.bob);
		assert_same_key(&p.alice, &p.bob);
		assert_int_equal(kept, 1);
		callers_drop(&p.alice, &p.bob);
	}
	world_let_hub(&w, 1, MOCK_HONEST);
}

static void two_calls_want_one_key(void **state)
{
	static struct couple p;
	struct caller twin;
	(void)state;
	prepare(&p);
	twin = p.bob;
	caller_go(&p.bob);
	caller_go(&twin);
	sleep_ms(50);
	caller_go(&p.alice);
	caller_join(&p.alice);
	caller_join(&p.bob);
	caller_join(&twin);
	assert_true(rc_ok(p.bob.rc) || rc_ok(twin.rc));
	if (rc_ok(p.bob.rc))
		assert_same_key(&p.alice, &p.bob);
	if (rc_ok(twin.rc))
		assert_same_key(&p.alice, &twin);
	callers_drop(&p.alice, &p.bob);
	agree_result_drop(&twin.r);
}

static dske_rc keep_slowly(void *context, const struct agree_result *r)
{
	(void)r;
	sleep_ms(400);
	*(bool *)context = true;
	return DSKE_OK;
}

/* Others do not wait while one stores its key. */
static void who_keeps_holds_nobody_up(void **state)
{
	static struct couple slow;
	bool kept = false;
	(void)state;
	prepare(&slow);
	slow.bob.q.keep = keep_slowly;
	slow.bob.q.keep_context = &kept;
	go(&slow, 1);
	sleep_ms(50);
	play(4);
	caller_join(&slow.alice);
	caller_join(&slow.bob);
	assert_same_key(&slow.alice, &slow.bob);
	assert_true(kept);
	callers_drop(&slow.alice, &slow.bob);
}

static bool fails_in_child(void)
{
	struct agree_request q = {.peer = "bob", .scheme = SCHEME_COUNT, .timeout_ms = 1000, .key_len = 32};
	struct agree_result r;
	bool ok = rc_is(client_agree(w.alice, &q, &r), DSKE_RC_FORKED);
	client_close(w.alice);
	client_close(w.bob);
	return ok;
}

/* A child made while others lead, sleep and hold the lock. */
static void children_own_nothing(void **state)
{
	static struct couple p[CROWD];
	(void)state;
	for (size_t i = 0; i < CROWD; i++)
		prepare(&p[i]);
	go(p, CROWD);
	for (int i = 0; i < 10; i++) {
		int status = -1;
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			alarm(10);
			_exit(fails_in_child() ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	join_and_compare(p, CROWD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crowd_shares_connections),
		cmocka_unit_test(what_one_hub_does_harms_nobody),
		cmocka_unit_test(all_connections_end_in_the_midst),
		cmocka_unit_test(each_ends_by_itself),
		cmocka_unit_test(a_key_that_is_confirmed_goes_elsewhere),
		cmocka_unit_test(a_key_that_stands_stays),
		cmocka_unit_test(two_calls_want_one_key),
		cmocka_unit_test(who_keeps_holds_nobody_up),
		cmocka_unit_test(children_own_nothing),
	};
	return cmocka_run_group_tests_name("convoy", tests, set_up, world_tear_down);
}
