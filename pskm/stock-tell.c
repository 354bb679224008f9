/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/stock-tell.c - the distributor reports what it cut. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "pskm/stock-impl.h"

/* Report `number` of the portions from `first` on, without its tag's key: what is in it is settled by the log. */
static dske_rc gather(const struct stock *s, uint64_t number, uint64_t first, uint64_t end,
		      const uint8_t before[STOCK_DIGEST_LEN], struct stock_report *r)
{
	*r = (struct stock_report){.stock = s->table->header.table, .number = number};
	memcpy(r->before, before, STOCK_DIGEST_LEN);
	r->portion = calloc((size_t)(end - first), sizeof *r->portion);
	if (r->portion == NULL)
		return FAIL(NOMEM, "no memory for a report");
	for (; r->count < end - first; r->count++) {
		struct stock_entry e;
		TRY(stock_log_read(s->log.n, &s->table->header.table, first + r->count, &e));
		r->portion[r->count] = e.portion;
	}
	return DSKE_OK;
}

/* The last report that is recorded, from the same portions and with the same key as ever. */
static dske_rc write_last(struct stock *s, struct buf *out)
{
	AUTO(secret) key = {0};
	AUTO(stock_report) r = {0};
	const struct stock_record *now = stock_now(s);

	TRY(gather(s, now->reports, now->report_first, now->settled, now->before, &r));
	TRY(stock_report_key(s, now->reports, &key));
	buf_drop(out);
	buf_heap(out, STOCK_REPORT_LEN_MAX);
	TRY(stock_report_write(out, &r, key.data));
	return stock_report_keep(s, now->reports, out->data, out->len);
}

/* Its key has served: the report is kept, and a power cut does not take its name away again. */
static dske_rc erase_key(struct stock *s, uint64_t number)
{
	TRY(stock_report_settle(s, number));
	TRY(table_erase(s->table, layout_lease_offset(&s->table->header.layout, number - 1), LEASE_SLOT_LEN));
	return cover_sync(&s->table->cover);
}

/* The last report is written down, whatever became of the process that recorded it. */
static dske_rc finish_last(struct stock *s, struct buf *out)
{
	uint64_t number = stock_now(s)->reports;

	if (number == 0)
		return DSKE_OK;
	dske_rc rc = stock_report_load(s, number, out);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		rc = write_last(s, out);
	TRY(rc);
	return erase_key(s, number);
}

/* Records the next report: which portions, and the digest by which the one after it will name it. */
static dske_rc record_next(struct stock *s, struct hold *h)
{
	static const uint8_t no_key[TAG_KEY_LEN];
	AUTO(stock_report) r = {0};
	AUTO(buf) bytes = {0};
	struct ledger next = s->table->now;
	struct stock_record *n = &next.stock;

	if (n->reports == layout_lease_slots(&s->table->header.layout))
		return FAIL(EXHAUSTED, "the stock has no key left for another report: get a new one from the hub");
	n->report_first = n->settled;
	n->settled = n->logged - n->settled > STOCK_REPORT_PORTIONS_MAX ? n->settled + STOCK_REPORT_PORTIONS_MAX : n->logged;
	n->reports++;
	memcpy(n->before, n->digest, sizeof n->before);
	TRY(gather(s, n->reports, n->report_first, n->settled, n->before, &r));
	buf_heap(&bytes, STOCK_REPORT_LEN_MAX);
	TRY(stock_report_write(&bytes, &r, no_key));
	TRY(stock_report_digest(n->digest, bytes.data, bytes.len));
	return hold_commit(h, &next);
}

static dske_rc load_earlier(const struct stock *s, uint64_t number, struct buf *out)
{
	dske_rc rc = stock_report_load(s, number, out);

	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		return FAIL(NOT_FOUND, "there is no report %llu: the last one is %llu", (unsigned long long)number,
			    (unsigned long long)stock_now(s)->reports);
	return rc;
}

dske_rc stock_tell(struct stock *s, uint64_t *number, struct buf *out)
{
	AUTO(hold) hold = {0};

	TRY(table_require_side(s->table, SIDE_CLIENT));
	TRY(stock_hold(s, &hold));
	buf_drop(out);
	TRY(finish_last(s, out));
	buf_drop(out);
	if (*number != 0)
		return load_earlier(s, *number, out);
	if (stock_now(s)->settled == stock_now(s)->logged)
		return FAIL(NOT_FOUND, "nothing was cut since report %llu", (unsigned long long)stock_now(s)->reports);
	TRY(record_next(s, &hold));
	*number = stock_now(s)->reports;
	return finish_last(s, out);
}
