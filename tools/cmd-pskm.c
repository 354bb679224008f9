/* SPDX-License-Identifier: Apache-2.0 */
/* dske pskm verify, import: a PSKM has come (DSKE 2.1). */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "client/media.h"
#include "pskm/container.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/passphrase.h"
#include "tools/reference.h"

#define ADVICE_MAX 16384 /* three paths and a few words */

/* ---- verify ------------------------------------------------------------------------------------------------ */

#define WRONG_PASSPHRASE "each PSKM has its own; ask the operator of the hub that made it"

struct verify {
	struct common common; /* only json */
	const char *file, *passphrase_file;
	struct pskm_header header;
	bool is_reference;
	struct reference reference;
};

static dske_rc verify(struct verify *v)
{
	AUTO(secret) passphrase = {0};
	TRY(reference_recognise(&v->is_reference, v->file));
	if (v->is_reference)
		return reference_read(&v->reference, v->file);
	TRY(container_peek(&v->header, v->file)); /* before anybody is asked for anything */
	TRY(passphrase_input(&passphrase, v->passphrase_file));
	return container_verify(v->file, (const char *)passphrase.data, &v->header, output_progress, "verifying");
}

static void tell_verified(const struct verify *v)
{
	char table[ID_HEX_LEN], client[ID_HEX_LEN], size[16];
	const struct pskm_header *h = &v->header;
	if (v->common.json)
		output_json(json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "whole", true, "table", id_hex(&h->table, table),
				      "hub", h->hub_name, "address", h->hub_address, "client", h->client_name, "client_id",
				      id_hex(&h->client, client), "size", (json_int_t)h->layout.len, "created",
				      (json_int_t)h->created));
	else
		printf("%s is whole: %s %s, %s for %s (%s) from %s (%s)\n", v->file, h->kind == PSKM_STOCK ? "stock" : "PSKM",
		       id_hex(&h->table, table),
		       size_text(h->layout.len, size), h->client_name, id_hex(&h->client, client), h->hub_name, h->hub_address);
}

int cmd_pskm_verify(const struct command *self, int argc, char **argv)
{
	struct verify v = {0};
	struct operands file;
	const struct option_row rows[] = {
		{"passphrase-file", OPTION_TEXT, &v.passphrase_file, "FILE", "read the passphrase there, or from env:NAME (default: ask for it)"},
		{"json", OPTION_FLAG, &v.common.json, NULL, "write JSON, for programs"},
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 1, 1, &file);
	if (leave >= 0)
		return leave;
	v.file = file.at[0];
	dske_rc rc = verify(&v);
	if (!rc_ok(rc))
		return tool_fail(&v.common, rc, rc_is(rc, DSKE_RC_PIN) ? WRONG_PASSPHRASE : NULL);
	if (v.is_reference)
		refer_tell(&v.reference, v.file, v.common.json);
	else
		tell_verified(&v);
	return EXIT_OK;
}

/* ---- import ------------------------------------------------------------------------------------------------ */

struct import {
	struct common common;
	const char *file, *passphrase_file, *to;
	bool in_place;
	bool has_key; /* of the tables: what is wrong after that is no PIN */
	struct pskm_header header;
	struct path tables;
	bool done_before; /* in place: a former run was stopped on its way to destroy the file */
	struct refer refer;
};

static bool on_medium(const struct import *i)
{
	return i->in_place || i->to != NULL;
}

/* One PSKM is either in the store or on a medium. */
static dske_rc check_new(struct import *i, const struct config *c)
{
	char hex[ID_HEX_LEN];
	struct path tables, store, medium, here;
	(void)id_hex(&i->header.table, hex);
	TRY(config_tables(c, &tables));
	TRY(table_folder(&store, tables.s, &i->header.table));
	TRY(path_format(&medium, "%s/media/%s", c->state.s, hex));
	TRY(path_format(&here, "%s/%s", i->tables.s, hex));
	bool accepted = access(medium.s, F_OK) == 0;
	i->done_before = on_medium(i) && accepted && access(here.s, F_OK) == 0;
	if (on_medium(i) && access(store.s, F_OK) == 0)
		return FAIL(EXISTS, "this PSKM is there already: %s", store.s);
	if (accepted && !i->done_before)
		return FAIL(EXISTS, "this PSKM was imported already, and is used in place on a medium");
	return DSKE_OK;
}

static dske_rc choose_folder(struct import *i, const struct config *c)
{
	if (on_medium(i))
		TRY(place_of(&i->tables, c, i->to != NULL ? i->to : i->file));
	else
		TRY(config_tables(c, &i->tables));
	TRY(check_new(i, c));
	TRY(tool_own_folder(i->tables.s));
	return on_medium(i) ? place_check(i->tables.s) : DSKE_OK;
}

/* Its bytes come from here, and stay here. */
static dske_rc import_reference(struct import *i, const struct config *config)
{
	AUTO(secret) table_key = {0};
	if (on_medium(i))
		return FAIL(ARGS, "this PSKM carries no table that could stay on its medium: import it without --in-place and --to");
	TRY(config_tables(config, &i->tables));
	TRY(tool_own_folder(i->tables.s));
	TRY(tool_table_key(&table_key, config, &i->common));
	i->has_key = true;
	i->refer.file = i->file;
	i->refer.tables = i->tables.s;
	i->refer.table_key = &table_key;
	return refer_import(&i->refer, &i->header, config);
}

static dske_rc import(struct import *i)
{
	AUTO(config) config = {0};
	AUTO(secret) passphrase = {0};
	AUTO(secret) table_key = {0};
	bool is_reference = false;
	struct path folder;
	TRY(config_read(&config, i->common.conf));
	TRY(reference_recognise(&is_reference, i->file));
	if (is_reference)
		return import_reference(i, &config);
	TRY(container_peek(&i->header, i->file)); /* before anybody is asked for anything */
	TRY(pskm_kind_require(&i->header, PSKM_TABLE));
	TRY(choose_folder(i, &config));
	if (i->done_before)
		return container_destroy(i->file);
	TRY(tool_table_key(&table_key, &config, &i->common));
	i->has_key = true;
	TRY(passphrase_input(&passphrase, i->passphrase_file));
	TRY(container_import(i->file, (const char *)passphrase.data, &config.id, i->tables.s, &table_key, &i->header,
			     output_progress, "verifying"));
	if (!on_medium(i))
		return DSKE_OK;
	TRY(table_folder(&folder, i->tables.s, &i->header.table));
	TRY(accepted_add(&config, &i->header, folder.s));
	return container_destroy(i->file);
}

static void tell_imported(const struct import *i)
{
	char table[ID_HEX_LEN], size[16];
	const struct pskm_header *h = &i->header;
	if (i->common.json)
		output_json(json_pack("{s:s, s:s, s:s, s:I, s:s, s:b}", "table", id_hex(&h->table, table), "hub", h->hub_name,
				      "address", h->hub_address, "size", (json_int_t)h->layout.len, "folder", i->tables.s, "destroyed",
				      on_medium(i)));
	else if (on_medium(i))
		printf("imported %s from %s (%s), to be used in place in %s\n"
		       "%s, which it came in, is destroyed: its key was overwritten, then all of it, and the file removed\n"
		       "next: dske pskm activate %s\n",
		       size_text(h->layout.len, size), h->hub_name, h->hub_address, i->tables.s, i->file, h->hub_name);
	else
		printf("imported %s from %s (%s)\nnext: dske pskm activate %s, then destroy the file it came in\n",
		       size_text(h->layout.len, size), h->hub_name, h->hub_address, h->hub_name);
}

static const char *import_advice(const struct import *i, dske_rc rc, char text[ADVICE_MAX])
{
	char size[16];
	if (rc_is(rc, DSKE_RC_PIN))
		return i->has_key ? WRONG_PASSPHRASE : NULL;
	if (refer_advice(&i->refer, rc) != NULL)
		return refer_advice(&i->refer, rc);
	if (rc_is(rc, DSKE_RC_EXISTS) && i->has_key && on_medium(i))
		return "if a former run was stopped there: dske pskm accept it, then import again to destroy the file";
	if (!rc_is(rc, DSKE_RC_IO) || i->header.layout.len == 0)
		return NULL;
	snprintf(text, ADVICE_MAX, "%s are written to %s", size_text(i->header.layout.len, size), i->tables.s);
	return text;
}

int cmd_pskm_import(const struct command *self, int argc, char **argv)
{
	struct import i = {0};
	struct operands file;
	char advice[ADVICE_MAX];
	const struct option_row rows[] = {
		{"passphrase-file", OPTION_TEXT, &i.passphrase_file, "FILE", "read the passphrase there, or from env:NAME (default: ask for it)"},
		{"in-place", OPTION_FLAG, &i.in_place, NULL, "keep the table on the medium that FILE lies on, and destroy FILE"},
		{"to", OPTION_TEXT, &i.to, "DIR", "or on this medium"},
		{"qkd", OPTION_TEXT, &i.refer.qkd, "LINK", "the QKD link whose keys it names (default: the only one)"},
		PIN_ROW(i.common),
		COMMON_ROWS(i.common),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 1, 1, &file);
	if (leave >= 0)
		return leave;
	if (i.in_place && i.to != NULL)
		return tool_usage(self, "either --in-place or --to");
	i.file = file.at[0];
	dske_rc rc = import(&i);
	if (!rc_ok(rc))
		return tool_fail(&i.common, rc, import_advice(&i, rc, advice));
	tell_imported(&i);
	return EXIT_OK;
}
