/* SPDX-License-Identifier: Apache-2.0 */
/* base/id.h: IDs, hexadecimal text, names. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/id.h"

static const char sample_text[] = "000102030405060708090a0b0c0dfeff";
static const struct id sample = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xFE, 0xFF}};

static void id_goes_to_text_and_back(void **state)
{
	char text[ID_HEX_LEN];
	struct id id;

	(void)state;
	assert_ptr_equal(id_hex(&sample, text), text);
	assert_string_equal(text, sample_text);
	assert_true(rc_ok(id_parse(&id, text)));
	assert_true(id_equal(&id, &sample));
	assert_true(rc_ok(id_parse(&id, "000102030405060708090A0B0C0DFEFF")));
	assert_true(id_equal(&id, &sample));
}

static void every_byte_goes_to_text_and_back(void **state)
{
	uint8_t bytes[256], back[256];
	char text[513];

	(void)state;
	for (size_t i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	hex_encode(text, bytes, sizeof bytes);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(&text[0x9A * 2], "9a", 2);
	assert_true(rc_ok(hex_decode(back, sizeof back, text)));
	assert_memory_equal(bytes, back, sizeof bytes);
}

static void id_of_another_length_is_refused(void **state)
{
	char text[64];
	struct id id = sample;

	(void)state;
	for (size_t len = 0; len < 60; len++) {
		memset(text, 'a', len);
		text[len] = '\0';
		dske_rc rc = id_parse(&id, text);
		if (len == 32) {
			assert_true(rc_ok(rc));
			id = sample;
			continue;
		}
		assert_true(rc_is(rc, DSKE_RC_FORMAT));
		assert_non_null(strstr(rc_detail(rc), "32 hexadecimal digits"));
		assert_true(id_equal(&id, &sample));
	}
}

static void only_hexadecimal_digits_are_read(void **state)
{
	(void)state;
	for (size_t at = 0; at < 32; at++) {
		for (int c = 1; c < 256; c++) {
			char text[sizeof sample_text];
			struct id id;
			bool digit = strchr("0123456789abcdefABCDEF", c) != NULL;
			memcpy(text, sample_text, sizeof text);
			text[at] = (char)c;
			assert_int_equal(rc_ok(id_parse(&id, text)), digit);
		}
	}
}

static void no_bytes_is_the_empty_text(void **state)
{
	char text[1] = "x";

	(void)state;
	hex_encode(text, NULL, 0);
	assert_string_equal(text, "");
	assert_true(rc_ok(hex_decode(NULL, 0, "")));
	assert_false(rc_ok(hex_decode(NULL, 0, "00")));
}

static void ids_compare_from_the_first_byte(void **state)
{
	struct id other;

	(void)state;
	assert_int_equal(id_compare(&sample, &sample), 0);
	for (size_t i = 0; i < ID_LEN; i++) {
		other = sample;
		other.b[i] ^= 0x80;
		assert_false(id_equal(&sample, &other));
		assert_int_equal(id_compare(&other, &sample) > 0, other.b[i] > sample.b[i]);
		assert_int_equal(id_compare(&sample, &other) > 0, other.b[i] < sample.b[i]);
	}
	const struct id low = {{1, 255}}, high = {{2, 0}};
	assert_true(id_compare(&low, &high) < 0);
}

static void only_zero_is_zero(void **state)
{
	(void)state;
	assert_true(id_is_zero(&(struct id){0}));
	for (size_t bit = 0; bit < 8 * ID_LEN; bit++) {
		struct id id = {0};
		id.b[bit / 8] = (uint8_t)(1u << bit % 8);
		assert_false(id_is_zero(&id));
	}
}

static void random_ids_differ(void **state)
{
	struct id a = {0}, b = {0};

	(void)state;
	assert_true(rc_ok(id_random(&a)));
	assert_true(rc_ok(id_random(&b)));
	assert_false(id_is_zero(&a));
	assert_false(id_equal(&a, &b));
}

static void names_are_checked(void **state)
{
	static const char *const good[] = {"a", "Z", "0", "alice", "hub-1", "a.b_c-d", "9lives", "a..b"};
	static const char *const bad[] = {"",	   ".",	      "..",    "-a",   "_a",	".hidden", "a b", "a/b", "../a",
					  "a\nb",  "a\tb",    "a\x7F", "a:b",  "a=b",	"n\xC3\xAF",  "a]",  "a\\", " a",
					  "a "};
	char text[80];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(name_check(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(name_check(bad[i]));
	for (size_t len = 1; len < 80; len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		assert_int_equal(name_check(text), len <= NAME_MAX_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(id_goes_to_text_and_back),
		cmocka_unit_test(every_byte_goes_to_text_and_back),
		cmocka_unit_test(id_of_another_length_is_refused),
		cmocka_unit_test(only_hexadecimal_digits_are_read),
		cmocka_unit_test(no_bytes_is_the_empty_text),
		cmocka_unit_test(ids_compare_from_the_first_byte),
		cmocka_unit_test(only_zero_is_zero),
		cmocka_unit_test(random_ids_differ),
		cmocka_unit_test(names_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
