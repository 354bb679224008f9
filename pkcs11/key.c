/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/key.h"

#include <string.h>

#include "core/terms.h"
#include "pkcs11/crypto.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"

#define ATTR_NONE CK_UNAVAILABLE_INFORMATION

/* ---- from a template -------------------------------------------------------------------------------- */

/* What the template does not say. */
static CK_RV preset_attributes(struct object *key)
{
	size_t count;
	const struct attr_row *row = attr_rows(&count);

	for (size_t i = 0; i < count; i++, row++) {
		if (row->preset == ATTR_NO_DEFAULT || attrs_get(&key->attrs, row->type) != NULL)
			continue;
		if (row->preset == ATTR_EMPTY)
			TRY_RV(attrs_set(&key->attrs, row->type, NULL, 0));
		else
			TRY_RV(attrs_set_bool(&key->attrs, row->type, row->preset == ATTR_TRUE));
	}
	return CKR_OK;
}

static CK_RV copy_template(struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	for (CK_ULONG i = 0; i < n; i++) {
		if (templ[i].type != CKA_VALUE && templ[i].type != CKA_VALUE_LEN && templ[i].type != CKA_CHECK_VALUE)
			TRY_RV(attrs_set(&key->attrs, templ[i].type, templ[i].pValue, templ[i].ulValueLen));
	}
	return CKR_OK;
}

/* Where it lives, who sees it, whether it can be read. */
static CK_RV derived_attributes(struct object *key, bool unwrapped, bool logged_in)
{
	bool token = attrs_get_bool(&key->attrs, CKA_TOKEN);

	/* PKCS#11 3.0, 5.18.4: what is unwrapped "by default" can be wrapped again; what it says of itself is that it is
	 * extractable, not that it can be read. */
	if (unwrapped && attrs_get(&key->attrs, CKA_EXTRACTABLE) == NULL) {
		TRY_RV(attrs_set_bool(&key->attrs, CKA_EXTRACTABLE, true));
		if (attrs_get(&key->attrs, CKA_SENSITIVE) == NULL)
			TRY_RV(attrs_set_bool(&key->attrs, CKA_SENSITIVE, true));
	}
	bool extractable = attrs_get_bool(&key->attrs, CKA_EXTRACTABLE);
	if (attrs_get(&key->attrs, CKA_PRIVATE) == NULL)
		TRY_RV(attrs_set_bool(&key->attrs, CKA_PRIVATE, token || logged_in));
	/* Whoever asks for an extractable key and says no more wants to read it. */
	if (attrs_get(&key->attrs, CKA_SENSITIVE) == NULL)
		TRY_RV(attrs_set_bool(&key->attrs, CKA_SENSITIVE, !extractable));
	/* The store is encrypted under the user's PIN, so that what is in it comes and goes with the login,
	 * whatever CKA_PRIVATE says (stock tools say no). */
	key->is_private = token || attrs_get_bool(&key->attrs, CKA_PRIVATE);
	return CKR_OK;
}

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

static CK_RV check_class(const struct key_origin *from, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	CK_KEY_TYPE type = attr_ulong(templ, n, CKA_KEY_TYPE, from->type);

	if (attr_ulong(templ, n, CKA_CLASS, CKO_SECRET_KEY) != CKO_SECRET_KEY)
		return CKR_TEMPLATE_INCONSISTENT;
	if (type == ATTR_NONE)
		return CKR_TEMPLATE_INCOMPLETE;
	return key_type_row(type) != NULL ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

/* What this session may make (PKCS#11 2.40, 4.4 and 5.6). */
static CK_RV check_session(struct module *m, const struct session *s, const struct object *key)
{
	bool token = attrs_get_bool(&key->attrs, CKA_TOKEN);

	if (s->slot != SLOT_AGREEMENT)
		return CKR_TOKEN_WRITE_PROTECTED;
	if (token && !s->rw)
		return CKR_SESSION_READ_ONLY;
	module_lock(m);
	bool user = m->login.who == LOGIN_USER;
	module_unlock(m);
	return key->is_private && !user ? CKR_USER_NOT_LOGGED_IN : CKR_OK;
}

/* What the token alone says of a key's past (PKCS#11 3.0: 4.9 for what is generated, 5.18.4 for what is unwrapped,
 * 5.18.5 and the mechanisms' own words for what is derived: a key is no more secret than its base was). */
static CK_RV history_attributes(const struct key_origin *from, struct object *key)
{
	const struct object *base = from->base != NULL && from->base->kind == OBJECT_KEY ? from->base : NULL;
	bool begins = from->when == ATTR_IN_GENERATE;
	bool generated = begins && from->mech != ATTR_NONE;
	bool sensitive = begins && attrs_get_bool(&key->attrs, CKA_SENSITIVE);
	bool kept = begins && !attrs_get_bool(&key->attrs, CKA_EXTRACTABLE);

	if (base != NULL) {
		sensitive = sensitive && attrs_get_bool(&base->attrs, CKA_ALWAYS_SENSITIVE);
		kept = kept && attrs_get_bool(&base->attrs, CKA_NEVER_EXTRACTABLE);
	}
	TRY_RV(attrs_set_bool(&key->attrs, CKA_LOCAL, generated));
	TRY_RV(attrs_set_ulong(&key->attrs, CKA_KEY_GEN_MECHANISM, generated ? from->mech : ATTR_NONE));
	TRY_RV(attrs_set_bool(&key->attrs, CKA_ALWAYS_SENSITIVE, sensitive));
	return attrs_set_bool(&key->attrs, CKA_NEVER_EXTRACTABLE, kept);
}

static CK_RV key_fill(struct module *m, const struct session *s, const struct key_origin *from, struct object *key,
		      const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	TRY_RV(copy_template(key, templ, n));
	TRY_RV(attrs_set_ulong(&key->attrs, CKA_CLASS, CKO_SECRET_KEY));
	TRY_RV(attrs_set_ulong(&key->attrs, CKA_KEY_TYPE, attr_ulong(templ, n, CKA_KEY_TYPE, from->type)));
	module_lock(m);
	CK_RV rv = derived_attributes(key, from->when == ATTR_IN_UNWRAP, m->login.who == LOGIN_USER);
	if (rv == CKR_OK)
		rv = history_attributes(from, key);
	module_unlock(m);
	TRY_RV(rv);
	TRY_RV(preset_attributes(key));
	key->session = attrs_get_bool(&key->attrs, CKA_TOKEN) ? 0 : s->handle;
	return check_session(m, s, key);
}

CK_RV key_new(struct module *m, const struct session *s, const struct key_origin *from, const CK_ATTRIBUTE *templ,
	      CK_ULONG n, struct object **out)
{
	TRY_RV(attr_check(templ, n, from->when));
	TRY_RV(check_class(from, templ, n));
	struct object *key = object_new(OBJECT_KEY, s->slot);
	if (key == NULL)
		return CKR_HOST_MEMORY;
	CK_RV rv = key_fill(m, s, from, key, templ, n);
	if (rv != CKR_OK) {
		object_unref(key);
		return rv;
	}
	*out = key;
	return CKR_OK;
}

CK_RV key_set_value(struct object *key, struct secret *value)
{
	CK_KEY_TYPE type = attrs_get_ulong(&key->attrs, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
	uint8_t check[CRYPTO_SHA1_LEN];

	if (!key_len_possible(type, value->len))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	/* PKCS#11 2.40, 4.10.2: of a generic secret the first bytes of its SHA-1. */
	TRY_RV(rv_from(type == CKK_AES ? crypto_aes_check(check, value) : crypto_sha1(check, value->data, value->len)));
	TRY_RV(attrs_set(&key->attrs, CKA_CHECK_VALUE, check, 3));
	TRY_RV(attrs_set_ulong(&key->attrs, CKA_VALUE_LEN, value->len));
	secret_move(&key->value, value);
	return CKR_OK;
}

bool key_readable(const struct object *key)
{
	return attrs_get_bool(&key->attrs, CKA_EXTRACTABLE) && !attrs_get_bool(&key->attrs, CKA_SENSITIVE);
}

/* ---- what a key may be used for ----------------------------------------------------------------------- */

/* An empty list, or none, allows every mechanism. */
static bool mech_allowed(const struct object *key, CK_MECHANISM_TYPE type)
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
	else if (!mech_allowed(key, row->type))
		rv = CKR_MECHANISM_INVALID;
	module_unlock(m);
	return rv;
}
