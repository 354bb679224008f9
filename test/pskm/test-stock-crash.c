/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A distributor or a hub killed at any step of cutting, reporting and accepting; and each of those steps failing.
 *
 * The linker (--wrap) puts a step counter in front of every read, write, sync and renaming.  For N = 1, 2, .. a
 * child does the work and is killed at its Nth step (in the middle of it, if it is a write), until one comes
 * through; then the work is finished by another.  What a child read of the stock it notes in shared memory first.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pskm/format.h"
#include "test/pskm/stock-world.h"

#define STOCK (UINT64_C(384) << 10)
#define SMALL TABLE_LEN_MIN

dske_rc __real_file_pread(int fd, void *out, size_t len, uint64_t offset);
dske_rc __real_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
dske_rc __real_file_erase_data(int fd, uint64_t from, uint64_t to);
int __real_rename(const char *from, const char *to);
dske_rc __wrap_file_pread(int fd, void *out, size_t len, uint64_t offset);
dske_rc __wrap_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset);
dske_rc __wrap_file_erase_data(int fd, uint64_t from, uint64_t to);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);

static unsigned steps_left; /* 0: nothing happens */
static bool kills;          /* the step is the last one; else it fails */

/* Behind the highest byte of the stock's body that was read since this was set; in memory that children share. */
static _Atomic uint64_t *read_below;
static uint64_t body_start;

static bool is_struck(void)
{
	if (steps_left == 0 || --steps_left > 0)
		return false;
	if (kills)
		kill(getpid(), SIGKILL);
	return true;
}

dske_rc __wrap_file_pread(int fd, void *out, size_t len, uint64_t offset)
{
	if (is_struck())
		return FAIL(IO, "struck");
	if (offset >= body_start && offset + len > *read_below)
		*read_below = offset + len;
	return __real_file_pread(fd, out, len, offset);
}

dske_rc __wrap_file_pwrite(int fd, const void *bytes, size_t len, uint64_t offset)
{
	if (steps_left == 1)
		(void)__real_file_pwrite(fd, bytes, len / 2, offset);
	return is_struck() ? FAIL(IO, "struck") : __real_file_pwrite(fd, bytes, len, offset);
}

dske_rc __wrap_file_erase_data(int fd, uint64_t from, uint64_t to)
{
	return is_struck() ? FAIL(IO, "struck") : __real_file_erase_data(fd, from, to);
}

static int eio(void)
{
	errno = EIO;
	return -1;
}

/* A kill is no power cut: what is written is there. */
int __wrap_fdatasync(int fd)
{
	(void)fd;
	return is_struck() ? eio() : 0;
}

int __wrap_fsync(int fd)
{
	(void)fd;
	return is_struck() ? eio() : 0;
}

int __wrap_rename(const char *from, const char *to)
{
	return is_struck() ? eio() : __real_rename(from, to);
}

typedef dske_rc work_fn(struct stock_world *w);

/* Does the work in a child with a strike at that step.  Did it come through? */
static bool strike(struct stock_world *w, work_fn *work, unsigned step)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		steps_left = step;
		dske_rc rc = work(w);
		_exit(steps_left > 0 && rc_ok(rc) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void begin(struct stock_world *w)
{
	world_init(w, STOCK);
	body_start = w->header.layout.region[REGION_UP].start;
	*read_below = 0;
}

/* Portions in the hub's log adjoin, and each that is not wasted has its table, of the stock's bytes. */
static unsigned check_hub(struct stock_world *w)
{
	AUTO(stock_view) v = {.log = FD_NONE};
	uint8_t bytes[4096];
	uint64_t at = body_start;
	unsigned tables = 0;

	world_view(&w->hub_stocks, &w->header.table, &v);
	assert_int_equal(v.settled, v.portions);
	for (uint64_t i = 0; i < v.portions; i++) {
		struct stock_entry e;
		assert_ok(stock_view_portion(&v, i, &e));
		assert_int_equal(e.portion.start, at);
		at = portion_end(&e.portion);
		assert_true(world_erased(&w->hub_stocks, &w->header.table, e.portion.start, at));
		if (e.portion.wasted)
			continue;
		tables++;
		uint64_t from = e.portion.layout.len - sizeof bytes;
		world_read(&w->hub_tables, &e.portion.table, SIDE_HUB, from, bytes, sizeof bytes);
		assert_memory_equal(bytes, w->truth + e.portion.start + from, sizeof bytes);
	}
	assert_int_equal(world_tables(&w->hub_tables), tables);
	return tables;
}

/* ---- cutting ---------------------------------------------------------------------------------------- */

static dske_rc cut_alice(struct stock_world *w)
{
	return world_cut(w, &w->stocks, "alice", SMALL, NULL, NULL);
}

/* What the distributor will report as delivered is there. */
static void check_delivered(struct stock_world *w)
{
	AUTO(stock_view) v = {.log = FD_NONE};
	struct stock_entry e;

	world_view(&w->stocks, &w->header.table, &v);
	if (v.portions == 0 || v.state == TABLE_LOCKED)
		return;
	assert_ok(stock_view_portion(&v, 0, &e));
	assert_true(e.portion.wasted || access(scratch_path(&w->scratch, "0.pskm"), F_OK) == 0);
}

/* Whoever comes next cuts above all that was read; and the report tells of all. */
static void finish_cut(struct stock_world *w, bool done)
{
	AUTO(buf) report = {0};
	uint64_t read = *read_below;
	dske_rc rc;

	check_delivered(w);
	w->cuts = 1;
	rc = world_cut(w, &w->stocks, "bob", SMALL, NULL, NULL);
	if (rc_is(rc, DSKE_RC_LOCKED)) { /* a sync failed: nothing is cut any more */
		assert_false(kills);
		return;
	}
	assert_ok(rc);
	assert_true(w->cut[1].portion.start >= read);
	if (done)
		assert_true(w->cut[1].portion.start >= body_start + SMALL);
	assert_ok(world_import(w, 1));
	assert_ok(world_tell(w, &w->stocks, 0, &report));
	assert_ok(world_accept(w, report.data, report.len, NULL));
	assert_in_range(check_hub(w), 1, 2);
	assert_true(world_erased(&w->stocks, &w->header.table, body_start, portion_end(&w->cut[1].portion)));
}

/* ---- reporting -------------------------------------------------------------------------------------- */

static dske_rc tell(struct stock_world *w)
{
	AUTO(buf) report = {0};

	return world_tell(w, &w->stocks, 0, &report);
}

/* Two texts are never tagged with one key: once a report is recorded, it is what it is, whatever is cut since. */
static void finish_tell(struct stock_world *w, bool done)
{
	AUTO(stock_view) v = {.log = FD_NONE};
	AUTO(buf) kept = {0};
	AUTO(buf) report = {0};
	AUTO(stock_report) read = {0};
	struct path dir;

	world_view(&w->stocks, &w->header.table, &v);
	assert_true(v.reports == 1 || !done);
	assert_ok(table_folder(&dir, w->stocks.s, &w->header.table));
	bool written = rc_ok(file_read_all(&kept, fixture_file(&dir, STOCK_FILE_REPORT "1"), STOCK_REPORT_LEN_MAX));
	assert_true(v.reports == 1 || !written);
	dske_rc rc = world_cut(w, &w->stocks, "bob", SMALL, NULL, NULL);
	if (rc_is(rc, DSKE_RC_LOCKED)) {
		assert_false(kills);
		return;
	}
	assert_ok(rc);
	rc = world_tell(w, &w->stocks, v.reports, &report);
	assert_ok(rc);
	assert_ok(stock_report_read(&read, report.data, report.len));
	assert_int_equal(read.number, 1);
	assert_int_equal(read.count, v.reports == 1 ? 1 : 2);
	if (written) {
		assert_int_equal(report.len, kept.len);
		assert_memory_equal(report.data, kept.data, kept.len);
	}
	assert_ok(world_accept(w, report.data, report.len, NULL));
	assert_int_equal(check_hub(w), read.count);
}

/* ---- accepting -------------------------------------------------------------------------------------- */

static struct buf accepted;

static dske_rc accept_it(struct stock_world *w)
{
	return world_accept(w, accepted.data, accepted.len, NULL);
}

static void finish_accept(struct stock_world *w, bool done)
{
	struct stock_accepted a = {0};
	dske_rc rc = world_accept(w, accepted.data, accepted.len, &a);

	if (rc_is(rc, DSKE_RC_LOCKED)) {
		assert_false(kills);
		return;
	}
	assert_ok(rc);
	assert_true(a.repeated || !done);
	assert_int_equal(check_hub(w), 2);
	assert_ok(world_import(w, 0));
}

/* ---- all of it, at each step ------------------------------------------------------------------------- */

static void prepare(struct stock_world *w, work_fn *work)
{
	begin(w);
	if (work == cut_alice)
		return;
	assert_ok(cut_alice(w));
	if (work == tell)
		return;
	assert_ok(world_cut(w, &w->stocks, "bob", SMALL, NULL, NULL));
	buf_drop(&accepted);
	assert_ok(world_tell(w, &w->stocks, 0, &accepted));
}

static void every_step(work_fn *work, void (*finish)(struct stock_world *w, bool done))
{
	struct stock_world w;
	unsigned steps = 0;
	bool done = false;

	while (!done) {
		prepare(&w, work);
		done = strike(&w, work, ++steps);
		finish(&w, done);
		world_drop(&w);
	}
	print_message("# %u steps\n", steps - 1);
	assert_in_range(steps, 8, 300);
	buf_drop(&accepted);
}

static void test_kill_cut(void **state)
{
	(void)state;
	kills = true;
	every_step(cut_alice, finish_cut);
}

static void test_kill_tell(void **state)
{
	(void)state;
	kills = true;
	every_step(tell, finish_tell);
}

static void test_kill_accept(void **state)
{
	(void)state;
	kills = true;
	every_step(accept_it, finish_accept);
}

static void test_fail_cut(void **state)
{
	(void)state;
	kills = false;
	every_step(cut_alice, finish_cut);
}

static void test_fail_tell(void **state)
{
	(void)state;
	kills = false;
	every_step(tell, finish_tell);
}

static void test_fail_accept(void **state)
{
	(void)state;
	kills = false;
	every_step(accept_it, finish_accept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_cut), cmocka_unit_test(test_kill_tell), cmocka_unit_test(test_kill_accept),
		cmocka_unit_test(test_fail_cut), cmocka_unit_test(test_fail_tell), cmocka_unit_test(test_fail_accept),
	};

	read_below = mmap(NULL, sizeof *read_below, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
