/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/wrap.h - keys that leave and come under another key (PKCS#11 3.0, 5.18.3 and 5.18.4; 3.2, 5.18.5 and 5.18.6,
 * with tag and associated data apart).  Only the value travels: attributes are the template's.
 */
#ifndef DSKE_PKCS11_WRAP_H
#define DSKE_PKCS11_WRAP_H

#include "pkcs11/rv.h"

struct module;
struct session;

/* What is no encryption of a value (ticket.c): a row of mech.c points here.  What is borrowed is not NULL where it has a
 * length; `mech`, `out_len` and `key` are not NULL. */
struct wrap_kind {
	CK_RV (*wrap)(struct module *m, struct session *s, const CK_MECHANISM *mech, CK_OBJECT_HANDLE wrapping,
		      CK_OBJECT_HANDLE key, CK_BYTE *out, CK_ULONG *out_len);
	CK_RV (*unwrap)(struct module *m, struct session *s, const CK_MECHANISM *mech, CK_OBJECT_HANDLE unwrapping,
			const CK_BYTE *in, CK_ULONG in_len, const CK_ATTRIBUTE *templ, CK_ULONG n, CK_OBJECT_HANDLE *key);
};

CK_RV wrap_key(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key,
	       CK_BYTE_PTR out, CK_ULONG_PTR out_len);
CK_RV wrap_unwrap(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE unwrapping, CK_BYTE_PTR in,
		  CK_ULONG in_len, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR key);
CK_RV wrap_key_authenticated(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE wrapping,
			     CK_OBJECT_HANDLE key, CK_BYTE_PTR ad, CK_ULONG ad_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len);
CK_RV wrap_unwrap_authenticated(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE unwrapping,
				CK_BYTE_PTR in, CK_ULONG in_len, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_BYTE_PTR ad,
				CK_ULONG ad_len, CK_OBJECT_HANDLE_PTR key);

#endif
