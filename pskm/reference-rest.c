/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/reference-rest.c - a table out of the rest of another, at either end. */
#include "config.h"

#include "core/layout.h"
#include "pskm/list.h"
#include "pskm/reference-impl.h"
#include "pskm/rest.h"

/* A source and what is taken of it. */
struct source {
	struct table *table;
	struct rest_taking taking;
};

static void source_drop(struct source *s)
{
	rest_drop(&s->taking);
	table_close(s->table);
}

/* New table and source have the same two ends. */
static dske_rc check_ends(const struct pskm_header *h, const struct pskm_header *source)
{
	if (id_equal(&h->client, &source->client) && id_equal(&h->hub, &source->hub))
		return DSKE_OK;
	return FAIL(DENIED, "the source is a table of %s and %s; a new one of it can only be theirs", source->hub_name,
		    source->client_name);
}

/* The bytes are in the new table, durably; a source that keeps them until it is opened next does no harm. */
static void forget_bytes(struct source *s)
{
	(void)rest_erase(&s->taking);
}

dske_rc reference_make_rest(struct pskm_header *h, const struct reference_side *side, const char *source_dir, bool *taken)
{
	AUTO(source) s = {.table = NULL};
	AUTO(reference_walk) w = REFERENCE_WALK_EMPTY;
	struct reference r = {.kind = REFERENCE_REST};
	struct rest rest;

	*taken = false;
	TRY(table_open(&s.table, source_dir, SIDE_HUB, side->table_key));
	TRY(check_ends(h, table_header(s.table)));
	TRY(rest_plan(s.table, &rest));
	TRY(layout_make(&h->layout, rest_len(&rest)));
	TRY(id_random(&h->table));
	r.header = *h;
	r.source = table_header(s.table)->table;
	r.up = rest.up;
	r.down = rest.down;
	w.side = side;
	w.bytes = (struct pskm_source){rest_fill, &s.taking};
	TRY(reference_make_begin(&w, &r));
	*taken = true; /* as far as anybody can tell when it fails */
	TRY(rest_take(&s.taking, s.table, &rest));
	TRY(reference_make_all(&w, NULL, NULL));
	forget_bytes(&s);
	return DSKE_OK;
}

dske_rc reference_import_rest(struct pskm_header *h, const struct reference_side *side, const struct id *self, bool *taken)
{
	AUTO(source) s = {.table = NULL};
	AUTO(reference_walk) w = REFERENCE_WALK_EMPTY;
	const struct reference *r = &w.head.r;
	struct path folder;

	*taken = false;
	w.side = side;
	TRY(reference_import_begin(&w, REFERENCE_REST, self));
	TRY(table_folder(&folder, side->tables_dir, &r->source));
	TRY(table_open(&s.table, folder.s, SIDE_CLIENT, side->table_key));
	TRY(check_ends(&r->header, table_header(s.table)));
	w.bytes = (struct pskm_source){rest_fill, &s.taking};
	TRY(rest_look(&s.taking, s.table, &(struct rest){r->up, r->down}));
	TRY(reference_import_check(&w, rest_read, &s.taking)); /* the file is believed when its tags are those of the bytes */
	TRY(reference_import_prepare(&w)); /* what fails for want of room fails before anything is taken */
	dske_rc rc = rest_commit(&s.taking);
	*taken = rc_ok(rc) || rc_is(rc, DSKE_RC_SYNC);
	TRY(rc);
	TRY(reference_import_chunks(&w));
	TRY(reference_import_finish(&w));
	forget_bytes(&s);
	*h = r->header;
	return DSKE_OK;
}
