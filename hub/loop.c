/* SPDX-License-Identifier: Apache-2.0 */
/* hub/loop.c - the three phases of hub/hub.h. */
#include "hub/hub.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/net.h"
#include "hub/confirm.h"
#include "hub/conn.h"
#include "hub/control.h"
#include "hub/notify.h"
#include "hub/places.h"
#include "hub/relay.h"
#include "hub/retire.h"
#include "hub/stranger.h"
#include "hub/wait.h"

#define EVENTS_MAX 256
#define ACCEPTS_MAX 64 /* in one round */
#define TICK_MS 1000

/* ---- the door -------------------------------------------------------------------------------------- */

static void watch_door(struct hub *h, bool open)
{
	struct epoll_event ev = {.events = open ? (uint32_t)EPOLLIN : 0, .data.ptr = &h->listener};

	epoll_ctl(h->epoll.n, EPOLL_CTL_MOD, h->listener.n, &ev);
	h->accept_paused = !open;
}

static void admit(struct hub *h, struct fd *fd, const char *peer)
{
	dske_rc rc;

	if (!places_for_newcomer(h)) {
		if (stranger_logs(h, NULL))
			log_warn("%s: turned away, there are %zu connections already", peer, h->conn_count);
		fd_drop(fd);
		return;
	}
	rc = conn_new(h, fd, peer);
	if (!rc_ok(rc)) {
		if (stranger_logs(h, NULL))
			log_error("%s: turned away: %s", peer, rc_detail(rc));
		fd_drop(fd);
	}
}

static void accept_all(struct hub *h)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct fd fd = FD_NONE;
		char peer[80] = "";
		dske_rc rc = net_accept(&fd, h->listener.n, peer, sizeof peer);

		if (!rc_ok(rc)) {
			log_error("%s; trying again in a second", rc_detail(rc));
			watch_door(h, false);
			return;
		}
		if (fd.n < 0)
			return;
		admit(h, &fd, peer);
	}
}

/* ---- once a second --------------------------------------------------------------------------------- */

/* How long has it been of no use?  A sentence, or NULL. */
static const char *overstayed(const struct conn *c)
{
	int64_t now = c->hub->now_ms;

	if (c->lingering)
		return now - c->drained_ms > CONN_LINGER_MS ? "" : NULL;
	if (conn_queued(c) > 0 && now - c->drained_ms > CONN_STUCK_MS && now - c->active_ms > CONN_STUCK_MS)
		return "takes nothing of what it is sent";
	if (!c->lease.confirmed && now - c->active_ms > CONN_FIRST_LEASE_MS)
		return "no lease came";
	if (c->table && !c->waits && !c->held && now - c->active_ms > c->hub->conf.idle_ms)
		return "idle";
	return NULL;
}

static void tick_conn(struct conn *c)
{
	wait_expire(c);
	relay_tick(c);
	confirm_expire(c);
	conn_rest(c);

	const char *why = overstayed(c);

	if (why && *why)
		log_debug("%s: %s; closing", conn_who(c), why);
	if (why)
		conn_kill(c);
}

static dske_rc tick(struct hub *h)
{
	size_t expired = 0;

	if (h->now_ms < h->tick_ms)
		return DSKE_OK;
	h->tick_ms = h->now_ms + TICK_MS;
	if (h->accept_paused)
		watch_door(h, true);
	for (struct conn *c = h->first; c; c = c->next)
		tick_conn(c);
	stranger_tick(h);
	retire_tick(h);
	control_tick(h);
	TRY(mailbox_tick(h->mailbox, h->now_ms, &expired));
	if (expired > 0)
		log_info("%zu shares expired that nobody fetched", expired);
	return DSKE_OK;
}

/* ---- signals --------------------------------------------------------------------------------------- */

static void take_signals(struct hub *h)
{
	struct signalfd_siginfo info;

	while (read(h->signals.n, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGHUP)
			hub_reload(h);
		else
			h->stop = true;
	}
}

/* ---- a round --------------------------------------------------------------------------------------- */

static void take_event(struct hub *h, const struct epoll_event *ev)
{
	struct conn *c = ev->data.ptr;

	if (ev->data.ptr == &h->listener)
		accept_all(h);
	else if (ev->data.ptr == &h->signals)
		take_signals(h);
	else if (control_owns(h->control, ev->data.ptr))
		control_event(h->control, ev->data.ptr);
	else if (ev->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		conn_readable(c);
	else
		conn_mark(c); /* it can be written to */
}

/* Phase 1, for connections whose frames were left because too much was queued. */
static void resume_marked(struct hub *h)
{
	for (struct conn *c = h->marked; c; c = c->next_marked)
		if (!c->dead)
			conn_resume(c);
}

/* Phase 3.  What remains marked has whole frames that wait for the next round. */
static void flush_marked(struct hub *h)
{
	struct conn *list = h->marked, *next;

	h->marked = NULL;
	h->wake_ms = INT64_MAX;
	for (struct conn *c = list; c; c = next) {
		next = c->next_marked;
		c->marked = false;
		if (!c->dead)
			conn_flush(c);
		if (c->dead) {
			conn_free(c);
			continue;
		}
		bool pushes = conn_will_push(c);

		if (c->has_more || pushes)
			conn_mark(c);
		if (pushes)
			h->wake_ms = h->now_ms;
		if (conn_queued(c) < CONN_OUT_HIGH && c->has_more && c->slow_until_ms < h->wake_ms)
			h->wake_ms = c->slow_until_ms;
	}
}

/* Pushes that were put off because too much was queued.  They depend on nothing that is not durable yet
 * but the pads' windows, which are; they leave with the next round. */
static void push_backlog(struct hub *h)
{
	for (struct conn *c = h->marked; c; c = c->next_marked)
		conn_push(c);
}

static dske_rc round_run(struct hub *h)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t wake = h->wake_ms < h->tick_ms ? h->wake_ms : h->tick_ms, lazy = mailbox_wake_ms(h->mailbox);
	int64_t left = (lazy < wake ? lazy : wake) - h->now_ms;
	int timeout = left > 0 ? (int)left : 0;
	int n = epoll_wait(h->epoll.n, events, EVENTS_MAX, timeout);

	if (n < 0 && errno != EINTR)
		return FAIL(IO, "cannot wait for connections: %m");
	h->now_ms = clock_ms();
	h->round++;
	resume_marked(h);
	for (int i = 0; i < n; i++)
		take_event(h, &events[i]);
	push_backlog(h);
	TRY(tick(h));
	TRY(mailbox_commit(h->mailbox));
	log_flush(); /* what it says has happened; and answers do not wait for a line each */
	control_flush(h->control);
	flush_marked(h);
	log_flush();
	return DSKE_OK;
}

dske_rc hub_run(struct hub *h)
{
	dske_rc rc = DSKE_OK;

	notify_ready();
	log_gather(true);
	while (!h->stop && rc_ok(rc))
		rc = round_run(h);
	log_gather(false);
	notify_stopping();
	return rc;
}
