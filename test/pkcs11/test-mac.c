/* SPDX-License-Identifier: Apache-2.0 */
/* MACs of the token beside libcrypto's own, at many lengths; and parameters that are not to be had. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

#include "test/pkcs11/token-fixture.h"

static const struct row {
	CK_MECHANISM_TYPE mech, general; /* general: of a length that the parameter says; 0: there is none */
	CK_KEY_TYPE type;
	const char *maker, *name; /* as libcrypto calls them */
	size_t key_len, len, iv_len;
} rows[] = {
	{CKM_SHA_1_HMAC, CKM_SHA_1_HMAC_GENERAL, CKK_SHA_1_HMAC, "HMAC", "SHA1", 20, 20, 0},
	{CKM_SHA224_HMAC, CKM_SHA224_HMAC_GENERAL, CKK_SHA224_HMAC, "HMAC", "SHA224", 61, 28, 0},
	{CKM_SHA256_HMAC, CKM_SHA256_HMAC_GENERAL, CKK_SHA256_HMAC, "HMAC", "SHA256", 64, 32, 0},
	{CKM_SHA384_HMAC, CKM_SHA384_HMAC_GENERAL, CKK_SHA384_HMAC, "HMAC", "SHA384", 65, 48, 0},
	{CKM_SHA512_HMAC, CKM_SHA512_HMAC_GENERAL, CKK_SHA512_HMAC, "HMAC", "SHA512", 200, 64, 0},
	{CKM_SHA512_224_HMAC, CKM_SHA512_224_HMAC_GENERAL, CKK_SHA512_224_HMAC, "HMAC", "SHA512-224", 28, 28, 0},
	{CKM_SHA512_256_HMAC, CKM_SHA512_256_HMAC_GENERAL, CKK_SHA512_256_HMAC, "HMAC", "SHA512-256", 32, 32, 0},
	{CKM_SHA3_224_HMAC, CKM_SHA3_224_HMAC_GENERAL, CKK_SHA3_224_HMAC, "HMAC", "SHA3-224", 144, 28, 0},
	{CKM_SHA3_256_HMAC, CKM_SHA3_256_HMAC_GENERAL, CKK_SHA3_256_HMAC, "HMAC", "SHA3-256", 136, 32, 0},
	{CKM_SHA3_384_HMAC, CKM_SHA3_384_HMAC_GENERAL, CKK_SHA3_384_HMAC, "HMAC", "SHA3-384", 105, 48, 0},
	{CKM_SHA3_512_HMAC, CKM_SHA3_512_HMAC_GENERAL, CKK_SHA3_512_HMAC, "HMAC", "SHA3-512", 1, 64, 0},
	{CKM_AES_CMAC, CKM_AES_CMAC_GENERAL, CKK_AES, "CMAC", "AES-128-CBC", 16, 16, 0},
	{CKM_AES_CMAC, CKM_AES_CMAC_GENERAL, CKK_AES, "CMAC", "AES-192-CBC", 24, 16, 0},
	{CKM_AES_CMAC, CKM_AES_CMAC_GENERAL, CKK_AES, "CMAC", "AES-256-CBC", 32, 16, 0},
	{CKM_AES_GMAC, 0, CKK_AES, "GMAC", "AES-128-GCM", 16, 16, 12},
	{CKM_AES_GMAC, 0, CKK_AES, "GMAC", "AES-256-GCM", 32, 16, 12},
	{CKM_POLY1305, 0, CKK_POLY1305, "POLY1305", NULL, 32, 16, 0},
};
#define ROWS (sizeof rows / sizeof rows[0])

static unsigned char key_bytes[256], data[1100], iv[12];

static void fill(unsigned char *out, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (unsigned char)((seed = seed * 1103515245u + 12345u) >> 16);
}

static void fill_all(unsigned seed)
{
	fill(key_bytes, sizeof key_bytes, seed);
	fill(data, sizeof data, seed + 1);
	fill(iv, sizeof iv, seed + 2);
}

static CK_OBJECT_HANDLE key_of(CK_SESSION_HANDLE s, CK_KEY_TYPE type, size_t len)
{
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				{CKA_KEY_TYPE, &type, sizeof type},
				{CKA_VALUE, key_bytes, len},
				{CKA_SIGN, &yes, 1},
				{CKA_VERIFY, &yes, 1}};

	IS(p11->C_CreateObject(s, templ, 5, &key), CKR_OK);
	return key;
}

/* What libcrypto says, asked by its own front door. */
static void reference(const struct row *r, size_t len, unsigned char out[64])
{
	EVP_MAC *maker = EVP_MAC_fetch(NULL, r->maker, NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(maker);
	const char *item = strcmp(r->maker, "HMAC") == 0 ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER;
	OSSL_PARAM params[3], *p = params;
	size_t n = 0;

	if (r->name != NULL)
		*p++ = OSSL_PARAM_construct_utf8_string(item, (char *)r->name, 0);
	if (r->iv_len > 0)
		*p++ = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, iv, r->iv_len);
	*p = OSSL_PARAM_construct_end();
	assert_int_equal(EVP_MAC_init(ctx, key_bytes, r->key_len, params), 1);
	assert_int_equal(EVP_MAC_update(ctx, data, len), 1);
	assert_int_equal(EVP_MAC_final(ctx, out, &n, 64), 1);
	assert_int_equal(n, r->len);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(maker);
}

static void as_libcrypto_has_them(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char wanted[64], mac[64];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		fill_all((unsigned)i);
		CK_OBJECT_HANDLE key = key_of(s, rows[i].type, rows[i].key_len);
		CK_MECHANISM mech = {rows[i].mech, rows[i].iv_len > 0 ? iv : NULL, rows[i].iv_len};
		for (size_t len = 0; len <= sizeof data; len += len < 140 ? 1 : 137) {
			CK_ULONG n = sizeof mac;
			fill(iv, sizeof iv, (unsigned)(i + len));
			reference(&rows[i], len, wanted);
			IS(p11->C_SignInit(s, &mech, key), CKR_OK);
			if (len % 2 == 0) {
				IS(p11->C_Sign(s, data, len, mac, &n), CKR_OK);
			} else {
				IS(p11->C_SignUpdate(s, data, len / 2), CKR_OK);
				IS(p11->C_SignUpdate(s, data + len / 2, len - len / 2), CKR_OK);
				IS(p11->C_SignFinal(s, mac, &n), CKR_OK);
			}
			assert_int_equal(n, rows[i].len);
			assert_memory_equal(mac, wanted, n);
			IS(p11->C_VerifyInit(s, &mech, key), CKR_OK);
			IS(p11->C_Verify(s, data, len, wanted, n), CKR_OK);
		}
	}
}

static void general_lengths(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char wanted[64], mac[65], param[sizeof(CK_ULONG) + 1];

	(void)state;
	fill_all(7);
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].general == 0)
			continue;
		CK_OBJECT_HANDLE key = key_of(s, rows[i].type, rows[i].key_len);
		CK_MECHANISM mech = {rows[i].general, param + 1, sizeof(CK_ULONG)}; /* not aligned */
		reference(&rows[i], 100, wanted);
		for (CK_ULONG len = 1; len <= rows[i].len; len++) {
			CK_ULONG n = len;
			memcpy(param + 1, &len, sizeof len);
			mac[len] = 0xa5;
			IS(p11->C_SignInit(s, &mech, key), CKR_OK);
			IS(p11->C_Sign(s, data, 100, mac, &n), CKR_OK);
			assert_int_equal(n, len);
			assert_memory_equal(mac, wanted, len);
			assert_int_equal(mac[len], 0xa5);
			mac[len - 1] ^= 1;
			IS(p11->C_VerifyInit(s, &mech, key), CKR_OK);
			IS(p11->C_Verify(s, data, 100, mac, len), CKR_SIGNATURE_INVALID);
			IS(p11->C_VerifyInit(s, &mech, key), CKR_OK);
			IS(p11->C_Verify(s, data, 100, mac, len + 1), CKR_SIGNATURE_LEN_RANGE);
		}
		const CK_ULONG bad[] = {0, rows[i].len + 1, 1ul << 32 | 1, (CK_ULONG)-1};
		for (size_t k = 0; k < 4; k++) {
			memcpy(param + 1, &bad[k], sizeof bad[k]);
			IS(p11->C_SignInit(s, &mech, key), CKR_MECHANISM_PARAM_INVALID);
			IS(p11->C_VerifyInit(s, &mech, key), CKR_MECHANISM_PARAM_INVALID);
		}
	}
}

static void parameters(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char one[64] = {1};

	(void)state;
	fill_all(8);
	for (size_t i = 0; i < ROWS; i++) {
		CK_OBJECT_HANDLE key = key_of(s, rows[i].type, rows[i].key_len);
		const CK_MECHANISM_TYPE types[] = {rows[i].mech, rows[i].general};
		for (int g = 0; g < (rows[i].general != 0 ? 2 : 1); g++) {
			for (size_t len = 0; len <= sizeof one; len++) {
				size_t right = g == 1 ? sizeof(CK_ULONG) : rows[i].iv_len;
				CK_MECHANISM mech = {types[g], len > 0 ? one : NULL, len};
				if (len != right)
					IS(p11->C_SignInit(s, &mech, key), CKR_MECHANISM_PARAM_INVALID);
			}
			CK_MECHANISM absurd[] = {{types[g], NULL, 8}, {types[g], NULL, 12}, {types[g], one, (CK_ULONG)-1}};
			for (size_t k = 0; k < 3; k++)
				IS(p11->C_SignInit(s, &absurd[k], key), CKR_MECHANISM_PARAM_INVALID);
		}
	}
}

/* One key for several MACs in turn, and in two sessions at once: its context at rest is of one kind. */
static void one_key_many_ways(void **state)
{
	static const struct row generic[] = {
		{CKM_SHA256_HMAC, 0, CKK_GENERIC_SECRET, "HMAC", "SHA256", 32, 32, 0},
		{CKM_SHA512_HMAC, 0, CKK_GENERIC_SECRET, "HMAC", "SHA512", 32, 64, 0},
		{CKM_SHA3_256_HMAC, 0, CKK_GENERIC_SECRET, "HMAC", "SHA3-256", 32, 32, 0},
	};
	CK_SESSION_HANDLE s = session_new(), t = session_new();
	unsigned char wanted[64], mac[64];

	(void)state;
	fill_all(9);
	CK_OBJECT_HANDLE key = key_of(s, CKK_GENERIC_SECRET, 32);
	for (size_t i = 0; i < 60; i++) {
		const struct row *r = &generic[i % 3], *other = &generic[i * 7 % 5 % 3];
		CK_MECHANISM mech = {r->mech, NULL, 0}, mech2 = {other->mech, NULL, 0};
		CK_ULONG n = sizeof mac;
		IS(p11->C_SignInit(s, &mech, key), CKR_OK);
		IS(p11->C_SignUpdate(s, data, i), CKR_OK);
		IS(p11->C_SignInit(t, &mech2, key), CKR_OK);
		reference(other, 2 * i, wanted);
		IS(p11->C_Sign(t, data, 2 * i, mac, &n), CKR_OK);
		assert_memory_equal(mac, wanted, other->len);
		IS(p11->C_SignUpdate(s, data + i, i), CKR_OK);
		reference(r, 2 * i, wanted);
		n = sizeof mac;
		IS(p11->C_SignFinal(s, mac, &n), CKR_OK);
		assert_memory_equal(mac, wanted, r->len);
	}
}

/* A key of one HMAC is not one of another. */
static void types_are_held(void **state)
{
	CK_SESSION_HANDLE s = session_new();

	(void)state;
	fill_all(10);
	for (size_t i = 0; i < ROWS; i++) {
		CK_OBJECT_HANDLE key = key_of(s, rows[i].type, rows[i].key_len);
		for (size_t k = 0; k < ROWS; k++) {
			CK_MECHANISM mech = {rows[k].mech, rows[k].iv_len > 0 ? iv : NULL, rows[k].iv_len};
			IS(p11->C_SignInit(s, &mech, key),
			   rows[k].type == rows[i].type ? CKR_OK : CKR_KEY_TYPE_INCONSISTENT);
			IS(p11->C_SignInit(s, NULL, 0), CKR_OK);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(as_libcrypto_has_them), TEST(general_lengths), TEST(parameters),
		TEST(one_key_many_ways),     TEST(types_are_held),
	};

	return cmocka_run_group_tests_name("message authentication codes", tests, NULL, NULL);
}
