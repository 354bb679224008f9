/* SPDX-License-Identifier: Apache-2.0 */
/* base/listing.h: the names in a folder; base/file.h: what may lie there that is no file. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/listing.h"
#include "test/lib/scratch.h"

static void each_name_comes_once_and_none_of_the_folder_itself(void **state)
{
	const struct path *scratch = *state;
	static const char *const names[] = {"a", "b.c", "..more", ".hidden"};
	unsigned int seen[4] = {0}, count = 0;
	AUTO(listing) l = LISTING_NONE;
	const char *name;

	for (size_t i = 0; i < 4; i++)
		scratch_write(scratch, names[i], "x", 1);
	assert_true(rc_ok(listing_open(&l, scratch->s)));
	while (rc_ok(listing_next(&name, &l)) && name != NULL) {
		count++;
		for (size_t i = 0; i < 4; i++)
			seen[i] += strcmp(name, names[i]) == 0;
	}
	assert_int_equal(count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(seen[i], 1);
	assert_true(rc_ok(listing_next(&name, &l)));
	assert_null(name);
}

static void an_empty_listing_has_no_names(void **state)
{
	AUTO(listing) l = LISTING_NONE;
	const char *name = "left over";

	(void)state;
	assert_true(rc_ok(listing_next(&name, &l)));
	assert_null(name);
	listing_drop(&l);
	listing_drop(&l);
}

static void what_is_no_folder_is_named(void **state)
{
	const struct path *scratch = *state;
	AUTO(listing) l = LISTING_NONE;
	struct path gone;

	assert_true(rc_ok(path_format(&gone, "%s/gone", scratch->s)));
	assert_true(rc_is(listing_open(&l, gone.s), DSKE_RC_NOT_FOUND));
	assert_null(l.dir);
	assert_true(rc_is(listing_open(&l, scratch_write(scratch, "file", "x", 1)), DSKE_RC_IO));
	assert_non_null(strstr(rc_detail((dske_rc){DSKE_RC_IO}), "/file"));
	assert_null(l.dir);
}

/* A FIFO has its opener wait for the other end, for ever. */
static void only_ordinary_files_are_opened_where_others_write(void **state)
{
	const struct path *scratch = *state;
	static const int how[] = {O_RDONLY, O_WRONLY, O_RDWR};
	AUTO(fd) f = FD_NONE;
	AUTO(buf) contents = {0};

	alarm(20);
	const char *fifo = scratch_path(scratch, "fifo"), *link = scratch_path(scratch, "link");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(symlink(fifo, link), 0);
	for (size_t i = 0; i < sizeof how / sizeof how[0]; i++) {
		assert_false(rc_ok(file_open_ordinary(&f, fifo, how[i], 0)));
		assert_false(rc_ok(file_open_ordinary(&f, link, how[i], 0)));
		assert_false(rc_ok(file_open_ordinary(&f, scratch->s, how[i], 0)));
		assert_int_equal(f.n, -1);
	}
	assert_true(rc_is(file_open_ordinary(&f, "/dev/null", O_RDWR, 0), DSKE_RC_FORMAT));
	assert_true(rc_is(file_read_ordinary(&contents, fifo, 10), DSKE_RC_FORMAT));
	alarm(0);

	const char *file = scratch_write(scratch, "ordinary", "abc", 3), *soft = scratch_path(scratch, "soft");
	assert_int_equal(symlink(file, soft), 0);
	assert_true(rc_ok(file_open_ordinary(&f, soft, O_RDONLY, 0)));
	assert_true(rc_is(file_open_ordinary(&f, soft, O_RDONLY | O_NOFOLLOW, 0), DSKE_RC_IO));
	assert_true(fcntl(f.n, F_GETFD) >= 0); /* a failure leaves what was open */
	assert_true(rc_is(file_read_ordinary(&contents, soft, 10), DSKE_RC_IO));
	assert_true(rc_ok(file_read_ordinary(&contents, file, 10)));
	assert_int_equal(contents.len, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_name_comes_once_and_none_of_the_folder_itself, scratch_set_up, scratch_tear_down),
		cmocka_unit_test(an_empty_listing_has_no_names),
		cmocka_unit_test_setup_teardown(what_is_no_folder_is_named, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(only_ordinary_files_are_opened_where_others_write, scratch_set_up, scratch_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
