/* SPDX-License-Identifier: Apache-2.0 */
/* client/direct.c - one agreement's end of a direct link. */
#include <config.h>

#include "client/direct.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_MOST 8
#define CONNECT_AGAIN_MS 50
#define GREETING_MS 2000
#define OUT_MOST ((size_t)4 * (FRAME_HEAD_LEN + DIRECT_ITEM_MAX))

enum state { SEEKING, CONNECTING, GREETING, UP };

struct direct {
	struct client *client;
	struct direct_names names;
	enum state state;
	struct fd fd;
	struct stream in;
	struct buf out;
	size_t sent;          /* bytes of `out` that have left */
	bool connects;
	struct net_address address; /* where to */
	int64_t again_ms;           /* not before: connect again */
	int64_t greeting_ms;        /* until when HELLO may take */
	struct door *door;          /* or where it listens */
	struct door_guest guest;
	unsigned connections, failures;
	char why[300];
};

/* ---- losing a connection --------------------------------------------------------------------------------- */

static void reset(struct direct *d)
{
	fd_drop(&d->fd);
	stream_drop(&d->in);
	buf_drop(&d->out);
	d->sent = 0;
	d->state = SEEKING;
	d->again_ms = clock_ms() + CONNECT_AGAIN_MS;
}

static void keep_reason(struct direct *d, dske_rc why)
{
	snprintf(d->why, sizeof d->why, "%s", rc_detail(why));
}

void direct_fail(struct direct *d, dske_rc why)
{
	keep_reason(d, why);
	d->failures++;
	reset(d);
}

/* The peer is not there yet, or listens for others: that may change. */
static void try_later(struct direct *d, dske_rc why)
{
	keep_reason(d, why);
	reset(d);
}

static void lost(struct direct *d, dske_rc why)
{
	if (d->state == UP)
		direct_fail(d, FAIL(CLOSED, "the direct link was lost: %s", rc_detail(why)));
	else
		try_later(d, FAIL(UNREACHABLE, "the peer has not begun, or means somebody else: %s", rc_detail(why)));
}

/* ---- saying ------------------------------------------------------------------------------------------------ */

void direct_send(struct direct *d, const uint8_t *frame, size_t len)
{
	if (d->state == UP || d->state == GREETING)
		buf_put(&d->out, frame, len);
}

static void say(struct direct *d, enum direct_type type, const struct buf *body)
{
	uint8_t room[128];
	struct buf frame;
	struct direct_item item = {.type = (uint8_t)type, .sender = d->names.self, .key_id = d->names.key_id, .body = body->data,
				   .body_len = body->len};
	buf_fixed(&frame, room, sizeof room);
	if (rc_ok(buf_rc(body)) && rc_ok(direct_write(&frame, &item, NULL)))
		direct_send(d, frame.data, frame.len);
}

static void say_hello(struct direct *d)
{
	uint8_t room[32];
	struct buf body;
	buf_fixed(&body, room, sizeof room);
	(void)direct_hello_write(&body, &d->names.peer);
	say(d, DIRECT_HELLO, &body);
}

static void say_bye(struct direct *d, enum direct_bye reason)
{
	uint8_t room[8];
	struct buf body;
	buf_fixed(&body, room, sizeof room);
	(void)direct_bye_write(&body, reason);
	say(d, DIRECT_BYE, &body);
}

static void write_out(struct direct *d)
{
	size_t done = 0;
	if ((d->state != UP && d->state != GREETING) || d->sent == d->out.len)
		return;
	dske_rc rc = net_write(d->fd.n, d->out.data + d->sent, d->out.len - d->sent, &done);
	if (!rc_ok(rc)) {
		lost(d, rc);
		return;
	}
	d->sent += done;
	if (d->sent == d->out.len) {
		buf_reset(&d->out);
		d->sent = 0;
	}
}

bool direct_is_flushed(const struct direct *d)
{
	return d->state != UP || d->sent == d->out.len;
}

/* ---- coming up ----------------------------------------------------------------------------------------------- */

static void greet(struct direct *d, enum state state)
{
	stream_init(&d->in, DIRECT_ITEM_MAX);
	buf_heap(&d->out, OUT_MOST);
	d->sent = 0;
	d->state = state;
	d->greeting_ms = clock_ms() + GREETING_MS;
	say_hello(d);
	if (state == UP)
		d->connections++;
}

static void begin_to_connect(struct direct *d)
{
	if (clock_ms() < d->again_ms)
		return;
	dske_rc rc = net_connect_start(&d->fd, &d->address);
	if (rc_ok(rc))
		d->state = CONNECTING;
	else
		try_later(d, rc);
}

/* Who comes through the door has said HELLO.  The newest counts: the one before may be gone without a word, or somebody
 * who is only silent. */
static void look_at_door(struct direct *d)
{
	AUTO(fd) fd = FD_NONE;
	dske_rc rc = door_turn(d->door, &d->guest, &fd);
	if (!rc_ok(rc) && d->state == SEEKING)
		keep_reason(d, rc);
	if (fd.n < 0)
		return;
	if (d->state == UP)
		direct_fail(d, FAIL(CLOSED, "another connection came for the same agreement"));
	if (direct_is_dead(d))
		return;
	d->fd.n = fd.n;
	fd.n = -1;
	greet(d, UP);
}

static void seek(struct direct *d)
{
	if (direct_is_dead(d))
		return;
	if (!d->connects)
		look_at_door(d);
	else if (d->state == SEEKING)
		begin_to_connect(d);
}

static void on_connected(struct direct *d)
{
	dske_rc rc = net_connect_result(d->fd.n);
	if (rc_ok(rc))
		greet(d, GREETING);
	else
		try_later(d, rc);
}

static void on_hello(struct direct *d, const struct direct_item *item)
{
	struct id peer;
	if (item->type != DIRECT_HELLO || !rc_ok(direct_hello_read(&peer, item->body, item->body_len)) ||
	    !id_equal(&peer, &d->names.self)) {
		direct_fail(d, FAIL(FORMAT, "what listens there is not the peer"));
		return;
	}
	d->state = UP;
	d->connections++;
}

/* ---- hearing ---------------------------------------------------------------------------------------------------- */

static void read_in(struct direct *d)
{
	size_t cap = 0, done = 0;
	uint8_t *space = stream_space(&d->in, &cap);
	dske_rc rc = space == NULL ? rc_make(DSKE_RC_NOMEM) : net_read(d->fd.n, space, cap, &done);
	stream_filled(&d->in, done);
	if (!rc_ok(rc))
		lost(d, rc);
}

/* The next whole item with the right names. */
static bool take_item(struct direct *d, struct direct_item *item)
{
	const uint8_t *bytes = NULL;
	size_t len = 0;
	dske_rc rc = stream_next(&d->in, &bytes, &len);
	if (rc_ok(rc) && bytes == NULL)
		return false;
	if (rc_ok(rc))
		rc = direct_read(item, bytes, len);
	if (rc_ok(rc) && (!id_equal(&item->sender, &d->names.peer) || !id_equal(&item->key_id, &d->names.key_id)))
		rc = FAIL(FORMAT, "the names of another agreement");
	if (rc_ok(rc))
		return true;
	direct_fail(d, FAIL(FORMAT, "nonsense on the direct link: %s", rc_detail(rc)));
	return false;
}

bool direct_next(struct direct *d, struct direct_item *item)
{
	if (d->state != UP || !take_item(d, item))
		return false;
	if (item->type != DIRECT_HELLO)
		return true;
	direct_fail(d, FAIL(FORMAT, "nonsense on the direct link: a second HELLO"));
	return false;
}

/* ---- a turn ---------------------------------------------------------------------------------------------------- */

static short events_of(const struct direct *d)
{
	switch (d->state) {
	case CONNECTING:
		return POLLOUT;
	case GREETING:
	case UP:
		return d->sent < d->out.len ? POLLIN | POLLOUT : POLLIN;
	case SEEKING:
		break;
	}
	return POLLIN; /* of the door */
}

static void act(struct direct *d, short revents)
{
	struct direct_item item;
	if (d->state == CONNECTING && revents != 0)
		on_connected(d);
	else if ((d->state == GREETING || d->state == UP) && (revents & (POLLIN | POLLERR | POLLHUP)) != 0)
		read_in(d);
	if (d->state == GREETING && take_item(d, &item))
		on_hello(d, &item);
	if (d->state == GREETING && clock_ms() >= d->greeting_ms)
		direct_fail(d, FAIL(TIMEOUT, "what listens there does not say HELLO"));
	write_out(d);
}

void direct_turn(struct direct *d, int wait_ms)
{
	seek(d);
	write_out(d);
	bool at_door = d->state == SEEKING && !d->connects;
	struct pollfd p = {.fd = at_door ? door_descriptor(d->door) : d->fd.n, .events = events_of(d)};
	if (direct_is_dead(d))
		p.fd = -1;
	if (poll(&p, 1, wait_ms) > 0 && !at_door)
		act(d, p.revents);
	else if (at_door)
		seek(d);
	else
		act(d, 0);
}

bool direct_is_up(const struct direct *d)
{
	return d->state == UP;
}

bool direct_is_dead(const struct direct *d)
{
	return d->failures >= FAILURES_MOST;
}

unsigned direct_connection(const struct direct *d)
{
	return d->connections;
}

const char *direct_why(const struct direct *d)
{
	return d->why;
}

/* ---- opening and closing ------------------------------------------------------------------------------------------ */

static dske_rc prepare(struct direct *d, const char *connect, const char *listen)
{
	d->connects = connect[0] != '\0';
	if (d->connects) {
		snprintf(d->why, sizeof d->why, "there was no time to connect");
		return net_address_parse(&d->address, connect);
	}
	snprintf(d->why, sizeof d->why, "nobody connected to %s", listen);
	d->guest.names = d->names;
	return door_enter(&d->door, d->client, listen, &d->guest);
}

dske_rc direct_open(struct direct **out, struct client *c, const char *connect, const char *listen, const struct direct_names *names)
{
	*out = NULL;
	struct direct *d = calloc(1, sizeof *d);
	if (d == NULL)
		return rc_make(DSKE_RC_NOMEM);
	d->client = c;
	d->names = *names;
	d->fd.n = -1;
	dske_rc rc = prepare(d, connect, listen);
	if (!rc_ok(rc)) {
		free(d);
		return rc;
	}
	*out = d;
	return DSKE_OK;
}

void direct_close(struct direct *d, enum direct_bye reason)
{
	if (d == NULL)
		return;
	if (d->state == UP) {
		say_bye(d, reason);
		write_out(d);
	}
	reset(d);
	if (d->door != NULL)
		door_leave(d->client, d->door, &d->guest);
	free(d);
}
