/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/container-resume.c - makings that were interrupted: found, gone on with, or thrown away. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/listing.h"
#include "pskm/container-walk.h"
#include "pskm/container.h"
#include "pskm/passphrase.h"

/* ---- finding ------------------------------------------------------------------------------------ */

static uint64_t done_bytes(const struct unfinished *u)
{
	uint64_t done = u->sealed * TABLE_CHUNK_LEN, len = u->head.header.layout.len;

	return done < len ? done : len;
}

/* The state in the folder of that name.  Errors: NOT_FOUND (it is no such folder, or there is none in it), as
 * unfinished_open. */
static dske_rc look(const char *tables_dir, const char *name, struct unfinished *u)
{
	struct path dir;
	struct id id;

	if (strncmp(name, TABLE_NEW_PREFIX, sizeof TABLE_NEW_PREFIX - 1) != 0 ||
	    !rc_ok(id_parse(&id, name + sizeof TABLE_NEW_PREFIX - 1)))
		return rc_make(DSKE_RC_NOT_FOUND);
	TRY(path_format(&dir, "%s/%s", tables_dir, name));
	TRY(unfinished_open(u, dir.s));
	return id_equal(&u->head.header.table, &id) ? DSKE_OK : rc_make(DSKE_RC_NOT_FOUND);
}

static bool is_unreadable(dske_rc rc)
{
	return rc_is(rc, DSKE_RC_IO) || rc_is(rc, DSKE_RC_DENIED);
}

static bool nobody_works_on(const char *tables_dir, const struct id *table)
{
	AUTO(folder) f = {.lock = FD_NONE};

	dske_rc rc = folder_resume(&f, tables_dir, table);
	folder_keep(&f);
	return rc_ok(rc);
}

/* `each` returns false when it has seen enough. */
typedef bool visit(void *context, const struct unfinished *u);

/* *unreadable: how many may be one and cannot be read. */
static dske_rc walk_unfinished(const char *tables_dir, visit *each, void *context, unsigned int *unreadable)
{
	struct unfinished *u = calloc(1, sizeof *u);
	AUTO(listing) l = LISTING_NONE;
	const char *name = NULL;
	bool go_on = true;

	dske_rc rc = u == NULL ? rc_make(DSKE_RC_NOMEM) : listing_open(&l, tables_dir);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		rc = DSKE_OK;
	while (rc_ok(rc) && go_on && rc_ok(rc = listing_next(&name, &l)) && name != NULL) {
		*u = (struct unfinished)UNFINISHED_NONE;
		dske_rc seen = look(tables_dir, name, u);
		if (rc_ok(seen))
			go_on = each(context, u);
		*unreadable += is_unreadable(seen);
		unfinished_drop(u);
	}
	free(u);
	return rc;
}

struct visitor {
	const char *tables_dir;
	unfinished_each *each;
	void *context;
};

static bool list_one(void *context, const struct unfinished *u)
{
	const struct visitor *v = context;
	struct unfinished_pskm out = {.header = u->head.header, .done = done_bytes(u)};

	memcpy(out.output, u->output, sizeof out.output);
	memcpy(out.sources, u->sources, sizeof out.sources);
	if (nobody_works_on(v->tables_dir, &u->head.header.table))
		v->each(v->context, &out);
	return true;
}

dske_rc container_unfinished(const char *tables_dir, unfinished_each *each, void *context)
{
	struct visitor v = {tables_dir, each, context};

	unsigned int unreadable = 0;
	return walk_unfinished(tables_dir, list_one, &v, &unreadable);
}

/* Another file may have come where the container was to be: one that begins as ours, as far as it goes, is ours. */
static dske_rc check_ours(int fd, const struct container_head *head, const char *path)
{
	struct stat st;
	uint8_t bytes[CONTAINER_HEAD_MAX];

	if (fstat(fd, &st) != 0)
		return FAIL(IO, "cannot examine %s: %m", path);
	size_t len = (size_t)st.st_size < head->len ? (size_t)st.st_size : head->len;
	TRY(file_pread(fd, bytes, len, 0));
	if (memcmp(bytes, head->bytes, len) != 0)
		return FAIL(EXISTS, "%s is another file than the PSKM that was begun there: move it away", path);
	return DSKE_OK;
}

struct search {
	const char *output;
	struct id table; /* zero: not found */
};

/* Is what lies there the container of this making, and not of a later one of the same name? */
static bool lies_there(const struct unfinished *u)
{
	AUTO(fd) f = FD_NONE;
	dske_rc rc = file_open_ordinary(&f, u->output, O_RDONLY | O_NOFOLLOW, 0);

	return rc_ok(rc) ? rc_ok(check_ours(f.n, &u->head, u->output)) : rc_is(rc, DSKE_RC_NOT_FOUND) && u->sealed == 0;
}

/* The one whose container lies there, else any of that name: what is wrong with it is told later. */
static bool match_one(void *context, const struct unfinished *u)
{
	struct search *s = context;

	if (strcmp(u->output, s->output) != 0)
		return true;
	bool exact = lies_there(u);
	if (exact || id_is_zero(&s->table))
		s->table = u->head.header.table;
	return !exact;
}

/* Locks it, so that nobody else goes on with it. */
static dske_rc claim(struct folder *f, const char *tables_dir, const char *output)
{
	struct search s = {.output = output};
	unsigned int unreadable = 0;

	TRY(walk_unfinished(tables_dir, match_one, &s, &unreadable));
	if (id_is_zero(&s.table) && unreadable != 0)
		return FAIL(IO, "what was kept of an unfinished PSKM in %s cannot be read; look after that disk", tables_dir);
	if (id_is_zero(&s.table))
		return FAIL(NOT_FOUND, "no unfinished PSKM was to be written to %s", output);
	return folder_resume(f, tables_dir, &s.table);
}

/* ---- going on ----------------------------------------------------------------------------------- */

static dske_rc unseal(struct maker *k, char passphrase[PASSPHRASE_TEXT_MAX])
{
	AUTO(unfinished_secrets) secrets = {0};
	AUTO(secret) content_key = {0};

	TRY(unfinished_unseal(&k->unfinished, k->m->table_key, &secrets));
	TRY(secret_from(&content_key, secrets.bytes.data, AEAD_KEY_LEN));
	passphrase_write(passphrase, secrets.bytes.data + AEAD_KEY_LEN);
	return walk_prepare(&k->walk, &content_key);
}

static dske_rc open_cover(struct walk *w, const struct secret *table_key)
{
	const struct pskm_header *h = &walk_head(w)->header;

	cover_init(&w->cover, &h->table, h->layout.len);
	TRY(cover_open(&w->cover, w->folder.temporary.s));
	return cover_unlock(&w->cover, table_key);
}

/* The last chunk that is durable in both: is it the same, and sealed with this key? */
static dske_rc check_fit(struct maker *k)
{
	struct walk *w = &k->walk;
	uint64_t count = chunks_count(&w->chunks), last = k->unfinished.sealed;
	AUTO(secret) ours = {0};

	if (last == 0 || last > count)
		return DSKE_OK;
	size_t len = chunks_len(&w->chunks, --last);
	TRY(secret_alloc(&ours, len));
	TRY(chunks_open(&w->chunks, last, w->plain.data));
	TRY(cover_read(&w->cover, last * TABLE_CHUNK_LEN, ours.data, len));
	if (!mem_equal(ours.data, w->plain.data, len))
		return chunks_fault(&w->chunks, last, "is not the table's: one of them was exchanged; discard both");
	return DSKE_OK;
}

/*
 * A chunk below `filled` has one plaintext, and its nonce seals no other.  So the mark that is read must be a durable
 * one, also when its writer was killed before the sync; and where the container reaches further than the folder, the
 * folder was put back from a backup, and would seal new bytes under nonces that were used.
 */
static dske_rc check_marks(const struct maker *k)
{
	const struct chunks *c = &k->walk.chunks;
	struct stat st;

	TRY(file_sync(k->unfinished.file.n));
	if (fstat(c->file.n, &st) != 0)
		return FAIL(IO, "cannot look at %s: %m", k->m->container_path);
	if ((uint64_t)st.st_size > chunks_file_len_to(c, k->unfinished.filled))
		return FAIL(CORRUPT, "%s is further than what the hub has kept of it, as if the hub's folder had been restored: "
				     "discard both, and make it anew", k->m->container_path);
	return DSKE_OK;
}

static dske_rc prepare(struct maker *k, char passphrase[PASSPHRASE_TEXT_MAX])
{
	struct walk *w = &k->walk;

	TRY(unfinished_open(&k->unfinished, w->folder.temporary.s));
	*walk_head(w) = k->unfinished.head;
	TRY(unseal(k, passphrase));
	TRY(open_cover(w, k->m->table_key));
	TRY(file_open_ordinary(&w->chunks.file, k->m->container_path,
			       O_RDWR | O_NOFOLLOW | (k->unfinished.sealed == 0 ? O_CREAT : 0), 0600));
	TRY(check_ours(w->chunks.file.n, walk_head(w), k->m->container_path));
	TRY(check_marks(k));
	return check_fit(k);
}

dske_rc container_resume(struct pskm_header *h, const struct making *m, char passphrase[PASSPHRASE_TEXT_MAX])
{
	AUTO(maker) k = MAKER_EMPTY;

	k.m = m;
	k.walk.progress = m->progress;
	k.walk.context = m->context;
	TRY(claim(&k.walk.folder, m->tables_dir, m->container_path));
	dske_rc rc = prepare(&k, passphrase);
	if (rc_ok(rc))
		rc = maker_run(&k, passphrase);
	if (!rc_ok(rc))
		folder_keep(&k.walk.folder);
	*h = walk_head(&k.walk)->header;
	return rc;
}

/* ---- throwing away ------------------------------------------------------------------------------ */

static dske_rc remove_container(const struct folder *f, const char *path)
{
	AUTO(unfinished) u = UNFINISHED_NONE;
	AUTO(fd) c = FD_NONE;

	TRY(unfinished_open(&u, f->temporary.s));
	dske_rc rc = file_open_ordinary(&c, path, O_RDONLY | O_NOFOLLOW, 0);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return DSKE_OK;
	TRY(rc);
	TRY(check_ours(c.n, &u.head, path));
	return unlink(path) == 0 ? DSKE_OK : FAIL(IO, "cannot remove %s: %m", path);
}

dske_rc container_discard(const char *tables_dir, const char *container_path)
{
	AUTO(folder) f = {.lock = FD_NONE};

	TRY(claim(&f, tables_dir, container_path));
	dske_rc rc = remove_container(&f, container_path);
	if (!rc_ok(rc))
		folder_keep(&f);
	return rc; /* folder_drop erases the rest */
}

/* ---- sweeping ----------------------------------------------------------------------------------- */

static void sweep_one(const char *tables_dir, const char *name)
{
	AUTO(folder) f = {.lock = FD_NONE};
	AUTO(unfinished) u = UNFINISHED_NONE;
	struct id id;

	if (strncmp(name, TABLE_NEW_PREFIX, sizeof TABLE_NEW_PREFIX - 1) != 0 ||
	    !rc_ok(id_parse(&id, name + sizeof TABLE_NEW_PREFIX - 1)) || !rc_ok(folder_resume(&f, tables_dir, &id)))
		return;
	dske_rc rc = unfinished_open(&u, f.temporary.s);
	if (!rc_is(rc, DSKE_RC_NOT_FOUND) && !rc_is(rc, DSKE_RC_CORRUPT) && !rc_is(rc, DSKE_RC_FORMAT))
		folder_keep(&f);
}

void container_sweep(const char *tables_dir)
{
	AUTO(listing) l = LISTING_NONE;
	const char *name;

	if (rc_ok(listing_open(&l, tables_dir)))
		while (rc_ok(listing_next(&name, &l)) && name != NULL)
			sweep_one(tables_dir, name);
}
