/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/ends.c - the initiator and the receiver (doc/protocol.md, 9.1 and 9.3). */
#include <string.h>

#include "core/xorshare.h"
#include "test/sim/sim.h"

/* ---- initiator ------------------------------------------------------------------------------------------ */

static size_t range_len(const struct sim *s)
{
	return MSG_SHARE_RANGE_LEN(&s->terms);
}

/* What this hub is told. */
static void tell(struct sim *s, size_t i, struct msg_share *m)
{
	m->terms = s->terms;
	m->ttl = 60;
	if (s->dealer == DEALER_PRETENDS)
		m->terms.initiator.b[5] ^= 1;
	if (s->dealer == DEALER_TWO_TONGUED && i % 2 == 1)
		m->terms.key_tag.b[3] ^= 1;
}

/* SHARE on a range, which is new unless the dealer overlaps. */
static void share_seal(struct sim *s, size_t i, uint64_t at)
{
	struct sim_hub *h = &s->hub[i];
	uint8_t cipher[SIM_SHARE_MAX], body_bytes[SIM_FRAME_MAX], frame_bytes[SIM_FRAME_MAX];
	const uint8_t *range = h->up.bytes + at;
	struct msg_share m = {.mode = SHARE_MODE_PAD};
	struct buf body, frame;

	tell(s, i, &m);
	if (s->deal.origin[i] == SHARE_COMPUTED) {
		m.mode = SHARE_MODE_SEALED;
		m.share_len = terms_share_len(&s->terms);
		m.share = cipher;
		xor_bytes(cipher, s->deal.share[i].data, range + PAD_KEYS_LEN, m.share_len);
		if (s->dealer == DEALER_INCONSISTENT && sim_chance(s, 50))
			cipher[0] ^= 1;
	}
	buf_fixed(&body, body_bytes, sizeof body_bytes);
	buf_fixed(&frame, frame_bytes, sizeof frame_bytes);
	if (!rc_ok(msg_share_write(&body, &m)) ||
	    !rc_ok(frame_write(&frame, &(struct envelope){.type = MESSAGE_SHARE, .sender = s->terms.initiator,
			       .table = s->terms.hub[i], .offset = at, .length = (uint32_t)range_len(s), .body = body.data,
			       .body_len = body.len}, message_key(MESSAGE_SHARE, range))))
		sim_break(s, "a SHARE cannot be written");
	h->sent = sim_keep(s, frame.data, frame.len);
	h->sent_len = frame.len;
	h->sent_at = at;
	sim_send(s, TO_HUB_UP, (uint8_t)i, h->sent, h->sent_len);
}

void sim_initiator_start(struct sim *s)
{
	bool ready[SIM_HUBS], use_pad[SIM_HUBS];
	const uint8_t *pads[SIM_HUBS];
	uint64_t at[SIM_HUBS];

	for (size_t i = 0; i < s->terms.n; i++) {
		ready[i] = true;
		at[i] = sim_allocate(s, &s->hub[i].up, range_len(s));
	}
	if (!rc_ok(agree_choose(use_pad, &s->terms, ready, seeded_next(&s->seed))))
		sim_break(s, "no hubs could be chosen");
	for (size_t i = 0; i < s->terms.n; i++)
		pads[i] = use_pad[i] ? s->hub[i].up.bytes + at[i] + PAD_KEYS_LEN : NULL;
	if (!rc_ok(agree_deal(&s->deal, &s->terms, pads, use_pad)))
		sim_break(s, "nothing could be dealt");
	for (size_t i = 0; i < s->terms.n && !s->broken; i++) {
		share_seal(s, i, at[i]);
		if (s->dealer == DEALER_OVERLAPS) {
			s->terms.context[0] ^= 0x55;
			share_seal(s, i, at[i]);
		}
	}
	sim_timer(s, TIMER_INITIATOR, 0, SIM_RESEND);
}

static void reply_take(struct sim *s, const struct sim_event *e)
{
	struct sim_hub *h = &s->hub[e->hub];
	struct envelope v;
	struct msg_reply reply;

	if (h->replied || !rc_ok(frame_read(&v, e->item, e->len)) || v.type != MESSAGE_REPLY || v.offset != h->sent_at ||
	    v.length != range_len(s) || !frame_verify(&v, message_key(MESSAGE_REPLY, h->up.bytes + h->sent_at)))
		return;
	if (!rc_ok(msg_reply_read(&reply, v.body, v.body_len)))
		return;
	h->replied = true;
	s->verdict = agree_reply(&s->deal, &s->terms, e->hub, reply.status == STATUS_ACCEPTED);
}

void sim_initiator_event(struct sim *s, const struct sim_event *e)
{
	if (e->to == TO_INITIATOR) {
		reply_take(s, e);
		return;
	}
	for (size_t i = 0; i < s->terms.n; i++) /* the same bytes */
		if (!s->hub[i].replied)
			sim_send(s, TO_HUB_UP, (uint8_t)i, s->hub[i].sent, s->hub[i].sent_len);
	sim_timer(s, TIMER_INITIATOR, 0, s->now + SIM_RESEND);
}

/* ---- receiver -------------------------------------------------------------------------------------------- */

static void receipt_send(struct sim *s, const struct sim_event *e, const struct envelope *v, enum receipt_verdict verdict)
{
	uint8_t body_bytes[16], frame_bytes[256];
	struct buf body, frame;

	buf_fixed(&body, body_bytes, sizeof body_bytes);
	buf_fixed(&frame, frame_bytes, sizeof frame_bytes);
	if (!rc_ok(msg_receipt_write(&body, &(struct msg_receipt){verdict})) ||
	    !rc_ok(frame_write(&frame, &(struct envelope){.type = MESSAGE_RECEIPT, .sender = s->terms.receiver[0],
			       .table = s->terms.hub[e->hub], .offset = v->offset, .length = v->length, .body = body.data,
			       .body_len = body.len},
			       message_key(MESSAGE_RECEIPT, s->hub[e->hub].down.bytes + v->offset))))
		sim_break(s, "a RECEIPT cannot be written");
	sim_send(s, TO_HUB_DOWN, e->hub, sim_keep(s, frame.data, frame.len), frame.len);
}

static bool offer(struct sim *s, const struct sim_event *e, const struct envelope *v)
{
	AUTO(secret) share = {0};
	struct msg_instruction m;
	struct sim_hub *h = &s->hub[e->hub];

	if (!rc_ok(msg_instruction_read(&m, v->body, v->body_len)) || m.share_len != terms_share_len(&m.terms) ||
	    v->length != PAD_KEYS_LEN + m.share_len || !rc_ok(secret_alloc(&share, m.share_len)))
		return false;
	xor_bytes(share.data, m.share, h->down.bytes + v->offset + PAD_KEYS_LEN, m.share_len);
	dske_rc rc = receiver_offer(s->receiver, &s->terms.hub[e->hub], &m.terms, &share);
	if (rc_ok(rc) && !sim_is_corrupt(h))
		h->delivered = true;
	return rc_ok(rc) || rc_is(rc, DSKE_RC_EXISTS);
}

static void conclude(struct sim *s, bool final)
{
	AUTO(secret) key = {0};
	const struct terms *t;
	dske_rc rc;

	do
		rc = receiver_conclude(s->receiver, final, &key, &t);
	while (rc_is(rc, DSKE_RC_BUSY));
	if (s->key.data) { /* the first valid key is final */
		s->alarm |= rc_is(rc, DSKE_RC_CONFLICT);
		return;
	}
	s->receiver_rc = rc.code;
	if (rc_ok(rc))
		secret_move(&s->key, &key);
}

void sim_receiver_event(struct sim *s, const struct sim_event *e)
{
	struct envelope v;

	if (!sim_receive(&s->hub[e->hub].down, MESSAGE_INSTRUCTION, e->item, e->len, &v))
		return;
	bool good = offer(s, e, &v);
	if (good && !s->is_late && s->receiver_rc != DSKE_RC_CONFLICT && receiver_share_count(s->receiver) >= s->k_b)
		conclude(s, false);
	receipt_send(s, e, &v, good ? RECEIPT_KEPT : RECEIPT_REFUSED);
}

void sim_receiver_end(struct sim *s)
{
	if (s->receiver_rc != DSKE_RC_CONFLICT)
		conclude(s, true);
}
