/* SPDX-License-Identifier: Apache-2.0 */
/* The mailbox alone: its clock, its tombstones, its key; and who may know of whom. */
#include "config.h"

#include "test/hub/box.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hub/mailbox-impl.h"
#include "hub/policy.h"

static void test_put_and_get(void **state)
{
	struct terms t;
	int64_t id = put(1, 60), other;

	(void)state;
	assert_there(id, 1);
	terms_make(&t, 1, "other");
	assert_rc(put_terms(&t, 60, &other), EXISTS);
	reopen(0);
	assert_there(id, 1); /* under the key of the process before */
	assert_there(put(2, 60), 2);
	assert_there(id, 1);
}

/* ---- long keys ------------------------------------------------------------------------------------ */

static bool is_found(uint8_t key)
{
	struct id key_id = {{key}};
	struct msg_wait by = {.initiator = alice, .selector = WAIT_KEY_ID, .value = key_id.b, .value_len = ID_LEN, .takes_long = true};
	struct mailbox_found found;

	return rc_ok(mailbox_find(m, &bob, &by, 0, &found));
}

static void test_long_key(void **state)
{
	static const struct tag tag = {{7}};
	int64_t id = put_long(1, 600, 3 * KEY_PART_LEN);
	AUTO(secret) first = {0};
	struct terms t;

	(void)state;
	assert_false(is_found(1));
	tick(50000);
	add_part(1, NULL);
	tick(100000); /* longer than any part may be waited for, since the first */
	assert_false(is_found(1));
	reopen(0);
	add_part(1, &tag);
	assert_true(is_found(1));
	assert_ok(mailbox_get(m, id, &t, &first));
	assert_memory_equal(&t.key_tag, &tag, TAG_LEN);
	assert_int_equal(first.len, KEY_PART_LEN + KEY_TAG_KEY_LEN);
	for (unsigned number = 1; number < 3; number++) {
		AUTO(secret) part = {0};

		assert_ok(mailbox_part_get(m, id, number, &part));
		assert_int_equal(part.len, KEY_PART_LEN);
		assert_int_equal(part.data[0], number);
		assert_int_equal(part.data[KEY_PART_LEN - 1], number);
	}
	/* Fetched: the parts are erased too, if not at once. */
	assert_ok(mailbox_receipt(m, id, &bob));
	assert_ok(mailbox_commit(m));
	assert_gone(id);
	for (unsigned i = 0; i < 3; i++)
		tick(1000 * (i + 1));
	AUTO(secret) part = {0};
	assert_rc(mailbox_part_get(m, id, 1, &part), NOT_FOUND);
	assert_true(named(1));
}

/* Of a group, the parts stay until the last has fetched them. */
static void test_long_key_of_a_group(void **state)
{
	static const struct tag tag = {{7}};
	AUTO(secret) part = {0};
	struct terms t;
	int64_t id;

	(void)state;
	terms_make(&t, 1, "");
	t.key_len = 2 * KEY_PART_LEN;
	t.receiver_count = 2;
	t.receiver[1] = carol;
	assert_ok(put_terms(&t, 600, &id));
	add_part(1, &tag);
	assert_ok(mailbox_receipt(m, id, &bob));
	tick(1000);
	tick(2000);
	assert_ok(mailbox_part_get(m, id, 1, &part));
	secret_drop(&part);
	assert_ok(mailbox_receipt(m, id, &carol));
	for (unsigned i = 0; i < 3; i++)
		tick(3000 + 1000 * i);
	assert_rc(mailbox_part_get(m, id, 1, &part), NOT_FOUND);
}

/* One that is not ended is given up: its name stays taken, its bytes are not held against the bound for ever. */
static void test_long_key_is_given_up(void **state)
{
	uint64_t before, begun, after;
	struct mailbox_long l;

	(void)state;
	assert_ok(mailbox_size(m, &before));
	put_long(1, 600, 64 * KEY_PART_LEN);
	assert_ok(mailbox_size(m, &begun));
	assert_true(begun - before >= 64 * KEY_PART_LEN);
	add_part(1, NULL);
	assert_int_equal(tick(59000), 0);
	assert_ok(long_find(1, &l));
	assert_int_equal(tick(61000), 1);
	assert_rc(long_find(1, &l), NOT_FOUND);
	for (unsigned i = 0; i < 3; i++)
		tick(62000 + 1000 * i);
	assert_ok(mailbox_size(m, &after));
	assert_true(after < before + 65536);
	assert_true(named(1));
	tick(1300 * 1000);
	assert_false(named(1));
}

/* Time to live, then a tombstone for as long again. */
static void test_expiry(void **state)
{
	int64_t id = put(1, 10);
	size_t count;

	(void)state;
	assert_int_equal(tick(9999), 0);
	assert_there(id, 1);
	assert_int_equal(tick(10000), 1);
	assert_gone(id);
	assert_true(named(1));
	assert_ok(mailbox_count(m, &count));
	assert_int_equal(count, 0);
	assert_ok(mailbox_pair_count(m, &alice, &bob, &count));
	assert_int_equal(count, 0);
	assert_int_equal(tick(19999), 0);
	assert_true(named(1));
	tick(20000);
	assert_false(named(1));
	put(1, 10);
}

/* The mailbox's clock stands still while nobody runs it, and is not the machine's. */
static void test_clock_over_restarts(void **state)
{
	int64_t id = put(1, 100);

	(void)state;
	tick(60000);
	reopen(5);
	tick(39000);
	assert_there(id, 1);
	assert_int_equal(tick(40005), 1);
}

static void test_receipt(void **state)
{
	struct terms t;
	int64_t id;
	size_t count;

	(void)state;
	terms_make(&t, 1, "");
	t.receiver[t.receiver_count++] = carol;
	assert_ok(put_terms(&t, 60, &id));
	assert_ok(mailbox_receipt(m, id, &bob));
	assert_ok(mailbox_receipt(m, id, &bob));
	assert_ok(mailbox_receipt(m, id, &alice)); /* not one of them */
	assert_ok(mailbox_pair_count(m, &alice, &carol, &count));
	assert_int_equal(count, 1);
	assert_ok(mailbox_receipt(m, id, &carol));
	assert_gone(id);
	assert_true(named(1));
	assert_ok(mailbox_receipt(m, id, &carol));
}

static void test_answers(void **state)
{
	AUTO(buf) frame = {0};
	uint8_t digest[FRAME_DIGEST_LEN];
	int64_t id = put(3, 60);

	(void)state;
	memset(digest, 3, sizeof digest);
	buf_heap(&frame, 64);
	assert_rc(mailbox_answer(m, &alice, 4, digest, &frame), NOT_FOUND);
	assert_rc(mailbox_answer(m, &bob, 3, digest, &frame), NOT_FOUND);
	assert_ok(mailbox_answer(m, &alice, 3, digest, &frame));
	assert_int_equal(frame.len, 6);
	assert_ok(mailbox_receipt(m, id, &bob));
	assert_ok(mailbox_answer(m, &alice, 3, digest, &frame));
	digest[15] ^= 1;
	assert_rc(mailbox_answer(m, &alice, 3, digest, &frame), NOT_FOUND);
}

/* What was not committed is not there after a crash, and what was is. */
static void test_uncommitted(void **state)
{
	struct terms t;
	int64_t committed = put(1, 60), lost;

	(void)state;
	terms_make(&t, 2, "");
	assert_ok(put_terms(&t, 60, &lost));
	reopen(0); /* closes without a commit */
	assert_there(committed, 1);
	assert_false(named(2));
}

static void flip(const char *name, off_t at)
{
	AUTO(fd) f = FD_NONE;
	uint8_t byte;

	assert_ok(file_open(&f, scratch_path(&folder, name), O_RDWR, 0));
	assert_ok(file_pread(f.n, &byte, 1, (uint64_t)at));
	byte ^= 1;
	assert_ok(file_pwrite(f.n, &byte, 1, (uint64_t)at));
}

static void test_other_store_key(void **state)
{
	int64_t id = put(1, 60);

	(void)state;
	mailbox_close(m);
	flip("store.key", 5);
	assert_rc(mailbox_open(&m, folder.s, 0), CORRUPT);
	assert_null(m);
	flip("store.key", 5);
	assert_ok(mailbox_open(&m, folder.s, 0));
	assert_there(id, 1);
}

static bool holds(const void *bytes, size_t len)
{
	AUTO(buf) all = {0};

	assert_ok(file_read_all(&all, scratch_path(&folder, "mailbox/segment-000001"), 16u << 20));
	return memmem(all.data, all.len, bytes, len) != NULL;
}

/* No share is on the disk in clear; and once it was receipted, not encrypted either. */
static void test_nothing_is_left(void **state)
{
	uint8_t clear[24], sealed[16];
	struct share *s;
	int64_t id = put(0x77, 60);

	(void)state;
	s = share_find(m, id);
	memset(clear, 0x77, sizeof clear);
	assert_ok(journal_read_body(m->journal, s->at, s->head_len + 32, sizeof sealed, sealed));
	assert_true(holds(sealed, sizeof sealed));
	assert_ok(mailbox_receipt(m, id, &bob));
	put(0x78, 60);
	assert_false(holds(sealed, sizeof sealed));
	assert_ok(mailbox_receipt(m, put(0x79, 60), &bob));
	assert_false(holds(clear, sizeof clear));
}

static void test_find(void **state)
{
	struct msg_wait w = {.initiator = alice, .selector = WAIT_CONTEXT, .value = (const uint8_t *)"x", .value_len = 1};
	struct terms t;
	struct mailbox_found found;
	int64_t first, second;

	(void)state;
	terms_make(&t, 1, "x");
	assert_ok(put_terms(&t, 60, &first));
	terms_make(&t, 2, "x");
	assert_ok(put_terms(&t, 60, &second));
	assert_ok(mailbox_find(m, &bob, &w, 0, &found));
	assert_int_equal(found.id, second);
	assert_int_equal(found.length, MSG_SHARE_RANGE_LEN(&t));
	assert_rc(mailbox_find(m, &bob, &w, found.id, &found), NOT_FOUND);
	assert_rc(mailbox_find(m, &carol, &w, 0, &found), NOT_FOUND);
	w.selector = WAIT_KEY_ID;
	w.value = (const uint8_t[ID_LEN]){1};
	w.value_len = ID_LEN;
	assert_ok(mailbox_find(m, &bob, &w, 0, &found));
	assert_int_equal(found.id, first);
}

/* Which keys does this receiver find by the context "group", in order? */
static size_t found(const struct id *receiver, uint8_t *key)
{
	const struct msg_wait w = {.initiator = alice, .selector = WAIT_CONTEXT, .value = (const uint8_t *)"group",
				   .value_len = 5};
	struct terms t;
	struct mailbox_found found = {0};
	size_t count = 0;

	while (rc_ok(mailbox_find(m, receiver, &w, found.id, &found))) {
		AUTO(secret) share = {0};

		assert_ok(mailbox_get(m, found.id, &t, &share));
		key[count++] = t.key_id.b[0];
	}
	return count;
}

static int64_t put_group(uint8_t key)
{
	struct terms t;
	int64_t id;

	terms_make(&t, key, "group");
	t.receiver_count = 2;
	t.receiver[1] = carol;
	assert_ok(put_terms(&t, 600, &id));
	return id;
}

/* Who has receipted may use the key, so the others of the group must be able to have it. */
static void test_receipted_stays(void **state)
{
	uint8_t key[8];

	(void)state;
	put_group(1);
	int64_t second = put_group(2);
	assert_int_equal(found(&carol, key), 1);
	assert_int_equal(key[0], 2);
	assert_ok(mailbox_receipt(m, second, &bob));
	put_group(3);
	assert_int_equal(found(&carol, key), 2);
	assert_int_equal(key[0], 2);
	assert_int_equal(key[1], 3);
	assert_int_equal(found(&bob, key), 1);
	assert_int_equal(key[0], 3);
	put_group(4);
	assert_int_equal(found(&carol, key), 2);
	assert_int_equal(key[0], 2);
	assert_int_equal(key[1], 4);
	assert_ok(mailbox_receipt(m, second, &carol));
	assert_int_equal(found(&carol, key), 1);
	assert_int_equal(key[0], 4);
	assert_ok(mailbox_commit(m));
}

static void test_policy(void **state)
{
	char office[][NAME_MAX_LEN + 1] = {"alice", "bob"}, lab[][NAME_MAX_LEN + 1] = {"bob", "carol"};
	struct hub_group groups[] = {
		{.name = "office", .member = office, .member_count = 2},
		{.name = "lab", .member = lab, .member_count = 2},
		{.name = "empty"},
		{.name = "all", .everyone = true},
	};
	struct hub_conf c = {.group = groups, .group_count = 3};

	(void)state;
	assert_true(policy_joins(&c, "alice", "bob"));
	assert_true(policy_joins(&c, "carol", "bob"));
	assert_false(policy_joins(&c, "alice", "carol"));
	assert_false(policy_joins(&c, "alice", "dave"));
	assert_false(policy_joins(&c, "dave", "erin"));
	c.group_count = 0;
	assert_false(policy_joins(&c, "alice", "bob"));
	c.group_count = 4;
	assert_true(policy_joins(&c, "dave", "erin"));
}

/* A share that is to be confirmed: what is known of it goes with its name, so that no other share inherits it. */
static void test_rounds_go_with_their_names(void **state)
{
	const struct confirmation said = {.point.b = {1}};
	struct mailbox_round round;
	struct terms t;
	int64_t id, found = 0;

	(void)state;
	terms_make(&t, 1, "");
	t.confirm = true;
	assert_ok(put_terms(&t, 10, &id));
	assert_ok(mailbox_round_find(m, &alice, &t.key_id, &found));
	assert_int_equal(found, id);
	assert_ok(mailbox_ready(m, id, &bob));
	assert_ok(mailbox_commit(m));
	assert_rc(mailbox_ready(m, id, &carol), NOT_FOUND);
	assert_int_equal(tick(10000), 1); /* expired, its name still taken */
	assert_rc(mailbox_ready(m, id, &bob), NOT_FOUND);
	assert_ok(mailbox_attest(m, id, &said));
	assert_ok(mailbox_commit(m));
	reopen(0);
	assert_ok(mailbox_round_read(m, id, &round));
	assert_true(round.attested);
	assert_int_equal(round.ready_count, 1);
	assert_true(receiver_set_has(&round.ready, 0));
	tick(11000); /* the clock went on from 10 s */
	reopen(0);
	assert_rc(mailbox_round_read(m, id, &round), NOT_FOUND);
	t.key_id.b[0] = 2;
	assert_ok(put_terms(&t, 10, &found));
	assert_true(found > id);
	assert_ok(mailbox_round_read(m, found, &round));
	assert_false(round.attested);
	assert_int_equal(round.ready_count, 0);
	id = put(3, 10);
	assert_rc(mailbox_round_read(m, id, &round), NOT_FOUND); /* nothing to confirm */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, mailbox_set_up, mailbox_tear_down)
	const struct CMUnitTest tests[] = {
		T(test_put_and_get), T(test_long_key), T(test_long_key_of_a_group), T(test_long_key_is_given_up),
		T(test_expiry), T(test_clock_over_restarts), T(test_receipt), T(test_answers),
		T(test_uncommitted), T(test_other_store_key), T(test_nothing_is_left), T(test_find),
		T(test_receipted_stays),
		T(test_rounds_go_with_their_names),
		cmocka_unit_test(test_policy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
