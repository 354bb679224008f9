/* SPDX-License-Identifier: Apache-2.0 */
/* dske pskm create, verify, import: the PSKM as it travels (DSKE 2.1). */
#include <config.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "client/media.h"
#include "hub/conf.h"
#include "pskm/container.h"
#include "tools/commands.h"
#include "tools/output.h"
#include "tools/passphrase.h"
#include "tools/reference.h"

#define ADVICE_MAX 16384 /* three paths and a few words */

static dske_rc tables_prepare(const struct path *tables)
{
	TRY(file_make_dirs(tables->s, 0700));
	return file_check_owner(tables->s);
}

/* ---- create ------------------------------------------------------------------------------------------------ */

struct create {
	struct common common; /* only json */
	const char *hub_conf, *client, *address, *output, *resume, *discard, *passphrase_file, *sources;
	struct id client_id;
	uint64_t size;
	struct pskm_header header;
	char passphrase[PASSPHRASE_TEXT_MAX];
	struct path tables, file; /* file: where the container is, absolute */
	struct entropy entropy;
	struct refer refer; /* --qkd, --from-table */
};

/* The name may be used from another folder when the making is resumed. */
static dske_rc settle_file(struct create *c, const char *name)
{
	struct path folder;
	char absolute[PATH_MAX];
	const char *slash = strrchr(name, '/');
	TRY(path_folder(&folder, name));
	if (realpath(folder.s, absolute) == NULL)
		return FAIL(NOT_FOUND, "cannot write %s: the folder %s: %m", name, folder.s);
	return path_format(&c->file, "%s/%s", strcmp(absolute, "/") == 0 ? "" : absolute, slash != NULL ? slash + 1 : name);
}

static dske_rc fill_header(struct create *c, const struct hub_conf *hub)
{
	struct pskm_header *h = &c->header;
	const char *address = c->address != NULL ? c->address : hub->listen;
	if (!name_check(c->client))
		return FAIL(ARGS, "%s is not a name of a client", c->client);
	if (strlen(address) > PSKM_ADDRESS_MAX)
		return FAIL(ARGS, "the hub's address is longer than %d bytes", PSKM_ADDRESS_MAX);
	h->hub = hub->id;
	h->client = c->client_id;
	snprintf(h->hub_name, sizeof h->hub_name, "%s", hub->name);
	snprintf(h->client_name, sizeof h->client_name, "%s", c->client);
	snprintf(h->hub_address, sizeof h->hub_address, "%s", address);
	h->created = (uint64_t)time(NULL);
	h->layout.len = c->size;
	return DSKE_OK;
}

/* Whom the hub's configuration names so. */
static dske_rc find_distributor(struct create *c, const struct hub_conf *hub)
{
	const struct hub_distributor *d = hub_conf_distributor(hub, c->client);
	if (d == NULL)
		return FAIL(NOT_FOUND, "%s names no distributor %s: add a section [distributor %s] with its id and clients",
			    c->hub_conf, c->client, c->client);
	c->client_id = d->id;
	return hub_conf_stocks(hub, &c->tables);
}

/* ---- what was interrupted ---- */

struct recorded {
	const char *output;
	char sources[sizeof((struct unfinished_pskm *)0)->sources];
	bool found;
};

/* The sources that the making was begun with. */
static void find_sources(void *context, const struct unfinished_pskm *u)
{
	struct recorded *r = context;
	if (strcmp(u->output, r->output) != 0)
		return;
	r->found = true;
	memcpy(r->sources, u->sources, sizeof r->sources);
}

static void tell_unfinished(void *context, const struct unfinished_pskm *u)
{
	char done[16], size[16];
	(void)context;
	fprintf(stderr, "dske: an unfinished PSKM for %s, %s of %s: go on with dske pskm create --resume %s, or throw it away with "
			"--discard\n", u->header.client_name, size_text(u->done, done), size_text(u->header.layout.len, size),
		u->output);
}

/* Asked after a failure, whose sentence stays the last one. */
static bool is_kept(const struct create *c, dske_rc failure)
{
	struct recorded r = {.output = c->file.s};
	char why[RC_SENTENCE_MAX];
	snprintf(why, sizeof why, "%s", rc_detail(failure));
	bool kept = c->tables.s[0] != '\0' && rc_ok(container_unfinished(c->tables.s, find_sources, &r)) && r.found;
	rc_fail(failure.code, "%s", why);
	return kept;
}

static dske_rc create(struct create *c)
{
	AUTO(hub_conf) hub = {0};
	AUTO(secret) table_key = {0};
	TRY(hub_conf_read(&hub, c->hub_conf));
	bool stock = c->header.kind == PSKM_STOCK;
	if (stock)
		TRY(find_distributor(c, &hub));
	else
		TRY(hub_conf_tables(&hub, &c->tables));
	TRY(settle_file(c, c->discard != NULL ? c->discard : c->resume != NULL ? c->resume : c->output));
	if (c->discard != NULL)
		return container_discard(c->tables.s, c->file.s);
	TRY(hub_conf_table_key(&hub, &table_key));
	TRY(tables_prepare(&c->tables));
	if (c->resume == NULL)
		TRY(fill_header(c, &hub));
	if (refer_wanted(&c->refer)) {
		c->refer.file = c->output;
		c->refer.tables = c->tables.s;
		c->refer.table_key = &table_key;
		return refer_create(&c->refer, &c->header, &hub);
	}
	TRY(passphrase_check_free(c->passphrase_file));
	container_sweep(c->tables.s);
	struct recorded recorded = {.output = c->file.s};
	TRY(container_unfinished(c->tables.s, c->resume != NULL ? find_sources : tell_unfinished, &recorded));
	const char *sources = c->sources != NULL		? c->sources
			      : recorded.sources[0] != '\0' ? recorded.sources
							     : hub.entropy;
	TRY(entropy_open(&c->entropy, sources, ENTROPY_STALL_MS));
	struct making making = {
		.tables_dir = c->tables.s,
		.container_path = c->file.s,
		.table_key = &table_key,
		.sources = stock ? NULL : sources,
		.bytes = entropy_bytes(&c->entropy),
		.fresh = entropy_bytes(&c->entropy),
		.progress = output_progress,
		.context = "making",
	};
	if (c->resume != NULL)
		TRY(container_resume(&c->header, &making, c->passphrase));
	else
		TRY(container_make(&c->header, &making, c->passphrase));
	return passphrase_keep(c->passphrase_file, c->passphrase);
}

static void tell_created(const struct create *c)
{
	char table[ID_HEX_LEN], size[16];
	const struct pskm_header *h = &c->header;
	if (c->common.json) {
		json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I}", "table", id_hex(&h->table, table), "hub", h->hub_name, "client",
				      h->client_name, "file", c->output != NULL ? c->output : c->resume, "size", (json_int_t)h->layout.len);
		if (c->passphrase_file == NULL && !refer_wanted(&c->refer))
			json_object_set_new(o, "passphrase", json_string(c->passphrase));
		output_json(o);
		return;
	}
	printf("%s %s: %s for %s from %s, in %s\n", h->kind == PSKM_STOCK ? "stock" : "PSKM", id_hex(&h->table, table),
	       size_text(h->layout.len, size), h->client_name, h->hub_name,
	       c->output != NULL ? c->output : c->resume);
	if (refer_wanted(&c->refer))
		printf("no passphrase: the file says where the bytes are, and holds none\n");
	else
		passphrase_tell(c->passphrase_file, c->passphrase);
}

/* Options that belong together, or do not.  -1, or an exit code. */
static int create_misused(const struct command *self, const struct create *c)
{
	bool rest = !id_is_zero(&c->refer.from_table);
	if (c->resume != NULL || c->discard != NULL) {
		if (c->client != NULL || !id_is_zero(&c->client_id) || c->size != 0 || c->output != NULL || c->address != NULL ||
		    refer_wanted(&c->refer) || (c->resume != NULL && c->discard != NULL))
			return tool_usage(self, "--resume and --discard name what was begun: nothing that describes a PSKM goes with them");
		return -1;
	}
	if (rest && (c->refer.qkd != NULL || c->size != 0))
		return tool_usage(self, "--from-table takes all there is: it goes without --size and --qkd");
	if (refer_wanted(&c->refer) && (c->passphrase_file != NULL || c->sources != NULL))
		return tool_usage(self, "--qkd and --from-table go without --passphrase-file and --entropy: there is nothing to keep "
					"secret in the file, and both ends need the bytes as they are");
	if (c->client == NULL || id_is_zero(&c->client_id) || (c->size == 0 && !rest) || c->output == NULL)
		return tool_usage(self, "--client, --client-id, --size and --output are needed");
	return -1;
}

/* Makes it and tells. */
static int create_and_tell(struct create *c)
{
	char advice[ADVICE_MAX], size[16];
	dske_rc rc = create(c);
	if (rc_ok(rc) && c->discard == NULL)
		tell_created(c);
	mem_wipe(c->passphrase, sizeof c->passphrase);
	bool disk = rc_is(rc, DSKE_RC_IO) && !entropy_failed(&c->entropy);
	entropy_drop(&c->entropy);
	if (rc_ok(rc))
		return EXIT_OK;
	if (refer_wanted(&c->refer))
		return tool_fail(&c->common, rc, refer_advice(&c->refer, rc));
	bool kept = is_kept(c, rc);
	if (kept)
		snprintf(advice, ADVICE_MAX, "what is made is kept: go on with dske pskm create --resume %s, or throw it away with "
			 "--discard", c->file.s);
	else if (disk && c->output != NULL)
		snprintf(advice, ADVICE_MAX, "%s are written to %s, and as many to %s", size_text(c->size, size), c->output,
			 c->tables.s);
	return tool_fail(&c->common, rc, kept || (disk && c->output != NULL) ? advice : NULL);
}

#define CREATE_ROWS(c)                                                                               \
	{"hub-conf", OPTION_TEXT, &(c).hub_conf, "FILE", "the hub's configuration (default: the system's)"}, \
	{"size", OPTION_SIZE, &(c).size, "SIZE", "bytes of the table: 64K, 16M, 1G (required)"},             \
	{"output", OPTION_TEXT, &(c).output, "FILE", "the file to write (required)"},                        \
	{"passphrase-file", OPTION_TEXT, &(c).passphrase_file, "FILE",                                       \
	 "write its passphrase there, 0600, instead of showing it"},                                         \
	{"entropy", OPTION_TEXT, &(c).sources, "SOURCES",                                                    \
	 "kernel, /dev/hwrng, kernel+/dev/hwrng (default: as the hub is configured)"},                       \
	{"address", OPTION_TEXT, &(c).address, "HOST:PORT",                                                  \
	 "where clients find the hub (default: where it listens)"},                                          \
	{"json", OPTION_FLAG, &(c).common.json, NULL, "write JSON, for programs"}

int cmd_pskm_create(const struct command *self, int argc, char **argv)
{
	struct create c = {.hub_conf = hub_conf_default_file()};
	struct operands none;
	const struct option_row rows[] = {
		{"client", OPTION_TEXT, &c.client, "NAME", "the client's name (required)"},
		{"client-id", OPTION_ID, &c.client_id, "HEX", "its ID, as dske init told it (required)"},
		{"resume", OPTION_TEXT, &c.resume, "FILE", "instead: go on with one whose making was interrupted"},
		{"discard", OPTION_TEXT, &c.discard, "FILE", "instead: throw away what was made of one"},
		{"qkd", OPTION_TEXT, &c.refer.qkd, "LINK", "make it of the keys of that QKD link ([qkd LINK])"},
		{"from-table", OPTION_ID, &c.refer.from_table, "TABLE", "or of all that nobody used of that table, which ends with it"},
		CREATE_ROWS(c),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	int misused = create_misused(self, &c);
	return misused >= 0 ? misused : create_and_tell(&c);
}

int cmd_stock_create(const struct command *self, int argc, char **argv)
{
	struct create c = {.hub_conf = hub_conf_default_file(), .header.kind = PSKM_STOCK};
	struct operands none;
	const struct option_row rows[] = {
		{"distributor", OPTION_TEXT, &c.client, "NAME", "whom the hub's configuration names so (required)"},
		CREATE_ROWS(c),
		{0},
	};
	int leave = options_read(self, rows, argc, argv, 0, 0, &none);
	if (leave >= 0)
		return leave;
	if (c.client == NULL || c.size == 0 || c.output == NULL)
		return tool_usage(self, "--distributor, --size and --output are needed");
	return create_and_tell(&c);
}

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
	struct path store, medium, here;
	(void)id_hex(&i->header.table, hex);
	TRY(path_format(&store, "%s/tables/%s", c->state.s, hex));
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
		TRY(path_format(&i->tables, "%s/tables", c->state.s));
	TRY(check_new(i, c));
	TRY(tables_prepare(&i->tables));
	return on_medium(i) ? place_check(i->tables.s) : DSKE_OK;
}

/* Its bytes come from here, and stay here. */
static dske_rc import_reference(struct import *i, const struct config *config)
{
	AUTO(secret) table_key = {0};
	if (on_medium(i))
		return FAIL(ARGS, "this PSKM carries no table that could stay on its medium: import it without --in-place and --to");
	TRY(path_format(&i->tables, "%s/tables", config->state.s));
	TRY(tables_prepare(&i->tables));
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
