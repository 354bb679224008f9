/* SPDX-License-Identifier: Apache-2.0 */
/* hub/admin.c - a table of commands. */
#include "hub/admin.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "hub/acknowledge.h"
#include "pskm/list.h"

/* ---- tables ------------------------------------------------------------------------------------- */

static void put_numbers(json_t *o, const struct pskm_header *h, const struct table_status *s)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{"created", h->created},         {"size", h->layout.len},
		{"up_left", s->up_left},         {"up_size", s->up_len},
		{"down_left", s->down_left},     {"down_size", s->down_len},
		{"leases_left", s->lease_left},  {"lease_slots", s->lease_slots},
		{"clone_alarms", s->clone_alarms},
	};

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		json_object_set_new(o, numbers[i].name, json_integer((json_int_t)numbers[i].value));
}

static json_t *retired_json(const struct vault_table *t, const struct retiring *r)
{
	return json_pack("{s:s, s:I, s:s, s:I, s:b}", "reason", retire_reason_name(r->reason), "time", (json_int_t)r->time, "by",
			 r->repeats ? "client" : "hub", "receipt", (json_int_t)r->seen, "destroyed", t && t->destroyed);
}

static json_t *table_json(struct admin *a, const struct table_entry *e, struct vault_table *t)
{
	struct table_status status = e->status;
	char table[ID_HEX_LEN], client[ID_HEX_LEN];
	json_t *o = json_pack("{s:s}", "table", id_hex(&e->table, table));

	if (!rc_ok(e->rc)) {
		json_object_set_new(o, "detail", json_string(e->why));
		return o;
	}
	if (t && t->table)
		(void)table_status(t->table, &status); /* it may be locked in memory alone */
	json_object_set_new(o, "client", json_string(e->header.client_name));
	json_object_set_new(o, "client_id", json_string(id_hex(&e->header.client, client)));
	json_object_set_new(o, "state", json_string(table_state_name(status.state)));
	put_numbers(o, &e->header, &status);
	if (status.supply.lasts_s != SUPPLY_UNKNOWN)
		json_object_set_new(o, "lasts_s", json_integer((json_int_t)status.supply.lasts_s));
	if (status.state == TABLE_RETIRED)
		json_object_set_new(o, "retired", retired_json(t, &status.retired));
	if (t && t->client->alike)
		json_object_set_new(o, "alike", json_string(t->client->alike->who.name));

	json_t *limits = t && a->limits ? a->limits(a->context, t->client) : NULL;

	if (limits)
		json_object_set_new(o, "limits", limits);
	json_object_set_new(o, "connections", json_integer(t && a->connections ? (json_int_t)a->connections(t) : 0));
	return o;
}

static dske_rc run_tables(struct admin *a, const json_t *request, json_t *answer)
{
	struct table_entry *entry = NULL;
	json_t *list = json_array();
	size_t count = 0;

	(void)request;
	dske_rc rc = table_list(vault_folder(a->vault), &entry, &count);

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, table_json(a, &entry[i], vault_find(a->vault, &entry[i].table)));
	free(entry);
	json_object_set_new(answer, "running", json_boolean(a->running));
	json_object_set_new(answer, "tables", list);
	return rc;
}

/* ---- acknowledge -------------------------------------------------------------------------------- */

/* By name or by ID. */
static dske_rc client_named(struct admin *a, const json_t *request, struct hub_client **out)
{
	const char *name = json_string_value(json_object_get(request, "client"));
	struct directory *d = vault_directory(a->vault);
	struct id id;

	if (!name)
		return FAIL(ARGS, "which client?");
	(void)vault_refresh(a->vault);
	*out = rc_ok(id_parse(&id, name)) ? directory_by_id(d, &id) : directory_by_name(d, name);
	if (!*out)
		return FAIL(NOT_FOUND, "this hub has made no PSKM for a client '%s' (or for two of that name: then say its ID); "
				       "dske hub tables shows whom it knows", name);
	return DSKE_OK;
}

static dske_rc bytes_of(const json_t *request, const char *name, uint8_t out[ID_LEN])
{
	const char *digits = json_string_value(json_object_get(request, name));
	struct id id;

	if (!digits || !rc_ok(id_parse(&id, digits)))
		return FAIL(ARGS, "%s has to be 32 digits", name);
	memcpy(out, id.b, ID_LEN);
	return DSKE_OK;
}

static dske_rc run_acknowledge(struct admin *a, const json_t *request, json_t *answer)
{
	struct acknowledgement k = {0};
	char table[ID_HEX_LEN], tag[ID_HEX_LEN];

	TRY(client_named(a, request, &k.client));
	TRY(bytes_of(request, "nonce", k.nonce.b));
	TRY(bytes_of(request, "tag", k.tag.b));
	TRY(acknowledge(a->vault, &k, a->now_ms));
	if (k.frozen && a->stop_serving)
		a->stop_serving(a->context, k.table);
	hex_encode(tag, k.answer.b, TAG_LEN);
	json_object_set_new(answer, "client", json_string(k.client->who.name));
	json_object_set_new(answer, "table", json_string(id_hex(&k.table->id, table)));
	json_object_set_new(answer, "outcome", json_string(k.frozen ? "frozen" : "activated"));
	json_object_set_new(answer, "answer", json_string(tag));
	return DSKE_OK;
}

/* ---- revoke ------------------------------------------------------------------------------------- */

struct revoking {
	struct admin *admin;
	const struct hub_client *client; /* all of his tables, or: */
	struct id table;
	uint8_t reason;
	struct vault_table **found; /* owned */
	size_t count;
};

static void find_meant(struct vault_table *t, void *context)
{
	struct revoking *v = context;

	if (v->client ? t->client == v->client && !t->retired : id_equal(&t->id, &v->table))
		v->found[v->count++] = t;
}

/* One that is retired already stays as it is. */
static dske_rc revoke_one(struct admin *a, struct vault_table *t, struct retiring *r)
{
	time_t now = time(NULL);
	bool before = t->retired;
	char hex[ID_HEX_LEN];

	TRY(vault_use(a->vault, t, a->now_ms));
	r->time = now > 0 ? (uint64_t)now : 0;
	TRY(table_retire(t->table, r));
	TRY(vault_retired(a->vault, t));
	if (before)
		return DSKE_OK;
	log_warn("table %s of %s is retired (%s) on the operator's word", id_hex(&t->id, hex), t->client->who.name,
		 retire_reason_name(r->reason));
	if (a->stop_serving)
		a->stop_serving(a->context, t);
	return DSKE_OK;
}

static dske_rc revoke_table(struct revoking *v, struct vault_table *t, json_t *list)
{
	struct retiring r = {.reason = v->reason};
	char hex[ID_HEX_LEN];

	TRY(revoke_one(v->admin, t, &r));
	while (!v->admin->running && !t->destroyed)
		TRY(table_destroy(t->table, UINT64_MAX, &t->destroyed));
	json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:b}", "table", id_hex(&t->id, hex), "reason",
					      retire_reason_name(r.reason), "time", (json_int_t)r.time, "destroyed",
					      t->destroyed));
	return DSKE_OK;
}

static dske_rc revoke_found(struct revoking *v, json_t *answer)
{
	json_t *list = json_array();
	dske_rc rc = DSKE_OK;

	if (v->count > 0)
		json_object_set_new(answer, "client", json_string(v->found[0]->client->who.name));
	else
		rc = FAIL(NOT_FOUND, "this hub has no such table; dske hub tables shows those that it has");
	json_object_set_new(answer, "tables", list);
	for (size_t i = 0; i < v->count && rc_ok(rc); i++)
		rc = revoke_table(v, v->found[i], list);
	return rc;
}

static dske_rc run_revoke(struct admin *a, const json_t *request, json_t *answer)
{
	const char *reason = json_string_value(json_object_get(request, "reason"));
	struct revoking v = {.admin = a};
	struct hub_client *client = NULL;

	TRY(retire_reason_parse(&v.reason, reason ? reason : "ended"));
	if (json_object_get(request, "table"))
		TRY(bytes_of(request, "table", v.table.b));
	else
		TRY(client_named(a, request, &client));
	v.client = client;
	(void)vault_refresh(a->vault);
	v.found = calloc(vault_count(a->vault) + 1, sizeof *v.found);
	if (!v.found)
		return rc_make(DSKE_RC_NOMEM);
	vault_each(a->vault, find_meant, &v);

	dske_rc rc = revoke_found(&v, answer);

	free(v.found);
	return rc;
}

/* ---- release ------------------------------------------------------------------------------------ */

static dske_rc run_release(struct admin *a, const json_t *request, json_t *answer)
{
	struct id id;
	char hex[ID_HEX_LEN];

	TRY(bytes_of(request, "table", id.b));

	struct vault_table *t = vault_find(a->vault, &id);

	if (!t)
		return FAIL(NOT_FOUND, "this hub has no table %s; dske hub tables shows those that it has", id_hex(&id, hex));
	if (a->running) {
		vault_lend(t, a->now_ms);
		a->cut_off(t);
		log_info("table %s of %s is left to an operator's command", id_hex(&id, hex), t->client->who.name);
	}
	json_object_set_new(answer, "lent", json_boolean(a->running));
	return DSKE_OK;
}

/* ---- all of them -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	dske_rc (*run)(struct admin *a, const json_t *request, json_t *answer);
} commands[] = {
	{"tables", run_tables},
	{"acknowledge", run_acknowledge},
	{"revoke", run_revoke},
	{"release", run_release},
};

dske_rc admin_run(struct admin *a, const json_t *request, json_t **answer)
{
	const char *name = json_string_value(json_object_get(request, "command"));

	*answer = NULL;
	for (size_t i = 0; name && i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		*answer = json_object();
		if (!*answer)
			return rc_make(DSKE_RC_NOMEM);

		dske_rc rc = commands[i].run(a, request, *answer);

		if (!rc_ok(rc)) {
			json_decref(*answer);
			*answer = NULL;
		}
		return rc;
	}
	return FAIL(UNSUPPORTED, "this hub knows no command '%s'; is it as new as dske?", name ? name : "");
}
