/* SPDX-License-Identifier: Apache-2.0 */
/* hub/mailbox-share.c - shares in and out of the mailbox.  mailbox-record.c has their bytes. */
#include "hub/mailbox-impl.h"

#include <stdlib.h>
#include <string.h>

/* ---- in ----------------------------------------------------------------------------------------- */

dske_rc mailbox_named(struct mailbox *m, const struct id *initiator, const struct id *key_id, bool *taken)
{
	TRY(mailbox_alive(m));
	*taken = share_named(m, initiator, key_id) != NULL;
	return DSKE_OK;
}

dske_rc mailbox_pair_count(struct mailbox *m, const struct id *initiator, const struct id *receiver, size_t *count)
{
	TRY(mailbox_alive(m));

	struct pair *p = pair_find(m, receiver, initiator);

	*count = p ? p->count : 0;
	return DSKE_OK;
}

/* A share as it comes, before anything is known of its record. */
static struct share *share_make(struct mailbox *m, const struct mailbox_put *p, int64_t id)
{
	const struct terms *t = p->terms;
	struct share *s = calloc(1, sizeof *s);
	bool is_long = terms_are_long(t);

	if (!s)
		return NULL;
	*s = (struct share){.key_id = t->key_id, .id = id, .range_len = MSG_SHARE_RANGE_LEN(t),
			    .receivers = t->receiver_count, .left = t->receiver_count,
			    .due = (uint32_t)(is_long ? long_due(m, p->ttl, false) : m->clock_s + p->ttl),
			    .forget = (uint32_t)(m->clock_s + 2 * (int64_t)p->ttl)};
	if (is_long)
		s->parts = long_new(t->key_len, p->ttl, terms_share_len(t) - terms_part_len(t, 0));
	if (t->confirm)
		s->round = calloc(1, sizeof *s->round);
	if ((is_long && !s->parts) || (t->confirm && !s->round)) {
		long_free(s->parts);
		free(s);
		return NULL;
	}
	if (s->round)
		s->round->receivers = t->receiver_count;
	return s;
}

dske_rc mailbox_put(struct mailbox *m, const struct mailbox_put *p, int64_t *id)
{
	TRY(mailbox_alive(m));
	if (share_named(m, &p->terms->initiator, &p->terms->key_id))
		return FAIL(EXISTS, "the key ID is taken");

	struct share *s = share_make(m, p, m->last_id + 1);

	if (!s)
		return rc_make(DSKE_RC_NOMEM);

	dske_rc rc = share_write_new(m, p, s->id, s);

	if (!rc_ok(rc)) {
		long_free(s->parts);
		free(s->round);
		free(s);
		return rc;
	}
	*id = s->id;
	TRY(mailbox_break(m, share_add(m, s, &p->terms->initiator, p->terms, NULL, source_hash(m, &p->table, p->offset))));
	if (!s->parts) /* or when it is whole */
		share_supersede(m, s);
	return DSKE_OK;
}

dske_rc mailbox_answer(struct mailbox *m, const struct id *table, uint64_t offset,
		       const uint8_t digest[FRAME_DIGEST_LEN], struct buf *frame)
{
	TRY(mailbox_alive(m));
	for (struct hash_node *n = hash_first(&m->sources, source_hash(m, table, offset)); n; n = hash_next(n)) {
		AUTO(buf) bytes = {0};
		struct share_said said;

		TRY(share_read(m, HASH_OF(share, by_source, n), false, &bytes, &said));
		if (!id_equal(&said.source, table) || said.offset != offset || memcmp(said.digest, digest, FRAME_DIGEST_LEN) != 0)
			continue;
		buf_put(frame, said.answer, said.answer_len);
		return buf_rc(frame);
	}
	return rc_make(DSKE_RC_NOT_FOUND);
}

/* ---- out ---------------------------------------------------------------------------------------- */

static bool is_accepted(const struct share *s, const struct msg_wait *match)
{
	return share_is_whole(s) && (match->takes_long || !s->parts);
}

static struct delivery *find_by_key_id(struct mailbox *m, const struct id *receiver, const struct msg_wait *match, int64_t after)
{
	struct id key_id;

	if (match->value_len != ID_LEN)
		return NULL;
	memcpy(key_id.b, match->value, ID_LEN);

	struct share *s = share_named(m, &match->initiator, &key_id);

	return s && s->id > after && is_accepted(s, match) ? share_delivery(s, receiver) : NULL;
}

/* Who asks for one after the other goes on where he was. */
static struct delivery *find_by_context(struct mailbox *m, const struct id *receiver, const struct msg_wait *match, int64_t after)
{
	struct pair *p = pair_find(m, receiver, &match->initiator);
	struct slot *slot = p ? slot_find(m, p, match->value, match->value_len) : NULL;

	if (!slot)
		return NULL;

	struct delivery *d = slot->cursor && slot->cursor->share->id <= after ? slot->cursor : slot->first;

	while (d && (d->share->id <= after || !is_accepted(d->share, match)))
		d = d->next;
	if (d)
		slot->cursor = d;
	return d;
}

dske_rc mailbox_find(struct mailbox *m, const struct id *receiver, const struct msg_wait *match, int64_t after,
		     struct mailbox_found *found)
{
	*found = (struct mailbox_found){0};
	TRY(mailbox_alive(m));

	struct delivery *d = match->selector == WAIT_KEY_ID ? find_by_key_id(m, receiver, match, after)
							    : find_by_context(m, receiver, match, after);

	if (!d)
		return rc_make(DSKE_RC_NOT_FOUND);
	*found = (struct mailbox_found){.id = d->share->id, .length = d->share->range_len, .wasted = d->wasted};
	return DSKE_OK;
}

/* What the records of RECEIPT and WASTED say. */
struct delivered {
	int64_t id;
	uint32_t receiver; /* his place in the terms */
	uint32_t zero;
};

static dske_rc delivered_note(struct mailbox *m, enum record_type type, const struct share *s, const struct delivery *d)
{
	struct delivered said = {.id = s->id, .receiver = (uint32_t)(d - s->delivery)};

	return mailbox_note(m, type, &said, sizeof said, true);
}

dske_rc mailbox_wasted(struct mailbox *m, int64_t id, const struct id *receiver)
{
	TRY(mailbox_alive(m));

	struct share *s = share_find(m, id);
	struct delivery *d = s ? share_delivery(s, receiver) : NULL;

	if (!d || d->wasted == UINT32_MAX - 1)
		return DSKE_OK;
	TRY(delivered_note(m, RECORD_WASTED, s, d));
	d->wasted++;
	return DSKE_OK;
}

dske_rc mailbox_receipt(struct mailbox *m, int64_t id, const struct id *receiver)
{
	TRY(mailbox_alive(m));

	struct share *s = share_find(m, id);
	struct delivery *d = s ? share_delivery(s, receiver) : NULL;

	if (!d)
		return DSKE_OK; /* receipted before, or gone */
	TRY(delivered_note(m, RECORD_RECEIPT, s, d));
	share_receipted(m, s, d);
	return DSKE_OK;
}

dske_rc share_give_up(struct mailbox *m, struct share *s)
{
	for (size_t i = 0; s->delivery && i < s->receivers; i++)
		if (s->delivery[i].pair) {
			TRY(delivered_note(m, RECORD_RECEIPT, s, &s->delivery[i]));
			share_receipted(m, s, &s->delivery[i]);
		}
	return DSKE_OK;
}

/* Of shares that were written again later nothing is known yet: their own record says it. */
dske_rc receipt_replay(struct mailbox *m, const struct journal_record *r)
{
	struct delivered said;

	if (r->head_len != sizeof said)
		return FAIL(CORRUPT, "a receipt in the mailbox cannot be decoded");
	memcpy(&said, r->head, sizeof said);

	struct share *s = share_find(m, said.id);

	if (!s || !s->delivery || said.receiver >= s->receivers || !s->delivery[said.receiver].pair)
		return DSKE_OK;
	if (r->type == RECORD_WASTED)
		s->delivery[said.receiver].wasted++;
	else
		share_receipted(m, s, &s->delivery[said.receiver]);
	return DSKE_OK;
}
