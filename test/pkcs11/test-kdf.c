/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys derived from keys of the token: beside libcrypto's own at many lengths; several at once.  test-kdf-rules.c has
 * what they inherit, and what is refused.
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

#include "test/pkcs11/kdf-fixture.h"

static void value_is(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const unsigned char *wanted, size_t len)
{
	static unsigned char value[16384];

	assert_int_equal(read_attr(s, key, CKA_VALUE, value, sizeof value), len);
	assert_memory_equal(value, wanted, len);
}

static void reference(const char *name, const OSSL_PARAM *params, unsigned char *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	assert_int_equal(EVP_KDF_derive(ctx, out, len, params), 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

/* ---- beside libcrypto ------------------------------------------------------------------------------------- */

static const struct {
	CK_MECHANISM_TYPE digest, hmac;
	const char *name;
	size_t len;
} hashes[] = {
	{CKM_SHA_1, CKM_SHA_1_HMAC, "SHA1", 20},
	{CKM_SHA224, CKM_SHA224_HMAC, "SHA224", 28},
	{CKM_SHA256, CKM_SHA256_HMAC, "SHA256", 32},
	{CKM_SHA384, CKM_SHA384_HMAC, "SHA384", 48},
	{CKM_SHA512, CKM_SHA512_HMAC, "SHA512", 64},
	{CKM_SHA3_256, CKM_SHA3_256_HMAC, "SHA3-256", 32},
	{CKM_SHA3_512, CKM_SHA3_512_HMAC, "SHA3-512", 64},
};
#define HASHES (sizeof hashes / sizeof hashes[0])

static void hkdf_as_libcrypto(void **state)
{
	static const char *const modes[] = {"EXTRACT_AND_EXPAND", "EXTRACT_ONLY", "EXPAND_ONLY"};
	CK_SESSION_HANDLE s = session_new();
	static unsigned char wanted[16384];
	CK_OBJECT_HANDLE key;

	(void)state;
	for (size_t i = 0; i < 3 * HASHES; i++) {
		size_t hash = i / 3, mode = i % 3;
		fill((unsigned)i);
		CK_OBJECT_HANDLE base = base_of(s, CKK_HKDF, 33 + i, true);
		CK_HKDF_PARAMS p = {mode != 2, mode != 1, hashes[hash].digest, CKF_HKDF_SALT_DATA, bytes + 100, 20 + i,
			0, bytes + 200, i};
		const size_t lens[] = {
			1, hashes[hash].len - 1, hashes[hash].len, hashes[hash].len + 1, 255 * hashes[hash].len};
		for (size_t k = 0; k < (mode == 1 ? 3 : 5); k++) {
			size_t full = mode == 1 ? hashes[hash].len : lens[k];
			OSSL_PARAM params[] = {
				OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, (char *)modes[mode], 0),
				OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)hashes[hash].name, 0),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, bytes, 33 + i),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, bytes + 100, 20 + i),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, bytes + 200, i),
				OSSL_PARAM_construct_end()};
			reference("HKDF", params, wanted, full);
			IS(derive_len(s, CKM_HKDF_DERIVE, &p, sizeof p, base, lens[k], &key), CKR_OK);
			value_is(s, key, wanted, lens[k]);
		}
		IS(derive_len(s, CKM_HKDF_DERIVE, &p, sizeof p, base, 255 * hashes[hash].len + 1, &key),
			CKR_KEY_SIZE_RANGE);
		IS(derive_len(s, CKM_HKDF_DERIVE, &p, sizeof p, base, 0, &key),
			mode == 1 ? CKR_OK : CKR_TEMPLATE_INCOMPLETE);
	}
}

/* Counter and feedback as libcrypto has them: [i]32 || label || 0 || context || [L]32. */
static void kbkdf_as_libcrypto(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char wanted[200], zero = 0;
	CK_OBJECT_HANDLE key;

	(void)state;
	for (size_t i = 0; i < 2 * (HASHES + 1); i++) {
		bool cmac = i / 2 == HASHES, feedback = i % 2 == 1;
		size_t key_len = cmac ? 32 : 40;
		fill((unsigned)i + 50);
		CK_OBJECT_HANDLE base = base_of(s, cmac ? CKK_AES : CKK_GENERIC_SECRET, key_len, true);
		CK_SP800_108_COUNTER_FORMAT counter = {CK_FALSE, 32};
		CK_SP800_108_DKM_LENGTH_FORMAT length = {CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, CK_FALSE, 32};
		CK_PRF_DATA_PARAM data[] = {{CK_SP800_108_ITERATION_VARIABLE, NULL, 0},
			{feedback ? CK_SP800_108_COUNTER : CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter},
			{CK_SP800_108_BYTE_ARRAY, bytes + 100, 10}, {CK_SP800_108_BYTE_ARRAY, &zero, 1},
			{CK_SP800_108_BYTE_ARRAY, bytes + 120, 17}, {CK_SP800_108_DKM_LENGTH, &length, sizeof length}};
		CK_MECHANISM_TYPE prf = cmac ? CKM_AES_CMAC : hashes[i / 2].hmac;
		CK_SP800_108_KDF_PARAMS p = {prf, 5, data + 1, 0, NULL};
		CK_SP800_108_FEEDBACK_KDF_PARAMS q = {prf, 6, data, 24, bytes + 150, 0, NULL};
		for (size_t len = 1; len <= sizeof wanted; len += 13) {
			OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(
						       OSSL_KDF_PARAM_MODE, feedback ? "feedback" : "counter", 0),
				OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, cmac ? "CMAC" : "HMAC", 0),
				OSSL_PARAM_construct_utf8_string(cmac ? OSSL_KDF_PARAM_CIPHER : OSSL_KDF_PARAM_DIGEST,
					cmac ? "AES-256-CBC" : (char *)hashes[i / 2].name, 0),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, bytes, key_len),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, bytes + 100, 10),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, bytes + 120, 17),
				OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
			if (feedback) {
				/* libcrypto takes a seed that is as long as the function's output. */
				q.ulIVLen = cmac ? 16 : hashes[i / 2].len;
				params[6] =
					OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, bytes + 150, q.ulIVLen);
			}
			reference("KBKDF", params, wanted, len);
			IS(feedback ? derive_len(s, CKM_SP800_108_FEEDBACK_KDF, &q, sizeof q, base, len, &key)
				    : derive_len(s, CKM_SP800_108_COUNTER_KDF, &p, sizeof p, base, len, &key),
				CKR_OK);
			value_is(s, key, wanted, len);
		}
	}
}

static void hmac256(const unsigned char *in, size_t len, unsigned char out[32])
{
	size_t n = 0;

	assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, bytes, 40, in, len, out, 32, &n));
}

/* SP 800-108, 4.3, by hand: with a counter that is little-endian, and the length of the outputs. */
static void pipeline_by_hand(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char a[32], in[64], wanted[96];
	CK_SP800_108_COUNTER_FORMAT counter = {CK_TRUE, 16};
	CK_SP800_108_DKM_LENGTH_FORMAT length = {CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS, CK_TRUE, 24};
	CK_PRF_DATA_PARAM data[] = {{CK_SP800_108_BYTE_ARRAY, "front", 5}, {CK_SP800_108_ITERATION_VARIABLE, NULL, 0},
		{CK_SP800_108_COUNTER, &counter, sizeof counter}, {CK_SP800_108_DKM_LENGTH, &length, sizeof length}};
	CK_SP800_108_KDF_PARAMS p = {CKM_SHA256_HMAC, 4, data, 0, NULL};
	CK_OBJECT_HANDLE key;

	(void)state;
	fill(3);
	CK_OBJECT_HANDLE base = base_of(s, CKK_SHA256_HMAC, 40, true);
	hmac256((const unsigned char *)"front\x00\x03\x00", 8, a); /* 96 bytes: 768 bits, little-endian */
	for (unsigned i = 1; i <= 3; i++) {
		memcpy(in, "front", 5);
		memcpy(in + 5, a, 32);
		memcpy(in + 37, (const unsigned char[]){(unsigned char)i, 0, 0x00, 0x03, 0x00}, 5);
		hmac256(in, 42, wanted + 32 * (i - 1));
		hmac256(a, 32, in);
		memcpy(a, in, 32);
	}
	IS(derive_len(s, CKM_SP800_108_DOUBLE_PIPELINE_KDF, &p, sizeof p, base, 70, &key), CKR_OK);
	value_is(s, key, wanted, 70);
}

static void tls_as_libcrypto(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char wanted[200], context_len[2] = {0, 9};
	CK_OBJECT_HANDLE key;

	(void)state;
	for (size_t i = 0; i < HASHES; i++) {
		fill((unsigned)i + 90);
		CK_OBJECT_HANDLE base = base_of(s, CKK_GENERIC_SECRET, 48, true);
		CK_TLS_KDF_PARAMS p = {
			hashes[i].digest, bytes + 60, 13, {bytes + 80, 32, bytes + 120, 32}, bytes + 160, 9};
		for (size_t len = 1; len <= sizeof wanted; len += 33) {
			OSSL_PARAM params[] = {
				OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)hashes[i].name, 0),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, bytes, 48),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, bytes + 60, 13),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, bytes + 80, 32),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, bytes + 120, 32),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, context_len, 2),
				OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, bytes + 160, 9),
				OSSL_PARAM_construct_end()};
			reference("TLS1-PRF", params, wanted, len);
			IS(derive_len(s, CKM_TLS12_KDF, &p, sizeof p, base, len, &key), CKR_OK);
			value_is(s, key, wanted, len);
			IS(derive_len(s, CKM_TLS_KDF, &p, sizeof p, base, len, &key), CKR_OK);
			value_is(s, key, wanted, len);
		}
	}
}

static void hashes_as_libcrypto(void **state)
{
	static const struct {
		CK_MECHANISM_TYPE mech;
		const char *name;
	} all[] = {
		{CKM_SHA1_KEY_DERIVATION, "SHA1"},
		{CKM_SHA224_KEY_DERIVATION, "SHA224"},
		{CKM_SHA256_KEY_DERIVATION, "SHA256"},
		{CKM_SHA384_KEY_DERIVATION, "SHA384"},
		{CKM_SHA512_KEY_DERIVATION, "SHA512"},
		{CKM_SHA512_224_KEY_DERIVATION, "SHA512-224"},
		{CKM_SHA512_256_KEY_DERIVATION, "SHA512-256"},
		{CKM_SHA3_224_KEY_DERIVATION, "SHA3-224"},
		{CKM_SHA3_256_KEY_DERIVATION, "SHA3-256"},
		{CKM_SHA3_384_KEY_DERIVATION, "SHA3-384"},
		{CKM_SHA3_512_KEY_DERIVATION, "SHA3-512"},
	};
	CK_SESSION_HANDLE s = session_new();
	unsigned char wanted[64];
	unsigned n = 0;
	CK_OBJECT_HANDLE key;

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		fill((unsigned)i + 70);
		CK_OBJECT_HANDLE base = base_of(s, CKK_GENERIC_SECRET, 10 + 20 * i, true);
		assert_int_equal(
			EVP_Digest(bytes, 10 + 20 * i, wanted, &n, EVP_get_digestbyname(all[i].name), NULL), 1);
		IS(derive_len(s, all[i].mech, NULL, 0, base, 0, &key), CKR_OK);
		value_is(s, key, wanted, n);
		IS(derive_len(s, all[i].mech, NULL, 0, base, n - 1, &key), CKR_OK);
		value_is(s, key, wanted, n - 1);
		IS(derive_len(s, all[i].mech, NULL, 0, base, n + 1, &key), CKR_KEY_SIZE_RANGE);
	}
}

/* ---- several keys at once --------------------------------------------------------------------------------- */

static void several_keys(void **state)
{
	CK_SESSION_HANDLE s;
	CK_SP800_108_COUNTER_FORMAT counter = {CK_FALSE, 8};
	CK_PRF_DATA_PARAM data[] = {{CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter}};
	CK_ULONG lens[] = {40, 32, 7};
	CK_KEY_TYPE hmac = CKK_SHA256_HMAC;
	CK_ATTRIBUTE plain[] = {{CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_VALUE_LEN, &lens[0], 8},
		{CKA_LABEL, "several", 7}, {CKA_TOKEN, &yes, 1}};
	CK_ATTRIBUTE second[] = {
		plain[0], plain[1], {CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE_LEN, &lens[1], 8}, plain[3], plain[4]};
	CK_ATTRIBUTE third[] = {plain[0], plain[1], {CKA_KEY_TYPE, &hmac, sizeof hmac}, {CKA_VALUE_LEN, &lens[2], 8},
		plain[3], plain[4]};
	CK_OBJECT_HANDLE key[3] = {0}, found;
	CK_DERIVED_KEY more[] = {{second, 6, &key[1]}, {third, 6, &key[2]}};
	CK_SP800_108_KDF_PARAMS p = {CKM_SHA256_HMAC, 1, data, 2, more};
	CK_MECHANISM mech = {CKM_SP800_108_COUNTER_KDF, &p, sizeof p};
	unsigned char wanted[128];

	(void)state;
	fill(4);
	make_token();
	s = session_new();
	login(s);
	CK_OBJECT_HANDLE base = base_of(s, CKK_GENERIC_SECRET, 40, true);
	/* Each begins with an output of its own. */
	for (unsigned char i = 1; i <= 4; i++)
		hmac256(&i, 1, wanted + 32 * (i - 1));
	IS(p11->C_DeriveKey(s, &mech, base, plain, 5, &key[0]), CKR_OK);
	value_is(s, key[0], wanted, 40);
	value_is(s, key[1], wanted + 64, 32);
	value_is(s, key[2], wanted + 96, 7);
	assert_int_equal(find(s, &secret_class, CKA_LABEL, "several", 7, &found), 3);
	for (int i = 0; i < 3; i++)
		IS(p11->C_DestroyObject(s, key[i]), CKR_OK);

	/* All of them, or none: what is wrong with the last is wrong with the call. */
	lens[2] = 0;
	IS(p11->C_DeriveKey(s, &mech, base, plain, 5, &key[0]), CKR_KEY_SIZE_RANGE);
	lens[2] = 7;
	third[2].pValue = &aes;
	IS(p11->C_DeriveKey(s, &mech, base, plain, 5, &key[0]), CKR_KEY_SIZE_RANGE);
	third[2].pValue = &hmac;
	third[5] = (CK_ATTRIBUTE){CKA_LOCAL, &yes, 1};
	IS(p11->C_DeriveKey(s, &mech, base, plain, 5, &key[0]), CKR_ATTRIBUTE_READ_ONLY);
	third[5] = plain[4];
	more[1].phKey = NULL;
	IS(p11->C_DeriveKey(s, &mech, base, plain, 5, &key[0]), CKR_MECHANISM_PARAM_INVALID);
	more[1].phKey = &key[2];
	p.ulAdditionalDerivedKeys = 1000;
	IS(p11->C_DeriveKey(s, &mech, base, plain, 5, &key[0]), CKR_MECHANISM_PARAM_INVALID);
	p.ulAdditionalDerivedKeys = 2;
	p.pAdditionalDerivedKeys = NULL;
	IS(p11->C_DeriveKey(s, &mech, base, plain, 5, &key[0]), CKR_MECHANISM_PARAM_INVALID);
	assert_int_equal(find(s, &secret_class, CKA_LABEL, "several", 7, &found), 0);
}

/* Route E: HKDF over an agreed key, by a template as pkcs11-tool has it. */
static void over_an_agreed_key(void **state)
{
	CK_DSKE_DERIVE_PARAMS named = context("tls");
	CK_ULONG len = 32;
	CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
	CK_ATTRIBUTE kept[] = {{CKA_TOKEN, &yes, 1}, {CKA_DERIVE, &yes, 1}, {CKA_VALUE_LEN, &len, sizeof len}};
	CK_HKDF_PARAMS p = {CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_NULL, NULL, 0, 0, (CK_BYTE *)"request", 7};
	CK_MECHANISM mech = {CKM_HKDF_DERIVE, &p, sizeof p};
	CK_ATTRIBUTE tool[] = {{CKA_TOKEN, &no, 1}, {CKA_KEY_TYPE, &generic, sizeof generic}, {CKA_SENSITIVE, &no, 1},
		{CKA_EXTRACTABLE, &yes, 1}, {CKA_ENCRYPT, &yes, 1}, {CKA_DECRYPT, &yes, 1}, {CKA_WRAP, &yes, 1},
		{CKA_UNWRAP, &yes, 1}, {CKA_VALUE_LEN, &len, sizeof len}};
	unsigned char one[32], two[32];
	CK_OBJECT_HANDLE agreed, key;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	login(s);
	IS(derive(s, peer(s, "bob"), &named, kept, 3, &agreed), CKR_OK);
	IS(p11->C_DeriveKey(s, &mech, agreed, tool, 9, &key), CKR_OK);
	assert_int_equal(read_attr(s, key, CKA_VALUE, one, sizeof one), 32);
	p.ulInfoLen = 6;
	IS(p11->C_DeriveKey(s, &mech, agreed, tool, 9, &key), CKR_OK);
	assert_int_equal(read_attr(s, key, CKA_VALUE, two, sizeof two), 32);
	assert_memory_not_equal(one, two, 32);
	IS(p11->C_GetAttributeValue(s, agreed, &(CK_ATTRIBUTE){CKA_VALUE, one, 32}, 1), CKR_ATTRIBUTE_SENSITIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hkdf_as_libcrypto),
		TEST(kbkdf_as_libcrypto),
		TEST(pipeline_by_hand),
		TEST(tls_as_libcrypto),
		TEST(hashes_as_libcrypto),
		TEST(several_keys),
		TEST(over_an_agreed_key),
	};

	return cmocka_run_group_tests_name("keys derived from keys", tests, NULL, NULL);
}
