/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/ledger.c - two slots, written by turns. */
#include "config.h"

#include "pskm/ledger.h"

#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/crypto.h"
#include "base/file.h"
#include "pskm/format.h"

static_assert(LEDGER_AT_DIGESTS + LEASE_MEMORY * LEASE_DIGEST_LEN == LEDGER_AT_RETIRE_REASON, "as in format.h");
static_assert(LEDGER_AT_HISTORY + SUPPLY_HISTORY_LEN == LEDGER_AT_HISTORY_END, "as in format.h");

#define LOOKS 3

/* One that is higher was not written by us: behind the highest of all the count would begin anew, and what is recorded
 * then would not be read. */
#define SEQ_MAX (UINT64_MAX / 2)

/* The 64-bit numbers of a record and where they stand. */
static const struct {
	size_t field, at;
} numbers[] = {
	{offsetof(struct ledger, seq), LEDGER_AT_SEQ},
	{offsetof(struct ledger, lease_next), LEDGER_AT_LEASE_NEXT},
	{offsetof(struct ledger, lease_taken), LEDGER_AT_LEASE_TAKEN},
	{offsetof(struct ledger, up_high), LEDGER_AT_UP_HIGH},
	{offsetof(struct ledger, down_high), LEDGER_AT_DOWN_HIGH},
	{offsetof(struct ledger, erased_lease), LEDGER_AT_ERASED_LEASE},
	{offsetof(struct ledger, erased_up), LEDGER_AT_ERASED_UP},
	{offsetof(struct ledger, erased_down), LEDGER_AT_ERASED_DOWN},
	{offsetof(struct ledger, clone_alarms), LEDGER_AT_CLONE_ALARMS},
	{offsetof(struct ledger, retired.time), LEDGER_AT_RETIRE_TIME},
	{offsetof(struct ledger, retired.seen), LEDGER_AT_RETIRE_SEEN},
};
#define NUMBER_COUNT (sizeof numbers / sizeof numbers[0])

void ledger_init(struct ledger *l, const struct pskm_header *h, enum side side)
{
	*l = (struct ledger){
		.table = h->table,
		.side = side,
		.state = TABLE_IMPORTED,
		.up_high = h->layout.region[REGION_UP].start,
		.down_high = h->layout.region[REGION_DOWN].start,
		.erased_up = h->layout.region[REGION_UP].start,
		.erased_down = h->layout.region[REGION_DOWN].start,
	};
}

static dske_rc slot_sum(uint8_t out[LEDGER_SUM_LEN], const uint8_t slot[LEDGER_SLOT_LEN])
{
	uint8_t sum[CRYPTO_SHA256_LEN];

	TRY(crypto_sha256(sum, slot, LEDGER_AT_SUM));
	memcpy(out, sum, LEDGER_SUM_LEN);
	return DSKE_OK;
}

enum { BIT_RECEIPTED = 1, BIT_REPEATS = 2, BIT_REPEATED = 4, BIT_LET_GO = 8 };

static uint8_t retire_bits(const struct retiring *r)
{
	return (uint8_t)((r->receipted ? BIT_RECEIPTED : 0) | (r->repeats ? BIT_REPEATS : 0) |
			 (r->repeated ? BIT_REPEATED : 0) | (r->let_go ? BIT_LET_GO : 0));
}

static void retire_bits_read(struct retiring *r, uint8_t bits)
{
	r->receipted = (bits & BIT_RECEIPTED) != 0;
	r->repeats = (bits & BIT_REPEATS) != 0;
	r->repeated = (bits & BIT_REPEATED) != 0;
	r->let_go = (bits & BIT_LET_GO) != 0;
}

static dske_rc slot_encode(uint8_t slot[LEDGER_SLOT_LEN], const struct ledger *l)
{
	memset(slot, 0, LEDGER_SLOT_LEN);
	memcpy(slot, LEDGER_MAGIC, sizeof LEDGER_MAGIC - 1);
	memcpy(slot + LEDGER_AT_TABLE, l->table.b, ID_LEN);
	slot[LEDGER_AT_SIDE] = (uint8_t)l->side;
	slot[LEDGER_AT_STATE] = (uint8_t)l->state;
	memcpy(slot + LEDGER_AT_NONCE, l->nonce.b, ID_LEN);
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		uint64_t v;
		memcpy(&v, (const uint8_t *)l + numbers[i].field, sizeof v);
		be64_put(slot + numbers[i].at, v);
	}
	memcpy(slot + LEDGER_AT_DIGESTS, l->digest, sizeof l->digest);
	slot[LEDGER_AT_RETIRE_REASON] = l->retired.reason;
	slot[LEDGER_AT_RETIRE_BITS] = retire_bits(&l->retired);
	supply_history_write(slot + LEDGER_AT_HISTORY, &l->history);
	stock_record_encode(slot + LEDGER_AT_STOCK, &l->stock);
	return slot_sum(slot + LEDGER_AT_SUM, slot);
}

/* False when the slot holds no record that verifies. */
static bool slot_decode(struct ledger *l, const uint8_t slot[LEDGER_SLOT_LEN], const uint8_t sum[LEDGER_SUM_LEN],
			uint64_t index)
{
	if (memcmp(sum, slot + LEDGER_AT_SUM, LEDGER_SUM_LEN) != 0 ||
	    memcmp(slot, LEDGER_MAGIC, sizeof LEDGER_MAGIC - 1) != 0)
		return false;
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		uint64_t v = be64_get(slot + numbers[i].at);
		memcpy((uint8_t *)l + numbers[i].field, &v, sizeof v);
	}
	memcpy(l->table.b, slot + LEDGER_AT_TABLE, ID_LEN);
	memcpy(l->nonce.b, slot + LEDGER_AT_NONCE, ID_LEN);
	memcpy(l->digest, slot + LEDGER_AT_DIGESTS, sizeof l->digest);
	l->retired.reason = slot[LEDGER_AT_RETIRE_REASON];
	retire_bits_read(&l->retired, slot[LEDGER_AT_RETIRE_BITS]);
	supply_history_read(&l->history, slot + LEDGER_AT_HISTORY);
	l->side = slot[LEDGER_AT_SIDE];
	l->state = slot[LEDGER_AT_STATE];
	return rc_ok(stock_record_decode(&l->stock, slot + LEDGER_AT_STOCK)) && l->seq % 2 == index && l->seq != 0 &&
	       l->side <= SIDE_HUB && l->state <= TABLE_MOVED;
}

static dske_rc slot_write(int fd, const uint8_t slot[LEDGER_SLOT_LEN], uint64_t seq)
{
	TRY(file_pwrite(fd, slot, LEDGER_SLOT_LEN, seq % 2 * LEDGER_SLOT_LEN));
	return file_sync(fd);
}

dske_rc ledger_create(const char *path, struct ledger *l)
{
	AUTO(fd) f = FD_NONE;
	static const uint8_t empty[LEDGER_SLOT_LEN];
	uint8_t slot[LEDGER_SLOT_LEN];

	TRY(file_open(&f, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
	l->seq = 1;
	TRY(slot_encode(slot, l));
	TRY(file_pwrite(f.n, empty, sizeof empty, 0));
	return slot_write(f.n, slot, l->seq);
}

dske_rc ledger_read(int fd, struct ledger *l)
{
	uint8_t slots[2][LEDGER_SLOT_LEN], sum[LEDGER_SUM_LEN];
	struct ledger record[2];
	bool valid[2];

	TRY(file_pread(fd, slots, sizeof slots, 0));
	for (unsigned i = 0; i < 2; i++) {
		TRY(slot_sum(sum, slots[i]));
		valid[i] = slot_decode(&record[i], slots[i], sum, i);
	}
	if (!valid[0] && !valid[1])
		return FAIL(CORRUPT, "no record of the ledger verifies: what is used of this table is unknown, "
				     "so it stays locked; get a new PSKM");
	if (valid[0] && valid[1])
		*l = record[record[0].seq > record[1].seq ? 0 : 1];
	else
		*l = record[valid[0] ? 0 : 1];
	return DSKE_OK;
}

dske_rc ledger_look(int fd, struct ledger *l)
{
	dske_rc rc = ledger_read(fd, l);

	for (int tries = 1; tries < LOOKS && rc_is(rc, DSKE_RC_CORRUPT); tries++)
		rc = ledger_read(fd, l);
	return rc;
}

static bool within(const struct range *r, uint64_t erased, uint64_t high)
{
	return r->start <= erased && erased <= high && high <= r->end;
}

dske_rc ledger_check(const struct ledger *l, const struct pskm_header *h)
{
	if (!id_equal(&l->table, &h->table))
		return FAIL(CORRUPT, "the ledger belongs to another table than the header beside it");
	if (l->seq > SEQ_MAX)
		return FAIL(CORRUPT, "the ledger's number is higher than any that was ever counted to");
	if (!within(&h->layout.region[REGION_UP], l->erased_up, l->up_high) ||
	    !within(&h->layout.region[REGION_DOWN], l->erased_down, l->down_high) ||
	    l->lease_next > layout_lease_slots(&h->layout) || l->erased_lease > l->lease_next)
		return FAIL(CORRUPT, "the ledger's values lie outside the table");
	return stock_record_check(&l->stock, h);
}

/* LOCKED into both slots, the doubtful one first; what fails here cannot be helped.  A retired table hands out
 * nothing, and stays what it is. */
static void lock_both(int fd, struct ledger *l)
{
	uint8_t slot[LEDGER_SLOT_LEN];

	if (!state_is_final(l->state))
		l->state = TABLE_LOCKED;
	for (int i = 0; i < 2; i++) {
		if (rc_ok(slot_encode(slot, l)))
			(void)slot_write(fd, slot, l->seq);
		l->seq++;
	}
}

static dske_rc fail_sync(int fd, struct ledger *l)
{
	lock_both(fd, l);
	return FAIL(SYNC, "the ledger could not be made durable, so this table is locked for good: look after the "
			  "disk, then get a new PSKM");
}

struct supply_left ledger_left(const struct ledger *l, const struct pskm_header *h)
{
	return (struct supply_left){
		.up = h->layout.region[REGION_UP].end - l->up_high,
		.down = h->layout.region[REGION_DOWN].end - l->down_high,
		.lease = layout_lease_slots(&h->layout) - l->lease_next,
	};
}

void ledger_status(const struct ledger *l, const struct pskm_header *h, struct table_status *out)
{
	const struct range *up = &h->layout.region[REGION_UP];
	const struct range *down = &h->layout.region[REGION_DOWN];
	struct supply_left left = ledger_left(l, h);
	struct supply_left total = {up->end - up->start, down->end - down->start, layout_lease_slots(&h->layout)};
	time_t now = time(NULL);

	*out = (struct table_status){
		.state = l->state,
		.up_left = left.up,
		.up_len = total.up,
		.down_left = left.down,
		.down_len = total.down,
		.lease_left = left.lease,
		.lease_slots = total.lease,
		.clone_alarms = l->clone_alarms,
		.retired = l->retired,
		.supply = supply_forecast(&l->history, now > 0 ? (uint64_t)now : 0, &left, &total),
	};
}

dske_rc ledger_commit(int fd, struct ledger *l)
{
	uint8_t slot[LEDGER_SLOT_LEN];

	l->seq++;
	TRY(slot_encode(slot, l));
	return rc_ok(slot_write(fd, slot, l->seq)) ? DSKE_OK : fail_sync(fd, l);
}

dske_rc ledger_settle(int fd, struct ledger *l)
{
	return rc_ok(file_sync(fd)) ? DSKE_OK : fail_sync(fd, l);
}
