/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/msg.h"

#define IDENTITY_ITEMS 4

dske_rc msg_identity_write(struct buf *out, const struct msg_identity *m)
{
	cbor_write_array(out, IDENTITY_ITEMS);
	cbor_write_uint(out, m->status);
	cbor_write_id(out, &m->id);
	cbor_write_text(out, m->name);
	cbor_write_text(out, m->local);
	return buf_rc(out);
}

/* One form for each answer: a record when accepted, nothing otherwise. */
static void identity_check(struct cbor_reader *r, const struct msg_identity *m)
{
	if (m->status == STATUS_ACCEPTED) {
		if (!name_check(m->name))
			cbor_refuse(r, "not a name");
	} else if (!id_is_zero(&m->id) || m->name[0] != '\0' || m->local[0] != '\0') {
		cbor_refuse(r, "a refusal that names a client");
	}
}

dske_rc msg_identity_read(struct msg_identity *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	*m = (struct msg_identity){0};
	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, IDENTITY_ITEMS, IDENTITY_ITEMS);
	m->status = (unsigned)cbor_read_uint(&r, 0, UINT8_MAX);
	cbor_read_id(&r, &m->id);
	cbor_read_text(&r, 0, NAME_MAX_LEN, m->name);
	cbor_read_text(&r, 0, NAME_MAX_LEN, m->local);
	identity_check(&r, m);
	return cbor_end(&r);
}
