/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/container-make.c - a table from a source of bytes into the maker's folder and a container at once.
 *
 * It goes by steps: some chunks into the table; where the making can be resumed, all so far made durable, and
 * marked; then those chunks, as they are in the table, into the container.  So whoever resumes seals the same
 * bytes again under the same nonces, or none that were sealed before.
 */
#include "config.h"

#include "pskm/container.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "pskm/container-walk.h"
#include "pskm/passphrase.h"

void maker_drop(struct maker *k)
{
	walk_drop(&k->walk);
	unfinished_drop(&k->unfinished);
}

static bool can_resume(const struct maker *k)
{
	return k->unfinished.file.n >= 0;
}

static dske_rc fill_chunk(struct maker *k, uint64_t i)
{
	struct walk *w = &k->walk;
	size_t len = chunks_len(&w->chunks, i);

	TRY(walk_report(w, i));
	TRY(source_fill(&k->m->bytes, w->plain.data, len));
	return cover_write(&w->cover, i * TABLE_CHUNK_LEN, w->plain.data, len);
}

/* A step of one chunk has its bytes still at hand. */
static dske_rc seal_chunk(struct maker *k, uint64_t i)
{
	struct walk *w = &k->walk;
	size_t len = chunks_len(&w->chunks, i);
	struct tag tag;

	if (can_resume(k))
		TRY(cover_read(&w->cover, i * TABLE_CHUNK_LEN, w->plain.data, len));
	TRY(walk_tag_chunk(w, i, &tag));
	memcpy(w->plain.data + len, tag.b, TAG_LEN);
	return chunks_seal(&w->chunks, i, w->plain.data);
}

static dske_rc make_durable(struct maker *k, uint64_t filled, uint64_t sealed)
{
	if (!can_resume(k))
		return DSKE_OK;
	TRY(cover_sync(&k->walk.cover));
	TRY(file_sync(k->walk.chunks.file.n));
	return unfinished_mark(&k->unfinished, filled, sealed);
}

static dske_rc make_step(struct maker *k, uint64_t from, uint64_t to)
{
	if (to > k->unfinished.filled) {
		for (uint64_t i = k->unfinished.filled > from ? k->unfinished.filled : from; i < to; i++)
			TRY(fill_chunk(k, i));
		TRY(make_durable(k, to, from));
	}
	for (uint64_t i = from; i < to; i++)
		TRY(seal_chunk(k, i));
	return DSKE_OK;
}

static dske_rc make_chunks(struct maker *k, uint64_t count)
{
	uint64_t step = !can_resume(k) ? 1 : k->m->step != 0 ? k->m->step : MAKING_STEP;

	for (uint64_t from = k->unfinished.sealed, to; from < count; from = to) {
		to = count - from < step ? count : from + step;
		TRY(make_step(k, from, to));
	}
	return DSKE_OK;
}

static dske_rc make_end(struct maker *k, uint64_t count)
{
	struct walk *w = &k->walk;
	struct tag tag;

	TRY(walk_tag_head(w, &tag));
	TRY(chunks_seal(&w->chunks, CONTAINER_END_CHUNK, tag.b));
	TRY(file_sync(w->chunks.file.n));
	TRY(file_sync_dir_of(k->m->container_path));
	return make_durable(k, count, count + 1);
}

static dske_rc make_all(struct maker *k, const char *passphrase)
{
	struct walk *w = &k->walk;
	uint64_t count = chunks_count(&w->chunks);

	TRY(file_pwrite(w->chunks.file.n, walk_head(w)->bytes, walk_head(w)->len, 0));
	TRY(file_sync_dir_of(k->m->container_path));
	if (k->unfinished.sealed <= count) {
		TRY(make_chunks(k, count));
		TRY(make_end(k, count));
	}
	TRY(walk_report(w, count));
	if (k->m->keep != NULL)
		TRY(k->m->keep(k->m->keep_context, &walk_head(w)->header, passphrase));
	if (can_resume(k))
		TRY(unfinished_destroy(&k->unfinished, w->folder.temporary.s));
	return walk_finish(w, SIDE_HUB);
}

dske_rc maker_run(struct maker *k, const char *passphrase)
{
	dske_rc rc = make_all(k, passphrase);

	if (!rc_ok(rc) && can_resume(k) && k->unfinished.filled > 0)
		folder_keep(&k->walk.folder);
	else if (!rc_ok(rc))
		return rc;
	k->walk.made = NULL;
	return rc;
}

/* The state to resume from, before the container is there. */
static dske_rc begin_unfinished(struct maker *k, const char *passphrase, const struct secret *content_key)
{
	AUTO(unfinished_secrets) secrets = {0};
	struct unfinished *u = &k->unfinished;

	if (k->m->sources == NULL)
		return DSKE_OK;
	u->head = *walk_head(&k->walk);
	if (snprintf(u->sources, sizeof u->sources, "%s", k->m->sources) >= (int)sizeof u->sources ||
	    snprintf(u->output, sizeof u->output, "%s", k->m->container_path) >= (int)sizeof u->output)
		return FAIL(TOOBIG, "the name of the container is too long");
	TRY(secret_alloc(&secrets.bytes, AEAD_KEY_LEN + PASSPHRASE_LEN));
	memcpy(secrets.bytes.data, content_key->data, AEAD_KEY_LEN);
	TRY(passphrase_read(secrets.bytes.data + AEAD_KEY_LEN, passphrase));
	TRY(cover_sync(&k->walk.cover));
	return unfinished_create(u, k->walk.folder.temporary.s, &secrets, k->m->table_key);
}

dske_rc container_make(struct pskm_header *h, const struct making *m, char passphrase[PASSPHRASE_TEXT_MAX])
{
	static const struct kdf_cost cost = KDF_COST_DEFAULT;
	AUTO(maker) k = MAKER_EMPTY;
	AUTO(secret) content_key = {0};
	struct walk *w = &k.walk;

	k.m = m;
	w->progress = m->progress;
	w->context = m->context;
	TRY(h->kind == PSKM_STOCK ? layout_make_stock(&h->layout, h->layout.len) : layout_make(&h->layout, h->layout.len));
	if (m->table != NULL)
		h->table = *m->table;
	else
		TRY(id_random(&h->table));
	TRY(head_make(walk_head(w), h, m->cost != NULL ? m->cost : &cost, &m->fresh, passphrase, &content_key));
	TRY(walk_prepare(w, &content_key));
	TRY(folder_begin(&w->folder, m->tables_dir, &h->table));
	TRY(folder_create_cover(&w->folder, &w->cover, h, m->table_key));
	TRY(begin_unfinished(&k, passphrase, &content_key));
	TRY(file_open(&w->chunks.file, m->container_path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
	w->made = m->container_path;
	return maker_run(&k, passphrase);
}

dske_rc container_make_at_cost(struct pskm_header *h, const char *tables_dir, const char *container_path,
			       char passphrase[PASSPHRASE_TEXT_MAX], const struct kdf_cost *cost,
			       pskm_progress *progress, void *context)
{
	AUTO(entropy) kernel = {0};
	struct making m = {.tables_dir = tables_dir, .container_path = container_path, .cost = cost, .progress = progress,
			   .context = context};

	TRY(entropy_open(&kernel, ENTROPY_KERNEL, ENTROPY_STALL_MS));
	m.bytes = m.fresh = entropy_bytes(&kernel);
	return container_make(h, &m, passphrase);
}
