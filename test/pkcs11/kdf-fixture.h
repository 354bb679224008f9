/* SPDX-License-Identifier: Apache-2.0 */
/* test/pkcs11/kdf-fixture.h - base keys, and keys derived from them, over token-fixture.h. */
#ifndef DSKE_TEST_PKCS11_KDF_FIXTURE_H
#define DSKE_TEST_PKCS11_KDF_FIXTURE_H

#include "test/pkcs11/token-fixture.h"

extern unsigned char bytes[300];

void fill(unsigned seed); /* them, by chance that the seed repeats */

/* A base key of the first len of them. */
CK_OBJECT_HANDLE base_of(CK_SESSION_HANDLE s, CK_KEY_TYPE type, size_t len, bool readable);

/* A readable key of len bytes (0: the template does not say). */
CK_RV derive_len(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, void *param, CK_ULONG param_len, CK_OBJECT_HANDLE base,
		 CK_ULONG len, CK_OBJECT_HANDLE *key);

#endif
