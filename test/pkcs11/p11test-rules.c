/* SPDX-License-Identifier: Apache-2.0 */
/* What the standard says of attributes, copies, data objects and PINs, asked of any module. */
#include "test/pkcs11/p11test.h"

#include <stdlib.h>

static CK_RV create_as(CK_SESSION_HANDLE s, const CK_ATTRIBUTE *more, CK_ULONG n, CK_OBJECT_HANDLE *key)
{
	static unsigned char value[16] = {4, 5, 6};
	CK_ATTRIBUTE templ[20] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				  {CKA_KEY_TYPE, &aes, sizeof aes},
				  {CKA_VALUE, value, sizeof value}};

	if (n > 0)
		memcpy(templ + 3, more, n * sizeof *more);
	return p11->C_CreateObject(s, templ, n + 3, key);
}

static CK_RV create(CK_SESSION_HANDLE s, const CK_ATTRIBUTE *more, CK_ULONG n)
{
	CK_OBJECT_HANDLE key = 0;

	return create_as(s, more, n, &key);
}

static CK_OBJECT_HANDLE make(CK_SESSION_HANDLE s, const CK_ATTRIBUTE *more, CK_ULONG n, CK_RV wanted)
{
	CK_OBJECT_HANDLE key = 0;

	IS(create_as(s, more, n, &key), wanted);
	return key;
}

static int truth(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL v = 2;
	CK_ATTRIBUTE a = {type, &v, 1};

	IS(p11->C_GetAttributeValue(s, o, &a, 1), CKR_OK);
	return v;
}

static CK_ULONG number(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
	CK_ULONG v = 0;
	CK_ATTRIBUTE a = {type, &v, sizeof v};

	IS(p11->C_GetAttributeValue(s, o, &a, 1), CKR_OK);
	return v;
}

static CK_ULONG length(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
	CK_ATTRIBUTE a = {type, NULL, 0};

	IS(p11->C_GetAttributeValue(s, o, &a, 1), CKR_OK);
	return a.ulValueLen;
}

/* ---- defaults ------------------------------------------------------------------------------------------- */

void case_defaults(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_OBJECT_HANDLE key = make(s, NULL, 0, CKR_OK);

	/* Of a key that came in clear. */
	CHECK(truth(s, key, CKA_LOCAL) == 0 && truth(s, key, CKA_ALWAYS_SENSITIVE) == 0);
	CHECK(truth(s, key, CKA_NEVER_EXTRACTABLE) == 0);
	CHECK(number(s, key, CKA_KEY_GEN_MECHANISM) == CK_UNAVAILABLE_INFORMATION);
	CHECK(truth(s, key, CKA_TOKEN) == 0 && truth(s, key, CKA_MODIFIABLE) == 1);
	CHECK(truth(s, key, CKA_WRAP_WITH_TRUSTED) == 0 && truth(s, key, CKA_TRUSTED) == 0);
	CHECK(truth(s, key, CKA_DERIVE) == 0);
	CHECK(number(s, key, CKA_CLASS) == CKO_SECRET_KEY && number(s, key, CKA_VALUE_LEN) == 16);
	CHECK(length(s, key, CKA_LABEL) == 0 && length(s, key, CKA_ID) == 0);
	CHECK(length(s, key, CKA_START_DATE) == 0 && length(s, key, CKA_END_DATE) == 0);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_templates_refused(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_ULONG len = 16, mech = CKM_AES_KEY_GEN;
	CK_ATTRIBUTE refused[] = {
		{CKA_LOCAL, &yes, 1},		 {CKA_ALWAYS_SENSITIVE, &yes, 1}, {CKA_NEVER_EXTRACTABLE, &yes, 1},
		{CKA_VALUE_LEN, &len, sizeof len}, {CKA_KEY_GEN_MECHANISM, &mech, sizeof mech},
	};
	CK_ATTRIBUTE odd = {CKA_MODULUS, &len, sizeof len};

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		make(s, &refused[i], 1, CKR_ATTRIBUTE_READ_ONLY);
	make(s, &odd, 1, CKR_ATTRIBUTE_TYPE_INVALID);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_check_value(void)
{
	/* AES-128 of a zero block under the key 04 05 06 00 ... */
	CK_SESSION_HANDLE s = session_user();
	unsigned char check[3] = {0};
	CK_ATTRIBUTE a = {CKA_CHECK_VALUE, check, sizeof check}, encrypts = {CKA_ENCRYPT, &yes, 1};
	CK_OBJECT_HANDLE key = make(s, &encrypts, 1, CKR_OK);
	unsigned char zero[16] = {0}, out[16];
	CK_ULONG n = sizeof out;
	CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0};

	CK_RV rv = p11->C_GetAttributeValue(s, key, &a, 1);
	IS(rv, CKR_OK);
	if (rv == CKR_OK && a.ulValueLen == 3 && offers(CKM_AES_ECB)) {
		IS(p11->C_EncryptInit(s, &ecb, key), CKR_OK);
		IS(p11->C_Encrypt(s, zero, 16, out, &n), CKR_OK);
		CHECK(memcmp(out, check, 3) == 0);
	}
	check[0] ^= 1;
	ASK("one that does not fit", "4.10", create(s, &a, 1), CKR_ATTRIBUTE_VALUE_INVALID);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- changes -------------------------------------------------------------------------------------------- */

static CK_RV set(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, CK_BBOOL *value)
{
	CK_ATTRIBUTE a = {type, value, 1};

	return p11->C_SetAttributeValue(s, o, &a, 1);
}

void case_one_way(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_ATTRIBUTE open[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
	CK_OBJECT_HANDLE key = make(s, open, 2, CKR_OK);
	unsigned char value[16];
	CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof value};

	IS(p11->C_GetAttributeValue(s, key, &read, 1), CKR_OK);
	IS(set(s, key, CKA_SENSITIVE, &yes), CKR_OK);
	IS(p11->C_GetAttributeValue(s, key, &read, 1), CKR_ATTRIBUTE_SENSITIVE);
	IS(set(s, key, CKA_SENSITIVE, &no), CKR_ATTRIBUTE_READ_ONLY);
	IS(set(s, key, CKA_EXTRACTABLE, &no), CKR_OK);
	IS(set(s, key, CKA_EXTRACTABLE, &yes), CKR_ATTRIBUTE_READ_ONLY);
	/* "Cannot be changed once set to CK_TRUE" (4.10, footnote 11), so that it can before. */
	ASK("CKA_WRAP_WITH_TRUSTED becomes true", "4.10, footnote 11", set(s, key, CKA_WRAP_WITH_TRUSTED, &yes),
	    CKR_OK);
	item("and stays so");
	IS(set(s, key, CKA_WRAP_WITH_TRUSTED, &no), CKR_ATTRIBUTE_READ_ONLY);
	CHECK(truth(s, key, CKA_ALWAYS_SENSITIVE) == 0 && truth(s, key, CKA_NEVER_EXTRACTABLE) == 0);
	IS(set(s, key, CKA_TOKEN, &yes), CKR_ATTRIBUTE_READ_ONLY);
	IS(set(s, key, CKA_PRIVATE, &yes), CKR_ATTRIBUTE_READ_ONLY);
	IS(set(s, key, CKA_LOCAL, &yes), CKR_ATTRIBUTE_READ_ONLY);
	IS(set(s, key, CKA_TRUSTED, &yes), CKR_ATTRIBUTE_READ_ONLY); /* the SO's to say */
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_unchangeable(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_ATTRIBUTE fixed = {CKA_MODIFIABLE, &no, 1}, kept = {CKA_DESTROYABLE, &no, 1};
	CK_ATTRIBUTE label = {CKA_LABEL, (void *)"x", 1};

	IS(p11->C_SetAttributeValue(s, make(s, &fixed, 1, CKR_OK), &label, 1), CKR_ACTION_PROHIBITED);
	ASK("CKA_DESTROYABLE is false", "2.40, 4.4", p11->C_DestroyObject(s, make(s, &kept, 1, CKR_OK)),
	    CKR_ACTION_PROHIBITED);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- copies --------------------------------------------------------------------------------------------- */

void case_copy(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_ATTRIBUTE made[] = {{CKA_LABEL, (void *)"original", 8}, {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
	CK_ATTRIBUTE label = {CKA_LABEL, (void *)"copy", 4}, hidden = {CKA_SENSITIVE, &yes, 1};
	CK_OBJECT_HANDLE key = make(s, made, 3, CKR_OK), copy = 0;
	unsigned char one[16], two[16];
	CK_ATTRIBUTE first = {CKA_VALUE, one, 16}, second = {CKA_VALUE, two, 16};

	MUST(p11->C_CopyObject(s, key, &label, 1, &copy));
	CHECK(copy != key);
	IS(p11->C_GetAttributeValue(s, key, &first, 1), CKR_OK);
	IS(p11->C_GetAttributeValue(s, copy, &second, 1), CKR_OK);
	CHECK(memcmp(one, two, 16) == 0);
	CHECK(length(s, key, CKA_LABEL) == 8 && length(s, copy, CKA_LABEL) == 4);
	IS(p11->C_DestroyObject(s, key), CKR_OK);
	CHECK(length(s, copy, CKA_LABEL) == 4);
	MUST(p11->C_CopyObject(s, copy, &hidden, 1, &key));
	IS(p11->C_GetAttributeValue(s, key, &first, 1), CKR_ATTRIBUTE_SENSITIVE);
	CHECK(truth(s, key, CKA_ALWAYS_SENSITIVE) == 0);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_copy_refused(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_ATTRIBUTE single = {CKA_COPYABLE, &no, 1}, open = {CKA_EXTRACTABLE, &yes, 1};
	CK_OBJECT_HANDLE key = make(s, NULL, 0, CKR_OK), copy;

	IS(p11->C_CopyObject(s, key, &open, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_CopyObject(s, key, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_CopyObject(s, key + 1000, &open, 0, &copy), CKR_OBJECT_HANDLE_INVALID);
	IS(p11->C_CopyObject(s + 1000, key, &open, 0, &copy), CKR_SESSION_HANDLE_INVALID);
	IS(p11->C_CopyObject(s, make(s, &single, 1, CKR_OK), &open, 0, &copy), CKR_ACTION_PROHIBITED);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- data objects --------------------------------------------------------------------------------------- */

void case_data_object(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},	 {CKA_LABEL, (void *)"note", 4},
				{CKA_APPLICATION, (void *)"p11test", 7}, {CKA_VALUE, (void *)"text", 4}};
	CK_ATTRIBUTE encrypts[] = {templ[0], {CKA_ENCRYPT, &yes, 1}};
	char text[8];
	CK_ATTRIBUTE read = {CKA_VALUE, text, sizeof text};
	CK_OBJECT_HANDLE data = 0, found = 0;
	CK_ULONG n = 0;

	MUST(p11->C_CreateObject(s, templ, 4, &data));
	IS(p11->C_GetAttributeValue(s, data, &read, 1), CKR_OK);
	CHECK(read.ulValueLen == 4 && memcmp(text, "text", 4) == 0);
	MUST(p11->C_FindObjectsInit(s, templ, 4));
	IS(p11->C_FindObjects(s, &found, 1, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	CHECK(n == 1 && found == data);
	IS(p11->C_CreateObject(s, encrypts, 2, &found), CKR_ATTRIBUTE_TYPE_INVALID);
	IS(p11->C_DestroyObject(s, data), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- finding -------------------------------------------------------------------------------------------- */

static CK_ULONG count(CK_SESSION_HANDLE s, CK_ATTRIBUTE *templ, CK_ULONG n)
{
	CK_OBJECT_HANDLE list[32];
	CK_ULONG found = 0;

	IS(p11->C_FindObjectsInit(s, templ, n), CKR_OK);
	IS(p11->C_FindObjects(s, list, 32, &found), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	return found;
}

void case_find_any(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_DATE date = {{'2', '0', '2', '6'}, {'1', '1'}, {'2', '6'}}, other = {{'2', '0', '2', '7'}, {'1', '1'}, {'2', '6'}};
	CK_ATTRIBUTE one[] = {{CKA_ID, (void *)"id 1", 4}, {CKA_START_DATE, &date, sizeof date}, {CKA_WRAP, &yes, 1}};
	CK_ATTRIBUTE two[] = {{CKA_ID, (void *)"id 2", 4}, {CKA_START_DATE, &date, sizeof date}, {CKA_WRAP, &no, 1}};
	CK_ATTRIBUTE late = {CKA_START_DATE, &other, sizeof other}, none = {CKA_MODULUS, (void *)"x", 1};

	make(s, one, 3, CKR_OK);
	make(s, two, 3, CKR_OK);
	CHECK(count(s, &one[0], 1) == 1 && count(s, &none, 1) == 0);
	item("by a date");
	CHECK(count(s, &one[1], 1) == 2 && count(s, one, 3) == 1 && count(s, &late, 1) == 0);
	item("by what no one object has");
	CK_ATTRIBUTE mixed[] = {one[0], two[2]};
	CHECK(count(s, mixed, 2) == 0);
	/* Part of an ID is another ID. */
	one[0].ulValueLen = 3;
	CHECK(count(s, &one[0], 1) == 0);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- mechanisms that a key allows ----------------------------------------------------------------------- */

void case_allowed_mechanisms(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_MECHANISM_TYPE list[] = {CKM_AES_CBC};
	unsigned char iv[16] = {0};
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv}, padded = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ATTRIBUTE templ[] = {{CKA_ENCRYPT, &yes, 1}, {CKA_ALLOWED_MECHANISMS, list, sizeof list}};
	CK_OBJECT_HANDLE key = make(s, templ, 2, CKR_OK);

	CHECK(length(s, key, CKA_ALLOWED_MECHANISMS) == sizeof list);
	IS(p11->C_EncryptInit(s, &padded, key), CKR_MECHANISM_INVALID);
	IS(p11->C_EncryptInit(s, &cbc, key), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- PINs ----------------------------------------------------------------------------------------------- */

void case_unique_id(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_OBJECT_HANDLE key = make(s, NULL, 0, CKR_OK), other = make(s, NULL, 0, CKR_OK);
	char one[128], two[128];
	CK_ATTRIBUTE first = {CKA_UNIQUE_ID, one, sizeof one}, second = {CKA_UNIQUE_ID, two, sizeof two};

	CK_RV rv = p11->C_GetAttributeValue(s, key, &first, 1);
	if (rv == CKR_OK) {
		IS(p11->C_GetAttributeValue(s, other, &second, 1), CKR_OK);
		CHECK(first.ulValueLen != second.ulValueLen || memcmp(one, two, first.ulValueLen) != 0);
		CHECK(count(s, &first, 1) == 1);
		IS(p11->C_SetAttributeValue(s, key, &second, 1), CKR_ATTRIBUTE_READ_ONLY);
	} else {
		IS(rv, CKR_ATTRIBUTE_TYPE_INVALID); /* of a module older than 3.0 */
		absent();
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
