/* SPDX-License-Identifier: Apache-2.0 */
/* base/listing.h: the names in a folder. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_name_comes_once_and_none_of_the_folder_itself, scratch_set_up, scratch_tear_down),
		cmocka_unit_test(an_empty_listing_has_no_names),
		cmocka_unit_test_setup_teardown(what_is_no_folder_is_named, scratch_set_up, scratch_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
