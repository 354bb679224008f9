/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/attr-array.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-key.h"

/* Into the store and the table; takes the reference, whatever happens. */
static CK_RV keep_and_add(struct module *m, const struct session *s, struct object *o, CK_OBJECT_HANDLE_PTR out)
{
	CK_RV rv = key_keep(m, o);

	if (rv != CKR_OK) {
		object_unref(o);
		return rv;
	}
	return key_add(m, s, o, out);
}

CK_RV object_create(struct module *m, struct session *s, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR out)
{
	static const struct key_origin created = {
		.when = ATTR_IN_CREATE,
		.type = CK_UNAVAILABLE_INFORMATION,
		.mech = CK_UNAVAILABLE_INFORMATION,
		.data = true,
	};
	AUTO(secret) value = {0};
	struct object *o;

	if (out == NULL || (templ == NULL && n > 0))
		return CKR_ARGUMENTS_BAD;
	TRY_RV(key_new(m, s, &created, templ, n, &o));
	const CK_ATTRIBUTE *given = attr_find(templ, n, CKA_VALUE);
	CK_RV rv = CKR_OK;
	if (attr_find(templ, n, CKA_CLASS) == NULL || (given == NULL && o->kind == OBJECT_KEY))
		rv = CKR_TEMPLATE_INCOMPLETE;
	if (rv == CKR_OK && given != NULL)
		rv = rv_from(secret_from(&value, given->pValue, given->ulValueLen));
	if (rv == CKR_OK)
		rv = key_set_value(o, &value);
	if (rv == CKR_OK && attr_find(templ, n, CKA_DSKE_KEY_ID) != NULL)
		rv = otpkey_is_alone(m, o);
	if (rv != CKR_OK) {
		object_unref(o);
		return rv;
	}
	return keep_and_add(m, s, o, out);
}

static CK_RV copy(struct module *m, struct session *s, const struct object *from, const CK_ATTRIBUTE *templ, CK_ULONG n,
		  CK_OBJECT_HANDLE_PTR out)
{
	struct object *to;

	if (!object_bool(m, from, CKA_COPYABLE))
		return CKR_ACTION_PROHIBITED;
	TRY_RV(key_copy(m, s, from, templ, n, &to));
	return keep_and_add(m, s, to, out);
}

CK_RV object_copy(struct module *m, struct session *s, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_PTR templ, CK_ULONG n,
		  CK_OBJECT_HANDLE_PTR out)
{
	if (out == NULL || (templ == NULL && n > 0))
		return CKR_ARGUMENTS_BAD;
	struct object *o = object_get(m, s, handle);
	if (o == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	CK_RV rv = object_is_made(o) ? copy(m, s, o, templ, n, out) : CKR_ACTION_PROHIBITED;
	object_unref(o);
	return rv;
}

/* May this session change or destroy the object? */
static CK_RV check_change(struct module *m, const struct session *s, const struct object *o, CK_ATTRIBUTE_TYPE permission)
{
	if (!object_is_made(o))
		return CKR_ACTION_PROHIBITED;
	if (o->session == 0 && !s->rw)
		return CKR_SESSION_READ_ONLY;
	return object_bool(m, o, permission) ? CKR_OK : CKR_ACTION_PROHIBITED;
}

static CK_RV destroy(struct module *m, struct session *s, struct object *o)
{
	TRY_RV(check_change(m, s, o, CKA_DESTROYABLE));
	return key_destroy(m, o);
}

CK_RV object_destroy(struct module *m, struct session *s, CK_OBJECT_HANDLE handle)
{
	struct object *o = object_get(m, s, handle);

	if (o == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	CK_RV rv = destroy(m, s, o);
	object_unref(o);
	return rv;
}

CK_RV object_size(struct module *m, struct session *s, CK_OBJECT_HANDLE handle, CK_ULONG_PTR size)
{
	if (size == NULL)
		return CKR_ARGUMENTS_BAD;
	struct object *o = object_get(m, s, handle);
	if (o == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	module_lock(m);
	*size = o->value.len;
	for (size_t i = 0; i < o->attrs.count; i++)
		*size += o->attrs.item[i].ulValueLen;
	module_unlock(m);
	object_unref(o);
	return CKR_OK;
}

/* One line of C_GetAttributeValue (PKCS#11 3.0, 5.7.5): the five cases. */
static CK_RV read_attribute(const struct object *o, CK_ATTRIBUTE *want)
{
	const CK_ATTRIBUTE *have = attrs_get(&o->attrs, want->type);
	CK_ATTRIBUTE value = {CKA_VALUE, o->value.data, o->value.len};
	CK_RV rv = CKR_OK;

	if (object_is_made(o) && want->type == CKA_VALUE) {
		have = &value;
		rv = key_readable(o) ? CKR_OK : CKR_ATTRIBUTE_SENSITIVE;
	} else if (have == NULL) {
		rv = CKR_ATTRIBUTE_TYPE_INVALID;
	}
	if (rv == CKR_OK)
		return attr_tell(have, want);
	want->ulValueLen = CK_UNAVAILABLE_INFORMATION;
	return rv;
}

CK_RV object_get_attributes(struct module *m, struct session *s, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_PTR templ,
			    CK_ULONG n)
{
	CK_RV rv = CKR_OK;

	if (templ == NULL && n > 0)
		return CKR_ARGUMENTS_BAD;
	struct object *o = object_get(m, s, handle);
	if (o == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	module_lock(m);
	for (CK_ULONG i = 0; i < n; i++) {
		CK_RV one = read_attribute(o, &templ[i]);
		rv = one != CKR_OK ? one : rv;
	}
	module_unlock(m);
	object_unref(o);
	return rv;
}

/* Asked of each attribute, with the module's lock. */
static CK_RV may_turn(const struct module *m, const struct object *o, const CK_ATTRIBUTE *to)
{
	bool of_pads = to->type == CKA_DSKE_OTP_SEND_AHEAD || to->type == CKA_DSKE_OTP_RECEIVE_AHEAD;

	if (of_pads && !otpkey_is(&o->attrs))
		return CKR_ATTRIBUTE_TYPE_INVALID;
	return attrs_may_turn(&o->attrs, to, m->login.who == LOGIN_SO);
}

static CK_RV change(struct module *m, struct session *s, struct object *o, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	if (templ == NULL && n > 0)
		return CKR_ARGUMENTS_BAD;
	TRY_RV(check_change(m, s, o, CKA_MODIFIABLE));
	TRY_RV(attr_check(templ, n, o->kind == OBJECT_DATA ? ATTR_OF_DATA : ATTR_OF_KEY, ATTR_IN_SET));
	return key_change(m, o, templ, n, may_turn);
}

CK_RV object_set_attributes(struct module *m, struct session *s, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_PTR templ,
			    CK_ULONG n)
{
	struct object *o = object_get(m, s, handle);

	if (o == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	CK_RV rv = change(m, s, o, templ, n);
	object_unref(o);
	return rv;
}
