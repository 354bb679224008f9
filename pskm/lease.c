/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/lease.c - the lease: how each side gets windows that no copy of the other can have
 * (doc/protocol.md, "The lease").
 *
 * Invariants, each held by recording before anything is returned:
 *  1. up_high and down_high never go down, on either side.
 *  2. The client's windows lie above its own high water, the hub's up windows above the hub's, and the
 *     hub's down windows above the hub's and inside what the client has newly allowed.
 *  3. The client uses each slot once.  The hub grants each slot once.
 */
#include "config.h"

#include <string.h>

#include "pskm/table-impl.h"

#define CLONED_KEY_AT (3 * TAG_KEY_LEN) /* the fourth key of a slot */
#define PASSED_LEN_MAX (UINT64_C(16) << 20)

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static dske_rc require_slot(const struct table *t, uint64_t slot)
{
	if (slot >= layout_lease_slots(&t->header.layout))
		return FAIL(REGION, "the table has no lease slot %llu", (unsigned long long)slot);
	return DSKE_OK;
}

/* [start, end) inside a region, and not longer than any window. */
static dske_rc require_range(const struct table *t, enum region region, uint64_t start, uint64_t end)
{
	if (start > end || end - start > WINDOW_LEN_MAX || !layout_holds(&t->header.layout, region, start, end - start))
		return FAIL(REGION, "the range from %llu to %llu is no window of the %s region",
			    (unsigned long long)start, (unsigned long long)end, region_name(region));
	return DSKE_OK;
}

/* Bytes that were passed over: recorded as used, by now, and perhaps seen on the wire in another life of this
 * folder.  Of a stretch so long that erasing would hold up everybody, the keys go now, and the rest is left to the
 * sweep of the next opening. */
static dske_rc erase_passed(struct table *t, uint64_t from, uint64_t to)
{
	if (to - from > PASSED_LEN_MAX)
		return cover_forget(&t->cover, from, to);
	return table_erase(t, from, to - from);
}

void lease_keys_drop(struct lease_keys *k)
{
	secret_drop(&k->bytes);
}

/* ---- client ------------------------------------------------------------------------------------- */

dske_rc table_lease_take(struct table *t, uint64_t *slot, uint64_t *lowest, struct lease_keys *keys)
{
	AUTO(hold) hold = {0};
	AUTO(secret) bytes = {0};

	TRY(table_require_side(t, SIDE_CLIENT));
	TRY(hold_take(&hold, t));
	TRY(hold_require_active(&hold));
	struct ledger next = t->now;
	if (next.lease_next >= layout_lease_slots(&t->header.layout))
		return FAIL(EXHAUSTED, "no lease slots are left in this table; get a new PSKM");
	uint64_t taken = next.lease_next++;
	uint64_t offset = layout_lease_offset(&t->header.layout, taken);
	TRY(secret_alloc(&bytes, LEASE_SLOT_LEN));
	TRY(hold_commit(&hold, &next));
	dske_rc rc = cover_read(&t->cover, offset, bytes.data, bytes.len);
	if (rc_is(rc, DSKE_RC_CORRUPT))
		(void)hold_lock(&hold);
	TRY(rc);
	TRY(table_erase(t, offset, LEASE_SLOT_LEN));
	*slot = taken;
	*lowest = next.up_high;
	secret_move(&keys->bytes, &bytes);
	return DSKE_OK;
}

dske_rc table_lease_skip(struct table *t, uint64_t slot, bool alarm)
{
	AUTO(hold) hold = {0};

	TRY(table_require_side(t, SIDE_CLIENT));
	TRY(hold_take(&hold, t));
	TRY(hold_require_active(&hold));
	struct ledger next = t->now;
	uint64_t furthest = min64(slot, layout_lease_slots(&t->header.layout));
	if (!alarm)
		furthest = min64(furthest, next.lease_next + 1);
	next.lease_next = max64(next.lease_next, furthest);
	next.clone_alarms += alarm ? 1 : 0;
	if (next.lease_next == t->now.lease_next && !alarm)
		return DSKE_OK;
	uint64_t lease = t->header.layout.region[REGION_LEASE].start, from = t->now.lease_next;
	TRY(hold_commit(&hold, &next));
	return erase_passed(t, lease + from * LEASE_SLOT_LEN, lease + next.lease_next * LEASE_SLOT_LEN);
}

/* Both windows' bytes, or neither: recorded they are anyway. */
static dske_rc load_both(struct hold *h, struct window *up, struct window *down)
{
	dske_rc rc = window_load(up);

	if (rc_ok(rc))
		rc = window_load(down);
	if (rc_is(rc, DSKE_RC_CORRUPT))
		(void)hold_lock(h);
	return rc;
}

dske_rc table_lease_granted(struct table *t, uint64_t start, uint64_t end, uint64_t down_wanted,
			    struct window **up, struct window **down)
{
	AUTO(hold) hold = {0};

	TRY(table_require_side(t, SIDE_CLIENT));
	TRY(require_range(t, REGION_UP, start, end));
	TRY(hold_take(&hold, t));
	TRY(hold_require_active(&hold));

	struct ledger next = t->now;
	uint64_t passed = t->now.up_high, from = max64(start, passed);
	next.up_high = max64(end, passed);
	uint64_t down_left = t->header.layout.region[REGION_DOWN].end - t->now.down_high;
	next.down_high += min64(min64(down_wanted, WINDOW_LEN_MAX), down_left);

	struct window *w_up, *w_down = NULL;
	TRY(window_new(&w_up, t, min64(from, next.up_high), next.up_high));
	dske_rc rc = window_new(&w_down, t, t->now.down_high, next.down_high);
	if (rc_ok(rc))
		rc = hold_commit(&hold, &next); /* DSKE 2.3.2: marked as 'used' before they are read */
	if (rc_ok(rc))
		rc = load_both(&hold, w_up, w_down);
	if (rc_ok(rc))
		rc = erase_passed(t, passed, window_start(w_up));
	if (!rc_ok(rc)) {
		window_free(w_up);
		window_free(w_down);
		return rc;
	}
	*up = w_up;
	*down = w_down;
	return DSKE_OK;
}

/* ---- hub ---------------------------------------------------------------------------------------- */

static dske_rc cloned_key_used(const struct table *t, uint64_t slot, bool *used)
{
	uint64_t at = layout_lease_offset(&t->header.layout, slot) + CLONED_KEY_AT;

	return cover_is_erased(&t->cover, at, TAG_KEY_LEN, used);
}

/* Zeros when it is used. */
static dske_rc read_cloned_key(struct table *t, uint64_t slot, uint8_t out[TAG_KEY_LEN])
{
	bool used;

	TRY(cloned_key_used(t, slot, &used));
	if (used)
		return DSKE_OK;
	return cover_read(&t->cover, layout_lease_offset(&t->header.layout, slot) + CLONED_KEY_AT, out, TAG_KEY_LEN);
}

/* The keys of LEASE, GRANT and CONFIRM are kept; a hub whose slots are erased cannot lease. */
dske_rc table_lease_keys(struct table *t, uint64_t slot, struct lease_keys *keys)
{
	AUTO(hold) hold = {0};
	AUTO(secret) bytes = {0};

	TRY(table_require_side(t, SIDE_HUB));
	TRY(require_slot(t, slot));
	TRY(hold_take(&hold, t));
	TRY(hold_require_active(&hold));
	uint64_t offset = layout_lease_offset(&t->header.layout, slot);
	TRY(secret_alloc(&bytes, LEASE_SLOT_LEN));
	TRY(cover_read(&t->cover, offset, bytes.data, CLONED_KEY_AT));
	TRY(read_cloned_key(t, slot, bytes.data + CLONED_KEY_AT));
	secret_move(&keys->bytes, &bytes);
	return DSKE_OK;
}

static bool slot_taken(const struct ledger *l, uint64_t slot)
{
	if (slot >= l->lease_next)
		return false;
	return l->lease_next - slot > LEASE_MEMORY || (l->lease_taken >> slot % LEASE_MEMORY & 1) != 0;
}

static enum lease_kind classify(const struct ledger *l, uint64_t slot, const uint8_t digest[LEASE_DIGEST_LEN])
{
	if (!slot_taken(l, slot))
		return LEASE_FRESH;
	if (l->lease_next - slot > LEASE_MEMORY)
		return LEASE_STALE;
	return memcmp(l->digest[slot % LEASE_MEMORY], digest, LEASE_DIGEST_LEN) == 0 ? LEASE_REPEATED : LEASE_CLONE;
}

dske_rc table_lease_classify(struct table *t, uint64_t slot, const uint8_t digest[LEASE_DIGEST_LEN], enum lease_kind *kind,
			     uint64_t *next_free_slot)
{
	AUTO(hold) hold = {0};

	TRY(table_require_side(t, SIDE_HUB));
	TRY(require_slot(t, slot));
	TRY(hold_take(&hold, t));
	*kind = classify(&t->now, slot, digest);
	*next_free_slot = t->now.lease_next;
	return DSKE_OK;
}

dske_rc table_lease_refuse(struct table *t, uint64_t slot, enum lease_kind kind)
{
	AUTO(hold) hold = {0};
	bool used;

	TRY(table_require_side(t, SIDE_HUB));
	TRY(require_slot(t, slot));
	TRY(hold_take(&hold, t));
	TRY(hold_require_active(&hold));
	TRY(cloned_key_used(t, slot, &used));
	if (used)
		return FAIL(USED, "the clone of slot %llu was answered before", (unsigned long long)slot);
	/* The erased key itself is the record that it was used. */
	TRY(table_erase(t, layout_lease_offset(&t->header.layout, slot) + CLONED_KEY_AT, TAG_KEY_LEN));
	if (!rc_ok(cover_sync(&t->cover))) {
		(void)hold_lock(&hold);
		return FAIL(SYNC, "the clone's answer could not be recorded, so this table is locked for good");
	}
	struct ledger next = t->now;
	next.clone_alarms++;
	return kind == LEASE_CLONE ? hold_commit(&hold, &next) : DSKE_OK;
}

/* Forgets what lies LEASE_MEMORY below, then takes the slot. */
static void slot_take(struct ledger *l, uint64_t slot, const uint8_t digest[LEASE_DIGEST_LEN])
{
	if (slot >= l->lease_next && slot - l->lease_next >= LEASE_MEMORY) {
		l->lease_taken = 0;
		memset(l->digest, 0, sizeof l->digest);
		l->lease_next = slot;
	}
	for (; l->lease_next <= slot; l->lease_next++) {
		l->lease_taken &= ~(UINT64_C(1) << l->lease_next % LEASE_MEMORY);
		memset(l->digest[l->lease_next % LEASE_MEMORY], 0, LEASE_DIGEST_LEN);
	}
	l->lease_taken |= UINT64_C(1) << slot % LEASE_MEMORY;
	memcpy(l->digest[slot % LEASE_MEMORY], digest, LEASE_DIGEST_LEN);
}

/* Where the next grant begins: at the hub's high water, or as far above as the client says that it must,
 * but never further than one part in LEASE_JUMP_SHARE of the region. */
static uint64_t grant_start(const struct table *t, uint64_t lowest)
{
	const struct range *up = &t->header.layout.region[REGION_UP];
	uint64_t high = t->now.up_high;

	if (lowest <= high)
		return high;
	return high + min64(min64(lowest, up->end) - high, (up->end - up->start) / LEASE_JUMP_SHARE);
}

dske_rc table_lease_grant(struct table *t, uint64_t slot, const uint8_t digest[LEASE_DIGEST_LEN], uint64_t lowest,
			  uint64_t wanted, uint64_t policy_most, struct window **up)
{
	AUTO(hold) hold = {0};
	struct window *w;

	TRY(table_require_side(t, SIDE_HUB));
	TRY(require_slot(t, slot));
	TRY(hold_take(&hold, t));
	TRY(hold_require_active(&hold));
	if (slot_taken(&t->now, slot))
		return FAIL(STATE, "lease slot %llu is taken", (unsigned long long)slot);

	struct ledger next = t->now;
	uint64_t passed = t->now.up_high, start = grant_start(t, lowest);
	uint64_t left = t->header.layout.region[REGION_UP].end - start;
	next.up_high = start + min64(min64(wanted, policy_most), min64(WINDOW_LEN_MAX, left));
	slot_take(&next, slot, digest);
	TRY(window_new(&w, t, start, next.up_high));
	dske_rc rc = hold_commit(&hold, &next);
	if (rc_ok(rc))
		rc = erase_passed(t, passed, start);
	if (!rc_ok(rc)) {
		hold_drop(&hold);
		window_free(w);
		return rc;
	}
	*up = w;
	return DSKE_OK;
}

dske_rc table_lease_confirm(struct table *t, uint64_t start, uint64_t end, struct window **down)
{
	AUTO(hold) hold = {0};
	struct window *w;

	TRY(table_require_side(t, SIDE_HUB));
	TRY(require_range(t, REGION_DOWN, start, end));
	TRY(hold_take(&hold, t));
	TRY(hold_require_active(&hold));

	struct ledger next = t->now;
	uint64_t passed = t->now.down_high;
	next.down_high = max64(end, passed);
	TRY(window_new(&w, t, min64(max64(start, passed), next.down_high), next.down_high));
	dske_rc rc = next.down_high == passed ? DSKE_OK : hold_commit(&hold, &next);
	if (rc_ok(rc))
		rc = erase_passed(t, passed, window_start(w));
	if (!rc_ok(rc)) {
		hold_drop(&hold);
		window_free(w);
		return rc;
	}
	*down = w;
	return DSKE_OK;
}
