/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

/* ---- cases: objects ------------------------------------------------------------------------------------- */

void case_attributes(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[32] = {1, 2, 3}, buffer[64];
	CK_OBJECT_HANDLE key = key_new(s, CKK_AES, value, sizeof value, "attributes");
	CK_ULONG number = 0;
	CK_ATTRIBUTE label = {CKA_LABEL, NULL, 0}, kind = {CKA_KEY_TYPE, &number, sizeof number};
	CK_ATTRIBUTE secret = {CKA_VALUE, buffer, sizeof buffer}, unknown = {CKA_MODULUS, buffer, sizeof buffer};
	CK_ATTRIBUTE two[] = {{CKA_MODULUS, buffer, 4}, {CKA_KEY_TYPE, &number, sizeof number}};

	IS(p11->C_GetAttributeValue(s, key, &label, 1), CKR_OK);
	CHECK(label.ulValueLen == strlen("attributes"));
	label.pValue = buffer;
	label.ulValueLen = 3;
	IS(p11->C_GetAttributeValue(s, key, &label, 1), CKR_BUFFER_TOO_SMALL);
	label.ulValueLen = sizeof buffer;
	IS(p11->C_GetAttributeValue(s, key, &label, 1), CKR_OK);
	CHECK(label.ulValueLen == 10 && memcmp(buffer, "attributes", 10) == 0);
	IS(p11->C_GetAttributeValue(s, key, &kind, 1), CKR_OK);
	CHECK(number == CKK_AES);
	IS(p11->C_GetAttributeValue(s, key, &secret, 1), CKR_ATTRIBUTE_SENSITIVE);
	CHECK(secret.ulValueLen == CK_UNAVAILABLE_INFORMATION);
	IS(p11->C_GetAttributeValue(s, key, &unknown, 1), CKR_ATTRIBUTE_TYPE_INVALID);
	number = 0;
	IS(p11->C_GetAttributeValue(s, key, two, 2), CKR_ATTRIBUTE_TYPE_INVALID);
	CHECK(number == CKK_AES); /* the others are answered nevertheless */
	IS(p11->C_GetAttributeValue(s, key, NULL, 1), CKR_ARGUMENTS_BAD);
	IS(p11->C_GetAttributeValue(s, key + 1000, &kind, 1), CKR_OBJECT_HANDLE_INVALID);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_set_attributes(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[16] = {7}, buffer[64];
	CK_OBJECT_HANDLE key = key_new(s, CKK_AES, value, sizeof value, "before");
	CK_ATTRIBUTE label = {CKA_LABEL, (void *)"after", 5}, read = {CKA_LABEL, buffer, sizeof buffer};
	CK_ATTRIBUTE type = {CKA_KEY_TYPE, &generic, sizeof generic}, open = {CKA_EXTRACTABLE, &yes, sizeof yes};
	CK_OBJECT_HANDLE found = 0;
	CK_ULONG n = 0;

	IS(p11->C_SetAttributeValue(s, key, &label, 1), CKR_OK);
	IS(p11->C_GetAttributeValue(s, key, &read, 1), CKR_OK);
	CHECK(read.ulValueLen == 5 && memcmp(buffer, "after", 5) == 0);
	MUST(p11->C_FindObjectsInit(s, &label, 1));
	IS(p11->C_FindObjects(s, &found, 1, &n), CKR_OK);
	CHECK(n == 1 && found == key);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	IS(p11->C_SetAttributeValue(s, key, &type, 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_SetAttributeValue(s, key, &open, 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_SetAttributeValue(s, key + 1000, &label, 1), CKR_OBJECT_HANDLE_INVALID);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_create_refused(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[15] = {9}, longer[16] = {9};
	CK_OBJECT_HANDLE key;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				{CKA_KEY_TYPE, &aes, sizeof aes},
				{CKA_VALUE, value, sizeof value}};

	IS(p11->C_CreateObject(s, NULL, 3, &key), CKR_ARGUMENTS_BAD);
	IS(p11->C_CreateObject(s, templ, 3, NULL), CKR_ARGUMENTS_BAD);
	CHECK(p11->C_CreateObject(s, templ + 1, 1, &key) != CKR_OK);
	CK_ATTRIBUTE whole = {CKA_VALUE, longer, sizeof longer}, token = {CKA_TOKEN, value, 3};
	CK_ATTRIBUTE twice[] = {templ[0], templ[1], whole, templ[1]}, bent[] = {templ[0], templ[1], whole, token};
	ASK("an AES key of 15 bytes", "5.7.1", p11->C_CreateObject(s, templ, 3, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	ASK("an attribute twice", "4.1.1", p11->C_CreateObject(s, twice, 4, &key), CKR_TEMPLATE_INCONSISTENT);
	ASK("a truth of 3 bytes", "4.1.1", p11->C_CreateObject(s, bent, 4, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_destroy(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[16] = {7};
	CK_OBJECT_HANDLE key = key_new(s, CKK_AES, value, sizeof value, "short-lived");
	CK_ULONG size;

	IS(p11->C_GetObjectSize(s, key, &size), CKR_OK);
	IS(p11->C_DestroyObject(s, key), CKR_OK);
	IS(p11->C_DestroyObject(s, key), CKR_OBJECT_HANDLE_INVALID);
	IS(p11->C_GetObjectSize(s, key, &size), CKR_OBJECT_HANDLE_INVALID);
	/* A session's objects end with it. */
	CK_SESSION_HANDLE other = session_new(CKF_RW_SESSION);
	key = key_new(other, CKK_AES, value, sizeof value, "of a session");
	IS(p11->C_GetObjectSize(s, key, &size), CKR_OK);
	IS(p11->C_CloseSession(other), CKR_OK);
	IS(p11->C_GetObjectSize(s, key, &size), CKR_OBJECT_HANDLE_INVALID);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

static CK_ULONG count_label(CK_SESSION_HANDLE s, const char *label, CK_OBJECT_HANDLE *found)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				{CKA_LABEL, (void *)label, strlen(label)}};
	CK_OBJECT_HANDLE list[16];
	CK_ULONG n = 0;

	IS(p11->C_FindObjectsInit(s, templ, 2), CKR_OK);
	IS(p11->C_FindObjects(s, list, 16, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	if (n > 0)
		*found = list[0];
	return n;
}

void case_token_object(void)
{
	CK_SESSION_HANDLE s = session_new(0);
	CK_OBJECT_HANDLE key = 0;
	unsigned char value[16] = {5}, iv[16] = {0}, out[32];
	CK_ULONG n = sizeof out;
	CK_MECHANISM mech = {CKM_AES_CBC, iv, sizeof iv};
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},
		{CKA_VALUE, value, sizeof value},		 {CKA_LABEL, (void *)"kept", 4},
		{CKA_TOKEN, &yes, sizeof yes},			 {CKA_PRIVATE, &yes, sizeof yes},
		{CKA_ENCRYPT, &yes, sizeof yes},
	};

	CHECK(p11->C_CreateObject(s, templ, 7, &key) != CKR_OK); /* read-only, and nobody logged in */
	IS(p11->C_CloseSession(s), CKR_OK);
	s = session_user();
	CK_SESSION_HANDLE ro = session_new(0);
	IS(p11->C_CreateObject(ro, templ, 7, &key), CKR_SESSION_READ_ONLY);
	MUST(p11->C_CreateObject(s, templ, 7, &key));
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(initialize(), CKR_OK);
	s = session_new(CKF_RW_SESSION);
	CHECK(count_label(s, "kept", &key) == 0); /* private: not before a login */
	IS(p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)), CKR_OK);
	CHECK(count_label(s, "kept", &key) == 1);
	IS(p11->C_EncryptInit(s, &mech, key), CKR_OK);
	IS(p11->C_Encrypt(s, value, 16, out, &n), CKR_OK);
	/* And not after a logout, not even half-way through. */
	item("an operation after logout");
	IS(p11->C_EncryptInit(s, &mech, key), CKR_OK);
	IS(p11->C_Logout(s), CKR_OK);
	n = sizeof out;
	CHECK(p11->C_Encrypt(s, value, 16, out, &n) != CKR_OK);
	item("a private object after logout");
	CHECK(p11->C_EncryptInit(s, &mech, key) != CKR_OK);
	IS(p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)), CKR_OK);
	CHECK(count_label(s, "kept", &key) == 1);
	IS(p11->C_DestroyObject(s, key), CKR_OK);
	CHECK(count_label(s, "kept", &key) == 0);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_find(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[16] = {7}, nothing[] = "no such ID";
	CK_OBJECT_HANDLE list[8], first = 0, last = 0;
	CK_ULONG n = 0, all = 0;
	CK_ATTRIBUTE id = {CKA_ID, nothing, sizeof nothing}, class = {CKA_CLASS, &secret_class, sizeof secret_class};

	for (int i = 0; i < 200; i++) {
		char label[16];
		snprintf(label, sizeof label, "key %d", i);
		last = key_new(s, CKK_AES, value, sizeof value, label);
	}
	CHECK(count_label(s, "key 7", &first) == 1);
	CHECK(count_label(s, "key 199", &first) == 1 && first == last);
	CHECK(count_label(s, "key 200", &first) == 0);
	IS(p11->C_FindObjects(s, list, 1, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_FindObjectsFinal(s), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_FindObjectsInit(s, NULL, 1), CKR_ARGUMENTS_BAD);
	MUST(p11->C_FindObjectsInit(s, &id, 1));
	IS(p11->C_FindObjectsInit(s, &id, 1), CKR_OPERATION_ACTIVE);
	IS(p11->C_FindObjects(s, list, 8, NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_FindObjects(s, list, 8, &n), CKR_OK);
	CHECK(n == 0);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	MUST(p11->C_FindObjectsInit(s, &class, 1));
	do {
		IS(p11->C_FindObjects(s, list, 7, &n), CKR_OK);
		all += n;
	} while (n > 0);
	CHECK(all == 200);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	IS(p11->C_FindObjectsInit(s, NULL, 0), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
