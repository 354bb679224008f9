/* SPDX-License-Identifier: Apache-2.0 */
/* Marks as they are configured, when they are passed, and how often that is said. */
#include "config.h"

#include <string.h>

#include "pskm/lowwater.h"
#include "test/pskm/fixture.h"

#define DAY SUPPLY_DAY_S

static struct table_status table(uint64_t up_left, uint64_t down_left, uint64_t lease_left, uint64_t lasts_s)
{
	return (struct table_status){
		.state = TABLE_ACTIVE,
		.up_left = up_left, .up_len = 1000000,
		.down_left = down_left, .down_len = 1000000,
		.lease_left = lease_left, .lease_slots = 1000,
		.supply = {.lasts_s = lasts_s},
	};
}

static void settings(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		unsigned percent;
		uint64_t lasts_s;
	} good[] = {
		{"10%", 10, 0}, {"7d", 0, 7 * DAY}, {"10%, 7d", 10, 7 * DAY}, {"7d 1%", 1, 7 * DAY},
		{"99%,12h", 99, DAY / 2}, {"none", 0, 0}, {"90", 0, 90},
	};
	static const char *const bad[] = {
		"", ",", "0%", "100%", "%", "-1%", "10%%", "10% 20%", "7d 8d", "soon", "10%, none", "7d, 10%, 5", "1ms",
		"1.5%", "99999999999%", "12345678901234567890123d",
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct low_water mark = {1, 1};
		assert_ok(low_water_parse(&mark, "low_water", good[i].value));
		assert_int_equal(mark.percent, good[i].percent);
		assert_int_equal(mark.lasts_s, good[i].lasts_s);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct low_water mark = {3, 4};
		dske_rc rc = low_water_parse(&mark, "low_water", bad[i]);
		if (!rc_is(rc, DSKE_RC_CONFIG))
			fail_msg("'%s': %s", bad[i], rc_name(rc));
		assert_non_null(strstr(rc_detail(rc), "low_water"));
		assert_true(mark.percent == 3 && mark.lasts_s == 4);
	}
}

static bool low(const char *mark_text, struct table_status s)
{
	struct low_water mark;
	assert_ok(low_water_parse(&mark, "low_water", mark_text));
	return low_water_passed(&mark, &s);
}

static void marks(void **state)
{
	(void)state;
	const uint64_t never = SUPPLY_UNKNOWN;
	assert_false(low("10%", table(100000, 500000, 900, never)));
	assert_true(low("10%", table(99000, 500000, 900, never)));
	assert_true(low("10%", table(500000, 99000, 900, never)));
	assert_true(low("10%", table(500000, 500000, 99, never)));
	assert_false(low("10%", table(500000, 500000, 900, DAY)));
	assert_true(low("7d", table(500000, 500000, 900, 7 * DAY - 1)));
	assert_false(low("7d", table(2000, 500000, 900, 7 * DAY)));
	assert_false(low("7d", table(2000, 500000, 900, never)));
	assert_true(low("10%, 7d", table(2000, 500000, 900, never)));
	assert_true(low("10%, 7d", table(900000, 900000, 900, DAY)));
	assert_false(low("none", table(200, 500000, 900, 10)));
	/* Empty is low, whatever the mark. */
	assert_true(low("none", table(LOW_WATER_LEAST - 1, 500000, 900, never)));
	assert_true(low("none", table(500000, 500000, 0, never)));
}

/* From full to empty in small steps: as many lines as halvings, each below half of the one before. */
static void said_at_each_halving(void **state)
{
	(void)state;
	const struct low_water mark = LOW_WATER_DEFAULT;
	struct low_watch w = {0};
	size_t passed = 0, halved = 0, empty = 0;
	uint64_t before = 0;
	for (uint64_t left = 1000000;; left -= left < 50 ? left : 50) {
		struct table_status s = table(left, 1000000, 1000, SUPPLY_UNKNOWN);
		enum low_news news = low_watch_look(&w, &mark, &s);
		passed += news == LOW_PASSED;
		halved += news == LOW_HALVED;
		empty += news == LOW_EMPTY;
		if (news == LOW_PASSED)
			assert_true(left < 100000 && left >= 99900);
		if (news == LOW_HALVED)
			assert_true(left <= before / 2 + 1 && left + 100 > before / 2);
		before = news != LOW_NOTHING_NEW ? left : before;
		if (left == 0)
			break;
	}
	assert_int_equal(passed, 1);
	assert_true(halved >= 8 && halved <= 9); /* from 99,950 down to 128 bytes, in steps of 50 */
	assert_int_equal(empty, 1);
}

/* A forecast that comes and goes does not make it say the same again. */
static void a_forecast_that_wavers(void **state)
{
	(void)state;
	const struct low_water mark = LOW_WATER_DEFAULT;
	struct low_watch w = {0};
	size_t said = 0;
	for (int i = 0; i < 1000; i++) {
		struct table_status s = table(800000, 800000, 900, i % 2 ? DAY : 30 * DAY);
		said += low_watch_look(&w, &mark, &s) != LOW_NOTHING_NEW;
	}
	assert_int_equal(said, 1);
}

static void empty_at_first_sight(void **state)
{
	(void)state;
	const struct low_water none = {0};
	struct low_watch w = {0};
	struct table_status s = table(5, 1000000, 1000, 0);
	assert_int_equal(low_watch_look(&w, &none, &s), LOW_EMPTY);
	assert_int_equal(low_watch_look(&w, &none, &s), LOW_NOTHING_NEW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings),
		cmocka_unit_test(marks),
		cmocka_unit_test(said_at_each_halving),
		cmocka_unit_test(a_forecast_that_wavers),
		cmocka_unit_test(empty_at_first_sight),
	};

	return cmocka_run_group_tests_name("lowwater", tests, NULL, NULL);
}
