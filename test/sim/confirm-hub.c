/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/confirm-hub.c - a hub in the confirmation round (doc/protocol.md, 8.7), and what corrupt ones say there. */
#include <string.h>

#include "test/sim/sim.h"

static struct sim_frame answer(struct sim *s, struct sim_region *up, enum message_type type, size_t hub, uint64_t at,
			       const struct buf *body)
{
	return sim_seal(s, up, type, hub, at, MSG_CONFIRM_RANGE_LEN, body);
}

/* ---- to members: CONFIRMATION ---------------------------------------------------------------------------- */

static void word_say(struct sim *s, size_t hub, size_t member, const struct msg_confirmation *c)
{
	struct sim_saying *y = &s->member[member].saying[hub];
	uint8_t bytes[64];
	struct buf body;

	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(msg_confirmation_write(&body, c)))
		sim_break(s, "a CONFIRMATION cannot be written");
	y->word = answer(s, s->member[member].up[hub], MESSAGE_CONFIRMATION, hub, y->at, &body);
	sim_send(s, TO_RECEIVER, hub, member, y->word);
}

/* The league tells its victims what holds for its key, without waiting for anybody; liars say anything. */
static void word_give(struct sim *s, size_t hub, size_t member)
{
	const struct sim_hub *h = &s->hub[hub];
	const struct sim_saying *y = &s->member[member].saying[hub];
	struct msg_confirmation c = {.status = STATUS_ACCEPTED, .said = h->said};
	bool is_lie = h->conduct == HUB_LEAGUE && s->member[member].is_victim;

	if (!y->asks || y->word.bytes || (!h->attested && !is_lie))
		return;
	if (is_lie)
		c.said = s->league.lie;
	else if (h->conduct == HUB_LIES)
		sim_fill(s, &c.said, sizeof c.said);
	word_say(s, hub, member, &c);
}

static void ready_take(struct sim *s, size_t hub, size_t member, const struct envelope *v)
{
	struct sim_saying *y = &s->member[member].saying[hub];
	struct msg_ready m;

	if (!sim_take(s, s->member[member].up[hub], v)) {
		if (y->word.bytes && v->offset == y->at)
			sim_send(s, TO_RECEIVER, hub, member, y->word);
		return;
	}
	if (!rc_ok(msg_ready_read(&m, v->body, v->body_len)))
		return;
	y->asks = true;
	if (!s->agreement[FIRST].post[hub].accepted || s->member[member].delivery[FIRST][hub].receipted) {
		word_say(s, hub, member, &(struct msg_confirmation){.status = STATUS_UNKNOWN_KEY});
		return;
	}
	receiver_set_add(&s->hub[hub].ready, member);
	word_give(s, hub, member);
}

/* ---- to the initiator: MUSTERED, and REPLY to ATTEST ----------------------------------------------------- */

static bool all_are_ready(const struct sim *s, const struct sim_hub *h)
{
	for (size_t m = 0; m < s->members; m++)
		if (!receiver_set_has(&h->ready, m))
			return false;
	return true;
}

static void to_initiator(struct sim *s, size_t hub, enum message_type type, const struct buf *body)
{
	struct sim_hub *h = &s->hub[hub];

	h->round_answer = answer(s, h->up, type, hub, h->muster_at, body);
	h->answered_at = h->muster_at;
	h->musters = false;
	sim_send(s, TO_INITIATOR, hub, 0, h->round_answer);
}

/* Corrupt hubs say that all are ready. */
static void mustered(struct sim *s, size_t hub)
{
	struct sim_hub *h = &s->hub[hub];
	struct msg_mustered m = {.status = STATUS_ACCEPTED, .ready = h->ready};
	uint8_t bytes[64];
	struct buf body;

	if (sim_is_corrupt(h))
		memset(&m.ready, 0xff, sizeof m.ready);
	if (!s->agreement[FIRST].post[hub].accepted)
		m = (struct msg_mustered){.status = STATUS_UNKNOWN_KEY};
	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(msg_mustered_write(&body, &m)))
		sim_break(s, "a MUSTERED cannot be written");
	to_initiator(s, hub, MESSAGE_MUSTERED, &body);
}

static void muster_settle(struct sim *s, size_t hub, bool is_over)
{
	const struct sim_hub *h = &s->hub[hub];

	if (h->musters && (is_over || sim_is_corrupt(h) || all_are_ready(s, h) || !s->agreement[FIRST].post[hub].accepted))
		mustered(s, hub);
}

void sim_hub_muster_over(struct sim *s, size_t hub)
{
	if (!sim_is_away(s, &s->hub[hub]))
		muster_settle(s, hub, true);
}

static void attest_take(struct sim *s, size_t hub, const struct msg_attest *m)
{
	struct sim_hub *h = &s->hub[hub];
	struct msg_reply r = {STATUS_ACCEPTED};
	uint8_t bytes[16];
	struct buf body;

	if (!s->agreement[FIRST].post[hub].accepted)
		r.status = STATUS_UNKNOWN_KEY;
	else if (h->attested && memcmp(&h->said, &m->said, sizeof h->said) != 0)
		r.status = STATUS_KEY_EXISTS;
	else {
		h->attested = true;
		h->said = m->said;
	}
	buf_fixed(&body, bytes, sizeof bytes);
	if (!rc_ok(msg_reply_write(&body, &r)))
		sim_break(s, "a REPLY cannot be written");
	to_initiator(s, hub, MESSAGE_REPLY, &body);
	for (size_t i = 0; i < s->members; i++)
		word_give(s, hub, i);
}

static void initiators_take(struct sim *s, size_t hub, const struct envelope *v)
{
	struct sim_hub *h = &s->hub[hub];
	struct msg_muster muster;
	struct msg_attest attest;

	if (!sim_take(s, h->up, v)) {
		if (h->round_answer.bytes && v->offset == h->answered_at)
			sim_send(s, TO_INITIATOR, hub, 0, h->round_answer);
		return;
	}
	h->muster_at = v->offset;
	if (v->type == MESSAGE_ATTEST && rc_ok(msg_attest_read(&attest, v->body, v->body_len)))
		attest_take(s, hub, &attest);
	else if (v->type == MESSAGE_MUSTER && rc_ok(msg_muster_read(&muster, v->body, v->body_len))) {
		h->musters = true;
		muster_settle(s, hub, false);
		sim_event_add(s, (struct sim_event){.time = s->now + SIM_PATIENCE, .to = TIMER_MUSTER, .hub = (uint8_t)hub});
	}
}

void sim_hub_round(struct sim *s, size_t hub, size_t member, const struct envelope *v)
{
	if (v->type == MESSAGE_READY) {
		ready_take(s, hub, member, v);
		muster_settle(s, hub, false);
	} else if (v->type == MESSAGE_MUSTER || v->type == MESSAGE_ATTEST)
		initiators_take(s, hub, v);
}
