/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define GRANT_ITEMS 5

dske_rc msg_grant_write(struct buf *out, const struct msg_grant *m)
{
	cbor_write_array(out, GRANT_ITEMS);
	cbor_write_id(out, &m->nonce_c);
	cbor_write_id(out, &m->nonce_h);
	cbor_write_uint(out, m->policy);
	cbor_write_uint(out, m->start);
	cbor_write_uint(out, m->end);
	return buf_rc(out);
}

dske_rc msg_grant_read(struct msg_grant *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_grant){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, GRANT_ITEMS, GRANT_ITEMS);
	cbor_read_id(&r, &m->nonce_c);
	cbor_read_id(&r, &m->nonce_h);
	m->policy = cbor_read_uint(&r, 0, POLICY_VERSION_MAX);
	m->start = cbor_read_uint(&r, 0, TABLE_LEN_MAX);
	m->end = cbor_read_uint(&r, 0, TABLE_LEN_MAX);
	if (m->start > m->end)
		cbor_refuse(&r, "the window ends before it starts");
	return cbor_end(&r);
}
