/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/scale-hubs.c - agreements of 256 bits through n real hubs on this machine, k a half of them. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "test/bench/bench.h"
#include "test/bench/network.h"
#include "test/bench/pairs.h"
#include "test/bench/scale.h"

#define TABLE_LEN (UINT64_C(4) << 20)
#define KEY_LEN 32
#define TIMEOUT_MS 5000
#define WARM_UP 20
#define ROUNDS 101

static dske_rc agree(const struct pair *p, struct client *c, const char *peer, enum agree_role role, struct secret *key)
{
	struct agree_request q = {.role = role, .has_key_id = true, .key_id = p->key_id, .key_len = KEY_LEN,
				  .scheme = SCHEME_SHAMIR, .timeout_ms = TIMEOUT_MS};
	struct agree_result r = {0};

	strcpy(q.peer, peer);
	dske_rc rc = client_agree(c, &q, &r);
	secret_move(key, &r.key);
	agree_result_drop(&r);
	return rc;
}

static dske_rc initiate(struct pair *p)
{
	const struct network *n = p->context;

	return agree(p, n->alice, "bob", ROLE_INITIATOR, &p->initiator_key);
}

static dske_rc receive(struct pair *p)
{
	const struct network *n = p->context;

	return agree(p, n->bob, "alice", ROLE_RECEIVER, &p->receiver_key);
}

static const struct way way = {.initiate = initiate, .receive = receive};

static double own_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void measure(const struct path *scratch, struct scale_row *row)
{
	static struct network n;
	static struct pairs pairs;
	unsigned hubs = (unsigned)row->size;
	double taken[ROUNDS];
	char name[16];

	bench_need(hubs <= NETWORK_HUBS_MAX, "too many hubs");
	snprintf(name, sizeof name, "net%u", hubs);
	network_start(&n, scratch, name, hubs, (hubs + 1) / 2, TABLE_LEN);
	pairs_start(&pairs, 1, &way, &n);
	for (size_t i = 0; i < WARM_UP; i++)
		pairs_latency(&pairs);
	double ends = own_cpu(), at_hubs = network_hubs_cpu(&n);
	for (size_t i = 0; i < ROUNDS; i++)
		taken[i] = pairs_latency(&pairs);
	row->value[1] = (own_cpu() - ends) / ROUNDS * 1e6;
	row->value[2] = (network_hubs_cpu(&n) - at_hubs) / ROUNDS / hubs * 1e6;
	row->value[0] = bench_quantile(taken, ROUNDS, 0.5) * 1e3;
	pairs_stop(&pairs);
	network_stop(&n);
}

const struct scale_axis scale_hubs = {
	.name = "hubs",
	.column = {"p50 of an agreement (ms)", "processor, both ends (us)", "processor, a hub (us)"},
	.size = {1, 3, 5, 9, 15, 20},
	.measure = measure,
};
