/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tools/reference.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "hub/command.h"
#include "pskm/list.h"
#include "tools/output.h"
#include "tools/qkd.h"

#define LENT_TRIES 100 /* of a tenth of a second */

static struct reference_side side_of(const struct refer *r)
{
	return (struct reference_side){
		.tables_dir = r->tables,
		.path = r->file,
		.table_key = r->table_key,
		.progress = output_progress,
		.context = r->kind == REFERENCE_KEYS ? "fetching keys" : "moving",
	};
}

/* ---- create -------------------------------------------------------------------------------------------------- */

static dske_rc create_from_link(struct refer *r, struct pskm_header *h, const struct hub_conf *hub)
{
	AUTO(qkd_link) link = {0};
	const struct reference_side side = side_of(r);
	TRY(qkd_link_open(&link, &hub->qkd, r->qkd));
	return reference_make_keys(h, &side, &link.link);
}

/* A hub that runs leaves the table to us, within some seconds. */
static dske_rc have_it_lent(const struct hub_conf *hub, const struct id *table, bool *lent)
{
	char hex[ID_HEX_LEN];
	json_t *request = json_pack("{s:s, s:s}", "command", "release", "table", id_hex(table, hex)), *answer = NULL;
	dske_rc rc = request != NULL ? hub_command(hub, request, &answer) : rc_make(DSKE_RC_NOMEM);
	*lent = json_is_true(json_object_get(answer, "lent"));
	json_decref(request);
	json_decref(answer);
	return rc;
}

static dske_rc create_from_table(struct refer *r, struct pskm_header *h, const struct hub_conf *hub)
{
	const struct reference_side side = side_of(r);
	const struct timespec pause = {.tv_nsec = 100000000};
	struct path source;
	bool lent = false;
	TRY(table_folder(&source, r->tables, &r->from_table));
	TRY(have_it_lent(hub, &r->from_table, &lent));
	dske_rc rc = reference_make_rest(h, &side, source.s, &r->gone);
	for (int tries = LENT_TRIES; lent && rc_is(rc, DSKE_RC_BUSY) && tries > 0; tries--) {
		(void)nanosleep(&pause, NULL);
		rc = reference_make_rest(h, &side, source.s, &r->gone);
	}
	return rc;
}

dske_rc refer_create(struct refer *r, struct pskm_header *h, const struct hub_conf *hub)
{
	r->kind = r->qkd != NULL ? REFERENCE_KEYS : REFERENCE_REST;
	return r->kind == REFERENCE_KEYS ? create_from_link(r, h, hub) : create_from_table(r, h, hub);
}

/* ---- import -------------------------------------------------------------------------------------------------- */

static dske_rc import_from_link(struct refer *r, struct pskm_header *h, const struct config *config)
{
	AUTO(qkd_link) link = {0};
	const struct reference_side side = side_of(r);
	TRY(qkd_link_open(&link, &config->qkd, r->qkd));
	return reference_import_keys(h, &side, &config->id, &link.link, &r->gone);
}

dske_rc refer_import(struct refer *r, struct pskm_header *h, const struct config *config)
{
	struct reference what;
	TRY(reference_read(&what, r->file));
	r->kind = what.kind;
	if (r->kind == REFERENCE_KEYS)
		return import_from_link(r, h, config);
	const struct reference_side side = side_of(r);
	return reference_import_rest(h, &side, &config->id, &r->gone);
}

/* ---- telling ------------------------------------------------------------------------------------------------- */

static void tell_json(const struct reference *what)
{
	char table[ID_HEX_LEN], source[ID_HEX_LEN];
	const struct pskm_header *h = &what->header;
	bool keys = what->kind == REFERENCE_KEYS;
	json_t *o = json_pack("{s:b, s:s, s:s, s:s, s:s, s:I}", "whole", false, "kind", keys ? "qkd" : "rest", "table",
			      id_hex(&h->table, table), "hub", h->hub_name, "client", h->client_name, "size",
			      (json_int_t)h->layout.len);
	if (keys) {
		json_object_set_new(o, "keys", json_integer((json_int_t)what->keys));
		json_object_set_new(o, "key_size", json_integer((json_int_t)what->key_len * 8));
	} else {
		json_object_set_new(o, "source", json_string(id_hex(&what->source, source)));
	}
	output_json(o);
}

void refer_tell(const struct reference *what, const char *file, bool json)
{
	char table[ID_HEX_LEN], source[ID_HEX_LEN], size[16];
	const struct pskm_header *h = &what->header;
	if (json) {
		tell_json(what);
		return;
	}
	if (what->kind == REFERENCE_KEYS)
		printf("%s names %llu keys of %u bits of a QKD link", file, (unsigned long long)what->keys, 8 * what->key_len);
	else
		printf("%s names the rest of table %s", file, id_hex(&what->source, source));
	printf(": PSKM %s, %s for %s from %s\n", id_hex(&h->table, table), size_text(h->layout.len, size), h->client_name,
	       h->hub_name);
	printf("its length is right and its head undamaged; whether it is the hub's shows when the client imports it, by tags\n"
	       "whose keys are among the bytes that it names\n");
}

#define KEYS_GONE                                                                                    \
	"a KME hands out each key once: those that were fetched are gone, so nobody can import this PSKM any more; "        \
	"have the hub's operator make a new one"
#define REST_GONE                                                                                    \
	"what was left of the other table was taken before this failed, and is not used by anybody any more; " \
	"have the hub's operator make a new PSKM"

const char *refer_advice(const struct refer *r, dske_rc rc)
{
	if (r->gone)
		return r->kind == REFERENCE_KEYS ? KEYS_GONE : REST_GONE;
	if (rc_is(rc, DSKE_RC_BUSY) && r->kind == REFERENCE_REST)
		return "the hub has not closed that table: try again, or stop it for as long as this takes";
	return NULL;
}
