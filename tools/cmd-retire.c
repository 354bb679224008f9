/* SPDX-License-Identifier: Apache-2.0 */
/* dske hub revoke, dske pskm retire: the end of tables, from either side. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hub/command.h"
#include "pskm/table.h"
#include "tools/commands.h"
#include "tools/output.h"

/* What is destroyed does not come back, so it is asked for once more. */
static dske_rc confirm(bool yes, const char *what)
{
	char line[16];
	if (yes)
		return DSKE_OK;
	if (!isatty(STDIN_FILENO))
		return FAIL(ARGS, "%s: that cannot be undone; say --yes", what);
	fprintf(stderr, "%s.\nThat cannot be undone. Go on? (yes/no) ", what);
	if (fgets(line, sizeof line, stdin) == NULL || strcmp(line, "yes\n") != 0)
		return FAIL(CANCELLED, "nothing was done");
	return DSKE_OK;
}

/* ---- dske hub revoke --------------------------------------------------------------------------------------- */

struct revoke {
	struct common common; /* conf: the hub's */
	const char *client, *reason;
	struct id table;
	bool yes;
	json_t *answer; /* owned */
};

static dske_rc ask_hub(struct revoke *r)
{
	AUTO(hub_conf) hub = {0};
	char what[256], hex[ID_HEX_LEN];
	uint8_t reason = 0;
	const char *whose = r->client != NULL ? r->client : id_hex(&r->table, hex);
	TRY(retire_reason_parse(&reason, r->reason));
	TRY(hub_conf_read(&hub, r->common.conf));
	snprintf(what, sizeof what, "%s %s is retired, and what is left destroyed here and, once it calls, at the client",
		 r->client != NULL ? "each table of" : "table", whose);
	TRY(confirm(r->yes, what));
	json_t *request = json_pack("{s:s, s:s, s:s}", "command", "revoke", r->client != NULL ? "client" : "table", whose,
				    "reason", r->reason);
	dske_rc rc = request != NULL ? hub_command(&hub, request, &r->answer) : FAIL(ARGS, "that is no name of a client");
	json_decref(request);
	return rc;
}

static void tell_revoked(const struct revoke *r)
{
	const json_t *t;
	size_t i;
	json_array_foreach(json_object_get(r->answer, "tables"), i, t)
		printf("table %s of %s is retired (%s)%s\n", json_string_value(json_object_get(t, "table")),
		       json_string_value(json_object_get(r->answer, "client")), json_string_value(json_object_get(t, "reason")),
		       json_is_true(json_object_get(t, "destroyed")) ? " and destroyed here" : "; the hub is destroying it");
	printf("The client is told when it next calls; dske hub tables shows when it has destroyed its own.\n");
}

int cmd_hub_revoke(const struct command *self, int argc, char **argv)
{
	struct revoke r = {.common.conf = hub_conf_default_file(), .reason = "ended"};
	struct operands none;
	const struct option_row rows[] = {
		{"client", OPTION_TEXT, &r.client, "NAME", "all tables of this client, by name or ID; it is forgotten"},
		{"table", OPTION_ID, &r.table, "ID", "this table alone"},
		{"reason", OPTION_TEXT, &r.reason, "REASON", "ended, replaced, lost or stolen; the client is told (default: ended)"},
		{"yes", OPTION_FLAG, &r.yes, NULL, "do not ask"},
		{"hub-conf", OPTION_TEXT, &r.common.conf, "FILE", "the hub's configuration (default: the system's)"},
		{"json", OPTION_FLAG, &r.common.json, NULL, "write JSON, for programs"},
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	if ((r.client != NULL) == !id_is_zero(&r.table))
		return tool_usage(self, "either --client NAME or --table ID is needed");
	dske_rc rc = ask_hub(&r);
	if (!rc_ok(rc))
		return tool_fail(&r.common, rc, NULL);
	if (r.common.json) {
		output_json(r.answer);
		return EXIT_OK;
	}
	tell_revoked(&r);
	json_decref(r.answer);
	return EXIT_OK;
}

/* ---- dske pskm retire -------------------------------------------------------------------------------------- */

struct retire {
	struct common common;
	const char *which, *reason_name;
	uint8_t reason;
	bool yes;
	int64_t timeout_ms;
	struct client *client;   /* owned */
	struct client_hub *hubs; /* owned */
	size_t count;
	const struct client_hub *meant; /* in hubs */
};

static void retire_drop(struct retire *r)
{
	free(r->hubs);
	client_close(r->client);
}

static bool is_named(const struct client_hub *h, const char *which)
{
	char hex[ID_HEX_LEN];
	return strcmp(which, id_hex(&h->table, hex)) == 0 || strcmp(which, h->name) == 0;
}

/* Of a hub's tables one; those at whose end nothing is left to do do not count, unless there is no other. */
static dske_rc find_meant(struct retire *r)
{
	size_t open = 0;
	for (size_t i = 0; i < r->count; i++) {
		const struct client_hub *h = &r->hubs[i];
		bool over = rc_is(h->rc, DSKE_RC_RETIRED) && h->status.retired.let_go && h->status.retired.receipted;
		if (!is_named(h, r->which))
			continue;
		open += !over;
		if (r->meant == NULL || !over)
			r->meant = h;
	}
	if (r->meant == NULL)
		return FAIL(NOT_FOUND, "there is no table or hub %s; dske pskm list shows all", r->which);
	if (open > 1)
		return FAIL(ARGS, "%s has several tables: name one by its ID; dske pskm list shows them", r->which);
	return DSKE_OK;
}

/* Hubs that the default k is taken from, without the tables of one if `without` is its table. */
static size_t hubs_counted(const struct retire *r, const struct client_hub *without)
{
	size_t count = 0;
	for (size_t i = 0; i < r->count; i++) {
		bool counts = false, first = true;
		for (size_t j = 0; j < r->count; j++) {
			const struct client_hub *h = &r->hubs[j];
			if (!id_equal(&h->hub, &r->hubs[i].hub))
				continue;
			first = first && j >= i;
			counts = counts || (h != without && !(rc_is(h->rc, DSKE_RC_RETIRED) && h->status.retired.let_go));
		}
		count += first && counts;
	}
	return count;
}

static dske_rc prepare(struct retire *r)
{
	char what[512], hex[ID_HEX_LEN];
	TRY(retire_reason_parse(&r->reason, r->reason_name));
	TRY(tool_open(&r->client, &r->common));
	TRY(client_hubs(r->client, &r->hubs, &r->count));
	TRY(find_meant(r));
	const struct config *config = client_config(r->client);
	size_t before = hubs_counted(r, NULL), after = hubs_counted(r, r->meant);
	int len = snprintf(what, sizeof what, "table %s of %s is retired, and what is left of it destroyed at both ends",
			   id_hex(&r->meant->table, hex), r->meant->name);
	if (before != after && after > 0 && len > 0 && (size_t)len < sizeof what)
		snprintf(what + len, sizeof what - (size_t)len, ".\nUntil now a key needs k = %u of %zu hubs; afterwards k = %u of %zu",
			 config_k(config, before), before, config_k(config, after), after);
	else if (after == 0 && len > 0 && (size_t)len < sizeof what)
		snprintf(what + len, sizeof what - (size_t)len, ".\nIt is the last hub's: no key can be agreed afterwards");
	return confirm(r->yes, what);
}

static int tell_retired(const struct retire *r, dske_rc rc)
{
	char hex[ID_HEX_LEN];
	if (!rc_ok(rc))
		return tool_fail(&r->common, rc, NULL);
	if (r->common.json)
		output_json(json_pack("{s:s, s:s, s:b}", "hub", r->meant->name, "table", id_hex(&r->meant->table, hex), "retired", 1));
	else
		printf("%s: table %s is retired and destroyed here, and the hub knows\n", r->meant->name,
		       id_hex(&r->meant->table, hex));
	return EXIT_OK;
}

int cmd_pskm_retire(const struct command *self, int argc, char **argv)
{
	AUTO(retire) r = {.reason_name = "ended"};
	struct operands which;
	const struct option_row rows[] = {
		{"reason", OPTION_TEXT, &r.reason_name, "REASON", "ended, replaced, lost or stolen; the hub is told (default: ended)"},
		{"yes", OPTION_FLAG, &r.yes, NULL, "do not ask"},
		{"timeout", OPTION_DURATION, &r.timeout_ms, "TIME", "for the hub (default: the configuration's)"},
		COMMON_ROWS(r.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 1, 1, &which);
	if (leave >= 0)
		return leave;
	r.which = which.at[0];
	dske_rc rc = prepare(&r);
	if (!rc_ok(rc))
		return tool_fail(&r.common, rc, NULL);
	return tell_retired(&r, client_retire(r.client, &r.meant->table, r.reason, r.timeout_ms));
}
