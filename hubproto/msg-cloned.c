/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define CLONED_ITEMS 2

dske_rc msg_cloned_write(struct buf *out, const struct msg_cloned *m)
{
	cbor_write_array(out, CLONED_ITEMS);
	cbor_write_id(out, &m->nonce_c);
	cbor_write_uint(out, m->next_slot);
	return buf_rc(out);
}

dske_rc msg_cloned_read(struct msg_cloned *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_cloned){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, CLONED_ITEMS, CLONED_ITEMS);
	cbor_read_id(&r, &m->nonce_c);
	m->next_slot = cbor_read_uint(&r, 0, LEASE_SLOT_MAX + 1);
	return cbor_end(&r);
}
