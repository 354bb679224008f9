/* SPDX-License-Identifier: Apache-2.0 */
/* dske stock list, accept, retire: at a hub, the stocks of its distributors, and their reports. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>

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
	struct buf report;       /* owned */
	struct id stock;
	struct pskm_header header;
	struct stock_accepted done;
};

static void taking_drop(struct taking *a)
{
	place_drop(&a->place);
	buf_drop(&a->report);
}

static dske_rc accept_into(struct taking *a, struct stock *s)
{
	AUTO(allotment) allotment = {0};
	struct stock_place place = {a->place.tables.s, &a->place.table_key};
	a->header = *stock_header(s);
	TRY(allotment_open(&allotment, &a->place.hub, &a->header));
	return stock_accept(s, a->report.data, a->report.len, &place, allotment_check, &allotment, &a->done);
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

static void print_client(const struct portion *p)
{
	char hex[ID_HEX_LEN], size[16];
	printf("  %s: %s, table %s%s\n", p->client_name, size_text(p->layout.len, size), id_hex(&p->table, hex),
	       p->wasted ? ": cut short, nobody has it, and it is not served" : "");
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
			print_client(&e.portion);
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
	const struct option_row rows[] = {HUB_ROWS(a.common), {0}};
	int leave = options_read(self, rows, argc, argv, 1, 1, &file);
	if (leave >= 0)
		return leave;
	dske_rc rc = accept_report(&a, file.at[0]);
	if (rc_ok(rc))
		rc = tell_accepted(&a);
	return rc_ok(rc) ? EXIT_OK : tool_fail(&a.common, rc, NULL);
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
