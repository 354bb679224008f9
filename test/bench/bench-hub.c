/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/bench-hub.c - shares through one real hub, of many clients at once, beside an echo stub that is driven by
 * the same code.  A share is all of its journey: WAIT, SHARE, INSTRUCTION, RECEIPT and the two REPLYs.
 *
 *	bench-hub [PAIRS KEYS]    so many pairs of clients, and keys of each under way; without them some sizes in turn
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "test/bench/bench.h"
#include "test/bench/lone.h"
#include "test/bench/process.h"
#include "test/bench/swarm.h"
#include "test/bench/tables.h"

#define PAIRS 32
#define FLIGHTS 8
#define TABLE_LEN (UINT64_C(8) << 20)
#define BLOCKS 3
#define BLOCK_SECONDS 1.0

static struct table *table[2 * PAIRS];

struct sum {
	double rate[BLOCKS], cpu, keys, p50[BLOCKS], p99[BLOCKS];
};

static void block(struct swarm *s, pid_t pid, struct sum *sum, size_t at)
{
	double before = process_cpu(pid);

	sum->rate[at] = swarm_run(s, BLOCK_SECONDS);
	sum->cpu += process_cpu(pid) - before;
	sum->keys += (double)s->done;
	sum->p50[at] = bench_quantile(s->taken, s->done, 0.5);
	sum->p99[at] = bench_quantile(s->taken, s->done, 0.99);
}

static void print(const char *name, struct sum *s)
{
	printf("%s\n", name);
	bench_line("    shares a second", bench_quantile(s->rate, BLOCKS, 0.5), "");
	bench_line("    processor time a share", s->cpu / s->keys * 1e6, "us");
	bench_line("    from SHARE to INSTRUCTION and REPLY, p50", bench_quantile(s->p50, BLOCKS, 0.5) * 1e3, "ms");
	bench_line("    ... p99", bench_quantile(s->p99, BLOCKS, 0.5) * 1e3, "ms");
}

struct size {
	size_t pairs, flights;
};

/* Both in turn. */
static void measure(const struct lone *hub, const struct pskm_header *h, const struct path *scratch, const struct size *z)
{
	static void *own[2 * PAIRS];
	static struct sum ours, theirs;
	struct swarm real, echo;
	struct path file;
	unsigned stub_port;
	char name[80];

	bench_need_ok(path_format(&file, "%s/echo", scratch->s), "path");
	pid_t stub = stub_start(file.s, &stub_port);

	ours = theirs = (struct sum){0};
	for (size_t i = 0; i < 2 * z->pairs; i++)
		own[i] = real_end_new(table[i], &h[i], &h[i ^ 1].client);
	swarm_start(&real, &real_manner, hub->port, z->pairs, z->flights, own);
	swarm_start(&echo, &stub_manner, stub_port, z->pairs, z->flights, NULL);
	swarm_run(&real, BLOCK_SECONDS / 4);
	swarm_run(&echo, BLOCK_SECONDS / 4);
	for (size_t i = 0; i < BLOCKS; i++) {
		block(&real, hub->pid, &ours, i);
		block(&echo, stub, &theirs, i);
	}
	snprintf(name, sizeof name, "one hub, %zu pairs of clients, %zu keys of each under way", z->pairs, z->flights);
	print(name, &ours);
	print("an echo stub, likewise", &theirs);
	swarm_stop(&real);
	swarm_stop(&echo);
	stub_stop(stub);
}

int main(int argc, char **argv)
{
	static struct pskm_header h[2 * PAIRS];
	static struct size sizes[] = {{1, 1}, {PAIRS, 1}, {PAIRS, FLIGHTS}};
	size_t count = sizeof sizes / sizeof sizes[0];
	const struct path *scratch = bench_scratch();
	struct lone hub;

	if (argc == 3) {
		sizes[0] = (struct size){strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10)};
		count = 1;
		bench_need(sizes[0].pairs >= 1 && sizes[0].pairs <= PAIRS && sizes[0].flights <= FLIGHTS_MAX, "1 to 32 pairs, 1 to 16 keys");
	}
	bench_header(scratch->s);
	lone_make(&hub, scratch, "hub1", NULL);
	for (size_t i = 0; i < 2 * PAIRS; i++)
		table[i] = lone_client(&hub, i, TABLE_LEN, &h[i]);
	lone_start(&hub);
	for (size_t i = 0; i < count; i++)
		measure(&hub, h, scratch, &sizes[i]);
	bench_line("the hub's memory, at most", process_memory(hub.pid, true) / (1 << 20), "MiB");
	lone_stop(&hub);
	for (size_t i = 0; i < 2 * PAIRS; i++)
		table_close(table[i]);
	return 0;
}
