/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/media.h - tables that are used in place on removable media (DSKE 2.1: a PSKM is a portable device).
 *
 *   PLACE/dske-tables/TABLE/    a table's folder with its ledger (pskm/format.h), which travel together; PLACE is what a
 *                               pattern of [client] media matches
 *   STATE/media/TABLE           the header of a table that was accepted
 *   STATE/media/TABLE.mark      what tells its folder from another one with that header (table_mark)
 *
 * Who may plug in a stick decides nothing: of what lies on media only accepted tables are looked at, and what they are
 * is what was accepted.  A table whose medium is away is known by its header all the same, so its hub still counts
 * where more than half of the hubs are asked for.
 */
#ifndef DSKE_CLIENT_MEDIA_H
#define DSKE_CLIENT_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "base/rc.h"
#include "client/config.h"
#include "client/places.h"
#include "pskm/header.h"
#include "pskm/list.h"
#include "pskm/table.h"

/* ---- what was accepted ---------------------------------------------------------------------------- */

/* STATE/media. */
dske_rc accepted_folder(struct path *out, const struct config *c);

/* All of it, by table ID; an entry whose file cannot be read has an rc.  *out is the caller's: free(). */
dske_rc accepted_read(struct table_entry **out, size_t *count, const struct config *c);

/* The table h that lies in this folder of its own.  Durable.  Errors: DENIED (another client's), CORRUPT, as table_open and
 * file_replace. */
dske_rc accepted_add(const struct config *c, const struct pskm_header *h, const char *folder);

/* Is this open table the one that was accepted?  A header is no secret: with it somebody can make a table of bytes that
 * he knows, and then speak for the hub.  Errors: DENIED, as file_read_all. */
dske_rc accepted_check(const struct config *c, const struct table *t);

/* Durable.  Errors: NOT_FOUND, DENIED, SYNC. */
dske_rc accepted_remove(const struct config *c, const struct id *table);

/* ---- where one lies ------------------------------------------------------------------------------- */

struct spot {
	struct path folder;
	uint64_t mount, device, inode; /* another medium at the same path is another spot */
};
bool spot_equal(const struct spot *a, const struct spot *b);

/* Is this table below `tables_dir`?  Nothing in its folder is looked at.  Errors: NOT_FOUND, IO. */
dske_rc spot_stat(struct spot *s, const char *tables_dir, const struct id *table);

/* The same of a folder on a medium.  Errors: also DENIED: someone else could write there. */
dske_rc spot_look(struct spot *s, const char *tables_dir, const struct id *table);

/* Is it the table that was accepted, in plain files?  Whoever made the medium may have made links and pipes, too.
 * Errors: DENIED, CORRUPT, IO. */
dske_rc spot_check(const struct spot *s, const struct pskm_header *accepted);

/* May a folder with tables in it be used, or could someone else write there?  Errors: NOT_FOUND, DENIED, IO. */
dske_rc place_check(const char *folder);

/* ---- what lies there besides ---------------------------------------------------------------------- */

/* A table on a medium that names this client and was not accepted; nothing that it says is proven. */
struct offer {
	struct spot spot;
	struct pskm_header header;
};

/* *out is the caller's: free().  Errors: NOMEM, TOOBIG. */
dske_rc offers_find(struct offer **out, size_t *count, const struct config *c);

#endif
