/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/table.c - opening, holding, sweeping and locking a table.
 *
 *                 client: table_activation_begin      client: table_activation_done
 *     IMPORTED ----------------------------> ACTIVATING ---------------------> ACTIVE
 *         |                                                                      ^
 *         +------------------------- hub: table_activate ------------------------+
 *     any of them  --- table_freeze, or at the hub a second nonce ---> FROZEN
 *     any of them  --- table_lock, or a failed sync -----------------> LOCKED, for good
 */
#include "config.h"

#include "pskm/table-impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pskm/format.h"
#include "pskm/header-file.h"

#define ERASE_PUNCH_MIN (64u << 10) /* a hole costs more than it saves below this */
#define ERASED_BLOCK 16

static const struct {
	const char *name;
	int code;        /* why no bytes are handed out */
	const char *why;
} states[] = {
	[TABLE_IMPORTED] = {"imported", DSKE_RC_NOT_ACTIVE, "is not activated yet"},
	[TABLE_ACTIVATING] = {"activating", DSKE_RC_NOT_ACTIVE, "waits for its hub to confirm the activation"},
	[TABLE_ACTIVE] = {"active", DSKE_RC_OK, ""},
	[TABLE_FROZEN] = {"frozen", DSKE_RC_FROZEN, "was activated twice, so somebody has a copy: get a new PSKM"},
	[TABLE_LOCKED] = {"locked", DSKE_RC_LOCKED, "is locked, since what is used of it is in doubt: get a new PSKM"},
};

const char *table_state_name(enum table_state s)
{
	return (unsigned)s < sizeof states / sizeof states[0] ? states[s].name : "unknown";
}

/* ---- holding ------------------------------------------------------------------------------------ */

static dske_rc ledger_refresh(struct table *t)
{
	if (t->side == SIDE_CLIENT) {
		TRY(ledger_read(t->ledger.n, &t->now));
		TRY(ledger_check(&t->now, &t->header));
	}
	if (t->locked)
		t->now.state = TABLE_LOCKED;
	return DSKE_OK;
}

dske_rc hold_take(struct hold *h, struct table *t)
{
	if (t->owner != getpid())
		return FAIL(FORKED, "this table was opened by the parent process; a child opens it afresh");
	pthread_mutex_lock(&t->mutex);
	if (t->side == SIDE_CLIENT) {
		dske_rc rc = file_lock(t->ledger.n, FILE_LOCK_EXCLUSIVE, true);
		if (!rc_ok(rc)) {
			pthread_mutex_unlock(&t->mutex);
			return rc;
		}
	}
	h->t = t;
	return ledger_refresh(t);
}

void hold_drop(struct hold *h)
{
	if (h->t == NULL)
		return;
	if (h->t->side == SIDE_CLIENT)
		file_unlock(h->t->ledger.n);
	pthread_mutex_unlock(&h->t->mutex);
	h->t = NULL;
}

/* Rides on a commit that is made anyway.  A clock from before the table was made is not set. */
static void sample(const struct table *t, struct ledger *next)
{
	struct supply_left left = ledger_left(next, &t->header);
	time_t now = time(NULL);

	if (now > 0 && (uint64_t)now >= t->header.created)
		supply_note(&next->history, (uint64_t)now, &left);
}

dske_rc hold_commit(struct hold *h, struct ledger *next)
{
	struct table *t = h->t;

	sample(t, next);
	dske_rc rc = ledger_commit(t->ledger.n, next);

	t->now = *next;
	if (!rc_ok(rc)) {
		t->locked = true;
		t->now.state = TABLE_LOCKED;
	}
	return rc;
}

dske_rc hold_lock(struct hold *h)
{
	struct ledger next = h->t->now;

	h->t->locked = true;
	next.state = TABLE_LOCKED;
	return hold_commit(h, &next);
}

dske_rc hold_require_active(const struct hold *h)
{
	enum table_state s = h->t->now.state;
	char hex[ID_HEX_LEN];

	if (s == TABLE_ACTIVE)
		return DSKE_OK;
	return rc_fail(states[s].code, "table %s %s", id_hex(&h->t->header.table, hex), states[s].why);
}

dske_rc table_require_side(const struct table *t, enum side side)
{
	if (t->side != side)
		return FAIL(STATE, "only the %s does this with its table", side == SIDE_HUB ? "hub" : "client");
	return DSKE_OK;
}

/* ---- the bytes ---------------------------------------------------------------------------------- */

/* Does any whole block hold nothing but zeros?  Looks at every byte, whatever it finds. */
static bool erased_within(const uint8_t *bytes, size_t len)
{
	unsigned found = 0;

	for (size_t at = 0; at + ERASED_BLOCK <= len; at += ERASED_BLOCK) {
		unsigned any = 0;
		for (size_t i = 0; i < ERASED_BLOCK; i++)
			any |= bytes[at + i];
		found |= (any - 1) >> 31;
	}
	return found != 0;
}

dske_rc table_read_unused(const struct table *t, uint64_t offset, void *out, size_t len)
{
	char hex[ID_HEX_LEN];

	TRY(file_pread(t->bytes.n, out, len, offset));
	if (!erased_within(out, len))
		return DSKE_OK;
	mem_wipe(out, len);
	return FAIL(CORRUPT, "table %s: bytes that the ledger calls unused are erased, so the ledger is older than "
			     "the table (was it restored from a copy?); the table is locked, get a new PSKM",
		    id_hex(&t->header.table, hex));
}

dske_rc table_erase(const struct table *t, uint64_t offset, uint64_t len)
{
	static const uint8_t zeros[4096];

	if (len >= ERASE_PUNCH_MIN)
		return file_erase(t->bytes.n, offset, len);
	for (uint64_t done = 0; done < len; done += sizeof zeros) {
		uint64_t left = len - done;
		TRY(file_pwrite(t->bytes.n, zeros, left < sizeof zeros ? (size_t)left : sizeof zeros, offset + done));
	}
	return DSKE_OK;
}

/* ---- the sweep: used bytes that a crash left in the file ------------------------------------------ */

/* The client's lease slots; and its keys of an activation that is over.  The hub keeps its own. */
static dske_rc sweep_keys(struct table *t, const struct ledger *l)
{
	const struct range *lease = &t->header.layout.region[REGION_LEASE];

	TRY(file_erase_data(t->bytes.n, lease->start + l->erased_lease * LEASE_SLOT_LEN,
			lease->start + l->lease_next * LEASE_SLOT_LEN));
	if (l->state == TABLE_ACTIVE)
		TRY(table_erase(t, t->header.layout.region[REGION_ACTIVATION].start, 2 * TAG_KEY_LEN));
	return DSKE_OK;
}

/* Does the client still have keys of an activation that is over?  No mark of the ledger tells: a crash
 * between its record and their erasure leaves them. */
static dske_rc activation_left(const struct table *t, bool *left)
{
	static const uint8_t zeros[2 * TAG_KEY_LEN];
	uint8_t keys[sizeof zeros];

	*left = false;
	if (t->side != SIDE_CLIENT || t->now.state != TABLE_ACTIVE)
		return DSKE_OK;
	TRY(file_pread(t->bytes.n, keys, sizeof keys, t->header.layout.region[REGION_ACTIVATION].start));
	*left = !mem_equal(keys, zeros, sizeof keys);
	mem_wipe(keys, sizeof keys);
	return DSKE_OK;
}

/* Whoever holds the table may sweep: windows were loaded within a hold (client), or died with the
 * process that had them (hub). */
static dske_rc sweep(struct hold *h)
{
	struct table *t = h->t;
	struct ledger next = t->now;
	bool left;

	next.erased_up = next.up_high;
	next.erased_down = next.down_high;
	if (t->side == SIDE_CLIENT)
		next.erased_lease = next.lease_next;
	TRY(activation_left(t, &left));
	if (!left && next.erased_up == t->now.erased_up && next.erased_down == t->now.erased_down &&
	    next.erased_lease == t->now.erased_lease)
		return DSKE_OK;
	TRY(file_erase_data(t->bytes.n, t->now.erased_up, next.erased_up));
	TRY(file_erase_data(t->bytes.n, t->now.erased_down, next.erased_down));
	if (t->side == SIDE_CLIENT)
		TRY(sweep_keys(t, &t->now));
	if (!rc_ok(file_sync(t->bytes.n))) {
		(void)hold_lock(h);
		return FAIL(SYNC, "erased bytes could not be made durable, so this table is locked: look after the disk");
	}
	if (t->now.state == TABLE_LOCKED)
		return DSKE_OK; /* nothing is recorded any more; the next opening sweeps again */
	return hold_commit(h, &next);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static dske_rc check_size(const struct table *t, const char *dir)
{
	struct stat st;

	if (fstat(t->bytes.n, &st) != 0)
		return FAIL(IO, "cannot examine the table in %s: %m", dir);
	if ((uint64_t)st.st_size != t->header.layout.len)
		return FAIL(CORRUPT, "the table in %s has %lld bytes, its header says %llu", dir,
			    (long long)st.st_size, (unsigned long long)t->header.layout.len);
	return DSKE_OK;
}

static dske_rc open_files(struct table *t, const char *dir)
{
	struct path p;

	TRY(path_format(&p, "%s/" TABLE_FILE_HEADER, dir));
	TRY(header_file_read(&t->header, p.s));
	TRY(path_format(&p, "%s/" TABLE_FILE_TABLE, dir));
	TRY(file_open(&t->bytes, p.s, O_RDWR, 0));
	TRY(check_size(t, dir));
	TRY(path_format(&p, "%s/" TABLE_FILE_LEDGER, dir));
	return file_open(&t->ledger, p.s, O_RDWR, 0);
}

static dske_rc check_side(const struct table *t, const char *dir)
{
	if (t->now.side != t->side)
		return FAIL(STATE, "%s is the %s's copy of the table", dir,
			    t->now.side == SIDE_HUB ? "hub" : "client");
	return DSKE_OK;
}

/* The hub takes the lock for its life; hold_take then finds the ledger in memory. */
static dske_rc claim(struct table *t, const char *dir)
{
	if (t->side == SIDE_CLIENT)
		return DSKE_OK;
	dske_rc rc = file_lock(t->ledger.n, FILE_LOCK_EXCLUSIVE, false);
	if (rc_is(rc, DSKE_RC_BUSY))
		return FAIL(BUSY, "the table in %s is in use by another hub process", dir);
	TRY(rc);
	TRY(ledger_read(t->ledger.n, &t->now));
	return ledger_check(&t->now, &t->header);
}

static dske_rc open_and_sweep(struct table *t, const char *dir)
{
	AUTO(hold) hold = {0};

	TRY(open_files(t, dir));
	TRY(claim(t, dir));
	TRY(hold_take(&hold, t));
	TRY(check_side(t, dir));
	return sweep(&hold);
}

dske_rc table_open(struct table **out, const char *dir, enum side side)
{
	struct table *t = calloc(1, sizeof *t);

	*out = NULL;
	if (t == NULL)
		return FAIL(NOMEM, "no memory for a table");
	t->side = side;
	t->owner = getpid();
	t->bytes.n = t->ledger.n = -1;
	pthread_mutex_init(&t->mutex, NULL);
	dske_rc rc = open_and_sweep(t, dir);
	if (!rc_ok(rc)) {
		table_close(t);
		return rc;
	}
	*out = t;
	return DSKE_OK;
}

void table_close(struct table *t)
{
	if (t == NULL)
		return;
	fd_drop(&t->bytes);
	fd_drop(&t->ledger);
	free(t);
}

const struct pskm_header *table_header(const struct table *t)
{
	return &t->header;
}

dske_rc table_status(struct table *t, struct table_status *out)
{
	AUTO(hold) hold = {0};

	TRY(hold_take(&hold, t));
	ledger_status(&t->now, &t->header, out);
	return DSKE_OK;
}

dske_rc table_lock(struct table *t)
{
	AUTO(hold) hold = {0};

	TRY(hold_take(&hold, t));
	return hold_lock(&hold);
}
