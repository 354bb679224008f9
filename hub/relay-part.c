/* SPDX-License-Identifier: Apache-2.0 */
/* hub/relay-part.c - the parts of a long key: PARTs come in, one after the other, and go out as PIECEs. */
#include "hub/relay.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "hub/wait.h"

#define LACKING_MS 1000
#define PIECE_ROOM 64 /* what stands before the part */

/* ---- in: PART -------------------------------------------------------------------------------------- */

static enum status part_check(const struct request *r, const struct msg_part *m, const struct mailbox_long *l)
{
	unsigned count = key_part_count(l->key_len);

	if (m->number >= count || m->has_tag != (m->number + 1 == count))
		return STATUS_MALFORMED;
	if (r->e->length != MSG_PART_OF_KEY_LEN(l->key_len, m->number))
		return STATUS_LENGTH;
	if (m->mode == SHARE_MODE_SEALED && m->share_len != key_part_len(l->key_len, m->number))
		return STATUS_LENGTH;
	return m->number > l->next ? STATUS_ORDER : STATUS_ACCEPTED;
}

static dske_rc part_store(struct request *r, const struct msg_part *m, struct mailbox_long *l)
{
	struct secret part = {.len = key_part_len(l->key_len, m->number)}; /* the pad's */

	part.data = pad_open(&r->pad, m->mode == SHARE_MODE_PAD ? NULL : m->share, part.len);
	if (!part.data)
		return rc_make(DSKE_RC_EXHAUSTED);
	return mailbox_part_put(r->hub->mailbox, l, &part, m->has_tag ? &m->key_tag : NULL);
}

/* The last part is here: whoever waits gets it. */
static void offer_whole(struct request *r, const struct mailbox_long *l)
{
	AUTO(secret) first = {0};
	struct terms t;
	char hex[ID_HEX_LEN];
	dske_rc rc = mailbox_get(r->hub->mailbox, l->id, &t, &first);

	if (!rc_ok(rc)) {
		log_error("%s: share %lld cannot be delivered: %s", conn_who(r->conn), (long long)l->id, rc_detail(rc));
		return;
	}
	log_info("%s: key %s, %u bytes, is whole", conn_who(r->conn), id_hex(&t.key_id, hex), t.key_len);
	wait_offer(r->hub, &t, l->id);
}

/* A part that was stored before is not stored again: it was sealed afresh, because its connection was lost. */
static void part_take(struct request *r, const struct msg_part *m, struct mailbox_long *l)
{
	if (m->number < l->next) {
		request_reply(r, STATUS_ACCEPTED, NULL);
		return;
	}

	dske_rc rc = part_store(r, m, l);

	request_reply(r, rc_ok(rc) ? STATUS_ACCEPTED : STATUS_INTERNAL, rc_ok(rc) ? NULL : rc_detail(rc));
	if (rc_ok(rc) && l->next == key_part_count(l->key_len))
		offer_whole(r, l);
}

void relay_part(struct request *r)
{
	struct msg_part m;
	struct mailbox_long l;
	dske_rc rc = msg_part_read(&m, r->e->body, r->e->body_len);

	if (!rc_ok(rc)) {
		request_reply(r, STATUS_MALFORMED, rc_detail(rc));
		return;
	}
	rc = mailbox_long_find(r->hub->mailbox, &r->t->client->who.id, &m.key_id, &l);
	if (!rc_ok(rc)) {
		request_reply(r, rc_is(rc, DSKE_RC_NOT_FOUND) ? STATUS_UNKNOWN_KEY : STATUS_INTERNAL, NULL);
		return;
	}

	enum status status = part_check(r, &m, &l);

	if (status == STATUS_ACCEPTED)
		part_take(r, &m, &l);
	else
		request_reply(r, status, NULL);
}

/* ---- out: PIECE ------------------------------------------------------------------------------------ */

static bool is_under_way(const struct sent *s)
{
	return s->piece < key_part_count(s->key_len);
}

/* DSKE 2.3.2, once more: a range of the receiver's table for each part. */
static dske_rc piece_seal(struct conn *c, const struct sent *s, struct pad *pad, struct secret *part, struct parcel *frame)
{
	uint8_t keys[PAD_KEYS_LEN];
	struct envelope e = {.type = MESSAGE_PIECE, .sender = c->hub->conf.id, .table = c->table->id, .offset = pad->offset,
			     .length = (uint32_t)(PAD_KEYS_LEN + part->len)};

	TRY(pad_take(pad, keys, sizeof keys));

	dske_rc rc = pad_xor(pad, part->data, part->data, part->len); /* ciphertext from here on */

	if (rc_ok(rc))
		rc = msg_piece_write(&frame->bytes, &(struct msg_piece){.initiator = s->initiator, .key_id = s->key_id,
									.number = s->piece, .share = part->data,
									.share_len = part->len});
	if (rc_ok(rc))
		rc = parcel_close(frame, &e, message_key(MESSAGE_PIECE, keys));
	mem_wipe(keys, sizeof keys);
	return rc;
}

static dske_rc piece_under(struct conn *c, struct sent *s, struct secret *part, struct parcel *frame)
{
	AUTO(pad) pad = {0};

	TRY(conn_window_reserve(&c->down, PAD_KEYS_LEN + part->len, &pad));
	TRY(piece_seal(c, s, &pad, part, frame));
	conn_worked(c, 0, parcel_len(frame));
	conn_send_parcel(c, frame);
	c->active_ms = c->hub->now_ms;
	s->piece++;
	return DSKE_OK;
}

static dske_rc piece_send(struct conn *c, struct sent *s)
{
	AUTO(secret) part = {0};

	TRY(mailbox_part_get(c->hub->mailbox, s->share, s->piece, &part));

	struct parcel *frame = parcel_new(part.len + PIECE_ROOM);
	dske_rc rc = frame ? piece_under(c, s, &part, frame) : rc_make(DSKE_RC_NOMEM);

	parcel_drop(frame);
	return rc;
}

static bool has_window(const struct conn *c, const struct sent *s)
{
	return conn_window_room(&c->down, MSG_PART_OF_KEY_LEN(s->key_len, s->piece));
}

/* As for a WAIT whose match needs more than the window has. */
static void window_spent(struct conn *c, struct sent *s)
{
	struct envelope at = {.table = c->table->id, .offset = s->wait, .length = MSG_WAIT_RANGE_LEN};

	if (s->lacking_ms == 0)
		s->lacking_ms = c->hub->now_ms;
	if (s->noted || c->hub->now_ms - s->lacking_ms < LACKING_MS)
		return;
	conn_note(c, &at, NOTE_WINDOW_SPENT, 0);
	s->noted = true;
}

/* One share's pieces.  What cannot be read ends the connection: the receiver would wait for it in vain. */
static void pieces_of(struct conn *c, struct sent *s)
{
	bool was_under_way = is_under_way(s);

	while (is_under_way(s) && conn_queued(c) < CONN_OUT_HIGH && has_window(c, s)) {
		dske_rc rc = piece_send(c, s);

		if (rc_ok(rc))
			continue;
		log_error("%s: part %u of share %lld cannot be delivered: %s", conn_who(c), s->piece, (long long)s->share,
			  rc_detail(rc));
		conn_finish(c);
		return;
	}
	if (is_under_way(s) && !has_window(c, s))
		window_spent(c, s);
	if (was_under_way && !is_under_way(s) && c->behind)
		c->backlog = true;
}

bool relay_is_under_way(const struct conn *c)
{
	for (const struct sent *s = c->sent; s; s = s->next)
		if (is_under_way(s))
			return true;
	return false;
}

void relay_pieces(struct conn *c)
{
	for (struct sent *s = c->sent; s && !c->dead && !c->closing; s = s->next)
		pieces_of(c, s);
}

void relay_tick(struct conn *c)
{
	relay_pieces(c);
}

bool relay_has_pieces(const struct conn *c)
{
	if (c->dead || c->closing || conn_queued(c) >= CONN_OUT_HIGH)
		return false;
	for (const struct sent *s = c->sent; s; s = s->next)
		if (is_under_way(s) && has_window(c, s))
			return true;
	return false;
}

void relay_new_window(struct conn *c)
{
	for (struct sent *s = c->sent; s; s = s->next) {
		s->noted = false;
		s->lacking_ms = 0;
	}
}
