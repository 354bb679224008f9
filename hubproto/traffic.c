/* SPDX-License-Identifier: Apache-2.0 */
/* hubproto/traffic.c - the frames of an agreement, written to be counted. */
#include "hubproto/traffic.h"

#include <stdlib.h>

#include "hubproto/direct.h"
#include "hubproto/frame.h"
#include "hubproto/msg.h"

#define SOME_OFFSET (1u << 16) /* five bytes of CBOR, as up to 4 GiB */
#define SOME_TTL 3600
#define SOME_PATIENCE 60

static void terms_make(struct terms *t, unsigned n, unsigned k, enum scheme scheme, uint32_t key_len, uint8_t context_len)
{
	*t = (struct terms){.initiator.b[0] = 1, .receiver_count = 1, .receiver[0].b[0] = 2, .n = (uint8_t)n, .k = (uint8_t)k,
			    .scheme = scheme, .key_len = key_len, .context_len = context_len};
	for (unsigned i = 0; i < n; i++)
		t->hub[i].b[0] = (uint8_t)i;
}

/* Adds the length of the frame around that body. */
static dske_rc frame_count(uint64_t *sum, uint64_t times, uint8_t type, uint32_t range, const struct buf *body)
{
	static const uint8_t key[TAG_KEY_LEN];
	AUTO(buf) frame = {0};
	struct envelope e = {.type = type, .offset = SOME_OFFSET, .length = range, .body = body->data, .body_len = body->len};

	TRY(buf_rc(body));
	buf_heap(&frame, FRAME_HEAD_LEN + FRAME_MAX);
	TRY(frame_write(&frame, &e, key));
	*sum += times * frame.len;
	return DSKE_OK;
}

/* k hubs have their share already: it is their pad.  In a second pass all have. */
static dske_rc shares_count(struct traffic *out, const struct terms *t, const uint8_t *share)
{
	AUTO(buf) pad = {0}, sealed = {0};
	struct msg_share m = {.terms = *t, .ttl = SOME_TTL, .mode = SHARE_MODE_PAD};
	unsigned pads = t->scheme == SCHEME_ADAPTED ? t->n : t->k;

	buf_heap(&pad, FRAME_MAX);
	buf_heap(&sealed, FRAME_MAX);
	TRY(msg_share_write(&pad, &m));
	m.mode = SHARE_MODE_SEALED;
	m.share = share;
	m.share_len = terms_share_len(t);
	TRY(msg_share_write(&sealed, &m));
	TRY(frame_count(&out->initiator_sends, pads, MESSAGE_SHARE, out->up_pad, &pad));
	return frame_count(&out->initiator_sends, (uint64_t)t->n - pads, MESSAGE_SHARE, out->up_pad, &sealed);
}

static dske_rc instructions_count(struct traffic *out, const struct terms *t, const uint8_t *share)
{
	AUTO(buf) body = {0};

	buf_heap(&body, FRAME_MAX);
	TRY(msg_instruction_write(&body,
				  &(struct msg_instruction){.terms = *t, .share = share, .share_len = terms_share_len(t)}));
	return frame_count(&out->receiver_gets, t->n, MESSAGE_INSTRUCTION, out->down_pad, &body);
}

static dske_rc small_count(struct traffic *out, const struct terms *t)
{
	AUTO(buf) reply = {0}, wait = {0}, receipt = {0};

	buf_heap(&reply, FRAME_MAX);
	buf_heap(&wait, FRAME_MAX);
	buf_heap(&receipt, FRAME_MAX);
	TRY(msg_reply_write(&reply, &(struct msg_reply){STATUS_ACCEPTED}));
	TRY(msg_wait_write(&wait, &(struct msg_wait){.initiator = t->initiator, .selector = WAIT_CONTEXT, .value = t->context,
						     .value_len = t->context_len, .patience = SOME_PATIENCE}));
	TRY(msg_receipt_write(&receipt, &(struct msg_receipt){RECEIPT_KEPT}));
	TRY(frame_count(&out->initiator_gets, t->n, MESSAGE_REPLY, out->up_pad, &reply));
	TRY(frame_count(&out->receiver_gets, t->n, MESSAGE_REPLY, out->wait_pad, &reply));
	TRY(frame_count(&out->receiver_sends, t->n, MESSAGE_WAIT, out->wait_pad, &wait));
	return frame_count(&out->receiver_sends, t->n, MESSAGE_RECEIPT, out->down_pad, &receipt);
}

dske_rc traffic_of(struct traffic *out, unsigned n, unsigned k, enum scheme scheme, uint32_t key_len, uint8_t context_len)
{
	struct terms t;

	if (n < 1 || n > TERMS_HUBS_MAX || k < 1 || k > n)
		return FAIL(ARGS, "n = %u and k = %u do not satisfy 1 <= k <= n <= %d", n, k, TERMS_HUBS_MAX);
	terms_make(&t, n, k, scheme, key_len, context_len);
	TRY(terms_check(&t));
	if (terms_are_long(&t))
		return FAIL(FORMAT, "a key of %u bytes travels in parts, which are not counted here", key_len);
	*out = (struct traffic){.up_pad = MSG_SHARE_RANGE_LEN(&t), .down_pad = MSG_SHARE_RANGE_LEN(&t),
				.wait_pad = MSG_WAIT_RANGE_LEN};

	uint8_t *share = calloc(1, terms_share_len(&t));
	dske_rc rc = share ? shares_count(out, &t, share) : rc_make(DSKE_RC_NOMEM);

	if (rc_ok(rc))
		rc = instructions_count(out, &t, share);
	free(share);
	return rc_ok(rc) ? small_count(out, &t) : rc;
}

/* Adds the length of a frame of the direct link to what one end sends and the other gets. */
static dske_rc direct_count(uint64_t *sent, uint64_t *got, enum direct_type type, const struct buf *body)
{
	static const uint8_t key[TAG_KEY_LEN];
	AUTO(buf) frame = {0};
	bool tagged = type == DIRECT_TAGS || type == DIRECT_LIST;
	struct direct_item item = {.type = (uint8_t)type, .body = body->data, .body_len = body->len};

	TRY(buf_rc(body));
	buf_heap(&frame, FRAME_HEAD_LEN + DIRECT_ITEM_MAX);
	TRY(direct_write(&frame, &item, tagged ? key : NULL));
	*sent += frame.len;
	*got += frame.len;
	return DSKE_OK;
}

static dske_rc link_count(struct traffic *out, unsigned n)
{
	AUTO(buf) hello = {0}, tags = {0}, list = {0}, done = {0};
	struct adapted_marks marks = {.count = (uint8_t)n};
	struct adapted_list chosen = {.count = (uint8_t)n};

	for (unsigned i = 0; i < n; i++)
		chosen.x[i] = marks.at[i].x = (uint8_t)(i + 1);
	buf_heap(&hello, DIRECT_ITEM_MAX);
	buf_heap(&tags, DIRECT_ITEM_MAX);
	buf_heap(&list, DIRECT_ITEM_MAX);
	buf_heap(&done, DIRECT_ITEM_MAX);
	TRY(direct_hello_write(&hello, &(struct id){{0}}));
	TRY(direct_tags_write(&tags, &marks));
	TRY(direct_list_write(&list, &chosen));
	TRY(direct_done_write(&done, &(struct tag){{0}}));
	TRY(direct_count(&out->initiator_sends, &out->receiver_gets, DIRECT_HELLO, &hello));
	TRY(direct_count(&out->receiver_sends, &out->initiator_gets, DIRECT_HELLO, &hello));
	TRY(direct_count(&out->receiver_sends, &out->initiator_gets, DIRECT_TAGS, &tags));
	TRY(direct_count(&out->initiator_sends, &out->receiver_gets, DIRECT_LIST, &list));
	return direct_count(&out->receiver_sends, &out->initiator_gets, DIRECT_DONE, &done);
}

static dske_rc fallback_wait_count(struct traffic *out, unsigned n)
{
	AUTO(buf) reply = {0}, wait = {0};
	struct id key_id = {{0}};

	buf_heap(&reply, FRAME_MAX);
	buf_heap(&wait, FRAME_MAX);
	TRY(msg_reply_write(&reply, &(struct msg_reply){STATUS_ACCEPTED}));
	TRY(msg_wait_write(&wait, &(struct msg_wait){.selector = WAIT_KEY_ID, .value = key_id.b, .value_len = ID_LEN,
						     .patience = SOME_PATIENCE}));
	TRY(frame_count(&out->receiver_gets, n, MESSAGE_REPLY, out->wait_pad, &reply));
	return frame_count(&out->receiver_sends, n, MESSAGE_WAIT, out->wait_pad, &wait);
}

dske_rc traffic_adapted(struct traffic *out, unsigned n, unsigned k, uint32_t key_len, uint8_t context_len)
{
	struct traffic first;

	TRY(traffic_of(&first, n, k, SCHEME_FIRST_PASS, ADAPTED_MATERIAL_LEN(n), context_len));
	TRY(traffic_of(out, n, k, SCHEME_ADAPTED, key_len, context_len));
	out->initiator_sends += first.initiator_sends;
	out->initiator_gets += first.initiator_gets;
	out->receiver_sends += first.receiver_sends;
	out->receiver_gets += first.receiver_gets;
	out->up_pad += first.up_pad;
	out->down_pad += first.down_pad;
	TRY(fallback_wait_count(out, n));
	out->wait_pad *= 3;
	return link_count(out, n);
}
