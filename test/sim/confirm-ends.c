/* SPDX-License-Identifier: Apache-2.0 */
/* test/sim/confirm-ends.c - the initiator and the members in the confirmation round (doc/protocol.md, 8.7). */
#include <string.h>

#include "test/sim/sim.h"

/* ---- the initiator --------------------------------------------------------------------------------------- */

static void ask(struct sim *s, size_t hub)
{
	struct sim_round *r = &s->round;
	struct sim_region *up = s->hub[hub].up;
	const struct id *key_id = &s->agreement[FIRST].terms.key_id;
	enum message_type type = r->drawn ? MESSAGE_ATTEST : MESSAGE_MUSTER;
	uint8_t bytes[96];
	struct buf body;
	dske_rc rc;

	if (up->cursor + (r->drawn ? 1u : 2u) * MSG_CONFIRM_RANGE_LEN > up->size)
		return; /* it has asked often enough: one range is for ATTEST */
	buf_fixed(&body, bytes, sizeof bytes);
	if (r->drawn)
		rc = msg_attest_write(&body, &(struct msg_attest){.key_id = *key_id, .said = r->said});
	else
		rc = msg_muster_write(&body, &(struct msg_muster){.key_id = *key_id, .patience = 1});
	if (!rc_ok(rc))
		sim_break(s, "a message of the round cannot be written");
	uint64_t at = sim_allocate(s, up, MSG_CONFIRM_RANGE_LEN);

	r->post[hub].sent = sim_seal(s, up, type, hub, at, MSG_CONFIRM_RANGE_LEN, &body);
	r->post[hub].type = type;
	r->post[hub].at = at;
	r->post[hub].time = s->now;
	sim_send(s, TO_HUB_UP, hub, 0, r->post[hub].sent);
}

static bool all_ready_at(const struct sim *s, size_t hub)
{
	for (size_t m = 0; m < s->members; m++)
		if (!receiver_set_has(&s->round.muster.through[hub], m))
			return false;
	return true;
}

/* Asks, asks again in the same bytes, or anew where the answer that is held back must be lost. */
static void turn_to(struct sim *s, size_t hub)
{
	const struct sim_round *r = &s->round;
	bool is_open = r->post[hub].type == (r->drawn ? MESSAGE_ATTEST : MESSAGE_MUSTER);

	if (r->post[hub].is_over || !s->agreement[FIRST].post[hub].agreed || (!r->drawn && all_ready_at(s, hub)))
		return;
	if (is_open && (r->drawn || s->now < r->post[hub].time + SIM_PATIENCE + 2 * SIM_DELAY_MAX))
		sim_send(s, TO_HUB_UP, hub, 0, r->post[hub].sent);
	else
		ask(s, hub);
}

static void turn_to_all(struct sim *s)
{
	for (size_t i = 0; i < s->agreement[FIRST].terms.n; i++)
		turn_to(s, i);
}

void sim_round_begin(struct sim *s)
{
	s->round.begun = true;
	sim_round_timer(s);
}

void sim_round_timer(struct sim *s)
{
	turn_to_all(s);
	sim_timer(s, TIMER_ROUND, s->now + SIM_RESEND);
}

/* Fewer than k hubs cannot pretend that somebody has fixed a key. */
static void drawn_check(struct sim *s)
{
	for (size_t m = 0; m < s->members; m++)
		if (!s->member[m].vowed && !s->member[m].is_traitor && s->corrupt < s->agreement[FIRST].terms.k)
			sim_break(s, "c was drawn before all members had fixed their keys");
}

static void draw(struct sim *s)
{
	struct sim_round *r = &s->round;
	const struct sim_agreement *a = &s->agreement[FIRST];

	if (r->drawn || (sim_fault != FAULT_HASTE && !muster_is_complete(&r->muster, &a->terms)))
		return;
	drawn_check(s);
	if (!rc_ok(confirmation_draw(&r->said, a->deal.mask, a->deal.key.data, a->deal.key.len)))
		sim_break(s, "c cannot be drawn");
	r->drawn = true;
	turn_to_all(s);
}

static void mustered_take(struct sim *s, size_t hub, const struct envelope *v)
{
	struct sim_round *r = &s->round;
	struct msg_mustered m;

	r->post[hub].type = 0;
	if (!rc_ok(msg_mustered_read(&m, v->body, v->body_len)) || m.status != STATUS_ACCEPTED) {
		r->post[hub].is_over = true;
		return;
	}
	muster_note(&r->muster, hub, &m.ready);
	draw(s);
	if (!r->drawn)
		turn_to(s, hub);
}

void sim_round_frame(struct sim *s, size_t hub, const struct envelope *v)
{
	struct sim_round *r = &s->round;
	enum message_type asked = r->post[hub].type;
	struct msg_reply reply;

	if (!r->begun || asked == 0 || !sim_is_answer(s->hub[hub].up, v, r->post[hub].at))
		return;
	if (asked == MESSAGE_MUSTER && v->type == MESSAGE_MUSTERED)
		mustered_take(s, hub, v);
	else if (asked == MESSAGE_ATTEST && v->type == MESSAGE_REPLY && !r->post[hub].is_over &&
		 rc_ok(msg_reply_read(&reply, v->body, v->body_len))) {
		r->post[hub].is_over = true;
		r->taken += reply.status == STATUS_ACCEPTED;
		r->done = r->taken >= s->agreement[FIRST].terms.k;
	}
}

/* ---- a member -------------------------------------------------------------------------------------------- */

void sim_vow(struct sim *s, size_t member)
{
	struct sim_member *m = &s->member[member];

	m->vowed = true;
	for (size_t i = 0; i < s->agreement[FIRST].terms.n; i++)
		sim_say_ready(s, i, member);
	sim_event_add(s, (struct sim_event){.time = s->now + SIM_RESEND, .to = TIMER_MEMBER, .member = (uint8_t)member});
}

/* To hubs that have delivered. */
void sim_say_ready(struct sim *s, size_t hub, size_t member)
{
	struct sim_member *m = &s->member[member];
	struct sim_saying *y = &m->saying[hub];
	const struct terms *t = &s->agreement[FIRST].terms;
	uint8_t bytes[64];
	struct buf body;

	if (m->is_mute || !m->delivery[FIRST][hub].is_in || y->has_answered)
		return;
	if (!y->ready.bytes) {
		buf_fixed(&body, bytes, sizeof bytes);
		if (!rc_ok(msg_ready_write(
			    &body, &(struct msg_ready){.initiator = t->initiator, .key_id = t->key_id, .patience = 1})))
			sim_break(s, "a READY cannot be written");
		y->at = sim_allocate(s, m->up[hub], MSG_CONFIRM_RANGE_LEN);
		y->ready = sim_seal(s, m->up[hub], MESSAGE_READY, hub, y->at, MSG_CONFIRM_RANGE_LEN, &body);
	}
	sim_send(s, TO_HUB_DOWN, hub, member, y->ready);
}

void sim_member_timer(struct sim *s, size_t member)
{
	const struct sim_member *m = &s->member[member];

	if (m->confirmed || m->told)
		return;
	for (size_t i = 0; i < s->agreement[FIRST].terms.n; i++)
		sim_say_ready(s, i, member);
	sim_event_add(s, (struct sim_event){.time = s->now + SIM_RESEND, .to = TIMER_MEMBER, .member = (uint8_t)member});
}

static size_t words_alike(const struct ballot *b, const struct confirmation *word)
{
	size_t count = 0;

	for (size_t i = 0; i < SIM_HUBS; i++)
		count += b->has[i] && memcmp(&b->said[i], word, sizeof *word) == 0;
	return count;
}

/* Where one hub is enough, one that says anything at all decides. */
static bool is_babble(const struct sim *s, const struct ballot *b)
{
	for (size_t i = 0; i < SIM_HUBS && s->agreement[FIRST].terms.k == 1; i++)
		if (b->has[i])
			return true;
	return false;
}

/* Counted apart from core/confirm.c: a key is confirmed when k hubs said what holds for it, and not before. */
static void settled_check(struct sim *s, const struct sim_member *m, bool is_decided)
{
	const struct secret *key = &m->taking[FIRST].key;
	size_t k = s->agreement[FIRST].terms.k;
	bool truth = s->round.drawn && words_alike(m->ballot, &s->round.said) >= k;
	bool lie = s->league.exists && words_alike(m->ballot, &s->league.lie) >= k;

	bool babble = is_babble(s, m->ballot);

	if (is_decided != (truth || lie || babble))
		sim_break(s, "a member decided by other than k equal words");
	if (m->confirmed && !(truth && sim_is_true_key(s, FIRST, key)) && !(lie && sim_is_split_key(s, key)))
		sim_break(s, "a key was confirmed by words that are not about it");
	if (m->told && !babble && !(truth && !sim_is_true_key(s, FIRST, key)) && !(lie && !sim_is_split_key(s, key)))
		sim_break(s, "a member was told that its key is wrong, by words that confirm it");
}

static void settle(struct sim *s, size_t member)
{
	struct sim_member *m = &s->member[member];
	const struct sim_taking *g = &m->taking[FIRST];
	const struct confirmation *said = ballot_result(m->ballot, s->agreement[FIRST].terms.k);

	if (m->confirmed || m->told)
		return;
	if (!said) {
		settled_check(s, m, false);
		return;
	}
	m->confirmed = sim_fault == FAULT_BELIEVE || confirmation_check(said, g->mask, g->key.data, g->key.len);
	m->told = !m->confirmed;
	settled_check(s, m, true);
	for (size_t i = 0; i < s->agreement[FIRST].terms.n; i++)
		sim_receipt(s, FIRST, i, member, m->confirmed ? RECEIPT_KEPT : RECEIPT_REFUSED);
}

void sim_confirmation(struct sim *s, size_t hub, size_t member, const struct envelope *v)
{
	struct sim_member *m = &s->member[member];
	struct sim_saying *y = &m->saying[hub];
	struct msg_confirmation c;

	if (!y->ready.bytes || y->has_answered || !sim_is_answer(m->up[hub], v, y->at) ||
	    !rc_ok(msg_confirmation_read(&c, v->body, v->body_len)))
		return;
	y->has_answered = true;
	if (c.status == STATUS_ACCEPTED)
		ballot_note(m->ballot, hub, &c.said);
	settle(s, member);
}
