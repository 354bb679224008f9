/* SPDX-License-Identifier: Apache-2.0 */
/* The health tests of SP 800-90B 4.4: their cutoffs, and sources of which the verdict is known. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include "base/secret.h"
#include "pskm/health.h"

#define A_MEBIBYTE ((size_t)1 << 20)

/* ---- cutoffs ------------------------------------------------------------------------------------ */

/* 1 + CRITBINOM(w, p, 1 - 2^-a): the least k whose upper tail P(X > k) is at most 2^-a, summed from its thin end. */
static unsigned cutoff(unsigned w, long double p, unsigned a)
{
	long double alpha = 1, term = 1, tail = 0;

	for (unsigned i = 0; i < a; i++)
		alpha /= 2;
	for (unsigned i = 0; i < w; i++)
		term *= p;
	for (unsigned k = w; k > 0; k--) {
		tail += term; /* now P(X >= k) */
		if (tail > alpha)
			return 1 + k;
		term *= (long double)k / (long double)(w - k + 1) * (1 - p) / p;
	}
	return 1;
}

/* SP 800-90B, Table 2: example cutoffs at alpha = 2^-20, with p = 2^-H. */
static void test_formula_gives_the_standards_table(void **state)
{
	static const struct {
		unsigned w;
		long double p;
		unsigned c;
	} row[] = {
		{1024, 0.87055056329612413914L, 941}, {1024, 0.75785828325519898305L, 840},
		{1024, 0.65975395538644712968L, 748}, {1024, 0.57434917749851754085L, 664},
		{1024, 0.5L, 589},                    {512, 0.70710678118654752440L, 410},
		{512, 0.5L, 311},                     {512, 0.25L, 177},
		{512, 0.0625L, 62},                   {512, 0.00390625L, 13},
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
		assert_int_equal(cutoff(row[i].w, row[i].p, 20), row[i].c);
}

static void test_our_cutoffs(void **state)
{
	(void)state;
	assert_int_equal(HEALTH_PROPORTION_CUTOFF,
			 cutoff(HEALTH_WINDOW, 1.0L / (1 << HEALTH_MIN_ENTROPY), HEALTH_ALPHA_LOG2));
	assert_int_equal(HEALTH_REPETITION_CUTOFF,
			 1 + (HEALTH_ALPHA_LOG2 + HEALTH_MIN_ENTROPY - 1) / HEALTH_MIN_ENTROPY);
}

/* ---- sources ------------------------------------------------------------------------------------ */

/* The verdict on the samples, and the sample at which it fell, whatever the pieces they come in. */
static void assert_verdict(const uint8_t *samples, size_t len, enum health_verdict wanted, uint64_t seen)
{
	static const size_t pieces[] = {SIZE_MAX, 1, 7, 512, 4099};

	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
		struct health h = {0};
		enum health_verdict v = HEALTH_GOOD;

		for (size_t at = 0, n; at < len; at += n) {
			n = len - at < pieces[i] ? len - at : pieces[i];
			v = health_take(&h, samples + at, n);
		}
		assert_int_equal(v, wanted);
		assert_int_equal(h.seen, seen);
		health_drop(&h);
	}
}

static void fill_counter(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(i % 255 + 1); /* never 0 */
}

static void test_stuck(void **state)
{
	uint8_t s[2048];

	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		memset(s, (int)value, sizeof s);
		assert_verdict(s, sizeof s, HEALTH_STUCK, HEALTH_REPETITION_CUTOFF);
	}
	/* one less than the cutoff passes, anywhere; the cutoff fails, at its last sample */
	for (size_t at = 0; at + HEALTH_REPETITION_CUTOFF <= sizeof s; at++) {
		struct health h = {0};

		fill_counter(s, sizeof s);
		memset(s + at, 0, HEALTH_REPETITION_CUTOFF - 1);
		assert_int_equal(health_take(&h, s, sizeof s), HEALTH_GOOD);
		h = (struct health){0};
		s[at + HEALTH_REPETITION_CUTOFF - 1] = 0;
		assert_int_equal(health_take(&h, s, sizeof s), HEALTH_STUCK);
		assert_int_equal(h.seen, at + HEALTH_REPETITION_CUTOFF);
	}
}

/* No run at all, yet half of each window is its first value. */
static void test_alternating(void **state)
{
	uint8_t s[2048];

	(void)state;
	for (size_t i = 0; i < sizeof s; i++)
		s[i] = i % 2 == 0 ? 0x55 : 0xAA;
	assert_verdict(s, sizeof s, HEALTH_BIASED, 2 * HEALTH_PROPORTION_CUTOFF - 1);
}

/* Every value equally often and in order: the standard's tests are not there to notice that. */
static void test_counter(void **state)
{
	uint8_t *s = malloc(A_MEBIBYTE);

	(void)state;
	for (size_t i = 0; i < A_MEBIBYTE; i++)
		s[i] = (uint8_t)i;
	assert_verdict(s, A_MEBIBYTE, HEALTH_GOOD, A_MEBIBYTE);
	free(s);
}

/* The first value of a window, in it `count` times, the last of them at its very end. */
static void fill_window(uint8_t *s, unsigned count)
{
	fill_counter(s, HEALTH_WINDOW);
	for (unsigned i = 0; i + 1 < count; i++)
		s[2 * i] = 0;
	s[HEALTH_WINDOW - 1] = 0;
}

static void test_proportion_at_its_cutoff(void **state)
{
	uint8_t s[4 * HEALTH_WINDOW];

	(void)state;
	for (size_t window = 0; window < 4; window++) {
		for (size_t i = 0; i < 4; i++)
			fill_window(s + i * HEALTH_WINDOW, i == window ? HEALTH_PROPORTION_CUTOFF : HEALTH_PROPORTION_CUTOFF - 1);
		assert_verdict(s, sizeof s, HEALTH_BIASED, (window + 1) * HEALTH_WINDOW);
	}
	for (size_t i = 0; i < 4; i++)
		fill_window(s + i * HEALTH_WINDOW, HEALTH_PROPORTION_CUTOFF - 1);
	assert_verdict(s, sizeof s, HEALTH_GOOD, sizeof s);
}

/* xorshift64*, so that each run has the same samples. */
static uint8_t draw(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return (uint8_t)(*seed * 0x2545F4914F6CDD1D >> 56);
}

/* Zero with probability (1 + share) / 256, else any byte. */
static enum health_verdict verdict_with_bias(unsigned share)
{
	uint64_t seed = 1;
	uint8_t *s = malloc(A_MEBIBYTE);
	struct health h = {0};

	for (size_t i = 0; i < A_MEBIBYTE; i++)
		s[i] = draw(&seed) < share ? 0 : draw(&seed);
	enum health_verdict v = health_take(&h, s, A_MEBIBYTE);
	free(s);
	return v;
}

static void test_biased(void **state)
{
	(void)state;
	assert_int_equal(verdict_with_bias(64), HEALTH_BIASED); /* 2 bits of min-entropy a byte */
	assert_int_equal(verdict_with_bias(32), HEALTH_BIASED); /* 3 bits */
	assert_int_equal(verdict_with_bias(3), HEALTH_GOOD);    /* the 6 bits that are stated */
	assert_int_equal(verdict_with_bias(0), HEALTH_GOOD);
}

static void test_good(void **state)
{
	uint8_t *s = malloc(A_MEBIBYTE);

	(void)state;
	assert_true(rc_ok(random_fill(s, A_MEBIBYTE)));
	assert_verdict(s, A_MEBIBYTE, HEALTH_GOOD, A_MEBIBYTE);
	free(s);
}

static void test_failure_stays(void **state)
{
	uint8_t stuck[16] = {0}, good[256];
	struct health h = {0};

	(void)state;
	fill_counter(good, sizeof good);
	assert_int_equal(health_take(&h, stuck, sizeof stuck), HEALTH_STUCK);
	assert_int_equal(health_take(&h, good, sizeof good), HEALTH_STUCK);
	assert_int_equal(h.seen, HEALTH_REPETITION_CUTOFF);
	health_drop(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formula_gives_the_standards_table),
		cmocka_unit_test(test_our_cutoffs),
		cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_alternating),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_proportion_at_its_cutoff),
		cmocka_unit_test(test_biased),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_failure_stays),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
