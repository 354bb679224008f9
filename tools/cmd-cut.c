/* SPDX-License-Identifier: Apache-2.0 */
/* dske distributor cut, report: PSKMs for clients out of a stock, and what the hub is told of it. */
#include <config.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pskm/stock.h"
#include "tools/commands.h"
#include "tools/distributor.h"
#include "tools/output.h"
#include "tools/passphrase.h"
#include "tools/stocks.h"

/* ---- cut --------------------------------------------------------------------------------------------------- */

struct cutting {
	struct common common;
	const char *stock, *hub, *client, *output, *passphrase_file;
	struct id client_id;
	uint64_t size;
	struct pskm_header header; /* the stock's */
	struct portion portion;
	size_t hubs;               /* whose bytes this client got from us */
	char passphrase[PASSPHRASE_TEXT_MAX];
};

static dske_rc cut_from(struct cutting *c, struct stock *s, const struct distributor *d)
{
	AUTO(entropy) entropy = {0};
	struct stock_order order = {.client = c->client_id, .size = c->size, .cost = KDF_COST_DEFAULT};
	c->header = *stock_header(s);
	snprintf(order.client_name, sizeof order.client_name, "%s", c->client);
	TRY(entropy_open(&entropy, d->entropy, ENTROPY_STALL_MS));
	struct pskm_source fresh = entropy_bytes(&entropy);
	return stock_cut(s, &order, c->output, c->passphrase, &fresh, output_progress, "cutting", &c->portion);
}

static dske_rc cut(struct cutting *c)
{
	AUTO(pass_file) file = PASS_FILE_NONE;
	AUTO(secret) table_key = {0};
	struct distributor d;
	struct stock *s;
	struct id id;
	if (!name_check(c->client))
		return FAIL(ARGS, "%s is not a name of a client", c->client);
	TRY(distributor_read(&d, c->common.conf));
	TRY(distributor_table_key(&d, &table_key));
	TRY(passphrase_place(&file, c->passphrase_file));
	TRY(stocks_choose(&id, d.stocks.s, c->stock != NULL ? c->stock : c->hub, SIDE_CLIENT, c->size));
	TRY(stock_open(&s, d.stocks.s, &id, SIDE_CLIENT, &table_key));
	dske_rc rc = cut_from(c, s, &d);
	stock_close(s);
	TRY(rc);
	TRY(passphrase_put(&file, c->passphrase));
	return stocks_hubs_of(&c->hubs, d.stocks.s, &c->client_id);
}

static void tell_cut(const struct cutting *c)
{
	char table[ID_HEX_LEN], stock[ID_HEX_LEN], size[16];
	const struct portion *p = &c->portion;
	if (c->common.json) {
		json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "table", id_hex(&p->table, table), "client",
				      p->client_name, "hub", c->header.hub_name, "stock", id_hex(&c->header.table, stock), "file",
				      c->output, "from", (json_int_t)p->start, "to", (json_int_t)portion_end(p), "hubs", (json_int_t)c->hubs);
		if (c->passphrase_file == NULL)
			json_object_set_new(o, "passphrase", json_string(c->passphrase));
		output_json(o);
		return;
	}
	printf("PSKM %s: %s for %s from %s, in %s\n", id_hex(&p->table, table), size_text(p->layout.len, size), p->client_name,
	       c->header.hub_name, c->output);
	passphrase_tell(c->passphrase_file, c->passphrase);
	if (c->hubs > 1)
		printf("note: %s has PSKMs of %zu hubs from this distributor, who counts as all of them at once: keep it below the\n"
		       "number of hubs that a key of %s takes\n", p->client_name, c->hubs, p->client_name);
	printf("%s serves it when it has got the report: dske distributor report --hub %s\n", c->header.hub_name,
	       c->header.hub_name);
}

int cmd_distributor_cut(const struct command *self, int argc, char **argv)
{
	struct cutting c = {0};
	struct operands none;
	const struct option_row rows[] = {
		{"hub", OPTION_TEXT, &c.hub, "HUB", "from a stock of this hub (default: of the only hub)"},
		{"stock", OPTION_TEXT, &c.stock, "HEX", "or from this stock"},
		{"client", OPTION_TEXT, &c.client, "NAME", "the client's name (required)"},
		{"client-id", OPTION_ID, &c.client_id, "HEX", "its ID, as dske init told it (required)"},
		{"size", OPTION_SIZE, &c.size, "SIZE", "bytes of the table: 64K, 16M, 1G (required)"},
		{"output", OPTION_TEXT, &c.output, "FILE", "the PSKM to write (required)"},
		{"passphrase-file", OPTION_TEXT, &c.passphrase_file, "FILE", "write its passphrase there, 0600, instead of showing it"},
		DISTRIBUTOR_ROWS(c.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	if (c.client == NULL || id_is_zero(&c.client_id) || c.size == 0 || c.output == NULL)
		return tool_usage(self, "--client, --client-id, --size and --output are needed");
	dske_rc rc = cut(&c);
	if (rc_ok(rc))
		tell_cut(&c);
	mem_wipe(c.passphrase, sizeof c.passphrase);
	return rc_ok(rc) ? EXIT_OK : tool_fail(&c.common, rc, NULL);
}

/* ---- report ------------------------------------------------------------------------------------------------ */

struct reporting {
	struct common common;
	const char *stock, *hub, *output;
	uint64_t number;
	struct pskm_header header; /* the stock's */
	struct path file;
	size_t portions;
};

static dske_rc write_report(struct reporting *r, const struct buf *report)
{
	AUTO(fd) f = FD_NONE;
	if (r->output != NULL)
		TRY(path_format(&r->file, "%s", r->output));
	else
		TRY(path_format(&r->file, "%s-%" PRIu64 ".report", r->header.hub_name, r->number));
	TRY(file_open(&f, r->file.s, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
	TRY(file_pwrite(f.n, report->data, report->len, 0));
	TRY(file_sync(f.n));
	return file_sync_dir_of(r->file.s);
}

static dske_rc tell_and_count(struct reporting *r, struct stock *s, struct buf *out)
{
	AUTO(stock_report) read = {0};
	r->header = *stock_header(s);
	TRY(stock_tell(s, &r->number, out));
	TRY(stock_report_read(&read, out->data, out->len));
	r->portions = read.count;
	return DSKE_OK;
}

static dske_rc report(struct reporting *r)
{
	AUTO(buf) out = {0};
	AUTO(secret) table_key = {0};
	struct distributor d;
	struct stock *s;
	struct id id;
	TRY(distributor_read(&d, r->common.conf));
	TRY(distributor_table_key(&d, &table_key));
	TRY(stocks_choose_reporting(&id, d.stocks.s, r->stock != NULL ? r->stock : r->hub, r->number != 0));
	TRY(stock_open(&s, d.stocks.s, &id, SIDE_CLIENT, &table_key));
	dske_rc rc = tell_and_count(r, s, &out);
	stock_close(s);
	TRY(rc);
	return write_report(r, &out);
}

int cmd_distributor_report(const struct command *self, int argc, char **argv)
{
	struct reporting r = {0};
	struct operands none;
	char hex[ID_HEX_LEN];
	const struct option_row rows[] = {
		{"hub", OPTION_TEXT, &r.hub, "HUB", "to this hub (default: to the only hub)"},
		{"stock", OPTION_TEXT, &r.stock, "HEX", "or of this stock"},
		{"number", OPTION_UINT, &r.number, "N", "an earlier report again, the same bytes"},
		{"output", OPTION_TEXT, &r.output, "FILE", "the report to write (default: HUB-N.report)"},
		DISTRIBUTOR_ROWS(r.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	dske_rc rc = report(&r);
	if (!rc_ok(rc))
		return tool_fail(&r.common, rc, r.number > 0 && !rc_is(rc, DSKE_RC_NOT_FOUND) ?
					"write it again, to another file: the same command with --stock, --number and --output" : NULL);
	if (r.common.json)
		output_json(json_pack("{s:s, s:s, s:I, s:I, s:s}", "stock", id_hex(&r.header.table, hex), "hub", r.header.hub_name,
				      "number", (json_int_t)r.number, "portions", (json_int_t)r.portions, "file", r.file.s));
	else
		printf("report %" PRIu64 " to %s on %zu portion%s, in %s: it is no secret; at the hub, dske stock accept %s\n", r.number,
		       r.header.hub_name, r.portions, r.portions == 1 ? "" : "s", r.file.s, r.file.s);
	return EXIT_OK;
}
