/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/reference-walk.c - the chunks of a reference, made and held against their tags.  As with a container, bytes go
 * into the table first, since that is where the keys of the tags are then read from.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/layout.h"
#include "pskm/reference-impl.h"

#define NUMBER_LEN 8 /* of a chunk, at the end of what its tag covers */

void reference_walk_drop(struct reference_walk *w)
{
	fd_drop(&w->file);
	cover_drop(&w->cover);
	folder_drop(&w->folder);
	secret_drop(&w->message);
	if (w->made != NULL)
		(void)unlink(w->made);
}

/* ---- both sides ----------------------------------------------------------------------------------- */

static size_t ids_of(const struct reference *r, uint64_t chunk)
{
	return (size_t)(reference_first_key(r, chunk + 1) - reference_first_key(r, chunk));
}

static dske_rc message_room(struct reference_walk *w)
{
	const struct reference *r = &w->head.r;
	size_t ids_most = r->kind == REFERENCE_KEYS ? (size_t)TABLE_CHUNK_LEN / r->key_len + 1 : 0;

	if (w->message.data != NULL)
		return DSKE_OK;
	return secret_alloc(&w->message, TABLE_CHUNK_LEN + ids_most * ID_LEN + NUMBER_LEN);
}

static dske_rc prepare(struct reference_walk *w)
{
	const struct reference *r = &w->head.r;

	TRY(folder_begin(&w->folder, w->side->tables_dir, &r->header.table));
	TRY(folder_create_cover(&w->folder, &w->cover, &r->header, w->side->table_key));
	return message_room(w);
}

static dske_rc report(const struct reference_walk *w, uint64_t chunks_done)
{
	uint64_t done = chunks_done * TABLE_CHUNK_LEN, total = w->head.r.header.layout.len;

	if (w->side->progress != NULL && !w->side->progress(w->side->context, done < total ? done : total, total))
		return FAIL(CANCELLED, "cancelled; what was made is removed");
	return DSKE_OK;
}

/* h' with the container region's key j. */
static dske_rc tag_with_key(struct reference_walk *w, uint64_t j, struct tag *tag, const void *message, size_t len)
{
	AUTO(secret) key = {0};
	uint64_t at = w->head.r.header.layout.region[REGION_CONTAINER].start + j * KEY_TAG_KEY_LEN;

	TRY(secret_alloc(&key, KEY_TAG_KEY_LEN));
	TRY(w->read != NULL ? w->read(w->read_context, at, key.data, key.len) : cover_read(&w->cover, at, key.data, key.len));
	key_tag_compute(tag, key.data, message, len);
	return DSKE_OK;
}

/* The chunk's bytes into message and table; returns where its IDs go. */
static dske_rc fill_chunk(struct reference_walk *w, uint64_t chunk, struct id **ids)
{
	size_t len = reference_chunk_len(&w->head.r, chunk);

	TRY(source_fill(&w->bytes, w->message.data, len));
	if (w->read == NULL)
		TRY(cover_write(&w->cover, chunk * TABLE_CHUNK_LEN, w->message.data, len));
	*ids = (struct id *)(w->message.data + len);
	return DSKE_OK;
}

/* message has bytes and IDs. */
static dske_rc tag_chunk(struct reference_walk *w, uint64_t chunk, struct tag *tag)
{
	size_t len = reference_chunk_len(&w->head.r, chunk) + ids_of(&w->head.r, chunk) * ID_LEN;

	be64_put(w->message.data + len, chunk);
	return tag_with_key(w, chunk + 1, tag, w->message.data, len + NUMBER_LEN);
}

/* The tags' keys are used, so they go; then the rest becomes a table. */
static dske_rc finish(struct reference_walk *w, enum side side)
{
	const struct range *keys = &w->head.r.header.layout.region[REGION_CONTAINER];

	TRY(cover_erase(&w->cover, keys->start, keys->end));
	TRY(cover_sync(&w->cover));
	return folder_finish(&w->folder, &w->head.r.header, side);
}

/* ---- making --------------------------------------------------------------------------------------- */

dske_rc reference_make_begin(struct reference_walk *w, const struct reference *r)
{
	TRY(reference_head_write(&w->head, r));
	TRY(prepare(w));
	TRY(file_open(&w->file, w->side->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
	w->made = w->side->path;
	return file_pwrite(w->file.n, w->head.bytes, w->head.len, 0);
}

static dske_rc make_chunk(struct reference_walk *w, uint64_t chunk, reference_next_ids *next_ids, void *context)
{
	size_t number = ids_of(&w->head.r, chunk);
	uint64_t at = reference_place(&w->head, chunk);
	struct id *ids = NULL;
	struct tag tag;

	TRY(fill_chunk(w, chunk, &ids));
	if (number > 0)
		next_ids(context, number, ids);
	TRY(tag_chunk(w, chunk, &tag));
	TRY(file_pwrite(w->file.n, ids, number * ID_LEN, at));
	return file_pwrite(w->file.n, tag.b, TAG_LEN, at + number * ID_LEN);
}

static dske_rc make_end(struct reference_walk *w)
{
	struct tag tag;

	TRY(tag_with_key(w, 0, &tag, w->head.bytes, w->head.len));
	TRY(file_pwrite(w->file.n, tag.b, TAG_LEN, reference_place(&w->head, reference_chunks(&w->head.r))));
	TRY(file_sync(w->file.n));
	return file_sync_dir_of(w->side->path);
}

dske_rc reference_make_all(struct reference_walk *w, reference_next_ids *next_ids, void *context)
{
	uint64_t chunks = reference_chunks(&w->head.r);

	for (uint64_t i = 0; i < chunks; i++) {
		TRY(report(w, i));
		TRY(make_chunk(w, i, next_ids, context));
	}
	TRY(make_end(w));
	TRY(report(w, chunks));
	TRY(finish(w, SIDE_HUB));
	w->made = NULL;
	return DSKE_OK;
}

/* ---- importing ------------------------------------------------------------------------------------ */

static dske_rc check_reader(const struct pskm_header *h, const struct id *self)
{
	char theirs[ID_HEX_LEN], ours[ID_HEX_LEN];

	if (id_equal(&h->client, self))
		return DSKE_OK;
	return FAIL(DENIED, "this PSKM is for client %s (%s), and this client is %s", h->client_name, id_hex(&h->client, theirs),
		    id_hex(self, ours));
}

dske_rc reference_import_begin(struct reference_walk *w, enum reference_kind kind, const struct id *self)
{
	TRY(reference_open(&w->head, &w->file, w->side->path));
	if (w->head.r.kind != kind)
		return FAIL(STATE, "the PSKM is of another kind");
	TRY(check_reader(&w->head.r.header, self));
	return folder_check_free(w->side->tables_dir, &w->head.r.header.table);
}

dske_rc reference_import_prepare(struct reference_walk *w)
{
	return prepare(w);
}

static dske_rc expect_tag(const struct reference_walk *w, uint64_t at, const struct tag *tag, const char *what)
{
	struct tag expected;

	TRY(file_pread(w->file.n, expected.b, TAG_LEN, at));
	if (mem_equal(tag->b, expected.b, TAG_LEN))
		return DSKE_OK;
	return FAIL(CORRUPT, "%s of the PSKM has a wrong tag: the file was changed, or the bytes that this end has are not those of "
			     "the hub", what);
}

static dske_rc import_chunk(struct reference_walk *w, uint64_t chunk)
{
	size_t number = ids_of(&w->head.r, chunk);
	uint64_t at = reference_place(&w->head, chunk);
	struct id *ids = NULL;
	struct tag tag;
	char what[64];

	TRY(fill_chunk(w, chunk, &ids));
	TRY(file_pread(w->file.n, ids, number * ID_LEN, at));
	TRY(tag_chunk(w, chunk, &tag));
	snprintf(what, sizeof what, "chunk %llu of %llu", (unsigned long long)chunk + 1,
		 (unsigned long long)reference_chunks(&w->head.r));
	return expect_tag(w, at + number * ID_LEN, &tag, what);
}

static dske_rc import_end(struct reference_walk *w)
{
	struct tag tag;

	TRY(tag_with_key(w, 0, &tag, w->head.bytes, w->head.len));
	return expect_tag(w, reference_place(&w->head, reference_chunks(&w->head.r)), &tag, "the head");
}

dske_rc reference_import_chunks(struct reference_walk *w)
{
	uint64_t chunks = reference_chunks(&w->head.r);

	for (uint64_t i = 0; i < chunks; i++) {
		TRY(report(w, i));
		TRY(import_chunk(w, i));
	}
	TRY(import_end(w));
	return report(w, chunks);
}

dske_rc reference_import_check(struct reference_walk *w, reference_look *read, void *context)
{
	w->read = read;
	w->read_context = context;
	TRY(message_room(w));
	dske_rc rc = reference_import_chunks(w);
	w->read = NULL;
	return rc;
}

dske_rc reference_import_finish(struct reference_walk *w)
{
	return finish(w, SIDE_CLIENT);
}
