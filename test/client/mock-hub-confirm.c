/* SPDX-License-Identifier: Apache-2.0 */
/* test/client/mock-hub-confirm.c - a mock hub in the confirmation round (doc/protocol.md 8.7), for keys of one receiver. */
#include <config.h>

#include "test/client/mock-hub-impl.h"

#include <string.h>

static struct mock_share *find(struct mock_hub *h, const struct id *initiator, const struct id *key_id)
{
	for (size_t i = 0; i < h->shares; i++) {
		const struct terms *t = &h->share[i].terms;
		if (t->confirm && id_equal(&t->initiator, initiator) && id_equal(&t->key_id, key_id))
			return &h->share[i];
	}
	return NULL;
}

/* ---- answers ------------------------------------------------------------------------------------------------- */

static void hold(struct mock_held *held, struct mock_conn *c, const struct envelope *e, struct pad *pad)
{
	*held = (struct mock_held){.conn = c, .offset = e->offset, .length = e->length};
	NEED(pad_take(pad, held->key, sizeof held->key));
}

static void answer(struct mock_hub *h, struct mock_held *held, uint8_t type, const struct buf *body)
{
	mock_frame(h, held->conn, type, held->offset, held->length, body, held->key, false);
	*held = (struct mock_held){0};
}

static void confirmation(struct mock_hub *h, struct mock_held *held, enum status status, const struct confirmation *said)
{
	uint8_t room[64];
	struct buf body;
	buf_fixed(&body, room, sizeof room);
	NEED(msg_confirmation_write(&body, &(struct msg_confirmation){.status = status, .said = *said}));
	answer(h, held, MESSAGE_CONFIRMATION, &body);
}

static void mustered(struct mock_hub *h, struct mock_held *held, enum status status)
{
	uint8_t room[32];
	struct buf body;
	struct msg_mustered m = {.status = status};
	if (status == STATUS_ACCEPTED)
		receiver_set_add(&m.ready, 0);
	buf_fixed(&body, room, sizeof room);
	NEED(msg_mustered_write(&body, &m));
	answer(h, held, MESSAGE_MUSTERED, &body);
}

/* READY, by a hub that wants it to come to nothing. */
static bool spoils(struct mock_hub *h, struct mock_share *s)
{
	const struct confirmation invented = {.point.b = {7}, .value.b = {7}};
	if (h->manner == MOCK_DENIES_READY)
		confirmation(h, &s->ready, STATUS_UNCONFIRMED, &invented);
	else if (h->manner == MOCK_INVENTS_CONFIRMATION)
		confirmation(h, &s->ready, STATUS_ACCEPTED, &invented);
	else
		return false;
	return true;
}

void mock_confirm_turn(struct mock_hub *h)
{
	for (size_t i = 0; i < h->shares; i++) {
		struct mock_share *s = &h->share[i];
		if (s->is_ready && s->muster.conn != NULL && i < h->musters)
			mustered(h, &s->muster, STATUS_ACCEPTED);
		if (s->ready.conn != NULL && !spoils(h, s) && s->is_attested)
			confirmation(h, &s->ready, STATUS_ACCEPTED, &s->said);
	}
}

void mock_confirm_forget(struct mock_hub *h, const struct mock_conn *c)
{
	for (size_t i = 0; i < h->shares; i++) {
		struct mock_share *s = &h->share[i];
		if (s->ready.conn == c)
			s->ready = (struct mock_held){0};
		if (s->muster.conn == c)
			s->muster = (struct mock_held){0};
	}
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

static void take_ready(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad)
{
	struct msg_ready m;
	NEED(msg_ready_read(&m, e->body, e->body_len));
	struct mock_share *s = find(h, &m.initiator, &m.key_id);
	need_true(s != NULL && !s->delivered && id_equal(&s->terms.receiver[0], &c->client->id), "READY for what waits", __LINE__);
	s->is_ready = true;
	hold(&s->ready, c, e, pad);
}

/* The share of a hub that was slow may never have been sent to it. */
static void take_muster(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad)
{
	struct msg_muster m;
	NEED(msg_muster_read(&m, e->body, e->body_len));
	struct mock_share *s = find(h, &c->client->id, &m.key_id);
	struct mock_held unknown, *held = s != NULL ? &s->muster : &unknown;
	hold(held, c, e, pad);
	if (s == NULL)
		mustered(h, held, STATUS_UNKNOWN_KEY);
}

static void take_attest(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad)
{
	struct msg_attest m;
	NEED(msg_attest_read(&m, e->body, e->body_len));
	struct mock_share *s = find(h, &c->client->id, &m.key_id);
	if (s == NULL) {
		mock_reply(h, c, e, pad, STATUS_UNKNOWN_KEY);
		return;
	}
	need_true(!s->is_attested || memcmp(&s->said, &m.said, sizeof m.said) == 0, "one ATTEST a key", __LINE__);
	s->is_attested = true;
	s->said = m.said;
	mock_reply(h, c, e, pad, STATUS_ACCEPTED);
}

void mock_take_confirming(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad)
{
	if (e->type == MESSAGE_READY)
		take_ready(h, c, e, pad);
	else if (e->type == MESSAGE_MUSTER)
		take_muster(h, c, e, pad);
	else if (e->type == MESSAGE_ATTEST)
		take_attest(h, c, e, pad);
}
