/* SPDX-License-Identifier: Apache-2.0 */
/* hub/journal-impl.h - what the files of the journal share; for nobody else. */
#ifndef DSKE_HUB_JOURNAL_IMPL_H
#define DSKE_HUB_JOURNAL_IMPL_H

#include "base/file.h"
#include "hub/journal.h"

/* Before each head; numbers as they lie in memory: the file does not leave the machine. */
struct record {
	uint64_t code;  /* SipHash of the segment's number, the place in it, what follows here, and the head */
	uint64_t prev;  /* the code of the record before it */
	uint32_t since; /* where its batch begins in this segment */
	uint32_t head_len, body_len;
	uint32_t type;
};

/* The head of JOURNAL_SEGMENT and of JOURNAL_FIRST. */
struct segment_head {
	struct journal_banner banner;
	uint32_t number, first; /* the first segment that is needed */
};

#define END_LEN ((uint32_t)sizeof(struct record))
#define BLOCK 4096u               /* of a file that is being cleared, the last to become zeros */
#define PENDING_MAX ((size_t)1 << 20) /* written before the sync */

/* A file of the folder. */
struct segment {
	struct fd fd;
	uint32_t file;   /* its name */
	uint32_t number; /* 0: a spare */
	uint32_t len;
	uint32_t cleared; /* of a spare: it is zeros up to here, from BLOCK on; len: ready */
	uint64_t code;    /* of its last record */
};

struct journal {
	struct path folder;
	struct siphash_key key;
	uint32_t segment_len;
	struct journal_banner banner;

	struct segment **segment; /* owned; in use, in order */
	size_t count, cap;
	struct segment **spare;   /* owned */
	size_t spares, spares_cap;
	uint32_t next_file;
	uint64_t credit;          /* bytes that may be cleared */
	uint32_t first;           /* as the journal says */
	size_t released;          /* segments at the front that wait for a sync */

	uint64_t code;  /* of the last record in the current segment, which is the last of `segment` ... */
	uint32_t end;   /* ... and where the next one goes */
	uint32_t since; /* where the open batch begins */
	bool ended;     /* its last record is JOURNAL_END */
	struct journal_place settled; /* where the last batch that was synced began */

	uint8_t *pending; /* owned; what lies in front of `end` and was not written */
	size_t pending_len, pending_cap;
	struct record *open; /* of journal_begin */

	uint8_t *window; /* owned; what was read of a segment */
	struct journal_place window_place;
	size_t window_len, window_cap;
};

uint64_t record_code(const struct siphash_key *key, struct journal_place place, const struct record *r, const uint8_t *head);

/* May such a record be there?  Nothing of it is authentic. */
bool record_is_plausible(const struct record *r, uint32_t at, uint32_t segment_len);

struct segment *journal_segment(const struct journal *j, uint32_t number); /* NULL: there is none */

/* At least len bytes of a segment at a place, in the window, until the next call; NULL in *bytes where it is shorter.
 * Errors: IO, NOMEM. */
dske_rc journal_window(struct journal *j, const struct segment *s, struct journal_place place, size_t len, const uint8_t **bytes);
void journal_window_drop(struct journal *j);

dske_rc segment_open(struct segment **out, struct journal *j, uint32_t file, int flags);
/* Zeros that stay allocated. */
dske_rc segment_zero(struct segment *s, uint32_t from, uint32_t len);
void segment_free(struct segment *s);
dske_rc segment_list_add(struct segment ***list, size_t *count, size_t *cap, struct segment *s);

/* Sees to it that there is a spare of zeros.  Errors: IO, SYNC, NOMEM. */
dske_rc journal_need_spare(struct journal *j);

/* A spare of zeros becomes the last segment.  Errors: IO, SYNC, NOMEM. */
dske_rc journal_take_spare(struct journal *j);

/* Segments that were released become spares. */
dske_rc journal_put_aside(struct journal *j);

#endif
