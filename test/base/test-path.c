/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h: folders, and names of files. */
#include "config.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/secret.h"
#include "test/lib/scratch.h"

static void folders_are_synced_by_any_path(void **state)
{
	(void)state;
	assert_true(rc_ok(file_sync_dir_of(scratch_path(&scratch_folder, "whatever"))));
	assert_true(rc_ok(file_sync_dir_of("bare-name")));
	assert_true(rc_ok(file_sync_dir_of("/name-in-the-root")));
	assert_true(rc_is(file_sync_dir_of(scratch_path(&scratch_folder, "absent/name")), DSKE_RC_SYNC));
}

static void missing_folders_are_made(void **state)
{
	struct stat st;
	const char *deep = scratch_path(&scratch_folder, "one//two/three/");

	(void)state;
	mode_t old_mask = umask(0);
	assert_true(rc_ok(file_make_dirs(deep, 0710)));
	umask(old_mask);
	assert_int_equal(stat(deep, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0710);
	assert_int_equal(stat(scratch_path(&scratch_folder, "one"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0710);
	assert_true(rc_ok(file_make_dirs(deep, 0700)));
	assert_true(rc_ok(file_make_dirs("/", 0700)));
	assert_true(rc_ok(file_make_dirs(".", 0700)));
	assert_false(rc_ok(file_make_dirs("", 0700)));
	const char *file = scratch_write(&scratch_folder, "plain", "x", 1);
	dske_rc rc = file_make_dirs(file, 0700);
	assert_true(rc_is(rc, DSKE_RC_IO));
	assert_non_null(strstr(rc_detail(rc), file));
	assert_true(rc_is(file_make_dirs(scratch_path(&scratch_folder, "plain/below"), 0700), DSKE_RC_IO));
}

static void changes_are_seen(void **state)
{
	const struct timespec then[2] = {{1000, 7}, {1000, 7}}, later[2] = {{1000, 8}, {1000, 8}};
	const char *path = scratch_path(&scratch_folder, "watched");

	(void)state;
	assert_int_equal(file_change_time(path), 0);
	scratch_write(&scratch_folder, "watched", "x", 1);
	assert_int_equal(file_change_time(path), FILE_FRESH);
	assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
	int64_t before = file_change_time(path);
	assert_int_equal(before, INT64_C(1000000000007));
	assert_int_equal(file_change_time(path), before);
	assert_int_equal(utimensat(AT_FDCWD, path, later, 0), 0);
	assert_int_equal(file_change_time(path), before + 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(file_change_time(path), 0);
}

static void folders_of_paths(void **state)
{
	static const char *const rows[][2] = {
		{"a", "."}, {"/a", "/"}, {"a/b", "a"}, {"/a/b", "/a"}, {"/a/b/", "/a/b"}, {"./a", "."},
	};
	struct path p, longest;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(rc_ok(path_folder(&p, rows[i][0])));
		assert_string_equal(p.s, rows[i][1]);
	}
	assert_true(rc_ok(path_format(&longest, "%04095d", 0)));
	char *beyond = strcat(strcpy(malloc(sizeof longest.s + 8), longest.s), "0/a");
	assert_true(rc_is(path_folder(&p, beyond), DSKE_RC_TOOBIG));
	free(beyond);
}

static void paths_as_seen_from_here(void **state)
{
	struct path p, here;

	(void)state;
	assert_non_null(getcwd(here.s, sizeof here.s));
	assert_true(rc_ok(path_absolute(&p, "/a/b")));
	assert_string_equal(p.s, "/a/b");
	assert_true(rc_ok(path_absolute(&p, "a/b")));
	assert_memory_equal(p.s, here.s, strlen(here.s));
	assert_string_equal(p.s + strlen(here.s), "/a/b");
}

static void paths_have_a_limit(void **state)
{
	struct path p;

	(void)state;
	for (int len = 4090; len < 4100; len++) {
		dske_rc rc = path_format(&p, "%0*d", len, 0);
		assert_int_equal(rc_ok(rc), len < PATH_MAX);
		assert_true(rc_ok(rc) || rc_is(rc, DSKE_RC_TOOBIG));
	}
	assert_true(rc_ok(path_format(&p, "%s/%s.%d", "a", "b", 3)));
	assert_string_equal(p.s, "a/b.3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_synced_by_any_path),
		cmocka_unit_test(missing_folders_are_made),
		cmocka_unit_test(changes_are_seen),
		cmocka_unit_test(folders_of_paths),
		cmocka_unit_test(paths_as_seen_from_here),
		cmocka_unit_test(paths_have_a_limit),
	};
	return cmocka_run_group_tests_name("path", tests, scratch_group_set_up, scratch_group_tear_down);
}
