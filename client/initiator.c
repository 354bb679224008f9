/* SPDX-License-Identifier: Apache-2.0 */
/* client/initiator.c - Alice: share generation and distribution (DSKE 2.3.1, 2.3.2). */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "client/agreement.h"
#include "client/request.h"
#include "core/agree.h"

struct initiation {
	struct agreement *a;
	struct terms terms;
	bool use_pad[TERMS_HUBS_MAX];
	struct deal deal;
	bool dealt;
	enum deal_verdict verdict;
	struct request request[TERMS_HUBS_MAX]; /* SHARE to each hub */
	bool sealed_afresh[TERMS_HUBS_MAX];
	double sent_ms;
};

static struct link *link_of(const struct initiation *i, size_t hub)
{
	return &i->a->x.set->link[hub];
}

/* ---- what is agreed ------------------------------------------------------------------------------------ */

dske_rc agree_terms(const struct agreement *a, struct terms *t)
{
	t->initiator = a->x.client->config.id;
	group_write_receivers(&a->group, t);
	t->n = a->n;
	t->k = a->k;
	t->scheme = a->scheme;
	t->key_len = a->key_len;
	for (size_t h = 0; h < a->n; h++)
		t->hub[h] = a->x.set->link[h].hub->hub; /* x_i is the hub's position, from 1 */
	t->context_len = a->q->context_len;
	memcpy(t->context, a->q->context, a->q->context_len);
	t->confirm = a->confirm;
	t->key_id = a->q->key_id;
	if (!a->q->has_key_id)
		TRY(id_random(&t->key_id));
	return terms_check(t);
}

/* ---- one hub's share ------------------------------------------------------------------------------------ */

static dske_rc reserve_range(struct initiation *i, size_t hub)
{
	return request_reserve(&i->request[hub], link_of(i, hub), MESSAGE_SHARE, MSG_SHARE_RANGE_LEN(&i->terms));
}

/* DSKE 2.3.2: "She encrypts the n - k shares Y_i that were not generated from R_i". */
static dske_rc encrypt_share(struct initiation *i, size_t hub, struct msg_share *m, uint8_t *cipher)
{
	const struct secret *share = &i->deal.share[hub];
	if (i->deal.origin[hub] == SHARE_IS_PAD) {
		m->mode = SHARE_MODE_PAD;
		return DSKE_OK;
	}
	m->mode = SHARE_MODE_SEALED;
	m->share = cipher;
	m->share_len = share->len;
	return pad_xor(&i->request[hub].pad, cipher, share->data, share->len);
}

static dske_rc seal_share(struct initiation *i, size_t hub)
{
	AUTO(buf) body = {0};
	struct msg_share m = {.terms = i->terms, .ttl = i->a->x.client->config.ttl_s};
	uint8_t *cipher = malloc(terms_share_len(&i->terms));
	dske_rc rc = cipher == NULL ? rc_make(DSKE_RC_NOMEM) : encrypt_share(i, hub, &m, cipher);
	buf_heap(&body, FRAME_MAX);
	if (rc_ok(rc))
		rc = msg_share_write(&body, &m);
	if (rc_ok(rc))
		rc = request_seal(&i->request[hub], link_of(i, hub), &body);
	free(cipher);
	return rc;
}

/* The hub never saw the range that the share was sent under: the same share goes out under a new one,
 * encrypted, also where it was the old range's pad itself. */
static dske_rc share_afresh(struct initiation *i, size_t hub)
{
	i->sealed_afresh[hub] = true;
	struct request *r = &i->request[hub];
	if (i->deal.origin[hub] == SHARE_IS_PAD) {
		struct secret *share = &i->deal.share[hub];
		TRY(secret_alloc(share, terms_share_len(&i->terms)));
		TRY(pad_take(&r->pad, share->data, share->len));
		i->deal.origin[hub] = SHARE_COMPUTED;
	}
	TRY(reserve_range(i, hub));
	return seal_share(i, hub);
}

static dske_rc send_share(struct initiation *i, size_t hub)
{
	struct request *r = &i->request[hub];
	struct link *l = link_of(i, hub);
	if (r->type == 0) {
		TRY(reserve_range(i, hub)); /* a hub that became ready late */
		TRY(seal_share(i, hub));
	} else if (l->lease_lost) {
		TRY(share_afresh(i, hub));
	} else if (r->frame.len == 0) {
		TRY(seal_share(i, hub));
	}
	l->lease_lost = false;
	exchange_sent(&i->a->x, l);
	return request_send(r, l);
}

static void distribute_to(struct initiation *i, size_t hub)
{
	dske_rc rc = send_share(i, hub);
	if (!rc_ok(rc))
		link_fail(link_of(i, hub), rc);
}

/* ---- what the links tell --------------------------------------------------------------------------------- */

static void settle(struct initiation *i, struct link *l, dske_rc rc)
{
	if (i->a->x.outcome[l->at].settled)
		return;
	exchange_settle(&i->a->x, l, rc);
	if (!i->dealt)
		return;
	bool was_decided = i->verdict != DEAL_WAIT;
	i->verdict = agree_reply(&i->deal, &i->terms, l->at, rc_ok(rc));
	if (!was_decided && i->verdict != DEAL_WAIT)
		links_end_by(i->a->x.set, exchange_grace(&i->a->x, clock_fine_ms() - i->sent_ms));
}

static void on_ready(void *exchange, struct link *l)
{
	struct initiation *i = exchange;
	if (i->dealt && !i->a->x.outcome[l->at].settled)
		distribute_to(i, l->at);
}

/* The share went out twice, since its first window was said to be gone, and the first time it arrived after all: nobody
 * else can take a name of ours, and this one was drawn for this agreement alone. */
static bool was_there_before(const struct initiation *i, size_t hub, const struct envelope *e)
{
	struct msg_reply reply;
	return i->sealed_afresh[hub] && !i->a->q->has_key_id && rc_ok(msg_reply_read(&reply, e->body, e->body_len)) &&
	       reply.status == STATUS_KEY_EXISTS;
}

static void on_frame(void *exchange, struct link *l, const struct envelope *e)
{
	struct initiation *i = exchange;
	struct request *r = &i->request[l->at];
	if (!request_answered_by(r, e, MESSAGE_REPLY)) {
		if (r->type != 0 && !r->answered && e->offset == r->offset)
			link_nonsense(l, "a reply that does not verify");
		return; /* late answers to earlier requests are harmless */
	}
	settle(i, l, was_there_before(i, l->at, e) ? DSKE_OK : request_reply(e));
}

static void on_failed(void *exchange, struct link *l)
{
	struct initiation *i = exchange;
	i->a->needs_own = i->a->needs_own || (l->is_refused && !i->dealt);
	settle(exchange, l, rc_fail(l->code, "%s", l->why));
}

static bool awaits(const void *exchange, const struct link *l, uint64_t offset)
{
	const struct initiation *i = exchange;
	return request_is_at(&i->request[l->at], offset) && !i->request[l->at].answered;
}

static const struct link_ops initiator_ops = {.ready = on_ready, .frame = on_frame, .failed = on_failed, .awaits = awaits};

/* ---- the steps -------------------------------------------------------------------------------------------- */

static size_t mark_ready(const struct initiation *i, bool *ready)
{
	size_t count = 0;
	for (size_t h = 0; h < i->a->n; h++) {
		bool is_ready = link_can_send(link_of(i, h));
		if (ready != NULL)
			ready[h] = is_ready;
		count += is_ready;
	}
	return count;
}

static bool is_hopeless(const struct initiation *i)
{
	return exchange_bad(&i->a->x) + i->a->k > i->a->n;
}

static bool enough_are_up(void *exchange)
{
	const struct initiation *i = exchange;
	return i->a->needs_own || mark_ready(i, NULL) >= i->a->k || is_hopeless(i);
}

/* Connections and leases to all hubs at once; k of them are enough to begin, the others follow. */
static dske_rc bring_up(struct initiation *i)
{
	struct exchange *x = &i->a->x;
	links_begin(x->set, &initiator_ops, i);
	x->set->deals = true;
	for (size_t h = 0; h < i->a->n; h++)
		link_want(link_of(i, h), MSG_SHARE_RANGE_LEN(&i->terms), 0);
	dske_rc rc = links_run(x->set, x->deadline_ms, enough_are_up, x->cancelled);
	if (i->a->needs_own)
		return rc_make(DSKE_RC_BUSY);
	if (!is_hopeless(i))
		return rc_is(rc, DSKE_RC_TIMEOUT) ? FAIL(TIMEOUT, "%zu of %u hubs were ready when the time was up, %u are needed",
							 mark_ready(i, NULL), i->a->n, i->a->k)
						  : rc;
	return exchange_too_few(x, i->a->k);
}

/* DSKE 2.3.1: "She arbitrarily selects k Security Hubs for which she sets Y_i = R_i".  Of every hub that
 * is up "she selects an unused sequence"; it is recorded as used before it is read. */
static dske_rc choose_and_reserve(struct initiation *i)
{
	bool ready[TERMS_HUBS_MAX];
	struct client *c = i->a->x.client;
	pthread_mutex_lock(&c->lock);
	uint64_t spread = c->exchanges++;
	pthread_mutex_unlock(&c->lock);
	mark_ready(i, ready);
	TRY(i->a->again == NULL ? agree_choose(i->use_pad, &i->terms, ready, spread)
				: agree_choose_again(i->use_pad, &i->terms, ready, spread));
	for (size_t h = 0; h < i->a->n; h++) {
		if (ready[h])
			TRY(reserve_range(i, h));
	}
	return DSKE_OK;
}

static dske_rc deal(struct initiation *i)
{
	const uint8_t *pads[TERMS_HUBS_MAX] = {NULL};
	for (size_t h = 0; h < i->a->n; h++) {
		if (i->use_pad[h])
			pads[h] = pad_peek(&i->request[h].pad, 0, terms_share_len(&i->terms));
	}
	TRY(i->a->again == NULL ? agree_deal(&i->deal, &i->terms, pads, i->use_pad)
				: agree_deal_again(&i->deal, &i->terms, pads, i->use_pad, i->a->again->data));
	i->dealt = true;
	/* Hubs that failed before count from here on. */
	for (size_t h = 0; h < i->a->n; h++) {
		if (i->a->x.outcome[h].settled)
			i->verdict = agree_reply(&i->deal, &i->terms, h, false);
	}
	return DSKE_OK;
}

static void distribute(struct initiation *i)
{
	for (size_t h = 0; h < i->a->n; h++) {
		if (i->request[h].type != 0 || link_can_send(link_of(i, h)))
			distribute_to(i, h);
	}
}

static bool is_decided(void *exchange)
{
	return ((const struct initiation *)exchange)->verdict != DEAL_WAIT;
}

static bool has_heard_all(void *exchange)
{
	const struct initiation *i = exchange;
	return i->verdict == DEAL_FAILED || exchange_is_settled(&i->a->x);
}

/* The initiator succeeds at k positive replies; the rest get a short while to follow, so that the key
 * does not hang on k hubs alone. */
static dske_rc await_replies(struct initiation *i)
{
	struct exchange *x = &i->a->x;
	/* Links that are shared end a run by themselves (links_end_by): a call is woken once. */
	bool (*enough)(void *) = x->set->rider != NULL ? has_heard_all : is_decided;
	dske_rc rc = links_run(x->set, x->deadline_ms, enough, x->cancelled);
	if (i->verdict == DEAL_FAILED)
		return exchange_too_few(x, i->a->k);
	if (i->verdict == DEAL_WAIT && rc_is(rc, DSKE_RC_TIMEOUT))
		return FAIL(TIMEOUT, "%zu of %u hubs had accepted their share when the time was up", exchange_good(x), i->a->n);
	if (i->verdict == DEAL_WAIT)
		return rc;
	if (x->set->rider == NULL)
		(void)links_run(x->set, exchange_grace(x, clock_fine_ms() - i->sent_ms), has_heard_all, x->cancelled);
	return DSKE_OK;
}

static void write_result(struct initiation *i)
{
	secret_move(&i->a->r->key, &i->deal.key);
	agree_name_result(i->a->r, &i->terms);
}

static dske_rc initiate(struct initiation *i)
{
	TRY(agree_terms(i->a, &i->terms));
	TRY(bring_up(i));            /* connect, LEASE, GRANT, CONFIRM: all hubs at once */
	TRY(agree_charge_dealt(i->a));
	TRY(choose_and_reserve(i));  /* 2.3.1: unused sequences R_i; k of them are shares themselves */
	TRY(deal(i));                /* 2.3.1: n shares; 2.3.2: Y_0 = u || S and the key tag */
	i->sent_ms = clock_fine_ms();
	distribute(i);               /* 2.3.2: SHARE to each hub */
	TRY(await_replies(i));
	if (i->terms.confirm)
		TRY(agree_confirm(i->a, &i->terms, &i->deal)); /* all receivers READY; c; ATTEST */
	write_result(i);
	return agree_keep_key(i->a);
}

dske_rc agree_initiate(struct agreement *a)
{
	struct initiation *i = calloc(1, sizeof *i);
	if (i == NULL)
		return rc_make(DSKE_RC_NOMEM);
	i->a = a;
	i->verdict = DEAL_WAIT;
	dske_rc rc = initiate(i);
	links_end(a->x.set);
	for (size_t h = 0; h < a->n; h++)
		request_drop(&i->request[h]);
	deal_drop(&i->deal);
	free(i);
	return rc;
}
