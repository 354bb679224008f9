/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "test/pkcs11/kdf-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

unsigned char bytes[300];

void fill(unsigned seed)
{
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)((seed = seed * 1103515245u + 12345u) >> 16);
}

CK_OBJECT_HANDLE base_of(CK_SESSION_HANDLE s, CK_KEY_TYPE type, size_t len, bool readable)
{
	CK_BBOOL extractable_ = readable, sensitive = !readable;
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, bytes, len}, {CKA_DERIVE, &yes, 1}, {CKA_EXTRACTABLE, &extractable_, 1},
		{CKA_SENSITIVE, &sensitive, 1}};

	IS(p11->C_CreateObject(s, templ, 6, &key), CKR_OK);
	return key;
}

CK_RV derive_len(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, void *param, CK_ULONG param_len,
	CK_OBJECT_HANDLE base, CK_ULONG len, CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM mech = {type, param, param_len};
	CK_ATTRIBUTE templ[] = {
		{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_VALUE_LEN, &len, sizeof len}};

	return p11->C_DeriveKey(s, &mech, base, templ, len > 0 ? 3 : 2, key);
}
