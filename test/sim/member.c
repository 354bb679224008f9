/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/member.c - a receiver, alone or one of a group (doc/protocol.md, 9.3). */
#include <string.h>

#include "core/xorshare.h"
#include "test/sim/sim.h"

static void receipt_send(
	struct sim *s, size_t hub, size_t member, uint64_t at, uint32_t length, enum receipt_verdict verdict)
{
	uint8_t bytes[16];
	struct buf body;

	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(msg_receipt_write(&body, &(struct msg_receipt){verdict})))
		sim_break(s, "a RECEIPT cannot be written");
	sim_send(s, TO_HUB_DOWN, hub, member,
		sim_seal(s, s->member[member].down[hub], MESSAGE_RECEIPT, hub, at, length, &body));
}

void sim_receipt(struct sim *s, size_t agreement, size_t hub, size_t member, enum receipt_verdict verdict)
{
	const struct sim_delivery *d = &s->member[member].delivery[agreement][hub];

	if (d->is_in)
		receipt_send(s, hub, member, d->at, d->length, verdict);
}

/* 9.3: the receivers are those that this client expects, and who asks for confirmation refuses terms without. */
static bool is_expected(const struct sim *s, const struct terms *t)
{
	const struct terms *mine = &s->agreement[FIRST].terms;

	return t->receiver_count == mine->receiver_count && t->confirm == mine->confirm &&
	       memcmp(t->receiver, mine->receiver, t->receiver_count * sizeof t->receiver[0]) == 0;
}

static bool offer(struct sim *s, size_t a, size_t hub, size_t member, const struct terms *t, struct secret *share)
{
	struct sim_taking *g = &s->member[member].taking[a];
	uint8_t bytes[SIM_SHARE_MAX]; /* what is taken is moved */

	memcpy(bytes, share->data, share->len);
	dske_rc rc = receiver_offer(g->receiver, &s->agreement[FIRST].terms.hub[hub], t, share);
	if (rc_ok(rc))
		sim_share_note(s, g, a, hub, t, bytes);
	return rc_ok(rc) || rc_is(rc, DSKE_RC_EXISTS);
}

static void has_key(struct sim *s, size_t member, size_t agreement, const struct terms *t)
{
	if (s->kind == KIND_CONFIRMED)
		sim_vow(s, member);
	if (s->kind == KIND_ADAPTED && agreement == FIRST)
		sim_bob_begin(s, t);
}

static void conclude(struct sim *s, size_t member, size_t agreement, bool final)
{
	struct sim_taking *g = &s->member[member].taking[agreement];
	AUTO(secret) key = {0};
	const struct terms *t = NULL;
	dske_rc rc;

	do
		rc = receiver_conclude(g->receiver, final, &key, &t);
	while (rc_is(rc, DSKE_RC_BUSY));
	sim_foretold(s, g, agreement, rc, &key);
	if (g->key.data) { /* the first valid key is final */
		g->alarm |= rc_is(rc, DSKE_RC_CONFLICT);
		return;
	}
	g->rc = rc.code;
	if (!rc_ok(rc))
		return;
	secret_move(&g->key, &key);
	memcpy(g->mask, receiver_mask(g->receiver), sizeof g->mask);
	has_key(s, member, agreement, t);
}

static bool share_take(
	struct sim *s, size_t agreement, const struct sim_event *e, const struct terms *t, struct secret *share)
{
	struct sim_member *m = &s->member[e->member];
	struct sim_taking *g = &m->taking[agreement];

	if (agreement == SECOND)
		return sim_bob_share(s, e->hub, t, share->data);
	bool good = is_expected(s, t) && offer(s, agreement, e->hub, e->member, t, share);

	if (good && !m->is_late && !m->vowed && g->rc != DSKE_RC_CONFLICT && receiver_share_count(g->receiver) >= s->k_b)
		conclude(s, e->member, agreement, false);
	return good;
}

static void instruction_take(struct sim *s, const struct sim_event *e, const struct envelope *v)
{
	struct sim_member *m = &s->member[e->member];
	AUTO(secret) share = {0};
	struct msg_instruction i;
	int a;

	if (!rc_ok(msg_instruction_read(&i, v->body, v->body_len)) ||
	    i.share_len != terms_share_len(&i.terms) || i.share_len > SIM_SHARE_MAX ||
	    v->length != PAD_KEYS_LEN + i.share_len || (a = sim_agreement_of(s, &i.terms.key_id)) < 0 ||
	    !rc_ok(secret_alloc(&share, i.share_len))) {
		receipt_send(s, e->hub, e->member, v->offset, v->length, RECEIPT_REFUSED);
		return;
	}
	struct sim_delivery *d = &m->delivery[a][e->hub];

	xor_bytes(share.data, i.share, m->down[e->hub]->bytes + v->offset + PAD_KEYS_LEN, i.share_len);
	d->is_in = true;
	d->at = v->offset;
	d->length = v->length;
	bool good = share_take(s, (size_t)a, e, &i.terms, &share);

	if (s->kind != KIND_CONFIRMED) /* else it is said when the key is confirmed */
		receipt_send(s, e->hub, e->member, v->offset, v->length, good ? RECEIPT_KEPT : RECEIPT_REFUSED);
	else if (m->vowed)
		sim_say_ready(s, e->hub, e->member);
}

void sim_member_event(struct sim *s, const struct sim_event *e)
{
	struct envelope v;

	if (e->to == TIMER_MEMBER)
		sim_member_timer(s, e->member);
	else if (!rc_ok(frame_read(&v, e->item, e->len)))
		return;
	else if (v.type == MESSAGE_CONFIRMATION && s->kind == KIND_CONFIRMED)
		sim_confirmation(s, e->hub, e->member, &v);
	else if (v.type == MESSAGE_INSTRUCTION && sim_take(s, s->member[e->member].down[e->hub], &v))
		instruction_take(s, e, &v);
}

void sim_member_end(struct sim *s, size_t member)
{
	for (size_t a = 0; a < s->agreements; a++) {
		const struct sim_taking *g = &s->member[member].taking[a];

		if (a != SECOND && g->rc != DSKE_RC_CONFLICT && !s->member[member].vowed)
			conclude(s, member, a, true);
	}
}
