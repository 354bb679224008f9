/* SPDX-License-Identifier: Apache-2.0 */
/* hub/relay.c - a share comes, waits, and goes. */
#include "hub/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "hub/limits.h"
#include "hub/peer.h"
#include "hub/quota.h"
#include "hub/wait.h"

#define BODY_MAX 16
#define TERMS_ROOM 384 /* more than most terms have, so that a long frame is not copied as it grows */

/* ---- in: SHARE ------------------------------------------------------------------------------------- */

/* Where a share was refused, and in which words an operator reads of it. */
struct verdict {
	enum status status;
	char why[160];
};

#define REFUSE(v, name, ...) (snprintf((v)->why, sizeof(v)->why, __VA_ARGS__), (v)->status = STATUS_##name, false)

static bool receivers_allowed(struct request *r, const struct terms *t, struct verdict *v)
{
	char hex[ID_HEX_LEN];
	bool all = true;
	size_t waiting = 0;
	uint32_t own = 0;

	for (size_t i = 0; i < t->receiver_count; i++)
		if (!peer_by_id(r->hub, r->t->client, &t->receiver[i])) {
			all = REFUSE(v, UNKNOWN_CLIENT, "receiver %s is not known, or no group joins the two",
				     id_hex(&t->receiver[i], hex));
		}
	for (size_t i = 0; i < t->receiver_count && all; i++) {
		if (!rc_ok(mailbox_pair_count(r->hub->mailbox, &t->initiator, &t->receiver[i], &waiting)))
			return REFUSE(v, INTERNAL, "the mailbox cannot be read");
		if (!rc_ok(limits_waiting(r->hub, &t->receiver[i], &own)))
			return REFUSE(v, INTERNAL, "the mailbox cannot be read");
		if (waiting >= r->hub->conf.mailbox_per_pair || (own != 0 && waiting >= own))
			return REFUSE(v, MAILBOX_FULL, "%zu keys wait for receiver %s", waiting,
				      id_hex(&t->receiver[i], hex));
	}
	return all;
}

/* Half of the mailbox is anybody's; of the other half each client has his part, so that none keeps the others out. */
static bool holds_his_part(struct request *r, uint64_t size, uint64_t needed, struct verdict *v)
{
	uint64_t half = r->hub->conf.mailbox_most / 2, part = half / directory_count(vault_directory(r->hub->vault)), held;
	const struct identity *who = &r->t->client->who;

	if (half == 0 || size + needed <= half)
		return true;
	if (!rc_ok(mailbox_holding(r->hub->mailbox, &who->id, &held)))
		return REFUSE(v, INTERNAL, "the mailbox cannot be read");
	return held + needed <= part ||
	       REFUSE(v, MAILBOX_FULL, "the mailbox is half full, and %s holds %llu bytes, its part is %llu", who->name,
		      (unsigned long long)held, (unsigned long long)part);
}

/* DSKE 4.1, depletion: bounds on the mailbox as a whole, and on what one client uses up of another's table. */
static bool within_limits(struct request *r, const struct terms *t, struct verdict *v)
{
	uint64_t size = 0, most = r->hub->conf.mailbox_most, needed = r->e->body_len;
	bool allowed = false;
	char why[160];

	if (!rc_ok(mailbox_size(r->hub->mailbox, &size)) || !rc_ok(quota_allows(r->hub, t, MSG_RANGES_LEN(t), &allowed, why)))
		return REFUSE(v, INTERNAL, "the mailbox cannot be read");
	needed += terms_share_len(t) - terms_part_len(t, 0); /* what PARTs will bring */
	if (most != 0 && size + needed > most)
		return REFUSE(v, MAILBOX_FULL, "the mailbox has %llu bytes, mailbox_most is %llu", (unsigned long long)size,
			      (unsigned long long)most);
	if (!holds_his_part(r, size, needed, v))
		return false;
	return allowed || REFUSE(v, QUOTA, "%s", why);
}

/* DSKE 2.3.2: n and k, as this hub accepts them. */
static bool terms_accepted(const struct request *r, const struct terms *t, struct verdict *v)
{
	const struct hub_conf *c = &r->hub->conf;
	dske_rc rc = terms_check(t);

	if (!rc_ok(rc))
		return REFUSE(v, TERMS, "%s", rc_detail(rc));
	if (terms_are_long(t) && !terms_lack_tag(t))
		return REFUSE(v, TERMS, "the key tag of a long key comes with its last part");
	if (!conf_range_has(&c->n, t->n))
		return REFUSE(v, TERMS, "n = %u is outside [limits] n = %u..%u", t->n, c->n.least, c->n.most);
	if (!conf_range_has(&c->k, t->k))
		return REFUSE(v, TERMS, "k = %u is outside [limits] k = %u..%u", t->k, c->k.least, c->k.most);
	return true;
}

/* DSKE 2.3.2: the hub interprets the message.  Initiator, n and k, policy: in that order. */
static bool authorise(struct request *r, const struct msg_share *m, struct verdict *v)
{
	const struct terms *t = &m->terms;
	bool taken = false;

	if (r->e->length != MSG_SHARE_RANGE_LEN(t))
		return REFUSE(v, LENGTH, "its range has %u bytes, not %u", r->e->length, MSG_SHARE_RANGE_LEN(t));
	if (!id_equal(&t->initiator, &r->t->client->who.id))
		return REFUSE(v, INITIATOR, "it names another initiator");

	if (!terms_accepted(r, t, v))
		return false;
	if (t->scheme == SCHEME_ADAPTED && m->mode != SHARE_MODE_PAD)
		return REFUSE(v, TERMS, "a share of a second pass is its pad, and nothing is sent");
	if (terms_hub_index(t, &r->hub->conf.id) < 0)
		return REFUSE(v, NOT_LISTED, "this hub is not in its list");
	if (!receivers_allowed(r, t, v))
		return false;
	if (!rc_ok(mailbox_named(r->hub->mailbox, &t->initiator, &t->key_id, &taken)))
		return REFUSE(v, INTERNAL, "the mailbox cannot be read");
	if (taken)
		return REFUSE(v, KEY_EXISTS, "the key ID is taken");
	return within_limits(r, t, v);
}

/* DSKE 2.3.2: Y_i = R_i or Y_i = Z_i xor R_i, as the message says.  In the pad's place, whose it stays. */
static dske_rc open_share(struct request *r, const struct msg_share *m, struct secret *share)
{
	share->len = terms_part_len(&m->terms, 0);
	share->data = pad_open(&r->pad, m->mode == SHARE_MODE_PAD ? NULL : m->share, share->len);
	return share->data ? DSKE_OK : rc_make(DSKE_RC_EXHAUSTED);
}

static dske_rc store(struct request *r, const struct msg_share *m, const struct secret *share,
		     const struct buf *answer, int64_t *id)
{
	uint32_t most = r->hub->conf.ttl_most_s;
	struct mailbox_put put = {
		.terms = &m->terms,
		.share = share,
		.ttl = m->ttl < most ? m->ttl : most,
		.table = r->t->id,
		.offset = r->e->offset,
		.answer = answer,
	};

	memcpy(put.digest, r->digest, sizeof put.digest);
	TRY(quota_take(r->hub, &m->terms, MSG_RANGES_LEN(&m->terms)));
	return mailbox_put(r->hub->mailbox, &put, id);
}

/* The answer's frame is stored with the share, in the same commit, and leaves after it. */
static dske_rc accept_share(struct request *r, const struct msg_share *m, struct buf *frame, int64_t *id)
{
	struct secret share = {0}; /* the pad's */
	uint8_t bytes[BODY_MAX];
	struct buf body;

	buf_fixed(&body, bytes, sizeof bytes);
	TRY(msg_reply_write(&body, &(struct msg_reply){.status = STATUS_ACCEPTED}));
	TRY(open_share(r, m, &share));
	TRY(request_frame(r, MESSAGE_REPLY, &body, frame));
	return store(r, m, &share, frame, id);
}

static void log_accepted(const struct request *r, const struct terms *t)
{
	const struct hub_client *to = directory_by_id(vault_directory(r->hub->vault), &t->receiver[0]);
	char hex[ID_HEX_LEN];

	log_info("%s -> %s%s: key %s, %u bytes, n = %u, k = %u", conn_who(r->conn), to ? to->who.name : "?",
		 t->receiver_count > 1 ? " and others" : "", id_hex(&t->key_id, hex), t->key_len, t->n, t->k);
}

void relay_share(struct request *r)
{
	struct msg_share m;
	struct verdict v = {.status = STATUS_ACCEPTED};
	uint8_t bytes[CONN_ANSWER_LEN_MAX];
	struct buf frame;
	int64_t id = 0;
	dske_rc rc = msg_share_read(&m, r->e->body, r->e->body_len);

	if (!rc_ok(rc)) {
		request_reply(r, STATUS_MALFORMED, rc_detail(rc));
		return;
	}
	if (!authorise(r, &m, &v)) {
		request_reply(r, v.status, v.why);
		return;
	}
	buf_fixed(&frame, bytes, sizeof bytes);
	rc = accept_share(r, &m, &frame, &id);
	if (!rc_ok(rc)) {
		/* The frame that says ACCEPTED stays here, so the reply key is still good for one that says no. */
		request_reply(r, STATUS_INTERNAL, rc_detail(rc));
		return;
	}
	log_accepted(r, &m.terms);
	conn_answer_keep(r->conn, r->digest, &frame);
	conn_send(r->conn, frame.data, frame.len);
	if (!terms_are_long(&m.terms)) /* or when its last part is here */
		wait_offer(r->hub, &m.terms, id);
}

/* ---- out: INSTRUCTION ------------------------------------------------------------------------------ */

static struct sent *sent_find(const struct conn *c, int64_t share)
{
	struct sent *s = c->sent;

	while (s && s->share != share)
		s = s->next;
	return s;
}

static void sent_free(struct sent *s)
{
	secret_drop(&s->receipt_key);
	parcel_drop(s->frame);
	free(s);
}

void relay_drop_sent(struct conn *c)
{
	while (c->sent) {
		struct sent *s = c->sent;

		/* A mailbox that fails is found by its commit, which ends the hub. */
		(void)mailbox_wasted(c->hub->mailbox, s->share, &c->table->client->who.id);
		c->sent = s->next;
		sent_free(s);
	}
}

/* DSKE 2.3.2: R_i^B from the receiver's table; Z_i^B = Y_i xor R_i^B, and a message tag. */
static dske_rc seal_under(struct conn *c, struct pad *pad, const struct terms *t, struct secret *share, struct sent *s)
{
	uint8_t tag_key[TAG_KEY_LEN];
	struct envelope e = {.type = MESSAGE_INSTRUCTION, .sender = c->hub->conf.id, .table = c->table->id,
			     .offset = pad->offset, .length = s->length};

	s->offset = pad->offset;
	TRY(secret_alloc(&s->receipt_key, TAG_KEY_LEN));
	TRY(pad_take(pad, tag_key, sizeof tag_key));

	dske_rc rc = pad_take(pad, s->receipt_key.data, TAG_KEY_LEN);

	if (rc_ok(rc))
		rc = pad_xor(pad, share->data, share->data, share->len); /* the share is ciphertext from here on */
	if (rc_ok(rc))
		rc = msg_instruction_write(&s->frame->bytes, &(struct msg_instruction){.terms = *t, .share = share->data,
											.share_len = share->len});
	if (rc_ok(rc))
		rc = parcel_close(s->frame, &e, tag_key);
	mem_wipe(tag_key, sizeof tag_key);
	return rc;
}

static dske_rc seal(struct conn *c, const struct terms *t, struct secret *share, struct sent *s)
{
	AUTO(pad) pad = {0};

	s->length = (uint32_t)(PAD_KEYS_LEN + share->len);
	s->frame = parcel_new(share->len + TERMS_ROOM);
	if (!s->frame)
		return rc_make(DSKE_RC_NOMEM);
	TRY(conn_window_reserve(&c->down, s->length, &pad));
	return seal_under(c, &pad, t, share, s);
}

static void log_sent(const struct conn *c, const struct terms *t)
{
	const struct hub_client *from = directory_by_id(vault_directory(c->hub->vault), &t->initiator);
	char hex[ID_HEX_LEN];

	log_debug("%s <- %s: key %s", conn_who(c), from ? from->who.name : "?", id_hex(&t->key_id, hex));
}

static void dispatch_sent(struct conn *c, const struct terms *t, struct sent *s)
{
	s->next = c->sent;
	s->key_len = t->key_len;
	s->initiator = t->initiator;
	s->key_id = t->key_id;
	s->piece = 1;
	c->sent = s;
	c->sent_len += parcel_len(s->frame);
	if (log_wants(LOG_LEVEL_DEBUG))
		log_sent(c, t);
	conn_send_parcel(c, s->frame);
}

static enum push push_opened(struct conn *c, const struct terms *t, struct secret *share, int64_t id, uint64_t wait)
{
	struct sent *s = calloc(1, sizeof *s);

	if (!s) {
		log_error("%s: cannot seal a share: out of memory", conn_who(c));
		return PUSH_NOTHING;
	}
	s->share = id;
	s->wait = wait;

	dske_rc rc = seal(c, t, share, s);

	if (rc_ok(rc)) {
		conn_worked(c, 0, parcel_len(s->frame));
		dispatch_sent(c, t, s);
		relay_pieces(c);
		return PUSH_DONE;
	}
	sent_free(s);
	if (rc_is(rc, DSKE_RC_EXHAUSTED))
		return PUSH_NO_WINDOW;
	log_error("%s: cannot seal a share: %s", conn_who(c), rc_detail(rc));
	return PUSH_NOTHING;
}

/* Whoever does not say that he has it, or will not have it, gets it so often and no more; and it counts toward what may be
 * sent to him each time.  Otherwise one share would use up all of his table. */
static bool may_seal(struct conn *c, const struct mailbox_found *found, const struct terms *t)
{
	const struct identity *to = &c->table->client->who;
	bool allowed = true;
	char why[160] = "";

	if (found->wasted == 0)
		return true;
	if (found->wasted >= CONN_SEALINGS_MAX) {
		log_warn("share %lld was sealed %u times for %s, who never said that he has it: it is given up",
			 (long long)found->id, found->wasted, to->name);
		(void)mailbox_receipt(c->hub->mailbox, found->id, &to->id);
		return false;
	}
	if (!rc_ok(quota_take_again(c->hub, t, &to->id, MSG_RANGES_LEN(t), &allowed, why)))
		return false;
	if (!allowed)
		log_info("%s: share %lld is not sent again: %s", to->name, (long long)found->id, why);
	return allowed;
}

/* One that was not sent on this connection before.  What there is no window for is not even read. */
static enum push push_new(struct conn *c, const struct mailbox_found *found, uint64_t wait)
{
	AUTO(secret) share = {0};
	struct terms t;

	if (c->sent_len >= CONN_SENT_MAX)
		return PUSH_UNANSWERED;
	if (found->length > 0 && !conn_window_room(&c->down, found->length))
		return PUSH_NO_WINDOW;

	dske_rc rc = mailbox_get(c->hub->mailbox, found->id, &t, &share);

	if (!rc_ok(rc)) {
		log_error("%s: share %lld cannot be delivered: %s", conn_who(c), (long long)found->id, rc_detail(rc));
		return PUSH_NOTHING;
	}
	/* Policy may have changed since the share was taken. */
	if (!peer_by_id(c->hub, c->table->client, &t.initiator))
		return PUSH_NOTHING;
	if (terms_are_long(&t) && relay_is_under_way(c))
		return PUSH_BEHIND;
	if (!conn_window_room(&c->down, MSG_SHARE_RANGE_LEN(&t)))
		return PUSH_NO_WINDOW;
	if (!may_seal(c, found, &t))
		return PUSH_NOTHING;
	return push_opened(c, &t, &share, found->id, wait);
}

enum push relay_push(struct conn *c, const struct mailbox_found *share, bool again, uint64_t wait)
{
	struct sent *s = sent_find(c, share->id);

	if (s)
		s->wait = wait;
	if (s && (!again || key_part_count(s->key_len) > 1)) /* pieces are not kept to be sent again */
		return PUSH_DONE;
	if (conn_queued(c) >= CONN_OUT_HIGH)
		return PUSH_QUEUED;
	if (!s)
		return push_new(c, share, wait);
	conn_worked(c, 0, parcel_len(s->frame));
	conn_send_parcel(c, s->frame);
	return PUSH_DONE;
}

/* ---- the end: RECEIPT ------------------------------------------------------------------------------ */

static const char *const verdict_text[] = {
	[RECEIPT_KEPT] = "kept",
	[RECEIPT_REFUSED] = "refused by the receiver: not acceptable to him",
	[RECEIPT_CORRUPT] = "found corrupt by the receiver",
};

static void receipt_take(struct request *r, struct sent **at, enum receipt_verdict verdict)
{
	struct conn *c = r->conn;
	struct sent *s = *at;
	dske_rc rc = mailbox_receipt(r->hub->mailbox, s->share, &r->t->client->who.id);

	if (!rc_ok(rc))
		log_error("%s: a receipt could not be stored: %s", conn_who(c), rc_detail(rc));
	if (verdict == RECEIPT_KEPT)
		log_debug("%s: share %lld was kept", conn_who(c), (long long)s->share);
	else
		log_warn("%s: share %lld was %s", conn_who(c), (long long)s->share, verdict_text[verdict]);
	c->active_ms = r->hub->now_ms;
	if (verdict == RECEIPT_KEPT)
		wait_end(c, s->wait);
	*at = s->next;
	c->sent_len -= parcel_len(s->frame);
	sent_free(s);
	if ((c->unanswered && c->sent_len < CONN_SENT_MAX) || c->behind)
		wait_room(c);
}

void relay_receipt(struct request *r)
{
	struct sent **at = &r->conn->sent;
	struct msg_receipt m;

	while (*at && ((*at)->offset != r->e->offset || (*at)->length != r->e->length))
		at = &(*at)->next;
	/* The receipt's key was used for a receipt already, or belongs to a connection that is gone. */
	if (!*at || r->conn->table != r->t)
		conn_refuse(r->conn, r->e, NOTE_NO_LEASE, 0);
	else if (!frame_verify(r->e, (*at)->receipt_key.data))
		conn_refuse(r->conn, r->e, NOTE_BAD_TAG, 0);
	else if (!rc_ok(msg_receipt_read(&m, r->e->body, r->e->body_len)))
		conn_refuse(r->conn, r->e, NOTE_ENVELOPE, 0);
	else
		receipt_take(r, at, m.verdict);
}
