/* SPDX-License-Identifier: Apache-2.0 */
/* dske distributor init, import, list: a Local Distributor and the stocks that hubs gave it (DSKE 2.1, footnote 8). */
#include <config.h>

#include <stdio.h>

#include "pskm/container.h"
#include "pskm/stock.h"
#include "tools/commands.h"
#include "tools/distributor.h"
#include "tools/output.h"
#include "tools/passphrase.h"
#include "tools/stocks.h"

/* ---- init -------------------------------------------------------------------------------------------------- */

int cmd_distributor_init(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	const char *name = NULL, *state = NULL;
	struct id id = {0};
	struct distributor d;
	struct operands none;
	char hex[ID_HEX_LEN];
	const struct option_row rows[] = {
		{"name", OPTION_TEXT, &name, "NAME", "how the hubs know this distributor (required)"},
		{"id", OPTION_ID, &id, "HEX", "its ID, 32 digits (default: a fresh one)"},
		{"state", OPTION_TEXT, &state, "DIR", "state folder (default: the configuration file's own)"},
		DISTRIBUTOR_ROWS(common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	if (name == NULL)
		return tool_usage(self, "--name NAME is missing");
	dske_rc rc = distributor_make(&d, common.conf, name, &id, state);
	if (!rc_ok(rc))
		return tool_fail(&common, rc, NULL);
	if (common.json)
		output_json(json_pack("{s:s, s:s, s:s}", "name", d.name, "id", id_hex(&d.id, hex), "conf", d.file.s));
	else
		printf("distributor %s, ID %s\nconfiguration %s\n"
		       "Tell name and ID to the hubs' operators: each names them in its configuration ([distributor NAME])\n"
		       "and makes a stock for it (dske stock create).\n",
		       d.name, id_hex(&d.id, hex), d.file.s);
	return EXIT_OK;
}

/* ---- import ------------------------------------------------------------------------------------------------ */

struct take_in {
	struct common common;
	const char *file, *passphrase_file;
	struct pskm_header header;
};

static dske_rc take_in(struct take_in *t)
{
	struct distributor d;
	AUTO(secret) passphrase = {0};
	AUTO(secret) table_key = {0};
	TRY(distributor_read(&d, t->common.conf));
	TRY(distributor_table_key(&d, &table_key));
	TRY(container_peek(&t->header, t->file)); /* before anybody is asked for anything */
	TRY(pskm_kind_require(&t->header, PSKM_STOCK));
	TRY(tool_own_folder(d.stocks.s));
	TRY(passphrase_input(&passphrase, t->passphrase_file));
	return container_import(t->file, (const char *)passphrase.data, &d.id, d.stocks.s, &table_key, &t->header,
				output_progress, "verifying");
}

int cmd_distributor_import(const struct command *self, int argc, char **argv)
{
	struct take_in t = {0};
	struct operands file;
	char hex[ID_HEX_LEN], size[16];
	const struct option_row rows[] = {
		{"passphrase-file", OPTION_TEXT, &t.passphrase_file, "FILE", "read the passphrase there, or from env:NAME (default: ask for it)"},
		DISTRIBUTOR_ROWS(t.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 1, 1, &file);
	if (leave >= 0)
		return leave;
	t.file = file.at[0];
	dske_rc rc = take_in(&t);
	if (!rc_ok(rc))
		return tool_fail(&t.common, rc, NULL);
	const struct pskm_header *h = &t.header;
	if (t.common.json)
		output_json(json_pack("{s:s, s:s, s:I}", "stock", id_hex(&h->table, hex), "hub", h->hub_name, "size",
				      (json_int_t)h->layout.len));
	else
		printf("imported a stock of %s from %s (%s)\n"
		       "next: dske distributor cut --hub %s --client NAME .., then destroy the file it came in\n",
		       size_text(h->layout.len, size), h->hub_name, id_hex(&h->table, hex), h->hub_name);
	return EXIT_OK;
}

/* ---- list -------------------------------------------------------------------------------------------------- */

static dske_rc list(const struct common *common, const char *which)
{
	struct distributor d;
	TRY(distributor_read(&d, common->conf));
	return stocks_show(d.stocks.s, which, SIDE_CLIENT, common->json);
}

int cmd_distributor_list(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands which;
	const struct option_row rows[] = {DISTRIBUTOR_ROWS(common), {0}};
	int leave = options_read(self, rows, argc, argv, 0, 1, &which);
	if (leave >= 0)
		return leave;
	dske_rc rc = list(&common, which.count == 1 ? which.at[0] : NULL);
	return rc_ok(rc) ? EXIT_OK : tool_fail(&common, rc, NULL);
}

/* ---- retire ------------------------------------------------------------------------------------------------ */

static dske_rc retire(const struct common *common, const char *which)
{
	struct distributor d;
	TRY(distributor_read(&d, common->conf));
	return stocks_retire(d.stocks.s, which, SIDE_CLIENT, NULL, common->json, ", and what was left of it destroyed");
}

int cmd_distributor_retire(const struct command *self, int argc, char **argv)
{
	struct common common = {0};
	struct operands which;
	const struct option_row rows[] = {DISTRIBUTOR_ROWS(common), {0}};
	int leave = options_read(self, rows, argc, argv, 1, 1, &which);
	if (leave >= 0)
		return leave;
	dske_rc rc = retire(&common, which.at[0]);
	return rc_ok(rc) ? EXIT_OK : tool_fail(&common, rc, NULL);
}
