/* SPDX-License-Identifier: Apache-2.0 */
/* What an application tries that has nothing but the API: to read a key that cannot be read, or to use it as it may not. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pkcs11/key-form.h"
#include "test/pkcs11/kdf-fixture.h"

static CK_KEY_TYPE generic = CKK_GENERIC_SECRET;

static CK_OBJECT_HANDLE made(CK_SESSION_HANDLE s, CK_KEY_TYPE type, const CK_ATTRIBUTE *more, CK_ULONG n)
{
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[12] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, bytes, 32}};

	memcpy(templ + 3, more, n * sizeof *more);
	IS(p11->C_CreateObject(s, templ, 3 + n, &key), CKR_OK);
	return key;
}

static bool is(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL v = 2;

	assert_int_equal(read_attr(s, key, type, &v, 1), 1);
	return v == CK_TRUE;
}

/* ---- derived keys, a byte at a time -------------------------------------------------------------------------- */

/* The ways to derive that give the same first bytes whatever the length. */
#define WAYS 9
struct ways {
	CK_HKDF_PARAMS both, first, second;
	CK_KEY_DERIVATION_STRING_DATA ecb;
	CK_AES_CBC_ENCRYPT_DATA_PARAMS cbc;
	CK_SP800_108_COUNTER_FORMAT counter;
	CK_PRF_DATA_PARAM field[2];
	CK_SP800_108_KDF_PARAMS plain;
	CK_SP800_108_FEEDBACK_KDF_PARAMS feedback;
	CK_SP800_108_KDF_PARAMS pipeline;
	CK_TLS_KDF_PARAMS tls;
	CK_MECHANISM mech[WAYS];
};

static void ways_of(struct ways *w)
{
	*w = (struct ways){
		.both = {CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_NULL, NULL, 0, 0, NULL, 0},
		.first = {CK_TRUE, CK_FALSE, CKM_SHA256, CKF_HKDF_SALT_NULL, NULL, 0, 0, NULL, 0},
		.second = {CK_FALSE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_NULL, NULL, 0, 0, NULL, 0},
		.ecb = {bytes + 64, 32},
		.cbc = {.pData = bytes + 64, .length = 32},
		.counter = {CK_FALSE, 8},
		.tls = {CKM_SHA256, bytes, 8, {bytes, 8, bytes, 8}, NULL, 0},
	};
	w->field[0] = (CK_PRF_DATA_PARAM){CK_SP800_108_ITERATION_VARIABLE, &w->counter, sizeof w->counter};
	w->field[1] = (CK_PRF_DATA_PARAM){CK_SP800_108_ITERATION_VARIABLE, NULL, 0};
	w->plain = (CK_SP800_108_KDF_PARAMS){CKM_AES_CMAC, 1, &w->field[0], 0, NULL};
	w->feedback = (CK_SP800_108_FEEDBACK_KDF_PARAMS){CKM_AES_CMAC, 1, &w->field[1], 0, NULL, 0, NULL};
	w->pipeline = (CK_SP800_108_KDF_PARAMS){CKM_AES_CMAC, 1, &w->field[1], 0, NULL};
	const CK_MECHANISM all[WAYS] = {
		{CKM_HKDF_DERIVE, &w->both, sizeof w->both},
		{CKM_HKDF_DERIVE, &w->first, sizeof w->first},
		{CKM_HKDF_DERIVE, &w->second, sizeof w->second},
		{CKM_AES_ECB_ENCRYPT_DATA, &w->ecb, sizeof w->ecb},
		{CKM_AES_CBC_ENCRYPT_DATA, &w->cbc, sizeof w->cbc},
		{CKM_SP800_108_COUNTER_KDF, &w->plain, sizeof w->plain},
		{CKM_SP800_108_FEEDBACK_KDF, &w->feedback, sizeof w->feedback},
		{CKM_SP800_108_DOUBLE_PIPELINE_KDF, &w->pipeline, sizeof w->pipeline},
		{CKM_TLS12_KDF, &w->tls, sizeof w->tls},
	};
	memcpy(w->mech, all, sizeof all);
}

static CK_RV of_len(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE base, CK_ULONG len, CK_OBJECT_HANDLE *key)
{
	CK_ATTRIBUTE templ = {CKA_VALUE_LEN, &len, sizeof len};

	return p11->C_DeriveKey(s, mech, base, &templ, 1, key);
}

/* The base key says that what comes of it cannot be read; so no 1, 2, 3 ... bytes of it, nor 16 and 17: who adds a byte to
 * the 16 and compares knows it. */
static void derived_by_the_byte(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ATTRIBUTE demands[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}};
	CK_ATTRIBUTE more[] = {{CKA_DERIVE, &yes, 1}, {CKA_ENCRYPT, &yes, 1}, {CKA_DERIVE_TEMPLATE, demands, sizeof demands}};
	CK_MECHANISM hash = {CKM_SHA256_KEY_DERIVATION, NULL, 0}, sha1 = {CKM_SHA1_KEY_DERIVATION, NULL, 0};
	CK_OBJECT_HANDLE base, key;
	struct ways w;

	(void)state;
	fill(31);
	base = made(s, CKK_AES, more, 3);
	ways_of(&w);
	for (CK_ULONG len = 1; len <= 33; len++) {
		for (size_t i = 0; i < WAYS; i++)
			IS(of_len(s, &w.mech[i], base, len, &key), len % 16 != 0 ? CKR_KEY_SIZE_RANGE : CKR_OK);
		IS(of_len(s, &hash, base, len, &key), len % 16 != 0 ? CKR_KEY_SIZE_RANGE : CKR_OK);
		IS(of_len(s, &sha1, base, len, &key), len != 20 ? CKR_KEY_SIZE_RANGE : CKR_OK);
	}
	/* Nor as a second key of one call. */
	CK_ULONG short_len = 4;
	CK_ATTRIBUTE second = {CKA_VALUE_LEN, &short_len, sizeof short_len};
	CK_OBJECT_HANDLE other = 0;
	CK_DERIVED_KEY beside = {&second, 1, &other};
	w.plain.ulAdditionalDerivedKeys = 1;
	w.plain.pAdditionalDerivedKeys = &beside;
	IS(of_len(s, &w.mech[5], base, 16, &key), CKR_KEY_SIZE_RANGE);
	assert_int_equal(other, 0);
}

/* What anybody may read is as short as he likes; and so is what has one length, by the base key's word. */
static void derived_short(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ULONG eight = 8;
	CK_ATTRIBUTE demands[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_VALUE_LEN, &eight, sizeof eight}};
	CK_ATTRIBUTE more[] = {{CKA_DERIVE, &yes, 1}, {CKA_DERIVE_TEMPLATE, demands, sizeof demands}};
	CK_OBJECT_HANDLE bound, free_, key;
	struct ways w;

	(void)state;
	fill(32);
	ways_of(&w);
	free_ = made(s, CKK_AES, more, 1);
	bound = made(s, CKK_AES, more, 2);
	IS(derive_len(s, CKM_HKDF_DERIVE, &w.both, sizeof w.both, free_, 1, &key), CKR_OK);
	IS(of_len(s, &w.mech[0], free_, 1, &key), CKR_OK);
	IS(p11->C_DeriveKey(s, &w.mech[0], bound, NULL, 0, &key), CKR_OK);
	IS(of_len(s, &w.mech[0], bound, 8, &key), CKR_OK);
	IS(of_len(s, &w.mech[0], bound, 7, &key), CKR_TEMPLATE_INCONSISTENT);
}

/* ---- encryption by who may only derive ----------------------------------------------------------------------- */

static CK_RV encrypts(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE base, CK_BBOOL sensitive, CK_BBOOL leaves)
{
	CK_ATTRIBUTE templ[] = {{CKA_SENSITIVE, &sensitive, 1}, {CKA_EXTRACTABLE, &leaves, 1}};
	CK_OBJECT_HANDLE key;

	return p11->C_DeriveKey(s, mech, base, templ, 2, &key);
}

static void encryption_by_derivation(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_MECHANISM_TYPE derives[] = {CKM_AES_ECB_ENCRYPT_DATA, CKM_AES_CBC_ENCRYPT_DATA};
	CK_ATTRIBUTE more[] = {{CKA_DERIVE, &yes, 1}, {CKA_ENCRYPT, &yes, 1}, {CKA_ALLOWED_MECHANISMS, derives, sizeof derives}};
	struct ways w;

	(void)state;
	fill(33);
	ways_of(&w);
	CK_OBJECT_HANDLE may_not = made(s, CKK_AES, more, 1), may = made(s, CKK_AES, more, 2), not_so = made(s, CKK_AES, more, 3);
	CK_OBJECT_HANDLE open = base_of(s, CKK_AES, 32, true);
	for (size_t i = 3; i <= 4; i++) {
		IS(encrypts(s, &w.mech[i], may_not, CK_FALSE, CK_TRUE), CKR_TEMPLATE_INCONSISTENT);
		IS(encrypts(s, &w.mech[i], may_not, CK_TRUE, CK_TRUE), CKR_TEMPLATE_INCONSISTENT); /* it would be wrapped */
		IS(encrypts(s, &w.mech[i], may_not, CK_TRUE, CK_FALSE), CKR_OK);
		IS(encrypts(s, &w.mech[i], not_so, CK_FALSE, CK_TRUE), CKR_TEMPLATE_INCONSISTENT);
		IS(encrypts(s, &w.mech[i], may, CK_FALSE, CK_TRUE), CKR_OK);
		IS(encrypts(s, &w.mech[i], open, CK_FALSE, CK_TRUE), CKR_OK);
	}
}

/* ---- a digest in the place of a key -------------------------------------------------------------------------- */

static CK_RV digested(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM mech = {type, NULL, 0};
	unsigned char out[64];
	CK_ULONG n = sizeof out;

	IS(p11->C_DigestInit(s, &mech), CKR_OK);
	CK_RV rv = p11->C_DigestKey(s, key);
	if (rv == CKR_OK)
		IS(p11->C_DigestFinal(s, out, &n), CKR_OK);
	return rv;
}

/* HMAC takes the digest of a key that is longer than a block for the key: who has it signs.  C_DigestKey wants no permission,
 * and derivation gives what is readable. */
static void digest_for_a_key(void **state)
{
	static const struct {
		size_t len;
		bool readable;
		CK_RV sha256, sha512, derived;
	} cases[] = {{64, false, CKR_OK, CKR_OK, CKR_OK}, {65, false, CKR_KEY_INDIGESTIBLE, CKR_OK, CKR_TEMPLATE_INCONSISTENT},
		{129, false, CKR_KEY_INDIGESTIBLE, CKR_KEY_INDIGESTIBLE, CKR_TEMPLATE_INCONSISTENT},
		{129, true, CKR_OK, CKR_OK, CKR_OK}};
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE base, key;
	CK_MECHANISM hash = {CKM_SHA256_KEY_DERIVATION, NULL, 0};

	(void)state;
	fill(39);
	for (size_t i = 0; i < 4; i++) {
		base = base_of(s, CKK_GENERIC_SECRET, cases[i].len, cases[i].readable);
		IS(digested(s, CKM_SHA256, base), cases[i].sha256);
		IS(digested(s, CKM_SHA512, base), cases[i].sha512);
		IS(derive_len(s, CKM_SHA256_KEY_DERIVATION, NULL, 0, base, 32, &key), cases[i].derived);
		IS(of_len(s, &hash, base, 32, &key), CKR_OK);
	}
}

/* Nor is a key digested that its owner has meant for other things. */
static void digest_for_a_derivation(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ATTRIBUTE demands[] = {{CKA_SENSITIVE, &yes, 1}};
	CK_MECHANISM_TYPE one[] = {CKM_SHA256_HMAC, CKM_SHA512};
	CK_ATTRIBUTE derives[] = {{CKA_DERIVE, &yes, 1}, {CKA_DERIVE_TEMPLATE, demands, sizeof demands}},
		     allowed = {CKA_ALLOWED_MECHANISMS, one, sizeof one};

	(void)state;
	fill(40);
	IS(digested(s, CKM_SHA256, made(s, CKK_GENERIC_SECRET, derives, 1)), CKR_OK);
	IS(digested(s, CKM_SHA256, made(s, CKK_GENERIC_SECRET, derives, 2)), CKR_KEY_INDIGESTIBLE);
	IS(digested(s, CKM_SHA256, made(s, CKK_GENERIC_SECRET, &allowed, 1)), CKR_KEY_INDIGESTIBLE);
	IS(digested(s, CKM_SHA512, made(s, CKK_GENERIC_SECRET, &allowed, 1)), CKR_OK);
}

/* ---- the same value under another name ----------------------------------------------------------------------- */

static void same_value_without_its_rules(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ATTRIBUTE demands[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}}, weaker[] = {{CKA_SIGN, &yes, 1}};
	CK_ATTRIBUTE more[] = {{CKA_DERIVE, &yes, 1}, {CKA_DERIVE_TEMPLATE, demands, sizeof demands},
		{CKA_UNWRAP_TEMPLATE, demands, sizeof demands}};
	CK_ATTRIBUTE derives[] = {{CKA_DERIVE, &yes, 1}, {CKA_DERIVE_TEMPLATE, weaker, sizeof weaker}};
	CK_KEY_DERIVATION_STRING_DATA none = {NULL, 0};
	CK_MECHANISM same = {CKM_CONCATENATE_BASE_AND_DATA, &none, sizeof none};
	CK_EXTRACT_PARAMS bit = 0;
	CK_MECHANISM cut = {CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit};
	CK_ULONG len = 32;
	CK_ATTRIBUTE whole[] = {{CKA_DERIVE, &yes, 1}, {CKA_VALUE_LEN, &len, sizeof len}};
	CK_OBJECT_HANDLE base, again, key;
	CK_ATTRIBUTE told = {CKA_UNWRAP_TEMPLATE, NULL, 0};
	struct ways w;

	(void)state;
	fill(34);
	ways_of(&w);
	base = made(s, CKK_GENERIC_SECRET, more, 3);
	IS(p11->C_DeriveKey(s, &same, base, derives, 2, &again), CKR_TEMPLATE_INCONSISTENT);
	for (int i = 0; i < 2; i++) {
		IS(p11->C_DeriveKey(s, i == 0 ? &same : &cut, base, whole, 2, &again), CKR_OK);
		IS(derive_len(s, CKM_HKDF_DERIVE, &w.both, sizeof w.both, again, 32, &key), CKR_TEMPLATE_INCONSISTENT);
		IS(of_len(s, &w.mech[0], again, 32, &key), CKR_OK);
		IS(p11->C_GetAttributeValue(s, again, &told, 1), CKR_OK);
		assert_int_equal(told.ulValueLen, sizeof demands);
	}
	derives[1].pValue = demands;
	derives[1].ulValueLen = sizeof demands;
	IS(p11->C_DeriveKey(s, &same, base, derives, 2, &again), CKR_OK);
	/* What shall hold of keys two steps away does not hold one step away. */
	CK_ATTRIBUTE steps[] = {demands[0], {CKA_DERIVE_TEMPLATE, weaker, sizeof weaker}};
	more[1].pValue = steps;
	more[1].ulValueLen = sizeof steps;
	base = made(s, CKK_GENERIC_SECRET, more, 2);
	IS(p11->C_DeriveKey(s, &same, base, whole, 2, &again), CKR_TEMPLATE_INCONSISTENT);
	IS(of_len(s, &w.mech[0], base, 32, &again), CKR_OK);
}

/* Which key may wrap it, and who may see it, goes on as well. */
static void same_value_without_its_guards(void **state)
{
	CK_KEY_DERIVATION_STRING_DATA none = {NULL, 0};
	CK_ATTRIBUTE more[] = {{CKA_DERIVE, &yes, 1}, {CKA_EXTRACTABLE, &yes, 1}, {CKA_SENSITIVE, &yes, 1},
		{CKA_WRAP_WITH_TRUSTED, &yes, 1}, {CKA_PRIVATE, &yes, 1}}, wraps = {CKA_WRAP, &yes, 1};
	CK_ATTRIBUTE untrusted = {CKA_WRAP_WITH_TRUSTED, &no, 1}, open = {CKA_PRIVATE, &no, 1};
	CK_MECHANISM same = {CKM_CONCATENATE_BASE_AND_DATA, &none, sizeof none}, kw = {CKM_AES_KEY_WRAP, NULL, 0};
	CK_OBJECT_HANDLE base, again;
	unsigned char out[64];
	CK_ULONG n = sizeof out;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	login(s);
	fill(35);
	base = made(s, CKK_GENERIC_SECRET, more, 5);
	CK_MECHANISM both = {CKM_CONCATENATE_BASE_AND_KEY, &base, sizeof base};
	IS(p11->C_DeriveKey(s, &same, base, &untrusted, 1, &again), CKR_TEMPLATE_INCONSISTENT);
	IS(p11->C_DeriveKey(s, &same, base, &open, 1, &again), CKR_TEMPLATE_INCONSISTENT);
	for (int i = 0; i < 2; i++) {
		IS(p11->C_DeriveKey(s, i == 0 ? &same : &both, i == 0 ? base : made(s, CKK_GENERIC_SECRET, more, 3), &more[1], 1,
			&again), CKR_OK);
		assert_true(is(s, again, CKA_WRAP_WITH_TRUSTED) && is(s, again, CKA_PRIVATE));
		IS(p11->C_WrapKey(s, &kw, made(s, CKK_AES, &wraps, 1), again, out, &n), CKR_KEY_NOT_WRAPPABLE);
	}
}

/* ---- pieces of a key ------------------------------------------------------------------------------------------- */

/* Any two of which overlap or differ by a few bytes would tell these: joined with a guess the one is the other. */
static void pieces(void **state)
{
	static const CK_ULONG whole[] = {5, 16, 24, 32, 40, 64};
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE base, key, part;
	CK_EXTRACT_PARAMS bit;
	CK_MECHANISM cut = {CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit};

	(void)state;
	fill(42);
	for (size_t i = 0; i < 6; i++) {
		CK_ULONG last = whole[i] < 16 ? 0 : whole[i] / 16 * 16 - 16; /* where the last piece begins */
		base = base_of(s, CKK_GENERIC_SECRET, whole[i], false);
		for (bit = 0; bit < 8 * whole[i]; bit += bit % 8 == 0 ? 7 : 1) {
			for (CK_ULONG len = 1; len <= whole[i]; len++) {
				CK_ULONG at = bit / 8, end = (at + len) % whole[i];
				bool good = bit % 128 == 0 && at <= last && end % 16 == 0 && end <= last;
				IS(of_len(s, &cut, base, len, &key), good ? CKR_OK : CKR_KEY_SIZE_RANGE);
			}
		}
	}
	/* And no piece of a piece. */
	bit = 128;
	CK_ATTRIBUTE templ[] = {{CKA_DERIVE, &yes, 1}, {CKA_VALUE_LEN, &(CK_ULONG){32}, sizeof(CK_ULONG)}};
	IS(p11->C_DeriveKey(s, &cut, base, templ, 2, &part), CKR_OK);
	bit = 0;
	IS(of_len(s, &cut, part, 16, &key), CKR_KEY_SIZE_RANGE);
	IS(of_len(s, &cut, part, 32, &key), CKR_OK);
}

/* ---- what was stored before keys said that they were joined --------------------------------------------------- */

static void keys_that_do_not_say(void **state)
{
	struct secret form = {0};
	struct object *said = object_new(OBJECT_KEY, 0), *unsaid = object_new(OBJECT_KEY, 0), *read;

	(void)state;
	IS(attrs_set_bool(&said->attrs, CKA_DSKE_JOINED, false), CKR_OK);
	assert_true(rc_ok(secret_from(&said->value, "0123456789abcdef", 16)));
	assert_true(rc_ok(secret_from(&unsaid->value, "0123456789abcdef", 16)));
	for (int i = 0; i < 2; i++) {
		read = object_new(OBJECT_KEY, 0);
		assert_true(rc_ok(key_write(i == 0 ? said : unsaid, &form)));
		assert_true(rc_ok(key_read(read, &form)));
		assert_int_equal(attrs_get_bool(&read->attrs, CKA_DSKE_JOINED), i == 1);
		object_unref(read);
		secret_drop(&form);
	}
	object_unref(said);
	object_unref(unsaid);
}

/* And every key says so now.  What was joined does not lose it on the way through a wrapping key. */
static void keys_say(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ATTRIBUTE wraps[] = {{CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}}, more[] = {{CKA_DERIVE, &yes, 1}, {CKA_EXTRACTABLE, &yes, 1}};
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic}, more[0]};
	CK_MECHANISM kw = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
	CK_EXTRACT_PARAMS bit = 8 * 31;
	CK_MECHANISM cut = {CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit};
	CK_OBJECT_HANDLE with, again;
	unsigned char out[80];
	CK_ULONG n = sizeof out;
	CK_KEY_DERIVATION_STRING_DATA some = {bytes, 3};
	CK_MECHANISM join = {CKM_CONCATENATE_BASE_AND_DATA, &some, sizeof some};
	CK_OBJECT_HANDLE base, key;

	(void)state;
	fill(36);
	base = base_of(s, CKK_GENERIC_SECRET, 32, false);
	assert_false(is(s, base, CKA_DSKE_JOINED));
	IS(p11->C_DeriveKey(s, &join, base, NULL, 0, &key), CKR_OK);
	assert_true(is(s, key, CKA_DSKE_JOINED));
	with = made(s, CKK_AES, wraps, 2);
	IS(p11->C_DeriveKey(s, &join, made(s, CKK_GENERIC_SECRET, more, 2), more, 2, &key), CKR_OK);
	IS(p11->C_WrapKey(s, &kw, with, key, out, &n), CKR_OK);
	IS(p11->C_UnwrapKey(s, &kw, with, out, n, templ, 3, &again), CKR_OK);
	assert_true(is(s, again, CKA_DSKE_JOINED) && is(s, again, CKA_SENSITIVE));
	IS(of_len(s, &cut, again, 16, &key), CKR_KEY_SIZE_RANGE);
	bit = 0;
	IS(of_len(s, &cut, again, 35, &key), CKR_OK);
}

/* ---- copies (PKCS#11 3.2, 4.1.3) -------------------------------------------------------------------------------- */

/* "Plus the four special attributes CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE and CKA_DESTROYABLE": only CKA_COPYABLE keeps
 * a copy from being another. */
static void copies(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ATTRIBUTE fixed[] = {{CKA_MODIFIABLE, &no, 1}, {CKA_DESTROYABLE, &no, 1}, {CKA_COPYABLE, &no, 1}};
	CK_ATTRIBUTE free_[] = {{CKA_MODIFIABLE, &yes, 1}, {CKA_DESTROYABLE, &yes, 1}}, signs = {CKA_SIGN, &yes, 1};
	CK_ATTRIBUTE copyable = {CKA_COPYABLE, &yes, 1}, single = {CKA_COPYABLE, &no, 1}, readable = {CKA_SENSITIVE, &no, 1};
	CK_OBJECT_HANDLE key, copy;

	(void)state;
	fill(37);
	key = made(s, CKK_GENERIC_SECRET, fixed, 2);
	IS(p11->C_SetAttributeValue(s, key, &signs, 1), CKR_ACTION_PROHIBITED);
	IS(p11->C_DestroyObject(s, key), CKR_ACTION_PROHIBITED);
	IS(p11->C_CopyObject(s, key, NULL, 0, &copy), CKR_OK);
	assert_false(is(s, copy, CKA_MODIFIABLE) || is(s, copy, CKA_DESTROYABLE));
	IS(p11->C_CopyObject(s, key, free_, 2, &copy), CKR_OK);
	IS(p11->C_SetAttributeValue(s, copy, &signs, 1), CKR_OK);
	IS(p11->C_SetAttributeValue(s, copy, &readable, 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_CopyObject(s, copy, &single, 1, &key), CKR_OK);
	IS(p11->C_CopyObject(s, key, NULL, 0, &copy), CKR_ACTION_PROHIBITED);
	IS(p11->C_SetAttributeValue(s, key, &copyable, 1), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_DestroyObject(s, key), CKR_OK);
	key = made(s, CKK_GENERIC_SECRET, fixed, 3);
	IS(p11->C_CopyObject(s, key, free_, 2, &copy), CKR_ACTION_PROHIBITED);
}

/* ---- unwrapped keys, a byte at a time --------------------------------------------------------------------------- */

static CK_RV unwrapped(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE with, CK_BYTE *in, CK_ULONG n, CK_ULONG len,
		       CK_BBOOL hidden)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic},
		{CKA_SENSITIVE, &hidden, 1}, {CKA_VALUE_LEN, &len, sizeof len}};
	CK_OBJECT_HANDLE key;

	return p11->C_UnwrapKey(s, mech, with, in, n, templ, len > 0 ? 4 : 3, &key);
}

static void unwrapped_by_the_byte(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char iv[16] = {1}, out[80];
	CK_AES_CTR_PARAMS ctr = {32, {2}};
	CK_MECHANISM open[] = {{CKM_AES_ECB, NULL, 0}, {CKM_AES_CBC, iv, 16}, {CKM_AES_CTR, &ctr, sizeof ctr}};
	CK_MECHANISM kw = {CKM_AES_KEY_WRAP, NULL, 0}, kwp = {CKM_AES_KEY_WRAP_KWP, NULL, 0};
	CK_ATTRIBUTE wraps[] = {{CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}};
	CK_ATTRIBUTE hidden = {CKA_SENSITIVE, &yes, 1};
	CK_ATTRIBUTE hides[] = {wraps[0], wraps[1], {CKA_UNWRAP_TEMPLATE, &hidden, sizeof hidden}};
	CK_OBJECT_HANDLE with, key, shorter, hiding;
	CK_ULONG n;

	(void)state;
	fill(38);
	with = made(s, CKK_AES, wraps, 2);
	hiding = made(s, CKK_AES, hides, 3);
	key = base_of(s, CKK_GENERIC_SECRET, 32, true);
	for (int i = 0; i < 3; i++) {
		n = sizeof out;
		IS(p11->C_WrapKey(s, &open[i], with, key, out, &n), CKR_OK);
		assert_int_equal(n, 32);
		for (CK_ULONG len = 1; len < 16; len++) { /* its first block is its first bytes; CTR takes any part */
			CK_ULONG in = i == 2 ? len : 16;
			IS(unwrapped(s, &open[i], hiding, out, in, len, CK_TRUE), CKR_WRAPPED_KEY_LEN_RANGE);
			IS(unwrapped(s, &open[i], hiding, out, in + 16, len + 16, CK_TRUE), CKR_WRAPPED_KEY_LEN_RANGE);
			IS(unwrapped(s, &open[i], with, out, in, len, CK_FALSE), CKR_OK);
		}
		IS(unwrapped(s, &open[i], hiding, out, 16, 0, CK_TRUE), CKR_OK);
		IS(unwrapped(s, &open[i], hiding, out, 32, 0, CK_TRUE), CKR_OK);
	}
	/* Key Wrap takes away what it padded hiding, and nothing else. */
	n = sizeof out;
	IS(p11->C_WrapKey(s, &kw, with, key, out, &n), CKR_OK);
	for (CK_ULONG len = 25; len < 32; len++)
		IS(unwrapped(s, &kw, hiding, out, n, len, CK_TRUE), CKR_WRAPPED_KEY_INVALID);
	IS(unwrapped(s, &kw, hiding, out, n, 32, CK_TRUE), CKR_OK);
	shorter = base_of(s, CKK_GENERIC_SECRET, 10, true);
	n = sizeof out;
	IS(p11->C_WrapKey(s, &kw, with, shorter, out, &n), CKR_OK);
	IS(unwrapped(s, &kw, hiding, out, n, 10, CK_TRUE), CKR_OK);
	IS(unwrapped(s, &kw, hiding, out, n, 9, CK_TRUE), CKR_WRAPPED_KEY_INVALID);
	n = sizeof out;
	IS(p11->C_WrapKey(s, &kwp, with, shorter, out, &n), CKR_OK);
	IS(unwrapped(s, &kwp, hiding, out, n, 0, CK_TRUE), CKR_OK);
}

/* ---- a trusted key that decrypts what it wrapped ---------------------------------------------------------------- */

static CK_OBJECT_HANDLE trusted_key(CK_SESSION_HANDLE s)
{
	CK_ULONG len = 32;
	CK_MECHANISM gen = {CKM_AES_KEY_GEN, NULL, 0};
	CK_ATTRIBUTE templ[] = {{CKA_VALUE_LEN, &len, sizeof len}, {CKA_TOKEN, &yes, 1}, {CKA_PRIVATE, &no, 1},
		{CKA_WRAP, &yes, 1}, {CKA_TRUSTED, &yes, 1}};
	CK_OBJECT_HANDLE key = 0;

	IS(p11->C_Login(s, CKU_SO, (CK_UTF8CHAR *)"87654321", 8), CKR_OK);
	IS(p11->C_GenerateKey(s, &gen, templ, 5, &key), CKR_OK);
	IS(p11->C_Logout(s), CKR_OK);
	login(s);
	IS(find(s, &secret_class, CKA_TRUSTED, &yes, 1, &key), 1);
	return key;
}

static void trusted_key_in_other_use(void **state)
{
	CK_ATTRIBUTE uses[] = {{CKA_DECRYPT, &yes, 1}, {CKA_UNWRAP, &yes, 1}, {CKA_ENCRYPT, &yes, 1}, {CKA_DERIVE, &yes, 1},
		{CKA_SIGN, &yes, 1}, {CKA_VERIFY, &yes, 1}, {CKA_TRUSTED, &no, 1}};
	CK_ATTRIBUTE label = {CKA_LABEL, (void *)"kek", 3}, no_wrap = {CKA_WRAP, &no, 1}, wrap = {CKA_WRAP, &yes, 1};
	CK_ATTRIBUTE copied[] = {{CKA_TRUSTED, &no, 1}, {CKA_TOKEN, &no, 1}};
	CK_OBJECT_HANDLE key, copy;

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	key = trusted_key(s);
	for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
		IS(p11->C_SetAttributeValue(s, key, &uses[i], 1), CKR_ATTRIBUTE_READ_ONLY);
		IS(p11->C_CopyObject(s, key, &uses[i], 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
	}
	IS(p11->C_CopyObject(s, key, copied, 2, &copy), CKR_ATTRIBUTE_READ_ONLY);
	IS(p11->C_SetAttributeValue(s, key, &label, 1), CKR_OK);
	IS(p11->C_SetAttributeValue(s, key, &wrap, 1), CKR_OK);
	IS(p11->C_SetAttributeValue(s, key, &no_wrap, 1), CKR_OK);
	IS(p11->C_Logout(s), CKR_OK);
	IS(p11->C_Login(s, CKU_SO, (CK_UTF8CHAR *)"87654321", 8), CKR_OK);
	IS(find(s, &secret_class, CKA_TRUSTED, &yes, 1, &key), 1);
	IS(p11->C_SetAttributeValue(s, key, &wrap, 1), CKR_OK);
	IS(p11->C_SetAttributeValue(s, key, &uses[6], 1), CKR_OK);
}

/* ---- what the standard permits, and attributes prevent (doc/threat-model.md) --------------------------------------- */

/* A key that only wraps and unwraps, by Key Wrap, what is to be as it says. */
static void keys_with_rules(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ULONG len = 32;
	CK_ATTRIBUTE comes[] = {{CKA_SENSITIVE, &yes, 1}, {CKA_EXTRACTABLE, &no, 1}, {CKA_KEY_TYPE, &aes, sizeof aes},
		{CKA_VALUE_LEN, &len, sizeof len}};
	CK_MECHANISM_TYPE kwp = CKM_AES_KEY_WRAP_KWP, whole = CKM_SHA256_HMAC;
	CK_ATTRIBUTE rules[] = {{CKA_WRAP, &yes, 1}, {CKA_UNWRAP, &yes, 1}, {CKA_MODIFIABLE, &no, 1}, {CKA_COPYABLE, &no, 1},
		{CKA_UNWRAP_TEMPLATE, comes, sizeof comes}, {CKA_ALLOWED_MECHANISMS, &kwp, sizeof kwp}};
	CK_ATTRIBUTE signs[] = {{CKA_VERIFY, &yes, 1}, {CKA_ALLOWED_MECHANISMS, &whole, sizeof whole}};
	CK_ATTRIBUTE decrypts = {CKA_DECRYPT, &yes, 1};
	CK_ATTRIBUTE said[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_SENSITIVE, &no, 1}};
	unsigned char iv[16] = {1}, out[64], other[64];
	CK_GCM_PARAMS gcm = {iv, 12, 96, NULL, 0, 128};
	CK_MAC_GENERAL_PARAMS one = 1;
	CK_MECHANISM by_kwp = {kwp, NULL, 0}, others[] = {{CKM_AES_CBC, iv, 16}, {CKM_AES_GCM, &gcm, sizeof gcm}},
		     general = {CKM_SHA256_HMAC_GENERAL, &one, sizeof one};
	CK_OBJECT_HANDLE with, key, copy;
	CK_ULONG n = sizeof out;

	(void)state;
	fill(41);
	with = made(s, CKK_AES, rules, 6);
	key = base_of(s, CKK_AES, 32, true);
	IS(p11->C_SetAttributeValue(s, with, &decrypts, 1), CKR_ACTION_PROHIBITED);
	IS(p11->C_CopyObject(s, with, &decrypts, 1, &copy), CKR_ACTION_PROHIBITED);
	IS(p11->C_WrapKey(s, &by_kwp, with, key, out, &n), CKR_OK);
	for (int i = 0; i < 2; i++) {
		CK_ULONG room = sizeof out;
		IS(p11->C_WrapKey(s, &others[i], with, key, other, &room), CKR_MECHANISM_INVALID);
		IS(p11->C_UnwrapKey(s, &others[i], with, out, 32, said, 1, &key), CKR_MECHANISM_INVALID);
	}
	IS(p11->C_UnwrapKey(s, &by_kwp, with, out, n, said, 2, &copy), CKR_TEMPLATE_INCONSISTENT); /* to be read */
	IS(unwrapped(s, &by_kwp, with, out, n, 0, CK_TRUE), CKR_TEMPLATE_INCONSISTENT);             /* of another type */
	IS(p11->C_UnwrapKey(s, &by_kwp, with, out, n, said, 1, &copy), CKR_OK);
	assert_true(is(s, copy, CKA_SENSITIVE) && !is(s, copy, CKA_EXTRACTABLE));
	IS(p11->C_VerifyInit(s, &general, made(s, CKK_GENERIC_SECRET, signs, 2)), CKR_MECHANISM_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(derived_by_the_byte),
		TEST(derived_short),
		TEST(encryption_by_derivation),
		TEST(digest_for_a_key),
		TEST(digest_for_a_derivation),
		TEST(same_value_without_its_rules),
		TEST(same_value_without_its_guards),
		cmocka_unit_test(keys_that_do_not_say),
		TEST(keys_say),
		TEST(pieces),
		TEST(copies),
		TEST(unwrapped_by_the_byte),
		TEST(trusted_key_in_other_use),
		TEST(keys_with_rules),
	};

	return cmocka_run_group_tests_name("attacks with the API", tests, NULL, NULL);
}
