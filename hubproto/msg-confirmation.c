/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define CONFIRMATION_ITEMS 3
#define REFUSAL_ITEMS 1

dske_rc msg_confirmation_write(struct buf *out, const struct msg_confirmation *m)
{
	cbor_write_array(out, m->status == STATUS_ACCEPTED ? CONFIRMATION_ITEMS : REFUSAL_ITEMS);
	cbor_write_uint(out, m->status);
	if (m->status != STATUS_ACCEPTED)
		return buf_rc(out);
	cbor_write_bytes(out, m->said.point.b, TAG_LEN);
	cbor_write_bytes(out, m->said.value.b, TAG_LEN);
	return buf_rc(out);
}

dske_rc msg_confirmation_read(struct msg_confirmation *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_confirmation){0};
	cbor_reader_init(&r, body, len);

	size_t items = cbor_read_array(&r, REFUSAL_ITEMS, CONFIRMATION_ITEMS);

	m->status = (unsigned)cbor_read_uint(&r, 0, UINT8_MAX);
	if ((m->status == STATUS_ACCEPTED) != (items == CONFIRMATION_ITEMS))
		cbor_refuse(&r, "a confirmation that does not fit its status");
	if (m->status == STATUS_ACCEPTED) {
		cbor_read_copy(&r, m->said.point.b, TAG_LEN);
		cbor_read_copy(&r, m->said.value.b, TAG_LEN);
	}
	return cbor_end(&r);
}
