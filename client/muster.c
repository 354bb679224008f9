/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/muster.c - the initiator of a key that is confirmed (doc/protocol.md 8.7): MUSTER asks every hub who is ready; when
 * each receiver was, through k hubs at least, c is drawn, once, and ATTEST says it to all of them.
 *
 * A request is sealed anew on each connection: whatever is asked or said twice changes nothing.
 */
#include <config.h>

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "client/agreement.h"
#include "client/request.h"
#include "core/agree.h"
#include "core/confirm.h"

#define WAKE_MS 250
#define REVIVALS_DOUBLED 8
#define PATIENCE_FIRST_S 1 /* of a MUSTER; doubled each time, so that waiting long costs few of them */
#define PATIENCE_MOST_S 16

/* One hub. */
struct post {
	struct request request; /* MUSTER, then ATTEST */
	bool is_due;            /* a request is to be sent when the link is ready */
	bool is_over;           /* it refused, or has taken ATTEST: nothing more is asked of it */
	uint32_t patience_s;
	int64_t revive_ms;
	unsigned revivals;
};

struct confirming {
	struct agreement *a;
	const struct terms *terms;
	const struct deal *deal;
	struct muster muster;
	bool is_drawn;
	struct confirmation said;
	size_t taken; /* hubs that have ATTEST */
	struct post *post; /* owned; one a hub */
	dske_rc rc;   /* of drawing */
};

/* ---- requests ------------------------------------------------------------------------------------------------ */

static uint32_t patience_s(const struct confirming *f, const struct post *p)
{
	int64_t left_s = (f->a->x.deadline_ms - clock_ms() + 999) / 1000;
	return left_s < 1 ? 1 : left_s < p->patience_s ? (uint32_t)left_s : p->patience_s;
}

static dske_rc send(struct confirming *f, struct link *l)
{
	uint8_t room[128];
	struct buf body;
	struct post *p = &f->post[l->at];
	buf_fixed(&body, room, sizeof room);
	TRY(request_reserve(&p->request, l, f->is_drawn ? MESSAGE_ATTEST : MESSAGE_MUSTER, MSG_CONFIRM_RANGE_LEN));
	if (f->is_drawn)
		TRY(msg_attest_write(&body, &(struct msg_attest){.key_id = f->terms->key_id, .said = f->said}));
	else
		TRY(msg_muster_write(&body, &(struct msg_muster){.key_id = f->terms->key_id, .patience = patience_s(f, p)}));
	TRY(request_seal(&p->request, l, &body));
	p->is_due = false;
	return request_send(&p->request, l);
}

/* Asks this hub, or tells it, as soon as it can be. */
static void turn_to(struct confirming *f, size_t h)
{
	struct link *l = &f->a->x.set->link[h];
	if (f->post[h].is_over)
		return;
	f->post[h].is_due = true;
	link_want(l, MSG_CONFIRM_RANGE_LEN, 0);
}

static void turn_to_all(struct confirming *f)
{
	for (size_t h = 0; h < f->terms->n; h++)
		turn_to(f, h);
}

/* ---- answers ------------------------------------------------------------------------------------------------- */

static void draw_when_complete(struct confirming *f)
{
	if (f->is_drawn || !muster_is_complete(&f->muster, f->terms))
		return;
	f->rc = confirmation_draw(&f->said, f->deal->mask, f->deal->key.data, f->deal->key.len);
	f->is_drawn = rc_ok(f->rc);
	if (f->is_drawn)
		turn_to_all(f);
}

static bool all_ready_at(const struct confirming *f, size_t h)
{
	for (size_t i = 0; i < f->terms->receiver_count; i++) {
		if (!receiver_set_has(&f->muster.through[h], i))
			return false;
	}
	return true;
}

static void take_mustered(struct confirming *f, size_t h, const struct envelope *e)
{
	struct post *p = &f->post[h];
	struct msg_mustered m;
	if (!rc_ok(msg_mustered_read(&m, e->body, e->body_len)) || m.status != STATUS_ACCEPTED) {
		p->is_over = true; /* it has not got the share */
		return;
	}
	muster_note(&f->muster, h, &m.ready);
	draw_when_complete(f);
	if (f->is_drawn || all_ready_at(f, h))
		return;
	p->patience_s = p->patience_s < PATIENCE_MOST_S ? 2 * p->patience_s : PATIENCE_MOST_S;
	turn_to(f, h);
}

static void on_frame(void *exchange, struct link *l, const struct envelope *e)
{
	struct confirming *f = exchange;
	struct post *p = &f->post[l->at];
	if (p->request.type == MESSAGE_MUSTER && request_answered_by(&p->request, e, MESSAGE_MUSTERED)) {
		take_mustered(f, l->at, e);
	} else if (p->request.type == MESSAGE_ATTEST && request_answered_by(&p->request, e, MESSAGE_REPLY)) {
		p->is_over = true;
		f->taken += rc_ok(request_reply(e));
	} /* late answers to earlier requests are harmless */
}

static void on_ready(void *exchange, struct link *l)
{
	struct confirming *f = exchange;
	struct post *p = &f->post[l->at];
	struct request *r = &p->request;
	bool is_lost = r->type != 0 && !r->answered && (l->lease_lost || r->connection != l->connection);
	if (p->is_over || (!p->is_due && !is_lost && !l->is_asked_again))
		return;
	bool again = l->is_asked_again && !p->is_due && !is_lost;
	l->lease_lost = false;
	dske_rc rc = again ? request_send(r, l) : send(f, l);
	if (!rc_ok(rc))
		link_fail(l, rc);
}

static void on_failed(void *exchange, struct link *l)
{
	struct confirming *f = exchange;
	if (!rc_is((dske_rc){l->code}, DSKE_RC_UNREACHABLE)) /* else it may come back while we wait */
		f->post[l->at].is_over = true;
}

static bool awaits(const void *exchange, const struct link *l, uint64_t offset)
{
	const struct request *r = &((const struct confirming *)exchange)->post[l->at].request;
	return request_is_at(r, offset) && !r->answered;
}

static const struct link_ops ops = {.ready = on_ready, .frame = on_frame, .failed = on_failed, .awaits = awaits};

/* ---- waiting ------------------------------------------------------------------------------------------------- */

static bool is_decided(void *exchange)
{
	const struct confirming *f = exchange;
	size_t open = 0;
	for (size_t h = 0; h < f->terms->n; h++)
		open += !f->post[h].is_over;
	return !rc_ok(f->rc) || f->taken >= f->terms->k || f->taken + open < f->terms->k;
}

static bool all_have_it(void *exchange)
{
	const struct confirming *f = exchange;
	for (size_t h = 0; h < f->terms->n; h++) {
		if (!f->post[h].is_over && link_is_alive(&f->a->x.set->link[h]))
			return false;
	}
	return true;
}

static void revive(struct confirming *f)
{
	int64_t now = clock_ms();
	for (size_t h = 0; h < f->terms->n; h++) {
		const struct link *l = &f->a->x.set->link[h];
		struct post *p = &f->post[h];
		if (l->state != LINK_FAILED || !rc_is((dske_rc){l->code}, DSKE_RC_UNREACHABLE) || now < p->revive_ms)
			continue;
		p->revive_ms = now + (WAKE_MS << p->revivals);
		p->revivals += p->revivals < REVIVALS_DOUBLED;
		turn_to(f, h);
	}
}

/* Names of receivers that were not ready through k hubs. */
static void name_missing(const struct confirming *f, char *out, size_t cap)
{
	const struct group *g = &f->a->group;
	size_t len = 0;
	out[0] = '\0';
	for (size_t i = 0; i < f->terms->receiver_count; i++) {
		size_t hubs = muster_count(&f->muster, f->terms, i);
		for (size_t n = 0; n < g->count && hubs < f->terms->k && len < cap; n++) {
			if (id_equal(&g->member[n].id, &f->terms->receiver[i]))
				len += (size_t)snprintf(out + len, cap - len, "%s%s", len > 0 ? ", " : "", g->member[n].name);
		}
	}
}

static dske_rc verdict(const struct confirming *f)
{
	char missing[200];
	TRY(f->rc);
	if (f->taken >= f->terms->k)
		return DSKE_OK;
	if (f->is_drawn)
		return FAIL(TIMEOUT, "all were ready, but %zu hubs took the confirmation and %u are needed: receivers may have the key",
			    f->taken, f->terms->k);
	name_missing(f, missing, sizeof missing);
	return FAIL(TIMEOUT, "not ready in time: %s. The key is confirmed to nobody, and nobody uses it", missing);
}

static dske_rc await_all(struct confirming *f)
{
	struct exchange *x = &f->a->x;
	double drawn = clock_fine_ms();
	turn_to_all(f);
	while (!is_decided(f)) {
		int64_t now = clock_ms(), wake = now + WAKE_MS;
		if (now >= x->deadline_ms)
			break;
		dske_rc rc = links_run(x->set, wake < x->deadline_ms ? wake : x->deadline_ms, is_decided, x->cancelled);
		if (rc_is(rc, DSKE_RC_CANCELLED))
			return rc;
		revive(f);
	}
	TRY(verdict(f));
	(void)links_run(x->set, exchange_grace(x, clock_fine_ms() - drawn), all_have_it, x->cancelled);
	return DSKE_OK;
}

dske_rc agree_confirm(struct agreement *a, const struct terms *t, const struct deal *d)
{
	struct confirming *f = calloc(1, sizeof *f);
	struct post *post = calloc(t->n, sizeof *post);
	dske_rc rc = f == NULL || post == NULL ? rc_make(DSKE_RC_NOMEM) : DSKE_OK;
	if (rc_ok(rc)) {
		*f = (struct confirming){.a = a, .terms = t, .deal = d, .post = post};
		for (size_t h = 0; h < t->n; h++)
			post[h].patience_s = PATIENCE_FIRST_S;
		links_end(a->x.set);
		links_begin(a->x.set, &ops, f);
		rc = await_all(f);
		links_end(a->x.set);
		a->r->confirmed = rc_ok(rc);
	}
	for (size_t h = 0; post != NULL && h < t->n; h++)
		request_drop(&post[h].request);
	free(post);
	free(f);
	return rc;
}
