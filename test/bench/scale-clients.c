/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/scale-clients.c - a hub with many clients, each with a table of the smallest length. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/layout.h"
#include "pskm/container-impl.h"
#include "test/bench/bench.h"
#include "test/bench/network.h"
#include "test/bench/process.h"
#include "test/bench/scale.h"

/* The hub's half of a PSKM; the client's is thrown away. */
static void issue(const struct path *tables, const struct path *container, unsigned number)
{
	static const struct kdf_cost cheap = {1, 8, 1};
	char passphrase[PASSPHRASE_TEXT_MAX];
	struct pskm_header h = {.hub = {{0x48, 1}}, .client = {{0xC0}}, .created = 1, .layout.len = TABLE_LEN_MIN};

	memcpy(&h.client.b[4], &number, sizeof number);
	strcpy(h.hub_name, "hub1");
	snprintf(h.client_name, sizeof h.client_name, "client%u", number);
	strcpy(h.hub_address, "127.0.0.1:1");
	bench_need_ok(container_make_at_cost(&h, tables->s, container->s, passphrase, &cheap, NULL, NULL), "container_make");
	bench_need(unlink(container->s) == 0, "a container cannot be removed");
}

static void measure(const struct path *scratch, struct scale_row *row)
{
	static unsigned made; /* tables stay: each size adds to those before */
	struct path tables, container;
	double before = bench_now();
	unsigned first = made;
	struct network n;

	bench_need_ok(path_format(&tables, "%s/crowd/hub1/tables", scratch->s), "path");
	bench_need_ok(path_format(&container, "%s/container", scratch->s), "path");
	bench_need_ok(file_make_dirs(tables.s, 0700), "tables");
	while (made < (unsigned)row->size)
		issue(&tables, &container, made++);
	row->value[0] = made > first ? (bench_now() - before) / (made - first) * 1e3 : 0;
	before = bench_now();
	network_start_hub(&n, scratch, "crowd");
	row->value[1] = (bench_now() - before) * 1e3;
	row->value[2] = process_memory(n.pid[0], false) / 1024;
	process_end(n.pid[0]);
}

const struct scale_axis scale_clients = {
	.name = "clients",
	.column = {"PSKM made (ms)", "hub starts (ms)", "hub (KiB)"},
	.size = {10, 100, 1000, 10000},
	.measure = measure,
};
