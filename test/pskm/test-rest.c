/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody used of one table becomes another: at both ends the same, once, and only where nobody used it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/layout.h"
#include "pskm/reference.h"
#include "pskm/rest.h"
#include "test/pskm/fixture.h"

#define LEN (UINT64_C(2) << 20)
#define LEASE 20000 /* bytes of either window; no multiple of 64 */

struct move {
	struct fixture f;
	uint8_t *truth;            /* the source as it was made */
	struct path file;
	struct pskm_header header; /* of the new table */
	struct path hub_dir, client_dir;
};

static void move_init(struct move *m)
{
	fixture_active(&m->f, LEN);
	m->truth = malloc(LEN);
	const struct range *up = &m->f.header.layout.region[REGION_UP];
	fixture_plain(&m->f.hub_dir, NULL, up->start, m->truth + up->start, LEN - up->start);
	m->header = m->f.header;
	m->header.layout = (struct layout){.len = 0};
	assert_ok(path_format(&m->file, "%s/rest.pskm", m->f.scratch.s));
}

static void move_drop(struct move *m)
{
	free(m->truth);
	fixture_drop(&m->f);
}

static void close_both(struct move *m)
{
	table_close(m->f.hub);
	table_close(m->f.client);
	m->f.hub = m->f.client = NULL;
}

static dske_rc make(struct move *m, bool *taken)
{
	const struct reference_side side = {.tables_dir = m->f.hub_tables.s, .path = m->file.s};

	TRY(reference_make_rest(&m->header, &side, m->f.hub_dir.s, taken));
	TRY(table_folder(&m->hub_dir, m->f.hub_tables.s, &m->header.table));
	return table_folder(&m->client_dir, m->f.client_tables.s, &m->header.table);
}

static dske_rc import(struct move *m, bool *taken)
{
	const struct reference_side side = {.tables_dir = m->f.client_tables.s, .path = m->file.s};
	struct pskm_header read;

	return reference_import_rest(&read, &side, &m->f.header.client, taken);
}

static void expect(dske_rc rc, const char *name, const char *says)
{
	if (strcmp(rc_name(rc), name) != 0 || strstr(rc_detail(rc), says) == NULL)
		fail_msg("%s: %s; not %s: %s", rc_name(rc), rc_detail(rc), name, says);
}

static void lease(struct move *m)
{
	fixture_lease(&m->f, LEASE, LEASE, NULL, NULL, NULL, NULL);
}

/* A client whose CONFIRM was lost, or whose hub forgot it: it alone moves on. */
static void lose_confirm(struct move *m, uint64_t down)
{
	struct lease_keys keys = {{0}};
	uint64_t slot, lowest;
	struct window *w_up, *w_down;

	assert_ok(table_lease_take(m->f.client, &slot, &lowest, &keys));
	assert_ok(table_lease_granted(m->f.client, lowest, lowest, down, &w_up, &w_down));
	window_free(w_up);
	window_free(w_down);
	lease_keys_drop(&keys);
}

static enum table_state state_of(const struct path *dir, enum side side)
{
	struct table *t;
	struct table_status s;

	assert_ok(table_open(&t, dir->s, side, NULL));
	assert_ok(table_status(t, &s));
	table_close(t);
	return s.state;
}

/* The new table's bytes at both ends are the source's, in the order of the file's ranges. */
static void expect_moved(const struct move *m)
{
	struct reference r;
	const struct layout *l = &m->header.layout;
	uint64_t from = l->region[REGION_ACTIVATION].start, at = 0;
	uint8_t *whole = malloc(l->len), *side = malloc(l->len);

	assert_ok(reference_read(&r, m->file.s));
	assert_int_equal(l->len, r.up.end - r.up.start + r.down.end - r.down.start);
	memcpy(whole, m->truth + r.up.start, r.up.end - r.up.start);
	at = r.up.end - r.up.start;
	memcpy(whole + at, m->truth + r.down.start, r.down.end - r.down.start);
	fixture_plain(&m->hub_dir, NULL, from, side, l->len - from);
	assert_memory_equal(side, whole + from, l->len - from);
	fixture_plain(&m->client_dir, NULL, from, side, l->len - from);
	assert_memory_equal(side, whole + from, l->len - from);
	assert_true(fixture_zero(&m->hub_dir, 0, from) && fixture_zero(&m->client_dir, 0, from));
	free(whole);
	free(side);
}

/* Nothing of up or down is left in the source's files. */
static void expect_empty(const struct move *m, const struct path *dir)
{
	assert_true(fixture_zero(dir, m->f.header.layout.region[REGION_UP].start, LEN));
}

static void test_moved(void **state)
{
	struct move m;
	bool taken;

	(void)state;
	move_init(&m);
	lease(&m);
	lease(&m);
	lease(&m);
	lose_confirm(&m, 16384);
	close_both(&m);
	assert_ok(make(&m, &taken));
	assert_true(taken);
	assert_ok(import(&m, &taken));
	assert_true(taken);
	expect_moved(&m);
	expect_empty(&m, &m.f.hub_dir);
	expect_empty(&m, &m.f.client_dir);
	assert_int_equal(state_of(&m.f.hub_dir, SIDE_HUB), TABLE_MOVED);
	assert_int_equal(state_of(&m.f.client_dir, SIDE_CLIENT), TABLE_MOVED);
	move_drop(&m);
}

/* The new one is a table like any other; its rest can be moved again. */
static void test_again(void **state)
{
	struct move m;
	struct id nonce;
	bool taken;

	(void)state;
	move_init(&m);
	lease(&m);
	close_both(&m);
	assert_ok(make(&m, &taken));
	assert_ok(import(&m, &taken));
	struct table *hub, *client;
	assert_ok(table_open(&hub, m.hub_dir.s, SIDE_HUB, NULL));
	assert_ok(table_open(&client, m.client_dir.s, SIDE_CLIENT, NULL));
	assert_ok(table_activation_begin(client, &nonce));
	assert_ok(table_activate(hub, &nonce));
	assert_ok(table_activation_done(client));
	table_close(hub);
	table_close(client);

	m.f.hub_dir = m.hub_dir;
	assert_int_equal(unlink(m.file.s), 0);
	assert_ok(make(&m, &taken));
	assert_ok(import(&m, &taken));
	move_drop(&m);
}

/* After the move neither side gives anything out of the source. */
static void test_source_is_dead(void **state)
{
	struct move m;
	struct lease_keys keys = {{0}};
	uint64_t slot, lowest;
	struct window *w;
	struct id nonce = {{1}};
	bool taken = false;

	(void)state;
	move_init(&m);
	lease(&m);
	close_both(&m);
	assert_ok(make(&m, &taken));
	assert_ok(import(&m, &taken));
	assert_ok(table_open(&m.f.hub, m.f.hub_dir.s, SIDE_HUB, NULL));
	assert_ok(table_open(&m.f.client, m.f.client_dir.s, SIDE_CLIENT, NULL));
	expect(table_lease_take(m.f.client, &slot, &lowest, &keys), "EXHAUSTED", "went into another table");
	expect(table_lease_keys(m.f.hub, 5, &keys), "EXHAUSTED", "");
	expect(table_lease_confirm(m.f.hub, LEN - 64, LEN, &w), "EXHAUSTED", "");
	expect(table_activation_begin(m.f.client, &nonce), "EXHAUSTED", "");
	expect(table_activate(m.f.hub, &nonce), "EXHAUSTED", "");
	assert_ok(table_freeze(m.f.client));
	close_both(&m);

	assert_int_equal(unlink(m.file.s), 0);
	expect(make(&m, &taken), "EXHAUSTED", "went into another table");
	assert_false(taken);
	assert_int_equal(access(m.file.s, F_OK), -1);
	move_drop(&m);
}

/* Confirmations that the hub never saw, more than the margin: the client keeps what it has, unchanged. */
static void test_used_here(void **state)
{
	struct move m;
	struct table_status before, after;
	bool taken = true;

	(void)state;
	move_init(&m);
	lease(&m);
	lose_confirm(&m, REST_MARGIN);
	lose_confirm(&m, 1);
	assert_ok(table_status(m.f.client, &before));
	table_close(m.f.hub);
	m.f.hub = NULL;
	assert_ok(make(&m, &taken));
	expect(import(&m, &taken), "USED", "none of them is taken");
	assert_false(taken);
	assert_ok(table_status(m.f.client, &after));
	assert_int_equal(after.state, TABLE_ACTIVE);
	assert_int_equal(after.down_left, before.down_left);
	assert_int_equal(scratch_count(&m.f.client_tables), 1);
	move_drop(&m);
}

/* A hub that was put back grants what it granted before: the client used it. */
static void test_restored_hub(void **state)
{
	struct move m;
	struct path saved;
	bool taken;

	(void)state;
	move_init(&m);
	assert_ok(path_format(&saved, "%s/saved", m.f.scratch.s));
	fixture_copy(fixture_file(&m.f.hub_dir, "ledger"), saved.s);
	lease(&m);
	close_both(&m);
	fixture_copy(saved.s, fixture_file(&m.f.hub_dir, "ledger"));
	dske_rc rc = make(&m, &taken);
	if (rc_ok(rc))
		expect(import(&m, &taken), "USED", "the hub did not know of it");
	else /* the hub's own file shows it: bytes that it erased */
		assert_string_equal(rc_name(rc), "CORRUPT");
	assert_int_equal(scratch_count(&m.f.client_tables), 1);
	move_drop(&m);
}

static void test_refused(void **state)
{
	struct move m;
	bool taken = true;
	struct id client;

	(void)state;
	move_init(&m);
	expect(make(&m, &taken), "BUSY", "in use by another hub process");
	assert_false(taken);
	close_both(&m);

	client = m.header.client;
	m.header.client.b[0] ^= 1;
	expect(make(&m, &taken), "DENIED", "can only be theirs");
	m.header.client = client;
	assert_false(taken);
	assert_ok(make(&m, &taken));

	/* a client that does not have the source */
	struct path away;
	assert_ok(path_format(&away, "%s/away", m.f.scratch.s));
	assert_int_equal(rename(m.f.client_dir.s, away.s), 0);
	expect(import(&m, &taken), "NOT_FOUND", "");
	assert_int_equal(rename(away.s, m.f.client_dir.s), 0);
	assert_false(taken);
	assert_ok(import(&m, &taken));
	expect(import(&m, &taken), "EXISTS", "");
	move_drop(&m);
}

static bool stop_at_second(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)total;
	return done == 0;
}

/* Interrupted behind the commit: the bytes are wasted at that end, and no table is left. */
static void test_interrupted(void **state)
{
	struct move m;
	bool taken = false;

	(void)state;
	move_init(&m);
	lease(&m);
	close_both(&m);
	struct reference_side side = {.tables_dir = m.f.hub_tables.s, .path = m.file.s, .progress = stop_at_second};
	expect(reference_make_rest(&m.header, &side, m.f.hub_dir.s, &taken), "CANCELLED", "");
	assert_true(taken);
	assert_int_equal(state_of(&m.f.hub_dir, SIDE_HUB), TABLE_MOVED); /* opening it swept */
	expect_empty(&m, &m.f.hub_dir);
	assert_int_equal(scratch_count(&m.f.hub_tables), 1);
	assert_int_equal(access(m.file.s, F_OK), -1);
	move_drop(&m);

	move_init(&m);
	lease(&m);
	close_both(&m);
	assert_ok(make(&m, &taken));
	taken = true;
	struct pskm_header read;
	side.tables_dir = m.f.client_tables.s;
	expect(reference_import_rest(&read, &side, &m.f.header.client, &taken), "CANCELLED", "");
	assert_false(taken); /* nobody was convinced yet */
	assert_int_equal(state_of(&m.f.client_dir, SIDE_CLIENT), TABLE_ACTIVE);
	assert_ok(import(&m, &taken));
	expect_moved(&m);
	move_drop(&m);
}

/* Other ranges than the hub's, with the checksum made right: found by a tag, or before. */
static void test_other_ends_bytes(void **state)
{
	struct move m;
	uint8_t byte = 0;
	bool taken;

	(void)state;
	move_init(&m);
	close_both(&m);
	assert_ok(make(&m, &taken));
	AUTO(fd) f = FD_NONE;
	uint64_t at = m.f.header.layout.region[REGION_UP].start + 70000;
	assert_ok(file_open(&f, fixture_file(&m.f.client_dir, "table"), 2 /* O_RDWR */, 0));
	assert_ok(file_pread(f.n, &byte, 1, at));
	byte ^= 1;
	assert_ok(file_pwrite(f.n, &byte, 1, at));
	taken = true;
	expect(import(&m, &taken), "CORRUPT", "chunk 1 of 2");
	assert_false(taken);
	assert_int_equal(scratch_count(&m.f.client_tables), 1);
	assert_int_equal(state_of(&m.f.client_dir, SIDE_CLIENT), TABLE_ACTIVE);
	move_drop(&m);
}

/* Made by somebody who knows the old header alone: tags of zeros.  The table is as it was. */
static void test_forged(void **state)
{
	struct move m;
	struct stat st;
	bool taken;

	(void)state;
	move_init(&m);
	close_both(&m);
	assert_ok(make(&m, &taken));
	AUTO(fd) f = FD_NONE;
	assert_ok(file_open(&f, m.file.s, 2 /* O_RDWR */, 0));
	assert_int_equal(fstat(f.n, &st), 0);
	assert_ok(file_pwrite(f.n, (uint8_t[TAG_LEN]){0}, TAG_LEN, (uint64_t)st.st_size - TAG_LEN));
	taken = true;
	expect(import(&m, &taken), "CORRUPT", "the head");
	assert_false(taken);
	assert_int_equal(state_of(&m.f.client_dir, SIDE_CLIENT), TABLE_ACTIVE);
	assert_int_equal(scratch_count(&m.f.client_tables), 1);
	move_drop(&m);
}

/* ---- syncs that fail --------------------------------------------------------------------------------- */

static int fail_at; /* the sync that fails, counted down; 0: none */

dske_rc __real_file_sync(int fd);
dske_rc __wrap_file_sync(int fd);
dske_rc __wrap_file_sync(int fd)
{
	if (fail_at > 0 && --fail_at == 0)
		return FAIL(SYNC, "a sync that the test lets fail");
	return __real_file_sync(fd);
}

/* Whichever fails: a source of which anything was taken gives nothing any more, and MOVED stays MOVED. */
static void test_sync_fails(void **state)
{
	bool all = false;

	(void)state;
	for (int n = 1; !all; n++) {
		struct move m;
		bool taken = false;

		move_init(&m);
		lease(&m);
		close_both(&m);
		assert_ok(make(&m, &taken));
		fail_at = n;
		dske_rc rc = import(&m, &taken);
		all = fail_at > 0; /* it makes fewer */
		fail_at = 0;
		enum table_state s = state_of(&m.f.client_dir, SIDE_CLIENT);
		if (taken)
			assert_int_equal(s, TABLE_MOVED);
		else
			assert_true(!rc_ok(rc) && (s == TABLE_ACTIVE || s == TABLE_LOCKED));
		if (rc_ok(rc))
			expect_moved(&m);
		expect_empty(&m, taken ? &m.f.client_dir : &m.f.hub_dir);
		move_drop(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moved),	      cmocka_unit_test(test_again),   cmocka_unit_test(test_source_is_dead),
		cmocka_unit_test(test_used_here),     cmocka_unit_test(test_restored_hub), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_interrupted),   cmocka_unit_test(test_other_ends_bytes),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_sync_fails),
	};

	return cmocka_run_group_tests_name("rest", tests, NULL, NULL);
}
