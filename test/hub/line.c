/* SPDX-License-Identifier: Apache-2.0 */
/* test/hub/line.c - connections, frame by frame. */
#include "config.h"

#include "test/hub/rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- lines ----------------------------------------------------------------------------------------------- */

void line_open(struct line *l, struct party *p)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(p->rig->port)};
	int on = 1;

	*l = (struct line){.party = p};
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(l->fd >= 0);
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* or each second frame waits 40 ms */
	assert_int_equal(connect(l->fd, (struct sockaddr *)&a, sizeof a), 0);
	stream_init(&l->in, FRAME_MAX);
}

void line_close(struct line *l)
{
	if (l->fd >= 0)
		close(l->fd);
	window_free(l->up);
	window_free(l->down);
	lease_keys_drop(&l->keys);
	stream_drop(&l->in);
	*l = (struct line){.fd = -1};
}

void line_send(struct line *l, const void *bytes, size_t len)
{
	/* The hub may have closed already, which is what some tests are about. */
	for (size_t at = 0; at < len;) {
		ssize_t n = send(l->fd, (const uint8_t *)bytes + at, len - at, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		at += (size_t)n;
	}
}

void line_send_frame(struct line *l, const struct buf *frame)
{
	assert_ok(buf_rc(frame));
	line_send(l, frame->data, frame->len);
}

/* False at the end of the connection. */
static bool read_more(struct line *l)
{
	struct pollfd p = {.fd = l->fd, .events = POLLIN};
	size_t cap;
	uint8_t *space = stream_space(&l->in, &cap);

	assert_int_equal(poll(&p, 1, RIG_PATIENCE_MS), 1);
	ssize_t n = recv(l->fd, space, cap, 0);
	if (n <= 0)
		return false;
	stream_filled(&l->in, (size_t)n);
	return true;
}

bool line_next(struct line *l, struct envelope *e)
{
	const uint8_t *item = NULL;
	size_t len;

	for (;;) {
		assert_ok(stream_next(&l->in, &item, &len));
		if (item != NULL)
			break;
		if (!read_more(l))
			return false;
	}
	assert_ok(frame_read(e, item, len));
	assert_true(id_equal(&e->sender, &l->party->rig->hub));
	return true;
}

unsigned note_code(const struct envelope *e)
{
	struct msg_note m;

	if (e->type != MESSAGE_NOTE)
		return 0;
	assert_ok(msg_note_read(&m, e->body, e->body_len));
	return m.code;
}

uint64_t line_note(struct line *l, enum note code)
{
	struct envelope e;
	struct msg_note m;

	assert_true(line_next(l, &e));
	assert_string_equal(message_name(e.type), "NOTE");
	assert_ok(msg_note_read(&m, e.body, e.body_len));
	assert_string_equal(note_text(m.code), note_text(code));
	return m.hint;
}

/* ---- activation and lease ---------------------------------------------------------------------------------- */

static struct envelope envelope_of(const struct party *p, unsigned type, uint64_t offset, size_t length,
				   const struct buf *body)
{
	return (struct envelope){.type = (uint8_t)type, .sender = p->header.client, .table = p->header.table,
				 .offset = offset, .length = (uint32_t)length, .body = body->data,
				 .body_len = body->len};
}

void activate_frame(struct party *p, const struct id *nonce, struct buf *frame)
{
	AUTO(buf) body = {0};
	uint8_t key[TAG_KEY_LEN];

	buf_heap(&body, 64);
	assert_ok(msg_activation_write(&body, &(struct msg_activation){.nonce = *nonce}));
	assert_ok(table_activation_key(p->table, ACTIVATION_KEY_ACTIVATE, key));
	struct envelope e = envelope_of(p, MESSAGE_ACTIVATE, p->header.layout.region[REGION_ACTIVATION].start,
					ACTIVATION_LEN, &body);
	buf_heap(frame, 4096);
	assert_ok(frame_write(frame, &e, key));
}

void line_activate(struct line *l)
{
	AUTO(buf) frame = {0};
	struct id nonce;
	struct envelope e;
	uint8_t key[TAG_KEY_LEN];

	assert_ok(table_activation_begin(l->party->table, &nonce));
	activate_frame(l->party, &nonce, &frame);
	line_send_frame(l, &frame);
	assert_true(line_next(l, &e));
	assert_string_equal(message_name(e.type), "ACTIVATED");
	assert_ok(table_activation_key(l->party->table, ACTIVATION_KEY_ACTIVATED, key));
	assert_true(frame_verify(&e, key));
	assert_ok(table_activation_done(l->party->table));
}

static void slot_frame(struct line *l, unsigned type, const struct buf *body, size_t key, struct buf *frame)
{
	uint64_t offset = layout_lease_offset(&l->party->header.layout, l->slot);
	struct envelope e = envelope_of(l->party, type, offset, LEASE_SLOT_LEN, body);

	buf_heap(frame, 4096);
	assert_ok(frame_write(frame, &e, l->keys.bytes.data + key * TAG_KEY_LEN));
}

void lease_frame(struct line *l, uint64_t wanted, struct buf *frame)
{
	AUTO(buf) body = {0};
	uint64_t lowest;

	lease_keys_drop(&l->keys);
	assert_ok(table_lease_take(l->party->table, &l->slot, &lowest, &l->keys));
	assert_ok(id_random(&l->nonce_c));
	buf_heap(&body, 128);
	assert_ok(msg_lease_write(&body, &(struct msg_lease){.slot = l->slot, .nonce_c = l->nonce_c, .wanted = wanted,
							     .lowest = lowest}));
	slot_frame(l, MESSAGE_LEASE, &body, 0, frame);
}

static void confirm_send(struct line *l, uint64_t start, uint64_t end)
{
	AUTO(buf) body = {0}, frame = {0};

	buf_heap(&body, 128);
	assert_ok(msg_confirm_write(&body, &(struct msg_confirm){.nonce_h = l->nonce_h, .start = start, .end = end}));
	slot_frame(l, MESSAGE_CONFIRM, &body, 2, &frame);
	line_send_frame(l, &frame);
}

void line_granted(struct line *l, uint64_t down_wanted, bool confirm)
{
	struct envelope e;
	struct msg_grant g;

	assert_true(line_next(l, &e));
	assert_string_equal(message_name(e.type), "GRANT");
	assert_true(frame_verify(&e, l->keys.bytes.data + TAG_KEY_LEN));
	assert_ok(msg_grant_read(&g, e.body, e.body_len));
	assert_true(id_equal(&g.nonce_c, &l->nonce_c));
	l->nonce_h = g.nonce_h;
	window_free(l->up);
	window_free(l->down);
	assert_ok(table_lease_granted(l->party->table, g.start, g.end, down_wanted, &l->up, &l->down));
	if (confirm)
		confirm_send(l, window_start(l->down), window_end(l->down));
}

void line_lease(struct line *l, uint64_t up, uint64_t down)
{
	AUTO(buf) frame = {0};

	lease_frame(l, up, &frame);
	line_send_frame(l, &frame);
	line_granted(l, down, true);
}

void line_ready(struct line *l, struct party *p)
{
	line_open(l, p);
	line_lease(l, 16384, 16384);
}

void party_ready(struct party *p, struct line *l, struct rig *r, const char *name)
{
	party_make(p, r, name);
	line_open(l, p);
	line_activate(l);
	line_lease(l, 16384, 16384);
}

/* ---- requests ---------------------------------------------------------------------------------------------- */

void ask_drop(struct ask *a)
{
	buf_drop(&a->frame);
	pad_drop(&a->pad);
}

void ask_make(struct ask *a, struct line *l, unsigned type, const struct buf *body, size_t range_len)
{
	uint8_t key[TAG_KEY_LEN];

	*a = (struct ask){0};
	assert_ok(buf_rc(body));
	assert_ok(window_reserve(l->up, range_len, &a->pad));
	assert_ok(pad_take(&a->pad, key, sizeof key));
	struct envelope e = envelope_of(l->party, type, a->pad.offset, range_len, body);
	buf_heap(&a->frame, FRAME_MAX + FRAME_HEAD_LEN);
	assert_ok(frame_write(&a->frame, &e, key));
}

void ask_answer(struct ask *a, struct line *l, unsigned type, struct envelope *e)
{
	assert_true(line_next(l, e));
	assert_string_equal(message_name(e->type), message_name(type));
	assert_int_equal(e->offset, a->pad.offset);
	assert_true(frame_verify(e, pad_peek(&a->pad, 0, TAG_KEY_LEN)));
}

enum status ask_status(struct ask *a, struct line *l)
{
	struct envelope e;
	struct msg_reply m;

	line_send_frame(l, &a->frame);
	ask_answer(a, l, MESSAGE_REPLY, &e);
	assert_ok(msg_reply_read(&m, e.body, e.body_len));
	return m.status;
}

void terms_fill(struct terms *t, const struct party *from, const struct party *to, const char *context)
{
	*t = (struct terms){.initiator = from->header.client, .receiver_count = 1, .n = 3, .k = 2, .key_len = 32};
	assert_ok(id_random(&t->key_id));
	t->receiver[0] = to->header.client;
	for (uint8_t i = 0; i < t->n; i++)
		memset(t->hub[i].b, 0x70 + i, ID_LEN);
	t->hub[1] = from->rig->hub;
	t->context_len = (uint8_t)strlen(context);
	memcpy(t->context, context, t->context_len);
}

void share_ask(struct ask *a, struct line *l, const struct terms *t, enum share_mode mode, uint32_t ttl,
	       struct secret *share)
{
	size_t len = terms_part_len(t, 0);
	AUTO(secret) plain = {0};
	AUTO(buf) body = {0};
	AUTO(pad) pad = {0};
	uint8_t key[TAG_KEY_LEN], *sealed = malloc(len);
	struct msg_share m = {.terms = *t, .ttl = ttl, .mode = mode};

	assert_non_null(sealed);
	assert_ok(secret_random(&plain, len));
	assert_ok(window_reserve(l->up, PAD_KEYS_LEN + len, &pad));
	assert_ok(pad_take(&pad, key, sizeof key));
	if (mode == SHARE_MODE_PAD) {
		memcpy(plain.data, pad_peek(&pad, TAG_KEY_LEN, len), len);
	} else {
		const uint8_t *under = pad_peek(&pad, TAG_KEY_LEN, len);
		for (size_t i = 0; i < len; i++)
			sealed[i] = plain.data[i] ^ under[i];
		m.share = sealed;
		m.share_len = len;
	}
	buf_heap(&body, FRAME_MAX);
	assert_ok(msg_share_write(&body, &m));
	struct envelope e = envelope_of(l->party, MESSAGE_SHARE, pad.offset, PAD_KEYS_LEN + len, &body);
	*a = (struct ask){0};
	buf_heap(&a->frame, FRAME_MAX + FRAME_HEAD_LEN);
	assert_ok(frame_write(&a->frame, &e, key));
	pad_move(&a->pad, &pad);
	free(sealed);
	if (share != NULL)
		secret_move(share, &plain);
}

void part_ask(struct ask *a, struct line *l, const struct terms *t, unsigned number, enum share_mode mode, const struct tag *tag,
	      struct secret *part)
{
	size_t len = terms_part_len(t, number);
	AUTO(secret) sealed = {0};
	AUTO(buf) body = {0};
	struct msg_part m = {.key_id = t->key_id, .number = number, .mode = mode, .has_tag = tag != NULL};

	if (tag != NULL)
		m.key_tag = *tag;
	assert_ok(secret_random(&sealed, len));
	if (mode == SHARE_MODE_SEALED) {
		m.share = sealed.data;
		m.share_len = len;
	} else {
		memset(sealed.data, 0, len);
	}
	buf_heap(&body, FRAME_MAX);
	assert_ok(msg_part_write(&body, &m));
	ask_make(a, l, MESSAGE_PART, &body, PAD_KEYS_LEN + len);
	const uint8_t *under = pad_peek(&a->pad, TAG_KEY_LEN, len);
	for (size_t i = 0; i < len; i++)
		sealed.data[i] ^= under[i];
	if (part != NULL)
		secret_move(part, &sealed);
}

enum status share_send(struct line *l, const struct terms *t)
{
	AUTO(ask) a = {0};

	share_ask(&a, l, t, SHARE_MODE_SEALED, 600, NULL);
	return ask_status(&a, l);
}

void wait_ask(struct ask *a, struct line *l, const struct id *initiator, const struct id *key_id, const char *context)
{
	AUTO(buf) body = {0};
	struct msg_wait m = {.initiator = *initiator, .selector = WAIT_CONTEXT, .patience = 600, .takes_long = !l->takes_no_long};

	if (key_id != NULL) {
		m.selector = WAIT_KEY_ID;
		m.value = key_id->b;
		m.value_len = ID_LEN;
	} else {
		m.value = (const uint8_t *)context;
		m.value_len = strlen(context);
	}
	buf_heap(&body, 1024);
	assert_ok(msg_wait_write(&body, &m));
	ask_make(a, l, MESSAGE_WAIT, &body, MSG_WAIT_RANGE_LEN);
}

enum status wait_send(struct line *l, const struct id *initiator, const struct id *key_id, const char *context)
{
	AUTO(ask) a = {0};

	wait_ask(&a, l, initiator, key_id, context);
	return ask_status(&a, l);
}

void identify_ask(struct ask *a, struct line *l, const char *name, const struct id *id)
{
	AUTO(buf) body = {0};
	struct msg_identify m = {.kind = name != NULL ? IDENTIFY_NAME : IDENTIFY_ID};

	if (name != NULL)
		snprintf(m.name, sizeof m.name, "%s", name);
	else
		m.id = *id;
	buf_heap(&body, 1024);
	assert_ok(msg_identify_write(&body, &m));
	ask_make(a, l, MESSAGE_IDENTIFY, &body, MSG_IDENTIFY_RANGE_LEN);
}

/* ---- silence ------------------------------------------------------------------------------------------------ */

/* Without a lease: about a table that nobody has, to which a note is the answer. */
static bool stranger_overtaken(struct line *l, struct envelope *e)
{
	AUTO(buf) frame = {0};
	static const uint8_t key[TAG_KEY_LEN];
	struct envelope about = {.type = MESSAGE_IDENTIFY, .sender = l->party->header.client, .length = PAD_KEYS_LEN};

	assert_ok(id_random(&about.table));
	about.body = about.table.b;
	about.body_len = ID_LEN;
	buf_heap(&frame, 4096);
	assert_ok(frame_write(&frame, &about, key));
	line_send_frame(l, &frame);
	assert_true(line_next(l, e));
	return e->type != MESSAGE_NOTE || !id_equal(&e->table, &about.table);
}

bool line_overtaken(struct line *l, struct envelope *e)
{
	AUTO(ask) q = {0};

	if (l->up == NULL)
		return stranger_overtaken(l, e);
	identify_ask(&q, l, NULL, &l->party->header.client);
	line_send_frame(l, &q.frame);
	assert_true(line_next(l, e));
	return e->type != MESSAGE_IDENTITY || e->offset != q.pad.offset;
}

bool line_is_silent(struct line *l)
{
	struct envelope e;

	/* Twice: what a round of the hub puts off, such as the rest of many pieces, leaves with the next. */
	return !line_overtaken(l, &e) && !line_overtaken(l, &e);
}

/* ---- instructions ------------------------------------------------------------------------------------------- */

void delivery_drop(struct delivery *d)
{
	secret_drop(&d->share);
	buf_drop(&d->bytes);
}

void delivery_open(struct delivery *d, struct line *l, const struct envelope *e)
{
	struct msg_instruction m;
	AUTO(pad) pad = {0};
	uint8_t key[TAG_KEY_LEN];

	*d = (struct delivery){.offset = e->offset, .length = e->length};
	buf_heap(&d->bytes, FRAME_MAX);
	buf_put(&d->bytes, e->item, e->item_len);
	assert_string_equal(message_name(e->type), "INSTRUCTION");
	assert_ok(window_take(l->down, e->offset, e->length, &pad));
	assert_ok(pad_take(&pad, key, sizeof key));
	assert_true(frame_verify(e, key));
	assert_ok(pad_take(&pad, d->receipt_key, sizeof d->receipt_key));
	assert_ok(msg_instruction_read(&m, e->body, e->body_len));
	assert_int_equal(e->length, PAD_KEYS_LEN + m.share_len);
	d->terms = m.terms;
	assert_ok(secret_alloc(&d->share, m.share_len));
	assert_ok(pad_xor(&pad, d->share.data, m.share, m.share_len));
}

void delivery_piece(struct line *l, const struct terms *t, unsigned number, struct secret *part)
{
	struct envelope e;
	struct msg_piece m;
	AUTO(pad) pad = {0};
	uint8_t keys[PAD_KEYS_LEN];

	assert_true(line_next(l, &e));
	assert_string_equal(message_name(e.type), "PIECE");
	assert_int_equal(e.length, MSG_PART_RANGE_LEN(t, number));
	assert_ok(window_take(l->down, e.offset, e.length, &pad));
	assert_ok(pad_take(&pad, keys, sizeof keys));
	assert_true(frame_verify(&e, keys));
	assert_ok(msg_piece_read(&m, e.body, e.body_len));
	assert_true(id_equal(&m.initiator, &t->initiator) && id_equal(&m.key_id, &t->key_id));
	assert_int_equal(m.number, number);
	assert_int_equal(m.share_len, terms_part_len(t, number));
	assert_ok(secret_alloc(part, m.share_len));
	assert_ok(pad_xor(&pad, part->data, m.share, m.share_len));
}

void delivery_next(struct delivery *d, struct line *l)
{
	struct envelope e;

	assert_true(line_next(l, &e));
	delivery_open(d, l, &e);
}

void receipt_send(struct line *l, const struct delivery *d, enum receipt_verdict verdict)
{
	AUTO(buf) body = {0}, frame = {0};

	buf_heap(&body, 64);
	assert_ok(msg_receipt_write(&body, &(struct msg_receipt){.verdict = verdict}));
	struct envelope e = envelope_of(l->party, MESSAGE_RECEIPT, d->offset, d->length, &body);
	buf_heap(&frame, 4096);
	assert_ok(frame_write(&frame, &e, d->receipt_key));
	line_send_frame(l, &frame);
}
