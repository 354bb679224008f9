/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-layout.c - the split of a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/layout.h"
#include "test/core/seeded.h"

static uint64_t region_len(const struct layout *l, enum region region)
{
	return l->region[region].end - l->region[region].start;
}

static void check_split(uint64_t len)
{
	struct layout l;
	uint64_t chunks = (len + TABLE_CHUNK_LEN - 1) / TABLE_CHUNK_LEN, at = 0;

	assert_true(rc_ok(layout_make(&l, len)));
	assert_true(rc_ok(layout_check(&l)));
	assert_int_equal(l.len, len);
	for (enum region i = 0; i < REGION_COUNT; i++) {
		assert_int_equal(l.region[i].start, at);
		at = l.region[i].end;
		assert_int_equal(at % 64, 0);
	}
	assert_int_equal(at, len);
	assert_true(region_len(&l, REGION_CONTAINER) >= (chunks + 1) * KEY_TAG_KEY_LEN);
	assert_true(region_len(&l, REGION_CONTAINER) < (chunks + 1) * KEY_TAG_KEY_LEN + 64);
	assert_true(region_len(&l, REGION_ACTIVATION) >= ACTIVATION_LEN);
	assert_true(region_len(&l, REGION_ACTIVATION) <= 256);
	assert_true(region_len(&l, REGION_LEASE) >= 32 << 10);
	assert_true(region_len(&l, REGION_LEASE) <= 16 << 20);
	assert_int_equal(region_len(&l, REGION_LEASE) % LEASE_SLOT_LEN, 0);
	assert_true(region_len(&l, REGION_DOWN) - region_len(&l, REGION_UP) <= 64);
	assert_true(region_len(&l, REGION_UP) >= len / 5);

	uint64_t slots = layout_lease_slots(&l);
	for (uint64_t slot = 0; slot < slots; slot += 1 + slots / 7) {
		uint64_t offset = layout_lease_offset(&l, slot);

		assert_int_equal(offset % LEASE_SLOT_LEN, 0);
		assert_true(layout_holds(&l, REGION_LEASE, offset, LEASE_SLOT_LEN));
	}
	assert_int_equal(layout_lease_offset(&l, slots - 1) + LEASE_SLOT_LEN, l.region[REGION_LEASE].end);
	assert_int_equal(layout_lease_offset(&l, slots), UINT64_MAX);
	assert_int_equal(layout_lease_offset(&l, UINT64_MAX), UINT64_MAX);
}

static void every_length(void **state)
{
	struct seeded seed = {14};

	(void)state;
	for (uint64_t len = TABLE_LEN_MIN; len < TABLE_LEN_MIN + (4 << 20); len += 64 * 37)
		check_split(len);
	for (unsigned bit = 16; bit <= 46; bit++)
		check_split(UINT64_C(1) << bit);
	for (int i = 0; i < 2000; i++) {
		uint64_t len = seeded_next(&seed) % TABLE_LEN_MAX >> seeded_below(&seed, 30);

		if (len >= TABLE_LEN_MIN)
			check_split(len / 64 * 64);
	}
}

static void wrong_lengths_are_refused(void **state)
{
	static const uint64_t wrong[] = {0, 1, 64, TABLE_LEN_MIN - 64, TABLE_LEN_MIN + 1, TABLE_LEN_MIN + 63,
					 TABLE_LEN_MAX + 64, UINT64_MAX, UINT64_MAX - 63};
	struct layout l;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(layout_make(&l, wrong[i]).code, DSKE_RC_ARGS);
}

/* Every bound of every region moved, by a little and by a lot: a hole, an overlap, or misaligned. */
static void damaged_splits_are_refused(void **state)
{
	static const uint64_t moves[] = {1, 32, 64, 4096, UINT64_C(1) << 40, 0 - UINT64_C(1), 0 - UINT64_C(64)};
	struct layout l, good;

	(void)state;
	assert_true(rc_ok(layout_make(&good, 1 << 20)));
	for (enum region i = 0; i < REGION_COUNT; i++)
		for (size_t m = 0; m < sizeof moves / sizeof moves[0]; m++) {
			l = good;
			l.region[i].start += moves[m];
			assert_int_equal(layout_check(&l).code, DSKE_RC_FORMAT);
			l = good;
			l.region[i].end += moves[m];
			assert_int_equal(layout_check(&l).code, DSKE_RC_FORMAT);
		}
	l = good;
	l.len += 64;
	assert_int_equal(layout_check(&l).code, DSKE_RC_FORMAT);
	l = good;
	l.len = 0;
	assert_int_equal(layout_check(&l).code, DSKE_RC_FORMAT);
}

/* Both sides of each border moved together: right order, but a region too small or its slots skewed. */
static void small_and_skewed_regions_are_refused(void **state)
{
	struct layout l, good;

	(void)state;
	assert_true(rc_ok(layout_make(&good, 4 << 20)));
	l = good;
	l.region[REGION_CONTAINER].end = l.region[REGION_ACTIVATION].start = 192;
	assert_int_equal(layout_check(&l).code, DSKE_RC_FORMAT);
	l = good;
	l.region[REGION_ACTIVATION].end = l.region[REGION_LEASE].start = l.region[REGION_ACTIVATION].start + 64;
	assert_int_equal(layout_check(&l).code, DSKE_RC_FORMAT);
	l = good;
	l.region[REGION_ACTIVATION].end = l.region[REGION_LEASE].start += 64;
	assert_int_equal(layout_check(&l).code, DSKE_RC_FORMAT);
	l = good;
	l.region[REGION_LEASE].end = l.region[REGION_UP].start = l.region[REGION_LEASE].start + 64;
	assert_int_equal(layout_check(&l).code, DSKE_RC_FORMAT);
	l = good;
	l.region[REGION_UP].end = l.region[REGION_DOWN].start += 32;
	assert_int_equal(layout_check(&l).code, DSKE_RC_FORMAT);
	l = good; /* another honest split: more up than down */
	l.region[REGION_UP].end = l.region[REGION_DOWN].start += 1 << 20;
	assert_true(rc_ok(layout_check(&l)));
}

static void holding_is_safe_against_wraps(void **state)
{
	struct layout l;

	(void)state;
	assert_true(rc_ok(layout_make(&l, 1 << 20)));
	const struct range *up = &l.region[REGION_UP];
	assert_true(layout_holds(&l, REGION_UP, up->start, up->end - up->start));
	assert_false(layout_holds(&l, REGION_UP, up->start, up->end - up->start + 1));
	assert_false(layout_holds(&l, REGION_UP, up->start - 1, 1));
	assert_true(layout_holds(&l, REGION_UP, up->end - 1, 1));
	assert_false(layout_holds(&l, REGION_UP, up->end, 1));
	assert_false(layout_holds(&l, REGION_UP, up->end + 1, 0));
	assert_false(layout_holds(&l, REGION_UP, UINT64_MAX, 2));
	assert_false(layout_holds(&l, REGION_UP, up->start, UINT64_MAX));
	assert_false(layout_holds(&l, REGION_UP, up->start + 1, UINT64_MAX - up->start));
}

/* A stock's: the same front, and all the rest but 64 bytes is its body. */
static void a_stock_is_all_body(void **state)
{
	struct layout table, stock;

	(void)state;
	for (unsigned bit = 16; bit <= 46; bit++) {
		uint64_t len = UINT64_C(1) << bit;

		assert_true(rc_ok(layout_make(&table, len)));
		assert_true(rc_ok(layout_make_stock(&stock, len)));
		assert_true(rc_ok(layout_check(&stock)));
		assert_memory_equal(stock.region, table.region, REGION_UP * sizeof stock.region[0]);
		assert_int_equal(region_len(&stock, REGION_DOWN), 64);
		assert_int_equal(region_len(&stock, REGION_UP), len - stock.region[REGION_LEASE].end - 64);
	}
	assert_false(rc_ok(layout_make_stock(&stock, TABLE_LEN_MIN + 1)));
}

static void regions_have_names(void **state)
{
	(void)state;
	assert_string_equal(region_name(REGION_CONTAINER), "container");
	assert_string_equal(region_name(REGION_DOWN), "down");
	assert_string_equal(region_name(REGION_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length),
		cmocka_unit_test(wrong_lengths_are_refused),
		cmocka_unit_test(damaged_splits_are_refused),
		cmocka_unit_test(small_and_skewed_regions_are_refused),
		cmocka_unit_test(holding_is_safe_against_wraps),
		cmocka_unit_test(a_stock_is_all_body),
		cmocka_unit_test(regions_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
