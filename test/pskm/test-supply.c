/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of what is left, and forecasts: steady use, bursts, rests, clocks that are set, a full ring, nonsense. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pskm/format.h"
#include "pskm/supply.h"
#include "test/pskm/fixture.h"

#define T0 UINT64_C(1800000000)
#define HOUR UINT64_C(3600)
#define PLENTY (UINT64_C(1) << 40)

/* The clock that tables see (--wrap=time); 0: the real one. */
time_t __real_time(time_t *t);
time_t __wrap_time(time_t *t);
static time_t clock_says;

time_t __wrap_time(time_t *t)
{
	return clock_says != 0 ? clock_says : __real_time(t);
}

struct user {
	struct supply_history h;
	struct supply_left total, left;
	uint64_t now;
};

static void user_init(struct user *u, uint64_t up, uint64_t down, uint64_t lease)
{
	*u = (struct user){.total = {up, down, lease}, .left = {up, down, lease}, .now = T0};
	supply_note(&u->h, u->now, &u->left);
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void use(struct user *u, uint64_t seconds, uint64_t up, uint64_t down, uint64_t lease)
{
	u->now += seconds;
	u->left.up = minus(u->left.up, up);
	u->left.down = minus(u->left.down, down);
	u->left.lease = minus(u->left.lease, lease);
	supply_note(&u->h, u->now, &u->left);
}

static struct supply forecast(const struct user *u)
{
	return supply_forecast(&u->h, u->now, &u->left, &u->total);
}

static void assert_about(uint64_t value, uint64_t expected, uint64_t percent)
{
	if (value < expected - expected * percent / 100 || value > expected + expected * percent / 100)
		fail_msg("%llu is not about %llu", (unsigned long long)value, (unsigned long long)expected);
}

/* Whatever was done to it, a history keeps its shape. */
static void assert_shape(const struct supply_history *h)
{
	assert_true(h->count <= SUPPLY_SAMPLES);
	for (size_t i = 1; i < h->count; i++) {
		assert_true(h->at[i].time > h->at[i - 1].time);
		assert_true(h->at[i].left.up <= h->at[i - 1].left.up);
		assert_true(h->at[i].left.down <= h->at[i - 1].left.down);
		assert_true(h->at[i].left.lease <= h->at[i - 1].left.lease);
	}
}

/* ---- forecasts -------------------------------------------------------------------------------------- */

static void steady_use(void **state)
{
	(void)state;
	struct user u;
	user_init(&u, 1000000, 1000000, 1000000);
	for (int i = 1; i < 900; i++) {
		use(&u, 90, 1000, 10, 1);
		struct supply s = forecast(&u);
		if (i * 90 < SUPPLY_EVIDENCE_S) {
			assert_int_equal(s.lasts_s, SUPPLY_UNKNOWN);
			continue;
		}
		assert_about(s.lasts_s, u.left.up / 1000 * 90, 15);
		assert_about((uint64_t)(s.up_rate * 9000), 100000, 15);
		assert_about((uint64_t)(s.down_rate * 9000), 1000, 15);
	}
}

/* Each of the three can be the scarcest. */
static void the_scarcest_counts(void **state)
{
	(void)state;
	for (int which = 0; which < 3; which++) {
		struct user u;
		user_init(&u, which == 0 ? 4800 : PLENTY, which == 1 ? 4800 : PLENTY, which == 2 ? 4800 : PLENTY);
		for (int i = 0; i < 24; i++)
			use(&u, HOUR, 100, 100, 100);
		assert_about(forecast(&u).lasts_s, 24 * HOUR, 5);
	}
}

/* Ten minutes a day: the forecast is made of days, not of those minutes. */
static void bursts(void **state)
{
	(void)state;
	struct user u;
	user_init(&u, 100000, PLENTY, PLENTY);
	for (int day = 1; day <= 50; day++) {
		for (int i = 0; i < 10; i++)
			use(&u, 60, 100, 0, 0);
		if (day > 2)
			assert_about(forecast(&u).lasts_s, u.left.up / 1000 * SUPPLY_DAY_S, 75);
		u.now += SUPPLY_DAY_S - 600;
	}
}

/* Quiet for most of a week, then a day of heavy use: told on that day. */
static void use_that_rises(void **state)
{
	(void)state;
	struct user u;
	user_init(&u, 1000000, PLENTY, PLENTY);
	for (int i = 0; i < 6 * 24; i++)
		use(&u, HOUR, 1, 0, 0);
	assert_true(forecast(&u).lasts_s > 365 * SUPPLY_DAY_S);
	for (int i = 0; i < 24; i++)
		use(&u, HOUR, 20000, 0, 0);
	assert_about(forecast(&u).lasts_s, u.left.up / 20000 * HOUR, 60);
}

static void a_rest(void **state)
{
	(void)state;
	struct user u;
	user_init(&u, 1000000, PLENTY, PLENTY);
	for (int i = 0; i < 20; i++)
		use(&u, 60, 1000, 0, 0);
	uint64_t before = forecast(&u).lasts_s;
	u.now += 5 * HOUR; /* the longer the rest, the longer it lasts */
	assert_true(forecast(&u).lasts_s > before);
	u.now += 8 * SUPPLY_DAY_S; /* not used for a week: no rate, no forecast */
	assert_int_equal(forecast(&u).lasts_s, SUPPLY_UNKNOWN);
	assert_true(forecast(&u).up_rate == 0);
}

static void empty_is_empty(void **state)
{
	(void)state;
	struct user u;
	user_init(&u, 1000, 1000, 10);
	u.left.up = 0;
	assert_int_equal(forecast(&u).lasts_s, 0);
}

/* ---- clocks ----------------------------------------------------------------------------------------- */

/* A year ahead by mistake, and back: no forecast of ages at any moment, and a good one soon after. */
static void a_clock_that_jumps_ahead(void **state)
{
	(void)state;
	struct user u;
	user_init(&u, 1000000, PLENTY, PLENTY);
	for (int i = 0; i < 60; i++)
		use(&u, 60, 100, 0, 0);
	uint64_t good = forecast(&u).lasts_s;
	use(&u, 365 * SUPPLY_DAY_S, 100, 0, 0);
	for (int i = 0; i < 60; i++) {
		uint64_t lasts = forecast(&u).lasts_s;
		assert_true(lasts == SUPPLY_UNKNOWN || lasts < 2 * good);
		assert_true(i < 11 || lasts != SUPPLY_UNKNOWN);
		use(&u, 60, 100, 0, 0);
	}
	u.now -= 365 * SUPPLY_DAY_S; /* put right again */
	assert_int_equal(forecast(&u).lasts_s, SUPPLY_UNKNOWN); /* until a sample is taken */
	use(&u, 60, 100, 0, 0);
	assert_shape(&u.h);
	assert_about(forecast(&u).lasts_s, good, 60);
}

static void a_clock_that_falls_back(void **state)
{
	(void)state;
	struct user u;
	user_init(&u, 1000000, PLENTY, PLENTY);
	for (int i = 0; i < 60; i++)
		use(&u, 60, 100, 0, 0);
	uint64_t good = forecast(&u).lasts_s;
	u.now -= 30 * 60;
	for (int i = 0; i < 60; i++) {
		uint64_t lasts = forecast(&u).lasts_s;
		assert_true(lasts == SUPPLY_UNKNOWN || (lasts > good / 4 && lasts < good * 2));
		use(&u, 60, 100, 0, 0);
		assert_shape(&u.h);
	}
	u.now = 0; /* no clock at all */
	supply_note(&u.h, u.now, &u.left);
	assert_int_equal(forecast(&u).lasts_s, SUPPLY_UNKNOWN);
	u.now = 1;
	assert_int_equal(forecast(&u).lasts_s, SUPPLY_UNKNOWN);
}

/* Ten thousand steps of a clock that does anything. */
static void a_clock_that_is_mad(void **state)
{
	(void)state;
	struct user u;
	user_init(&u, PLENTY, PLENTY, PLENTY);
	srandom(7);
	for (int i = 0; i < 10000; i++) {
		uint64_t step = (uint64_t)random() << random() % 33;
		u.now = random() % 2 ? u.now + step : u.now - step;
		use(&u, 0, (uint64_t)random(), (uint64_t)random() % 5, (uint64_t)random() % 2);
		assert_shape(&u.h);
		struct supply s = forecast(&u);
		assert_true(s.up_rate >= 0 && s.up_rate <= (double)PLENTY);
	}
}

/* ---- the ring ---------------------------------------------------------------------------------------- */

/* Three years, a sample a minute: the first stays, and for any look back there is one of about that age. */
static void a_full_ring(void **state)
{
	(void)state;
	struct user u;
	user_init(&u, PLENTY, PLENTY, PLENTY);
	for (unsigned i = 1; i < 3 * 365 * 1440; i++) {
		use(&u, 60, 7, 0, 0);
		if (i % 10007 != 0)
			continue;
		assert_shape(&u.h);
		assert_int_equal(u.h.at[0].time, T0);
		assert_int_equal(u.h.at[u.h.count - 1].time, u.now);
		for (size_t s = 1; s + 1 < u.h.count; s++) {
			uint64_t younger = u.now - u.h.at[s + 1].time, older = u.now - u.h.at[s].time;
			assert_true(older <= 4 * younger || older <= 300);
		}
	}
}

static void at_most_one_a_minute(void **state)
{
	(void)state;
	struct user u;
	user_init(&u, PLENTY, PLENTY, PLENTY);
	for (int i = 0; i < 600; i++)
		use(&u, 1, 1, 1, 0);
	assert_int_equal(u.h.count, 11);
}

/* ---- on disk ----------------------------------------------------------------------------------------- */

static void written_and_read(void **state)
{
	(void)state;
	struct user u;
	struct supply_history back;
	uint8_t bytes[SUPPLY_HISTORY_LEN];
	user_init(&u, PLENTY, PLENTY, PLENTY);
	for (int i = 0; i < 40; i++) {
		supply_history_write(bytes, &u.h);
		supply_history_read(&back, bytes);
		assert_int_equal(back.count, u.h.count);
		assert_memory_equal(back.at, u.h.at, u.h.count * sizeof u.h.at[0]);
		use(&u, 3600, 5, 3, 1);
	}
}

/* Known bytes: format.h is what is meant, not what the code happens to do. */
static void known_bytes(void **state)
{
	(void)state;
	static const uint8_t known[SUPPLY_SAMPLE_LEN] = {0, 0, 0, 0, 0x6b, 0x49, 0xd2, 0x00, 0, 0, 0, 0, 0, 0, 1, 2,
							 0, 0, 0, 0, 0,    0,    0,    3,    0, 0, 0, 0, 0, 0, 0, 4};
	struct supply_history h = {.count = 1, .at[0] = {T0, {258, 3, 4}}};
	uint8_t bytes[SUPPLY_HISTORY_LEN], zeros[SUPPLY_HISTORY_LEN] = {0};
	supply_history_write(bytes, &h);
	assert_memory_equal(bytes, known, sizeof known);
	assert_memory_equal(bytes + sizeof known, zeros, sizeof zeros - sizeof known);
}

static void nonsense_is_no_history(void **state)
{
	(void)state;
	struct user u;
	struct supply_history h;
	uint8_t bytes[SUPPLY_HISTORY_LEN];
	user_init(&u, PLENTY, PLENTY, PLENTY);
	for (int i = 0; i < 40; i++)
		use(&u, 3600, 5, 3, 1);
	for (size_t at = 0; at < sizeof bytes; at++) {
		for (int bit = 0; bit < 8; bit++) {
			supply_history_write(bytes, &u.h);
			bytes[at] ^= (uint8_t)(1u << bit);
			supply_history_read(&h, bytes);
			assert_shape(&h);
			(void)supply_forecast(&h, u.now, &u.left, &u.total);
		}
	}
	srandom(11);
	for (int i = 0; i < 1000; i++) {
		for (size_t at = 0; at < sizeof bytes; at++)
			bytes[at] = (uint8_t)random();
		supply_history_read(&h, bytes);
		assert_shape(&h);
	}
	/* More than the table ever had. */
	u.total.up = u.left.up;
	assert_int_equal(forecast(&u).lasts_s, SUPPLY_UNKNOWN);
}

/* ---- in words ---------------------------------------------------------------------------------------- */

static void words(void **state)
{
	(void)state;
	static const struct {
		uint64_t seconds;
		const char *duration, *sentence;
	} rows[] = {
		{0, "less than a minute", "empty"},
		{59, "less than a minute", "empty in less than a minute at this rate"},
		{60, "1 minute", "empty in 1 minute at this rate"},
		{2 * HOUR - 1, "119 minutes", "empty in 119 minutes at this rate"},
		{2 * HOUR, "2 hours", "empty in 2 hours at this rate"},
		{9 * SUPPLY_DAY_S + HOUR, "9 days", "empty in 9 days at this rate"},
		{60 * SUPPLY_DAY_S, "2 months", "empty in 2 months at this rate"},
		{800 * SUPPLY_DAY_S, "2 years", "empty in 2 years at this rate"},
		{4014 * SUPPLY_DAY_S, "10 years", "empty in 10 years at this rate"},
		{4015 * SUPPLY_DAY_S, "more than 10 years", "empty in more than 10 years at this rate"},
		{SUPPLY_UNKNOWN - 1, "more than 10 years", "empty in more than 10 years at this rate"},
		{SUPPLY_UNKNOWN, "unknown", "no forecast yet"},
	};
	char text[SUPPLY_TEXT_MAX];
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_string_equal(supply_duration(rows[i].seconds, text), rows[i].duration);
		assert_string_equal(supply_sentence(rows[i].seconds, text), rows[i].sentence);
	}
}

/* ---- a table ----------------------------------------------------------------------------------------- */

/* A lease an hour, 2 KiB each way; then the tables are opened afresh. */
static void both_sides_of_a_table(void **state)
{
	(void)state;
	struct fixture f;
	struct table_status s[2];
	clock_says = (time_t)T0;
	fixture_active(&f, 1u << 20);
	for (int i = 0; i < 20; i++) {
		fixture_lease(&f, 2048, 2048, NULL, NULL, NULL, NULL);
		clock_says += (time_t)HOUR;
	}
	for (int again = 0; again < 2; again++) {
		assert_ok(table_status(f.client, &s[0]));
		assert_ok(table_status(f.hub, &s[1]));
		for (int side = 0; side < 2; side++) {
			uint64_t scarce = s[side].up_left < s[side].down_left ? s[side].up_left : s[side].down_left;
			uint64_t slots = s[side].lease_left * HOUR, bytes = scarce / 2048 * HOUR;
			assert_about(s[side].supply.lasts_s, slots < bytes ? slots : bytes, 10);
		}
		table_close(f.hub);
		table_close(f.client);
		assert_ok(table_open(&f.hub, f.hub_dir.s, SIDE_HUB, NULL));
		assert_ok(table_open(&f.client, f.client_dir.s, SIDE_CLIENT, NULL));
	}
	clock_says = 0;
	fixture_drop(&f);
}

/* A clock from before the table was made is no clock; nothing else changes. */
static void a_table_without_a_clock(void **state)
{
	(void)state;
	struct fixture f;
	struct table_status s;
	clock_says = 1000;
	fixture_active(&f, TABLE_LEN_MIN);
	for (int i = 0; i < 5; i++) {
		fixture_lease(&f, 512, 512, NULL, NULL, NULL, NULL);
		clock_says += (time_t)HOUR;
	}
	clock_says = (time_t)T0;
	assert_ok(table_status(f.client, &s));
	assert_int_equal(s.supply.lasts_s, SUPPLY_UNKNOWN);
	assert_true(s.up_left < s.up_len);
	clock_says = 0;
	fixture_drop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steady_use),
		cmocka_unit_test(the_scarcest_counts),
		cmocka_unit_test(bursts),
		cmocka_unit_test(use_that_rises),
		cmocka_unit_test(a_rest),
		cmocka_unit_test(empty_is_empty),
		cmocka_unit_test(a_clock_that_jumps_ahead),
		cmocka_unit_test(a_clock_that_falls_back),
		cmocka_unit_test(a_clock_that_is_mad),
		cmocka_unit_test(a_full_ring),
		cmocka_unit_test(at_most_one_a_minute),
		cmocka_unit_test(written_and_read),
		cmocka_unit_test(known_bytes),
		cmocka_unit_test(nonsense_is_no_history),
		cmocka_unit_test(words),
		cmocka_unit_test(both_sides_of_a_table),
		cmocka_unit_test(a_table_without_a_clock),
	};

	return cmocka_run_group_tests_name("supply", tests, NULL, NULL);
}
