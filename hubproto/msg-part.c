/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#include <string.h>

#define PART_ITEMS 5

dske_rc msg_part_write(struct buf *out, const struct msg_part *m)
{
	cbor_write_array(out, PART_ITEMS);
	cbor_write_id(out, &m->key_id);
	cbor_write_uint(out, m->number);
	cbor_write_uint(out, m->mode);
	cbor_write_bytes(out, m->share, m->share_len);
	cbor_write_bytes(out, m->key_tag.b, m->has_tag ? TAG_LEN : 0);
	return buf_rc(out);
}

static void key_tag_read(struct cbor_reader *r, struct msg_part *m)
{
	size_t len;
	const uint8_t *tag = cbor_read_bytes(r, 0, TAG_LEN, &len);

	if (len != 0 && len != TAG_LEN)
		cbor_refuse(r, "a key tag of another length than 16 bytes");
	m->has_tag = r->code == DSKE_RC_OK && len == TAG_LEN;
	if (m->has_tag)
		memcpy(m->key_tag.b, tag, TAG_LEN);
}

dske_rc msg_part_read(struct msg_part *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_part){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, PART_ITEMS, PART_ITEMS);
	cbor_read_id(&r, &m->key_id);
	m->number = (unsigned)cbor_read_uint(&r, 1, KEY_PARTS_MAX - 1);
	m->mode = (enum share_mode)cbor_read_uint(&r, SHARE_MODE_PAD, SHARE_MODE_SEALED);
	bool sealed = m->mode == SHARE_MODE_SEALED;
	m->share = cbor_read_bytes(&r, sealed, sealed ? KEY_PART_LEN : 0, &m->share_len);
	key_tag_read(&r, m);
	return cbor_end(&r);
}
