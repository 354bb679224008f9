/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define WAIT_ITEMS 4
#define TAKES_LONG 2u /* more than the selector alone */

dske_rc msg_wait_write(struct buf *out, const struct msg_wait *m)
{
	cbor_write_array(out, WAIT_ITEMS);
	cbor_write_id(out, &m->initiator);
	cbor_write_uint(out, m->selector + (m->takes_long ? TAKES_LONG : 0));
	cbor_write_bytes(out, m->value, m->value_len);
	cbor_write_uint(out, m->patience);
	return buf_rc(out);
}

dske_rc msg_wait_read(struct msg_wait *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_wait){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, WAIT_ITEMS, WAIT_ITEMS);
	cbor_read_id(&r, &m->initiator);
	uint64_t selector = cbor_read_uint(&r, WAIT_KEY_ID, WAIT_CONTEXT + TAKES_LONG);
	m->takes_long = selector >= TAKES_LONG;
	m->selector = (enum wait_selector)(selector % TAKES_LONG);
	if (m->selector == WAIT_KEY_ID)
		m->value = cbor_read_bytes(&r, ID_LEN, ID_LEN, &m->value_len);
	else
		m->value = cbor_read_bytes(&r, 0, TERMS_CONTEXT_MAX, &m->value_len);
	m->patience = (uint32_t)cbor_read_uint(&r, 1, WAIT_PATIENCE_MAX);
	return cbor_end(&r);
}
