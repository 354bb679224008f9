/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define CONFIRM_ITEMS 3

dske_rc msg_confirm_write(struct buf *out, const struct msg_confirm *m)
{
	cbor_write_array(out, CONFIRM_ITEMS);
	cbor_write_id(out, &m->nonce_h);
	cbor_write_uint(out, m->start);
	cbor_write_uint(out, m->end);
	return buf_rc(out);
}

dske_rc msg_confirm_read(struct msg_confirm *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_confirm){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, CONFIRM_ITEMS, CONFIRM_ITEMS);
	cbor_read_id(&r, &m->nonce_h);
	m->start = cbor_read_uint(&r, 0, TABLE_LEN_MAX);
	m->end = cbor_read_uint(&r, 0, TABLE_LEN_MAX);
	if (m->start > m->end)
		cbor_refuse(&r, "the window ends before it starts");
	return cbor_end(&r);
}
