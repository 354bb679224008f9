/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/derive-kdf.h - deriving a key from a key of the token: the steps that all mechanisms share. */
#ifndef DSKE_PKCS11_DERIVE_KDF_H
#define DSKE_PKCS11_DERIVE_KDF_H

#include "pkcs11/derive.h"
#include "pkcs11/key.h"
#include "pkcs11/mac.h"

/*
 * Who may derive, and not read what comes of it, could ask for a bytes and for a + 1, add each byte to the former until it
 * is the latter (by a check value or a MAC), and so read on and on.  So what he gets of a key or of a stream begins and ends at
 * bounds, of which no two are nearer than KDF_UNIT bytes: one unit after the other, and the last unit and what is beyond
 * it to the end.
 */
#define KDF_UNIT 16u
static inline bool kdf_is_bound(size_t at, size_t whole)
{
	return at == 0 || at == whole || (at < whole && at % KDF_UNIT == 0 && whole - at >= KDF_UNIT);
}

#define KDF_INPUT_MAX 65536ul /* bytes of a salt, of an info, of a label and so on */

/* A value in the making. */
struct kdf {
	const struct derive_call *call;
	const struct secret *key; /* the base key's value */
	size_t len;               /* bytes wanted; 0: neither the template nor the key's type says */
	struct secret value;      /* of len bytes, in the end */
	bool bounded;             /* len has to be a bound */
	bool joined;              /* of bytes from two places, or of some of a key's */
};

/* For a mechanism that has no more than `whole` bytes to give, and gives them all if nobody says (0: somebody must):
 * settles k->len and allocates k->value.  TEMPLATE_INCOMPLETE, KEY_SIZE_RANGE. */
CK_RV kdf_alloc(struct kdf *k, size_t whole);

/* The same for a mechanism that has as many bytes as are wanted, up to `most`. */
CK_RV kdf_alloc_wanted(struct kdf *k, size_t most);

/* Copies out the mechanism's parameter of exactly that many bytes, aligned or not.  MECHANISM_PARAM_INVALID. */
CK_RV kdf_param(const struct derive_call *c, void *param, size_t len);

/* Can that be input: a pointer where there are bytes, and not more than `most`? */
static inline bool kdf_input_ok(const void *bytes, CK_ULONG len, CK_ULONG most)
{
	return len <= most && (bytes != NULL || len == 0);
}

/* Of another key that takes part: a reference to what may be derived from as well.  One that says how its keys shall be
 * (CKA_DERIVE_TEMPLATE) can only be the base key.  KEY_HANDLE_INVALID, and as key_allows(). */
CK_RV kdf_other_key(const struct derive_call *c, CK_OBJECT_HANDLE handle, struct object **key);

/* An object for a derived key by a template, and how long the key shall be.  One reference, the caller's. */
CK_RV kdf_key_new(const struct derive_call *c, const CK_ATTRIBUTE *templ, CK_ULONG n, struct object **key, size_t *len);

/* Has the length of that key, which kdf_key_new() made, to be a bound?  Where nobody could make one that can be read, by
 * the base key's template or by what the mechanism shows; unless the template says the length. */
bool kdf_is_bounded(const struct derive_call *c, const struct object *key);

/* Is the key protected: sensitive, or not extractable?  Takes the module's lock. */
bool kdf_protected(struct module *m, const struct object *key);

#endif
