/* SPDX-License-Identifier: Apache-2.0 */
/* Keys derived from keys of the token: what they inherit, and what is refused. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "test/pkcs11/kdf-fixture.h"

static bool bool_attr(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL v = 2;

	assert_int_equal(read_attr(s, key, type, &v, 1), 1);
	return v == CK_TRUE;
}

/* ---- what is inherited ------------------------------------------------------------------------------------ */

static CK_RV with(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE base, CK_BBOOL *sensitive,
	CK_BBOOL *extractable_, CK_OBJECT_HANDLE *key)
{
	CK_ATTRIBUTE templ[2];
	CK_ULONG n = 0;

	if (sensitive != NULL)
		templ[n++] = (CK_ATTRIBUTE){CKA_SENSITIVE, sensitive, 1};
	if (extractable_ != NULL)
		templ[n++] = (CK_ATTRIBUTE){CKA_EXTRACTABLE, extractable_, 1};
	return p11->C_DeriveKey(s, mech, base, templ, n, key);
}

/* Mechanisms that show a key's bytes give no less protection than the key has; others do as the template says. */
static void sensitivity(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_KEY_DERIVATION_STRING_DATA p = {bytes + 64, 32};
	CK_OBJECT_HANDLE key, open, closed;

	(void)state;
	fill(5);
	open = base_of(s, CKK_GENERIC_SECRET, 32, true);
	closed = base_of(s, CKK_GENERIC_SECRET, 32, false);
	CK_MECHANISM shows[] = {{CKM_CONCATENATE_BASE_AND_DATA, &p, sizeof p},
		{CKM_CONCATENATE_DATA_AND_BASE, &p, sizeof p}, {CKM_XOR_BASE_AND_DATA, &p, sizeof p},
		{CKM_CONCATENATE_BASE_AND_KEY, &open, sizeof open}};
	for (size_t i = 0; i < 4; i++) {
		IS(with(s, &shows[i], closed, &no, NULL, &key), CKR_TEMPLATE_INCONSISTENT);
		IS(with(s, &shows[i], closed, NULL, &yes, &key), CKR_TEMPLATE_INCONSISTENT);
		IS(with(s, &shows[i], closed, NULL, NULL, &key), CKR_OK);
		assert_true(bool_attr(s, key, CKA_SENSITIVE));
		assert_false(bool_attr(s, key, CKA_EXTRACTABLE));
		assert_false(bool_attr(s, key, CKA_ALWAYS_SENSITIVE)); /* the base key came from outside */
		assert_false(bool_attr(s, key, CKA_NEVER_EXTRACTABLE));
		IS(with(s, &shows[i], open, &no, &yes, &key), CKR_OK);
		IS(with(s, &shows[i], open, &yes, &no, &key), CKR_OK);
	}
	/* The second key counts as the first does. */
	CK_MECHANISM both = {CKM_CONCATENATE_BASE_AND_KEY, &closed, sizeof closed};
	IS(with(s, &both, open, &no, NULL, &key), CKR_TEMPLATE_INCONSISTENT);
	IS(with(s, &both, open, NULL, &yes, &key), CKR_TEMPLATE_INCONSISTENT);
	IS(with(s, &both, open, NULL, NULL, &key), CKR_OK);
	assert_true(bool_attr(s, key, CKA_SENSITIVE));
	assert_false(bool_attr(s, key, CKA_EXTRACTABLE));
	/* A hash is no such thing. */
	CK_MECHANISM hash = {CKM_SHA256_KEY_DERIVATION, NULL, 0};
	IS(with(s, &hash, closed, &no, &yes, &key), CKR_OK);
	assert_false(bool_attr(s, key, CKA_LOCAL));
	CK_ULONG made_by = 0;
	assert_int_equal(read_attr(s, key, CKA_KEY_GEN_MECHANISM, &made_by, sizeof made_by), sizeof made_by);
	assert_int_equal(made_by, CK_UNAVAILABLE_INFORMATION);
}

/* "Always" and "never" hold of what is derived if they hold of the keys it came of. */
static void history(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ULONG len = 32;
	CK_MECHANISM make = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0}, hash = {CKM_SHA256_KEY_DERIVATION, NULL, 0};
	CK_ATTRIBUTE templ[] = {{CKA_VALUE_LEN, &len, sizeof len}, {CKA_DERIVE, &yes, 1}};
	CK_OBJECT_HANDLE made, key, outside;

	(void)state;
	fill(6);
	IS(p11->C_GenerateKey(s, &make, templ, 2, &made), CKR_OK);
	outside = base_of(s, CKK_GENERIC_SECRET, 32, false);
	const struct {
		CK_OBJECT_HANDLE base, other;
		bool always;
	} cases[] = {{made, made, true}, {made, outside, false}, {outside, made, false}};
	for (size_t i = 0; i < 3; i++) {
		CK_OBJECT_HANDLE other = cases[i].other;
		CK_MECHANISM both = {CKM_CONCATENATE_BASE_AND_KEY, &other, sizeof other};
		IS(with(s, &both, cases[i].base, NULL, NULL, &key), CKR_OK);
		assert_int_equal(bool_attr(s, key, CKA_ALWAYS_SENSITIVE), cases[i].always);
		assert_int_equal(bool_attr(s, key, CKA_NEVER_EXTRACTABLE), cases[i].always);
	}
	IS(with(s, &hash, made, NULL, NULL, &key), CKR_OK);
	assert_true(bool_attr(s, key, CKA_ALWAYS_SENSITIVE));
	assert_true(bool_attr(s, key, CKA_NEVER_EXTRACTABLE));
	IS(with(s, &hash, made, &no, &yes, &key), CKR_OK);
	assert_false(bool_attr(s, key, CKA_ALWAYS_SENSITIVE));
	assert_false(bool_attr(s, key, CKA_NEVER_EXTRACTABLE));
}

/* A protected key is not read a few bytes at a time, by keys that are short or that the host knows but for these. */
static void not_by_the_byte(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_KEY_DERIVATION_STRING_DATA p = {bytes + 64, 32};
	CK_EXTRACT_PARAMS bit = 128;
	CK_OBJECT_HANDLE key, open, closed, shorter;

	(void)state;
	fill(7);
	open = base_of(s, CKK_GENERIC_SECRET, 32, true);
	closed = base_of(s, CKK_GENERIC_SECRET, 32, false);
	shorter = base_of(s, CKK_GENERIC_SECRET, 5, false);
	CK_MECHANISM before = {CKM_CONCATENATE_DATA_AND_BASE, &p, sizeof p},
		     after = {CKM_CONCATENATE_BASE_AND_DATA, &p, sizeof p};
	CK_MECHANISM both = {CKM_CONCATENATE_BASE_AND_KEY, &closed, sizeof closed},
		     xor = {
			     CKM_XOR_BASE_AND_DATA, &p, sizeof p};
	CK_MECHANISM cut = {CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit};
	const struct {
		CK_MECHANISM *mech;
		CK_OBJECT_HANDLE base;
		CK_ULONG len;
		CK_RV rv;
	} cases[] = {
		{&before, closed, 32, CKR_KEY_SIZE_RANGE},
		{&before, closed, 33, CKR_KEY_SIZE_RANGE},
		{&before, closed, 47, CKR_KEY_SIZE_RANGE},
		{&before, closed, 48, CKR_OK},
		{&before, open, 33, CKR_OK},
		{&before, open, 32, CKR_KEY_SIZE_RANGE},
		{&before, shorter, 36, CKR_KEY_SIZE_RANGE},
		{&before, shorter, 37, CKR_OK},
		{&after, closed, 15, CKR_KEY_SIZE_RANGE},
		{&after, closed, 16, CKR_OK},
		{&after, open, 1, CKR_OK},
		{&after, closed, 65, CKR_KEY_SIZE_RANGE},
		{&both, open, 33, CKR_KEY_SIZE_RANGE},
		{&both, open, 47, CKR_KEY_SIZE_RANGE},
		{&both, open, 48, CKR_OK},
		{&both, open, 32, CKR_OK},
		{&xor, closed, 15, CKR_KEY_SIZE_RANGE},
		{&xor, closed, 16, CKR_OK},
		{&xor, open, 1, CKR_OK},
		{&xor, open, 33, CKR_KEY_SIZE_RANGE},
		{&cut, closed, 1, CKR_KEY_SIZE_RANGE},
		{&cut, closed, 16, CKR_OK},
		{&after, closed, 31, CKR_KEY_SIZE_RANGE},
		{&both, open, 63, CKR_KEY_SIZE_RANGE},
		{&xor, closed, 31, CKR_KEY_SIZE_RANGE},
		{&cut, closed, 17, CKR_KEY_SIZE_RANGE},
		{&cut, open, 1, CKR_OK},
		{&cut, open, 33, CKR_KEY_SIZE_RANGE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CK_ATTRIBUTE len = {CKA_VALUE_LEN, (void *)&cases[i].len, sizeof cases[i].len};
		IS(p11->C_DeriveKey(s, cases[i].mech, cases[i].base, &len, 1, &key), cases[i].rv);
	}
	p.ulLen = 3; /* as many bytes as there are */
	IS(with(s, &xor, closed, NULL, NULL, &key), CKR_KEY_SIZE_RANGE);
	IS(with(s, &xor, open, NULL, NULL, &key), CKR_OK);
}

static CK_RV derive_some(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, void *param, CK_ULONG param_len,
	CK_OBJECT_HANDLE base, CK_ULONG len, CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM mech = {type, param, param_len};
	CK_ATTRIBUTE templ[] = {{CKA_VALUE_LEN, &len, sizeof len}, {CKA_DERIVE, &yes, 1}};

	return p11->C_DeriveKey(s, &mech, base, templ, 2, key);
}

/* Nor in two steps: joined with bytes of the host's, and then cut so that one of its own is left beside these. */
static void not_by_the_byte_in_steps(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_KEY_DERIVATION_STRING_DATA known = {bytes + 64, 15}, none = {NULL, 0}, first = {bytes + 96, 16};
	CK_EXTRACT_PARAMS bit = 8 * 31, none_of_it = 0;
	CK_OBJECT_HANDLE closed, open, joined[4], key;

	(void)state;
	fill(17);
	closed = base_of(s, CKK_GENERIC_SECRET, 32, false);
	open = base_of(s, CKK_GENERIC_SECRET, 15, true);
	IS(derive_some(s, CKM_CONCATENATE_BASE_AND_DATA, &known, sizeof known, closed, 47, &joined[0]), CKR_OK);
	IS(derive_some(s, CKM_CONCATENATE_BASE_AND_KEY, &open, sizeof open, closed, 47, &joined[1]), CKR_OK);
	IS(p11->C_CopyObject(s, joined[0], NULL, 0, &joined[2]), CKR_OK);
	IS(derive_some(s, CKM_CONCATENATE_BASE_AND_DATA, &none, sizeof none, joined[0], 47, &joined[3]), CKR_OK);
	for (size_t i = 0; i < 4; i++) {
		IS(derive_some(s, CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit, joined[i], 16, &key), CKR_KEY_SIZE_RANGE);
		IS(derive_some(s, CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit, joined[i], 47, &key), CKR_KEY_SIZE_RANGE); /* turned */
		IS(derive_some(s, CKM_EXTRACT_KEY_FROM_KEY, &none_of_it, sizeof bit, joined[i], 47, &key), CKR_OK);
		IS(derive_some(s, CKM_EXTRACT_KEY_FROM_KEY, &none_of_it, sizeof bit, key, 46, &key), CKR_KEY_SIZE_RANGE);
	}
	IS(derive_some(s, CKM_CONCATENATE_DATA_AND_BASE, &known, sizeof known, closed, 47, &key), CKR_OK);
	IS(derive_some(s, CKM_XOR_BASE_AND_DATA, &first, sizeof first, key, 16, &key), CKR_KEY_SIZE_RANGE);
	IS(derive_some(s, CKM_CONCATENATE_BASE_AND_DATA, &first, sizeof first, key, 16, &key), CKR_KEY_SIZE_RANGE);
	IS(derive_some(s, CKM_CONCATENATE_BASE_AND_DATA, &known, sizeof known, closed, 32, &key), CKR_OK);
	IS(derive_some(s, CKM_EXTRACT_KEY_FROM_KEY, &(CK_EXTRACT_PARAMS){0}, sizeof bit, key, 16, &key), CKR_OK);
}

/* What the base key says of its keys holds, whichever mechanism makes them. */
static void base_keys_template(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ULONG len = 24;
	CK_ATTRIBUTE nested[] = {{CKA_EXTRACTABLE, &no, 1}, {CKA_SIGN, &yes, 1}, {CKA_VALUE_LEN, &len, sizeof len}};
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
		{CKA_KEY_TYPE, &(CK_KEY_TYPE){CKK_GENERIC_SECRET}, sizeof(CK_KEY_TYPE)}, {CKA_VALUE, bytes, 32},
		{CKA_DERIVE, &yes, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_DERIVE_TEMPLATE, nested, sizeof nested}};
	CK_HKDF_PARAMS p = {CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_NULL, NULL, 0, 0, NULL, 0};
	CK_MECHANISM hkdf = {CKM_HKDF_DERIVE, &p, sizeof p}, data = {CKM_HKDF_DATA, &p, sizeof p};
	CK_OBJECT_HANDLE base, key, open;

	(void)state;
	fill(8);
	IS(p11->C_CreateObject(s, templ, 6, &base), CKR_OK);
	open = base_of(s, CKK_GENERIC_SECRET, 32, true);
	IS(with(s, &hkdf, base, NULL, NULL, &key), CKR_OK);
	assert_true(bool_attr(s, key, CKA_SIGN));
	assert_int_equal(read_attr(s, key, CKA_VALUE_LEN, &len, sizeof len), sizeof len);
	assert_int_equal(len, 24);
	IS(with(s, &hkdf, base, NULL, &yes, &key), CKR_TEMPLATE_INCONSISTENT);
	IS(derive_len(s, CKM_HKDF_DERIVE, &p, sizeof p, open, 25, &key), CKR_OK);
	/* Data says nothing of itself; and it is no second key. */
	CK_ATTRIBUTE ask = {CKA_VALUE_LEN, &len, sizeof len};
	IS(p11->C_DeriveKey(s, &data, base, &ask, 1, &key), CKR_TEMPLATE_INCONSISTENT);
	CK_MECHANISM both = {CKM_CONCATENATE_BASE_AND_KEY, &base, sizeof base};
	IS(with(s, &both, open, NULL, NULL, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
	p.ulSaltType = CKF_HKDF_SALT_KEY;
	p.hSaltKey = base;
	IS(derive_len(s, CKM_HKDF_DERIVE, &p, sizeof p, open, 25, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* ---- what is refused -------------------------------------------------------------------------------------- */

static void keys_that_do_not_fit(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_HKDF_PARAMS p = {CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_NULL, NULL, 0, 0, NULL, 0};
	CK_MECHANISM hkdf = {CKM_HKDF_DERIVE, &p, sizeof p}, none = {CKM_SHA256, NULL, 0};
	CK_KEY_DERIVATION_STRING_DATA data = {bytes, 16};
	CK_MECHANISM ecb = {CKM_AES_ECB_ENCRYPT_DATA, &data, sizeof data};
	CK_OBJECT_HANDLE key, base;
	CK_ULONG len = 16, zero = 0;
	CK_ATTRIBUTE wanted = {CKA_VALUE_LEN, &len, sizeof len}, no_len = {CKA_VALUE_LEN, &zero, sizeof zero};
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
		{CKA_KEY_TYPE, &(CK_KEY_TYPE){CKK_GENERIC_SECRET}, sizeof(CK_KEY_TYPE)}, {CKA_VALUE, bytes, 32}};
	CK_ATTRIBUTE as_aes[] = {{CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_VALUE_LEN, &len, sizeof len}};

	(void)state;
	fill(9);
	base = base_of(s, CKK_GENERIC_SECRET, 32, true);
	IS(p11->C_DeriveKey(s, &hkdf, base, as_aes, 2, &key), CKR_OK);
	IS(p11->C_DeriveKey(s, &hkdf, base, as_aes, 1, &key), CKR_TEMPLATE_INCOMPLETE);
	len = 17;
	IS(p11->C_DeriveKey(s, &hkdf, base, as_aes, 2, &key), CKR_KEY_SIZE_RANGE);
	IS(p11->C_DeriveKey(s, &hkdf, base, &no_len, 1, &key), CKR_KEY_SIZE_RANGE);
	IS(p11->C_DeriveKey(s, &hkdf, base, NULL, 0, &key), CKR_TEMPLATE_INCOMPLETE);
	len = 16;
	IS(p11->C_DeriveKey(s, &ecb, base, &wanted, 1, &key), CKR_KEY_TYPE_INCONSISTENT);
	IS(p11->C_DeriveKey(s, &none, base, &wanted, 1, &key), CKR_MECHANISM_INVALID);
	IS(p11->C_DeriveKey(s, &hkdf, base + 1000, &wanted, 1, &key), CKR_KEY_HANDLE_INVALID);
	IS(p11->C_DeriveKey(s, &hkdf, peer(s, "bob"), &wanted, 1, &key), CKR_KEY_TYPE_INCONSISTENT);
	IS(p11->C_DeriveKey(s, &hkdf, base, &wanted, 1, NULL), CKR_ARGUMENTS_BAD);
	/* One that may not be derived from, also as a second key. */
	CK_OBJECT_HANDLE other;
	IS(p11->C_CreateObject(s, templ, 3, &other), CKR_OK);
	IS(p11->C_DeriveKey(s, &hkdf, other, &wanted, 1, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
	CK_MECHANISM both = {CKM_CONCATENATE_BASE_AND_KEY, &other, sizeof other};
	IS(p11->C_DeriveKey(s, &both, base, NULL, 0, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
	other += 1000;
	IS(p11->C_DeriveKey(s, &both, base, NULL, 0, &key), CKR_KEY_HANDLE_INVALID);
	p.ulSaltType = CKF_HKDF_SALT_KEY;
	p.hSaltKey = other;
	IS(p11->C_DeriveKey(s, &hkdf, base, &wanted, 1, &key), CKR_KEY_HANDLE_INVALID);
}

/* Every length of each parameter but the right one; and nothing. */
static void lengths_of_parameters(void **state)
{
	static const struct {
		CK_MECHANISM_TYPE mech;
		CK_ULONG len;
	} cases[] = {
		{CKM_HKDF_DERIVE, sizeof(CK_HKDF_PARAMS)},
		{CKM_SP800_108_COUNTER_KDF, sizeof(CK_SP800_108_KDF_PARAMS)},
		{CKM_SP800_108_FEEDBACK_KDF, sizeof(CK_SP800_108_FEEDBACK_KDF_PARAMS)},
		{CKM_SP800_108_DOUBLE_PIPELINE_KDF, sizeof(CK_SP800_108_KDF_PARAMS)},
		{CKM_CONCATENATE_BASE_AND_KEY, sizeof(CK_OBJECT_HANDLE)},
		{CKM_CONCATENATE_BASE_AND_DATA, sizeof(CK_KEY_DERIVATION_STRING_DATA)},
		{CKM_CONCATENATE_DATA_AND_BASE, sizeof(CK_KEY_DERIVATION_STRING_DATA)},
		{CKM_XOR_BASE_AND_DATA, sizeof(CK_KEY_DERIVATION_STRING_DATA)},
		{CKM_EXTRACT_KEY_FROM_KEY, sizeof(CK_EXTRACT_PARAMS)},
		{CKM_AES_ECB_ENCRYPT_DATA, sizeof(CK_KEY_DERIVATION_STRING_DATA)},
		{CKM_AES_CBC_ENCRYPT_DATA, sizeof(CK_AES_CBC_ENCRYPT_DATA_PARAMS)},
		{CKM_TLS12_KDF, sizeof(CK_TLS_KDF_PARAMS)},
		{CKM_SHA256_KEY_DERIVATION, 0},
	};
	CK_SESSION_HANDLE s = session_new();
	unsigned char zeros[128] = {0};
	CK_OBJECT_HANDLE key;

	(void)state;
	fill(10);
	CK_OBJECT_HANDLE base = base_of(s, CKK_AES, 32, true);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (CK_ULONG len = 0; len <= sizeof zeros; len++) {
			if (len != cases[i].len)
				IS(derive_len(s, cases[i].mech, zeros, len, base, 16, &key),
					CKR_MECHANISM_PARAM_INVALID);
		}
		IS(derive_len(s, cases[i].mech, zeros, (CK_ULONG)-1, base, 16, &key), CKR_MECHANISM_PARAM_INVALID);
		if (cases[i].len > 0)
			IS(derive_len(s, cases[i].mech, NULL, cases[i].len, base, 16, &key),
				CKR_MECHANISM_PARAM_INVALID);
	}
}

/* One member of a good parameter at a time is wrong. */
#define BAD(type, params, change)                                                                                      \
	do {                                                                                                           \
		__typeof__(params) bad_ = params;                                                                      \
		bad_.change;                                                                                           \
		IS(derive_len(s, type, &bad_, sizeof bad_, base, 16, &key), CKR_MECHANISM_PARAM_INVALID);              \
	} while (0)

static void members_of_parameters(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key;
	const CK_ULONG huge[] = {65537, 1ul << 32, 1ul << 63, (CK_ULONG)-1};

	(void)state;
	fill(11);
	CK_OBJECT_HANDLE base = base_of(s, CKK_AES, 32, true);
	CK_HKDF_PARAMS hkdf = {CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_DATA, bytes, 8, 0, bytes, 8};
	IS(derive_len(s, CKM_HKDF_DERIVE, &hkdf, sizeof hkdf, base, 16, &key), CKR_OK);
	BAD(CKM_HKDF_DERIVE, hkdf, bExtract = 2);
	BAD(CKM_HKDF_DERIVE, hkdf, bExpand = 2);
	BAD(CKM_HKDF_DERIVE, hkdf, prfHashMechanism = CKM_SHA256_HMAC);
	BAD(CKM_HKDF_DERIVE, hkdf, prfHashMechanism = CKM_MD5);
	BAD(CKM_HKDF_DERIVE, hkdf, ulSaltType = 0);
	BAD(CKM_HKDF_DERIVE, hkdf, ulSaltType = CKF_HKDF_SALT_DATA | CKF_HKDF_SALT_KEY);
	BAD(CKM_HKDF_DERIVE, hkdf, pSalt = NULL);
	BAD(CKM_HKDF_DERIVE, hkdf, ulSaltLen = 0);
	BAD(CKM_HKDF_DERIVE, hkdf, pInfo = NULL);
	for (int i = 0; i < 4; i++) {
		BAD(CKM_HKDF_DERIVE, hkdf, ulSaltLen = huge[i]);
		BAD(CKM_HKDF_DERIVE, hkdf, ulInfoLen = huge[i]);
	}
	hkdf.bExtract = hkdf.bExpand = CK_FALSE;
	IS(derive_len(s, CKM_HKDF_DERIVE, &hkdf, sizeof hkdf, base, 16, &key), CKR_MECHANISM_PARAM_INVALID);

	CK_KEY_DERIVATION_STRING_DATA data = {bytes, 16};
	static const CK_MECHANISM_TYPE strings[] = {CKM_CONCATENATE_BASE_AND_DATA, CKM_CONCATENATE_DATA_AND_BASE,
		CKM_XOR_BASE_AND_DATA, CKM_AES_ECB_ENCRYPT_DATA};
	for (size_t i = 0; i < 4; i++) {
		BAD(strings[i], data, pData = NULL);
		for (int k = 1; k < 4; k++)
			BAD(strings[i], data, ulLen = huge[k]);
	}
	CK_AES_CBC_ENCRYPT_DATA_PARAMS cbc = {.pData = bytes, .length = 32};
	BAD(CKM_AES_ECB_ENCRYPT_DATA, data, ulLen = 17);
	BAD(CKM_AES_ECB_ENCRYPT_DATA, data, ulLen = 0);
	BAD(CKM_AES_CBC_ENCRYPT_DATA, cbc, length = 31);
	BAD(CKM_AES_CBC_ENCRYPT_DATA, cbc, length = (CK_ULONG)-16);
	BAD(CKM_AES_CBC_ENCRYPT_DATA, cbc, pData = NULL);
	IS(derive_len(s, CKM_AES_ECB_ENCRYPT_DATA, &data, sizeof data, base, 17, &key), CKR_KEY_SIZE_RANGE);

	const CK_EXTRACT_PARAMS bits[] = {32 * 8, 1ul << 63, (CK_ULONG)-1};
	for (int i = 0; i < 3; i++)
		IS(derive_len(s, CKM_EXTRACT_KEY_FROM_KEY, (void *)&bits[i], sizeof bits[i], base, 16, &key),
			CKR_MECHANISM_PARAM_INVALID);

	CK_TLS_KDF_PARAMS tls = {CKM_SHA256, bytes, 8, {bytes, 8, bytes, 8}, bytes, 8};
	IS(derive_len(s, CKM_TLS12_KDF, &tls, sizeof tls, base, 16, &key), CKR_OK);
	BAD(CKM_TLS12_KDF, tls, prfMechanism = CKM_TLS_PRF);
	BAD(CKM_TLS12_KDF, tls, pLabel = NULL);
	BAD(CKM_TLS12_KDF, tls, RandomInfo.pClientRandom = NULL);
	BAD(CKM_TLS12_KDF, tls, RandomInfo.pServerRandom = NULL);
	BAD(CKM_TLS12_KDF, tls, pContextData = NULL);
	for (int i = 0; i < 4; i++) {
		BAD(CKM_TLS12_KDF, tls, ulLabelLength = huge[i]);
		BAD(CKM_TLS12_KDF, tls, RandomInfo.ulClientRandomLen = huge[i]);
		BAD(CKM_TLS12_KDF, tls, RandomInfo.ulServerRandomLen = huge[i]);
		BAD(CKM_TLS12_KDF, tls, ulContextDataLength = huge[i]);
	}
}

static void fields_of_sp800_108(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_SP800_108_COUNTER_FORMAT counter = {CK_FALSE, 8}, odd[] = {{2, 8}, {CK_FALSE, 0}, {CK_FALSE, 12},
								     {CK_FALSE, 40}, {CK_FALSE, (CK_ULONG)-8}};
	CK_SP800_108_DKM_LENGTH_FORMAT length = {CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, CK_FALSE, 8};
	CK_SP800_108_DKM_LENGTH_FORMAT bad_length = {3, CK_FALSE, 8},
				       wide = {CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, CK_FALSE, 72};
	const CK_PRF_DATA_PARAM count = {CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter},
				variable = {CK_SP800_108_ITERATION_VARIABLE, NULL, 0},
				optional = {CK_SP800_108_COUNTER, &counter, sizeof counter},
				len = {CK_SP800_108_DKM_LENGTH, &length, sizeof length},
				text = {CK_SP800_108_BYTE_ARRAY, bytes, 9};
	const struct {
		CK_PRF_DATA_PARAM field[3];
		CK_ULONG n;
		CK_RV counter, pipeline;
	} cases[] = {
		{{count, text, len}, 3, CKR_OK, CKR_MECHANISM_PARAM_INVALID},
		{{variable, optional, text}, 3, CKR_MECHANISM_PARAM_INVALID, CKR_OK},
		{{variable, text, len}, 3, CKR_MECHANISM_PARAM_INVALID, CKR_OK},
		{{text, len}, 2, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID},
		{{count, count}, 2, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID},
		{{variable, variable}, 2, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID},
		{{variable, optional, optional}, 3, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID},
		{{count, optional}, 2, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID},
		{{count, len, len}, 3, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID},
		{{variable, len, len}, 3, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID},
		{{count, {5, bytes, 3}}, 2, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID},
		{{variable, {0, NULL, 0}}, 2, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_PARAM_INVALID},
		{{count, {CK_SP800_108_BYTE_ARRAY, NULL, 3}}, 2, CKR_MECHANISM_PARAM_INVALID,
			CKR_MECHANISM_PARAM_INVALID},
		{{count, {CK_SP800_108_BYTE_ARRAY, bytes, (CK_ULONG)-1}}, 2, CKR_MECHANISM_PARAM_INVALID,
			CKR_MECHANISM_PARAM_INVALID},
		{{count, {CK_SP800_108_DKM_LENGTH, NULL, sizeof length}}, 2, CKR_MECHANISM_PARAM_INVALID,
			CKR_MECHANISM_PARAM_INVALID},
		{{count, {CK_SP800_108_DKM_LENGTH, &length, 8}}, 2, CKR_MECHANISM_PARAM_INVALID,
			CKR_MECHANISM_PARAM_INVALID},
		{{count, {CK_SP800_108_DKM_LENGTH, &bad_length, sizeof length}}, 2, CKR_MECHANISM_PARAM_INVALID,
			CKR_MECHANISM_PARAM_INVALID},
		{{count, {CK_SP800_108_DKM_LENGTH, &wide, sizeof length}}, 2, CKR_MECHANISM_PARAM_INVALID,
			CKR_MECHANISM_PARAM_INVALID},
		{{variable, {CK_SP800_108_COUNTER, NULL, sizeof counter}}, 2, CKR_MECHANISM_PARAM_INVALID,
			CKR_MECHANISM_PARAM_INVALID},
		{{{CK_SP800_108_ITERATION_VARIABLE, &counter, 3}, text}, 2, CKR_MECHANISM_PARAM_INVALID,
			CKR_MECHANISM_PARAM_INVALID},
	};
	CK_OBJECT_HANDLE key;

	(void)state;
	fill(12);
	CK_OBJECT_HANDLE base = base_of(s, CKK_GENERIC_SECRET, 32, true), block = base_of(s, CKK_AES, 32, true);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CK_SP800_108_KDF_PARAMS p = {CKM_SHA256_HMAC, cases[i].n, (CK_PRF_DATA_PARAM *)cases[i].field, 0, NULL};
		IS(derive_len(s, CKM_SP800_108_COUNTER_KDF, &p, sizeof p, base, 16, &key), cases[i].counter);
		IS(derive_len(s, CKM_SP800_108_DOUBLE_PIPELINE_KDF, &p, sizeof p, base, 16, &key), cases[i].pipeline);
	}
	CK_PRF_DATA_PARAM one = count;
	CK_SP800_108_KDF_PARAMS p = {CKM_SHA256_HMAC, 1, &one, 0, NULL};
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		one.pValue = &odd[i];
		IS(derive_len(s, CKM_SP800_108_COUNTER_KDF, &p, sizeof p, base, 16, &key), CKR_MECHANISM_PARAM_INVALID);
	}
	one = count;
	/* As much as the counter can count; as much as the length can say. */
	IS(derive_len(s, CKM_SP800_108_COUNTER_KDF, &p, sizeof p, base, 255 * 32, &key), CKR_OK);
	IS(derive_len(s, CKM_SP800_108_COUNTER_KDF, &p, sizeof p, base, 255 * 32 + 1, &key), CKR_KEY_SIZE_RANGE);
	CK_PRF_DATA_PARAM two[] = {count, len};
	CK_SP800_108_KDF_PARAMS q = {CKM_SHA256_HMAC, 2, two, 0, NULL};
	IS(derive_len(s, CKM_SP800_108_COUNTER_KDF, &q, sizeof q, base, 31, &key), CKR_OK);
	IS(derive_len(s, CKM_SP800_108_COUNTER_KDF, &q, sizeof q, base, 32, &key), CKR_KEY_SIZE_RANGE);
	IS(derive_len(s, CKM_SP800_108_COUNTER_KDF, &q, sizeof q, base, 0, &key), CKR_TEMPLATE_INCOMPLETE);
	BAD(CKM_SP800_108_COUNTER_KDF, p, prfType = CKM_SHA256);
	BAD(CKM_SP800_108_COUNTER_KDF, p, prfType = CKM_AES_GMAC);
	BAD(CKM_SP800_108_COUNTER_KDF, p, ulNumberOfDataParams = 0);
	BAD(CKM_SP800_108_COUNTER_KDF, p, ulNumberOfDataParams = 33);
	BAD(CKM_SP800_108_COUNTER_KDF, p, ulNumberOfDataParams = (CK_ULONG)-1);
	BAD(CKM_SP800_108_COUNTER_KDF, p, pDataParams = NULL);
	BAD(CKM_SP800_108_COUNTER_KDF, p, ulAdditionalDerivedKeys = (CK_ULONG)-1);
	CK_PRF_DATA_PARAM field = variable;
	CK_SP800_108_FEEDBACK_KDF_PARAMS f = {CKM_SHA256_HMAC, 1, &field, 8, bytes, 0, NULL};
	BAD(CKM_SP800_108_FEEDBACK_KDF, f, pIV = NULL);
	BAD(CKM_SP800_108_FEEDBACK_KDF, f, ulIVLen = (CK_ULONG)-1);
	/* The function's key has to be one of its own. */
	IS(derive_len(s, CKM_SP800_108_COUNTER_KDF, &p, sizeof p, block, 16, &key), CKR_KEY_TYPE_INCONSISTENT);
	p.prfType = CKM_AES_CMAC;
	IS(derive_len(s, CKM_SP800_108_COUNTER_KDF, &p, sizeof p, base, 16, &key), CKR_KEY_TYPE_INCONSISTENT);
	IS(derive_len(s, CKM_SP800_108_COUNTER_KDF, &p, sizeof p, block, 16, &key), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sensitivity),
		TEST(history),
		TEST(not_by_the_byte),
		TEST(not_by_the_byte_in_steps),
		TEST(base_keys_template),
		TEST(keys_that_do_not_fit),
		TEST(lengths_of_parameters),
		TEST(members_of_parameters),
		TEST(fields_of_sp800_108),
	};

	return cmocka_run_group_tests_name("rules of derived keys", tests, NULL, NULL);
}
