/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/ready.c - a receiver that has a key which its initiator confirms (doc/protocol.md 8.7): it says READY, and hands
 * the key out when as many hubs as gave it say the same, and that holds.
 *
 * READY is said of the key that is in memory: a record of it is durable before, and whoever finds one that is not his own
 * does not take that key.
 *
 * The key may be one that its initiator gave up, and nothing but time tells.  So it is no end of waiting for others: a
 * later one that stands waits beside it, and the first that is confirmed is taken.  None is dropped on anybody's word.
 */
#include <config.h>

#include <string.h>

#include "base/log.h"
#include "client/reception.h"
#include "client/taken.h"

/* ---- READY ------------------------------------------------------------------------------------------------ */

static const struct vow *vow_of(const struct reception *v, const struct id *key_id)
{
	for (size_t i = 0; i < VOWS_MOST; i++) {
		if (v->vow[i].is_made && id_equal(&v->vow[i].terms->key_id, key_id))
			return &v->vow[i];
	}
	return NULL;
}

bool ready_has_vowed(const struct reception *v, const struct id *key_id)
{
	return vow_of(v, key_id) != NULL;
}

static bool is_in_terms(const struct reception *v, size_t h, size_t i)
{
	return v->vow[i].is_made && terms_hub_index(v->vow[i].terms, &v->a->x.set->link[h].hub->hub) >= 0;
}

/* Did this hub give us its share of that key?  (One that is not in its terms gave us another of that name.) */
static bool has_delivered(const struct reception *v, size_t h, size_t i)
{
	const struct arrival *arrival = &v->arrival[h];
	if (!is_in_terms(v, h, i))
		return false;
	for (size_t n = 0; n < arrival->count; n++) {
		const struct owed *o = &arrival->owed[n];
		if (!o->is_due && id_equal(&o->key_id, &v->vow[i].terms->key_id))
			return true;
	}
	return false;
}

static bool is_owed_ready(const struct reception *v, size_t h, size_t i)
{
	return has_delivered(v, h, i) && !v->arrival[h].has_answered[i];
}

bool ready_is_enough(const struct reception *v, size_t h)
{
	for (size_t i = 0; v->a->q->has_key_id && i < VOWS_MOST; i++) {
		if (has_delivered(v, h, i))
			return true;
	}
	return false;
}

uint64_t ready_room(const struct reception *v, size_t h)
{
	uint64_t room = 0;
	for (size_t i = 0; i < VOWS_MOST; i++)
		room += is_owed_ready(v, h, i) ? MSG_CONFIRM_RANGE_LEN : 0;
	return room;
}

static dske_rc send_ready(struct reception *v, struct link *l, size_t i)
{
	uint8_t room[128];
	struct buf body;
	struct request *r = &v->arrival[l->at].ready[i];
	struct msg_ready m = {.initiator = v->vow[i].terms->initiator,
			      .key_id = v->vow[i].terms->key_id,
			      .patience = reception_patience_s(v)};
	buf_fixed(&body, room, sizeof room);
	TRY(request_reserve(r, l, MESSAGE_READY, MSG_CONFIRM_RANGE_LEN));
	TRY(msg_ready_write(&body, &m));
	TRY(request_seal(r, l, &body));
	return request_send(r, l);
}

/* On a connection of its own it is said anew: saying it twice changes nothing. */
dske_rc ready_on_link(struct reception *v, struct link *l)
{
	for (size_t i = 0; i < VOWS_MOST; i++) {
		struct request *r = &v->arrival[l->at].ready[i];
		if (!is_owed_ready(v, l->at, i))
			continue;
		bool said = r->type != 0 && !r->answered && !l->lease_lost && r->connection == l->connection;
		if (!said)
			TRY(send_ready(v, l, i));
		else if (l->is_asked_again)
			TRY(request_send(r, l));
	}
	return DSKE_OK;
}

/* On another connection WAIT goes with it: another key may come. */
void ready_say(struct reception *v, struct link *l)
{
	uint64_t room = ready_room(v, l->at);
	if (room > 0)
		link_want(l, MSG_WAIT_RANGE_LEN + room, l->need_down);
}

bool ready_awaits(const struct reception *v, const struct link *l, uint64_t offset)
{
	const struct arrival *arrival = &v->arrival[l->at];
	for (size_t i = 0; i < VOWS_MOST; i++) {
		if (v->vow[i].is_made && !arrival->has_answered[i] && request_is_at(&arrival->ready[i], offset))
			return true;
	}
	return false;
}

/* ---- vows -------------------------------------------------------------------------------------------------- */

static void vow_drop(struct reception *v, size_t i)
{
	struct vow *w = &v->vow[i];
	for (size_t h = 0; v->arrival != NULL && h < v->a->n; h++) {
		request_drop(&v->arrival[h].ready[i]);
		v->arrival[h].has_answered[i] = false;
	}
	secret_drop(&w->key);
	mem_wipe(w->mask, sizeof w->mask);
	*w = (struct vow){0};
}

void ready_drop(struct reception *v)
{
	for (size_t i = 0; i < VOWS_MOST; i++)
		vow_drop(v, i);
}

/* The one that is in the oldest's place: where so many stand, that was given up long ago. */
static struct vow *place(struct reception *v)
{
	size_t at = 0;
	for (size_t i = 0; i < VOWS_MOST; i++) {
		if (!v->vow[i].is_made)
			return &v->vow[i];
		if (v->vow[i].number < v->vow[at].number)
			at = i;
	}
	const struct id name = v->vow[at].terms->key_id;
	arrivals_refuse(v, &name);
	vow_drop(v, at);
	receiver_drop_aside(v->receiver, &name);
	return &v->vow[at];
}

dske_rc ready_vow(struct reception *v)
{
	TRY(vow_enter(&v->a->x.client->config, &v->terms->initiator, &v->terms->key_id));
	struct vow *w = place(v);
	w->is_made = true;
	w->number = v->vows++;
	w->terms = v->terms;
	secret_move(&w->key, &v->a->r->key);
	memcpy(w->mask, receiver_mask(v->receiver), sizeof w->mask);
	receiver_set_aside(v->receiver);
	v->terms = NULL;
	for (size_t h = 0; h < v->a->n; h++)
		ready_say(v, &v->a->x.set->link[h]);
	return DSKE_OK;
}

/* ---- CONFIRMATION ------------------------------------------------------------------------------------------ */

static size_t votes(const struct vow *w)
{
	size_t count = 0;
	for (size_t h = 0; h < w->terms->n; h++)
		count += w->ballot.has[h];
	return count;
}

/* Hubs that have said something, or may yet. */
static size_t hopeful(const struct reception *v, size_t i)
{
	size_t count = votes(&v->vow[i]);
	for (size_t h = 0; h < v->a->n; h++)
		count += !v->arrival[h].has_answered[i] && is_in_terms(v, h, i);
	return count;
}

static void judge(struct reception *v, struct vow *w)
{
	const struct confirmation *said = ballot_result(&w->ballot, w->terms->k);
	if (said == NULL || v->is_over)
		return;
	if (!confirmation_check(said, w->mask, w->key.data, w->key.len)) {
		log_error("ALARM: the key that came from %s is not the one that it confirms: a member of the group and a hub are "
			  "dishonest",
			  v->a->peer.name);
		reception_over(v, FAIL(CONFLICT, "the key that came is not the one that %s confirms: somebody in the group has given us "
						 "another, with a hub's help. No key was taken",
				       v->a->peer.name));
		return;
	}
	secret_drop(&v->a->r->key);
	secret_move(&v->a->r->key, &w->key);
	v->a->r->confirmed = true;
	v->terms = w->terms;
	receiver_choose(v->receiver, &w->terms->key_id);
	reception_over(v, DSKE_OK);
}

static void take(struct reception *v, const struct link *l, size_t i, const struct envelope *e)
{
	struct vow *w = &v->vow[i];
	struct msg_confirmation m;
	v->arrival[l->at].has_answered[i] = true;
	dske_rc rc = msg_confirmation_read(&m, e->body, e->body_len);
	if (!rc_ok(rc) || m.status != STATUS_ACCEPTED) {
		log_info("%s: no confirmation: %s", l->hub->name, rc_ok(rc) ? status_text(m.status) : rc_detail(rc));
		if (v->a->q->has_key_id && hopeful(v, i) < w->terms->k)
			reception_over(v, ready_failure(v)); /* no other can come */
		return;
	}
	ballot_note(&w->ballot, (size_t)terms_hub_index(w->terms, &l->hub->hub), &m.said);
	judge(v, w);
}

bool ready_take(struct reception *v, struct link *l, const struct envelope *e)
{
	struct arrival *arrival = &v->arrival[l->at];
	if (e->type != MESSAGE_CONFIRMATION)
		return false;
	for (size_t i = 0; i < VOWS_MOST; i++) {
		struct request *r = &arrival->ready[i];
		if (!v->vow[i].is_made || arrival->has_answered[i] || !request_is_at(r, e->offset))
			continue;
		if (request_answered_by(r, e, MESSAGE_CONFIRMATION))
			take(v, l, i, e);
		else
			link_nonsense(l, "a confirmation that does not verify");
	}
	return true; /* late answers to earlier requests are harmless */
}

dske_rc ready_failure(const struct reception *v)
{
	const struct vow *best = NULL;
	for (size_t i = 0; i < VOWS_MOST; i++) {
		const struct vow *w = &v->vow[i];
		if (w->is_made && (best == NULL || votes(w) > votes(best)))
			best = w;
	}
	if (best == NULL)
		return DSKE_OK;
	return FAIL(TIMEOUT, "the key came, but no confirmation of %s: %zu hubs passed one on, the same of %u is needed. "
			     "No key was taken; perhaps another member was not ready in time",
		    v->a->peer.name, votes(best), best->terms->k);
}
