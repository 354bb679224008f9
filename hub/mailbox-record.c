/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/mailbox-record.c - a share's record: written when it comes and when its segment goes, read when it is fetched and
 * when the mailbox is opened.  doc/mailbox.md has the bytes.
 */
#include "hub/mailbox-impl.h"

#include <stdlib.h>
#include <string.h>

#define RECEIPTED UINT32_MAX
#define DELIVERIES_MAX TERMS_RECEIVERS_MAX

/* In front; the answer follows, the terms, then what is there of the rest. */
struct share_head {
	int64_t id;
	struct id initiator, key_id, source;
	uint64_t offset;
	uint8_t digest[FRAME_DIGEST_LEN];
	uint32_t due, forget, range_len;
	uint16_t answer_len, terms_len; /* no terms: a tombstone */
	uint8_t receivers, left, superseded, is_again;
	uint8_t has_round, has_parts, zero[2];
};

struct parts_head {
	uint32_t key_len, ttl, next, zero;
	uint64_t rest;
	struct tag key_tag;
};

/* The rest, in order: what each delivery was wasted, for a share that waits; the round; parts and their places. */
static size_t rest_len(const struct share_head *h, unsigned parts)
{
	return (h->terms_len > 0 ? h->receivers * sizeof(uint32_t) : 0) + (h->has_round ? sizeof(struct mailbox_round) : 0) +
	       (h->has_parts ? sizeof(struct parts_head) + parts * sizeof(struct journal_place) : 0);
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(at, bytes, len);
	return at + len;
}

static void rest_write(uint8_t *at, const struct share_head *h, const struct share *s)
{
	for (size_t i = 0; h->terms_len > 0 && i < h->receivers; i++) {
		uint32_t wasted = !s->delivery ? 0 : s->delivery[i].pair ? s->delivery[i].wasted : RECEIPTED;

		at = put(at, &wasted, sizeof wasted);
	}
	if (h->has_round)
		at = put(at, s->round, sizeof *s->round);
	if (!h->has_parts)
		return;

	const struct long_key *l = s->parts;
	struct parts_head p = {.key_len = l->key_len, .ttl = l->ttl, .next = l->next, .rest = l->rest, .key_tag = l->key_tag};

	at = put(at, &p, sizeof p);
	if (l->next > 1)
		put(at, l->part + 1, (l->next - 1) * sizeof l->part[0]);
}

/* ---- bodies --------------------------------------------------------------------------------------------- */

dske_rc body_seal(struct mailbox *m, struct storekey_about about, const struct secret *in, uint8_t *out)
{
	struct storekey_seal seal;

	TRY(storekey_encrypt(&m->key, &seal, about, in->data, in->len, out + sizeof seal));
	memcpy(out, &seal, sizeof seal);
	return DSKE_OK;
}

dske_rc body_open(struct mailbox *m, struct storekey_about about, const uint8_t *body, size_t body_len, struct secret *out)
{
	struct storekey_seal seal;

	if (body_len < BODY_MORE)
		return FAIL(CORRUPT, "a share in the mailbox has no seal");
	memcpy(&seal, body, sizeof seal);
	TRY(secret_alloc(out, body_len - BODY_MORE));
	return storekey_decrypt(&m->key, &seal, about, body + sizeof seal, body_len - BODY_MORE, out->data);
}

/* A share is bound at rest with its number and its terms. */
struct about {
	int64_t id;
	uint8_t terms[JOURNAL_HEAD_MAX];
};

static struct storekey_about about_make(struct about *a, int64_t id, const uint8_t *terms, size_t terms_len)
{
	a->id = id;
	memcpy(a->terms, terms, terms_len);
	return (struct storekey_about){a, sizeof a->id + terms_len};
}

/* ---- out of the index --------------------------------------------------------------------------------------- */

static struct share_head head_of(const struct share *s)
{
	return (struct share_head){
		.id = s->id, .key_id = s->key_id, .due = s->due, .forget = s->forget, .range_len = s->range_len,
		.receivers = s->receivers, .left = s->left, .superseded = s->superseded,
		.has_round = s->round != NULL, .has_parts = s->parts != NULL};
}

dske_rc share_write_new(struct mailbox *m, const struct mailbox_put *p, int64_t id, struct share *s)
{
	uint8_t terms[JOURNAL_HEAD_MAX];
	struct share_head h = head_of(s);
	struct about about;
	struct journal_room room;
	struct buf b;

	buf_fixed(&b, terms, sizeof terms);
	TRY(msg_terms_write(&b, p->terms));
	h.initiator = p->terms->initiator;
	h.source = p->table;
	h.offset = p->offset;
	memcpy(h.digest, p->digest, sizeof h.digest);
	h.answer_len = (uint16_t)p->answer->len;
	h.terms_len = (uint16_t)b.len;

	size_t len = sizeof h + h.answer_len + h.terms_len + rest_len(&h, 0);

	if (p->answer->len > UINT16_MAX || len > JOURNAL_HEAD_MAX)
		return FAIL(TOOBIG, "a share's record of %zu bytes is too long", len);
	TRY(mailbox_begin(m, RECORD_SHARE, len, p->share->len + BODY_MORE, &room));

	uint8_t *at = put(room.head, &h, sizeof h);

	at = put(at, p->answer->data, h.answer_len);
	at = put(at, terms, h.terms_len);
	rest_write(at, &h, s);
	s->at = room.place;
	s->head_len = (uint32_t)len;
	s->body_len = (uint32_t)(p->share->len + BODY_MORE);
	TRY(mailbox_break(m, body_seal(m, about_make(&about, id, terms, h.terms_len), p->share, room.body)));
	mailbox_end(m, false);
	return DSKE_OK;
}

/* ---- from disk ------------------------------------------------------------------------------------------------ */

static dske_rc damaged(void)
{
	return FAIL(CORRUPT, "a share in the mailbox cannot be decoded");
}

static dske_rc head_read(const struct journal_record *r, struct share_head *h)
{
	if (r->type != RECORD_SHARE || r->head_len < sizeof *h)
		return damaged();
	memcpy(h, r->head, sizeof *h);
	if (r->head_len < sizeof *h + h->answer_len + h->terms_len + rest_len(h, 0) || h->receivers > DELIVERIES_MAX ||
	    h->left > h->receivers || (h->terms_len == 0 && h->has_parts) || h->receivers == 0)
		return damaged();
	return DSKE_OK;
}

static void say(struct share_said *said, const struct share_head *h, const struct journal_record *r)
{
	*said = (struct share_said){.initiator = h->initiator, .key_id = h->key_id, .source = h->source, .offset = h->offset,
				    .digest = r->head + offsetof(struct share_head, digest), .answer = r->head + sizeof *h,
				    .answer_len = h->answer_len, .terms = r->head + sizeof *h + h->answer_len,
				    .terms_len = h->terms_len, .body = journal_body(r)};
}

dske_rc share_read(struct mailbox *m, const struct share *s, bool with_body, struct buf *bytes, struct share_said *said)
{
	struct journal_record r;
	struct share_head h;
	size_t body_len = with_body ? s->body_len : 0, len = journal_len(s->head_len, body_len);

	buf_heap(bytes, len);

	uint8_t *out = buf_grow(bytes, len);

	TRY(buf_rc(bytes));
	TRY(journal_read(m->journal, s->at, s->head_len, body_len, out, &r));
	TRY(head_read(&r, &h));
	say(said, &h, &r);
	return h.id == s->id ? DSKE_OK : damaged();
}

dske_rc share_terms(const struct share_said *said, struct terms *t)
{
	struct cbor_reader r;

	*t = (struct terms){0};
	cbor_reader_init(&r, said->terms, said->terms_len);
	msg_terms_read(&r, t);
	return rc_ok(cbor_end(&r)) ? DSKE_OK : damaged();
}

/* A disk that says that it is done before it is may have lost a receipt and kept the erasing that followed it. */
static bool is_erased(const uint8_t *body, size_t len)
{
	while (len > 0 && body[len - 1] == 0)
		len--;
	return len == 0;
}

dske_rc mailbox_get(struct mailbox *m, int64_t id, struct terms *terms, struct secret *share)
{
	AUTO(buf) bytes = {0};
	struct share_said said;
	struct about about;

	TRY(mailbox_alive(m));

	struct share *s = share_find(m, id);

	if (!s || s->body_len == 0)
		return rc_make(DSKE_RC_NOT_FOUND);
	TRY(share_read(m, s, true, &bytes, &said));
	if (is_erased(said.body, s->body_len)) {
		TRY(share_give_up(m, s));
		return rc_make(DSKE_RC_NOT_FOUND);
	}
	TRY(share_terms(&said, terms));

	dske_rc rc = body_open(m, about_make(&about, id, said.terms, said.terms_len), said.body, s->body_len, share);

	if (!rc_ok(rc))
		secret_drop(share);
	else if (s->parts)
		terms->key_tag = s->parts->key_tag;
	return rc;
}

/* ---- written again ------------------------------------------------------------------------------------------ */

/* What a tombstone does without: terms and body. */
dske_rc share_write_again(struct mailbox *m, struct share *s)
{
	AUTO(buf) bytes = {0};
	struct share_head h = head_of(s);
	struct share_said said;
	struct journal_room room;

	TRY(mailbox_break(m, share_read(m, s, s->body_len > 0, &bytes, &said)));
	h.initiator = said.initiator;
	h.source = said.source;
	h.offset = said.offset;
	memcpy(h.digest, said.digest, sizeof h.digest);
	h.answer_len = (uint16_t)said.answer_len;
	h.terms_len = s->body_len > 0 ? (uint16_t)said.terms_len : 0;
	h.is_again = true;

	size_t len = sizeof h + h.answer_len + h.terms_len + rest_len(&h, s->parts ? s->parts->next - 1 : 0);

	TRY(mailbox_begin(m, RECORD_SHARE, len, s->body_len, &room));

	uint8_t *at = put(room.head, &h, sizeof h);

	at = put(at, said.answer, h.answer_len);
	at = put(at, said.terms, h.terms_len);
	rest_write(at, &h, s);
	put(room.body, said.body, s->body_len);
	mailbox_end(m, true);
	m->live += journal_len(len, s->body_len);
	m->live -= journal_len(s->head_len, s->body_len);
	s->at = room.place;
	s->head_len = (uint32_t)len;
	return DSKE_OK;
}

/* ---- when the mailbox is opened ------------------------------------------------------------------------------ */

static dske_rc parts_read(struct mailbox *m, struct share *s, const uint8_t *at, const uint8_t *end)
{
	struct parts_head p;

	memcpy(&p, at, sizeof p);
	at += sizeof p;
	if (p.key_len > KEY_LEN_MAX || p.next < 1 || p.next > key_part_count(p.key_len) || p.next > KEY_PARTS_MAX ||
	    (size_t)(end - at) < (p.next - 1) * sizeof(struct journal_place))
		return damaged();
	s->parts = long_new(p.key_len, p.ttl, p.rest);
	if (!s->parts)
		return rc_make(DSKE_RC_NOMEM);
	s->parts->key_tag = p.key_tag;
	for (unsigned i = 1; i < p.next; i++, at += sizeof(struct journal_place)) {
		struct journal_place place;

		memcpy(&place, at, sizeof place);
		TRY(long_place(m, s, i, place));
	}
	return DSKE_OK;
}

static dske_rc rest_read(struct mailbox *m, struct share *s, const struct share_head *h, const struct journal_record *r, uint32_t *wasted)
{
	const uint8_t *at = r->head + sizeof *h + h->answer_len + h->terms_len, *end = r->head + r->head_len;

	if (h->terms_len > 0) {
		memcpy(wasted, at, h->receivers * sizeof *wasted);
		at += h->receivers * sizeof *wasted;
	}
	if (h->has_round) {
		s->round = malloc(sizeof *s->round);
		if (!s->round)
			return rc_make(DSKE_RC_NOMEM);
		memcpy(s->round, at, sizeof *s->round);
		at += sizeof *s->round;
	}
	return h->has_parts ? parts_read(m, s, at, end) : DSKE_OK;
}

static dske_rc share_from(struct mailbox *m, struct share *s, const struct share_head *h, const struct journal_record *r)
{
	uint32_t wasted[DELIVERIES_MAX];
	struct share_said said;
	struct terms t;
	dske_rc rc = DSKE_OK;

	say(&said, h, r);
	if (h->terms_len > 0)
		rc = share_terms(&said, &t);
	if (rc_ok(rc) && h->terms_len > 0 && (t.receiver_count != h->receivers || r->body_len == 0))
		rc = damaged();
	if (rc_ok(rc))
		rc = rest_read(m, s, h, r, wasted);
	if (!rc_ok(rc)) {
		long_free(s->parts);
		free(s->round);
		free(s);
		return rc;
	}
	rc = share_add(m, s, &h->initiator, h->terms_len > 0 ? &t : NULL, wasted, source_hash(m, &h->source, h->offset));

	if (rc_ok(rc) && h->terms_len > 0 && !h->is_again && !s->parts)
		share_supersede(m, s);
	return rc;
}

dske_rc share_replay(struct mailbox *m, const struct journal_record *r)
{
	struct share_head h;

	TRY(head_read(r, &h));

	struct share *old = share_find(m, h.id), *s;

	if (old)
		share_forget(m, old); /* written again before the segment went */
	if (share_named(m, &h.initiator, &h.key_id))
		return FAIL(CORRUPT, "the mailbox is damaged: it has a name twice");
	s = calloc(1, sizeof *s);
	if (!s)
		return rc_make(DSKE_RC_NOMEM);
	*s = (struct share){.key_id = h.key_id, .id = h.id, .at = r->place, .head_len = r->head_len,
			    .body_len = h.terms_len > 0 ? r->body_len : 0, .due = h.due, .forget = h.forget,
			    .range_len = h.range_len, .receivers = h.receivers, .left = h.left, .superseded = h.superseded};
	return share_from(m, s, &h, r);
}

dske_rc share_sound(struct mailbox *m, const struct journal_record *r, const uint8_t *body)
{
	AUTO(secret) share = {0};
	struct share_said said;
	struct share_head h;
	struct about about;

	TRY(head_read(r, &h));
	say(&said, &h, r);
	return body_open(m, about_make(&about, h.id, said.terms, said.terms_len), body, r->body_len, &share);
}
