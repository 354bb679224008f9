/* SPDX-License-Identifier: Apache-2.0 */
/* Secret keys as objects: what kinds there are, what the token says of their past, what they may be used for. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

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
		{CKK_RSA, 32, CKR_TEMPLATE_INCONSISTENT},
		{CKK_DES3, 24, CKR_TEMPLATE_INCONSISTENT},
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kinds_of_keys),
		TEST(what_was),
		TEST(agreed_lengths),
		TEST(allowed_mechanisms),
	};

	return cmocka_run_group_tests_name("keys as objects", tests, NULL, NULL);
}
