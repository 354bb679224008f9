/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/table-make.h - a table without a container: where both ends have its bytes by another way than a
 * medium, as over a link that distributes keys, each makes its own folder from them.
 */
#ifndef DSKE_PSKM_TABLE_MAKE_H
#define DSKE_PSKM_TABLE_MAKE_H

#include "pskm/source.h"
#include "pskm/table.h"

struct table_making {
	const char *tables_dir;         /* folder of this side's tables */
	enum side side;
	const struct secret *table_key; /* of this side; NULL or empty: none */
	struct pskm_source bytes;
	pskm_progress *progress;        /* or NULL */
	void *context;                  /* of progress */
};

/* Makes `tables_dir/<table id>`, durable, renamed into place last, from h->layout.len bytes; the container region is
 * filled from the source like the rest, and erased.  h is complete but for the layout's regions, which are filled
 * in: both ends must give the same table ID.  Nothing is left behind when it fails.
 * Errors: ARGS (length), FORMAT (header), EXISTS, IO, SYNC, CANCELLED, those of the source. */
dske_rc table_make(struct pskm_header *h, const struct table_making *m);

#endif
