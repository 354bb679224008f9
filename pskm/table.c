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
 *     any of them  --- table_retire ---------------------------------> RETIRED, for good
 */
#include "config.h"

#include "pskm/table-impl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/pid.h"
#include "pskm/format.h"
#include "pskm/header-file.h"

static const struct {
	const char *name;
	int code;        /* why no bytes are handed out */
	const char *why;
} states[] = {
	[TABLE_IMPORTED] = {"inactive", DSKE_RC_NOT_ACTIVE, "is not activated yet"},
	[TABLE_ACTIVATING] = {"activating", DSKE_RC_NOT_ACTIVE, "waits for its hub to confirm the activation"},
	[TABLE_ACTIVE] = {"active", DSKE_RC_OK, ""},
	[TABLE_FROZEN] = {"frozen", DSKE_RC_FROZEN, "was activated twice, so somebody has a copy: get a new PSKM"},
	[TABLE_LOCKED] = {"locked", DSKE_RC_LOCKED, "is locked, since what is used of it is in doubt: get a new PSKM"},
	[TABLE_RETIRED] = {"retired", DSKE_RC_RETIRED, "is retired: get a new PSKM"},
	[TABLE_MOVED] = {"moved", DSKE_RC_EXHAUSTED, "has nothing left: the rest of it went into another table"},
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
	if (t->locked && !state_is_final(t->now.state))
		t->now.state = TABLE_LOCKED;
	return DSKE_OK;
}

static dske_rc open_ledger(struct table *t)
{
	struct path p;

	TRY(path_format(&p, "%s/" TABLE_FILE_LEDGER, t->dir));
	return file_open_ordinary(&t->ledger, p.s, O_RDWR | O_NOFOLLOW, 0);
}

/* The lock goes by word, since a fork may have doubled the descriptor. */
static void close_files(struct table *t)
{
	if (t->ledger.n >= 0)
		file_unlock(t->ledger.n);
	fd_drop(&t->ledger);
	cover_close(&t->cover);
}

/* Whoever has the lock has the files as they are now. */
static dske_rc open_files(struct table *t)
{
	dske_rc rc = open_ledger(t);

	if (rc_ok(rc))
		rc = file_lock(t->ledger.n, FILE_LOCK_EXCLUSIVE, true);
	if (rc_ok(rc))
		rc = cover_open(&t->cover, t->dir);
	if (rc_is(rc, DSKE_RC_NOT_FOUND))
		rc = FAIL(NOT_FOUND, "the medium with this table is not there: %s is missing, or a file in it", t->dir);
	if (!rc_ok(rc))
		close_files(t);
	return rc;
}

dske_rc hold_take(struct hold *h, struct table *t)
{
	if (t->owner != process_id())
		return FAIL(FORKED, "this table was opened by the parent process; a child opens it afresh");
	pthread_mutex_lock(&t->mutex);
	if (t->side == SIDE_CLIENT) {
		dske_rc rc = open_files(t);
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
		close_files(h->t);
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

static void lock_here(struct table *t)
{
	t->locked = true;
	if (!state_is_final(t->now.state))
		t->now.state = TABLE_LOCKED;
}

dske_rc hold_commit(struct hold *h, struct ledger *next)
{
	struct table *t = h->t;

	sample(t, next);
	dske_rc rc = ledger_commit(t->ledger.n, next);

	if (!rc_ok(rc) && !rc_is(rc, DSKE_RC_SYNC))
		return rc; /* nothing was written */
	t->now = *next;
	if (!rc_ok(rc))
		lock_here(t);
	return rc;
}

dske_rc hold_settle(struct hold *h)
{
	struct table *t = h->t;

	if (t->side == SIDE_HUB)
		return DSKE_OK;
	dske_rc rc = ledger_settle(t->ledger.n, &t->now);
	if (!rc_ok(rc))
		lock_here(t);
	return rc;
}

dske_rc hold_lock(struct hold *h)
{
	struct ledger next = h->t->now;

	if (state_is_final(next.state))
		return DSKE_OK;
	h->t->locked = true;
	next.state = TABLE_LOCKED;
	return hold_commit(h, &next);
}

dske_rc hold_require_active(const struct hold *h)
{
	enum table_state s = h->t->now.state;
	char hex[ID_HEX_LEN];

	if (s == TABLE_ACTIVE)
		return cover_require_key(&h->t->cover);
	return rc_fail(states[s].code, "table %s %s", id_hex(&h->t->header.table, hex), states[s].why);
}

dske_rc table_require_side(const struct table *t, enum side side)
{
	if (t->side != side)
		return FAIL(STATE, "only the %s does this with its table", side == SIDE_HUB ? "hub" : "client");
	return DSKE_OK;
}

/* ---- erasing ------------------------------------------------------------------------------------ */

/* Every byte of a region below this offset is used.  The hub keeps its lease slots, and both sides keep keys of
 * the activation region. */
static uint64_t used_below(const struct table *t, enum region region)
{
	const struct range *r = &t->header.layout.region[region];

	switch (region) {
	case REGION_CONTAINER:
		return r->end;
	case REGION_LEASE:
		return t->side == SIDE_CLIENT ? r->start + t->now.lease_next * LEASE_SLOT_LEN : r->start;
	case REGION_UP:
		return t->now.up_high;
	case REGION_DOWN:
		return t->now.down_high;
	default:
		return r->start;
	}
}

static bool all_used(const struct table *t, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < REGION_COUNT; i++) {
		const struct range *r = &t->header.layout.region[i];
		uint64_t end = to < r->end ? to : r->end;
		if (from < r->end && r->start < to && end > used_below(t, (enum region)i))
			return false;
	}
	return !window_any_unused(t, from, to);
}

/* The key of the chunk around this offset goes when nothing in the chunk is left. */
static dske_rc forget_around(struct table *t, uint64_t offset)
{
	uint64_t from = offset - offset % COVER_CHUNK_LEN, to = from + COVER_CHUNK_LEN;

	if (to > t->header.layout.len)
		to = t->header.layout.len;
	return all_used(t, from, to) ? cover_forget(&t->cover, from, to) : DSKE_OK;
}

static dske_rc forget_ends(struct table *t, uint64_t offset, uint64_t len)
{
	TRY(forget_around(t, offset));
	return forget_around(t, offset + len - 1);
}

dske_rc table_erase(struct table *t, uint64_t offset, uint64_t len)
{
	if (len == 0)
		return DSKE_OK;
	TRY(cover_erase(&t->cover, offset, offset + len));
	return forget_ends(t, offset, len);
}

dske_rc table_erase_read(struct table *t, uint64_t offset, uint64_t len)
{
	if (len == 0)
		return DSKE_OK;
	TRY(cover_erase_read(&t->cover, offset, offset + len));
	return forget_ends(t, offset, len);
}

/* ---- the sweep: used bytes that a crash left in the file ------------------------------------------ */

/* The client's lease slots; and its keys of an activation that is over.  The hub keeps its own. */
static dske_rc sweep_keys(struct table *t, const struct ledger *l)
{
	const struct range *lease = &t->header.layout.region[REGION_LEASE];

	TRY(table_erase(t, lease->start + l->erased_lease * LEASE_SLOT_LEN,
			(l->lease_next - l->erased_lease) * LEASE_SLOT_LEN));
	if (l->state == TABLE_ACTIVE)
		TRY(table_erase(t, t->header.layout.region[REGION_ACTIVATION].start, 2 * TAG_KEY_LEN));
	return DSKE_OK;
}

/* Does the client still have keys of an activation that is over?  No mark of the ledger tells: a crash
 * between its record and their erasure leaves them. */
static dske_rc activation_left(const struct table *t, bool *left)
{
	bool erased = true;

	if (t->side == SIDE_CLIENT && t->now.state == TABLE_ACTIVE)
		TRY(cover_is_erased(&t->cover, t->header.layout.region[REGION_ACTIVATION].start, 2 * TAG_KEY_LEN, &erased));
	*left = !erased;
	return DSKE_OK;
}

/* Whoever holds the table may sweep: windows were loaded within a hold (client), or died with the
 * process that had them (hub). */
dske_rc hold_sweep(struct hold *h)
{
	struct table *t = h->t;
	struct ledger next = t->now;
	bool left;

	if (t->now.state == TABLE_RETIRED)
		return DSKE_OK; /* table_destroy goes on with it */
	next.erased_up = next.up_high;
	next.erased_down = next.down_high;
	if (t->side == SIDE_CLIENT)
		next.erased_lease = next.lease_next;
	TRY(activation_left(t, &left));
	if (!left && next.erased_up == t->now.erased_up && next.erased_down == t->now.erased_down &&
	    next.erased_lease == t->now.erased_lease)
		return DSKE_OK;
	TRY(hold_settle(h));
	TRY(table_erase(t, t->now.erased_up, next.erased_up - t->now.erased_up));
	TRY(table_erase(t, t->now.erased_down, next.erased_down - t->now.erased_down));
	if (t->side == SIDE_CLIENT)
		TRY(sweep_keys(t, &t->now));
	if (!rc_ok(cover_sync(&t->cover))) {
		(void)hold_lock(h);
		return FAIL(SYNC, "erased bytes could not be made durable, so this table is locked: look after the disk");
	}
	if (t->now.state == TABLE_LOCKED)
		return DSKE_OK; /* nothing is recorded any more; the next opening sweeps again */
	return hold_commit(h, &next);
}

/* ---- opening ------------------------------------------------------------------------------------ */

static dske_rc check_side(const struct table *t)
{
	if (t->now.side != t->side)
		return FAIL(STATE, "%s is the %s's copy of the table", t->dir, t->now.side == SIDE_HUB ? "hub" : "client");
	return DSKE_OK;
}

/* The hub takes files and lock for its life; hold_take then finds the ledger in memory. */
static dske_rc claim(struct table *t)
{
	TRY(open_ledger(t));
	dske_rc rc = file_lock(t->ledger.n, FILE_LOCK_EXCLUSIVE, false);
	if (rc_is(rc, DSKE_RC_BUSY))
		return FAIL(BUSY, "the table in %s is in use by another hub process", t->dir);
	TRY(rc);
	TRY(cover_open(&t->cover, t->dir));
	TRY(ledger_read(t->ledger.n, &t->now));
	TRY(ledger_check(&t->now, &t->header));
	return ledger_settle(t->ledger.n, &t->now);
}

static dske_rc read_header(struct table *t)
{
	struct path p;

	TRY(path_format(&p, "%s/" TABLE_FILE_HEADER, t->dir));
	TRY(header_file_read(&t->header, p.s));
	cover_init(&t->cover, &t->header.table, t->header.layout.len);
	return DSKE_OK;
}

static dske_rc open_and_sweep(struct table *t, const struct secret *key)
{
	AUTO(hold) hold = {0};

	TRY(read_header(t));
	if (t->side == SIDE_HUB)
		TRY(claim(t));
	TRY(hold_take(&hold, t));
	TRY(check_side(t));
	if (key != NULL && key->len != 0)
		TRY(cover_unlock(&t->cover, key));
	return hold_sweep(&hold);
}

static struct table *table_new(const char *dir, enum side side)
{
	struct table *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->side = side;
	t->owner = process_id();
	t->ledger = t->cover.bytes = t->cover.salts = (struct fd)FD_NONE;
	t->dir = strdup(dir);
	pthread_mutex_init(&t->mutex, NULL);
	return t;
}

dske_rc table_open(struct table **out, const char *dir, enum side side, const struct secret *key)
{
	struct table *t = table_new(dir, side);

	*out = NULL;
	if (t == NULL || t->dir == NULL) {
		table_close(t);
		return FAIL(NOMEM, "no memory for a table");
	}
	dske_rc rc = open_and_sweep(t, key);
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
	fd_drop(&t->ledger);
	cover_drop(&t->cover);
	free(t->dir);
	free(t);
}

dske_rc table_unlock(struct table *t, const struct secret *key)
{
	AUTO(hold) hold = {0};

	TRY(hold_take(&hold, t));
	return cover_unlock(&t->cover, key);
}

void table_relock(struct table *t)
{
	if (t->owner != process_id())
		return;
	pthread_mutex_lock(&t->mutex);
	cover_relock(&t->cover);
	pthread_mutex_unlock(&t->mutex);
}

const struct pskm_header *table_header(const struct table *t)
{
	return &t->header;
}

dske_rc table_mark(const struct table *t, uint8_t mark[TABLE_MARK_LEN])
{
	return cover_mark(&t->cover, mark);
}

dske_rc table_status(struct table *t, struct table_status *out)
{
	AUTO(hold) hold = {0};

	TRY(hold_take(&hold, t));
	ledger_status(&t->now, &t->header, out);
	out->needs_key = !rc_ok(cover_require_key(&t->cover));
	return DSKE_OK;
}

dske_rc table_lock(struct table *t)
{
	AUTO(hold) hold = {0};

	TRY(hold_take(&hold, t));
	return hold_lock(&hold);
}
