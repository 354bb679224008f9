/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/ready.c - a receiver that has a key which its initiator confirms (doc/protocol.md 8.7): it says READY, and hands
 * the key out when as many hubs as gave it say the same, and that holds.
 *
 * READY is said of the key that is in memory: a record of it is durable before, and whoever finds one that is not his own
 * does not take that key.
 */
#include <config.h>

#include <string.h>

#include "base/log.h"
#include "client/reception.h"
#include "client/taken.h"

#define WAKE_MS 250
#define REVIVALS_DOUBLED 8

/* ---- READY ------------------------------------------------------------------------------------------------ */

/* Did this hub give us its share of the key? */
static bool has_delivered(const struct reception *v, size_t h)
{
	const struct arrival *arrival = &v->arrival[h];
	for (size_t n = 0; n < arrival->count; n++) {
		const struct owed *o = &arrival->owed[n];
		if (!o->is_due && id_equal(&o->key_id, &v->terms->key_id))
			return true;
	}
	return false;
}

static dske_rc send_ready(struct reception *v, struct link *l)
{
	uint8_t room[128];
	struct buf body;
	struct request *r = &v->arrival[l->at].ready;
	struct msg_ready m = {
		.initiator = v->terms->initiator, .key_id = v->terms->key_id, .patience = reception_patience_s(v)};
	buf_fixed(&body, room, sizeof room);
	TRY(request_reserve(r, l, MESSAGE_READY, MSG_CONFIRM_RANGE_LEN));
	TRY(msg_ready_write(&body, &m));
	TRY(request_seal(r, l, &body));
	return request_send(r, l);
}

bool ready_on_link(struct reception *v, struct link *l)
{
	struct arrival *arrival = &v->arrival[l->at];
	struct request *r = &arrival->ready;
	if (!v->vowed || !has_delivered(v, l->at))
		return false;
	if (arrival->has_answered)
		return true;
	/* On a connection of its own it is said anew: saying it twice changes nothing. */
	bool said = r->type != 0 && !r->answered && !l->lease_lost && r->connection == l->connection;
	if (said && !l->is_asked_again)
		return true;
	l->lease_lost = false;
	dske_rc rc = said ? request_send(r, l) : send_ready(v, l);
	if (!rc_ok(rc))
		link_fail(l, rc);
	return true;
}

void ready_say(struct reception *v, struct link *l)
{
	if (v->vowed && has_delivered(v, l->at) && !v->arrival[l->at].has_answered)
		link_want(l, MSG_CONFIRM_RANGE_LEN, l->need_down);
}

/* ---- CONFIRMATION ------------------------------------------------------------------------------------------ */

bool ready_take(struct reception *v, struct link *l, const struct envelope *e)
{
	struct arrival *arrival = &v->arrival[l->at];
	struct msg_confirmation m;
	if (e->type != MESSAGE_CONFIRMATION)
		return false;
	if (!request_answered_by(&arrival->ready, e, MESSAGE_CONFIRMATION)) {
		if (request_is_at(&arrival->ready, e->offset) && !arrival->has_answered)
			link_nonsense(l, "a confirmation that does not verify");
		return true; /* late answers to earlier requests are harmless */
	}
	arrival->has_answered = true;
	dske_rc rc = msg_confirmation_read(&m, e->body, e->body_len);
	if (rc_ok(rc) && m.status == STATUS_ACCEPTED)
		ballot_note(&v->ballot, (size_t)terms_hub_index(v->terms, &l->hub->hub), &m.said);
	else
		log_info("%s: no confirmation: %s", l->hub->name, rc_ok(rc) ? status_text(m.status) : rc_detail(rc));
	return true;
}

static size_t votes(const struct reception *v)
{
	size_t count = 0;
	for (size_t h = 0; h < v->terms->n; h++)
		count += v->ballot.has[h];
	return count;
}

/* Hubs that have said something, or may yet. */
static size_t hopeful(const struct reception *v)
{
	size_t count = votes(v);
	for (size_t h = 0; h < v->a->n; h++)
		count += !v->arrival[h].has_answered;
	return count;
}

static bool is_decided(void *exchange)
{
	const struct reception *v = exchange;
	return ballot_result(&v->ballot, v->terms->k) != NULL || hopeful(v) < v->terms->k;
}

/* Hubs that were lost are asked again, ever more rarely. */
static void revive(struct reception *v)
{
	int64_t now = clock_ms();
	for (size_t h = 0; h < v->a->n; h++) {
		struct link *l = &v->a->x.set->link[h];
		struct arrival *arrival = &v->arrival[h];
		if (l->state != LINK_FAILED || !rc_is((dske_rc){l->code}, DSKE_RC_UNREACHABLE) || now < arrival->revive_ms)
			continue;
		arrival->revive_ms = now + (WAKE_MS << arrival->revivals);
		arrival->revivals += arrival->revivals < REVIVALS_DOUBLED;
		ready_say(v, l);
	}
}

static dske_rc await_votes(struct reception *v)
{
	struct exchange *x = &v->a->x;
	while (!is_decided(v)) {
		int64_t now = clock_ms(), wake = now + WAKE_MS;
		if (now >= x->deadline_ms)
			return DSKE_OK;
		dske_rc rc = links_run(x->set, wake < x->deadline_ms ? wake : x->deadline_ms, is_decided, x->cancelled);
		if (rc_is(rc, DSKE_RC_CANCELLED))
			return rc;
		revive(v);
	}
	return DSKE_OK;
}

static dske_rc judge(const struct reception *v)
{
	const struct confirmation *said = ballot_result(&v->ballot, v->terms->k);
	const struct secret *key = &v->a->r->key;
	if (said == NULL)
		return FAIL(TIMEOUT, "the key came, but no confirmation of %s: %zu hubs passed one on, the same of %u is needed. "
				     "No key was taken; perhaps another member was not ready in time",
			    v->a->peer.name, votes(v), v->terms->k);
	if (!confirmation_check(said, v->mask, key->data, key->len)) {
		log_error("ALARM: the key that came from %s is not the one that it confirms: a member of the group and a hub are "
			  "dishonest",
			  v->a->peer.name);
		return FAIL(CONFLICT, "the key that came is not the one that %s confirms: somebody in the group has given us another, "
				      "with a hub's help. No key was taken",
			    v->a->peer.name);
	}
	return DSKE_OK;
}

dske_rc ready_confirm(struct reception *v)
{
	uint32_t asked = v->a->q->key_len;
	if (asked != 0 && v->terms->key_len != asked)
		return FAIL(ARGS, "%s agreed on a key of %u bytes, this call asks for %u", v->a->peer.name, v->terms->key_len, asked);
	memcpy(v->mask, receiver_mask(v->receiver), sizeof v->mask);
	TRY(vow_enter(&v->a->x.client->config, &v->terms->initiator, &v->terms->key_id));
	v->vowed = true;
	for (size_t h = 0; h < v->a->n; h++)
		ready_say(v, &v->a->x.set->link[h]);
	TRY(await_votes(v));
	TRY(judge(v));
	v->a->r->confirmed = true;
	return DSKE_OK;
}
