/* SPDX-License-Identifier: Apache-2.0 */
/* hub/admin.c - a table of commands. */
#include "hub/admin.h"

#include <stdlib.h>
#include <string.h>

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
		a->stop_serving(k.table);
	hex_encode(tag, k.answer.b, TAG_LEN);
	json_object_set_new(answer, "client", json_string(k.client->who.name));
	json_object_set_new(answer, "table", json_string(id_hex(&k.table->id, table)));
	json_object_set_new(answer, "outcome", json_string(k.frozen ? "frozen" : "activated"));
	json_object_set_new(answer, "answer", json_string(tag));
	return DSKE_OK;
}

/* ---- all of them -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	dske_rc (*run)(struct admin *a, const json_t *request, json_t *answer);
} commands[] = {
	{"tables", run_tables},
	{"acknowledge", run_acknowledge},
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
