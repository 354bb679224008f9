/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/stock-record.c - a stock's part of the ledger's record. */
#include "config.h"

#include "pskm/stock-record.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static_assert(LEDGER_STOCK_AT_PORTION + PORTION_RECORD_LEN <= LEDGER_STOCK_LEN, "as in format.h");

static const struct {
	size_t field, at;
} numbers[] = {
	{offsetof(struct stock_record, logged), LEDGER_STOCK_AT_LOGGED},
	{offsetof(struct stock_record, settled), LEDGER_STOCK_AT_SETTLED},
	{offsetof(struct stock_record, report_first), LEDGER_STOCK_AT_REPORT_FIRST},
	{offsetof(struct stock_record, reports), LEDGER_STOCK_AT_REPORTS},
};
#define NUMBER_COUNT (sizeof numbers / sizeof numbers[0])

void stock_record_encode(uint8_t out[LEDGER_STOCK_LEN], const struct stock_record *r)
{
	memset(out, 0, LEDGER_STOCK_LEN);
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		uint64_t v;
		memcpy(&v, (const uint8_t *)r + numbers[i].field, sizeof v);
		be64_put(out + numbers[i].at, v);
	}
	memcpy(out + LEDGER_STOCK_AT_DIGEST, r->digest, sizeof r->digest);
	memcpy(out + LEDGER_STOCK_AT_BEFORE, r->before, sizeof r->before);
	out[LEDGER_STOCK_AT_CUTTING] = r->cutting;
	out[LEDGER_STOCK_AT_RETIRED] = r->retired;
	if (r->cutting)
		portion_encode(out + LEDGER_STOCK_AT_PORTION, &r->portion);
}

dske_rc stock_record_decode(struct stock_record *r, const uint8_t in[LEDGER_STOCK_LEN])
{
	*r = (struct stock_record){0};
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		uint64_t v = be64_get(in + numbers[i].at);
		memcpy((uint8_t *)r + numbers[i].field, &v, sizeof v);
	}
	memcpy(r->digest, in + LEDGER_STOCK_AT_DIGEST, sizeof r->digest);
	memcpy(r->before, in + LEDGER_STOCK_AT_BEFORE, sizeof r->before);
	r->cutting = in[LEDGER_STOCK_AT_CUTTING] != 0;
	r->retired = in[LEDGER_STOCK_AT_RETIRED] != 0;
	return r->cutting ? portion_decode(&r->portion, in + LEDGER_STOCK_AT_PORTION) : DSKE_OK;
}

dske_rc stock_record_check(const struct stock_record *r, const struct pskm_header *h)
{
	if (h->kind != PSKM_STOCK)
		return DSKE_OK;
	if (r->settled > r->logged || r->report_first > r->settled || r->reports > layout_lease_slots(&h->layout) ||
	    (r->cutting && !rc_ok(portion_check(&r->portion, h))))
		return FAIL(CORRUPT, "the ledger's account of the stock does not add up");
	return DSKE_OK;
}
