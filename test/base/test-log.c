/* SPDX-License-Identifier: Apache-2.0 */
/* base/log.h: one clean line a call, wherever it goes. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "test/lib/scratch.h"

static char seen[200000];

static int close_log(void **state)
{
	log_close();
	return scratch_group_tear_down(state);
}

/* In place of the C library's, and of the one that FORTIFY calls instead: the system's log is not ours
 * to write to in a test. */
static int syslog_priority = -1;
static char syslog_text[4096];

void syslog(int priority, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...);
void openlog(const char *ident, int option, int facility);

static void syslog_take(int priority, const char *format, va_list args)
{
	syslog_priority = priority;
	assert_string_equal(format, "%s"); /* a text is no format */
	snprintf(syslog_text, sizeof syslog_text, "%s", va_arg(args, const char *));
}

void syslog(int priority, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	syslog_take(priority, format, args);
	va_end(args);
}

void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;
	(void)flag;
	va_start(args, format);
	syslog_take(priority, format, args);
	va_end(args);
}

static bool openlog_was_called;

void openlog(const char *ident, int option, int facility)
{
	(void)ident;
	(void)option;
	(void)facility;
	openlog_was_called = true;
}

/* Standard error goes into a file between the two calls. */
static int real_stderr = -1;

static const char *stderr_take(void)
{
	const char *path = scratch_path(&scratch_folder, "stderr");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	assert_true(real_stderr >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
	return path;
}

static void stderr_give(const char *path)
{
	log_close();
	assert_int_equal(dup2(real_stderr, STDERR_FILENO), STDERR_FILENO);
	close(real_stderr);
	scratch_read(path, seen, sizeof seen);
}

static void nothing_is_written_before_opening_or_after_closing(void **state)
{
	const char *path = stderr_take();

	(void)state;
	log_error("before");
	assert_true(rc_ok(log_open("none", LOG_LEVEL_DEBUG, "t")));
	log_error("none");
	assert_true(rc_ok(log_open("stderr", LOG_LEVEL_DEBUG, "t")));
	log_close();
	log_error("after");
	log_close();
	stderr_give(path);
	assert_string_equal(seen, "");
}

static void people_get_words(void **state)
{
	const char *path = stderr_take();

	(void)state;
	unsetenv("JOURNAL_STREAM");
	assert_true(rc_ok(log_open("stderr", LOG_LEVEL_DEBUG, "dske-hubd")));
	log_error("a %d", 1);
	log_warn("b %s", "two");
	log_info("c");
	log_debug("d");
	stderr_give(path);
	assert_string_equal(seen, "dske-hubd: error: a 1\ndske-hubd: warning: b two\ndske-hubd: info: c\ndske-hubd: debug: d\n");
}

static void lesser_levels_are_left_out(void **state)
{
	static const char *const expected[] = {"t: error: e\n", "t: error: e\nt: warning: w\n",
					       "t: error: e\nt: warning: w\nt: info: i\n",
					       "t: error: e\nt: warning: w\nt: info: i\nt: debug: d\n"};

	(void)state;
	unsetenv("JOURNAL_STREAM");
	for (int least = LOG_LEVEL_ERROR; least <= LOG_LEVEL_DEBUG; least++) {
		const char *path = stderr_take();
		assert_true(rc_ok(log_open("stderr", (enum log_level)least, "t")));
		log_debug("d");
		log_error("e");
		log_warn("w");
		log_info("i");
		log_debug("d");
		stderr_give(path);
		const char *text = least == LOG_LEVEL_DEBUG ? seen + strlen("t: debug: d\n") : seen;
		assert_string_equal(text, expected[least]);
	}
}

static void the_journal_gets_priorities(void **state)
{
	const char *path = stderr_take();
	struct stat st;
	char stream[64];

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	assert_true(rc_ok(log_open("stderr", LOG_LEVEL_DEBUG, "t")));
	log_error("a");
	log_warn("b");
	log_info("c");
	log_debug("d");
	stderr_give(path);
	assert_string_equal(seen, "<3>a\n<4>b\n<6>c\n<7>d\n");
}

static void a_journal_elsewhere_does_not_count(void **state)
{
	static const char *const streams[] = {"", "1:1", "nonsense", "0:0", ":"};

	(void)state;
	for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
		const char *path = stderr_take();
		setenv("JOURNAL_STREAM", streams[i], 1);
		assert_true(rc_ok(log_open("stderr", LOG_LEVEL_DEBUG, "t")));
		log_warn("b");
		stderr_give(path);
		assert_string_equal(seen, "t: warning: b\n");
	}
	unsetenv("JOURNAL_STREAM");
}

static void syslog_gets_priority_and_program(void **state)
{
	(void)state;
	assert_true(rc_ok(log_open("syslog", LOG_LEVEL_INFO, "dske-pkcs11")));
	log_warn("peer %s\nis gone: 100%%s", "bob");
	assert_int_equal(syslog_priority, 4);
	assert_string_equal(syslog_text, "dske-pkcs11: warning: peer bob?is gone: 100%s");
	log_debug("not wanted");
	assert_int_equal(syslog_priority, 4);
	assert_false(openlog_was_called);
	log_close();
}

static void files_are_private_and_appended(void **state)
{
	const char *path = scratch_path(&scratch_folder, "log");
	struct stat st;

	(void)state;
	mode_t old_mask = umask(0);
	for (int i = 0; i < 2; i++) {
		assert_true(rc_ok(log_open(path, LOG_LEVEL_INFO, "prog")));
		log_warn("line %d", i);
	}
	umask(old_mask);
	log_close();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	scratch_read(path, seen, sizeof seen);
	int year = 0, month = 0, pid = 0, n = -1, used = 0;
	assert_int_equal(sscanf(seen, "%4d-%2d-%*2dT%*2d:%*2d:%*2dZ prog[%d]: warning: line %d%n", &year, &month, &pid, &n, &used), 4);
	assert_in_range(year, 2020, 9999);
	assert_in_range(month, 1, 12);
	assert_int_equal(pid, getpid());
	assert_int_equal(n, 0);
	assert_int_equal(seen[used], '\n');
	assert_non_null(strstr(seen + used, "prog["));
	assert_non_null(strstr(seen + used, "]: warning: line 1\n"));
}

/* Some hosts close all descriptors that they do not know, and open others in their place. */
static void a_host_that_closes_descriptors(void **state)
{
	const char *ours = scratch_path(&scratch_folder, "closed.log"), *theirs = scratch_path(&scratch_folder, "host");
	struct stat st;

	(void)state;
	assert_true(rc_ok(log_open(ours, LOG_LEVEL_WARN, "test-log")));
	for (int fd = 3; fd < 32; fd++)
		close(fd);
	int other = open(theirs, O_RDWR | O_CREAT, 0600);
	for (int k = 0; k < 20; k++)
		assert_true(dup(other) > other);
	log_warn("first");
	log_warn("second");
	log_close();
	for (int k = 0; k <= 20; k++)
		assert_int_equal(close(other + k), 0);
	assert_int_equal(stat(theirs, &st), 0);
	assert_int_equal(st.st_size, 0);
	scratch_read(ours, seen, sizeof seen);
	assert_non_null(strstr(seen, "warning: first\n"));
	assert_non_null(strstr(seen, "warning: second\n"));
}

static void unusable_targets_keep_the_former(void **state)
{
	(void)state;
	const char *path = stderr_take();
	assert_true(rc_ok(log_open("stderr", LOG_LEVEL_INFO, "t")));
	dske_rc rc = log_open("relative.log", LOG_LEVEL_INFO, "u");
	assert_true(rc_is(rc, DSKE_RC_ARGS));
	assert_non_null(strstr(rc_detail(rc), "relative.log"));
	assert_true(rc_is(log_open("", LOG_LEVEL_INFO, "u"), DSKE_RC_ARGS));
	const char *absent = scratch_path(&scratch_folder, "absent/log");
	rc = log_open(absent, LOG_LEVEL_INFO, "u");
	assert_true(rc_is(rc, DSKE_RC_IO));
	assert_non_null(strstr(rc_detail(rc), absent));
	assert_true(rc_is(log_open(scratch_folder.s, LOG_LEVEL_INFO, "u"), DSKE_RC_IO));
	log_info("still here");
	stderr_give(path);
	assert_string_equal(seen, "t: info: still here\n");
}

/* Writes one text and gives back what stands in its line. */
static const char *logged(const char *text)
{
	const char *path = stderr_take();

	unsetenv("JOURNAL_STREAM");
	assert_true(rc_ok(log_open("stderr", LOG_LEVEL_INFO, "t")));
	log_info("%s", text);
	stderr_give(path);
	size_t len = strlen(seen);
	assert_true(strncmp(seen, "t: info: ", 9) == 0);
	assert_int_equal(seen[len - 1], '\n');
	seen[len - 1] = '\0';
	return seen + 9;
}

static void control_characters_are_replaced(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		char text[4] = {'a', (char)c, 'b', '\0'};
		char expected[4] = {'a', c >= 0x20 && c < 0x7F ? (char)c : '?', 'b', '\0'};
		assert_string_equal(logged(text), expected);
	}
	assert_string_equal(logged("x\nt: error: forged"), "x?t: error: forged");
	assert_string_equal(logged("\x1B[2J\r"), "?[2J?");
	assert_string_equal(logged(""), "");
}

static void good_utf8_stays_and_bad_goes(void **state)
{
	static const struct {
		const char *text, *line;
	} rows[] = {
		{"Zo\xC3\xAB \xE2\x82\xAC \xF0\x9F\x94\x91", "Zo\xC3\xAB \xE2\x82\xAC \xF0\x9F\x94\x91"},
		{"\xC2\xA0", "\xC2\xA0"},		    /* the first beyond the controls */
		{"\xC2\x9B" "31m", "?31m"},		    /* a control of Latin-1 */
		{"\xE2\x80\xA8|\xE2\x80\xA9", "?|?"},	    /* line and paragraph separator */
		{"\xE2\x80\xAE" "evil", "?evil"},	    /* right to left */
		{"\xE2\x81\xA6|\xE2\x81\xA9", "?|?"},	    /* isolates */
		{"\xE2\x80\xA7|\xE2\x80\xAF", "\xE2\x80\xA7|\xE2\x80\xAF"},
		{"\xC0\x8A", "??"},			    /* newline, overlong */
		{"\xE0\x80\x8A", "???"},
		{"\xF0\x80\x80\x8A", "????"},
		{"\xED\xA0\x80", "???"},		    /* surrogate */
		{"\xF4\x90\x80\x80", "????"},		    /* beyond Unicode */
		{"\xF8\x88\x80\x80\x80", "?????"},
		{"\xC3", "?"},
		{"\xE2\x82", "??"},
		{"\xF0\x9F\x94", "???"},
		{"\xC3\n", "??"},
		{"\x80\xBF", "??"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(logged(rows[i].text), rows[i].line);
}

static void long_texts_end_in_dots(void **state)
{
	static char text[5000];

	(void)state;
	for (size_t len = 2040; len < 2056; len++) {
		memset(text, 'y', len);
		text[len] = '\0';
		const char *line = logged(text);
		assert_int_equal(strlen(line), len < 2048 ? len : 2047);
		assert_int_equal(strcmp(line + strlen(line) - 3, "...") == 0, len >= 2048);
	}
}

static void errno_is_kept_and_quoted(void **state)
{
	const char *path = stderr_take();

	(void)state;
	assert_true(rc_ok(log_open("stderr", LOG_LEVEL_INFO, "t")));
	errno = ENOENT;
	log_info("cannot: %m");
	assert_int_equal(errno, ENOENT);
	stderr_give(path);
	assert_string_equal(seen, "t: info: cannot: No such file or directory\n");
}

static void lines_of_several_processes_stay_whole(void **state)
{
	const char *path = scratch_path(&scratch_folder, "shared");
	pid_t children[4];

	(void)state;
	assert_true(rc_ok(log_open(path, LOG_LEVEL_INFO, "p")));
	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			for (int n = 0; n < 100; n++)
				log_info("%0*d", 50 + n, 7);
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
	log_close();
	scratch_read(path, seen, sizeof seen);
	size_t lines = 0;
	for (char *rest = seen, *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; lines++) {
		const char *digits = strstr(line, "info: ");
		assert_non_null(digits);
		size_t len = strspn(digits + 6, "0");
		assert_string_equal(digits + 6 + len, "7");
	}
	assert_int_equal(lines, 400);
}

static size_t lines_in(const char *path)
{
	size_t count = 0;

	scratch_read(path, seen, sizeof seen);
	for (const char *at = seen; (at = strchr(at, '\n')) != NULL; at++)
		count++;
	return count;
}

static void gathered_lines_come_together(void **state)
{
	const char *path = scratch_path(&scratch_folder, "gathered");

	assert_true(rc_ok(log_open(path, LOG_LEVEL_INFO, "test")));
	log_gather(true);
	log_info("one");
	log_warn("two");
	assert_int_equal(lines_in(path), 0);
	log_flush();
	assert_int_equal(lines_in(path), 2);
	assert_non_null(strstr(seen, ": info: one\n"));
	assert_non_null(strstr(seen, ": warning: two\n"));
	log_flush();
	assert_int_equal(lines_in(path), 2);
	log_info("three");
	log_error("four"); /* with all before it */
	assert_int_equal(lines_in(path), 4);
	for (int i = 0; i < 1000; i++)
		log_info("%0100d", i);
	size_t there = lines_in(path);
	assert_true(there > 500 && there < 1004); /* 64 KiB are not exceeded */
	log_gather(false);
	assert_int_equal(lines_in(path), 1004);
	log_info("at once");
	assert_int_equal(lines_in(path), 1005);
	log_gather(true);
	log_info("kept");
	log_close();
	assert_int_equal(lines_in(path), 1006);
	log_gather(false);
	(void)state;
}

static void levels_have_names(void **state)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	static const char *const bad[] = {"", "Error", "warn ", "err", "trace", "0"};
	enum log_level level;

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_true(rc_ok(log_level_parse(&level, names[i])));
		assert_int_equal(level, i);
	}
	assert_true(rc_ok(log_level_parse(&level, "warning")));
	assert_int_equal(level, LOG_LEVEL_WARN);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_true(rc_is(log_level_parse(&level, bad[i]), DSKE_RC_CONFIG));
	assert_int_equal(level, LOG_LEVEL_WARN);
}

/* From 1970 to 2110, each month and each hour. */
static void times_are_told_as_the_library_does(void **state)
{
	char stamp[LOG_STAMP_LEN], wanted[LOG_STAMP_LEN];
	struct tm utc;

	(void)state;
	for (time_t t = 0; t < (time_t)86400 * 365 * 140; t += 86400 * 13 + 3677) {
		assert_non_null(gmtime_r(&t, &utc));
		assert_true(strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%SZ", &utc) > 0);
		log_stamp(stamp, t);
		assert_string_equal(stamp, wanted);
	}
	log_stamp(stamp, 951782400 + 86399);
	assert_string_equal(stamp, "2000-02-29T23:59:59Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_written_before_opening_or_after_closing),
		cmocka_unit_test(people_get_words),
		cmocka_unit_test(lesser_levels_are_left_out),
		cmocka_unit_test(the_journal_gets_priorities),
		cmocka_unit_test(a_journal_elsewhere_does_not_count),
		cmocka_unit_test(syslog_gets_priority_and_program),
		cmocka_unit_test(files_are_private_and_appended),
		cmocka_unit_test(a_host_that_closes_descriptors),
		cmocka_unit_test(unusable_targets_keep_the_former),
		cmocka_unit_test(control_characters_are_replaced),
		cmocka_unit_test(good_utf8_stays_and_bad_goes),
		cmocka_unit_test(long_texts_end_in_dots),
		cmocka_unit_test(errno_is_kept_and_quoted),
		cmocka_unit_test(lines_of_several_processes_stay_whole),
		cmocka_unit_test(gathered_lines_come_together),
		cmocka_unit_test(levels_have_names),
		cmocka_unit_test(times_are_told_as_the_library_does),
	};
	return cmocka_run_group_tests(tests, scratch_group_set_up, close_log);
}
