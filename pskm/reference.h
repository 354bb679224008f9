/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/reference.h - a PSKM that carries no byte of its table, but says where both ends have them already:
 *
 *   keys   of a QKD link, named by their IDs (DSKE 2.1: "via QKD links, when these are available")
 *   rest   what nobody used of another table that both ends have
 *
 * The file is no secret and needs no passphrase.  Its head and each chunk carry a tag h', whose keys are bytes of
 * the very table (container region), and which therefore mean nothing before both ends have them: then a file
 * that was changed, cut or mixed from two, and ends that have different bytes, are found.  Each key masks one tag
 * (core/tag.h: d), so the tags, though everybody may read them, say nothing about the table.  pskm/format.h has
 * the bytes.
 */
#ifndef DSKE_PSKM_REFERENCE_H
#define DSKE_PSKM_REFERENCE_H

#include <stdint.h>

#include "base/id.h"
#include "base/rc.h"
#include "base/secret.h"
#include "core/ranges.h"
#include "pskm/header.h"
#include "pskm/keystream.h"
#include "pskm/source.h"

enum reference_kind { REFERENCE_KEYS = 1, REFERENCE_REST = 2 };

/* What the file says of itself; nothing in it is proven. */
struct reference {
	enum reference_kind kind;
	struct pskm_header header;
	uint32_t key_len;         /* keys: bytes of each */
	uint64_t keys;            /* keys: how many */
	struct id source;         /* rest: the other table, and its bytes, up and down, in this order */
	struct range up, down;
};

/* One side's part. */
struct reference_side {
	const char *tables_dir;
	const char *path;               /* of the file; 0600, must not exist when made */
	const struct secret *table_key; /* of this side, for its copy; NULL or empty: none */
	pskm_progress *progress;        /* or NULL */
	void *context;                  /* of progress */
};

/* Is the file of this kind, going by its first bytes?  Errors: as file_open. */
dske_rc reference_recognise(bool *is, const char *path);

/* Reads the head, and checks everything that can be checked without the table's bytes: head and length.
 * Errors: FORMAT, CORRUPT, as file_open. */
dske_rc reference_read(struct reference *r, const char *path);

/*
 * Hub: makes a table of h->layout.len bytes out of fresh keys: the hub's folder (durable, renamed into place last)
 * and the file.  h is complete but for table and layout regions, which are filled in.  Nothing is left behind when
 * it fails, and what the link gave is lost.
 * Errors: ARGS (length, too many keys), FORMAT, EXISTS, IO, SYNC, CANCELLED, those of keystream_fill.
 */
dske_rc reference_make_keys(struct pskm_header *h, const struct reference_side *side, const struct key_link *link);

/*
 * Client: fetches the same keys, checks all tags, and makes its folder.  The link hands out each key once: after a
 * failure that sets *begun, this file is of no use to anybody any more.
 * Errors: EXISTS (imported already), DENIED (another client's), CORRUPT (file or bytes are not the hub's), FORMAT,
 * STATE (the file is of the other kind), ARGS (the link's keys have another size), IO, SYNC, CANCELLED, those of
 * keystream_fill.
 */
dske_rc reference_import_keys(struct pskm_header *h, const struct reference_side *side, const struct id *self,
			      const struct key_link *link, bool *begun);

/*
 * Hub: makes a table out of what nobody used of the one in source_dir, which no hub may have open.  The source is
 * MOVED before its first byte is read; whatever happens then, it gives no byte any more.  h as above, but for
 * its length, which follows.  *taken: was anything taken?
 * Errors: as reference_make_keys; BUSY (a hub has the source open), EXHAUSTED (too little is left of it), DENIED (it is
 * another client's or hub's), and those of table_open.
 */
dske_rc reference_make_rest(struct pskm_header *h, const struct reference_side *side, const char *source_dir, bool *taken);

/*
 * Client: the same out of its own copy of the source, which is in its tables_dir.  *taken as above: nothing is, before
 * all tags of the file are found to be those of the bytes.
 * Errors: EXISTS, DENIED, CORRUPT, FORMAT, STATE, NOT_FOUND (no such source), USED (bytes of it were used here:
 * nothing is taken), IO, SYNC, CANCELLED, and those of table_open.
 */
dske_rc reference_import_rest(struct pskm_header *h, const struct reference_side *side, const struct id *self, bool *taken);

#endif
