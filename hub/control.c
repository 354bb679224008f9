/* SPDX-License-Identifier: Apache-2.0 */
/* hub/control.c - a socket, a few connections, one command on each. */
#define _GNU_SOURCE /* struct ucred, accept4 */
#include "hub/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/net.h"
#include "hub/admin.h"
#include "hub/command.h"
#include "hub/conn.h"
#include "hub/retire.h"

struct control_conn {
	struct fd fd;        /* FD_NONE: free */
	uint64_t number;     /* the lower, the older */
	char in[COMMAND_REQUEST_MAX];
	size_t in_len;
	struct buf out;      /* owned */
	size_t out_at;
	bool answered;       /* nothing more is read; ends when all is sent */
};

struct control {
	struct hub *hub;
	struct fd folder, listener;
	struct sockaddr_un at;
	bool is_paused; /* nobody is admitted until the next tick */
	uint64_t accepted;
	struct control_conn conn[CONTROL_CONNS_MAX];
};

static void end(struct control_conn *k)
{
	fd_drop(&k->fd);
	buf_drop(&k->out);
	*k = (struct control_conn){.fd = FD_NONE};
}

/* ---- the door ----------------------------------------------------------------------------------- */

static bool may_command(int fd)
{
	struct ucred peer = {0};
	socklen_t len = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	log_warn("control: user %u was turned away", (unsigned)peer.uid);
	return false;
}

/* A free place, or the oldest one's. */
static struct control_conn *place(struct control *c)
{
	struct control_conn *best = &c->conn[0];

	for (size_t i = 0; i < CONTROL_CONNS_MAX; i++) {
		if (c->conn[i].fd.n < 0)
			return &c->conn[i];
		if (c->conn[i].number < best->number)
			best = &c->conn[i];
	}
	end(best);
	return best;
}

static void watch_door(struct control *c, bool open)
{
	struct epoll_event ev = {.events = open ? (uint32_t)EPOLLIN : 0, .data.ptr = c};

	epoll_ctl(c->hub->epoll.n, EPOLL_CTL_MOD, c->listener.n, &ev);
	c->is_paused = !open;
}

/* Who could not be let in stays at the door, which must not wake the loop again and again: without descriptors,
 * say, there is time for them to become free. */
static void admission_failed(struct control *c)
{
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	log_error("control: cannot accept a connection: %m; trying again in a second");
	watch_door(c, false);
}

static void admit(struct control *c)
{
	AUTO(fd) f = {accept4(c->listener.n, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)};

	if (f.n < 0)
		admission_failed(c);
	if (f.n < 0 || !may_command(f.n))
		return;

	struct control_conn *k = place(c);
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = k};

	if (epoll_ctl(c->hub->epoll.n, EPOLL_CTL_ADD, f.n, &ev) != 0) {
		log_error("cannot watch a control connection: %m");
		return;
	}
	k->fd = f;
	k->number = c->accepted++;
	f.n = -1;
}

/* ---- a command ---------------------------------------------------------------------------------- */

static size_t connections(const struct vault_table *t)
{
	size_t count = 0;

	for (const struct conn *c = t->client->conns; c; c = c->next_of_client)
		count += c->table == t && !c->dead;
	return count;
}

static void stop_serving(void *context, struct vault_table *t)
{
	if (t->retired)
		retire_stop(context, t);
	else
		conn_finish_table(t);
}

/* At once, and unsent answers with it: what they depend on is durable, and their windows go. */
static void cut_off(struct vault_table *t)
{
	for (struct conn *c = t->client->conns; c; c = c->next_of_client)
		if (c->table == t)
			conn_kill(c);
}

/* Its windows are gone when its connections are; one that is dead may still have some. */
static bool has_windows(const struct vault_table *t)
{
	const struct conn *c = t->client->conns;

	while (c && c->table != t)
		c = c->next_of_client;
	return c != NULL;
}

static void close_lent(struct vault_table *t, void *context)
{
	const struct hub *h = context;

	if (vault_is_lent(t, h->now_ms) && t->table && !has_windows(t))
		vault_let_go(t);
}

void control_tick(struct hub *h)
{
	vault_each(h->vault, close_lent, h);
	if (h->control->is_paused)
		watch_door(h->control, true);
}

/* What `dske hub tables` shows of them. */
static json_t *limits_json(void *context, const struct hub_client *c)
{
	struct hub *h = context;
	struct policy p;

	if (!rc_ok(mailbox_policy_read(h->mailbox, &c->who.id, &p)))
		return NULL;

	const uint64_t *minute = p.all.most[QUOTA_MINUTE], *day = p.all.most[QUOTA_DAY];

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "version", (json_int_t)p.version, "waiting", (json_int_t)p.waiting,
			 "peers", (json_int_t)p.peer_count, "keys_per_minute", (json_int_t)minute[QUOTA_KEYS], "bytes_per_minute",
			 (json_int_t)minute[QUOTA_BYTES], "keys_per_day", (json_int_t)day[QUOTA_KEYS], "bytes_per_day",
			 (json_int_t)day[QUOTA_BYTES]);
}

static json_t *run(struct hub *h, const char *line, size_t len)
{
	struct admin a = {.vault = h->vault, .now_ms = h->now_ms, .running = true,
			  .connections = connections, .stop_serving = stop_serving,
			  .cut_off = cut_off, .limits = limits_json, .context = h};
	json_t *request = json_loadb(line, len, 0, NULL), *answer = NULL;
	dske_rc rc = json_is_object(request) ? admin_run(&a, request, &answer)
					     : FAIL(FORMAT, "a command is one line of JSON");

	if (!rc_ok(rc))
		answer = command_error(rc);
	json_decref(request);
	return answer;
}

static void answer(struct control *c, struct control_conn *k, size_t len)
{
	json_t *a = run(c->hub, k->in, len);
	char *text = a ? json_dumps(a, JSON_COMPACT) : NULL;

	k->answered = true;
	buf_heap(&k->out, COMMAND_ANSWER_MAX);
	if (text)
		buf_put(&k->out, text, strlen(text));
	buf_put(&k->out, "\n", 1);
	free(text);
	json_decref(a);
}

static void read_some(struct control *c, struct control_conn *k)
{
	size_t done = 0;
	dske_rc rc = net_read(k->fd.n, k->in + k->in_len, sizeof k->in - k->in_len, &done);
	const char *newline = memchr(k->in + k->in_len, '\n', done);

	k->in_len += done;
	if (rc_ok(rc) && newline)
		answer(c, k, (size_t)(newline - k->in));
	else if (!rc_ok(rc) || k->in_len == sizeof k->in)
		end(k);
}

/* ---- the loop's calls --------------------------------------------------------------------------- */

bool control_owns(const struct control *c, const void *pointer)
{
	const char *p = pointer, *from = (const char *)c;

	return p >= from && p < from + sizeof *c;
}

void control_event(struct control *c, void *pointer)
{
	struct control_conn *k = pointer;

	if (pointer == c)
		admit(c);
	else if (k->fd.n >= 0 && !k->answered)
		read_some(c, k);
}

static void send_some(struct control *c, struct control_conn *k)
{
	struct epoll_event ev = {.events = EPOLLOUT, .data.ptr = k};
	size_t done = 1;
	dske_rc rc = buf_rc(&k->out);

	while (rc_ok(rc) && done > 0 && k->out_at < k->out.len) {
		rc = net_write(k->fd.n, k->out.data + k->out_at, k->out.len - k->out_at, &done);
		k->out_at += done;
	}
	if (!rc_ok(rc) || k->out_at == k->out.len || epoll_ctl(c->hub->epoll.n, EPOLL_CTL_MOD, k->fd.n, &ev) != 0)
		end(k);
}

void control_flush(struct control *c)
{
	for (size_t i = 0; i < CONTROL_CONNS_MAX; i++)
		if (c->conn[i].fd.n >= 0 && c->conn[i].answered)
			send_some(c, &c->conn[i]);
}

/* ---- birth and death ---------------------------------------------------------------------------- */

static dske_rc listen_at(struct control *c)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	mode_t before;

	TRY(command_address(&c->at, &c->folder, c->hub->conf.state.s));
	c->listener.n = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->listener.n < 0)
		return FAIL(IO, "cannot make the control socket: %m");
	if (unlink(c->at.sun_path) != 0 && errno != ENOENT)
		return FAIL(IO, "cannot remove the old control socket in %s: %m", c->hub->conf.state.s);
	before = umask(0177);
	int failed = bind(c->listener.n, (const struct sockaddr *)&c->at, sizeof c->at);
	umask(before);
	if (failed != 0 || listen(c->listener.n, CONTROL_CONNS_MAX) != 0)
		return FAIL(IO, "cannot make the control socket in %s: %m", c->hub->conf.state.s);
	if (epoll_ctl(c->hub->epoll.n, EPOLL_CTL_ADD, c->listener.n, &ev) != 0)
		return FAIL(IO, "cannot watch the control socket: %m");
	return DSKE_OK;
}

dske_rc control_open(struct control **out, struct hub *h)
{
	struct control *c = calloc(1, sizeof *c);

	*out = c;
	if (!c)
		return rc_make(DSKE_RC_NOMEM);
	c->hub = h;
	c->folder.n = c->listener.n = -1;
	for (size_t i = 0; i < CONTROL_CONNS_MAX; i++)
		c->conn[i].fd.n = -1;
	return listen_at(c);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < CONTROL_CONNS_MAX; i++)
		end(&c->conn[i]);
	if (c->listener.n >= 0)
		unlink(c->at.sun_path);
	fd_drop(&c->listener);
	fd_drop(&c->folder);
	free(c);
}
