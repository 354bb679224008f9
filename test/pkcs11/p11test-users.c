/* SPDX-License-Identifier: Apache-2.0 */
/* Users and what each may do in which session (PKCS#11 3.0, 4.4, 5.5.7 to 5.5.9, 5.6 and 6.7 of its usage guide). */
#include "test/pkcs11/p11test.h"

static CK_RV login(CK_SESSION_HANDLE s, CK_USER_TYPE who, const char *with)
{
	return p11->C_Login(s, who, (CK_UTF8CHAR *)with, with != NULL ? strlen(with) : 4);
}

static CK_STATE state_of(CK_SESSION_HANDLE s)
{
	CK_SESSION_INFO info = {.state = 99};

	p11->C_GetSessionInfo(s, &info);
	return info.state;
}

/* A secret key, of the token or the session, private or public. */
static CK_RV create(CK_SESSION_HANDLE s, CK_BBOOL token, CK_BBOOL private, CK_OBJECT_HANDLE *key)
{
	static unsigned char value[16] = {1, 2, 3};
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},
		{CKA_VALUE, value, sizeof value}, {CKA_TOKEN, &token, 1}, {CKA_PRIVATE, &private, 1},
		{CKA_LABEL, (void *)"by user", 7},
	};

	return p11->C_CreateObject(s, templ, sizeof templ / sizeof templ[0], key);
}

static CK_ULONG visible(CK_SESSION_HANDLE s)
{
	CK_ATTRIBUTE label = {CKA_LABEL, (void *)"by user", 7};
	CK_OBJECT_HANDLE list[16];
	CK_ULONG n = 0;

	IS(p11->C_FindObjectsInit(s, &label, 1), CKR_OK);
	IS(p11->C_FindObjects(s, list, 16, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	return n;
}

/* ---- who logs in ---------------------------------------------------------------------------------------- */

void case_login_rules(void)
{
	CK_SESSION_HANDLE ro = session_new(0), rw = session_new(CKF_RW_SESSION);

	ASK("a wrong PIN", "5.6, C_Login", login(ro, CKU_USER, "not the PIN"), CKR_PIN_INCORRECT);
	ASK("no PIN at all", "5.6, C_Login", login(ro, CKU_USER, NULL), CKR_ARGUMENTS_BAD);
	ASK("an empty PIN", "5.6, C_Login", login(ro, CKU_USER, ""), CKR_PIN_INCORRECT, CKR_PIN_LEN_RANGE);
	ASK("no such user", "5.6, C_Login", login(ro, 77, pin), CKR_USER_TYPE_INVALID);
	ASK("the officer, beside a read-only session", "5.6, C_Login", login(rw, CKU_SO, "whatever"),
	    CKR_SESSION_READ_ONLY_EXISTS);
	ASK("for a context, with nothing begun", "5.6, C_Login", login(ro, CKU_CONTEXT_SPECIFIC, pin),
	    CKR_OPERATION_NOT_INITIALIZED);
	TRUTH("nobody is in", "5.6.4", state_of(ro) == CKS_RO_PUBLIC_SESSION);
	ASK("the user", "5.6, C_Login", login(ro, CKU_USER, pin), CKR_OK);
	TRUTH("is in where he logged in", "5.6.4", state_of(ro) == CKS_RO_USER_FUNCTIONS);
	TRUTH("is in everywhere", "5.6.4", state_of(rw) == CKS_RW_USER_FUNCTIONS);
	CK_SESSION_HANDLE later = session_new(0);
	TRUTH("is in where it is opened later", "5.6.4", state_of(later) == CKS_RO_USER_FUNCTIONS);
	ASK("the user twice", "5.6, C_Login", login(rw, CKU_USER, pin), CKR_USER_ALREADY_LOGGED_IN);
	ASK("logout", "5.6, C_Logout", p11->C_Logout(later), CKR_OK);
	TRUTH("nobody is in after it", "5.6.4", state_of(ro) == CKS_RO_PUBLIC_SESSION);
	TRUTH("nor elsewhere", "5.6.4", state_of(rw) == CKS_RW_PUBLIC_SESSION);
	ASK("logout twice", "5.6, C_Logout", p11->C_Logout(ro), CKR_USER_NOT_LOGGED_IN);
	ASK("the user again", "5.6, C_Login", login(ro, CKU_USER, pin), CKR_OK);
	IS(p11->C_CloseSession(rw), CKR_OK);
	TRUTH("stays when another session closes", "5.6.2", state_of(ro) == CKS_RO_USER_FUNCTIONS);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
	ro = session_new(0);
	TRUTH("is out with the last session", "5.6.2", state_of(ro) == CKS_RO_PUBLIC_SESSION);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_officer_rules(void)
{
	CK_SESSION_HANDLE s = session_new(CKF_RW_SESSION), other;
	CK_OBJECT_HANDLE key = 0;

	if (so_pin == NULL) {
		absent();
		return;
	}
	ASK("a wrong PIN", "5.6, C_Login", login(s, CKU_SO, "not the PIN"), CKR_PIN_INCORRECT);
	ASK("the officer", "5.6, C_Login", login(s, CKU_SO, so_pin), CKR_OK);
	TRUTH("is in", "5.6.4", state_of(s) == CKS_RW_SO_FUNCTIONS);
	ASK("a read-only session", "5.6.1", p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &other),
	    CKR_SESSION_READ_WRITE_SO_EXISTS);
	ASK("a read-write session", "5.6.1",
	    p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &other), CKR_OK);
	ASK("the officer twice", "5.6, C_Login", login(s, CKU_SO, so_pin), CKR_USER_ALREADY_LOGGED_IN);
	ASK("the user beside him", "5.6, C_Login", login(s, CKU_USER, pin), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
	ASK("makes a public key", "4.4", create(s, CK_FALSE, CK_FALSE, &key), CKR_OK);
	ASK("makes a private key", "4.4", create(s, CK_FALSE, CK_TRUE, &key), CKR_USER_NOT_LOGGED_IN);
	ASK("sets a PIN that is too short", "5.5.8", p11->C_InitPIN(s, (CK_UTF8CHAR *)pin, 1), CKR_PIN_LEN_RANGE);
	ASK("sets the user's PIN", "5.5.8", p11->C_InitPIN(s, (CK_UTF8CHAR *)pin, strlen(pin)), CKR_OK);
	ASK("sets no PIN", "5.5.8", p11->C_InitPIN(s, NULL, 4), CKR_ARGUMENTS_BAD);
	ASK("changes his own, by a wrong one", "5.5.9",
	    p11->C_SetPIN(s, (CK_UTF8CHAR *)"not the PIN", 11, (CK_UTF8CHAR *)so_pin, strlen(so_pin)), CKR_PIN_INCORRECT);
	ASK("changes his own, to itself", "5.5.9",
	    p11->C_SetPIN(s, (CK_UTF8CHAR *)so_pin, strlen(so_pin), (CK_UTF8CHAR *)so_pin, strlen(so_pin)), CKR_OK);
	ASK("makes the token anew beside a session", "5.5.7",
	    p11->C_InitToken(slot, (CK_UTF8CHAR *)so_pin, strlen(so_pin), (CK_UTF8CHAR *)"                                "),
	    CKR_SESSION_EXISTS);
	ASK("logout", "5.6, C_Logout", p11->C_Logout(s), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_pin_rules(void)
{
	CK_UTF8CHAR *right = (CK_UTF8CHAR *)pin, *fresh = (CK_UTF8CHAR *)"another PIN";
	CK_ULONG len = strlen(pin);
	CK_SESSION_HANDLE ro = session_new(0), s = session_new(CKF_RW_SESSION);
	CK_TOKEN_INFO info = {0};

	ASK("in a read-only session", "5.5.9", p11->C_SetPIN(ro, right, len, fresh, 11), CKR_SESSION_READ_ONLY);
	ASK("by a wrong one", "5.5.9", p11->C_SetPIN(s, fresh, 11, fresh, 11), CKR_PIN_INCORRECT);
	MUST(p11->C_GetTokenInfo(slot, &info));
	TRUTH("which the token remembers", "5.5.3", (info.flags & CKF_USER_PIN_COUNT_LOW) != 0);
	ASK("to one that is too short", "5.5.9", p11->C_SetPIN(s, right, len, fresh, 1), CKR_PIN_LEN_RANGE);
	ASK("to one that is too long", "5.5.9", p11->C_SetPIN(s, right, len, fresh, info.ulMaxPinLen + 1), CKR_PIN_LEN_RANGE);
	ASK("to none", "5.5.9", p11->C_SetPIN(s, right, len, NULL, 4), CKR_ARGUMENTS_BAD);
	ASK("from none", "5.5.9", p11->C_SetPIN(s, NULL, 4, fresh, 11), CKR_ARGUMENTS_BAD);
	ASK("by nobody in particular", "5.5.9", p11->C_SetPIN(s, right, len, fresh, 11), CKR_OK);
	ASK("the old one", "5.6, C_Login", login(s, CKU_USER, pin), CKR_PIN_INCORRECT);
	ASK("the new one", "5.6, C_Login", login(s, CKU_USER, "another PIN"), CKR_OK);
	ASK("back, by the user", "5.5.9", p11->C_SetPIN(s, fresh, 11, right, len), CKR_OK);
	ASK("C_InitPIN by the user", "5.5.8", p11->C_InitPIN(s, right, len), CKR_USER_NOT_LOGGED_IN);
	MUST(p11->C_GetTokenInfo(slot, &info));
	TRUTH("a right one is the end of wrong ones", "5.5.3", (info.flags & CKF_USER_PIN_COUNT_LOW) == 0);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* The token made anew: what was on it is gone, and the officer gives the user a PIN again. */
void case_token_anew(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_OBJECT_HANDLE key = 0;
	CK_TOKEN_INFO info, after;
	CK_UTF8CHAR *officer = (CK_UTF8CHAR *)so_pin;

	if (so_pin == NULL) {
		absent();
		return;
	}
	CK_ULONG len = strlen(so_pin);
	MUST(create(s, CK_TRUE, CK_FALSE, &key));
	MUST(p11->C_GetTokenInfo(slot, &info));
	ASK("beside a session", "5.5.7", p11->C_InitToken(slot, officer, len, info.label), CKR_SESSION_EXISTS);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
	ASK("no label", "5.5.7", p11->C_InitToken(slot, officer, len, NULL), CKR_ARGUMENTS_BAD);
	ASK("no such slot", "5.5.7", p11->C_InitToken(0x7fffffff, officer, len, info.label), CKR_SLOT_ID_INVALID);
	ASK("by a wrong PIN", "5.5.7", p11->C_InitToken(slot, (CK_UTF8CHAR *)"not the PIN", 11, info.label),
	    CKR_PIN_INCORRECT);
	s = session_user();
	TRUTH("and all is there", "5.5.7", visible(s) == 1);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
	ASK("by the officer", "5.5.7", p11->C_InitToken(slot, officer, len, info.label), CKR_OK);
	MUST(p11->C_GetTokenInfo(slot, &after));
	TRUTH("it has its label", "5.5.7", memcmp(info.label, after.label, sizeof info.label) == 0);
	TRUTH("the user has no PIN", "5.5.7", (after.flags & CKF_USER_PIN_INITIALIZED) == 0);
	s = session_new(CKF_RW_SESSION);
	TRUTH("nothing is on it", "5.5.7", visible(s) == 0);
	ASK("the user", "5.6, C_Login", login(s, CKU_USER, pin), CKR_USER_PIN_NOT_INITIALIZED);
	ASK("the officer", "5.6, C_Login", login(s, CKU_SO, so_pin), CKR_OK);
	ASK("the user's PIN", "5.5.8", p11->C_InitPIN(s, (CK_UTF8CHAR *)pin, strlen(pin)), CKR_OK);
	IS(p11->C_Logout(s), CKR_OK);
	ASK("the user, with it", "5.6, C_Login", login(s, CKU_USER, pin), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- who may do what with which object (PKCS#11 3.0, 5.7.1 and 6.7 of the usage guide) ------------------ */

void case_access_public(void)
{
	CK_SESSION_HANDLE ro = session_new(0), rw = session_new(CKF_RW_SESSION);
	CK_OBJECT_HANDLE key = 0;

	ASK("a public session object, read-only", "5.7.1", create(ro, CK_FALSE, CK_FALSE, &key), CKR_OK);
	ASK("it is destroyed, read-only", "5.7.3", p11->C_DestroyObject(ro, key), CKR_OK);
	ASK("a private session object, read-only", "5.7.1", create(ro, CK_FALSE, CK_TRUE, &key), CKR_USER_NOT_LOGGED_IN);
	ASK("a public token object, read-only", "5.7.1", create(ro, CK_TRUE, CK_FALSE, &key), CKR_SESSION_READ_ONLY);
	ASK("a private session object, read-write", "5.7.1", create(rw, CK_FALSE, CK_TRUE, &key), CKR_USER_NOT_LOGGED_IN);
	ASK("a private token object, read-write", "5.7.1", create(rw, CK_TRUE, CK_TRUE, &key), CKR_USER_NOT_LOGGED_IN);
	key = 0;
	/* "Some functions" of a token that asks for logins may be the user's only (3.0, 5.5.3, CKF_LOGIN_REQUIRED). */
	ASK("a public token object, read-write", "5.7.1", create(rw, CK_TRUE, CK_FALSE, &key), CKR_OK, CKR_USER_NOT_LOGGED_IN);
	if (key != 0)
		IS(p11->C_DestroyObject(rw, key), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_access_user(void)
{
	CK_SESSION_HANDLE rw = session_user(), ro = session_new(0);
	CK_OBJECT_HANDLE key = 0, token = 0;
	CK_ATTRIBUTE label = {CKA_LABEL, (void *)"by user", 7}, stays = {CKA_TOKEN, &yes, 1};

	ASK("a private session object, read-only", "5.7.1", create(ro, CK_FALSE, CK_TRUE, &key), CKR_OK);
	ASK("its copy on the token, read-only", "5.7.2", p11->C_CopyObject(ro, key, &stays, 1, &token), CKR_SESSION_READ_ONLY);
	ASK("a private token object, read-only", "5.7.1", create(ro, CK_TRUE, CK_TRUE, &token), CKR_SESSION_READ_ONLY);
	ASK("a private token object, read-write", "5.7.1", create(rw, CK_TRUE, CK_TRUE, &token), CKR_OK);
	ASK("it is seen, read-only", "5.7.4", p11->C_GetObjectSize(ro, token, &(CK_ULONG){0}), CKR_OK);
	ASK("it is changed, read-only", "5.7.6", p11->C_SetAttributeValue(ro, token, &label, 1), CKR_SESSION_READ_ONLY);
	ASK("it is destroyed, read-only", "5.7.3", p11->C_DestroyObject(ro, token), CKR_SESSION_READ_ONLY);
	ASK("it is changed, read-write", "5.7.6", p11->C_SetAttributeValue(rw, token, &label, 1), CKR_OK);
	TRUTH("both are found", "5.7.7", visible(ro) == 2);
	IS(p11->C_Logout(rw), CKR_OK);
	TRUTH("neither is found after logout", "5.6, C_Logout", visible(ro) == 0);
	ASK("the private token object after logout", "5.6, C_Logout", p11->C_GetObjectSize(ro, token, &(CK_ULONG){0}),
	    CKR_OBJECT_HANDLE_INVALID);
	ASK("the private session object after logout", "5.6, C_Logout", p11->C_GetObjectSize(ro, key, &(CK_ULONG){0}),
	    CKR_OBJECT_HANDLE_INVALID);
	MUST(login(rw, CKU_USER, pin));
	TRUTH("the session's is gone for good", "5.6, C_Logout", visible(ro) == 1);
	MUST(p11->C_FindObjectsInit(rw, &label, 1));
	CK_ULONG n = 0;
	IS(p11->C_FindObjects(rw, &token, 1, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(rw), CKR_OK);
	ASK("it is destroyed, read-write", "5.7.3", p11->C_DestroyObject(rw, token), CKR_OK);
	ASK("it is destroyed twice", "5.7.3", p11->C_DestroyObject(rw, token), CKR_OBJECT_HANDLE_INVALID);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
