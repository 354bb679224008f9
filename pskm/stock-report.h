/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/stock-report.h - a distributor's report to its hub: which portions went to whom (DSKE 2.1, footnote 8:
 * Local Distributors "notify the Security Server of which portion of the shared random has been delivered to
 * which client").
 *
 * Deterministic CBOR (doc/dske.cddl, stock-report).  Its last TAG_LEN bytes are h of all before them under a
 * key of the stock that is used for this report alone.  Reports of a stock are numbered from 1, and each holds
 * the digest of the one before it, so a report of another history than the hub's is told from its next one.
 */
#ifndef DSKE_PSKM_STOCK_REPORT_H
#define DSKE_PSKM_STOCK_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/tag.h"
#include "pskm/portion.h"

#define STOCK_REPORT_PORTIONS_MAX 1000
#define STOCK_REPORT_LEN_MAX (256u << 10) /* bytes */
#define STOCK_DIGEST_LEN 16

struct stock_report {
	struct id stock;
	uint64_t number;
	uint8_t before[STOCK_DIGEST_LEN]; /* of the report before; zero in the first */
	struct portion *portion;          /* owned */
	size_t count;                     /* 1..STOCK_REPORT_PORTIONS_MAX */
};

/* Appends it to out.  Errors: TOOBIG. */
dske_rc stock_report_write(struct buf *out, const struct stock_report *r, const uint8_t key[TAG_KEY_LEN]);

/* Whose is it, and which?  Nothing is proven by that.  Errors: FORMAT. */
dske_rc stock_report_peek(const uint8_t *bytes, size_t len, struct id *stock, uint64_t *number);

/* Was it made with that key?  Errors: TAG, FORMAT. */
dske_rc stock_report_verify(const uint8_t *bytes, size_t len, const uint8_t key[TAG_KEY_LEN]);

/* Reads one that was verified.  *r is overwritten; the caller drops it.  Errors: FORMAT, NOMEM. */
dske_rc stock_report_read(struct stock_report *r, const uint8_t *bytes, size_t len);

/* Names a report in the one that follows: the front of SHA-256 of all but its tag, so that it is known before the
 * key is used.  len > TAG_LEN.  Errors: NOMEM. */
dske_rc stock_report_digest(uint8_t out[STOCK_DIGEST_LEN], const uint8_t *bytes, size_t len);

void stock_report_drop(struct stock_report *r);

#endif
