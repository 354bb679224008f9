/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/key-form.h"

#include "pkcs11/attr-array.h"

static size_t form_len(const struct object *key)
{
	size_t len = ARRAY_HEAD + key->value.len;

	for (size_t i = 0; i < key->attrs.count; i++)
		len += ARRAY_HEAD + key->attrs.item[i].ulValueLen;
	return len;
}

dske_rc key_write(const struct object *key, struct secret *form)
{
	struct buf b;

	TRY(secret_alloc(form, form_len(key)));
	buf_fixed(&b, form->data, form->len);
	for (size_t i = 0; i < key->attrs.count; i++) {
		const CK_ATTRIBUTE *a = &key->attrs.item[i];
		array_put(&b, a->type, a->pValue, a->ulValueLen);
	}
	array_put(&b, CKA_VALUE, key->value.data, key->value.len);
	return buf_rc(&b);
}

/* What earlier versions did not write.  Nobody knows what a key was joined of that does not say. */
static CK_RV complete(struct object *key)
{
	char name[ID_HEX_LEN];

	if (key->kind == OBJECT_KEY && attrs_get(&key->attrs, CKA_DSKE_JOINED) == NULL)
		TRY_RV(attrs_set_bool(&key->attrs, CKA_DSKE_JOINED, true));
	if (attrs_get(&key->attrs, CKA_UNIQUE_ID) == NULL)
		TRY_RV(attrs_set_text(&key->attrs, CKA_UNIQUE_ID, id_hex(&key->stored, name)));
	return CKR_OK;
}

/* At once for all, and for what complete() adds. */
static CK_RV reserve(struct object *key, const struct secret *form)
{
	struct array_walk w = {form->data, form->data + form->len};
	CK_ATTRIBUTE one;
	size_t count = 1, bytes = ID_HEX_LEN;

	while (array_next(&w, &one)) {
		count++;
		bytes += one.type != CKA_VALUE ? one.ulValueLen : 0;
	}
	return attrs_reserve(&key->attrs, count, bytes);
}

dske_rc key_read(struct object *key, const struct secret *form)
{
	struct array_walk w = {form->data, form->data + form->len};
	CK_ATTRIBUTE one;

	if (reserve(key, form) != CKR_OK)
		return FAIL(NOMEM, "no memory for a stored object");
	while (array_next(&w, &one)) {
		if (one.type == CKA_VALUE)
			TRY(secret_from(&key->value, one.pValue, one.ulValueLen));
		else if (attrs_set(&key->attrs, one.type, one.pValue, one.ulValueLen) != CKR_OK)
			return FAIL(NOMEM, "no memory for a stored object");
	}
	if (w.at != w.end)
		return FAIL(CORRUPT, "a stored object is cut off");
	key->kind = attrs_get_ulong(&key->attrs, CKA_CLASS, CKO_SECRET_KEY) == CKO_DATA ? OBJECT_DATA : OBJECT_KEY;
	if (complete(key) != CKR_OK)
		return FAIL(NOMEM, "no memory for a stored object");
	key->sight = object_sight_of(&key->attrs);
	return key->value.len > 0 || key->kind == OBJECT_DATA ? DSKE_OK : FAIL(CORRUPT, "a stored key has no value");
}
