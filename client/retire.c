/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/retire.c - the end of a table (doc/protocol.md, "Retiring").
 *
 *	by the hub's word                             by ours (dske pskm retire)
 *	  ... any frame        ---->                    recorded, destroyed
 *	     <----  key 1  RETIRED                      RETIRE   key 0  ---->
 *	recorded, destroyed                                <----  key 1  RETIRED, which repeats ours
 *	RETIRE, repeating it  key 0  ---->
 *
 * Whoever spoke last keeps the key of his word, since it may have to be said again; the other one's are gone.
 */
#include <config.h>

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "client/ask.h"
#include "client/pool.h"

#define DESTROY_AT_ONCE (UINT64_C(256) << 20) /* bytes, in the middle of something else */
#define TELL_MS 1000

static uint64_t now_s(void)
{
	time_t now = time(NULL);
	if (now <= 0)
		return 0;
	return (uint64_t)now < RETIRING_TIME_MAX ? (uint64_t)now : RETIRING_TIME_MAX;
}

/* ---- the hub's word ---------------------------------------------------------------------------------------- */

static dske_rc take_word(struct hub_table *hub, const struct msg_retiring *m)
{
	struct retiring ours = {.reason = m->reason, .time = m->time, .repeats = true};
	hub->checked_ms = 0;
	TRY(table_retire(hub->table, &ours));
	bool repeated = m->repeats && m->reason == ours.reason && m->time == ours.time;
	return table_retire_receipt(hub->table, repeated, now_s());
}

bool retire_take(struct hub_table *hub, const struct envelope *e)
{
	struct msg_retiring m;
	uint64_t offset = layout_retiring_offset(&hub->header.layout);
	if (offset == UINT64_MAX || !ask_is_genuine(hub, e, ACTIVATION_KEY_RETIRED, offset, RETIRING_LEN) ||
	    !rc_ok(msg_retiring_read(&m, e->body, e->body_len)))
		return false;
	dske_rc rc = take_word(hub, &m);
	if (rc_ok(rc))
		log_warn("%s: the hub has retired this table (%s): what is left of it here is destroyed", hub->name,
			 retire_reason_name(m.reason));
	else
		log_error("%s: the hub has retired this table, which cannot be recorded: %s", hub->name, rc_detail(rc));
	hub->is_told = true;
	return true;
}

dske_rc retire_sentence(const struct hub_table *hub)
{
	struct table_status s;
	TRY(table_status(hub->table, &s));
	return FAIL(RETIRED, "the table is retired (%s); get a new PSKM from the hub if it is to go on",
		    retire_reason_name(s.retired.reason));
}

/* ---- our word ---------------------------------------------------------------------------------------------- */

static dske_rc make_frame(struct buf *frame, const struct hub_table *hub, const struct retiring *r)
{
	const struct pskm_header *h = &hub->header;
	const struct activation_place at = {h->client, h->hub, h->table, layout_retiring_offset(&h->layout)};
	const struct msg_retiring m = {r->reason, r->time, r->repeats};
	AUTO(secret) key = {0};
	TRY(secret_alloc(&key, TAG_KEY_LEN));
	TRY(table_activation_key(hub->table, ACTIVATION_KEY_RETIRE, key.data));
	buf_heap(frame, FRAME_MAX_BEFORE_LEASE);
	return msg_retiring_frame(frame, MESSAGE_RETIRE, &at, &m, key.data);
}

/* The hub's word was recorded before ours: then what it answers is no news, and cannot be verified any more. */
static bool is_last_word(const struct hub_table *hub)
{
	struct table_status s;
	return rc_ok(table_status(hub->table, &s)) && s.retired.receipted;
}

static bool take_answer(struct ask *a, const struct envelope *e)
{
	if (e->type != MESSAGE_RETIRED || (!is_last_word(a->hub) && !retire_take(a->hub, e)))
		return false;
	a->hub->is_told = false;
	ask_over(a, DSKE_OK);
	return true;
}

static dske_rc take_note(struct ask *a, const struct msg_note *note)
{
	if (note->code == NOTE_TABLE_RETIRED && is_last_word(a->hub))
		return DSKE_OK;
	return FAIL(REFUSED, "%s: %s", a->hub->name, note_text(note->code));
}

static dske_rc tell(struct hub_table *hub, const struct retiring *r, int64_t timeout_ms)
{
	AUTO(ask) a = {.hub = hub, .take = take_answer, .note = take_note};
	TRY(make_frame(&a.frame, hub, r));
	return ask_run(&a, timeout_ms);
}

static void tell_soon(struct hub_table *hub)
{
	struct table_status s;
	bool done = false;
	dske_rc rc = table_destroy(hub->table, DESTROY_AT_ONCE, &done);
	if (rc_ok(rc))
		rc = table_status(hub->table, &s);
	if (rc_ok(rc) && !done)
		log_warn("%s: more is left of its retired table than can be destroyed in passing: run dske pskm retire %s",
			 hub->name, hub->name);
	else if (rc_ok(rc))
		rc = tell(hub, &s.retired, TELL_MS);
	if (!rc_ok(rc))
		log_warn("%s: the hub was not told that its retired table is destroyed (%s): run dske pskm retire %s", hub->name,
			 rc_detail(rc), hub->name);
}

static struct hub_table *next_due(struct client *c)
{
	struct hub_table *found = NULL;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->table_count && found == NULL; i++) {
		if (atomic_exchange(&c->tables[i]->is_told, false))
			found = c->tables[i];
	}
	pthread_mutex_unlock(&c->lock);
	return found;
}

void retire_tell_due(struct client *c)
{
	for (struct hub_table *hub; (hub = next_due(c)) != NULL;)
		tell_soon(hub);
}

void retire_go_on(struct hub_table *hub)
{
	struct table_status s;
	bool done;
	if (!rc_ok(table_status(hub->table, &s)) || s.state != TABLE_RETIRED)
		return;
	hub->is_let_go = s.retired.let_go;
	dske_rc rc = table_destroy(hub->table, DESTROY_AT_ONCE, &done);
	if (!rc_ok(rc))
		log_error("%s: what is left of its retired table cannot be destroyed: %s", hub->name, rc_detail(rc));
}

/* ---- the operator ------------------------------------------------------------------------------------------ */

static dske_rc destroy_all(struct hub_table *hub)
{
	bool done = false;
	while (!done)
		TRY(table_destroy(hub->table, UINT64_MAX, &done));
	return DSKE_OK;
}

static dske_rc tell_or_say_why(struct hub_table *hub, const struct retiring *r, int64_t timeout_ms)
{
	char hex[ID_HEX_LEN];
	if (layout_retiring_offset(&hub->header.layout) == UINT64_MAX)
		return FAIL(UNSUPPORTED, "%s: destroyed here. The table was made before hubs could be told so: ask the operator to run "
					 "dske hub revoke --table %s", hub->name, id_hex(&hub->id, hex));
	dske_rc rc = tell(hub, r, timeout_ms);
	if (rc_ok(rc))
		return rc;
	char why[300];
	snprintf(why, sizeof why, "%s", rc_detail(rc));
	return rc_fail(rc.code, "%s: destroyed here, but the hub does not know yet (%s): run dske pskm retire %s again", hub->name,
		       why, id_hex(&hub->id, hex));
}

dske_rc client_retire(struct client *c, const struct id *table, uint8_t reason, int64_t timeout_ms)
{
	struct hub_table *hub = NULL;
	struct retiring r = {.reason = reason, .time = now_s(), .let_go = true};
	TRY(pool_find(c, table, &hub));
	hub->checked_ms = 0;
	TRY(table_retire(hub->table, &r));
	TRY(table_let_go(hub->table));
	TRY(destroy_all(hub));
	if (r.receipted && r.repeated)
		return DSKE_OK;
	return tell_or_say_why(hub, &r, timeout_ms > 0 ? timeout_ms : c->config.timeout_ms);
}
