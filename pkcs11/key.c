/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/key.h"

#include <string.h>

#include "core/terms.h"
#include "pkcs11/attr-array.h"
#include "pkcs11/crypto.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-key.h"

#define ATTR_NONE CK_UNAVAILABLE_INFORMATION
#define CHECK_LEN 3 /* bytes of a check value */

/* ---- kinds and values ---------------------------------------------------------------------------------- */

/* What keys there are, and how long in bytes (PKCS#11 3.0: 2.9.1, 2.10.1, 2.22.2, 2.27.1 and so on). */
static const struct key_type {
	CK_KEY_TYPE type;
	CK_ULONG min, max, step;
} key_types[] = {
	{CKK_GENERIC_SECRET, 1, KEY_HELD_MAX, 1},  {CKK_AES, 16, 32, 8},
	{CKK_CHACHA20, 32, 32, 1},                 {CKK_POLY1305, 32, 32, 1},
	{CKK_HKDF, 1, KEY_HELD_MAX, 1},            {CKK_SHA_1_HMAC, 1, KEY_HELD_MAX, 1},
	{CKK_SHA224_HMAC, 1, KEY_HELD_MAX, 1},     {CKK_SHA256_HMAC, 1, KEY_HELD_MAX, 1},
	{CKK_SHA384_HMAC, 1, KEY_HELD_MAX, 1},     {CKK_SHA512_HMAC, 1, KEY_HELD_MAX, 1},
	{CKK_SHA512_224_HMAC, 1, KEY_HELD_MAX, 1}, {CKK_SHA512_256_HMAC, 1, KEY_HELD_MAX, 1},
	{CKK_SHA3_224_HMAC, 1, KEY_HELD_MAX, 1},   {CKK_SHA3_256_HMAC, 1, KEY_HELD_MAX, 1},
	{CKK_SHA3_384_HMAC, 1, KEY_HELD_MAX, 1},   {CKK_SHA3_512_HMAC, 1, KEY_HELD_MAX, 1},
};

static const struct key_type *key_type_row(CK_KEY_TYPE type)
{
	for (size_t i = 0; i < sizeof key_types / sizeof key_types[0]; i++) {
		if (key_types[i].type == type)
			return &key_types[i];
	}
	return NULL;
}

bool key_len_possible(CK_KEY_TYPE type, CK_ULONG len)
{
	const struct key_type *row = key_type_row(type);

	return row != NULL && len >= row->min && len <= row->max && (len - row->min) % row->step == 0;
}

CK_ULONG key_len_preset(CK_KEY_TYPE type)
{
	const struct key_type *row = key_type_row(type);

	return row != NULL && row->min > 1 ? row->max : 0;
}

CK_ULONG key_len_only(CK_KEY_TYPE type)
{
	const struct key_type *row = key_type_row(type);

	return row != NULL && row->min == row->max ? row->max : 0;
}

bool key_type_known(CK_KEY_TYPE type)
{
	return key_type_row(type) != NULL;
}

/* What a host can compare two keys by (PKCS#11 3.0, 4.10: "it MUST match", unless it was given as none). */
static CK_RV set_check_value(struct attrs *a, CK_KEY_TYPE type, const struct secret *value)
{
	const CK_ATTRIBUTE *given = attrs_get(a, CKA_CHECK_VALUE);
	uint8_t check[CRYPTO_SHA1_LEN];

	if (given != NULL && given->ulValueLen == 0)
		return CKR_OK;
	/* 2.9.1, 2.10.1: of a generic secret the first bytes of its SHA-1, of a cipher's key those of its ECB. */
	TRY_RV(rv_from(type == CKK_AES ? crypto_aes_check(check, value) : crypto_sha1(check, value->data, value->len)));
	if (given != NULL && (given->ulValueLen != CHECK_LEN || memcmp(given->pValue, check, CHECK_LEN) != 0))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	return attrs_set(a, CKA_CHECK_VALUE, check, CHECK_LEN);
}

CK_RV key_set_value(struct object *key, struct secret *value)
{
	CK_KEY_TYPE type = attrs_get_ulong(&key->attrs, CKA_KEY_TYPE, CKK_GENERIC_SECRET);

	if (key->kind == OBJECT_DATA) {
		secret_move(&key->value, value);
		return CKR_OK;
	}
	if (!key_len_possible(type, value->len))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (attrs_get_ulong(&key->attrs, CKA_VALUE_LEN, value->len) != value->len)
		return CKR_TEMPLATE_INCONSISTENT; /* with what its base key demands */
	if (otpkey_is(&key->attrs))
		TRY_RV(otpkey_begin(&key->attrs, value->len)); /* and nothing that tells of its bytes */
	else
		TRY_RV(set_check_value(&key->attrs, type, value));
	TRY_RV(attrs_set_ulong(&key->attrs, CKA_VALUE_LEN, value->len));
	secret_move(&key->value, value);
	return CKR_OK;
}

bool key_readable(const struct object *key)
{
	return key->kind == OBJECT_DATA ||
	       (attrs_get_bool(&key->attrs, CKA_EXTRACTABLE) && !attrs_get_bool(&key->attrs, CKA_SENSITIVE));
}

/* ---- what a key may be used for ----------------------------------------------------------------------- */

/* An empty list, or none, allows every mechanism. */
bool key_allows_mech(const struct object *key, CK_MECHANISM_TYPE type)
{
	const CK_ATTRIBUTE *list = attrs_get(&key->attrs, CKA_ALLOWED_MECHANISMS);
	CK_ULONG count = list != NULL ? list->ulValueLen / sizeof type : 0;

	for (CK_ULONG i = 0; i < count; i++) {
		CK_MECHANISM_TYPE one;
		memcpy(&one, (const uint8_t *)list->pValue + i * sizeof one, sizeof one);
		if (one == type)
			return true;
	}
	return count == 0;
}

CK_RV key_allows(struct module *m, const struct object *key, const struct mech *row, CK_ATTRIBUTE_TYPE verb, CK_RV unfit)
{
	CK_RV rv = CKR_OK;

	if (key->kind != OBJECT_KEY)
		return unfit;
	module_lock(m);
	if (!row->key_fits(attrs_get_ulong(&key->attrs, CKA_KEY_TYPE, ATTR_NONE)))
		rv = unfit;
	else if (!attrs_get_bool(&key->attrs, verb))
		rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
	else if (!key_allows_mech(key, row->type))
		rv = CKR_MECHANISM_INVALID;
	module_unlock(m);
	return rv;
}

/* "If all attributes match according to the C_FindObject rules" (PKCS#11 3.2, 5.18.3): nobody asks for a value so. */
static bool matches_template(const struct object *key, const CK_ATTRIBUTE *templ)
{
	struct array_walk w = array_begin(templ);
	CK_ATTRIBUTE one;

	while (array_next(&w, &one)) {
		const CK_ATTRIBUTE *have = attrs_get(&key->attrs, one.type);
		if (have == NULL || have->ulValueLen != one.ulValueLen ||
		    (one.ulValueLen > 0 && memcmp(have->pValue, one.pValue, one.ulValueLen) != 0))
			return false;
	}
	return true;
}

CK_RV key_wrappable(struct module *m, const struct object *wrapping, const struct object *key)
{
	CK_RV rv = CKR_OK;

	if (key->kind != OBJECT_KEY)
		return CKR_KEY_NOT_WRAPPABLE;
	module_lock(m);
	if (!attrs_get_bool(&key->attrs, CKA_EXTRACTABLE))
		rv = CKR_KEY_UNEXTRACTABLE;
	else if (attrs_get_bool(&key->attrs, CKA_WRAP_WITH_TRUSTED) && !attrs_get_bool(&wrapping->attrs, CKA_TRUSTED))
		rv = CKR_KEY_NOT_WRAPPABLE;
	else if (!matches_template(key, attrs_get(&wrapping->attrs, CKA_WRAP_TEMPLATE)))
		rv = CKR_KEY_HANDLE_INVALID;
	module_unlock(m);
	return rv;
}

bool key_makes_protected(struct module *m, const struct object *key, CK_ATTRIBUTE_TYPE which)
{
	bool demanded = false;
	CK_ATTRIBUTE one;

	module_lock(m);
	struct array_walk w = array_begin(attrs_get(&key->attrs, which));
	while (array_next(&w, &one))
		demanded = demanded || (one.type == CKA_SENSITIVE && attr_bool(&one, 1, CKA_SENSITIVE, false)) ||
			   (one.type == CKA_EXTRACTABLE && !attr_bool(&one, 1, CKA_EXTRACTABLE, true));
	module_unlock(m);
	return demanded;
}
