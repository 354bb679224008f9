/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/stock-cut.c - the distributor makes a client's PSKM out of the next bytes of its stock. */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pskm/container-walk.h"
#include "pskm/stock-impl.h"

struct cut {
	struct stock *stock;
	struct portion portion;
	struct walk walk; /* without a table of its own: the portion is it */
};
#define CUT_EMPTY {.walk = WALK_EMPTY}

static void cut_drop(struct cut *c)
{
	walk_drop(&c->walk);
}

/* ---- before anything is used ------------------------------------------------------------------------ */

static dske_rc plan(struct cut *c, const struct stock_order *order)
{
	const struct table *t = c->stock->table;
	const struct range *body = &t->header.layout.region[REGION_UP];
	struct portion *p = &c->portion;

	*p = (struct portion){.start = t->now.up_high, .client = order->client, .cut = (uint64_t)time(NULL)};
	(void)snprintf(p->client_name, sizeof p->client_name, "%s", order->client_name);
	TRY(layout_make(&p->layout, order->size));
	TRY(id_random(&p->table));
	if (p->layout.len > body->end - p->start)
		return FAIL(EXHAUSTED, "the stock has %llu bytes left and %llu are wanted: get a new one from the hub",
			    (unsigned long long)(body->end - p->start), (unsigned long long)p->layout.len);
	if (!name_check(p->client_name) || id_is_zero(&p->client))
		return FAIL(ARGS, "a client has a name and an ID that is not zero");
	return portion_check(p, &t->header);
}

/* The container's head, and its file: whatever can fail does so before bytes are wasted on it. */
static dske_rc prepare(struct cut *c, const struct stock_order *order, const char *path,
		       char passphrase[PASSPHRASE_TEXT_MAX], const struct pskm_source *fresh)
{
	AUTO(secret) content_key = {0};
	struct pskm_header header;

	portion_header(&header, &c->portion, &c->stock->table->header);
	TRY(head_make(walk_head(&c->walk), &header, &order->cost, fresh, passphrase, &content_key));
	TRY(walk_prepare(&c->walk, &content_key));
	TRY(file_open(&c->walk.chunks.file, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
	c->walk.made = path;
	c->walk.stock = &c->stock->table->cover;
	c->walk.stock_at = c->portion.start;
	return DSKE_OK;
}

/* ---- the container ---------------------------------------------------------------------------------- */

static dske_rc write_chunk(struct walk *w, uint64_t i)
{
	size_t len = chunks_len(&w->chunks, i);
	struct tag tag;

	TRY(cover_read(w->stock, w->stock_at + i * TABLE_CHUNK_LEN, w->plain.data, len));
	TRY(walk_tag_chunk(w, i, &tag));
	memcpy(w->plain.data + len, tag.b, TAG_LEN);
	return chunks_seal(&w->chunks, i, w->plain.data);
}

static dske_rc write_container(struct walk *w)
{
	struct tag tag;

	TRY(file_pwrite(w->chunks.file.n, walk_head(w)->bytes, walk_head(w)->len, 0));
	for (uint64_t i = 0; i < chunks_count(&w->chunks); i++) {
		TRY(walk_report(w, i));
		TRY(write_chunk(w, i));
	}
	TRY(walk_tag_head(w, &tag));
	TRY(chunks_seal(&w->chunks, CONTAINER_END_CHUNK, tag.b));
	TRY(file_sync(w->chunks.file.n));
	TRY(file_sync_dir_of(w->made));
	return walk_report(w, chunks_count(&w->chunks));
}

/* ---- the record of it -------------------------------------------------------------------------------- */

/* From here on the portion is used, whatever happens. */
static dske_rc begin(struct cut *c, struct hold *h)
{
	struct ledger next = c->stock->table->now;

	next.up_high = portion_end(&c->portion);
	next.stock.cutting = true;
	next.stock.portion = c->portion;
	return hold_commit(h, &next);
}

static dske_rc end(struct cut *c, struct hold *h)
{
	struct ledger next = c->stock->table->now;

	TRY(stock_log_append(c->stock, &c->portion, 1, 0));
	next.stock.cutting = false;
	next.stock.logged++;
	return hold_commit(h, &next);
}

dske_rc stock_cut(struct stock *s, const struct stock_order *order, const char *path,
		  char passphrase[PASSPHRASE_TEXT_MAX], const struct pskm_source *fresh, pskm_progress *progress, void *context,
		  struct portion *made)
{
	AUTO(hold) hold = {0};
	AUTO(cut) c = CUT_EMPTY;

	c.stock = s;
	c.walk.progress = progress;
	c.walk.context = context;
	TRY(table_require_side(s->table, SIDE_CLIENT));
	TRY(stock_hold(s, &hold));
	TRY(plan(&c, order));
	TRY(prepare(&c, order, path, passphrase, fresh));
	TRY(begin(&c, &hold));
	dske_rc rc = write_container(&c.walk);
	if (rc_is(rc, DSKE_RC_CORRUPT))
		(void)hold_lock(&hold);
	TRY(rc); /* the next opening enters it as wasted */
	TRY(end(&c, &hold));
	rc = hold_sweep(&hold);
	if (rc_is(rc, DSKE_RC_SYNC))
		return rc; /* locked now, so it is never reported, and the PSKM would be of no use */
	c.walk.made = NULL; /* the log has it as delivered; what was not erased is swept by the next opening */
	*made = c.portion;
	return DSKE_OK;
}
