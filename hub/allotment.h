/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/allotment.h - which portions of a distributor's report this hub is ready to serve (DSKE 2.1, footnote 8).
 *
 * The distributor and its client are named by the configuration ([distributor NAME]): ID, clients, quota.  A client
 * keeps one name and one ID here, and whom `clients = *` lets in is new: a client that this hub has a table of,
 * from itself or from another distributor, has to be named, since whoever makes a PSKM for a client can act as it.
 *
 * In the library of the configuration, for the tools.
 */
#ifndef DSKE_HUB_ALLOTMENT_H
#define DSKE_HUB_ALLOTMENT_H

#include "hub/conf.h"
#include "pskm/stock.h"

struct allotment_client {
	struct id id;
	char name[NAME_MAX_LEN + 1];
	bool foreign; /* a table of this client is not of this distributor's making */
};

struct allotment {
	const struct hub_distributor *who; /* borrowed from the configuration */
	const char *conf;                  /* its file, likewise */
	uint64_t used;                     /* bytes of the quota */
	struct allotment_client *client;   /* owned: whom the hub knows */
	size_t client_count;
};

/* For one report on that stock.  *a is overwritten; the caller drops it.
 * Errors: DENIED (the configuration has no such distributor, or it has another ID), CORRUPT, IO, NOMEM. */
dske_rc allotment_open(struct allotment *a, const struct hub_conf *c, const struct pskm_header *stock);

/* Is the hub ready to serve it?  What is let pass counts.  Errors: DENIED, NOMEM. */
dske_rc allotment_check(struct allotment *a, const struct portion *p);

void allotment_drop(struct allotment *a);

#endif
