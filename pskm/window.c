/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/window.c - the client's window is a copy in secret memory; the hub's is read from the file as it is used, in
 * blocks, and erased there at once.
 *
 * `used` alone says what is used; what is not in it, between start and end, may be given out.  A range
 * enters it before its bytes are read, so that no failure on the way can give them out again.
 *
 * The hub's bytes are in one of two places, and never in both:
 *
 *     in the file    until a range that was taken, or a block behind one, is read
 *     in a block     secret memory; the bytes behind a range that was taken, since the next ranges lie there
 *
 * Only what is taken moves bytes; whoever peeks reads them where they are, since a frame whose tag fails must not cost
 * its table anything.  A block that still has unused bytes is kept as long as the window: its bytes are nowhere else.
 * When all of them are kept, further ranges come straight from the file, one by one; so do long ones.
 */
#include "config.h"

#include "pskm/window.h"

#include <stdlib.h>
#include <string.h>

#include "base/pid.h"
#include "core/ranges.h"
#include "pskm/block.h"
#include "pskm/table-impl.h"

#define BLOCKS_MAX 2 /* of one window: ranges that overtake each other are near each other */
#define SHORT_MAX (BLOCK_LEN / 4) /* bytes; a longer range leaves nothing worth a block */

struct held {
	struct block block;   /* none: not in use */
	uint64_t start, end;  /* of the bytes that it has, used or not */
	uint64_t unused;      /* bytes */
};

struct window {
	pid_t owner;
	uint64_t start, end;
	struct ranges used;
	struct secret bytes; /* client */
	struct table *t;     /* client: until loaded; hub: where the bytes are */
	struct held held[BLOCKS_MAX]; /* hub */
	struct window *next; /* hub: of the table's open ones */
};

dske_rc window_new(struct window **out, struct table *t, uint64_t start, uint64_t end)
{
	struct window *w = calloc(1, sizeof *w);

	*out = NULL;
	if (w == NULL)
		return FAIL(NOMEM, "no memory for a window");
	w->owner = process_id();
	w->start = start;
	w->end = end;
	w->t = t;
	if (t->side == SIDE_CLIENT) {
		dske_rc rc = secret_alloc(&w->bytes, (size_t)(end - start));
		if (!rc_ok(rc)) {
			free(w);
			return rc;
		}
	}
	if (t->side == SIDE_HUB) {
		w->next = t->open;
		t->open = w;
	}
	*out = w;
	return DSKE_OK;
}

/* ---- hub: where bytes are ----------------------------------------------------------------------- */

/* The block that has the byte at `at`, or NULL: it is in the file. */
static struct held *held_at(struct window *w, uint64_t at)
{
	for (size_t i = 0; i < BLOCKS_MAX; i++)
		if (w->held[i].block.bytes != NULL && at >= w->held[i].start && at < w->held[i].end)
			return &w->held[i];
	return NULL;
}

/* The first byte from `at` on, below `end`, that a block has; or `end`. */
static uint64_t next_held(const struct window *w, uint64_t at, uint64_t end)
{
	for (size_t i = 0; i < BLOCKS_MAX; i++)
		if (w->held[i].block.bytes != NULL && w->held[i].start >= at && w->held[i].start < end)
			end = w->held[i].start;
	return end;
}

static bool any_in_file(struct window *w, uint64_t from, uint64_t to)
{
	while (from < to) {
		const struct held *h = held_at(w, from);
		uint64_t end = h != NULL ? h->end : next_held(w, from, to);
		if (h == NULL && !ranges_cover(&w->used, from, end))
			return true;
		from = end;
	}
	return false;
}

bool window_any_unused(const struct table *t, uint64_t from, uint64_t to)
{
	for (struct window *w = t->open; w != NULL; w = w->next) {
		uint64_t start = from > w->start ? from : w->start, end = to < w->end ? to : w->end;
		if (start < end && any_in_file(w, start, end))
			return true;
	}
	return false;
}

dske_rc window_load(struct window *w)
{
	struct table *t = w->t;

	w->t = NULL;
	if (w->bytes.len == 0)
		return DSKE_OK;
	TRY(cover_read(&t->cover, w->start, w->bytes.data, w->bytes.len));
	return table_erase_read(t, w->start, w->bytes.len);
}

static dske_rc check_owner(const struct window *w)
{
	if (w->owner != process_id())
		return FAIL(FORKED, "these table bytes belong to the parent process; a child leases its own");
	return DSKE_OK;
}

uint64_t window_start(const struct window *w)
{
	return w->start;
}

uint64_t window_end(const struct window *w)
{
	return w->end;
}

/* Where the next reservation begins: above all that was taken. */
static uint64_t next_unused(const struct window *w)
{
	return w->used.count > 0 ? w->used.r[w->used.count - 1].end : w->start;
}

uint64_t window_left(const struct window *w)
{
	return rc_ok(check_owner(w)) ? w->end - next_unused(w) : 0;
}

/* Hub, while held. */
static dske_rc read_file(struct hold *h, uint64_t offset, void *out, size_t len)
{
	dske_rc rc = cover_read(&h->t->cover, offset, out, len);

	if (rc_is(rc, DSKE_RC_CORRUPT) && !rc_ok(hold_lock(h)))
		return FAIL(SYNC, "a table whose ledger is too old could not be locked durably");
	return rc;
}

/* Hub. */
static dske_rc peek_file(struct window *w, uint64_t offset, void *out, size_t len)
{
	AUTO(hold) hold = {0};

	TRY(hold_take(&hold, w->t));
	return read_file(&hold, offset, out, len);
}

/* Hub: piece by piece, as they lie in blocks and in the file. */
static dske_rc peek_pieces(struct window *w, uint64_t at, uint8_t *out, size_t len)
{
	for (uint64_t end = at + len, stop; at < end; out += stop - at, at = stop) {
		const struct held *h = held_at(w, at);
		stop = h == NULL ? next_held(w, at, end) : h->end < end ? h->end : end;
		if (h != NULL)
			memcpy(out, h->block.bytes + (at - h->start), (size_t)(stop - at));
		else
			TRY(peek_file(w, at, out, (size_t)(stop - at)));
	}
	return DSKE_OK;
}

static dske_rc peek(struct window *w, uint64_t offset, void *out, size_t len)
{
	if (w->t != NULL)
		return peek_pieces(w, offset, out, len);
	memcpy(out, w->bytes.data + (offset - w->start), len);
	return DSKE_OK;
}

/* ---- hub: taking -------------------------------------------------------------------------------- */

static dske_rc take_file(struct window *w, uint64_t offset, void *out, size_t len)
{
	AUTO(hold) hold = {0};

	TRY(hold_take(&hold, w->t));
	TRY(read_file(&hold, offset, out, len));
	return table_erase_read(w->t, offset, len);
}

static void take_held(struct held *h, uint64_t at, void *out, size_t len)
{
	uint8_t *bytes = h->block.bytes + (at - h->start);

	memcpy(out, bytes, len);
	mem_wipe(bytes, len);
	h->unused -= len;
	if (h->unused == 0)
		block_give(&h->block);
}

static struct held *held_free(struct window *w)
{
	for (size_t i = 0; i < BLOCKS_MAX; i++)
		if (w->held[i].block.bytes == NULL)
			return &w->held[i];
	return NULL;
}

/* Where a block from `at` on would end, of whose bytes those below `end` are being taken: before the next that are used
 * or in another block. */
static uint64_t block_end(const struct window *w, uint64_t at, uint64_t end)
{
	uint64_t stop = w->end - at < BLOCK_LEN ? w->end : at + BLOCK_LEN;

	for (size_t i = 0; i < w->used.count; i++) {
		const struct range *r = &w->used.r[i];
		if (r->start <= at && r->end > end)
			return end; /* used on from there */
		if (r->start >= end && r->start < stop)
			stop = r->start;
	}
	return next_held(w, at, stop);
}

/* Reads a block of unused bytes, and erases them from the file. */
static dske_rc load(struct window *w, struct held *h, uint64_t at, uint64_t end)
{
	AUTO(hold) hold = {0};
	struct block b = block_take();

	if (b.bytes == NULL)
		return FAIL(NOMEM, "no memory for a window's bytes");
	dske_rc rc = hold_take(&hold, w->t);
	if (rc_ok(rc))
		rc = read_file(&hold, at, b.bytes, (size_t)(end - at));
	if (!rc_ok(rc)) {
		block_give(&b);
		return rc;
	}
	*h = (struct held){.block = b, .start = at, .end = end, .unused = end - at};
	return table_erase_read(w->t, at, end - at);
}

/* One piece of a range that is recorded as used; *stop is where it ends. */
static dske_rc take_piece(struct window *w, uint64_t at, uint64_t end, uint8_t *out, uint64_t *stop)
{
	struct held *h = held_at(w, at), *room;
	uint64_t limit;

	if (h == NULL) {
		*stop = next_held(w, at, end);
		room = *stop == end && end - at <= SHORT_MAX ? held_free(w) : NULL;
		limit = room != NULL ? block_end(w, at, end) : end;
		if (limit == end)
			return take_file(w, at, out, (size_t)(*stop - at));
		TRY(load(w, room, at, limit));
		h = room;
	}
	*stop = h->end < end ? h->end : end;
	take_held(h, at, out, (size_t)(*stop - at));
	return DSKE_OK;
}

static dske_rc take_pieces(struct window *w, uint64_t at, uint8_t *out, size_t len)
{
	for (uint64_t end = at + len, stop; at < end; out += stop - at, at = stop)
		TRY(take_piece(w, at, end, out, &stop));
	return DSKE_OK;
}

static dske_rc take(struct window *w, uint64_t offset, void *out, size_t len)
{
	if (w->t != NULL)
		return take_pieces(w, offset, out, len);
	memcpy(out, w->bytes.data + (offset - w->start), len);
	mem_wipe(w->bytes.data + (offset - w->start), len);
	return DSKE_OK;
}

/* DSKE 2.3.2: marking as 'used' the indices; then the bytes leave file or window for the pad. */
static dske_rc move_out(struct window *w, uint64_t offset, size_t len, struct pad *pad)
{
	AUTO(pad) out = {.offset = offset};

	TRY(secret_alloc(&out.bytes, len));
	TRY(ranges_add(&w->used, offset, offset + len));
	TRY(take(w, offset, out.bytes.data, len));
	pad_move(pad, &out);
	return DSKE_OK;
}

dske_rc window_reserve(struct window *w, size_t len, struct pad *pad)
{
	TRY(check_owner(w));
	if (len == 0)
		return FAIL(ARGS, "no bytes are asked for");
	if (len > window_left(w))
		return FAIL(EXHAUSTED, "%zu table bytes are wanted, the window has %llu left", len,
			    (unsigned long long)window_left(w));
	return move_out(w, next_unused(w), len, pad);
}

dske_rc window_check(const struct window *w, uint64_t offset, uint64_t len)
{
	TRY(check_owner(w));
	if (len == 0 || offset < w->start || offset > w->end || len > w->end - offset)
		return FAIL(WINDOW, "the %llu bytes at %llu are not within the window from %llu to %llu",
			    (unsigned long long)len, (unsigned long long)offset, (unsigned long long)w->start,
			    (unsigned long long)w->end);
	if (ranges_overlap(&w->used, offset, offset + len))
		return FAIL(USED, "some of the %llu bytes at %llu are used already", (unsigned long long)len,
			    (unsigned long long)offset);
	return DSKE_OK;
}

dske_rc window_peek(struct window *w, uint64_t offset, void *out, size_t len)
{
	if (len > TAG_KEY_LEN)
		return FAIL(ARGS, "only a message-tag key may be read without using it up");
	TRY(window_check(w, offset, len));
	return peek(w, offset, out, len);
}

dske_rc window_take(struct window *w, uint64_t offset, size_t len, struct pad *pad)
{
	TRY(window_check(w, offset, len));
	return move_out(w, offset, len, pad);
}

/* Hub: what fails here is swept when the table is opened again. */
static void erase_rest(struct window *w)
{
	AUTO(hold) hold = {0};
	struct window **at = &w->t->open;

	if (!rc_ok(hold_take(&hold, w->t)))
		return; /* a child must not erase its parent's */
	for (size_t i = 0; i < BLOCKS_MAX; i++)
		block_give(&w->held[i].block);
	while (*at != NULL && *at != w)
		at = &(*at)->next;
	if (*at == w)
		*at = w->next;
	(void)table_erase(w->t, w->start, w->end - w->start);
}

void window_free(struct window *w)
{
	if (w == NULL)
		return;
	if (w->t != NULL && w->t->side == SIDE_HUB)
		erase_rest(w);
	secret_drop(&w->bytes);
	free(w);
}
