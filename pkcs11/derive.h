/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/derive.h - C_DeriveKey: finds the mechanism's row and the base key, and hands both over to
 *
 *	derive-dske.c    agreement with a peer (DSKE 2.3), by CKM_DSKE_DERIVE or by CKM_ECDH1_DERIVE as stock
 *	                 clients know it
 *	derive-kdf.c     what every derivation of a key from a key of the token has in common; the mechanisms
 *	                 are in derive-hkdf.c, derive-108.c, derive-simple.c and derive-tls.c
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

struct kdf;

/* One call; all of it is borrowed. */
struct derive_call {
	struct module *m;
	struct session *s;
	const struct mech *row;
	const CK_MECHANISM *mech;
	const struct object *base;
	const CK_ATTRIBUTE *templ;
	CK_ULONG n;
	CK_OBJECT_HANDLE *out;
	const struct object *other; /* a second key of which the derived one is made; NULL: none */
};

/* One way to derive: a row of mech.c points here. */
struct derive_kind {
	CK_RV (*run)(const struct derive_call *c);
	/* Of an agreement: reads the mechanism's parameter into the request, whose key_len is what the template asks
	 * for, or 0. */
	enum object_kind base;
	CK_RV (*read)(struct module *m, struct agree_request *q, const CK_MECHANISM *mech);
	/* Of a derivation from a key (derive-kdf.h): makes the value. */
	CK_RV (*value)(struct kdf *k);
	bool inherits; /* it shows the key's own bytes: what comes of it is as protected as the key */
	CK_MECHANISM_TYPE encrypts; /* what it gives, this gives too to who may encrypt with the key; 0: none does */
	bool data;     /* it makes a data object */
};
extern const struct derive_kind derive_dske, derive_ecdh1;
extern const struct derive_kind derive_hkdf, derive_hkdf_data, derive_108_counter, derive_108_feedback, derive_108_pipeline;
extern const struct derive_kind derive_base_and_key, derive_base_and_data, derive_data_and_base, derive_xor, derive_extract;
extern const struct derive_kind derive_hash, derive_aes_ecb, derive_aes_cbc, derive_tls12;

CK_RV derive_key(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE base,
		 CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR key);

/* What most of them run. */
CK_RV derive_agreement(const struct derive_call *c);
CK_RV derive_kdf(const struct derive_call *c);

#endif
