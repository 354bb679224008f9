/* SPDX-License-Identifier: Apache-2.0 */
/* client/peers.h - the peers this client knows: one file in its state folder, replaced durably (DSKE 2.2). */
#ifndef DSKE_CLIENT_PEERS_H
#define DSKE_CLIENT_PEERS_H

#include <stddef.h>

#include "base/id.h"
#include "base/rc.h"
#include "client/config.h"

struct peer {
	char name[NAME_MAX_LEN + 1];
	struct id id;
	unsigned hubs_agreed; /* how many hubs said so when it was recorded */
	unsigned hubs_asked;
	bool extract; /* from the configuration */
};

struct peers {
	struct peer *peer; /* owned, sorted by name */
	size_t count;
};

/* A missing file is an empty list.  Errors: CORRUPT with FILE:LINE, NOMEM. */
dske_rc peers_read(struct peers *p, const struct config *c);
const struct peer *peers_by_name(const struct peers *p, const char *name); /* NULL if unknown */
const struct peer *peers_by_id(const struct peers *p, const struct id *id);

/* Adds and writes durably.  The same record again is OK; another ID for the name, or another name for
 * the ID, is EXISTS (a change must be confirmed: remove first).  Errors: EXISTS, IO, SYNC. */
dske_rc peers_add(const struct config *c, const struct peer *record);
dske_rc peers_remove(const struct config *c, const char *name); /* NOT_FOUND */
void peers_drop(struct peers *p);

#endif
