/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/derive.h"

#include "pkcs11/mech.h"
#include "pkcs11/module.h"

CK_RV derive_key(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE base,
		 CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR out)
{
	if (mech == NULL || out == NULL || (templ == NULL && n > 0))
		return CKR_ARGUMENTS_BAD;
	struct object *key = object_get(m, s, base);
	if (key == NULL)
		return CKR_KEY_HANDLE_INVALID;
	const struct derive_call c = {m, s, mech_find(mech->mechanism), mech, key, templ, n, out, NULL};
	CK_RV rv = c.row != NULL && c.row->derive != NULL ? c.row->derive->run(&c) : CKR_MECHANISM_INVALID;
	object_unref(key);
	return rv;
}
