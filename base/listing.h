/* SPDX-License-Identifier: Apache-2.0 */
/* base/listing.h - the names in a folder, one after the other. */
#ifndef DSKE_BASE_LISTING_H
#define DSKE_BASE_LISTING_H

#include <dirent.h>

#include "base/rc.h"

/* An open folder: AUTO(listing) l = LISTING_NONE; */
struct listing {
	DIR *dir;	  /* NULL when empty */
	const char *path; /* the caller's, for the sentences; lives as long as the listing */
};
#define LISTING_NONE {0}
void listing_drop(struct listing *l);

/* Opens the folder at path; a failure leaves the listing empty.  Errors: as file_open, NOMEM. */
dske_rc listing_open(struct listing *l, const char *path);

/* The next name, in no order, never "." or ".."; NULL after the last, and of an empty listing.  It lives until the
 * next call.  Errors: IO. */
dske_rc listing_next(const char **name, struct listing *l);

#endif
