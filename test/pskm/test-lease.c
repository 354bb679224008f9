/* SPDX-License-Identifier: Apache-2.0 */
/* Leases and windows, seen from both sides: what is given out, to whom, and never again. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/pskm/fixture.h"

#define LEN (UINT64_C(256) << 10)

static struct range region(const struct fixture *f, enum region r)
{
	return f->header.layout.region[r];
}

static void test_both_sides_get_the_same_bytes(void **state)
{
	struct fixture f;
	struct window *cu, *cd, *hu, *hd;
	AUTO(pad) a = {0};
	AUTO(pad) b = {0};
	uint8_t key[32];

	(void)state;
	fixture_active(&f, LEN);
	fixture_lease(&f, 4096, 2048, &cu, &cd, &hu, &hd);
	assert_int_equal(window_start(cu), region(&f, REGION_UP).start);
	assert_int_equal(window_end(cu) - window_start(cu), 4096);
	assert_int_equal(window_left(cu), 4096);
	assert_int_equal(window_start(hd), region(&f, REGION_DOWN).start);
	assert_int_equal(window_left(hd), 2048);

	assert_ok(window_reserve(cu, 300, &a));
	assert_int_equal(a.offset, window_start(cu));
	assert_int_equal(window_left(cu), 4096 - 300);
	assert_ok(window_check(hu, a.offset, 300));
	assert_ok(window_peek(hu, a.offset, key, sizeof key));
	assert_memory_equal(key, a.bytes.data, sizeof key);
	assert_ok(window_take(hu, a.offset, 300, &b));
	assert_memory_equal(a.bytes.data, b.bytes.data, 300);
	pad_drop(&a);
	pad_drop(&b);

	assert_ok(window_reserve(hd, 100, &a));
	assert_ok(window_take(cd, a.offset, 100, &b));
	assert_memory_equal(a.bytes.data, b.bytes.data, 100);
	window_free(cu);
	window_free(cd);
	window_free(hu);
	window_free(hd);
	fixture_drop(&f);
}

static void test_used_bytes_are_gone_from_the_files(void **state)
{
	struct fixture f;
	struct window *cu, *hu, *hd;
	AUTO(pad) a = {0};
	struct range up, lease, down;

	(void)state;
	fixture_active(&f, LEN);
	fixture_lease(&f, 10000, 5000, &cu, NULL, &hu, &hd);
	up = region(&f, REGION_UP);
	down = region(&f, REGION_DOWN);
	lease = region(&f, REGION_LEASE);
	assert_true(fixture_zero(&f.client_dir, up.start, up.start + 10000));
	assert_false(fixture_zero(&f.client_dir, up.start + 10000, up.start + 10016));
	assert_true(fixture_zero(&f.client_dir, down.start, down.start + 5000));
	assert_true(fixture_zero(&f.client_dir, lease.start, lease.start + LEASE_SLOT_LEN));
	assert_true(fixture_zero(&f.client_dir, region(&f, REGION_ACTIVATION).start,
				 region(&f, REGION_ACTIVATION).start + 64));
	assert_ok(window_take(hu, up.start + 1000, 200, &a));
	pad_drop(&a);
	assert_ok(window_take(hu, up.start + 3000, 100, &a));
	pad_drop(&a);
	assert_true(fixture_zero(&f.hub_dir, up.start + 1000, up.start + 1200));
	assert_true(fixture_zero(&f.hub_dir, up.start + 3000, up.start + 3100));
	assert_false(fixture_zero(&f.hub_dir, up.start + 984, up.start + 1000));
	assert_ok(window_reserve(hd, 64, &a));
	assert_true(fixture_zero(&f.hub_dir, down.start, down.start + 64));
	window_free(cu);
	window_free(hu);
	window_free(hd);
	assert_true(fixture_zero(&f.hub_dir, up.start, up.start + 10000));
	assert_true(fixture_zero(&f.hub_dir, down.start, down.start + 5000));
	assert_false(fixture_zero(&f.hub_dir, up.start + 10000, up.start + 10016));
	fixture_drop(&f);
}

static void test_verifier_refuses(void **state)
{
	struct fixture f;
	struct window *hu;
	AUTO(pad) p = {0};
	uint8_t key[33];

	(void)state;
	fixture_active(&f, LEN);
	fixture_lease(&f, 1000, 0, NULL, NULL, &hu, NULL);
	uint64_t start = window_start(hu), end = window_end(hu);
	assert_rc(window_check(hu, start - 1, 10), WINDOW);
	assert_rc(window_check(hu, end - 9, 10), WINDOW);
	assert_rc(window_check(hu, end, 1), WINDOW);
	assert_rc(window_check(hu, start, 1001), WINDOW);
	assert_rc(window_check(hu, start, UINT64_MAX), WINDOW);
	assert_rc(window_check(hu, UINT64_MAX, 2), WINDOW);
	assert_rc(window_check(hu, start, 0), WINDOW);
	assert_rc(window_peek(hu, start, key, sizeof key), ARGS);
	assert_ok(window_take(hu, start + 100, 100, &p));
	pad_drop(&p);
	assert_rc(window_check(hu, start + 100, 100), USED);
	assert_rc(window_check(hu, start + 199, 1), USED);
	assert_rc(window_check(hu, start + 50, 51), USED);
	assert_rc(window_peek(hu, start + 90, key, 32), USED);
	assert_rc(window_take(hu, start + 150, 100, &p), USED);
	assert_ok(window_take(hu, start + 200, 100, &p));
	pad_drop(&p);
	assert_rc(window_take(hu, start + 299, 10, &p), USED);
	assert_null(p.bytes.data);
	/* a reservation from the same window steps over all of it */
	assert_ok(window_reserve(hu, 700, &p));
	assert_int_equal(p.offset, start + 300);
	assert_rc(window_reserve(hu, 1, &p), EXHAUSTED);
	assert_rc(window_reserve(hu, 0, &p), ARGS);
	window_free(hu);
	fixture_drop(&f);
}

static void test_child_owns_nothing(void **state)
{
	struct fixture f;
	struct window *cu, *hd;
	struct table_status status;
	int result;

	(void)state;
	fixture_active(&f, LEN);
	fixture_lease(&f, 1000, 1000, &cu, NULL, NULL, &hd);
	pid_t child = fork();
	if (child == 0) {
		AUTO(pad) p = {0};
		uint8_t key[32];
		int bad = 0;
		bad += !rc_is(window_reserve(cu, 10, &p), DSKE_RC_FORKED);
		bad += !rc_is(window_check(cu, window_start(cu), 10), DSKE_RC_FORKED);
		bad += !rc_is(window_take(cu, window_start(cu), 10, &p), DSKE_RC_FORKED);
		bad += !rc_is(window_peek(hd, window_start(hd), key, 10), DSKE_RC_FORKED);
		bad += window_left(cu) != 0;
		bad += !rc_is(table_status(f.client, &status), DSKE_RC_FORKED);
		bad += !rc_is(table_lock(f.hub), DSKE_RC_FORKED);
		window_free(cu);
		window_free(hd);
		table_close(f.hub);
		table_close(f.client);
		_exit(bad);
	}
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_int_equal(result, 0);
	/* what the child freed is still the parent's */
	AUTO(pad) p = {0};
	assert_ok(window_reserve(hd, 100, &p));
	assert_ok(window_reserve(cu, 100, &p));
	window_free(cu);
	window_free(hd);
	fixture_drop(&f);
}

static void test_grants_never_overlap_and_end(void **state)
{
	struct fixture f;
	struct window *cu, *cd, *hu, *hd;
	struct table_status s;

	(void)state;
	fixture_active(&f, LEN);
	uint64_t up = region(&f, REGION_UP).start, down = region(&f, REGION_DOWN).start;
	for (;;) {
		fixture_lease(&f, 30000, 20000, &cu, &cd, &hu, &hd);
		assert_int_equal(window_start(cu), up);
		assert_int_equal(window_start(hu), up);
		assert_int_equal(window_start(cd), down);
		assert_int_equal(window_start(hd), down);
		up = window_end(cu);
		down = window_end(cd);
		uint64_t both = window_left(cu) + window_left(cd);
		window_free(cu);
		window_free(cd);
		window_free(hu);
		window_free(hd);
		if (both == 0)
			break;
	}
	assert_int_equal(up, region(&f, REGION_UP).end);
	assert_int_equal(down, region(&f, REGION_DOWN).end);
	assert_ok(table_status(f.client, &s));
	assert_int_equal(s.up_left, 0);
	assert_int_equal(s.down_left, 0);
	assert_int_equal(s.up_len, region(&f, REGION_UP).end - region(&f, REGION_UP).start);
	assert_ok(table_status(f.hub, &s));
	assert_int_equal(s.up_left, 0);
	assert_true(fixture_zero(&f.client_dir, region(&f, REGION_UP).start, region(&f, REGION_DOWN).end));
	assert_true(fixture_zero(&f.hub_dir, region(&f, REGION_UP).start, region(&f, REGION_DOWN).end));
	fixture_drop(&f);
}

static void test_policy_bounds_a_window(void **state)
{
	struct fixture f;
	struct window *w;
	const uint8_t digest[16] = {1};

	(void)state;
	fixture_active(&f, LEN);
	assert_ok(table_lease_grant(f.hub, 0, digest, 0, UINT64_MAX, 512, &w));
	assert_int_equal(window_left(w), 512);
	window_free(w);
	assert_rc(table_lease_grant(f.hub, 0, digest, 0, 10, 512, &w), STATE);
	fixture_drop(&f);
}

static void test_ranges_that_are_none(void **state)
{
	struct fixture f;
	struct window *a, *b;
	AUTO(lease_keys) keys = {0};
	enum lease_kind kind;
	uint64_t next;
	const uint8_t digest[16] = {0};

	(void)state;
	fixture_active(&f, LEN);
	struct range up = region(&f, REGION_UP), down = region(&f, REGION_DOWN);
	uint64_t slots = layout_lease_slots(&f.header.layout);
	assert_rc(table_lease_granted(f.client, up.start, up.end + 1, 1, &a, &b), REGION);
	assert_rc(table_lease_granted(f.client, up.start - 1, up.end, 1, &a, &b), REGION);
	assert_rc(table_lease_granted(f.client, up.start + 2, up.start + 1, 1, &a, &b), REGION);
	assert_rc(table_lease_granted(f.client, down.start, down.start + 1, 1, &a, &b), REGION);
	assert_rc(table_lease_confirm(f.hub, up.start, up.start + 1, &a), REGION);
	assert_rc(table_lease_confirm(f.hub, down.start, UINT64_MAX, &a), REGION);
	assert_rc(table_lease_keys(f.hub, slots, &keys), REGION);
	assert_rc(table_lease_classify(f.hub, UINT64_MAX, digest, &kind, &next), REGION);
	assert_rc(table_lease_refuse(f.hub, slots, LEASE_CLONE), REGION);
	assert_rc(table_lease_grant(f.hub, slots, digest, 0, 1, 1, &a), REGION);
	/* and the sides' calls are not each other's */
	assert_rc(table_lease_keys(f.client, 0, &keys), STATE);
	assert_rc(table_lease_take(f.hub, &next, &next, &keys), STATE);
	assert_rc(table_lease_granted(f.hub, up.start, up.end, 1, &a, &b), STATE);
	assert_rc(table_lease_confirm(f.client, down.start, down.end, &a), STATE);
	fixture_drop(&f);
}

static void test_slots_run_out(void **state)
{
	struct fixture f;
	uint64_t slot, lowest;
	struct table_status s;

	(void)state;
	fixture_active(&f, LEN);
	uint64_t slots = layout_lease_slots(&f.header.layout);
	assert_ok(table_lease_skip(f.client, slots - 2, true));
	for (uint64_t i = slots - 2; i < slots; i++) {
		AUTO(lease_keys) keys = {0};
		assert_ok(table_lease_take(f.client, &slot, &lowest, &keys));
		assert_int_equal(slot, i);
	}
	AUTO(lease_keys) keys = {0};
	assert_rc(table_lease_take(f.client, &slot, &lowest, &keys), EXHAUSTED);
	assert_ok(table_status(f.client, &s));
	assert_int_equal(s.lease_left, 0);
	assert_int_equal(s.lease_slots, slots);
	fixture_drop(&f);
}

static void expect(struct fixture *f, uint64_t slot, uint8_t mark, enum lease_kind kind, uint64_t next_free)
{
	const uint8_t digest[16] = {mark, 1};
	enum lease_kind found;
	uint64_t next;

	assert_ok(table_lease_classify(f->hub, slot, digest, &found, &next));
	assert_int_equal(found, kind);
	assert_int_equal(next, next_free);
}

static void grant(struct fixture *f, uint64_t slot, uint8_t mark)
{
	const uint8_t digest[16] = {mark, 1};
	struct window *w;

	assert_ok(table_lease_grant(f->hub, slot, digest, 0, 0, 0, &w));
	window_free(w);
}

static void test_classification(void **state)
{
	struct fixture f;

	(void)state;
	fixture_active(&f, LEN);
	expect(&f, 0, 1, LEASE_FRESH, 0);
	grant(&f, 3, 3);
	expect(&f, 3, 3, LEASE_REPEATED, 4);
	expect(&f, 3, 4, LEASE_CLONE, 4);
	expect(&f, 2, 2, LEASE_FRESH, 4);
	expect(&f, 4, 4, LEASE_FRESH, 4);
	grant(&f, 1, 1); /* behind, and still free */
	expect(&f, 1, 1, LEASE_REPEATED, 4);
	for (uint64_t slot = 4; slot < 70; slot++)
		grant(&f, slot, (uint8_t)slot);
	/* 70 - 64: what lies below slot 6 is forgotten */
	for (uint64_t slot = 0; slot < 6; slot++)
		expect(&f, slot, (uint8_t)slot, LEASE_STALE, 70);
	for (uint64_t slot = 6; slot < 70; slot++) {
		expect(&f, slot, (uint8_t)slot, LEASE_REPEATED, 70);
		expect(&f, slot, (uint8_t)(slot + 1), LEASE_CLONE, 70);
	}
	grant(&f, 200, 200);
	expect(&f, 69, 69, LEASE_STALE, 201);
	expect(&f, 150, 150, LEASE_FRESH, 201);
	expect(&f, 136, 136, LEASE_STALE, 201);
	expect(&f, 137, 137, LEASE_FRESH, 201);
	expect(&f, 200, 200, LEASE_REPEATED, 201);
	/* and all of it survives the process */
	table_close(f.hub);
	assert_ok(table_open(&f.hub, f.hub_dir.s, SIDE_HUB, NULL));
	expect(&f, 200, 200, LEASE_REPEATED, 201);
	expect(&f, 200, 201, LEASE_CLONE, 201);
	fixture_drop(&f);
}

static void test_clone_is_answered_once(void **state)
{
	struct fixture f;
	struct table_status s;
	AUTO(lease_keys) before = {0};
	AUTO(lease_keys) after = {0};
	static const uint8_t zero[32];

	(void)state;
	fixture_active(&f, LEN);
	grant(&f, 5, 5);
	assert_ok(table_lease_keys(f.hub, 5, &before));
	assert_ok(table_lease_refuse(f.hub, 5, LEASE_CLONE));
	assert_rc(table_lease_refuse(f.hub, 5, LEASE_CLONE), USED);
	table_close(f.hub);
	assert_ok(table_open(&f.hub, f.hub_dir.s, SIDE_HUB, NULL));
	assert_rc(table_lease_refuse(f.hub, 5, LEASE_CLONE), USED);
	assert_ok(table_lease_refuse(f.hub, 4, LEASE_STALE));
	assert_ok(table_status(f.hub, &s));
	assert_int_equal(s.clone_alarms, 1);
	assert_ok(table_lease_keys(f.hub, 5, &after));
	assert_memory_equal(before.bytes.data, after.bytes.data, 96);
	assert_memory_not_equal(before.bytes.data + 96, zero, 32);
	assert_memory_equal(after.bytes.data + 96, zero, 32);
	fixture_drop(&f);
}

static void test_client_skips(void **state)
{
	struct fixture f;
	struct table_status s;
	AUTO(lease_keys) keys = {0};
	uint64_t slot, lowest;

	(void)state;
	fixture_active(&f, LEN);
	assert_ok(table_lease_skip(f.client, 17, true));
	assert_ok(table_lease_skip(f.client, 3, false));
	assert_ok(table_lease_take(f.client, &slot, &lowest, &keys));
	assert_int_equal(slot, 17);
	assert_true(fixture_zero(&f.client_dir, region(&f, REGION_LEASE).start,
				 region(&f, REGION_LEASE).start + 18 * LEASE_SLOT_LEN));
	/* what nobody signed costs one slot, whatever it says */
	assert_ok(table_lease_skip(f.client, 18, false));
	assert_ok(table_lease_skip(f.client, UINT64_MAX, false));
	lease_keys_drop(&keys);
	assert_ok(table_lease_take(f.client, &slot, &lowest, &keys));
	assert_int_equal(slot, 19);
	assert_ok(table_status(f.client, &s));
	assert_int_equal(s.clone_alarms, 1);
	fixture_drop(&f);
}

/* A copy of the client's folder, made before, comes back after the client went on. */
static void test_restored_client_is_a_clone(void **state)
{
	struct fixture f;
	struct path ledger, table, keys_file;
	struct window *cu, *cd, *hu, *old_up;
	uint64_t slot, lowest, next;
	enum lease_kind kind;
	const uint8_t digest[16] = {0xCC};

	(void)state;
	fixture_active(&f, LEN);
	assert_ok(path_format(&ledger, "%s/ledger.copy", f.scratch.s));
	assert_ok(path_format(&table, "%s/table.copy", f.scratch.s));
	assert_ok(path_format(&keys_file, "%s/keys.copy", f.scratch.s));
	fixture_copy(fixture_file(&f.client_dir, "ledger"), ledger.s);
	fixture_copy(fixture_file(&f.client_dir, "table"), table.s);
	fixture_copy(fixture_file(&f.client_dir, "keys"), keys_file.s);
	fixture_lease(&f, 5000, 5000, &cu, &cd, NULL, NULL);
	uint64_t up_sent = window_end(cu), down_allowed = window_end(cd);
	window_free(cu);
	window_free(cd);
	table_close(f.client);
	fixture_copy(ledger.s, fixture_file(&f.client_dir, "ledger"));
	fixture_copy(table.s, fixture_file(&f.client_dir, "table"));
	fixture_copy(keys_file.s, fixture_file(&f.client_dir, "keys"));
	assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));

	AUTO(lease_keys) keys = {0};
	assert_ok(table_lease_take(f.client, &slot, &lowest, &keys));
	assert_int_equal(slot, 0);
	assert_ok(table_lease_classify(f.hub, slot, digest, &kind, &next));
	assert_int_equal(kind, LEASE_CLONE);
	assert_ok(table_lease_refuse(f.hub, slot, kind));
	assert_ok(table_lease_skip(f.client, next, true));
	/* the next lease gets other bytes than the first copy had: up, the hub's high water decides ... */
	lease_keys_drop(&keys);
	assert_ok(table_lease_take(f.client, &slot, &lowest, &keys));
	assert_int_equal(slot, next);
	assert_true(lowest < up_sent);
	assert_ok(table_lease_grant(f.hub, slot, digest, lowest, 1000, 1000, &hu));
	assert_true(window_start(hu) >= up_sent);
	assert_ok(table_lease_granted(f.client, window_start(hu), window_end(hu), 6000, &old_up, &cd));
	assert_true(window_start(old_up) >= up_sent);
	/* what the other life used is gone from this one's file too */
	assert_true(fixture_zero(&f.client_dir, region(&f, REGION_UP).start, up_sent));
	/* ... and down, the hub seals only above what it ever had */
	struct window *hd;
	assert_true(window_start(cd) < down_allowed);
	assert_ok(table_lease_confirm(f.hub, window_start(cd), window_end(cd), &hd));
	assert_true(window_start(hd) >= down_allowed);
	assert_int_equal(window_left(hd), 1000);
	window_free(hd);
	window_free(hu);
	window_free(old_up);
	window_free(cd);
	fixture_drop(&f);
}

/* The ledger alone comes back: the erased bytes in the table tell. */
static void test_restored_ledger_is_noticed(void **state)
{
	struct fixture f;
	struct path ledger;
	struct window *a, *b;

	(void)state;
	fixture_active(&f, LEN);
	assert_ok(path_format(&ledger, "%s/ledger.copy", f.scratch.s));
	fixture_copy(fixture_file(&f.client_dir, "ledger"), ledger.s);
	fixture_lease(&f, 5000, 5000, NULL, NULL, NULL, NULL);
	table_close(f.client);
	fixture_copy(ledger.s, fixture_file(&f.client_dir, "ledger"));
	assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));
	uint64_t up = region(&f, REGION_UP).start + 5000;
	assert_rc(table_lease_granted(f.client, up, up + 100, 100, &a, &b), CORRUPT);
	assert_rc(table_lease_granted(f.client, up + 100, up + 200, 100, &a, &b), LOCKED);
	table_close(f.client);
	assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));
	assert_rc(table_lease_granted(f.client, up + 100, up + 200, 100, &a, &b), LOCKED);
	fixture_drop(&f);
}

/* A hub that was restored grants what it granted before; the client takes only what is above its own. */
static void test_restored_hub(void **state)
{
	struct fixture f;
	struct path ledger, table, keys_file;
	struct window *w, *up, *down;
	const uint8_t digest[16] = {0xAA};
	uint64_t slot, lowest;
	AUTO(lease_keys) keys = {0};

	(void)state;
	fixture_active(&f, LEN);
	assert_ok(path_format(&ledger, "%s/ledger.copy", f.scratch.s));
	assert_ok(path_format(&table, "%s/table.copy", f.scratch.s));
	assert_ok(path_format(&keys_file, "%s/keys.copy", f.scratch.s));
	fixture_copy(fixture_file(&f.hub_dir, "ledger"), ledger.s);
	fixture_copy(fixture_file(&f.hub_dir, "table"), table.s);
	fixture_copy(fixture_file(&f.hub_dir, "keys"), keys_file.s);
	fixture_lease(&f, 5000, 700, NULL, NULL, NULL, NULL);
	table_close(f.hub);
	fixture_copy(ledger.s, fixture_file(&f.hub_dir, "ledger"));
	fixture_copy(table.s, fixture_file(&f.hub_dir, "table"));
	fixture_copy(keys_file.s, fixture_file(&f.hub_dir, "keys"));
	assert_ok(table_open(&f.hub, f.hub_dir.s, SIDE_HUB, NULL));

	assert_ok(table_lease_take(f.client, &slot, &lowest, &keys));
	uint64_t start = region(&f, REGION_UP).start;
	assert_int_equal(lowest, start + 5000);
	assert_ok(table_lease_grant(f.hub, slot, digest, lowest, 1000, 1000, &w));
	assert_int_equal(window_start(w), start + 5000); /* told by the client */
	assert_true(fixture_zero(&f.hub_dir, start, start + 5000));
	window_free(w);
	/* a hub that would not listen */
	assert_ok(table_lease_granted(f.client, start, start + 6000, 300, &up, &down));
	assert_int_equal(window_start(up), start + 5000);
	assert_int_equal(window_left(up), 1000);
	assert_ok(table_lease_confirm(f.hub, window_start(down), window_end(down), &w));
	assert_int_equal(window_start(w), region(&f, REGION_DOWN).start + 700);
	assert_true(fixture_zero(&f.hub_dir, region(&f, REGION_DOWN).start, window_start(w)));
	window_free(w);
	window_free(up);
	window_free(down);
	assert_ok(table_lease_granted(f.client, start, start + 100, 0, &up, &down));
	assert_int_equal(window_left(up), 0);
	assert_int_equal(window_left(down), 0);
	window_free(up);
	window_free(down);
	fixture_drop(&f);
}

/* One LEASE, forged with a key that clones exposed, costs the region one part in sixteen. */
static void test_jump_is_bounded(void **state)
{
	struct fixture f;
	struct window *w;
	const uint8_t digest[16] = {0xEE};

	(void)state;
	fixture_active(&f, LEN);
	struct range up = region(&f, REGION_UP);
	assert_ok(table_lease_grant(f.hub, 0, digest, UINT64_MAX, 100, 100, &w));
	assert_int_equal(window_start(w), up.start + (up.end - up.start) / LEASE_JUMP_SHARE);
	window_free(w);
	for (uint64_t slot = 1; slot <= LEASE_JUMP_SHARE; slot++) {
		assert_ok(table_lease_grant(f.hub, slot, digest, up.end - 50, 0, 100, &w));
		window_free(w);
	}
	assert_ok(table_lease_grant(f.hub, 17, digest, up.end - 50, 100, 100, &w));
	assert_int_equal(window_start(w), up.end - 50);
	assert_int_equal(window_left(w), 50);
	window_free(w);
	fixture_drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_sides_get_the_same_bytes),
		cmocka_unit_test(test_used_bytes_are_gone_from_the_files),
		cmocka_unit_test(test_verifier_refuses),
		cmocka_unit_test(test_child_owns_nothing),
		cmocka_unit_test(test_grants_never_overlap_and_end),
		cmocka_unit_test(test_policy_bounds_a_window),
		cmocka_unit_test(test_ranges_that_are_none),
		cmocka_unit_test(test_slots_run_out),
		cmocka_unit_test(test_classification),
		cmocka_unit_test(test_clone_is_answered_once),
		cmocka_unit_test(test_client_skips),
		cmocka_unit_test(test_restored_client_is_a_clone),
		cmocka_unit_test(test_restored_ledger_is_noticed),
		cmocka_unit_test(test_restored_hub),
		cmocka_unit_test(test_jump_is_bounded),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
