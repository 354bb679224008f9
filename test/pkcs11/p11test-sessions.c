/* SPDX-License-Identifier: Apache-2.0 */
/* The module, its slots and tokens, sessions, and who may log in when (PKCS#11 3.0, 5.4 to 5.6). */
#include "test/pkcs11/p11test.h"

#define NO_SLOT ((CK_SLOT_ID)0x7fffffff)

static CK_RV mutex_new(void **m)
{
	*m = m;
	return CKR_OK;
}

static CK_RV mutex_any(void *m)
{
	(void)m;
	return CKR_OK;
}

static CK_RV initialize_with(CK_C_INITIALIZE_ARGS *args)
{
	CK_RV rv = p11->C_Initialize(args);

	if (rv == CKR_OK)
		IS(p11->C_Finalize(NULL), CKR_OK);
	return rv;
}

void case_initialize_arguments(void)
{
	CK_C_INITIALIZE_ARGS args = {.pReserved = (void *)1};

	ASK("pReserved", "5.4.1", initialize_with(&args), CKR_ARGUMENTS_BAD);
	args = (CK_C_INITIALIZE_ARGS){.CreateMutex = mutex_new};
	ASK("one function of four", "5.4.1", initialize_with(&args), CKR_ARGUMENTS_BAD);
	args = (CK_C_INITIALIZE_ARGS){mutex_new, mutex_any, mutex_any, NULL, 0, NULL};
	ASK("three functions of four", "5.4.1", initialize_with(&args), CKR_ARGUMENTS_BAD);
	args = (CK_C_INITIALIZE_ARGS){NULL, mutex_any, mutex_any, mutex_any, CKF_OS_LOCKING_OK, NULL};
	ASK("three of four, and the system's", "5.4.1", initialize_with(&args), CKR_ARGUMENTS_BAD);
	args = (CK_C_INITIALIZE_ARGS){mutex_new, mutex_any, mutex_any, mutex_any, CKF_OS_LOCKING_OK, NULL};
	ASK("four functions, or the system's", "5.4.1", initialize_with(&args), CKR_OK);
	args = (CK_C_INITIALIZE_ARGS){.flags = 0};
	ASK("one thread", "5.4.1", initialize_with(&args), CKR_OK);
	args = (CK_C_INITIALIZE_ARGS){.flags = CKF_OS_LOCKING_OK};
	ASK("the system's locks", "5.4.1", initialize_with(&args), CKR_OK);
	args = (CK_C_INITIALIZE_ARGS){.flags = CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS};
	ASK("no threads of the module's own", "5.4.1", initialize_with(&args), CKR_OK, CKR_NEED_TO_CREATE_THREADS);
	ASK("nothing", "5.4.1", p11->C_Initialize(NULL), CKR_OK);
	ASK("twice", "5.4.1", p11->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	ASK("the end, with an argument", "5.4.2", p11->C_Finalize((void *)1), CKR_ARGUMENTS_BAD);
	ASK("the end", "5.4.2", p11->C_Finalize(NULL), CKR_OK);
	ASK("the end twice", "5.4.2", p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	ASK("anew", "5.4.1", p11->C_Initialize(NULL), CKR_OK);
}

/* Sessions, logins and session objects do not outlive C_Finalize. */
void case_after_finalize(void)
{
	CK_SESSION_HANDLE s = session_user(), t;
	unsigned char value[16] = {1};
	CK_OBJECT_HANDLE key = key_new(s, CKK_AES, value, sizeof value, "gone");
	CK_SESSION_INFO info = {0};
	CK_ULONG n;

	MUST(p11->C_Finalize(NULL));
	ASK("a session, before it begins anew", "5.4.2", p11->C_GetSessionInfo(s, &info), CKR_CRYPTOKI_NOT_INITIALIZED);
	MUST(initialize());
	slot = find_slot();
	ASK("a session of before", "5.4.2", p11->C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID);
	t = session_new(CKF_RW_SESSION);
	ASK("a key of before", "5.4.2", p11->C_GetObjectSize(t, key, &n), CKR_OBJECT_HANDLE_INVALID);
	MUST(p11->C_GetSessionInfo(t, &info));
	TRUTH("nobody is logged in", "5.4.2", info.state == CKS_RW_PUBLIC_SESSION);
}

/* ---- what the module says of itself --------------------------------------------------------------------- */

static bool padded(const unsigned char *field, size_t len)
{
	return memchr(field, '\0', len) == NULL;
}

void case_descriptions(void)
{
	CK_INFO info;
	CK_TOKEN_INFO token;
	CK_SLOT_INFO at;

	MUST(p11->C_GetInfo(&info));
	TRUTH("a version of 2.40 or later", "5.4.3", info.cryptokiVersion.major > 2 || info.cryptokiVersion.minor >= 40);
	TRUTH("the maker, padded", "5.4.3", padded(info.manufacturerID, sizeof info.manufacturerID));
	TRUTH("the library, padded", "5.4.3", padded(info.libraryDescription, sizeof info.libraryDescription));
	TRUTH("no flags", "5.4.3", info.flags == 0);
	MUST(p11->C_GetSlotInfo(slot, &at));
	TRUTH("the slot, padded", "5.5.2", padded(at.slotDescription, sizeof at.slotDescription));
	TRUTH("the slot's maker, padded", "5.5.2", padded(at.manufacturerID, sizeof at.manufacturerID));
	TRUTH("a token is there", "5.5.2", (at.flags & CKF_TOKEN_PRESENT) != 0);
	MUST(p11->C_GetTokenInfo(slot, &token));
	TRUTH("the label, padded", "5.5.3", padded(token.label, sizeof token.label));
	TRUTH("the token's maker, padded", "5.5.3", padded(token.manufacturerID, sizeof token.manufacturerID));
	TRUTH("the model, padded", "5.5.3", padded(token.model, sizeof token.model));
	TRUTH("the serial number, padded", "5.5.3", padded(token.serialNumber, sizeof token.serialNumber));
	TRUTH("lengths of PINs in order", "5.5.3", token.ulMinPinLen <= token.ulMaxPinLen);
	TRUTH("initialised", "5.5.3", (token.flags & CKF_TOKEN_INITIALIZED) != 0);
	TRUTH("asks for a login", "5.5.3", (token.flags & CKF_LOGIN_REQUIRED) != 0);
	TRUTH("the user has a PIN", "5.5.3", (token.flags & CKF_USER_PIN_INITIALIZED) != 0);
	TRUTH("random numbers", "5.5.3", (token.flags & CKF_RNG) != 0);
	TRUTH("no PIN is locked", "5.5.3", (token.flags & (CKF_USER_PIN_LOCKED | CKF_SO_PIN_LOCKED)) == 0);
	TRUTH("no key pad", "5.5.3", (token.flags & CKF_PROTECTED_AUTHENTICATION_PATH) == 0);
}

void case_slot_lists(void)
{
	CK_SLOT_ID list[64], event;
	CK_ULONG n = 0, m = 0, few = 0;
	CK_SLOT_INFO info;
	CK_TOKEN_INFO token;

	ASK("how many have a token", "5.5.1", p11->C_GetSlotList(CK_TRUE, NULL, &n), CKR_OK);
	ASK("how many there are", "5.5.1", p11->C_GetSlotList(CK_FALSE, NULL, &m), CKR_OK);
	TRUTH("as many with a token as there are, or fewer", "5.5.1", n > 0 && n <= m);
	ASK("a list that is too short", "5.5.1", p11->C_GetSlotList(CK_TRUE, list, &few), CKR_BUFFER_TOO_SMALL);
	TRUTH("says how long it has to be", "5.2", few == n);
	few = 64;
	ASK("a list that is longer", "5.5.1", p11->C_GetSlotList(CK_TRUE, list, &few), CKR_OK);
	TRUTH("says how many are in it", "5.2", few == n);
	ASK("no such slot", "5.5.2", p11->C_GetSlotInfo(NO_SLOT, &info), CKR_SLOT_ID_INVALID);
	ASK("no such slot's token", "5.5.3", p11->C_GetTokenInfo(NO_SLOT, &token), CKR_SLOT_ID_INVALID);
	ASK("no such slot's mechanisms", "5.5.5", p11->C_GetMechanismList(NO_SLOT, NULL, &n), CKR_SLOT_ID_INVALID);
	ASK("no such slot's sessions", "5.6.3", p11->C_CloseAllSessions(NO_SLOT), CKR_SLOT_ID_INVALID);
	ASK("no event", "5.5.4", p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &event, NULL), CKR_NO_EVENT);
	ASK("no event, and an argument", "5.5.4", p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &event, &event), CKR_ARGUMENTS_BAD);
}

void case_mechanism_lists(void)
{
	CK_MECHANISM_TYPE list[300];
	CK_MECHANISM_INFO info;
	CK_ULONG n = 0, few = 0, m = 300;
	bool all = true, sizes = true, twice = false;

	ASK("how many", "5.5.5", p11->C_GetMechanismList(slot, NULL, &n), CKR_OK);
	ASK("a list that is too short", "5.5.5", p11->C_GetMechanismList(slot, list, &few), CKR_BUFFER_TOO_SMALL);
	TRUTH("says how long it has to be", "5.2", few == n);
	ASK("a list that is longer", "5.5.5", p11->C_GetMechanismList(slot, list, &m), CKR_OK);
	TRUTH("says how many are in it", "5.2", m == n);
	for (CK_ULONG i = 0; i < m && m <= 300; i++) {
		all = all && p11->C_GetMechanismInfo(slot, list[i], &info) == CKR_OK;
		sizes = sizes && info.ulMinKeySize <= info.ulMaxKeySize;
		for (CK_ULONG j = 0; j < i; j++)
			twice = twice || list[i] == list[j];
	}
	TRUTH("each is known", "5.5.6", all);
	TRUTH("sizes of keys in order", "5.5.6", sizes);
	TRUTH("none comes twice", "5.5.5", !twice);
	ASK("one that there is not", "5.5.6", p11->C_GetMechanismInfo(slot, 0x7ffffff0, &info), CKR_MECHANISM_INVALID);
	ASK("no such slot", "5.5.6", p11->C_GetMechanismInfo(NO_SLOT, CKM_AES_CBC, &info), CKR_SLOT_ID_INVALID);
}

/* What flags say of the mechanisms that most have. */
void case_mechanism_flags(void)
{
	static const struct {
		CK_MECHANISM_TYPE type;
		CK_FLAGS flags;
	} all[] = {
		{CKM_AES_ECB, CKF_ENCRYPT | CKF_DECRYPT}, {CKM_AES_CBC, CKF_ENCRYPT | CKF_DECRYPT},
		{CKM_AES_CBC_PAD, CKF_ENCRYPT | CKF_DECRYPT}, {CKM_AES_CTR, CKF_ENCRYPT | CKF_DECRYPT},
		{CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT}, {CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP},
		{CKM_AES_KEY_GEN, CKF_GENERATE}, {CKM_GENERIC_SECRET_KEY_GEN, CKF_GENERATE}, {CKM_SHA_1, CKF_DIGEST},
		{CKM_SHA256, CKF_DIGEST}, {CKM_SHA384, CKF_DIGEST}, {CKM_SHA512, CKF_DIGEST},
		{CKM_SHA256_HMAC, CKF_SIGN | CKF_VERIFY}, {CKM_SHA512_HMAC, CKF_SIGN | CKF_VERIFY},
		{CKM_AES_CMAC, CKF_SIGN | CKF_VERIFY}, {CKM_AES_CBC_ENCRYPT_DATA, CKF_DERIVE},
	};
	CK_MECHANISM_INFO info = {0};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		item("%s", mechanism_name(all[i].type));
		if (!offers(all[i].type))
			continue;
		IS(p11->C_GetMechanismInfo(slot, all[i].type, &info), CKR_OK);
		CHECK((info.flags & all[i].flags) == all[i].flags);
	}
}

/* ---- sessions ------------------------------------------------------------------------------------------- */

static CK_STATE state_of(CK_SESSION_HANDLE s)
{
	CK_SESSION_INFO info = {.state = 99};

	p11->C_GetSessionInfo(s, &info);
	return info.state;
}

void case_session_rules(void)
{
	CK_SESSION_HANDLE ro = 0, rw = 0, s;
	CK_SESSION_INFO info = {0};
	CK_TOKEN_INFO before, after;

	ASK("without CKF_SERIAL_SESSION", "5.6.1", p11->C_OpenSession(slot, 0, NULL, NULL, &s),
	    CKR_SESSION_PARALLEL_NOT_SUPPORTED);
	ASK("no such slot", "5.6.1", p11->C_OpenSession(NO_SLOT, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_SLOT_ID_INVALID);
	MUST(p11->C_GetTokenInfo(slot, &before));
	ASK("read-only", "5.6.1", p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &ro), CKR_OK);
	ASK("read-write", "5.6.1", p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &rw), CKR_OK);
	TRUTH("handles differ, and none is 0", "5.6.1", ro != rw && ro != 0 && rw != 0);
	MUST(p11->C_GetTokenInfo(slot, &after));
	TRUTH("they are counted", "5.5.3", before.ulSessionCount == CK_UNAVAILABLE_INFORMATION ||
						   after.ulSessionCount == before.ulSessionCount + 2);
	TRUTH("so are read-write ones", "5.5.3", before.ulRwSessionCount == CK_UNAVAILABLE_INFORMATION ||
							 after.ulRwSessionCount == before.ulRwSessionCount + 1);
	MUST(p11->C_GetSessionInfo(ro, &info));
	TRUTH("read-only and public", "5.6.4", info.state == CKS_RO_PUBLIC_SESSION);
	TRUTH("its slot", "5.6.4", info.slotID == slot);
	TRUTH("its flags", "5.6.4", info.flags == CKF_SERIAL_SESSION);
	MUST(p11->C_GetSessionInfo(rw, &info));
	TRUTH("read-write and public", "5.6.4", info.state == CKS_RW_PUBLIC_SESSION);
	TRUTH("the other's flags", "5.6.4", info.flags == (CKF_SERIAL_SESSION | CKF_RW_SESSION));
	ASK("close", "5.6.2", p11->C_CloseSession(ro), CKR_OK);
	ASK("close twice", "5.6.2", p11->C_CloseSession(ro), CKR_SESSION_HANDLE_INVALID);
	ASK("a closed one's state", "5.6.4", p11->C_GetSessionInfo(ro, &info), CKR_SESSION_HANDLE_INVALID);
	TRUTH("the other is left", "5.6.2", state_of(rw) == CKS_RW_PUBLIC_SESSION);
	ASK("close all", "5.6.3", p11->C_CloseAllSessions(slot), CKR_OK);
	ASK("nothing is left", "5.6.3", p11->C_GetSessionInfo(rw, &info), CKR_SESSION_HANDLE_INVALID);
	ASK("close all of none", "5.6.3", p11->C_CloseAllSessions(slot), CKR_OK);
	TRUTH("handles do not come again", "5.6.1", session_new(0) > rw);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_many_sessions(void)
{
	static CK_SESSION_HANDLE all[2000];
	bool opened = true, differ = true, closed = true;

	for (size_t i = 0; i < 2000; i++) {
		opened = opened && p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &all[i]) == CKR_OK;
		differ = differ && (i == 0 || all[i] != all[i - 1]);
	}
	for (size_t i = 0; i < 2000; i += 2)
		closed = closed && p11->C_CloseSession(all[i]) == CKR_OK;
	TRUTH("two thousand are opened", "5.6.1", opened);
	TRUTH("each has a handle of its own", "5.6.1", differ);
	TRUTH("every other is closed", "5.6.2", closed);
	TRUTH("the rest is as it was", "5.6.4", state_of(all[1999]) == CKS_RO_PUBLIC_SESSION);
	ASK("all are closed", "5.6.3", p11->C_CloseAllSessions(slot), CKR_OK);
}
