/* SPDX-License-Identifier: Apache-2.0 */
/* store/append.c - one change of the token's file: a record, its sync, the mark, and the dead overwritten. */
#include <config.h>

#include "store/impl.h"

#include <string.h>
#include <unistd.h>

#define GROWTH (64u << 10) /* zeros written ahead, so that most records change no length and sync sooner */

static dske_rc zeros_write(struct store *s, const struct image *i, uint64_t at, uint64_t len)
{
	static const uint8_t zeros[4096];

	while (len > 0) {
		size_t step = len < sizeof zeros ? (size_t)len : sizeof zeros;
		TRY(image_pwrite(s, i, zeros, step, at));
		at += step;
		len -= step;
	}
	return DSKE_OK;
}

/* Where it fails nothing is lost but time: whoever logs in next does it. */
static void overwrite_dead(struct store *s, struct image *i)
{
	for (size_t k = 0; k < i->dead_count; k++)
		(void)zeros_write(s, i, i->dead[k].at, i->dead[k].len);
	i->dead_count = 0;
}

static dske_rc mark_put(struct store *s, struct image *i, const struct secret *master, const struct position *to)
{
	unsigned k = (i->mark + 1) % MARKS;
	const uint8_t *mark = i->state + AT_MARKS + k * MARK_LEN;

	TRY(mark_write(i->state, k, i->header, master, to));
	TRY(image_pwrite(s, i, mark, MARK_LEN, STORE_HEADER_LEN + AT_MARKS + k * MARK_LEN));
	i->mark = k;
	i->marked = to->end;
	memcpy(s->marks, i->state + AT_MARKS, sizeof s->marks);
	return DSKE_OK;
}

/* What a writer that died left whole counts from now on, for good: a record after the mark that is overwritten would look
 * as if its writer had never ended it, and hide those that come after it. */
static dske_rc mark_catch_up(struct store *s, struct image *i, const struct secret *master)
{
	if (s->position.end <= i->marked)
		return DSKE_OK;
	TRY(mark_put(s, i, master, &s->position));
	return file_sync(i->file.n);
}

dske_rc image_for_change(struct store *s, struct image *i, const struct secret *master, enum load what)
{
	TRY(image_open(s, i, FILE_LOCK_EXCLUSIVE));
	if (!i->there)
		return FAIL(STATE, "the token was taken away");
	TRY(image_load(s, i, master, what));
	TRY(mark_catch_up(s, i, master));
	overwrite_dead(s, i);
	if (!i->torn)
		return DSKE_OK;
	i->torn = false;
	return zeros_write(s, i, s->position.end, i->size - s->position.end);
}

/* Takes back what could not be made durable, so far as the disk lets us. */
static void withdraw(struct store *s, struct image *i, uint64_t at, uint64_t len)
{
	if (at + len > i->size)
		(void)file_resize(i->file.n, i->size);
	(void)zeros_write(s, i, at, at + len > i->size ? i->size - at : len);
}

/* A record of len bytes, with zeros after it. */
static dske_rc record_put(struct store *s, struct image *i, const struct secret *master, const uint8_t *bytes, size_t len,
			  const struct position *to)
{
	uint64_t at = s->position.end;
	dske_rc rc = image_pwrite(s, i, bytes, len, at);

	if (rc_ok(rc))
		rc = file_sync(i->file.n);
	if (rc_ok(rc))
		rc = mark_put(s, i, master, to);
	if (!rc_ok(rc))
		withdraw(s, i, at, len);
	else if (at + len > i->size)
		i->size = at + len;
	return rc;
}

/* The index says so too, and what the record made dead is overwritten. */
static dske_rc record_done(struct store *s, struct image *i, const struct record *r)
{
	const struct place *former = index_find(&s->index, &r->name);
	struct extent dead = former != NULL ? (struct extent){former->at + HEAD_LEN, former->len} : (struct extent){0};
	struct place now = {.name = r->name, .at = s->position.end, .sequence = r->sequence, .version = r->version, .len = r->len};
	dske_rc rc = DSKE_OK;

	memcpy(now.link, s->position.link, sizeof now.link);
	if (r->kind == KIND_OBJECT)
		rc = index_put(&s->index, &now);
	else
		index_remove(&s->index, &r->name, r->version);
	(void)zeros_write(s, i, dead.at, dead.len);
	return rc;
}

static dske_rc append(struct store *s, struct image *i, const struct secret *master, const struct record *r,
		      const struct secret *plain, struct buf *bytes)
{
	struct position to = s->position;
	uint64_t size = record_size(r->len);
	size_t len = (size_t)(to.end + size > i->size ? size + GROWTH : size);

	uint8_t *out = buf_grow(bytes, len);
	TRY(buf_rc(bytes));
	memset(out + size, 0, len - (size_t)size);
	TRY(record_seal(out, r, plain, &to, &i->key));
	dske_rc rc = record_put(s, i, master, out, len, &to);
	if (rc_is(rc, DSKE_RC_IO) && len > size)
		rc = record_put(s, i, master, out, (size_t)size, &to); /* a disk that is full may have room for what is to go */
	TRY(rc);
	s->position.known = false; /* until the index follows */
	TRY(record_done(s, i, r));
	s->position = to;
	return DSKE_OK;
}

dske_rc image_append(struct store *s, struct image *i, const struct secret *master, struct record *r, const struct secret *plain)
{
	struct buf bytes;

	if (plain->len > STORE_RECORD_MAX)
		return FAIL(TOOBIG, "an object is larger than the token can keep");
	r->len = (uint32_t)plain->len;
	uint64_t more = record_size(r->len) + GROWTH;
	if (s->position.end + more > STORE_FILE_MAX) {
		if (STORE_RECORDS_AT + s->index.live_len + more > STORE_FILE_MAX)
			return FAIL(TOOBIG, "the token is full");
		TRY(image_renew(s, i, master, i->header, i->state)); /* without the dead there is room */
	}
	r->sequence = s->position.sequence + 1;
	buf_heap(&bytes, STORE_FILE_MAX);
	dske_rc rc = append(s, i, master, r, plain, &bytes);
	buf_drop(&bytes);
	return rc;
}
