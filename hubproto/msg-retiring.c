/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#include "hubproto/frame.h"

#define RETIRING_ITEMS 3
#define BODY_MAX 32

dske_rc msg_retiring_write(struct buf *out, const struct msg_retiring *m)
{
	cbor_write_array(out, RETIRING_ITEMS);
	cbor_write_uint(out, m->reason);
	cbor_write_uint(out, m->time);
	cbor_write_uint(out, m->repeats);
	return buf_rc(out);
}

dske_rc msg_retiring_read(struct msg_retiring *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_retiring){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, RETIRING_ITEMS, RETIRING_ITEMS);
	m->reason = (uint8_t)cbor_read_uint(&r, 1, UINT8_MAX);
	m->time = cbor_read_uint(&r, 0, RETIRING_TIME_MAX);
	m->repeats = cbor_read_uint(&r, 0, 1) != 0;
	return cbor_end(&r);
}

dske_rc msg_retiring_frame(struct buf *out, unsigned type, const struct activation_place *at, const struct msg_retiring *m,
			   const uint8_t key[TAG_KEY_LEN])
{
	uint8_t bytes[BODY_MAX];
	struct buf body;

	buf_fixed(&body, bytes, sizeof bytes);
	TRY(msg_retiring_write(&body, m));

	struct envelope e = {
		.type = (uint8_t)type,
		.sender = message_row(type)->sender == SENDER_CLIENT ? at->client : at->hub,
		.table = at->table,
		.offset = at->offset,
		.length = RETIRING_LEN,
		.body = body.data,
		.body_len = body.len,
	};

	return frame_write(out, &e, key);
}
