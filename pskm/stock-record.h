/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/stock-record.h - what the ledger of a stock holds beside a table's (pskm/format.h). */
#ifndef DSKE_PSKM_STOCK_RECORD_H
#define DSKE_PSKM_STOCK_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"
#include "pskm/format.h"
#include "pskm/portion.h"
#include "pskm/stock-report.h"

struct stock_record {
	uint64_t logged;       /* portions in the log that count */
	uint64_t settled;      /* distributor: of them, those in a report; hub: those moved to their tables */
	uint64_t report_first; /* distributor: the first portion of the last report */
	uint64_t reports;      /* number of the last report; 0: none */
	uint8_t digest[STOCK_DIGEST_LEN], before[STOCK_DIGEST_LEN]; /* of the last report, and of the one before it */
	bool cutting;          /* distributor: `portion` is recorded as used, and not in the log yet */
	bool retired;
	struct portion portion;
};

void stock_record_encode(uint8_t out[LEDGER_STOCK_LEN], const struct stock_record *r);

/* Errors: FORMAT. */
dske_rc stock_record_decode(struct stock_record *r, const uint8_t in[LEDGER_STOCK_LEN]);

/* Do its numbers fit together?  Errors: CORRUPT. */
dske_rc stock_record_check(const struct stock_record *r, const struct pskm_header *h);

#endif
