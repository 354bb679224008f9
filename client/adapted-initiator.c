/* SPDX-License-Identifier: Apache-2.0 */
/* client/adapted-initiator.c - Alice in the adapted protocol (DSKE 3). */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "client/adapted.h"
#include "client/direct.h"

struct adaptation {
	struct agreement *a;
	struct id first, fallback; /* key IDs; the second pass's is in its terms */
	struct direct *link;
	int64_t until_ms;    /* how long the link may take */
	struct agree_result material; /* of the first pass; owned */
	struct terms terms;  /* of the second */
	struct request request[TERMS_HUBS_MAX]; /* SHARE to each hub; its pad is the share */
	struct adapted state;
	struct adapted_list list;
	struct buf answer;   /* LIST, when it is written */
	bool is_done;
	bool is_over;        /* the link has failed: */
	char why[300];
};

/* ---- 1: key material ------------------------------------------------------------------------------------ */

static dske_rc first_pass(struct adaptation *s)
{
	struct agree_request q = *s->a->q;
	struct agreement b = *s->a;
	q.has_key_id = true;
	q.key_id = s->first;
	q.keep = NULL; /* it is no key of the application's */
	b.q = &q;
	b.r = &s->material;
	b.scheme = SCHEME_FIRST_PASS;
	b.key_len = ADAPTED_MATERIAL_LEN(b.n);
	b.counted_len = s->a->key_len;
	return agree_initiate(&b);
}

/* ---- 3: pads are shares ---------------------------------------------------------------------------------- */

static void write_terms(struct adaptation *s)
{
	const struct agreement *a = s->a;
	struct terms *t = &s->terms;
	*t = (struct terms){.initiator = a->x.client->config.id, .n = a->n, .k = a->k, .scheme = SCHEME_ADAPTED,
			    .key_len = a->key_len, .context_len = a->q->context_len};
	group_write_receivers(&a->group, t);
	adapted_second_id(&t->key_id, &s->first);
	for (size_t h = 0; h < a->n; h++)
		t->hub[h] = a->x.set->link[h].hub->hub;
	memcpy(t->context, a->q->context, a->q->context_len);
}

/* A hub that lost the range gets another one, and so another share. */
static dske_rc send_share(struct adaptation *s, struct link *l)
{
	struct request *r = &s->request[l->at];
	if (r->type == 0 || l->lease_lost) {
		AUTO(buf) body = {0};
		struct msg_share m = {.terms = s->terms, .ttl = s->a->x.client->config.ttl_s, .mode = SHARE_MODE_PAD};
		buf_heap(&body, FRAME_MAX);
		TRY(request_reserve(r, l, MESSAGE_SHARE, MSG_SHARE_RANGE_LEN(&s->terms)));
		TRY(msg_share_write(&body, &m));
		TRY(request_seal(r, l, &body));
		l->lease_lost = false;
	}
	exchange_sent(&s->a->x, l);
	return request_send(r, l);
}

/* Once Alice has chosen, a share is what it was. */
static void on_ready(void *exchange, struct link *l)
{
	struct adaptation *s = exchange;
	if (s->a->x.outcome[l->at].settled || s->state.state != ADAPTED_OPEN)
		return;
	dske_rc rc = send_share(s, l);
	if (!rc_ok(rc))
		link_fail(l, rc);
}

static void on_frame(void *exchange, struct link *l, const struct envelope *e)
{
	struct adaptation *s = exchange;
	struct request *r = &s->request[l->at];
	if (request_answered_by(r, e, MESSAGE_REPLY))
		exchange_settle(&s->a->x, l, request_reply(e));
	else if (r->type != 0 && !r->answered && e->offset == r->offset)
		link_nonsense(l, "a reply that does not verify");
}

static void on_failed(void *exchange, struct link *l)
{
	struct adaptation *s = exchange;
	exchange_settle(&s->a->x, l, rc_fail(l->code, "%s", l->why));
}

static bool awaits(const void *exchange, const struct link *l, uint64_t offset)
{
	const struct adaptation *s = exchange;
	return request_is_at(&s->request[l->at], offset) && !s->request[l->at].answered;
}

static const struct link_ops ops = {.ready = on_ready, .frame = on_frame, .failed = on_failed, .awaits = awaits};

static void distribute(struct adaptation *s)
{
	struct exchange *x = &s->a->x;
	exchange_again(x);
	links_begin(x->set, &ops, s);
	x->set->deals = true;
	for (size_t h = 0; h < s->a->n; h++)
		link_want(&x->set->link[h], MSG_SHARE_RANGE_LEN(&s->terms), 0);
}

/* Where one was sent. */
static void gather_shares(const struct adaptation *s, const uint8_t *shares[TERMS_HUBS_MAX])
{
	size_t len = terms_share_len(&s->terms);
	for (size_t h = 0; h < s->a->n; h++)
		shares[h] = s->request[h].frame.len > 0 ? pad_peek(&s->request[h].pad, 0, len) : NULL;
}

/* ---- 4 to 6: the direct link ------------------------------------------------------------------------------- */

static void over(struct adaptation *s, const char *why)
{
	if (s->is_over)
		return;
	s->is_over = true;
	snprintf(s->why, sizeof s->why, "%s", why);
}

static dske_rc write_list(struct adaptation *s)
{
	AUTO(buf) body = {0};
	buf_heap(&body, DIRECT_ITEM_MAX);
	buf_heap(&s->answer, FRAME_HEAD_LEN + DIRECT_ITEM_MAX);
	TRY(direct_list_write(&body, &s->list));
	struct direct_item item = {.type = DIRECT_LIST, .sender = s->terms.initiator, .key_id = s->first, .body = body.data,
				   .body_len = body.len};
	return direct_write(&s->answer, &item, adapted_alices_key(&s->state));
}

static dske_rc choose(struct adaptation *s, const struct direct_item *item)
{
	const uint8_t *shares[TERMS_HUBS_MAX];
	struct adapted_marks marks;
	TRY(direct_tags_read(&marks, item->body, item->body_len));
	gather_shares(s, shares);
	TRY(adapted_choose(&s->state, shares, &marks, &s->list));
	return write_list(s);
}

/* The same bytes may come again on another connection, and get the same answer. */
static void on_tags(struct adaptation *s, const struct direct_item *item)
{
	if (!direct_verify(item, adapted_bobs_key(&s->state))) {
		direct_fail(s->link, FAIL(TAG, "on the direct link came TAGS that are not the peer's"));
		return;
	}
	dske_rc rc = s->state.state == ADAPTED_OPEN ? choose(s, item) : DSKE_OK;
	if (rc_ok(rc))
		direct_send(s->link, s->answer.data, s->answer.len);
	else
		over(s, rc_detail(rc));
}

static void on_done(struct adaptation *s, const struct direct_item *item)
{
	struct tag proof;
	if (rc_ok(direct_done_read(&proof, item->body, item->body_len)) && adapted_is_proof(&s->state, &proof))
		s->is_done = true;
	else
		direct_fail(s->link, FAIL(TAG, "on the direct link came a DONE that proves nothing"));
}

static void on_bye(struct adaptation *s, const struct direct_item *item)
{
	unsigned reason = 0;
	(void)direct_bye_read(&reason, item->body, item->body_len);
	over(s, direct_bye_text(reason));
}

static void take_item(struct adaptation *s, const struct direct_item *item)
{
	switch (item->type) {
	case DIRECT_TAGS:
		on_tags(s, item);
		break;
	case DIRECT_DONE:
		on_done(s, item);
		break;
	case DIRECT_BYE:
		on_bye(s, item);
		break;
	default:
		direct_fail(s->link, FAIL(FORMAT, "on the direct link came a %s", direct_name(item->type)));
		break;
	}
}

static bool is_settled(const struct adaptation *s)
{
	return s->is_done || s->is_over;
}

static void check_hopes(struct adaptation *s)
{
	if (direct_is_dead(s->link))
		over(s, direct_why(s->link));
	else if (clock_ms() >= s->until_ms)
		over(s, direct_is_up(s->link) ? "the peer did not answer on the direct link in time" : direct_why(s->link));
	else if (s->state.state == ADAPTED_OPEN && exchange_bad(&s->a->x) + s->a->k > s->a->n)
		over(s, "too few hubs took a share of the second pass");
}

static void listen(struct adaptation *s, int wait_ms)
{
	struct direct_item item;
	direct_turn(s->link, wait_ms);
	while (!is_settled(s) && direct_next(s->link, &item))
		take_item(s, &item);
	check_hopes(s);
}

static bool never(void *exchange)
{
	(void)exchange;
	return false;
}

/* 2: the second pass is worth its pads when somebody is there. */
static dske_rc await_peer(struct adaptation *s)
{
	const atomic_bool *cancelled = s->a->x.cancelled;
	while (!s->is_over && !direct_is_up(s->link)) {
		if (cancelled != NULL && *cancelled)
			return FAIL(CANCELLED, "cancelled while waiting for the peer on the direct link");
		direct_turn(s->link, ADAPTED_SLICE_MS);
		check_hopes(s);
	}
	return DSKE_OK;
}

static dske_rc talk(struct adaptation *s)
{
	struct exchange *x = &s->a->x;
	while (!is_settled(s)) {
		bool quiet = exchange_is_settled(x);
		dske_rc rc = links_run(x->set, clock_ms() + (quiet ? 0 : ADAPTED_SLICE_MS), never, x->cancelled);
		if (rc_is(rc, DSKE_RC_CANCELLED))
			return rc;
		listen(s, quiet ? ADAPTED_SLICE_MS : 0);
	}
	return DSKE_OK;
}

static dske_rc second_pass(struct adaptation *s)
{
	TRY(await_peer(s));
	if (s->is_over)
		return DSKE_OK;
	write_terms(s);
	TRY(terms_check(&s->terms));
	TRY(adapted_begin(&s->state, &s->terms, s->a->k, &s->material.key));
	distribute(s);
	dske_rc rc = talk(s);
	links_end(s->a->x.set);
	return rc;
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static bool is_listed(const struct adapted_list *list, size_t hub)
{
	return memchr(list->x, (int)(hub + 1), list->count) != NULL;
}

static void judge(struct adaptation *s)
{
	struct exchange *x = &s->a->x;
	for (size_t h = 0; h < s->a->n; h++) {
		bool said_so = x->outcome[h].settled && x->outcome[h].code == DSKE_RC_OK;
		if (is_listed(&s->list, h)) {
			exchange_settle(x, &x->set->link[h], DSKE_OK);
		} else if (said_so) {
			x->outcome[h].settled = false;
			exchange_settle(x, &x->set->link[h], FAIL(TAG, "the peer did not get its share, or not as it was sent"));
		}
	}
}

static dske_rc take_key(struct adaptation *s)
{
	judge(s);
	TRY(adapted_key(&s->state, &s->a->r->key));
	agree_name_result(s->a->r, &s->terms);
	return agree_keep_key(s->a);
}

/* Of a new Y_0; or of the one that Bob may have, so that the two never end with different keys. */
static dske_rc fall_back(struct adaptation *s)
{
	struct agree_request q = *s->a->q;
	struct agreement b = *s->a;
	log_info("no key with %s by the adapted scheme: %s; going on by Shamir", s->a->peer.name, s->why);
	snprintf(s->a->r->fallback, sizeof s->a->r->fallback, "%s", s->why);
	b.scheme = SCHEME_FALLBACK;
	exchange_again(&s->a->x);
	q.has_key_id = true;
	adapted_fallback_id(&q.key_id, &s->first);
	b.q = &q;
	b.again = s->state.state == ADAPTED_CHOSEN ? &s->state.y0 : NULL;
	return agree_initiate(&b);
}

static dske_rc adapt(struct adaptation *s)
{
	struct agreement *a = s->a;
	struct direct_names names = {.self = a->x.client->config.id, .peer = a->peer.id};
	if (a->q->has_key_id)
		s->first = a->q->key_id;
	else
		TRY(id_random(&s->first));
	names.key_id = s->first;
	TRY(direct_open(&s->link, a->x.client, a->connect, a->listen, &names));
	TRY(first_pass(s));
	int64_t now = clock_ms();
	s->until_ms = now + (a->x.deadline_ms - now) / 2;
	TRY(second_pass(s));
	direct_close(s->link, s->is_done ? 0 : BYE_FAILED);
	s->link = NULL;
	return s->is_done ? take_key(s) : fall_back(s);
}

dske_rc adapted_initiate(struct agreement *a)
{
	struct adaptation *s = calloc(1, sizeof *s);
	if (s == NULL)
		return rc_make(DSKE_RC_NOMEM);
	s->a = a;
	dske_rc rc = adapt(s);
	direct_close(s->link, BYE_FAILED);
	for (size_t h = 0; h < a->n; h++)
		request_drop(&s->request[h]);
	adapted_drop(&s->state);
	agree_result_drop(&s->material);
	buf_drop(&s->answer);
	free(s);
	return rc;
}
