/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define NOTE_ITEMS 2

dske_rc msg_note_write(struct buf *out, const struct msg_note *m)
{
	cbor_write_array(out, NOTE_ITEMS);
	cbor_write_uint(out, m->code);
	cbor_write_uint(out, m->hint);
	return buf_rc(out);
}

dske_rc msg_note_read(struct msg_note *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_note){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, NOTE_ITEMS, NOTE_ITEMS);
	m->code = (unsigned)cbor_read_uint(&r, 1, UINT8_MAX);
	m->hint = cbor_read_uint(&r, 0, LEASE_SLOT_MAX + 1);
	return cbor_end(&r);
}
