/* SPDX-License-Identifier: Apache-2.0 */
/* hub/confirm.c - answers that are held back, and what lets them go. */
#include "hub/confirm.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define BODY_MAX 64

/* A request whose answer is held back. */
struct held {
	struct held *next;
	unsigned answer;  /* MESSAGE_CONFIRMATION or MESSAGE_MUSTERED */
	int64_t share;    /* of the mailbox */
	uint64_t offset;  /* of the request's range */
	uint32_t length;
	int64_t until_ms;
	uint8_t digest[FRAME_DIGEST_LEN];
	struct secret reply_key; /* owned */
};

/* ---- the list ------------------------------------------------------------------------------------- */

static void held_free(struct held *h)
{
	secret_drop(&h->reply_key);
	free(h);
}

static void remove_at(struct conn *c, struct held **at)
{
	struct held *h = *at;

	*at = h->next;
	c->held_count--;
	held_free(h);
}

void confirm_drop_held(struct conn *c)
{
	while (c->held)
		remove_at(c, &c->held);
}

bool confirm_holds(const struct conn *c, const uint8_t digest[FRAME_DIGEST_LEN])
{
	for (const struct held *h = c->held; h; h = h->next)
		if (memcmp(h->digest, digest, sizeof h->digest) == 0)
			return true;
	return false;
}

static dske_rc hold(struct request *r, unsigned answer, int64_t share, uint32_t patience)
{
	struct held *h = calloc(1, sizeof *h);

	if (!h)
		return rc_make(DSKE_RC_NOMEM);

	dske_rc rc = secret_from(&h->reply_key, r->reply_key, sizeof r->reply_key);

	if (!rc_ok(rc)) {
		held_free(h);
		return rc;
	}
	h->answer = answer;
	h->share = share;
	h->offset = r->e->offset;
	h->length = r->e->length;
	h->until_ms = r->hub->now_ms + (int64_t)patience * 1000;
	memcpy(h->digest, r->digest, sizeof h->digest);
	h->next = r->conn->held;
	r->conn->held = h;
	r->conn->held_count++;
	return DSKE_OK;
}

/* ---- answers -------------------------------------------------------------------------------------- */

static dske_rc body_write(struct buf *body, unsigned answer, enum status status, const struct mailbox_round *round)
{
	if (answer == MESSAGE_MUSTERED)
		return msg_mustered_write(body, &(struct msg_mustered){.status = status, .ready = round->ready});
	return msg_confirmation_write(body, &(struct msg_confirmation){.status = status, .said = round->said});
}

static void held_answer(struct conn *c, const struct held *h, enum status status, const struct mailbox_round *round)
{
	uint8_t bytes[BODY_MAX];
	struct buf body;
	AUTO(buf) frame = {0};

	buf_fixed(&body, bytes, sizeof bytes);

	dske_rc rc = body_write(&body, h->answer, status, round);
	struct envelope e = {.type = (uint8_t)h->answer, .sender = c->hub->conf.id, .table = c->table->id, .offset = h->offset,
			     .length = h->length, .body = body.data, .body_len = body.len};

	buf_heap(&frame, CONN_ANSWER_LEN_MAX);
	if (rc_ok(rc))
		rc = frame_write(&frame, &e, h->reply_key.data);
	if (!rc_ok(rc)) {
		log_error("%s: cannot answer: %s", conn_who(c), rc_detail(rc));
		return;
	}
	conn_answer_keep(c, h->digest, &frame);
	conn_send(c, frame.data, frame.len);
}

/* Is there something to say?  With `over` something is said in any case. */
static bool settle(struct conn *c, const struct held *h, bool over)
{
	struct mailbox_round round;
	dske_rc rc = mailbox_round_read(c->hub->mailbox, h->share, &round);
	bool muster = h->answer == MESSAGE_MUSTERED, whole = muster ? round.ready_count == round.receivers : round.attested;

	if (!rc_ok(rc))
		held_answer(c, h, rc_is(rc, DSKE_RC_NOT_FOUND) ? STATUS_UNKNOWN_KEY : STATUS_INTERNAL, &round);
	else if (whole || (over && muster))
		held_answer(c, h, STATUS_ACCEPTED, &round);
	else if (over)
		held_answer(c, h, STATUS_UNCONFIRMED, &round);
	else
		return false;
	return true;
}

void confirm_expire(struct conn *c)
{
	for (struct held **at = &c->held; *at;) {
		if ((*at)->until_ms <= c->hub->now_ms && settle(c, *at, true))
			remove_at(c, at);
		else
			at = &(*at)->next;
	}
}

/* What this client waits for of that share may be there. */
static void tell(struct hub *h, const struct id *client, int64_t share)
{
	const struct hub_client *who = directory_by_id(vault_directory(h->vault), client);

	for (struct conn *c = who ? who->conns : NULL; c; c = c->next_of_client) {
		if (c->dead || c->closing)
			continue;
		for (struct held **at = &c->held; *at;) {
			if ((*at)->share == share && settle(c, *at, false))
				remove_at(c, at);
			else
				at = &(*at)->next;
		}
	}
}

/* ---- requests ------------------------------------------------------------------------------------- */

static void refuse(struct request *r, unsigned answer, enum status status, const char *why)
{
	static const struct mailbox_round nothing;
	uint8_t bytes[BODY_MAX];
	struct buf body;

	log_info("%s: refused a %s: %s", conn_who(r->conn), message_name(r->e->type), why ? why : status_text(status));
	buf_fixed(&body, bytes, sizeof bytes);
	if (rc_ok(body_write(&body, answer, status, &nothing)))
		request_answer(r, answer, &body);
}

/* The status of a request that could not be met by the mailbox. */
static enum status failed(dske_rc rc)
{
	return rc_is(rc, DSKE_RC_NOT_FOUND) ? STATUS_UNKNOWN_KEY : rc_is(rc, DSKE_RC_EXISTS) ? STATUS_KEY_EXISTS : STATUS_INTERNAL;
}

/* Holds the answer, unless there is one already. */
static void answer_later(struct request *r, unsigned answer, int64_t share, uint32_t patience)
{
	struct conn *c = r->conn;
	dske_rc rc = hold(r, answer, share, patience);

	if (!rc_ok(rc))
		refuse(r, answer, STATUS_INTERNAL, rc_detail(rc));
	else if (settle(c, c->held, false))
		remove_at(c, &c->held);
}

static bool length_is_right(struct request *r, unsigned answer)
{
	if (r->e->length != MSG_CONFIRM_RANGE_LEN)
		refuse(r, answer, STATUS_LENGTH, NULL);
	else if (r->conn->held_count >= HELD_MAX)
		refuse(r, answer, STATUS_QUOTA, "too many answers are held back on one connection");
	else
		return true;
	return false;
}

void confirm_ready(struct request *r)
{
	struct msg_ready m;
	int64_t share = 0;
	char hex[ID_HEX_LEN];

	if (!rc_ok(msg_ready_read(&m, r->e->body, r->e->body_len))) {
		refuse(r, MESSAGE_CONFIRMATION, STATUS_MALFORMED, NULL);
		return;
	}
	if (!length_is_right(r, MESSAGE_CONFIRMATION))
		return;

	dske_rc rc = mailbox_round_find(r->hub->mailbox, &m.initiator, &m.key_id, &share);

	if (rc_ok(rc))
		rc = mailbox_ready(r->hub->mailbox, share, &r->t->client->who.id);
	if (!rc_ok(rc)) {
		refuse(r, MESSAGE_CONFIRMATION, failed(rc), NULL);
		return;
	}
	log_debug("%s: ready for key %s", conn_who(r->conn), id_hex(&m.key_id, hex));
	answer_later(r, MESSAGE_CONFIRMATION, share, m.patience);
	tell(r->hub, &m.initiator, share);
}

void confirm_muster(struct request *r)
{
	struct msg_muster m;
	int64_t share = 0;

	if (!rc_ok(msg_muster_read(&m, r->e->body, r->e->body_len))) {
		refuse(r, MESSAGE_MUSTERED, STATUS_MALFORMED, NULL);
		return;
	}
	if (!length_is_right(r, MESSAGE_MUSTERED))
		return;

	dske_rc rc = mailbox_round_find(r->hub->mailbox, &r->t->client->who.id, &m.key_id, &share);

	if (rc_ok(rc))
		answer_later(r, MESSAGE_MUSTERED, share, m.patience);
	else
		refuse(r, MESSAGE_MUSTERED, failed(rc), NULL);
}

/* Nobody waits for a share that all have receipted. */
static void tell_receivers(struct hub *h, int64_t share)
{
	struct terms t;

	if (!rc_ok(mailbox_terms(h->mailbox, share, &t)))
		return;
	for (size_t i = 0; i < t.receiver_count; i++)
		tell(h, &t.receiver[i], share);
}

void confirm_attest(struct request *r)
{
	struct msg_attest m;
	int64_t share = 0;
	char hex[ID_HEX_LEN];

	if (!rc_ok(msg_attest_read(&m, r->e->body, r->e->body_len))) {
		request_reply(r, STATUS_MALFORMED, NULL);
		return;
	}
	if (r->e->length != MSG_CONFIRM_RANGE_LEN) {
		request_reply(r, STATUS_LENGTH, NULL);
		return;
	}

	dske_rc rc = mailbox_round_find(r->hub->mailbox, &r->t->client->who.id, &m.key_id, &share);

	if (rc_ok(rc))
		rc = mailbox_attest(r->hub->mailbox, share, &m.said);
	if (!rc_ok(rc)) {
		request_reply(r, failed(rc), NULL);
		return;
	}
	log_info("%s: key %s is confirmed to its receivers", conn_who(r->conn), id_hex(&m.key_id, hex));
	request_reply(r, STATUS_ACCEPTED, NULL);
	tell_receivers(r->hub, share);
}
