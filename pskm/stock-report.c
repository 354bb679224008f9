/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/stock-report.c - a report of portions, written and read. */
#include "config.h"

#include "pskm/stock-report.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

#define REPORT_VERSION 1
#define FIELDS 6

dske_rc stock_report_write(struct buf *out, const struct stock_report *r, const uint8_t key[TAG_KEY_LEN])
{
	static const uint8_t room[TAG_LEN];
	struct tag tag;
	size_t start = out->len;

	cbor_write_array(out, FIELDS);
	cbor_write_uint(out, REPORT_VERSION);
	cbor_write_id(out, &r->stock);
	cbor_write_uint(out, r->number);
	cbor_write_bytes(out, r->before, sizeof r->before);
	cbor_write_array(out, r->count);
	for (size_t i = 0; i < r->count; i++)
		portion_write(out, &r->portion[i]);
	cbor_write_bytes(out, room, sizeof room);
	TRY(buf_rc(out));
	tag_compute(&tag, key, out->data + start, out->len - start - TAG_LEN);
	memcpy(out->data + out->len - TAG_LEN, tag.b, TAG_LEN);
	return DSKE_OK;
}

/* The fields in front of the portions. */
static void read_front(struct cbor_reader *r, struct stock_report *report)
{
	cbor_read_array(r, FIELDS, FIELDS);
	cbor_read_uint(r, REPORT_VERSION, REPORT_VERSION);
	cbor_read_id(r, &report->stock);
	report->number = cbor_read_uint(r, 1, TABLE_LEN_MAX);
	cbor_read_copy(r, report->before, sizeof report->before);
}

dske_rc stock_report_peek(const uint8_t *bytes, size_t len, struct id *stock, uint64_t *number)
{
	struct stock_report front = {0};
	struct cbor_reader r;

	cbor_reader_init(&r, bytes, len);
	read_front(&r, &front);
	if (r.code != DSKE_RC_OK || len <= TAG_LEN || len > STOCK_REPORT_LEN_MAX)
		return FAIL(FORMAT, "this is no distributor's report, or it is cut short");
	*stock = front.stock;
	*number = front.number;
	return DSKE_OK;
}

dske_rc stock_report_verify(const uint8_t *bytes, size_t len, const uint8_t key[TAG_KEY_LEN])
{
	struct tag tag;

	if (len <= TAG_LEN)
		return FAIL(FORMAT, "the report is cut short");
	memcpy(tag.b, bytes + len - TAG_LEN, TAG_LEN);
	if (!tag_check(&tag, key, bytes, len - TAG_LEN))
		return FAIL(TAG, "the report was changed or cut on its way, or is not this distributor's: get it again");
	return DSKE_OK;
}

static dske_rc read_all(struct stock_report *report, struct cbor_reader *r)
{
	uint8_t tag[TAG_LEN];

	read_front(r, report);
	report->count = cbor_read_array(r, 1, STOCK_REPORT_PORTIONS_MAX);
	if (report->count > 0)
		report->portion = calloc(report->count, sizeof *report->portion);
	if (report->count > 0 && report->portion == NULL)
		return FAIL(NOMEM, "no memory for a report");
	for (size_t i = 0; i < report->count; i++)
		portion_read(r, &report->portion[i]);
	cbor_read_copy(r, tag, sizeof tag);
	return cbor_end(r);
}

dske_rc stock_report_read(struct stock_report *report, const uint8_t *bytes, size_t len)
{
	struct cbor_reader r;

	*report = (struct stock_report){0};
	if (len > STOCK_REPORT_LEN_MAX)
		return FAIL(FORMAT, "a report is longer than %u bytes", STOCK_REPORT_LEN_MAX);
	cbor_reader_init(&r, bytes, len);
	return read_all(report, &r);
}

dske_rc stock_report_digest(uint8_t out[STOCK_DIGEST_LEN], const uint8_t *bytes, size_t len)
{
	uint8_t sum[CRYPTO_SHA256_LEN];

	TRY(crypto_sha256(sum, bytes, len - TAG_LEN));
	memcpy(out, sum, STOCK_DIGEST_LEN);
	return DSKE_OK;
}

void stock_report_drop(struct stock_report *r)
{
	free(r->portion);
	*r = (struct stock_report){0};
}
