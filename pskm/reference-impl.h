/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/reference-impl.h - the walk over the chunks of a reference, for its makers and importers in this folder. */
#ifndef DSKE_PSKM_REFERENCE_IMPL_H
#define DSKE_PSKM_REFERENCE_IMPL_H

#include "base/file.h"
#include "core/tag.h"
#include "pskm/cover.h"
#include "pskm/folder.h"
#include "pskm/format.h"
#include "pskm/reference.h"

struct reference_head {
	uint8_t bytes[REFERENCE_HEAD_MAX];
	size_t len;
	struct reference r;
};

/* Errors: FORMAT (header). */
dske_rc reference_head_write(struct reference_head *head, const struct reference *r);
/* From memory, len bytes and no more; or from the front of a file.  Errors: FORMAT, CORRUPT, IO. */
dske_rc reference_head_parse(struct reference_head *head, const void *bytes, size_t len);
dske_rc reference_head_read(struct reference_head *head, int fd);

/* Opens a file: head and length must be right.  Errors: FORMAT, CORRUPT, as file_open. */
dske_rc reference_open(struct reference_head *head, struct fd *file, const char *path);

/* ---- places --------------------------------------------------------------------------------------- */

uint64_t reference_chunks(const struct reference *r);
size_t reference_chunk_len(const struct reference *r, uint64_t chunk);
/* The first key whose first byte lies in that chunk or behind; of the chunk behind the last one: how many there are. */
uint64_t reference_first_key(const struct reference *r, uint64_t chunk);
/* Where that chunk's IDs stand, and behind them its tag; of the chunk behind the last one: the head's tag. */
uint64_t reference_place(const struct reference_head *head, uint64_t chunk);
/* The IDs of keys [first, first + number), out of the file.  Errors: CORRUPT, IO. */
dske_rc reference_ids(const struct reference_head *head, int fd, uint64_t first, size_t number, struct id *out);

/* ---- the walk ------------------------------------------------------------------------------------- */

/* Bytes of the table that is to be. */
typedef dske_rc reference_look(void *context, uint64_t from, void *out, size_t len);

struct reference_walk {
	struct reference_head head;
	const struct reference_side *side;
	struct pskm_source bytes;
	struct fd file;
	struct cover cover;
	struct folder folder;
	struct secret message; /* a chunk's bytes, its IDs, its number */
	const char *made;      /* file to be removed by reference_walk_drop, or NULL */
	reference_look *read; /* while tags are checked before there is a table: its bytes; else NULL */
	void *read_context;
};
#define REFERENCE_WALK_EMPTY {.file = FD_NONE, .cover = {.bytes = FD_NONE, .salts = FD_NONE}, .folder = {.lock = FD_NONE}}

/* Wipes and closes; removes what was not finished. */
void reference_walk_drop(struct reference_walk *w);

/* Maker: begins folder and file for the reference r, whose header is complete.  Errors: EXISTS, FORMAT, IO. */
dske_rc reference_make_begin(struct reference_walk *w, const struct reference *r);

/* Maker: all chunks and the end, out of w->bytes.  next_ids gives the IDs of the next keys (NULL: there are none).
 * Errors: CANCELLED, IO, SYNC, EXISTS, those of the source. */
typedef void reference_next_ids(void *context, size_t number, struct id *out);
dske_rc reference_make_all(struct reference_walk *w, reference_next_ids *next_ids, void *context);

/* Client: opens the file, which must be of that kind and for us.  Errors: STATE, DENIED, EXISTS, FORMAT, CORRUPT, IO. */
dske_rc reference_import_begin(struct reference_walk *w, enum reference_kind kind, const struct id *self);

/* Client: begins the folder, with as much room as the file says, so whoever knows better checks that first.
 * Errors: EXISTS, IO, SYNC, NOMEM. */
dske_rc reference_import_prepare(struct reference_walk *w);

/* Client: all chunks out of w->bytes, each held against its tag.  Errors: CORRUPT, and as reference_make_all. */
dske_rc reference_import_chunks(struct reference_walk *w);

/* Client, where the bytes can be read beforehand: the same checks, and nothing is written.  Errors: as
 * reference_import_chunks, and those of `read`. */
dske_rc reference_import_check(struct reference_walk *w, reference_look *read, void *context);

/* Client: then makes it a table.  Errors: IO, SYNC. */
dske_rc reference_import_finish(struct reference_walk *w);

#endif
