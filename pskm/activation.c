/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/activation.c - binding a table to the one client that first proves that it has it. */
#include "config.h"

#include "pskm/table-impl.h"

/* Those of a retired table that have no more to do are erased (pskm/retire.c). */
static dske_rc require_retiring_key(const struct hold *h, enum activation_key which)
{
	const struct retiring *r = &h->t->now.retired;
	bool ours = (which == ACTIVATION_KEY_RETIRE) == (h->t->side == SIDE_CLIENT);

	if (layout_retiring_offset(&h->t->header.layout) == UINT64_MAX)
		return FAIL(UNSUPPORTED, "this table was made before tables could be retired by message");
	if (h->t->now.state == TABLE_LOCKED)
		return hold_require_active(h);
	if (h->t->now.state == TABLE_RETIRED && r->receipted && (!ours || r->repeated))
		return FAIL(STATE, "the retiring of this table is over");
	return DSKE_OK;
}

/* Which keys a client has left: those of an activation that is over are erased. */
static dske_rc require_key(const struct hold *h, enum activation_key which)
{
	enum table_state s = h->t->now.state;

	if (which >= ACTIVATION_KEY_RETIRE)
		return require_retiring_key(h, which);
	if (s == TABLE_RETIRED)
		return hold_require_active(h);
	if (s == TABLE_LOCKED)
		return hold_require_active(h);
	if (h->t->side == SIDE_CLIENT && which != ACTIVATION_KEY_FROZEN && s != TABLE_IMPORTED && s != TABLE_ACTIVATING)
		return FAIL(STATE, "the activation of this table is over");
	return DSKE_OK;
}

dske_rc table_activation_key(struct table *t, enum activation_key which, uint8_t out[TAG_KEY_LEN])
{
	AUTO(hold) hold = {0};

	TRY(hold_take(&hold, t));
	TRY(require_key(&hold, which));
	uint64_t offset = t->header.layout.region[REGION_ACTIVATION].start + (uint64_t)which * TAG_KEY_LEN;
	return cover_read(&t->cover, offset, out, TAG_KEY_LEN);
}

dske_rc table_activation_begin(struct table *t, struct id *nonce)
{
	AUTO(hold) hold = {0};

	TRY(table_require_side(t, SIDE_CLIENT));
	TRY(hold_take(&hold, t));
	if (t->now.state == TABLE_ACTIVE)
		return FAIL(STATE, "this table is active already");
	if (t->now.state == TABLE_ACTIVATING) {
		TRY(hold_settle(&hold)); /* whoever chose it may not have lived to send it */
		*nonce = t->now.nonce;
		return DSKE_OK;
	}
	if (t->now.state != TABLE_IMPORTED)
		return hold_require_active(&hold);
	TRY(cover_require_key(&t->cover));
	struct ledger next = t->now;
	do
		TRY(id_random(&next.nonce));
	while (id_is_zero(&next.nonce));
	next.state = TABLE_ACTIVATING;
	TRY(file_sync_dir_of(t->dir)); /* whoever gave the folder its name may not have lived to make that durable */
	TRY(hold_commit(&hold, &next));
	*nonce = next.nonce;
	return DSKE_OK;
}

dske_rc table_activation_done(struct table *t)
{
	AUTO(hold) hold = {0};

	TRY(table_require_side(t, SIDE_CLIENT));
	TRY(hold_take(&hold, t));
	if (t->now.state == TABLE_IMPORTED)
		return FAIL(STATE, "this table's activation was never begun");
	if (t->now.state != TABLE_ACTIVATING)
		return hold_require_active(&hold);
	struct ledger next = t->now;
	next.state = TABLE_ACTIVE;
	TRY(hold_commit(&hold, &next));
	return table_erase(t, t->header.layout.region[REGION_ACTIVATION].start, 2 * TAG_KEY_LEN);
}

dske_rc table_freeze(struct table *t)
{
	AUTO(hold) hold = {0};

	TRY(hold_take(&hold, t));
	if (t->now.state >= TABLE_FROZEN)
		return DSKE_OK;
	struct ledger next = t->now;
	next.state = TABLE_FROZEN;
	return hold_commit(&hold, &next);
}

dske_rc table_activate(struct table *t, const struct id *nonce)
{
	AUTO(hold) hold = {0};

	TRY(table_require_side(t, SIDE_HUB));
	if (id_is_zero(nonce))
		return FAIL(FORMAT, "an activation without a nonce");
	TRY(hold_take(&hold, t));
	struct ledger next = t->now;
	if (next.state == TABLE_IMPORTED) {
		next.nonce = *nonce;
		next.state = TABLE_ACTIVE;
		TRY(file_sync_dir_of(t->dir)); /* as at the client */
		return hold_commit(&hold, &next);
	}
	TRY(hold_require_active(&hold));
	if (id_equal(&next.nonce, nonce))
		return DSKE_OK;
	next.state = TABLE_FROZEN;
	TRY(hold_commit(&hold, &next));
	return hold_require_active(&hold);
}
