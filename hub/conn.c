/* SPDX-License-Identifier: Apache-2.0 */
/* hub/conn.c - reading, queueing and sending; the life of a connection. */
#include "hub/conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/net.h"
#include "hub/confirm.h"
#include "hub/dispatch.h"
#include "hub/relay.h"
#include "hub/stranger.h"
#include "hub/wait.h"

#define KEEP_MOST ((size_t)64 << 10)  /* an empty buffer of a client that is larger is given back at once, others within a second */
#define READ_MOST ((size_t)256 << 10) /* bytes of one connection in one round, so that each has its turn */

const char *conn_who(const struct conn *c)
{
	return c->table ? c->table->client->who.name : c->peer;
}

void conn_mark(struct conn *c)
{
	if (c->marked)
		return;
	c->marked = true;
	c->next_marked = c->hub->marked;
	c->hub->marked = c;
}

/* ---- birth and death ---------------------------------------------------------------------------- */

static void link_in(struct conn *c)
{
	struct hub *h = c->hub;

	c->previous = h->last;
	if (h->last)
		h->last->next = c;
	else
		h->first = c;
	h->last = c;
	h->conn_count++;
}

static void link_out(struct conn *c)
{
	struct hub *h = c->hub;

	if (c->previous)
		c->previous->next = c->next;
	else
		h->first = c->next;
	if (c->next)
		c->next->previous = c->previous;
	else
		h->last = c->previous;
	h->conn_count--;
}

dske_rc conn_new(struct hub *h, struct fd *fd, const char *peer)
{
	struct conn *c = calloc(1, sizeof *c);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

	if (!c)
		return rc_make(DSKE_RC_NOMEM);
	if (epoll_ctl(h->epoll.n, EPOLL_CTL_ADD, fd->n, &ev) != 0) {
		free(c);
		return FAIL(IO, "cannot watch a connection: %m");
	}
	c->hub = h;
	c->fd = *fd;
	fd->n = -1;
	c->events = EPOLLIN;
	snprintf(c->peer, sizeof c->peer, "%s", peer);
	c->opened_ms = c->active_ms = c->drained_ms = h->now_ms;
	stream_init(&c->in, FRAME_MAX_BEFORE_LEASE);
	buf_heap(&c->out, CONN_OUT_MAX);
	link_in(c);
	return DSKE_OK;
}

void conn_bind(struct conn *c, struct vault_table *t)
{
	if (c->table)
		return;
	c->table = t;
	c->next_of_client = t->client->conns;
	t->client->conns = c;
	c->hub->leased_count++;
	c->in.max = FRAME_MAX;
}

static void unbind(struct conn *c)
{
	if (!c->table)
		return;
	for (struct conn **at = &c->table->client->conns; *at; at = &(*at)->next_of_client)
		if (*at == c) {
			*at = c->next_of_client;
			break;
		}
	c->hub->leased_count--;
	c->table = NULL;
}

static void windows_drop(struct conn_windows *ws)
{
	for (size_t i = 0; i < ws->count; i++)
		window_free(ws->w[i]);
	ws->count = 0;
}

void conn_free(struct conn *c)
{
	wait_drop_all(c);
	confirm_drop_held(c);
	relay_drop_sent(c);
	windows_drop(&c->up);
	windows_drop(&c->down);
	lease_keys_drop(&c->lease.keys);
	window_free(c->lease.up);
	buf_drop(&c->lease.grant);
	free(c->answers);
	stranger_leaves(c);
	unbind(c);
	link_out(c);
	stream_drop(&c->in);
	conn_out_drop(c);
	fd_drop(&c->fd);
	free(c);
}

void conn_kill(struct conn *c)
{
	c->dead = true;
	conn_mark(c);
}

void conn_finish(struct conn *c)
{
	c->closing = true;
	conn_mark(c);
}

void conn_finish_table(struct vault_table *t)
{
	for (struct conn *c = t->client->conns; c; c = c->next_of_client)
		if (c->table == t)
			conn_finish(c);
}

/* ---- in ----------------------------------------------------------------------------------------- */

/* Has its client had its turn in this round, over all its connections?  Who may be nobody's has a frame. */
static bool had_its_turn(const struct conn *c)
{
	const struct hub_client *client = c->table ? c->table->client : NULL;

	if (!client)
		return c->round == c->hub->round;
	return client->round == c->hub->round &&
	       (client->taken >= CONN_TURN || client->taken_bytes >= CONN_TURN_BYTES);
}

void conn_worked(struct conn *c, size_t steps, size_t bytes)
{
	struct hub_client *client = c->table ? c->table->client : NULL;

	if (!client) {
		c->round = c->hub->round;
		return;
	}
	if (client->round != c->hub->round)
		client->taken = client->taken_bytes = 0;
	client->round = c->hub->round;
	client->taken += steps;
	client->taken_bytes += bytes;
}

/* Half of it, so that what is still put off is not looked for again with each frame that leaves. */
static bool is_drained(const struct conn *c)
{
	return c->backlog && conn_queued(c) <= CONN_OUT_HIGH / 2;
}

bool conn_will_push(const struct conn *c)
{
	return !c->dead && !c->closing && (is_drained(c) || relay_has_pieces(c));
}

void conn_push(struct conn *c)
{
	if (!conn_will_push(c) || had_its_turn(c))
		return;
	if (is_drained(c))
		wait_room(c);
	else
		relay_pieces(c);
}

static bool may_take(const struct conn *c)
{
	return !c->dead && !c->closing && conn_queued(c) < CONN_OUT_HIGH && c->hub->now_ms >= c->slow_until_ms &&
	       !had_its_turn(c);
}

/* After a length that cannot be true there is no way back into step. */
static void stream_broken(struct conn *c, dske_rc rc)
{
	if (stranger_logs(c->hub, c))
		log_info("%s: %s; closing", conn_who(c), rc_detail(rc));
	conn_note(c, NULL, rc_is(rc, DSKE_RC_TOOBIG) ? NOTE_TOO_BIG : NOTE_ENVELOPE, 0);
	conn_finish(c);
}

static void take_frames(struct conn *c)
{
	const uint8_t *item = NULL;
	size_t len;

	while (may_take(c)) {
		dske_rc rc = stream_next(&c->in, &item, &len);

		if (!rc_ok(rc))
			stream_broken(c, rc);
		if (!rc_ok(rc) || !item) {
			c->has_more = false;
			return;
		}
		conn_worked(c, 1, len);
		dispatch_frame(c, item, len);
	}
	c->has_more = !c->dead && !c->closing;
}

void conn_resume(struct conn *c)
{
	if (c->has_more)
		take_frames(c);
}

/* Into the place of a long frame, if one is coming; otherwise by way of a space that all share, so that a connection at
 * rest has none.  *more: there may be more than was asked for. */
static dske_rc read_once(struct conn *c, size_t *done, bool *more)
{
	bool in_place = !c->closing && stream_is_long(&c->in);
	size_t cap = HUB_READ_LEN;
	uint8_t *space = in_place ? stream_space(&c->in, &cap) : c->hub->read_space;

	*done = 0;
	if (!space)
		return rc_make(DSKE_RC_NOMEM);
	TRY(net_read(c->fd.n, space, cap, done));
	*more = *done == cap;
	if (in_place)
		stream_filled(&c->in, *done);
	else if (!c->closing)
		return stream_feed(&c->in, space, *done);
	return DSKE_OK;
}

static void put_out(struct conn *c)
{
	if (stranger_logs(c->hub, c))
		log_info("%s: strangers' frames that are not whole take too much memory; closing", conn_who(c));
	conn_kill(c);
}

void conn_readable(struct conn *c)
{
	bool more = true;
	size_t done;

	conn_mark(c);
	for (size_t total = 0; more && total < READ_MOST && !c->dead && !c->has_more; total += done) {
		dske_rc rc = read_once(c, &done, &more);

		if (!rc_ok(rc)) {
			if (!rc_is(rc, DSKE_RC_CLOSED) && stranger_logs(c->hub, c))
				log_info("%s: %s", conn_who(c), rc_detail(rc));
			conn_kill(c);
			return;
		}
		if (!c->closing)
			take_frames(c);
	}
	if (!stranger_may_hold(c))
		put_out(c);
}

/* ---- out ---------------------------------------------------------------------------------------- */

static void watch(struct conn *c)
{
	bool reads = c->closing || (!c->has_more && conn_queued(c) < CONN_OUT_HIGH);
	uint32_t events = (reads ? (uint32_t)EPOLLIN : 0) | (conn_queued(c) > 0 ? (uint32_t)EPOLLOUT : 0);
	struct epoll_event ev = {.events = events, .data.ptr = c};

	if (events == c->events)
		return;
	if (epoll_ctl(c->hub->epoll.n, EPOLL_CTL_MOD, c->fd.n, &ev) != 0)
		c->dead = true;
	c->events = events;
}

/* All is sent: no more will come, and the other side's end is waited for, lest a reset overtake the note. */
static void linger(struct conn *c)
{
	if (c->lingering || conn_queued(c) > 0)
		return;
	c->lingering = true;
	c->drained_ms = c->hub->now_ms;
	shutdown(c->fd.n, SHUT_WR);
}

void conn_rest(struct conn *c)
{
	stream_rest(&c->in);
	conn_out_rest(c);
}

void conn_flush(struct conn *c)
{
	if (conn_queued(c) > 0)
		conn_send_some(c);
	if (!c->table || c->in.in.cap > KEEP_MOST)
		stream_rest(&c->in);
	if (c->closing && !c->dead)
		linger(c);
	if (!c->dead)
		watch(c);
}

/* ---- notes and answers -------------------------------------------------------------------------- */

void conn_note(struct conn *c, const struct envelope *e, enum note code, uint64_t hint)
{
	uint8_t body_bytes[32], frame_bytes[160];
	struct envelope note = {.type = MESSAGE_NOTE, .sender = c->hub->conf.id};
	struct buf body, frame;

	buf_fixed(&body, body_bytes, sizeof body_bytes);
	buf_fixed(&frame, frame_bytes, sizeof frame_bytes);
	if (!rc_ok(msg_note_write(&body, &(struct msg_note){.code = code, .hint = hint})))
		return;
	if (e) {
		note.table = e->table;
		note.offset = e->offset;
		note.length = e->length;
	}
	note.body = body.data;
	note.body_len = body.len;
	if (rc_ok(frame_write(&frame, &note, NULL)))
		conn_send(c, frame.data, frame.len);
}

void conn_failed(struct conn *c)
{
	if (++c->failures > CONN_FAILURES_FREE)
		c->slow_until_ms = c->hub->now_ms + (int64_t)(c->failures - CONN_FAILURES_FREE) * CONN_SLOW_MS;
	if (c->failures < CONN_FAILURES_MAX)
		return;
	if (stranger_logs(c->hub, c))
		log_warn("%s: %u frames failed; closing", conn_who(c), c->failures);
	conn_finish(c);
}

void conn_refuse(struct conn *c, const struct envelope *e, enum note code, uint64_t hint)
{
	if (stranger_logs(c->hub, c))
		log_info("%s: a %s was not taken: %s", conn_who(c), e ? message_name(e->type) : "frame", note_text(code));
	conn_note(c, e, code, hint);
	conn_failed(c);
}

void conn_answer_keep(struct conn *c, const uint8_t digest[FRAME_DIGEST_LEN], const struct buf *frame)
{
	if (!c->answers)
		c->answers = calloc(CONN_ANSWERS_MAX, sizeof c->answers[0]);
	if (!c->answers || frame->len > CONN_ANSWER_LEN_MAX)
		return; /* the same bytes get a note instead */

	struct conn_answer *a = &c->answers[c->answer_at++ % CONN_ANSWERS_MAX];

	memcpy(a->digest, digest, FRAME_DIGEST_LEN);
	memcpy(a->frame, frame->data, frame->len);
	a->len = (uint16_t)frame->len;
}

const struct conn_answer *conn_answer_find(const struct conn *c, const uint8_t digest[FRAME_DIGEST_LEN])
{
	for (size_t i = 0; c->answers && i < CONN_ANSWERS_MAX; i++)
		if (c->answers[i].len > 0 && memcmp(c->answers[i].digest, digest, FRAME_DIGEST_LEN) == 0)
			return &c->answers[i];
	return NULL;
}
