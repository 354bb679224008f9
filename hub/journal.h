/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/journal.h - records on disk, one behind the other: what the mailbox is made of.  doc/mailbox.md has the bytes.
 *
 * A record is a head, which is whole and authentic or not there, and a body, which its owner encrypts and authenticates.
 * A body can be erased where it lies; a head cannot.  What is added lies in memory until journal_sync: that is one write
 * and one fdatasync, however many records there are, unless a segment ends in between.
 *
 *   1. A segment is written from its beginning to its end, and is synced whole before the next one is begun.
 *   2. A record says where in the segment its batch begins: all before that was synced when the record was written.
 *   3. So what does not verify is the torn end of the last batch, or it is damage: damage if anything behind it says
 *      that it was synced, or if there is a later segment.
 *   4. Each record bears the code of the one before it.  What an earlier batch left behind a torn end follows nothing.
 *   5. A segment's place on disk is zeros, allocated and synced, before it is begun.  Syncs write no metadata.
 *   6. Segments go in the order in which they came.  Which is the first one is in the journal before the file is reused.
 */
#ifndef DSKE_HUB_JOURNAL_H
#define DSKE_HUB_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "hub/siphash.h"

#define JOURNAL_HEAD_MAX (32u << 10)
#define JOURNAL_BODY_MAX ((1u << 20) + 256)
#define JOURNAL_SEGMENT_LEN (UINT32_C(8) << 20) /* of a small journal; a 32nd of a large one ... */
#define JOURNAL_SEGMENT_MAX (UINT32_C(256) << 20) /* ... up to this */

struct journal;

/* Where a record begins.  Segments are numbered from 1. */
struct journal_place {
	uint32_t segment, at;
};

/* Known at the start of each segment, to whoever reads on from there. */
struct journal_banner {
	int64_t clock_s, last_id;
};

/* Types below 16 are the journal's own; of those the owner sees JOURNAL_SEGMENT, whose head is a banner. */
enum { JOURNAL_SEGMENT = 1, JOURNAL_END = 2, JOURNAL_FIRST = 3, JOURNAL_TYPES = 16 };

struct journal_record {
	unsigned type;
	struct journal_place place;
	const uint8_t *head; /* borrowed */
	uint32_t head_len, body_len;
};

/* Who reads: each record once, in order.  sound: is the body whole?  Asked of the last batch alone, before any visit; CORRUPT: it
 * is not; another failure is the opening's. */
struct journal_reader {
	void *context;
	dske_rc (*visit)(void *context, const struct journal_record *r);
	dske_rc (*sound)(void *context, const struct journal_record *r, const uint8_t *body);
};

/* The folder exists.  segment_len: of new files; 0: by the journal's length.  Cuts a torn end.  Errors: CORRUPT, IO, NOMEM, SYNC, and what
 * visit returns. */
struct journal_setting {
	const char *folder;
	struct siphash_key key;
	uint32_t segment_len;
};
dske_rc journal_open(struct journal **out, const struct journal_setting *setting, const struct journal_reader *reader);
void journal_close(struct journal *j); /* what was not synced is lost; safe on NULL */

/* Room for a record; the caller fills in head and body, and then ends it.  What is borrowed dies with the next begin.
 * After any failure of this, of journal_sync or of journal_tend the journal is of no use any more.
 * Errors: IO, SYNC, NOMEM. */
struct journal_room {
	uint8_t *head, *body;
	struct journal_place place;
};
dske_rc journal_begin(struct journal *j, unsigned type, size_t head_len, size_t body_len, struct journal_room *room);
void journal_end(struct journal *j);

/* Makes all records durable.  banner: as of now.  Errors: IO, SYNC. */
dske_rc journal_sync(struct journal *j);
void journal_set_banner(struct journal *j, const struct journal_banner *banner);

/* Bytes that a record takes. */
uint32_t journal_len(size_t head_len, size_t body_len);

/* The record at this place, or its head alone, into out[journal_len(...)], where r's head points then; verified.
 * Errors: CORRUPT, IO. */
dske_rc journal_read(struct journal *j, struct journal_place place, size_t head_len, size_t body_len, uint8_t *out,
		     struct journal_record *r);
const uint8_t *journal_body(const struct journal_record *r); /* behind a head that was read together with it */

/* Only the body. */
dske_rc journal_read_body(struct journal *j, struct journal_place place, size_t head_len, size_t body_len, uint8_t *out);

/* Zeros in place of a body.  Only of a record of an older batch than the last one that was synced.  Errors: IO. */
bool journal_is_settled(const struct journal *j, struct journal_place place);
dske_rc journal_erase(struct journal *j, struct journal_place place, size_t head_len, size_t body_len);

/* ---- from record to record, in what was synced --------------------------------------------------------- */

struct journal_place journal_first(const struct journal *j); /* of the first segment ... */
struct journal_place journal_last(const struct journal *j);  /* ... and where the last batch ends */

/* The record at *place, which moves on; its head is in memory of the journal's and dies with the next call of anything.
 * NOT_FOUND: no more in this segment, and *place is the start of the next.  Errors: CORRUPT, IO. */
dske_rc journal_next(struct journal *j, struct journal_place *place, struct journal_record *r);

/* ---- room -------------------------------------------------------------------------------------------------- */

uint64_t journal_disk(const struct journal *j); /* bytes of the segments that are in use */
size_t journal_segments(const struct journal *j);

/* Nothing in the first segment is needed any more: says so in a record, and once that is synced the segment is made ready
 * to be used again.  Errors: as journal_begin. */
dske_rc journal_release(struct journal *j);

/* Prepares room for what comes: writes about so many bytes of zeros at most.  Errors: IO, SYNC. */
dske_rc journal_tend(struct journal *j, uint64_t bytes);

#endif
