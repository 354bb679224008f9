/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/bench-agree.c - whole agreements through real hubs on loopback, everything durable, beside the
 * echo stub of echo.h.  Time runs from the initiator's call until both calls have returned with the key,
 * the receiver having waited before.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/bench/agreements.h"
#include "test/bench/bench.h"
#include "test/bench/echo.h"
#include "test/bench/tables.h"

#define HUBS 5
#define TABLE_LEN (UINT64_C(32) << 20)
#define WARM_UP 100    /* rounds: connections are made, and windows grow */
#define BLOCKS 5
#define BLOCK_ROUNDS 200
#define RATE_BLOCKS 3
#define RATE_SECONDS 1.0
#define BULK_LEN (1u << 20)
#define BULK_HUBS 3
#define BULK_ROUNDS 24
#define BULK_TABLE_LEN (UINT64_C(256) << 20)

/* ---- latency ------------------------------------------------------------------------------------------------ */

static void print_quantiles(const char *name, double *taken, double *p50)
{
	enum { COUNT = BLOCKS * BLOCK_ROUNDS };
	char text[80];

	*p50 = bench_quantile(taken, COUNT, 0.5);
	snprintf(text, sizeof text, "%s, p50", name);
	bench_line(text, *p50 * 1e3, "ms");
	snprintf(text, sizeof text, "%s, p99", name);
	bench_line(text, bench_quantile(taken, COUNT, 0.99) * 1e3, "ms");
}

static void latency(struct agreements *a, struct echo *e)
{
	static struct pairs ours, stub;
	static double taken[2][BLOCKS * BLOCK_ROUNDS];
	double p50[2];
	size_t at = 0;

	pairs_start(&ours, 1, &agreements_way, a);
	pairs_start(&stub, 1, &echo_way, e);
	bench_line("the first agreement, connections and leases included", pairs_latency(&ours) * 1e3, "ms");
	for (size_t i = 0; i < WARM_UP; i++) {
		pairs_latency(&ours);
		pairs_latency(&stub);
	}
	for (size_t b = 0; b < BLOCKS; b++, at += BLOCK_ROUNDS) {
		for (size_t i = 0; i < BLOCK_ROUNDS; i++)
			taken[0][at + i] = pairs_latency(&ours);
		for (size_t i = 0; i < BLOCK_ROUNDS; i++)
			taken[1][at + i] = pairs_latency(&stub);
	}
	print_quantiles("256 bits, n = 5, k = 3", taken[0], &p50[0]);
	print_quantiles("    echo stub", taken[1], &p50[1]);
	bench_line("    ratio of p50", p50[0] / p50[1], "times the echo stub");
	pairs_stop(&ours);
	pairs_stop(&stub);
}

/* ---- processor time ----------------------------------------------------------------------------------------- */

/* Unlike rates it hardly depends on what else the machine does, nor on its number of cores. */
struct cpu {
	double hubs, initiators, receivers, agreements;
};

static void note_cpu(const struct agreements *a, const struct pairs *s, struct cpu *used, double sign)
{
	struct pairs_cpu ends = pairs_cpu(s);

	used->hubs += sign * network_hubs_cpu(&a->network);
	used->initiators += sign * ends.initiators;
	used->receivers += sign * ends.receivers;
}

/* pairs_rate, or of so many rounds of each pair, and what it used. */
static double rate_and_cpu(struct agreements *a, struct pairs *s, size_t rounds, struct cpu *used)
{
	note_cpu(a, s, used, -1);
	double start = bench_now();
	double done = rounds == 0 ? pairs_rate(s, RATE_SECONDS) : pairs_rate_of(s, rounds);
	used->agreements += done * (bench_now() - start);
	note_cpu(a, s, used, 1);
	return done;
}

static void print_cpu(const struct cpu *used, size_t hubs)
{
	bench_line("    processor time at one hub, an agreement", used->hubs / used->agreements / (double)hubs * 1e6, "us");
	bench_line("    processor time at the initiator", used->initiators / used->agreements * 1e6, "us");
	bench_line("    processor time at the receiver", used->receivers / used->agreements * 1e6, "us");
}

/* ---- rates ---------------------------------------------------------------------------------------------------- */

/* e NULL: without the stub. */
static void rate(struct agreements *a, struct echo *e, size_t threads)
{
	static struct pairs ours, stub;
	double done[2][RATE_BLOCKS], median[2];
	struct cpu used = {0};
	char name[80];

	pairs_start(&ours, threads, &agreements_way, a);
	pairs_start(&stub, e != NULL ? threads : 0, &echo_way, e);
	pairs_rate(&ours, RATE_SECONDS / 2); /* warms up */
	for (size_t b = 0; b < RATE_BLOCKS; b++) {
		done[0][b] = rate_and_cpu(a, &ours, 0, &used);
		done[1][b] = e != NULL ? pairs_rate(&stub, RATE_SECONDS) : 0;
	}
	for (size_t i = 0; i < 2; i++)
		median[i] = bench_quantile(done[i], RATE_BLOCKS, 0.5);
	snprintf(name, sizeof name, "256 bits, n = 5, k = 3, %zu in flight", threads);
	bench_line(name, median[0], "agreements a second");
	if (e != NULL) {
		bench_line("    echo stub", median[1], "a second");
		bench_line("    ratio", median[1] / median[0], "times as slow as the echo stub");
	}
	print_cpu(&used, HUBS);
	pairs_complain(&ours, name);
	pairs_stop(&ours);
	pairs_stop(&stub);
}

static double mbit(double keys_a_second)
{
	return 8 * BULK_LEN * keys_a_second / 1e6;
}

static void bulk(struct agreements *a, struct echo *e, size_t threads, size_t rounds)
{
	static struct pairs ours, stub;
	struct cpu used = {0};
	char name[80];

	pairs_start(&ours, threads, &agreements_way, a);
	pairs_start(&stub, threads, &echo_way, e);
	pairs_rate_of(&ours, 2); /* connects */
	pairs_rate_of(&stub, 2);
	double done = rate_and_cpu(a, &ours, rounds, &used), least = pairs_rate_of(&stub, rounds);
	snprintf(name, sizeof name, "1 MiB, XOR, n = k = 3, %zu in flight", threads);
	bench_line(name, mbit(done), "Mbit/s of agreed key");
	bench_line("    a key", 1e3 / done, "ms");
	bench_line("    echo stub", mbit(least), "Mbit/s");
	bench_line("    ratio", least / done, "times as slow as the echo stub");
	print_cpu(&used, BULK_HUBS);
	pairs_complain(&ours, name);
	pairs_stop(&ours);
	pairs_stop(&stub);
}

/* in_flight: that row alone, for a profile; 0: all of them. */
static void small_keys(const struct path *scratch, size_t in_flight)
{
	static struct agreements small = {.key_len = 32, .scheme = SCHEME_SHAMIR};
	static struct echo echo;

	if (in_flight == 0)
		echo_start(&echo, HUBS, scratch, 0);
	network_start(&small.network, scratch, "five", HUBS, 3, TABLE_LEN);
	if (in_flight == 0)
		latency(&small, &echo);
	for (size_t threads = 1; threads <= PAIRS_MAX; threads *= 4)
		if (in_flight == 0 || in_flight == threads)
			rate(&small, in_flight == 0 ? &echo : NULL, threads);
	network_stop(&small.network);
	if (in_flight == 0)
		echo_stop(&echo);
}

static void long_keys(const struct path *scratch)
{
	static struct agreements large = {.key_len = BULK_LEN, .scheme = SCHEME_XOR};
	static struct echo echo;

	echo_start(&echo, BULK_HUBS, scratch, BULK_LEN);
	network_start(&large.network, scratch, "three", BULK_HUBS, 3, BULK_TABLE_LEN);
	bulk(&large, &echo, 1, BULK_ROUNDS);
	bulk(&large, &echo, 4, BULK_ROUNDS / 2);
	network_stop(&large.network);
	echo_stop(&echo);
}

/* "small" or "bulk" alone, or both; or 1, 4, 16 or 64: so many agreements in flight, and no stub,
 * for a profile. */
int main(int argc, char **argv)
{
	const struct path *scratch = bench_scratch();
	const char *which = argc > 1 ? argv[1] : "";

	size_t in_flight = (size_t)strtoul(which, NULL, 10);

	bench_header(scratch->s);
	if (strcmp(which, "bulk") != 0)
		small_keys(scratch, in_flight);
	if (strcmp(which, "small") != 0 && in_flight == 0)
		long_keys(scratch);
	return 0;
}
