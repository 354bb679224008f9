/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/derive.h - C_DeriveKey: agreement with a peer (DSKE 2.3), by CKM_DSKE_DERIVE or by
 * CKM_ECDH1_DERIVE as stock clients know it.
 *
 * With CKM_ECDH1_DERIVE there are two ways to name a key:
 *   A  the base key was found by the ID "PEER/NAME": NAME is the context, the public point a stand-in.
 *   B  the base key was found by its label, the peer's name; the key ID is in the point's x-coordinate,
 *      whose last 32 bytes are DERIVE_POINT_MARK, the 16 bytes of the key ID, and 4 bytes that are
 *      chosen so that the point is on the curve.
 * The point's curve is how long a key is asked for, if the template does not say.
 */
#ifndef DSKE_PKCS11_DERIVE_H
#define DSKE_PKCS11_DERIVE_H

#include "client/client.h"
#include "pkcs11/object.h"
#include "pkcs11/rv.h"

#define DERIVE_POINT_MARK "DSKE key ID:" /* 12 bytes */

/* One way to ask for an agreement: a row of mech.c points here. */
struct derive_kind {
	enum object_kind base;
	/* Reads the mechanism's parameter into the request, whose key_len is what the template asks for, or 0. */
	CK_RV (*read)(struct module *m, struct agree_request *q, const CK_MECHANISM *mech);
};
extern const struct derive_kind derive_dske, derive_ecdh1;

CK_RV derive_key(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE base,
		 CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR key);

#endif
