/* SPDX-License-Identifier: Apache-2.0 */
/* hub/journal.c - records in, and out again. */
#include "config.h"

#include "hub/journal-impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

static size_t whole_words(size_t len)
{
	return (len + 7) & ~(size_t)7;
}

uint32_t journal_len(size_t head_len, size_t body_len)
{
	return (uint32_t)(sizeof(struct record) + whole_words(head_len) + whole_words(body_len));
}

uint64_t record_code(const struct siphash_key *key, struct journal_place place, const struct record *r, const uint8_t *head)
{
	struct siphash s;

	siphash_begin(&s, key);
	siphash_add(&s, &place, sizeof place);
	siphash_add(&s, &r->prev, sizeof *r - sizeof r->code);
	siphash_add(&s, head, r->head_len);
	return siphash_end(&s);
}

bool record_is_plausible(const struct record *r, uint32_t at, uint32_t segment_len)
{
	return r->type != 0 && r->head_len <= JOURNAL_HEAD_MAX && r->body_len <= JOURNAL_BODY_MAX && r->since <= at &&
	       at <= segment_len && journal_len(r->head_len, r->body_len) <= segment_len - at;
}

struct segment *journal_segment(const struct journal *j, uint32_t number)
{
	if (j->count == 0 || number < j->segment[0]->number || number - j->segment[0]->number >= j->count)
		return NULL;
	return j->segment[number - j->segment[0]->number];
}

static struct segment *current(const struct journal *j)
{
	return j->segment[j->count - 1];
}

/* ---- in ----------------------------------------------------------------------------------------------- */

static dske_rc write_pending(struct journal *j)
{
	size_t len = j->pending_len;

	if (len == 0)
		return DSKE_OK;
	j->pending_len = 0;
	return file_pwrite(current(j)->fd.n, j->pending, len, j->end - len);
}

static dske_rc pending_grow(struct journal *j, size_t len)
{
	size_t cap = j->pending_cap ? j->pending_cap : BLOCK;

	while (cap - j->pending_len < len)
		cap *= 2;
	if (cap == j->pending_cap)
		return DSKE_OK;

	uint8_t *more = realloc(j->pending, cap);

	if (!more)
		return rc_make(DSKE_RC_NOMEM);
	j->pending = more;
	j->pending_cap = cap;
	return DSKE_OK;
}

/* The room is there already, in memory and in the segment. */
static dske_rc record_add(struct journal *j, unsigned type, size_t head_len, size_t body_len, struct journal_room *room)
{
	uint32_t len = journal_len(head_len, body_len);

	TRY(pending_grow(j, len));

	uint8_t *at = j->pending + j->pending_len;

	memset(at, 0, len - whole_words(body_len));
	if (body_len % 8 != 0)
		memset(at + len - 8, 0, 8);
	j->open = (struct record *)(void *)at;
	*j->open = (struct record){.prev = j->code, .since = j->since, .head_len = (uint32_t)head_len,
				   .body_len = (uint32_t)body_len, .type = type};
	*room = (struct journal_room){.head = at + sizeof(struct record),
				      .body = at + sizeof(struct record) + whole_words(head_len),
				      .place = {current(j)->number, j->end}};
	j->pending_len += len;
	j->end += len;
	return DSKE_OK;
}

void journal_end(struct journal *j)
{
	struct record *r = j->open;
	uint32_t len = journal_len(r->head_len, r->body_len);
	struct journal_place place = {current(j)->number, j->end - len};

	r->code = j->code = record_code(&j->key, place, r, (const uint8_t *)(r + 1));
	j->open = NULL;
}

static dske_rc sync_current(struct journal *j)
{
	TRY(write_pending(j));
	TRY(file_sync(current(j)->fd.n));
	current(j)->code = j->code;
	return DSKE_OK;
}

/* A record of the journal's own. */
static dske_rc banner_add(struct journal *j, unsigned type)
{
	struct segment_head head = {.banner = j->banner, .number = current(j)->number, .first = j->first};
	struct journal_room room;

	TRY(record_add(j, type, sizeof head, 0, &room));
	memcpy(room.head, &head, sizeof head);
	journal_end(j);
	return DSKE_OK;
}

/* Ends the current segment, if there is one, and begins the next. */
static dske_rc segment_begin(struct journal *j)
{
	struct journal_room room;

	if (j->count > 0 && !j->ended) {
		TRY(record_add(j, JOURNAL_END, 0, 0, &room));
		journal_end(j);
		TRY(sync_current(j));
	}
	TRY(journal_take_spare(j));
	j->end = j->since = 0;
	j->ended = false;
	return banner_add(j, JOURNAL_SEGMENT);
}

dske_rc journal_begin(struct journal *j, unsigned type, size_t head_len, size_t body_len, struct journal_room *room)
{
	uint32_t len = journal_len(head_len, body_len);

	if (j->pending_len >= PENDING_MAX)
		TRY(write_pending(j));
	if (j->count == 0 || j->ended || current(j)->len - j->end < len + END_LEN)
		TRY(segment_begin(j));
	if (current(j)->len - j->end < len + END_LEN)
		return FAIL(IO, "a record of %u bytes fits into no segment of the journal", len);
	return record_add(j, type, head_len, body_len, room);
}

dske_rc journal_sync(struct journal *j)
{
	if (j->count == 0 || j->since == j->end)
		return DSKE_OK;
	TRY(sync_current(j));
	j->settled = (struct journal_place){current(j)->number, j->since};
	j->since = j->end;
	if (j->window_place.segment == current(j)->number)
		journal_window_drop(j); /* it may have looked beyond the end */
	return journal_put_aside(j);
}

void journal_set_banner(struct journal *j, const struct journal_banner *banner)
{
	j->banner = *banner;
}

dske_rc journal_release(struct journal *j)
{
	struct journal_room room;

	if (j->released + 1 >= j->count)
		return DSKE_OK;
	j->released++;
	j->first = j->segment[j->released]->number;
	/* Where that begins a segment, its own record says it too. */
	TRY(journal_begin(j, JOURNAL_FIRST, sizeof(struct segment_head), 0, &room));

	struct segment_head head = {.banner = j->banner, .number = current(j)->number, .first = j->first};

	memcpy(room.head, &head, sizeof head);
	journal_end(j);
	return DSKE_OK;
}

/* ---- out ---------------------------------------------------------------------------------------------- */

/* From the file, or from what is not written yet. */
static dske_rc bytes_read(struct journal *j, struct journal_place place, size_t skip, uint8_t *out, size_t len)
{
	struct segment *s = journal_segment(j, place.segment);
	uint64_t from = (uint64_t)place.at + skip;

	if (!s || from + len > s->len)
		return FAIL(CORRUPT, "segment %u of the mailbox is not there", place.segment);
	if (s == current(j) && from >= j->end - j->pending_len) {
		if (from + len > j->end)
			return FAIL(CORRUPT, "the mailbox has nothing at its end");
		memcpy(out, j->pending + (from - (j->end - j->pending_len)), len);
		return DSKE_OK;
	}
	return file_pread(s->fd.n, out, len, from);
}

static dske_rc damaged(struct journal_place place)
{
	return FAIL(CORRUPT, "the mailbox is damaged: segment %u, offset %u", place.segment, place.at);
}

dske_rc journal_read(struct journal *j, struct journal_place place, size_t head_len, size_t body_len, uint8_t *out,
		     struct journal_record *r)
{
	struct record head;
	size_t len = body_len > 0 ? journal_len(head_len, body_len) : journal_len(head_len, 0);

	TRY(bytes_read(j, place, 0, out, len));
	memcpy(&head, out, sizeof head);
	if (head.head_len != head_len || (body_len > 0 && head.body_len != body_len) ||
	    head.code != record_code(&j->key, place, &head, out + sizeof head))
		return damaged(place);
	*r = (struct journal_record){.type = head.type, .place = place, .head = out + sizeof head,
				     .head_len = head.head_len, .body_len = head.body_len};
	return DSKE_OK;
}

const uint8_t *journal_body(const struct journal_record *r)
{
	return r->head + whole_words(r->head_len);
}

dske_rc journal_read_body(struct journal *j, struct journal_place place, size_t head_len, size_t body_len, uint8_t *out)
{
	return bytes_read(j, place, sizeof(struct record) + whole_words(head_len), out, body_len);
}

bool journal_is_settled(const struct journal *j, struct journal_place place)
{
	return place.segment < j->settled.segment || (place.segment == j->settled.segment && place.at < j->settled.at);
}

dske_rc journal_erase(struct journal *j, struct journal_place place, size_t head_len, size_t body_len)
{
	struct segment *s = journal_segment(j, place.segment);
	uint64_t at = place.at + sizeof(struct record) + whole_words(head_len);

	if (!s)
		return DSKE_OK; /* erased as a whole */
	if (at + body_len > s->len)
		return damaged(place);
	return segment_zero(s, (uint32_t)at, (uint32_t)body_len);
}

/* ---- from record to record -------------------------------------------------------------------------------- */

struct journal_place journal_first(const struct journal *j)
{
	return (struct journal_place){j->count > 0 ? j->segment[j->released]->number : 0, 0};
}

struct journal_place journal_last(const struct journal *j)
{
	return (struct journal_place){j->count > 0 ? current(j)->number : 0, j->since};
}

dske_rc journal_next(struct journal *j, struct journal_place *place, struct journal_record *out)
{
	struct segment *s = journal_segment(j, place->segment);
	const uint8_t *bytes;
	struct record r;

	if (!s || (s == current(j) && place->at >= j->since))
		return rc_make(DSKE_RC_NOT_FOUND);
	TRY(journal_window(j, s, *place, sizeof r, &bytes));
	if (!bytes)
		return damaged(*place);
	memcpy(&r, bytes, sizeof r);
	if (!record_is_plausible(&r, place->at, s->len))
		return damaged(*place);
	TRY(journal_window(j, s, *place, journal_len(r.head_len, 0), &bytes));
	if (!bytes || r.code != record_code(&j->key, *place, &r, bytes + sizeof r))
		return damaged(*place);
	*out = (struct journal_record){.type = r.type, .place = *place, .head = bytes + sizeof r, .head_len = r.head_len,
				       .body_len = r.body_len};
	place->at += journal_len(r.head_len, r.body_len);
	if (r.type != JOURNAL_END)
		return DSKE_OK;
	*place = (struct journal_place){place->segment + 1, 0};
	return rc_make(DSKE_RC_NOT_FOUND);
}

uint64_t journal_disk(const struct journal *j)
{
	uint64_t bytes = 0;

	for (size_t i = j->released; i < j->count; i++)
		bytes += j->segment[i]->len;
	return bytes;
}

size_t journal_segments(const struct journal *j)
{
	return j->count - j->released;
}

void journal_window_drop(struct journal *j)
{
	j->window_len = 0;
}

/* Reads ahead: records are small for the most part. */
dske_rc journal_window(struct journal *j, const struct segment *s, struct journal_place place, size_t len, const uint8_t **bytes)
{
	size_t skip = place.at - j->window_place.at, want = len > 64u << 10 ? len : 64u << 10;

	*bytes = NULL;
	if (place.at > s->len || len > s->len - place.at)
		return DSKE_OK;
	if (place.segment == j->window_place.segment && place.at >= j->window_place.at && j->window_len >= len &&
	    skip <= j->window_len - len) {
		*bytes = j->window + skip;
		return DSKE_OK;
	}
	want = want < s->len - place.at ? want : s->len - place.at;
	if (want > j->window_cap) {
		uint8_t *more = realloc(j->window, want);

		if (!more)
			return rc_make(DSKE_RC_NOMEM);
		j->window = more;
		j->window_cap = want;
	}
	j->window_len = 0;
	TRY(file_pread(s->fd.n, j->window, want, place.at));
	j->window_place = place;
	j->window_len = want;
	*bytes = j->window;
	return DSKE_OK;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->count; i++)
		segment_free(j->segment[i]);
	for (size_t i = 0; i < j->spares; i++)
		segment_free(j->spare[i]);
	free(j->segment);
	free(j->spare);
	free(j->pending);
	free(j->window);
	mem_wipe(&j->key, sizeof j->key);
	free(j);
}
