/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "client/ask.h"

#include <stdio.h>

#define OBJECTIONS_MOST 3

void ask_over(struct ask *a, dske_rc rc)
{
	if (a->is_over)
		return;
	a->is_over = true;
	a->code = rc.code;
	snprintf(a->why, sizeof a->why, "%s", rc_detail(rc));
}

bool ask_is_genuine(const struct hub_table *hub, const struct envelope *e, enum activation_key which, uint64_t offset,
		    uint32_t length)
{
	AUTO(secret) key = {0};
	return e->offset == offset && e->length == length && rc_ok(secret_alloc(&key, TAG_KEY_LEN)) &&
	       rc_ok(table_activation_key(hub->table, which, key.data)) && frame_verify(e, key.data);
}

/* What proves nothing may be about a frame that somebody else put in, or be his own: the same bytes are sent once more,
 * and the third time it is believed. */
static void object(struct ask *a, size_t i, dske_rc why)
{
	if (rc_ok(why) || ++a->objections >= OBJECTIONS_MOST) {
		ask_over(a, why);
		return;
	}
	a->objection = why.code;
	snprintf(a->objection_why, sizeof a->objection_why, "%s", rc_detail(why));
	dske_rc rc = fanout_send(a->fanout, i, a->frame.data, a->frame.len);
	if (!rc_ok(rc))
		ask_over(a, rc);
}

static void take_note(struct ask *a, size_t i, const struct envelope *e)
{
	struct msg_note note;
	if (rc_ok(msg_note_read(&note, e->body, e->body_len)))
		object(a, i, a->note(a, &note));
}

static void on_frame(void *context, size_t i, const struct envelope *e)
{
	struct ask *a = context;
	bool ours = id_equal(&e->table, &a->hub->id) && id_equal(&e->sender, &a->hub->hub);
	if (ours && e->type == MESSAGE_NOTE)
		take_note(a, i, e);
	else if (!ours || !a->take(a, e))
		object(a, i, FAIL(TAG, "%s (%s): its answer does not verify: is another program on this address?", a->hub->name,
				 a->hub->address));
}

static void on_connected(void *context, size_t i)
{
	struct ask *a = context;
	dske_rc rc = fanout_send(a->fanout, i, a->frame.data, a->frame.len);
	if (!rc_ok(rc))
		ask_over(a, rc);
}

static void on_lost(void *context, size_t i, dske_rc why)
{
	struct ask *a = context;
	if (a->tries_left > 0 && !rc_is(why, DSKE_RC_UNREACHABLE)) {
		a->tries_left--;
		fanout_connect(a->fanout, i);
		return;
	}
	ask_over(a, a->objections > 0 ? rc_fail(a->objection, "%s", a->objection_why)
				      : FAIL(UNREACHABLE, "%s: %s", a->hub->name, rc_detail(why)));
}

static const struct fanout_ops ask_ops = {.connected = on_connected, .frame = on_frame, .lost = on_lost};

static bool is_over(void *context)
{
	return ((const struct ask *)context)->is_over;
}

dske_rc ask_run(struct ask *a, int64_t timeout_ms)
{
	a->tries_left = 1;
	TRY(fanout_new(&a->fanout, &ask_ops, a));
	TRY(fanout_add(a->fanout, a->hub->address, &a->at));
	fanout_connect(a->fanout, a->at);
	dske_rc rc = fanout_run(a->fanout, clock_ms() + timeout_ms, is_over, a, NULL);
	if (rc_is(rc, DSKE_RC_TIMEOUT) && a->objections > 0)
		return rc_fail(a->objection, "%s", a->objection_why);
	if (rc_is(rc, DSKE_RC_TIMEOUT))
		return FAIL(TIMEOUT, "%s (%s) did not answer in time", a->hub->name, a->hub->address);
	TRY(rc);
	return a->code == DSKE_RC_OK ? DSKE_OK : rc_fail(a->code, "%s", a->why);
}

void ask_drop(struct ask *a)
{
	fanout_free(a->fanout);
	buf_drop(&a->frame);
}
