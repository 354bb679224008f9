/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/initiator.c - the initiator (doc/protocol.md, 9.1). */
#include <string.h>

#include "core/xorshare.h"
#include "test/sim/sim.h"

int sim_agreement_of(const struct sim *s, const struct id *key_id)
{
	for (size_t a = 0; a < s->agreements; a++)
		if (id_equal(&s->agreement[a].terms.key_id, key_id))
			return (int)a;
	return -1;
}

const uint8_t *sim_dealt_share(const struct sim *s, size_t agreement, size_t hub)
{
	const struct sim_agreement *a = &s->agreement[agreement];

	if (a->deal.origin[hub] == SHARE_COMPUTED)
		return a->deal.share[hub].data;
	return s->hub[hub].up->bytes + a->post[hub].sent_at + PAD_KEYS_LEN;
}

/* What this hub is told. */
static void tell(struct sim *s, size_t agreement, size_t hub, struct msg_share *m)
{
	m->terms = s->agreement[agreement].terms;
	m->ttl = 60;
	if (s->dealer == DEALER_PRETENDS)
		m->terms.initiator.b[5] ^= 1;
	if (s->dealer == DEALER_TWO_TONGUED && hub % 2 == 1)
		m->terms.key_tag.b[3] ^= 1;
}

/* SHARE on a range, which is new unless the dealer overlaps. */
void sim_send_share(struct sim *s, size_t agreement, size_t hub, uint64_t at)
{
	struct sim_agreement *a = &s->agreement[agreement];
	struct sim_post *post = &a->post[hub];
	struct sim_region *up = s->hub[hub].up;
	uint8_t cipher[SIM_SHARE_MAX], bytes[SIM_FRAME_MAX];
	struct msg_share m = {.mode = SHARE_MODE_PAD};
	struct buf body;

	tell(s, agreement, hub, &m);
	if (a->deal.origin[hub] == SHARE_COMPUTED) {
		m.mode = SHARE_MODE_SEALED;
		m.share_len = terms_share_len(&a->terms);
		m.share = cipher;
		xor_bytes(cipher, a->deal.share[hub].data, up->bytes + at + PAD_KEYS_LEN, m.share_len);
		if (s->dealer == DEALER_INCONSISTENT && sim_chance(s, 50))
			cipher[0] ^= 1;
	}
	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(msg_share_write(&body, &m)))
		sim_break(s, "a SHARE cannot be written");
	post->sent = sim_seal(s, up, MESSAGE_SHARE, hub, at, MSG_SHARE_RANGE_LEN(&a->terms), &body);
	post->sent_at = at;
	post->is_sent = true;
	sim_send(s, TO_HUB_UP, hub, 0, post->sent);
}

static void deal(struct sim *s, struct sim_agreement *a, const uint64_t at[SIM_HUBS], const uint8_t *y0)
{
	bool ready[SIM_HUBS], use_pad[SIM_HUBS];
	const uint8_t *pads[SIM_HUBS];
	uint64_t spread = seeded_next(&s->seed);

	memset(ready, true, sizeof ready);
	if (!rc_ok(y0 ? agree_choose_again(use_pad, &a->terms, ready, spread)
		      : agree_choose(use_pad, &a->terms, ready, spread)))
		sim_break(s, "no hubs could be chosen");
	for (size_t i = 0; i < a->terms.n; i++)
		pads[i] = use_pad[i] ? s->hub[i].up->bytes + at[i] + PAD_KEYS_LEN : NULL;
	if (!rc_ok(y0 ? agree_deal_again(&a->deal, &a->terms, pads, use_pad, y0)
		      : agree_deal(&a->deal, &a->terms, pads, use_pad)))
		sim_break(s, "nothing could be dealt");
}

void sim_initiate(struct sim *s, size_t agreement, const uint8_t *y0)
{
	struct sim_agreement *a = &s->agreement[agreement];
	uint64_t at[SIM_HUBS];

	for (size_t i = 0; i < a->terms.n; i++)
		at[i] = sim_allocate(s, s->hub[i].up, MSG_SHARE_RANGE_LEN(&a->terms));
	deal(s, a, at, y0);
	for (size_t i = 0; i < a->terms.n && !s->broken; i++) {
		sim_send_share(s, agreement, i, at[i]);
		if (s->dealer == DEALER_OVERLAPS) {
			a->terms.context[0] ^= 0x55;
			sim_send_share(s, agreement, i, at[i]);
		}
	}
}

/* What follows when k hubs have accepted. */
static void agreed(struct sim *s, size_t agreement)
{
	if (s->kind == KIND_CONFIRMED)
		sim_round_begin(s);
	if (s->kind == KIND_ADAPTED && agreement == FIRST)
		sim_alice_begin(s);
}

static void reply_take(struct sim *s, size_t hub, const struct envelope *v)
{
	struct msg_reply reply;

	for (size_t i = 0; i < s->agreements; i++) {
		struct sim_agreement *a = &s->agreement[i];
		struct sim_post *post = &a->post[hub];

		if (!post->is_sent || post->replied || v->length != MSG_SHARE_RANGE_LEN(&a->terms) ||
		    !sim_is_answer(s->hub[hub].up, v, post->sent_at) || !rc_ok(msg_reply_read(&reply, v->body, v->body_len)))
			continue;
		post->replied = true;
		post->agreed = reply.status == STATUS_ACCEPTED;
		if (i == SECOND) { /* counted by nobody: TAGS says which shares came */
			continue;
		}
		enum deal_verdict before = a->verdict;

		a->verdict = agree_reply(&a->deal, &a->terms, hub, post->agreed);
		if (a->verdict == DEAL_AGREED && before != DEAL_AGREED)
			agreed(s, i);
	}
}

/* The same bytes. */
static void resend(struct sim *s)
{
	for (size_t a = 0; a < s->agreements; a++)
		for (size_t i = 0; i < s->agreement[a].terms.n; i++) {
			const struct sim_post *post = &s->agreement[a].post[i];

			if (post->is_sent && !post->replied)
				sim_send(s, TO_HUB_UP, i, 0, post->sent);
		}
	sim_timer(s, TIMER_INITIATOR, s->now + SIM_RESEND);
}

void sim_initiator_event(struct sim *s, const struct sim_event *e)
{
	struct envelope v;

	if (e->to == TIMER_INITIATOR)
		resend(s);
	else if (e->to == TIMER_ROUND)
		sim_round_timer(s);
	else if (rc_ok(frame_read(&v, e->item, e->len))) {
		if (v.type == MESSAGE_REPLY)
			reply_take(s, e->hub, &v);
		if (s->kind == KIND_CONFIRMED)
			sim_round_frame(s, e->hub, &v);
	}
}
