/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/window.c - the client's window is a copy in secret memory, the hub's a view of the file.
 *
 * `used` alone says what is used; what is not in it, between start and end, may be given out.  A range
 * enters it before its bytes are read, so that no failure on the way can give them out again.
 */
#include "config.h"

#include "pskm/window.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/ranges.h"
#include "pskm/table-impl.h"

struct window {
	pid_t owner;
	uint64_t start, end;
	struct ranges used;
	struct secret bytes; /* client */
	struct table *t;     /* client: until loaded; hub: where the bytes are */
	struct window *next; /* hub: of the table's open ones */
};

dske_rc window_new(struct window **out, struct table *t, uint64_t start, uint64_t end)
{
	struct window *w = calloc(1, sizeof *w);

	*out = NULL;
	if (w == NULL)
		return FAIL(NOMEM, "no memory for a window");
	w->owner = getpid();
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

bool window_any_unused(const struct table *t, uint64_t from, uint64_t to)
{
	for (const struct window *w = t->open; w != NULL; w = w->next) {
		uint64_t start = from > w->start ? from : w->start, end = to < w->end ? to : w->end;
		if (start < end && !ranges_cover(&w->used, start, end))
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
	return table_erase(t, w->start, w->bytes.len);
}

static dske_rc check_owner(const struct window *w)
{
	if (w->owner != getpid())
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

static dske_rc peek(struct window *w, uint64_t offset, void *out, size_t len)
{
	AUTO(hold) hold = {0};

	if (w->t == NULL) {
		memcpy(out, w->bytes.data + (offset - w->start), len);
		return DSKE_OK;
	}
	TRY(hold_take(&hold, w->t));
	return read_file(&hold, offset, out, len);
}

static dske_rc take(struct window *w, uint64_t offset, void *out, size_t len)
{
	AUTO(hold) hold = {0};

	if (w->t == NULL) {
		memcpy(out, w->bytes.data + (offset - w->start), len);
		mem_wipe(w->bytes.data + (offset - w->start), len);
		return DSKE_OK;
	}
	TRY(hold_take(&hold, w->t));
	TRY(read_file(&hold, offset, out, len));
	return table_erase(w->t, offset, len);
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
