/* SPDX-License-Identifier: Apache-2.0 */
/* What PKCS#11 3.0 and 3.2 add to sessions and to the token: calls, cancelling, profiles; and what they refuse. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pkcs11/entry.h"
#include "test/pkcs11/token-fixture.h"

#define SO_PIN "87654321"

static CK_FUNCTION_LIST_3_2 *list;

static int setup_list(void **state)
{
	CK_VERSION latest = {3, 2};
	CK_INTERFACE *one;

	if (entry_interface(NULL, &latest, &one, 0) != CKR_OK)
		return -1;
	list = one->pFunctionList;
	return setup(state);
}
#define WITH_LIST(name) cmocka_unit_test_setup_teardown(name, setup_list, teardown)

static CK_OBJECT_HANDLE create(CK_SESSION_HANDLE s, CK_KEY_TYPE type, CK_BBOOL *is_private)
{
	unsigned char value[32] = {3};
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				{CKA_KEY_TYPE, &type, sizeof type},
				{CKA_VALUE, value, sizeof value},
				{CKA_ENCRYPT, &yes, 1},
				{CKA_DECRYPT, &yes, 1},
				{CKA_SIGN, &yes, 1},
				{CKA_VERIFY, &yes, 1},
				{CKA_PRIVATE, is_private, 1}};

	IS(list->C_CreateObject(s, templ, 8, &key), CKR_OK);
	return key;
}

/* ---- profiles ------------------------------------------------------------------------------------------------- */

/* BL-M-1-32 of PKCS#11 Profiles 3.2; with a login and the mechanisms, EXT-M-1-32. */
static void walk(bool extended)
{
	CK_INFO info;
	CK_SLOT_ID slots[8];
	CK_SLOT_INFO slot;
	CK_TOKEN_INFO token;
	CK_MECHANISM_TYPE mechs[256];
	CK_MECHANISM_INFO mech;
	CK_ULONG n = 0;
	CK_SESSION_HANDLE s;
	CK_ATTRIBUTE templ = {CKA_TOKEN, &yes, 1};
	CK_OBJECT_HANDLE object = 0;

	IS(list->C_GetInfo(&info), CKR_OK);
	assert_true(info.cryptokiVersion.major == 3 && info.cryptokiVersion.minor == 2 && info.flags == 0);
	IS(list->C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK);
	IS(list->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
	IS(list->C_GetSlotInfo(slots[0], &slot), CKR_OK);
	IS(list->C_GetTokenInfo(slots[0], &token), CKR_OK);
	if (extended) {
		IS(list->C_GetMechanismList(slots[0], NULL, &n), CKR_OK);
		assert_true(n <= 256);
		IS(list->C_GetMechanismList(slots[0], mechs, &n), CKR_OK);
		for (CK_ULONG i = 0; i < n; i++)
			IS(list->C_GetMechanismInfo(slots[0], mechs[i], &mech), CKR_OK);
	}
	IS(list->C_OpenSession(slots[0], CKF_SERIAL_SESSION | (extended ? CKF_RW_SESSION : 0), NULL, NULL, &s), CKR_OK);
	if (extended)
		login(s);
	IS(list->C_FindObjectsInit(s, &templ, 1), CKR_OK);
	IS(list->C_FindObjects(s, &object, 1, &n), CKR_OK);
	assert_int_equal(n, 1);
	IS(list->C_FindObjectsFinal(s), CKR_OK);
	if (extended)
		IS(list->C_Logout(s), CKR_OK);
	IS(list->C_CloseSession(s), CKR_OK);
	IS(list->C_CloseAllSessions(slots[0]), CKR_OK);
	IS(list->C_Finalize(NULL), CKR_OK);
	IS(list->C_Initialize(NULL), CKR_OK);
}

static void mandatory_cases(void **state)
{
	(void)state;
	make_token();
	walk(false);
	walk(true);
}

static void profiles(void **state)
{
	CK_OBJECT_CLASS class = CKO_PROFILE;
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE found, first;
	CK_ULONG id;
	CK_MECHANISM_INFO info;

	(void)state;
	for (id = CKP_BASELINE_PROVIDER; id <= CKP_EXTENDED_PROVIDER; id++) {
		IS(find(s, &class, CKA_PROFILE_ID, &id, sizeof id, &first), 1);
		IS(find(s, &class, CKA_PROFILE_ID, &id, sizeof id, &found), 1);
		assert_int_equal(found, first);
		IS(list->C_DestroyObject(s, found), CKR_ACTION_PROHIBITED);
		IS(list->C_CopyObject(s, found, NULL, 0, &found), CKR_ACTION_PROHIBITED);
		assert_true(read_attr(s, first, CKA_UNIQUE_ID, NULL, 0) > 0);
	}
	/* No more than is met. */
	for (id = 3; id <= 5; id++)
		IS(find(s, &class, CKA_PROFILE_ID, &id, sizeof id, &found), 0);
	id = CKP_HKDF_TLS_TOKEN;
	IS(find(s, &class, CKA_PROFILE_ID, &id, sizeof id, &found), 1);
	IS(list->C_GetMechanismInfo(0, CKM_HKDF_DATA, &info), CKR_OK);
	assert_true((info.flags & CKF_DERIVE) != 0);
}

/* HKDF TLS Token (5.6): IVs as data objects, of a key that nobody reads, by these two labels. */
static void hkdf_tls_token(void **state)
{
	static const char *const labels[] = {"tls iv", "tls quic iv"};
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_CLASS data = CKO_DATA;
	CK_KEY_TYPE type = CKK_HKDF;
	CK_ULONG len = 12;
	unsigned char value[32] = {7}, info[32], iv[2][12];
	CK_ATTRIBUTE base_templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
				     {CKA_VALUE, value, sizeof value}, {CKA_DERIVE, &yes, 1}};
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data, sizeof data}, {CKA_VALUE_LEN, &len, sizeof len}};
	CK_HKDF_PARAMS p = {.bExpand = CK_TRUE, .prfHashMechanism = CKM_SHA256, .ulSaltType = CKF_HKDF_SALT_NULL, .pInfo = info};
	CK_MECHANISM mech = {CKM_HKDF_DATA, &p, sizeof p};
	CK_OBJECT_HANDLE base, object;

	(void)state;
	IS(list->C_CreateObject(s, base_templ, 4, &base), CKR_OK);
	for (int i = 0; i < 2; i++) {
		info[0] = 0;
		info[1] = (unsigned char)len;
		memcpy(info + 2, labels[i], strlen(labels[i]) + 1);
		p.ulInfoLen = 2 + strlen(labels[i]) + 1;
		IS(list->C_DeriveKey(s, &mech, base, templ, 2, &object), CKR_OK);
		IS(read_attr(s, object, CKA_VALUE, iv[i], sizeof iv[i]), sizeof iv[i]);
	}
	assert_memory_not_equal(iv[0], iv[1], sizeof iv[0]);
}

/* ---- C_LoginUser, C_Logout ------------------------------------------------------------------------------------- */

static void login_by_name(void **state)
{
	CK_UTF8CHAR *right = (CK_UTF8CHAR *)PIN;
	CK_TOKEN_INFO info;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	IS(list->C_LoginUser(s, CKU_USER, right, 6, (CK_UTF8CHAR *)"mallory", 7), CKR_PIN_INCORRECT);
	IS(list->C_LoginUser(s, CKU_USER, right, 6, (CK_UTF8CHAR *)"alic", 4), CKR_PIN_INCORRECT);
	IS(list->C_LoginUser(s, CKU_USER, right, 6, NULL, 7), CKR_ARGUMENTS_BAD);
	/* Nobody tried a PIN. */
	IS(list->C_GetTokenInfo(0, &info), CKR_OK);
	assert_int_equal(info.flags & CKF_USER_PIN_COUNT_LOW, 0);
	IS(list->C_LoginUser(s, CKU_USER, (CK_UTF8CHAR *)"wrong", 5, NULL, 0), CKR_PIN_INCORRECT);
	IS(list->C_GetTokenInfo(0, &info), CKR_OK);
	assert_int_not_equal(info.flags & CKF_USER_PIN_COUNT_LOW, 0);
	IS(list->C_LoginUser(s, CKU_USER, right, 6, (CK_UTF8CHAR *)"alice", 5), CKR_OK);
	IS(list->C_LoginUser(s, CKU_USER, right, 6, NULL, 0), CKR_USER_ALREADY_LOGGED_IN);
	IS(list->C_Logout(s), CKR_OK);
	IS(list->C_LoginUser(s, CKU_SO, (CK_UTF8CHAR *)SO_PIN, 8, NULL, 0), CKR_OK);
	IS(list->C_Logout(s), CKR_OK);
	IS(list->C_LoginUser(s, CKU_CONTEXT_SPECIFIC, right, 6, NULL, 0), CKR_OPERATION_NOT_INITIALIZED);
}

/* In all sessions, and for private keys only. */
static void logout_ends_operations(void **state)
{
	unsigned char iv[16] = {0}, in[16] = {0}, out[16];
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv}, hmac = {CKM_SHA256_HMAC, NULL, 0}, sha = {CKM_SHA256, NULL, 0};
	CK_ULONG n = sizeof out;
	CK_OBJECT_HANDLE found[4];
	CK_ATTRIBUTE class = {CKA_CLASS, &secret_class, sizeof secret_class};

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new(), other = session_new(), third = session_new();
	login(s);
	CK_OBJECT_HANDLE hidden = create(s, CKK_AES, &yes), open = create(s, CKK_AES, &no), mac = create(s, CKK_GENERIC_SECRET, &yes);
	IS(list->C_EncryptInit(s, &cbc, hidden), CKR_OK);
	IS(list->C_DecryptInit(other, &cbc, hidden), CKR_OK);
	IS(list->C_EncryptInit(other, &cbc, open), CKR_OK);
	IS(list->C_SignInit(other, &hmac, mac), CKR_OK);
	IS(list->C_VerifyInit(other, &hmac, mac), CKR_OK);
	IS(list->C_DigestInit(s, &sha), CKR_OK);
	IS(list->C_DigestKey(s, mac), CKR_OK);
	IS(list->C_DigestInit(other, &sha), CKR_OK);
	IS(list->C_FindObjectsInit(third, &class, 1), CKR_OK);
	IS(list->C_FindObjects(third, found, 1, &n), CKR_OK);
	IS(list->C_Logout(third), CKR_OK);
	IS(list->C_DigestUpdate(s, in, 16), CKR_OPERATION_NOT_INITIALIZED); /* it has a private key in it */
	IS(list->C_DigestUpdate(other, in, 16), CKR_OK);
	IS(list->C_FindObjects(third, found, 4, &n), CKR_OK);
	assert_int_equal(n, 0);
	n = sizeof out;
	IS(list->C_Encrypt(s, in, 16, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(list->C_Decrypt(other, in, 16, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(list->C_SignUpdate(other, in, 16), CKR_OPERATION_NOT_INITIALIZED);
	IS(list->C_VerifyUpdate(other, in, 16), CKR_OPERATION_NOT_INITIALIZED);
	IS(list->C_Encrypt(other, in, 16, out, &n), CKR_OK);
	IS(list->C_GetObjectSize(s, hidden, &n), CKR_OBJECT_HANDLE_INVALID);
	IS(list->C_EncryptInit(s, &cbc, hidden), CKR_KEY_HANDLE_INVALID);
	/* A new login does not bring session objects back. */
	login(s);
	IS(list->C_GetObjectSize(s, hidden, &n), CKR_OBJECT_HANDLE_INVALID);
	IS(list->C_GetObjectSize(s, open, &n), CKR_OK);
}

/* ---- C_SessionCancel --------------------------------------------------------------------------------------------- */

static void cancelling(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char iv[16] = {0}, in[16] = {0}, out[64];
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv}, hmac = {CKM_SHA256_HMAC, NULL, 0}, sha = {CKM_SHA256, NULL, 0};
	CK_OBJECT_HANDLE key = create(s, CKK_AES, &no), mac = create(s, CKK_GENERIC_SECRET, &no), found;
	CK_ULONG n;
	const CK_FLAGS flags[] = {CKF_ENCRYPT, CKF_DECRYPT, CKF_SIGN, CKF_VERIFY, CKF_DIGEST, CKF_FIND_OBJECTS};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		for (size_t again = 0; again < 2; again++) {
			IS(list->C_EncryptInit(s, &cbc, key), CKR_OK);
			IS(list->C_DecryptInit(s, &cbc, key), CKR_OK);
			IS(list->C_SignInit(s, &hmac, mac), CKR_OK);
			IS(list->C_VerifyInit(s, &hmac, mac), CKR_OK);
			IS(list->C_VerifySignatureInit(s, &hmac, mac, out, 32), CKR_OK);
			IS(list->C_DigestInit(s, &sha), CKR_OK);
			IS(list->C_FindObjectsInit(s, NULL, 0), CKR_OK);
			/* Nothing asked, nothing done; then one; then all the others. */
			IS(list->C_SessionCancel(s, 0), CKR_OK);
			IS(list->C_SessionCancel(s, again ? ~flags[i] : flags[i]), CKR_OK);
			n = sizeof out;
			bool gone[] = {list->C_Encrypt(s, in, 16, out, &n) == CKR_OPERATION_NOT_INITIALIZED,
				       list->C_Decrypt(s, in, 16, out, &n) == CKR_OPERATION_NOT_INITIALIZED,
				       list->C_SignUpdate(s, in, 16) == CKR_OPERATION_NOT_INITIALIZED,
				       list->C_VerifyUpdate(s, in, 16) == CKR_OPERATION_NOT_INITIALIZED,
				       list->C_DigestUpdate(s, in, 16) == CKR_OPERATION_NOT_INITIALIZED,
				       list->C_FindObjects(s, &found, 1, &n) == CKR_OPERATION_NOT_INITIALIZED};
			for (size_t k = 0; k < 6; k++)
				assert_int_equal(gone[k], (k == i) != (again == 1));
			IS(list->C_VerifySignatureUpdate(s, in, 16), gone[3] ? CKR_OPERATION_NOT_INITIALIZED : CKR_OK);
			IS(list->C_SessionCancel(s, ~0ul), CKR_OK);
		}
	}
	/* What is not active is ignored. */
	IS(list->C_SessionCancel(s, ~0ul), CKR_OK);
	IS(list->C_SessionCancel(s + 1000, 0), CKR_SESSION_HANDLE_INVALID);
}

/* ---- 3.2 ---------------------------------------------------------------------------------------------------------- */

static void signature_first(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key = create(s, CKK_GENERIC_SECRET, &no), cipher = create(s, CKK_AES, &no);
	CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
	unsigned char text[] = "what is signed", mac[32];
	CK_ULONG n = sizeof mac;

	(void)state;
	IS(list->C_SignInit(s, &hmac, key), CKR_OK);
	IS(list->C_Sign(s, text, sizeof text, mac, &n), CKR_OK);
	IS(list->C_VerifySignature(s, text, sizeof text), CKR_OPERATION_NOT_INITIALIZED);
	IS(list->C_VerifySignatureInit(s, &hmac, key, mac, 31), CKR_SIGNATURE_LEN_RANGE);
	IS(list->C_VerifySignatureInit(s, &hmac, key, NULL, 32), CKR_ARGUMENTS_BAD);
	IS(list->C_VerifySignatureInit(s, &hmac, cipher, mac, 32), CKR_KEY_TYPE_INCONSISTENT);
	IS(list->C_VerifySignatureInit(s, &hmac, key, mac, 32), CKR_OK);
	IS(list->C_VerifySignatureInit(s, &hmac, key, mac, 32), CKR_OPERATION_ACTIVE);
	/* It is an operation of its own. */
	IS(list->C_VerifyUpdate(s, text, 1), CKR_OPERATION_NOT_INITIALIZED);
	IS(list->C_VerifySignature(s, text, sizeof text), CKR_OK);
	IS(list->C_VerifySignature(s, text, sizeof text), CKR_OPERATION_NOT_INITIALIZED);
	IS(list->C_VerifySignatureInit(s, &hmac, key, mac, 32), CKR_OK);
	IS(list->C_VerifySignatureUpdate(s, text, 4), CKR_OK);
	IS(list->C_VerifySignatureUpdate(s, text + 4, sizeof text - 4), CKR_OK);
	IS(list->C_VerifySignatureFinal(s), CKR_OK);
	mac[5] ^= 1;
	IS(list->C_VerifySignatureInit(s, &hmac, key, mac, 32), CKR_OK);
	IS(list->C_VerifySignature(s, text, sizeof text), CKR_SIGNATURE_INVALID);
	IS(list->C_VerifySignatureFinal(s), CKR_OPERATION_NOT_INITIALIZED);
}

static void refused(void **state)
{
	CK_SESSION_HANDLE s = session_new(), async;
	CK_FLAGS flags = 1;
	CK_UTF8CHAR name[] = "C_Sign";
	CK_ASYNC_DATA result = {0};
	CK_ULONG id = 0;
	unsigned char out[16];

	(void)state;
	IS(list->C_GetSessionValidationFlags(s, CKS_LAST_VALIDATION_OK, &flags), CKR_OK);
	assert_int_equal(flags, 0);
	IS(list->C_GetSessionValidationFlags(s, 2, &flags), CKR_ARGUMENTS_BAD);
	IS(list->C_GetSessionValidationFlags(s, CKS_LAST_VALIDATION_OK, NULL), CKR_ARGUMENTS_BAD);
	IS(list->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_ASYNC_SESSION, NULL, NULL, &async), CKR_SESSION_ASYNC_NOT_SUPPORTED);
	IS(list->C_AsyncComplete(s, name, &result), CKR_OPERATION_NOT_INITIALIZED);
	IS(list->C_AsyncComplete(s, NULL, &result), CKR_ARGUMENTS_BAD);
	IS(list->C_AsyncGetID(s, name, &id), CKR_OPERATION_NOT_INITIALIZED);
	IS(list->C_AsyncGetID(s, name, NULL), CKR_ARGUMENTS_BAD);
	IS(list->C_AsyncJoin(s, name, 1, out, sizeof out), CKR_SAVED_STATE_INVALID);
	IS(list->C_AsyncJoin(s, NULL, 1, out, sizeof out), CKR_ARGUMENTS_BAD);
	IS(list->C_AsyncJoin(s + 1000, name, 1, out, sizeof out), CKR_SESSION_HANDLE_INVALID);
	IS(list->C_EncapsulateKey(s, NULL, 0, NULL, 0, NULL, NULL, NULL), CKR_FUNCTION_NOT_SUPPORTED);
	IS(list->C_DecapsulateKey(s, NULL, 0, NULL, 0, NULL, 0, NULL), CKR_FUNCTION_NOT_SUPPORTED);
	IS(list->C_GenerateKeyPair(s, NULL, NULL, 0, NULL, 0, NULL, NULL), CKR_FUNCTION_NOT_SUPPORTED);
	IS(list->C_SignRecoverInit(s, NULL, 0), CKR_FUNCTION_NOT_SUPPORTED);
	IS(list->C_VerifyRecoverInit(s, NULL, 0), CKR_FUNCTION_NOT_SUPPORTED);
	IS(list->C_GetFunctionStatus(s), CKR_FUNCTION_NOT_PARALLEL);
	IS(list->C_CancelFunction(s), CKR_FUNCTION_NOT_PARALLEL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LIST(mandatory_cases),
		WITH_LIST(profiles),
		WITH_LIST(hkdf_tls_token),
		WITH_LIST(login_by_name),
		WITH_LIST(logout_ends_operations),
		WITH_LIST(cancelling),
		WITH_LIST(signature_first),
		WITH_LIST(refused),
	};

	return cmocka_run_group_tests_name("interfaces 3.0 and 3.2", tests, NULL, NULL);
}
