/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A turn looks at every connection: frames that have come are handed out, then a failure is told,
 * then what is queued is written.  Between turns one poll() waits for all of them, and each readable
 * connection is read once.  So no connection gets more than one chunk in and one write out before the
 * others have had theirs, and one that trickles, floods or does not read delays nobody.
 *
 *     IDLE --connect--> CONNECTING --connected--> CONNECTED
 *       ^                   |                         |
 *       +---lost--- FAILED <+-------------------------+
 *
 * fanout_close() leads to IDLE from anywhere.
 */
#include "hubproto/fanout.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Enough for the longest frame and a few short ones behind it. */
#define QUEUE_MAX          ((size_t)2 * (FRAME_HEAD_LEN + FRAME_MAX))
#define CANCEL_INTERVAL_MS 100
#define WHY_MAX            400
#define UNREADABLE_MOST    16 /* frames; then nothing that comes means anything */

enum state { STATE_IDLE, STATE_CONNECTING, STATE_CONNECTED, STATE_FAILED };

struct connection {
	struct net_address address;
	char label[300]; /* the address as it was given, for sentences */
	struct fd fd;
	enum state state;
	struct stream in;
	struct buf out;
	size_t sent;   /* bytes of `out` already written */
	unsigned unreadable; /* frames so far */
	bool is_full;  /* room for the rest is waited for; what was never tried to be written is no reason to wake up */
	bool polled;   /* this very descriptor was in the last poll(): numbers come again */
	unsigned *changes; /* the fanout's */
	bool in_frame; /* its frame callback runs now: what it borrows must stay */
	int failure;   /* STATE_FAILED: code and sentence for `lost` */
	char why[WHY_MAX];
};

struct fanout {
	struct fanout_ops ops;
	void *context;
	struct connection **connections; /* each on the heap: callbacks may add others */
	struct pollfd *polls;
	size_t count;
	unsigned changes; /* of what is to be waited for */
	bool (*done)(void *context);
	void *done_context;
};

/* ---- one connection ------------------------------------------------------------------------------ */

static void connection_release(struct connection *c)
{
	stream_drop(&c->in);
	buf_drop(&c->out);
	c->sent = 0;
	c->is_full = false;
	c->unreadable = 0;
}

static void connection_reset(struct connection *c, enum state state)
{
	fd_drop(&c->fd);
	++*c->changes;
	c->polled = false;
	c->state = state;
	if (!c->in_frame)
		connection_release(c);
}

/* Frames that came before stay readable; `lost` is called after them. */
static void connection_fail(struct connection *c, dske_rc why)
{
	snprintf(c->why, sizeof(c->why), "%s: %s", c->label, rc_detail(why));
	c->failure = why.code;
	c->state = STATE_FAILED;
	++*c->changes;
	c->polled = false;
	fd_drop(&c->fd);
}

static void connection_start(struct connection *c)
{
	connection_reset(c, STATE_CONNECTING);
	dske_rc rc = net_connect_start(&c->fd, &c->address);
	if (!rc_ok(rc))
		connection_fail(c, rc);
}

static bool connection_has_unsent(const struct connection *c)
{
	return c->state == STATE_CONNECTED && c->sent < c->out.len;
}

static void connection_flush(struct connection *c)
{
	size_t done;

	if (!connection_has_unsent(c))
		return;
	dske_rc rc = net_write(c->fd.n, c->out.data + c->sent, c->out.len - c->sent, &done);
	if (!rc_ok(rc)) {
		connection_fail(c, rc);
		return;
	}
	c->sent += done;
	*c->changes += c->is_full != (c->sent < c->out.len);
	c->is_full = c->sent < c->out.len;
	if (!c->is_full) {
		buf_reset(&c->out);
		c->sent = 0;
	}
}

static void connection_fill(struct connection *c)
{
	size_t cap;
	size_t done;
	uint8_t *space = stream_space(&c->in, &cap);

	if (!space) {
		connection_fail(c, rc_make(DSKE_RC_NOMEM));
		return;
	}
	dske_rc rc = net_read(c->fd.n, space, cap, &done);
	if (!rc_ok(rc)) {
		connection_fail(c, rc);
		return;
	}
	stream_filled(&c->in, done);
}

static short connection_events(const struct connection *c)
{
	switch (c->state) {
	case STATE_CONNECTING:
		return POLLOUT;
	case STATE_CONNECTED:
		return c->is_full ? POLLIN | POLLOUT : POLLIN;
	case STATE_IDLE:
	case STATE_FAILED:
		break;
	}
	return 0;
}

/* ---- one turn ------------------------------------------------------------------------------------ */

static bool is_done(const struct fanout *f)
{
	return f->done(f->done_context);
}

/* Passes over a frame that cannot be read, as anyone on the way could have put in; where the next one begins is known. */
static bool pass_over(struct connection *c, dske_rc why)
{
	if (++c->unreadable < UNREADABLE_MOST)
		return true;
	connection_fail(c, why);
	stream_drop(&c->in);
	return false;
}

/* Hands out one frame.  False when there is none. */
static bool frame_hand_out(struct fanout *f, size_t i)
{
	struct connection *c = f->connections[i];
	struct envelope e;
	const uint8_t *item;
	size_t len;
	dske_rc rc = stream_next(&c->in, &item, &len);

	if (rc_ok(rc) && !item)
		return false;
	if (!rc_ok(rc)) {
		connection_fail(c, rc);
		stream_drop(&c->in); /* nothing behind a length that cannot be means anything */
		return false;
	}
	rc = frame_read(&e, item, len);
	if (!rc_ok(rc))
		return pass_over(c, rc);
	c->in_frame = true;
	f->ops.frame(f->context, i, &e);
	c->in_frame = false;
	if (c->state == STATE_IDLE || c->state == STATE_CONNECTING) {
		connection_release(c);
		return false;
	}
	return true;
}

static void tell_lost(struct fanout *f, size_t i)
{
	struct connection *c = f->connections[i];
	dske_rc why = rc_fail(c->failure, "%s", c->why);

	connection_reset(c, STATE_IDLE);
	f->ops.lost(f->context, i, why);
}

static void connection_turn(struct fanout *f, size_t i)
{
	struct connection *c = f->connections[i];

	if (c->state == STATE_CONNECTED || c->state == STATE_FAILED) {
		while (!is_done(f) && frame_hand_out(f, i))
			;
	}
	if (is_done(f))
		return;
	if (c->state == STATE_FAILED)
		tell_lost(f, i);
}

void fanout_flush(struct fanout *f)
{
	for (size_t i = 0; i < f->count; i++)
		connection_flush(f->connections[i]);
}

/* Hands out all that is there, until done. */
static void take_turn(struct fanout *f)
{
	for (size_t i = 0; i < f->count && !is_done(f); i++)
		connection_turn(f, i);
}

/* Something to tell that no poll() would announce. */
static bool has_pending(const struct fanout *f)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->connections[i]->state == STATE_FAILED)
			return true;
	}
	return false;
}

static void connection_ready(struct fanout *f, size_t i, short events)
{
	struct connection *c = f->connections[i];

	if (events == 0)
		return;
	if (c->state == STATE_CONNECTING) {
		dske_rc rc = net_connect_result(c->fd.n);
		if (!rc_ok(rc)) {
			connection_fail(c, rc);
			return;
		}
		stream_init(&c->in, FRAME_MAX_BEFORE_LEASE);
		buf_heap(&c->out, QUEUE_MAX);
		c->state = STATE_CONNECTED;
		f->ops.connected(f->context, i);
	} else if (c->state == STATE_CONNECTED && events == POLLOUT) {
		connection_flush(c);
	} else if (c->state == STATE_CONNECTED && (events & (POLLIN | POLLERR | POLLHUP | POLLNVAL))) {
		connection_fill(c);
	}
}

static int poll_paused(struct fanout *f, nfds_t count, int wait_ms, const struct fanout_pause *pause)
{
	uint64_t times;

	if (!pause)
		return poll(f->polls, count, wait_ms);
	f->polls[count] = (struct pollfd){.fd = pause->waker, .events = POLLIN};
	pause->before(pause->context);
	int ready = poll(f->polls, count + 1, wait_ms);
	int reason = errno;
	pause->after(pause->context);
	if (ready > 0 && (f->polls[count].revents & POLLIN))
		(void)!read(pause->waker, &times, sizeof(times));
	errno = reason;
	return ready;
}

/* Waits at most wait_ms and reads what has come. */
static dske_rc wait_all(struct fanout *f, int wait_ms, const struct fanout_pause *pause)
{
	size_t count = f->count;

	for (size_t i = 0; i < count; i++) {
		struct connection *c = f->connections[i];
		short events = connection_events(c);
		f->polls[i] = (struct pollfd){.fd = events ? c->fd.n : -1, .events = events};
		c->polled = events != 0;
	}
	if (poll_paused(f, (nfds_t)count, wait_ms, pause) < 0) {
		if (errno == EINTR)
			return DSKE_OK;
		return FAIL(IO, "cannot wait for the hubs: %m");
	}
	for (size_t i = 0; i < count; i++) {
		/* A callback may have closed this connection, or begun another in its place. */
		if (f->connections[i]->polled)
			connection_ready(f, i, f->polls[i].revents);
	}
	return DSKE_OK;
}

static int wait_time(int64_t left_ms, bool cancellable)
{
	int64_t most = cancellable ? CANCEL_INTERVAL_MS : INT_MAX;

	return (int)(left_ms < most ? left_ms : most);
}

dske_rc fanout_run(struct fanout *f, int64_t deadline_ms, bool (*done)(void *context), void *context,
	const atomic_bool *cancelled)
{
	bool late = false; /* what has come by the deadline is still looked at */

	f->done = done;
	f->done_context = context;
	for (;;) {
		take_turn(f);
		fanout_flush(f);
		if (done(context))
			return DSKE_OK;
		if (cancelled && *cancelled)
			return FAIL(CANCELLED, "cancelled while waiting for the hubs");
		if (late)
			return FAIL(TIMEOUT, "the deadline came before enough hubs had answered");
		int64_t now_ms = clock_ms();
		late = now_ms >= deadline_ms;
		TRY(wait_all(f, late || has_pending(f) ? 0 : wait_time(deadline_ms - now_ms, cancelled != NULL), NULL));
	}
}

static bool never(void *context)
{
	(void)context;
	return false;
}

dske_rc fanout_step(struct fanout *f, int wait_ms, const struct fanout_pause *pause)
{
	f->done = never;
	TRY(wait_all(f, has_pending(f) ? 0 : wait_ms, pause));
	take_turn(f);
	return DSKE_OK;
}

unsigned fanout_changes(const struct fanout *f)
{
	return f->changes;
}

/* ---- the rest of the contract -------------------------------------------------------------------- */

dske_rc fanout_new(struct fanout **out, const struct fanout_ops *ops, void *context)
{
	struct fanout *f = calloc(1, sizeof(*f));

	*out = f;
	if (!f)
		return rc_make(DSKE_RC_NOMEM);
	f->ops = *ops;
	f->context = context;
	return DSKE_OK;
}

static dske_rc fanout_grow(struct fanout *f)
{
	size_t count = f->count + 1;
	struct connection **connections = realloc(f->connections, count * sizeof(struct connection *));

	if (!connections)
		return rc_make(DSKE_RC_NOMEM);
	f->connections = connections;
	struct pollfd *polls = realloc(f->polls, (count + 1) * sizeof(*polls)); /* and the waker's */
	if (!polls)
		return rc_make(DSKE_RC_NOMEM);
	f->polls = polls;
	return DSKE_OK;
}

static void set_address(struct connection *c, const struct net_address *parsed, const char *address)
{
	c->address = *parsed;
	snprintf(c->label, sizeof(c->label), "%s", address);
}

dske_rc fanout_add(struct fanout *f, const char *address, size_t *i)
{
	struct net_address parsed;

	TRY(net_address_parse(&parsed, address));
	TRY(fanout_grow(f));
	struct connection *c = calloc(1, sizeof(*c));
	if (!c)
		return rc_make(DSKE_RC_NOMEM);
	set_address(c, &parsed, address);
	c->fd.n = -1;
	c->changes = &f->changes;
	*i = f->count;
	f->connections[f->count++] = c;
	return DSKE_OK;
}

dske_rc fanout_move(struct fanout *f, size_t i, const char *address)
{
	struct net_address parsed;

	TRY(net_address_parse(&parsed, address));
	fanout_close(f, i);
	set_address(f->connections[i], &parsed, address);
	return DSKE_OK;
}

void fanout_connect(struct fanout *f, size_t i)
{
	if (f->connections[i]->state == STATE_IDLE)
		connection_start(f->connections[i]);
}

bool fanout_is_connected(const struct fanout *f, size_t i)
{
	return f->connections[i]->state == STATE_CONNECTED;
}

dske_rc fanout_send(struct fanout *f, size_t i, const uint8_t *frame, size_t len)
{
	struct connection *c = f->connections[i];

	if (c->state != STATE_CONNECTED)
		return FAIL(CLOSED, "%s: not connected", c->label);
	buf_consume(&c->out, c->sent);
	c->sent = 0;
	if (len > QUEUE_MAX - c->out.len)
		return FAIL(TOOBIG, "%s: the hub does not read what was sent to it", c->label);
	buf_put(&c->out, frame, len);
	return buf_rc(&c->out);
}

bool fanout_has_unsent(const struct fanout *f)
{
	for (size_t i = 0; i < f->count; i++) {
		if (connection_has_unsent(f->connections[i]))
			return true;
	}
	return false;
}

void fanout_set_frame_max(struct fanout *f, size_t i, size_t max)
{
	f->connections[i]->in.max = max < FRAME_MAX ? max : FRAME_MAX;
}

void fanout_close(struct fanout *f, size_t i)
{
	connection_reset(f->connections[i], STATE_IDLE);
}

void fanout_free(struct fanout *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++) {
		connection_reset(f->connections[i], STATE_IDLE);
		free(f->connections[i]);
	}
	free(f->connections);
	free(f->polls);
	free(f);
}
