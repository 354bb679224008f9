/* SPDX-License-Identifier: Apache-2.0 */
#include "hubproto/direct.h"

#include <string.h>

#include "core/cbor.h"

#define DIRECT_VERSION 1
#define DIRECT_ITEMS 6
#define DIRECT_HEAD_LEN 4

static const struct {
	const char *name;
	bool known, tagged;
} rows[] = {
#define X(number, name, tagged) [number] = {#name, true, tagged},
	DSKE_DIRECT_LIST(X)
#undef X
};

#define ROWS (sizeof rows / sizeof rows[0])

const char *direct_name(unsigned type)
{
	return type < ROWS && rows[type].known ? rows[type].name : "?";
}

/* ---- the envelope -------------------------------------------------------------------------------------- */

/* Another version may have another form: look no further than its number. */
static dske_rc open_item(struct cbor_reader *r)
{
	size_t count = cbor_read_array(r, 1, UINT16_MAX);
	uint64_t version = cbor_read_uint(r, 0, UINT64_MAX);

	if (r->code == DSKE_RC_OK && version != DIRECT_VERSION)
		return FAIL(UNSUPPORTED, "the peer speaks version %llu, this is version %d", (unsigned long long)version,
			    DIRECT_VERSION);
	if (count != DIRECT_ITEMS)
		cbor_refuse(r, "the item does not have six elements");
	return (dske_rc){r->code};
}

dske_rc direct_read(struct direct_item *d, const uint8_t *item, size_t len)
{
	static const struct tag none;
	struct cbor_reader r;

	*d = (struct direct_item){.item = item, .item_len = len};
	cbor_reader_init(&r, item, len);
	TRY(open_item(&r));
	d->type = (uint8_t)cbor_read_uint(&r, DIRECT_HELLO, DIRECT_BYE);
	cbor_read_id(&r, &d->sender);
	cbor_read_id(&r, &d->key_id);
	d->body = cbor_read_bytes(&r, 0, DIRECT_ITEM_MAX, &d->body_len);
	cbor_read_copy(&r, d->tag.b, TAG_LEN);
	TRY(cbor_end(&r));
	if (!rows[d->type].tagged && memcmp(&d->tag, &none, sizeof none) != 0)
		return FAIL(FORMAT, "a %s with a tag", direct_name(d->type));
	return DSKE_OK;
}

dske_rc direct_write(struct buf *out, const struct direct_item *d, const uint8_t *tag_key)
{
	struct tag tag = {0};
	size_t start = out->len;

	buf_put_be32(out, 0);
	cbor_write_array(out, DIRECT_ITEMS);
	cbor_write_uint(out, DIRECT_VERSION);
	cbor_write_uint(out, d->type);
	cbor_write_id(out, &d->sender);
	cbor_write_id(out, &d->key_id);
	cbor_write_bytes(out, d->body, d->body_len);
	cbor_write_bytes(out, tag.b, TAG_LEN);
	TRY(buf_rc(out));

	uint8_t *frame = out->data + start;
	size_t item_len = out->len - start - DIRECT_HEAD_LEN;

	if (item_len > DIRECT_ITEM_MAX)
		return FAIL(TOOBIG, "a %s of %zu bytes exceeds the longest", direct_name(d->type), item_len);
	for (size_t i = 0; i < DIRECT_HEAD_LEN; i++)
		frame[i] = (uint8_t)(item_len >> (8 * (DIRECT_HEAD_LEN - 1 - i)));
	if (tag_key) {
		tag_compute(&tag, tag_key, frame + DIRECT_HEAD_LEN, item_len - TAG_LEN);
		memcpy(frame + DIRECT_HEAD_LEN + item_len - TAG_LEN, tag.b, TAG_LEN);
	}
	return DSKE_OK;
}

bool direct_verify(const struct direct_item *d, const uint8_t tag_key[TAG_KEY_LEN])
{
	return tag_check(&d->tag, tag_key, d->item, d->item_len - TAG_LEN);
}

/* ---- bodies ---------------------------------------------------------------------------------------------- */

dske_rc direct_hello_write(struct buf *out, const struct id *peer)
{
	cbor_write_array(out, 1);
	cbor_write_id(out, peer);
	return buf_rc(out);
}

dske_rc direct_hello_read(struct id *peer, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, 1, 1);
	cbor_read_id(&r, peer);
	return cbor_end(&r);
}

dske_rc direct_tags_write(struct buf *out, const struct adapted_marks *m)
{
	cbor_write_array(out, m->count);
	for (size_t i = 0; i < m->count; i++) {
		cbor_write_array(out, 2);
		cbor_write_uint(out, m->at[i].x);
		cbor_write_bytes(out, m->at[i].tag.b, TAG_LEN);
	}
	return buf_rc(out);
}

dske_rc direct_tags_read(struct adapted_marks *m, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	cbor_reader_init(&r, body, len);
	m->count = (uint8_t)cbor_read_array(&r, 1, TERMS_HUBS_MAX);
	for (size_t i = 0; i < m->count; i++) {
		cbor_read_array(&r, 2, 2);
		m->at[i].x = (uint8_t)cbor_read_uint(&r, 1, TERMS_HUBS_MAX);
		cbor_read_copy(&r, m->at[i].tag.b, TAG_LEN);
	}
	return cbor_end(&r);
}

dske_rc direct_list_write(struct buf *out, const struct adapted_list *l)
{
	cbor_write_array(out, 2);
	cbor_write_array(out, l->count);
	for (size_t i = 0; i < l->count; i++)
		cbor_write_uint(out, l->x[i]);
	cbor_write_bytes(out, l->key_tag.b, TAG_LEN);
	return buf_rc(out);
}

dske_rc direct_list_read(struct adapted_list *l, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, 2, 2);
	l->count = (uint8_t)cbor_read_array(&r, 1, TERMS_HUBS_MAX);
	for (size_t i = 0; i < l->count; i++)
		l->x[i] = (uint8_t)cbor_read_uint(&r, 1, TERMS_HUBS_MAX);
	cbor_read_copy(&r, l->key_tag.b, TAG_LEN);
	return cbor_end(&r);
}

dske_rc direct_done_write(struct buf *out, const struct tag *proof)
{
	cbor_write_array(out, 1);
	cbor_write_bytes(out, proof->b, TAG_LEN);
	return buf_rc(out);
}

dske_rc direct_done_read(struct tag *proof, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, 1, 1);
	cbor_read_copy(&r, proof->b, TAG_LEN);
	return cbor_end(&r);
}

dske_rc direct_bye_write(struct buf *out, enum direct_bye reason)
{
	cbor_write_array(out, 1);
	cbor_write_uint(out, reason);
	return buf_rc(out);
}

dske_rc direct_bye_read(unsigned *reason, const uint8_t *body, size_t len)
{
	struct cbor_reader r;

	cbor_reader_init(&r, body, len);
	cbor_read_array(&r, 1, 1);
	*reason = (unsigned)cbor_read_uint(&r, 1, UINT8_MAX);
	return cbor_end(&r);
}

const char *direct_bye_text(unsigned reason)
{
	switch (reason) {
	case BYE_TIME:
		return "the peer waited no longer";
	case BYE_TOO_FEW:
		return "too few shares arrived as they were sent";
	default:
		return "the peer gave up";
	}
}
