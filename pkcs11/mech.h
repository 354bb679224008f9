/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/mech.h - the mechanisms: one row says everything about one. */
#ifndef DSKE_PKCS11_MECH_H
#define DSKE_PKCS11_MECH_H

#include <stdbool.h>
#include <stddef.h>

#include "pkcs11/rv.h"

struct module;
struct cipher_kind;
struct sign_kind;
struct derive_kind;
struct hash;
struct keygen_kind;
struct wrap_kind;

struct mech {
	CK_MECHANISM_TYPE type;
	const char *name;
	CK_ULONG key_min, key_max; /* in the unit that PKCS#11 names for the mechanism */
	CK_FLAGS flags;
	bool (*key_fits)(CK_KEY_TYPE type); /* of the key it works with */
	const struct cipher_kind *cipher;
	const struct sign_kind *sign;
	const struct derive_kind *derive;
	const struct keygen_kind *keygen;
	const struct wrap_kind *wrap; /* where it is no cipher's */
	const struct hash *hash; /* that it is made of; NULL: none */
};

/* In the order of C_GetMechanismList.  Stock clients take the first that fits: ECDH1 is the first. */
const struct mech *mech_rows(size_t *count);
const struct mech *mech_find(CK_MECHANISM_TYPE type); /* NULL if unknown */

CK_RV mech_list(struct module *m, CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR n);
CK_RV mech_info(struct module *m, CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info);

#endif
