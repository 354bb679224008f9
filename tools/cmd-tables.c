/* SPDX-License-Identifier: Apache-2.0 */
/* dske pskm activate, list: the tables that were imported. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/media.h"
#include "pskm/code.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/report.h"

struct tables {
	struct client *client; /* owned */
	struct client_hub *hub; /* owned */
	size_t count;
};

static void tables_drop(struct tables *t)
{
	free(t->hub);
	client_close(t->client);
	*t = (struct tables){0};
}

static dske_rc tables_open(struct tables *t, const struct common *common)
{
	TRY(tool_open(&t->client, common));
	TRY(client_hubs(t->client, &t->hub, &t->count));
	return DSKE_OK;
}

/* ---- list -------------------------------------------------------------------------------------------------- */

static void print_tables(const struct tables *t)
{
	static const char *const headings[] = {"HUB", "TABLE", "STATE", ">UP LEFT", ">DOWN LEFT", ">LEASES LEFT", "LASTS",
					       "ADDRESS"};
	AUTO(grid) g = {0};
	grid_init(&g, 8, headings);
	for (size_t i = 0; i < t->count; i++) {
		const struct client_hub *h = &t->hub[i];
		char hex[ID_HEX_LEN], size[16], lasts[SUPPLY_TEXT_MAX];
		grid_row(&g, table_colour(h));
		grid_cell(&g, 0, "%s", h->name);
		grid_cell(&g, 1, "%s", id_hex(&h->table, hex));
		grid_cell(&g, 2, "%s", table_state_text(h));
		grid_cell(&g, 3, "%s", size_text(h->status.up_left, size));
		grid_cell(&g, 4, "%s", size_text(h->status.down_left, size));
		grid_cell(&g, 5, "%llu", (unsigned long long)h->status.lease_left);
		grid_cell(&g, 6, "%s", rc_ok(h->rc) ? supply_duration(h->status.supply.lasts_s, lasts) : "-");
		grid_cell(&g, 7, "%s", h->address);
	}
	grid_print(&g, stdout);
	for (size_t i = 0; i < t->count; i++)
		table_print_trouble(&t->hub[i]);
}

/* What lies on media, names this client and was not accepted.  Told, not used. */
static void print_offers(const struct offer *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char hex[ID_HEX_LEN];
		printf("%s: a table for this client, not in use; if it is yours: dske pskm accept %s\n", list[i].spot.folder.s,
		       id_hex(&list[i].header.table, hex));
	}
}

static json_t *offers_json(const struct offer *list, size_t count)
{
	json_t *out = json_array();
	for (size_t i = 0; i < count; i++) {
		char hex[ID_HEX_LEN];
		json_array_append_new(out, json_pack("{s:s, s:s, s:s}", "table", id_hex(&list[i].header.table, hex), "hub",
						     list[i].header.hub_name, "medium", list[i].spot.folder.s));
	}
	return out;
}

int cmd_pskm_list(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands none;
	AUTO(tables) t = {0};
	struct offer *offers = NULL;
	size_t offered = 0;
	const struct option_row rows[] = {COMMON_ROWS(common), {0}};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	dske_rc rc = tables_open(&t, &common);
	if (rc_ok(rc))
		rc = offers_find(&offers, &offered, client_config(t.client));
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	if (common.json) {
		json_t *list = json_array();
		for (size_t i = 0; i < t.count; i++)
			json_array_append_new(list, table_json(&t.hub[i]));
		output_json(json_pack("{s:o, s:o}", "tables", list, "offered", offers_json(offers, offered)));
	} else if (t.count == 0) {
		printf("no tables: import a PSKM with dske pskm import FILE\n");
	} else {
		print_tables(&t);
	}
	if (!common.json)
		print_offers(offers, offered);
	free(offers);
	return EXIT_OK;
}

/* ---- activate ---------------------------------------------------------------------------------------------- */

struct activate {
	struct common common;
	bool all;
	int64_t timeout_ms;
	const char *which;
	bool by_telephone;
	const char *answer; /* what the hub's operator read back, or NULL */
	struct tag answer_tag;
	json_t *results;
	size_t matched, unfit;
	int exit; /* of the first failure */
};

static bool is_meant(const struct activate *a, const struct client_hub *h)
{
	char hex[ID_HEX_LEN];
	bool waits = rc_is(h->rc, DSKE_RC_NOT_ACTIVE) || (rc_is(h->rc, DSKE_RC_KEY) && h->status.state < TABLE_ACTIVE);
	if (a->which == NULL)
		return waits;
	if (strcmp(a->which, id_hex(&h->table, hex)) == 0)
		return true;
	return strcmp(a->which, h->name) == 0 && waits;
}

static void tell_result(struct activate *a, const struct client_hub *h, dske_rc rc)
{
	char hex[ID_HEX_LEN];
	if (!rc_ok(rc) && a->exit == EXIT_OK)
		a->exit = exit_code(rc);
	if (a->common.json) {
		json_t *o = json_pack("{s:s, s:s, s:b, s:s}", "hub", h->name, "table", id_hex(&h->table, hex), "ok", rc_ok(rc),
				      "code", rc_name(rc));
		if (!rc_ok(rc))
			json_object_set_new(o, "detail", json_string(rc_detail(rc)));
		json_array_append_new(a->results, o);
	} else if (rc_ok(rc)) {
		printf("%s: activated\n", h->name);
	} else {
		(void)tool_fail(&a->common, rc, NULL);
	}
}

static void tell_codes(struct activate *a, const struct client_hub *h, const struct activation_codes *codes)
{
	char first[CODE_TEXT_MAX], second[CODE_TEXT_MAX], hex[ID_HEX_LEN];
	code_write(first, codes->nonce.b, CODE_NONCE);
	code_write(second, codes->tag.b, CODE_TAG);
	if (a->common.json)
		json_array_append_new(a->results, json_pack("{s:s, s:s, s:s, s:s}", "hub", h->name, "table", id_hex(&h->table, hex),
							    "first", first, "second", second));
	else
		printf("Call the operator of %s, who knows your voice, and read out:\n"
		       "  first code   %s\n"
		       "  second code  %s\n"
		       "There one types: dske hub acknowledge --client %s\n"
		       "and reads an answer to you.  Then: dske pskm activate %s --answer ANSWER\n",
		       h->name, first, second, h->header.client_name, a->which);
}

/* The answer says itself which of several tables is meant: those that it does not fit are passed over. */
static void activate_one(struct activate *a, struct client *client, const struct client_hub *h)
{
	struct activation_codes codes;
	dske_rc rc = a->answer != NULL	  ? client_activation_answer(client, &h->table, &a->answer_tag)
		     : a->by_telephone ? client_activation_codes(client, &h->table, &codes)
				       : client_activate(client, &h->table, a->timeout_ms);
	if (a->answer != NULL && rc_is(rc, DSKE_RC_TAG)) {
		a->unfit++;
		return;
	}
	a->matched++;
	if (a->by_telephone && rc_ok(rc))
		tell_codes(a, h, &codes);
	else
		tell_result(a, h, rc);
}

static int nothing_to_activate(const struct activate *a)
{
	if (a->unfit > 0)
		return tool_fail(&a->common, FAIL(TAG, "%s: that answers another activation than ours: did the operator type both "
						       "codes of this table, and is the answer his last one?", a->which), NULL);
	if (a->which == NULL) {
		if (a->common.json)
			output_json(json_pack("{s:[]}", "activated"));
		else
			printf("no table waits for its activation\n");
		return EXIT_OK;
	}
	return tool_fail(&a->common, FAIL(NOT_FOUND, "no table of %s waits for its activation; dske pskm list shows all", a->which),
			 NULL);
}

int cmd_pskm_activate(const struct command *self, int argc, char **argv)
{
	struct activate a = {.common.needs_tables = true};
	struct operands which;
	AUTO(tables) t = {0};
	const struct option_row rows[] = {
		{"all", OPTION_FLAG, &a.all, NULL, "every table that waits for it"},
		{"by-telephone", OPTION_FLAG, &a.by_telephone, NULL, "show two codes to read to the hub's operator, and use no network"},
		{"answer", OPTION_TEXT, &a.answer, "CODE", "what the operator read back"},
		{"timeout", OPTION_DURATION, &a.timeout_ms, "TIME", "for each hub (default: the configuration's)"},
		PIN_ROW(a.common),
		COMMON_ROWS(a.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 1, &which);
	if (leave >= 0)
		return leave;
	if (a.all == (which.count == 1))
		return tool_usage(self, "name a table or a hub, or say --all");
	if ((a.by_telephone || a.answer != NULL) && (a.all || (a.by_telephone && a.answer != NULL)))
		return tool_usage(self, "--by-telephone and --answer are for one table or hub, one after the other");
	a.which = a.all ? NULL : which.at[0];
	dske_rc rc = a.answer != NULL ? code_read(a.answer_tag.b, a.answer, CODE_ANSWER) : DSKE_OK;
	if (rc_ok(rc))
		rc = tables_open(&t, &a.common);
	if (!rc_ok(rc))
		return tool_fail(&a.common, rc, NULL);
	a.results = json_array();
	for (size_t i = 0; i < t.count; i++) {
		if (is_meant(&a, &t.hub[i]))
			activate_one(&a, t.client, &t.hub[i]);
	}
	if (a.matched > 0 && a.common.json)
		output_json(json_pack("{s:O}", a.by_telephone ? "telephone" : "activated", a.results));
	json_decref(a.results);
	return a.matched > 0 ? a.exit : nothing_to_activate(&a);
}
