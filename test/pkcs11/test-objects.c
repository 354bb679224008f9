/* SPDX-License-Identifier: Apache-2.0 */
/* Secret keys as objects: what kinds there are, what the token says of their past, what they may be used for. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "test/pkcs11/token-fixture.h"

static CK_OBJECT_HANDLE create(CK_SESSION_HANDLE s, CK_KEY_TYPE type, CK_ULONG len, CK_ATTRIBUTE extra, CK_RV wanted)
{
	unsigned char value[64] = {1, 2, 3};
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				{CKA_KEY_TYPE, &type, sizeof type},
				{CKA_VALUE, value, len},
				{CKA_ENCRYPT, &yes, sizeof yes},
				{CKA_SIGN, &yes, sizeof yes},
				extra};

	assert_true(len <= sizeof value);
	IS(p11->C_CreateObject(s, templ, extra.type == CKA_CLASS ? 5 : 6, &key), wanted);
	return key;
}

static const CK_ATTRIBUTE nothing = {CKA_CLASS, NULL, 0};

static void kinds_of_keys(void **state)
{
	static const struct {
		CK_KEY_TYPE type;
		CK_ULONG len;
		CK_RV rv;
	} cases[] = {
		{CKK_GENERIC_SECRET, 1, CKR_OK},
		{CKK_GENERIC_SECRET, 0, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKK_AES, 16, CKR_OK},
		{CKK_AES, 24, CKR_OK},
		{CKK_AES, 32, CKR_OK},
		{CKK_AES, 8, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKK_AES, 20, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKK_AES, 40, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKK_CHACHA20, 32, CKR_OK},
		{CKK_CHACHA20, 31, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKK_POLY1305, 32, CKR_OK},
		{CKK_POLY1305, 33, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKK_HKDF, 20, CKR_OK},
		{CKK_SHA_1_HMAC, 20, CKR_OK},
		{CKK_SHA224_HMAC, 20, CKR_OK},
		{CKK_SHA256_HMAC, 20, CKR_OK},
		{CKK_SHA384_HMAC, 20, CKR_OK},
		{CKK_SHA512_HMAC, 20, CKR_OK},
		{CKK_SHA512_224_HMAC, 20, CKR_OK},
		{CKK_SHA512_256_HMAC, 20, CKR_OK},
		{CKK_SHA3_224_HMAC, 20, CKR_OK},
		{CKK_SHA3_256_HMAC, 20, CKR_OK},
		{CKK_SHA3_384_HMAC, 20, CKR_OK},
		{CKK_SHA3_512_HMAC, 20, CKR_OK},
		{CKK_RSA, 32, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKK_DES3, 24, CKR_ATTRIBUTE_VALUE_INVALID},
		{CK_UNAVAILABLE_INFORMATION, 32, CKR_TEMPLATE_INCOMPLETE},
	};
	CK_SESSION_HANDLE s = session_new();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		create(s, cases[i].type, cases[i].len, nothing, cases[i].rv);
}

static bool is(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL value = 2;

	IS(read_attr(s, key, type, &value, sizeof value), 1);
	assert_true(value <= 1);
	return value;
}

/* A host's own key was elsewhere before; an agreed one was not, unless it can be read. */
static void what_was(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key = create(s, CKK_AES, 16, nothing, CKR_OK);
	CK_ULONG mech = 0;

	(void)state;
	assert_true(is(s, key, CKA_SENSITIVE) && !is(s, key, CKA_EXTRACTABLE));
	assert_true(!is(s, key, CKA_ALWAYS_SENSITIVE) && !is(s, key, CKA_NEVER_EXTRACTABLE) && !is(s, key, CKA_LOCAL));
	IS(read_attr(s, key, CKA_KEY_GEN_MECHANISM, &mech, sizeof mech), sizeof mech);
	assert_int_equal(mech, CK_UNAVAILABLE_INFORMATION);
	IS(derive(s, peer(s, "bob"), NULL, NULL, 0, &key), CKR_OK);
	assert_true(is(s, key, CKA_ALWAYS_SENSITIVE) && is(s, key, CKA_NEVER_EXTRACTABLE) && !is(s, key, CKA_LOCAL));
	IS(derive(s, peer(s, "bob"), NULL, &extractable, 1, &key), CKR_OK);
	assert_true(!is(s, key, CKA_ALWAYS_SENSITIVE) && !is(s, key, CKA_NEVER_EXTRACTABLE));
}

/* A type with one length is agreed on at that length, and at no other. */
static void agreed_lengths(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_KEY_TYPE type = CKK_CHACHA20;
	CK_ULONG len = 16;
	CK_ATTRIBUTE templ[] = {{CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE_LEN, &len, sizeof len}};
	CK_OBJECT_HANDLE key;

	(void)state;
	IS(derive(s, peer(s, "bob"), NULL, templ, 2, &key), CKR_KEY_SIZE_RANGE);
	IS(derive(s, peer(s, "bob"), NULL, templ, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_VALUE_LEN, &len, sizeof len), sizeof len);
	assert_int_equal(len, 32);
}

static void allowed_mechanisms(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_MECHANISM_TYPE list[] = {CKM_AES_GCM, CKM_AES_CBC_PAD};
	unsigned char iv[16] = {0};
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv}, padded = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ATTRIBUTE allowed = {CKA_ALLOWED_MECHANISMS, list, sizeof list};
	CK_ATTRIBUTE bent = {CKA_ALLOWED_MECHANISMS, list, sizeof list - 1};
	CK_ATTRIBUTE only_mac = {CKA_ALLOWED_MECHANISMS, &list[0], sizeof list[0]};
	CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};

	(void)state;
	create(s, CKK_AES, 16, bent, CKR_ATTRIBUTE_VALUE_INVALID);
	CK_OBJECT_HANDLE key = create(s, CKK_AES, 16, allowed, CKR_OK);
	IS(p11->C_EncryptInit(s, &cbc, key), CKR_MECHANISM_INVALID);
	IS(p11->C_EncryptInit(s, &padded, key), CKR_OK);
	IS(p11->C_DecryptInit(s, &padded, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
	IS(p11->C_SignInit(s, &hmac, key), CKR_KEY_TYPE_INCONSISTENT);
	key = create(s, CKK_GENERIC_SECRET, 32, only_mac, CKR_OK);
	IS(p11->C_SignInit(s, &hmac, key), CKR_MECHANISM_INVALID);
	list[0] = CKM_SHA256_HMAC;
	key = create(s, CKK_GENERIC_SECRET, 32, only_mac, CKR_OK);
	IS(p11->C_SignInit(s, &hmac, key), CKR_OK);
}

/* ---- CKA_UNIQUE_ID, copies, changes ------------------------------------------------------------------------- */

static void unique_ids(void **state)
{
	CK_OBJECT_HANDLE key, found = 0;
	char first[32], second[32];
	CK_ATTRIBUTE token = {CKA_TOKEN, &yes, sizeof yes}, own = {CKA_UNIQUE_ID, (void *)"mine", 4};

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	login(s);
	key = create(s, CKK_AES, 16, token, CKR_OK);
	IS(read_attr(s, key, CKA_UNIQUE_ID, first, sizeof first), 32);
	IS(read_attr(s, create(s, CKK_AES, 16, token, CKR_OK), CKA_UNIQUE_ID, second, sizeof second), 32);
	assert_memory_not_equal(first, second, 32);
	create(s, CKK_AES, 16, own, CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_SetAttributeValue(s, key, &own, 1), CKR_ATTRIBUTE_READ_ONLY);
	/* It stays as long as the object, which is found by it. */
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	s = session_new();
	login(s);
	IS(find(s, &secret_class, CKA_UNIQUE_ID, first, sizeof first, &found), 1);
	IS(read_attr(s, found, CKA_UNIQUE_ID, second, sizeof second), 32);
	assert_memory_equal(first, second, 32);
	IS(find(s, &secret_class, CKA_UNIQUE_ID, first, 31, &found), 0);
	/* Peers have one too. */
	assert_true(read_attr(s, peer(s, "bob"), CKA_UNIQUE_ID, NULL, 0) > 0);
	assert_true(read_attr(s, ec_key(s, "bob"), CKA_UNIQUE_ID, NULL, 0) > 0);
}

static void copies(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char value[16] = {0}, iv[16] = {0}, one[16], two[16], unique[2][32];
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv};
	CK_ULONG n = 16;
	CK_OBJECT_HANDLE key = create(s, CKK_AES, 16, extractable, CKR_OK), same;
	CK_ATTRIBUTE label = {CKA_LABEL, (void *)"copy", 4}, open = {CKA_EXTRACTABLE, &yes, 1}, shut = {CKA_EXTRACTABLE, &no, 1};
	CK_ATTRIBUTE type = {CKA_KEY_TYPE, &aes, sizeof aes}, fixed = {CKA_COPYABLE, &no, 1}, free_again = {CKA_COPYABLE, &yes, 1};

	(void)state;
	IS(p11->C_CopyObject(s, key, &label, 1, &same), CKR_OK);
	assert_int_not_equal(same, key);
	IS(p11->C_EncryptInit(s, &cbc, key), CKR_OK);
	IS(p11->C_Encrypt(s, value, 16, one, &n), CKR_OK);
	IS(p11->C_EncryptInit(s, &cbc, same), CKR_OK);
	IS(p11->C_Encrypt(s, value, 16, two, &n), CKR_OK);
	assert_memory_equal(one, two, 16);
	IS(read_attr(s, same, CKA_LABEL, two, 16), 4);
	IS(read_attr(s, key, CKA_LABEL, two, 16), 0);
	IS(read_attr(s, key, CKA_UNIQUE_ID, unique[0], 32), 32);
	IS(read_attr(s, same, CKA_UNIQUE_ID, unique[1], 32), 32);
	assert_memory_not_equal(unique[0], unique[1], 32);
	/* More secret, never less. */
	IS(p11->C_CopyObject(s, key, &shut, 1, &same), CKR_OK);
	assert_false(is(s, same, CKA_EXTRACTABLE) || is(s, same, CKA_NEVER_EXTRACTABLE));
	assert_true(is(s, key, CKA_EXTRACTABLE));
	IS(p11->C_CopyObject(s, same, &open, 1, &same), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_CopyObject(s, key, &type, 1, &same), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_CopyObject(s, key, NULL, 1, &same), CKR_ARGUMENTS_BAD);
	IS(p11->C_CopyObject(s, key, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_CopyObject(s, key + 1000, NULL, 0, &same), CKR_OBJECT_HANDLE_INVALID);
	IS(p11->C_CopyObject(s, peer(s, "bob"), NULL, 0, &same), CKR_ACTION_PROHIBITED);
	IS(p11->C_SetAttributeValue(s, key, &fixed, 1), CKR_OK);
	IS(p11->C_SetAttributeValue(s, key, &free_again, 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_CopyObject(s, key, NULL, 0, &same), CKR_ACTION_PROHIBITED);
}

/* A session object becomes a token object, but what is private does not become public. */
static void copies_on_the_token(void **state)
{
	CK_ATTRIBUTE token[] = {{CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &yes, 1}}, open = {CKA_PRIVATE, &no, 1};
	CK_OBJECT_HANDLE copy, found;
	CK_SESSION_HANDLE ro;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key = create(s, CKK_AES, 16, open, CKR_OK);
	IS(p11->C_CopyObject(s, key, token, 2, &copy), CKR_USER_NOT_LOGGED_IN);
	login(s);
	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &ro), CKR_OK);
	IS(p11->C_CopyObject(ro, key, token, 2, &copy), CKR_SESSION_READ_ONLY);
	IS(p11->C_CopyObject(s, key, token, 2, &copy), CKR_OK);
	IS(p11->C_CopyObject(s, copy, &open, 1, &found), CKR_TEMPLATE_INCONSISTENT);
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	s = session_new();
	login(s);
	IS(find(s, &secret_class, CKA_TOKEN, &yes, 1, &found), 1);
}

static void changes(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ATTRIBUTE modifiable = {CKA_MODIFIABLE, &no, 1}, label = {CKA_LABEL, (void *)"new", 3};
	CK_ATTRIBUTE with_trusted = {CKA_WRAP_WITH_TRUSTED, &yes, 1}, with_any = {CKA_WRAP_WITH_TRUSTED, &no, 1};
	CK_ATTRIBUTE allowed = {CKA_ALLOWED_MECHANISMS, NULL, 0}, templ = {CKA_WRAP_TEMPLATE, NULL, 0};
	CK_ATTRIBUTE check = {CKA_CHECK_VALUE, NULL, 0}, wrong = {CKA_CHECK_VALUE, (void *)"abc", 3};
	CK_ATTRIBUTE sign[] = {{CKA_SIGN, &no, 1}, {CKA_LOCAL, &no, 1}};
	CK_OBJECT_HANDLE key = create(s, CKK_AES, 16, modifiable, CKR_OK);

	(void)state;
	IS(p11->C_SetAttributeValue(s, key, &label, 1), CKR_ACTION_PROHIBITED);
	key = create(s, CKK_AES, 16, nothing, CKR_OK);
	IS(p11->C_SetAttributeValue(s, key, NULL, 1), CKR_ARGUMENTS_BAD);
	IS(p11->C_SetAttributeValue(s, key, &with_trusted, 1), CKR_OK);
	IS(p11->C_SetAttributeValue(s, key, &with_any, 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_SetAttributeValue(s, key, &allowed, 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_SetAttributeValue(s, key, &templ, 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_SetAttributeValue(s, key, &wrong, 1), CKR_ATTRIBUTE_VALUE_INVALID);
	IS(read_attr(s, key, CKA_CHECK_VALUE, NULL, 0), 3);
	IS(p11->C_SetAttributeValue(s, key, &check, 1), CKR_OK);
	IS(read_attr(s, key, CKA_CHECK_VALUE, NULL, 0), 0);
	/* All or nothing. */
	IS(p11->C_SetAttributeValue(s, key, sign, 2), CKR_ATTRIBUTE_READ_ONLY);
	assert_true(is(s, key, CKA_SIGN));
}

static void check_values(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char given[3];
	CK_OBJECT_HANDLE key = create(s, CKK_AES, 16, nothing, CKR_OK);
	CK_ATTRIBUTE check = {CKA_CHECK_VALUE, given, 3};

	(void)state;
	IS(read_attr(s, key, CKA_CHECK_VALUE, given, 3), 3);
	create(s, CKK_AES, 16, check, CKR_OK);
	given[2] ^= 1;
	create(s, CKK_AES, 16, check, CKR_ATTRIBUTE_VALUE_INVALID);
	/* Nobody knows that of a key that is not agreed on yet. */
	IS(derive(s, peer(s, "bob"), NULL, &check, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	check.ulValueLen = 0;
	IS(read_attr(s, create(s, CKK_AES, 16, check, CKR_OK), CKA_CHECK_VALUE, given, 3), 0);
	IS(derive(s, peer(s, "bob"), NULL, &check, 1, &key), CKR_OK);
	IS(read_attr(s, key, CKA_CHECK_VALUE, given, 3), 0);
}

/* Only the SO trusts a wrapping key, which he sees if it is public; private ones he does not. */
static void trust(void **state)
{
	CK_ATTRIBUTE trusted = {CKA_TRUSTED, &yes, 1}, distrusted = {CKA_TRUSTED, &no, 1}, copied = {CKA_TOKEN, &yes, 1};
	CK_ATTRIBUTE open[] = {{CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &no, 1}};
	CK_OBJECT_HANDLE key, found;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	IS(find(s, &secret_class, CKA_TOKEN, &yes, 1, &found), 0);
	login(s);
	create(s, CKK_AES, 16, trusted, CKR_ATTRIBUTE_READ_ONLY);
	key = create(s, CKK_AES, 16, copied, CKR_OK); /* a private one */
	IS(p11->C_SetAttributeValue(s, key, &trusted, 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_CopyObject(s, create(s, CKK_AES, 16, open[1], CKR_OK), open, 2, &key), CKR_OK);
	IS(p11->C_Logout(s), CKR_OK);
	IS(find(s, &secret_class, CKA_TOKEN, &yes, 1, &found), 0);
	IS(p11->C_Login(s, CKU_SO, (CK_UTF8CHAR *)"87654321", 8), CKR_OK);
	IS(find(s, &secret_class, CKA_TOKEN, &yes, 1, &found), 1);
	IS(p11->C_SetAttributeValue(s, found, &trusted, 1), CKR_OK);
	create(s, CKK_AES, 16, copied, CKR_USER_NOT_LOGGED_IN); /* it would be private */
	IS(p11->C_Logout(s), CKR_OK);
	login(s);
	IS(find(s, &secret_class, CKA_TRUSTED, &yes, 1, &found), 1);
	assert_true(is(s, found, CKA_TRUSTED));
	/* A copy is not trusted on the user's word. */
	IS(p11->C_CopyObject(s, found, &copied, 1, &key), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_CopyObject(s, found, &distrusted, 1, &key), CKR_ATTRIBUTE_READ_ONLY);
}

/* ---- data objects -------------------------------------------------------------------------------------------- */

/* A key that was agreed on outside of the token says so, as those that it agreed on itself. */
static void brought_from_an_agreement(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_BYTE id[16] = {1, 2, 3}, read[16];
	CK_ULONG n = 3, made = 0;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},
				{CKA_VALUE, "0123456789abcdef", 16},             {CKA_DSKE_PEER, id, sizeof id},
				{CKA_DSKE_KEY_ID, id, sizeof id},                {CKA_DSKE_N, &n, sizeof n}};
	CK_ATTRIBUTE own = {CKA_DSKE_MADE, &n, sizeof n};
	CK_OBJECT_HANDLE key, copy;

	(void)state;
	CK_ULONG before = (CK_ULONG)time(NULL);
	IS(p11->C_CreateObject(s, templ, 6, &key), CKR_OK);
	assert_int_equal(read_attr(s, key, CKA_DSKE_PEER, read, sizeof read), sizeof read);
	assert_memory_equal(read, id, sizeof id);
	assert_int_equal(read_attr(s, key, CKA_DSKE_MADE, &made, sizeof made), sizeof made);
	assert_in_range(made, before, (CK_ULONG)time(NULL));
	IS(p11->C_SetAttributeValue(s, key, &own, 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_SetAttributeValue(s, key, &templ[3], 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_CopyObject(s, key, NULL, 0, &copy), CKR_OK);
	assert_int_equal(read_attr(s, copy, CKA_DSKE_MADE, &n, sizeof n), sizeof n);
	assert_int_equal(n, made);
	templ[3].ulValueLen = 15;
	IS(p11->C_CreateObject(s, templ, 6, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	templ[3] = own;
	IS(p11->C_CreateObject(s, templ, 6, &key), CKR_ATTRIBUTE_READ_ONLY);
}

static void data_objects(void **state)
{
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class},	   {CKA_TOKEN, &yes, 1},
				{CKA_LABEL, (void *)"note", 4},		   {CKA_APPLICATION, (void *)"host", 4},
				{CKA_VALUE, (void *)"what it says", 12}, {CKA_ENCRYPT, &yes, 1}};
	CK_OBJECT_HANDLE data, found = 0;
	char text[16];
	CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	IS(p11->C_CreateObject(s, templ, 5, &data), CKR_USER_NOT_LOGGED_IN);
	login(s);
	IS(p11->C_CreateObject(s, templ, 6, &data), CKR_ATTRIBUTE_TYPE_INVALID);
	IS(p11->C_CreateObject(s, templ, 5, &data), CKR_OK);
	IS(p11->C_SignInit(s, &hmac, data), CKR_KEY_TYPE_INCONSISTENT);
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	s = session_new();
	IS(find(s, &class, CKA_LABEL, "note", 4, &found), 0);
	login(s);
	IS(find(s, &class, CKA_LABEL, "note", 4, &found), 1);
	IS(find(s, &class, CKA_VALUE, "what it says", 12, &found), 1);
	IS(find(s, &class, CKA_APPLICATION, "host", 4, &found), 1);
	IS(read_attr(s, found, CKA_VALUE, text, sizeof text), 12);
	assert_memory_equal(text, "what it says", 12);
	IS(read_attr(s, found, CKA_OBJECT_ID, text, sizeof text), 0);
	IS(p11->C_DestroyObject(s, found), CKR_OK);
	IS(find(s, &class, CKA_LABEL, "note", 4, &found), 0);
	/* An empty one, of a session. */
	IS(p11->C_CreateObject(s, templ, 1, &data), CKR_OK);
	IS(read_attr(s, data, CKA_VALUE, text, sizeof text), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kinds_of_keys),
		TEST(what_was),
		TEST(agreed_lengths),
		TEST(allowed_mechanisms),
		TEST(unique_ids),
		TEST(copies),
		TEST(copies_on_the_token),
		TEST(changes),
		TEST(check_values),
		TEST(trust),
		TEST(brought_from_an_agreement),
		TEST(data_objects),
	};

	return cmocka_run_group_tests_name("keys as objects", tests, NULL, NULL);
}
