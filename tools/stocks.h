/* SPDX-License-Identifier: Apache-2.0 */
/* tools/stocks.h - the stocks of a folder, as a hub's or a distributor's operator chooses among them and sees them. */
#ifndef DSKE_TOOLS_STOCKS_H
#define DSKE_TOOLS_STOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/rc.h"
#include "pskm/stock.h"

/* A stock by its ID, or by the name of the other side (a hub's, a distributor's): the first of that name that is
 * usable and has `room` bytes left.  NULL: of any name, if all of the folder are of one.
 * Errors: NOT_FOUND, ARGS (of several; which name?), EXHAUSTED, as table_list. */
dske_rc stocks_choose(struct id *out, const char *stocks_dir, const char *which, enum side side, uint64_t room);

/* The stock that a report is due for, chosen as above: of several the first that was cut from since its last report.
 * earlier: one that was written before is meant, so only a single stock will do.  Errors: as stocks_choose. */
dske_rc stocks_choose_reporting(struct id *out, const char *stocks_dir, const char *which, bool earlier);

/* A stock by its whole ID.  Errors: ARGS, NOT_FOUND. */
dske_rc stocks_find(struct id *out, const char *stocks_dir, const char *hex);

/* Out of the stocks of how many hubs was something cut for that client?  Stocks that cannot be read are left out.
 * Errors: as table_list. */
dske_rc stocks_hubs_of(size_t *hubs, const char *stocks_dir, const struct id *client);

/* Shows all, or with `which` the portions of those that it names, as a table or as JSON.  Errors: NOT_FOUND, as
 * table_list. */
dske_rc stocks_show(const char *stocks_dir, const char *which, enum side side, bool json);

/* Retires the one that `which` names, and tells so: "stock ID is retired" and `what`, or JSON.  Errors: as stocks_find,
 * stock_open, stock_retire. */
dske_rc stocks_retire(const char *stocks_dir, const char *which, enum side side, const struct secret *table_key, bool json,
		      const char *what);

#endif
