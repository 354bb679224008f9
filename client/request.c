/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "client/request.h"

#include <string.h>

#include "client/convoy.h"

dske_rc request_reserve(struct request *r, struct link *l, uint8_t type, size_t length)
{
	request_drop(r);
	struct window *up = link_up_window(l, length);
	if (up == NULL)
		return FAIL(EXHAUSTED, "%s: no window to send from", l->hub->name);
	TRY(window_reserve(up, length, &r->pad));
	if (l->trunk != NULL)
		convoy_has_range(l, length);
	r->type = type;
	r->offset = r->pad.offset;
	r->length = (uint32_t)length;
	TRY(secret_alloc(&r->keys, PAD_KEYS_LEN));
	return pad_take(&r->pad, r->keys.data, PAD_KEYS_LEN);
}

dske_rc request_seal(struct request *r, const struct link *l, const struct buf *body)
{
	TRY(buf_rc(body));
	struct envelope e = link_envelope(l, r->type, r->offset, r->length, body);
	buf_heap(&r->frame, FRAME_HEAD_LEN + FRAME_MAX);
	dske_rc rc = frame_write(&r->frame, &e, message_key(r->type, r->keys.data));
	/* A sender never tags two different messages with one key. */
	mem_wipe(r->keys.data, TAG_KEY_LEN);
	return rc;
}

dske_rc request_send(struct request *r, struct link *l)
{
	r->connection = l->connection;
	return link_send(l, r->frame.data, r->frame.len);
}

bool request_is_at(const struct request *r, uint64_t offset)
{
	return r->type != 0 && r->offset == offset;
}

bool request_answered_by(struct request *r, const struct envelope *e, uint8_t answer_type)
{
	if (r->type == 0 || r->answered || e->type != answer_type || e->offset != r->offset || e->length != r->length)
		return false;
	r->answered = frame_verify(e, message_key(answer_type, r->keys.data));
	return r->answered;
}

dske_rc request_reply(const struct envelope *e)
{
	struct msg_reply reply;
	TRY(msg_reply_read(&reply, e->body, e->body_len));
	if (reply.status != STATUS_ACCEPTED)
		return FAIL(REFUSED, "it refused: %s", status_text(reply.status));
	return DSKE_OK;
}

void request_drop(struct request *r)
{
	secret_drop(&r->keys);
	pad_drop(&r->pad);
	buf_drop(&r->frame);
	*r = (struct request){0};
}
