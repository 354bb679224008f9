/* SPDX-License-Identifier: Apache-2.0 */
/* base/buf.h: appending, limits, and failures that stick. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void put_writes_in_order(void **state)
{
	static const uint8_t expected[] = {'a', 'b', 7, 0x01, 0x02, 0x03, 0xFE};
	uint8_t memory[16];
	struct buf b;

	(void)state;
	buf_fixed(&b, memory, sizeof memory);
	buf_put(&b, "ab", 2);
	buf_put_u8(&b, 7);
	buf_put_be32(&b, 0x010203FE);
	assert_true(rc_ok(buf_rc(&b)));
	assert_int_equal(b.len, sizeof expected);
	assert_ptr_equal(b.data, memory);
	assert_memory_equal(b.data, expected, sizeof expected);
}

static void fixed_takes_its_capacity_and_no_more(void **state)
{
	uint8_t memory[9];

	(void)state;
	for (size_t len = 0; len <= 9; len++) {
		struct buf b;
		memset(memory, 0xEE, sizeof memory);
		buf_fixed(&b, memory, 8);
		buf_put(&b, "123456789", len);
		assert_int_equal(rc_ok(buf_rc(&b)), len <= 8);
		assert_int_equal(b.len, len <= 8 ? len : 0);
		assert_int_equal(memory[8], 0xEE);
	}
}

static void failure_sticks(void **state)
{
	uint8_t memory[4];
	struct buf b;

	(void)state;
	buf_fixed(&b, memory, sizeof memory);
	buf_put_u8(&b, 1);
	buf_put(&b, "12345", 5);
	buf_put_u8(&b, 2); /* would fit, but a hole in the middle must not pass */
	assert_null(buf_grow(&b, 1));
	assert_null(buf_grow(&b, 0));
	assert_int_equal(b.len, 1);
	assert_true(rc_is(buf_rc(&b), DSKE_RC_TOOBIG));
	buf_reset(&b);
	buf_put_u8(&b, 2);
	assert_true(rc_ok(buf_rc(&b)));
	assert_int_equal(b.len, 1);
}

static void lengths_do_not_wrap(void **state)
{
	uint8_t memory[4];
	struct buf b;

	(void)state;
	buf_fixed(&b, memory, sizeof memory);
	buf_put_u8(&b, 1);
	assert_null(buf_grow(&b, SIZE_MAX));
	assert_true(rc_is(buf_rc(&b), DSKE_RC_TOOBIG));
	buf_heap(&b, SIZE_MAX);
	buf_put_u8(&b, 1);
	assert_null(buf_grow(&b, SIZE_MAX));
	assert_true(rc_is(buf_rc(&b), DSKE_RC_TOOBIG));
	buf_drop(&b);
}

static void heap_grows_to_its_limit(void **state)
{
	const size_t limits[] = {0, 1, 63, 64, 65, 1000, 4096};

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		AUTO(buf) b;
		buf_heap(&b, limits[i]);
		for (size_t n = 0; n < limits[i]; n++)
			buf_put_u8(&b, (uint8_t)n);
		assert_true(rc_ok(buf_rc(&b)));
		assert_int_equal(b.len, limits[i]);
		assert_in_range(b.cap, limits[i], limits[i]);
		for (size_t n = 0; n < limits[i]; n++)
			assert_int_equal(b.data[n], (uint8_t)n);
		buf_put_u8(&b, 0);
		assert_true(rc_is(buf_rc(&b), DSKE_RC_TOOBIG));
		assert_int_equal(b.len, limits[i]);
	}
}

static void heap_does_not_allocate_its_limit_at_once(void **state)
{
	AUTO(buf) b;

	(void)state;
	buf_heap(&b, SIZE_MAX / 2);
	buf_put_u8(&b, 1);
	assert_true(rc_ok(buf_rc(&b)));
	assert_in_range(b.cap, 1, 4096);
}

/* The sanitizers' allocators end the program at such sizes unless they are told otherwise. */
#define EXPORTED __attribute__((visibility("default")))
EXPORTED const char *__asan_default_options(void);
EXPORTED const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

EXPORTED const char *__msan_default_options(void);
EXPORTED const char *__msan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void no_memory_is_a_failure(void **state)
{
	AUTO(buf) b;

	(void)state;
	buf_heap(&b, SIZE_MAX);
	assert_null(buf_grow(&b, SIZE_MAX / 2 - 4096));
	assert_true(rc_is(buf_rc(&b), DSKE_RC_NOMEM));
	assert_int_equal(b.len, 0);
}

static void grown_room_is_counted(void **state)
{
	AUTO(buf) b;

	(void)state;
	buf_heap(&b, 1000);
	uint8_t *room = buf_grow(&b, 500);
	assert_non_null(room);
	memset(room, 5, 500);
	buf_put_u8(&b, 6);
	assert_int_equal(b.len, 501);
	assert_int_equal(b.data[499], 5);
	assert_int_equal(b.data[500], 6);
	assert_non_null(buf_grow(&b, 0));
}

static void nothing_needs_no_pointer(void **state)
{
	struct buf b;

	(void)state;
	buf_heap(&b, 10);
	buf_put(&b, NULL, 0);
	buf_consume(&b, 0);
	assert_true(rc_ok(buf_rc(&b)));
	assert_int_equal(b.len, 0);
	buf_drop(&b);
}

static void consume_moves_the_rest_and_wipes(void **state)
{
	uint8_t memory[8];
	struct buf b;

	(void)state;
	for (size_t n = 0; n <= 6; n++) {
		buf_fixed(&b, memory, sizeof memory);
		buf_put(&b, "abcdef", 6);
		buf_consume(&b, n);
		assert_int_equal(b.len, 6 - n);
		assert_memory_equal(b.data, &"abcdef"[n], 6 - n);
		for (size_t i = b.len; i < 6; i++)
			assert_int_equal(memory[i], 0);
	}
}

static void drop_wipes_and_may_be_repeated(void **state)
{
	uint8_t memory[8];
	static const uint8_t zeros[8];
	struct buf b;

	(void)state;
	buf_fixed(&b, memory, sizeof memory);
	buf_put(&b, "secrets!", 8);
	buf_reset(&b); /* even what is no longer counted */
	buf_drop(&b);
	assert_memory_equal(memory, zeros, sizeof zeros);
	assert_null(b.data);
	buf_drop(&b);
	b = (struct buf){0};
	buf_put_u8(&b, 1);
	assert_true(rc_is(buf_rc(&b), DSKE_RC_TOOBIG));
	buf_drop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(put_writes_in_order),
		cmocka_unit_test(fixed_takes_its_capacity_and_no_more),
		cmocka_unit_test(failure_sticks),
		cmocka_unit_test(lengths_do_not_wrap),
		cmocka_unit_test(heap_grows_to_its_limit),
		cmocka_unit_test(heap_does_not_allocate_its_limit_at_once),
		cmocka_unit_test(no_memory_is_a_failure),
		cmocka_unit_test(grown_room_is_counted),
		cmocka_unit_test(nothing_needs_no_pointer),
		cmocka_unit_test(consume_moves_the_rest_and_wipes),
		cmocka_unit_test(drop_wipes_and_may_be_repeated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
