/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger on a bad day: torn writes, rotten bytes, syncs that fail.  file_sync is replaced by the
 * linker (--wrap), so that the production code has no switch for it.
 */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pskm/format.h"
#include "test/pskm/fixture.h"

dske_rc __real_file_sync(int fd);
dske_rc __wrap_file_sync(int fd);

static int sync_fails_in; /* the next but so many fails, and all after it while `sync_stays_bad` */
static bool sync_stays_bad;

dske_rc __wrap_file_sync(int fd)
{
	if (sync_fails_in > 0 && --sync_fails_in == 0) {
		sync_fails_in = sync_stays_bad ? 1 : 0;
		return FAIL(SYNC, "injected");
	}
	return __real_file_sync(fd);
}

struct pair {
	struct path scratch;
	struct fd f;
	uint8_t before[2 * LEDGER_SLOT_LEN], after[2 * LEDGER_SLOT_LEN]; /* the file at numbers N and N + 1 */
	struct ledger old, new;
};

/* A ledger that took `commits` steps and then one more. */
static void pair_make(struct pair *p, unsigned commits)
{
	struct pskm_header h = {.layout.len = TABLE_LEN_MIN};

	*p = (struct pair){.f = FD_NONE};
	scratch_make(&p->scratch);
	assert_ok(layout_make(&h.layout, h.layout.len));
	ledger_init(&p->old, &h, SIDE_HUB);
	const char *path = scratch_path(&p->scratch, "ledger");
	assert_ok(ledger_create(path, &p->old));
	assert_ok(file_open(&p->f, path, O_RDWR, 0));
	for (unsigned i = 0; i < commits; i++) {
		p->old.up_high += 64;
		assert_ok(ledger_commit(p->f.n, &p->old));
	}
	assert_ok(file_pread(p->f.n, p->before, sizeof p->before, 0));
	p->new = p->old;
	p->new.up_high += 64;
	p->new.lease_next = 1;
	p->new.lease_taken = 1;
	p->new.digest[0][3] = 9;
	assert_ok(ledger_commit(p->f.n, &p->new));
	assert_ok(file_pread(p->f.n, p->after, sizeof p->after, 0));
}

static void pair_drop(struct pair *p)
{
	fd_drop(&p->f);
	scratch_remove(&p->scratch);
}

static dske_rc read_image(struct pair *p, const uint8_t image[2 * LEDGER_SLOT_LEN], struct ledger *l)
{
	assert_ok(file_pwrite(p->f.n, image, 2 * LEDGER_SLOT_LEN, 0));
	return ledger_read(p->f.n, l);
}

static void assert_is(const struct ledger *l, const struct ledger *expected)
{
	assert_int_equal(l->seq, expected->seq);
	assert_int_equal(l->up_high, expected->up_high);
	assert_int_equal(l->lease_next, expected->lease_next);
	assert_memory_equal(l->digest, expected->digest, sizeof l->digest);
}

static void torn(unsigned commits, bool from_end)
{
	struct pair p;
	uint8_t image[2 * LEDGER_SLOT_LEN];
	struct ledger l;

	pair_make(&p, commits);
	size_t slot = p.new.seq % 2 * LEDGER_SLOT_LEN;
	for (size_t done = 0; done <= LEDGER_SLOT_LEN; done++) {
		memcpy(image, p.before, sizeof image);
		size_t at = from_end ? LEDGER_SLOT_LEN - done : 0;
		memcpy(image + slot + at, p.after + slot + at, done);
		assert_ok(read_image(&p, image, &l));
		bool whole = memcmp(image, p.after, sizeof image) == 0;
		assert_is(&l, whole ? &p.new : &p.old);
		assert_true(done < LEDGER_SLOT_LEN || whole);
	}
	pair_drop(&p);
}

static void test_torn_writes(void **state)
{
	(void)state;
	torn(0, false); /* the other slot is still empty */
	torn(0, true);
	torn(1, false);
	torn(1, true);
	torn(2, false);
}

static void test_rotten_bytes(void **state)
{
	struct pair p;
	uint8_t image[2 * LEDGER_SLOT_LEN];
	struct ledger l;

	(void)state;
	pair_make(&p, 3);
	size_t newest = p.new.seq % 2 * LEDGER_SLOT_LEN;
	for (size_t at = 0; at < sizeof image; at++) {
		memcpy(image, p.after, sizeof image);
		image[at] ^= (uint8_t)(1u << at % 8);
		assert_ok(read_image(&p, image, &l));
		assert_is(&l, at >= newest && at < newest + LEDGER_SLOT_LEN ? &p.old : &p.new);
	}
	pair_drop(&p);
}

static void test_both_rotten(void **state)
{
	struct pair p;
	uint8_t image[2 * LEDGER_SLOT_LEN];
	struct ledger l;

	(void)state;
	pair_make(&p, 3);
	for (size_t at = 0; at < LEDGER_SLOT_LEN; at += 13) {
		memcpy(image, p.after, sizeof image);
		image[at] ^= 0x80;
		image[LEDGER_SLOT_LEN + (at * 7) % LEDGER_SLOT_LEN] ^= 1;
		assert_rc(read_image(&p, image, &l), CORRUPT);
	}
	memset(image, 0, sizeof image);
	assert_rc(read_image(&p, image, &l), CORRUPT);
	/* a record in the other one's place is none */
	memcpy(image, p.after + LEDGER_SLOT_LEN, LEDGER_SLOT_LEN);
	memcpy(image + LEDGER_SLOT_LEN, p.after, LEDGER_SLOT_LEN);
	assert_rc(read_image(&p, image, &l), CORRUPT);
	pair_drop(&p);
}

static void test_cut_file(void **state)
{
	struct pair p;
	struct ledger l;

	(void)state;
	pair_make(&p, 1);
	assert_int_equal(ftruncate(p.f.n, 2 * LEDGER_SLOT_LEN - 1), 0);
	assert_rc(ledger_read(p.f.n, &l), CORRUPT);
	pair_drop(&p);
}

/* ---- a sync that fails, under every call that commits -------------------------------------------- */

static dske_rc do_begin(struct fixture *f)
{
	struct id nonce;

	return table_activation_begin(f->client, &nonce);
}

static dske_rc do_take(struct fixture *f)
{
	AUTO(lease_keys) keys = {0};
	uint64_t slot, lowest;

	return table_lease_take(f->client, &slot, &lowest, &keys);
}

static dske_rc do_skip(struct fixture *f)
{
	return table_lease_skip(f->client, 9, true);
}

static dske_rc do_granted(struct fixture *f)
{
	struct window *up = NULL, *down = NULL;
	uint64_t start = f->header.layout.region[REGION_UP].start;

	dske_rc rc = table_lease_granted(f->client, start, start + 100, 100, &up, &down);
	window_free(up);
	window_free(down);
	return rc;
}

static dske_rc do_freeze_client(struct fixture *f)
{
	return table_freeze(f->client);
}

static dske_rc do_grant(struct fixture *f)
{
	struct window *up = NULL;
	const uint8_t digest[16] = {1};

	dske_rc rc = table_lease_grant(f->hub, 3, digest, 0, 100, 100, &up);
	window_free(up);
	return rc;
}

static dske_rc do_confirm(struct fixture *f)
{
	struct window *down = NULL;
	uint64_t start = f->header.layout.region[REGION_DOWN].start;

	dske_rc rc = table_lease_confirm(f->hub, start, start + 100, &down);
	window_free(down);
	return rc;
}

static dske_rc do_refuse(struct fixture *f)
{
	return table_lease_refuse(f->hub, 3, LEASE_STALE);
}

static dske_rc do_second_activation(struct fixture *f)
{
	struct id other = {{0x77}};

	return table_activate(f->hub, &other);
}

static const struct {
	const char *name;
	enum side side;
	dske_rc (*call)(struct fixture *f);
} calls[] = {
	{"take", SIDE_CLIENT, do_take},       {"skip", SIDE_CLIENT, do_skip},
	{"granted", SIDE_CLIENT, do_granted}, {"freeze", SIDE_CLIENT, do_freeze_client},
	{"grant", SIDE_HUB, do_grant},        {"confirm", SIDE_HUB, do_confirm},
	{"refuse", SIDE_HUB, do_refuse},      {"activate", SIDE_HUB, do_second_activation},
};

static void assert_locked(struct fixture *f, enum side side)
{
	struct table_status s;

	assert_ok(table_status(side == SIDE_HUB ? f->hub : f->client, &s));
	assert_int_equal(s.state, TABLE_LOCKED);
	assert_rc(side == SIDE_HUB ? do_grant(f) : do_take(f), LOCKED);
	if (side == SIDE_HUB)
		assert_rc(do_confirm(f), LOCKED);
	else
		assert_rc(do_granted(f), LOCKED);
}

static void failing_sync(size_t i, bool stays_bad)
{
	struct fixture f;

	fixture_active(&f, TABLE_LEN_MIN);
	sync_stays_bad = stays_bad;
	sync_fails_in = 1;
	dske_rc rc = calls[i].call(&f);
	if (!rc_is(rc, DSKE_RC_SYNC))
		fail_msg("%s: %s", calls[i].name, rc_name(rc));
	sync_fails_in = 0;
	assert_locked(&f, calls[i].side);
	table_close(f.hub);
	table_close(f.client);
	assert_ok(table_open(&f.hub, f.hub_dir.s, SIDE_HUB, NULL));
	assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));
	assert_locked(&f, calls[i].side);
	fixture_drop(&f);
}

static void test_failed_sync_locks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		failing_sync(i, false);
		failing_sync(i, true);
	}
}

/* Another process, which has the table open meanwhile, is stopped as well. */
static void test_failed_sync_stops_others(void **state)
{
	struct fixture f;
	struct table *other;
	AUTO(lease_keys) keys = {0};
	uint64_t slot, lowest;

	(void)state;
	fixture_active(&f, TABLE_LEN_MIN);
	assert_ok(table_open(&other, f.client_dir.s, SIDE_CLIENT, NULL));
	sync_stays_bad = true;
	sync_fails_in = 1;
	assert_rc(do_take(&f), SYNC);
	sync_fails_in = 0;
	assert_rc(table_lease_take(other, &slot, &lowest, &keys), LOCKED);
	table_close(other);
	fixture_drop(&f);
}

static void test_failed_sync_while_making(void **state)
{
	struct fixture f;
	static const struct kdf_cost cheap = CHEAP;

	(void)state;
	fixture_init(&f, TABLE_LEN_MIN);
	for (int i = 1;; i++) {
		sync_stays_bad = false;
		sync_fails_in = i;
		dske_rc rc = container_make_at_cost(&f.header, f.hub_tables.s, f.container.s, f.passphrase, &cheap,
						    NULL, NULL);
		bool done = sync_fails_in > 0;
		sync_fails_in = 0;
		if (done) {
			assert_ok(rc);
			assert_true(i > 3);
			break;
		}
		assert_rc(rc, SYNC);
		assert_int_equal(scratch_count(&f.hub_tables), 0);
		assert_int_not_equal(access(f.container.s, F_OK), 0);
	}
	fixture_drop(&f);
}

static void test_begin_fails(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f, TABLE_LEN_MIN);
	fixture_make(&f);
	assert_ok(fixture_import(&f));
	assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));
	sync_stays_bad = false;
	sync_fails_in = 1;
	assert_rc(do_begin(&f), SYNC);
	assert_rc(do_begin(&f), LOCKED);
	fixture_drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_torn_writes),
		cmocka_unit_test(test_rotten_bytes),
		cmocka_unit_test(test_both_rotten),
		cmocka_unit_test(test_cut_file),
		cmocka_unit_test(test_failed_sync_locks),
		cmocka_unit_test(test_failed_sync_stops_others),
		cmocka_unit_test(test_failed_sync_while_making),
		cmocka_unit_test(test_begin_fails),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
