/* SPDX-License-Identifier: Apache-2.0 */
/* store/renew.c - a new file in the token's place: what lives, sealed anew, in the old order. */
#include <config.h>

#include "store/impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP (1u << 20)        /* bytes gathered before they are written */
#define AHEAD (256u << 10)
#define GROWTH (64u << 10)     /* zeros after the last record, as append.c wants them */
#define DEAD_MIN (64u << 10)   /* bytes that are not worth a new file */

struct renewal {
	struct fd file;
	uint8_t header[STORE_HEADER_LEN];
	struct position position;
	struct secret key;
	struct buf bytes; /* to be written at `written` */
	uint64_t written;
};

static void renewal_drop(struct renewal *n)
{
	fd_drop(&n->file);
	secret_drop(&n->key);
	buf_drop(&n->bytes);
}

/* A file that is about to go: what is in its blocks should not outlive it. */
static void overwrite(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size > 0)
		(void)file_erase(fd, 0, (uint64_t)st.st_size);
}

void leftover_sweep(const struct store *s)
{
	AUTO(fd) f = FD_NONE;

	struct stat st;

	if (!rc_ok(file_open_ordinary(&f, s->new_file.s, O_RDWR | O_NOFOLLOW, 0)))
		return;
	if (fstat(f.n, &st) == 0 && st.st_nlink == 1) /* else it is somebody's file under another name, too */
		overwrite(f.n);
	unlink(s->new_file.s);
}

static dske_rc renewal_begin(struct renewal *n, const struct store *s, const struct secret *master, const uint8_t *header)
{
	leftover_sweep(s);
	memcpy(n->header, header, sizeof n->header);
	TRY(header_seal(n->header, master));
	TRY(records_key(n->header, master, &n->key));
	position_begin(&n->position, n->header);
	buf_heap(&n->bytes, STORE_FILE_MAX);
	n->written = STORE_RECORDS_AT;
	return file_open(&n->file, s->new_file.s, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

static dske_rc renewal_flush(struct renewal *n)
{
	TRY(buf_rc(&n->bytes));
	TRY(file_pwrite(n->file.n, n->bytes.data, n->bytes.len, n->written));
	n->written += n->bytes.len;
	buf_reset(&n->bytes);
	return DSKE_OK;
}

static dske_rc renewal_put(struct renewal *n, struct record *r, const struct secret *plain)
{
	uint8_t *to = buf_grow(&n->bytes, record_size((uint32_t)plain->len));

	TRY(buf_rc(&n->bytes));
	r->kind = KIND_OBJECT;
	r->len = (uint32_t)plain->len;
	r->sequence = n->position.sequence + 1;
	TRY(record_seal(to, r, plain, &n->position, &n->key));
	return n->bytes.len < STEP ? DSKE_OK : renewal_flush(n);
}

/* Zeros, header and state, all durable. */
static dske_rc renewal_complete(struct renewal *n, const struct secret *master, const uint8_t *state, uint8_t *own_state)
{
	uint8_t page[STORE_RECORDS_AT - STORE_HEADER_LEN] = {0};
	uint8_t *ahead = buf_grow(&n->bytes, GROWTH);

	if (ahead != NULL)
		memset(ahead, 0, GROWTH);
	TRY(renewal_flush(n));
	memcpy(own_state, state, AT_MARKS);
	for (unsigned k = 0; k < MARKS; k++)
		TRY(mark_write(own_state, k, n->header, master, &n->position));
	memcpy(page, own_state, STATE_LEN);
	TRY(file_pwrite(n->file.n, page, sizeof page, STORE_HEADER_LEN));
	TRY(file_pwrite(n->file.n, n->header, sizeof n->header, 0));
	return file_sync(n->file.n);
}

/* Into the old one's place, which is overwritten when the new name is durable. */
static dske_rc renewal_finish(struct renewal *n, struct store *s, struct image *i, const struct secret *master, const uint8_t *state)
{
	uint8_t own_state[STATE_LEN];

	TRY(renewal_complete(n, master, state, own_state));
	s->position.known = false;
	if (rename(s->new_file.s, s->file.s) != 0)
		return FAIL(IO, "cannot replace %s: %m", s->file.s);
	TRY(file_sync_dir_of(s->file.s));
	if (i->file.n >= 0)
		overwrite(i->file.n);
	fd_drop(&i->file);
	i->file.n = n->file.n;
	n->file.n = -1;
	i->there = true;
	TRY(stamp_take(&i->stamp, s, i->file.n));
	i->dev = i->stamp.dev;
	i->ino = i->stamp.ino;
	i->size = n->written;
	i->mark = 0;
	i->marked = n->position.end;
	memcpy(i->header, n->header, sizeof i->header);
	memcpy(i->state, own_state, sizeof i->state);
	secret_move(&i->key, &n->key);
	s->position = n->position;
	s->position.known = true;
	store_sound_at(s, &i->stamp); /* all that lives was opened for it */
	store_watch(s, i);
	return DSKE_OK;
}

/* ---- what lives ------------------------------------------------------------------------------------------- */

static dske_rc carry_over(struct renewal *n, const struct store *s, const struct image *i, struct view *w, struct place *p)
{
	struct secret plain; /* borrowed */
	struct record r = {.name = p->name, .version = p->version};

	TRY(place_open(s, w, i, p, &plain));
	p->next_at = n->position.end;
	memcpy(p->next_link, n->position.link, sizeof p->next_link);
	TRY(renewal_put(n, &r, &plain));
	p->next_sequence = n->position.sequence;
	return DSKE_OK;
}

/* All records in their order; those that are no object's are passed over. */
static dske_rc walk(struct renewal *n, const struct store *s, const struct image *i, struct view *w)
{
	uint64_t end = s->position.end, at = STORE_RECORDS_AT;

	while (at < end) {
		struct record r;
		const uint8_t *head;
		uint64_t left = end - at;
		TRY(view_get(w, at, HEAD_LEN, left < AHEAD ? left : AHEAD, &head));
		(void)store_head_read(head, 0, &r);
		struct place *p = index_find(&s->index, &r.name);
		if (record_size(r.len) > left)
			return FAIL(CORRUPT, "%s changed while it was read", s->file.s);
		if (p != NULL && p->at == at)
			TRY(carry_over(n, s, i, w, p));
		at += record_size(r.len);
	}
	return DSKE_OK;
}

static dske_rc renew(struct renewal *n, struct store *s, struct image *i, const struct secret *master, const uint8_t *header,
		     const uint8_t *state)
{
	struct view w = {.fd = i->file.n};

	TRY(renewal_begin(n, s, master, header));
	dske_rc rc = walk(n, s, i, &w);
	view_drop(&w);
	TRY(rc);
	TRY(renewal_finish(n, s, i, master, state));
	index_move(&s->index);
	return DSKE_OK;
}

dske_rc image_renew(struct store *s, struct image *i, const struct secret *master, const uint8_t *header, const uint8_t *state)
{
	struct renewal n = {.file = FD_NONE};
	dske_rc rc = renew(&n, s, i, master, header, state);

	renewal_drop(&n);
	if (!rc_ok(rc))
		leftover_sweep(s);
	return rc;
}

static dske_rc begin(struct renewal *n, struct store *s, struct image *i, const struct secret *master, const uint8_t *header,
		     const struct id *name, const struct secret *plain)
{
	static const uint8_t no_failures[AT_MARKS];
	struct record r = {.name = *name, .version = 1};

	TRY(renewal_begin(n, s, master, header));
	if (plain->len > 0)
		TRY(renewal_put(n, &r, plain));
	TRY(renewal_finish(n, s, i, master, no_failures));
	s->position.known = false; /* what the index has is of the former token */
	return DSKE_OK;
}

dske_rc image_begin(struct store *s, struct image *i, const struct secret *master, const uint8_t *header, const struct id *name,
		    const struct secret *plain)
{
	struct renewal n = {.file = FD_NONE};
	dske_rc rc = begin(&n, s, i, master, header, name, plain);

	renewal_drop(&n);
	if (!rc_ok(rc))
		leftover_sweep(s);
	return rc;
}

void image_compact(struct store *s, struct image *i, const struct secret *master)
{
	uint64_t all = s->position.end - STORE_RECORDS_AT, dead = all - s->index.live_len;

	/* The change is done already: where this fails, the next one tries again. */
	if (dead > DEAD_MIN && dead > all / 2)
		(void)image_renew(s, i, master, i->header, i->state);
}
