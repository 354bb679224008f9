/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/header.h - what a PSKM says about itself, in the container and beside the imported table. */
#ifndef DSKE_PSKM_HEADER_H
#define DSKE_PSKM_HEADER_H

#include "base/buf.h"
#include "base/id.h"
#include "base/rc.h"
#include "core/cbor.h"
#include "core/layout.h"

#define PSKM_ADDRESS_MAX 255

/* The client's table, or a distributor's stock of unallocated bytes (pskm/stock.h): then "client" is the distributor. */
enum pskm_kind { PSKM_TABLE, PSKM_STOCK };

struct pskm_header {
	enum pskm_kind kind;
	struct id table;
	struct id hub;
	struct id client;
	char hub_name[NAME_MAX_LEN + 1];
	char client_name[NAME_MAX_LEN + 1];
	char hub_address[PSKM_ADDRESS_MAX + 1]; /* "host:port", where the hub says it listens */
	uint64_t created;                       /* seconds since 1970, informative only */
	struct layout layout;
};

/* Deterministic CBOR (doc/dske.cddl, pskm-header).  Errors: TOOBIG; FORMAT with the reason. */
dske_rc pskm_header_write(struct buf *out, const struct pskm_header *h);
dske_rc pskm_header_read(struct pskm_header *h, const uint8_t *bytes, size_t len);

/* Fails unless it is of that kind, with what it is instead and which command takes it.  Errors: DENIED. */
dske_rc pskm_kind_require(const struct pskm_header *h, enum pskm_kind kind);

/* The ends of a layout's regions, as headers and reports have them.  The reader's failures stick in r. */
void pskm_layout_write(struct buf *out, const struct layout *l);
void pskm_layout_read(struct cbor_reader *r, struct layout *l);

#endif
