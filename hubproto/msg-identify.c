/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define IDENTIFY_ITEMS 2

dske_rc msg_identify_write(struct buf *out, const struct msg_identify *m)
{
	cbor_write_array(out, IDENTIFY_ITEMS);
	cbor_write_uint(out, m->kind);
	if (m->kind == IDENTIFY_NAME)
		cbor_write_text(out, m->name);
	else
		cbor_write_id(out, &m->id);
	return buf_rc(out);
}

dske_rc msg_identify_read(struct msg_identify *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_identify){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, IDENTIFY_ITEMS, IDENTIFY_ITEMS);
	m->kind = (enum identify_kind)cbor_read_uint(&r, IDENTIFY_NAME, IDENTIFY_ID);
	if (m->kind == IDENTIFY_ID) {
		cbor_read_id(&r, &m->id);
	} else {
		cbor_read_text(&r, 1, NAME_MAX_LEN, m->name);
		if (!name_check(m->name))
			cbor_refuse(&r, "not a name");
	}
	return cbor_end(&r);
}
