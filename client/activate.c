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

#include "base/log.h"
#include "client/ask.h"
#include "client/pool.h"

static dske_rc make_frame(struct buf *frame, struct hub_table *hub, struct id *nonce)
{
	uint8_t room[32];
	struct buf body;
	AUTO(secret) key = {0};
	const struct pskm_header *h = &hub->header;
	buf_fixed(&body, room, sizeof room);
	TRY(table_activation_begin(hub->table, nonce));
	TRY(msg_activation_write(&body, &(struct msg_activation){.nonce = *nonce}));
	TRY(secret_alloc(&key, TAG_KEY_LEN));
	TRY(table_activation_key(hub->table, ACTIVATION_KEY_ACTIVATE, key.data));
	struct envelope e = {
		.type = MESSAGE_ACTIVATE,
		.sender = h->client,
		.table = h->table,
		.offset = h->layout.region[REGION_ACTIVATION].start,
		.length = ACTIVATION_LEN,
		.body = body.data,
		.body_len = body.len,
	};
	buf_heap(frame, FRAME_MAX_BEFORE_LEASE);
	return frame_write(frame, &e, key.data);
}

/* ---- answers --------------------------------------------------------------------------------------------- */

static bool is_genuine(const struct hub_table *hub, const struct envelope *e, enum activation_key which)
{
	return ask_is_genuine(hub, e, which, hub->header.layout.region[REGION_ACTIVATION].start, ACTIVATION_LEN);
}

static bool is_about(const struct envelope *e, const struct id *nonce)
{
	struct msg_activation m;
	return rc_ok(msg_activation_read(&m, e->body, e->body_len)) && (nonce == NULL || id_equal(&m.nonce, nonce));
}

dske_rc activation_frozen(const struct hub_table *hub)
{
	log_error("%s: SOMEONE ELSE HAS ACTIVATED THIS PSKM, TOO: it was read or copied on its way", hub->name);
	TRY(table_freeze(hub->table));
	return FAIL(FROZEN, "%s: someone else has activated this PSKM, too: it was read or copied on its way. "
			    "It is frozen on both sides; get a new one, and find out how",
		    hub->name);
}

static bool is_frozen(const struct hub_table *hub, const struct envelope *e)
{
	return e->type == MESSAGE_FROZEN && is_genuine(hub, e, ACTIVATION_KEY_FROZEN) && is_about(e, NULL);
}

bool activation_take_frozen(struct hub_table *hub, const struct envelope *e, dske_rc *why)
{
	if (!is_frozen(hub, e))
		return false;
	hub->checked_ms = 0;
	*why = activation_frozen(hub);
	return true;
}

static dske_rc take_note(struct ask *a, const struct msg_note *note)
{
	const char *text = note_text(note->code);
	switch (note->code) {
	case NOTE_TABLE_FROZEN: /* proves nothing: the freeze itself comes under its key */
		return FAIL(FROZEN, "%s: %s", a->hub->name, text);
	case NOTE_UNKNOWN_TABLE:
		return FAIL(NOT_FOUND, "%s: %s: is this the hub that made the PSKM? If a distributor made it, has the hub got its report?",
			    a->hub->name, text);
	case NOTE_BAD_TAG:
		return FAIL(TAG, "%s: %s: the two copies of the table differ; get a new PSKM", a->hub->name, text);
	default:
		return FAIL(REFUSED, "%s: %s", a->hub->name, text);
	}
}

static bool take_answer(struct ask *a, const struct envelope *e)
{
	const struct id *nonce = a->context;
	if (e->type == MESSAGE_ACTIVATED && is_genuine(a->hub, e, ACTIVATION_KEY_ACTIVATED) && is_about(e, nonce))
		ask_over(a, table_activation_done(a->hub->table));
	else if (is_frozen(a->hub, e))
		ask_over(a, activation_frozen(a->hub));
	else if (e->type == MESSAGE_RETIRED && retire_take(a->hub, e))
		ask_over(a, retire_sentence(a->hub));
	else
		return false;
	return true;
}

/* ---- the exchange ---------------------------------------------------------------------------------------- */

dske_rc client_activate(struct client *c, const struct id *table, int64_t timeout_ms)
{
	struct id nonce;
	AUTO(ask) a = {.take = take_answer, .note = take_note, .context = &nonce};
	TRY(pool_find(c, table, &a.hub));
	struct table_status status;
	if (rc_ok(table_status(a.hub->table, &status)) && status.needs_key)
		return client_fail_key(c);
	a.hub->checked_ms = 0;
	TRY(make_frame(&a.frame, a.hub, &nonce));
	dske_rc rc = ask_run(&a, timeout_ms > 0 ? timeout_ms : c->config.timeout_ms);
	retire_tell_due(c);
	return rc;
}
