/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/long-initiator.c - Alice, with a key of more than 1 MiB (doc/protocol.md, "Long keys").
 *
 * Part after part is dealt from pads that are taken then, and sent to all hubs that still take part; the next one when
 * they have accepted it.  So each hub costs the memory of a few parts, however long the key is.  k of the hubs lend
 * their pads to a part, other ones to the next.  A hub that fails, or keeps the others waiting, is left behind: it
 * has no whole share, and counts as one that refused.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "client/agreement.h"
#include "client/request.h"
#include "core/agree.h"

#define LATE_MS 2000      /* for hubs that come up after the k-th: none can join later */
#define STRAGGLE_MS 10000 /* and that accept a part after the k-th did */

/* One hub, and the part that is being sent. */
struct hand {
	bool takes_part;       /* it was there when the first part was dealt, and has accepted all since */
	bool accepted;
	bool use_pad;          /* the share is the range's pad, and not in `share` yet */
	bool afresh;           /* sent more than once, under different ranges */
	struct secret share;   /* owned; of this part */
	struct request request;
};

struct dealing {
	struct agreement *a;
	struct terms terms;
	struct key_tagger *tagger; /* in `room` */
	struct secret room;        /* owned */
	unsigned number;           /* of the part */
	bool is_begun;             /* the part is dealt */
	int64_t straggle_ms;       /* when k have accepted it: how long others may take, else 0 */
	struct hand hand[TERMS_HUBS_MAX];
};

static struct link *link_of(const struct dealing *d, size_t hub)
{
	return &d->a->x.set->link[hub];
}

static bool is_last(const struct dealing *d)
{
	return d->number + 1 == terms_part_count(&d->terms);
}

/* ---- who takes part --------------------------------------------------------------------------------------- */

static size_t count_hands(const struct dealing *d, bool (*holds)(const struct dealing *d, size_t hub))
{
	size_t count = 0;
	for (size_t h = 0; h < d->a->n; h++)
		count += holds(d, h);
	return count;
}

static bool takes_part(const struct dealing *d, size_t hub)
{
	return d->hand[hub].takes_part;
}

static bool has_accepted(const struct dealing *d, size_t hub)
{
	return d->hand[hub].takes_part && d->hand[hub].accepted;
}

static bool is_ready(const struct dealing *d, size_t hub)
{
	return link_of(d, hub)->state == LINK_READY;
}

static bool may_come(const struct dealing *d, size_t hub)
{
	return link_is_alive(link_of(d, hub)) && !d->a->x.outcome[hub].settled;
}

/* It has no part in the key any more. */
static void leave_behind(struct dealing *d, size_t hub, dske_rc why)
{
	exchange_settle(&d->a->x, link_of(d, hub), why);
	d->hand[hub].takes_part = false;
	secret_drop(&d->hand[hub].share);
	request_drop(&d->hand[hub].request);
}

/* ---- one hub's part ---------------------------------------------------------------------------------------- */

static uint8_t message_of(const struct dealing *d)
{
	return d->number == 0 ? MESSAGE_SHARE : MESSAGE_PART;
}

static dske_rc write_body(const struct dealing *d, struct buf *body, enum share_mode mode, const uint8_t *cipher, size_t len)
{
	struct msg_share share = {.ttl = d->a->x.client->config.ttl_s, .mode = mode, .share = cipher, .share_len = len};
	struct msg_part part = {.key_id = d->terms.key_id, .number = d->number, .mode = mode, .share = cipher, .share_len = len,
				.has_tag = is_last(d), .key_tag = d->terms.key_tag};
	if (d->number > 0)
		return msg_part_write(body, &part);
	share.terms = d->terms;
	return msg_share_write(body, &share);
}

/* DSKE 2.3.2: "She encrypts the n - k shares Y_i that were not generated from R_i". */
static dske_rc seal(struct dealing *d, size_t hub)
{
	struct hand *w = &d->hand[hub];
	AUTO(buf) body = {0};
	AUTO(secret) cipher = {0};
	buf_heap(&body, FRAME_MAX);
	if (!w->use_pad) {
		TRY(secret_alloc(&cipher, w->share.len));
		TRY(pad_xor(&w->request.pad, cipher.data, w->share.data, w->share.len));
	}
	TRY(write_body(d, &body, w->use_pad ? SHARE_MODE_PAD : SHARE_MODE_SEALED, cipher.data, cipher.len));
	return request_seal(&w->request, link_of(d, hub), &body);
}

static dske_rc reserve(struct dealing *d, size_t hub)
{
	return request_reserve(&d->hand[hub].request, link_of(d, hub), message_of(d), MSG_PART_RANGE_LEN(&d->terms, d->number));
}

/* The hub never saw the range, or its answer was lost: the same share under a new range, encrypted. */
static dske_rc seal_afresh(struct dealing *d, size_t hub)
{
	struct hand *w = &d->hand[hub];
	if (w->use_pad) {
		TRY(secret_alloc(&w->share, terms_part_len(&d->terms, d->number)));
		TRY(pad_take(&w->request.pad, w->share.data, w->share.len));
		w->use_pad = false;
	}
	w->afresh = true;
	TRY(reserve(d, hub));
	return seal(d, hub);
}

/* After a loss the SHARE goes out in the same bytes, whose answer the hub has if it took it; a PART may come twice. */
static dske_rc send(struct dealing *d, size_t hub)
{
	struct link *l = link_of(d, hub);
	struct request *r = &d->hand[hub].request;
	bool is_lost = r->frame.len > 0 && d->number > 0 && r->connection != l->connection;
	if (r->frame.len == 0)
		TRY(seal(d, hub));
	else if (l->lease_lost || is_lost)
		TRY(seal_afresh(d, hub));
	l->lease_lost = false;
	exchange_sent(&d->a->x, l);
	return request_send(r, l);
}

/* ---- what the links tell ------------------------------------------------------------------------------------ */

static void send_to(struct dealing *d, size_t hub)
{
	dske_rc rc = send(d, hub);
	if (!rc_ok(rc))
		link_fail(link_of(d, hub), rc);
}

static void on_ready(void *exchange, struct link *l)
{
	struct dealing *d = exchange;
	const struct hand *w = &d->hand[l->at];
	bool is_sent = w->request.frame.len > 0 && w->request.connection == l->connection;
	if (d->is_begun && w->takes_part && !w->accepted && (!is_sent || l->lease_lost || l->is_asked_again))
		send_to(d, l->at);
}

static bool was_there_before(const struct dealing *d, size_t hub, const struct envelope *e)
{
	struct msg_reply reply;
	return d->number == 0 && d->hand[hub].afresh && !d->a->q->has_key_id &&
	       rc_ok(msg_reply_read(&reply, e->body, e->body_len)) && reply.status == STATUS_KEY_EXISTS;
}

static void accept(struct dealing *d, size_t hub)
{
	struct hand *w = &d->hand[hub];
	w->accepted = true;
	secret_drop(&w->share);
	request_drop(&w->request);
	if (count_hands(d, has_accepted) == d->a->k)
		d->straggle_ms = clock_ms() + STRAGGLE_MS;
	agree_progress(d->a);
}

static void on_frame(void *exchange, struct link *l, const struct envelope *e)
{
	struct dealing *d = exchange;
	struct request *r = &d->hand[l->at].request;
	if (!request_answered_by(r, e, MESSAGE_REPLY)) {
		if (r->type != 0 && !r->answered && e->offset == r->offset)
			link_nonsense(l, "a reply that does not verify");
		return;
	}
	dske_rc rc = was_there_before(d, l->at, e) ? DSKE_OK : request_reply(e);
	if (rc_ok(rc))
		accept(d, l->at);
	else
		leave_behind(d, l->at, rc);
}

static void on_failed(void *exchange, struct link *l)
{
	leave_behind(exchange, l->at, rc_fail(l->code, "%s", l->why));
}

static bool awaits(const void *exchange, const struct link *l, uint64_t offset)
{
	const struct dealing *d = exchange;
	return request_is_at(&d->hand[l->at].request, offset) && !d->hand[l->at].request.answered;
}

static const struct link_ops dealing_ops = {.ready = on_ready, .frame = on_frame, .failed = on_failed, .awaits = awaits};

/* ---- the steps ------------------------------------------------------------------------------------------------ */

/* What of the table part `number` needs at once, and what is behind it. */
static struct link_need need_of(const struct dealing *d, unsigned number)
{
	uint64_t all = MSG_RANGES_LEN(&d->terms), before = 0;
	uint64_t now = MSG_PART_RANGE_LEN(&d->terms, number);
	if (number > 0)
		before = (uint64_t)PAD_KEYS_LEN * number + terms_part_offset(&d->terms, number);
	return (struct link_need){.up = now, .ahead_up = all - before - now};
}

static bool is_hopeless(const struct dealing *d)
{
	return count_hands(d, may_come) < d->a->k;
}

static bool are_up(void *exchange)
{
	const struct dealing *d = exchange;
	return is_hopeless(d) || count_hands(d, is_ready) == count_hands(d, may_come);
}

static bool enough_are_up(void *exchange)
{
	const struct dealing *d = exchange;
	return is_hopeless(d) || count_hands(d, is_ready) >= d->a->k;
}

static int64_t at_most(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Connections and leases to all hubs at once.  Who is not there soon after k of them are is left out. */
static dske_rc bring_up(struct dealing *d)
{
	struct exchange *x = &d->a->x;
	struct link_need need = need_of(d, 0);
	links_begin(x->set, &dealing_ops, d);
	x->set->deals = true;
	for (size_t h = 0; h < d->a->n; h++)
		link_want_long(link_of(d, h), &need);
	dske_rc rc = links_run(x->set, x->deadline_ms, enough_are_up, x->cancelled);
	if (rc_ok(rc) && !is_hopeless(d))
		rc = links_run(x->set, at_most(x->deadline_ms, clock_ms() + LATE_MS), are_up, x->cancelled);
	if (is_hopeless(d))
		return exchange_too_few(x, d->a->k);
	if (count_hands(d, is_ready) < d->a->k)
		return rc_is(rc, DSKE_RC_CANCELLED) ? rc : FAIL(TIMEOUT, "%zu of %u hubs were ready when the time was up, %u are needed",
								count_hands(d, is_ready), d->a->n, d->a->k);
	for (size_t h = 0; h < d->a->n; h++) {
		d->hand[h].takes_part = is_ready(d, h);
		if (!is_ready(d, h))
			leave_behind(d, h, FAIL(TIMEOUT, "it was not ready in time"));
	}
	return rc_is(rc, DSKE_RC_CANCELLED) ? rc : DSKE_OK;
}

static bool windows_are_there(void *exchange)
{
	const struct dealing *d = exchange;
	for (size_t h = 0; h < d->a->n; h++) {
		if (d->hand[h].takes_part && !is_ready(d, h))
			return false;
	}
	return true;
}

static dske_rc too_few_left(const struct dealing *d)
{
	return FAIL(TOO_FEW, "%zu of %u hubs still took part at part %u of %u, %u are needed", count_hands(d, takes_part), d->a->n,
		    d->number + 1, terms_part_count(&d->terms), d->a->k);
}

/* Leaves behind who keeps the others waiting. */
static void leave_late(struct dealing *d, bool (*is_done)(const struct dealing *d, size_t hub))
{
	for (size_t h = 0; h < d->a->n; h++) {
		if (!d->hand[h].takes_part || is_done(d, h))
			continue;
		leave_behind(d, h, FAIL(TIMEOUT, "it did not keep up at part %u of %u", d->number + 1, terms_part_count(&d->terms)));
		link_hang_up(link_of(d, h));
	}
}

/* Windows for the next part.  Recorded as used before a byte of them is read, as ever. */
static dske_rc renew_windows(struct dealing *d)
{
	struct exchange *x = &d->a->x;
	struct link_need need = need_of(d, d->number);
	for (size_t h = 0; h < d->a->n; h++) {
		if (d->hand[h].takes_part)
			link_go_on(link_of(d, h), &need);
	}
	dske_rc rc = links_run(x->set, at_most(x->deadline_ms, clock_ms() + STRAGGLE_MS), windows_are_there, x->cancelled);
	if (rc_is(rc, DSKE_RC_CANCELLED))
		return rc;
	leave_late(d, is_ready);
	return count_hands(d, takes_part) < d->a->k ? too_few_left(d) : DSKE_OK;
}

/* DSKE 2.3.1: k of the ranges are shares themselves. */
static dske_rc choose_and_reserve(struct dealing *d, bool *use_pad, const uint8_t **pads)
{
	bool ready[TERMS_HUBS_MAX];
	for (size_t h = 0; h < d->a->n; h++)
		ready[h] = d->hand[h].takes_part;
	TRY(agree_choose(use_pad, &d->terms, ready, d->number));
	for (size_t h = 0; h < d->a->n; h++) {
		struct hand *w = &d->hand[h];
		w->accepted = w->afresh = false;
		w->use_pad = use_pad[h];
		pads[h] = NULL;
		if (!w->takes_part)
			continue;
		TRY(reserve(d, h));
		if (use_pad[h])
			pads[h] = pad_peek(&w->request.pad, 0, terms_part_len(&d->terms, d->number));
	}
	return DSKE_OK;
}

static dske_rc deal(struct dealing *d)
{
	bool use_pad[TERMS_HUBS_MAX], wanted[TERMS_HUBS_MAX];
	const uint8_t *pads[TERMS_HUBS_MAX];
	struct secret share[TERMS_HUBS_MAX] = {{0}};
	AUTO(secret) piece = {0};
	TRY(choose_and_reserve(d, use_pad, pads));
	for (size_t h = 0; h < d->a->n; h++)
		wanted[h] = d->hand[h].takes_part;
	dske_rc rc = agree_deal_part(d->tagger, &d->terms, d->number, pads, use_pad, wanted, share, &piece);
	for (size_t h = 0; h < d->a->n; h++)
		secret_move(&d->hand[h].share, &share[h]);
	TRY(rc);
	d->straggle_ms = 0;
	d->is_begun = true;
	return d->a->q->sink->write(d->a->q->sink->context, piece.data, piece.len);
}

static bool is_settled(void *exchange)
{
	const struct dealing *d = exchange;
	size_t takers = count_hands(d, takes_part);
	return takers < d->a->k || count_hands(d, has_accepted) == takers;
}

/* Until all that take part have accepted; when k have, the others for a while. */
static dske_rc distribute(struct dealing *d)
{
	struct exchange *x = &d->a->x;
	for (size_t h = 0; h < d->a->n; h++) {
		if (d->hand[h].takes_part && is_ready(d, h))
			send_to(d, h);
	}
	while (!is_settled(d)) {
		int64_t until = d->straggle_ms != 0 ? at_most(d->straggle_ms, x->deadline_ms) : x->deadline_ms;
		dske_rc rc = links_run(x->set, at_most(until, clock_ms() + 250), is_settled, x->cancelled);
		if (rc_is(rc, DSKE_RC_CANCELLED))
			return rc;
		if (clock_ms() >= until)
			break;
	}
	if (count_hands(d, takes_part) >= d->a->k && count_hands(d, has_accepted) < d->a->k)
		return FAIL(TIMEOUT, "%zu of %u hubs had accepted part %u of %u when the time was up", count_hands(d, has_accepted),
			    d->a->n, d->number + 1, terms_part_count(&d->terms));
	leave_late(d, has_accepted);
	agree_progress(d->a);
	d->is_begun = false;
	return count_hands(d, takes_part) < d->a->k ? too_few_left(d) : DSKE_OK;
}

static void tell_progress(const struct dealing *d)
{
	const struct agree_sink *sink = d->a->q->sink;
	uint64_t done = (uint64_t)(d->number + 1) * KEY_PART_LEN, total = d->terms.key_len;
	if (sink->progress != NULL)
		sink->progress(sink->context, done < total ? done : total, total);
}

static void write_result(struct dealing *d)
{
	struct agree_result *r = d->a->r;
	for (size_t h = 0; h < d->a->n; h++) {
		if (d->hand[h].takes_part)
			exchange_settle(&d->a->x, link_of(d, h), DSKE_OK);
	}
	r->key_len = d->terms.key_len;
	r->key_id = d->terms.key_id;
	r->initiator = d->terms.initiator;
	r->n = d->terms.n;
	r->k = d->terms.k;
	r->scheme = d->terms.scheme;
}

static dske_rc initiate(struct dealing *d)
{
	TRY(secret_alloc(&d->room, sizeof *d->tagger));
	d->tagger = (void *)d->room.data;
	TRY(agree_terms(d->a, &d->terms));
	TRY(bring_up(d));            /* connect, LEASE, GRANT, CONFIRM: all hubs at once */
	TRY(agree_charge_dealt(d->a));
	for (d->number = 0; d->number < terms_part_count(&d->terms); d->number++) {
		TRY(renew_windows(d));
		TRY(deal(d));        /* 2.3.1: n shares of this part; its bytes of S to the sink */
		TRY(distribute(d));  /* 2.3.2: SHARE or PART to each hub, and its REPLY */
		tell_progress(d);
	}
	write_result(d);
	return agree_keep_key(d->a);
}

dske_rc agree_initiate_long(struct agreement *a)
{
	struct dealing *d = calloc(1, sizeof *d);
	if (d == NULL)
		return rc_make(DSKE_RC_NOMEM);
	d->a = a;
	dske_rc rc = initiate(d);
	links_end(a->x.set);
	for (size_t h = 0; h < a->n; h++) {
		secret_drop(&d->hand[h].share);
		request_drop(&d->hand[h].request);
	}
	secret_drop(&d->room);
	free(d);
	return rc;
}
