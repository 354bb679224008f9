/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/container-make.c - a table from a source of bytes into the maker's folder and a container at once. */
#include "config.h"

#include "pskm/container.h"

#include <fcntl.h>
#include <string.h>

#include "pskm/container-walk.h"
#include "pskm/entropy.h"

static dske_rc make_chunk(struct walk *w, const struct pskm_source *bytes, uint64_t i)
{
	size_t len = chunks_len(&w->chunks, i);
	struct tag tag;

	TRY(source_fill(bytes, w->plain.data, len));
	TRY(cover_write(&w->cover, i * TABLE_CHUNK_LEN, w->plain.data, len));
	TRY(walk_tag_chunk(w, i, &tag));
	memcpy(w->plain.data + len, tag.b, TAG_LEN);
	return chunks_seal(&w->chunks, i, w->plain.data);
}

static dske_rc make_end(struct walk *w)
{
	struct tag tag;

	TRY(walk_tag_head(w, &tag));
	return chunks_seal(&w->chunks, CONTAINER_END_CHUNK, tag.b);
}

static dske_rc make_all(struct walk *w, const struct making *m)
{
	TRY(file_pwrite(w->chunks.file.n, walk_head(w)->bytes, walk_head(w)->len, 0));
	for (uint64_t i = 0; i < chunks_count(&w->chunks); i++) {
		TRY(walk_report(w, i));
		TRY(make_chunk(w, &m->bytes, i));
	}
	TRY(make_end(w));
	TRY(file_sync(w->chunks.file.n));
	TRY(file_sync_dir_of(m->container_path));
	TRY(walk_report(w, chunks_count(&w->chunks)));
	return walk_finish(w, SIDE_HUB);
}

dske_rc container_make(struct pskm_header *h, const struct making *m, char passphrase[PASSPHRASE_TEXT_MAX])
{
	static const struct kdf_cost cost = KDF_COST_DEFAULT;
	AUTO(walk) w = WALK_EMPTY;
	AUTO(secret) content_key = {0};

	w.progress = m->progress;
	w.context = m->context;
	TRY(h->kind == PSKM_STOCK ? layout_make_stock(&h->layout, h->layout.len) : layout_make(&h->layout, h->layout.len));
	if (m->table != NULL)
		h->table = *m->table;
	else
		TRY(id_random(&h->table));
	TRY(head_make(walk_head(&w), h, m->cost != NULL ? m->cost : &cost, &m->fresh, passphrase, &content_key));
	TRY(walk_prepare(&w, &content_key));
	TRY(folder_begin(&w.folder, m->tables_dir, &h->table));
	TRY(folder_create_cover(&w.folder, &w.cover, h, m->table_key));
	TRY(file_open(&w.chunks.file, m->container_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
	w.made = m->container_path;
	TRY(make_all(&w, m));
	w.made = NULL;
	return DSKE_OK;
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
