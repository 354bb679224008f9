/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/stock-log.c - records of fixed length, each with its number and a checksum. */
#include "config.h"

#include "pskm/stock-log.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"
#include "pskm/format.h"

static_assert(STOCK_LOG_AT_PORTION + PORTION_RECORD_LEN == STOCK_LOG_AT_SUM, "as in format.h");

static dske_rc record_sum(uint8_t out[STOCK_LOG_SUM_LEN], const struct id *stock, const uint8_t *record)
{
	uint8_t all[ID_LEN + STOCK_LOG_AT_SUM], sum[CRYPTO_SHA256_LEN];

	memcpy(all, stock->b, ID_LEN);
	memcpy(all + ID_LEN, record, STOCK_LOG_AT_SUM);
	TRY(crypto_sha256(sum, all, sizeof all));
	memcpy(out, sum, STOCK_LOG_SUM_LEN);
	return DSKE_OK;
}

dske_rc stock_log_write(int fd, const struct id *stock, uint64_t number, const struct stock_entry *e)
{
	uint8_t record[STOCK_LOG_RECORD_LEN];

	be64_put(record, number);
	be64_put(record + STOCK_LOG_AT_REPORT, e->report);
	portion_encode(record + STOCK_LOG_AT_PORTION, &e->portion);
	TRY(record_sum(record + STOCK_LOG_AT_SUM, stock, record));
	return file_pwrite(fd, record, sizeof record, number * sizeof record);
}

dske_rc stock_log_read(int fd, const struct id *stock, uint64_t number, struct stock_entry *e)
{
	uint8_t record[STOCK_LOG_RECORD_LEN], sum[STOCK_LOG_SUM_LEN];

	TRY(file_pread(fd, record, sizeof record, number * sizeof record));
	TRY(record_sum(sum, stock, record));
	if (memcmp(sum, record + STOCK_LOG_AT_SUM, sizeof sum) != 0 || be64_get(record) != number ||
	    !rc_ok(portion_decode(&e->portion, record + STOCK_LOG_AT_PORTION)))
		return FAIL(CORRUPT, "record %llu of the stock's log is damaged, so nobody knows who has that portion: "
				     "the stock is not used any more",
			    (unsigned long long)number);
	e->report = be64_get(record + STOCK_LOG_AT_REPORT);
	return DSKE_OK;
}
