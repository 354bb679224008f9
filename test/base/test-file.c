/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h: exact reads and writes, erasing, locks between descriptors, and replacing. */
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

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void opening_tells_what_is_wrong(void **state)
{
	AUTO(fd) f = FD_NONE;

	(void)state;
	const char *path = scratch_path(&scratch_folder, "file");
	dske_rc rc = file_open(&f, path, O_RDONLY, 0);
	assert_true(rc_is(rc, DSKE_RC_NOT_FOUND));
	assert_non_null(strstr(rc_detail(rc), path));
	assert_int_equal(f.n, -1);
	assert_true(rc_ok(file_open(&f, path, O_RDWR | O_CREAT | O_EXCL, 0600)));
	assert_true(rc_is(file_open(&f, path, O_RDWR | O_CREAT | O_EXCL, 0600), DSKE_RC_EXISTS));
	assert_true(rc_is(file_open(&f, scratch_folder.s, O_RDWR, 0), DSKE_RC_IO)); /* EISDIR */
	assert_true(is_open(f.n));
}

static void descriptors_close_on_exec_and_on_drop(void **state)
{
	struct fd f = FD_NONE;

	(void)state;
	assert_true(rc_ok(file_open(&f, "/dev/null", O_RDONLY, 0)));
	int first = f.n;
	assert_true((fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true(rc_ok(file_open(&f, "/dev/zero", O_RDONLY, 0))); /* replaces, does not leak */
	assert_int_not_equal(f.n, first);
	assert_false(is_open(first));
	int second = f.n;
	fd_drop(&f);
	assert_false(is_open(second));
	assert_int_equal(f.n, -1);
	fd_drop(&f);
}

/* Runs a check in a child that is nobody in particular; its true is our true. */
static bool unprivileged(bool (*check)(void))
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(geteuid() == 0 && setresuid(65534, 65534, 65534) != 0 ? 2 : check() ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool is_denied(void)
{
	AUTO(fd) f = FD_NONE;
	const char *path = scratch_path(&scratch_folder, "closed/file");

	return rc_is(file_open(&f, path, O_RDONLY, 0), DSKE_RC_DENIED) &&
	       rc_is(file_replace(path, "x", 1, 0600), DSKE_RC_DENIED) &&
	       rc_is(file_make_dirs(scratch_path(&scratch_folder, "closed/a/b"), 0700), DSKE_RC_DENIED);
}

static void missing_rights_are_told_apart(void **state)
{
	const char *path = scratch_path(&scratch_folder, "closed");

	(void)state;
	assert_int_equal(mkdir(path, 0), 0);
	assert_int_equal(chmod(scratch_folder.s, 0755), 0);
	assert_true(unprivileged(is_denied));
	assert_int_equal(chmod(path, 0700), 0);
}

/* A FIFO has its opener wait for the other end, for ever. */
static void only_ordinary_files_are_opened_where_others_write(void **state)
{
	const struct path *scratch = &scratch_folder;
	static const int how[] = {O_RDONLY, O_WRONLY, O_RDWR};
	AUTO(fd) f = FD_NONE;
	AUTO(buf) contents = {0};

	(void)state;
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

static void bytes_are_written_where_asked(void **state)
{
	AUTO(fd) f = FD_NONE;
	uint8_t out[300], in[300];

	(void)state;
	assert_true(rc_ok(random_fill(in, sizeof in)));
	assert_true(rc_ok(file_open(&f, scratch_path(&scratch_folder, "rw"), O_RDWR | O_CREAT, 0600)));
	assert_true(rc_ok(file_pwrite(f.n, in, sizeof in, 1000)));
	assert_true(rc_ok(file_pread(f.n, out, sizeof out, 1000)));
	assert_memory_equal(in, out, sizeof in);
	assert_true(rc_ok(file_pread(f.n, out, 1, 0)));
	assert_int_equal(out[0], 0);
	assert_true(rc_ok(file_pwrite(f.n, NULL, 0, 0)));
	assert_true(rc_ok(file_pread(f.n, NULL, 0, 0)));
	assert_true(rc_ok(file_sync(f.n)));
}

static void short_files_are_corrupt(void **state)
{
	AUTO(fd) f = FD_NONE;
	uint8_t out[101];

	(void)state;
	memset(out, 1, sizeof out);
	const char *path = scratch_write(&scratch_folder, "short", out, 100);
	assert_true(rc_ok(file_open(&f, path, O_RDONLY, 0)));
	for (size_t len = 0; len <= 101; len++)
		assert_int_equal(file_pread(f.n, out, len, 0).code, len <= 100 ? DSKE_RC_OK : DSKE_RC_CORRUPT);
	assert_true(rc_is(file_pread(f.n, out, 1, 100), DSKE_RC_CORRUPT));
	assert_true(rc_is(file_pread(f.n, out, 1, INT64_MAX - 1), DSKE_RC_CORRUPT));
	assert_true(rc_is(file_pwrite(f.n, out, 1, 0), DSKE_RC_IO)); /* read-only */
	assert_true(rc_is(file_pread(-1, out, 1, 0), DSKE_RC_IO));
}

static void offsets_do_not_wrap(void **state)
{
	AUTO(fd) f = FD_NONE;
	uint8_t byte = 1;
	const uint64_t offsets[] = {INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX};

	(void)state;
	assert_true(rc_ok(file_open(&f, scratch_path(&scratch_folder, "wrap"), O_RDWR | O_CREAT, 0600)));
	for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
		assert_true(rc_is(file_pread(f.n, &byte, 1, offsets[i]), DSKE_RC_IO));
		assert_true(rc_is(file_pwrite(f.n, &byte, 1, offsets[i]), DSKE_RC_IO));
		assert_true(rc_is(file_erase(f.n, offsets[i], 1), DSKE_RC_IO));
	}
	assert_true(rc_is(file_erase(f.n, 1, UINT64_MAX), DSKE_RC_IO));
	assert_int_equal(lseek(f.n, 0, SEEK_END), 0);
}

static void full_disks_are_told(void **state)
{
	AUTO(fd) f = FD_NONE;

	(void)state;
	assert_true(rc_ok(file_open(&f, "/dev/full", O_RDWR, 0)));
	dske_rc rc = file_pwrite(f.n, "x", 1, 0);
	assert_true(rc_is(rc, DSKE_RC_IO));
	assert_non_null(strstr(rc_detail(rc), "No space left"));
	assert_non_null(strstr(rc_detail(rc), "/dev/full"));
	assert_non_null(strstr(rc_detail(rc), "make room"));
}

static void failed_sync_has_its_own_code(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_true(rc_is(file_sync(ends[1]), DSKE_RC_SYNC));
	close(ends[0]);
	close(ends[1]);
	assert_true(rc_is(file_sync(-1), DSKE_RC_SYNC));
}

static void erasing_zeros_exactly_its_range(void **state)
{
	enum { LEN = 100000 };
	static uint8_t before[LEN], after[LEN];
	static const struct {
		uint64_t offset, len;
	} ranges[] = {{0, 0}, {0, 1}, {7, 1}, {100, 4000}, {4096, 4096}, {5000, 40000}, {99999, 1}, {0, LEN}};

	(void)state;
	memset(before, 0xEE, sizeof before);
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		AUTO(fd) f = FD_NONE;
		const char *path = scratch_write(&scratch_folder, "erase", before, sizeof before);
		assert_true(rc_ok(file_open(&f, path, O_RDWR, 0)));
		assert_true(rc_ok(file_sync(f.n)));
		assert_true(rc_ok(file_erase(f.n, ranges[i].offset, ranges[i].len)));
		assert_int_equal(lseek(f.n, 0, SEEK_END), LEN);
		assert_true(rc_ok(file_pread(f.n, after, LEN, 0)));
		for (size_t n = 0; n < LEN; n++) {
			bool erased = n >= ranges[i].offset && n - ranges[i].offset < ranges[i].len;
			if (after[n] != (erased ? 0 : 0xEE))
				fail_msg("range %zu, byte %zu is %d", i, n, after[n]);
		}
	}
}

static void erased_blocks_are_given_back(void **state)
{
	AUTO(fd) f = FD_NONE;
	static uint8_t bytes[1 << 20];
	struct stat before, after;

	(void)state;
	memset(bytes, 0xEE, sizeof bytes);
	const char *path = scratch_write(&scratch_folder, "blocks", bytes, sizeof bytes);
	assert_true(rc_ok(file_open(&f, path, O_RDWR, 0)));
	assert_true(rc_ok(file_sync(f.n)));
	if (fallocate(f.n, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) != 0) {
		print_message("# this file system has no holes\n");
		skip();
	}
	assert_int_equal(fstat(f.n, &before), 0);
	assert_true(rc_ok(file_erase(f.n, 0, sizeof bytes / 2)));
	assert_int_equal(fstat(f.n, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	assert_true(after.st_blocks < before.st_blocks);
}

static void erasing_what_cannot_be_written_fails(void **state)
{
	AUTO(fd) f = FD_NONE;

	(void)state;
	const char *path = scratch_write(&scratch_folder, "ro", "secret", 6);
	assert_true(rc_ok(file_open(&f, path, O_RDONLY, 0)));
	assert_true(rc_is(file_erase(f.n, 0, 6), DSKE_RC_IO));
}

static void locks_hold_between_descriptors(void **state)
{
	static const struct {
		enum file_lock held, asked;
		int code;
	} rows[] = {
		{FILE_LOCK_EXCLUSIVE, FILE_LOCK_EXCLUSIVE, DSKE_RC_BUSY},
		{FILE_LOCK_EXCLUSIVE, FILE_LOCK_SHARED, DSKE_RC_BUSY},
		{FILE_LOCK_SHARED, FILE_LOCK_EXCLUSIVE, DSKE_RC_BUSY},
		{FILE_LOCK_SHARED, FILE_LOCK_SHARED, DSKE_RC_OK},
	};
	const char *path = scratch_write(&scratch_folder, "lock", "", 0);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		AUTO(fd) a = FD_NONE;
		AUTO(fd) b = FD_NONE;
		assert_true(rc_ok(file_open(&a, path, O_RDWR, 0)));
		assert_true(rc_ok(file_open(&b, path, O_RDWR, 0)));
		assert_true(rc_ok(file_lock(a.n, rows[i].held, false)));
		assert_int_equal(file_lock(b.n, rows[i].asked, false).code, rows[i].code);
		file_unlock(a.n);
		assert_true(rc_ok(file_lock(b.n, rows[i].asked, false)));
	}
}

static void closing_another_descriptor_keeps_the_lock(void **state)
{
	AUTO(fd) a = FD_NONE;
	AUTO(fd) b = FD_NONE;
	const char *path = scratch_write(&scratch_folder, "lock", "", 0);

	(void)state;
	/* The classic POSIX lock would be lost here. */
	assert_true(rc_ok(file_open(&a, path, O_RDWR, 0)));
	assert_true(rc_ok(file_lock(a.n, FILE_LOCK_EXCLUSIVE, true)));
	assert_true(rc_ok(file_open(&b, path, O_RDWR, 0)));
	fd_drop(&b);
	assert_true(rc_ok(file_open(&b, path, O_RDWR, 0)));
	assert_true(rc_is(file_lock(b.n, FILE_LOCK_SHARED, false), DSKE_RC_BUSY));
	fd_drop(&a);
	assert_true(rc_ok(file_lock(b.n, FILE_LOCK_SHARED, false)));
	assert_true(rc_is(file_lock(-1, FILE_LOCK_SHARED, false), DSKE_RC_IO));
}

static void waiting_for_a_lock_ends_when_it_is_free(void **state)
{
	AUTO(fd) a = FD_NONE;
	const char *path = scratch_write(&scratch_folder, "lock", "", 0);
	int ends[2], status = -1;
	char byte = 0;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_true(rc_ok(file_open(&a, path, O_RDWR, 0)));
	assert_true(rc_ok(file_lock(a.n, FILE_LOCK_EXCLUSIVE, true)));
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct fd b = FD_NONE;
		alarm(20);
		fd_drop(&a); /* the same description: the lock stays with the parent */
		bool ok = rc_ok(file_open(&b, path, O_RDWR, 0)) &&
			  rc_is(file_lock(b.n, FILE_LOCK_EXCLUSIVE, false), DSKE_RC_BUSY) && write(ends[1], "x", 1) == 1 &&
			  rc_ok(file_lock(b.n, FILE_LOCK_EXCLUSIVE, true));
		_exit(ok ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1); /* it has seen the lock, and waits from here on */
	file_unlock(a.n);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(ends[0]);
}

static void whole_files_are_read_up_to_the_limit(void **state)
{
	static uint8_t bytes[10000];
	const size_t sizes[] = {0, 1, 4095, 4096, 4097, 10000};

	(void)state;
	assert_true(rc_ok(random_fill(bytes, sizeof bytes)));
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct buf b = {0};
		const char *path = scratch_write(&scratch_folder, "whole", bytes, sizes[i]);
		assert_true(rc_ok(file_read_all(&b, path, sizes[i])));
		assert_int_equal(b.len, sizes[i]);
		if (sizes[i] > 0)
			assert_memory_equal(b.data, bytes, sizes[i]);
		buf_drop(&b);
		assert_true(rc_ok(file_read_all(&b, path, SIZE_MAX)));
		assert_int_equal(b.len, sizes[i]);
		buf_drop(&b);
		if (sizes[i] == 0)
			continue;
		dske_rc rc = file_read_all(&b, path, sizes[i] - 1);
		assert_true(rc_is(rc, DSKE_RC_TOOBIG));
		assert_non_null(strstr(rc_detail(rc), path));
		assert_null(b.data);
	}
}

static void unreadable_files_give_no_buffer(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_true(rc_is(file_read_all(&b, scratch_path(&scratch_folder, "absent"), 10), DSKE_RC_NOT_FOUND));
	assert_null(b.data);
	assert_true(rc_is(file_read_all(&b, scratch_folder.s, 10), DSKE_RC_IO));
	assert_null(b.data);
	assert_true(rc_is(file_read_all(&b, "/dev/zero", 100000), DSKE_RC_TOOBIG));
	assert_null(b.data);
}

static void replacing_leaves_the_new_file_alone(void **state)
{
	char text[32];
	struct stat st;

	(void)state;
	const char *path = scratch_path(&scratch_folder, "replaced");
	size_t names = scratch_count(&scratch_folder);
	mode_t old_mask = umask(0);
	assert_true(rc_ok(file_replace(path, "old", 3, 0640)));
	assert_true(rc_ok(file_replace(path, "newer", 5, 0600)));
	umask(old_mask);
	scratch_read(path, text, sizeof text);
	assert_string_equal(text, "newer");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(scratch_count(&scratch_folder), names + 1);
	assert_true(rc_ok(file_replace(path, "", 0, 0600)));
	assert_int_equal(scratch_read(path, text, sizeof text), 0);
}

static void replacing_does_not_touch_the_old_file(void **state)
{
	AUTO(fd) old = FD_NONE;
	char text[4] = "";
	const char *path = scratch_write(&scratch_folder, "kept", "old", 3);

	(void)state;
	/* Whoever had it open goes on reading the old bytes: they were not overwritten. */
	assert_true(rc_ok(file_open(&old, path, O_RDONLY, 0)));
	assert_true(rc_ok(file_replace(path, "new", 3, 0600)));
	assert_true(rc_ok(file_pread(old.n, text, 3, 0)));
	assert_string_equal(text, "old");
}

static void failed_replacement_leaves_the_old_file(void **state)
{
	static uint8_t bytes[8192];
	const char *path = scratch_write(&scratch_folder, "survivor", "old", 3);
	size_t names = scratch_count(&scratch_folder);
	struct rlimit before, limit;
	char text[8];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
	limit = before;
	limit.rlim_cur = 4096; /* as if the disk were full in the middle */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	dske_rc rc = file_replace(path, bytes, sizeof bytes, 0600);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, handler);
	assert_true(rc_is(rc, DSKE_RC_IO));
	scratch_read(path, text, sizeof text);
	assert_string_equal(text, "old");
	assert_int_equal(scratch_count(&scratch_folder), names);
}

static void replacing_where_a_folder_is_fails_cleanly(void **state)
{
	const char *path = scratch_path(&scratch_folder, "afolder");

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	size_t names = scratch_count(&scratch_folder);
	assert_false(rc_ok(file_replace(path, "x", 1, 0600)));
	assert_int_equal(scratch_count(&scratch_folder), names);
	assert_true(rc_is(file_replace(scratch_path(&scratch_folder, "absent/file"), "x", 1, 0600), DSKE_RC_NOT_FOUND));
}

/* A reader sees one of the two texts at any moment, never a part. */
static void replacing_is_atomic_for_readers(void **state)
{
	static char a[20000], b[20000], seen[sizeof a + 1];
	const char *path = scratch_path(&scratch_folder, "atomic");
	int status = -1;

	(void)state;
	memset(a, 'a', sizeof a);
	memset(b, 'b', sizeof b);
	assert_true(rc_ok(file_replace(path, a, sizeof a, 0600)));
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		for (int i = 0; i < 30; i++) {
			if (!rc_ok(file_replace(path, i % 2 == 0 ? b : a, sizeof a, 0600)))
				_exit(1);
		}
		_exit(0);
	}
	while (waitpid(child, &status, WNOHANG) == 0) {
		assert_int_equal(scratch_read(path, seen, sizeof seen), sizeof a);
		assert_true(memcmp(seen, a, sizeof a) == 0 || memcmp(seen, b, sizeof a) == 0);
	}
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opening_tells_what_is_wrong),
		cmocka_unit_test(descriptors_close_on_exec_and_on_drop),
		cmocka_unit_test(missing_rights_are_told_apart),
		cmocka_unit_test(only_ordinary_files_are_opened_where_others_write),
		cmocka_unit_test(bytes_are_written_where_asked),
		cmocka_unit_test(short_files_are_corrupt),
		cmocka_unit_test(offsets_do_not_wrap),
		cmocka_unit_test(full_disks_are_told),
		cmocka_unit_test(failed_sync_has_its_own_code),
		cmocka_unit_test(erasing_zeros_exactly_its_range),
		cmocka_unit_test(erased_blocks_are_given_back),
		cmocka_unit_test(erasing_what_cannot_be_written_fails),
		cmocka_unit_test(locks_hold_between_descriptors),
		cmocka_unit_test(closing_another_descriptor_keeps_the_lock),
		cmocka_unit_test(waiting_for_a_lock_ends_when_it_is_free),
		cmocka_unit_test(whole_files_are_read_up_to_the_limit),
		cmocka_unit_test(unreadable_files_give_no_buffer),
		cmocka_unit_test(replacing_leaves_the_new_file_alone),
		cmocka_unit_test(replacing_does_not_touch_the_old_file),
		cmocka_unit_test(failed_replacement_leaves_the_old_file),
		cmocka_unit_test(replacing_where_a_folder_is_fails_cleanly),
		cmocka_unit_test(replacing_is_atomic_for_readers),
	};
	return cmocka_run_group_tests(tests, scratch_group_set_up, scratch_group_tear_down);
}
