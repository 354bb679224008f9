/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/key.h"

#include <time.h>

#include "pkcs11/attr-array.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-key.h"

#define ATTR_NONE CK_UNAVAILABLE_INFORMATION

/* ---- what the application says, and its base key -------------------------------------------------------- */

/* What becomes an attribute only when there is a value: key_set_value(), and the caller's. */
static bool is_of_value(CK_ATTRIBUTE_TYPE type)
{
	return type == CKA_VALUE || type == CKA_VALUE_LEN;
}

static CK_RV copy_template(struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	for (CK_ULONG i = 0; i < n; i++) {
		if (!is_of_value(templ[i].type))
			TRY_RV(attrs_take(&key->attrs, &templ[i]));
	}
	return CKR_OK;
}

/* The attributes that the base key gives to what is made with it (PKCS#11 3.2, 5.18.4 and 5.18.5): "added", unless the
 * application says something else of them, which is a conflict.  Its length is no attribute before there is a value. */
static CK_RV inherit(const struct key_origin *from, struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	CK_ATTRIBUTE_TYPE which = from->when == ATTR_IN_UNWRAP ? CKA_UNWRAP_TEMPLATE : CKA_DERIVE_TEMPLATE;
	struct array_walk w = array_begin(from->base != NULL ? attrs_get(&from->base->attrs, which) : NULL);
	CK_ATTRIBUTE one;

	while (array_next(&w, &one)) {
		const struct attr_row *row = attr_row(one.type);
		const CK_ATTRIBUTE *given = attr_find(templ, n, one.type);
		if (row == NULL || (row->when & from->when) == 0 || (given != NULL && !attr_same(&one, given)))
			return CKR_TEMPLATE_INCONSISTENT;
		if (given == NULL || one.type == CKA_VALUE_LEN)
			TRY_RV(attrs_set(&key->attrs, one.type, one.pValue, one.ulValueLen));
	}
	return CKR_OK;
}

CK_ULONG key_wanted_len(const struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	return attr_ulong(templ, n, CKA_VALUE_LEN, attrs_get_ulong(&key->attrs, CKA_VALUE_LEN, 0));
}

/* ---- what neither says ---------------------------------------------------------------------------------- */

static CK_RV preset(struct attrs *a, CK_ATTRIBUTE_TYPE type, bool value)
{
	return attrs_get(a, type) != NULL ? CKR_OK : attrs_set_bool(a, type, value);
}

static CK_RV preset_all(struct attrs *a, enum attr_of of)
{
	size_t count;
	const struct attr_row *row = attr_rows(&count);

	for (size_t i = 0; i < count; i++, row++) {
		if ((row->of & of) == 0 || row->preset == ATTR_NO_DEFAULT || attrs_get(a, row->type) != NULL)
			continue;
		if (row->preset == ATTR_EMPTY)
			TRY_RV(attrs_set(a, row->type, NULL, 0));
		else
			TRY_RV(attrs_set_bool(a, row->type, row->preset == ATTR_TRUE));
	}
	return CKR_OK;
}

/* PKCS#11 3.0, 4.4: the default of CKA_PRIVATE is the token's own.  What is kept, or made by who has logged in, is his. */
static CK_RV preset_place(struct attrs *a, bool logged_in)
{
	return preset(a, CKA_PRIVATE, attrs_get_bool(a, CKA_TOKEN) || logged_in);
}

/* What is unwrapped is extractable by default (5.18.4), which says that it can be wrapped again, not that it can be
 * read; what a ticket stands for was in nobody's hand before, and is not.  Elsewhere, who asks for an extractable key and
 * says no more wants to read it; and nothing is extractable unless somebody asks.  The standard's default for CKA_SENSITIVE, false, would make a difference only to
 * CKA_ALWAYS_SENSITIVE, and that for the worse. */
static CK_RV preset_secrecy(struct attrs *a, bool unwrapped)
{
	bool asked = attrs_get_bool(a, CKA_EXTRACTABLE);

	TRY_RV(preset(a, CKA_EXTRACTABLE, unwrapped));
	return preset(a, CKA_SENSITIVE, !asked);
}

/* What the token alone says of a key's past (PKCS#11 3.0: 4.9 for what is generated, 5.18.4 for what is unwrapped,
 * 5.18.5 and the mechanisms' own words for what is derived: a key is no more secret than its base was). */
static CK_RV set_history(const struct key_origin *from, struct attrs *a)
{
	const struct object *base = from->base != NULL && from->base->kind == OBJECT_KEY ? from->base : NULL;
	bool begins = from->when == ATTR_IN_GENERATE;
	bool generated = begins && from->mech != ATTR_NONE;
	bool sensitive = begins && attrs_get_bool(a, CKA_SENSITIVE);
	bool kept = begins && !attrs_get_bool(a, CKA_EXTRACTABLE);

	if (base != NULL) {
		sensitive = sensitive && attrs_get_bool(&base->attrs, CKA_ALWAYS_SENSITIVE);
		kept = kept && attrs_get_bool(&base->attrs, CKA_NEVER_EXTRACTABLE);
	}
	TRY_RV(attrs_set_bool(a, CKA_LOCAL, generated));
	TRY_RV(attrs_set_ulong(a, CKA_KEY_GEN_MECHANISM, generated ? from->mech : ATTR_NONE));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_MADE, (CK_ULONG)time(NULL)));
	TRY_RV(attrs_set_bool(a, CKA_ALWAYS_SENSITIVE, sensitive));
	return attrs_set_bool(a, CKA_NEVER_EXTRACTABLE, kept);
}

/* PKCS#11 3.0, 4.4.1.  It is not the name in the store, which nobody outside needs to know. */
static CK_RV set_unique_id(struct attrs *a)
{
	struct id id;
	char text[ID_HEX_LEN];

	TRY_RV(rv_from(id_random(&id)));
	return attrs_set_text(a, CKA_UNIQUE_ID, id_hex(&id, text));
}

/* ---- whether it may be ---------------------------------------------------------------------------------- */

/* The class, and of a key the type, from the template, from the base key, or as the call has it. */
static CK_RV set_class(const struct key_origin *from, struct object *o)
{
	CK_OBJECT_CLASS class = attrs_get_ulong(&o->attrs, CKA_CLASS, CKO_SECRET_KEY);
	CK_KEY_TYPE type = attrs_get_ulong(&o->attrs, CKA_KEY_TYPE, from->type);

	/* What the mechanism says is contradicted; where the template alone says it, the value is one that there is not. */
	CK_RV other = from->type == ATTR_NONE ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_TEMPLATE_INCONSISTENT;
	if (class != (o->kind == OBJECT_DATA ? CKO_DATA : CKO_SECRET_KEY))
		return other;
	TRY_RV(attrs_set_ulong(&o->attrs, CKA_CLASS, class));
	if (o->kind == OBJECT_DATA)
		return CKR_OK;
	if (type == ATTR_NONE)
		return CKR_TEMPLATE_INCOMPLETE;
	if (!key_type_known(type))
		return other;
	return attrs_set_ulong(&o->attrs, CKA_KEY_TYPE, type);
}

/* A check value can be compared only with what is known beforehand, or left out by giving none (4.10). */
static CK_RV check_check_value(const struct key_origin *from, const struct attrs *a)
{
	const CK_ATTRIBUTE *given = attrs_get(a, CKA_CHECK_VALUE);
	bool drawn = from->when == ATTR_IN_GENERATE && (from->base == NULL || from->base->kind != OBJECT_KEY);

	return given != NULL && given->ulValueLen > 0 && drawn ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_OK;
}

CK_RV key_may_be(struct module *m, const struct session *s, struct object *o)
{
	bool token = attrs_get_bool(&o->attrs, CKA_TOKEN);

	o->sight = object_sight_of(&o->attrs);
	o->session = token ? 0 : s->handle;
	if (s->slot != SLOT_AGREEMENT)
		return CKR_TOKEN_WRITE_PROTECTED;
	if (token && !s->rw)
		return CKR_SESSION_READ_ONLY;
	module_lock(m);
	bool seen = login_sees(m, o->sight);
	bool trusts = attrs_get_bool(&o->attrs, CKA_TRUSTED) && m->login.who != LOGIN_SO;
	module_unlock(m);
	if (!seen)
		return CKR_USER_NOT_LOGGED_IN;
	return trusts ? CKR_ATTRIBUTE_READ_ONLY : CKR_OK; /* 4.10, footnote 10: only the SO says so */
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

/* With the module's lock, for the base key's attributes. */
static CK_RV fill_key(struct module *m, const struct key_origin *from, struct object *key, const CK_ATTRIBUTE *templ,
		      CK_ULONG n)
{
	TRY_RV(inherit(from, key, templ, n));
	TRY_RV(set_class(from, key));
	TRY_RV(check_check_value(from, &key->attrs));
	bool agreed = from->base != NULL && from->base->kind != OBJECT_KEY;
	TRY_RV(otpkey_check_template(&key->attrs, agreed));
	bool unwrapped = from->when == ATTR_IN_UNWRAP && !agreed;
	/* What came wrapped may have been joined before, or of two ciphertexts. */
	TRY_RV(attrs_set_bool(&key->attrs, CKA_DSKE_JOINED, unwrapped));
	TRY_RV(preset_secrecy(&key->attrs, unwrapped));
	TRY_RV(set_history(from, &key->attrs));
	TRY_RV(preset_place(&key->attrs, m->login.who == LOGIN_USER));
	return preset_all(&key->attrs, ATTR_OF_KEY);
}

static CK_RV fill_data(struct module *m, const struct key_origin *from, struct object *data)
{
	TRY_RV(set_class(from, data));
	TRY_RV(preset_place(&data->attrs, m->login.who == LOGIN_USER));
	return preset_all(&data->attrs, ATTR_OF_DATA);
}

static CK_RV fill(struct module *m, const struct session *s, const struct key_origin *from, struct object *o,
		  const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	TRY_RV(copy_template(o, templ, n));
	module_lock(m);
	CK_RV rv = o->kind == OBJECT_DATA ? fill_data(m, from, o) : fill_key(m, from, o, templ, n);
	module_unlock(m);
	TRY_RV(rv);
	TRY_RV(set_unique_id(&o->attrs));
	return key_may_be(m, s, o);
}

CK_RV key_new(struct module *m, const struct session *s, const struct key_origin *from, const CK_ATTRIBUTE *templ,
	      CK_ULONG n, struct object **out)
{
	bool data = from->data && attr_ulong(templ, n, CKA_CLASS, CKO_SECRET_KEY) == CKO_DATA;

	TRY_RV(attr_check(templ, n, data ? ATTR_OF_DATA : ATTR_OF_KEY, from->when));
	struct object *o = object_new(data ? OBJECT_DATA : OBJECT_KEY, s->slot);
	if (o == NULL)
		return CKR_HOST_MEMORY;
	CK_RV rv = fill(m, s, from, o, templ, n);
	if (rv != CKR_OK) {
		object_unref(o);
		return rv;
	}
	*out = o;
	return CKR_OK;
}

/* ---- copies ----------------------------------------------------------------------------------------------- */

/* With the module's lock. */
static CK_RV fill_copy(struct module *m, const struct object *from, struct object *to, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	TRY_RV(attrs_copy(&to->attrs, &from->attrs));
	for (CK_ULONG i = 0; i < n; i++) {
		TRY_RV(attrs_may_turn(&from->attrs, &templ[i], m->login.who == LOGIN_SO));
		TRY_RV(attrs_take(&to->attrs, &templ[i]));
	}
	/* What a login stood before is not brought out from behind it. */
	if (from->sight == SIGHT_USER && !attrs_get_bool(&to->attrs, CKA_PRIVATE))
		return CKR_TEMPLATE_INCONSISTENT;
	return CKR_OK;
}

static CK_RV copy(struct module *m, const struct session *s, const struct object *from, struct object *to,
		  const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	module_lock(m);
	CK_RV rv = atomic_load(&from->gone) ? CKR_OBJECT_HANDLE_INVALID : fill_copy(m, from, to, templ, n);
	module_unlock(m);
	TRY_RV(rv);
	TRY_RV(rv_from(secret_from(&to->value, from->value.data, from->value.len))); /* which never changes */
	to->elsewhere = nonce_key_elsewhere(from);
	TRY_RV(set_unique_id(&to->attrs));
	return key_may_be(m, s, to);
}

CK_RV key_copy(struct module *m, const struct session *s, const struct object *from, const CK_ATTRIBUTE *templ,
	       CK_ULONG n, struct object **out)
{
	TRY_RV(attr_check(templ, n, from->kind == OBJECT_DATA ? ATTR_OF_DATA : ATTR_OF_KEY, ATTR_IN_COPY));
	struct object *to = object_new(from->kind, from->slot);
	if (to == NULL)
		return CKR_HOST_MEMORY;
	CK_RV rv = copy(m, s, from, to, templ, n);
	if (rv != CKR_OK) {
		object_unref(to);
		return rv;
	}
	*out = to;
	return CKR_OK;
}
