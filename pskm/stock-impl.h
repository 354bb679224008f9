/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/stock-impl.h - what the sources of a stock share; for this folder and its tests. */
#ifndef DSKE_PSKM_STOCK_IMPL_H
#define DSKE_PSKM_STOCK_IMPL_H

#include "base/secret.h"
#include "pskm/stock.h"
#include "pskm/table-impl.h"

struct stock {
	struct table *table; /* owned */
	struct path dir;     /* the stock's own folder */
	struct fd log;
};

/* hold_take of its table; then a cut that nobody finished is entered in the log as wasted.
 * Errors: as that; FROZEN, LOCKED, STATE (retired): nothing is done with it any more; KEY: its bytes cannot be read. */
dske_rc stock_hold(struct stock *s, struct hold *h);

/* The stock's part of the ledger, while held. */
const struct stock_record *stock_now(const struct stock *s);

/* Writes portions behind those that count; durable, but not counted.  Errors: IO, SYNC. */
dske_rc stock_log_append(struct stock *s, const struct portion *p, size_t count, uint64_t report);

/* The key of report `number`.  Errors: EXHAUSTED, CORRUPT, IO, NOMEM. */
dske_rc stock_report_key(struct stock *s, uint64_t number, struct secret *key);

/* Its file; what is in it; both durable.  Errors: NOT_FOUND, IO, SYNC. */
dske_rc stock_report_load(const struct stock *s, uint64_t number, struct buf *out);
dske_rc stock_report_keep(const struct stock *s, uint64_t number, const void *bytes, size_t len);
/* Its name is durable, whatever became of the process that gave it. */
dske_rc stock_report_settle(const struct stock *s, uint64_t number);

#endif
