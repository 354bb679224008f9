/* SPDX-License-Identifier: Apache-2.0 */
/* client/places.h - the folders below which media with tables are mounted: the patterns of [client] media. */
#ifndef DSKE_CLIENT_PLACES_H
#define DSKE_CLIENT_PLACES_H

#include <stddef.h>

#include "base/file.h"
#include "base/rc.h"
#include "client/config.h"

#define MEDIA_FOLDER "dske-tables"
#define MEDIA_PLACES_MAX 64

/* Folders on media. */
struct places {
	struct path *at; /* owned */
	size_t count;
};
void places_drop(struct places *p);

/* What the patterns match now: the PLACEs; or the folders PLACE/dske-tables that are there.  Errors: TOOBIG, NOMEM. */
dske_rc places_match(struct places *out, const struct config *c);
dske_rc places_find(struct places *out, const struct config *c);

/* Of the places of the configuration the one below which `path` lies: *out is PLACE/dske-tables, there or not.
 * Errors: NOT_FOUND (with what to configure), as above. */
dske_rc place_of(struct path *out, const struct config *c, const char *path);

#endif
