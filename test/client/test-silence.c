/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Silence beside lies: with twenty hubs of which ten are needed, nine deliver corrupt shares and one is connected and
 * says nothing.  The ten that are honest are enough (doc/threat-model.md, disruption), and finding them takes a search
 * of many steps.
 */
#include <config.h>

#include "test/client/world.h"

#include <string.h>

static struct world w;

static int set_up(void **state)
{
	*state = &w;
	world_make(&w, 2u << 20, "k = 10\ntimeout = 60s");
	return 0;
}

static void manners(size_t liars, size_t silent)
{
	for (size_t i = 0; i < WORLD_HUBS; i++)
		mock_hub_start(&w.hub[i], i < liars ? MOCK_CORRUPTS : i < liars + silent ? MOCK_MUTE : MOCK_HONEST);
}

/* A call for a key of that length in this context. */
static struct agree_request request(const char *peer, const char *context, uint32_t key_len)
{
	struct agree_request q = {.scheme = SCHEME_COUNT, .key_len = key_len};
	strcpy(q.peer, peer);
	q.context_len = (uint8_t)strlen(context);
	memcpy(q.context, context, q.context_len);
	return q;
}

static void one_silent_hub_and_nine_that_lie(void **state)
{
	struct agree_request to_bob = request("bob", "silence", 512), to_alice = request("alice", "silence", 512);
	struct agree_result alice, bob;
	(void)state;
	manners(9, 1);
	assert_ok(client_agree(w.alice, &to_bob, &alice));
	assert_ok(client_agree(w.bob, &to_alice, &bob));
	assert_true(mem_equal(alice.key.data, bob.key.data, 512));
	for (size_t h = 0; h < WORLD_HUBS; h++)
		assert_int_equal(bob.report.hub[h].verdict, h < 9 ? SHARE_CORRUPT : h == 9 ? SHARE_ABSENT : SHARE_CONSISTENT);
	agree_result_drop(&alice);
	agree_result_drop(&bob);
}

static atomic_bool cancelled;

static void *cancel_soon(void *context)
{
	(void)context;
	sleep_ms(1000);
	cancelled = true;
	return NULL;
}

/* Eleven lie, so that there is no key, and all sets of ten among twenty are tried: 48 GB of candidates. */
static void a_search_can_be_cancelled(void **state)
{
	struct agree_request to_bob = request("bob", "search", 256u << 10), to_alice = request("alice", "search", 256u << 10);
	struct agree_result r;
	pthread_t thread;
	(void)state;
	manners(11, 0);
	assert_ok(client_agree(w.alice, &to_bob, &r));
	agree_result_drop(&r);
	to_alice.cancelled = &cancelled;
	assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
	assert_rc(client_agree(w.bob, &to_alice, &r), CANCELLED);
	pthread_join(thread, NULL);
	agree_result_drop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_silent_hub_and_nine_that_lie),
		cmocka_unit_test(a_search_can_be_cancelled),
	};
	return cmocka_run_group_tests_name("silence", tests, set_up, world_tear_down);
}
