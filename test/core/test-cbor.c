/* SPDX-License-Identifier: Apache-2.0 */
/* core/cbor.h: what is read, what is refused, and that nothing is believed of lengths. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/cbor.h"

/* Bytes of a string literal, without its final zero. */
#define BYTES(literal) (const uint8_t *)(literal), sizeof(literal) - 1

static struct cbor_reader reader(const uint8_t *bytes, size_t len)
{
	struct cbor_reader r;

	cbor_reader_init(&r, bytes, len);
	return r;
}

static void expect_uint(uint64_t value, const uint8_t *bytes, size_t len)
{
	struct cbor_reader r = reader(bytes, len);
	uint8_t written[CBOR_HEAD_MAX];
	struct buf out;

	assert_int_equal(cbor_read_uint(&r, 0, UINT64_MAX), value);
	assert_true(rc_ok(cbor_end(&r)));
	buf_fixed(&out, written, sizeof(written));
	cbor_write_uint(&out, value);
	assert_true(rc_ok(buf_rc(&out)));
	assert_int_equal(out.len, len);
	assert_memory_equal(written, bytes, len);
}

/* Examples of RFC 8949, appendix A, and the edges of each head. */
static void integers_there_and_back(void **state)
{
	(void)state;
	expect_uint(0, BYTES("\x00"));
	expect_uint(1, BYTES("\x01"));
	expect_uint(10, BYTES("\x0a"));
	expect_uint(23, BYTES("\x17"));
	expect_uint(24, BYTES("\x18\x18"));
	expect_uint(100, BYTES("\x18\x64"));
	expect_uint(255, BYTES("\x18\xff"));
	expect_uint(256, BYTES("\x19\x01\x00"));
	expect_uint(1000, BYTES("\x19\x03\xe8"));
	expect_uint(65535, BYTES("\x19\xff\xff"));
	expect_uint(65536, BYTES("\x1a\x00\x01\x00\x00"));
	expect_uint(1000000, BYTES("\x1a\x00\x0f\x42\x40"));
	expect_uint(UINT32_MAX, BYTES("\x1a\xff\xff\xff\xff"));
	expect_uint(UINT64_C(1) << 32, BYTES("\x1b\x00\x00\x00\x01\x00\x00\x00\x00"));
	expect_uint(1000000000000, BYTES("\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00"));
	expect_uint(UINT64_MAX, BYTES("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"));
}

/* Which of the four does a reader take as the item? */
enum { AS_UINT = 1, AS_BYTES = 2, AS_TEXT = 4, AS_ARRAY = 8 };

static unsigned taken_as(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1); /* exactly as long, for the sanitizer */
	struct cbor_reader r[4];
	char text[80];
	unsigned as = 0;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	for (size_t i = 0; i < 4; i++)
		r[i] = reader(copy, len);
	cbor_read_uint(&r[0], 0, UINT64_MAX);
	cbor_read_bytes(&r[1], 0, SIZE_MAX, NULL);
	cbor_read_text(&r[2], 0, sizeof(text) - 1, text);
	cbor_read_array(&r[3], 0, 0);
	for (unsigned i = 0; i < 4; i++)
		as |= rc_ok(cbor_end(&r[i])) ? 1u << i : 0;
	free(copy);
	return as;
}

static void each_kind_is_taken_as_itself(void **state)
{
	(void)state;
	assert_int_equal(taken_as(BYTES("\x05")), AS_UINT);
	assert_int_equal(taken_as(BYTES("\x40")), AS_BYTES);
	assert_int_equal(taken_as(BYTES("\x43zyx")), AS_BYTES);
	assert_int_equal(taken_as(BYTES("\x60")), AS_TEXT);
	assert_int_equal(taken_as(BYTES("\x63zyx")), AS_TEXT);
	assert_int_equal(taken_as(BYTES("\x80")), AS_ARRAY);
}

static void the_rest_of_cbor_is_refused(void **state)
{
	(void)state;
	assert_int_equal(taken_as(BYTES("")), 0);
	assert_int_equal(taken_as(BYTES("\x20")), 0);             /* -1 */
	assert_int_equal(taken_as(BYTES("\x38\x63")), 0);         /* -100 */
	assert_int_equal(taken_as(BYTES("\x39\x03\xe7")), 0);
	assert_int_equal(taken_as(BYTES("\xa0")), 0);             /* map */
	assert_int_equal(taken_as(BYTES("\xa1\x01\x02")), 0);
	assert_int_equal(taken_as(BYTES("\xc0\x60")), 0);         /* tag */
	assert_int_equal(taken_as(BYTES("\xd8\x20\x60")), 0);
	assert_int_equal(taken_as(BYTES("\xf4")), 0);             /* false, true, null, undefined */
	assert_int_equal(taken_as(BYTES("\xf5")), 0);
	assert_int_equal(taken_as(BYTES("\xf6")), 0);
	assert_int_equal(taken_as(BYTES("\xf7")), 0);
	assert_int_equal(taken_as(BYTES("\xf0")), 0);             /* simple */
	assert_int_equal(taken_as(BYTES("\xf8\xff")), 0);
	assert_int_equal(taken_as(BYTES("\xf9\x3c\x00")), 0);     /* floats */
	assert_int_equal(taken_as(BYTES("\xfa\x47\xc3\x50\x00")), 0);
	assert_int_equal(taken_as(BYTES("\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a")), 0);
	assert_int_equal(taken_as(BYTES("\x5f\x41\x00\xff")), 0); /* indefinite lengths */
	assert_int_equal(taken_as(BYTES("\x7f\x61\x61\xff")), 0);
	assert_int_equal(taken_as(BYTES("\x9f\xff")), 0);
	assert_int_equal(taken_as(BYTES("\xbf\xff")), 0);
	assert_int_equal(taken_as(BYTES("\xff")), 0);             /* break */
	assert_int_equal(taken_as(BYTES("\x1c")), 0);             /* reserved */
	assert_int_equal(taken_as(BYTES("\x5d")), 0);
	assert_int_equal(taken_as(BYTES("\xfc")), 0);
}

/* RFC 8949, 4.2.1. */
static void longer_heads_are_refused(void **state)
{
	(void)state;
	assert_int_equal(taken_as(BYTES("\x18\x17")), 0);
	assert_int_equal(taken_as(BYTES("\x19\x00\xff")), 0);
	assert_int_equal(taken_as(BYTES("\x1a\x00\x00\xff\xff")), 0);
	assert_int_equal(taken_as(BYTES("\x1b\x00\x00\x00\x00\xff\xff\xff\xff")), 0);
	assert_int_equal(taken_as(BYTES("\x58\x00")), 0);
	assert_int_equal(taken_as(BYTES("\x58\x01" "a")), 0);
	assert_int_equal(taken_as(BYTES("\x59\x00\x01" "a")), 0);
	assert_int_equal(taken_as(BYTES("\x5b\x00\x00\x00\x00\x00\x00\x00\x01" "a")), 0);
	assert_int_equal(taken_as(BYTES("\x78\x01" "a")), 0);
	assert_int_equal(taken_as(BYTES("\x98\x00")), 0);
	assert_int_equal(taken_as(BYTES("\x9b\x00\x00\x00\x00\x00\x00\x00\x00")), 0);
}

/* Every item of up to three bytes: at most one reading, and only with a shortest head. */
static void all_short_inputs(void **state)
{
	size_t taken = 0;

	(void)state;
	for (unsigned v = 0; v < 1u << 16; v++) {
		const uint8_t bytes[2] = {(uint8_t)(v >> 8), (uint8_t)v};
		unsigned as = taken_as(bytes, 2);
		unsigned expected = 0;

		if (bytes[0] == 0x18 && bytes[1] >= 24)
			expected = AS_UINT;
		else if (bytes[0] == 0x41)
			expected = AS_BYTES;
		else if (bytes[0] == 0x61 && bytes[1] >= 0x20 && bytes[1] < 0x7f)
			expected = AS_TEXT;
		assert_int_equal(as, expected);
		taken += as != 0;
	}
	assert_int_equal(taken, 232 + 256 + 95);
}

/* Lengths that are not there: refused, and nothing is read or allocated for them. */
static void hostile_lengths_are_refused(void **state)
{
	static const uint8_t heads[] = {0x5a, 0x5b, 0x7a, 0x7b, 0x9a, 0x9b, 0xba, 0xbb};
	uint8_t bytes[CBOR_HEAD_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(heads); i++) {
		for (unsigned fill = 0x7f; fill <= 0xff; fill += 0x80) {
			memset(bytes, 0xff, sizeof(bytes));
			bytes[0] = heads[i];
			bytes[1] = (uint8_t)fill;
			assert_int_equal(taken_as(bytes, heads[i] % 2 ? 9 : 5), 0);
		}
	}
}

static void ranges_are_held(void **state)
{
	(void)state;
	for (uint64_t v = 0; v < 30; v++) {
		uint8_t bytes[32] = {0};
		struct buf out;
		struct cbor_reader r;
		size_t len;

		buf_fixed(&out, bytes, sizeof(bytes));
		cbor_write_uint(&out, v);
		r = reader(bytes, out.len);
		assert_int_equal(cbor_read_uint(&r, 7, 25), v >= 7 && v <= 25 ? v : 0);
		assert_int_equal(rc_ok(cbor_end(&r)), v >= 7 && v <= 25);

		buf_reset(&out);
		cbor_write_bytes(&out, "abcdefghijklmnopqrstuvwxyz0123", (size_t)v);
		r = reader(bytes, out.len);
		assert_int_equal(cbor_read_bytes(&r, 3, 20, &len) != NULL, v >= 3 && v <= 20);
		assert_int_equal(len, v >= 3 && v <= 20 ? v : 0);
	}
}

static void text_is_printable_ascii(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		const uint8_t bytes[4] = {0x63, 'a', (uint8_t)c, 'b'};
		struct cbor_reader r = reader(bytes, 4);
		char text[4];

		cbor_read_text(&r, 0, 3, text);
		bool good = c >= 0x20 && c < 0x7f;
		assert_int_equal(rc_ok(cbor_end(&r)), good);
		assert_int_equal(strlen(text), good ? 3 : 0);
	}
}

static void nest(uint8_t *bytes, size_t depth)
{
	memset(bytes, 0x81, depth);
	bytes[depth] = 0;
}

static void depth_is_bounded(void **state)
{
	uint8_t bytes[16];

	(void)state;
	for (size_t depth = 0; depth < 10; depth++) {
		nest(bytes, depth);
		struct cbor_reader r = reader(bytes, depth + 1);
		for (size_t i = 0; i < depth; i++)
			cbor_read_array(&r, 1, 1);
		cbor_read_uint(&r, 0, 0);
		assert_int_equal(rc_ok(cbor_end(&r)), depth <= CBOR_DEPTH_MAX);
	}
	struct cbor_reader r = reader(BYTES("\x81\x81\x81\x81\x80")); /* empty, but a fifth */
	for (size_t i = 0; i < 5; i++)
		cbor_read_array(&r, 0, 1);
	assert_true(rc_is(cbor_end(&r), DSKE_RC_FORMAT));
}

static void arrays_close_after_their_last_item(void **state)
{
	/* [1, [2, []], [3], 4] 5: two items, which a caller may want one by one */
	struct cbor_reader r = reader(BYTES("\x84\x01\x82\x02\x80\x81\x03\x04\x05"));

	(void)state;
	assert_int_equal(cbor_read_array(&r, 4, 4), 4);
	assert_int_equal(cbor_read_uint(&r, 0, 9), 1);
	assert_int_equal(cbor_read_array(&r, 2, 2), 2);
	assert_int_equal(cbor_read_uint(&r, 0, 9), 2);
	assert_int_equal(cbor_read_array(&r, 0, 2), 0);
	assert_int_equal(r.depth, 1);
	assert_int_equal(cbor_read_array(&r, 1, 1), 1);
	assert_int_equal(cbor_read_uint(&r, 0, 9), 3);
	assert_int_equal(r.depth, 1);
	assert_int_equal(cbor_read_uint(&r, 0, 9), 4);
	assert_int_equal(r.depth, 0);
	assert_int_equal(cbor_read_uint(&r, 0, 9), 5);
	assert_true(rc_ok(cbor_end(&r)));
}

static void ends_are_checked(void **state)
{
	(void)state;
	struct cbor_reader r = reader(BYTES("\x82\x01"));
	cbor_read_array(&r, 2, 2);
	cbor_read_uint(&r, 0, 9);
	assert_true(rc_is(cbor_end(&r), DSKE_RC_FORMAT)); /* an item is missing */

	r = reader(BYTES("\x82\x01\x02"));
	cbor_read_array(&r, 2, 2);
	cbor_read_uint(&r, 0, 9);
	assert_true(rc_is(cbor_end(&r), DSKE_RC_FORMAT)); /* one was not asked for */

	r = reader(BYTES("\x01\x00"));
	cbor_read_uint(&r, 0, 9);
	assert_true(rc_is(cbor_end(&r), DSKE_RC_FORMAT)); /* one follows */
}

/* The first failure stays, and nothing behind it is read. */
static void failures_stick(void **state)
{
	struct cbor_reader r = reader(BYTES("\x01\x20\x02"));
	struct id id;
	char text[4] = "abc";
	size_t len = 7;

	(void)state;
	memset(&id, 0xff, sizeof(id));
	assert_int_equal(cbor_read_uint(&r, 0, 9), 1);
	assert_int_equal(cbor_read_uint(&r, 0, 9), 0);
	assert_int_equal(r.at, 1);
	assert_int_equal(cbor_read_uint(&r, 0, 9), 0);
	assert_null(cbor_read_bytes(&r, 0, 9, &len));
	assert_int_equal(len, 0);
	cbor_read_text(&r, 0, 3, text);
	assert_string_equal(text, "");
	cbor_read_id(&r, &id);
	assert_true(id_is_zero(&id));
	assert_int_equal(cbor_read_array(&r, 0, 9), 0);
	cbor_refuse(&r, "something else");
	dske_rc rc = cbor_end(&r);
	assert_true(rc_is(rc, DSKE_RC_FORMAT));
	assert_non_null(strstr(rc_detail(rc), "unsigned integer"));
	assert_int_equal(r.at, 1);
}

static void writers_and_readers_agree(void **state)
{
	uint8_t bytes[512];
	uint8_t content[300];
	struct buf out;
	struct id id = {{1, 2, 3}}, id_back;
	char text[64];
	size_t len;

	(void)state;
	memset(content, 0xab, sizeof(content));
	buf_fixed(&out, bytes, sizeof(bytes));
	cbor_write_array(&out, 4);
	cbor_write_id(&out, &id);
	cbor_write_text(&out, "hub-1.example");
	cbor_write_bytes(&out, content, sizeof(content));
	cbor_write_bytes(&out, NULL, 0);
	assert_true(rc_ok(buf_rc(&out)));
	struct cbor_reader r = reader(bytes, out.len);
	cbor_read_array(&r, 4, 4);
	cbor_read_id(&r, &id_back);
	cbor_read_text(&r, 1, 63, text);
	const uint8_t *back = cbor_read_bytes(&r, 0, 300, &len);
	assert_int_equal(len, sizeof(content));
	assert_memory_equal(back, content, len);
	assert_true(back > bytes && back < bytes + sizeof(bytes)); /* borrowed */
	assert_non_null(cbor_read_bytes(&r, 0, 0, &len));
	assert_true(rc_ok(cbor_end(&r)));
	assert_true(id_equal(&id, &id_back));
	assert_string_equal(text, "hub-1.example");
}

static void a_full_buffer_is_told(void **state)
{
	uint8_t bytes[8];
	struct buf out;

	(void)state;
	buf_fixed(&out, bytes, sizeof(bytes));
	cbor_write_bytes(&out, "12345678", 8);
	assert_true(rc_is(buf_rc(&out), DSKE_RC_TOOBIG));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_there_and_back),
		cmocka_unit_test(each_kind_is_taken_as_itself),
		cmocka_unit_test(the_rest_of_cbor_is_refused),
		cmocka_unit_test(longer_heads_are_refused),
		cmocka_unit_test(all_short_inputs),
		cmocka_unit_test(hostile_lengths_are_refused),
		cmocka_unit_test(ranges_are_held),
		cmocka_unit_test(text_is_printable_ascii),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(arrays_close_after_their_last_item),
		cmocka_unit_test(ends_are_checked),
		cmocka_unit_test(failures_stick),
		cmocka_unit_test(writers_and_readers_agree),
		cmocka_unit_test(a_full_buffer_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
