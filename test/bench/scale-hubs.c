/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/scale-hubs.c - agreements of 256 bits through n real hubs on this machine, k a half of them. */
#include "config.h"

#include <stdio.h>

#include "test/bench/agreements.h"
#include "test/bench/bench.h"
#include "test/bench/scale.h"

#define TABLE_LEN (UINT64_C(4) << 20)
#define KEY_LEN 32
#define WARM_UP 20
#define ROUNDS 101

static double ends_cpu(const struct pairs *s)
{
	struct pairs_cpu used = pairs_cpu(s);

	return used.initiators + used.receivers;
}

static void measure(const struct path *scratch, struct scale_row *row)
{
	static struct agreements a;
	static struct pairs pairs;
	unsigned hubs = (unsigned)row->size;
	double taken[ROUNDS];
	char name[16];

	bench_need(hubs <= NETWORK_HUBS_MAX, "too many hubs");
	snprintf(name, sizeof name, "net%u", hubs);
	a = (struct agreements){.key_len = KEY_LEN, .scheme = SCHEME_SHAMIR};
	network_start(&a.network, scratch, name, hubs, (hubs + 1) / 2, TABLE_LEN);
	pairs_start(&pairs, 1, &agreements_way, &a);
	for (size_t i = 0; i < WARM_UP; i++)
		pairs_latency(&pairs);
	double ends = ends_cpu(&pairs), at_hubs = network_hubs_cpu(&a.network);
	for (size_t i = 0; i < ROUNDS; i++)
		taken[i] = pairs_latency(&pairs);
	row->value[0] = bench_quantile(taken, ROUNDS, 0.5) * 1e3;
	row->value[1] = (ends_cpu(&pairs) - ends) / ROUNDS * 1e6;
	row->value[2] = (network_hubs_cpu(&a.network) - at_hubs) / ROUNDS / hubs * 1e6;
	pairs_stop(&pairs);
	network_stop(&a.network);
}

const struct scale_axis scale_hubs = {
	.name = "hubs",
	.column = {"p50 of an agreement (ms)", "processor, both ends (us)", "processor, a hub (us)"},
	.size = {1, 3, 5, 9, 15, 20},
	.measure = measure,
};
