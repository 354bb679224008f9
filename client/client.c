/* SPDX-License-Identifier: Apache-2.0 */
/* client/client.c - opening a client, and what it knows: peers, hubs, tables. */
#include <config.h>

#include "client/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/pool.h"
#include "pskm/list.h"

/* ---- tables ------------------------------------------------------------------------------------------- */

static void hub_table_free(struct hub_table *h)
{
	if (h == NULL)
		return;
	table_close(h->table);
	free(h);
}

static const char *hub_address(const struct config *c, const struct pskm_header *h)
{
	for (size_t i = 0; i < c->hub_count; i++) {
		if (strcmp(c->hubs[i].name, h->hub_name) == 0 && c->hubs[i].address[0] != '\0')
			return c->hubs[i].address;
	}
	return h->hub_address;
}

static dske_rc check_owner(const struct config *c, const struct pskm_header *h)
{
	if (!id_equal(&h->client, &c->id))
		return FAIL(DENIED, "this table was made for %s, whose ID is another one than ours", h->client_name);
	return DSKE_OK;
}

static dske_rc open_entry(const struct client *c, const struct table_entry *e, struct table **out)
{
	struct path folder;
	if (!rc_ok(e->rc))
		return rc_fail(e->rc.code, "%s", e->why);
	TRY(check_owner(&c->config, &e->header));
	TRY(table_folder(&folder, c->tables_dir.s, &e->table));
	return table_open(out, folder.s, SIDE_CLIENT);
}

/* A table that cannot be opened is kept with its reason, for client_hubs. */
static struct hub_table *hub_table_new(const struct client *c, const struct table_entry *e)
{
	struct hub_table *h = calloc(1, sizeof *h);
	if (h == NULL)
		return NULL;
	h->id = e->table;
	(void)id_hex(&h->id, h->name); /* where the header cannot tell */
	dske_rc rc = open_entry(c, e, &h->table);
	if (!rc_ok(rc)) {
		h->open_code = rc.code;
		snprintf(h->open_why, sizeof h->open_why, "%s", rc_detail(rc));
	}
	if (rc_ok(e->rc)) {
		h->header = e->header;
		h->hub = e->header.hub;
		snprintf(h->name, sizeof h->name, "%s", e->header.hub_name);
		snprintf(h->address, sizeof h->address, "%s", hub_address(&c->config, &e->header));
	}
	return h;
}

static int by_hub_then_table(const void *a, const void *b)
{
	const struct hub_table *x = *(struct hub_table *const *)a, *y = *(struct hub_table *const *)b;
	int order = id_compare(&x->hub, &y->hub);
	return order != 0 ? order : id_compare(&x->id, &y->id);
}

/* doc/protocol.md, "Words": never two hubs of one ID.  Which of them is the hub and which pretends to be it, its
 * operator must tell; until then neither is used, lest one hub speak for two. */
static void compare_hubs(struct hub_table *a, struct hub_table *b)
{
	if (a->table == NULL || b->table == NULL || !id_equal(&a->hub, &b->hub) || strcmp(a->name, b->name) == 0)
		return;
	a->is_ambiguous = b->is_ambiguous = true;
}

/* With the lock held. */
static dske_rc add_table(struct client *c, struct hub_table *h)
{
	struct hub_table **grown = reallocarray(c->tables, c->table_count + 1, sizeof *grown);
	if (grown == NULL)
		return rc_make(DSKE_RC_NOMEM);
	c->tables = grown;
	for (size_t i = 0; i < c->table_count; i++)
		compare_hubs(grown[i], h);
	grown[c->table_count++] = h;
	qsort(grown, c->table_count, sizeof grown[0], by_hub_then_table);
	return DSKE_OK;
}

static bool has_table(struct client *c, const struct id *id)
{
	bool found = false;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->table_count && !found; i++)
		found = id_equal(&c->tables[i]->id, id);
	pthread_mutex_unlock(&c->lock);
	return found;
}

static dske_rc take_in(struct client *c, const struct table_entry *e)
{
	if (has_table(c, &e->table))
		return DSKE_OK;
	struct hub_table *h = hub_table_new(c, e); /* without the lock: it reads files */
	if (h == NULL)
		return rc_make(DSKE_RC_NOMEM);
	pthread_mutex_lock(&c->lock);
	dske_rc rc = add_table(c, h);
	pthread_mutex_unlock(&c->lock);
	if (!rc_ok(rc))
		hub_table_free(h);
	return rc;
}

/* Has it changed since *seen? */
static bool has_changed(struct client *c, const char *path, int64_t *seen)
{
	int64_t now = file_change_time(path);
	pthread_mutex_lock(&c->lock);
	bool changed = now != *seen || now == FILE_FRESH;
	*seen = now;
	pthread_mutex_unlock(&c->lock);
	return changed;
}

/* It could not be read: the next refresh looks again. */
static void forget_seen(struct client *c, int64_t *seen)
{
	pthread_mutex_lock(&c->lock);
	*seen = FILE_FRESH;
	pthread_mutex_unlock(&c->lock);
}

static dske_rc refresh_tables(struct client *c)
{
	struct table_entry *list = NULL;
	size_t count = 0;
	if (!has_changed(c, c->tables_dir.s, &c->tables_seen))
		return DSKE_OK;
	dske_rc rc = table_list(c->tables_dir.s, &list, &count);
	for (size_t i = 0; rc_ok(rc) && i < count; i++)
		rc = take_in(c, &list[i]);
	free(list);
	if (!rc_ok(rc))
		forget_seen(c, &c->tables_seen);
	return rc;
}

/* ---- peers --------------------------------------------------------------------------------------------- */

static dske_rc refresh_peers(struct client *c)
{
	struct path path;
	AUTO(peers) fresh = {0};
	TRY(path_format(&path, "%s/peers", c->config.state.s));
	if (!has_changed(c, path.s, &c->peers_seen))
		return DSKE_OK;
	dske_rc rc = peers_read(&fresh, &c->config);
	if (!rc_ok(rc)) {
		forget_seen(c, &c->peers_seen);
		return rc;
	}
	pthread_mutex_lock(&c->lock);
	struct peers old = c->peers;
	c->peers = fresh;
	fresh = old;
	pthread_mutex_unlock(&c->lock);
	return DSKE_OK;
}

static dske_rc peers_copy(struct peers *out, const struct peers *from)
{
	*out = (struct peers){0};
	out->peer = calloc(from->count + 1, sizeof *out->peer);
	if (out->peer == NULL)
		return rc_make(DSKE_RC_NOMEM);
	out->count = from->count;
	if (from->count > 0)
		memcpy(out->peer, from->peer, from->count * sizeof *out->peer);
	return DSKE_OK;
}

dske_rc client_peers(struct client *c, struct peers *out)
{
	TRY(client_check_pid(c));
	pthread_mutex_lock(&c->lock);
	dske_rc rc = peers_copy(out, &c->peers);
	pthread_mutex_unlock(&c->lock);
	return rc;
}

/* ---- opening and closing --------------------------------------------------------------------------------- */

dske_rc client_refresh(struct client *c)
{
	TRY(client_check_pid(c));
	TRY(refresh_tables(c));
	return refresh_peers(c);
}

static dske_rc client_begin(struct client *c, const char *conf_path)
{
	TRY(config_read(&c->config, conf_path));
	TRY(path_format(&c->tables_dir, "%s/tables", c->config.state.s));
	return client_refresh(c);
}

dske_rc client_open(struct client **out, const char *conf_path)
{
	struct client *c = calloc(1, sizeof *c);
	*out = NULL;
	if (c == NULL)
		return rc_make(DSKE_RC_NOMEM);
	c->pid = getpid();
	pthread_mutex_init(&c->lock, NULL);
	dske_rc rc = client_begin(c, conf_path);
	if (!rc_ok(rc)) {
		client_close(c);
		return rc;
	}
	*out = c;
	return DSKE_OK;
}

void client_close(struct client *c)
{
	if (c == NULL)
		return;
	pool_drain(c);
	for (size_t i = 0; i < c->table_count; i++)
		hub_table_free(c->tables[i]);
	free(c->tables);
	peers_drop(&c->peers);
	config_drop(&c->config);
	/* In a forked child another thread of the parent may have held it for ever. */
	if (c->pid == getpid())
		pthread_mutex_destroy(&c->lock);
	free(c);
}

const struct config *client_config(const struct client *c)
{
	return &c->config;
}

/* ---- what there is --------------------------------------------------------------------------------------- */

static dske_rc hub_usable(const struct hub_table *h, struct table_status *status)
{
	if (h->table == NULL)
		return rc_fail(h->open_code, "%s", h->open_why);
	TRY(table_status(h->table, status));
	if (h->is_ambiguous)
		return FAIL(DENIED, "this PSKM and another one name two hubs by one ID: one of them pretends to be the other. "
				    "Find out which, and remove its table");
	switch (status->state) {
	case TABLE_ACTIVE:
		return DSKE_OK;
	case TABLE_IMPORTED:
	case TABLE_ACTIVATING:
		return FAIL(NOT_ACTIVE, "the PSKM is not activated: run dske pskm activate %s", h->name);
	case TABLE_FROZEN:
		return FAIL(FROZEN, "the PSKM was activated twice and is frozen: someone else had it; get a new one from the hub");
	case TABLE_LOCKED:
		break;
	}
	return FAIL(LOCKED, "the table is locked after a failed write: check the disk, get a new PSKM from the hub");
}

static void describe(struct client_hub *out, const struct hub_table *h)
{
	snprintf(out->name, sizeof out->name, "%s", h->name);
	snprintf(out->address, sizeof out->address, "%s", h->address);
	out->hub = h->hub;
	out->table = h->id;
	out->header = h->header;
	out->rc = hub_usable(h, &out->status);
	if (!rc_ok(out->rc))
		snprintf(out->detail, sizeof out->detail, "%s", rc_detail(out->rc));
}

dske_rc client_hubs(struct client *c, struct client_hub **out, size_t *count)
{
	TRY(client_check_pid(c));
	pthread_mutex_lock(&c->lock);
	size_t n = c->table_count;
	struct hub_table **list = calloc(n + 1, sizeof *list);
	for (size_t i = 0; list != NULL && i < n; i++)
		list[i] = c->tables[i];
	pthread_mutex_unlock(&c->lock);
	*out = calloc(n + 1, sizeof **out);
	if (list == NULL || *out == NULL) {
		free(list);
		free(*out);
		*out = NULL;
		return rc_make(DSKE_RC_NOMEM);
	}
	qsort(list, n, sizeof list[0], tables_by_name);
	for (size_t i = 0; i < n; i++)
		describe(&(*out)[i], list[i]);
	free(list);
	*count = n;
	return DSKE_OK;
}
