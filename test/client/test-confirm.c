/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are confirmed (doc/protocol.md 8.7), and those before them that were given up: their shares come as well, since
 * these hubs supersede nothing. */
#include <config.h>

#include "test/client/world.h"

#include <string.h>

#define K 3

static struct world w;

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, 1u << 20, "k = 3");
	return 0;
}

static void begin(struct caller *c, struct client *client, const char *peer, int64_t timeout_ms)
{
	*c = (struct caller){.client = client, .q = {.scheme = SCHEME_COUNT, .timeout_ms = timeout_ms, .confirm = true}};
	strcpy(c->q.peer, peer);
	c->q.context_len = 1;
	c->q.context[0] = 'x';
	caller_go(c);
}

/* Alice, nobody else. */
static void give_up(void)
{
	struct caller alice;
	begin(&alice, w.alice, "bob", 500);
	caller_join(&alice);
	assert_rc(alice.rc, TIMEOUT);
	agree_result_drop(&alice.r);
}

/* Of the key that is the hubs' nth. */
static size_t refused(size_t n)
{
	size_t count = 0;
	for (size_t h = 0; h < WORLD_HUBS; h++)
		count += w.hub[h].share[n].delivered && w.hub[h].share[n].verdict == RECEIPT_REFUSED;
	return count;
}

/* Soon: receipts are on the way when the call returns. */
static bool is_refused(size_t n)
{
	for (int i = 0; i < 200 && refused(n) < K; i++)
		sleep_ms(10);
	return refused(n) >= K;
}

static bool is_ready_for(size_t n)
{
	size_t count = 0;
	for (int i = 0; i < 200 && count < K; i++) {
		count = 0;
		sleep_ms(10);
		for (size_t h = 0; h < WORLD_HUBS; h++)
			count += w.hub[h].shares > n && w.hub[h].share[n].is_ready;
	}
	return count >= K;
}

/* Bob first, who is ready for what was given up. */
static void both_try_again(void)
{
	struct caller alice, bob;
	size_t before = w.hub[0].shares;
	begin(&bob, w.bob, "alice", 5000);
	assert_true(before == 0 || is_ready_for(before - 1));
	begin(&alice, w.alice, "bob", 4000);
	caller_join(&alice);
	caller_join(&bob);
	assert_same_key(&alice, &bob);
	assert_true(alice.r.confirmed && bob.r.confirmed);
	callers_drop(&alice, &bob);
}

static void two_agree(void **state)
{
	(void)state;
	both_try_again();
}

static void what_was_given_up_keeps_nobody_out(void **state)
{
	(void)state;
	give_up();
	both_try_again();
	assert_true(is_refused(0)); /* and does not come again */
}

/* n - k hubs that wish it to come to nothing. */
static void nor_with_hubs_that_lie(void **state)
{
	(void)state;
	give_up();
	world_let_hub(&w, 1, MOCK_DENIES_READY);
	world_let_hub(&w, 3, MOCK_INVENTS_CONFIRMATION);
	both_try_again();
}

/* As many as are kept at a time, and one more. */
static void the_oldest_is_let_go(void **state)
{
	struct caller alice, bob;
	(void)state;
	begin(&bob, w.bob, "alice", 20000);
	for (size_t h = 0; h < WORLD_HUBS; h++)
		w.hub[h].musters = 0;
	for (size_t n = 0; n < 4; n++) {
		give_up();
		assert_true(is_ready_for(n));
		assert_true(n < 3 ? refused(0) == 0 : is_refused(0));
	}
	for (size_t h = 0; h < WORLD_HUBS; h++)
		w.hub[h].musters = MOCK_SHARES;
	begin(&alice, w.alice, "bob", 4000);
	caller_join(&alice);
	caller_join(&bob);
	assert_same_key(&alice, &bob);
	callers_drop(&alice, &bob);
}

/* Who is ready for a key has not taken it back when another one comes. */
static void the_first_that_is_confirmed_is_taken(void **state)
{
	struct caller first, second, bob;
	(void)state;
	for (size_t h = 0; h < WORLD_HUBS; h++)
		w.hub[h].musters = 0;
	begin(&bob, w.bob, "alice", 8000);
	begin(&first, w.alice, "bob", 6000);
	assert_true(is_ready_for(0));
	begin(&second, w.alice, "bob", 3000);
	assert_true(is_ready_for(1));
	for (size_t h = 0; h < WORLD_HUBS; h++)
		w.hub[h].musters = 1;
	caller_join(&first);
	caller_join(&bob);
	caller_join(&second);
	assert_same_key(&first, &bob);
	assert_rc(second.rc, TIMEOUT);
	assert_true(is_refused(1));
	callers_drop(&first, &bob);
	agree_result_drop(&second.r);
}

/* Connections are lost after READY: on the next ones bob says it again, and waits for others again. */
static void lost_connections_are_made_up_for(void **state)
{
	struct caller alice, bob;
	(void)state;
	give_up();
	begin(&bob, w.bob, "alice", 8000);
	assert_true(is_ready_for(0));
	for (size_t h = 0; h < WORLD_HUBS; h++)
		world_let_hub(&w, h, MOCK_HONEST);
	begin(&alice, w.alice, "bob", 6000);
	caller_join(&alice);
	caller_join(&bob);
	assert_same_key(&alice, &bob);
	callers_drop(&alice, &bob);
}

int main(void)
{
#define IN_A_WORLD(f) cmocka_unit_test_setup_teardown(f, set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
		IN_A_WORLD(two_agree),
		IN_A_WORLD(what_was_given_up_keeps_nobody_out),
		IN_A_WORLD(nor_with_hubs_that_lie),
		IN_A_WORLD(the_oldest_is_let_go),
		IN_A_WORLD(the_first_that_is_confirmed_is_taken),
		IN_A_WORLD(lost_connections_are_made_up_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
