/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define READY_ITEMS 3

dske_rc msg_ready_write(struct buf *out, const struct msg_ready *m)
{
	cbor_write_array(out, READY_ITEMS);
	cbor_write_id(out, &m->initiator);
	cbor_write_id(out, &m->key_id);
	cbor_write_uint(out, m->patience);
	return buf_rc(out);
}

dske_rc msg_ready_read(struct msg_ready *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_ready){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, READY_ITEMS, READY_ITEMS);
	cbor_read_id(&r, &m->initiator);
	cbor_read_id(&r, &m->key_id);
	m->patience = (uint32_t)cbor_read_uint(&r, 1, CONFIRM_PATIENCE_MAX);
	return cbor_end(&r);
}
