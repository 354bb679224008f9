/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/sim/test-sim.c - many sessions of the simulated network.
 *
 *     test-sim                  a sample, as a test
 *     test-sim COUNT FIRST      sessions FIRST to FIRST + COUNT - 1, a tally of what they came to, and how fast
 *
 * A session is drawn from its number alone: what failed is repeated by test-sim 1 NUMBER.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "test/sim/sim.h"

/* False when one failed: its number is printed. */
static bool sessions_run(uint64_t first, uint64_t count, uint64_t tally[TALLY_COUNT])
{
	const char *why;

	for (uint64_t i = 0; i < count; i++)
		if (!sim_session(first + i, tally, &why)) {
			printf("# session %" PRIu64 ": %s (test-sim 1 %" PRIu64 ")\n", first + i, why, first + i);
			return false;
		}
	return true;
}

static void a_sample_holds(void **state)
{
	uint64_t tally[TALLY_COUNT] = {0};

	(void)state;
	assert_true(sessions_run(1, 10000, tally));
	for (size_t i = 0; i < TALLY_COUNT; i++)
		assert_true(tally[i] > 0); /* nothing is tested by what never happens */
}

static void a_slice_repeats(void **state)
{
	uint64_t once[TALLY_COUNT] = {0}, again[TALLY_COUNT] = {0}, before[TALLY_COUNT] = {0};

	(void)state;
	assert_true(sessions_run(700, 500, once));
	assert_true(sessions_run(1, 10, before));
	assert_true(sessions_run(700, 500, again));
	assert_memory_equal(once, again, sizeof once);
}

/* Each of these faults is in everybody: it takes few sessions to see. */
static void a_fault_is_found(void **state)
{
	uint64_t tally[TALLY_COUNT] = {0};

	(void)state;
	for (sim_fault = FAULT_TAGS; sim_fault < FAULT_COUNT; sim_fault++)
		assert_false(sessions_run(1, 5000, tally));
	sim_fault = FAULT_NONE;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int report(uint64_t count, uint64_t first)
{
	uint64_t tally[TALLY_COUNT] = {0};
	double began = now();
	bool good = sessions_run(first, count, tally);
	double seconds = now() - began;

	printf("sessions %" PRIu64 " to %" PRIu64 "\n", first, first + count - 1);
	for (size_t i = 0; i < TALLY_COUNT; i++)
		printf("%12" PRIu64 "  %s\n", tally[i], sim_tally_name[i]);
	if (good)
		printf("%.1f s, %.0f sessions a second\n", seconds, (double)count / seconds);
	return !good;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_holds),
		cmocka_unit_test(a_slice_repeats),
		cmocka_unit_test(a_fault_is_found),
	};

	if (argc == 3)
		return report(strtoull(argv[1], NULL, 10), strtoull(argv[2], NULL, 10));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
