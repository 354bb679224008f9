/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/activate.c - activation (DSKE 2.1: the client acknowledges that it has its table).
 *
 *	ACTIVATE(nonce)  key 0  ------>  the hub binds the table to this nonce, once
 *	                        <------  key 1  ACTIVATED(nonce)
 *	                        <------  key 2  FROZEN(0): someone activated it before with another nonce
 *
 * The nonce is durable before it is sent and stays the same, so repetition sends identical bytes.  FROZEN has
 * one key and many askers, so it is one message: its nonce is zero.
 */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "client/link.h"
#include "client/pool.h"

struct activation {
	struct hub_table *hub;
	struct fanout *fanout;
	size_t at;
	struct id nonce;
	struct buf frame;  /* owned */
	unsigned tries_left;
	unsigned nonsense;
	bool is_over;      /* with this result: */
	int code;
	char why[256];
};

static void over(struct activation *a, dske_rc rc)
{
	if (a->is_over)
		return;
	a->is_over = true;
	a->code = rc.code;
	snprintf(a->why, sizeof a->why, "%s", rc_detail(rc));
}

static dske_rc make_frame(struct activation *a)
{
	uint8_t room[32];
	struct buf body;
	AUTO(secret) key = {0};
	const struct pskm_header *h = &a->hub->header;
	buf_fixed(&body, room, sizeof room);
	TRY(table_activation_begin(a->hub->table, &a->nonce));
	TRY(msg_activation_write(&body, &(struct msg_activation){.nonce = a->nonce}));
	TRY(secret_alloc(&key, TAG_KEY_LEN));
	TRY(table_activation_key(a->hub->table, ACTIVATION_KEY_ACTIVATE, key.data));
	struct envelope e = {
		.type = MESSAGE_ACTIVATE,
		.sender = h->client,
		.table = h->table,
		.offset = h->layout.region[REGION_ACTIVATION].start,
		.length = ACTIVATION_LEN,
		.body = body.data,
		.body_len = body.len,
	};
	buf_heap(&a->frame, FRAME_MAX_BEFORE_LEASE);
	return frame_write(&a->frame, &e, key.data);
}

/* ---- answers --------------------------------------------------------------------------------------------- */

/* Tagged under that key of the activation region, and about our nonce? */
static bool is_genuine(const struct activation *a, const struct envelope *e, enum activation_key which)
{
	AUTO(secret) key = {0};
	struct msg_activation m;
	return rc_ok(secret_alloc(&key, TAG_KEY_LEN)) && rc_ok(table_activation_key(a->hub->table, which, key.data)) &&
	       e->offset == a->hub->header.layout.region[REGION_ACTIVATION].start && e->length == ACTIVATION_LEN &&
	       frame_verify(e, key.data) && rc_ok(msg_activation_read(&m, e->body, e->body_len)) &&
	       (which == ACTIVATION_KEY_FROZEN || id_equal(&m.nonce, &a->nonce));
}

dske_rc activation_frozen(const struct hub_table *hub)
{
	log_error("%s: SOMEONE ELSE HAS ACTIVATED THIS PSKM BEFORE: it was read or copied on its way", hub->name);
	TRY(table_freeze(hub->table));
	return FAIL(FROZEN, "%s: someone else has activated this PSKM before us: it was read or copied on its way. "
			    "It is frozen on both sides; get a new one, and find out how",
		    hub->name);
}

static void take_note(struct activation *a, const struct envelope *e)
{
	struct msg_note note;
	if (!rc_ok(msg_note_read(&note, e->body, e->body_len)))
		return;
	switch (note.code) {
	case NOTE_TABLE_FROZEN: /* proves nothing: the freeze itself comes under its key */
		over(a, FAIL(FROZEN, "%s: %s", a->hub->name, note_text(note.code)));
		break;
	case NOTE_UNKNOWN_TABLE:
		over(a, FAIL(NOT_FOUND, "%s: %s: is this the hub that made the PSKM? If a distributor made it, has the hub got its report?", a->hub->name, note_text(note.code)));
		break;
	case NOTE_BAD_TAG:
		over(a, FAIL(TAG, "%s: %s: the two copies of the table differ; get a new PSKM", a->hub->name,
			     note_text(note.code)));
		break;
	default:
		over(a, FAIL(REFUSED, "%s: %s", a->hub->name, note_text(note.code)));
		break;
	}
}

static void on_frame(void *context, size_t i, const struct envelope *e)
{
	struct activation *a = context;
	(void)i;
	if (!id_equal(&e->table, &a->hub->id) || !id_equal(&e->sender, &a->hub->hub))
		a->nonsense++;
	else if (e->type == MESSAGE_NOTE)
		take_note(a, e);
	else if (e->type == MESSAGE_ACTIVATED && is_genuine(a, e, ACTIVATION_KEY_ACTIVATED))
		over(a, table_activation_done(a->hub->table));
	else if (e->type == MESSAGE_FROZEN && is_genuine(a, e, ACTIVATION_KEY_FROZEN))
		over(a, activation_frozen(a->hub));
	else
		a->nonsense++;
	if (a->nonsense > 0)
		over(a, FAIL(TAG, "%s (%s): its answer does not verify: is another program on this address?", a->hub->name,
			     a->hub->address));
}

static void on_connected(void *context, size_t i)
{
	struct activation *a = context;
	dske_rc rc = fanout_send(a->fanout, i, a->frame.data, a->frame.len);
	if (!rc_ok(rc))
		over(a, rc);
}

static void on_lost(void *context, size_t i, dske_rc why)
{
	struct activation *a = context;
	if (a->tries_left > 0 && !rc_is(why, DSKE_RC_UNREACHABLE)) {
		a->tries_left--;
		fanout_connect(a->fanout, i);
		return;
	}
	over(a, FAIL(UNREACHABLE, "%s: %s", a->hub->name, rc_detail(why)));
}

static const struct fanout_ops activation_ops = {.connected = on_connected, .frame = on_frame, .lost = on_lost};

/* ---- the exchange ---------------------------------------------------------------------------------------- */

static bool activation_is_over(void *context)
{
	return ((const struct activation *)context)->is_over;
}

static dske_rc activate(struct activation *a, int64_t timeout_ms)
{
	TRY(make_frame(a));
	TRY(fanout_new(&a->fanout, &activation_ops, a));
	TRY(fanout_add(a->fanout, a->hub->address, &a->at));
	fanout_connect(a->fanout, a->at);
	dske_rc rc = fanout_run(a->fanout, clock_ms() + timeout_ms, activation_is_over, a, NULL);
	if (rc_is(rc, DSKE_RC_TIMEOUT))
		return FAIL(TIMEOUT, "%s (%s) did not answer in time", a->hub->name, a->hub->address);
	TRY(rc);
	return a->code == DSKE_RC_OK ? DSKE_OK : rc_fail(a->code, "%s", a->why);
}

dske_rc client_activate(struct client *c, const struct id *table, int64_t timeout_ms)
{
	struct activation a = {.tries_left = 1};
	TRY(pool_find(c, table, &a.hub));
	struct table_status status;
	if (rc_ok(table_status(a.hub->table, &status)) && status.needs_key)
		return client_fail_key(c);
	a.hub->checked_ms = 0;
	dske_rc rc = activate(&a, timeout_ms > 0 ? timeout_ms : c->config.timeout_ms);
	fanout_free(a.fanout);
	buf_drop(&a.frame);
	return rc;
}
