/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-ranges.c - the set of ranges against a bitmap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/ranges.h"
#include "test/core/seeded.h"

#define SPACE 4096

static bool map_any(const bool *map, size_t start, size_t end)
{
	for (size_t i = start; i < end; i++)
		if (map[i])
			return true;
	return false;
}

/* Bytes in the set. */
static uint64_t total_of(const struct ranges *s)
{
	uint64_t total = 0;

	for (size_t i = 0; i < s->count; i++)
		total += s->r[i].end - s->r[i].start;
	return total;
}

static void assert_in_order(const struct ranges *s)
{
	assert_true(s->count <= RANGES_MAX);
	for (size_t i = 0; i < s->count; i++) {
		assert_true(s->r[i].start < s->r[i].end);
		if (i > 0)
			assert_true(s->r[i - 1].end < s->r[i].start); /* merged: never touching */
	}
}

static void assert_same(const struct ranges *s, const bool *map)
{
	uint64_t total = 0;

	for (size_t i = 0; i < SPACE; i++) {
		total += map[i];
		assert_int_equal(ranges_overlap(s, i, i + 1), map[i]);
	}
	assert_int_equal(total_of(s), total);
}

static void random_sets(void **state)
{
	static struct ranges s;
	static bool map[SPACE];
	struct seeded seed = {9};

	(void)state;
	for (int round = 0; round < 20; round++) {
		size_t longest = (size_t)4 << seeded_below(&seed, 6);

		memset(&s, 0, sizeof s);
		memset(map, 0, sizeof map);
		for (int i = 0; i < 240; i++) { /* never full */
			size_t start = seeded_below(&seed, SPACE - longest);
			size_t end = start + 1 + seeded_below(&seed, longest);
			bool any = map_any(map, start, end);

			assert_int_equal(ranges_overlap(&s, start, end), any);
			assert_int_equal(ranges_add(&s, start, end).code, any ? DSKE_RC_USED : DSKE_RC_OK);
			if (!any)
				memset(map + start, true, end - start);
			assert_in_order(&s);
		}
		assert_same(&s, map);
	}
}

/* A full set may say too much, never too little, and forgets the lowest hole alone. */
static void full_sets(void **state)
{
	static struct ranges s, before;
	static bool map[SPACE];
	struct seeded seed = {10};

	(void)state;
	for (int round = 0; round < 10; round++) {
		memset(&s, 0, sizeof s);
		memset(map, 0, sizeof map);
		for (int i = 0; i < 3000; i++) {
			size_t start = seeded_below(&seed, SPACE - 3), end = start + 1 + seeded_below(&seed, 2);

			before = s;
			if (!rc_ok(ranges_add(&s, start, end)))
				continue;
			memset(map + start, true, end - start);
			assert_in_order(&s);
			assert_true(ranges_overlap(&s, start, start + 1) && ranges_overlap(&s, end - 1, end));
			uint64_t more = total_of(&s) - total_of(&before) - (end - start);
			if (more == 0)
				continue;
			assert_int_equal(before.count, RANGES_MAX);
			assert_int_equal(s.count, RANGES_MAX);
			uint64_t low = start < before.r[0].start ? start : before.r[0].start;
			assert_int_equal(s.r[0].start, low);
			memset(map + low, true, s.r[0].end - low);
		}
		assert_int_equal(s.count <= RANGES_MAX, true);
		assert_same(&s, map);
	}
}

/* Around the set's lowest interval, each case of a full one. */
static void the_lowest_hole_is_closed(void **state)
{
	static struct ranges full, s;

	(void)state;
	for (uint64_t i = 0; i < RANGES_MAX; i++)
		assert_true(rc_ok(ranges_add(&full, 100 + 10 * i, 105 + 10 * i)));
	assert_int_equal(full.count, RANGES_MAX);

	s = full;
	assert_true(rc_ok(ranges_add(&s, 50, 60)));
	assert_true(s.count == RANGES_MAX && s.r[0].start == 50 && s.r[0].end == 105 && s.r[1].start == 110);
	s = full;
	assert_true(rc_ok(ranges_add(&s, 107, 108)));
	assert_true(s.count == RANGES_MAX && s.r[0].start == 100 && s.r[0].end == 108 && s.r[1].start == 110);
	s = full;
	assert_true(rc_ok(ranges_add(&s, 117, 118)));
	assert_true(s.count == RANGES_MAX && s.r[0].end == 115 && s.r[1].start == 117 && s.r[1].end == 118);
	s = full;
	assert_true(rc_ok(ranges_add(&s, 9000, 9001)));
	assert_true(s.count == RANGES_MAX && s.r[0].end == 115 && s.r[RANGES_MAX - 1].start == 9000);
	s = full;
	assert_true(rc_ok(ranges_add(&s, 105, 110))); /* fills a hole: no need to close one */
	assert_true(s.count == RANGES_MAX - 1 && s.r[0].end == 115 && s.r[1].start == 120);
}

static void the_ends_of_the_line(void **state)
{
	static struct ranges s;

	(void)state;
	assert_int_equal(ranges_add(&s, 5, 5).code, DSKE_RC_ARGS);
	assert_int_equal(ranges_add(&s, 6, 5).code, DSKE_RC_ARGS);
	assert_false(ranges_overlap(&s, 0, UINT64_MAX));
	assert_true(rc_ok(ranges_add(&s, UINT64_MAX - 1, UINT64_MAX)));
	assert_true(rc_ok(ranges_add(&s, 0, 1)));
	assert_true(ranges_overlap(&s, 0, UINT64_MAX));
	assert_false(ranges_overlap(&s, 1, UINT64_MAX - 1));
	assert_true(ranges_overlap(&s, UINT64_MAX - 1, UINT64_MAX));
	assert_false(ranges_overlap(&s, 0, 0));
	assert_false(ranges_overlap(&s, 1, 0));
	assert_int_equal(ranges_add(&s, 0, UINT64_MAX).code, DSKE_RC_USED);
	assert_true(rc_ok(ranges_add(&s, 1, UINT64_MAX - 1)));
	assert_int_equal(s.count, 1);
	assert_true(s.r[0].start == 0 && s.r[0].end == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sets),
		cmocka_unit_test(full_sets),
		cmocka_unit_test(the_lowest_hole_is_closed),
		cmocka_unit_test(the_ends_of_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
