/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/portion.h - what a Local Distributor cut out of a stock, and for whom (DSKE 2.1, footnote 8).
 *
 * Public: names and places, no table bytes.  The bytes [start, start + layout.len) of the stock are the
 * table `table`, from its first byte to its last.
 */
#ifndef DSKE_PSKM_PORTION_H
#define DSKE_PSKM_PORTION_H

#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/rc.h"
#include "core/cbor.h"
#include "pskm/header.h"

struct portion {
	uint64_t start;                     /* of the stock's bytes */
	struct layout layout;               /* of the table that it is */
	struct id table, client;
	char client_name[NAME_MAX_LEN + 1];
	uint64_t cut;                       /* when, seconds since 1970; informative only */
	bool wasted;                        /* its making was cut short: nobody may ever have it */
};

/* Behind its last byte. */
uint64_t portion_end(const struct portion *p);

/* Does it lie in that stock's body, and is it what a table can be?  Errors: FORMAT. */
dske_rc portion_check(const struct portion *p, const struct pskm_header *stock);

/* The header of the table that it is.  Errors: none, when portion_check holds. */
void portion_header(struct pskm_header *h, const struct portion *p, const struct pskm_header *stock);

/* Fixed length, for ledger and log (pskm/format.h).  Errors of decoding: FORMAT. */
#define PORTION_RECORD_LEN 160
void portion_encode(uint8_t out[PORTION_RECORD_LEN], const struct portion *p);
dske_rc portion_decode(struct portion *p, const uint8_t in[PORTION_RECORD_LEN]);

/* For reports (doc/dske.cddl, portion).  The reader's failures stick in r. */
void portion_write(struct buf *out, const struct portion *p);
void portion_read(struct cbor_reader *r, struct portion *p);

#endif
