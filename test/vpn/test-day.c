/* SPDX-License-Identifier: Apache-2.0 */
/* test/vpn/test-day.c - the bytes of a day, over runs that end well or are killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "vpn/day.h"

enum { BLOCK = 1000, HOUR = 3600 };
static char folder[400], file[512];

static int make_folder(void **state)
{
	(void)state;
	const char *top = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/dske-day.XXXXXX", top != NULL ? top : "/tmp");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(file, sizeof file, "%s/day", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(file);
	return rmdir(folder);
}

static bool take(struct day *d, int64_t now_s)
{
	bool granted;
	assert_true(rc_ok(day_take(d, now_s, BLOCK, &granted)));
	return granted;
}

static void without_a_limit_there_is_no_file(void **state)
{
	(void)state;
	struct day d;
	assert_true(rc_ok(day_open(&d, "/nonexistent/day", 0, BLOCK)));
	for (int i = 0; i < 1000; i++)
		assert_true(take(&d, i));
	day_give_back(&d, BLOCK);
	assert_int_equal(day_used(&d, 0), 0);
	day_drop(&d);
}

static void a_run_takes_what_there_is(void **state)
{
	(void)state;
	struct day d;
	assert_true(rc_ok(day_open(&d, file, 10 * BLOCK, BLOCK)));
	for (int i = 0; i < 10; i++)
		assert_true(take(&d, HOUR));
	assert_false(take(&d, HOUR));
	assert_int_equal(day_used(&d, HOUR), 10 * BLOCK);
	day_give_back(&d, BLOCK);
	assert_int_equal(day_used(&d, HOUR), 9 * BLOCK);
	assert_true(take(&d, HOUR));
	assert_false(take(&d, 23 * HOUR));
	assert_true(take(&d, 33 * HOUR));
	day_drop(&d);
}

/* Killed at once after each: never more than the limit in a day, whatever the portions. */
static void runs_do_not_begin_anew(void **state)
{
	(void)state;
	static const uint64_t limits[] = {10 * BLOCK, 10 * BLOCK + 1, 600 * BLOCK, 100000 * BLOCK};
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		uint64_t taken = 0;
		bool granted = true;
		(void)unlink(file);
		for (int run = 0; granted; run++) {
			struct day d;
			assert_true(rc_ok(day_open(&d, file, limits[i], BLOCK)));
			for (int n = 0; n < 7 && (granted = take(&d, run)); n++)
				taken += BLOCK;
			day_drop(&d);
			assert_in_range(taken, 0, limits[i]);
		}
		assert_true(taken > 0);
	}
}

/* One sync serves many, and what a run does not come to take is little. */
static void a_portion_is_small(void **state)
{
	(void)state;
	struct day d;
	const uint64_t limit = 100000 * (uint64_t)BLOCK;
	assert_true(rc_ok(day_open(&d, file, limit, BLOCK)));
	assert_true(take(&d, 1));
	assert_in_range(d.charged, 300 * BLOCK, limit / 200);
	assert_int_equal(day_used(&d, 1), BLOCK);
	assert_true(take(&d, 1 + 5 * HOUR)); /* an old portion is not taken of: it would leave the account too early */
	assert_in_range(day_used(&d, 1 + 5 * HOUR), limit / 256 + BLOCK, limit / 200 + BLOCK);
	day_drop(&d);
}

static void refused(const char *bytes, size_t len)
{
	struct day d;
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(day_open(&d, file, BLOCK, BLOCK).code, DSKE_RC_CORRUPT);
	day_drop(&d);
}

static void nobody_counts_on_from_nonsense(void **state)
{
	(void)state;
	struct day d, other;
	struct stat st;
	char bytes[600] = {0};
	assert_true(rc_ok(day_open(&d, file, BLOCK, BLOCK)));
	assert_int_equal(day_open(&other, file, BLOCK, BLOCK).code, DSKE_RC_BUSY);
	day_drop(&other);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(rc_ok(file_pread(d.file.n, bytes, (size_t)st.st_size, 0)));
	day_drop(&d);
	refused(bytes, (size_t)st.st_size - 1);
	refused(bytes, (size_t)st.st_size + 1);
	bytes[0] ^= 1;
	refused(bytes, (size_t)st.st_size);
	bytes[0] ^= 1;
	memset(bytes + 8, 0xff, 8); /* an index below 0 */
	refused(bytes, (size_t)st.st_size);
	assert_int_equal(day_open(&d, "/nonexistent/day", BLOCK, BLOCK).code, DSKE_RC_NOT_FOUND);
	day_drop(&d);
}

/* Where nothing can be recorded, nothing is granted. */
static void what_cannot_be_written_is_not_taken(void **state)
{
	(void)state;
	struct day d;
	bool granted;
	assert_true(rc_ok(day_open(&d, file, 10 * BLOCK, BLOCK)));
	assert_true(take(&d, 1));
	fd_drop(&d.file);
	assert_true(rc_ok(file_open(&d.file, "/dev/full", 1 /* O_WRONLY */, 0)));
	assert_false(rc_ok(day_take(&d, 1, BLOCK, &granted)));
	assert_false(granted);
	assert_int_equal(day_used(&d, 1), BLOCK);
	day_drop(&d);
}

#define IN_A_FOLDER(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_limit_there_is_no_file), IN_A_FOLDER(a_run_takes_what_there_is),
		IN_A_FOLDER(runs_do_not_begin_anew), IN_A_FOLDER(a_portion_is_small),
		IN_A_FOLDER(nobody_counts_on_from_nonsense), IN_A_FOLDER(what_cannot_be_written_is_not_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
