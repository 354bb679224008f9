/* SPDX-License-Identifier: Apache-2.0 */
/* client/receiver.c - Bob: waiting for shares, reconstruction and validation (DSKE 2.3.2 to 2.4). */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "client/adapted.h"
#include "client/intake.h"
#include "client/quota.h"
#include "client/reception.h"
#include "client/taken.h"

#define REVIVE_INTERVAL_MS 250
#define REVIVALS_DOUBLED 8  /* intervals: 64 seconds in the end, since each connection costs a lease */
#define LEFT_LONG " (one of more than 1 MiB would be left there for a call that gives its length, or a file)"
#define SILENCE_MS 250      /* after a hub has delivered, for the next one, before a long search begins */

/* ---- WAIT ------------------------------------------------------------------------------------------------ */

uint32_t reception_patience_s(const struct reception *v)
{
	int64_t left = v->a->x.deadline_ms - clock_ms();
	return left < 1000 ? 1 : (uint32_t)((left + 999) / 1000);
}

static dske_rc send_wait(struct reception *v, struct link *l)
{
	uint8_t room[512];
	struct buf body;
	struct request *r = &v->arrival[l->at].wait;
	const struct agree_request *q = v->a->q;
	struct msg_wait m = {
		.initiator = v->initiator,
		.selector = q->has_key_id ? WAIT_KEY_ID : WAIT_CONTEXT,
		.value = q->has_key_id ? q->key_id.b : q->context,
		.value_len = q->has_key_id ? ID_LEN : q->context_len,
		.patience = reception_patience_s(v),
		.takes_long = v->intake != NULL, /* else it would be sealed in vain, call after call */
	};
	buf_fixed(&body, room, sizeof room);
	TRY(request_reserve(r, l, MESSAGE_WAIT, MSG_WAIT_RANGE_LEN));
	TRY(msg_wait_write(&body, &m));
	TRY(request_seal(r, l, &body));
	exchange_sent(&v->a->x, l);
	return request_send(r, l);
}

static void on_wait_answered(struct link *l, const struct envelope *e)
{
	dske_rc rc = request_reply(e);
	if (!rc_ok(rc))
		link_fail(l, rc);
}

/* ---- the verdict ---------------------------------------------------------------------------------------- */

void reception_over(struct reception *v, dske_rc rc)
{
	if (v->is_over)
		return;
	v->is_over = true;
	v->code = rc.code;
	snprintf(v->why, sizeof v->why, "%s", rc_detail(rc));
}

/* A key stands, or none can.  One that is to be confirmed is not final: it and others are waited for. */
static void concluded(struct reception *v, dske_rc rc)
{
	if (rc_ok(rc) && v->terms->confirm)
		rc = ready_vow(v);
	if (!rc_ok(rc) || v->terms != NULL)
		reception_over(v, rc);
}

/* First valid key is final. */
static void try_to_conclude(struct reception *v)
{
	size_t hubs = receiver_share_count(v->receiver);
	if (hubs > v->hubs_heard)
		v->heard_ms = clock_ms(); /* more shares by the same hubs do not put a search off */
	v->hubs_heard = hubs;
	v->is_searched = false;
	if (v->is_over || hubs < v->a->k_b)
		return;
	dske_rc rc = receiver_conclude(v->receiver, false, &v->a->r->key, &v->terms);
	if (!rc_is(rc, DSKE_RC_TOO_FEW) && !rc_is(rc, DSKE_RC_NO_CANDIDATE) && !rc_is(rc, DSKE_RC_BUSY))
		concluded(v, rc);
}

/* ---- what the links tell ----------------------------------------------------------------------------------- */

static void on_ready(void *exchange, struct link *l)
{
	struct reception *v = exchange;
	struct request *r = &v->arrival[l->at].wait;
	second_ask(v->a->second, v, l);
	dske_rc rc = ready_on_link(v, l);
	bool is_lost = l->lease_lost;
	l->lease_lost = false; /* what is due is said anew once, or not at all */
	if (!rc_ok(rc)) {
		link_fail(l, rc);
		return;
	}
	if (ready_is_enough(v, l->at))
		return;
	bool is_same = r->type != 0 && r->connection == l->connection;
	bool stands = is_same && !is_lost;
	/* After larger wishes were met on the same connection, the WAIT still stands. */
	if (stands && !l->is_asked_again)
		return;
	/* What a hub delivers goes on where it was as long as the connection does, whatever a note says of our windows. */
	if (!is_same && v->intake != NULL && !intake_restart(v->intake, l))
		return;
	rc = stands ? request_send(r, l) : send_wait(v, l);
	if (!rc_ok(rc))
		link_fail(l, rc);
}

static void on_frame(void *exchange, struct link *l, const struct envelope *e)
{
	struct reception *v = exchange;
	if (e->type == MESSAGE_INSTRUCTION && arrival_take(v, l, e)) {
		try_to_conclude(v);
		ready_say(v, l);
	} else if (ready_take(v, l, e)) {
		return;
	} else if (e->type == MESSAGE_PIECE && v->intake != NULL) {
		(void)intake_piece(v->intake, l, e); /* concluded from by await_key */
	}
	if (request_answered_by(&v->arrival[l->at].wait, e, MESSAGE_REPLY))
		on_wait_answered(l, e);
	else if (second_is_answered(v->a->second, l, e))
		on_wait_answered(l, e);
}

static void on_failed(void *exchange, struct link *l)
{
	struct reception *v = exchange;
	if (!l->is_refused || v->first_ms > 0)
		return; /* counted by is_hopeless; it may come back while we wait */
	v->a->needs_own = true;
	reception_over(v, rc_make(DSKE_RC_BUSY));
}

/* A WAIT that was answered still stands, and a window may be too small for what it is sent. */
static bool awaits(const void *exchange, const struct link *l, uint64_t offset)
{
	const struct reception *v = exchange;
	return request_is_at(&v->arrival[l->at].wait, offset) || ready_awaits(v, l, offset) ||
	       second_awaits(v->a->second, l, offset);
}

static void on_instruction(void *exchange, struct link *l, const struct envelope *e, struct pad *pad, struct secret *reply_key)
{
	struct reception *v = exchange;
	bool was_over = v->is_over;
	if (arrival_take_open(v, l, e, pad, reply_key))
		try_to_conclude(v);
	if (v->is_over && !was_over)
		links_end_by(v->a->x.set, exchange_grace(&v->a->x, clock_fine_ms() - v->first_ms));
}

static const struct link_ops receiver_ops = {
	.ready = on_ready, .frame = on_frame, .failed = on_failed, .awaits = awaits, .instruction = on_instruction};

/* ---- waiting ------------------------------------------------------------------------------------------------- */

/* Hubs that have delivered, or still can. */
static size_t hopeful(const struct reception *v)
{
	size_t count = 0;
	for (size_t h = 0; h < v->a->n; h++)
		count += v->a->x.outcome[h].settled ? v->a->x.outcome[h].code == DSKE_RC_OK
						    : link_is_alive(&v->a->x.set->link[h]);
	return count;
}

static bool is_hopeless(const struct reception *v)
{
	return hopeful(v) < v->a->k_b;
}

static bool is_over(void *exchange)
{
	const struct reception *v = exchange;
	return v->is_over || is_hopeless(v);
}

static bool all_have_delivered(const struct reception *v)
{
	for (size_t h = 0; h < v->a->n; h++) {
		if (!v->a->x.outcome[h].settled && link_is_alive(&v->a->x.set->link[h]))
			return false;
	}
	return true;
}

/* Of links that are shared: it is woken once, when the other hubs' shares have come too, or have had their while. */
static bool is_over_and_complete(void *exchange)
{
	const struct reception *v = exchange;
	return is_hopeless(v) || (v->is_over && (v->code != DSKE_RC_OK || all_have_delivered(v)));
}

/* Of a hub that has delivered: a confirmation, or another key, if any will do. */
static bool is_more_due(const struct reception *v, size_t h)
{
	return v->vows > 0 && (!v->a->q->has_key_id || ready_room(v, h) > 0);
}

static bool may_revive(const struct reception *v, size_t h, int64_t now)
{
	const struct link *l = &v->a->x.set->link[h];
	return l->state == LINK_FAILED && rc_is((dske_rc){l->code}, DSKE_RC_UNREACHABLE) &&
	       (!v->a->x.outcome[h].settled || is_more_due(v, h)) && now >= v->arrival[h].revive_ms;
}

/* A hub that was lost may come back while we wait for the initiator, or for what it confirms; it is asked ever more rarely. */
static void revive(struct reception *v)
{
	int64_t now = clock_ms();
	for (size_t h = 0; h < v->a->n; h++) {
		struct link *l = &v->a->x.set->link[h];
		struct arrival *arrival = &v->arrival[h];
		if (!may_revive(v, h, now))
			continue;
		arrival->revive_ms = now + (REVIVE_INTERVAL_MS << arrival->revivals);
		arrival->revivals += arrival->revivals < REVIVALS_DOUBLED;
		link_want(l, MSG_WAIT_RANGE_LEN + ready_room(v, h), l->need_down);
	}
}

/* Links that never came up are told as they are; so are hubs that had nothing until the time was up. */
static void settle_rest(struct reception *v)
{
	bool is_late = clock_ms() >= v->a->x.deadline_ms;
	for (size_t h = 0; h < v->a->n; h++) {
		const struct link *l = &v->a->x.set->link[h];
		if (l->state == LINK_FAILED)
			exchange_settle(&v->a->x, l, rc_fail(l->code, "%s", l->why));
		else if (l->state == LINK_READY && v->code != DSKE_RC_OK && is_late)
			exchange_settle(&v->a->x, l, FAIL(TIMEOUT, "it is well, but had no share for us"));
	}
}

static dske_rc give_up(struct reception *v)
{
	TRY(ready_failure(v));
	if (receiver_share_count(v->receiver) == 0)
		return intake_explain(v->intake, FAIL(TIMEOUT, "no share from %s came through any hub in time%s", v->a->peer.name,
						      v->intake == NULL ? LEFT_LONG : ""));
	dske_rc rc = receiver_conclude(v->receiver, true, &v->a->r->key, &v->terms);
	if (rc_is(rc, DSKE_RC_BUSY))
		return FAIL(NO_CANDIDATE, "the time was up while looking for a key among corrupt shares");
	return rc_is(rc, DSKE_RC_TOO_FEW) ? intake_explain(v->intake, rc) : rc;
}

static bool is_complete(void *exchange)
{
	return all_have_delivered(exchange);
}

/* The other hubs' shares are on the way as a rule: they get a short while, so that nothing is left behind. */
static void linger(struct reception *v)
{
	struct exchange *x = &v->a->x;
	if (x->set->rider == NULL) /* else they had it already */
		(void)links_run(x->set, exchange_grace(x, clock_fine_ms() - v->first_ms), is_complete, x->cancelled);
}

/* Hubs that are silent must not keep those who have delivered from giving the key.  From when on is it looked for? */
static int64_t search_ms(const struct reception *v)
{
	bool is_due = v->hubs_heard >= v->a->k_b && !v->is_searched;
	return is_due ? v->heard_ms + SILENCE_MS : INT64_MAX;
}

static bool is_in_vain(const struct reception *v)
{
	return v->is_searched && v->vows == 0 && v->code == DSKE_RC_NO_CANDIDATE && all_have_delivered(v);
}

/* One step of a long search among corrupt shares; between two of them whatever comes is looked at. */
static void search_on(struct reception *v)
{
	dske_rc rc = receiver_conclude(v->receiver, true, &v->a->r->key, &v->terms);
	v->is_searched = !rc_is(rc, DSKE_RC_BUSY);
	if (!v->is_searched || rc_is(rc, DSKE_RC_TOO_FEW))
		return;
	concluded(v, rc);
	v->is_over = v->is_over && !rc_is(rc, DSKE_RC_NO_CANDIDATE); /* who has not delivered may settle it */
}

/* When there is something to do, even if nothing comes. */
static int64_t wake_ms(const struct reception *v, int64_t now)
{
	int64_t wake = now + REVIVE_INTERVAL_MS, deadline = v->a->x.deadline_ms;
	if (search_ms(v) < wake)
		wake = search_ms(v);
	if (v->a->second != NULL)
		wake = now + ADAPTED_SLICE_MS;
	return wake < deadline ? wake : deadline;
}

static dske_rc await_key(struct reception *v)
{
	struct exchange *x = &v->a->x;
	while (!v->is_over) {
		int64_t now = clock_ms();
		if (now >= x->deadline_ms)
			reception_over(v, give_up(v));
		else {
			bool (*over)(void *) = x->set->rider != NULL ? is_over_and_complete : is_over;
			dske_rc rc = links_run(x->set, wake_ms(v, now), over, x->cancelled);
			if (rc_is(rc, DSKE_RC_CANCELLED))
				return rc;
			second_turn(v->a->second, v);
			if (!v->is_over && is_hopeless(v)) {
				if (v->first_ms > 0)
					linger(v);
				settle_rest(v);
				return intake_explain(v->intake, exchange_too_few(x, v->a->k_b));
			}
			if (!v->is_over && v->intake != NULL && intake_is_due(v->intake, all_have_delivered(v)))
				try_to_conclude(v);
			if (!v->is_over && v->intake != NULL)
				intake_turn(v->intake);
			if (!v->is_over && clock_ms() >= search_ms(v))
				search_on(v);
			v->is_over = v->is_over || is_in_vain(v);
			revive(v);
		}
	}
	return v->code == DSKE_RC_OK ? DSKE_OK : rc_fail(v->code, "%s", v->why);
}

/* Late shares are judged too; a second key is an alarm, the first stays. */
static void judge(struct reception *v)
{
	AUTO(secret) again = {0};
	const struct terms *terms = NULL;
	dske_rc rc = receiver_conclude(v->receiver, false, &again, &terms);
	if (rc_is(rc, DSKE_RC_CONFLICT))
		log_error("ALARM: after a key was agreed with %s, the hubs delivered shares of another key under its name",
			  v->a->peer.name);
	for (size_t h = 0; h < v->a->n; h++)
		v->a->x.outcome[h].verdict = receiver_verdict(v->receiver, &v->a->x.set->link[h].hub->hub);
}

/* A key that came by one part of the adapted protocol is not new by the other one either. */
static void enter_other_name(const struct reception *v)
{
	const struct terms *t = v->terms;
	struct id first, other;
	if (t->scheme == SCHEME_ADAPTED) {
		adapted_second_id(&first, &t->key_id);
		adapted_fallback_id(&other, &first);
	} else if (t->scheme == SCHEME_FALLBACK) {
		adapted_fallback_id(&first, &t->key_id);
		adapted_second_id(&other, &first);
	} else {
		return;
	}
	dske_rc rc = taken_enter(&v->a->x.client->config, &t->initiator, &other);
	if (!rc_ok(rc) && !rc_is(rc, DSKE_RC_EXISTS))
		log_error("cannot note that a key is taken: %s", rc_detail(rc));
}

/* From here on the key is not new any more, whatever becomes of the receipts. */
static dske_rc enter_name(struct reception *v)
{
	const struct config *c = &v->a->x.client->config;
	dske_rc rc = (v->a->is_named ? taken_note : taken_enter)(c, &v->terms->initiator, &v->terms->key_id);
	enter_other_name(v);
	return rc;
}

/* DSKE 3: falling back, and saying so. */
static void say_scheme(const struct reception *v)
{
	struct agree_result *r = v->a->r;
	if (v->terms->scheme == SCHEME_FALLBACK && v->a->second == NULL)
		snprintf(r->fallback, sizeof r->fallback, "the initiator fell back before this call came");
	else if (v->terms->scheme <= SCHEME_XOR && v->a->scheme == SCHEME_ADAPTED)
		snprintf(r->fallback, sizeof r->fallback, "the initiator uses the scheme %s", scheme_name(v->terms->scheme));
}

static dske_rc write_result(struct reception *v)
{
	struct agree_result *r = v->a->r;
	agree_name_result(r, v->terms);
	say_scheme(v);
	TRY(agree_charge(v->a, r->key_len));
	if (terms_are_long(v->terms)) {
		secret_drop(&r->key); /* what told it from others */
		TRY(intake_emit(v->intake));
	}
	TRY(agree_keep_key(v->a));
	return enter_name(v);
}

/* ---- the steps ------------------------------------------------------------------------------------------------- */

static unsigned greater(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static dske_rc begin(struct reception *v)
{
	struct agreement *a = v->a;
	struct id hubs[TERMS_HUBS_MAX];
	for (size_t h = 0; h < a->n; h++)
		hubs[h] = a->x.set->link[h].hub->hub;
	/* DSKE 2.3.2: "n and k ... are each in an acceptable range (in particular that k_B <= k <= n)" */
	const struct config *c = &a->x.client->config;
	struct acceptance acceptance = {.k_min = (uint8_t)greater(a->k_b, c->accept_k.least),
					.k_max = (uint8_t)c->accept_k.most,
					.n_min = (uint8_t)greater(a->k_b, c->accept_n.least),
					.n_max = (uint8_t)c->accept_n.most,
					.hubs = hubs,
					.hub_count = a->n};
	v->self = a->x.client->config.id;
	v->initiator = a->peer.id;
	v->arrival = calloc(a->n, sizeof *v->arrival);
	if (v->arrival == NULL)
		return rc_make(DSKE_RC_NOMEM);
	TRY(receiver_new(&v->receiver, &v->self, &v->initiator, &acceptance));
	return a->q->sink != NULL ? intake_new(&v->intake, v) : DSKE_OK;
}

/* No share can be longer, of those that this call can take: that of the key that is asked for, or of the material of an
 * adapted agreement; if any key will do, one that the quotas allow. */
static uint64_t longest_range(const struct agreement *a)
{
	const struct config *c = &a->x.client->config;
	uint64_t material = ADAPTED_MATERIAL_LEN(a->n), quota = quotas_longest(c, &a->peer);
	uint64_t key = a->key_len == 0 || a->key_len > KEY_PART_LEN ? KEY_PART_LEN : a->key_len;
	uint64_t range = (uint64_t)PAD_KEYS_LEN + KEY_TAG_KEY_LEN + CONFIRM_MASK_LEN + (key > material ? key : material);
	return range < quota ? range : quota;
}

/* WAIT goes out to each hub as it becomes ready. */
static void bring_up(struct reception *v)
{
	const struct agreement *a = v->a;
	uint32_t key_len = a->key_len != 0 ? a->key_len : a->x.client->config.key_len;
	if (key_len > KEY_PART_LEN)
		key_len = KEY_PART_LEN; /* windows for the other parts come as they come */
	links_begin(a->x.set, &receiver_ops, v);
	a->x.set->down_most = longest_range(a);
	uint64_t down_len = PAD_KEYS_LEN + KEY_TAG_KEY_LEN + (a->confirm ? CONFIRM_MASK_LEN : 0u) + key_len;
	for (size_t h = 0; h < a->n; h++)
		link_want(&a->x.set->link[h], (a->second != NULL ? 2u : 1u) * MSG_WAIT_RANGE_LEN,
			  down_len);
}

/* What stands now: the key; or, behind a first pass, what the second one needs. */
static dske_rc settle_key(struct reception *v)
{
	if (second_judge(v->a->second, v))
		return write_result(v);
	linger(v);
	judge(v);
	if (v->terms->scheme != SCHEME_FIRST_PASS)
		return write_result(v);
	v->is_first_pass = true;
	v->first = *v->terms;
	return enter_name(v);
}

static dske_rc receive(struct reception *v)
{
	TRY(begin(v));
	bring_up(v);                 /* connect, lease, WAIT: all hubs at once */
	dske_rc rc = await_key(v);   /* INSTRUCTION, 2.3.3 reconstruction, 2.4 validation; READY, CONFIRMATION */
	if (rc_ok(rc))
		rc = settle_key(v);
	v->refuses = !rc_ok(rc);
	if (!rc_ok(rc) && !rc_is(rc, DSKE_RC_EXISTS))
		v->terms = NULL; /* no receipts: another call can still have it */
	char why[sizeof v->why];
	snprintf(why, sizeof why, "%s", rc_detail(rc));
	settle_rest(v);
	arrivals_answer(v);          /* RECEIPT to each hub that delivered */
	arrivals_drop(v);
	return rc_ok(rc) ? rc : rc_fail(rc.code, "%s", why);
}

dske_rc agree_receive(struct agreement *a)
{
	struct reception *v = calloc(1, sizeof *v);
	if (v == NULL)
		return rc_make(DSKE_RC_NOMEM);
	v->a = a;
	dske_rc rc = receive(v);
	links_end(a->x.set);
	ready_drop(v);
	receiver_free(v->receiver);
	intake_free(v->intake);
	free(v->arrival);
	v->receiver = NULL;
	if (rc_ok(rc) && v->is_first_pass) {
		secret_move(&v->material, &a->r->key);
		rc = adapted_receive(a, &v->first, &v->material);
	}
	if (!rc_ok(rc))
		secret_drop(&a->r->key);
	secret_drop(&v->material);
	free(v);
	return rc;
}
