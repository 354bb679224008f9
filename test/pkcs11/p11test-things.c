/* SPDX-License-Identifier: Apache-2.0 */
/* Objects: templates, attributes, copies, searches (PKCS#11 3.0, 4 and 5.7). */
#include "test/pkcs11/p11test.h"

static unsigned char value[32] = {1, 2, 3, 4}, buffer[64];
static CK_OBJECT_CLASS no_class = 0x7ffffff0, data_class = CKO_DATA;
static CK_KEY_TYPE no_type = 0x7ffffff0;
static CK_ULONG len16 = 16, gen_mechanism = CKM_AES_KEY_GEN;
static CK_OBJECT_HANDLE made;

#define BASE(value_len)                                                                              \
	{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},           \
	{                                                                                            \
		CKA_VALUE, value, value_len                                                          \
	}

/* An AES key of a good template and one attribute more. */
static CK_RV with(CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE type, void *v, CK_ULONG len)
{
	CK_ATTRIBUTE templ[] = {BASE(16), {type, v, len}};

	made = 0;
	return p11->C_CreateObject(s, templ, 4, &made);
}

/* The same of a template without its i-th attribute. */
static CK_RV without(CK_SESSION_HANDLE s, int i)
{
	CK_ATTRIBUTE templ[] = {BASE(16)};

	templ[i] = templ[2 - (i == 2)];
	return p11->C_CreateObject(s, templ, 2, &made);
}

static CK_RV sized(CK_SESSION_HANDLE s, CK_ULONG len)
{
	CK_ATTRIBUTE templ[] = {BASE(len)};

	return p11->C_CreateObject(s, templ, 3, &made);
}

void case_create_rules(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_DATE date = {{'2', '0', '2', '6'}, {'1', '1'}, {'2', '6'}};

	ASK("16 bytes", "6.10.2", sized(s, 16), CKR_OK);
	ASK("24 bytes", "6.10.2", sized(s, 24), CKR_OK);
	ASK("32 bytes", "6.10.2", sized(s, 32), CKR_OK);
	ASK("17 bytes", "6.10.2", sized(s, 17), CKR_ATTRIBUTE_VALUE_INVALID);
	ASK("no bytes", "6.10.2", sized(s, 0), CKR_ATTRIBUTE_VALUE_INVALID);
	ASK("no class", "4.1.1", without(s, 0), CKR_TEMPLATE_INCOMPLETE);
	ASK("no type", "4.1.1", without(s, 1), CKR_TEMPLATE_INCOMPLETE);
	ASK("no value", "4.1.1", without(s, 2), CKR_TEMPLATE_INCOMPLETE);
	ASK("an unknown attribute", "4.1.1", with(s, 0x7ffffff0, value, 1), CKR_ATTRIBUTE_TYPE_INVALID);
	ASK("a certificate's attribute", "4.1.1", with(s, CKA_ISSUER, value, 1), CKR_ATTRIBUTE_TYPE_INVALID);
	ASK("CKA_LOCAL", "4.1.1", with(s, CKA_LOCAL, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_ALWAYS_SENSITIVE", "4.1.1", with(s, CKA_ALWAYS_SENSITIVE, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_NEVER_EXTRACTABLE", "4.1.1", with(s, CKA_NEVER_EXTRACTABLE, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_KEY_GEN_MECHANISM", "4.1.1", with(s, CKA_KEY_GEN_MECHANISM, &gen_mechanism, sizeof gen_mechanism),
	    CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_VALUE_LEN", "4.1.1", with(s, CKA_VALUE_LEN, &len16, sizeof len16), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_TRUSTED by the user", "4.10", with(s, CKA_TRUSTED, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_TRUSTED is false", "4.10", with(s, CKA_TRUSTED, &no, 1), CKR_OK);
	ASK("a truth of no bytes", "4.1.1", with(s, CKA_ENCRYPT, &yes, 0), CKR_ATTRIBUTE_VALUE_INVALID);
	ASK("a truth of 4 bytes", "4.1.1", with(s, CKA_ENCRYPT, value, 4), CKR_ATTRIBUTE_VALUE_INVALID);
	ASK("a truth at no address", "4.1.1", with(s, CKA_ENCRYPT, NULL, 1), CKR_ATTRIBUTE_VALUE_INVALID, CKR_ARGUMENTS_BAD);
	ASK("a date", "4.7", with(s, CKA_START_DATE, &date, sizeof date), CKR_OK);
	ASK("an empty date", "4.7", with(s, CKA_START_DATE, NULL, 0), CKR_OK);
	ASK("a date of 3 bytes", "4.7", with(s, CKA_START_DATE, value, 3), CKR_ATTRIBUTE_VALUE_INVALID);
	ASK("an ID", "4.7", with(s, CKA_ID, value, 7), CKR_OK);
	ASK("an empty label", "4.4", with(s, CKA_LABEL, NULL, 0), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_create_kinds(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_ATTRIBUTE unknown[] = {{CKA_CLASS, &no_class, sizeof no_class}, {CKA_VALUE, value, 16}};
	CK_ATTRIBUTE strange[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				  {CKA_KEY_TYPE, &no_type, sizeof no_type}, {CKA_VALUE, value, 16}};
	CK_ATTRIBUTE secret[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				 {CKA_KEY_TYPE, &generic, sizeof generic}, {CKA_VALUE, value, 11}};
	CK_ATTRIBUTE data[] = {{CKA_CLASS, &data_class, sizeof data_class}, {CKA_VALUE, value, 11},
			       {CKA_APPLICATION, (void *)"p11test", 7}, {CKA_ENCRYPT, &yes, 1}};

	ASK("a class that there is not", "4.1.1", p11->C_CreateObject(s, unknown, 2, &made), CKR_ATTRIBUTE_VALUE_INVALID);
	ASK("a type that there is not", "4.1.1", p11->C_CreateObject(s, strange, 3, &made), CKR_ATTRIBUTE_VALUE_INVALID);
	ASK("a generic secret", "6.8", p11->C_CreateObject(s, secret, 3, &made), CKR_OK);
	ASK("data", "4.5", p11->C_CreateObject(s, data, 3, &made), CKR_OK);
	ASK("data without a value", "4.5", p11->C_CreateObject(s, data, 1, &made), CKR_OK);
	ASK("data that encrypt", "4.5", p11->C_CreateObject(s, data, 4, &made), CKR_ATTRIBUTE_TYPE_INVALID);
	ASK("nothing at all", "4.1.1", p11->C_CreateObject(s, data, 0, &made), CKR_TEMPLATE_INCOMPLETE);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- attributes ----------------------------------------------------------------------------------------- */

static CK_RV get(CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE type, void *v, CK_ULONG *len)
{
	CK_ATTRIBUTE a = {type, v, *len};
	CK_RV rv = p11->C_GetAttributeValue(s, made, &a, 1);

	*len = a.ulValueLen;
	return rv;
}

static CK_RV set(CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE type, void *v, CK_ULONG len)
{
	CK_ATTRIBUTE a = {type, v, len};

	return p11->C_SetAttributeValue(s, made, &a, 1);
}

void case_get_rules(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_ULONG n = 0, type = 0;
	CK_ATTRIBUTE some[] = {{CKA_MODULUS, buffer, 4}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, buffer, 64}};

	made = key_new(s, CKK_AES, value, 16, "asked");
	ASK("how long", "5.7.5", get(s, CKA_LABEL, NULL, &n), CKR_OK);
	TRUTH("says how long", "5.7.5", n == 5);
	n = 4;
	ASK("a byte too short", "5.7.5", get(s, CKA_LABEL, buffer, &n), CKR_BUFFER_TOO_SMALL);
	TRUTH("says that it is not available", "5.7.5", n == CK_UNAVAILABLE_INFORMATION);
	n = 5;
	ASK("just long enough", "5.7.5", get(s, CKA_LABEL, buffer, &n), CKR_OK);
	n = sizeof buffer;
	ASK("a sensitive one", "5.7.5", get(s, CKA_VALUE, buffer, &n), CKR_ATTRIBUTE_SENSITIVE);
	TRUTH("says that it is not available either", "5.7.5", n == CK_UNAVAILABLE_INFORMATION);
	n = 0;
	ASK("a sensitive one's length", "5.7.5", get(s, CKA_VALUE, NULL, &n), CKR_ATTRIBUTE_SENSITIVE);
	n = sizeof buffer;
	ASK("another object's", "5.7.5", get(s, CKA_MODULUS, buffer, &n), CKR_ATTRIBUTE_TYPE_INVALID);
	TRUTH("says that there is none", "5.7.5", n == CK_UNAVAILABLE_INFORMATION);
	ASK("several, of which two are not to be had", "5.7.5", p11->C_GetAttributeValue(s, made, some, 3),
	    CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_SENSITIVE);
	TRUTH("the third is there", "5.7.5", type == CKK_AES);
	ASK("none", "5.7.5", p11->C_GetAttributeValue(s, made, some, 0), CKR_OK);
	ASK("no such object", "5.7.5", p11->C_GetAttributeValue(s, made + 1000, some + 1, 1), CKR_OBJECT_HANDLE_INVALID);
	ASK("no such object's size", "5.7.4", p11->C_GetObjectSize(s, made + 1000, &n), CKR_OBJECT_HANDLE_INVALID);
	ASK("the size", "5.7.4", p11->C_GetObjectSize(s, made, &n), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_set_rules(void)
{
	CK_SESSION_HANDLE s = session_user();
	static const CK_ATTRIBUTE_TYPE uses[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY,
						 CKA_WRAP, CKA_UNWRAP, CKA_DERIVE};
	bool all = true;

	made = key_new(s, CKK_AES, value, 16, "changed");
	for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
		all = all && set(s, uses[i], &yes, 1) == CKR_OK && set(s, uses[i], &no, 1) == CKR_OK;
	TRUTH("what it is for", "4.10", all);
	ASK("CKA_LABEL", "5.7.6", set(s, CKA_LABEL, (void *)"new", 3), CKR_OK);
	ASK("CKA_LABEL, to nothing", "5.7.6", set(s, CKA_LABEL, NULL, 0), CKR_OK);
	ASK("CKA_ID", "5.7.6", set(s, CKA_ID, value, 5), CKR_OK);
	ASK("CKA_CLASS", "4.2", set(s, CKA_CLASS, &secret_class, sizeof secret_class), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_KEY_TYPE", "4.7", set(s, CKA_KEY_TYPE, &aes, sizeof aes), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_VALUE", "6.10.2", set(s, CKA_VALUE, value, 16), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_VALUE_LEN", "6.10.2", set(s, CKA_VALUE_LEN, &len16, sizeof len16), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_LOCAL", "4.7", set(s, CKA_LOCAL, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_KEY_GEN_MECHANISM", "4.7", set(s, CKA_KEY_GEN_MECHANISM, &gen_mechanism, sizeof gen_mechanism),
	    CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_ALWAYS_SENSITIVE", "4.10", set(s, CKA_ALWAYS_SENSITIVE, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_NEVER_EXTRACTABLE", "4.10", set(s, CKA_NEVER_EXTRACTABLE, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_TOKEN", "4.4", set(s, CKA_TOKEN, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_PRIVATE", "4.4", set(s, CKA_PRIVATE, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_MODIFIABLE", "4.4", set(s, CKA_MODIFIABLE, &no, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_TRUSTED", "4.10", set(s, CKA_TRUSTED, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("another object's", "5.7.6", set(s, CKA_MODULUS, value, 1), CKR_ATTRIBUTE_TYPE_INVALID);
	ASK("a truth of 4 bytes", "5.7.6", set(s, CKA_ENCRYPT, value, 4), CKR_ATTRIBUTE_VALUE_INVALID);
	IS(with(s, CKA_EXTRACTABLE, &yes, 1), CKR_OK);
	ASK("CKA_EXTRACTABLE, to false", "4.10", set(s, CKA_EXTRACTABLE, &no, 1), CKR_OK);
	ASK("CKA_EXTRACTABLE, to true", "4.10", set(s, CKA_EXTRACTABLE, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_SENSITIVE, to true", "4.10", set(s, CKA_SENSITIVE, &yes, 1), CKR_OK);
	ASK("CKA_SENSITIVE, to false", "4.10", set(s, CKA_SENSITIVE, &no, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("CKA_COPYABLE, to false", "4.4", set(s, CKA_COPYABLE, &no, 1), CKR_OK);
	ASK("CKA_COPYABLE, to true", "4.4", set(s, CKA_COPYABLE, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("no such object", "5.7.6", (made += 1000, set(s, CKA_ID, value, 5)), CKR_OBJECT_HANDLE_INVALID);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* One bad attribute of several leaves all of them as they were. */
void case_set_all_or_none(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_ATTRIBUTE mixed[] = {{CKA_LABEL, (void *)"new", 3}, {CKA_LOCAL, &yes, 1}};
	CK_ULONG n = sizeof buffer;

	made = key_new(s, CKK_AES, value, 16, "before");
	ASK("one of two is read-only", "5.7.6", p11->C_SetAttributeValue(s, made, mixed, 2), CKR_ATTRIBUTE_READ_ONLY);
	IS(get(s, CKA_LABEL, buffer, &n), CKR_OK);
	TRUTH("nothing has changed", "5.1", n == 6 && memcmp(buffer, "before", 6) == 0);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- copies --------------------------------------------------------------------------------------------- */

static CK_RV copy(CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE type, void *v, CK_ULONG len)
{
	CK_ATTRIBUTE a = {type, v, len};
	CK_OBJECT_HANDLE to = 0;

	return p11->C_CopyObject(s, made, &a, 1, &to);
}

void case_copy_rules(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_OBJECT_HANDLE to = 0;
	CK_ATTRIBUTE empty;

	made = key_new(s, CKK_AES, value, 16, "copied");
	ASK("as it is", "5.7.2", p11->C_CopyObject(s, made, &empty, 0, &to), CKR_OK);
	TRUTH("is another object", "5.7.2", to != made && to != 0);
	ASK("with a label", "5.7.2", copy(s, CKA_LABEL, (void *)"x", 1), CKR_OK);
	ASK("for a private one", "5.7.2", copy(s, CKA_PRIVATE, &yes, 1), CKR_OK);
	ASK("for decryption", "5.7.2", copy(s, CKA_DECRYPT, &yes, 1), CKR_OK);
	ASK("with another value", "5.7.2", copy(s, CKA_VALUE, value, 16), CKR_ATTRIBUTE_READ_ONLY);
	ASK("with another type", "5.7.2", copy(s, CKA_KEY_TYPE, &generic, sizeof generic), CKR_ATTRIBUTE_READ_ONLY);
	ASK("with another class", "5.7.2", copy(s, CKA_CLASS, &data_class, sizeof data_class), CKR_ATTRIBUTE_READ_ONLY);
	ASK("as if made here", "5.7.2", copy(s, CKA_LOCAL, &yes, 1), CKR_ATTRIBUTE_READ_ONLY);
	ASK("with an unknown attribute", "5.7.2", copy(s, 0x7ffffff0, value, 1), CKR_ATTRIBUTE_TYPE_INVALID);
	ASK("of what there is not", "5.7.2", (made += 1000, copy(s, CKA_LABEL, (void *)"x", 1)), CKR_OBJECT_HANDLE_INVALID);
	IS(with(s, CKA_COPYABLE, &no, 1), CKR_OK);
	ASK("of what is not to be copied", "5.7.2", copy(s, CKA_LABEL, (void *)"x", 1), CKR_ACTION_PROHIBITED);
	IS(with(s, CKA_MODIFIABLE, &no, 1), CKR_OK);
	ASK("of what is not to be changed", "5.7.2", copy(s, CKA_LABEL, (void *)"x", 1), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- searches ------------------------------------------------------------------------------------------- */

static CK_ULONG found(CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE type, void *v, CK_ULONG len)
{
	CK_ATTRIBUTE a = {type, v, len};
	CK_OBJECT_HANDLE list[16];
	CK_ULONG n = 0;

	if (p11->C_FindObjectsInit(s, &a, 1) != CKR_OK)
		return 99;
	IS(p11->C_FindObjects(s, list, 16, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	return n;
}

void case_find_rules(void)
{
	CK_SESSION_HANDLE s = session_user(), t = session_new(0);
	CK_ATTRIBUTE all = {CKA_KEY_TYPE, &aes, sizeof aes};
	CK_OBJECT_HANDLE list[4];
	CK_ULONG n = 0;

	for (int i = 0; i < 5; i++)
		key_new(s, CKK_AES, value, 16, i < 3 ? "three" : "two");
	key_new(t, CKK_GENERIC_SECRET, value, 16, "another session's");
	TRUTH("by a label", "5.7.7", found(s, CKA_LABEL, (void *)"three", 5) == 3);
	TRUTH("by part of a label", "5.7.7", found(s, CKA_LABEL, (void *)"thre", 4) == 0);
	TRUTH("by a type", "5.7.7", found(s, CKA_KEY_TYPE, &aes, sizeof aes) == 5);
	TRUTH("by a truth", "5.7.7", found(s, CKA_TOKEN, &no, 1) == 6);
	TRUTH("by an attribute that none has", "5.7.7", found(s, CKA_MODULUS, value, 1) == 0);
	TRUTH("by a secret value", "5.7.7", found(s, CKA_VALUE, value, 16) == 0);
	TRUTH("of another session", "5.7.7", found(s, CKA_LABEL, (void *)"another session's", 17) == 1);
	IS(p11->C_CloseSession(t), CKR_OK);
	TRUTH("of a session that is closed", "5.6.2", found(s, CKA_LABEL, (void *)"another session's", 17) == 0);
	MUST(p11->C_FindObjectsInit(s, &all, 1));
	ASK("two of five", "5.7.8", p11->C_FindObjects(s, list, 2, &n), CKR_OK);
	TRUTH("are two", "5.7.8", n == 2);
	ASK("none of the rest", "5.7.8", p11->C_FindObjects(s, list, 0, &n), CKR_OK, CKR_ARGUMENTS_BAD);
	ASK("the rest", "5.7.8", p11->C_FindObjects(s, list, 4, &n), CKR_OK);
	TRUTH("is three", "5.7.8", n == 3);
	ASK("no more", "5.7.8", p11->C_FindObjects(s, list, 4, &n), CKR_OK);
	TRUTH("is none", "5.7.8", n == 0);
	ASK("nowhere to write how many", "5.7.8", p11->C_FindObjects(s, list, 4, NULL), CKR_ARGUMENTS_BAD);
	ASK("the end", "5.7.9", p11->C_FindObjectsFinal(s), CKR_OK);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
