/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/retire.c - the end of a table: first it is recorded that nothing of it is used any more, then all of it is
 * destroyed but the two keys by which the sides tell each other.
 *
 * What the ledger calls used is everything, so the marks of what is erased tell how far the destruction went, over
 * crashes too.  A key of retiring goes when it has no more to do:
 *   the other side's   when its word is recorded;
 *   ours               when the other side's word repeats ours, which shows that it came.
 * Until then the same bytes may have to be sent again.
 */
#include "config.h"

#include <string.h>

#include "pskm/table-impl.h"

static const char *const reasons[] = {
	[RETIRE_ENDED] = "ended",
	[RETIRE_REPLACED] = "replaced",
	[RETIRE_LOST] = "lost",
	[RETIRE_STOLEN] = "stolen",
};

const char *retire_reason_name(unsigned reason)
{
	return reason > 0 && reason < RETIRE_REASON_END ? reasons[reason] : "for a reason unknown here";
}

dske_rc retire_reason_parse(uint8_t *out, const char *name)
{
	for (uint8_t i = 1; i < RETIRE_REASON_END; i++)
		if (strcmp(name, reasons[i]) == 0) {
			*out = i;
			return DSKE_OK;
		}
	return FAIL(ARGS, "'%s' is no reason: ended, replaced, lost or stolen", name);
}

/* ---- the record --------------------------------------------------------------------------------- */

static dske_rc require_retired(const struct hold *h)
{
	if (h->t->now.state != TABLE_RETIRED)
		return FAIL(STATE, "this table is not retired");
	return DSKE_OK;
}

dske_rc table_retire(struct table *t, struct retiring *r)
{
	AUTO(hold) hold = {0};

	TRY(hold_take(&hold, t));
	if (t->now.state == TABLE_RETIRED) {
		TRY(hold_settle(&hold)); /* the word is told under a key that tells no other */
		*r = t->now.retired;
		return DSKE_OK;
	}
	if (t->locked)
		return hold_require_active(&hold);

	struct ledger next = t->now;

	next.state = TABLE_RETIRED;
	next.retired = (struct retiring){.reason = r->reason, .time = r->time, .repeats = r->repeats, .let_go = r->let_go};
	next.lease_next = layout_lease_slots(&t->header.layout);
	next.up_high = t->header.layout.region[REGION_UP].end;
	next.down_high = t->header.layout.region[REGION_DOWN].end;
	TRY(hold_commit(&hold, &next));
	*r = next.retired;
	return DSKE_OK;
}

dske_rc table_let_go(struct table *t)
{
	AUTO(hold) hold = {0};

	TRY(table_require_side(t, SIDE_CLIENT));
	TRY(hold_take(&hold, t));
	TRY(require_retired(&hold));
	struct ledger next = t->now;
	next.retired.let_go = true;
	return t->now.retired.let_go ? hold_settle(&hold) : hold_commit(&hold, &next);
}

/* ---- the bytes ---------------------------------------------------------------------------------- */

/* The keys of retiring that are still needed: a range, perhaps empty, that ends the search for what to erase. */
static struct range keys_kept(const struct table *t)
{
	const struct retiring *r = &t->now.retired;
	uint64_t at = layout_retiring_offset(&t->header.layout);
	enum activation_key ours = t->side == SIDE_CLIENT ? ACTIVATION_KEY_RETIRE : ACTIVATION_KEY_RETIRED;

	if (at == UINT64_MAX || (r->receipted && r->repeated)) {
		at = t->header.layout.region[REGION_ACTIVATION].end;
		return (struct range){at, at};
	}
	if (!r->receipted)
		return (struct range){at, at + RETIRING_LEN};
	at += (uint64_t)(ours - ACTIVATION_KEY_RETIRE) * TAG_KEY_LEN;
	return (struct range){at, at + TAG_KEY_LEN};
}

/* The keys of all chunks go at once, however long the table is, but for the chunk of our own keys while there are
 * any: what is left there is overwritten. */
static dske_rc forget_all(struct table *t)
{
	struct range kept = keys_kept(t);
	uint64_t from = kept.start - kept.start % COVER_CHUNK_LEN, to = kept.end + COVER_CHUNK_LEN - 1;

	if (kept.start == kept.end)
		return cover_forget(&t->cover, 0, t->header.layout.len);
	to -= to % COVER_CHUNK_LEN;
	TRY(cover_forget(&t->cover, 0, from));
	return to < t->header.layout.len ? cover_forget(&t->cover, to, t->header.layout.len) : DSKE_OK;
}

static dske_rc erase_activation(struct table *t)
{
	const struct range *region = &t->header.layout.region[REGION_ACTIVATION];
	struct range kept = keys_kept(t);

	TRY(forget_all(t));
	TRY(cover_erase(&t->cover, region->start, kept.start));
	return cover_erase(&t->cover, kept.end, region->end);
}

static dske_rc activation_is_erased(const struct table *t, bool *erased)
{
	const struct range *region = &t->header.layout.region[REGION_ACTIVATION];
	struct range kept = keys_kept(t);

	TRY(cover_is_erased(&t->cover, region->start, kept.start - region->start, erased));
	return *erased ? cover_is_erased(&t->cover, kept.end, region->end - kept.end, erased) : DSKE_OK;
}

static dske_rc sync_or_lock(struct hold *h)
{
	if (rc_ok(cover_sync(&h->t->cover)))
		return DSKE_OK;
	(void)hold_lock(h);
	return FAIL(SYNC, "what is left of a retired table could not be destroyed for certain: look after the disk");
}

/* Moves a mark of what is erased towards `end`, by at most *most bytes. */
static dske_rc erase_on(struct table *t, uint64_t *erased, uint64_t end, uint64_t *most)
{
	uint64_t step = end - *erased < *most ? end - *erased : *most;

	TRY(cover_erase(&t->cover, *erased, *erased + step));
	*erased += step;
	*most -= step;
	return DSKE_OK;
}

static dske_rc erase_lease(struct table *t, struct ledger *next)
{
	const struct range *lease = &t->header.layout.region[REGION_LEASE];

	next->erased_lease = next->lease_next;
	return cover_erase(&t->cover, lease->start, lease->end);
}

static bool regions_are_erased(const struct ledger *l)
{
	return l->erased_lease == l->lease_next && l->erased_up == l->up_high && l->erased_down == l->down_high;
}

/* What is in the way of an opening, too, so that a table that is destroyed costs nothing. */
static dske_rc is_destroyed(const struct table *t, bool *done)
{
	*done = regions_are_erased(&t->now);
	return *done ? activation_is_erased(t, done) : DSKE_OK;
}

static dske_rc destroy_some(struct hold *h, uint64_t most)
{
	struct table *t = h->t;
	struct ledger next = t->now;

	TRY(erase_activation(t));
	TRY(erase_lease(t, &next));
	TRY(erase_on(t, &next.erased_up, next.up_high, &most));
	TRY(erase_on(t, &next.erased_down, next.down_high, &most));
	TRY(sync_or_lock(h));
	return regions_are_erased(&t->now) ? DSKE_OK : hold_commit(h, &next);
}

dske_rc table_destroy(struct table *t, uint64_t most, bool *done)
{
	AUTO(hold) hold = {0};

	*done = false;
	TRY(hold_take(&hold, t));
	TRY(require_retired(&hold));
	TRY(is_destroyed(t, done));
	if (*done)
		return DSKE_OK;
	TRY(hold_settle(&hold));
	TRY(destroy_some(&hold, most));
	return is_destroyed(t, done);
}

dske_rc table_retire_receipt(struct table *t, bool repeated, uint64_t now)
{
	AUTO(hold) hold = {0};

	TRY(hold_take(&hold, t));
	TRY(require_retired(&hold));
	if (!t->now.retired.receipted) {
		struct ledger next = t->now;
		next.retired.receipted = true;
		next.retired.repeated = repeated;
		next.retired.seen = now;
		TRY(hold_commit(&hold, &next));
	} else {
		TRY(hold_settle(&hold));
	}
	TRY(erase_activation(t));
	return sync_or_lock(&hold);
}
