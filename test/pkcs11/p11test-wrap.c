/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that leave and come under another (PKCS#11 3.0, 5.18.3 and 5.18.4; 3.2, 5.18.5 and 5.18.6). */
#include "test/pkcs11/p11test.h"

static unsigned char kek[32] = {0x58, 0x40, 0xdf, 0x6e, 1, 2, 3}, secret_value[64];

/* A session key with a value, and with `what` set on top. */
static CK_RV make(CK_SESSION_HANDLE s, CK_KEY_TYPE type, const void *value, CK_ULONG len, CK_ATTRIBUTE_TYPE what,
		  CK_BBOOL is, CK_OBJECT_HANDLE *key)
{
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, (void *)value, len},		 {CKA_TOKEN, &no, sizeof no},
		{CKA_PRIVATE, &no, sizeof no},			 {CKA_SENSITIVE, &no, sizeof no},
		{CKA_ENCRYPT, &yes, sizeof yes},		 {CKA_DECRYPT, &yes, sizeof yes},
		{CKA_WRAP, &yes, sizeof yes},			 {CKA_UNWRAP, &yes, sizeof yes},
		{CKA_EXTRACTABLE, &yes, sizeof yes},
	};
	CK_ULONG n = sizeof templ / sizeof templ[0];

	for (CK_ULONG i = 0; i < n; i++)
		if (templ[i].type == what)
			templ[i].pValue = &is;
	return p11->C_CreateObject(s, templ, n, key);
}

static CK_OBJECT_HANDLE plain_key(CK_SESSION_HANDLE s, CK_KEY_TYPE type, const void *value, CK_ULONG len)
{
	CK_OBJECT_HANDLE key = 0;

	IS(make(s, type, value, len, CKA_LABEL, 0, &key), CKR_OK); /* nothing in it is a label */
	return key;
}

static CK_RV unwrap(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE with, unsigned char *in, CK_ULONG in_len,
		    CK_KEY_TYPE type, CK_ULONG value_len, CK_OBJECT_HANDLE *key)
{
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_TOKEN, &no, sizeof no},			 {CKA_PRIVATE, &no, sizeof no},
		{CKA_SENSITIVE, &no, sizeof no},		 {CKA_EXTRACTABLE, &yes, sizeof yes},
		{CKA_ENCRYPT, &yes, sizeof yes},		 {CKA_VALUE_LEN, &value_len, sizeof value_len},
	};
	CK_ULONG n = sizeof templ / sizeof templ[0];

	return p11->C_UnwrapKey(s, mech, with, in, in_len, templ, value_len > 0 ? n : n - 1, key);
}

static bool has_value(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const void *value, CK_ULONG len)
{
	unsigned char got[64];
	CK_ATTRIBUTE a = {CKA_VALUE, got, sizeof got};

	return p11->C_GetAttributeValue(s, key, &a, 1) == CKR_OK && a.ulValueLen == len && memcmp(got, value, len) == 0;
}

static bool is_true(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL b = 7;
	CK_ATTRIBUTE a = {type, &b, sizeof b};

	CHECK(p11->C_GetAttributeValue(s, key, &a, 1) == CKR_OK && b <= 1);
	return b == CK_TRUE;
}

static bool offers_wrapping(CK_MECHANISM_TYPE type)
{
	CK_MECHANISM_INFO info = {0};
	const CK_FLAGS both = CKF_WRAP | CKF_UNWRAP;

	if (!offers(type) || p11->C_GetMechanismInfo(slot, type, &info) != CKR_OK)
		return false;
	if ((info.flags & both) != both)
		absent();
	return (info.flags & both) == both;
}

/* ---- known answers -------------------------------------------------------------------------------------- */

static const struct {
	const char *source;
	CK_MECHANISM_TYPE type;
	const char *kek, *value, *wrapped;
} known[] = {
	{"RFC 3394, 4.1", CKM_AES_KEY_WRAP, "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
	 "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"},
	{"RFC 3394, 4.3", CKM_AES_KEY_WRAP, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	 "00112233445566778899aabbccddeeff", "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7"},
	{"RFC 3394, 4.6", CKM_AES_KEY_WRAP, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	 "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
	 "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"},
	{"RFC 5649, 6, 20 bytes", CKM_AES_KEY_WRAP_KWP, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8",
	 "c37b7e6492584340bed12207808941155068f738", "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"},
	{"RFC 5649, 6, 20 bytes", CKM_AES_KEY_WRAP_PAD, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8",
	 "c37b7e6492584340bed12207808941155068f738", "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"},
	{"RFC 5649, 6, 7 bytes", CKM_AES_KEY_WRAP_KWP, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "466f7250617369",
	 "afbeb0f07dfbf5419200f2ccb50bb24f"},
};

void case_wrap_known(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char key[32], value[64], wrapped[80], out[80];

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		item("%s, %s", mechanism_name(known[i].type), known[i].source);
		if (!offers_wrapping(known[i].type))
			continue;
		CK_MECHANISM mech = {known[i].type, NULL, 0};
		CK_OBJECT_HANDLE with = plain_key(s, CKK_AES, key, unhex(key, known[i].kek)), back = 0;
		CK_ULONG len = unhex(value, known[i].value), wrapped_len = unhex(wrapped, known[i].wrapped), n = 0;
		CK_OBJECT_HANDLE one = plain_key(s, CKK_GENERIC_SECRET, value, len);
		IS(p11->C_WrapKey(s, &mech, with, one, NULL, &n), CKR_OK);
		CHECK(n == wrapped_len);
		n = wrapped_len - 1;
		IS(p11->C_WrapKey(s, &mech, with, one, out, &n), CKR_BUFFER_TOO_SMALL);
		CHECK(n == wrapped_len);
		IS(p11->C_WrapKey(s, &mech, with, one, out, &n), CKR_OK);
		CHECK(n == wrapped_len && memcmp(out, wrapped, n) == 0);
		known_answer(known[i].type, known[i].source);
		IS(unwrap(s, &mech, with, wrapped, wrapped_len, CKK_GENERIC_SECRET, 0, &back), CKR_OK);
		CHECK(has_value(s, back, value, len));
		CHECK(!is_true(s, back, CKA_LOCAL) && !is_true(s, back, CKA_ALWAYS_SENSITIVE) &&
		      !is_true(s, back, CKA_NEVER_EXTRACTABLE));
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- every mechanism, beside C_Encrypt of the same ------------------------------------------------------ */

struct parameters {
	unsigned char iv[16];
	CK_GCM_PARAMS gcm;
	CK_CCM_PARAMS ccm;
	CK_AES_CTR_PARAMS ctr;
	CK_CHACHA20_PARAMS chacha20;
};

static CK_MECHANISM mechanism(struct parameters *p, CK_MECHANISM_TYPE type, CK_ULONG data_len)
{
	*p = (struct parameters){.iv = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1}};
	p->gcm = (CK_GCM_PARAMS){p->iv, 12, 96, (CK_BYTE *)"label", 5, 128};
	p->ccm = (CK_CCM_PARAMS){data_len, p->iv, 12, (CK_BYTE *)"label", 5, 16};
	p->ctr.ulCounterBits = 32;
	memcpy(p->ctr.cb, p->iv, 16);
	p->chacha20 = (CK_CHACHA20_PARAMS){p->iv, 32, p->iv + 4, 96};
	switch (type) {
	case CKM_AES_GCM:
		return (CK_MECHANISM){type, &p->gcm, sizeof p->gcm};
	case CKM_AES_CCM:
		return (CK_MECHANISM){type, &p->ccm, sizeof p->ccm};
	case CKM_AES_CTR:
		return (CK_MECHANISM){type, &p->ctr, sizeof p->ctr};
	case CKM_CHACHA20:
		return (CK_MECHANISM){type, &p->chacha20, sizeof p->chacha20};
	case CKM_AES_CBC:
	case CKM_AES_CBC_PAD:
	case CKM_AES_CTS:
		return (CK_MECHANISM){type, p->iv, 16};
	default:
		return (CK_MECHANISM){type, NULL, 0};
	}
}

static const struct {
	CK_MECHANISM_TYPE type;
	CK_ULONG unit, least; /* what a key is padded to with zeros; the shortest one */
	bool tells;           /* a changed byte is noticed */
} ways[] = {
	{CKM_AES_ECB, 16, 1, false},	  {CKM_AES_CBC, 16, 1, false},	       {CKM_AES_CBC_PAD, 1, 1, false},
	{CKM_AES_CTR, 1, 1, false},	  {CKM_AES_CTS, 1, 16, false},	       {CKM_AES_GCM, 1, 1, true},
	{CKM_AES_CCM, 1, 1, true},	  {CKM_AES_KEY_WRAP, 8, 9, true},      {CKM_AES_KEY_WRAP_KWP, 1, 1, true},
	{CKM_AES_KEY_WRAP_PAD, 1, 1, true}, {CKM_AES_KEY_WRAP_PKCS7, 1, 8, true}, {CKM_CHACHA20, 1, 1, false},
};

static void one_length(CK_SESSION_HANDLE s, size_t way, CK_OBJECT_HANDLE with, CK_ULONG len, bool with_len)
{
	struct parameters p;
	CK_MECHANISM_INFO info;
	unsigned char padded[80] = {0}, want[100], out[100];
	CK_ULONG unit = ways[way].unit, padded_len = (len + unit - 1) / unit * unit, n = sizeof out, m = sizeof want;
	CK_OBJECT_HANDLE key = plain_key(s, CKK_GENERIC_SECRET, secret_value, len), back = 0;
	CK_MECHANISM mech = mechanism(&p, ways[way].type, padded_len);

	if (len < ways[way].least) {
		IS(p11->C_WrapKey(s, &mech, with, key, out, &n), CKR_KEY_SIZE_RANGE);
		IS(p11->C_DestroyObject(s, key), CKR_OK);
		return;
	}
	memcpy(padded, secret_value, len);
	IS(p11->C_WrapKey(s, &mech, with, key, out, &n), CKR_OK);
	if (p11->C_GetMechanismInfo(slot, mech.mechanism, &info) == CKR_OK && (info.flags & CKF_ENCRYPT) != 0) {
		MUST(p11->C_EncryptInit(s, &mech, with));
		IS(p11->C_Encrypt(s, padded, padded_len, want, &m), CKR_OK);
		CHECK(n == m && memcmp(out, want, n) == 0);
	}
	IS(unwrap(s, &mech, with, out, n, CKK_GENERIC_SECRET, 0, &back), CKR_OK);
	CHECK(has_value(s, back, padded, padded_len));
	IS(p11->C_DestroyObject(s, back), CKR_OK);
	if (!with_len)
		return;
	IS(unwrap(s, &mech, with, out, n, CKK_GENERIC_SECRET, len, &back), CKR_OK);
	CHECK(has_value(s, back, secret_value, len));
	IS(p11->C_DestroyObject(s, back), CKR_OK);
	/* Padding, and no more, goes by the template. */
	if (padded_len > unit)
		IS(unwrap(s, &mech, with, out, n, CKK_GENERIC_SECRET, padded_len - unit, &back), CKR_WRAPPED_KEY_LEN_RANGE);
	IS(unwrap(s, &mech, with, out, n, CKK_GENERIC_SECRET, padded_len + 1, &back), CKR_WRAPPED_KEY_LEN_RANGE);
	for (size_t i = 0; i < n; i++) {
		out[i] ^= 0x40;
		CK_RV rv = unwrap(s, &mech, with, out, n, CKK_GENERIC_SECRET, 0, &back);
		CHECK(ways[way].tells ? rv == CKR_WRAPPED_KEY_INVALID : rv == CKR_OK || rv == CKR_WRAPPED_KEY_INVALID);
		if (rv == CKR_OK)
			IS(p11->C_DestroyObject(s, back), CKR_OK);
		out[i] ^= 0x40;
		rv = unwrap(s, &mech, with, out, i, CKK_GENERIC_SECRET, 0, &back);
		CHECK(rv == CKR_WRAPPED_KEY_LEN_RANGE || rv == CKR_WRAPPED_KEY_INVALID || (!ways[way].tells && rv == CKR_OK));
		if (rv == CKR_OK)
			IS(p11->C_DestroyObject(s, back), CKR_OK);
	}
	IS(p11->C_DestroyObject(s, key), CKR_OK);
}

void case_wrap_ways(void)
{
	CK_SESSION_HANDLE s = session_user();

	for (size_t i = 0; i < sizeof secret_value; i++)
		secret_value[i] = (unsigned char)(i * 5 + 1);
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		CK_KEY_TYPE type = ways[i].type == CKM_CHACHA20 ? CKK_CHACHA20 : CKK_AES;
		item("%s", mechanism_name(ways[i].type));
		if (!offers_wrapping(ways[i].type))
			continue;
		item("%s, whole blocks", mechanism_name(ways[i].type));
		CK_OBJECT_HANDLE with = plain_key(s, type, kek, 32);
		for (CK_ULONG len = 16; len <= 40; len += 16)
			one_length(s, i, with, len, false);
		item("%s, any length, which the template may say", mechanism_name(ways[i].type));
		for (CK_ULONG len = 1; len <= 40; len++)
			one_length(s, i, with, len, true);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- what is refused ------------------------------------------------------------------------------------ */

void case_wrap_refused(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_MECHANISM mech = {CKM_AES_KEY_WRAP, NULL, 0}, gmac = {CKM_SHA256, NULL, 0};
	CK_ATTRIBUTE empty;
	unsigned char out[80];
	CK_ULONG n = sizeof out;
	CK_OBJECT_HANDLE with = 0, key = 0, other = 0;

	if (offers_wrapping(CKM_AES_KEY_WRAP)) {
		with = plain_key(s, CKK_AES, kek, 32);
		key = plain_key(s, CKK_GENERIC_SECRET, secret_value, 32);
		IS(p11->C_WrapKey(s, &mech, with, key, out, &n), CKR_OK);
		MUST(make(s, CKK_GENERIC_SECRET, secret_value, 32, CKA_EXTRACTABLE, CK_FALSE, &other));
		IS(p11->C_WrapKey(s, &mech, with, other, out, &n), CKR_KEY_UNEXTRACTABLE);
		IS(p11->C_WrapKey(s, &mech, with + 1000, key, out, &n), CKR_WRAPPING_KEY_HANDLE_INVALID);
		EITHER(p11->C_WrapKey(s, &mech, with, key + 1000, out, &n), CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID);
		IS(p11->C_WrapKey(s, &gmac, with, key, out, &n), CKR_MECHANISM_INVALID);
		IS(p11->C_WrapKey(s, NULL, with, key, out, &n), CKR_ARGUMENTS_BAD);
		IS(p11->C_WrapKey(s, &mech, with, key, out, NULL), CKR_ARGUMENTS_BAD);
		MUST(make(s, CKK_AES, kek, 32, CKA_WRAP, CK_FALSE, &other));
		IS(p11->C_WrapKey(s, &mech, other, key, out, &n), CKR_KEY_FUNCTION_NOT_PERMITTED);
		EITHER(p11->C_WrapKey(s, &mech, key, key, out, &n), CKR_WRAPPING_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED);
		n = sizeof out;
		IS(p11->C_WrapKey(s, &mech, with, key, out, &n), CKR_OK);
		MUST(make(s, CKK_AES, kek, 32, CKA_UNWRAP, CK_FALSE, &other));
		IS(unwrap(s, &mech, other, out, n, CKK_GENERIC_SECRET, 0, &key), CKR_KEY_FUNCTION_NOT_PERMITTED);
		IS(unwrap(s, &mech, with + 1000, out, n, CKK_GENERIC_SECRET, 0, &key), CKR_UNWRAPPING_KEY_HANDLE_INVALID);
		IS(p11->C_UnwrapKey(s, &mech, with, out, n, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
	}
	if (offers_wrapping(CKM_AES_KEY_WRAP)) {
		CK_ULONG one = 5;
		item_end();
		n = sizeof out;
		key = plain_key(s, CKK_GENERIC_SECRET, secret_value, 16);
		mech.pParameter = &one;
		mech.ulParameterLen = 7;
		ASK("an initial value of 7 bytes", "6.16.3", p11->C_WrapKey(s, &mech, with, key, out, &n),
		    CKR_MECHANISM_PARAM_INVALID);
		mech = (CK_MECHANISM){CKM_CHACHA20_POLY1305, NULL, 0};
		ASK("a mechanism that does not wrap", "5.18.3", p11->C_WrapKey(s, &mech, with, key, out, &n),
		    CKR_MECHANISM_INVALID);
		mech = (CK_MECHANISM){CKM_AES_KEY_WRAP, NULL, 0};
		IS(p11->C_WrapKey(s, &mech, with, key, out, &n), CKR_OK);
		ASK("nothing to unwrap", "5.18.4", p11->C_UnwrapKey(s, &mech, with, NULL, 24, NULL, 0, &key),
		    CKR_ARGUMENTS_BAD);
		ASK("no template", "5.18.4", p11->C_UnwrapKey(s, &mech, with, out, n, &empty, 0, &key),
		    CKR_TEMPLATE_INCOMPLETE);
		n = sizeof out;
		key = plain_key(s, CKK_GENERIC_SECRET, secret_value, 40);
		IS(p11->C_WrapKey(s, &mech, with, key, out, &n), CKR_OK);
		ASK("40 bytes as an AES key", "5.18.4", unwrap(s, &mech, with, out, n, CKK_AES, 0, &key),
		    CKR_WRAPPED_KEY_LEN_RANGE);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* A key that only trusted ones may wrap, ones that wrap or make keys of one description, and a check value. */
void case_wrap_policies(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_MECHANISM mech = {CKM_AES_KEY_WRAP, NULL, 0};
	CK_KEY_TYPE type = CKK_AES;
	unsigned char out[80], check[3] = {1, 2, 3};
	CK_ULONG n = sizeof out;
	CK_OBJECT_HANDLE with, choosy, key, back = 0;
	CK_ATTRIBUTE only[] = {{CKA_KEY_TYPE, &type, sizeof type}}, forced[] = {{CKA_EXTRACTABLE, &no, sizeof no}};
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, kek, 32},				 {CKA_WRAP, &yes, sizeof yes},
		{CKA_UNWRAP, &yes, sizeof yes},			 {CKA_WRAP_TEMPLATE, only, sizeof only},
		{CKA_UNWRAP_TEMPLATE, forced, sizeof forced},
	};
	CK_ATTRIBUTE guarded[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, kek, 16},
		{CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_WRAP_WITH_TRUSTED, &yes, sizeof yes},
	};
	CK_ATTRIBUTE fresh[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_EXTRACTABLE, &yes, sizeof yes}, {CKA_CHECK_VALUE, check, sizeof check},
	};

	if (offers_wrapping(CKM_AES_KEY_WRAP)) {
		with = plain_key(s, CKK_AES, kek, 32);
		MUST(p11->C_CreateObject(s, guarded, 5, &key));
		ASK("for trusted keys only", "4.10", p11->C_WrapKey(s, &mech, with, key, out, &n),
		    CKR_KEY_NOT_WRAPPABLE);
		MUST(p11->C_CreateObject(s, templ, 7, &choosy));
		key = plain_key(s, CKK_GENERIC_SECRET, secret_value, 16);
		ASK("not of the wrapping template", "5.18.3", p11->C_WrapKey(s, &mech, choosy, key, out, &n),
		    CKR_KEY_HANDLE_INVALID);
		key = plain_key(s, CKK_AES, secret_value, 16);
		n = sizeof out;
		ASK("of the wrapping template", "5.18.3", p11->C_WrapKey(s, &mech, choosy, key, out, &n), CKR_OK);
		ASK("against the unwrapping template", "5.18.4", p11->C_UnwrapKey(s, &mech, choosy, out, n, fresh, 3, &back),
		    CKR_TEMPLATE_INCONSISTENT);
		ASK("completed by the template", "5.18.4", p11->C_UnwrapKey(s, &mech, choosy, out, n, fresh, 2, &back),
		    CKR_OK);
		item("attributes of what was unwrapped");
		CHECK(!is_true(s, back, CKA_EXTRACTABLE) && is_true(s, back, CKA_SENSITIVE));
		CHECK(!is_true(s, back, CKA_NEVER_EXTRACTABLE) && !is_true(s, back, CKA_ALWAYS_SENSITIVE));
		item_end();
		IS(p11->C_UnwrapKey(s, &mech, with, out, n, fresh, 2, &back), CKR_OK);
		TRUTH("extractable by default", "5.18.4", is_true(s, back, CKA_EXTRACTABLE));
		item("check values");
		IS(p11->C_UnwrapKey(s, &mech, with, out, n, fresh, 4, &back), CKR_ATTRIBUTE_VALUE_INVALID);
		CK_ATTRIBUTE a = {CKA_CHECK_VALUE, check, sizeof check};
		IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_OK);
		IS(p11->C_UnwrapKey(s, &mech, with, out, n, fresh, 4, &back), CKR_OK);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* Nonces that the token makes (PKCS#11 3.2, 6.13.4): one for each call. */
void case_wrap_nonces(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char iv[12] = {1, 2, 3, 4}, first[12], out[80];
	CK_GCM_WRAP_PARAMS gcm = {iv, 12, 32, CKG_GENERATE, (CK_BYTE *)"label", 5, 128};
	CK_CCM_WRAP_PARAMS ccm = {99, iv, 12, 0, CKG_GENERATE_RANDOM, (CK_BYTE *)"label", 5, 16};
	CK_MECHANISM mech[] = {{CKM_AES_GCM, &gcm, sizeof gcm}, {CKM_AES_CCM, &ccm, sizeof ccm}};
	CK_OBJECT_HANDLE with, key, back = 0;
	CK_ULONG n = 0;

	for (size_t i = 0; i < 2; i++) {
		item("%s", mechanism_name(mech[i].mechanism));
		if (!offers_wrapping(mech[i].mechanism))
			continue;
		with = plain_key(s, CKK_AES, kek, i == 0 ? 32 : 16); /* counters keep to a form */
		key = plain_key(s, CKK_GENERIC_SECRET, secret_value, 32);
		memcpy(first, iv, sizeof iv);
		IS(p11->C_WrapKey(s, &mech[i], with, key, NULL, &n), CKR_OK);
		CHECK(n == 48 && memcmp(first, iv, sizeof iv) == 0);
		IS(p11->C_WrapKey(s, &mech[i], with, key, out, &n), CKR_OK);
		CHECK(memcmp(first, iv, sizeof iv) != 0);
		CHECK(i == 1 || memcmp("\1\2\3\4", iv, 4) == 0);
		memcpy(first, iv, sizeof iv);
		IS(p11->C_WrapKey(s, &mech[i], with, key, out, &n), CKR_OK);
		CHECK(memcmp(first, iv, sizeof iv) != 0);
		IS(unwrap(s, &mech[i], with, out, n, CKK_GENERIC_SECRET, 0, &back), CKR_OK);
		CHECK(has_value(s, back, secret_value, 32));
		iv[11] ^= 1;
		IS(unwrap(s, &mech[i], with, out, n, CKK_GENERIC_SECRET, 0, &back), CKR_WRAPPED_KEY_INVALID);
		*(i == 0 ? &gcm.ivGenerator : &ccm.nonceGenerator) = i == 0 ? CKG_GENERATE_COUNTER : CKG_GENERATE_COUNTER_XOR;
		IS(p11->C_WrapKey(s, &mech[i], with, key, out, &n), CKR_OK);
		memcpy(first, iv, sizeof iv);
		IS(p11->C_WrapKey(s, &mech[i], with, key, out, &n), CKR_OK);
		first[11] ^= 1; /* counters go on from call to call */
		CHECK(memcmp(first, iv, sizeof iv) == 0);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* The tag and what it covers besides lie apart (PKCS#11 3.2, 5.18.5). */
void case_wrap_apart(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char iv[12] = {1}, tag[16] = {0}, ad[] = "for the vault", out[80], behind[80];
	CK_GCM_MESSAGE_PARAMS gcm = {iv, 12, 0, CKG_GENERATE, tag, 128};
	CK_CCM_MESSAGE_PARAMS ccm = {0, iv, 12, 0, CKG_GENERATE, tag, 16};
	CK_GCM_PARAMS gcm_behind = {iv, 12, 96, ad, sizeof ad, 128};
	CK_CCM_PARAMS ccm_behind = {32, iv, 12, ad, sizeof ad, 16};
	CK_MECHANISM apart[] = {{CKM_AES_GCM, &gcm, sizeof gcm}, {CKM_AES_CCM, &ccm, sizeof ccm}};
	CK_MECHANISM together[] = {{CKM_AES_GCM, &gcm_behind, sizeof gcm_behind}, {CKM_AES_CCM, &ccm_behind, sizeof ccm_behind}};
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic},
		{CKA_SENSITIVE, &no, sizeof no}, {CKA_EXTRACTABLE, &yes, sizeof yes},
	};

	if (p11_32 == NULL)
		absent();
	for (size_t i = 0; i < 2 && p11_32 != NULL; i++) {
		item("%s", mechanism_name(apart[i].mechanism));
		CK_OBJECT_HANDLE with = plain_key(s, CKK_AES, kek, 32), back = 0;
		CK_OBJECT_HANDLE key = plain_key(s, CKK_GENERIC_SECRET, secret_value, 32);
		CK_ULONG n = 31, m = sizeof behind;
		IS(p11_32->C_WrapKeyAuthenticated(s, &apart[i], with, key, ad, sizeof ad, out, &n), CKR_BUFFER_TOO_SMALL);
		CHECK(n == 32);
		IS(p11_32->C_WrapKeyAuthenticated(s, &apart[i], with, key, ad, sizeof ad, out, &n), CKR_OK);
		IS(p11->C_WrapKey(s, &together[i], with, key, behind, &m), CKR_OK); /* with the nonce that was made */
		CHECK(n == 32 && m == 48 && memcmp(out, behind, 32) == 0 && memcmp(tag, behind + 32, 16) == 0);
		IS(p11_32->C_UnwrapKeyAuthenticated(s, &apart[i], with, out, n, templ, 4, ad, sizeof ad, &back), CKR_OK);
		CHECK(has_value(s, back, secret_value, 32));
		for (size_t bit = 0; bit < 8 * (32 + 16 + sizeof ad); bit++) {
			size_t at = bit / 8;
			unsigned char *byte = at < 32 ? &out[at] : at < 48 ? &tag[at - 32] : &ad[at - 48];
			*byte ^= (unsigned char)(1 << bit % 8);
			IS(p11_32->C_UnwrapKeyAuthenticated(s, &apart[i], with, out, n, templ, 4, ad, sizeof ad, &back),
			   CKR_WRAPPED_KEY_INVALID);
			*byte ^= (unsigned char)(1 << bit % 8);
		}
		IS(p11_32->C_UnwrapKeyAuthenticated(s, &apart[i], with, out, n, templ, 4, NULL, 5, &back), CKR_ARGUMENTS_BAD);
		CK_MECHANISM kw = {CKM_AES_KEY_WRAP, NULL, 0};
		IS(p11_32->C_WrapKeyAuthenticated(s, &kw, with, key, NULL, 0, out, &n), CKR_MECHANISM_INVALID);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
