/* SPDX-License-Identifier: Apache-2.0 */
/* hub/dispatch.c - the table of messages a hub takes, and the checks that all of them share. */
#include "hub/dispatch.h"

#include <string.h>

#include "base/log.h"
#include "hub/activate.h"
#include "hub/confirm.h"
#include "hub/identify.h"
#include "hub/lease.h"
#include "hub/limits.h"
#include "hub/relay.h"
#include "hub/retire.h"
#include "hub/stranger.h"
#include "hub/wait.h"

#define ANSWER_BODY_MAX 256

static void up_receive(struct request *r);

/* receive: what looks at the frame first; handle: the message's own code, behind up_receive. */
static const struct route {
	void (*receive)(struct request *r);
	void (*handle)(struct request *r);
} routes[] = {
	[MESSAGE_ACTIVATE] = {activate_receive, NULL},
	[MESSAGE_LEASE] = {lease_receive, NULL},
	[MESSAGE_CONFIRM] = {lease_confirm_receive, NULL},
	[MESSAGE_SHARE] = {up_receive, relay_share},
	[MESSAGE_WAIT] = {up_receive, wait_begin},
	[MESSAGE_IDENTIFY] = {up_receive, identify_answer},
	[MESSAGE_RECEIPT] = {relay_receipt, NULL},
	[MESSAGE_POLICY] = {up_receive, limits_take},
	[MESSAGE_READY] = {up_receive, confirm_ready},
	[MESSAGE_MUSTER] = {up_receive, confirm_muster},
	[MESSAGE_ATTEST] = {up_receive, confirm_attest},
	[MESSAGE_RETIRE] = {retire_receive, NULL},
	[MESSAGE_PART] = {up_receive, relay_part},
};

static const struct route *route_of(unsigned type)
{
	const struct message_row *row = message_row(type);

	if (!row || row->sender != SENDER_CLIENT || type >= sizeof routes / sizeof routes[0])
		return NULL;
	return routes[type].receive ? &routes[type] : NULL;
}

/* ---- messages of the up region ------------------------------------------------------------------- */

static void answer_again(struct request *r, const struct buf *frame)
{
	conn_send(r->conn, frame->data, frame->len);
	stranger_repeats(r);
}

/* Not in an unused part of a window: bytes that came before get the answer they got. */
static void up_again(struct request *r, bool used)
{
	const struct conn_answer *a = conn_answer_find(r->conn, r->digest);
	AUTO(buf) frame = {0};

	if (confirm_holds(r->conn, r->digest))
		return;
	if (a) {
		conn_send(r->conn, a->frame, a->len);
		return;
	}
	buf_heap(&frame, CONN_ANSWER_LEN_MAX);
	if (r->e->type == MESSAGE_SHARE &&
	    rc_ok(mailbox_answer(r->hub->mailbox, &r->t->id, r->e->offset, r->digest, &frame)))
		answer_again(r, &frame);
	else if (!used && r->conn->table == r->t)
		conn_note(r->conn, r->e, NOTE_NO_LEASE, 0); /* from a connection that was lost: no failure */
	else
		conn_refuse(r->conn, r->e, used ? NOTE_RANGE_USED : NOTE_NO_LEASE, 0);
}

/* Is the tag right?  Uses nothing up. */
static dske_rc up_verify(struct request *r, struct window *w)
{
	uint8_t key[TAG_KEY_LEN];
	dske_rc rc = window_peek(w, r->e->offset, key, sizeof key);

	if (rc_ok(rc) && !frame_verify(r->e, key))
		rc = rc_make(DSKE_RC_TAG);
	mem_wipe(key, sizeof key);
	return rc;
}

/* DSKE 2.3.2: marking as 'used' the indices; before anything is decoded.  The window was recorded as a
 * whole, durably, when it was granted, so this is a matter of memory. */
static dske_rc up_record(struct request *r, struct window *w)
{
	uint8_t message_key[TAG_KEY_LEN];

	TRY(window_take(w, r->e->offset, r->e->length, &r->pad));

	dske_rc rc = pad_take(&r->pad, message_key, sizeof message_key);

	mem_wipe(message_key, sizeof message_key);
	TRY(rc);
	return pad_take(&r->pad, r->reply_key, sizeof r->reply_key);
}

static void up_receive(struct request *r)
{
	struct window *w = NULL;
	dske_rc rc = conn_window_find(&r->conn->up, r->e->offset, r->e->length, &w);

	if (!rc_ok(rc) || r->conn->table != r->t) {
		up_again(r, rc_is(rc, DSKE_RC_USED));
		return;
	}
	rc = up_verify(r, w);
	if (rc_is(rc, DSKE_RC_TAG)) {
		conn_refuse(r->conn, r->e, NOTE_BAD_TAG, 0);
		return;
	}
	if (rc_ok(rc))
		rc = up_record(r, w);
	if (!rc_ok(rc)) {
		log_error("%s: cannot read the table: %s", conn_who(r->conn), rc_detail(rc));
		conn_note(r->conn, r->e, NOTE_BUSY, 0);
		return;
	}
	r->conn->active_ms = r->hub->now_ms;
	routes[r->e->type].handle(r);
}

/* ---- every frame ---------------------------------------------------------------------------------- */

static bool range_fits(const struct request *r)
{
	const struct message_row *row = message_row(r->e->type);

	return r->e->length >= PAD_KEYS_LEN &&
	       layout_holds(&r->t->header.layout, row->region, r->e->offset, r->e->length);
}

/* A table in use has its leased connections; of any other it is asked whether it may be used at all.
 * (What freezes a table ends its connections.) */
static bool table_serves(struct request *r)
{
	struct table_status s;
	dske_rc rc = vault_use(r->hub->vault, r->t, r->hub->now_ms);

	if (rc_ok(rc) && r->t->retired && r->e->type != MESSAGE_RETIRE) {
		retire_refuse(r);
		return false;
	}
	if (rc_ok(rc) && (r->conn->table == r->t || r->e->type == MESSAGE_ACTIVATE || r->e->type == MESSAGE_RETIRE))
		return true;
	if (rc_ok(rc))
		rc = table_status(r->t->table, &s);
	if (rc_ok(rc) && s.state == TABLE_ACTIVE)
		return true;
	if (rc_ok(rc) && s.state == TABLE_FROZEN)
		activate_send_frozen(r);
	conn_refuse(r->conn, r->e, rc_is(rc, DSKE_RC_BUSY) ? NOTE_BUSY
				   : !rc_ok(rc) || s.state == TABLE_LOCKED ? NOTE_TABLE_LOCKED
				   : s.state == TABLE_FROZEN		 ? NOTE_TABLE_FROZEN
				   : s.state == TABLE_MOVED		 ? NOTE_TABLE_MOVED
									 : NOTE_NOT_ACTIVE, 0);
	return false;
}

static void receive(struct request *r, const struct route *route)
{
	if (!table_serves(r))
		return;
	frame_digest(r->e, r->digest);
	if (range_fits(r))
		route->receive(r);
	else
		conn_refuse(r->conn, r->e, NOTE_ENVELOPE, 0);
	mem_wipe(r->reply_key, sizeof r->reply_key);
	pad_drop(&r->pad);
}

void dispatch_frame(struct conn *c, const uint8_t *item, size_t len)
{
	struct envelope e;
	struct request r = {.conn = c, .hub = c->hub, .e = &e};
	dske_rc rc = frame_read(&e, item, len);
	const struct route *route = rc_ok(rc) ? route_of(e.type) : NULL;

	if (!route) {
		conn_refuse(c, NULL, rc_is(rc, DSKE_RC_UNSUPPORTED) ? NOTE_VERSION : NOTE_ENVELOPE, 0);
		return;
	}
	r.t = c->table && id_equal(&c->table->id, &e.table) ? c->table : vault_find(c->hub->vault, &e.table);
	/* The table's header says who its client is; whoever calls himself otherwise has no such table. */
	if (!r.t || !id_equal(&e.sender, &r.t->header.client)) {
		conn_refuse(c, &e, NOTE_UNKNOWN_TABLE, 0);
		return;
	}
	receive(&r, route);
}

/* ---- answers --------------------------------------------------------------------------------------- */

static struct envelope answer_envelope(const struct request *r, unsigned type, const struct buf *body)
{
	return (struct envelope){.type = (uint8_t)type, .sender = r->hub->conf.id, .table = r->t->id,
				 .offset = r->e->offset, .length = r->e->length,
				 .body = body->data, .body_len = body->len};
}

dske_rc request_frame(const struct request *r, unsigned type, const struct buf *body, struct buf *frame)
{
	struct envelope e = answer_envelope(r, type, body);

	return frame_write(frame, &e, r->reply_key);
}

dske_rc request_send_tagged(struct request *r, unsigned type, const struct buf *body, const uint8_t key[TAG_KEY_LEN],
			    struct buf *keep)
{
	struct envelope e = answer_envelope(r, type, body);
	AUTO(buf) frame = {0};

	buf_heap(&frame, CONN_ANSWER_LEN_MAX);
	TRY(frame_write(&frame, &e, key));
	conn_send(r->conn, frame.data, frame.len);
	if (keep) {
		buf_drop(keep);
		*keep = frame;
		frame = (struct buf){0};
	}
	return DSKE_OK;
}

void request_answer(struct request *r, unsigned type, const struct buf *body)
{
	uint8_t bytes[CONN_ANSWER_LEN_MAX];
	struct buf frame;

	buf_fixed(&frame, bytes, sizeof bytes);

	dske_rc rc = request_frame(r, type, body, &frame);

	if (!rc_ok(rc)) {
		log_error("%s: cannot answer a %s: %s", conn_who(r->conn), message_name(r->e->type), rc_detail(rc));
		return;
	}
	conn_answer_keep(r->conn, r->digest, &frame);
	conn_send(r->conn, frame.data, frame.len);
}

void request_reply(struct request *r, enum status status, const char *why)
{
	uint8_t bytes[ANSWER_BODY_MAX];
	struct buf body;

	if (status != STATUS_ACCEPTED)
		log_info("%s: refused a %s: %s", conn_who(r->conn), message_name(r->e->type),
			 why ? why : status_text(status));
	buf_fixed(&body, bytes, sizeof bytes);
	if (rc_ok(msg_reply_write(&body, &(struct msg_reply){.status = status})))
		request_answer(r, MESSAGE_REPLY, &body);
}
