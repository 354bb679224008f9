/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

/* ---- cases: what cannot be right ------------------------------------------------------------------------------ */

/* Every function that takes a session, with one that never was. */
void case_dead_session(void)
{
	CK_SESSION_HANDLE dead = 0x7fffffff;
	CK_MECHANISM mech = {CKM_AES_CBC, NULL, 0};
	CK_ATTRIBUTE a = {CKA_LABEL, NULL, 0};
	CK_BYTE b[64];
	CK_ULONG n = sizeof b;
	CK_OBJECT_HANDLE o = 0;
	CK_SESSION_INFO info;

#define DEAD(call) EITHER(call, CKR_SESSION_HANDLE_INVALID, CKR_FUNCTION_NOT_SUPPORTED)
	DEAD(p11->C_GetSessionInfo(dead, &info));
	DEAD(p11->C_GetOperationState(dead, b, &n));
	DEAD(p11->C_SetOperationState(dead, b, n, 0, 0));
	DEAD(p11->C_Login(dead, CKU_USER, b, 4));
	DEAD(p11->C_Logout(dead));
	DEAD(p11->C_InitPIN(dead, b, 4));
	DEAD(p11->C_SetPIN(dead, b, 4, b, 4));
	DEAD(p11->C_CreateObject(dead, &a, 1, &o));
	DEAD(p11->C_CopyObject(dead, 1, &a, 1, &o));
	DEAD(p11->C_DestroyObject(dead, 1));
	DEAD(p11->C_GetObjectSize(dead, 1, &n));
	DEAD(p11->C_GetAttributeValue(dead, 1, &a, 1));
	DEAD(p11->C_SetAttributeValue(dead, 1, &a, 1));
	DEAD(p11->C_FindObjectsInit(dead, &a, 1));
	DEAD(p11->C_FindObjects(dead, &o, 1, &n));
	DEAD(p11->C_FindObjectsFinal(dead));
	DEAD(p11->C_EncryptInit(dead, &mech, 1));
	DEAD(p11->C_Encrypt(dead, b, 16, b, &n));
	DEAD(p11->C_EncryptUpdate(dead, b, 16, b, &n));
	DEAD(p11->C_EncryptFinal(dead, b, &n));
	DEAD(p11->C_DecryptInit(dead, &mech, 1));
	DEAD(p11->C_Decrypt(dead, b, 16, b, &n));
	DEAD(p11->C_DecryptUpdate(dead, b, 16, b, &n));
	DEAD(p11->C_DecryptFinal(dead, b, &n));
	DEAD(p11->C_DigestInit(dead, &mech));
	DEAD(p11->C_Digest(dead, b, 16, b, &n));
	DEAD(p11->C_DigestUpdate(dead, b, 16));
	DEAD(p11->C_DigestKey(dead, 1));
	DEAD(p11->C_DigestFinal(dead, b, &n));
	DEAD(p11->C_SignInit(dead, &mech, 1));
	DEAD(p11->C_Sign(dead, b, 16, b, &n));
	DEAD(p11->C_SignUpdate(dead, b, 16));
	DEAD(p11->C_SignFinal(dead, b, &n));
	DEAD(p11->C_VerifyInit(dead, &mech, 1));
	DEAD(p11->C_Verify(dead, b, 16, b, 16));
	DEAD(p11->C_VerifyUpdate(dead, b, 16));
	DEAD(p11->C_VerifyFinal(dead, b, 16));
	DEAD(p11->C_GenerateKey(dead, &mech, &a, 1, &o));
	DEAD(p11->C_GenerateKeyPair(dead, &mech, &a, 1, &a, 1, &o, &o));
	DEAD(p11->C_WrapKey(dead, &mech, 1, 1, b, &n));
	DEAD(p11->C_UnwrapKey(dead, &mech, 1, b, 16, &a, 1, &o));
	DEAD(p11->C_DeriveKey(dead, &mech, 1, &a, 1, &o));
	DEAD(p11->C_SeedRandom(dead, b, 16));
	DEAD(p11->C_GenerateRandom(dead, b, 16));
	EITHER(p11->C_GetFunctionStatus(dead), CKR_FUNCTION_NOT_PARALLEL, CKR_SESSION_HANDLE_INVALID);
	EITHER(p11->C_CancelFunction(dead), CKR_FUNCTION_NOT_PARALLEL, CKR_SESSION_HANDLE_INVALID);
#undef DEAD
}

/* An operation that was never begun, and NULL where a pointer must be. */
void case_bad_arguments(void)
{
	CK_SESSION_HANDLE s = session_user(), t = session_new(0);
	unsigned char value[32] = {1}, iv[16] = {0}, out[64];
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv}, hmac = {CKM_SHA256_HMAC, NULL, 0};
	CK_OBJECT_HANDLE cipher = key_new(s, CKK_AES, value, sizeof value, "aes");
	CK_OBJECT_HANDLE secret = key_new(s, CKK_GENERIC_SECRET, value, sizeof value, "generic");
	CK_ULONG n = sizeof out;

	IS(p11->C_Encrypt(s, value, 16, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_EncryptUpdate(s, value, 16, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_EncryptFinal(s, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_Decrypt(s, value, 16, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_DecryptFinal(s, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_Sign(s, value, 16, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_SignFinal(s, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_Verify(s, value, 16, out, 32), CKR_OPERATION_NOT_INITIALIZED);
	MUST(p11->C_EncryptInit(s, &cbc, cipher));
	IS(p11->C_Encrypt(s, value, 16, out, NULL), CKR_ARGUMENTS_BAD);
	MUST(p11->C_SignInit(t, &hmac, secret));
	IS(p11->C_Sign(t, value, 16, out, NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_DeriveKey(s, NULL, 1, NULL, 0, &cipher), CKR_ARGUMENTS_BAD);
	IS(p11->C_GetObjectSize(s, secret, NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
