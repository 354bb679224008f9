/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/container.c - the table in chunks, from the hub's folder into a file and from there into the
 * client's.  Both directions walk the chunks alike: plain bytes into `table` first, since that is where
 * the keys of the tags are then read from; then tag and cipher.  Verifying alone is the client's walk
 * without a table: then those keys come out of the container again.
 */
#include "config.h"

#include "pskm/container.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "core/tag.h"
#include "pskm/container-impl.h"
#include "pskm/folder.h"

#define NUMBER_LEN 8 /* of a chunk, behind its bytes under h' */

struct walk {
	struct chunks chunks;
	struct secret plain;     /* CHUNK_PLAIN_MAX */
	struct fd table;         /* FD_NONE: verifying alone */
	struct folder folder;
	struct entropy *entropy; /* making; borrowed */
	pskm_progress *progress;
	void *context;
	const char *made;        /* container to be removed by walk_drop, or NULL */
};

static void walk_drop(struct walk *w)
{
	chunks_drop(&w->chunks);
	secret_drop(&w->plain);
	fd_drop(&w->table);
	folder_drop(&w->folder);
	if (w->made != NULL)
		(void)unlink(w->made);
}

#define WALK_EMPTY {.chunks = CHUNKS_EMPTY, .table = FD_NONE, .folder = {.lock = FD_NONE}}

static dske_rc walk_prepare(struct walk *w, const struct secret *content_key)
{
	TRY(chunks_start(&w->chunks, content_key));
	return secret_alloc(&w->plain, CHUNK_PLAIN_MAX);
}

static struct container_head *head_of(struct walk *w)
{
	return &w->chunks.head;
}

static uint64_t table_len(const struct walk *w)
{
	return w->chunks.head.header.layout.len;
}

static dske_rc report(const struct walk *w, uint64_t chunks_done)
{
	uint64_t done = chunks_done * TABLE_CHUNK_LEN;

	if (w->progress != NULL && !w->progress(w->context, done < table_len(w) ? done : table_len(w), table_len(w)))
		return FAIL(CANCELLED, "cancelled; what was made is removed");
	return DSKE_OK;
}

/* h' with the container region's key j. */
static dske_rc tag_with_key(struct walk *w, uint64_t j, struct tag *tag, const void *message, size_t len)
{
	AUTO(secret) key = {0};
	uint64_t at = head_of(w)->header.layout.region[REGION_CONTAINER].start + j * KEY_TAG_KEY_LEN;

	TRY(secret_alloc(&key, KEY_TAG_KEY_LEN));
	if (w->table.n >= 0)
		TRY(file_pread(w->table.n, key.data, key.len, at));
	else
		TRY(chunks_peek(&w->chunks, at, key.data, key.len));
	key_tag_compute(tag, key.data, message, len);
	return DSKE_OK;
}

/* The chunk's tag; the buffer has its bytes, and room for the number behind them. */
static dske_rc tag_chunk(struct walk *w, uint64_t i, struct tag *tag)
{
	size_t len = chunks_len(&w->chunks, i);

	be64_put(w->plain.data + len, i);
	return tag_with_key(w, i + 1, tag, w->plain.data, len + NUMBER_LEN);
}

static dske_rc tag_head(struct walk *w, struct tag *tag)
{
	return tag_with_key(w, 0, tag, head_of(w)->bytes, head_of(w)->len);
}

/* Both sides, at the end: the tags' keys are used, so they go; then the rest becomes a table. */
static dske_rc finish(struct walk *w, enum side side)
{
	const struct range *keys = &head_of(w)->header.layout.region[REGION_CONTAINER];

	TRY(file_erase(w->table.n, keys->start, keys->end - keys->start));
	TRY(file_sync(w->table.n));
	return folder_finish(&w->folder, &head_of(w)->header, side);
}

/* ---- making ------------------------------------------------------------------------------------- */

static dske_rc make_chunk(struct walk *w, uint64_t i)
{
	size_t len = chunks_len(&w->chunks, i);
	struct tag tag;

	TRY(entropy_fill(w->entropy, w->plain.data, len));
	TRY(file_pwrite(w->table.n, w->plain.data, len, i * TABLE_CHUNK_LEN));
	TRY(tag_chunk(w, i, &tag));
	memcpy(w->plain.data + len, tag.b, TAG_LEN);
	return chunks_seal(&w->chunks, i, w->plain.data);
}

static dske_rc make_end(struct walk *w)
{
	struct tag tag;

	TRY(tag_head(w, &tag));
	return chunks_seal(&w->chunks, CONTAINER_END_CHUNK, tag.b);
}

static dske_rc make_all(struct walk *w, const char *container_path)
{
	TRY(file_pwrite(w->chunks.file.n, head_of(w)->bytes, head_of(w)->len, 0));
	for (uint64_t i = 0; i < chunks_count(&w->chunks); i++) {
		TRY(report(w, i));
		TRY(make_chunk(w, i));
	}
	TRY(make_end(w));
	TRY(file_sync(w->chunks.file.n));
	TRY(file_sync_dir_of(container_path));
	TRY(report(w, chunks_count(&w->chunks)));
	return finish(w, SIDE_HUB);
}

/* container_make by w's entropy and progress. */
static dske_rc make(struct walk *w, struct pskm_header *h, const char *tables_dir, const char *container_path,
		    char passphrase[PASSPHRASE_TEXT_MAX], const struct kdf_cost *cost)
{
	AUTO(secret) content_key = {0};

	TRY(layout_make(&h->layout, h->layout.len));
	TRY(id_random(&h->table));
	TRY(head_make(head_of(w), h, cost, w->entropy, passphrase, &content_key));
	TRY(walk_prepare(w, &content_key));
	TRY(folder_begin(&w->folder, tables_dir, &h->table));
	TRY(folder_create_table(&w->folder, &w->table, h->layout.len));
	TRY(file_open(&w->chunks.file, container_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
	w->made = container_path;
	TRY(make_all(w, container_path));
	w->made = NULL;
	return DSKE_OK;
}

dske_rc container_make_at_cost(struct pskm_header *h, const char *tables_dir, const char *container_path,
			       char passphrase[PASSPHRASE_TEXT_MAX], const struct kdf_cost *cost,
			       pskm_progress *progress, void *context)
{
	AUTO(entropy) kernel = {0};
	AUTO(walk) w = WALK_EMPTY;

	TRY(entropy_open(&kernel, ENTROPY_KERNEL, ENTROPY_STALL_MS));
	w.entropy = &kernel;
	w.progress = progress;
	w.context = context;
	return make(&w, h, tables_dir, container_path, passphrase, cost);
}

dske_rc container_make(struct pskm_header *h, const char *tables_dir, const char *container_path,
		       char passphrase[PASSPHRASE_TEXT_MAX], struct entropy *entropy, pskm_progress *progress,
		       void *context)
{
	static const struct kdf_cost cost = KDF_COST_DEFAULT;
	AUTO(walk) w = WALK_EMPTY;

	w.entropy = entropy;
	w.progress = progress;
	w.context = context;
	return make(&w, h, tables_dir, container_path, passphrase, &cost);
}

/* ---- verifying and importing -------------------------------------------------------------------- */

dske_rc container_peek(struct pskm_header *h, const char *container_path)
{
	AUTO(fd) f = FD_NONE;
	struct container_head head;

	TRY(file_open(&f, container_path, O_RDONLY, 0));
	TRY(head_read(&head, f.n));
	*h = head.header;
	return DSKE_OK;
}

/* A cut, or something behind the end, is noticed before anything costs time. */
static dske_rc check_size(const struct walk *w, const char *path)
{
	uint64_t wanted = chunks_file_len(&w->chunks);
	struct stat st;

	if (fstat(w->chunks.file.n, &st) != 0)
		return FAIL(IO, "cannot examine %s: %m", path);
	if (!S_ISREG(st.st_mode))
		return FAIL(CORRUPT, "%s is no ordinary file", path);
	if ((uint64_t)st.st_size == wanted)
		return DSKE_OK;
	return FAIL(CORRUPT, "%s has %lld bytes, the PSKM in it %llu: it %s; copy it again", path, (long long)st.st_size,
		    (unsigned long long)wanted,
		    (uint64_t)st.st_size < wanted ? "is cut off" : "has something behind its end");
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
	if (w->table.n >= 0)
		TRY(file_pwrite(w->table.n, w->plain.data, len, i * TABLE_CHUNK_LEN));
	TRY(tag_chunk(w, i, &tag));
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
	TRY(tag_head(w, &tag));
	if (!mem_equal(tag.b, expected, TAG_LEN))
		return chunks_fault(&w->chunks, CONTAINER_END_CHUNK, "has a wrong tag for the head: somebody who has the "
								     "passphrase changed one of them; get a new one");
	return DSKE_OK;
}

static dske_rc read_all(struct walk *w)
{
	for (uint64_t i = 0; i < chunks_count(&w->chunks); i++) {
		TRY(report(w, i));
		TRY(read_chunk(w, i));
	}
	TRY(read_end(w));
	return report(w, chunks_count(&w->chunks));
}

/* What can be said without the passphrase. */
static dske_rc read_front(struct walk *w, const char *container_path)
{
	TRY(file_open(&w->chunks.file, container_path, O_RDONLY, 0));
	TRY(head_read(head_of(w), w->chunks.file.n));
	return check_size(w, container_path);
}

dske_rc container_verify(const char *container_path, const char *passphrase, struct pskm_header *h,
			 pskm_progress *progress, void *context)
{
	AUTO(walk) w = WALK_EMPTY;
	AUTO(secret) content_key = {0};

	w.progress = progress;
	w.context = context;
	TRY(read_front(&w, container_path));
	TRY(head_unwrap(head_of(&w), passphrase, &content_key));
	TRY(walk_prepare(&w, &content_key));
	TRY(read_all(&w));
	*h = head_of(&w)->header;
	return DSKE_OK;
}

dske_rc container_import(const char *container_path, const char *passphrase, const struct id *self,
			 const char *tables_dir, struct pskm_header *h, pskm_progress *progress, void *context)
{
	AUTO(walk) w = WALK_EMPTY;
	AUTO(secret) content_key = {0};

	w.progress = progress;
	w.context = context;
	TRY(read_front(&w, container_path));
	TRY(check_reader(&head_of(&w)->header, self));
	TRY(folder_begin(&w.folder, tables_dir, &head_of(&w)->header.table));
	TRY(head_unwrap(head_of(&w), passphrase, &content_key));
	TRY(walk_prepare(&w, &content_key));
	TRY(folder_create_table(&w.folder, &w.table, table_len(&w)));
	TRY(read_all(&w));
	TRY(finish(&w, SIDE_CLIENT));
	*h = head_of(&w)->header;
	return DSKE_OK;
}
