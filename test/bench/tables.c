/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/bench/tables.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "pskm/container-impl.h"
#include "pskm/list.h"
#include "pskm/table.h"
#include "test/bench/bench.h"
#include "test/lib/scratch.h"

static struct path scratch;
static pid_t scratch_owner;

static void scratch_end(void)
{
	if (scratch_owner == getpid()) /* not a forked child */
		scratch_remove(&scratch);
}

const struct path *bench_scratch(void)
{
	scratch_make(&scratch);
	scratch_owner = getpid();
	atexit(scratch_end);
	return &scratch;
}

static struct table *open_copy(const char *tables, const struct id *id, enum side side)
{
	struct path folder;
	struct table *t = NULL;

	bench_need_ok(table_folder(&folder, tables, id), "table_folder");
	bench_need_ok(table_open(&t, folder.s, side, NULL), "table_open");
	return t;
}

static void activate(const struct pskm_header *h, const char *hub_tables, const char *client_tables)
{
	struct table *hub = open_copy(hub_tables, &h->table, SIDE_HUB);
	struct table *client = open_copy(client_tables, &h->table, SIDE_CLIENT);
	struct id nonce;

	bench_need_ok(table_activation_begin(client, &nonce), "table_activation_begin");
	bench_need_ok(table_activate(hub, &nonce), "table_activate");
	bench_need_ok(table_activation_done(client), "table_activation_done");
	table_close(client);
	table_close(hub);
}

void bench_table_carry(struct pskm_header *h, const char *hub_tables, const char *client_tables)
{
	/* Argon2id's cost is not what is measured. */
	static const struct kdf_cost cheap = {1, 8, 1};
	char passphrase[PASSPHRASE_TEXT_MAX];
	struct path container;
	struct pskm_header read;

	bench_need_ok(path_format(&container, "%s/container", scratch.s), "path");
	bench_need_ok(container_make_at_cost(h, hub_tables, container.s, passphrase, &cheap, NULL, NULL), "container_make");
	bench_need_ok(container_import(container.s, passphrase, &h->client, client_tables, NULL, &read, NULL, NULL),
		      "container_import");
	mem_wipe(passphrase, sizeof passphrase);
	bench_need(unlink(container.s) == 0, "the container cannot be removed");
}

void bench_table_make(struct pskm_header *h, const char *hub_tables, const char *client_tables)
{
	bench_table_carry(h, hub_tables, client_tables);
	activate(h, hub_tables, client_tables);
}
