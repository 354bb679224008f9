/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that the token makes: from passwords, beside libcrypto's own; lengths, types and where they are kept. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <string.h>
#include <sys/mman.h>

#include "test/pkcs11/token-fixture.h"

static CK_RV make(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, void *param, CK_ULONG param_len, CK_KEY_TYPE key_type,
		  CK_ULONG len, CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM mech = {type, param, param_len};
	CK_BBOOL plain = CK_FALSE;
	CK_ATTRIBUTE templ[4] = {{CKA_EXTRACTABLE, &yes, 1}, {CKA_SENSITIVE, &plain, 1}};
	CK_ULONG n = 2;

	if (key_type != CK_UNAVAILABLE_INFORMATION)
		templ[n++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &key_type, sizeof key_type};
	if (len > 0)
		templ[n++] = (CK_ATTRIBUTE){CKA_VALUE_LEN, &len, sizeof len};
	return p11->C_GenerateKey(s, &mech, templ, n, key);
}

#define ANY CK_UNAVAILABLE_INFORMATION

static void lengths_and_types(void **state)
{
	static const struct {
		CK_MECHANISM_TYPE mech;
		CK_KEY_TYPE type;
		CK_ULONG len;
		CK_RV rv;
	} cases[] = {
		{CKM_AES_KEY_GEN, CKK_AES, 16, CKR_OK},
		{CKM_AES_KEY_GEN, ANY, 0, CKR_TEMPLATE_INCOMPLETE},
		{CKM_AES_KEY_GEN, ANY, 20, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKM_AES_KEY_GEN, ANY, (CK_ULONG)-1, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKM_AES_KEY_GEN, CKK_GENERIC_SECRET, 16, CKR_TEMPLATE_INCONSISTENT},
		{CKM_GENERIC_SECRET_KEY_GEN, ANY, 1, CKR_OK},
		{CKM_GENERIC_SECRET_KEY_GEN, ANY, 1 << 20, CKR_OK},
		{CKM_GENERIC_SECRET_KEY_GEN, ANY, 0, CKR_TEMPLATE_INCOMPLETE},
		{CKM_GENERIC_SECRET_KEY_GEN, ANY, (16ul << 20) + 1, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKM_GENERIC_SECRET_KEY_GEN, ANY, 1ul << 40, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKM_GENERIC_SECRET_KEY_GEN, CKK_AES, 16, CKR_TEMPLATE_INCONSISTENT},
		{CKM_GENERIC_SECRET_KEY_GEN, CKK_RSA, 16, CKR_TEMPLATE_INCONSISTENT},
		{CKM_SHA256_KEY_GEN, CKK_SHA512_HMAC, 32, CKR_TEMPLATE_INCONSISTENT},
		{CKM_SHA256_KEY_GEN, CKK_SHA256_HMAC, 0, CKR_OK},
		{CKM_CHACHA20_KEY_GEN, ANY, 0, CKR_OK},
		{CKM_CHACHA20_KEY_GEN, ANY, 32, CKR_OK},
		{CKM_CHACHA20_KEY_GEN, ANY, 16, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKM_POLY1305_KEY_GEN, ANY, 31, CKR_ATTRIBUTE_VALUE_INVALID},
		{CKM_HKDF_KEY_GEN, ANY, 0, CKR_TEMPLATE_INCOMPLETE},
		{CKM_SHA256, ANY, 32, CKR_MECHANISM_INVALID},
		{CKM_SHA256_HMAC, ANY, 32, CKR_MECHANISM_INVALID},
		{CKM_ECDH1_DERIVE, ANY, 32, CKR_MECHANISM_INVALID},
	};
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		IS(make(s, cases[i].mech, NULL, 0, cases[i].type, cases[i].len, &key), cases[i].rv);
}

/* Kept on the token, it is there in another life of the module. */
static void kept(void **state)
{
	unsigned char id[16] = {7}, one[32], two[32];
	CK_ULONG len = 32;
	CK_MECHANISM mech = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
	CK_BBOOL plain = CK_FALSE;
	CK_ATTRIBUTE templ[] = {{CKA_TOKEN, &yes, 1},	       {CKA_ID, id, sizeof id},	   {CKA_VALUE_LEN, &len, sizeof len},
				{CKA_EXTRACTABLE, &yes, 1}, {CKA_SENSITIVE, &plain, 1}};
	CK_OBJECT_HANDLE key;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	IS(p11->C_GenerateKey(s, &mech, templ, 5, &key), CKR_USER_NOT_LOGGED_IN);
	login(s);
	IS(p11->C_GenerateKey(s, &mech, templ, 5, &key), CKR_OK);
	assert_int_equal(read_attr(s, key, CKA_VALUE, one, sizeof one), 32);
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	s = session_new();
	login(s);
	assert_int_equal(find(s, &secret_class, CKA_ID, id, sizeof id, &key), 1);
	assert_int_equal(read_attr(s, key, CKA_VALUE, two, sizeof two), 32);
	assert_memory_equal(one, two, 32);
	CK_ULONG made_by = 0;
	assert_int_equal(read_attr(s, key, CKA_KEY_GEN_MECHANISM, &made_by, sizeof made_by), sizeof made_by);
	assert_int_equal(made_by, CKM_GENERIC_SECRET_KEY_GEN);
}

static CK_PKCS5_PBKD2_PARAMS2 good_params(void)
{
	return (CK_PKCS5_PBKD2_PARAMS2){CKZ_SALT_SPECIFIED, "some salt", 9, 3, CKP_PKCS5_PBKD2_HMAC_SHA256, NULL, 0,
					(CK_UTF8CHAR *)"a password", 10};
}

static void passwords(void **state)
{
	static const struct {
		CK_ULONG prf;
		const char *name;
	} prfs[] = {
		{CKP_PKCS5_PBKD2_HMAC_SHA1, "SHA1"},	       {CKP_PKCS5_PBKD2_HMAC_SHA224, "SHA224"},
		{CKP_PKCS5_PBKD2_HMAC_SHA256, "SHA256"},	       {CKP_PKCS5_PBKD2_HMAC_SHA384, "SHA384"},
		{CKP_PKCS5_PBKD2_HMAC_SHA512, "SHA512"},	       {CKP_PKCS5_PBKD2_HMAC_SHA512_224, "SHA512-224"},
		{CKP_PKCS5_PBKD2_HMAC_SHA512_256, "SHA512-256"},
	};
	CK_SESSION_HANDLE s = session_new();
	unsigned char wanted[200], value[200], at[sizeof(CK_PKCS5_PBKD2_PARAMS2) + 1];
	CK_OBJECT_HANDLE key;

	(void)state;
	for (size_t i = 0; i < sizeof prfs / sizeof prfs[0]; i++) {
		for (CK_ULONG len = 1; len <= sizeof value; len += 9) {
			CK_PKCS5_PBKD2_PARAMS2 p = good_params();
			p.prf = prfs[i].prf;
			memcpy(at + 1, &p, sizeof p); /* not aligned */
			IS(make(s, CKM_PKCS5_PBKD2, at + 1, sizeof p, CKK_GENERIC_SECRET, len, &key), CKR_OK);
			assert_int_equal(read_attr(s, key, CKA_VALUE, value, sizeof value), len);
			assert_int_equal(PKCS5_PBKDF2_HMAC("a password", 10, (const unsigned char *)"some salt", 9, 3,
							   EVP_get_digestbyname(prfs[i].name), (int)len, wanted),
					 1);
			assert_memory_equal(value, wanted, len);
		}
	}
	/* Keys of other types; one that has but one length needs none. */
	CK_PKCS5_PBKD2_PARAMS2 p = good_params();
	IS(make(s, CKM_PKCS5_PBKD2, &p, sizeof p, CKK_AES, 32, &key), CKR_OK);
	IS(make(s, CKM_PKCS5_PBKD2, &p, sizeof p, CKK_CHACHA20, 0, &key), CKR_OK);
	IS(make(s, CKM_PKCS5_PBKD2, &p, sizeof p, CKK_SHA256_HMAC, 32, &key), CKR_OK);
	IS(make(s, CKM_PKCS5_PBKD2, &p, sizeof p, CKK_AES, 0, &key), CKR_TEMPLATE_INCOMPLETE);
	IS(make(s, CKM_PKCS5_PBKD2, &p, sizeof p, ANY, 0, &key), CKR_TEMPLATE_INCOMPLETE);
	IS(make(s, CKM_PKCS5_PBKD2, &p, sizeof p, CKK_AES, 31, &key), CKR_ATTRIBUTE_VALUE_INVALID);
	/* Nothing is a password, too. */
	p.pPassword = NULL;
	p.ulPasswordLen = 0;
	p.pSaltSourceData = NULL;
	p.ulSaltSourceDataLen = 0;
	IS(make(s, CKM_PKCS5_PBKD2, &p, sizeof p, ANY, 32, &key), CKR_OK);
	assert_int_equal(read_attr(s, key, CKA_VALUE, value, sizeof value), 32);
	PKCS5_PBKDF2_HMAC("", 0, (const unsigned char *)"", 0, 3, EVP_sha256(), 32, wanted);
	assert_memory_equal(value, wanted, 32);
}

static void bad_passwords(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_PKCS5_PBKD2_PARAMS2 bad[24], good = good_params();
	CK_OBJECT_HANDLE key;
	size_t n = 0;
	CK_ULONG too_long = 65537;
	unsigned char *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(nothing, MAP_FAILED);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		bad[i] = good;
	bad[n++].saltSource = 0;
	bad[n++].saltSource = 2;
	bad[n++].pSaltSourceData = NULL;
	bad[n++].ulSaltSourceDataLen = 65537;
	bad[n++].ulSaltSourceDataLen = (CK_ULONG)-1;
	bad[n++].iterations = 0;
	bad[n++].iterations = 10000001;
	bad[n++].iterations = (CK_ULONG)-1;
	bad[n++].prf = 0;
	bad[n++].prf = CKP_PKCS5_PBKD2_HMAC_SHA1 + 1; /* GOST */
	bad[n++].prf = 9;
	bad[n++].pPrfData = "x";
	bad[n++].ulPrfDataLen = 1;
	bad[n++].pPassword = NULL;
	/* What is neither a length nor a pointer to one. */
	bad[n++].ulPasswordLen = 65537;
	bad[n++].ulPasswordLen = 1ul << 32;
	bad[n++].ulPasswordLen = 1ul << 63;
	bad[n++].ulPasswordLen = (CK_ULONG)-1;
	bad[n++].ulPasswordLen = (CK_ULONG)(uintptr_t)nothing;
	bad[n++].ulPasswordLen = (CK_ULONG)(uintptr_t)&too_long;
	for (size_t i = 0; i < n; i++)
		IS(make(s, CKM_PKCS5_PBKD2, &bad[i], sizeof bad[i], ANY, 16, &key), CKR_MECHANISM_PARAM_INVALID);
	for (CK_ULONG len = 0; len < sizeof good; len++)
		IS(make(s, CKM_PKCS5_PBKD2, &good, len, ANY, 16, &key), CKR_MECHANISM_PARAM_INVALID);
	IS(make(s, CKM_PKCS5_PBKD2, &good, (CK_ULONG)-1, ANY, 16, &key), CKR_MECHANISM_PARAM_INVALID);
	IS(make(s, CKM_PKCS5_PBKD2, NULL, sizeof good, ANY, 16, &key), CKR_MECHANISM_PARAM_INVALID);
	munmap(nothing, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lengths_and_types), TEST(kept), TEST(passwords), TEST(bad_passwords),
	};

	return cmocka_run_group_tests_name("generated keys", tests, NULL, NULL);
}
