/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/stock.h - a stock: unallocated bytes that a hub shares with a Local Distributor, who cuts PSKMs for clients
 * from them, offline if need be (DSKE 2.1, footnote 8).  doc/distributors.md tells how they work together.
 *
 * A stock is made, carried and imported as a PSKM is (pskm/container.h), and is a table on disk, in a folder
 * `stock` beside the folder `tables`; pskm/format.h has what is added.  Portions are cut from its body (the
 * region up) in order, each as long as its table, and reports are tagged with the keys of its lease region:
 * report N with the first 32 bytes of slot N - 1.
 *
 *     distributor   durable: [a,b) is for alice   then reads [a,b), makes her PSKM, erases [a,b)      stock-cut.c
 *     distributor   durable: report N says so     then reads key N, tags it                            stock-tell.c
 *     hub           verifies report N, all of it; durable: it is accepted; then, portion by portion,
 *                   [a,b) becomes alice's table at the hub, durably, and is erased from the stock      stock-accept.c
 *
 * Invariants:
 *  1. A portion begins where the one before it ended, on both sides; so two cannot overlap, and the hub sees by
 *     one number what is allocated.
 *  2. What is recorded as cut is never cut again: a crash wastes the portion, and the report says that too.
 *  3. A report is one text: its portions are settled before its key is read, and do not change.
 *  4. The hub takes a report wholly or not at all, in order, each holding the digest of the one before.
 *  5. Two texts under one number, two histories, or a portion twice, each under a tag that holds, mean that there
 *     are two copies of the stock: it is frozen at the hub, for good, since anything unreported may be known to
 *     two clients.  What was accepted before stays served.
 */
#ifndef DSKE_PSKM_STOCK_H
#define DSKE_PSKM_STOCK_H

#include <stdint.h>

#include "base/buf.h"
#include "base/file.h"
#include "pskm/aead.h"
#include "pskm/container.h"
#include "pskm/stock-log.h"
#include "pskm/stock-report.h"
#include "pskm/table.h"

#define STOCK_FOLDER "stock" /* beside the folder of tables */

struct stock;

/* Distributor (SIDE_CLIENT): waits for another process that is at it.  Hub: BUSY if another process is.
 * key: this side's table key, as for table_open.  Errors: as table_open; DENIED (no stock); CORRUPT. */
dske_rc stock_open(struct stock **out, const char *stocks_dir, const struct id *id, enum side side,
		   const struct secret *key);
void stock_close(struct stock *s); /* safe on NULL */

const struct pskm_header *stock_header(const struct stock *s); /* borrowed */

/* ---- looking, without opening ---------------------------------------------------------------------- */

struct stock_view {
	struct pskm_header header;
	enum table_state state;      /* IMPORTED, until it is FROZEN or LOCKED */
	bool retired;
	uint64_t len, left;          /* of its body, in bytes */
	uint64_t portions, settled;  /* in the log; of them, distributor: reported, hub: moved to their tables */
	uint64_t reports;            /* made, or accepted */
	uint64_t alarms;
	struct fd log;               /* for stock_view_portion */
};

/* As it was a moment ago, without a lock.  *v is overwritten; the caller drops it.  Errors: NOT_FOUND, CORRUPT, IO. */
dske_rc stock_view_open(struct stock_view *v, const char *stocks_dir, const struct id *id);
dske_rc stock_view_portion(const struct stock_view *v, uint64_t number, struct stock_entry *e);
void stock_view_drop(struct stock_view *v);

/* ---- the distributor ------------------------------------------------------------------------------- */

struct stock_order {
	char client_name[NAME_MAX_LEN + 1];
	struct id client;
	uint64_t size; /* bytes of the client's table */
	struct kdf_cost cost; /* of guessing the passphrase */
};

/*
 * Cuts the next portion for a client: durably records which it is and whose, writes the client's container to
 * `path` (0600, must not exist), and erases the portion here.  The container is as container_make's; its salt,
 * content key and passphrase are of `fresh`.  *made tells what it was.  After a failure there is no file, and
 * what was recorded is wasted.  When only the erasing fails, it is cut all the same, and the next opening erases.
 * Errors: EXHAUSTED, ARGS, FROZEN, LOCKED, STATE (retired), EXISTS, IO, SYNC, KEY, NOMEM, CANCELLED, those of the source.
 */
dske_rc stock_cut(struct stock *s, const struct stock_order *order, const char *path,
		  char passphrase[PASSPHRASE_TEXT_MAX], const struct pskm_source *fresh, pskm_progress *progress, void *context,
		  struct portion *made);

/* The report of what was cut since the last one; number: that report again, the same bytes.  *out becomes a heap
 * buffer, the caller's; *number is which it is.
 * Errors: NOT_FOUND (nothing to report; no such report), EXHAUSTED (no key left), FROZEN, LOCKED, STATE, KEY, IO, SYNC. */
dske_rc stock_tell(struct stock *s, uint64_t *number, struct buf *out);

/* ---- the hub ---------------------------------------------------------------------------------------- */

/* May that portion be served?  Called for each, before anything is recorded; not for wasted ones.  *serve is true;
 * where it is set to false the report may be accepted, and the portion is served to nobody, as one that was wasted.
 * An error refuses the whole report, which may come again. */
typedef dske_rc stock_policy(void *context, const struct portion *p, bool *serve);

/* Where the hub has its tables. */
struct stock_place {
	const char *tables_dir;
	const struct secret *table_key; /* of the hub's tables at rest; NULL or empty: none */
};

struct stock_accepted {
	uint64_t number;   /* of the report */
	bool repeated;     /* it was accepted before */
	uint64_t first, count; /* its portions in the log; those of a repeated one are not told: 0 */
};

/*
 * Takes a report of that stock: verifies all of it, accepts it durably, and makes each portion the hub's copy of
 * its client's table, a new folder where its tables are.  A report that was accepted before does nothing, but for
 * finishing what a crash left over.
 * Errors: TAG; STATE (an earlier report is not accepted yet: which); FORMAT; EXISTS (a table of that ID is there);
 * CLONED (two copies of the stock: which range, whose before and now; it is frozen); FROZEN, LOCKED, KEY; the policy's; IO, SYNC.
 */
dske_rc stock_accept(struct stock *s, const void *bytes, size_t len, const struct stock_place *place, stock_policy *policy,
		     void *context, struct stock_accepted *out);

/* Either side: nothing more is cut or accepted; what is left of the body, and of the keys, is destroyed.
 * In any state: one that is LOCKED or FROZEN loses the portions of an accepted report whose tables are not made yet.
 * Errors: STATE (a report was accepted, but not all its tables are made: accept it again first), IO, SYNC. */
dske_rc stock_retire(struct stock *s);

#endif
