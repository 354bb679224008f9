/* SPDX-License-Identifier: Apache-2.0 */
/* client/client.c - opening a client, and what it knows: peers, hubs, tables. */
#include <config.h>

#include "client/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/pid.h"
#include "client/pool.h"
#include "pskm/lowwater.h"

/* ---- peers --------------------------------------------------------------------------------------------- */

static dske_rc refresh_peers(struct client *c)
{
	struct path path;
	AUTO(peers) fresh = {0};
	TRY(path_format(&path, "%s/peers", c->config.state.s));
	if (!client_has_changed(c, path.s, &c->peers_seen))
		return DSKE_OK;
	dske_rc rc = peers_read(&fresh, &c->config);
	if (!rc_ok(rc)) {
		client_forget_seen(c, &c->peers_seen);
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
	out->contradiction = calloc(from->contradiction_count + 1, sizeof *out->contradiction);
	if (out->contradiction == NULL) {
		peers_drop(out);
		return rc_make(DSKE_RC_NOMEM);
	}
	out->contradiction_count = from->contradiction_count;
	if (from->contradiction_count > 0)
		memcpy(out->contradiction, from->contradiction, from->contradiction_count * sizeof *out->contradiction);
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
	TRY(tables_refresh(c));
	return refresh_peers(c);
}

/* A key file that is not there stops no client: what needs it says so. */
static void read_table_key(struct client *c)
{
	dske_rc rc = config_table_key(&c->config, &c->table_key);
	if (rc_ok(rc))
		return;
	c->key_code = DSKE_RC_KEY;
	snprintf(c->key_why, sizeof c->key_why, "%s", rc_detail(rc));
}

static dske_rc client_begin(struct client *c, const char *conf_path)
{
	TRY(config_read(&c->config, conf_path));
	TRY(config_tables(&c->config, &c->tables_dir));
	read_table_key(c);
	return client_refresh(c);
}

dske_rc client_open(struct client **out, const char *conf_path)
{
	struct client *c = calloc(1, sizeof *c);
	*out = NULL;
	if (c == NULL)
		return rc_make(DSKE_RC_NOMEM);
	c->pid = process_id();
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->looking, NULL);
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
	tables_drop(c);
	peers_drop(&c->peers);
	config_drop(&c->config);
	secret_drop(&c->table_key);
	/* In a forked child another thread of the parent may have held it for ever. */
	if (c->pid == process_id()) {
		pthread_mutex_destroy(&c->lock);
		pthread_mutex_destroy(&c->looking);
	}
	free(c);
}

const struct config *client_config(const struct client *c)
{
	return &c->config;
}

/* ---- what there is --------------------------------------------------------------------------------------- */

dske_rc client_fail_key(const struct client *c)
{
	if (c->key_code != DSKE_RC_OK)
		return rc_fail(c->key_code, "%s", c->key_why);
	if (c->config.table_key.s[0] != '\0')
		return FAIL(KEY, "the table is encrypted under another key than [client] table_key");
	return FAIL(KEY, "the table is encrypted, and [client] table_key is not set");
}

static dske_rc retired_sentence(const struct hub_table *h, const struct retiring *r)
{
	const char *why = retire_reason_name(r->reason);
	if (!r->let_go)
		return FAIL(RETIRED, "the hub has retired this table (%s), and it is destroyed. The hub still counts for the default k: "
				     "when you know, run dske pskm retire %s, or import a new PSKM", why, h->name);
	if (!r->receipted)
		return FAIL(RETIRED, "retired (%s) and destroyed here; the hub does not know yet: run dske pskm retire %s again", why,
			    h->name);
	return FAIL(RETIRED, "retired (%s) and destroyed at both ends", why);
}

static dske_rc hub_usable(const struct client *c, const struct hub_table *h, struct table_status *status)
{
	if (h->table == NULL)
		return rc_fail(h->open_code, "%s", h->open_why);
	TRY(table_status(h->table, status));
	if (h->is_ambiguous)
		return FAIL(DENIED, "this PSKM and another one name two hubs by one ID: one of them pretends to be the other. "
				    "Find out which, and remove its table");
	if (status->needs_key && status->state <= TABLE_ACTIVE)
		return client_fail_key(c);
	switch (status->state) {
	case TABLE_ACTIVE:
		return DSKE_OK;
	case TABLE_IMPORTED:
	case TABLE_ACTIVATING:
		return FAIL(NOT_ACTIVE, "the PSKM is not activated: run dske pskm activate %s", h->name);
	case TABLE_FROZEN:
		return FAIL(FROZEN, "the PSKM was activated twice and is frozen: someone else had it; get a new one from the hub");
	case TABLE_MOVED:
		return FAIL(EXHAUSTED, "nothing is left of this table: the rest of it went into another one");
	case TABLE_RETIRED:
		return retired_sentence(h, &status->retired);
	case TABLE_LOCKED:
		break;
	}
	return FAIL(LOCKED, "the table is locked after a failed write: check the disk, get a new PSKM from the hub");
}

static void describe(const struct client *c, struct client_hub *out, struct hub_table *h)
{
	snprintf(out->name, sizeof out->name, "%s", h->name);
	snprintf(out->address, sizeof out->address, "%s", h->address);
	out->hub = h->hub;
	out->table = h->id;
	out->header = h->header;
	out->is_absent = h->is_absent;
	snprintf(out->medium, sizeof out->medium, "%.255s", h->is_carried ? h->spot.folder.s : "");
	out->rc = hub_usable(c, h, &out->status);
	if (!rc_ok(out->rc))
		snprintf(out->detail, sizeof out->detail, "%s", rc_detail(out->rc));
	out->low = rc_ok(out->rc) && low_water_passed(&c->config.low_water, &out->status);
	if (rc_is(out->rc, DSKE_RC_RETIRED))
		h->is_let_go = out->status.retired.let_go;
}

static bool has_enough(const struct client_hub *h, const struct id *hub)
{
	return id_equal(&h->hub, hub) && rc_ok(h->rc) && !h->low;
}

static void mark_relieved(struct client_hub *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; list[i].low && j < count; j++)
			list[i].relieved = list[i].relieved || has_enough(&list[j], &list[i].hub);
	}
}

dske_rc client_presence(struct client *c, struct table_presence **out, size_t *count)
{
	TRY(client_check_pid(c));
	pthread_mutex_lock(&c->lock);
	*out = calloc(c->table_count + 1, sizeof **out);
	*count = *out == NULL ? 0 : c->table_count;
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (struct table_presence){c->tables[i]->id, c->tables[i]->is_absent, c->tables[i]->hub_is_low};
	pthread_mutex_unlock(&c->lock);
	return *out != NULL ? DSKE_OK : rc_make(DSKE_RC_NOMEM);
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
		describe(c, &(*out)[i], list[i]);
	for (size_t i = 0; i < n; i++)
		(*out)[i].stands = pool_stands_for_hub(c, list[i]);
	mark_relieved(*out, n);
	free(list);
	*count = n;
	return DSKE_OK;
}
