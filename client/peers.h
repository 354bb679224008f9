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
	unsigned hubs_agreed; /* how many hubs said so when they were last asked */
	unsigned hubs_asked;
	bool confirmed; /* a person compared the ID with the peer, by another way than the hubs */
	bool extract, refused; /* from the configuration */
};

/* The hub said something else of the peer than its record when it last spoke of it. */
struct contradiction {
	struct id peer, hub;
};

struct peers {
	struct peer *peer; /* owned, sorted by name */
	size_t count;
	struct contradiction *contradiction; /* owned */
	size_t contradiction_count;
};

/* A missing file is an empty list.  Errors: CORRUPT with FILE:LINE, NOMEM. */
dske_rc peers_read(struct peers *p, const struct config *c);
const struct peer *peers_by_name(const struct peers *p, const char *name); /* NULL if unknown */
const struct peer *peers_by_id(const struct peers *p, const struct id *id);

/* The hubs that are left out of agreements with that peer, since they contradict its record (DSKE 2.2); at most cap of
 * them.  Returns how many. */
size_t peers_left_out(const struct peers *p, const struct id *peer, struct id *hubs, size_t cap);

/* What one hub said of a peer just now. */
struct hub_word {
	struct id hub;
	bool contradicts;
};

/* Pins a record: adds it, or notes anew what the hubs say of it, and writes durably.  A hub that did not speak is thought of as
 * before: to cut it off does not clear it.  Once confirmed, it stays so.  Another ID for the name, or another name for the
 * ID, is EXISTS: the record stands until a person confirms the change.  Errors: EXISTS, IO, SYNC, CORRUPT, NOMEM. */
dske_rc peers_add(const struct config *c, const struct peer *record, const struct hub_word *words, size_t word_count);

/* The same where a person has confirmed the change: another ID takes the place of the one of that name, and what hubs
 * said of the former is forgotten. */
dske_rc peers_change(const struct config *c, const struct peer *record, const struct hub_word *words, size_t word_count);

dske_rc peers_remove(const struct config *c, const char *name); /* NOT_FOUND */
void peers_drop(struct peers *p);

#endif
