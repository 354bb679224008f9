/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/folder.h - a table's folder while it is made: under the name ".new-ID" until it is complete and
 * durable, then renamed.  What an interrupted making left behind can be resumed where it has the file
 * `making` (pskm/unfinished.h); else the next making of the same table removes it.
 */
#ifndef DSKE_PSKM_FOLDER_H
#define DSKE_PSKM_FOLDER_H

#include "base/file.h"
#include "base/id.h"
#include "base/rc.h"
#include "pskm/cover.h"
#include "pskm/ledger.h"

struct folder {
	struct path temporary, final;
	struct fd lock; /* of the folder itself: one maker at a time */
	bool open;      /* to be removed by folder_drop */
};

/* Is there no table of that ID yet?  Errors: EXISTS, TOOBIG. */
dske_rc folder_check_free(const char *tables_dir, const struct id *table);

/* Makes tables_dir too where it is missing.  Errors: EXISTS (the table is there), BUSY (being made by
 * another process), DENIED, IO. */
dske_rc folder_begin(struct folder *f, const char *tables_dir, const struct id *table);

/* The same for a making that was interrupted: nothing is removed.  Errors: NOT_FOUND, EXISTS, BUSY, IO. */
dske_rc folder_resume(struct folder *f, const char *tables_dir, const struct id *table);

/* folder_drop leaves it as it is, to be resumed. */
void folder_keep(struct folder *f);

/* Creates the files of the bytes, under this key (NULL or empty: none).  Errors: as cover_create. */
dske_rc folder_create_cover(const struct folder *f, struct cover *c, const struct pskm_header *h,
			    const struct secret *table_key);

/* After cover_sync: writes header and first ledger, and gives the folder its name, durably.
 * Errors: EXISTS, SYNC, IO. */
dske_rc folder_finish(struct folder *f, const struct pskm_header *h, enum side side);

/* Removes the folder unless it was finished. */
void folder_drop(struct folder *f);

#endif
