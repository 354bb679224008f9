/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/journal-open.c - the journal as it was left.
 *
 * Heads of segments say which files are segments, and in what order; the last one, which of them are needed.  Segments
 * before the last were synced whole, so each of their records has to verify.  In the last one, the records end where one
 * does not verify, or where the body of one of the last batch is not whole.
 */
#include "config.h"

#include "hub/journal-impl.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/listing.h"

/* ---- the folder -------------------------------------------------------------------------------------------- */

/* The record at a place, if there is one that verifies; else *there is false. */
static dske_rc record_at(struct journal *j, const struct segment *s, struct journal_place place, struct record *r,
			 struct journal_record *out, bool *there)
{
	const uint8_t *bytes;

	*there = false;
	TRY(journal_window(j, s, place, sizeof *r, &bytes));
	if (!bytes)
		return DSKE_OK;
	memcpy(r, bytes, sizeof *r);
	if (!record_is_plausible(r, place.at, s->len))
		return DSKE_OK;
	TRY(journal_window(j, s, place, journal_len(r->head_len, 0), &bytes));
	if (!bytes)
		return DSKE_OK;
	*there = r->code == record_code(&j->key, place, r, bytes + sizeof *r);
	*out = (struct journal_record){.type = r->type, .place = place, .head = bytes + sizeof *r, .head_len = r->head_len,
				       .body_len = r->body_len};
	return DSKE_OK;
}

/* Which segment does the file say that it is?  0: none. */
static dske_rc number_read(struct journal *j, struct segment *s)
{
	struct segment_head head;
	uint8_t first[sizeof(struct record) + sizeof head];
	struct record r;

	s->number = 0;
	if (s->len < sizeof first)
		return DSKE_OK;
	TRY(file_pread(s->fd.n, first, sizeof first, 0));
	memcpy(&r, first, sizeof r);
	memcpy(&head, first + sizeof r, sizeof head);
	if (r.type == JOURNAL_SEGMENT && r.head_len == sizeof head && r.body_len == 0 && head.number != 0 &&
	    r.code == record_code(&j->key, (struct journal_place){head.number, 0}, &r, first + sizeof r))
		s->number = head.number;
	return DSKE_OK;
}

static dske_rc is_blank(const struct segment *s, uint32_t from, uint32_t len, bool *blank)
{
	uint8_t piece[BLOCK];

	*blank = true;
	for (size_t step; len > 0 && *blank; from += (uint32_t)step, len -= (uint32_t)step) {
		step = len < sizeof piece ? len : sizeof piece;
		TRY(file_pread(s->fd.n, piece, step, from));
		for (size_t i = 0; i < step; i++)
			*blank = *blank && piece[i] == 0;
	}
	return DSKE_OK;
}

/* A file that was never finished is removed; a spare that is zeros is ready.  All of it is looked at: of the batch that began
 * a segment a crash may have kept any page but the first. */
static dske_rc spare_found(struct journal *j, struct segment *s, bool *keep)
{
	bool blank;

	TRY(is_blank(s, 0, s->len, &blank));
	*keep = !blank || s->len >= (j->segment_len > 0 ? j->segment_len : JOURNAL_SEGMENT_LEN);
	s->cleared = blank ? s->len : BLOCK;
	return DSKE_OK;
}

static dske_rc file_found(struct journal *j, uint32_t file)
{
	struct segment *s;
	bool keep = true;

	TRY(segment_open(&s, j, file, 0));
	j->next_file = file >= j->next_file ? file + 1 : j->next_file;

	dske_rc rc = number_read(j, s);

	if (rc_ok(rc) && s->number == 0)
		rc = spare_found(j, s, &keep);
	if (rc_ok(rc) && keep)
		rc = s->number != 0 ? segment_list_add(&j->segment, &j->count, &j->cap, s)
				    : segment_list_add(&j->spare, &j->spares, &j->spares_cap, s);
	if (rc_ok(rc) && keep)
		return rc;
	segment_free(s);

	struct path p;

	if (rc_ok(rc))
		rc = path_format(&p, "%s/segment-%06u", j->folder.s, file);
	if (rc_ok(rc) && unlink(p.s) != 0)
		rc = FAIL(IO, "cannot remove %s: %m", p.s);
	return rc;
}

static dske_rc folder_read(struct journal *j)
{
	AUTO(listing) l = LISTING_NONE;
	const char *name;
	unsigned file;
	int end;

	TRY(listing_open(&l, j->folder.s));
	for (;;) {
		TRY(listing_next(&name, &l));
		if (!name)
			return DSKE_OK;
		end = 0;
		if (sscanf(name, "segment-%6u%n", &file, &end) == 1 && name[end] == '\0' && end == 14)
			TRY(file_found(j, file));
	}
}

/* ---- which segments ------------------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
	const struct segment *const *x = a, *const *y = b;

	return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

/* Does anything from a place on say that what lies at `from` was synced?  *last: of what is not zero. */
static dske_rc later_batch(struct journal *j, const struct segment *s, struct journal_place from, bool *later)
{
	struct journal_record found;
	struct journal_place place = from;
	struct record r;
	bool there;

	*later = false;
	for (place.at += 8; place.at < s->len && !*later; place.at += 8) {
		TRY(record_at(j, s, place, &r, &found, &there));
		*later = there && r.since > from.at;
	}
	journal_window_drop(j);
	return DSKE_OK;
}

/* Spares that were the next segment, and are damaged where they said so. */
static dske_rc spares_check(struct journal *j)
{
	struct journal_place start = {j->count > 0 ? j->segment[j->count - 1]->number + 1 : 1, 0};
	bool later, blank;

	for (size_t i = 0; i < j->spares; i++) {
		struct segment *s = j->spare[i];

		if (s->cleared >= s->len)
			continue;
		TRY(later_batch(j, s, start, &later));
		if (later)
			return FAIL(CORRUPT, "the mailbox is damaged: segment %u in %s has lost its head", start.segment, j->folder.s);
		TRY(is_blank(s, 0, s->len < BLOCK ? s->len : BLOCK, &blank));
		if (j->count == 0 && !blank)
			return FAIL(CORRUPT, "no segment of the mailbox in %s verifies under store.key: it is another's key, or the "
				    "mailbox is damaged", j->folder.s);
	}
	return DSKE_OK;
}

/* Are the bytes of a record of the last batch all there? */
static dske_rc body_check(struct journal *j, const struct segment *s, const struct journal_reader *reader,
			  const struct journal_record *r, bool *sound)
{
	struct journal_record whole = *r;
	const uint8_t *bytes;

	*sound = true;
	if (r->body_len == 0)
		return DSKE_OK;
	TRY(journal_window(j, s, r->place, journal_len(r->head_len, r->body_len), &bytes));
	*sound = false;
	if (!bytes)
		return DSKE_OK;
	whole.head = bytes + sizeof(struct record);

	dske_rc rc = reader->sound(reader->context, &whole, journal_body(&whole));

	*sound = rc_ok(rc);
	return rc_is(rc, DSKE_RC_CORRUPT) ? DSKE_OK : rc;
}

/* Goes through the last segment: where its last batch begins; then, with a reader, where the records end, and which segments
 * they say are needed.  A record behind a body that is not whole says nothing: what it goes by may be what is torn. */
static dske_rc last_read(struct journal *j, const struct journal_reader *reader)
{
	struct segment *s = j->segment[j->count - 1];
	struct journal_place place = {s->number, 0};
	struct segment_head head;
	struct journal_record found;
	struct record r;
	bool there;

	for (uint64_t prev = 0;; place.at += journal_len(r.head_len, r.body_len), prev = r.code) {
		TRY(record_at(j, s, place, &r, &found, &there));
		there = there && (place.at == 0 || r.prev == prev);
		if (there && reader && place.at >= j->since)
			TRY(body_check(j, s, reader, &found, &there));
		j->end = place.at;
		if (!there)
			return DSKE_OK;
		if (!reader) {
			j->since = r.since;
		} else if ((r.type == JOURNAL_SEGMENT || r.type == JOURNAL_FIRST) && r.head_len == sizeof head) {
			memcpy(&head, found.head, sizeof head);
			j->first = head.first;
		}
	}
}

static dske_rc order(struct journal *j, const struct journal_reader *reader)
{
	qsort(j->segment, j->count, sizeof *j->segment, by_number);
	TRY(last_read(j, NULL));
	TRY(last_read(j, reader));
	while (j->count > 1 && j->segment[0]->number < j->first) {
		j->released = 1;
		TRY(journal_put_aside(j));
	}
	for (size_t i = 0; i < j->count; i++)
		if (j->segment[i]->number != j->first + i)
			return FAIL(CORRUPT, "the mailbox is damaged: segment %u is not in %s", (unsigned)(j->first + i),
				    j->folder.s);
	return DSKE_OK;
}

/* ---- the records ----------------------------------------------------------------------------------------------- */

static dske_rc damaged(const struct journal *j, const struct segment *s, uint32_t at)
{
	return FAIL(CORRUPT, "the mailbox is damaged: %s/segment-%06u, offset %u, does not verify", j->folder.s, s->file, at);
}

static bool is_shown(const struct journal_record *r)
{
	return r->type >= JOURNAL_TYPES || r->type == JOURNAL_SEGMENT;
}

/* Shows the records of a segment: of the last one up to where they end, of another all. */
static dske_rc segment_read(struct journal *j, struct segment *s, const struct journal_reader *reader, bool is_last)
{
	struct journal_place place = {s->number, 0};
	struct journal_record found = {0};
	struct record r = {0};
	bool there;

	for (;; place.at += journal_len(r.head_len, r.body_len)) {
		if (is_last && place.at == j->end)
			return DSKE_OK;
		TRY(record_at(j, s, place, &r, &found, &there));
		if (!there || (r.prev != j->code && (place.at > 0 || s != j->segment[0])))
			return damaged(j, s, place.at);
		if (is_shown(&found))
			TRY(reader->visit(reader->context, &found));
		j->code = s->code = r.code;
		j->ended = r.type == JOURNAL_END;
		if (j->ended && !is_last)
			return DSKE_OK;
	}
}

/* What lies behind the end was never promised to anybody, and goes. */
static dske_rc end_settle(struct journal *j)
{
	struct segment *s = j->segment[j->count - 1];
	bool later, blank;

	TRY(later_batch(j, s, (struct journal_place){s->number, j->end}, &later));
	if (later)
		return damaged(j, s, j->end);
	TRY(is_blank(s, j->end, s->len - j->end, &blank));
	if (!blank)
		TRY(segment_zero(s, j->end, s->len - j->end));
	TRY(file_sync(s->fd.n)); /* a process that was killed may have left it to the kernel */
	j->since = j->end;
	j->settled = (struct journal_place){s->number, j->end};
	return DSKE_OK;
}

static dske_rc read_all(struct journal *j, const struct journal_reader *reader)
{
	TRY(folder_read(j));
	if (j->count > 0)
		TRY(order(j, reader));
	TRY(spares_check(j));
	for (size_t i = 0; i < j->count; i++)
		TRY(segment_read(j, j->segment[i], reader, i + 1 == j->count));
	return j->count > 0 ? end_settle(j) : journal_need_spare(j);
}

dske_rc journal_open(struct journal **out, const struct journal_setting *setting, const struct journal_reader *reader)
{
	struct journal *j = calloc(1, sizeof *j);

	*out = NULL;
	if (!j)
		return rc_make(DSKE_RC_NOMEM);
	j->key = setting->key;
	j->segment_len = setting->segment_len;
	j->next_file = 1;

	dske_rc rc = path_format(&j->folder, "%s", setting->folder);

	if (rc_ok(rc))
		rc = read_all(j, reader);
	if (rc_ok(rc))
		*out = j;
	else
		journal_close(j);
	return rc;
}
