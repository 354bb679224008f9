/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/grid/test-grid.c - the grid of DSKE 5.1, each cell against the thresholds of DSKE 4.2.
 *
 *     test-grid                       a sample, as a test
 *     test-grid --short               every cell with a short key, as CSV (doc/grid.csv)
 *     test-grid --long COUNT SEED     cells drawn by the seed with keys of 8 Mbit, as CSV (doc/grid-long.csv)
 *
 * A row of the first CSV is n, k, s, kind and k_B with one letter for each number of corrupt shares, from 0 to
 * s: K the initiator's key, A abort, I the corrupt hubs' key; then from how many corrupt hubs on the key leaks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/subset.h"
#include "test/core/seeded.h"
#include "test/grid/cell.h"

#define N_MAX 20
#define SHORT_LEN 16
#define LONG_LEN 1000000 /* 8 Mbit */
#define LONG_SUBSETS_MAX 1000

static const char *const kind_name[] = {[CELL_MISMATCHED] = "mismatched", [CELL_HOSTILE] = "hostile"};

/* The k_B below k that is played besides k itself. */
static uint8_t lower_k_b(uint8_t k)
{
	return (uint8_t)((k + 1) / 2);
}

/* Runs a cell; if it does not come out as predicted, says so. */
static bool cell_holds(const struct cell *c, struct cell_result *result)
{
	enum cell_outcome predicted = cell_predict(c);

	*result = cell_run(c);
	if (result->outcome == predicted && result->leaked == (c->corrupt >= c->k))
		return true;
	fprintf(stderr, "# n %u k %u s %u corrupt %u %s k_B %u, %u bytes, seed %llu: %c%s, not %c\n", c->n, c->k, c->s,
		c->corrupt, kind_name[c->kind], c->k_b, (unsigned)c->key_len, (unsigned long long)c->seed,
		result->outcome, result->leaked ? " and leaked" : "", predicted);
	return false;
}

static uint64_t seed_of(const struct cell *c)
{
	return ((((uint64_t)c->n * 32 + c->k) * 32 + c->s) * 32 + c->corrupt) * 64 + c->k_b * 2u + c->kind;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

/* From 0 to s corrupt shares.  False if a cell does not hold. */
static bool row_run(struct cell c, FILE *csv)
{
	struct cell_result result;
	char letters[N_MAX + 2] = {0};
	unsigned leaks_from = 0;
	bool holds = true;

	for (c.corrupt = 0; c.corrupt <= c.s; c.corrupt++) {
		c.seed = seed_of(&c);
		holds &= cell_holds(&c, &result);
		letters[c.corrupt] = (char)result.outcome;
		if (result.leaked && leaks_from == 0)
			leaks_from = c.corrupt;
	}
	if (csv)
		fprintf(csv, "%u,%u,%u,%s,%u,%s,%u\n", c.n, c.k, c.s, kind_name[c.kind], c.k_b, letters, leaks_from);
	return holds;
}

static bool rows_run(uint8_t n, uint8_t k, uint8_t s, FILE *csv)
{
	struct cell c = {.n = n, .k = k, .s = s, .k_b = k, .key_len = SHORT_LEN, .kind = CELL_MISMATCHED};
	bool holds = row_run(c, csv);

	c.kind = CELL_HOSTILE;
	holds &= row_run(c, csv);
	c.k_b = lower_k_b(k);
	if (c.k_b < k)
		holds &= row_run(c, csv);
	return holds;
}

static bool grid_run(uint8_t n_max, FILE *csv)
{
	bool holds = true;

	for (uint8_t n = 1; n <= n_max; n++)
		for (uint8_t k = 1; k <= n; k++)
			for (uint8_t s = k; s <= n; s++)
				holds &= rows_run(n, k, s, csv);
	return holds;
}

/* ---- cells that are drawn ------------------------------------------------------------------------------- */

static struct cell cell_draw(struct seeded *seed, uint64_t subsets_max, uint32_t key_len)
{
	struct cell c = {.key_len = key_len};

	do {
		c.n = (uint8_t)(1 + seeded_below(seed, N_MAX));
		c.k = (uint8_t)(1 + seeded_below(seed, c.n));
		c.s = (uint8_t)(c.k + seeded_below(seed, c.n - c.k + 1u));
	} while (choose_count(c.s, c.k) > subsets_max);
	c.corrupt = (uint8_t)seeded_below(seed, c.s + 1u);
	c.kind = seeded_below(seed, 2) ? CELL_HOSTILE : CELL_MISMATCHED;
	c.k_b = seeded_below(seed, 2) ? c.k : lower_k_b(c.k);
	c.seed = seeded_next(seed);
	return c;
}

static bool drawn_run(size_t count, uint64_t first, FILE *csv)
{
	struct seeded seed = {first};
	bool holds = true;

	for (size_t i = 0; i < count; i++) {
		struct cell c = cell_draw(&seed, LONG_SUBSETS_MAX, LONG_LEN);
		struct cell_result result;

		holds &= cell_holds(&c, &result);
		fprintf(csv, "%u,%u,%u,%u,%s,%u,%c,%.1f\n", c.n, c.k, c.s, c.corrupt, kind_name[c.kind], c.k_b,
			result.outcome, result.seconds * 1e3);
		fflush(csv);
	}
	return holds;
}

/* ---- the sample ------------------------------------------------------------------------------------------ */

static void every_cell_of_a_small_grid(void **state)
{
	(void)state;
	assert_true(grid_run(8, NULL));
}

static void drawn_cells(void **state)
{
	struct seeded seed = {51};

	(void)state;
	for (size_t i = 0; i < 600; i++) {
		struct cell c = cell_draw(&seed, UINT64_C(20000), SHORT_LEN);
		struct cell_result result;

		assert_true(cell_holds(&c, &result));
	}
}

static void drawn_cells_with_long_keys(void **state)
{
	struct seeded seed = {52};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct cell c = cell_draw(&seed, 20, LONG_LEN);
		struct cell_result result;

		assert_true(cell_holds(&c, &result));
	}
}

/* DSKE 4.2: with everybody delivering, the first count of corrupt hubs at which the receiver has no key. */
static void disruption_is_sharp(void **state)
{
	(void)state;
	for (uint8_t n = 1; n <= 10; n++)
		for (uint8_t k = 1; k <= n; k++)
			for (uint8_t k_b = 1; k_b <= k; k_b++) {
				uint8_t threshold = (uint8_t)(n - k + 1 < k_b ? n - k + 1 : k_b);
				struct cell c = {.n = n, .k = k, .s = n, .k_b = k_b, .kind = CELL_HOSTILE, .key_len = 16};

				c.corrupt = (uint8_t)(threshold - 1);
				assert_int_equal(cell_run(&c).outcome, CELL_KEY);
				c.corrupt = threshold;
				assert_int_not_equal(cell_run(&c).outcome, CELL_KEY);
			}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_of_a_small_grid),
		cmocka_unit_test(drawn_cells),
		cmocka_unit_test(drawn_cells_with_long_keys),
		cmocka_unit_test(disruption_is_sharp),
	};

	if (argc == 2 && strcmp(argv[1], "--short") == 0) {
		puts("n,k,s,kind,k_b,outcomes,leaks_from");
		return !grid_run(N_MAX, stdout);
	}
	if (argc == 4 && strcmp(argv[1], "--long") == 0) {
		puts("n,k,s,corrupt,kind,k_b,outcome,milliseconds");
		return !drawn_run(strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), stdout);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
