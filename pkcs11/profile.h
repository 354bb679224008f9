/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/profile.h - the profiles that the agreement token meets, as objects of class CKO_PROFILE (PKCS#11 3.0, 4.13).
 * doc/token.md says why it meets each, and why not others.
 */
#ifndef DSKE_PKCS11_PROFILE_H
#define DSKE_PKCS11_PROFILE_H

#include "pkcs11/rv.h"

struct module;

/* Makes them, the first time. */
CK_RV profile_sync(struct module *m);

#endif
