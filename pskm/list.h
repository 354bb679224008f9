/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/list.h - which tables does a folder hold?  For the client, the hub and the tools. */
#ifndef DSKE_PSKM_LIST_H
#define DSKE_PSKM_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/file.h"
#include "base/id.h"
#include "base/rc.h"
#include "pskm/header.h"
#include "pskm/table.h"

struct table_entry {
	struct id table;           /* the folder's name */
	dske_rc rc;                /* OK, or why header or ledger cannot be read (CORRUPT, DENIED, IO) ... */
	char why[160];             /* ... as a sentence; empty when OK */
	struct pskm_header header; /* only when rc is OK */
	struct table_status status; /* only when rc is OK; as it was a moment ago */
};

/* The tables of a folder, sorted by ID, without opening or locking any; a damaged one is listed with
 * its rc.  A folder that does not exist holds none.  *out is the caller's: free().  Errors: DENIED, IO,
 * NOMEM. */
dske_rc table_list(const char *tables_dir, struct table_entry **out, size_t *count);

/* The folder of one table, for table_open.  Errors: TOOBIG. */
dske_rc table_folder(struct path *out, const char *tables_dir, const struct id *table);

/* Is it the name of a table's folder, written as we write it?  Then *id is the table's. */
bool table_name_read(struct id *id, const char *name);

#endif
