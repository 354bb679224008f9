/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#include <string.h>

#include "hubproto/frame.h"

#define ACTIVATION_ITEMS 1
#define BODY_MAX 32
#define FRAME_ROOM 160

dske_rc msg_activation_write(struct buf *out, const struct msg_activation *m)
{
	cbor_write_array(out, ACTIVATION_ITEMS);
	cbor_write_id(out, &m->nonce);
	return buf_rc(out);
}

dske_rc msg_activation_read(struct msg_activation *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_activation){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, ACTIVATION_ITEMS, ACTIVATION_ITEMS);
	cbor_read_id(&r, &m->nonce);
	return cbor_end(&r);
}

dske_rc msg_activation_tag(struct tag *out, unsigned type, const struct activation_place *at, const struct id *nonce,
			   const uint8_t key[TAG_KEY_LEN])
{
	uint8_t body_bytes[BODY_MAX], frame_bytes[FRAME_ROOM];
	struct buf body, frame;

	buf_fixed(&body, body_bytes, sizeof body_bytes);
	buf_fixed(&frame, frame_bytes, sizeof frame_bytes);
	TRY(msg_activation_write(&body, &(struct msg_activation){.nonce = *nonce}));

	struct envelope e = {
		.type = (uint8_t)type,
		.sender = message_row(type)->sender == SENDER_CLIENT ? at->client : at->hub,
		.table = at->table,
		.offset = at->offset,
		.length = ACTIVATION_LEN,
		.body = body.data,
		.body_len = body.len,
	};

	TRY(frame_write(&frame, &e, key));
	memcpy(out->b, frame.data + frame.len - TAG_LEN, TAG_LEN);
	return DSKE_OK;
}
