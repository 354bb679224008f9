/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/container-walk.h - what making, verifying and importing a container share: a walk over the chunks.
 *
 * Plain bytes go into the table first, since that is where the keys of the tags are then read from; then
 * tag and cipher.  Verifying alone walks without a table: then those keys come out of the container again.
 */
#ifndef DSKE_PSKM_CONTAINER_WALK_H
#define DSKE_PSKM_CONTAINER_WALK_H

#include "pskm/container-impl.h"
#include "pskm/cover.h"
#include "pskm/folder.h"
#include "pskm/source.h"
#include "pskm/unfinished.h"

struct walk {
	struct chunks chunks;
	struct secret plain;   /* CHUNK_PLAIN_MAX */
	struct cover cover;    /* of the table; closed: verifying alone, or */
	struct cover *stock;   /* the table lies in this one, from stock_at on; borrowed, or NULL */
	uint64_t stock_at;
	struct folder folder;
	pskm_progress *progress;
	void *context;
	const char *made;      /* container to be removed by walk_drop, or NULL */
};
#define WALK_EMPTY {.chunks = CHUNKS_EMPTY, .cover = {.bytes = FD_NONE, .salts = FD_NONE}, .folder = {.lock = FD_NONE}}

/* Wipes and closes; removes folder and container unless they were finished. */
void walk_drop(struct walk *w);

/* Behind the head: ready for the chunks.  Errors: NOMEM. */
dske_rc walk_prepare(struct walk *w, const struct secret *content_key);

/* Errors: CANCELLED. */
dske_rc walk_report(const struct walk *w, uint64_t chunks_done);

static inline struct container_head *walk_head(struct walk *w)
{
	return &w->chunks.head;
}

static inline bool walk_has_table(const struct walk *w)
{
	return w->cover.bytes.n >= 0;
}

/* h' of chunk i; w->plain has its bytes, and room for the number behind them. */
dske_rc walk_tag_chunk(struct walk *w, uint64_t i, struct tag *tag);

/* h' of the head. */
dske_rc walk_tag_head(struct walk *w, struct tag *tag);

/* Both sides, at the end: the tags' keys are used, so they go; then the rest becomes a table.
 * Errors: IO, SYNC, EXISTS. */
dske_rc walk_finish(struct walk *w, enum side side);

/* ---- making (container-make.c, container-resume.c) ---------------------------------------------------- */

struct maker {
	struct walk walk;
	const struct making *m;
	struct unfinished unfinished; /* its file is open where the making can be resumed */
};
#define MAKER_EMPTY {.walk = WALK_EMPTY, .unfinished = UNFINISHED_NONE}
void maker_drop(struct maker *k);

/* From the marks on to the end.  What fails when a part is durable is kept, to be resumed. */
dske_rc maker_run(struct maker *k, const char *passphrase);

#endif
