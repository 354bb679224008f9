/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/stock-log.h - the portions of a stock, one after another, in its file `log` (pskm/format.h).  How many of
 * them count stands in the ledger, so a record that was torn in the writing is written anew. */
#ifndef DSKE_PSKM_STOCK_LOG_H
#define DSKE_PSKM_STOCK_LOG_H

#include "base/rc.h"
#include "pskm/portion.h"

struct stock_entry {
	uint64_t report; /* hub: number of the report that it came in */
	struct portion portion;
};

/* Not synced.  Errors: IO. */
dske_rc stock_log_write(int fd, const struct id *stock, uint64_t number, const struct stock_entry *e);

/* A record that counts.  Errors: CORRUPT, IO. */
dske_rc stock_log_read(int fd, const struct id *stock, uint64_t number, struct stock_entry *e);

#endif
