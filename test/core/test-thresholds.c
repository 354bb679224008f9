/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-thresholds.c - thresholds by hand, chances against counting every case, advice by its promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/thresholds.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static void close_to(double got, double want, const char *what)
{
	double off = got > want ? got - want : want - got;

	if (off > want * 1e-12)
		fail_msg("%s: %.17g, not %.17g", what, got, want);
}

/* ---- thresholds --------------------------------------------------------------------------------- */

static void known_thresholds(void **state)
{
	/* DSKE 4.2: n-k+1, the lesser of that and k_B, k, k_B, k_B. */
	static const struct {
		struct choice c;
		unsigned silence, disruption, leakage, injection;
	} rows[] = {
		{{9, 5, 5}, 5, 5, 5, 5},
		{{9, 5, 3}, 5, 3, 5, 3},
		{{9, 7, 5}, 3, 3, 7, 5},
		{{9, 9, 9}, 1, 1, 9, 9},
		{{9, 3, 3}, 7, 3, 3, 3},
		{{1, 1, 1}, 1, 1, 1, 1},
		{{20, 10, 10}, 11, 10, 10, 10},
		{{255, 128, 128}, 128, 128, 128, 128},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct thresholds t = thresholds_of(&rows[i].c);

		assert_int_equal(t.silence, rows[i].silence);
		assert_int_equal(t.disruption, rows[i].disruption);
		assert_int_equal(t.leakage, rows[i].leakage);
		assert_int_equal(t.injection, rows[i].injection);
		assert_int_equal(t.malleability, rows[i].injection);
	}
}

/* "The sum of the leakage and disruption thresholds [...] is n + 1 (provided only that k_B > n - k + 1)"; equality
 * of the two does as well. */
static void sum_is_n_plus_1(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 40; n++)
		for (unsigned k = 1; k <= n; k++)
			for (unsigned k_b = 1; k_b <= k; k_b++) {
				struct choice c = {n, k, k_b};
				struct thresholds t = thresholds_of(&c);
				struct operators o;

				operators_apart(&o, n);
				assert_int_equal(choice_check(&c).code, DSKE_RC_OK);
				assert_int_equal(t.leakage + t.disruption == n + 1, k_b >= n - k + 1);
				assert_int_equal((choice_weaknesses(&c, &o, n) & WEAK_DISRUPTION) != 0, k_b < n - k + 1);
			}
}

static void bad_choices(void **state)
{
	static const struct choice bad[] = {{0, 1, 1}, {256, 5, 5}, {9, 0, 1}, {9, 10, 5}, {9, 5, 0}, {9, 5, 6}};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(choice_check(&bad[i]).code, DSKE_RC_ARGS);
}

static void weaknesses(void **state)
{
	struct operators apart, shared = {.hubs = {1, 4, 1, 2, 1}, .count = 5};

	(void)state;
	operators_apart(&apart, 9);
	assert_int_equal(choice_weaknesses(&(struct choice){9, 5, 5}, &apart, 9), 0);
	assert_int_equal(choice_weaknesses(&(struct choice){9, 5, 4}, &apart, 9), WEAK_DISRUPTION);
	assert_int_equal(choice_weaknesses(&(struct choice){9, 5, 5}, &apart, 10), WEAK_POOL);
	assert_int_equal(choice_weaknesses(&(struct choice){9, 9, 9}, &apart, 9), WEAK_ONE_DOWN);
	assert_int_equal(choice_weaknesses(&(struct choice){9, 9, 1}, &apart, 9), WEAK_ONE_DOWN | WEAK_ONE_HUB);
	assert_int_equal(choice_weaknesses(&(struct choice){9, 5, 5}, &shared, 9), WEAK_OPERATOR);
	assert_int_equal(operators_hubs(&shared), 9);
	assert_int_equal(operators_needed(&shared, 4), 1);
	assert_int_equal(operators_needed(&shared, 5), 2);
	assert_int_equal(operators_needed(&shared, 7), 3);
	assert_int_equal(operators_needed(&shared, 9), 5);
	assert_int_equal(operators_needed(&shared, 10), 0);
	assert_int_equal(operators_needed(&shared, 0), 0);
}

/* ---- chances ------------------------------------------------------------------------------------ */

/* Exact values, from rational arithmetic. */
static void known_chances(void **state)
{
	static const struct {
		struct choice c;
		unsigned accepted;
		double p, silence, disruption, leakage, injection;
	} rows[] = {
		{{9, 5, 5}, 9, 0.1, 8.9092e-4, 8.9092e-4, 8.9092e-4, 8.9092e-4},
		{{3, 2, 2}, 3, 0.1, 0.028, 0.028, 0.028, 0.028},
		{{2, 2, 1}, 2, 0.25, 0.4375, 0.4375, 0.0625, 0.4375},
		{{1, 1, 1}, 1, 0.25, 0.25, 0.25, 0.25, 0.25},
		/* One more is accepted: of three, two are enough for an injection. */
		{{2, 2, 2}, 3, 0.1, 0.19, 0.19, 0.01, 0.028},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct operators in, out;

		operators_apart(&in, rows[i].c.n);
		operators_apart(&out, rows[i].accepted - rows[i].c.n);

		struct chances c = chances_of(&rows[i].c, &in, &out, rows[i].p);

		close_to(c.silence, rows[i].silence, "silence");
		close_to(c.disruption, rows[i].disruption, "disruption");
		close_to(c.leakage, rows[i].leakage, "leakage");
		close_to(c.injection, rows[i].injection, "injection");
	}
}

/* The digits of what is very unlikely are right, too: C(20,11) p^11 (1-p)^9 and what follows. */
static void small_chances(void **state)
{
	struct operators in, none = {.count = 0};

	(void)state;
	operators_apart(&in, 20);

	struct chances c = chances_of(&(struct choice){20, 11, 11}, &in, &none, 0.001);

	close_to(c.leakage, 1.6657943525014496e-28, "leakage");
	c = chances_of(&(struct choice){20, 11, 11}, &in, &none, 0);
	assert_true(c.leakage == 0 && c.disruption == 0 && c.injection == 0 && c.silence == 0);
	c = chances_of(&(struct choice){20, 11, 11}, &in, &none, 1);
	assert_true(c.leakage == 1 && c.disruption == 1 && c.injection == 1 && c.silence == 1);
}

/* Which hubs are bad when the operators of a set are. */
static unsigned hubs_of(const struct operators *o, unsigned set)
{
	unsigned sum = 0;

	for (size_t i = 0; i < o->count; i++)
		sum += set >> i & 1 ? o->hubs[i] : 0;
	return sum;
}

/* Every set of bad operators, weighed. */
static struct chances count_all(const struct choice *c, const struct operators *in, const struct operators *out, double p)
{
	struct thresholds t = thresholds_of(c);
	size_t all = in->count + out->count;
	struct chances sum = {0};

	for (unsigned set = 0; set < 1u << all; set++) {
		double weight = 1;
		unsigned inside = hubs_of(in, set), outside = hubs_of(out, set >> in->count);

		for (size_t i = 0; i < all; i++)
			weight *= set >> i & 1 ? p : 1 - p;
		sum.silence += inside >= t.silence ? weight : 0;
		sum.leakage += inside >= t.leakage ? weight : 0;
		sum.injection += inside + outside >= t.injection ? weight : 0;
		sum.disruption += inside >= t.silence || inside + outside >= t.injection ? weight : 0;
	}
	return sum;
}

static void as_counted(const struct operators *in, const struct operators *out)
{
	unsigned n = operators_hubs(in);

	for (unsigned k = 1; k <= n; k++)
		for (unsigned k_b = 1; k_b <= k; k_b++) {
			struct choice c = {n, k, k_b};
			struct chances got = chances_of(&c, in, out, 0.3), want = count_all(&c, in, out, 0.3);

			close_to(got.silence, want.silence, "silence");
			close_to(got.leakage, want.leakage, "leakage");
			close_to(got.injection, want.injection, "injection");
			close_to(got.disruption, want.disruption, "disruption");
		}
}

static void counted_chances(void **state)
{
	static const struct operators in[] = {
		{{1}, 1}, {{1, 1, 1, 1}, 4}, {{2, 1, 1}, 3}, {{3, 2}, 2}, {{1, 2, 3, 1}, 4}, {{5}, 1},
	};
	static const struct operators out[] = {{{0}, 0}, {{1}, 1}, {{1, 1, 1}, 3}, {{2, 1}, 2}};

	(void)state;
	for (size_t i = 0; i < COUNT(in); i++)
		for (size_t j = 0; j < COUNT(out); j++)
			as_counted(&in[i], &out[j]);
}

/* ---- advice ------------------------------------------------------------------------------------- */

/* What is promised holds, what is refused cannot be had. */
static void keeps_promises(const struct wish *w)
{
	struct advice a;
	dske_rc rc = choice_suggest(&a, w);

	if (w->down + w->collude >= w->hubs) {
		assert_int_equal(rc.code, DSKE_RC_ARGS);
		return;
	}
	assert_int_equal(rc.code, DSKE_RC_OK);
	assert_int_equal(choice_check(&a.choice).code, DSKE_RC_OK);

	struct thresholds t = thresholds_of(&a.choice);

	assert_int_equal(a.choice.n, w->hubs);
	assert_true(t.silence > w->down);
	assert_true(t.leakage > w->collude && t.injection > w->collude && t.malleability > w->collude);
	assert_int_equal(a.withstands_lies, w->hubs >= 2 * w->collude + 1);
	if (a.withstands_lies)
		assert_true(t.disruption > w->collude);
	assert_int_equal(a.withstands_both, w->hubs >= w->down + 2 * w->collude + 1);
	if (a.withstands_both)
		assert_true(w->hubs - w->down - w->collude >= a.choice.k);
}

static void advice(void **state)
{
	struct advice a;

	(void)state;
	for (unsigned hubs = 1; hubs <= 30; hubs++)
		for (unsigned down = 0; down <= hubs; down++)
			for (unsigned collude = 0; collude <= hubs; collude++)
				keeps_promises(&(struct wish){hubs, down, collude});
	/* By hand: 9 hubs, 2 down, 2 in league: a majority has room. */
	assert_int_equal(choice_suggest(&a, &(struct wish){9, 2, 2}).code, DSKE_RC_OK);
	assert_int_equal(a.choice.k, 5);
	assert_int_equal(a.choice.k_b, 5);
	assert_true(a.withstands_both);
	/* 5 hubs, 2 down, 2 in league: three shares come, and all must be there. */
	assert_int_equal(choice_suggest(&a, &(struct wish){5, 2, 2}).code, DSKE_RC_OK);
	assert_int_equal(a.choice.k, 3);
	assert_false(a.withstands_both);
	assert_true(a.withstands_lies);
}

static void impossible(void **state)
{
	static const struct wish bad[] = {{0, 0, 0}, {256, 0, 0}, {5, 5, 0}, {5, 3, 2}, {5, 0, 5}, {5, 4000000000u, 0}, {5, 0, 4000000000u}};
	struct advice a;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(choice_suggest(&a, &bad[i]).code, DSKE_RC_ARGS);
	assert_non_null(strstr(rc_detail(choice_suggest(&a, &(struct wish){5, 3, 2})), "6 hubs at least (8 if"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_thresholds), cmocka_unit_test(sum_is_n_plus_1), cmocka_unit_test(bad_choices),
		cmocka_unit_test(weaknesses),       cmocka_unit_test(known_chances),   cmocka_unit_test(small_chances),
		cmocka_unit_test(counted_chances),  cmocka_unit_test(advice),          cmocka_unit_test(impossible),
	};

	return cmocka_run_group_tests_name("thresholds", tests, NULL, NULL);
}
