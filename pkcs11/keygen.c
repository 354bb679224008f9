/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/keygen.h"

#include "pkcs11/hash.h"
#include "pkcs11/key.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"

static CK_RV make_random(const CK_MECHANISM *mech, size_t len, struct secret *value)
{
	if (mech->pParameter != NULL || mech->ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	return rv_from(secret_random(value, len));
}

const struct keygen_kind keygen_aes = {CKK_AES, .make = make_random};
const struct keygen_kind keygen_generic = {CKK_GENERIC_SECRET, .make = make_random};
const struct keygen_kind keygen_hmac = {CK_UNAVAILABLE_INFORMATION, .make = make_random};
const struct keygen_kind keygen_hkdf = {CKK_HKDF, .make = make_random};
const struct keygen_kind keygen_chacha20 = {CKK_CHACHA20, .len = 32, .make = make_random};
const struct keygen_kind keygen_poly1305 = {CKK_POLY1305, .len = 32, .make = make_random};
const struct keygen_kind keygen_pbkdf2 = {CKK_GENERIC_SECRET, .any_type = true, .make = keygen_pbkdf2_make};

/* How many bytes the key shall have. */
static CK_RV wanted_len(const struct mech *row, CK_KEY_TYPE type, const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ULONG *len)
{
	*len = row->hash != NULL ? row->hash->len : row->keygen->len;
	if (row->keygen->any_type)
		*len = key_len_only(type);
	*len = attr_ulong(templ, n, CKA_VALUE_LEN, *len);
	if (*len == 0 && attr_find(templ, n, CKA_VALUE_LEN) == NULL)
		return CKR_TEMPLATE_INCOMPLETE;
	return key_len_possible(type, *len) ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

/* A key with its value, not kept yet. */
static CK_RV generate(struct module *m, struct session *s, const struct mech *row, const CK_MECHANISM *mech,
		      const CK_ATTRIBUTE *templ, CK_ULONG n, struct object **key)
{
	AUTO(secret) value = {0};
	CK_ULONG len;

	const struct key_origin from = {.when = ATTR_IN_GENERATE,
					.type = row->hash != NULL ? row->hash->key : row->keygen->type,
					.mech = mech->mechanism};
	TRY_RV(key_new(m, s, &from, templ, n, key));
	CK_KEY_TYPE type = attrs_get_ulong(&(*key)->attrs, CKA_KEY_TYPE, from.type);
	if (type != from.type && !row->keygen->any_type)
		return CKR_TEMPLATE_INCONSISTENT;
	TRY_RV(wanted_len(row, type, templ, n, &len));
	TRY_RV(row->keygen->make(mech, len, &value));
	TRY_RV(key_set_value(*key, &value));
	return key_keep(m, *key);
}

CK_RV keygen_generate(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_ATTRIBUTE_PTR templ, CK_ULONG n,
		      CK_OBJECT_HANDLE_PTR out)
{
	struct object *key = NULL;

	if (mech == NULL || out == NULL || (templ == NULL && n > 0))
		return CKR_ARGUMENTS_BAD;
	const struct mech *row = s->slot == SLOT_AGREEMENT ? mech_find(mech->mechanism) : NULL;
	if (row == NULL || row->keygen == NULL)
		return CKR_MECHANISM_INVALID;
	if (row->keygen->run != NULL)
		return row->keygen->run(m, s, mech, templ, n, out);
	CK_RV rv = generate(m, s, row, mech, templ, n, &key);
	if (rv != CKR_OK) {
		object_unref(key);
		return rv;
	}
	return key_add(m, s, key, out);
}
