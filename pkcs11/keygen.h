/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/keygen.h - C_GenerateKey: random keys, keys from a password (keygen-pbkdf2.c), and keys
 * agreed with a peer (keygen-dske.c). */
#ifndef DSKE_PKCS11_KEYGEN_H
#define DSKE_PKCS11_KEYGEN_H

#include "base/secret.h"
#include "pkcs11/rv.h"

struct module;
struct session;

/* One way to make a key: a row of mech.c points here. */
struct keygen_kind {
	CK_KEY_TYPE type; /* CK_UNAVAILABLE_INFORMATION: of the row's hash */
	bool any_type;    /* `type` only if the template names none */
	CK_ULONG len;     /* bytes, if the template does not say; 0: it must, or the row has a hash */
	/* Makes a value of len bytes, which is in the range of its type. */
	CK_RV (*make)(const CK_MECHANISM *mech, size_t len, struct secret *value);
	/* NULL, or does it all by itself; then nothing else of the kind is looked at. */
	CK_RV (*run)(struct module *m, struct session *s, const CK_MECHANISM *mech, const CK_ATTRIBUTE *templ, CK_ULONG n,
		     CK_OBJECT_HANDLE *out);
};
extern const struct keygen_kind keygen_aes, keygen_generic, keygen_hmac, keygen_hkdf, keygen_chacha20, keygen_poly1305,
	keygen_pbkdf2, keygen_dske;

/* Of keygen_pbkdf2: what is more takes longer than a call should. */
#define PBKDF2_ITERATIONS_MAX 10000000ul
#define PBKDF2_INPUT_MAX 65536ul /* bytes of a password, and of a salt */
CK_RV keygen_pbkdf2_make(const CK_MECHANISM *mech, size_t len, struct secret *value);

CK_RV keygen_generate(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_ATTRIBUTE_PTR templ, CK_ULONG n,
		      CK_OBJECT_HANDLE_PTR out);

#endif
