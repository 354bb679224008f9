/* SPDX-License-Identifier: Apache-2.0 */
/* client/group.h: who belongs to it, who begins, and whose key is taken. */
#include <config.h>

#include "test/client/world.h"

#include <stdio.h>
#include <string.h>

#include "client/group.h"

#define MOST TERMS_RECEIVERS_MAX

static struct world w;
static char name[MOST + 1][NAME_MAX_LEN + 1];
static const char *more[MOST + 1];

static struct id numbered(size_t i)
{
	struct id id = {{0}};

	id.b[0] = 0xF0; /* above those of the world */
	id.b[15] = (uint8_t)(MOST - i);
	return id;
}

/* alice has bob and peer0 ... peer64; their IDs fall. */
static int set_up(void **state)
{
	*state = &w;
	world_make(&w, 1 << 17, "");
	for (size_t i = 0; i <= MOST; i++) {
		struct peer p = {.hubs_agreed = 5, .hubs_asked = 5, .id = numbered(i)};
		snprintf(name[i], sizeof name[i], "peer%zu", i);
		strcpy(p.name, name[i]);
		more[i] = name[i];
		assert_ok(peers_add(client_config(w.alice), &p, NULL, 0));
	}
	assert_ok(client_refresh(w.alice));
	return 0;
}

static struct agree_request asking(size_t more_count, enum agree_role role)
{
	struct agree_request q = {.peer = "bob", .more = more, .more_count = more_count, .role = role};

	return q;
}

static void sixty_four_besides_us_and_no_more(void **state)
{
	AUTO(group) g = {0}, h = {0};
	struct agree_request q = asking(MOST - 1, ROLE_AUTO);
	struct terms t = {.initiator = w.alice_id};

	(void)state;
	assert_ok(group_gather(&g, w.alice, &q));
	assert_int_equal(g.count, MOST);
	assert_true(group_we_initiate(&g));
	group_write_receivers(&g, &t);
	assert_int_equal(t.receiver_count, MOST);
	for (size_t i = 1; i < MOST; i++)
		assert_true(id_compare(&t.receiver[i - 1], &t.receiver[i]) < 0);
	q.more_count = MOST;
	assert_rc(group_gather(&h, w.alice, &q), ARGS);
}

static void each_is_named_once_and_known(void **state)
{
	static const char *const twice[] = {"peer1", "bob"}, *const unknown[] = {"peer1", "nobody"};
	struct agree_request q = asking(2, ROLE_AUTO);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		AUTO(group) g = {0};
		q.more = i == 0 ? twice : unknown;
		assert_string_equal(rc_name(group_gather(&g, w.alice, &q)), i == 0 ? "ARGS" : "NOT_FOUND");
	}
}

static void the_lowest_initiates_unless_it_is_said(void **state)
{
	AUTO(group) automatic = {0}, receiver = {0}, initiator = {0};
	struct agree_request q = asking(3, ROLE_AUTO);

	(void)state;
	snprintf(q.peer, sizeof q.peer, "peer9");
	assert_ok(group_gather(&automatic, w.alice, &q));
	assert_true(group_we_initiate(&automatic));
	assert_string_equal(group_peer(&automatic)->name, "peer9");
	q.role = ROLE_RECEIVER;
	assert_ok(group_gather(&receiver, w.alice, &q));
	assert_false(group_we_initiate(&receiver));
	assert_string_equal(group_peer(&receiver)->name, "peer9");
	q.role = ROLE_INITIATOR;
	assert_ok(group_gather(&initiator, w.alice, &q));
	assert_true(group_we_initiate(&initiator));
}

/* What bob, of {alice, bob, peer0, peer1}, is sent by alice. */
static void exactly_this_group_is_addressed(void **state)
{
	struct peer member[] = {{.id = w.alice_id}, {.id = numbered(0)}, {.id = numbered(1)}};
	const struct group g = {.self = w.bob_id, .member = member, .count = 3, .initiator = 0};
	struct terms t = {.initiator = w.alice_id, .receiver_count = 3, .receiver = {numbered(1), w.bob_id, numbered(0)}};

	(void)state;
	assert_true(group_is_addressed(&g, &t));
	t.receiver[2] = numbered(2);
	assert_false(group_is_addressed(&g, &t)); /* a stranger */
	t.receiver[2] = numbered(0);
	t.receiver_count = 2;
	assert_false(group_is_addressed(&g, &t)); /* one is missing */
	t.receiver_count = 4;
	t.receiver[3] = numbered(3);
	assert_false(group_is_addressed(&g, &t)); /* one more */
	t.receiver_count = 3;
	t.receiver[1] = numbered(3);
	assert_false(group_is_addressed(&g, &t)); /* not for us */
	t.receiver[1] = w.bob_id;
	t.initiator = numbered(0);
	t.receiver[2] = w.alice_id;
	assert_false(group_is_addressed(&g, &t)); /* another member's agreement */
}

static dske_rc call(struct client *c, const struct agree_request *how, const char *peer, struct agree_result *r)
{
	struct agree_request q = *how;
	snprintf(q.peer, sizeof q.peer, "%s", peer);
	q.scheme = SCHEME_COUNT;
	q.timeout_ms = 4000;
	q.context_len = 1;
	q.context[0] = 'x';
	return client_agree(c, &q, r);
}

/* More than are kept of what is awaited, and more than a first window holds. */
static void keys_of_other_groups_do_not_hide_the_awaited_one(void **state)
{
	struct agree_request group = asking(1, ROLE_INITIATOR), two = asking(0, ROLE_AUTO);
	struct agree_result r, s;
	(void)state;
	for (int i = 0; i < 12; i++) {
		assert_ok(call(w.alice, &group, "bob", &r));
		agree_result_drop(&r);
	}
	assert_ok(call(w.alice, &two, "bob", &r));
	assert_ok(call(w.bob, &two, "alice", &s));
	assert_true(mem_equal(r.key.data, s.key.data, r.key.len));
	agree_result_drop(&r);
	agree_result_drop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixty_four_besides_us_and_no_more),
		cmocka_unit_test(each_is_named_once_and_known),
		cmocka_unit_test(the_lowest_initiates_unless_it_is_said),
		cmocka_unit_test(exactly_this_group_is_addressed),
		cmocka_unit_test(keys_of_other_groups_do_not_hide_the_awaited_one),
	};

	return cmocka_run_group_tests(tests, set_up, world_tear_down);
}
