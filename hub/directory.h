/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/directory.h - the clients this hub knows, which is to say has made a PSKM for (DSKE 2.2).  The
 * headers of its own tables are the authority for who a client is.
 */
#ifndef DSKE_HUB_DIRECTORY_H
#define DSKE_HUB_DIRECTORY_H

#include "base/id.h"
#include "base/rc.h"
#include "core/identity.h"

struct conn;

struct hub_client {
	struct identity who;
	char local[NAME_MAX_LEN + 1]; /* this hub's own identifier for the client */
	size_t live;                  /* its tables that are not retired; none: it is nobody's peer any more */
	bool ambiguous;               /* another client has the same name: it answers to its ID alone */
	const struct hub_client *alike; /* another one whose name a person may take for this one's, or NULL */
	uint64_t round;               /* of hub.h; what was done for all of its connections in it (conn_worked): */
	size_t taken, taken_bytes;
	struct conn *conns;           /* connections that hold a lease of one of its tables (conn.h) */
};

struct directory;

dske_rc directory_new(struct directory **out, const struct id *hub);

/* The client of that ID, added if it is new, without tables yet.  Errors: NOMEM. */
dske_rc directory_add(struct directory *d, const struct id *client, const char *name, struct hub_client **out);

/* One table more, or one less (change: 1 or -1).  With its first one a client gets its name, with its last one it
 * loses it, perhaps to another.  Errors: NOMEM. */
dske_rc directory_live(struct directory *d, struct hub_client *c, int change);

/* Of clients that have tables: NULL when there is none.  Borrowed; clients stay where they are until directory_free. */
struct hub_client *directory_by_id(const struct directory *d, const struct id *client);
struct hub_client *directory_by_name(const struct directory *d, const char *name);

size_t directory_count(const struct directory *d);
void directory_free(struct directory *d);

#endif
