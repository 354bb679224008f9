/* SPDX-License-Identifier: Apache-2.0 */
/* hub/allotment.c - what is known of clients and quotas, and a portion held against it. */
#include "hub/allotment.h"

#include <stdlib.h>
#include <string.h>

#include "pskm/list.h"

/* ---- what is known ------------------------------------------------------------------------------ */

/* IDs of tables, sorted once they are all there. */
struct ids {
	struct id *at; /* owned */
	size_t count, room;
};

static void ids_drop(struct ids *s)
{
	free(s->at);
}

static dske_rc ids_add(struct ids *s, const struct id *id)
{
	if (s->count == s->room) {
		size_t room = s->room > 0 ? 2 * s->room : 64;
		struct id *more = reallocarray(s->at, room, sizeof *more);

		if (!more)
			return rc_make(DSKE_RC_NOMEM);
		s->at = more;
		s->room = room;
	}
	s->at[s->count++] = *id;
	return DSKE_OK;
}

static int compare(const void *a, const void *b)
{
	return id_compare(a, b);
}

/* One stock of some distributor: if it is ours, what it used, and its tables. */
static dske_rc add_stock(struct allotment *a, struct ids *tables, const char *stocks_dir, const struct id *id)
{
	AUTO(stock_view) v = {.log = FD_NONE};

	TRY(stock_view_open(&v, stocks_dir, id));
	if (!id_equal(&v.header.client, &a->who->id))
		return DSKE_OK;
	for (uint64_t i = 0; i < v.portions; i++) {
		struct stock_entry e;

		TRY(stock_view_portion(&v, i, &e));
		a->used += e.portion.layout.len;
		TRY(ids_add(tables, &e.portion.table));
	}
	return DSKE_OK;
}

static dske_rc read_stocks(struct allotment *a, const struct hub_conf *c, struct ids *tables)
{
	struct path dir;
	struct table_entry *entry = NULL;
	size_t count = 0;

	TRY(hub_conf_stocks(c, &dir));
	TRY(table_list(dir.s, &entry, &count));

	dske_rc rc = DSKE_OK;

	for (size_t i = 0; i < count && rc_ok(rc); i++)
		if (rc_ok(entry[i].rc))
			rc = add_stock(a, tables, dir.s, &entry[i].table);
	free(entry);
	if (rc_ok(rc) && tables->count > 1)
		qsort(tables->at, tables->count, sizeof *tables->at, compare);
	return rc;
}

static dske_rc know(struct allotment *a, const struct id *id, const char *name, bool foreign)
{
	struct allotment_client *more = reallocarray(a->client, a->client_count + 1, sizeof *more);

	if (!more)
		return rc_make(DSKE_RC_NOMEM);
	a->client = more;
	more[a->client_count] = (struct allotment_client){.id = *id, .foreign = foreign};
	strcpy(more[a->client_count++].name, name);
	return DSKE_OK;
}

/* A client all of whose tables are retired is no client: its name and its ID are free. */
static dske_rc read_tables(struct allotment *a, const struct hub_conf *c, const struct ids *ours)
{
	struct path dir;
	struct table_entry *entry = NULL;
	size_t count = 0;

	TRY(hub_conf_tables(c, &dir));
	TRY(table_list(dir.s, &entry, &count));

	dske_rc rc = DSKE_OK;

	for (size_t i = 0; i < count && rc_ok(rc); i++) {
		const struct table_entry *e = &entry[i];

		if (rc_ok(e->rc) && e->status.state != TABLE_RETIRED)
			rc = know(a, &e->header.client, e->header.client_name,
				  ours->count == 0 || !bsearch(&e->table, ours->at, ours->count, sizeof *ours->at, compare));
	}
	free(entry);
	return rc;
}

static dske_rc find_distributor(struct allotment *a, const struct hub_conf *c, const struct pskm_header *stock)
{
	char hex[ID_HEX_LEN];

	a->who = hub_conf_distributor(c, stock->client_name);
	a->conf = c->file.s;
	if (a->who && id_equal(&a->who->id, &stock->client))
		return DSKE_OK;
	return FAIL(DENIED, "the stock is of distributor %s, ID %s, whom %s does not name so: see [distributor NAME] in man 5 "
		    "dske-hubd.conf", stock->client_name, id_hex(&stock->client, hex), c->file.s);
}

dske_rc allotment_open(struct allotment *a, const struct hub_conf *c, const struct pskm_header *stock)
{
	AUTO(ids) ours = {0};

	*a = (struct allotment){0};
	TRY(find_distributor(a, c, stock));
	TRY(read_stocks(a, c, &ours));
	return read_tables(a, c, &ours);
}

void allotment_drop(struct allotment *a)
{
	free(a->client);
	*a = (struct allotment){0};
}

/* ---- a portion ---------------------------------------------------------------------------------- */

static bool is_named(const struct hub_distributor *d, const char *client)
{
	struct hub_group named = d->clients;

	named.everyone = false;
	return hub_group_has(&named, client);
}

static dske_rc check_client(const struct allotment *a, const struct portion *p)
{
	const char *distributor = a->who->clients.name;
	bool named = is_named(a->who, p->client_name);
	char theirs[ID_HEX_LEN], ours[ID_HEX_LEN];

	if (!named && !a->who->clients.everyone)
		return FAIL(DENIED, "distributor %s cut for %s, whom its 'clients' in %s do not name", distributor, p->client_name,
			    a->conf);
	for (size_t i = 0; i < a->client_count; i++) {
		const struct allotment_client *k = &a->client[i];
		bool same_id = id_equal(&k->id, &p->client), same_name = strcmp(k->name, p->client_name) == 0;

		if (same_id != same_name)
			return FAIL(DENIED, "distributor %s cut for %s, ID %s, but this hub knows %s, ID %s: one of them is mistaken. Retire the "
				    "other with dske hub revoke, if that is right",
				    distributor, p->client_name, id_hex(&p->client, theirs), k->name, id_hex(&k->id, ours));
		if (same_id && k->foreign && !named)
			return FAIL(DENIED, "distributor %s cut for %s, who has a table from elsewhere: 'clients = *' is for new ones, so "
				    "name this one in %s if that is right", distributor, p->client_name, a->conf);
	}
	return DSKE_OK;
}

dske_rc allotment_check(struct allotment *a, const struct portion *p)
{
	uint64_t left = a->who->quota > a->used ? a->who->quota - a->used : 0;

	TRY(check_client(a, p));
	if (a->who->quota != 0 && p->layout.len > left)
		return FAIL(DENIED, "distributor %s cut %llu bytes for %s, and %llu are left of its quota of %llu in %s",
			    a->who->clients.name, (unsigned long long)p->layout.len, p->client_name, (unsigned long long)left,
			    (unsigned long long)a->who->quota, a->conf);
	a->used += p->layout.len;
	return know(a, &p->client, p->client_name, false);
}
