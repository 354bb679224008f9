/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/container.c - the table in chunks, from the hub's folder into a file and from there into the
 * client's.  Both directions walk the chunks alike: plain bytes into `table` first, since that is where
 * the keys of the tags are then read from; then tag and cipher.
 */
#include "config.h"

#include "pskm/container.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "core/tag.h"
#include "pskm/container-impl.h"
#include "pskm/entropy.h"
#include "pskm/folder.h"

#define NUMBER_LEN 8 /* of a chunk, behind its bytes under h' */
#define PLAIN_MAX (TABLE_CHUNK_LEN + TAG_LEN)
#define SEALED_MAX (PLAIN_MAX + AEAD_TAG_LEN)

struct walk {
	struct container_head head;
	struct aead aead;
	struct secret plain; /* PLAIN_MAX */
	uint8_t *sealed;     /* SEALED_MAX, owned */
	struct fd container, table;
	struct folder folder;
	uint64_t at;         /* in the container */
	pskm_progress *progress;
	void *context;
	const char *made;    /* container to be removed by walk_drop, or NULL */
};

static void walk_drop(struct walk *w)
{
	aead_drop(&w->aead);
	secret_drop(&w->plain);
	free(w->sealed);
	fd_drop(&w->container);
	fd_drop(&w->table);
	folder_drop(&w->folder);
	if (w->made != NULL)
		(void)unlink(w->made);
}

#define WALK_EMPTY {.container = FD_NONE, .table = FD_NONE, .folder = {.lock = FD_NONE}}

static dske_rc walk_prepare(struct walk *w, const struct secret *content_key)
{
	TRY(aead_init(&w->aead, content_key->data));
	TRY(secret_alloc(&w->plain, PLAIN_MAX));
	w->sealed = malloc(SEALED_MAX);
	if (w->sealed == NULL)
		return FAIL(NOMEM, "no memory for a chunk");
	w->at = w->head.len;
	return DSKE_OK;
}

static uint64_t table_len(const struct walk *w)
{
	return w->head.header.layout.len;
}

static uint64_t chunk_count(const struct walk *w)
{
	return (table_len(w) + TABLE_CHUNK_LEN - 1) / TABLE_CHUNK_LEN;
}

static size_t chunk_len(const struct walk *w, uint64_t i)
{
	uint64_t left = table_len(w) - i * TABLE_CHUNK_LEN;

	return (size_t)(left < TABLE_CHUNK_LEN ? left : TABLE_CHUNK_LEN);
}

static dske_rc report(const struct walk *w, uint64_t chunks_done)
{
	uint64_t done = chunks_done * TABLE_CHUNK_LEN;

	if (w->progress != NULL && !w->progress(w->context, done < table_len(w) ? done : table_len(w), table_len(w)))
		return FAIL(CANCELLED, "cancelled; what was made is removed");
	return DSKE_OK;
}

static struct aead_context chunk_context(const struct walk *w, uint64_t i)
{
	struct aead_context c = {.data = w->head.bytes, .data_len = w->head.len};

	aead_nonce(c.nonce, i);
	return c;
}

/* h' with the container region's key j, which the table file has by now. */
static dske_rc tag_with_key(const struct walk *w, uint64_t j, struct tag *tag, const void *message, size_t len)
{
	AUTO(secret) key = {0};

	TRY(secret_alloc(&key, KEY_TAG_KEY_LEN));
	TRY(file_pread(w->table.n, key.data, key.len,
		       w->head.header.layout.region[REGION_CONTAINER].start + j * KEY_TAG_KEY_LEN));
	key_tag_compute(tag, key.data, message, len);
	return DSKE_OK;
}

/* The chunk's tag; the buffer has its bytes, and room for the number behind them. */
static dske_rc tag_chunk(const struct walk *w, uint64_t i, struct tag *tag)
{
	size_t len = chunk_len(w, i);

	be64_put(w->plain.data + len, i);
	return tag_with_key(w, i + 1, tag, w->plain.data, len + NUMBER_LEN);
}

/* Both sides, at the end: the tags' keys are used, so they go; then the rest becomes a table. */
static dske_rc finish(struct walk *w, enum side side)
{
	const struct range *keys = &w->head.header.layout.region[REGION_CONTAINER];

	TRY(file_erase(w->table.n, keys->start, keys->end - keys->start));
	TRY(file_sync(w->table.n));
	return folder_finish(&w->folder, &w->head.header, side);
}

/* ---- making ------------------------------------------------------------------------------------- */

static dske_rc seal(struct walk *w, uint64_t number, size_t len)
{
	struct aead_context c = chunk_context(w, number);

	TRY(aead_seal(&w->aead, &c, w->plain.data, len, w->sealed));
	TRY(file_pwrite(w->container.n, w->sealed, len + AEAD_TAG_LEN, w->at));
	w->at += len + AEAD_TAG_LEN;
	return DSKE_OK;
}

static dske_rc make_chunk(struct walk *w, uint64_t i)
{
	size_t len = chunk_len(w, i);
	struct tag tag;

	TRY(entropy_fill(w->plain.data, len));
	TRY(file_pwrite(w->table.n, w->plain.data, len, i * TABLE_CHUNK_LEN));
	TRY(tag_chunk(w, i, &tag));
	memcpy(w->plain.data + len, tag.b, TAG_LEN);
	return seal(w, i, len + TAG_LEN);
}

static dske_rc make_end(struct walk *w)
{
	struct tag tag;

	TRY(tag_with_key(w, 0, &tag, w->head.bytes, w->head.len));
	memcpy(w->plain.data, tag.b, TAG_LEN);
	return seal(w, CONTAINER_END_CHUNK, TAG_LEN);
}

static dske_rc make_all(struct walk *w, const char *container_path)
{
	TRY(file_pwrite(w->container.n, w->head.bytes, w->head.len, 0));
	for (uint64_t i = 0; i < chunk_count(w); i++) {
		TRY(report(w, i));
		TRY(make_chunk(w, i));
	}
	TRY(make_end(w));
	TRY(file_sync(w->container.n));
	TRY(file_sync_dir_of(container_path));
	TRY(report(w, chunk_count(w)));
	return finish(w, SIDE_HUB);
}

dske_rc container_make_at_cost(struct pskm_header *h, const char *tables_dir, const char *container_path,
			       char passphrase[PASSPHRASE_TEXT_MAX], const struct kdf_cost *cost,
			       pskm_progress *progress, void *context)
{
	AUTO(walk) w = WALK_EMPTY;
	AUTO(secret) content_key = {0};

	TRY(layout_make(&h->layout, h->layout.len));
	TRY(id_random(&h->table));
	w.progress = progress;
	w.context = context;
	TRY(head_make(&w.head, h, cost, passphrase, &content_key));
	TRY(walk_prepare(&w, &content_key));
	TRY(folder_begin(&w.folder, tables_dir, &h->table));
	TRY(folder_create_table(&w.folder, &w.table, h->layout.len));
	TRY(file_open(&w.container, container_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
	w.made = container_path;
	TRY(make_all(&w, container_path));
	w.made = NULL;
	return DSKE_OK;
}

dske_rc container_make(struct pskm_header *h, const char *tables_dir, const char *container_path,
		       char passphrase[PASSPHRASE_TEXT_MAX], pskm_progress *progress, void *context)
{
	static const struct kdf_cost cost = KDF_COST_DEFAULT;

	return container_make_at_cost(h, tables_dir, container_path, passphrase, &cost, progress, context);
}

/* ---- importing ---------------------------------------------------------------------------------- */

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
	uint64_t wanted = w->head.len + table_len(w) + chunk_count(w) * (TAG_LEN + AEAD_TAG_LEN) + TAG_LEN + AEAD_TAG_LEN;
	struct stat st;

	if (fstat(w->container.n, &st) != 0)
		return FAIL(IO, "cannot examine %s: %m", path);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != wanted)
		return FAIL(CORRUPT, "%s has %lld bytes, the PSKM in it %llu: copy it again", path,
			    (long long)st.st_size, (unsigned long long)wanted);
	return DSKE_OK;
}

static dske_rc check_reader(const struct pskm_header *h, const struct id *self)
{
	char theirs[ID_HEX_LEN], ours[ID_HEX_LEN];

	if (id_equal(&h->client, self))
		return DSKE_OK;
	return FAIL(DENIED, "this PSKM is for client %s (%s), and this client is %s", h->client_name,
		    id_hex(&h->client, theirs), id_hex(self, ours));
}

/* The next len bytes of plain text into w->plain. */
static dske_rc unseal(struct walk *w, uint64_t number, size_t len)
{
	struct aead_context c = chunk_context(w, number);

	TRY(file_pread(w->container.n, w->sealed, len + AEAD_TAG_LEN, w->at));
	w->at += len + AEAD_TAG_LEN;
	return aead_open(&w->aead, &c, w->sealed, len, w->plain.data);
}

static dske_rc changed(const struct walk *w, uint64_t i)
{
	return FAIL(CORRUPT, "chunk %llu of %llu of the PSKM is damaged or was changed: copy it again, else get a new one",
		    (unsigned long long)i + 1, (unsigned long long)chunk_count(w));
}

static dske_rc import_chunk(struct walk *w, uint64_t i)
{
	size_t len = chunk_len(w, i);
	struct tag expected, tag;

	dske_rc rc = unseal(w, i, len + TAG_LEN);
	if (rc_is(rc, DSKE_RC_TAG))
		return changed(w, i);
	TRY(rc);
	memcpy(expected.b, w->plain.data + len, TAG_LEN);
	TRY(file_pwrite(w->table.n, w->plain.data, len, i * TABLE_CHUNK_LEN));
	TRY(tag_chunk(w, i, &tag));
	return mem_equal(tag.b, expected.b, TAG_LEN) ? DSKE_OK : changed(w, i);
}

static dske_rc import_end(struct walk *w)
{
	struct tag tag;

	dske_rc rc = unseal(w, CONTAINER_END_CHUNK, TAG_LEN);
	if (!rc_ok(rc) && !rc_is(rc, DSKE_RC_TAG))
		return rc;
	TRY(tag_with_key(w, 0, &tag, w->head.bytes, w->head.len));
	if (!rc_ok(rc) || !mem_equal(tag.b, w->plain.data, TAG_LEN))
		return FAIL(CORRUPT, "the PSKM's head or end was changed: get a new one");
	return DSKE_OK;
}

static dske_rc import_all(struct walk *w)
{
	for (uint64_t i = 0; i < chunk_count(w); i++) {
		TRY(report(w, i));
		TRY(import_chunk(w, i));
	}
	TRY(import_end(w));
	TRY(report(w, chunk_count(w)));
	return finish(w, SIDE_CLIENT);
}

dske_rc container_import(const char *container_path, const char *passphrase, const struct id *self,
			 const char *tables_dir, struct pskm_header *h, pskm_progress *progress, void *context)
{
	AUTO(walk) w = WALK_EMPTY;
	AUTO(secret) content_key = {0};

	w.progress = progress;
	w.context = context;
	TRY(file_open(&w.container, container_path, O_RDONLY, 0));
	TRY(head_read(&w.head, w.container.n));
	TRY(check_size(&w, container_path));
	TRY(check_reader(&w.head.header, self));
	TRY(folder_begin(&w.folder, tables_dir, &w.head.header.table));
	TRY(head_unwrap(&w.head, passphrase, &content_key));
	TRY(walk_prepare(&w, &content_key));
	TRY(folder_create_table(&w.folder, &w.table, table_len(&w)));
	TRY(import_all(&w));
	*h = w.head.header;
	return DSKE_OK;
}
