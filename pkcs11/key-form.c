/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/key-form.h"

#include "base/buf.h"

static void put_attribute(struct buf *b, uint64_t type, const void *bytes, size_t len)
{
	buf_put_be32(b, (uint32_t)(type >> 32));
	buf_put_be32(b, (uint32_t)type);
	buf_put_be32(b, (uint32_t)len);
	buf_put(b, bytes, len);
}

static size_t form_len(const struct object *key)
{
	size_t len = 12 + key->value.len;

	for (size_t i = 0; i < key->attrs.count; i++)
		len += 12 + key->attrs.item[i].ulValueLen;
	return len;
}

dske_rc key_write(const struct object *key, struct secret *form)
{
	struct buf b;

	TRY(secret_alloc(form, form_len(key)));
	buf_fixed(&b, form->data, form->len);
	for (size_t i = 0; i < key->attrs.count; i++) {
		const CK_ATTRIBUTE *a = &key->attrs.item[i];
		put_attribute(&b, a->type, a->pValue, a->ulValueLen);
	}
	put_attribute(&b, CKA_VALUE, key->value.data, key->value.len);
	return buf_rc(&b);
}

static uint64_t be(const uint8_t *p, int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* What is read here was authenticated, but may be of another version's making. */
dske_rc key_read(struct object *key, const struct secret *form)
{
	const uint8_t *p = form->data, *end = form->data + form->len;

	while (p < end) {
		if (end - p < 12 || (uint64_t)(end - p) - 12 < be(p + 8, 4))
			return FAIL(CORRUPT, "a stored object is cut off");
		CK_ATTRIBUTE_TYPE type = be(p, 8);
		size_t len = be(p + 8, 4);
		if (type == CKA_VALUE)
			TRY(secret_from(&key->value, p + 12, len));
		else if (attrs_set(&key->attrs, type, p + 12, len) != CKR_OK)
			return FAIL(NOMEM, "no memory for a stored object");
		p += 12 + len;
	}
	key->is_private = true;
	return key->value.len > 0 ? DSKE_OK : FAIL(CORRUPT, "a stored object has no value");
}
