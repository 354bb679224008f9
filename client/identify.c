/* SPDX-License-Identifier: Apache-2.0 */
/* client/identify.c - asking every hub who somebody is (DSKE 2.2). */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/agreement.h"
#include "client/request.h"

struct inquiry {
	struct exchange x;
	struct msg_identify question;
	struct request *request;      /* one a hub */
	struct identity_vote *votes;  /* one a hub */
};

static dske_rc ask(struct inquiry *q, struct link *l)
{
	uint8_t room[128];
	struct buf body;
	struct request *r = &q->request[l->at];
	buf_fixed(&body, room, sizeof room);
	TRY(request_reserve(r, l, MESSAGE_IDENTIFY, MSG_IDENTIFY_RANGE_LEN));
	TRY(msg_identify_write(&body, &q->question));
	TRY(request_seal(r, l, &body));
	exchange_sent(&q->x, l);
	return request_send(r, l);
}

static void on_ready(void *exchange, struct link *l)
{
	struct inquiry *q = exchange;
	if (q->x.outcome[l->at].settled)
		return;
	struct request *r = &q->request[l->at];
	bool again = l->is_asked_again && r->type != 0 && !l->lease_lost;
	l->lease_lost = false;
	dske_rc rc = again ? request_send(r, l) : ask(q, l); /* a question may be asked anew: it changes nothing */
	if (!rc_ok(rc))
		link_fail(l, rc);
}

static dske_rc take_answer(struct identity_vote *vote, const struct envelope *e)
{
	struct msg_identity m;
	TRY(msg_identity_read(&m, e->body, e->body_len));
	if (m.status == STATUS_UNKNOWN_CLIENT) {
		vote->answer = IDENTITY_UNKNOWN;
		return DSKE_OK;
	}
	if (m.status != STATUS_ACCEPTED)
		return FAIL(REFUSED, "it refused: %s", status_text(m.status));
	vote->answer = IDENTITY_SAYS;
	vote->says.id = m.id;
	snprintf(vote->says.name, sizeof vote->says.name, "%s", m.name);
	/* DSKE 2.2: "each client gets to know the identifier used by each Security Hub for another client" */
	snprintf(vote->local, sizeof vote->local, "%s", m.local);
	return DSKE_OK;
}

static void on_frame(void *exchange, struct link *l, const struct envelope *e)
{
	struct inquiry *q = exchange;
	if (request_answered_by(&q->request[l->at], e, MESSAGE_IDENTITY))
		exchange_settle(&q->x, l, take_answer(&q->votes[l->at], e));
}

static void on_failed(void *exchange, struct link *l)
{
	struct inquiry *q = exchange;
	exchange_settle(&q->x, l, rc_fail(l->code, "%s", l->why));
}

static bool awaits(const void *exchange, const struct link *l, uint64_t offset)
{
	const struct inquiry *q = exchange;
	return request_is_at(&q->request[l->at], offset) && !q->x.outcome[l->at].settled;
}

static const struct link_ops inquiry_ops = {.ready = on_ready, .frame = on_frame, .failed = on_failed, .awaits = awaits};

static bool all_have_answered(void *exchange)
{
	return exchange_is_settled(&((const struct inquiry *)exchange)->x);
}

static dske_rc ask_all(struct inquiry *q)
{
	size_t n = exchange_hubs(&q->x);
	q->request = calloc(n, sizeof *q->request);
	q->votes = calloc(n, sizeof *q->votes); /* IDENTITY_SILENT */
	if (q->request == NULL || q->votes == NULL)
		return rc_make(DSKE_RC_NOMEM);
	links_begin(q->x.set, &inquiry_ops, q);
	q->x.set->asks_little = true;
	for (size_t h = 0; h < n; h++)
		link_want(&q->x.set->link[h], MSG_IDENTIFY_RANGE_LEN, 0);
	dske_rc rc = links_run(q->x.set, q->x.deadline_ms, all_have_answered, q->x.cancelled);
	links_end(q->x.set);
	return rc_is(rc, DSKE_RC_TIMEOUT) ? DSKE_OK : rc; /* silence is an answer, too */
}

static void inquiry_drop(struct inquiry *q, size_t n)
{
	for (size_t h = 0; q->request != NULL && h < n; h++)
		request_drop(&q->request[h]);
	free(q->request);
	free(q->votes);
}

/* ---- who is that? --------------------------------------------------------------------------------------- */

/* More than half of the hubs, and k, and k_B. */
static size_t votes_needed(struct client *c)
{
	size_t needed = pool_hubs_known(c) / 2 + 1;
	if (c->config.k > needed)
		needed = c->config.k;
	return c->config.k_b > needed ? c->config.k_b : needed;
}

static dske_rc check_answer(const struct inquiry *q, const struct identity *out)
{
	if (strcmp(out->name, q->question.name) != 0)
		return FAIL(TOO_FEW, "the hubs agree on another client, %s, than the one that was asked for", out->name);
	return DSKE_OK;
}

static dske_rc identify(struct inquiry *q, struct client *c, int64_t timeout_ms, struct identity *out)
{
	TRY(exchange_begin(&q->x, c, timeout_ms, NULL, NULL, 0));
	TRY(ask_all(q));
	size_t n = exchange_hubs(&q->x);
	dske_rc rc = identity_settle(out, q->votes, n, votes_needed(c));
	if (!rc_ok(rc))
		return FAIL(TOO_FEW, "who is %s? %s", q->question.name, rc_detail(rc));
	return check_answer(q, out);
}

dske_rc client_identify(struct client *c, const char *name, int64_t timeout_ms, struct identity *out,
			struct identity_vote **votes, struct report *report)
{
	struct inquiry q = {.question.kind = IDENTIFY_NAME};
	*votes = NULL;
	*report = (struct report){0};
	TRY(client_check_pid(c));
	if (!name_check(name))
		return FAIL(ARGS, "not a name: letters, digits, '.', '_' and '-', at most %d", NAME_MAX_LEN);
	snprintf(q.question.name, sizeof q.question.name, "%s", name);
	dske_rc rc = identify(&q, c, timeout_ms, out);
	size_t n = q.x.set != NULL ? exchange_hubs(&q.x) : 0;
	rc = exchange_end(&q.x, rc, report);
	/* One vote a line of the report: the hubs without a usable table stand last and are silent. */
	if (report->count > n) {
		struct identity_vote *all = calloc(report->count, sizeof *all);
		if (all != NULL && q.votes != NULL)
			memcpy(all, q.votes, n * sizeof *all);
		if (all == NULL && rc_ok(rc)) /* whoever has a report counts on its votes */
			rc = rc_make(DSKE_RC_NOMEM);
		free(q.votes);
		q.votes = all;
	}
	*votes = q.votes;
	q.votes = NULL;
	inquiry_drop(&q, n);
	return rc;
}

/* ---- ping ------------------------------------------------------------------------------------------------ */

static dske_rc ping(struct inquiry *q, struct client *c, int64_t timeout_ms)
{
	TRY(exchange_begin(&q->x, c, timeout_ms, NULL, NULL, 0));
	q->question.id = c->config.id;
	q->x.wants_left = true;
	return ask_all(q);
}

dske_rc client_ping(struct client *c, int64_t timeout_ms, struct report *report)
{
	struct inquiry q = {.question.kind = IDENTIFY_ID};
	*report = (struct report){0};
	TRY(client_check_pid(c));
	dske_rc rc = ping(&q, c, timeout_ms);
	size_t n = q.x.set != NULL ? exchange_hubs(&q.x) : 0;
	rc = exchange_end(&q.x, rc, report);
	inquiry_drop(&q, n);
	return rc_is(rc, DSKE_RC_TOO_FEW) ? DSKE_OK : rc;
}
