/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "test/client/mock-hub-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/net.h"
#include "pskm/list.h"

/* ---- sending ----------------------------------------------------------------------------------------------- */

static void conn_send(struct mock_hub *h, struct mock_conn *c, const uint8_t *bytes, size_t len)
{
	for (size_t done = 0; done < len && !c->over && !h->stop;) {
		size_t n = 0, most = h->manner == MOCK_TRICKLES ? 1 : len - done;
		if (!rc_ok(net_write(c->fd.n, bytes + done, most, &n)))
			c->over = true;
		done += n;
		if (n == 0 || h->manner == MOCK_TRICKLES)
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

void mock_frame(struct mock_hub *h, struct mock_conn *c, uint8_t type, uint64_t offset, uint64_t length,
		       const struct buf *body, const uint8_t *key, bool spoil)
{
	AUTO(buf) frame = {0};
	struct envelope e = {.type = type, .sender = h->id, .table = c->client->header.table, .offset = offset,
			     .length = (uint32_t)length, .body = body->data, .body_len = body->len};
	buf_heap(&frame, FRAME_HEAD_LEN + FRAME_MAX);
	NEED(frame_write(&frame, &e, key));
	if (spoil)
		frame.data[frame.len - 1] ^= 1;
	if (h->keeps_answer) {
		buf_heap(&h->answer[h->answers].frame, FRAME_MAX);
		buf_put(&h->answer[h->answers++].frame, frame.data, frame.len);
		h->keeps_answer = false;
	}
	conn_send(h, c, frame.data, frame.len);
}

void mock_note(struct mock_hub *h, struct mock_conn *c, const struct envelope *about, unsigned code, uint64_t hint)
{
	uint8_t room[32];
	struct buf body;
	buf_fixed(&body, room, sizeof room);
	NEED(msg_note_write(&body, &(struct msg_note){.code = code, .hint = hint}));
	mock_frame(h, c, MESSAGE_NOTE, about->offset, about->length, &body, NULL, false);
}

/* ---- activation and lease ---------------------------------------------------------------------------------- */

static void take_activate(struct mock_hub *h, struct mock_conn *c, const struct envelope *e)
{
	uint8_t key[32], room[64];
	struct msg_activation m;
	struct buf body;
	NEED(table_activation_key(c->client->table, ACTIVATION_KEY_ACTIVATE, key));
	if (!frame_verify(e, key)) {
		mock_note(h, c, e, NOTE_BAD_TAG, 0);
		return;
	}
	NEED(msg_activation_read(&m, e->body, e->body_len));
	bool frozen = !rc_ok(table_activate(c->client->table, &m.nonce));
	if (frozen)
		m.nonce = (struct id){{0}};
	NEED(table_activation_key(c->client->table, frozen ? ACTIVATION_KEY_FROZEN : ACTIVATION_KEY_ACTIVATED, key));
	buf_fixed(&body, room, sizeof room);
	NEED(msg_activation_write(&body, &m));
	mock_frame(h, c, frozen ? MESSAGE_FROZEN : MESSAGE_ACTIVATED, e->offset, e->length, &body, key, false);
}

/* To anything that is said about a table that is frozen. */
static void send_frozen(struct mock_hub *h, struct mock_conn *c)
{
	const struct pskm_header *header = &c->client->header;
	uint8_t key[32], room[64];
	struct buf body;
	NEED(table_activation_key(c->client->table, ACTIVATION_KEY_FROZEN, key));
	buf_fixed(&body, room, sizeof room);
	NEED(msg_activation_write(&body, &(struct msg_activation){0}));
	mock_frame(h, c, MESSAGE_FROZEN, header->layout.region[REGION_ACTIVATION].start, ACTIVATION_LEN, &body, key,
		   h->manner == MOCK_CRIES_FROZEN);
}

static bool is_frozen(const struct mock_client *c)
{
	struct table_status s;
	NEED(table_status(c->table, &s));
	return s.state == TABLE_FROZEN;
}

static void grant(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, const struct msg_lease *m,
		  const uint8_t digest[16])
{
	uint8_t room[128];
	struct buf body;
	struct window *up = NULL;
	struct msg_grant g = {.nonce_c = m->nonce_c};
	NEED(table_lease_grant(c->client->table, m->slot, digest, m->lowest, m->wanted, UINT64_MAX, &up));
	window_free(c->up_old);
	c->up_old = c->up;
	c->up = up;
	c->slot = m->slot;
	g.start = window_start(up);
	g.end = window_end(up);
	buf_fixed(&body, room, sizeof room);
	NEED(id_random(&g.nonce_h));
	NEED(msg_grant_write(&body, &g));
	h->leases++;
	mock_frame(h, c, MESSAGE_GRANT, e->offset, e->length, &body, c->keys.bytes.data + 32, h->manner == MOCK_BAD_GRANT);
}

static void refuse_clone(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, const struct msg_lease *m,
			 enum lease_kind kind, uint64_t next)
{
	uint8_t room[64];
	struct buf body;
	if (kind == LEASE_REPEATED || !rc_ok(table_lease_refuse(c->client->table, m->slot, kind))) {
		mock_note(h, c, e, NOTE_SLOT_TAKEN, next);
		return;
	}
	h->clone_alarms++;
	buf_fixed(&body, room, sizeof room);
	NEED(msg_cloned_write(&body, &(struct msg_cloned){.nonce_c = m->nonce_c, .next_slot = next}));
	mock_frame(h, c, MESSAGE_CLONED, e->offset, e->length, &body, c->keys.bytes.data + 96, false);
}

static void take_lease(struct mock_hub *h, struct mock_conn *c, const struct envelope *e)
{
	struct msg_lease m;
	enum lease_kind kind;
	uint64_t next = 0, slot = (e->offset - c->client->header.layout.region[REGION_LEASE].start) / LEASE_SLOT_LEN;
	uint8_t digest[16];
	lease_keys_drop(&c->keys);
	NEED(table_lease_keys(c->client->table, slot, &c->keys));
	if (!frame_verify(e, c->keys.bytes.data)) {
		mock_note(h, c, e, NOTE_BAD_TAG, 0);
		return;
	}
	NEED(msg_lease_read(&m, e->body, e->body_len));
	frame_digest(e, digest);
	if (h->overtakes != NULL)
		h->overtakes(h, c->client, slot);
	NEED(table_lease_classify(c->client->table, slot, digest, &kind, &next));
	if (kind == LEASE_FRESH) {
		grant(h, c, e, &m, digest);
		c->over = h->manner == MOCK_CUTS_GRANTS;
	} else
		refuse_clone(h, c, e, &m, kind, next);
}

/* ---- shares -------------------------------------------------------------------------------------------------- */

static bool wait_matches(const struct mock_wait *w, const struct terms *t, bool is_pushy)
{
	if (!id_equal(&w->initiator, &t->initiator) || (terms_are_long(t) && !w->takes_long && !is_pushy))
		return false;
	if (w->selector == WAIT_KEY_ID)
		return memcmp(w->value, t->key_id.b, ID_LEN) == 0;
	return w->value_len == t->context_len && memcmp(w->value, t->context, w->value_len) == 0;
}

/* What the receiver is told. */
static void tell(const struct mock_hub *h, struct msg_instruction *m)
{
	if (h->manner == MOCK_TELLS_FALLBACK) {
		m->terms.scheme = SCHEME_FALLBACK;
		nanosleep(&(struct timespec){.tv_nsec = 8000000}, NULL);
	}
	if (m->terms.scheme != SCHEME_ADAPTED)
		return;
	if (h->manner == MOCK_RETELLS_SECOND)
		m->terms.k--;
	if (h->manner == MOCK_SHORTENS_SECOND) {
		m->terms.key_len--;
		m->share_len--;
	}
}

static void push(struct mock_hub *h, struct mock_conn *c, struct mock_share *s)
{
	AUTO(pad) pad = {0};
	AUTO(buf) body = {0};
	size_t len = terms_part_len(&s->terms, 0);
	uint8_t key[TAG_KEY_LEN], *cipher = malloc(len);
	struct msg_instruction m = {.terms = s->terms, .share = cipher, .share_len = len};
	tell(h, &m);
	len = m.share_len;
	NEED(window_reserve(c->down, PAD_KEYS_LEN + len, &pad));
	NEED(pad_take(&pad, key, sizeof key));
	secret_drop(&s->receipt_key);
	NEED(secret_alloc(&s->receipt_key, TAG_KEY_LEN));
	NEED(pad_take(&pad, s->receipt_key.data, TAG_KEY_LEN));
	NEED(pad_xor(&pad, cipher, s->bytes.data, len));
	if (h->manner == MOCK_CORRUPTS || (h->manner == MOCK_CORRUPTS_SECOND && s->terms.scheme == SCHEME_ADAPTED))
		NEED(random_fill(cipher, len)); /* errors of several hubs that have nothing in common */
	buf_heap(&body, FRAME_MAX);
	NEED(msg_instruction_write(&body, &m));
	s->sealed_at = pad.offset;
	s->sealed_for = c;
	s->piece = 1;
	h->instructions++;
	mock_frame(h, c, MESSAGE_INSTRUCTION, pad.offset, PAD_KEYS_LEN + len, &body, key, h->manner == MOCK_BAD_INSTRUCTION);
	free(cipher);
	bool is_cut = h->manner == MOCK_CUTS_INSTRUCTION || (h->manner == MOCK_CUTS_SECOND && s->terms.scheme == SCHEME_ADAPTED);
	if (is_cut && h->bad_left > 0) {
		h->bad_left--;
		c->over = true;
		return;
	}
	if (h->manner != MOCK_INTERLEAVES)
		mock_pieces(h, c);
}

static void push_to(struct mock_hub *h, struct mock_conn *c)
{
	if (h->manner == MOCK_SWELLS)
		mock_swell(h);
	for (size_t i = 0; i < h->shares; i++) {
		struct mock_share *s = &h->share[i];
		if (s->delivered || s->sealed_for == c || s->next < terms_part_count(&s->terms) || c->client == NULL || !id_equal(&c->client->id, &s->terms.receiver[0]))
			continue;
		for (size_t w = 0; w < c->waits; w++) {
			if (!wait_matches(&c->wait[w], &s->terms, h->manner == MOCK_PUSHES_LONG))
				continue;
			bool small = h->manner == MOCK_SMALL_WINDOW && h->bad_left > 0;
			if (!small && mock_has_room(c, MSG_SHARE_RANGE_LEN(&s->terms))) {
				push(h, c, s);
				break;
			}
			h->bad_left -= small;
			mock_note(h, c, &(struct envelope){.offset = c->wait[w].offset, .length = PAD_KEYS_LEN},
				  NOTE_WINDOW_SPENT, 0);
		}
	}
}

void mock_push_all(struct mock_hub *h)
{
	for (size_t i = 0; i < MOCK_CONNS; i++) {
		if (h->conn[i].fd.n >= 0)
			push_to(h, &h->conn[i]);
	}
}

/* Answers under the reply key of the range. */
static void reply(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad, uint8_t type,
		  const struct buf *body)
{
	uint8_t key[TAG_KEY_LEN];
	NEED(pad_take(pad, key, sizeof key));
	mock_frame(h, c, type, e->offset, e->length, body, key, h->manner == MOCK_BAD_REPLY);
}

void mock_reply(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad, unsigned status)
{
	uint8_t room[16];
	struct buf body;
	buf_fixed(&body, room, sizeof room);
	NEED(msg_reply_write(&body, &(struct msg_reply){.status = status}));
	reply(h, c, e, pad, MESSAGE_REPLY, &body);
}

static void keep_share(struct mock_hub *h, const struct msg_share *m, struct pad *pad)
{
	struct mock_share *s = &h->share[h->shares++];
	size_t len = terms_part_len(&m->terms, 0);
	need_true(h->shares < MOCK_SHARES, "too many shares", __LINE__);
	*s = (struct mock_share){.terms = m->terms, .next = 1};
	NEED(secret_alloc(&s->bytes, terms_share_len(&m->terms)));
	/* Behind the reply key, which is taken later. */
	memcpy(s->bytes.data, pad_peek(pad, TAG_KEY_LEN, len), len);
	for (size_t i = 0; m->mode == SHARE_MODE_SEALED && i < len; i++)
		s->bytes.data[i] ^= m->share[i];
}

static void take_share(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad)
{
	struct msg_share m;
	h->share_frames++;
	NEED(msg_share_read(&m, e->body, e->body_len));
	need_true(e->length == MSG_SHARE_RANGE_LEN(&m.terms), "length of a SHARE", __LINE__);
	if (h->manner == MOCK_REFUSES) {
		mock_reply(h, c, e, pad, STATUS_UNKNOWN_CLIENT);
		return;
	}
	keep_share(h, &m, pad);
	if (h->manner == MOCK_DIES_AFTER_SHARE && h->bad_left > 0) {
		h->bad_left--;
		c->over = true;
	}
	/* The answer is kept, as the real hub's is, and sent when the same bytes come again. */
	frame_digest(e, h->answer[h->answers].digest);
	h->keeps_answer = true;
	mock_reply(h, c, e, pad, STATUS_ACCEPTED);
	mock_push_all(h);
}

static void take_wait(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad)
{
	struct msg_wait m;
	NEED(msg_wait_read(&m, e->body, e->body_len));
	if (h->manner == MOCK_REFUSES) {
		mock_reply(h, c, e, pad, STATUS_UNKNOWN_CLIENT);
		return;
	}
	struct mock_wait *w = &c->wait[c->waits_so_far++ % MOCK_WAITS];
	c->waits = c->waits_so_far < MOCK_WAITS ? c->waits_so_far : MOCK_WAITS;
	*w = (struct mock_wait){.initiator = m.initiator, .selector = m.selector, .value_len = m.value_len, .offset = e->offset,
				.takes_long = m.takes_long};
	if (m.value_len > 0)
		memcpy(w->value, m.value, m.value_len);
	if (h->manner == MOCK_LATE && h->bad_left > 0) {
		h->bad_left--;
		nanosleep(&(struct timespec){.tv_sec = 2}, NULL);
		while (h->is_held && !h->stop)
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	mock_reply(h, c, e, pad, STATUS_ACCEPTED);
	push_to(h, c);
}

static void take_identify(struct mock_hub *h, struct mock_conn *c, const struct envelope *e, struct pad *pad)
{
	AUTO(buf) body = {0};
	struct msg_identify m;
	struct msg_identity answer = {.status = STATUS_UNKNOWN_CLIENT};
	NEED(msg_identify_read(&m, e->body, e->body_len));
	for (size_t i = 0; i < h->clients; i++) {
		const struct mock_client *k = &h->client[i];
		if (m.kind == IDENTIFY_NAME ? strcmp(m.name, k->name) != 0 : !id_equal(&m.id, &k->id))
			continue;
		answer.status = STATUS_ACCEPTED;
		answer.id = k->id;
		answer.id.b[0] ^= h->manner == MOCK_LIES;
		strcpy(answer.name, k->name);
		snprintf(answer.local, sizeof answer.local, "c-%.30s", h->name);
	}
	buf_heap(&body, 1024);
	NEED(msg_identity_write(&body, &answer));
	reply(h, c, e, pad, MESSAGE_IDENTITY, &body);
}

static void take_receipt(struct mock_hub *h, struct mock_conn *c, const struct envelope *e)
{
	struct msg_receipt m;
	for (size_t i = 0; i < h->shares; i++) {
		struct mock_share *s = &h->share[i];
		if (s->sealed_at != e->offset || s->sealed_for != c || s->delivered || !frame_verify(e, s->receipt_key.data))
			continue;
		NEED(msg_receipt_read(&m, e->body, e->body_len));
		s->delivered = true;
		s->verdict = m.verdict;
		h->receipts++;
	}
}

/* ---- frames ---------------------------------------------------------------------------------------------------- */

/* The same bytes sent again get the same stored answer. */
static bool answered_before(struct mock_hub *h, struct mock_conn *c, const struct envelope *e)
{
	uint8_t digest[16];
	frame_digest(e, digest);
	for (size_t i = 0; i < h->answers; i++) {
		if (memcmp(h->answer[i].digest, digest, sizeof digest) == 0) {
			conn_send(h, c, h->answer[i].frame.data, h->answer[i].frame.len);
			return true;
		}
	}
	return false;
}

/* Of the two newest. */
static struct window *up_window(const struct mock_conn *c, const struct envelope *e)
{
	if (c->up != NULL && rc_ok(window_check(c->up, e->offset, e->length)))
		return c->up;
	return c->up_old != NULL && rc_ok(window_check(c->up_old, e->offset, e->length)) ? c->up_old : NULL;
}

/* Requests from a window of this connection. */
static void take_request(struct mock_hub *h, struct mock_conn *c, const struct envelope *e)
{
	AUTO(pad) pad = {0};
	uint8_t key[TAG_KEY_LEN];
	if (e->type == MESSAGE_PART && h->manner == MOCK_DIES_ON_PART && h->bad_left > 0) {
		h->bad_left--;
		c->over = true;
		return;
	}
	if (e->type == MESSAGE_PART && h->manner == MOCK_DISOWNS_PARTS && h->parts_seen++ % 3 != 2) {
		mock_note(h, c, e, NOTE_NO_LEASE, 0);
		return;
	}
	if (e->type == MESSAGE_SHARE && h->bad_left > 0 &&
	    (h->manner == MOCK_DIES_ON_SHARE || h->manner == MOCK_DISOWNS_WINDOW)) {
		h->bad_left--;
		c->over = h->manner == MOCK_DIES_ON_SHARE;
		if (!c->over)
			mock_note(h, c, e, NOTE_NO_LEASE, 0);
		return;
	}
	if (answered_before(h, c, e))
		return;
	struct window *up = up_window(c, e);
	if (up == NULL) {
		mock_note(h, c, e, NOTE_NO_LEASE, 0);
		return;
	}
	NEED(window_peek(up, e->offset, key, sizeof key));
	if (!frame_verify(e, key)) {
		mock_note(h, c, e, NOTE_BAD_TAG, 0);
		return;
	}
	NEED(window_take(up, e->offset, e->length, &pad));
	NEED(pad_take(&pad, key, sizeof key));
	if (e->type == MESSAGE_SHARE)
		take_share(h, c, e, &pad);
	else if (e->type == MESSAGE_WAIT)
		take_wait(h, c, e, &pad);
	else if (e->type == MESSAGE_IDENTIFY)
		take_identify(h, c, e, &pad);
	else if (e->type == MESSAGE_PART)
		mock_take_part(h, c, e, &pad);
	else
		mock_take_confirming(h, c, e, &pad);
}

static void take_confirm(struct mock_hub *h, struct mock_conn *c, const struct envelope *e)
{
	struct msg_confirm m;
	need_true(frame_verify(e, c->keys.bytes.data + 64), "tag of a CONFIRM", __LINE__);
	NEED(msg_confirm_read(&m, e->body, e->body_len));
	if (m.start == m.end)
		return;
	struct window **to = c->down_next == NULL && c->down != NULL && window_left(c->down) > 0 ? &c->down_next : &c->down;
	window_free(*to);
	*to = NULL;
	NEED(table_lease_confirm(c->client->table, m.start, m.end, to));
	if (h->manner == MOCK_INTERLEAVES)
		push_to(h, c);
	mock_pieces(h, c);
	push_to(h, c);
}

/* False when this manner ends the matter. */
static bool behaves(struct mock_hub *h, struct mock_conn *c, const struct envelope *e)
{
	static const uint8_t garbage[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	static const uint8_t no_key[TAG_KEY_LEN];
	uint8_t room[32];
	struct buf body;
	switch (h->manner) {
	case MOCK_MUTE:
		return false;
	case MOCK_HANGS_UP:
		c->over = e->type == MESSAGE_LEASE;
		return !c->over;
	case MOCK_LOSES_RECEIPTS:
		return e->type != MESSAGE_RECEIPT;
	case MOCK_DISOWNS_ALL:
		if (e->type != MESSAGE_SHARE && e->type != MESSAGE_WAIT)
			return true;
		mock_note(h, c, e, NOTE_NO_LEASE, 0);
		return false;
	case MOCK_NEVER_CONTENT:
		if (e->type == MESSAGE_CONFIRM || e->type == MESSAGE_WAIT)
			mock_note(h, c, e, NOTE_WINDOW_SPENT, 0);
		return e->type != MESSAGE_WAIT;
	case MOCK_CRIES_FROZEN:
		send_frozen(h, c);
		return false;
	case MOCK_GARBAGE:
		conn_send(h, c, garbage, sizeof garbage - 1);
		return false;
	case MOCK_NONSENSE:
		buf_fixed(&body, room, sizeof room);
		buf_put(&body, "nothing", 7);
		for (unsigned type = MESSAGE_ACTIVATE; type <= MESSAGE_RECEIPT; type++)
			mock_frame(h, c, (uint8_t)type, e->offset, e->length, &body, no_key, false);
		return false;
	default:
		return true;
	}
}

void mock_hub_take(struct mock_hub *h, struct mock_conn *c, const struct envelope *e)
{
	c->client = NULL;
	for (size_t i = 0; i < h->clients; i++) {
		if (id_equal(&h->client[i].header.table, &e->table))
			c->client = &h->client[i];
	}
	need_true(c->client != NULL, "a table that this hub has", __LINE__);
	if (!behaves(h, c, e))
		return;
	if (e->type != MESSAGE_ACTIVATE && is_frozen(c->client)) {
		send_frozen(h, c);
		return;
	}
	switch (e->type) {
	case MESSAGE_ACTIVATE:
		take_activate(h, c, e);
		break;
	case MESSAGE_LEASE:
		take_lease(h, c, e);
		break;
	case MESSAGE_CONFIRM:
		take_confirm(h, c, e);
		break;
	case MESSAGE_RECEIPT:
		take_receipt(h, c, e);
		break;
	default:
		take_request(h, c, e);
		break;
	}
}
