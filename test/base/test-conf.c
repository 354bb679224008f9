/* SPDX-License-Identifier: Apache-2.0 */
/* base/conf.h: what a configuration file may look like, and the sentence for what it may not. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/conf.h"
#include "test/lib/scratch.h"

/* Writes each setting as "section|name|key|value\n". */
static dske_rc collect(void *context, const char *section, const char *name, const char *key, const char *value)
{
	struct buf *all = context;
	char row[1024];
	int len = snprintf(row, sizeof row, "%s|%s|%s|%s\n", section, name, key, value);

	assert_in_range(len, 0, sizeof row - 1);
	buf_put(all, row, (size_t)len);
	return DSKE_OK;
}

static dske_rc read_bytes(char *out, size_t cap, const void *bytes, size_t len)
{
	AUTO(buf) all;
	const char *path = scratch_write(&scratch_folder, "conf", bytes, len);

	buf_fixed(&all, out, cap);
	dske_rc rc = conf_read(path, collect, &all);
	buf_put_u8(&all, 0);
	assert_true(rc_ok(buf_rc(&all)));
	all = (struct buf){0}; /* the caller wants the bytes */
	return rc;
}

static void assert_reads(const char *text, const char *expected)
{
	char out[4096];

	assert_true(rc_ok(read_bytes(out, sizeof out, text, strlen(text))));
	assert_string_equal(out, expected);
}

static void assert_refused(const char *text, unsigned line, const char *because)
{
	char out[4096];
	char place[64];

	dske_rc rc = read_bytes(out, sizeof out, text, strlen(text));
	assert_true(rc_is(rc, DSKE_RC_CONFIG));
	snprintf(place, sizeof place, "/conf:%u: ", line);
	const char *at = strstr(rc_detail(rc), place);
	if (at == NULL || strstr(at, because) == NULL)
		fail_msg("expected %s...%s, got %s", place, because, rc_detail(rc));
}

static void sections_and_settings_are_read(void **state)
{
	(void)state;
	assert_reads("top = 1\n[client]\nname = alice\n[hub hub1]\naddress=127.0.0.1:7000\n[hub   hub-2 ]\na = \n",
		     "||top|1\nclient||name|alice\nhub|hub1|address|127.0.0.1:7000\nhub|hub-2|a|\n");
}

static void blanks_and_line_ends_do_not_matter(void **state)
{
	(void)state;
	assert_reads("", "");
	assert_reads("\n\n  \t\n", "");
	assert_reads("[a]\r\n\t key\t=  two words \r\n", "a||key|two words\n");
	assert_reads("[a]\nlast = without newline", "a||last|without newline\n");
	assert_reads(" [ a  b ] \nk=v", "a|b|k|v\n");
	assert_reads("\xEF\xBB\xBF[a]\nk=\xC3\xA4\n", "a||k|\xC3\xA4\n");
}

static void indented_settings_are_settings(void **state)
{
	(void)state;
	assert_reads("[a]\nk = 1\n    l = 2\n\tm = 3\n", "a||k|1\na||l|2\na||m|3\n");
}

static void comments_begin_a_line_or_follow_a_blank(void **state)
{
	(void)state;
	assert_reads("; one\n# two\n  # three\n[a] ; four\nk = v # five\nl = v ; six\nm = ; seven\n",
		     "a||k|v\na||l|v\na||m|\n");
	assert_reads("[a]\nk = a#b;c\nl = #8\n", "a||k|a#b;c\na||l|\n");
}

static void values_may_hold_signs_of_the_syntax(void **state)
{
	(void)state;
	assert_reads("[a]\nk = x = y\nl = [::1]:7000\nm = pkcs11:token=x\n", "a||k|x = y\na||l|[::1]:7000\na||m|pkcs11:token=x\n");
}

static void long_values_are_not_cut(void **state)
{
	char text[1000], expected[1000];

	(void)state;
	for (int len = 1; len < 900; len += 7) {
		snprintf(text, sizeof text, "[a]\nk = %0*d\nl = 1\n", len, 0);
		snprintf(expected, sizeof expected, "a||k|%0*d\na||l|1\n", len, 0);
		assert_reads(text, expected);
	}
}

static void sections_have_a_limit(void **state)
{
	char text[400];

	(void)state;
	for (int len = 1; len < 300; len++) {
		char out[400];
		snprintf(text, sizeof text, "[%0*d]\nk = 1\n", len, 0);
		dske_rc rc = read_bytes(out, sizeof out, text, strlen(text));
		assert_int_equal(rc.code, len < 128 ? DSKE_RC_OK : DSKE_RC_CONFIG);
		if (len < 128)
			assert_int_equal(strlen(out), (size_t)len + strlen("||k|1\n"));
	}
}

static void malformed_lines_are_named(void **state)
{
	(void)state;
	assert_refused("[a]\n\nk = 1\nnonsense\n", 4, "'nonsense'");
	assert_refused("[a\n", 1, "']'");
	assert_refused("[a] k = 1\n", 1, "']'");
	assert_refused("\n[]\n", 2, "[section NAME]");
	assert_refused("[ ]\n", 1, "[section NAME]");
	assert_refused("[a b c]\n", 1, "[section NAME]");
	assert_refused("[[a]]\n", 1, "[section NAME]");
	assert_refused("[a [b]]\n", 1, "[section NAME]");
	assert_refused("[\n", 1, "']'");
	assert_refused("[a]\n= 1\n", 2, "before the '='");
	assert_refused("[a]\ntwo words = 1\n", 2, "before the '='");
	assert_refused("[a]\n# fine\nk = \x01\n", 3, "control character");
	assert_refused("[a]\nk = \x1B[31m\n", 2, "control character");
	assert_refused("k = a\rb\n", 1, "control character");
	assert_refused("k = \x7F\n", 1, "control character");
}

static void zero_bytes_are_refused(void **state)
{
	char out[256];

	(void)state;
	for (size_t at = 0; at < 12; at++) {
		char text[] = "[a]\nkey = 1\n";
		text[at] = '\0';
		dske_rc rc = read_bytes(out, sizeof out, text, 12);
		assert_true(rc_is(rc, DSKE_RC_CONFIG));
		assert_non_null(strstr(rc_detail(rc), "zero byte"));
	}
}

static void any_bytes_end_in_success_or_a_sentence(void **state)
{
	static const char alphabet[] = "[]= \t\n;#ab\r\"'\\\xC3";
	uint32_t seed = 7;
	char text[40], out[4096];

	(void)state;
	for (int round = 0; round < 3000; round++) {
		size_t len = (size_t)round % sizeof text;
		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
		}
		dske_rc rc = read_bytes(out, sizeof out, text, len);
		assert_true(rc_ok(rc) || (rc_is(rc, DSKE_RC_CONFIG) && strstr(rc_detail(rc), "/conf:") != NULL));
	}
}

static void missing_and_oversized_files_are_told(void **state)
{
	static char big[(1 << 20) + 1];
	struct buf none = {0};

	(void)state;
	dske_rc rc = conf_read(scratch_path(&scratch_folder, "absent"), collect, &none);
	assert_true(rc_is(rc, DSKE_RC_NOT_FOUND));
	assert_non_null(strstr(rc_detail(rc), "/absent"));
	memset(big, '\n', sizeof big);
	rc = conf_read(scratch_write(&scratch_folder, "big", big, sizeof big), collect, &none);
	assert_true(rc_is(rc, DSKE_RC_CONFIG));
	assert_true(rc_ok(conf_read(scratch_write(&scratch_folder, "big2", big, sizeof big - 1), collect, &none)));
	assert_true(rc_is(conf_read(scratch_folder.s, collect, &none), DSKE_RC_IO));
}

static dske_rc refuse_second(void *context, const char *section, const char *name, const char *key, const char *value)
{
	int *calls = context;

	(void)name;
	(void)value;
	if (++*calls == 2)
		return conf_unknown(section, key);
	return DSKE_OK;
}

static void handlers_stop_the_reading(void **state)
{
	const char text[] = "[hub h]\na = 1\n\nfrist = 2\nc = 3\n";
	const char *path = scratch_write(&scratch_folder, "stop", text, strlen(text));
	int calls = 0;
	char expected[4200];

	(void)state;
	dske_rc rc = conf_read(path, refuse_second, &calls);
	assert_true(rc_is(rc, DSKE_RC_CONFIG));
	assert_int_equal(calls, 2);
	snprintf(expected, sizeof expected, "%s:4: section [hub] has no setting frist", path);
	assert_string_equal(rc_detail(rc), expected);
	rc = conf_unknown("", "k");
	assert_true(rc_is(rc, DSKE_RC_CONFIG));
	assert_non_null(strstr(rc_detail(rc), "before any [section]"));
}

static void assert_names(dske_rc rc, const char *key, const char *value)
{
	assert_true(rc_is(rc, DSKE_RC_CONFIG));
	assert_non_null(strstr(rc_detail(rc), key));
	assert_non_null(strstr(rc_detail(rc), value));
}

static void whole_numbers_are_read(void **state)
{
	static const char *const bad[] = {"", " ", "-1", "+1", "1x", "x", "0x10", "1 ", " 1", "1.5", "18446744073709551616",
					  "99999999999999999999999"};
	uint64_t v = 77;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_names(conf_uint(&v, "port", bad[i], 0, UINT64_MAX), "port", bad[i]);
		assert_int_equal(v, 77);
	}
	assert_true(rc_ok(conf_uint(&v, "n", "18446744073709551615", 0, UINT64_MAX)));
	assert_true(v == UINT64_MAX);
	assert_true(rc_ok(conf_uint(&v, "n", "007", 7, 7)));
	assert_int_equal(v, 7);
	assert_names(conf_uint(&v, "n", "6", 7, 9), "n = 6", "from 7 to 9");
	assert_names(conf_uint(&v, "n", "10", 7, 9), "n = 10", "from 7 to 9");
	assert_true(rc_ok(conf_uint(&v, "n", "9", 7, 9)));
}

static void ranges_are_read(void **state)
{
	static const struct {
		const char *text;
		unsigned least, most;
	} good[] = {{"3..9", 3, 9}, {"5", 5, 5}, {"3..", 3, 20}, {"1..20", 1, 20}};
	static const char *const bad[] = {"", "..", "..9", "0..9", "3..21", "9..3", "3.9", "3...9", "3..9x", "3 .. 9", "x", "3..99999999999999999999"};
	struct conf_range r = {0};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(rc_ok(conf_range(&r, "n", good[i].text, 1, 20)));
		assert_int_equal(r.least, good[i].least);
		assert_int_equal(r.most, good[i].most);
		assert_true(conf_range_has(&r, r.least) && conf_range_has(&r, r.most));
		assert_false(conf_range_has(&r, r.least - 1) || conf_range_has(&r, r.most + 1));
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_names(conf_range(&r, "n", bad[i], 1, 20), "n = ", "from 1 to 20");
}

static void yes_and_no_are_read(void **state)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};
	static const char *const bad[] = {"", "Yes ", "maybe", "2", "y", "yess", "ye"};
	bool v;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		v = false;
		assert_true(rc_ok(conf_bool(&v, "k", yes[i])) && v);
		v = true;
		assert_true(rc_ok(conf_bool(&v, "k", no[i])) && !v);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_names(conf_bool(&v, "k", bad[i]), "k = ", bad[i]);
}

static void texts_fit_or_are_refused(void **state)
{
	char out[6] = "kept";

	(void)state;
	assert_names(conf_text(out, sizeof out, "name", ""), "name", "empty");
	assert_names(conf_text(out, sizeof out, "name", "123456"), "name", "123456");
	assert_string_equal(out, "kept");
	assert_true(rc_ok(conf_text(out, sizeof out, "name", "12345")));
	assert_string_equal(out, "12345");
}

static void sizes_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {{"0", 0},
		    {"4096", 4096},
		    {"64K", 65536},
		    {"16M", 16777216},
		    {"2G", UINT64_C(2147483648)},
		    {"1T", UINT64_C(1099511627776)},
		    {"9223372036854775807", INT64_MAX},
		    {"8388607T", UINT64_C(8388607) << 40}};
	static const char *const bad[] = {"",  "K",	"1k",  "1KB", "1KiB", "-1",	       "1.5M",
					  "1 M", "1MM", "0x1", "1P",  "8388608T", "9223372036854775808"};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(rc_ok(conf_size(&v, "k", good[i].text)));
		assert_true(v == good[i].bytes);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_names(conf_size(&v, "size", bad[i]), "size = ", bad[i]);
}

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"0", 0},	    {"500ms", 500},    {"10s", 10000},	  {"10", 10000},
		    {"2m", 120000}, {"1h", 3600000}, {"7d", 604800000}, {"9223372036854775807ms", INT64_MAX}};
	static const char *const bad[] = {"",	"s",  "ms",  "-1s", "1.5s", "1 s", "1S", "1w", "1sec", "9223372036854775808ms",
					  "9223372036854776s", "106751991168d"};
	int64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_true(rc_ok(conf_duration_ms(&v, "k", good[i].text)));
		assert_true(v == good[i].ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_names(conf_duration_ms(&v, "wait", bad[i]), "wait = ", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_and_settings_are_read),
		cmocka_unit_test(blanks_and_line_ends_do_not_matter),
		cmocka_unit_test(indented_settings_are_settings),
		cmocka_unit_test(comments_begin_a_line_or_follow_a_blank),
		cmocka_unit_test(values_may_hold_signs_of_the_syntax),
		cmocka_unit_test(long_values_are_not_cut),
		cmocka_unit_test(sections_have_a_limit),
		cmocka_unit_test(malformed_lines_are_named),
		cmocka_unit_test(zero_bytes_are_refused),
		cmocka_unit_test(any_bytes_end_in_success_or_a_sentence),
		cmocka_unit_test(missing_and_oversized_files_are_told),
		cmocka_unit_test(handlers_stop_the_reading),
		cmocka_unit_test(whole_numbers_are_read),
		cmocka_unit_test(ranges_are_read),
		cmocka_unit_test(yes_and_no_are_read),
		cmocka_unit_test(texts_fit_or_are_refused),
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(durations_are_read),
	};
	return cmocka_run_group_tests(tests, scratch_group_set_up, scratch_group_tear_down);
}
