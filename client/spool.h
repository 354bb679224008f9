/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/spool.h - shares that are too long for memory, until it is known which of them give a key.
 *
 * Each lies in a file that never has a name (O_TMPFILE), so that nothing is left of it whatever becomes of the process,
 * in blocks (core/candidate.h) under AES-256-GCM with a key that is drawn here and is in memory alone.  The cipher is
 * a computational step: it protects what a file system may leave on the disk, and who reads the memory of this process
 * reads the tables too.
 */
#ifndef DSKE_CLIENT_SPOOL_H
#define DSKE_CLIENT_SPOOL_H

#include "base/file.h"
#include "base/rc.h"
#include "base/secret.h"
#include "core/candidate.h"

struct spool {
	struct path folder;
	struct secret key;  /* owned */
	struct fd *file;    /* owned; one a share, by its number; -1 where it was forgotten */
	size_t count;
	struct secret room; /* owned; for one block as it lies in the file */
	bool is_full;       /* the last write found no room, or the quota at its end */
};

/* Errors: NOMEM, IO, TOOBIG. */
dske_rc spool_init(struct spool *s, const char *folder);
void spool_drop(struct spool *s);

/* Room for another share; *number has not been used before.  Errors: UNSUPPORTED (the file system has no files without
 * names), as file_open, NOMEM. */
dske_rc spool_new(struct spool *s, size_t *number);

/* Gives its room back. */
void spool_forget(struct spool *s, size_t number);

/* What a share with these terms takes there, and what can be had there now, in bytes; UINT64_MAX where that is not known.
 * Nothing is reserved: a length is one hub's word, and what others write there comes between. */
uint64_t spool_need(const struct terms *t);
uint64_t spool_left(const struct spool *s);

/* Each block is written once, or again as it was when there was no room.  len <= SHARE_BLOCK_MAX.  Errors: IO, NOMEM. */
dske_rc spool_write(struct spool *s, size_t number, size_t block, const uint8_t *bytes, size_t len);

/* len: as it was written.  Errors: IO, CORRUPT (it is not what was written), NOMEM. */
dske_rc spool_read(struct spool *s, size_t number, size_t block, uint8_t *out, size_t len);

#endif
