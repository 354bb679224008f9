/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/swarm-real.c - a swarm's messages as a hub knows them; every tag that comes is checked. */
#include "config.h"

#include "test/bench/swarm.h"

#include <stdlib.h>
#include <string.h>

#include "hubproto/msg.h"
#include "pskm/table.h"
#include "pskm/window.h"
#include "test/bench/bench.h"

#define LEASE_WANTED ((size_t)256 << 10) /* bytes each way */
#define WINDOWS_MAX 4
#define HUBS 5
#define KEY_LEN 32
#define PATIENCE_S 60
#define BODY_MAX 512

struct windows {
	struct window *w[WINDOWS_MAX]; /* owned, oldest first */
	size_t count;
};

struct real_end {
	struct table *table; /* borrowed */
	struct pskm_header header;
	struct id peer;
	struct windows up, down;
	uint64_t slot;
	struct lease_keys keys;
	struct id nonce_c;
	bool leasing, is_ready;
};

void *real_end_new(struct table *t, const struct pskm_header *h, const struct id *peer)
{
	struct real_end *r = calloc(1, sizeof *r);

	bench_need(r != NULL, "memory");
	r->table = t;
	r->header = *h;
	r->peer = *peer;
	return r;
}

/* ---- windows ----------------------------------------------------------------------------------------------- */

static void windows_add(struct windows *ws, struct window *w)
{
	if (ws->count == WINDOWS_MAX) {
		window_free(ws->w[0]);
		memmove(&ws->w[0], &ws->w[1], --ws->count * sizeof ws->w[0]);
	}
	ws->w[ws->count++] = w;
}

static uint64_t windows_left(const struct windows *ws)
{
	return ws->count > 0 ? window_left(ws->w[ws->count - 1]) : 0;
}

static void reserve(struct windows *ws, size_t len, struct pad *pad)
{
	for (size_t i = 0; i < ws->count; i++)
		if (window_left(ws->w[i]) >= len) {
			bench_need_ok(window_reserve(ws->w[i], len, pad), "window_reserve");
			return;
		}
	bench_need(false, "the up windows are spent");
}

static void take_range(struct windows *ws, const struct envelope *e, struct pad *pad)
{
	for (size_t i = 0; i < ws->count; i++)
		if (rc_ok(window_check(ws->w[i], e->offset, e->length))) {
			bench_need_ok(window_take(ws->w[i], e->offset, e->length, pad), "window_take");
			return;
		}
	bench_need(false, "an instruction outside of all windows");
}

/* ---- frames ------------------------------------------------------------------------------------------------ */

static void frame_queue(struct swarm_end *e, unsigned type, uint64_t offset, size_t length, const struct buf *body,
			const uint8_t *key)
{
	const struct real_end *r = e->own;
	struct envelope v = {.type = (uint8_t)type, .sender = r->header.client, .table = r->header.table, .offset = offset,
			     .length = (uint32_t)length, .body = body->data, .body_len = body->len};

	bench_need_ok(frame_write(&e->out, &v, key), "frame_write");
	swarm_queued(e);
}

static void body_begin(struct buf *body, uint8_t bytes[BODY_MAX])
{
	buf_fixed(body, bytes, BODY_MAX);
}

/* ---- the lease ----------------------------------------------------------------------------------------------- */

static void lease(struct swarm_end *e)
{
	struct real_end *r = e->own;
	uint8_t bytes[BODY_MAX];
	struct buf body;
	uint64_t lowest;

	lease_keys_drop(&r->keys);
	bench_need_ok(table_lease_take(r->table, &r->slot, &lowest, &r->keys), "table_lease_take");
	bench_need_ok(id_random(&r->nonce_c), "id_random");
	body_begin(&body, bytes);
	bench_need_ok(msg_lease_write(&body, &(struct msg_lease){.slot = r->slot, .nonce_c = r->nonce_c,
								 .wanted = LEASE_WANTED, .lowest = lowest}),
		      "LEASE");
	r->leasing = true;
	frame_queue(e, MESSAGE_LEASE, layout_lease_offset(&r->header.layout, r->slot), LEASE_SLOT_LEN, &body,
		    r->keys.bytes.data);
}

static void granted(struct swarm_end *e, const struct envelope *v)
{
	struct real_end *r = e->own;
	struct window *up = NULL, *down = NULL;
	uint8_t bytes[BODY_MAX];
	struct buf body;
	struct msg_grant g;

	bench_need(frame_verify(v, r->keys.bytes.data + TAG_KEY_LEN), "GRANT's tag");
	bench_need_ok(msg_grant_read(&g, v->body, v->body_len), "GRANT");
	bench_need(g.end > g.start, "the table is used up; make it longer");
	bench_need_ok(table_lease_granted(r->table, g.start, g.end, LEASE_WANTED, &up, &down), "table_lease_granted");
	windows_add(&r->up, up);
	windows_add(&r->down, down);
	body_begin(&body, bytes);
	bench_need_ok(msg_confirm_write(&body, &(struct msg_confirm){.nonce_h = g.nonce_h, .start = window_start(down),
								     .end = window_end(down)}),
		      "CONFIRM");
	frame_queue(e, MESSAGE_CONFIRM, v->offset, LEASE_SLOT_LEN, &body, r->keys.bytes.data + (size_t)2 * TAG_KEY_LEN);
	r->leasing = false;
	if (!r->is_ready)
		swarm_ready(e->pair->swarm);
	r->is_ready = true;
}

/* Before the windows run short, so that nobody waits for it.  Of an initiator's the down window stays unused. */
static void renew(struct swarm_end *e)
{
	struct real_end *r = e->own;
	uint64_t down = windows_left(&r->down) + (e->receives ? 0 : LEASE_WANTED);

	if (!r->leasing && (windows_left(&r->up) < LEASE_WANTED / 2 || down < LEASE_WANTED / 2))
		lease(e);
}

/* ---- requests ------------------------------------------------------------------------------------------------ */

static void wait_send(struct swarm_pair *p, struct flight *f)
{
	struct swarm_end *e = &p->receiver;
	struct real_end *r = e->own;
	uint8_t bytes[BODY_MAX], key[TAG_KEY_LEN];
	AUTO(pad) pad = {0};
	struct buf body;

	renew(e);
	renew(&p->initiator);
	bench_need_ok(id_random(&f->key_id), "id_random");
	body_begin(&body, bytes);
	bench_need_ok(msg_wait_write(&body, &(struct msg_wait){.initiator = r->peer, .selector = WAIT_KEY_ID,
							       .value = f->key_id.b, .value_len = ID_LEN,
							       .patience = PATIENCE_S}),
		      "WAIT");
	reserve(&r->up, MSG_WAIT_RANGE_LEN, &pad);
	f->wait_at = pad.offset;
	bench_need_ok(pad_take(&pad, key, sizeof key), "pad");
	bench_need_ok(pad_take(&pad, f->wait_key, sizeof f->wait_key), "pad");
	frame_queue(e, MESSAGE_WAIT, f->wait_at, MSG_WAIT_RANGE_LEN, &body, key);
}

static void terms_fill(struct terms *t, const struct real_end *r, const struct flight *f)
{
	*t = (struct terms){.initiator = r->header.client, .key_id = f->key_id, .receiver_count = 1, .n = HUBS, .k = 3,
			    .key_len = KEY_LEN};
	t->receiver[0] = r->peer;
	t->hub[0] = r->header.hub;
	for (uint8_t i = 1; i < HUBS; i++)
		t->hub[i].b[0] = (uint8_t)(0x70 + i);
}

/* Two of five shares are sent, as of an agreement's five hubs. */
static void share_send(struct swarm_pair *p, struct flight *f)
{
	struct swarm_end *e = &p->initiator;
	struct real_end *r = e->own;
	uint8_t bytes[BODY_MAX], key[TAG_KEY_LEN], sealed[KEY_LEN + KEY_TAG_KEY_LEN] = {0};
	struct msg_share m = {.ttl = PATIENCE_S, .mode = SHARE_MODE_PAD};
	AUTO(pad) pad = {0};
	struct buf body;

	terms_fill(&m.terms, r, f);
	if (f->key_id.b[0] % 5 < 2) {
		m.mode = SHARE_MODE_SEALED;
		m.share = sealed;
		m.share_len = sizeof sealed;
	}
	body_begin(&body, bytes);
	bench_need_ok(msg_share_write(&body, &m), "SHARE");
	reserve(&r->up, MSG_SHARE_RANGE_LEN(&m.terms), &pad);
	f->share_at = pad.offset;
	bench_need_ok(pad_take(&pad, key, sizeof key), "pad");
	bench_need_ok(pad_take(&pad, f->share_key, sizeof f->share_key), "pad");
	frame_queue(e, MESSAGE_SHARE, f->share_at, MSG_SHARE_RANGE_LEN(&m.terms), &body, key);
}

/* ---- what comes ------------------------------------------------------------------------------------------------ */

static void replied(struct swarm_end *e, const struct envelope *v)
{
	struct swarm_pair *p = e->pair;
	struct msg_reply m;

	for (size_t i = 0; i < p->swarm->flights; i++) {
		struct flight *f = &p->flight[i];
		if ((e->receives ? f->wait_at : f->share_at) != v->offset)
			continue;
		bench_need(frame_verify(v, e->receives ? f->wait_key : f->share_key), "REPLY's tag");
		bench_need_ok(msg_reply_read(&m, v->body, v->body_len), "REPLY");
		bench_need(m.status == STATUS_ACCEPTED, status_text(m.status));
		(e->receives ? swarm_waited : swarm_replied)(p, f);
		return;
	}
	bench_need(false, "a REPLY to nothing");
}

static struct flight *flight_of(struct swarm_pair *p, const struct id *key_id)
{
	for (size_t i = 0; i < p->swarm->flights; i++)
		if (id_equal(&p->flight[i].key_id, key_id))
			return &p->flight[i];
	bench_need(false, "an INSTRUCTION for nothing");
	return NULL;
}

static void instructed(struct swarm_end *e, const struct envelope *v)
{
	struct real_end *r = e->own;
	uint8_t bytes[BODY_MAX], key[TAG_KEY_LEN], receipt[TAG_KEY_LEN];
	struct msg_instruction m;
	AUTO(pad) pad = {0};
	struct buf body;

	take_range(&r->down, v, &pad);
	bench_need_ok(pad_take(&pad, key, sizeof key), "pad");
	bench_need_ok(pad_take(&pad, receipt, sizeof receipt), "pad");
	bench_need(frame_verify(v, key), "INSTRUCTION's tag");
	bench_need_ok(msg_instruction_read(&m, v->body, v->body_len), "INSTRUCTION");
	body_begin(&body, bytes);
	bench_need_ok(msg_receipt_write(&body, &(struct msg_receipt){.verdict = RECEIPT_KEPT}), "RECEIPT");
	frame_queue(e, MESSAGE_RECEIPT, v->offset, v->length, &body, receipt);
	swarm_instructed(e->pair, flight_of(e->pair, &m.terms.key_id));
}

static void take(struct swarm_end *e, const uint8_t *item, size_t len)
{
	struct envelope v;
	struct msg_note note;

	bench_need_ok(frame_read(&v, item, len), "frame_read");
	switch (v.type) {
	case MESSAGE_GRANT:
		granted(e, &v);
		break;
	case MESSAGE_REPLY:
		replied(e, &v);
		break;
	case MESSAGE_INSTRUCTION:
		instructed(e, &v);
		break;
	default:
		bench_need(v.type == MESSAGE_NOTE && rc_ok(msg_note_read(&note, v.body, v.body_len)), "another message");
		bench_need(false, note_text(note.code));
	}
}

static void end(struct swarm_end *e)
{
	struct real_end *r = e->own;

	for (size_t i = 0; i < r->up.count; i++)
		window_free(r->up.w[i]);
	for (size_t i = 0; i < r->down.count; i++)
		window_free(r->down.w[i]);
	lease_keys_drop(&r->keys);
	free(r);
}

const struct manner real_manner = {.begin = lease, .wait = wait_send, .share = share_send, .take = take, .end = end};
