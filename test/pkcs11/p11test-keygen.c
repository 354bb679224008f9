/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

/* ---- cases: generated keys ------------------------------------------------------------------------------ */

static CK_ULONG ulong_of(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
	CK_ULONG v = 0;
	CK_ATTRIBUTE a = {type, &v, sizeof v};

	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_OK);
	return v;
}

static bool bool_of(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL v = 2;
	CK_ATTRIBUTE a = {type, &v, sizeof v};

	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_OK);
	CHECK(v <= 1);
	return v == CK_TRUE;
}

/* One key by the mechanism; readable ones are of len bytes. */
static CK_RV make(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_BBOOL readable, CK_ULONG len, CK_OBJECT_HANDLE *key)
{
	CK_BBOOL sensitive = !readable;
	CK_ATTRIBUTE templ[] = {{CKA_TOKEN, &no, sizeof no},
				{CKA_PRIVATE, &no, sizeof no},
				{CKA_SENSITIVE, &sensitive, sizeof sensitive},
				{CKA_EXTRACTABLE, &readable, sizeof readable},
				{CKA_VALUE_LEN, &len, sizeof len}};

	return p11->C_GenerateKey(s, mech, templ, len > 0 ? 5 : 4, key);
}

static void value_of(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned char *out, CK_ULONG len)
{
	CK_ATTRIBUTE a = {CKA_VALUE, out, len};

	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_OK);
	CHECK(a.ulValueLen == len);
}

/* What the token says of a key that it made (PKCS#11 2.40, 4.9), and that no two are alike. */
static void generated(CK_MECHANISM_TYPE type, CK_KEY_TYPE key_type, CK_ULONG len, CK_ULONG given_len)
{
	CK_SESSION_HANDLE s = session_user();
	CK_MECHANISM mech = {type, NULL, 0};
	unsigned char one[64] = {0}, two[64] = {0};
	CK_OBJECT_HANDLE key;
	CK_ATTRIBUTE value = {CKA_VALUE, one, sizeof one};

	if (offers(type)) {
		MUST(make(s, &mech, CK_FALSE, given_len, &key));
		CHECK(ulong_of(s, key, CKA_CLASS) == CKO_SECRET_KEY);
		CHECK(ulong_of(s, key, CKA_KEY_TYPE) == key_type);
		CHECK(ulong_of(s, key, CKA_VALUE_LEN) == len);
		CHECK(ulong_of(s, key, CKA_KEY_GEN_MECHANISM) == type);
		CHECK(bool_of(s, key, CKA_LOCAL));
		CHECK(bool_of(s, key, CKA_ALWAYS_SENSITIVE));
		CHECK(bool_of(s, key, CKA_NEVER_EXTRACTABLE));
		IS(p11->C_GetAttributeValue(s, key, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
		MUST(make(s, &mech, CK_TRUE, given_len, &key));
		CHECK(bool_of(s, key, CKA_LOCAL));
		CHECK(!bool_of(s, key, CKA_ALWAYS_SENSITIVE));
		CHECK(!bool_of(s, key, CKA_NEVER_EXTRACTABLE));
		value_of(s, key, one, len);
		MUST(make(s, &mech, CK_TRUE, given_len, &key));
		value_of(s, key, two, len);
		CHECK(memcmp(one, two, len) != 0);
		mech = (CK_MECHANISM){type, one, 1};
		ASK("a parameter, though there is none", "6.10.3", make(s, &mech, CK_TRUE, given_len, &key),
		    CKR_MECHANISM_PARAM_INVALID);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

#define KEYGEN_CASE(name, mech, type, len, given)                                                    \
	void case_##name(void)                                                                       \
	{                                                                                            \
		generated(mech, type, len, given);                                                   \
	}

KEYGEN_CASE(keygen_aes128, CKM_AES_KEY_GEN, CKK_AES, 16, 16)
KEYGEN_CASE(keygen_aes192, CKM_AES_KEY_GEN, CKK_AES, 24, 24)
KEYGEN_CASE(keygen_aes256, CKM_AES_KEY_GEN, CKK_AES, 32, 32)
KEYGEN_CASE(keygen_generic, CKM_GENERIC_SECRET_KEY_GEN, CKK_GENERIC_SECRET, 20, 20)
KEYGEN_CASE(keygen_hkdf, CKM_HKDF_KEY_GEN, CKK_HKDF, 42, 42)
KEYGEN_CASE(keygen_chacha20, CKM_CHACHA20_KEY_GEN, CKK_CHACHA20, 32, 0)
KEYGEN_CASE(keygen_poly1305, CKM_POLY1305_KEY_GEN, CKK_POLY1305, 32, 0)
KEYGEN_CASE(keygen_sha1, CKM_SHA_1_KEY_GEN, CKK_SHA_1_HMAC, 20, 0)
KEYGEN_CASE(keygen_sha224, CKM_SHA224_KEY_GEN, CKK_SHA224_HMAC, 28, 0)
KEYGEN_CASE(keygen_sha256, CKM_SHA256_KEY_GEN, CKK_SHA256_HMAC, 32, 0)
KEYGEN_CASE(keygen_sha384, CKM_SHA384_KEY_GEN, CKK_SHA384_HMAC, 48, 0)
KEYGEN_CASE(keygen_sha512, CKM_SHA512_KEY_GEN, CKK_SHA512_HMAC, 60, 60)
KEYGEN_CASE(keygen_sha512_224, CKM_SHA512_224_KEY_GEN, CKK_SHA512_224_HMAC, 28, 0)
KEYGEN_CASE(keygen_sha512_256, CKM_SHA512_256_KEY_GEN, CKK_SHA512_256_HMAC, 32, 0)
KEYGEN_CASE(keygen_sha3_224, CKM_SHA3_224_KEY_GEN, CKK_SHA3_224_HMAC, 28, 0)
KEYGEN_CASE(keygen_sha3_256, CKM_SHA3_256_KEY_GEN, CKK_SHA3_256_HMAC, 32, 0)
KEYGEN_CASE(keygen_sha3_384, CKM_SHA3_384_KEY_GEN, CKK_SHA3_384_HMAC, 48, 0)
KEYGEN_CASE(keygen_sha3_512, CKM_SHA3_512_KEY_GEN, CKK_SHA3_512_HMAC, 64, 0)

/* Templates that the mechanism contradicts. */
void case_keygen_refused(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_MECHANISM mech = {CKM_AES_KEY_GEN, NULL, 0}, none = {0x7ffffff0, NULL, 0};
	CK_OBJECT_HANDLE key;
	CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;
	CK_ULONG len = 16, bad_len = 17;
	CK_ATTRIBUTE with_value[] = {{CKA_VALUE_LEN, &len, sizeof len}, {CKA_TOKEN, &no, 1}, {CKA_VALUE, "x", 1}};
	CK_ATTRIBUTE other_type[] = {{CKA_VALUE_LEN, &len, sizeof len}, {CKA_KEY_TYPE, &generic, sizeof generic}};
	CK_ATTRIBUTE other_class[] = {{CKA_VALUE_LEN, &len, sizeof len}, {CKA_CLASS, &public_class, sizeof public_class}};
	CK_ATTRIBUTE local[] = {{CKA_VALUE_LEN, &len, sizeof len}, {CKA_LOCAL, &yes, 1}};
	CK_ATTRIBUTE odd[] = {{CKA_VALUE_LEN, &bad_len, sizeof bad_len}};

	if (offers(CKM_AES_KEY_GEN)) {
		IS(p11->C_GenerateKey(s, &mech, NULL, 0, &key), CKR_TEMPLATE_INCOMPLETE);
		IS(p11->C_GenerateKey(s, &mech, odd, 1, &key), CKR_ATTRIBUTE_VALUE_INVALID);
		EITHER(p11->C_GenerateKey(s, &mech, with_value, 3, &key), CKR_ATTRIBUTE_READ_ONLY, CKR_TEMPLATE_INCONSISTENT);
		IS(p11->C_GenerateKey(s, &mech, other_type, 2, &key), CKR_TEMPLATE_INCONSISTENT);
		EITHER(p11->C_GenerateKey(s, &mech, other_class, 2, &key), CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID);
		ASK("CKA_LOCAL is given", "4.7, footnote 4", p11->C_GenerateKey(s, &mech, local, 2, &key),
		    CKR_ATTRIBUTE_READ_ONLY);
		item("arguments that are not there");
		IS(p11->C_GenerateKey(s, &mech, odd, 1, NULL), CKR_ARGUMENTS_BAD);
		IS(p11->C_GenerateKey(s, NULL, odd, 1, &key), CKR_ARGUMENTS_BAD);
		IS(p11->C_GenerateKey(s, &none, odd, 1, &key), CKR_MECHANISM_INVALID);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* RFC 6070, 2; RFC 7914, 11. */
static const struct {
	CK_ULONG prf;
	const char *password, *salt; /* as known_bytes() reads them */
	CK_ULONG iterations;
	const char *key;
} passwords[] = {
	{CKP_PKCS5_PBKD2_HMAC_SHA1, "'password", "'salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
	{CKP_PKCS5_PBKD2_HMAC_SHA1, "'password", "'salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
	{CKP_PKCS5_PBKD2_HMAC_SHA1, "'password", "'salt", 4096, "4b007901b765489abead49d926f721d065a429c1"},
	{CKP_PKCS5_PBKD2_HMAC_SHA1, "'passwordPASSWORDpassword", "'saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
	{CKP_PKCS5_PBKD2_HMAC_SHA1, "7061737300776f7264", "7361006c74", 4096, "56fa6aa75548099dcc37d7f03425e0c3"},
	{CKP_PKCS5_PBKD2_HMAC_SHA256, "'passwd", "'salt", 1,
	 "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
	 "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
};

static void pbkdf2_one(CK_SESSION_HANDLE s, size_t i, bool old_params)
{
	unsigned char password[64], salt[64], wanted[64], value[64];
	CK_ULONG len = known_bytes(wanted, passwords[i].key), password_len = known_bytes(password, passwords[i].password);
	CK_PKCS5_PBKD2_PARAMS2 p = {CKZ_SALT_SPECIFIED, salt, known_bytes(salt, passwords[i].salt), passwords[i].iterations,
				    passwords[i].prf, NULL, 0, password, password_len};
	CK_PKCS5_PBKD2_PARAMS old = {CKZ_SALT_SPECIFIED, salt, p.ulSaltSourceDataLen, p.iterations, p.prf, NULL, 0, password,
				     &password_len};
	CK_MECHANISM mech = {CKM_PKCS5_PBKD2, old_params ? (void *)&old : (void *)&p, sizeof p};
	CK_OBJECT_HANDLE key;

	item("%s, number %zu", i < 5 ? "RFC 6070" : "RFC 7914", i + 1);
	MUST(make(s, &mech, CK_TRUE, len, &key));
	value_of(s, key, value, len);
	CHECK(memcmp(value, wanted, len) == 0);
	known_answer(CKM_PKCS5_PBKD2, "RFC 6070, RFC 7914");
	CHECK(ulong_of(s, key, CKA_KEY_GEN_MECHANISM) == CKM_PKCS5_PBKD2);
}

void case_pbkdf2(void)
{
	CK_SESSION_HANDLE s = session_user();

	for (size_t i = 0; i < sizeof passwords / sizeof passwords[0] && offers(CKM_PKCS5_PBKD2); i++)
		pbkdf2_one(s, i, false);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* The password's length behind a pointer, as 2.40 first had it. */
void case_pbkdf2_old_params(void)
{
	CK_SESSION_HANDLE s = session_user();

	for (size_t i = 0; i < sizeof passwords / sizeof passwords[0] && offers(CKM_PKCS5_PBKD2); i++)
		pbkdf2_one(s, i, true);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
