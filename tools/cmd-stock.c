/* SPDX-License-Identifier: Apache-2.0 */
/* dske stock list, accept, retire: at a hub, the stocks of its distributors, and their reports. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hub/allotment.h"
#include "pskm/stock.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/stocks.h"

/* A hub's configuration and folders. */
struct place {
	struct hub_conf hub;     /* owned */
	struct secret table_key; /* owned */
	struct path stocks, tables;
};

static void place_drop(struct place *p)
{
	hub_conf_drop(&p->hub);
	secret_drop(&p->table_key);
}

static dske_rc place_read(struct place *p, const char *conf)
{
	TRY(hub_conf_read(&p->hub, conf));
	TRY(hub_conf_table_key(&p->hub, &p->table_key));
	TRY(hub_conf_stocks(&p->hub, &p->stocks));
	return hub_conf_tables(&p->hub, &p->tables);
}

#define HUB_ROWS(c)                                                                                            \
	{"hub-conf", OPTION_TEXT, &(c).conf, "FILE", "the hub's configuration (default: the system's)"},               \
	{"json", OPTION_FLAG, &(c).json, NULL, "write JSON, for programs"}

/* ---- list -------------------------------------------------------------------------------------------------- */

static dske_rc list(const struct common *common, const char *which)
{
	AUTO(place) p = {0};
	TRY(place_read(&p, common->conf));
	return stocks_show(p.stocks.s, which, SIDE_HUB, common->json);
}

int cmd_stock_list(const struct command *self, int argc, char **argv)
{
	struct common common = {.conf = hub_conf_default_file()};
	struct operands which;
	const struct option_row rows[] = {HUB_ROWS(common), {0}};
	int leave = options_read(self, rows, argc, argv, 0, 1, &which);
	if (leave >= 0)
		return leave;
	dske_rc rc = list(&common, which.count == 1 ? which.at[0] : NULL);
	return rc_ok(rc) ? EXIT_OK : tool_fail(&common, rc, NULL);
}

/* ---- accept ------------------------------------------------------------------------------------------------ */

struct taking {
	struct common common;
	struct place place;
	const char *leave_out;   /* names and IDs, with commas; NULL: nobody */
	struct allotment allotment; /* owned */
	bool was_refused;        /* by the allotment: */
	struct portion refused;
	struct buf report;       /* owned */
	struct id stock;
	struct pskm_header header;
	struct stock_accepted done;
};

static void taking_drop(struct taking *a)
{
	allotment_drop(&a->allotment);
	place_drop(&a->place);
	buf_drop(&a->report);
}

/* ---- who is left out ---- */

/* The next of the list; false after the last. */
static bool next_left_out(const char **rest, char word[NAME_MAX_LEN + 1])
{
	*rest += strspn(*rest, ", ");
	size_t len = strcspn(*rest, ", ");
	snprintf(word, NAME_MAX_LEN + 1, "%.*s", (int)(len < NAME_MAX_LEN ? len : NAME_MAX_LEN), *rest);
	*rest += len;
	return len > 0;
}

static bool is_named(const struct portion *p, const char *word)
{
	char hex[ID_HEX_LEN];
	return strcmp(word, p->client_name) == 0 || strcmp(word, id_hex(&p->client, hex)) == 0;
}

static bool is_left_out(const struct taking *a, const struct portion *p)
{
	const char *rest = a->leave_out;
	char word[NAME_MAX_LEN + 1];
	while (rest != NULL && next_left_out(&rest, word))
		if (is_named(p, word))
			return true;
	return false;
}

/* A slip must not let the report pass without what it was meant to leave out. */
static dske_rc check_left_out(const struct taking *a)
{
	AUTO(stock_report) r = {0};
	const char *rest = a->leave_out;
	char word[NAME_MAX_LEN + 1];
	if (rest == NULL)
		return DSKE_OK;
	TRY(stock_report_read(&r, a->report.data, a->report.len));
	while (next_left_out(&rest, word)) {
		bool found = false;
		for (size_t i = 0; i < r.count; i++)
			found = found || is_named(&r.portion[i], word);
		if (!found)
			return FAIL(ARGS, "--leave-out %s: the report tells of no client of that name or ID", word);
	}
	return DSKE_OK;
}

/* ---- taking it ---- */

static dske_rc judge(void *context, const struct portion *p, bool *serve)
{
	struct taking *a = context;
	*serve = !is_left_out(a, p);
	dske_rc rc = *serve ? allotment_check(&a->allotment, p) : DSKE_OK;
	a->was_refused = rc_is(rc, DSKE_RC_DENIED);
	a->refused = *p;
	return rc;
}

static dske_rc accept_into(struct taking *a, struct stock *s)
{
	struct stock_place place = {a->place.tables.s, &a->place.table_key};
	a->header = *stock_header(s);
	TRY(allotment_open(&a->allotment, &a->place.hub, &a->header));
	TRY(check_left_out(a));
	return stock_accept(s, a->report.data, a->report.len, &place, judge, a, &a->done);
}

static dske_rc accept_report(struct taking *a, const char *file)
{
	struct stock *s;
	uint64_t number;
	char hex[ID_HEX_LEN];
	TRY(place_read(&a->place, a->common.conf));
	TRY(file_read_all(&a->report, file, STOCK_REPORT_LEN_MAX));
	TRY(stock_report_peek(a->report.data, a->report.len, &a->stock, &number));
	TRY(tool_own_folder(a->place.tables.s));
	dske_rc rc = stock_open(&s, a->place.stocks.s, &a->stock, SIDE_HUB, &a->place.table_key);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return FAIL(NOT_FOUND, "the report is about stock %s, which is none of this hub's: is it for another hub?",
			    id_hex(&a->stock, hex));
	TRY(rc);
	rc = accept_into(a, s);
	stock_close(s);
	return rc;
}

static void print_client(const struct taking *a, const struct portion *p)
{
	char hex[ID_HEX_LEN], size[16];
	const char *why = is_left_out(a, p) ? ": left out; it is not served now or later, and a new PSKM is"
					    : ": cut short, nobody has it, and it is not served";
	printf("  %s: %s, table %s%s\n", p->client_name, size_text(p->layout.len, size), id_hex(&p->table, hex),
	       p->wasted ? why : "");
}

/* What the portions were stands in the stock's log by now. */
static dske_rc tell_accepted(const struct taking *a)
{
	AUTO(stock_view) v = {.log = FD_NONE};
	char hex[ID_HEX_LEN];
	json_t *tables = json_array();
	TRY(stock_view_open(&v, a->place.stocks.s, &a->stock));
	if (!a->common.json)
		printf("report %" PRIu64 " of %s %s\n", a->done.number, a->header.client_name,
		       a->done.repeated ? "was accepted before: nothing changes" : "is accepted; served from now on:");
	for (uint64_t i = a->done.first; i < a->done.first + a->done.count; i++) {
		struct stock_entry e;
		TRY(stock_view_portion(&v, i, &e));
		if (!a->common.json)
			print_client(a, &e.portion);
		else if (!e.portion.wasted)
			json_array_append_new(tables, json_pack("{s:s, s:s}", "client", e.portion.client_name, "table",
								id_hex(&e.portion.table, hex)));
	}
	if (a->common.json)
		output_json(json_pack("{s:s, s:s, s:I, s:b, s:O}", "distributor", a->header.client_name, "stock",
				      id_hex(&a->stock, hex), "number", (json_int_t)a->done.number, "repeated", a->done.repeated,
				      "served", tables));
	json_decref(tables);
	return DSKE_OK;
}

int cmd_stock_accept(const struct command *self, int argc, char **argv)
{
	AUTO(taking) a = {.common.conf = hub_conf_default_file()};
	struct operands file;
	char advice[512], hex[ID_HEX_LEN];
	const struct option_row rows[] = {
		{"leave-out", OPTION_TEXT, &a.leave_out, "CLIENTS",
		 "accept the report, and never serve what it tells of these: names or IDs, with commas"},
		HUB_ROWS(a.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 1, 1, &file);
	if (leave >= 0)
		return leave;
	dske_rc rc = accept_report(&a, file.at[0]);
	if (rc_ok(rc))
		rc = tell_accepted(&a);
	if (rc_ok(rc))
		return EXIT_OK;
	snprintf(advice, sizeof advice, "nothing of the report is taken, and later ones wait for it: change that in the configuration and "
		 "accept it again; or accept the rest of it with --leave-out %s (ID %s), whose PSKM is worth nothing then",
		 a.refused.client_name, id_hex(&a.refused.client, hex));
	return tool_fail(&a.common, rc, a.was_refused ? advice : NULL);
}

/* ---- retire ------------------------------------------------------------------------------------------------ */

static dske_rc retire(const struct common *common, const char *which)
{
	AUTO(place) p = {0};
	TRY(place_read(&p, common->conf));
	return stocks_retire(p.stocks.s, which, SIDE_HUB, &p.table_key, common->json,
			     ": no further report of it is accepted, what was accepted stays served, and what was left is destroyed");
}

int cmd_stock_retire(const struct command *self, int argc, char **argv)
{
	struct common common = {.conf = hub_conf_default_file()};
	struct operands which;
	const struct option_row rows[] = {HUB_ROWS(common), {0}};
	int leave = options_read(self, rows, argc, argv, 1, 1, &which);
	if (leave >= 0)
		return leave;
	dske_rc rc = retire(&common, which.at[0]);
	return rc_ok(rc) ? EXIT_OK : tool_fail(&common, rc, NULL);
}
