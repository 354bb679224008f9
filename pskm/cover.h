/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/cover.h - the bytes of one table as they lie on disk: encrypted in chunks, each under a key that
 * can be destroyed by itself (pskm/format.h, files `table` and `keys`).
 *
 *     key of chunk i = HMAC-SHA256(K, table ID || i in 8 bytes || salt i)
 *     stored = plain XOR AES-256-CTR(key of its chunk, counter from the chunk's first byte)
 *
 * K is the table key of this side (pskm/table-key.h), or 32 zero bytes where it has none: then the cover
 * hides nothing from whoever has the files, but a salt that is destroyed still takes its chunk with it,
 * wherever old blocks of the table may survive.  Erased bytes are zero as they are stored, and so are
 * destroyed salts.  This is a computational step, and what it protects is a medium at rest; on the way
 * between client and hub the table is what it was.
 *
 * Not thread-safe: whoever holds the table (pskm/table-impl.h) has its cover.
 */
#ifndef DSKE_PSKM_COVER_H
#define DSKE_PSKM_COVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/id.h"
#include "base/rc.h"
#include "base/secret.h"
#include "pskm/format.h"
#include "pskm/table.h"

#define COVER_KEYS_KEPT 4 /* derived keys: as many windows are read from by turns at most times */

struct cover {
	struct id table;
	uint64_t len;                     /* bytes of the table */
	struct fd bytes, salts;           /* files `table` and `keys`; FD_NONE while closed */
	bool is_known;                    /* has `front` been read? */
	uint8_t front[KEYS_AT_ZERO];      /* of the head of `keys` */
	struct secret key;                /* owned; K; empty: not known */
	struct cover_chunk {
		uint64_t number;
		struct secret key;        /* owned; empty: none */
	} kept[COVER_KEYS_KEPT];
	size_t next;                      /* of kept, to be replaced */
	uint64_t zeroed, zeroed_end;      /* a range whose blocks are still to be given back; empty: none */
};

/* Of a table that has no files open yet; then cover_create or cover_open. */
void cover_init(struct cover *c, const struct id *table, uint64_t len);

/* Makes both files in dir: `table`, all hole, and `keys` with fresh salts.  key NULL or empty: no outer key.
 * Not synced.  Errors: as file_open; IO. */
dske_rc cover_create(struct cover *c, const char *dir, const struct secret *key);

/* Opens them, and checks that they are this table's.  Without an outer key the cover is unlocked at once.
 * Errors: as file_open; CORRUPT. */
dske_rc cover_open(struct cover *c, const char *dir);

/* Closes the files and wipes derived keys; what the cover knows otherwise, it keeps. */
void cover_close(struct cover *c);
void cover_drop(struct cover *c);

/* What tells this folder from all others under its name: a digest of what lies in front of `keys` from the making on.
 * After cover_create or cover_open.  Errors: NOMEM. */
dske_rc cover_mark(const struct cover *c, uint8_t mark[TABLE_MARK_LEN]);

/* Copies the key, if it is the one (else nothing changes).  After cover_open.  Errors: KEY (another key, or none),
 * NOMEM. */
dske_rc cover_unlock(struct cover *c, const struct secret *key);

/* Forgets the key; nothing where there is no outer one. */
void cover_relock(struct cover *c);

/* Can bytes be read?  Errors: KEY. */
dske_rc cover_require_key(const struct cover *c);

/* Reads bytes that should be there.  Errors: KEY; IO; CORRUPT (a salt, or 16 stored bytes in a row, are zero:
 * erased), and then out is wiped. */
dske_rc cover_read(struct cover *c, uint64_t at, void *out, size_t len);
dske_rc cover_write(struct cover *c, uint64_t at, const void *bytes, size_t len);

/* Are all of these bytes erased?  Needs no key.  Errors: IO, CORRUPT. */
dske_rc cover_is_erased(const struct cover *c, uint64_t at, size_t len, bool *erased);

/* Overwrites [from, to) with zeros, big ranges are punched out as well, and destroys the salts of all chunks that
 * lie wholly inside.  Not synced.  Errors: IO. */
dske_rc cover_erase(struct cover *c, uint64_t from, uint64_t to);

/* The same for bytes that were just read, and so are not erased yet.  Waits for no disk: a big range's zeros are on
 * their way when this returns, and its blocks are given back with the next one's. */
dske_rc cover_erase_read(struct cover *c, uint64_t from, uint64_t to);

/* The same for the salts alone: quick, however long the range is. */
dske_rc cover_forget(struct cover *c, uint64_t from, uint64_t to);

/* Errors: SYNC. */
dske_rc cover_sync(const struct cover *c);

#endif
