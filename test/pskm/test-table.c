/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, activating, freezing, locking and listing tables. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pskm/format.h"
#include "pskm/ledger.h"
#include "test/pskm/fixture.h"

#define LEN TABLE_LEN_MIN

static void imported(struct fixture *f)
{
	fixture_init(f, LEN);
	fixture_make(f);
	assert_ok(fixture_import(f));
	assert_ok(table_open(&f->hub, f->hub_dir.s, SIDE_HUB, NULL));
	assert_ok(table_open(&f->client, f->client_dir.s, SIDE_CLIENT, NULL));
}

static void reopen(struct fixture *f)
{
	table_close(f->hub);
	table_close(f->client);
	assert_ok(table_open(&f->hub, f->hub_dir.s, SIDE_HUB, NULL));
	assert_ok(table_open(&f->client, f->client_dir.s, SIDE_CLIENT, NULL));
}

static void assert_state(struct table *t, enum table_state expected)
{
	struct table_status s;

	assert_ok(table_status(t, &s));
	assert_string_equal(table_state_name(s.state), table_state_name(expected));
}

static void test_nothing_before_activation(void **state)
{
	struct fixture f;
	struct window *a, *b;
	AUTO(lease_keys) keys = {0};
	uint64_t slot, lowest;
	const uint8_t digest[16] = {1};
	struct id nonce;

	(void)state;
	imported(&f);
	uint64_t up = f.header.layout.region[REGION_UP].start, down = f.header.layout.region[REGION_DOWN].start;
	for (int round = 0; round < 2; round++) {
		assert_rc(table_lease_take(f.client, &slot, &lowest, &keys), NOT_ACTIVE);
		assert_rc(table_lease_granted(f.client, up, up + 1, 1, &a, &b), NOT_ACTIVE);
		assert_rc(table_lease_skip(f.client, 4, true), NOT_ACTIVE);
		assert_rc(table_lease_keys(f.hub, 0, &keys), NOT_ACTIVE);
		assert_rc(table_lease_grant(f.hub, 0, digest, 0, 1, 1, &a), NOT_ACTIVE);
		assert_rc(table_lease_confirm(f.hub, down, down + 1, &a), NOT_ACTIVE);
		assert_rc(table_lease_refuse(f.hub, 0, LEASE_CLONE), NOT_ACTIVE);
		assert_ok(table_activation_begin(f.client, &nonce)); /* begun is not done */
	}
	fixture_drop(&f);
}

static void test_activation(void **state)
{
	struct fixture f;
	struct id nonce, again;
	uint8_t ours[32], theirs[32];

	(void)state;
	imported(&f);
	assert_rc(table_activation_done(f.client), STATE);
	assert_ok(table_activation_begin(f.client, &nonce));
	assert_false(id_is_zero(&nonce));
	reopen(&f);
	assert_state(f.client, TABLE_ACTIVATING);
	assert_ok(table_activation_begin(f.client, &again));
	assert_true(id_equal(&nonce, &again));
	for (enum activation_key which = ACTIVATION_KEY_ACTIVATE; which <= ACTIVATION_KEY_FROZEN; which++) {
		assert_ok(table_activation_key(f.client, which, ours));
		assert_ok(table_activation_key(f.hub, which, theirs));
		assert_memory_equal(ours, theirs, sizeof ours);
	}
	assert_ok(table_activate(f.hub, &nonce));
	assert_ok(table_activate(f.hub, &nonce));
	reopen(&f);
	assert_state(f.hub, TABLE_ACTIVE);
	assert_ok(table_activate(f.hub, &nonce));
	assert_ok(table_activation_done(f.client));
	assert_ok(table_activation_done(f.client));
	reopen(&f);
	assert_state(f.client, TABLE_ACTIVE);
	assert_rc(table_activation_begin(f.client, &again), STATE);
	assert_rc(table_activation_key(f.client, ACTIVATION_KEY_ACTIVATE, ours), STATE);
	assert_ok(table_activation_key(f.client, ACTIVATION_KEY_FROZEN, ours));
	assert_memory_equal(ours, theirs, sizeof ours);
	assert_ok(table_activation_key(f.hub, ACTIVATION_KEY_ACTIVATED, theirs));
	fixture_drop(&f);
}

/* Killed between the record of an activation and the erasure of its keys: the next opening erases them. */
static void test_activation_keys_swept(void **state)
{
	struct fixture f;
	struct id nonce;
	uint8_t keys[2 * TAG_KEY_LEN];

	(void)state;
	imported(&f);
	uint64_t at = f.header.layout.region[REGION_ACTIVATION].start;
	int fd = open(fixture_file(&f.client_dir, "table"), O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(fd, keys, sizeof keys, (off_t)at), sizeof keys);
	assert_ok(table_activation_begin(f.client, &nonce));
	assert_ok(table_activation_done(f.client));
	assert_int_equal(pwrite(fd, keys, sizeof keys, (off_t)at), sizeof keys);
	close(fd);
	reopen(&f);
	assert_true(fixture_zero(&f.client_dir, at, at + sizeof keys));
	assert_false(fixture_zero(&f.client_dir, at + sizeof keys, at + sizeof keys + TAG_KEY_LEN));
	assert_state(f.client, TABLE_ACTIVE);
	fixture_drop(&f);
}

static void test_second_activation_freezes(void **state)
{
	struct fixture f;
	struct id first = {{1}}, second = {{2}}, none = {{0}};
	uint8_t key[32];
	AUTO(lease_keys) keys = {0};

	(void)state;
	imported(&f);
	assert_rc(table_activate(f.hub, &none), FORMAT);
	assert_ok(table_activate(f.hub, &first));
	assert_rc(table_activate(f.hub, &second), FROZEN);
	assert_rc(table_activate(f.hub, &first), FROZEN);
	reopen(&f);
	assert_state(f.hub, TABLE_FROZEN);
	assert_rc(table_activate(f.hub, &first), FROZEN);
	assert_rc(table_lease_keys(f.hub, 0, &keys), FROZEN);
	assert_ok(table_activation_key(f.hub, ACTIVATION_KEY_FROZEN, key));

	struct id nonce;
	uint64_t slot, lowest;
	assert_ok(table_activation_begin(f.client, &nonce));
	assert_ok(table_freeze(f.client));
	assert_rc(table_activation_done(f.client), FROZEN);
	reopen(&f);
	assert_rc(table_lease_take(f.client, &slot, &lowest, &keys), FROZEN);
	assert_rc(table_activation_begin(f.client, &nonce), FROZEN);
	fixture_drop(&f);
}

static void test_locked_for_good(void **state)
{
	struct fixture f;
	struct id nonce = {{1}};
	uint8_t key[32];

	(void)state;
	imported(&f);
	assert_ok(table_lock(f.hub));
	assert_ok(table_lock(f.client));
	reopen(&f);
	assert_rc(table_activate(f.hub, &nonce), LOCKED);
	assert_rc(table_activation_begin(f.client, &nonce), LOCKED);
	assert_rc(table_activation_key(f.client, ACTIVATION_KEY_FROZEN, key), LOCKED);
	assert_ok(table_freeze(f.hub)); /* changes nothing */
	assert_state(f.hub, TABLE_LOCKED);
	fixture_drop(&f);
}

static void test_one_hub_many_clients(void **state)
{
	struct fixture f;
	struct table *t;

	(void)state;
	imported(&f);
	assert_rc(table_open(&t, f.hub_dir.s, SIDE_HUB, NULL), BUSY);
	assert_null(t);
	assert_ok(table_open(&t, f.client_dir.s, SIDE_CLIENT, NULL));
	table_close(t);
	table_close(f.hub);
	f.hub = NULL;
	assert_rc(table_open(&t, f.hub_dir.s, SIDE_CLIENT, NULL), STATE);
	assert_rc(table_open(&t, f.client_dir.s, SIDE_HUB, NULL), STATE);
	assert_rc(table_open(&t, f.scratch.s, SIDE_HUB, NULL), NOT_FOUND);
	fixture_drop(&f);
}

static void spoil(const char *path, uint64_t at, uint8_t mask)
{
	AUTO(fd) f = FD_NONE;
	uint8_t byte;

	assert_ok(file_open(&f, path, O_RDWR, 0));
	assert_ok(file_pread(f.n, &byte, 1, at));
	byte ^= mask;
	assert_ok(file_pwrite(f.n, &byte, 1, at));
}

static void test_damaged_folder(void **state)
{
	struct fixture f;
	struct table *t;
	struct stat st;

	(void)state;
	imported(&f);
	table_close(f.client);
	f.client = NULL;
	char *header = strdup(fixture_file(&f.client_dir, "header"));
	assert_int_equal(stat(header, &st), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		spoil(header, (uint64_t)at, 0x20);
		assert_rc(table_open(&t, f.client_dir.s, SIDE_CLIENT, NULL), CORRUPT);
		spoil(header, (uint64_t)at, 0x20);
	}
	char *ledger = strdup(fixture_file(&f.client_dir, "ledger"));
	spoil(ledger, LEDGER_SLOT_LEN + 50, 1); /* record 1 is alone there */
	assert_rc(table_open(&t, f.client_dir.s, SIDE_CLIENT, NULL), CORRUPT);
	spoil(ledger, LEDGER_SLOT_LEN + 50, 1);
	assert_int_equal(truncate(fixture_file(&f.client_dir, "table"), LEN - 1), 0);
	assert_rc(table_open(&t, f.client_dir.s, SIDE_CLIENT, NULL), CORRUPT);
	assert_int_equal(truncate(fixture_file(&f.client_dir, "table"), LEN), 0);
	assert_ok(table_open(&t, f.client_dir.s, SIDE_CLIENT, NULL));
	table_close(t);
	assert_int_equal(unlink(ledger), 0);
	assert_rc(table_open(&t, f.client_dir.s, SIDE_CLIENT, NULL), NOT_FOUND);
	free(header);
	free(ledger);
	fixture_drop(&f);
}

/* Each table has its own ledger; one beside another's header is refused. */
/* Somebody's stick brings a record behind which the count would begin anew. */
static void test_ledger_without_successor(void **state)
{
	struct fixture f;
	struct table *t;
	struct ledger l;

	(void)state;
	imported(&f);
	table_close(f.client);
	f.client = NULL;
	for (int i = 0; i < 2; i++) {
		AUTO(fd) file = FD_NONE;

		assert_ok(file_open(&file, fixture_file(&f.client_dir, "ledger"), O_RDWR, 0));
		assert_ok(ledger_read(file.n, &l));
		l.seq = i == 0 ? UINT64_MAX / 2 - 1 : UINT64_MAX - 2;
		assert_ok(ledger_commit(file.n, &l));
		fd_drop(&file);
		dske_rc rc = table_open(&t, f.client_dir.s, SIDE_CLIENT, NULL);
		assert_string_equal(rc_name(rc), i == 0 ? "OK" : "CORRUPT");
		table_close(t);
	}
	fixture_drop(&f);
}

static void test_foreign_ledger(void **state)
{
	struct fixture f, g;
	struct table *t;

	(void)state;
	imported(&f);
	imported(&g);
	table_close(f.client);
	f.client = NULL;
	fixture_copy(fixture_file(&g.client_dir, "ledger"), fixture_file(&f.client_dir, "ledger"));
	assert_rc(table_open(&t, f.client_dir.s, SIDE_CLIENT, NULL), CORRUPT);
	fixture_drop(&f);
	fixture_drop(&g);
}

static void test_list(void **state)
{
	struct fixture f;
	struct table_entry *list;
	size_t count;
	struct path damaged;

	(void)state;
	fixture_init(&f, LEN);
	assert_ok(table_list(f.hub_tables.s, &list, &count));
	assert_int_equal(count, 0);
	assert_null(list);
	for (int i = 0; i < 5; i++) {
		(void)unlink(f.container.s);
		fixture_make(&f);
	}
	scratch_write(&f.hub_tables, ".new-00112233445566778899aabbccddeeff", "", 0);
	scratch_write(&f.hub_tables, "README", "", 0);
	assert_ok(table_list(f.hub_tables.s, &list, &count));
	assert_int_equal(count, 5);
	for (size_t i = 0; i < count; i++) {
		assert_ok(list[i].rc);
		assert_string_equal(list[i].why, "");
		assert_true(id_equal(&list[i].table, &list[i].header.table));
		if (i > 0)
			assert_true(id_compare(&list[i - 1].table, &list[i].table) < 0);
	}
	assert_ok(table_folder(&damaged, f.hub_tables.s, &list[2].table));
	spoil(fixture_file(&damaged, "ledger"), LEDGER_SLOT_LEN, 1);
	free(list);
	assert_ok(table_list(f.hub_tables.s, &list, &count));
	assert_int_equal(count, 5);
	assert_rc(list[2].rc, CORRUPT);
	assert_string_not_equal(list[2].why, "");
	assert_ok(list[3].rc);
	free(list);
	fixture_drop(&f);
}

/* A table is listed while a hub has it open and locked. */
static void test_list_does_not_wait(void **state)
{
	struct fixture f;
	struct table_entry *list;
	size_t count;
	struct id nonce = {{3}};

	(void)state;
	imported(&f);
	assert_ok(table_activate(f.hub, &nonce));
	assert_ok(table_list(f.hub_tables.s, &list, &count));
	assert_int_equal(count, 1);
	assert_int_equal(list[0].status.state, TABLE_ACTIVE);
	free(list);
	fixture_drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_before_activation),
		cmocka_unit_test(test_activation),
		cmocka_unit_test(test_activation_keys_swept),
		cmocka_unit_test(test_second_activation_freezes),
		cmocka_unit_test(test_locked_for_good),
		cmocka_unit_test(test_one_hub_many_clients),
		cmocka_unit_test(test_damaged_folder),
		cmocka_unit_test(test_foreign_ledger), cmocka_unit_test(test_ledger_without_successor),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_does_not_wait),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
