/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/hub.c - a hub (doc/protocol.md, 8.2 to 8.4). */
#include <string.h>

#include "core/xorshare.h"
#include "test/sim/sim.h"

bool sim_is_away(const struct sim *s, const struct sim_hub *h)
{
	return s->now >= h->away_from && s->now < h->away_until;
}

/* ---- out: INSTRUCTION ------------------------------------------------------------------------------------ */

struct parcel { /* one agreement from one hub to one member */
	size_t agreement, hub, member;
};

static void instruct(struct sim *s, const struct parcel *p, const struct terms *t, const uint8_t *share)
{
	struct sim_region *down = s->member[p->member].down[p->hub];
	struct sim_delivery *d = &s->member[p->member].delivery[p->agreement][p->hub];
	uint8_t cipher[SIM_SHARE_MAX], bytes[SIM_FRAME_MAX];
	struct msg_instruction m = {.terms = *t, .share = cipher, .share_len = terms_share_len(t)};
	size_t len = PAD_KEYS_LEN + m.share_len;
	struct buf body;

	if (down->cursor + len > down->size)
		return; /* what is left after crashes and lies */
	uint64_t at = sim_allocate(s, down, len);
	xor_bytes(cipher, share, down->bytes + at + PAD_KEYS_LEN, m.share_len);
	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(msg_instruction_write(&body, &m)))
		sim_break(s, "an INSTRUCTION cannot be written");
	d->sealed = sim_seal(s, down, MESSAGE_INSTRUCTION, p->hub, at, len, &body);
}

static void pass_on(struct sim *s, const struct parcel *p)
{
	struct sim_frame sealed = s->member[p->member].delivery[p->agreement][p->hub].sealed;

	if (sealed.bytes)
		sim_send(s, TO_RECEIVER, p->hub, p->member, sealed);
}

static void seal(struct sim *s, const struct parcel *p)
{
	const struct sim_post *post = &s->agreement[p->agreement].post[p->hub];
	struct terms t = *post->terms;
	uint8_t share[SIM_SHARE_MAX];

	memcpy(share, post->share, terms_share_len(&t));
	if (s->hub[p->hub].conduct == HUB_EQUIVOCATES) {
		instruct(s, p, &t, share);
		pass_on(s, p);
	}
	if (sim_is_corrupt(&s->hub[p->hub]))
		sim_pervert(s, p->agreement, p->hub, p->member, &t, share);
	instruct(s, p, &t, share);
}

/* Sealed once a life; the same bytes until the receipt, or the share's time is over. */
static void push(struct sim *s, const struct parcel *p)
{
	const struct sim_hub *h = &s->hub[p->hub];
	struct sim_delivery *d = &s->member[p->member].delivery[p->agreement][p->hub];

	if (d->receipted || h->conduct == HUB_SILENT || s->now >= s->expiry)
		return;
	if (sim_is_away(s, h))
		d->sealed.bytes = NULL;
	else {
		if (!d->sealed.bytes)
			seal(s, p);
		pass_on(s, p);
	}
	sim_event_add(s, (struct sim_event){.time = s->now + SIM_RESEND, .to = TIMER_HUB, .hub = (uint8_t)p->hub,
		      .member = (uint8_t)p->member, .agreement = (uint8_t)p->agreement});
}

/* To members that are there; to others when they come. */
static void push_all(struct sim *s, size_t agreement, size_t hub)
{
	for (size_t m = 0; m < s->members; m++) {
		if (s->member[m].begins <= s->now)
			push(s, &(struct parcel){agreement, hub, m});
		else
			sim_event_add(s, (struct sim_event){.time = s->member[m].begins, .to = TIMER_HUB, .hub = (uint8_t)hub,
				      .member = (uint8_t)m, .agreement = (uint8_t)agreement});
	}
}

/* ---- in: SHARE and RECEIPT ------------------------------------------------------------------------------- */

static struct sim_frame answer(struct sim *s, size_t hub, const struct envelope *e, unsigned status)
{
	uint8_t bytes[16];
	struct buf body;

	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(msg_reply_write(&body, &(struct msg_reply){status})))
		sim_break(s, "a REPLY cannot be written");
	struct sim_frame frame = sim_seal(s, s->hub[hub].up, MESSAGE_REPLY, hub, e->offset, e->length, &body);

	sim_send(s, TO_INITIATOR, hub, 0, frame);
	return frame;
}

static unsigned check(const struct sim *s, const struct sim_post *post, size_t hub, const struct envelope *e,
		      const struct msg_share *m)
{
	const struct terms *t = &s->agreement[FIRST].terms;

	if (e->length != MSG_SHARE_RANGE_LEN(&m->terms))
		return STATUS_LENGTH;
	if (!id_equal(&m->terms.initiator, &t->initiator))
		return STATUS_INITIATOR;
	if (!rc_ok(terms_check(&m->terms)) || (m->terms.scheme == SCHEME_ADAPTED && m->mode != SHARE_MODE_PAD))
		return STATUS_TERMS;
	if (terms_hub_index(&m->terms, &t->hub[hub]) != (int)hub)
		return STATUS_NOT_LISTED;
	return post->accepted ? STATUS_KEY_EXISTS : STATUS_ACCEPTED;
}

static void store(struct sim *s, struct sim_post *post, size_t hub, const struct envelope *e, const struct msg_share *m)
{
	const uint8_t *pad = s->hub[hub].up->bytes + e->offset + PAD_KEYS_LEN;
	size_t len = terms_share_len(&m->terms);

	if (m->mode == SHARE_MODE_PAD)
		memcpy(post->share, pad, len);
	else
		xor_bytes(post->share, m->share, pad, len);
	post->terms = sim_keep(s, &m->terms, sizeof m->terms);
	post->accepted = true;
}

static void take_share(struct sim *s, size_t hub, const struct envelope *e)
{
	struct msg_share m;
	int a;

	if (!rc_ok(msg_share_read(&m, e->body, e->body_len)) || (a = sim_agreement_of(s, &m.terms.key_id)) < 0) {
		answer(s, hub, e, STATUS_MALFORMED);
		return;
	}
	struct sim_post *post = &s->agreement[a].post[hub];
	unsigned status = check(s, post, hub, e, &m);

	if (status == STATUS_ACCEPTED)
		store(s, post, hub, e, &m);
	post->answer = answer(s, hub, e, status);
	frame_digest(e, post->digest);
	if (status == STATUS_ACCEPTED)
		push_all(s, (size_t)a, hub);
}

/* The same bytes again get the same answer. */
static void answer_again(struct sim *s, size_t hub, const struct envelope *e)
{
	uint8_t digest[FRAME_DIGEST_LEN];

	frame_digest(e, digest);
	for (size_t a = 0; a < s->agreements; a++) {
		const struct sim_post *post = &s->agreement[a].post[hub];

		if (post->answer.bytes && memcmp(digest, post->digest, sizeof digest) == 0)
			sim_send(s, TO_INITIATOR, hub, 0, post->answer);
	}
}

/* It names the range of an INSTRUCTION; a hub knows which that was. */
static void receipt_take(struct sim *s, size_t hub, struct sim_member *m, const struct envelope *v)
{
	const struct sim_region *down = m->down[hub];
	struct envelope sent;

	if (v->offset >= down->cursor || !sim_is_answer(down, v, v->offset))
		return;
	for (size_t a = 0; a < s->agreements; a++) {
		struct sim_delivery *d = &m->delivery[a][hub];

		if (s->agreements == 1 || (d->sealed.bytes && rc_ok(frame_read(&sent, d->sealed.bytes + FRAME_HEAD_LEN,
					   d->sealed.len - FRAME_HEAD_LEN)) && sent.offset == v->offset))
			d->receipted = true;
	}
}

static void frame_take(struct sim *s, const struct sim_event *e, const struct envelope *v)
{
	struct sim_hub *h = &s->hub[e->hub];

	if (v->type == MESSAGE_SHARE && e->to == TO_HUB_UP) {
		if (sim_take(s, h->up, v))
			take_share(s, e->hub, v);
		else
			answer_again(s, e->hub, v);
	} else if (v->type == MESSAGE_RECEIPT && e->to == TO_HUB_DOWN)
		receipt_take(s, e->hub, &s->member[e->member], v);
	else if (s->kind == KIND_CONFIRMED && h->conduct != HUB_SILENT &&
		 (v->type == MESSAGE_READY) == (e->to == TO_HUB_DOWN))
		sim_hub_round(s, e->hub, e->member, v);
}

void sim_hub_event(struct sim *s, const struct sim_event *e)
{
	struct envelope v;

	if (e->to == TIMER_HUB)
		push(s, &(struct parcel){e->agreement, e->hub, e->member});
	else if (e->to == TIMER_MUSTER)
		sim_hub_muster_over(s, e->hub);
	else if (!sim_is_away(s, &s->hub[e->hub]) && rc_ok(frame_read(&v, e->item, e->len)))
		frame_take(s, e, &v);
}
