/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/ledger.h - the durable record of what is used of one table (DSKE 2.1: "tracks which bits have
 * been consumed").  pskm/format.h has the bytes.
 *
 * Invariants:
 *  1. A record is written into the slot that does not hold the newest one, so a torn write leaves the
 *     newest record whole; and whoever asked for the torn one never had an answer, so used nothing.
 *  2. ledger_commit returns OK only when the record is durable.
 *  3. What is read may come from a process that was killed before its record was durable.  The next commit makes both
 *     durable, and has not been answered before.  Whoever acts on what he read without one asks ledger_settle first.
 *     (If the power goes within that commit, both may be lost: then no record verifies, and the table stays locked.)
 *  4. After a failed sync nobody knows what the disk holds: both slots are overwritten by LOCKED as well
 *     as they can be, and the caller locks the table in memory.
 */
#ifndef DSKE_PSKM_LEDGER_H
#define DSKE_PSKM_LEDGER_H

#include <stdint.h>

#include "base/id.h"
#include "base/rc.h"
#include "pskm/stock-record.h"
#include "pskm/supply.h"
#include "pskm/table.h"

struct ledger {
	uint64_t seq;
	struct id table;
	enum side side;
	enum table_state state;
	struct id nonce; /* of ACTIVATE; zero: none yet */
	uint64_t lease_next;
	uint64_t lease_taken; /* hub: bit slot % LEASE_MEMORY */
	uint64_t up_high, down_high;
	uint64_t erased_lease, erased_up, erased_down;
	uint64_t clone_alarms;
	struct retiring retired; /* in the state TABLE_RETIRED */
	uint8_t digest[LEASE_MEMORY][LEASE_DIGEST_LEN]; /* hub */
	struct supply_history history; /* information alone: nothing is decided by it */
	struct stock_record stock; /* of a stock alone, else zero */
};

/* Is the table over for good, and stays so whatever fails?  Then it is not LOCKED either: it gives nothing anyway. */
static inline bool state_is_final(enum table_state s)
{
	return s == TABLE_MOVED || s == TABLE_RETIRED;
}

/* The record of a table that nobody has used. */
void ledger_init(struct ledger *l, const struct pskm_header *h, enum side side);

/* Creates the file with that record, number 1, and the other slot empty; synced.  Errors: as file_open, SYNC. */
dske_rc ledger_create(const char *path, struct ledger *l);

/* The newest record that verifies.  Errors: CORRUPT (none does), IO. */
dske_rc ledger_read(int fd, struct ledger *l);

/* The same without a lock: only one slot is being written at any moment, but between our two looks another may
 * be; so it looks again. */
dske_rc ledger_look(int fd, struct ledger *l);

/* Do its values lie inside that table?  Errors: CORRUPT. */
dske_rc ledger_check(const struct ledger *l, const struct pskm_header *h);

/* What it says of that table, in numbers; the forecast is as of now. */
struct supply_left ledger_left(const struct ledger *l, const struct pskm_header *h);
void ledger_status(const struct ledger *l, const struct pskm_header *h, struct table_status *out);

/* Writes *l as the next record and makes it durable; l->seq is raised.  Errors: NOMEM, and nothing was
 * written; SYNC for any other failure, and then the file says LOCKED if it can be made to (unless state_is_final). */
dske_rc ledger_commit(int fd, struct ledger *l);

/* Makes durable what was read, whoever wrote it.  Errors: SYNC, as above. */
dske_rc ledger_settle(int fd, struct ledger *l);

#endif
