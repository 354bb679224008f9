/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define INSTRUCTION_ITEMS 2

dske_rc msg_instruction_write(struct buf *out, const struct msg_instruction *m)
{
	cbor_write_array(out, INSTRUCTION_ITEMS);
	TRY(msg_terms_write(out, &m->terms));
	cbor_write_bytes(out, m->share, m->share_len);
	return buf_rc(out);
}

dske_rc msg_instruction_read(struct msg_instruction *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_instruction){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, INSTRUCTION_ITEMS, INSTRUCTION_ITEMS);
	msg_terms_read(&r, &m->terms);
	size_t share_len = terms_part_len(&m->terms, 0);
	m->share = cbor_read_bytes(&r, share_len, share_len, &m->share_len);
	return cbor_end(&r);
}
