/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define ATTEST_ITEMS 3

dske_rc msg_attest_write(struct buf *out, const struct msg_attest *m)
{
	cbor_write_array(out, ATTEST_ITEMS);
	cbor_write_id(out, &m->key_id);
	cbor_write_bytes(out, m->said.point.b, TAG_LEN);
	cbor_write_bytes(out, m->said.value.b, TAG_LEN);
	return buf_rc(out);
}

dske_rc msg_attest_read(struct msg_attest *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_attest){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, ATTEST_ITEMS, ATTEST_ITEMS);
	cbor_read_id(&r, &m->key_id);
	cbor_read_copy(&r, m->said.point.b, TAG_LEN);
	cbor_read_copy(&r, m->said.value.b, TAG_LEN);
	return cbor_end(&r);
}
