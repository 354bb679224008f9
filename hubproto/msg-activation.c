/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define ACTIVATION_ITEMS 1

dske_rc msg_activation_write(struct buf *out, const struct msg_activation *m)
{
	cbor_write_array(out, ACTIVATION_ITEMS);
	cbor_write_id(out, &m->nonce);
	return buf_rc(out);
}

dske_rc msg_activation_read(struct msg_activation *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_activation){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, ACTIVATION_ITEMS, ACTIVATION_ITEMS);
	cbor_read_id(&r, &m->nonce);
	return cbor_end(&r);
}
