/* SPDX-License-Identifier: Apache-2.0 */
/* test/base/test-quota.c - limits that hold in every stretch of time, against a list of all that was admitted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/quota.h"

#define DAY 86400
#define EVENTS 4000

static void settings(void **state)
{
	static const char *const good[][2] = {
		{"pair_keys_per_minute", "3"}, {"pair_keys_per_day", "1000"}, {"pair_bytes_per_minute", "64K"}, {"pair_bytes_per_day", "1G"},
	};
	struct quota q = {0};
	bool known;

	(void)state;
	assert_false(quota_is_set(&q));
	for (size_t i = 0; i < 4; i++) {
		assert_true(rc_ok(quota_set(&q, "pair", good[i][0], good[i][1], &known)));
		assert_true(known);
	}
	assert_int_equal(q.most[QUOTA_MINUTE][QUOTA_KEYS], 3);
	assert_int_equal(q.most[QUOTA_DAY][QUOTA_KEYS], 1000);
	assert_int_equal(q.most[QUOTA_MINUTE][QUOTA_BYTES], 65536);
	assert_int_equal(q.most[QUOTA_DAY][QUOTA_BYTES], 1u << 30);
	assert_true(quota_is_set(&q));
	assert_true(rc_ok(quota_set(&q, "pair", "send_keys_per_day", "1", &known)));
	assert_false(known);
	assert_true(rc_ok(quota_set(&q, "pair", "pair_keys_per_hour", "1", &known)));
	assert_false(known);
	assert_int_equal(quota_set(&q, "pair", "pair_keys_per_day", "many", &known).code, DSKE_RC_CONFIG);
	assert_int_equal(quota_set(&q, "pair", "pair_bytes_per_day", "1X", &known).code, DSKE_RC_CONFIG);
	assert_true(rc_ok(quota_set(&q, "pair", "pair_keys_per_day", "0", &known)));
	assert_int_equal(q.most[QUOTA_DAY][QUOTA_KEYS], 0);
}

/* Three keys a minute, by hand. */
static void by_hand(void **state)
{
	struct quota q = {.most[QUOTA_MINUTE][QUOTA_KEYS] = 3};
	struct quota_use u = {0};
	char what[64];

	(void)state;
	for (int64_t t = 100; t < 103; t++) {
		assert_true(quota_admits(&q, &u, t, 144, what));
		quota_charge(&u, t, 144);
	}
	assert_false(quota_admits(&q, &u, 103, 144, what));
	assert_string_equal(what, "3 keys a minute");
	assert_false(quota_admits(&q, &u, 160, 144, what));
	assert_false(quota_admits(&q, &u, 50, 144, what)); /* a clock that went back */
	assert_true(quota_admits(&q, &u, 170, 144, what));
	q = (struct quota){.most[QUOTA_DAY][QUOTA_BYTES] = 500};
	assert_false(quota_admits(&q, &u, 170, 144, what));
	assert_string_equal(what, "500 bytes a day");
	assert_true(quota_admits(&q, &u, 170, 68, what));
	assert_true(quota_admits(&q, &u, QUOTA_MEMORY_S + 103, 500, what));
	assert_false(quota_admits(&q, &u, 100 * DAY, 501, what));
	assert_false(quota_admits(&q, &u, 100 * DAY, UINT64_MAX, what));
}

/* A clock that went back a year frees nothing, and holds nobody for a year. */
static void a_clock_that_goes_back(void **state)
{
	struct quota q = {.most[QUOTA_DAY][QUOTA_KEYS] = 2};
	struct quota_use u = {0};
	int64_t t = 500 * (int64_t)DAY;
	char what[64];

	(void)state;
	quota_charge(&u, t, 1);
	quota_charge(&u, t + DAY / 2, 1);
	assert_false(quota_admits(&q, &u, t + DAY / 2, 1, what));
	t -= 365 * (int64_t)DAY;
	assert_false(quota_admits(&q, &u, t, 1, what));
	q.most[QUOTA_DAY][QUOTA_KEYS] = 3;
	quota_charge(&u, t, 1);
	assert_false(quota_admits(&q, &u, t + DAY - 1, 1, what));
	assert_true(quota_admits(&q, &u, t + QUOTA_MEMORY_S, 1, what));
}

static uint64_t next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

struct event {
	int64_t at;
	uint64_t bytes;
};

/* What the window that begins behind `from` and ends at the last event holds. */
static void check_window(const struct event *e, size_t count, int64_t length, uint64_t keys_most, uint64_t bytes_most)
{
	uint64_t keys = 0, bytes = 0;

	for (size_t i = count; i > 0 && e[i - 1].at > e[count - 1].at - length; i--) {
		keys++;
		bytes += e[i - 1].bytes;
	}
	assert_in_range(keys, 0, keys_most);
	assert_in_range(bytes, 0, bytes_most);
}

/* Never more in any minute or day; and not starved: what is asked for steadily comes at six sevenths of the limit at least. */
static void holds_in_every_window(void **state)
{
	static struct event e[EVENTS];
	struct quota q = {.most = {{12, 3000}, {700, 200000}}};
	uint64_t seed = 4;

	(void)state;
	for (int run = 0; run < 5; run++) {
		struct quota_use u = {0};
		size_t count = 0;
		int64_t t = (int64_t)next(&seed);

		for (int i = 0; i < 20000 && count < EVENTS; i++) {
			uint64_t bytes = 100 + next(&seed) % 300;
			char what[64];

			t += (int64_t)(next(&seed) % (run % 2 ? 5 : 120));
			if (!quota_admits(&q, &u, t, bytes, what))
				continue;
			quota_charge(&u, t, bytes);
			e[count++] = (struct event){t, bytes};
			check_window(e, count, 60, 12, 3000);
			check_window(e, count, DAY, 700, 200000);
		}
		assert_true(count > 100);
	}
}

static void not_starved(void **state)
{
	struct quota q = {.most[QUOTA_MINUTE][QUOTA_KEYS] = 60};
	struct quota_use u = {0};
	char what[64];
	unsigned admitted = 0;

	(void)state;
	for (int64_t t = 0; t < 7000; t++)
		for (int i = 0; i < 10; i++)
			if (quota_admits(&q, &u, t, 1, what)) {
				quota_charge(&u, t, 1);
				admitted++;
			}
	assert_in_range(admitted, 6000, 7000);
}

/* It would be an index in front of the array. */
static void what_no_clock_wrote_is_no_account(void **state)
{
	struct quota_use u = {0};

	(void)state;
	assert_true(quota_use_is_sound(&u));
	quota_charge(&u, INT64_C(1) << 40, 100);
	assert_true(quota_use_is_sound(&u));
	for (size_t p = 0; p < QUOTA_PERIODS; p++) {
		struct quota_use bad = u;

		bad.slot[p] = -1;
		assert_false(quota_use_is_sound(&bad));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(settings), cmocka_unit_test(by_hand), cmocka_unit_test(a_clock_that_goes_back),
					   cmocka_unit_test(holds_in_every_window),
					   cmocka_unit_test(what_no_clock_wrote_is_no_account),
					   cmocka_unit_test(not_starved)};

	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
