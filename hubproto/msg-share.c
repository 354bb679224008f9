/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define SHARE_ITEMS 4

dske_rc msg_share_write(struct buf *out, const struct msg_share *m)
{
	cbor_write_array(out, SHARE_ITEMS);
	TRY(msg_terms_write(out, &m->terms));
	cbor_write_uint(out, m->ttl);
	cbor_write_uint(out, m->mode);
	cbor_write_bytes(out, m->share, m->share_len);
	return buf_rc(out);
}

dske_rc msg_share_read(struct msg_share *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_share){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, SHARE_ITEMS, SHARE_ITEMS);
	msg_terms_read(&r, &m->terms);
	m->ttl = (uint32_t)cbor_read_uint(&r, 1, SHARE_TTL_MAX);
	m->mode = (enum share_mode)cbor_read_uint(&r, SHARE_MODE_PAD, SHARE_MODE_SEALED);
	/* DSKE 2.3.1: where Y_i = R_i the hub has the share already, and nothing is sent. */
	size_t share_len = m->mode == SHARE_MODE_SEALED ? terms_part_len(&m->terms, 0) : 0;
	m->share = cbor_read_bytes(&r, share_len, share_len, &m->share_len);
	return cbor_end(&r);
}
