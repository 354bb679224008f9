/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process is killed, and then the power goes: a record that was written and never made durable is seen by whoever
 * comes next, and is gone after that.  So nobody may act on it before it is durable.
 *
 * The linker (--wrap) puts this model in front of file_sync: of each ledger the bytes that a sync made durable are
 * kept in shared memory, and a power cut puts them back.
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pskm/format.h"
#include "test/pskm/stock-world.h"

#define LEN (UINT64_C(512) << 10)
#define STOCK (UINT64_C(384) << 10)
#define LEDGER_LEN (2 * LEDGER_SLOT_LEN)
#define DISKS_MAX 64

dske_rc __real_file_sync(int fd);
dske_rc __wrap_file_sync(int fd);

/* What the disk has of a ledger, whose name may change. */
struct disk {
	ino_t file; /* 0: none */
	uint8_t bytes[LEDGER_LEN];
};
static struct disk *disks; /* in memory that children share */

static bool kills; /* the process ends where it would make a new record durable */
static bool fails; /* or is told that it cannot be made so */
static unsigned syncs;
static ino_t first_synced; /* since it was set to 0 */

static struct disk *disk_of(ino_t file)
{
	for (unsigned i = 0; i < DISKS_MAX; i++)
		if (disks[i].file == 0 || disks[i].file == file) {
			disks[i].file = file;
			return &disks[i];
		}
	fail_msg("too many ledgers");
	return NULL;
}

dske_rc __wrap_file_sync(int fd)
{
	AUTO(fd) f = FD_NONE; /* the other one may be for writing alone */
	uint8_t seen[LEDGER_LEN];
	struct stat st;
	char path[64];

	if (fstat(fd, &st) != 0 || st.st_size != LEDGER_LEN)
		return __real_file_sync(fd);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	assert_ok(file_open(&f, path, O_RDONLY, 0));
	assert_ok(file_pread(f.n, seen, sizeof seen, 0));
	struct disk *d = disk_of(st.st_ino);
	if (kills && memcmp(d->bytes, seen, sizeof seen) != 0)
		(void)kill(getpid(), SIGKILL);
	if (fails)
		return FAIL(SYNC, "injected");
	syncs++;
	if (first_synced == 0)
		first_synced = st.st_ino;
	TRY(__real_file_sync(fd));
	memcpy(d->bytes, seen, sizeof seen);
	return DSKE_OK;
}

static void ledger_of(const struct path *dir, struct fd *f, struct disk **d)
{
	struct stat st;

	assert_ok(file_open(f, fixture_file(dir, TABLE_FILE_LEDGER), O_RDWR, 0));
	assert_int_equal(fstat(f->n, &st), 0);
	*d = disk_of(st.st_ino);
}

/* Would a power cut leave the ledger as it is seen now? */
static bool is_durable(const struct path *dir)
{
	AUTO(fd) f = FD_NONE;
	struct disk *d;
	uint8_t seen[LEDGER_LEN];

	ledger_of(dir, &f, &d);
	assert_ok(file_pread(f.n, seen, sizeof seen, 0));
	return memcmp(seen, d->bytes, sizeof seen) == 0;
}

static void power_cut(const struct path *dir)
{
	AUTO(fd) f = FD_NONE;
	struct disk *d;

	ledger_of(dir, &f, &d);
	assert_ok(file_pwrite(f.n, d->bytes, LEDGER_LEN, 0));
}

/* ---- what a table's sides do ---------------------------------------------------------------------- */

typedef dske_rc deed_fn(struct table *t);

static const struct id nonce = {.b = {7}};

static dske_rc begin_activation(struct table *t)
{
	struct id chosen;

	return table_activation_begin(t, &chosen);
}

static dske_rc activate(struct table *t)
{
	return table_activate(t, &nonce);
}

static dske_rc retire(struct table *t)
{
	struct retiring r = {.reason = RETIRE_LOST, .time = 1700000000};

	return table_retire(t, &r);
}

static dske_rc let_go(struct table *t)
{
	TRY(retire(t));
	return table_let_go(t);
}

static dske_rc receipt(struct table *t)
{
	TRY(retire(t));
	return table_retire_receipt(t, true, 1);
}

static dske_rc destroy(struct table *t)
{
	bool done;

	TRY(retire(t));
	return table_destroy(t, 1000, &done);
}

static dske_rc take_slot(struct table *t)
{
	AUTO(lease_keys) keys = {0};
	uint64_t slot, lowest;

	return table_lease_take(t, &slot, &lowest, &keys);
}

static dske_rc look(struct table *t)
{
	(void)t;
	return DSKE_OK; /* the sweep of the opening */
}

static dske_rc do_in(const struct path *dir, enum side side, deed_fn *deed)
{
	struct table *t;

	TRY(table_open(&t, dir->s, side, NULL));
	dske_rc rc = deed(t);
	table_close(t);
	return rc;
}

/* A child is killed when it has written its nth record. */
static void killed_at(const struct path *dir, enum side side, deed_fn *prepare, deed_fn *deed)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct table *t;
		if (!rc_ok(table_open(&t, dir->s, side, NULL)) || !rc_ok(prepare(t)))
			_exit(1);
		kills = true;
		(void)deed(t);
		_exit(2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_false(is_durable(dir));
}

static const struct {
	const char *name;
	enum side side;
	bool active;         /* the table was activated before */
	deed_fn *prepare;    /* comes through */
	deed_fn *deed;       /* does not */
	deed_fn *afterwards; /* what the next process does */
} cases[] = {
	{"ACTIVATE is sent", SIDE_CLIENT, false, look, begin_activation, begin_activation},
	{"ACTIVATED is sent", SIDE_HUB, false, look, activate, activate},
	{"RETIRE is sent", SIDE_CLIENT, true, look, retire, retire},
	{"RETIRED is sent", SIDE_HUB, true, look, retire, retire},
	{"it is let go", SIDE_CLIENT, true, retire, let_go, let_go},
	{"RETIRED was received", SIDE_CLIENT, true, retire, receipt, receipt},
	{"RETIRE was received", SIDE_HUB, true, retire, receipt, receipt},
	{"it is destroyed", SIDE_CLIENT, true, look, retire, destroy},
	{"its slot is swept", SIDE_CLIENT, true, look, take_slot, look},
};
#define CASES (sizeof cases / sizeof cases[0])

static void begin(struct fixture *f, size_t i)
{
	if (cases[i].active) {
		fixture_active(f, LEN);
	} else {
		fixture_init(f, LEN);
		fixture_make(f);
		assert_ok(fixture_import(f));
	}
	table_close(f->hub);
	table_close(f->client);
	f->hub = f->client = NULL;
}

static void test_tables(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		begin(&f, i);
		const struct path *dir = cases[i].side == SIDE_HUB ? &f.hub_dir : &f.client_dir;
		killed_at(dir, cases[i].side, cases[i].prepare, cases[i].deed);
		assert_ok(do_in(dir, cases[i].side, cases[i].afterwards));
		if (!is_durable(dir))
			fail_msg("%s, and a power cut makes it undone", cases[i].name);
		fixture_drop(&f);
	}
}

/* Where it cannot be made durable, nothing is done, and the table is locked, or retired as it was. */
static void test_tables_that_cannot(void **state)
{
	struct fixture f;
	struct table *t;
	struct table_status s;

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		begin(&f, i);
		const struct path *dir = cases[i].side == SIDE_HUB ? &f.hub_dir : &f.client_dir;
		killed_at(dir, cases[i].side, cases[i].prepare, cases[i].deed);
		fails = true;
		assert_rc(do_in(dir, cases[i].side, cases[i].afterwards), SYNC);
		fails = false;
		assert_ok(table_open(&t, dir->s, cases[i].side, NULL));
		assert_ok(table_status(t, &s));
		assert_true(s.state == TABLE_LOCKED || s.state == TABLE_RETIRED);
		table_close(t);
		fixture_drop(&f);
	}
}

/* The nonce that was sent is the one that is sent again, so the hub sees one client. */
static void test_one_nonce(void **state)
{
	struct fixture f;
	struct id first, second;
	struct table *hub;

	(void)state;
	begin(&f, 0);
	killed_at(&f.client_dir, SIDE_CLIENT, look, begin_activation);
	for (unsigned i = 0; i < 2; i++) {
		assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));
		assert_ok(table_activation_begin(f.client, i == 0 ? &first : &second));
		table_close(f.client);
		power_cut(&f.client_dir);
	}
	f.client = NULL;
	assert_memory_equal(&first, &second, sizeof first);
	assert_ok(table_open(&hub, f.hub_dir.s, SIDE_HUB, NULL));
	assert_ok(table_activate(hub, &first));
	assert_ok(table_activate(hub, &second));
	table_close(hub);
	fixture_drop(&f);
}

/* What is recorded with every agreement costs one sync, as it did. */
static void test_no_sync_more(void **state)
{
	struct fixture f;

	(void)state;
	fixture_active(&f, LEN);
	fixture_lease(&f, 600, 400, NULL, NULL, NULL, NULL);
	syncs = 0;
	fixture_lease(&f, 600, 400, NULL, NULL, NULL, NULL);
	assert_int_equal(syncs, 4); /* LEASE, GRANT at either end, CONFIRM */
	fixture_drop(&f);
}

/* ---- stocks ---------------------------------------------------------------------------------------- */

typedef dske_rc work_fn(struct stock_world *w);

static struct buf report;

static dske_rc cut(struct stock_world *w)
{
	return world_cut(w, &w->stocks, "alice", TABLE_LEN_MIN, NULL, NULL);
}

/* When nothing is new it still writes down the last report. */
static dske_rc tell(struct stock_world *w)
{
	AUTO(buf) out = {0};
	dske_rc rc = world_tell(w, &w->stocks, 0, &out);

	return rc_is(rc, DSKE_RC_NOT_FOUND) ? DSKE_OK : rc;
}

static dske_rc accept_report(struct stock_world *w)
{
	return world_accept(w, report.data, report.len, NULL);
}

/* Ready for the work, which a child then begins: it is killed when it has written its first record. */
static void begin_stock(struct stock_world *w, struct path *dir, work_fn *work)
{
	int status;

	world_init(w, STOCK);
	assert_ok(table_folder(dir, work == accept_report ? w->hub_stocks.s : w->stocks.s, &w->header.table));
	if (work != cut)
		assert_ok(cut(w));
	buf_drop(&report);
	if (work == accept_report)
		assert_ok(world_tell(w, &w->stocks, 0, &report));
	pid_t child = fork();
	if (child == 0) {
		kills = true;
		(void)work(w);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_false(is_durable(dir));
	w->cuts++;
}

static work_fn *const works[] = {cut, tell, accept_report};
#define WORKS (sizeof works / sizeof works[0])

/* The stock's record is made durable before a byte is read on its word, or a table made. */
static void test_stocks(void **state)
{
	struct stock_world w;
	struct path dir;

	(void)state;
	for (size_t i = 0; i < WORKS; i++) {
		struct stat st;
		begin_stock(&w, &dir, works[i]);
		first_synced = 0;
		assert_ok(works[i](&w));
		assert_int_equal(stat(fixture_file(&dir, TABLE_FILE_LEDGER), &st), 0);
		assert_int_equal(first_synced, st.st_ino);
		assert_true(is_durable(&dir));
		world_drop(&w);
	}
	buf_drop(&report);
}

static void test_stocks_that_cannot(void **state)
{
	struct stock_world w;
	struct path dir;

	(void)state;
	for (size_t i = 0; i < WORKS; i++) {
		begin_stock(&w, &dir, works[i]);
		fails = true;
		assert_rc(works[i](&w), SYNC);
		fails = false;
		assert_rc(works[i](&w), LOCKED);
		world_drop(&w);
	}
	buf_drop(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_tables_that_cannot),
		cmocka_unit_test(test_one_nonce),
		cmocka_unit_test(test_no_sync_more),
		cmocka_unit_test(test_stocks),
		cmocka_unit_test(test_stocks_that_cannot),
	};

	disks = mmap(NULL, DISKS_MAX * sizeof *disks, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests_name("power", tests, NULL, NULL);
}
