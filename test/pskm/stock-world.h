/* SPDX-License-Identifier: Apache-2.0 */
/* test/pskm/stock-world.h - a hub and a distributor with one stock, in a scratch folder. */
#ifndef DSKE_TEST_PSKM_STOCK_WORLD_H
#define DSKE_TEST_PSKM_STOCK_WORLD_H

#include "pskm/stock-impl.h"
#include "test/pskm/fixture.h"

struct stock_world {
	struct path scratch;
	struct path hub_tables, hub_stocks;  /* the hub's folders */
	struct path stocks, copied;          /* the distributor's; room for a copy of it */
	struct path clients;                 /* all clients' tables */
	struct pskm_header header;           /* of the stock */
	uint8_t *truth;                      /* all its bytes as they were made */
	unsigned cuts;                       /* numbers the containers */
	struct {
		struct path container;
		char passphrase[PASSPHRASE_TEXT_MAX];
		struct portion portion;
	} cut[64];
};

/* A stock of that many bytes at both ends. */
void world_init(struct stock_world *w, uint64_t len);
void world_drop(struct stock_world *w);

/* Cuts from the stock in that folder; NAME's ID repeats its first letter. */
dske_rc world_cut(struct stock_world *w, const struct path *stocks, const char *name, uint64_t size,
		  pskm_progress *progress, void *context);

/* number 0: a new report. */
dske_rc world_tell(struct stock_world *w, const struct path *stocks, uint64_t number, struct buf *out);
dske_rc world_accept(struct stock_world *w, const void *bytes, size_t len, struct stock_accepted *out);

/* The client of a cut imports its container. */
dske_rc world_import(struct stock_world *w, unsigned cut);

/* Bytes of a table that are not erased, and whether all of a range is. */
void world_read(const struct path *tables, const struct id *table, enum side side, uint64_t at, void *out, size_t len);
bool world_erased(const struct path *tables, const struct id *table, uint64_t start, uint64_t end);

void world_view(const struct path *stocks, const struct id *stock, struct stock_view *v);
size_t world_tables(const struct path *tables); /* how many there are */
void world_copy(const struct path *from, const struct path *to); /* a folder with all that is in it */

#endif
