/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-search.c - what tells consistent shares from others: digests, residues, locators, the walk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/consistent.h"
#include "core/gf256.h"
#include "core/locate.h"
#include "core/residue.h"
#include "core/shamir.h"
#include "core/subset.h"
#include "test/core/seeded.h"

#define assert_ok(rc) assert_true(rc_ok(rc))

/* ---- subsets ---------------------------------------------------------------------------------------- */

static void binomials(void **state)
{
	static uint64_t row[70][70]; /* Pascal's triangle */

	(void)state;
	for (size_t n = 0; n < 68; n++)
		for (size_t k = 0; k <= n; k++) {
			row[n][k] = k == 0 || k == n ? 1 : row[n - 1][k - 1] + row[n - 1][k];
			assert_true(choose_count(n, k) == row[n][k]);
		}
	assert_int_equal(choose_count(5, 6), 0);
	assert_true(choose_count(255, 2) == 32385);
	assert_true(choose_count(255, 254) == 255);
	assert_true(choose_count(255, 127) == UINT64_MAX);
	assert_true(choose_count(68, 34) == UINT64_MAX);
}

/* As many as there are, ascending, each after the one before, told where it first differs. */
static void subsets_in_order(void **state)
{
	(void)state;
	for (size_t s = 1; s <= 9; s++)
		for (size_t k = 1; k <= s; k++) {
			uint8_t subset[9], before[9];
			uint64_t count = 1;
			size_t changed;

			subset_first(subset, k);
			for (;; count++) {
				memcpy(before, subset, k);
				changed = subset_next(subset, k, s);
				if (changed == k)
					break;
				assert_memory_equal(before, subset, changed);
				assert_true(before[changed] < subset[changed]);
				for (size_t i = 1; i < k; i++)
					assert_true(subset[i - 1] < subset[i] && subset[i] < s);
			}
			assert_true(count == choose_count(s, k));
		}
}

static void sets_of_indices(void **state)
{
	struct index_set set = {{0}};
	const uint8_t begins[3] = {2, 63, 64}, covered[3] = {2, 64, 254}, other[2] = {2, 3}, later[2] = {63, 64};

	(void)state;
	index_set_add(&set, 2);
	index_set_add(&set, 63);
	index_set_add(&set, 64);
	index_set_add(&set, 254);
	assert_int_equal(index_set_count(&set), 4);
	assert_true(index_set_covers(&set, begins, 3) && index_set_begins(&set, begins, 3));
	assert_true(index_set_covers(&set, covered, 3) && !index_set_begins(&set, covered, 3));
	assert_false(index_set_covers(&set, other, 2) || index_set_begins(&set, other, 2));
	assert_false(index_set_begins(&set, later, 2));
}

/* ---- digests ----------------------------------------------------------------------------------------- */

struct shares {
	struct seeded seed;
	size_t count, k, len;
	uint8_t x[SUBSET_MAX];
	uint8_t *share[SUBSET_MAX];
};

static void shares_make(struct shares *h, uint64_t seed, size_t count, size_t k, size_t len)
{
	h->seed.state = seed;
	h->count = count;
	h->k = k;
	h->len = len;
	for (size_t i = 0; i < count; i++) {
		h->x[i] = (uint8_t)(i + 1);
		h->share[i] = malloc(len);
		if (i < k)
			seeded_fill(&h->seed, h->share[i], len);
	}
	assert_ok(shamir_interpolate(h->x, (const uint8_t *const *)h->share, k, h->x + k, h->share + k, count - k, len));
}

static void shares_free(struct shares *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->share[i]);
}

static void residue_of(struct residue *r, const struct shares *h)
{
	uint8_t digest[SUBSET_MAX][DIGEST_LEN];

	assert_ok(digest_shares(digest, (const uint8_t *const *)h->share, h->count, h->len));
	assert_ok(residue_of_digests(r, h->x, digest, h->count, h->k));
}

static bool is_zero(const struct residue *r)
{
	static const uint8_t zero[DIGEST_LEN];

	for (size_t i = 0; i < r->count; i++)
		if (memcmp(r->word[i], zero, DIGEST_LEN) != 0)
			return false;
	return true;
}

static const size_t lengths[] = {1, 2, 17, 64, 80, 127, 128, 129, 255, 256, 257, 1000, 16384, 16385, 131071, 131072,
				 131073, 262144, 300001};

/* Shares on one polynomial leave nothing, so that no honest share is ever suspected. */
static void honest_shares_leave_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct shares h;
		struct residue r;

		shares_make(&h, i, 6, 3, lengths[i]);
		residue_of(&r, &h);
		assert_true(is_zero(&r));
		shares_free(&h);
	}
}

/* One bit anywhere does, and so do two bytes that cancel where functionals are not random enough. */
static void any_change_leaves_something(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct shares h;
		struct residue r;
		size_t step = lengths[i] / 97 + 1;

		shares_make(&h, i, 3, 2, lengths[i]);
		for (size_t at = lengths[i] - 1, last = 0; !last; last = at == 0, at = at > step ? at - step : 0) {
			size_t other = at > 0 ? seeded_below(&h.seed, at) : at;

			h.share[at % 3][at] ^= 0x10;
			residue_of(&r, &h);
			assert_false(is_zero(&r));
			h.share[at % 3][other] ^= 0x10;
			residue_of(&r, &h);
			assert_true(is_zero(&r) == (at == other));
			h.share[at % 3][at] ^= 0x10;
			h.share[at % 3][other] ^= 0x10;
		}
		shares_free(&h);
	}
}

/* Drawn anew each time: the same shares have other digests. */
static void functionals_are_not_used_twice(void **state)
{
	struct shares h;
	uint8_t a[3][DIGEST_LEN], b[3][DIGEST_LEN];

	(void)state;
	shares_make(&h, 1, 3, 3, 80);
	assert_ok(digest_shares(a, (const uint8_t *const *)h.share, 3, 80));
	assert_ok(digest_shares(b, (const uint8_t *const *)h.share, 3, 80));
	assert_memory_not_equal(a, b, sizeof a);
	shares_free(&h);
}

/* The residue is that of the errors alone: no other shares with the same errors could have another. */
static void a_residue_tells_nothing_of_shares(void **state)
{
	struct shares h;
	struct residue r;

	(void)state;
	shares_make(&h, 2, 7, 3, 80);
	h.share[5][3] ^= 0x42; /* one error: with the first k honest, all other words are zeros */
	residue_of(&r, &h);
	for (size_t i = 0; i < 7; i++) {
		static const uint8_t zero[DIGEST_LEN];
		assert_int_equal(memcmp(r.word[i], zero, DIGEST_LEN) == 0, i != 5);
	}
	shares_free(&h);
}

/* ---- locators ------------------------------------------------------------------------------------------ */

enum error_kind { RANDOM, ONE_BYTE, SHIFTED, ERROR_KINDS };

/* Corrupts so many shares, all over the place. */
static void corrupt(struct shares *h, size_t count, enum error_kind kind, bool *is_corrupt)
{
	memset(is_corrupt, 0, h->count);
	for (size_t done = 0; done < count;) {
		size_t i = seeded_below(&h->seed, h->count);
		uint8_t factor = 1;

		if (is_corrupt[i])
			continue;
		is_corrupt[i] = true;
		done++;
		if (kind == RANDOM)
			seeded_fill(&h->seed, h->share[i], h->len);
		else if (kind == ONE_BYTE)
			h->share[i][5] ^= (uint8_t)(1 + seeded_below(&h->seed, 255));
		for (size_t j = 1; j < h->k; j++) /* degree k - 1, so that the shifted ones are consistent */
			factor = gf256_mul(factor, h->x[i] ^ (uint8_t)(200 + j));
		for (size_t b = 0; b < h->len && kind == SHIFTED; b++)
			h->share[i][b] ^= gf256_mul(factor, (uint8_t)(b + 1));
	}
}

static bool finds(struct shares *h, size_t t, const bool *is_corrupt)
{
	struct residue r;
	uint8_t subset[SUBSET_MAX];
	bool found;

	residue_of(&r, h);
	assert_ok(locate(&r, t, subset, &found));
	for (size_t i = 0; i < h->k && found; i++)
		found = !is_corrupt[subset[i]];
	return found;
}

/* Up to half of the redundancy: always, whatever the errors are. */
static void half_the_redundancy_is_corrected(void **state)
{
	bool is_corrupt[SUBSET_MAX];

	(void)state;
	for (size_t n = 1; n <= 20; n++)
		for (size_t k = 1; k < n; k++)
			for (size_t e = 0; e <= (n - k) / 2; e++)
				for (enum error_kind kind = 0; kind < ERROR_KINDS; kind++) {
					struct shares h;

					shares_make(&h, n * 1000 + k * 20 + e, n, k, 20);
					corrupt(&h, e, kind, is_corrupt);
					assert_true(finds(&h, (n - k) / 2, is_corrupt));
					shares_free(&h);
				}
}

/* Independent errors beyond that, while more than k shares are honest.  With one such share to spare, e errors have
 * digests that depend on each other with a chance of some 2^-8(21 - e): so no case has 19. */
static void independent_errors_are_located(void **state)
{
	static const struct {
		size_t n, k, e;
	} cases[] = {{20, 5, 14}, {20, 10, 9}, {9, 5, 3}, {60, 30, 28}, {20, 1, 18}, {5, 3, 1}, {100, 80, 18}};
	bool is_corrupt[SUBSET_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct shares h;

		shares_make(&h, i, cases[i].n, cases[i].k, 80);
		corrupt(&h, cases[i].e, RANDOM, is_corrupt);
		assert_true(finds(&h, cases[i].e, is_corrupt));
		shares_free(&h);
	}
}

/* ---- the walk -------------------------------------------------------------------------------------------- */

/* Is this set of k + 1 consistent? */
static bool is_consistent(const struct residue *r, const uint8_t *set)
{
	struct index_set fitting;

	assert_ok(residue_fitting(r, set, &fitting));
	return index_set_covers(&fitting, set, r->k + 1);
}

/* Next by trying all k + 1: the first k of it; false after the last. */
static bool next_by_force(const struct residue *r, uint8_t *set, bool *begun)
{
	uint8_t before[SUBSET_MAX];
	bool again = *begun;

	memcpy(before, set, r->k);
	do {
		if (*begun && subset_next(set, r->k + 1, r->count) > r->k)
			return false;
		*begun = true;
	} while (!is_consistent(r, set) || (again && memcmp(before, set, r->k) == 0));
	return true;
}

static void check_walk(struct shares *h, uint64_t pause)
{
	struct residue r;
	struct walk *w;
	uint8_t subset[SUBSET_MAX], set[SUBSET_MAX];
	uint64_t steps = 0, total = 0;
	bool begun = false;
	enum walk_state state;

	residue_of(&r, h);
	assert_ok(walk_new(&w, &r));
	subset_first(set, h->k + 1);
	while ((state = walk_next(w, &steps, subset)) != WALK_END) {
		struct index_set fitting;

		if (state == WALK_PAUSE) {
			steps = pause;
			total += pause;
			continue;
		}
		assert_ok(residue_fitting(&r, subset, &fitting));
		if (index_set_count(&fitting) <= h->k)
			continue; /* by chance */
		assert_true(next_by_force(&r, set, &begun));
		assert_memory_equal(subset, set, h->k);
	}
	assert_false(next_by_force(&r, set, &begun));
	assert_in_range(total - steps, walk_length(h->count, h->k), walk_length(h->count, h->k) + 1);
	walk_free(w);
}

static void the_walk_meets_every_consistent_set(void **state)
{
	bool is_corrupt[SUBSET_MAX];

	(void)state;
	for (size_t n = 2; n <= 9; n++)
		for (size_t k = 1; k < n; k++)
			for (size_t e = 0; e <= n; e += 2)
				for (enum error_kind kind = 0; kind < ERROR_KINDS; kind++) {
					struct shares h;

					shares_make(&h, n * 100 + k * 10 + e, n, k, 20);
					corrupt(&h, e, kind, is_corrupt);
					check_walk(&h, 1 + e * 7);
					shares_free(&h);
				}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binomials),
		cmocka_unit_test(subsets_in_order),
		cmocka_unit_test(sets_of_indices),
		cmocka_unit_test(honest_shares_leave_nothing),
		cmocka_unit_test(any_change_leaves_something),
		cmocka_unit_test(functionals_are_not_used_twice),
		cmocka_unit_test(a_residue_tells_nothing_of_shares),
		cmocka_unit_test(half_the_redundancy_is_corrected),
		cmocka_unit_test(independent_errors_are_located),
		cmocka_unit_test(the_walk_meets_every_consistent_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
