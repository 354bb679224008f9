/* SPDX-License-Identifier: Apache-2.0 */
/* hub/wait.c - filters and pushing. */
#include "hub/wait.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "hub/peer.h"
#include "hub/relay.h"

/* ---- the list ------------------------------------------------------------------------------------- */

static void remove_at(struct conn *c, struct wait **at)
{
	struct wait *w = *at;

	*at = w->next;
	c->wait_count--;
	free(w);
}

void wait_expire(struct conn *c)
{
	for (struct wait **at = &c->waits; *at;) {
		if ((*at)->until_ms <= c->hub->now_ms)
			remove_at(c, at);
		else
			at = &(*at)->next;
	}
}

void wait_drop_all(struct conn *c)
{
	while (c->waits)
		remove_at(c, &c->waits);
}

static bool same_filter(const struct msg_wait *a, const struct msg_wait *b)
{
	return id_equal(&a->initiator, &b->initiator) && a->selector == b->selector && a->value_len == b->value_len &&
	       (a->value_len == 0 || memcmp(a->value, b->value, a->value_len) == 0);
}

/* The same filter again is the same wait, with new patience: it does not pile up. */
static void drop_same(struct conn *c, const struct msg_wait *m)
{
	for (struct wait **at = &c->waits; *at; at = &(*at)->next)
		if (same_filter(&(*at)->match, m)) {
			remove_at(c, at);
			return;
		}
}

/* Who has the key waits no more: a later key of the same context is for a later WAIT, perhaps another
 * process's. */
void wait_end(struct conn *c, uint64_t offset)
{
	for (struct wait **at = &c->waits; *at; at = &(*at)->next)
		if ((*at)->offset == offset) {
			remove_at(c, at);
			return;
		}
}

static struct wait *add(struct conn *c, const struct envelope *e, const struct msg_wait *m)
{
	struct wait *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->match = *m;
	if (m->value_len > 0)
		memcpy(w->value, m->value, m->value_len);
	w->match.value = w->value;
	w->until_ms = c->hub->now_ms + (int64_t)m->patience * 1000;
	w->offset = e->offset;
	w->length = e->length;
	w->next = c->waits;
	c->waits = w;
	c->wait_count++;
	return w;
}

/* ---- pushing -------------------------------------------------------------------------------------- */

/* A protocol note, not a failure: the waiting share needs more than the down windows have left. */
static void window_spent(struct conn *c, struct wait *w)
{
	struct envelope at = {.table = c->table->id, .offset = w->offset, .length = w->length};

	if (w->noted)
		return;
	w->noted = true;
	conn_note(c, &at, NOTE_WINDOW_SPENT, 0);
}

/* True when the wait is at its end. */
static bool push(struct conn *c, struct wait *w, const struct mailbox_found *share, bool again)
{
	switch (relay_push(c, share, again, w->offset)) {
	case PUSH_DONE:
		return w->match.selector == WAIT_KEY_ID;
	case PUSH_NO_WINDOW: /* until there is a new one: wait_new_window */
		window_spent(c, w);
		return false;
	case PUSH_QUEUED:
		c->backlog = true;
		return false;
	case PUSH_BEHIND: /* until the last part of that is out: relay_pieces */
		c->behind = true;
		return false;
	case PUSH_UNANSWERED:
		c->unanswered = true;
		return false;
	case PUSH_NOTHING:
	default:
		return false;
	}
}

/* Everything in the mailbox that matches.  again: also what was sent on this connection before. */
static bool push_matches(struct conn *c, struct wait *w, bool again)
{
	const struct id *receiver = &c->table->client->who.id;
	struct mailbox_found share = {0};
	bool ended = false;

	/* What does not fit now is looked for again when there is room. */
	c->backlog |= conn_queued(c) >= CONN_OUT_HIGH;
	while (!ended && conn_queued(c) < CONN_OUT_HIGH &&
	       rc_ok(mailbox_find(c->hub->mailbox, receiver, &w->match, share.id, &share))) {
		conn_worked(c, 1, 0);
		ended = push(c, w, &share, again);
	}
	return ended;
}

void wait_room(struct conn *c)
{
	c->backlog = c->unanswered = c->behind = false;
	relay_pieces(c); /* what was begun comes first */
	for (struct wait **at = &c->waits; *at;) {
		conn_worked(c, 1, 0);
		if (push_matches(c, *at, false))
			remove_at(c, at);
		else
			at = &(*at)->next;
	}
}

void wait_new_window(struct conn *c)
{
	for (struct wait *w = c->waits; w; w = w->next)
		w->noted = false;
	relay_new_window(c);
	wait_room(c);
}

static bool matches(const struct wait *w, const struct terms *t)
{
	const struct msg_wait *m = &w->match;

	if (!id_equal(&m->initiator, &t->initiator) || (terms_are_long(t) && !m->takes_long))
		return false;
	if (m->selector == WAIT_KEY_ID)
		return memcmp(m->value, t->key_id.b, ID_LEN) == 0;
	return m->value_len == t->context_len && (m->value_len == 0 || memcmp(m->value, t->context, m->value_len) == 0);
}

static void offer(struct conn *c, const struct terms *t, const struct mailbox_found *share)
{
	for (struct wait **at = &c->waits; *at; at = &(*at)->next) {
		if ((*at)->until_ms <= c->hub->now_ms || !matches(*at, t))
			continue;
		if (push(c, *at, share, false))
			remove_at(c, at);
		return;
	}
}

void wait_offer(struct hub *h, const struct terms *t, int64_t share)
{
	const struct mailbox_found found = {.id = share, .length = MSG_SHARE_RANGE_LEN(t)};

	for (size_t i = 0; i < t->receiver_count; i++) {
		const struct hub_client *client = directory_by_id(vault_directory(h->vault), &t->receiver[i]);

		for (struct conn *c = client ? client->conns : NULL; c; c = c->next_of_client)
			if (!c->dead && !c->closing)
				offer(c, t, &found);
	}
}

/* ---- WAIT ----------------------------------------------------------------------------------------- */

void wait_begin(struct request *r)
{
	struct conn *c = r->conn;
	struct msg_wait m;

	if (!rc_ok(msg_wait_read(&m, r->e->body, r->e->body_len))) {
		request_reply(r, STATUS_MALFORMED, NULL);
		return;
	}
	if (r->e->length != MSG_WAIT_RANGE_LEN) {
		request_reply(r, STATUS_LENGTH, NULL);
		return;
	}
	if (!peer_by_id(r->hub, r->t->client, &m.initiator)) {
		request_reply(r, STATUS_UNKNOWN_CLIENT, NULL);
		return;
	}
	wait_expire(c);
	drop_same(c, &m);

	struct wait *w = c->wait_count < WAITS_MAX ? add(c, r->e, &m) : NULL;

	request_reply(r, w ? STATUS_ACCEPTED : STATUS_QUOTA, w ? NULL : "too many waits on one connection");
	if (w && push_matches(c, w, true))
		remove_at(c, &c->waits);
}
