/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define MUSTER_ITEMS 2
#define MUSTERED_ITEMS 2
#define REFUSAL_ITEMS 1

dske_rc msg_muster_write(struct buf *out, const struct msg_muster *m)
{
	cbor_write_array(out, MUSTER_ITEMS);
	cbor_write_id(out, &m->key_id);
	cbor_write_uint(out, m->patience);
	return buf_rc(out);
}

dske_rc msg_muster_read(struct msg_muster *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_muster){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, MUSTER_ITEMS, MUSTER_ITEMS);
	cbor_read_id(&r, &m->key_id);
	m->patience = (uint32_t)cbor_read_uint(&r, 1, CONFIRM_PATIENCE_MAX);
	return cbor_end(&r);
}

dske_rc msg_mustered_write(struct buf *out, const struct msg_mustered *m)
{
	cbor_write_array(out, m->status == STATUS_ACCEPTED ? MUSTERED_ITEMS : REFUSAL_ITEMS);
	cbor_write_uint(out, m->status);
	if (m->status == STATUS_ACCEPTED)
		cbor_write_bytes(out, m->ready.b, sizeof m->ready.b);
	return buf_rc(out);
}

dske_rc msg_mustered_read(struct msg_mustered *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_mustered){0};
	cbor_reader_init(&r, body, len);

	size_t items = cbor_read_array(&r, REFUSAL_ITEMS, MUSTERED_ITEMS);

	m->status = (unsigned)cbor_read_uint(&r, 0, UINT8_MAX);
	if ((m->status == STATUS_ACCEPTED) != (items == MUSTERED_ITEMS))
		cbor_refuse(&r, "a set of receivers that does not fit its status");
	if (m->status == STATUS_ACCEPTED)
		cbor_read_copy(&r, m->ready.b, sizeof m->ready.b);
	return cbor_end(&r);
}
