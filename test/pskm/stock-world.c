/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/pskm/stock-world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pskm/entropy.h"

static const struct kdf_cost cheap = CHEAP;

static void make_stock(struct stock_world *w, uint64_t len)
{
	char passphrase[PASSPHRASE_TEXT_MAX];
	struct path container;
	struct pskm_header *h = &w->header;

	*h = (struct pskm_header){.kind = PSKM_STOCK, .created = 1700000000, .layout.len = len};
	memset(h->hub.b, 0x11, ID_LEN);
	memset(h->client.b, 0xD1, ID_LEN);
	strcpy(h->hub_name, "hub1");
	strcpy(h->client_name, "north");
	strcpy(h->hub_address, "127.0.0.1:7001");
	assert_ok(path_format(&container, "%s/north.stock", w->scratch.s));
	assert_ok(container_make_at_cost(h, w->hub_stocks.s, container.s, passphrase, &cheap, NULL, NULL));
	assert_ok(container_import(container.s, passphrase, &h->client, w->stocks.s, NULL, h, NULL, NULL));
}

void world_init(struct stock_world *w, uint64_t len)
{
	*w = (struct stock_world){0};
	scratch_make(&w->scratch);
	assert_ok(path_format(&w->hub_tables, "%s/hub/tables", w->scratch.s));
	assert_ok(path_format(&w->hub_stocks, "%s/hub/stock", w->scratch.s));
	assert_ok(path_format(&w->stocks, "%s/north/stock", w->scratch.s));
	assert_ok(path_format(&w->copied, "%s/north/copied", w->scratch.s));
	assert_ok(path_format(&w->clients, "%s/clients", w->scratch.s));
	make_stock(w, len);
	w->truth = calloc(1, len);
	uint64_t kept = w->header.layout.region[REGION_ACTIVATION].start; /* the container region is erased */
	world_read(&w->hub_stocks, &w->header.table, SIDE_HUB, kept, w->truth + kept, len - kept);
}

void world_drop(struct stock_world *w)
{
	free(w->truth);
	scratch_remove(&w->scratch);
}

dske_rc world_cut(struct stock_world *w, const struct path *stocks, const char *name, uint64_t size,
		  pskm_progress *progress, void *context)
{
	struct stock *s;
	struct stock_order order = {.size = size, .cost = cheap};
	AUTO(entropy) kernel = {0};
	unsigned i = w->cuts++;

	(void)snprintf(order.client_name, sizeof order.client_name, "%s", name);
	memset(order.client.b, name[0], ID_LEN);
	assert_ok(path_format(&w->cut[i].container, "%s/%u.pskm", w->scratch.s, i));
	assert_ok(entropy_open(&kernel, ENTROPY_KERNEL, ENTROPY_STALL_MS));
	struct pskm_source fresh = entropy_bytes(&kernel);
	TRY(stock_open(&s, stocks->s, &w->header.table, SIDE_CLIENT, NULL));
	dske_rc rc = stock_cut(s, &order, w->cut[i].container.s, w->cut[i].passphrase, &fresh, progress, context,
			       &w->cut[i].portion);
	stock_close(s);
	return rc;
}

dske_rc world_tell(struct stock_world *w, const struct path *stocks, uint64_t number, struct buf *out)
{
	struct stock *s;

	TRY(stock_open(&s, stocks->s, &w->header.table, SIDE_CLIENT, NULL));
	dske_rc rc = stock_tell(s, &number, out);
	stock_close(s);
	return rc;
}

dske_rc world_accept(struct stock_world *w, const void *bytes, size_t len, struct stock_accepted *out)
{
	struct stock *s;
	struct stock_accepted unused;
	struct stock_place place = {.tables_dir = w->hub_tables.s};

	TRY(stock_open(&s, w->hub_stocks.s, &w->header.table, SIDE_HUB, NULL));
	dske_rc rc = stock_accept(s, bytes, len, &place, NULL, NULL, out != NULL ? out : &unused);
	stock_close(s);
	return rc;
}

dske_rc world_import(struct stock_world *w, unsigned cut)
{
	struct pskm_header h;

	return container_import(w->cut[cut].container.s, w->cut[cut].passphrase, &w->cut[cut].portion.client, w->clients.s,
				NULL, &h, NULL, NULL);
}

void world_read(const struct path *tables, const struct id *table, enum side side, uint64_t at, void *out, size_t len)
{
	struct path folder;
	struct table *t;

	assert_ok(table_folder(&folder, tables->s, table));
	assert_ok(table_open(&t, folder.s, side, NULL));
	{
		AUTO(hold) hold = {0};
		assert_ok(hold_take(&hold, t));
		assert_ok(cover_read(&t->cover, at, out, len));
	}
	table_close(t);
}

bool world_erased(const struct path *tables, const struct id *table, uint64_t start, uint64_t end)
{
	struct path folder;

	assert_ok(table_folder(&folder, tables->s, table));
	return fixture_zero(&folder, start, end);
}

void world_view(const struct path *stocks, const struct id *stock, struct stock_view *v)
{
	assert_ok(stock_view_open(v, stocks->s, stock));
}

size_t world_tables(const struct path *tables)
{
	struct table_entry *list;
	size_t count;

	assert_ok(table_list(tables->s, &list, &count));
	free(list);
	return count;
}

void world_copy(const struct path *from, const struct path *to)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		execlp("cp", "cp", "-a", "--sparse=always", from->s, to->s, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}
