/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/bench-agree.c - whole agreements through real hubs on loopback, everything durable, beside the
 * echo stub of echo.h.  Time runs from the initiator's call until both calls have returned with the key,
 * the receiver having waited before.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "test/bench/bench.h"
#include "test/bench/echo.h"
#include "test/bench/network.h"
#include "test/bench/pairs.h"
#include "test/bench/tables.h"

#define HUBS 5
#define TABLE_LEN (UINT64_C(32) << 20)
#define TIMEOUT_MS 3000
#define WARM_UP 100    /* rounds: connections are made, and windows grow */
#define BLOCKS 5
#define BLOCK_ROUNDS 200
#define RATE_BLOCKS 3
#define RATE_SECONDS 1.0
#define BULK_LEN (1u << 20)
#define BULK_HUBS 3
#define BULK_ROUNDS 20

struct agreements { /* what the pairs of a network share */
	struct network network;
	uint32_t key_len;
	enum scheme scheme;
};

/* ---- one agreement ---------------------------------------------------------------------------------------- */

static dske_rc agree(const struct pair *p, struct client *c, const char *peer, enum agree_role role,
		     struct secret *key)
{
	const struct agreements *a = p->context;
	struct agree_request q = {.role = role, .has_key_id = true, .key_id = p->key_id, .key_len = a->key_len,
				  .scheme = a->scheme, .timeout_ms = TIMEOUT_MS};
	struct agree_result r = {0};

	strcpy(q.peer, peer);
	dske_rc rc = client_agree(c, &q, &r);
	secret_move(key, &r.key);
	agree_result_drop(&r);
	return rc;
}

static dske_rc initiate(struct pair *p)
{
	const struct agreements *a = p->context;

	return agree(p, a->network.alice, "bob", ROLE_INITIATOR, &p->initiator_key);
}

static dske_rc receive(struct pair *p)
{
	const struct agreements *a = p->context;

	return agree(p, a->network.bob, "alice", ROLE_RECEIVER, &p->receiver_key);
}

static const struct way real_way = {.initiate = initiate, .receive = receive};

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

	pairs_start(&ours, 1, &real_way, a);
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
	double hubs, ends, agreements;
};

static double own_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* pairs_rate, and what it used. */
static double rate_and_cpu(struct agreements *a, struct pairs *s, struct cpu *used)
{
	double hubs = network_hubs_cpu(&a->network), ends = own_cpu(), start = bench_now();
	double done = pairs_rate(s, RATE_SECONDS);

	used->agreements += done * (bench_now() - start);
	used->hubs += network_hubs_cpu(&a->network) - hubs;
	used->ends += own_cpu() - ends;
	return done;
}

static void print_cpu(const struct cpu *used)
{
	bench_line("    processor time at one hub, an agreement", used->hubs / used->agreements / HUBS * 1e6, "us");
	bench_line("    processor time at both ends together", used->ends / used->agreements * 1e6, "us");
}

/* ---- rates ---------------------------------------------------------------------------------------------------- */

static void rate(struct agreements *a, struct echo *e, size_t threads)
{
	static struct pairs ours, stub;
	double done[2][RATE_BLOCKS], median[2];
	struct cpu used = {0};
	char name[80];

	pairs_start(&ours, threads, &real_way, a);
	pairs_start(&stub, threads, &echo_way, e);
	pairs_rate(&ours, RATE_SECONDS / 2); /* warms up */
	for (size_t b = 0; b < RATE_BLOCKS; b++) {
		done[0][b] = rate_and_cpu(a, &ours, &used);
		done[1][b] = pairs_rate(&stub, RATE_SECONDS);
	}
	for (size_t i = 0; i < 2; i++)
		median[i] = bench_quantile(done[i], RATE_BLOCKS, 0.5);
	snprintf(name, sizeof name, "256 bits, n = 5, k = 3, %zu thread%s an end", threads, threads == 1 ? "" : "s");
	bench_line(name, median[0], "agreements a second");
	bench_line("    echo stub", median[1], "a second");
	bench_line("    ratio", median[1] / median[0], "times as slow as the echo stub");
	print_cpu(&used);
	pairs_complain(&ours, name);
	pairs_stop(&ours);
	pairs_stop(&stub);
}

static void bulk(struct agreements *a)
{
	static struct pairs ours;
	double taken[BULK_ROUNDS], median;

	pairs_start(&ours, 1, &real_way, a);
	pairs_latency(&ours); /* connects */
	for (size_t i = 0; i < BULK_ROUNDS; i++)
		taken[i] = pairs_latency(&ours);
	median = bench_quantile(taken, BULK_ROUNDS, 0.5);
	bench_line("1 MiB, XOR, n = k = 3, p50", median * 1e3, "ms");
	bench_line("    one after the other that is", 8 * BULK_LEN / median / 1e6, "Mbit/s of agreed key");
	pairs_stop(&ours);
}

int main(void)
{
	const struct path *scratch = bench_scratch();
	static struct agreements small = {.key_len = 32, .scheme = SCHEME_SHAMIR},
				 large = {.key_len = BULK_LEN, .scheme = SCHEME_XOR};
	static struct echo echo;

	bench_header(scratch->s);
	echo_start(&echo, HUBS, scratch);
	network_start(&small.network, scratch, "five", HUBS, 3, TABLE_LEN);
	latency(&small, &echo);
	rate(&small, &echo, 1);
	rate(&small, &echo, PAIRS_MAX);
	network_stop(&small.network);
	echo_stop(&echo);
	network_start(&large.network, scratch, "three", BULK_HUBS, 3, 2 * TABLE_LEN);
	bulk(&large);
	network_stop(&large.network);
	return 0;
}
