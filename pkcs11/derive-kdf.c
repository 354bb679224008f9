/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/derive-kdf.h"

#include <stdlib.h>
#include <string.h>

#include "core/terms.h"
#include "pkcs11/attr-array.h"
#include "pkcs11/hash.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"

/* ---- for the mechanisms ----------------------------------------------------------------------------------- */

CK_RV kdf_alloc(struct kdf *k, size_t whole)
{
	if (k->len == 0)
		k->len = whole;
	if (k->bounded && k->len <= whole && !kdf_is_bound(k->len, whole))
		return CKR_KEY_SIZE_RANGE;
	k->bounded = false;
	return kdf_alloc_wanted(k, whole);
}

CK_RV kdf_alloc_wanted(struct kdf *k, size_t most)
{
	if (k->len == 0)
		return CKR_TEMPLATE_INCOMPLETE;
	if (k->len > most || (k->bounded && k->len % KDF_UNIT != 0))
		return CKR_KEY_SIZE_RANGE;
	return rv_from(secret_alloc(&k->value, k->len));
}

CK_RV kdf_param(const struct derive_call *c, void *param, size_t len)
{
	if (c->mech->pParameter == NULL || c->mech->ulParameterLen != len)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(param, c->mech->pParameter, len);
	return CKR_OK;
}

/* Does the key say how those that are derived from it shall be? */
static bool demands_template(struct module *m, const struct object *key)
{
	module_lock(m);
	const CK_ATTRIBUTE *a = attrs_get(&key->attrs, CKA_DERIVE_TEMPLATE);
	bool any = a != NULL && a->ulValueLen > 0;
	module_unlock(m);
	return any;
}

CK_RV kdf_other_key(const struct derive_call *c, CK_OBJECT_HANDLE handle, struct object **key)
{
	struct object *other = object_get(c->m, c->s, handle);

	if (other == NULL)
		return CKR_KEY_HANDLE_INVALID;
	CK_RV rv = key_allows(c->m, other, c->row, CKA_DERIVE, CKR_KEY_TYPE_INCONSISTENT);
	if (rv == CKR_OK && demands_template(c->m, other))
		rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
	if (rv != CKR_OK) {
		object_unref(other);
		return rv;
	}
	*key = other;
	return CKR_OK;
}

bool kdf_protected(struct module *m, const struct object *key)
{
	return object_bool(m, key, CKA_SENSITIVE) || !object_bool(m, key, CKA_EXTRACTABLE);
}

/* ---- the template ----------------------------------------------------------------------------------------- */

/* A template with what the mechanism adds; the values are borrowed. */
struct given {
	CK_ATTRIBUTE *item; /* owned */
	CK_ULONG n;
};

static void given_drop(struct given *g)
{
	free(g->item);
}

/* One more attribute, unless it is there; then it has to be the same. */
static CK_RV given_add(struct given *g, CK_ATTRIBUTE_TYPE type, const void *value, CK_ULONG len)
{
	const CK_ATTRIBUTE own = {type, (void *)value, len}, *said = attr_find(g->item, g->n, type);

	if (said != NULL)
		return attr_same(said, &own) ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
	g->item[g->n++] = own;
	return CKR_OK;
}

/* Of a data object: its length is no attribute of it, but how much is derived. */
static CK_RV given_as_data(struct given *g)
{
	static const CK_OBJECT_CLASS data = CKO_DATA;
	CK_ULONG kept = 0;

	for (CK_ULONG i = 0; i < g->n; i++) {
		if (g->item[i].type != CKA_VALUE_LEN && g->item[i].type != CKA_KEY_TYPE)
			g->item[kept++] = g->item[i];
	}
	g->n = kept;
	return given_add(g, CKA_CLASS, &data, sizeof data);
}

/* The text of these mechanisms: if the base key is sensitive, so is the derived key; if it is not extractable, nor is
 * the derived key; else the template says, or the default.  What contradicts that is refused, not changed. */
static CK_RV given_inherits(struct given *g, struct module *m, const struct object *base)
{
	static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

	if (object_bool(m, base, CKA_SENSITIVE))
		TRY_RV(given_add(g, CKA_SENSITIVE, &yes, sizeof yes));
	if (!object_bool(m, base, CKA_EXTRACTABLE))
		TRY_RV(given_add(g, CKA_EXTRACTABLE, &no, sizeof no));
	return CKR_OK;
}

/* Beyond the text: nor does a key's own value leave by another way, under a key that is not trusted, or for who has not
 * logged in. */
static CK_RV given_guards(struct given *g, struct module *m, const struct object *base)
{
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_WRAP_WITH_TRUSTED, CKA_PRIVATE};
	static const CK_BBOOL yes = CK_TRUE;

	for (int i = 0; i < 2; i++) {
		if (object_bool(m, base, types[i]))
			TRY_RV(given_add(g, types[i], &yes, sizeof yes));
	}
	return CKR_OK;
}

/* Is what comes of it as good as the base key, in some use of that? */
static bool kind_shows(const struct derive_call *c)
{
	const struct derive_kind *kind = c->row->derive;

	if (c->row->hash != NULL && hash_replaces_key(c->row->hash, c->base->value.len))
		return true;
	return kind->inherits || (kind->encrypts != 0 && key_allows(c->m, c->base, mech_find(kind->encrypts), CKA_ENCRYPT,
								    CKR_KEY_TYPE_INCONSISTENT) != CKR_OK);
}

static CK_RV given_protection(struct given *g, const struct derive_call *c)
{
	const struct object *keys[] = {c->base, c->other};

	for (int i = 0; i < 2 && kind_shows(c); i++) {
		if (keys[i] == NULL)
			continue;
		TRY_RV(given_inherits(g, c->m, keys[i]));
		if (c->row->derive->inherits)
			TRY_RV(given_guards(g, c->m, keys[i]));
	}
	return CKR_OK;
}

#define ADDED_MAX 5 /* attributes, by all of the above */

static CK_RV given_copy(struct given *g, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	g->item = calloc(n + ADDED_MAX, sizeof *g->item);
	if (g->item == NULL)
		return CKR_HOST_MEMORY;
	if (n > 0)
		memcpy(g->item, templ, n * sizeof *templ);
	g->n = n;
	return CKR_OK;
}

/* What the template, the base key's template or the key's type say; 0: nothing. */
static CK_RV wanted_len(const struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n, size_t *len)
{
	CK_KEY_TYPE type = attrs_get_ulong(&key->attrs, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
	CK_ULONG given = key_wanted_len(key, templ, n);

	if (attr_find(templ, n, CKA_VALUE_LEN) != NULL && given == 0)
		return CKR_KEY_SIZE_RANGE;
	if (given == 0 && key_len_only(type) == 0 && key_len_preset(type) != 0) /* AES has three */
		return CKR_TEMPLATE_INCOMPLETE;
	*len = given != 0 ? given : key_len_only(type);
	return *len == 0 || key_len_possible(type, *len) ? CKR_OK : CKR_KEY_SIZE_RANGE;
}

/* "Always" and "never" have to hold of both keys. */
static CK_RV share_history(struct module *m, const struct object *other, struct attrs *a)
{
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE};

	for (int i = 0; i < 2; i++)
		TRY_RV(attrs_set_bool(a, types[i], attrs_get_bool(a, types[i]) && object_bool(m, other, types[i])));
	return CKR_OK;
}

/* With the module's lock.  They are packed in order, so that the same have the same bytes. */
static CK_RV share_template(const struct attrs *base, CK_ATTRIBUTE_TYPE type, bool said, struct attrs *a)
{
	const CK_ATTRIBUTE *have = attrs_get(base, type), *now = attrs_get(a, type);

	if (have == NULL || have->ulValueLen == 0)
		return CKR_OK;
	if (!said && (now == NULL || now->ulValueLen == 0))
		return attrs_set(a, type, have->pValue, have->ulValueLen);
	return now != NULL && now->ulValueLen == have->ulValueLen && memcmp(now->pValue, have->pValue, have->ulValueLen) == 0 ?
		       CKR_OK :
		       CKR_TEMPLATE_INCONSISTENT;
}

/* What a key says of others that are made with it holds of its own value under another name too. */
static CK_RV share_templates(struct module *m, const struct object *base, const CK_ATTRIBUTE *templ, CK_ULONG n,
			     struct attrs *a)
{
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_WRAP_TEMPLATE, CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE};
	CK_RV rv = CKR_OK;

	module_lock(m);
	for (int i = 0; i < 3 && rv == CKR_OK; i++)
		rv = share_template(&base->attrs, types[i], attr_find(templ, n, types[i]) != NULL, a);
	module_unlock(m);
	return rv;
}

static CK_RV take_rules(const struct derive_call *c, const CK_ATTRIBUTE *templ, CK_ULONG n, struct object *key)
{
	if (!c->row->derive->inherits)
		return CKR_OK;
	key->elsewhere = nonce_key_elsewhere(c->base) || (c->other != NULL && nonce_key_elsewhere(c->other));
	return share_templates(c->m, c->base, templ, n, &key->attrs);
}

CK_RV kdf_key_new(const struct derive_call *c, const CK_ATTRIBUTE *templ, CK_ULONG n, struct object **key, size_t *len)
{
	const struct derive_kind *kind = c->row->derive;
	const struct key_origin from = {.when = ATTR_IN_GENERATE,
					.type = CKK_GENERIC_SECRET,
					.mech = CK_UNAVAILABLE_INFORMATION,
					.base = c->base,
					.data = kind->data};
	__attribute__((cleanup(given_drop))) struct given g = {0};

	TRY_RV(attr_check(templ, n, kind->data ? ATTR_OF_KEY | ATTR_OF_DATA : ATTR_OF_KEY, ATTR_IN_GENERATE));
	TRY_RV(given_copy(&g, templ, n));
	if (kind->data)
		TRY_RV(given_as_data(&g));
	TRY_RV(given_protection(&g, c));
	if (kind->data && demands_template(c->m, c->base)) /* of data nothing could be said */
		return CKR_TEMPLATE_INCONSISTENT;
	TRY_RV(key_new(c->m, c->s, &from, g.item, g.n, key));
	if (c->other != NULL)
		TRY_RV(share_history(c->m, c->other, &(*key)->attrs));
	TRY_RV(take_rules(c, templ, n, *key));
	return wanted_len(*key, templ, n, len);
}

bool kdf_is_bounded(const struct derive_call *c, const struct object *key)
{
	bool demanded = attrs_get(&key->attrs, CKA_VALUE_LEN) != NULL; /* by the base key: there is no other */

	if (demanded || key->kind != OBJECT_KEY || key_readable(key) || c->row->derive->inherits)
		return false;
	return key_makes_protected(c->m, c->base, CKA_DERIVE_TEMPLATE) || (kind_shows(c) && kdf_protected(c->m, c->base));
}

/* Two places are in it, or are in one of the keys whose bytes it shows. */
static CK_RV mark_joined(const struct kdf *k, struct object *key)
{
	const struct derive_call *c = k->call;
	bool joined = k->joined;

	if (c->row->derive->inherits)
		joined = joined || object_bool(c->m, c->base, CKA_DSKE_JOINED) ||
			 (c->other != NULL && object_bool(c->m, c->other, CKA_DSKE_JOINED));
	return joined ? attrs_set_bool(&key->attrs, CKA_DSKE_JOINED, true) : CKR_OK;
}

/* ---- one key ---------------------------------------------------------------------------------------------- */

static CK_RV derive_one(const struct derive_call *c, struct object **key)
{
	struct kdf k = {.call = c, .key = &c->base->value};

	TRY_RV(key_allows(c->m, c->base, c->row, CKA_DERIVE, CKR_KEY_TYPE_INCONSISTENT));
	TRY_RV(kdf_key_new(c, c->templ, c->n, key, &k.len));
	k.bounded = kdf_is_bounded(c, *key);
	if (!crypto_quiet_begin())
		return CKR_DEVICE_ERROR;
	CK_RV rv = c->row->derive->value(&k);
	crypto_quiet_end();
	if (rv == CKR_OK)
		rv = key_set_value(*key, &k.value);
	secret_drop(&k.value);
	if (rv == CKR_OK)
		rv = mark_joined(&k, *key);
	return rv == CKR_OK ? key_keep(c->m, *key) : rv;
}

CK_RV derive_kdf(const struct derive_call *c)
{
	struct object *key = NULL;

	CK_RV rv = derive_one(c, &key);
	if (rv != CKR_OK) {
		object_unref(key);
		return rv;
	}
	return key_add(c->m, c->s, key, c->out);
}
