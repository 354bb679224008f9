/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/conn-out.c - what is queued on a connection: bytes in one buffer, and long frames where they are, between them.
 *
 *	out      | sent | bytes | bytes    | bytes |
 *	                        ^          ^
 *	queued               parcel     parcel
 */
#include <stdlib.h>
#include <sys/uio.h>

#include "base/log.h"
#include "base/net.h"
#include "hub/conn.h"
#include "hub/parcel.h"

#define KEEP_MOST ((size_t)64 << 10) /* an empty buffer that is larger is given back at once */
#define COPY_MOST ((size_t)4 << 10) /* a longer frame is not copied */
#define PIECES_MAX 16               /* of one write */

struct queued {
	struct queued *next;
	struct parcel *parcel; /* held */
	size_t at;             /* bytes of out that go before it, from out's beginning */
	size_t sent;           /* bytes of it that are sent */
};

size_t conn_queued(const struct conn *c)
{
	return c->out.len - c->out_at + c->parcels_len;
}

static void overflow(struct conn *c)
{
	log_warn("%s: too many answers wait to be taken; closing", conn_who(c));
	conn_kill(c);
}

void conn_send(struct conn *c, const void *bytes, size_t len)
{
	buf_put(&c->out, bytes, len);
	if (!rc_ok(buf_rc(&c->out)))
		overflow(c);
	conn_mark(c);
}

void conn_send_parcel(struct conn *c, struct parcel *p)
{
	size_t len = parcel_len(p);

	if (len <= COPY_MOST) {
		conn_send(c, parcel_frame(p), len);
		return;
	}

	struct queued *q = calloc(1, sizeof *q), **at = &c->queued;

	conn_mark(c);
	if (!q || len > CONN_OUT_MAX || conn_queued(c) > CONN_OUT_MAX - len) {
		free(q);
		overflow(c);
		return;
	}
	q->parcel = parcel_hold(p);
	q->at = c->out.len;
	while (*at)
		at = &(*at)->next;
	*at = q;
	c->parcels_len += len;
}

static void queued_end(struct conn *c)
{
	struct queued *q = c->queued;

	c->queued = q->next;
	c->parcels_len -= parcel_len(q->parcel) - q->sent;
	parcel_drop(q->parcel);
	free(q);
}

void conn_out_drop(struct conn *c)
{
	while (c->queued)
		queued_end(c);
	buf_drop(&c->out);
}

/* ---- sending -------------------------------------------------------------------------------------- */

static int piece(struct iovec *v, int n, const uint8_t *bytes, size_t len)
{
	if (len == 0)
		return n;
	v[n] = (struct iovec){.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
	return n + 1;
}

/* What is to be sent, in order. */
static int pieces(const struct conn *c, struct iovec v[PIECES_MAX])
{
	size_t at = c->out_at;
	int n = 0;

	for (const struct queued *q = c->queued; q; q = q->next) {
		if (n + 3 > PIECES_MAX)
			return n;
		n = piece(v, n, c->out.data + at, q->at - at);
		n = piece(v, n, parcel_frame(q->parcel) + q->sent, parcel_len(q->parcel) - q->sent);
		at = q->at;
	}
	return piece(v, n, c->out.data + at, c->out.len - at);
}

/* So many bytes of what pieces() said are sent. */
static void sent(struct conn *c, size_t done)
{
	while (done > 0) {
		struct queued *q = c->queued;
		size_t plain = (q ? q->at : c->out.len) - c->out_at, part = done < plain ? done : plain;

		c->out_at += part;
		done -= part;
		if (done == 0 || !q)
			return;
		size_t left = parcel_len(q->parcel) - q->sent, of_it = done < left ? done : left;
		q->sent += of_it;
		c->parcels_len -= of_it;
		done -= of_it;
		if (of_it == left)
			queued_end(c);
	}
}

static void clean(struct conn *c)
{
	if (c->out_at == c->out.len && !c->queued) {
		c->out_at = 0;
		buf_reset(&c->out);
		if (c->out.cap > KEEP_MOST)
			conn_out_rest(c);
	} else if (c->out_at > c->out.len / 2) {
		for (struct queued *q = c->queued; q; q = q->next)
			q->at -= c->out_at;
		buf_consume(&c->out, c->out_at);
		c->out_at = 0;
	}
}

void conn_out_rest(struct conn *c)
{
	if (conn_queued(c) > 0 || c->out.cap == 0)
		return;
	buf_drop(&c->out);
	buf_heap(&c->out, CONN_OUT_MAX);
}

void conn_send_some(struct conn *c)
{
	struct iovec v[PIECES_MAX];
	size_t done = 1, wanted;

	while (done > 0 && conn_queued(c) > 0) {
		int n = pieces(c, v);

		wanted = 0;
		for (int i = 0; i < n; i++)
			wanted += v[i].iov_len;

		dske_rc rc = net_writev(c->fd.n, v, n, &done);

		if (!rc_ok(rc)) {
			c->dead = true;
			return;
		}
		if (done > 0)
			c->drained_ms = c->hub->now_ms;
		sent(c, done);
		if (done < wanted)
			break; /* the kernel takes no more now */
	}
	clean(c);
}
