/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define REPLY_ITEMS 1

dske_rc msg_reply_write(struct buf *out, const struct msg_reply *m)
{
	cbor_write_array(out, REPLY_ITEMS);
	cbor_write_uint(out, m->status);
	return buf_rc(out);
}

dske_rc msg_reply_read(struct msg_reply *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_reply){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, REPLY_ITEMS, REPLY_ITEMS);
	m->status = (unsigned)cbor_read_uint(&r, 0, UINT8_MAX);
	return cbor_end(&r);
}
