/* SPDX-License-Identifier: Apache-2.0 */
/* What every function says when it is not its turn: not initialised, no such session, nothing begun, no pointer. */
#include "test/pkcs11/p11test.h"

static CK_BYTE b[64];
static CK_ULONG n;
static CK_OBJECT_HANDLE o;
static CK_MECHANISM none = {CKM_AES_ECB, NULL, 0};
static CK_ATTRIBUTE a = {CKA_LABEL, NULL, 0};
static CK_SESSION_INFO session_info;

/* X(function, arguments after the session): every function of 2.40 that has one. */
#define WITH_SESSION(X)                                                                              \
	X(C_CloseSession) X(C_GetSessionInfo, &session_info) X(C_GetOperationState, b, &n) \
	X(C_SetOperationState, b, sizeof b, 0, 0) X(C_Login, CKU_USER, b, 4) X(C_Logout) X(C_InitPIN, b, 4) \
	X(C_SetPIN, b, 4, b, 4) X(C_CreateObject, &a, 1, &o) X(C_CopyObject, 1, &a, 1, &o) X(C_DestroyObject, 1) \
	X(C_GetObjectSize, 1, &n) X(C_GetAttributeValue, 1, &a, 1) X(C_SetAttributeValue, 1, &a, 1) \
	X(C_FindObjectsInit, &a, 1) X(C_FindObjects, &o, 1, &n) X(C_FindObjectsFinal) X(C_EncryptInit, &none, 1) \
	X(C_Encrypt, b, 16, b, &n) X(C_EncryptUpdate, b, 16, b, &n) X(C_EncryptFinal, b, &n) \
	X(C_DecryptInit, &none, 1) X(C_Decrypt, b, 16, b, &n) X(C_DecryptUpdate, b, 16, b, &n) \
	X(C_DecryptFinal, b, &n) X(C_DigestInit, &none) X(C_Digest, b, 16, b, &n) X(C_DigestUpdate, b, 16) \
	X(C_DigestKey, 1) X(C_DigestFinal, b, &n) X(C_SignInit, &none, 1) X(C_Sign, b, 16, b, &n) \
	X(C_SignUpdate, b, 16) X(C_SignFinal, b, &n) X(C_SignRecoverInit, &none, 1) X(C_SignRecover, b, 16, b, &n) \
	X(C_VerifyInit, &none, 1) X(C_Verify, b, 16, b, 16) X(C_VerifyUpdate, b, 16) X(C_VerifyFinal, b, 16) \
	X(C_VerifyRecoverInit, &none, 1) X(C_VerifyRecover, b, 16, b, &n) \
	X(C_DigestEncryptUpdate, b, 16, b, &n) X(C_DecryptDigestUpdate, b, 16, b, &n) \
	X(C_SignEncryptUpdate, b, 16, b, &n) X(C_DecryptVerifyUpdate, b, 16, b, &n) \
	X(C_GenerateKey, &none, &a, 1, &o) X(C_GenerateKeyPair, &none, &a, 1, &a, 1, &o, &o) \
	X(C_WrapKey, &none, 1, 1, b, &n) X(C_UnwrapKey, &none, 1, b, 16, &a, 1, &o) \
	X(C_DeriveKey, &none, 1, &a, 1, &o) X(C_SeedRandom, b, 16) X(C_GenerateRandom, b, 16)

/* What a token for secret keys has no use for may be absent, and says so before all else. */
#define UNLESS_ABSENT(code) code, CKR_FUNCTION_NOT_SUPPORTED

void case_not_initialized(void)
{
	CK_INFO info;
	CK_SLOT_INFO slot_info;
	CK_TOKEN_INFO token_info;
	CK_MECHANISM_INFO mechanism_info;
	CK_SESSION_HANDLE s = 1;
	CK_SLOT_ID id;

#define X(function, ...) \
	ASK(#function, "5.1.1", p11->function(1 __VA_OPT__(, ) __VA_ARGS__), UNLESS_ABSENT(CKR_CRYPTOKI_NOT_INITIALIZED));
	WITH_SESSION(X)
#undef X
	ASK("C_Finalize", "5.4.2", p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	ASK("C_GetInfo", "5.4.3", p11->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
	ASK("C_GetSlotList", "5.5.1", p11->C_GetSlotList(CK_FALSE, NULL, &n), CKR_CRYPTOKI_NOT_INITIALIZED);
	ASK("C_GetSlotInfo", "5.5.2", p11->C_GetSlotInfo(0, &slot_info), CKR_CRYPTOKI_NOT_INITIALIZED);
	ASK("C_GetTokenInfo", "5.5.3", p11->C_GetTokenInfo(0, &token_info), CKR_CRYPTOKI_NOT_INITIALIZED);
	ASK("C_WaitForSlotEvent", "5.5.4", p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &id, NULL),
	    UNLESS_ABSENT(CKR_CRYPTOKI_NOT_INITIALIZED));
	ASK("C_GetMechanismList", "5.5.5", p11->C_GetMechanismList(0, NULL, &n), CKR_CRYPTOKI_NOT_INITIALIZED);
	ASK("C_GetMechanismInfo", "5.5.6", p11->C_GetMechanismInfo(0, CKM_AES_ECB, &mechanism_info),
	    CKR_CRYPTOKI_NOT_INITIALIZED);
	ASK("C_InitToken", "5.5.7", p11->C_InitToken(0, b, 4, b), CKR_CRYPTOKI_NOT_INITIALIZED);
	ASK("C_OpenSession", "5.6.1", p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_CRYPTOKI_NOT_INITIALIZED);
	ASK("C_CloseAllSessions", "5.6.3", p11->C_CloseAllSessions(0), CKR_CRYPTOKI_NOT_INITIALIZED);
}

void case_no_session(void)
{
	CK_SESSION_HANDLE dead = 0x7fffffff;

#define X(function, ...) \
	ASK(#function, "5.1.3", p11->function(dead __VA_OPT__(, ) __VA_ARGS__), UNLESS_ABSENT(CKR_SESSION_HANDLE_INVALID));
	WITH_SESSION(X)
#undef X
	ASK("C_GetFunctionStatus", "5.20.1", p11->C_GetFunctionStatus(dead),
	    CKR_FUNCTION_NOT_PARALLEL, CKR_SESSION_HANDLE_INVALID);
	ASK("C_CancelFunction", "5.20.2", p11->C_CancelFunction(dead), CKR_FUNCTION_NOT_PARALLEL, CKR_SESSION_HANDLE_INVALID);
}

/* ---- nothing begun -------------------------------------------------------------------------------------- */

void case_nothing_begun(void)
{
	CK_SESSION_HANDLE s = session_new(0);

#define BEFORE(function, section, ...) \
	ASK(#function, section, p11->function(s __VA_OPT__(, ) __VA_ARGS__), UNLESS_ABSENT(CKR_OPERATION_NOT_INITIALIZED))
	n = sizeof b;
	BEFORE(C_FindObjects, "5.7.8", &o, 1, &n);
	BEFORE(C_FindObjectsFinal, "5.7.9");
	BEFORE(C_Encrypt, "5.8.2", b, 16, b, &n);
	BEFORE(C_EncryptUpdate, "5.8.3", b, 16, b, &n);
	BEFORE(C_EncryptFinal, "5.8.4", b, &n);
	BEFORE(C_Decrypt, "5.10.2", b, 16, b, &n);
	BEFORE(C_DecryptUpdate, "5.10.3", b, 16, b, &n);
	BEFORE(C_DecryptFinal, "5.10.4", b, &n);
	BEFORE(C_Digest, "5.12.2", b, 16, b, &n);
	BEFORE(C_DigestUpdate, "5.12.3", b, 16);
	BEFORE(C_DigestFinal, "5.12.5", b, &n);
	BEFORE(C_Sign, "5.13.2", b, 16, b, &n);
	BEFORE(C_SignUpdate, "5.13.3", b, 16);
	BEFORE(C_SignFinal, "5.13.4", b, &n);
	BEFORE(C_SignRecover, "5.13.6", b, 16, b, &n);
	BEFORE(C_Verify, "5.15.2", b, 16, b, 16);
	BEFORE(C_VerifyUpdate, "5.15.3", b, 16);
	BEFORE(C_VerifyFinal, "5.15.4", b, 16);
	BEFORE(C_VerifyRecover, "5.15.6", b, 16, b, &n);
	BEFORE(C_DigestEncryptUpdate, "5.17.1", b, 16, b, &n);
	BEFORE(C_DecryptDigestUpdate, "5.17.2", b, 16, b, &n);
	BEFORE(C_SignEncryptUpdate, "5.17.3", b, 16, b, &n);
	BEFORE(C_DecryptVerifyUpdate, "5.17.4", b, 16, b, &n);
	BEFORE(C_GetOperationState, "5.6, C_GetOperationState", b, &n);
#undef BEFORE
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- pointers that have to be somewhere ----------------------------------------------------------------- */

void case_no_pointer(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[32] = {1};
	CK_OBJECT_HANDLE key = key_new(s, CKK_AES, value, sizeof value, "aes");

#define NOWHERE(name, section, call) ASK(name, section, call, UNLESS_ABSENT(CKR_ARGUMENTS_BAD))
	NOWHERE("C_GetInfo", "5.4.3", p11->C_GetInfo(NULL));
	NOWHERE("C_GetFunctionList", "5.4.4", p11->C_GetFunctionList(NULL));
	NOWHERE("C_GetSlotList", "5.5.1", p11->C_GetSlotList(CK_TRUE, NULL, NULL));
	NOWHERE("C_GetSlotInfo", "5.5.2", p11->C_GetSlotInfo(slot, NULL));
	NOWHERE("C_GetTokenInfo", "5.5.3", p11->C_GetTokenInfo(slot, NULL));
	NOWHERE("C_GetMechanismList", "5.5.5", p11->C_GetMechanismList(slot, NULL, NULL));
	NOWHERE("C_GetMechanismInfo", "5.5.6", p11->C_GetMechanismInfo(slot, CKM_AES_CBC, NULL));
	NOWHERE("C_OpenSession", "5.6.1", p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, NULL));
	NOWHERE("C_GetSessionInfo", "5.6.4", p11->C_GetSessionInfo(s, NULL));
	NOWHERE("C_GetOperationState", "5.6, C_GetOperationState", p11->C_GetOperationState(s, b, NULL));
	NOWHERE("C_CreateObject, the template", "5.7.1", p11->C_CreateObject(s, NULL, 3, &o));
	NOWHERE("C_CreateObject, the handle", "5.7.1", p11->C_CreateObject(s, &a, 1, NULL));
	NOWHERE("C_CopyObject, the handle", "5.7.2", p11->C_CopyObject(s, key, NULL, 0, NULL));
	NOWHERE("C_GetObjectSize", "5.7.4", p11->C_GetObjectSize(s, key, NULL));
	NOWHERE("C_GetAttributeValue", "5.7.5", p11->C_GetAttributeValue(s, key, NULL, 1));
	NOWHERE("C_SetAttributeValue", "5.7.6", p11->C_SetAttributeValue(s, key, NULL, 1));
	NOWHERE("C_FindObjectsInit", "5.7.7", p11->C_FindObjectsInit(s, NULL, 1));
	ASK("C_DigestInit", "5.12.1", p11->C_DigestInit(s, NULL), CKR_OK, CKR_ARGUMENTS_BAD);
	NOWHERE("C_GenerateKey, the mechanism", "5.18.1", p11->C_GenerateKey(s, NULL, &a, 1, &o));
	NOWHERE("C_GenerateKey, the handle", "5.18.1", p11->C_GenerateKey(s, &none, &a, 1, NULL));
	NOWHERE("C_WrapKey, the mechanism", "5.18.3", p11->C_WrapKey(s, NULL, key, key, b, &n));
	NOWHERE("C_WrapKey, the length", "5.18.3", p11->C_WrapKey(s, &none, key, key, b, NULL));
	NOWHERE("C_UnwrapKey, the mechanism", "5.18.4", p11->C_UnwrapKey(s, NULL, key, b, 16, &a, 1, &o));
	NOWHERE("C_UnwrapKey, the handle", "5.18.4", p11->C_UnwrapKey(s, &none, key, b, 16, &a, 1, NULL));
	NOWHERE("C_DeriveKey, the mechanism", "5.18.5", p11->C_DeriveKey(s, NULL, key, &a, 1, &o));
	NOWHERE("C_GenerateRandom", "5.19.2", p11->C_GenerateRandom(s, NULL, 8));
	NOWHERE("C_WaitForSlotEvent, the slot", "5.5.4", p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL));
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* C_Encrypt and its kin without a place for the length, each in a session of its own. */
static CK_SESSION_HANDLE begun(CK_OBJECT_HANDLE key, CK_OBJECT_HANDLE mac_key)
{
	static CK_BYTE iv[16];
	CK_SESSION_HANDLE s = session_new(0);
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv}, sha256 = {CKM_SHA256, NULL, 0}, hmac = {CKM_SHA256_HMAC, NULL, 0};

	if (key != 0 && mac_key != 0)
		IS(p11->C_DecryptInit(s, &cbc, key), CKR_OK);
	else if (key != 0)
		IS(p11->C_EncryptInit(s, &cbc, key), CKR_OK);
	else if (mac_key != 0)
		IS(p11->C_SignInit(s, &hmac, mac_key), CKR_OK);
	else
		IS(p11->C_DigestInit(s, &sha256), CKR_OK);
	return s;
}

void case_no_length(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[32] = {1};
	CK_OBJECT_HANDLE key = key_new(s, CKK_AES, value, 32, "aes"), mac = key_new(s, CKK_GENERIC_SECRET, value, 32, "mac");

	NOWHERE("C_Encrypt", "5.8.2", p11->C_Encrypt(begun(key, 0), b, 16, b, NULL));
	NOWHERE("C_EncryptUpdate", "5.8.3", p11->C_EncryptUpdate(begun(key, 0), b, 16, b, NULL));
	NOWHERE("C_EncryptFinal", "5.8.4", p11->C_EncryptFinal(begun(key, 0), b, NULL));
	NOWHERE("C_Decrypt", "5.10.2", p11->C_Decrypt(begun(key, key), b, 16, b, NULL));
	NOWHERE("C_DecryptUpdate", "5.10.3", p11->C_DecryptUpdate(begun(key, key), b, 16, b, NULL));
	NOWHERE("C_DecryptFinal", "5.10.4", p11->C_DecryptFinal(begun(key, key), b, NULL));
	NOWHERE("C_Digest", "5.12.2", p11->C_Digest(begun(0, 0), b, 16, b, NULL));
	NOWHERE("C_DigestFinal", "5.12.5", p11->C_DigestFinal(begun(0, 0), b, NULL));
	NOWHERE("C_Sign", "5.13.2", p11->C_Sign(begun(0, mac), b, 16, b, NULL));
	NOWHERE("C_SignFinal", "5.13.4", p11->C_SignFinal(begun(0, mac), b, NULL));
	NOWHERE("C_Encrypt, the data", "5.8.2", p11->C_Encrypt(begun(key, 0), NULL, 16, b, &n));
	NOWHERE("C_Digest, the data", "5.12.2", p11->C_Digest(begun(0, 0), NULL, 16, b, &n));
	NOWHERE("C_Sign, the data", "5.13.2", p11->C_Sign(begun(0, mac), NULL, 16, b, &n));
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- one thing at a time -------------------------------------------------------------------------------- */

void case_active(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[32] = {1}, iv[16] = {0};
	CK_OBJECT_HANDLE key = key_new(s, CKK_AES, value, 32, "aes"), mac = key_new(s, CKK_GENERIC_SECRET, value, 32, "mac");
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv}, sha256 = {CKM_SHA256, NULL, 0}, hmac = {CKM_SHA256_HMAC, NULL, 0};
	CK_SESSION_HANDLE t = begun(key, 0);

	ASK("C_EncryptInit twice", "5.8.1", p11->C_EncryptInit(t, &cbc, key), CKR_OPERATION_ACTIVE);
	t = begun(key, key);
	ASK("C_DecryptInit twice", "5.10.1", p11->C_DecryptInit(t, &cbc, key), CKR_OPERATION_ACTIVE);
	t = begun(0, 0);
	ASK("C_DigestInit twice", "5.12.1", p11->C_DigestInit(t, &sha256), CKR_OPERATION_ACTIVE);
	t = begun(0, mac);
	ASK("C_SignInit twice", "5.13.1", p11->C_SignInit(t, &hmac, mac), CKR_OPERATION_ACTIVE);
	MUST(p11->C_VerifyInit(s, &hmac, mac));
	ASK("C_VerifyInit twice", "5.15.1", p11->C_VerifyInit(s, &hmac, mac), CKR_OPERATION_ACTIVE);
	t = session_new(0);
	MUST(p11->C_FindObjectsInit(t, NULL, 0));
	ASK("C_FindObjectsInit twice", "5.7.7", p11->C_FindObjectsInit(t, NULL, 0), CKR_OPERATION_ACTIVE);
	MUST(p11->C_FindObjectsFinal(t));
	ASK("C_FindObjectsInit once more", "5.7.7", p11->C_FindObjectsInit(t, NULL, 0), CKR_OK);
	t = begun(key, 0);
	ASK("a search beside an encryption", "5.7.7", p11->C_FindObjectsInit(t, NULL, 0), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
