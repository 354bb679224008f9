/* SPDX-License-Identifier: Apache-2.0 */
/* What the mailbox holds, and of whom; and what versions before left. */
#include "config.h"

#include "test/hub/box.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static uint64_t holding(const struct id *initiator)
{
	uint64_t bytes;

	assert_ok(mailbox_holding(m, initiator, &bytes));
	return bytes;
}

/* A name that stays taken costs little, whatever context its key had. */
static void test_tombstones_are_small(void **state)
{
	enum { MANY = 1000 };
	uint64_t before, after, held;
	struct terms t;
	int64_t id;

	(void)state;
	terms_make(&t, 1, "");
	t.context_len = TERMS_CONTEXT_MAX;
	assert_ok(mailbox_size(m, &before));
	for (unsigned i = 0; i < MANY; i++) {
		t.key_id.b[1] = (uint8_t)i;
		t.key_id.b[2] = (uint8_t)(i >> 8);
		assert_ok(put_terms(&t, 10, &id));
		if (i % 2 == 0)
			assert_ok(mailbox_receipt(m, id, &bob));
	}
	held = holding(&alice);
	assert_int_equal(tick(10000), MANY / 2);
	assert_ok(mailbox_size(m, &after));
	assert_in_range(after - before, 1, MANY * MAILBOX_NAME_BYTES);
	assert_true(holding(&alice) < held);
	assert_int_equal(holding(&alice), MANY * MAILBOX_NAME_BYTES);
	assert_int_equal(holding(&bob), 0);
	tick(20000);
	assert_int_equal(holding(&alice), 0);
}

/* A long key counts whole from its beginning, and is gone when it is given up. */
static void test_holding_of_long_keys(void **state)
{
	(void)state;
	put_long(1, 600, 64 * KEY_PART_LEN);
	assert_in_range(holding(&alice), 64 * KEY_PART_LEN, 64 * KEY_PART_LEN + 4096);
	add_part(1, NULL);
	assert_in_range(holding(&alice), 64 * KEY_PART_LEN, 64 * KEY_PART_LEN + 4096);
	reopen(0);
	assert_int_equal(tick(61000), 1);
	assert_int_equal(holding(&alice), MAILBOX_NAME_BYTES);
}

static void begin_and_give_up(uint8_t key)
{
	put_long(key, 1, 64 * KEY_PART_LEN);
	for (int i = 0; i < 20; i++)
		add_part(key, NULL); /* more than a tick sweeps */
	tick(1000);
	tick(2000);
	assert_false(named(key));
	reopen(0);
}

/* Parts outlive the share that they are of.  Their number is not another share's, whatever happens in between. */
static void test_numbers_do_not_come_again(void **state)
{
	const struct msg_wait w = {.initiator = alice, .selector = WAIT_CONTEXT, .value = (const uint8_t *)"", .value_len = 0};
	struct mailbox_found found;
	struct mailbox_long l;
	int64_t id;

	(void)state;
	begin_and_give_up(1);
	id = put(2, 600);
	assert_ok(mailbox_find(m, &bob, &w, 0, &found));
	assert_int_equal(found.id, id);
	assert_rc(long_find(2, &l), NOT_FOUND);
	begin_and_give_up(3);
	assert_true(put_long(4, 600, 2 * KEY_PART_LEN) > id);
	assert_ok(long_find(4, &l));
}

/* The time that a name stays taken counts from the last part on too. */
static void test_a_name_given_up_stays_taken(void **state)
{
	(void)state;
	put_long(1, 20, 4 * KEY_PART_LEN);
	for (int s = 15; s <= 30; s += 15) {
		tick(s * 1000);
		add_part(1, NULL);
	}
	assert_int_equal(tick(50000), 1);
	assert_true(named(1));
	tick(69000);
	assert_true(named(1));
	tick(70000);
	assert_false(named(1));
}

/* An older version's: what waits in it is not left to be forgotten in silence. */
static void test_older_mailbox(void **state)
{
	AUTO(fd) f = FD_NONE;

	(void)state;
	mailbox_close(m);
	assert_ok(file_open(&f, scratch_path(&folder, "mailbox.db"), O_RDWR | O_CREAT, 0600));
	assert_rc(mailbox_open(&m, folder.s, 0), UNSUPPORTED);
	assert_null(m);
	assert_non_null(strstr(rc_detail((dske_rc){DSKE_RC_UNSUPPORTED}), "mailbox.db"));
	assert_int_equal(unlink(scratch_path(&folder, "mailbox.db")), 0);
	assert_ok(mailbox_open(&m, folder.s, 0));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, mailbox_set_up, mailbox_tear_down)
	const struct CMUnitTest tests[] = {
		T(test_tombstones_are_small), T(test_holding_of_long_keys),
		T(test_numbers_do_not_come_again), T(test_a_name_given_up_stays_taken), T(test_older_mailbox),
	};
	return cmocka_run_group_tests_name("mailbox bounds", tests, NULL, NULL);
}
