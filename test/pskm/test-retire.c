/* SPDX-License-Identifier: Apache-2.0 */
/* Retiring: what stays, what goes, in which order; over crashes and in every state. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pskm/format.h"
#include "test/pskm/fixture.h"

#define LEN TABLE_LEN_MIN

static void reopen(struct table **t, const struct path *dir, enum side side)
{
	table_close(*t);
	assert_ok(table_open(t, dir->s, side, NULL));
}

static uint64_t keys_at(const struct fixture *f)
{
	return layout_retiring_offset(&f->header.layout);
}

/* Which of the two keys are in the file; everything else is zero. */
static void assert_left(const struct fixture *f, const struct path *dir, bool retire, bool retired)
{
	uint64_t at = keys_at(f);

	assert_true(fixture_zero(dir, 0, at));
	assert_int_equal(!fixture_zero(dir, at, at + TAG_KEY_LEN), retire);
	assert_int_equal(!fixture_zero(dir, at + TAG_KEY_LEN, at + RETIRING_LEN), retired);
	assert_true(fixture_zero(dir, at + RETIRING_LEN, f->header.layout.len));
}

static void destroy(struct table *t)
{
	bool done = false;

	for (int i = 0; !done; i++) {
		assert_in_range(i, 0, 100);
		assert_ok(table_destroy(t, 4096, &done));
	}
	assert_ok(table_destroy(t, 4096, &done));
	assert_true(done);
}

static struct retiring status_of(struct table *t)
{
	struct table_status s;

	assert_ok(table_status(t, &s));
	assert_int_equal(s.state, TABLE_RETIRED);
	assert_int_equal(s.up_left + s.down_left + s.lease_left, 0);
	return s.retired;
}

static void test_by_the_hub(void **state)
{
	struct fixture f;
	struct retiring hub = {.reason = RETIRE_STOLEN, .time = 1000}, client;
	uint8_t kept[2][TAG_KEY_LEN], key[TAG_KEY_LEN];

	(void)state;
	fixture_active(&f, LEN);
	assert_ok(table_activation_key(f.hub, ACTIVATION_KEY_RETIRE, kept[0]));
	assert_ok(table_activation_key(f.client, ACTIVATION_KEY_RETIRED, kept[1]));
	assert_ok(table_retire(f.hub, &hub));
	destroy(f.hub);
	assert_left(&f, &f.hub_dir, true, true);
	for (int again = 0; again < 2; again++) { /* its word stays what it was */
		hub = (struct retiring){.reason = RETIRE_ENDED, .time = 2000, .let_go = true};
		assert_ok(table_retire(f.hub, &hub));
		assert_int_equal(hub.reason, RETIRE_STOLEN);
		assert_int_equal(hub.time, 1000);
		assert_false(hub.let_go);
		reopen(&f.hub, &f.hub_dir, SIDE_HUB);
	}
	client = (struct retiring){.reason = hub.reason, .time = hub.time, .repeats = true};
	assert_ok(table_retire(f.client, &client));
	assert_ok(table_retire_receipt(f.client, false, 1500));
	destroy(f.client);
	assert_left(&f, &f.client_dir, true, false); /* what it may have to say again */
	assert_int_equal(status_of(f.client).seen, 1500);
	assert_ok(table_activation_key(f.client, ACTIVATION_KEY_RETIRE, key));
	assert_memory_equal(key, kept[0], TAG_KEY_LEN);
	assert_rc(table_activation_key(f.client, ACTIVATION_KEY_RETIRED, key), STATE);
	assert_ok(table_activation_key(f.hub, ACTIVATION_KEY_RETIRED, key));
	assert_memory_equal(key, kept[1], TAG_KEY_LEN);
	assert_ok(table_retire_receipt(f.hub, true, 1600));
	assert_left(&f, &f.hub_dir, false, false);
	assert_ok(table_retire_receipt(f.hub, false, 1700)); /* the first one counts */
	assert_int_equal(status_of(f.hub).seen, 1600);
	assert_true(status_of(f.hub).repeated);
	for (unsigned which = 0; which <= ACTIVATION_KEY_RETIRED; which++)
		assert_false(rc_ok(table_activation_key(f.hub, which, key)));
	fixture_drop(&f);
}

static void test_by_the_client(void **state)
{
	struct fixture f;
	struct retiring r = {.reason = RETIRE_ENDED, .time = 7, .let_go = true};

	(void)state;
	fixture_active(&f, LEN);
	assert_ok(table_retire(f.client, &r));
	destroy(f.client);
	assert_left(&f, &f.client_dir, true, true);
	r = (struct retiring){.reason = RETIRE_ENDED, .time = 7, .repeats = true};
	assert_ok(table_retire(f.hub, &r));
	assert_ok(table_retire_receipt(f.hub, false, 8));
	destroy(f.hub);
	assert_left(&f, &f.hub_dir, false, true);
	assert_ok(table_retire_receipt(f.client, true, 9));
	assert_left(&f, &f.client_dir, false, false);
	assert_true(status_of(f.client).let_go);
	fixture_drop(&f);
}

static void retire_in(struct fixture *f, enum side side)
{
	struct table *t = side == SIDE_HUB ? f->hub : f->client;
	struct retiring r = {.reason = RETIRE_LOST, .time = 5};
	struct window *a, *b;
	AUTO(lease_keys) keys = {0};
	uint64_t slot, lowest;
	struct id nonce = {{9}};
	uint8_t key[TAG_KEY_LEN];
	bool done;

	assert_rc(table_destroy(t, 1, &done), STATE);
	assert_rc(table_retire_receipt(t, false, 1), STATE);
	assert_ok(table_retire(t, &r));
	assert_rc(table_activation_key(t, ACTIVATION_KEY_ACTIVATE, key), RETIRED);
	uint64_t up = f->header.layout.region[REGION_UP].start;
	if (side == SIDE_CLIENT) {
		assert_rc(table_lease_take(t, &slot, &lowest, &keys), RETIRED);
		assert_rc(table_lease_skip(t, 3, true), RETIRED);
		assert_rc(table_lease_granted(t, up, up + 1, 1, &a, &b), RETIRED);
		assert_rc(table_activation_begin(t, &nonce), RETIRED);
		assert_rc(table_activation_done(t), RETIRED);
		assert_ok(table_let_go(t));
	} else {
		assert_rc(table_lease_keys(t, 0, &keys), RETIRED);
		assert_rc(table_activate(t, &nonce), RETIRED);
		assert_rc(table_lease_refuse(t, 0, LEASE_CLONE), RETIRED);
		assert_rc(table_let_go(t), STATE);
	}
	assert_ok(table_freeze(t)); /* changes nothing */
	(void)status_of(t);
}

static void test_every_state(void **state)
{
	(void)state;
	for (int s = TABLE_IMPORTED; s <= TABLE_LOCKED; s++) {
		for (int side = SIDE_CLIENT; side <= SIDE_HUB; side++) {
			struct fixture f;
			struct id nonce;
			fixture_init(&f, LEN);
			fixture_make(&f);
			assert_ok(fixture_import(&f));
			assert_ok(table_open(&f.hub, f.hub_dir.s, SIDE_HUB, NULL));
			assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));
			if (s >= TABLE_ACTIVATING)
				assert_ok(table_activation_begin(f.client, &nonce));
			if (s >= TABLE_ACTIVE) {
				assert_ok(table_activate(f.hub, &nonce));
				assert_ok(table_activation_done(f.client));
			}
			if (s == TABLE_FROZEN) {
				assert_ok(table_freeze(f.hub));
				assert_ok(table_freeze(f.client));
			}
			if (s == TABLE_LOCKED) { /* by an earlier process */
				assert_ok(table_lock(f.hub));
				assert_ok(table_lock(f.client));
				struct retiring r = {.reason = RETIRE_LOST};
				assert_rc(table_retire(side == SIDE_HUB ? f.hub : f.client, &r), LOCKED);
				reopen(&f.hub, &f.hub_dir, SIDE_HUB);
				reopen(&f.client, &f.client_dir, SIDE_CLIENT);
			}
			retire_in(&f, (enum side)side);
			destroy(side == SIDE_HUB ? f.hub : f.client);
			assert_left(&f, side == SIDE_HUB ? &f.hub_dir : &f.client_dir, true, true);
			fixture_drop(&f);
		}
	}
}

/* Killed after any piece: the next opening reads the same record, and goes on. */
static void test_goes_on(void **state)
{
	struct fixture f;
	struct retiring r = {.reason = RETIRE_REPLACED, .time = 5};
	bool done = false;

	(void)state;
	fixture_active(&f, LEN);
	assert_ok(table_retire(f.client, &r));
	for (int i = 0; !done; i++) {
		reopen(&f.client, &f.client_dir, SIDE_CLIENT);
		assert_int_equal(status_of(f.client).reason, RETIRE_REPLACED);
		assert_ok(table_destroy(f.client, 1000, &done));
		assert_in_range(i, 0, 100);
	}
	assert_left(&f, &f.client_dir, true, true);
	fixture_drop(&f);
}

/* A record of the receipt whose key was not erased before the crash. */
static void test_key_swept(void **state)
{
	struct fixture f;
	struct retiring r = {.reason = RETIRE_ENDED, .time = 5};
	uint8_t keys[RETIRING_LEN];
	bool done;

	(void)state;
	fixture_active(&f, LEN);
	assert_ok(table_activation_key(f.client, ACTIVATION_KEY_RETIRE, keys));
	assert_ok(table_activation_key(f.client, ACTIVATION_KEY_RETIRED, keys + TAG_KEY_LEN));
	assert_ok(table_retire(f.client, &r));
	destroy(f.client);
	assert_ok(table_retire_receipt(f.client, true, 9));
	AUTO(fd) file = FD_NONE;
	assert_ok(file_open(&file, fixture_file(&f.client_dir, TABLE_FILE_TABLE), O_RDWR, 0));
	assert_ok(file_pwrite(file.n, keys, sizeof keys, keys_at(&f)));
	reopen(&f.client, &f.client_dir, SIDE_CLIENT);
	assert_ok(table_destroy(f.client, 4096, &done));
	assert_true(done);
	assert_left(&f, &f.client_dir, false, false);
	fixture_drop(&f);
}

static void test_reasons(void **state)
{
	uint8_t reason = 0;

	(void)state;
	for (unsigned i = 1; i < RETIRE_REASON_END; i++) {
		assert_ok(retire_reason_parse(&reason, retire_reason_name(i)));
		assert_int_equal(reason, i);
	}
	assert_rc(retire_reason_parse(&reason, "bored"), ARGS);
	assert_string_equal(retire_reason_name(0), retire_reason_name(255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_the_hub),
		cmocka_unit_test(test_by_the_client),
		cmocka_unit_test(test_every_state),
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_key_swept),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests_name("retire", tests, NULL, NULL);
}
