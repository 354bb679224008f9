/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/pool.h - the client's inside: its tables, and the sets of links that wait for their next use.
 *
 * One mutex, `lock`, guards all of it.  It is held for list operations alone: never over the network, a sync
 * or a file.  (Only who looks for tables holds `looking` over files.)  A thread takes a set out, uses it without lock, and puts it back.
 */
#ifndef DSKE_CLIENT_POOL_H
#define DSKE_CLIENT_POOL_H

#include <pthread.h>
#include <sys/types.h>
#include <time.h>

#include "client/client.h"
#include "client/link.h"

#define POOL_SETS_MAX 32

struct client {
	pid_t pid; /* the process that opened it: a forked child owns nothing */
	struct config config;
	struct path tables_dir;
	_Atomic int key_code;    /* why the tables' key is not known: code, or OK ... */
	char key_why[400];       /* ... and sentence */
	_Atomic bool is_relocked; /* it was taken away: connections with what was read are not kept */
	pthread_mutex_t looking; /* taken before `lock`, and held while files are read: one thread looks for tables at a time */
	struct secret table_key; /* owned; empty: none is configured, or it is not known; of who is looking, like the next three */
	struct table_entry *accepted; /* owned, as client/media.h has it */
	size_t accepted_count;
	int64_t accepted_seen;
	pthread_mutex_t lock; /* guards all below */
	struct peers peers;
	struct hub_table **tables; /* owned; by hub ID, then table ID */
	size_t table_count;
	struct hub_table **gone; /* owned: those that were replaced, which a thread may still have in hand */
	size_t gone_count;
	int64_t tables_seen, peers_seen; /* file_change_time of the folder and the file, when last read */
	struct door *doors; /* owned by who waits at them: client/door.c */
	struct links *idle[POOL_SETS_MAX];
	size_t idle_count;
	struct convoy *convoy[2]; /* owned; of receivers, of initiators; NULL: none (client/convoy.h) */
	uint64_t exchanges; /* so far: spreads the load */
};

/* ---- client/tables.c ------------------------------------------------------------------------------- */

/* Looks for tables that came or went, in the store and on media.  When another thread is looking and does not come back
 * soon (a medium may hang), goes on with what is known.  Errors: as table_list, accepted_read. */
dske_rc tables_refresh(struct client *c);
void tables_drop(struct client *c);

/* The client's key for its table, or none, as it is now.  By who is looking.  (client/unlock.c) */
void hub_table_give_key(const struct client *c, struct hub_table *h);

/* A better sentence for a failure whose reason is that the table's medium was just pulled out. */
dske_rc hub_table_excuse(const struct hub_table *h, dske_rc rc);

/* Has it changed since *seen?  _forget: it could not be read, so look again the next time. */
bool client_has_changed(struct client *c, const char *path, int64_t *seen);
void client_forget_seen(struct client *c, int64_t *seen);

/* ---- client/pool.c --------------------------------------------------------------------------------- */

/* Errors: FORKED. */
dske_rc client_check_pid(const struct client *c);

/* One usable table a hub, the oldest, in the order of tables_by_name.  *out: the caller's, free().  Whether it has
 * enough for an exchange the link finds out, and switches.  Errors: NOMEM. */
dske_rc pool_tables(struct client *c, struct hub_table ***out, size_t *count);

/* The open table of that ID, looked for afresh.  Errors: NOT_FOUND, and why it cannot be opened. */
dske_rc pool_find(struct client *c, const struct id *table, struct hub_table **out);

/* Another table of the same hub that has as much left and a lease slot, the oldest such; NULL: there is none. */
struct hub_table *pool_successor(struct client *c, const struct hub_table *former, uint64_t up_len, uint64_t down_len);

/* For qsort of table pointers: as people read them, hub2 before hub10. */
int tables_by_name(const void *a, const void *b);

/* Were all tables usable when pool_tables looked?  Asks no ledger. */
bool pool_all_usable(struct client *c);

/* Hubs that this client has tables of, usable or not, but for those that its operator let go; after pool_tables:
 * what "more than half of them" means. */
size_t pool_hubs_known(struct client *c);

/* Is it the table by which its hub is counted there? */
bool pool_stands_for_hub(struct client *c, const struct hub_table *table);

/* Takes a set for these tables out of the pool, or makes one.  Errors: NOMEM, CONFIG. */
dske_rc pool_take(struct client *c, struct hub_table *const *hubs, size_t count, struct links **out);

/* Is it a set for these tables? */
bool pool_serves(const struct links *s, struct hub_table *const *hubs, size_t count);

/* Puts it back, ended. */
void pool_put(struct client *c, struct links *s);

/* Frees all idle sets: while others use the client; and at its end, in a forked child too, where nobody does. */
void pool_forget(struct client *c);
void pool_drain(struct client *c);

/* ---- client/client.c ------------------------------------------------------------------------------- */

/* Fails for a table whose key is not known, with the reason.  Errors: KEY. */
dske_rc client_fail_key(const struct client *c);

/* ---- client/activate.c ----------------------------------------------------------------------------- */

/* The hub proved that it has another nonce, too: freezes the table.  Errors: FROZEN, SYNC. */
dske_rc activation_frozen(const struct hub_table *hub);

/* A FROZEN that verifies, after the activation: the same; *why is what activation_frozen says.  False when it does
 * not verify. */
bool activation_take_frozen(struct hub_table *hub, const struct envelope *e, dske_rc *why);

/* ---- client/retire.c ------------------------------------------------------------------------------- */

/* A RETIRED that verifies: the table is recorded as retired, durably; retire_tell_due will say what
 * is to be said to the hub.  False when it does not verify. */
bool retire_take(struct hub_table *hub, const struct envelope *e);

/* That as an error: RETIRED. */
dske_rc retire_sentence(const struct hub_table *hub);

/* After an exchange: for each table that retire_take was called for, destroys what is left and tells the hub, which was
 * there a moment ago.  What fails here is for dske pskm retire. */
void retire_tell_due(struct client *c);

/* Just opened: goes on with what of a retired table is not destroyed yet. */
void retire_go_on(struct hub_table *hub);

#endif
