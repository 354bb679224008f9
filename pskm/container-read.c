/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/container-read.c - verifying a container, and importing it. */
#include "config.h"

#include "pskm/container.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "pskm/container-walk.h"

/* A cut, or something behind the end, is noticed before anything costs time. */
static dske_rc check_size(const struct walk *w, const char *path)
{
	uint64_t wanted = chunks_file_len(&w->chunks);
	struct stat st;

	if (fstat(w->chunks.file.n, &st) != 0)
		return FAIL(IO, "cannot examine %s: %m", path);
	if ((uint64_t)st.st_size == wanted)
		return DSKE_OK;
	return FAIL(CORRUPT, "%s has %lld bytes, the PSKM in it %llu: it %s", path, (long long)st.st_size, (unsigned long long)wanted,
		    (uint64_t)st.st_size < wanted
			    ? "is cut off; copy it again, or, where its making was interrupted, finish that: dske pskm create --resume"
			    : "has something behind its end; copy it again");
}

static dske_rc check_reader(const struct pskm_header *h, const struct id *self)
{
	char theirs[ID_HEX_LEN], ours[ID_HEX_LEN];

	if (id_equal(&h->client, self))
		return DSKE_OK;
	return FAIL(DENIED, "this PSKM is for client %s (%s), and this client is %s", h->client_name,
		    id_hex(&h->client, theirs), id_hex(self, ours));
}

/* Opens chunk i, keeps it in the table where there is one, and checks its tag. */
static dske_rc read_chunk(struct walk *w, uint64_t i)
{
	size_t len = chunks_len(&w->chunks, i);
	struct tag expected, tag;

	TRY(chunks_open(&w->chunks, i, w->plain.data));
	memcpy(expected.b, w->plain.data + len, TAG_LEN);
	if (walk_has_table(w))
		TRY(cover_write(&w->cover, i * TABLE_CHUNK_LEN, w->plain.data, len));
	TRY(walk_tag_chunk(w, i, &tag));
	if (!mem_equal(tag.b, expected.b, TAG_LEN))
		return chunks_fault(&w->chunks, i, "opens, but its tag is wrong: somebody who has the passphrase changed it; "
						   "get a new one");
	return DSKE_OK;
}

static dske_rc read_end(struct walk *w)
{
	uint8_t expected[TAG_LEN];
	struct tag tag;

	TRY(chunks_open(&w->chunks, CONTAINER_END_CHUNK, expected));
	TRY(walk_tag_head(w, &tag));
	if (!mem_equal(tag.b, expected, TAG_LEN))
		return chunks_fault(&w->chunks, CONTAINER_END_CHUNK, "has a wrong tag for the head: somebody who has the "
								     "passphrase changed one of them; get a new one");
	return DSKE_OK;
}

static dske_rc read_all(struct walk *w)
{
	for (uint64_t i = 0; i < chunks_count(&w->chunks); i++) {
		TRY(walk_report(w, i));
		TRY(read_chunk(w, i));
	}
	TRY(read_end(w));
	return walk_report(w, chunks_count(&w->chunks));
}

/* What can be said without the passphrase. */
static dske_rc read_front(struct walk *w, const char *container_path)
{
	TRY(file_open_ordinary(&w->chunks.file, container_path, O_RDONLY, 0));
	TRY(head_read(walk_head(w), w->chunks.file.n));
	return check_size(w, container_path);
}

dske_rc container_peek(struct pskm_header *h, const char *container_path)
{
	AUTO(walk) w = WALK_EMPTY;

	TRY(read_front(&w, container_path));
	*h = walk_head(&w)->header;
	return DSKE_OK;
}

dske_rc container_verify(const char *container_path, const char *passphrase, struct pskm_header *h,
			 pskm_progress *progress, void *context)
{
	AUTO(walk) w = WALK_EMPTY;
	AUTO(secret) content_key = {0};

	w.progress = progress;
	w.context = context;
	TRY(read_front(&w, container_path));
	TRY(head_unwrap(walk_head(&w), passphrase, &content_key));
	TRY(walk_prepare(&w, &content_key));
	TRY(read_all(&w));
	*h = walk_head(&w)->header;
	return DSKE_OK;
}

dske_rc container_import(const char *container_path, const char *passphrase, const struct id *self,
			 const char *tables_dir, const struct secret *table_key, struct pskm_header *h,
			 pskm_progress *progress, void *context)
{
	AUTO(walk) w = WALK_EMPTY;
	AUTO(secret) content_key = {0};

	w.progress = progress;
	w.context = context;
	TRY(read_front(&w, container_path));
	TRY(check_reader(&walk_head(&w)->header, self));
	TRY(folder_begin(&w.folder, tables_dir, &walk_head(&w)->header.table));
	TRY(head_unwrap(walk_head(&w), passphrase, &content_key));
	TRY(walk_prepare(&w, &content_key));
	TRY(folder_create_cover(&w.folder, &w.cover, &walk_head(&w)->header, table_key));
	TRY(read_all(&w));
	TRY(walk_finish(&w, SIDE_CLIENT));
	*h = walk_head(&w)->header;
	return DSKE_OK;
}
