/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define PIECE_ITEMS 4

dske_rc msg_piece_write(struct buf *out, const struct msg_piece *m)
{
	cbor_write_array(out, PIECE_ITEMS);
	cbor_write_id(out, &m->initiator);
	cbor_write_id(out, &m->key_id);
	cbor_write_uint(out, m->number);
	cbor_write_bytes(out, m->share, m->share_len);
	return buf_rc(out);
}

dske_rc msg_piece_read(struct msg_piece *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_piece){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, PIECE_ITEMS, PIECE_ITEMS);
	cbor_read_id(&r, &m->initiator);
	cbor_read_id(&r, &m->key_id);
	m->number = (unsigned)cbor_read_uint(&r, 1, KEY_PARTS_MAX - 1);
	m->share = cbor_read_bytes(&r, 1, KEY_PART_LEN, &m->share_len);
	return cbor_end(&r);
}
