/* SPDX-License-Identifier: Apache-2.0 */
/* Keys derived from keys and passwords, beside OpenSSL. */
#include "test/pkcs11/p11test-cross.h"

#include <openssl/kdf.h>

#define ROUNDS 12
#define KEY_MAX 96u

/* One derivation: its inputs, and what both sides make of them. */
struct one {
	unsigned char key[64], salt[32], info[40], want[KEY_MAX + 32];
	size_t key_len, salt_len, info_len, len;
	const struct cross_hash *hash;
	CK_HKDF_PARAMS hkdf;
	CK_TLS_KDF_PARAMS tls;
	CK_SP800_108_COUNTER_FORMAT counter;
	CK_PRF_DATA_PARAM data[3];
	CK_SP800_108_KDF_PARAMS kdf;
	CK_SP800_108_FEEDBACK_KDF_PARAMS feedback;
	CK_KEY_DERIVATION_STRING_DATA string;
	CK_AES_CBC_ENCRYPT_DATA_PARAMS cbc;
	CK_PKCS5_PBKD2_PARAMS2 password;
	CK_MECHANISM mech;
	OSSL_PARAM p[8];
	size_t count;
};

static CK_MECHANISM_TYPE hmac_of(CK_MECHANISM_TYPE digest)
{
	return digest + 1; /* of every hash, CKM_x_HMAC follows CKM_x */
}

static void text(struct one *o, const char *name, const char *value)
{
	o->p[o->count++] = OSSL_PARAM_construct_utf8_string(name, (char *)value, 0);
	o->p[o->count] = OSSL_PARAM_construct_end();
}

static void bytes(struct one *o, const char *name, void *value, size_t len)
{
	o->p[o->count++] = OSSL_PARAM_construct_octet_string(name, value, len);
	o->p[o->count] = OSSL_PARAM_construct_end();
}

static bool evp_derive(struct one *o, const char *name)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	bool good = ctx != NULL && EVP_KDF_derive(ctx, o->want, o->len, o->p) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return good;
}

/* ---- each of them: the mechanism, and OpenSSL's answer -------------------------------------------------- */

static bool hkdf(struct one *o)
{
	o->hkdf = (CK_HKDF_PARAMS){CK_TRUE, CK_TRUE, o->hash->digest, CKF_HKDF_SALT_DATA, o->salt, o->salt_len, 0, o->info,
				   o->info_len};
	o->mech.pParameter = &o->hkdf;
	o->mech.ulParameterLen = sizeof o->hkdf;
	text(o, "digest", o->hash->evp);
	bytes(o, "key", o->key, o->key_len);
	bytes(o, "salt", o->salt, o->salt_len);
	bytes(o, "info", o->info, o->info_len);
	return evp_derive(o, "HKDF");
}

/* The seed: the label is the salt, the randoms are the info. */
static bool tls(struct one *o)
{
	unsigned char seed[80];

	CK_SSL3_RANDOM_DATA randoms = {o->info, 5, o->info + 5, o->info_len - 5};
	o->tls = (CK_TLS_KDF_PARAMS){o->hash->digest, o->salt, o->salt_len, randoms, NULL, 0};
	o->mech.pParameter = &o->tls;
	o->mech.ulParameterLen = sizeof o->tls;
	memcpy(seed, o->salt, o->salt_len);
	memcpy(seed + o->salt_len, o->info, o->info_len);
	text(o, "digest", o->hash->evp);
	bytes(o, "secret", o->key, o->key_len);
	bytes(o, "seed", seed, o->salt_len + o->info_len);
	return evp_derive(o, "TLS1-PRF");
}

/* [counter of 32 bits] label 00 context [length], as OpenSSL has it. */
static bool counter(struct one *o)
{
	static unsigned char fixed[80];

	memcpy(fixed, o->salt, o->salt_len);
	fixed[o->salt_len] = 0;
	memcpy(fixed + o->salt_len + 1, o->info, o->info_len);
	size_t fixed_len = o->salt_len + 1 + o->info_len;
	for (int i = 0; i < 4; i++)
		fixed[fixed_len++] = (unsigned char)((o->len * 8) >> (24 - 8 * i));
	o->counter = (CK_SP800_108_COUNTER_FORMAT){CK_FALSE, 32};
	o->data[0] = (CK_PRF_DATA_PARAM){CK_SP800_108_ITERATION_VARIABLE, &o->counter, sizeof o->counter};
	o->data[1] = (CK_PRF_DATA_PARAM){CK_SP800_108_BYTE_ARRAY, fixed, fixed_len};
	o->kdf = (CK_SP800_108_KDF_PARAMS){hmac_of(o->hash->digest), 2, o->data, 0, NULL};
	o->mech.pParameter = &o->kdf;
	o->mech.ulParameterLen = sizeof o->kdf;
	text(o, "mode", "COUNTER");
	text(o, "mac", "HMAC");
	text(o, "digest", o->hash->evp);
	bytes(o, "key", o->key, o->key_len);
	bytes(o, "salt", o->salt, o->salt_len);
	bytes(o, "info", o->info, o->info_len);
	return evp_derive(o, "KBKDF");
}

/* K(i) = HMAC(K(i-1) || counter || fixed), from an IV. */
static bool feedback(struct one *o)
{
	unsigned char block[200];
	size_t last = 16, n = 0;

	o->counter = (CK_SP800_108_COUNTER_FORMAT){CK_FALSE, 32};
	o->data[0] = (CK_PRF_DATA_PARAM){CK_SP800_108_ITERATION_VARIABLE, NULL, 0};
	o->data[1] = (CK_PRF_DATA_PARAM){CK_SP800_108_COUNTER, &o->counter, sizeof o->counter};
	o->data[2] = (CK_PRF_DATA_PARAM){CK_SP800_108_BYTE_ARRAY, o->info, o->info_len};
	o->feedback = (CK_SP800_108_FEEDBACK_KDF_PARAMS){hmac_of(o->hash->digest), 3, o->data, 16, o->salt, 0, NULL};
	o->mech.pParameter = &o->feedback;
	o->mech.ulParameterLen = sizeof o->feedback;
	memcpy(block, o->salt, last);
	for (size_t at = 0, i = 1; at < o->len; at += n, i++) {
		unsigned char mac[64];
		memcpy(block + last, (unsigned char[]){0, 0, 0, (unsigned char)i}, 4);
		memcpy(block + last + 4, o->info, o->info_len);
		n = cross_mac("HMAC", o->hash->evp, NULL, o->key, o->key_len, block, last + 4 + o->info_len, mac);
		if (n == 0)
			return false;
		memcpy(o->want + at, mac, n < o->len - at ? n : o->len - at);
		memcpy(block, mac, n);
		last = n;
	}
	return true;
}

/* A(i) = HMAC(A(i-1)), A(0) the fixed input; K(i) = HMAC(A(i) || fixed). */
static bool pipeline(struct one *o)
{
	unsigned char a[64], block[200];
	size_t n = 0;

	o->data[0] = (CK_PRF_DATA_PARAM){CK_SP800_108_ITERATION_VARIABLE, NULL, 0};
	o->data[1] = (CK_PRF_DATA_PARAM){CK_SP800_108_BYTE_ARRAY, o->info, o->info_len};
	o->kdf = (CK_SP800_108_KDF_PARAMS){hmac_of(o->hash->digest), 2, o->data, 0, NULL};
	o->mech.pParameter = &o->kdf;
	o->mech.ulParameterLen = sizeof o->kdf;
	for (size_t at = 0; at < o->len; at += n) {
		unsigned char mac[64];
		const unsigned char *from = at == 0 ? o->info : a;
		n = cross_mac("HMAC", o->hash->evp, NULL, o->key, o->key_len, from, at == 0 ? o->info_len : n, block);
		memcpy(a, block, n);
		memcpy(block + n, o->info, o->info_len);
		n = cross_mac("HMAC", o->hash->evp, NULL, o->key, o->key_len, block, n + o->info_len, mac);
		if (n == 0)
			return false;
		memcpy(o->want + at, mac, n < o->len - at ? n : o->len - at);
	}
	return true;
}

static bool hashed(struct one *o)
{
	o->len = cross_digest(o->hash->evp, o->key, o->key_len, o->want);
	return o->len > 0;
}

static bool aes_data(struct one *o)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ecb = o->mech.mechanism == CKM_AES_ECB_ENCRYPT_DATA;
	int n = 0;

	o->len = 32;
	o->string = (CK_KEY_DERIVATION_STRING_DATA){o->info, 32};
	o->cbc = (CK_AES_CBC_ENCRYPT_DATA_PARAMS){.pData = o->info, .length = 32};
	memcpy(o->cbc.iv, o->salt, 16);
	o->mech.pParameter = ecb ? (void *)&o->string : (void *)&o->cbc;
	o->mech.ulParameterLen = ecb ? sizeof o->string : sizeof o->cbc;
	bool good = EVP_EncryptInit_ex2(ctx, ecb ? EVP_aes_256_ecb() : EVP_aes_256_cbc(), o->key, o->salt, NULL) == 1 &&
		    EVP_EncryptUpdate(ctx, o->want, &n, o->info, 32) == 1 && n == 32;
	EVP_CIPHER_CTX_free(ctx);
	return good;
}

static const struct {
	CK_MECHANISM_TYPE type;
	bool (*beside)(struct one *o);
	CK_KEY_TYPE base;
} ways[] = {
	{CKM_HKDF_DERIVE, hkdf, CKK_GENERIC_SECRET}, {CKM_HKDF_DATA, hkdf, CKK_GENERIC_SECRET},
	{CKM_TLS12_KDF, tls, CKK_GENERIC_SECRET}, {CKM_TLS_KDF, tls, CKK_GENERIC_SECRET},
	{CKM_SP800_108_COUNTER_KDF, counter, CKK_GENERIC_SECRET}, {CKM_SP800_108_FEEDBACK_KDF, feedback, CKK_GENERIC_SECRET},
	{CKM_SP800_108_DOUBLE_PIPELINE_KDF, pipeline, CKK_GENERIC_SECRET}, {CKM_AES_ECB_ENCRYPT_DATA, aes_data, CKK_AES},
	{CKM_AES_CBC_ENCRYPT_DATA, aes_data, CKK_AES},
};

static bool draw(struct one *o, CK_MECHANISM_TYPE type, const struct cross_hash *hash, bool (*beside)(struct one *o))
{
	*o = (struct one){.mech = {type, NULL, 0}, .hash = hash, .key_len = 32, .salt_len = 16 + cross_draw() % 16,
			  .info_len = 32 + cross_draw() % 8, .len = 1 + cross_draw() % KEY_MAX};
	cross_fill(o->key, sizeof o->key);
	cross_fill(o->salt, sizeof o->salt);
	cross_fill(o->info, sizeof o->info);
	return beside(o);
}

/* What the module makes: data by CKM_HKDF_DATA, a key by the others. */
static void beside_evp(struct one *o, CK_KEY_TYPE type)
{
	CK_SESSION_HANDLE s = session_new(0);
	CK_OBJECT_CLASS data = CKO_DATA;
	unsigned char out[KEY_MAX + 32];
	CK_ATTRIBUTE base[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
			       {CKA_VALUE, o->key, o->key_len}, {CKA_DERIVE, &yes, 1}, {CKA_PRIVATE, &no, 1},
			       {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
	CK_ATTRIBUTE key[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_PRIVATE, &no, 1},
			      {CKA_VALUE_LEN, &o->len, sizeof o->len}, {CKA_KEY_TYPE, &generic, sizeof generic},
			      {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
	CK_ATTRIBUTE value = {CKA_VALUE, out, sizeof out};
	CK_OBJECT_HANDLE from = 0, to = 0;
	bool is_data = o->mech.mechanism == CKM_HKDF_DATA;

	if (is_data)
		key[0].pValue = &data;
	MUST(p11->C_CreateObject(s, base, 7, &from));
	MUST(p11->C_DeriveKey(s, &o->mech, from, key, is_data ? 3 : 6, &to));
	IS(p11->C_GetAttributeValue(s, to, &value, 1), CKR_OK);
	CHECK(value.ulValueLen == o->len && memcmp(out, o->want, o->len) == 0);
	IS(p11->C_CloseSession(s), CKR_OK);
}

void case_crossed_derivations(void)
{
	CK_SESSION_HANDLE s = session_user();
	struct one o;

	cross_seed();
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		item("%s", mechanism_name(ways[i].type));
		for (int round = 0; round < ROUNDS && offers(ways[i].type); round++) {
			CHECK(draw(&o, ways[i].type, &cross_hashes[cross_draw() % CROSS_HASHES], ways[i].beside));
			beside_evp(&o, ways[i].base);
		}
		if (offers(ways[i].type))
			crossed(ways[i].type);
	}
	for (size_t i = 0; i < CROSS_HASHES; i++) {
		CK_MECHANISM_TYPE type = cross_hashes[i].derivation;
		item("%s", mechanism_name(type));
		for (int round = 0; round < ROUNDS && offers(type); round++) {
			CHECK(draw(&o, type, &cross_hashes[i], hashed));
			beside_evp(&o, CKK_GENERIC_SECRET);
		}
		if (offers(type))
			crossed(type);
	}
	IS(p11->C_CloseSession(s), CKR_OK);
}

/* ---- passwords ------------------------------------------------------------------------------------------ */

static void password_once(struct one *o, CK_ULONG prf, const char *digest)
{
	CK_SESSION_HANDLE s = session_new(0);
	unsigned char out[KEY_MAX];
	unsigned iterations = 1 + (unsigned)(cross_draw() % 50);
	CK_ATTRIBUTE key[] = {{CKA_PRIVATE, &no, 1}, {CKA_VALUE_LEN, &o->len, sizeof o->len},
			      {CKA_KEY_TYPE, &generic, sizeof generic}, {CKA_SENSITIVE, &no, 1}, {CKA_EXTRACTABLE, &yes, 1}};
	CK_ATTRIBUTE value = {CKA_VALUE, out, sizeof out};
	CK_OBJECT_HANDLE to = 0;
	EVP_MD *md = EVP_MD_fetch(NULL, digest, NULL);

	CHECK(PKCS5_PBKDF2_HMAC((const char *)o->key, (int)o->key_len, o->salt, (int)o->salt_len, (int)iterations, md,
				(int)o->len, o->want) == 1);
	EVP_MD_free(md);
	o->password = (CK_PKCS5_PBKD2_PARAMS2){CKZ_SALT_SPECIFIED, o->salt, o->salt_len, iterations, prf, NULL, 0, o->key,
					       o->key_len};
	o->mech = (CK_MECHANISM){CKM_PKCS5_PBKD2, &o->password, sizeof o->password};
	MUST(p11->C_GenerateKey(s, &o->mech, key, 5, &to));
	IS(p11->C_GetAttributeValue(s, to, &value, 1), CKR_OK);
	CHECK(value.ulValueLen == o->len && memcmp(out, o->want, o->len) == 0);
	IS(p11->C_CloseSession(s), CKR_OK);
}

static bool nothing(struct one *o)
{
	return o->len > 0;
}

void case_crossed_passwords(void)
{
	CK_SESSION_HANDLE s = session_user();
	static const CK_ULONG prfs[] = {CKP_PKCS5_PBKD2_HMAC_SHA1, CKP_PKCS5_PBKD2_HMAC_SHA224, CKP_PKCS5_PBKD2_HMAC_SHA256,
					CKP_PKCS5_PBKD2_HMAC_SHA384, CKP_PKCS5_PBKD2_HMAC_SHA512,
					CKP_PKCS5_PBKD2_HMAC_SHA512_224, CKP_PKCS5_PBKD2_HMAC_SHA512_256};
	struct one o;

	cross_seed();
	for (size_t i = 0; i < sizeof prfs / sizeof prfs[0]; i++) {
		item("CKM_PKCS5_PBKD2 with %s", cross_hashes[i].evp);
		for (int round = 0; round < ROUNDS && offers(CKM_PKCS5_PBKD2); round++) {
			CHECK(draw(&o, CKM_PKCS5_PBKD2, &cross_hashes[i], nothing));
			password_once(&o, prfs[i], cross_hashes[i].evp);
		}
		if (offers(CKM_PKCS5_PBKD2))
			crossed(CKM_PKCS5_PBKD2);
	}
	IS(p11->C_CloseSession(s), CKR_OK);
}
