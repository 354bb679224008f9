/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

/* ---- cases: life --------------------------------------------------------------------------------------- */

void case_before(void)
{
	CK_INFO info;
	CK_ULONG n;
	CK_SESSION_HANDLE s;

	IS(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	IS(p11->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
	IS(p11->C_GetSlotList(CK_FALSE, NULL, &n), CKR_CRYPTOKI_NOT_INITIALIZED);
	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_CRYPTOKI_NOT_INITIALIZED);
	IS(p11->C_CloseSession(1), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static CK_RV no_mutex(void **m)
{
	(void)m;
	return CKR_OK;
}

void case_initialize(void)
{
	CK_C_INITIALIZE_ARGS reserved = {.pReserved = (void *)1};
	CK_C_INITIALIZE_ARGS half = {.CreateMutex = no_mutex};

	IS(p11->C_Initialize(&reserved), CKR_ARGUMENTS_BAD);
	IS(p11->C_Initialize(&half), CKR_ARGUMENTS_BAD);
	IS(initialize(), CKR_OK);
	IS(initialize(), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	IS(p11->C_Finalize((void *)1), CKR_ARGUMENTS_BAD);
	for (int i = 0; i < 20; i++) {
		IS(p11->C_Finalize(NULL), CKR_OK);
		IS(p11->C_Initialize(NULL), CKR_OK);
	}
	slot = find_slot();
	CHECK(slot != (CK_SLOT_ID)-1);
}

void case_lists(void)
{
	CK_FUNCTION_LIST *list = NULL;

	IS(p11->C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_GetFunctionList(&list), CKR_OK);
	CHECK(list == p11);
	CHECK(list->version.major == 2);
	void *const *each = (void *const *)(void *)&list->C_Initialize;
	for (size_t i = 0; i < (sizeof *list - offsetof(CK_FUNCTION_LIST, C_Initialize)) / sizeof *each; i++)
		CHECK(each[i] != NULL);
}

/* ---- cases: slots and tokens ---------------------------------------------------------------------------- */

void case_slots(void)
{
	CK_ULONG n = 0, few = 0;
	CK_SLOT_ID list[64];
	CK_SLOT_INFO info;

	IS(p11->C_GetSlotList(CK_TRUE, NULL, NULL), CKR_ARGUMENTS_BAD);
	MUST(p11->C_GetSlotList(CK_TRUE, NULL, &n));
	CHECK(n > 0 && n <= 64);
	IS(p11->C_GetSlotList(CK_TRUE, list, &few), CKR_BUFFER_TOO_SMALL);
	CHECK(few == n);
	n = 64;
	MUST(p11->C_GetSlotList(CK_TRUE, list, &n));
	for (CK_ULONG i = 0; i < n; i++) {
		IS(p11->C_GetSlotInfo(list[i], &info), CKR_OK);
		CHECK((info.flags & CKF_TOKEN_PRESENT) != 0);
	}
	IS(p11->C_GetSlotInfo(list[0], NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_GetSlotInfo(0x7fffffff, &info), CKR_SLOT_ID_INVALID);
}

static bool padded(const unsigned char *field, size_t len)
{
	return memchr(field, '\0', len) == NULL;
}

void case_token_info(void)
{
	CK_TOKEN_INFO info;
	CK_INFO module;

	MUST(p11->C_GetTokenInfo(slot, &info));
	CHECK(padded(info.label, sizeof info.label) && padded(info.manufacturerID, sizeof info.manufacturerID));
	CHECK(padded(info.model, sizeof info.model) && padded(info.serialNumber, sizeof info.serialNumber));
	CHECK((info.flags & CKF_TOKEN_INITIALIZED) != 0 && (info.flags & CKF_USER_PIN_INITIALIZED) != 0);
	CHECK((info.flags & CKF_LOGIN_REQUIRED) != 0 && (info.flags & CKF_RNG) != 0);
	CHECK(info.ulMinPinLen <= info.ulMaxPinLen);
	IS(p11->C_GetTokenInfo(slot, NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_GetTokenInfo(0x7fffffff, &info), CKR_SLOT_ID_INVALID);
	MUST(p11->C_GetInfo(&module));
	CHECK(padded(module.manufacturerID, sizeof module.manufacturerID));
	CHECK(padded(module.libraryDescription, sizeof module.libraryDescription));
	IS(p11->C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
}

void case_mechanisms(void)
{
	CK_MECHANISM_TYPE list[256];
	CK_MECHANISM_INFO info;
	CK_ULONG n = 0, few = 0;

	MUST(p11->C_GetMechanismList(slot, NULL, &n));
	CHECK(n > 0 && n <= 256);
	IS(p11->C_GetMechanismList(slot, list, &few), CKR_BUFFER_TOO_SMALL);
	n = 256;
	MUST(p11->C_GetMechanismList(slot, list, &n));
	for (CK_ULONG i = 0; i < n; i++)
		IS(p11->C_GetMechanismInfo(slot, list[i], &info), CKR_OK);
	IS(p11->C_GetMechanismInfo(slot, 0x7ffffff0, &info), CKR_MECHANISM_INVALID);
	IS(p11->C_GetMechanismInfo(slot, list[0], NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_GetMechanismList(slot, NULL, NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_GetMechanismList(0x7fffffff, NULL, &n), CKR_SLOT_ID_INVALID);
}

/* ---- cases: sessions and login ---------------------------------------------------------------------------- */

void case_sessions(void)
{
	CK_SESSION_HANDLE a, b;
	CK_SESSION_INFO info;

	IS(p11->C_OpenSession(slot, 0, NULL, NULL, &a), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	IS(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_OpenSession(0x7fffffff, CKF_SERIAL_SESSION, NULL, NULL, &a), CKR_SLOT_ID_INVALID);
	a = session_new(0);
	b = session_new(CKF_RW_SESSION);
	CHECK(a != b && a != 0 && b != 0);
	MUST(p11->C_GetSessionInfo(a, &info));
	CHECK(info.slotID == slot && info.state == CKS_RO_PUBLIC_SESSION && info.flags == CKF_SERIAL_SESSION);
	MUST(p11->C_GetSessionInfo(b, &info));
	CHECK(info.state == CKS_RW_PUBLIC_SESSION && info.flags == (CKF_SERIAL_SESSION | CKF_RW_SESSION));
	IS(p11->C_GetSessionInfo(a, NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_CloseSession(a), CKR_OK);
	IS(p11->C_CloseSession(a), CKR_SESSION_HANDLE_INVALID);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
	IS(p11->C_CloseSession(b), CKR_SESSION_HANDLE_INVALID);
	IS(p11->C_CloseAllSessions(0x7fffffff), CKR_SLOT_ID_INVALID);
	item_end();
	TRUTH("handles do not come again", "5.6.1", session_new(0) > b);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_login(void)
{
	CK_UTF8CHAR wrong[] = "not the PIN", *right = (CK_UTF8CHAR *)pin;
	CK_SESSION_HANDLE s = session_new(0), rw = session_new(CKF_RW_SESSION);
	CK_SESSION_INFO info;

	IS(p11->C_Login(s, CKU_USER, wrong, sizeof wrong - 1), CKR_PIN_INCORRECT);
	IS(p11->C_Login(s, CKU_USER, NULL, 4), CKR_ARGUMENTS_BAD);
	IS(p11->C_Login(s, 77, right, strlen(pin)), CKR_USER_TYPE_INVALID);
	IS(p11->C_Login(s, CKU_SO, wrong, sizeof wrong - 1), CKR_SESSION_READ_ONLY_EXISTS);
	ASK("logout with nobody logged in", "5.6, C_Logout", p11->C_Logout(s), CKR_USER_NOT_LOGGED_IN);
	item("in and out");
	MUST(p11->C_Login(s, CKU_USER, right, strlen(pin)));
	IS(p11->C_Login(rw, CKU_USER, right, strlen(pin)), CKR_USER_ALREADY_LOGGED_IN);
	IS(p11->C_GetSessionInfo(rw, &info), CKR_OK);
	CHECK(info.state == CKS_RW_USER_FUNCTIONS);
	IS(p11->C_Logout(rw), CKR_OK);
	IS(p11->C_GetSessionInfo(s, &info), CKR_OK);
	CHECK(info.state == CKS_RO_PUBLIC_SESSION);
	IS(p11->C_Login(s, CKU_USER, right, strlen(pin)), CKR_OK);
	/* The last session takes the login with it. */
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
	s = session_new(0);
	IS(p11->C_GetSessionInfo(s, &info), CKR_OK);
	CHECK(info.state == CKS_RO_PUBLIC_SESSION);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
