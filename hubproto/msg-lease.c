/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define LEASE_ITEMS 4

dske_rc msg_lease_write(struct buf *out, const struct msg_lease *m)
{
	cbor_write_array(out, LEASE_ITEMS);
	cbor_write_uint(out, m->slot);
	cbor_write_id(out, &m->nonce_c);
	cbor_write_uint(out, m->wanted);
	cbor_write_uint(out, m->lowest);
	return buf_rc(out);
}

dske_rc msg_lease_read(struct msg_lease *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_lease){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, LEASE_ITEMS, LEASE_ITEMS);
	m->slot = cbor_read_uint(&r, 0, LEASE_SLOT_MAX);
	cbor_read_id(&r, &m->nonce_c);
	m->wanted = cbor_read_uint(&r, 0, TABLE_LEN_MAX);
	m->lowest = cbor_read_uint(&r, 0, TABLE_LEN_MAX);
	return cbor_end(&r);
}
