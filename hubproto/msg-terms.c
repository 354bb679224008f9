/* SPDX-License-Identifier: Apache-2.0 */
/* The terms of an agreement, which SHARE and INSTRUCTION carry alike. */
#include "hubproto/msg.h"

#include <string.h>

#define TERMS_ITEMS 11

static void ids_write(struct buf *out, const struct id *ids, size_t count)
{
	cbor_write_array(out, count);
	for (size_t i = 0; i < count; i++)
		cbor_write_id(out, &ids[i]);
}

static uint8_t ids_read(struct cbor_reader *r, struct id *ids, size_t max)
{
	size_t count = cbor_read_array(r, 1, max);

	for (size_t i = 0; i < count; i++)
		cbor_read_id(r, &ids[i]);
	return (uint8_t)count;
}

dske_rc msg_terms_write(struct buf *out, const struct terms *t)
{
	cbor_write_array(out, TERMS_ITEMS);
	cbor_write_id(out, &t->initiator);
	cbor_write_id(out, &t->key_id);
	ids_write(out, t->receiver, t->receiver_count);
	cbor_write_uint(out, t->n);
	cbor_write_uint(out, t->k);
	ids_write(out, t->hub, t->n);
	cbor_write_uint(out, t->scheme);
	cbor_write_uint(out, t->key_len);
	cbor_write_bytes(out, t->key_tag.b, TAG_LEN);
	cbor_write_bytes(out, t->context, t->context_len);
	cbor_write_uint(out, t->confirm);
	return buf_rc(out);
}

void msg_terms_read(struct cbor_reader *r, struct terms *t)
{
	size_t context_len;

	cbor_read_array(r, TERMS_ITEMS, TERMS_ITEMS);
	cbor_read_id(r, &t->initiator);
	cbor_read_id(r, &t->key_id);
	t->receiver_count = ids_read(r, t->receiver, TERMS_RECEIVERS_MAX);
	t->n = (uint8_t)cbor_read_uint(r, 1, TERMS_HUBS_MAX);
	t->k = (uint8_t)cbor_read_uint(r, 1, TERMS_HUBS_MAX);
	if (ids_read(r, t->hub, TERMS_HUBS_MAX) != t->n)
		cbor_refuse(r, "the list of hubs does not have n of them");
	t->scheme = (enum scheme)cbor_read_uint(r, 0, SCHEME_COUNT - 1);
	t->key_len = (uint32_t)cbor_read_uint(r, KEY_LEN_MIN, KEY_LEN_MAX);
	cbor_read_copy(r, t->key_tag.b, TAG_LEN);

	const uint8_t *context = cbor_read_bytes(r, 0, TERMS_CONTEXT_MAX, &context_len);

	if (context_len > 0)
		memcpy(t->context, context, context_len);
	t->context_len = (uint8_t)context_len;
	t->confirm = cbor_read_uint(r, 0, 1) == 1;
}
