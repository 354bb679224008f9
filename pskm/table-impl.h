/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/table-impl.h - what table.c, lease.c, activation.c and window.c share; for this folder alone.
 *
 * Whoever reads or changes the ledger does so while holding the table:
 *
 *     AUTO(hold) hold = {0};
 *     TRY(hold_take(&hold, t));              -> t->now is the ledger as it is on disk
 *     struct ledger next = t->now;
 *     next.up_high = end;
 *     TRY(hold_commit(&hold, &next));        -> durable; only now may a byte be read
 *
 * or, where the ledger says already what it has to say:
 *
 *     TRY(hold_settle(&hold));               -> durable; only now may anything be done on its word
 */
#ifndef DSKE_PSKM_TABLE_IMPL_H
#define DSKE_PSKM_TABLE_IMPL_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/file.h"
#include "pskm/cover.h"
#include "pskm/ledger.h"
#include "pskm/table.h"

struct table {
	struct pskm_header header;
	enum side side;
	pid_t owner;           /* the process that opened it */
	pthread_mutex_t mutex; /* between threads; the ledger's file lock is between processes */
	char *dir;             /* owned */
	struct cover cover;    /* the bytes; its files and the ledger are open while held, at the hub always */
	struct fd ledger;
	struct ledger now;     /* while held: the newest record */
	struct window *open;   /* hub: the windows whose bytes are still in the file */
	bool locked;           /* a sync failed here: locked, whatever the disk says */
};

struct hold {
	struct table *t; /* NULL when nothing is held */
};

/* Client: waits for threads and processes, opens the files and reads the ledger afresh; hold_drop closes them, so
 * that an idle client keeps no medium busy.  Hub: the lock is held since table_open, only threads are waited for.
 * Errors: FORKED, NOT_FOUND (the medium is gone), as file_open, CORRUPT. */
dske_rc hold_take(struct hold *h, struct table *t);
void hold_drop(struct hold *h);

/* Makes *next the ledger, durably.  Errors: SYNC (the table is locked now). */
dske_rc hold_commit(struct hold *h, struct ledger *next);

/* Makes durable what the ledger says, which another process may have written and not lived to make so: before anything
 * is done on the word of a record that no hold_commit follows.  At the hub table_open did it, and every other record
 * is its own.  Errors: SYNC (the table is locked now). */
dske_rc hold_settle(struct hold *h);

/* May pad bytes be handed out, and can they be read?  Errors: NOT_ACTIVE, FROZEN, LOCKED, KEY. */
dske_rc hold_require_active(const struct hold *h);

/* Is this the side that the call is for?  Errors: STATE. */
dske_rc table_require_side(const struct table *t, enum side side);

/* Erases len bytes from offset on, which the ledger calls used by now, and the key of each chunk in which no unused
 * byte is left.  While held.  Not synced.  Errors: IO. */
dske_rc table_erase(struct table *t, uint64_t offset, uint64_t len);

/* The same for bytes that were just read (cover_erase_read). */
dske_rc table_erase_read(struct table *t, uint64_t offset, uint64_t len);

/* Erases used bytes that are still in the file, durably.  Errors: IO, SYNC. */
dske_rc hold_sweep(struct hold *h);

/* hold_commit of the state LOCKED; whatever comes of it, the table is locked here.  Errors: SYNC. */
dske_rc hold_lock(struct hold *h);

/* Erases used bytes that are still in the file, durably.  No window may be open on them: at opening, or where bytes
 * are taken without one.  Errors: IO, SYNC (the table is locked). */
dske_rc hold_sweep(struct hold *h);

/* ---- window.c --------------------------------------------------------------------------------- */

/* Memory for a window on [start, end), nothing read yet.  While held.  Errors: NOMEM. */
dske_rc window_new(struct window **out, struct table *t, uint64_t start, uint64_t end);

/* Client, after the commit: reads the bytes and erases them from the file.  Errors: IO, CORRUPT. */
dske_rc window_load(struct window *w);

/* Hub: are bytes of [from, to) still to be read through an open window? */
bool window_any_unused(const struct table *t, uint64_t from, uint64_t to);

#endif
