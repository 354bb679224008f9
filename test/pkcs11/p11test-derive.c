/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

/* ---- cases: keys derived from keys ---------------------------------------------------------------------- */

#define WHOLE 0ul /* as long as the mechanism makes it */

/* A base key that may be derived from, as known_bytes() reads it. */
CK_OBJECT_HANDLE base_new(CK_SESSION_HANDLE s, CK_KEY_TYPE type, const char *text)
{
	unsigned char value[256];
	CK_OBJECT_HANDLE key = 0;
	CK_BBOOL readable = CK_TRUE, sensitive = CK_FALSE;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, value, known_bytes(value, text)}, {CKA_DERIVE, &yes, sizeof yes},
		{CKA_TOKEN, &no, sizeof no}, {CKA_PRIVATE, &no, sizeof no},
		{CKA_SENSITIVE, &sensitive, sizeof sensitive}, {CKA_EXTRACTABLE, &readable, sizeof readable}};

	IS(p11->C_CreateObject(s, templ, sizeof templ / sizeof templ[0], &key), CKR_OK);
	return key;
}

/* A readable key. */
static CK_RV derive(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE base, CK_ULONG len, CK_OBJECT_HANDLE *key)
{
	CK_BBOOL readable = CK_TRUE, sensitive = CK_FALSE;
	CK_ATTRIBUTE templ[] = {{CKA_KEY_TYPE, &generic, sizeof generic}, {CKA_TOKEN, &no, sizeof no},
		{CKA_PRIVATE, &no, sizeof no}, {CKA_SENSITIVE, &sensitive, sizeof sensitive},
		{CKA_EXTRACTABLE, &readable, sizeof readable}, {CKA_CLASS, &secret_class, sizeof secret_class},
		{CKA_VALUE_LEN, &len, sizeof len}};

	return p11->C_DeriveKey(s, mech, base, templ, len == WHOLE ? 6 : 7, key);
}

static void has_value(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const char *text)
{
	unsigned char value[256], wanted[256];
	CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};
	CK_ULONG len = known_bytes(wanted, text);

	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_OK);
	CHECK(a.ulValueLen == len && memcmp(value, wanted, len) == 0);
}

void derives(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE base, CK_ULONG len, const char *wanted)
{
	CK_OBJECT_HANDLE key = 0;

	MUST(derive(s, mech, base, len, &key));
	has_value(s, key, wanted);
}

/* ---- HKDF ----------------------------------------------------------------------------------------------- */

/* RFC 5869, appendix A, test cases 1 to 4, 6, and 7 with no salt. */
static const struct {
	CK_MECHANISM_TYPE hash;
	const char *ikm, *salt, *info, *prk, *okm;
} hkdf_cases[] = {
	{CKM_SHA256, "0b*22", "..13", "f0f1f2f3f4f5f6f7f8f9",
		"077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
		"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
	{CKM_SHA256, "..80",
		"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f"
		"909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
		"b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
		"e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		"06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
		"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
		"da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
	{CKM_SHA256, "0b*22", "", "", "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
		"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
	{CKM_SHA_1, "0b*11", "..13", "f0f1f2f3f4f5f6f7f8f9", "9b6c18c432a7bf8f0e71c8eb88f4b30baa2ba243",
		"085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896"},
	{CKM_SHA_1, "0b*22", "", "", "da8c8a73c7fa77288ec6f5e7c297786aa0d32d01",
		"0ac1af7002b3d761d1e55298da9d0506b9ae52057220a306e07b6b87e8df21d0ea00033de03984d34918"},
	{CKM_SHA_1, "0c*22", "", "", "2adccada18779e7c2077ad2eb19d3f3e731385dd",
		"2c91117204d745f3500d636a62f64f0ab3bae548aa53d423b0d1f27ebba6f5e5673a081d70cce7acfc48"},
};

static void hkdf_case(CK_SESSION_HANDLE s, size_t i)
{
	item("RFC 5869, A, %s, number %zu", mechanism_name(hkdf_cases[i].hash), i + 1);
	unsigned char salt[128], info[128], okm[128];
	CK_ULONG salt_len = known_bytes(salt, hkdf_cases[i].salt), len = known_bytes(okm, hkdf_cases[i].okm);
	CK_HKDF_PARAMS p = {CK_TRUE, CK_TRUE, hkdf_cases[i].hash,
		salt_len > 0 ? CKF_HKDF_SALT_DATA : CKF_HKDF_SALT_NULL, salt_len > 0 ? salt : NULL, salt_len, 0, info,
		known_bytes(info, hkdf_cases[i].info)};
	CK_MECHANISM mech = {CKM_HKDF_DERIVE, &p, sizeof p};
	CK_OBJECT_HANDLE ikm = base_new(s, CKK_GENERIC_SECRET, hkdf_cases[i].ikm);

	derives(s, &mech, ikm, len, hkdf_cases[i].okm);
	p.bExpand = CK_FALSE;
	derives(s, &mech, ikm, WHOLE, hkdf_cases[i].prk);
	if (salt_len > 0) {
		p.ulSaltType = CKF_HKDF_SALT_KEY;
		p.hSaltKey = base_new(s, CKK_GENERIC_SECRET, hkdf_cases[i].salt);
		derives(s, &mech, ikm, WHOLE, hkdf_cases[i].prk);
	}
	p.bExtract = CK_FALSE;
	p.bExpand = CK_TRUE;
	derives(s, &mech, base_new(s, CKK_HKDF, hkdf_cases[i].prk), len, hkdf_cases[i].okm);
	known_answer(CKM_HKDF_DERIVE, "RFC 5869, A");
}

void case_hkdf(void)
{
	CK_SESSION_HANDLE s = session_user();

	for (size_t i = 0; i < sizeof hkdf_cases / sizeof hkdf_cases[0] && offers(CKM_HKDF_DERIVE); i++)
		hkdf_case(s, i);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_hkdf_data(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char salt[16], info[16];
	CK_HKDF_PARAMS p = {CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_DATA, salt, known_bytes(salt, "..13"), 0, info,
		known_bytes(info, hkdf_cases[0].info)};
	CK_MECHANISM mech = {CKM_HKDF_DATA, &p, sizeof p};
	CK_OBJECT_CLASS data = CKO_DATA, class = 0;
	CK_ULONG len = 42;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &data, sizeof data}, {CKA_TOKEN, &no, 1}, {CKA_PRIVATE, &no, 1},
		{CKA_VALUE_LEN, &len, sizeof len}};
	CK_ATTRIBUTE ask = {CKA_CLASS, &class, sizeof class};
	CK_OBJECT_HANDLE object;

	if (offers(CKM_HKDF_DATA)) {
		CK_OBJECT_HANDLE ikm = base_new(s, CKK_GENERIC_SECRET, hkdf_cases[0].ikm);
		MUST(p11->C_DeriveKey(s, &mech, ikm, templ, 4, &object));
		IS(p11->C_GetAttributeValue(s, object, &ask, 1), CKR_OK);
		CHECK(class == CKO_DATA);
		has_value(s, object, hkdf_cases[0].okm);
		MUST(p11->C_DeriveKey(s, &mech, ikm, templ + 1, 3, &object)); /* it says so itself */
		has_value(s, object, hkdf_cases[0].okm);
		known_answer(CKM_HKDF_DATA, "RFC 5869, A.1");
		templ[0].pValue = &secret_class;
		IS(p11->C_DeriveKey(s, &mech, ikm, templ, 4, &object), CKR_TEMPLATE_INCONSISTENT);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- SP 800-108 ----------------------------------------------------------------------------------------- */

/* NIST CAVP, CounterMode, KDFCTR_gen, counter before the fixed input, of 8 and of 32 bits. */
void case_sp800_108_counter(void)
{
	static const struct {
		CK_MECHANISM_TYPE prf;
		CK_KEY_TYPE type;
		CK_ULONG bits;
		const char *key, *fixed, *out;
	} all[] = {
		{CKM_AES_CMAC, CKK_AES, 8, "dff1e50ac0b69dc40f1051d46c2b069c",
			"c16e6e02c5a3dcc8d78b9ac1306877761310455b4e41469951d9e6c2245a064b33fd8c3b01203a7824485bf0a64060"
			"c4648b707d260793"
			"5699316ea5",
			"8be8f0869b3c0ba97b71863d1b9f7813"},
		{CKM_SHA256_HMAC, CKK_GENERIC_SECRET, 8,
			"3edc6b5b8f7aadbd713732b482b8f979286e1ea3b8f8f99c30c884cfe3349b83",
			"98e9988bb4cc8b34d7922e1c68ad692ba2a1d9ae15149571675f17a77ad49e80c8d2a85e831a26445b1f0ff44d7084"
			"a17206b4896c8112"
			"daad18605a",
			"6c037652990674a07844732d0ad985f9"},
		{CKM_AES_CMAC, CKK_AES, 32, "695f1b1a16c949cea51cdf2554ec9d42",
			"4fce5942832a390aa1cbe8a0bf9d202cb799e986c9d6b51f45e4d597a6b57f06a4ebfec6467335d116b7f5f9c5b954"
			"062f661820f5db2a"
			"5bbb3e0625",
			"d34b601ec18c34dfa0f9e0b7523e218bdddb9befe8d08b6c0202d75ace0dba89"},
	};
	CK_SESSION_HANDLE s = session_user();
	unsigned char fixed[64], out[64];

	for (size_t i = 0; i < sizeof all / sizeof all[0] && offers(CKM_SP800_108_COUNTER_KDF); i++) {
		CK_SP800_108_COUNTER_FORMAT counter = {CK_FALSE, all[i].bits};
		CK_PRF_DATA_PARAM data[] = {{CK_SP800_108_ITERATION_VARIABLE, &counter, sizeof counter},
			{CK_SP800_108_BYTE_ARRAY, fixed, known_bytes(fixed, all[i].fixed)}};
		CK_SP800_108_KDF_PARAMS p = {all[i].prf, 2, data, 0, NULL};
		CK_MECHANISM mech = {CKM_SP800_108_COUNTER_KDF, &p, sizeof p};
		item("NIST CAVP, KDFCTR, %zu", i + 1);
		derives(s, &mech, base_new(s, all[i].type, all[i].key), known_bytes(out, all[i].out), all[i].out);
		known_answer(CKM_SP800_108_COUNTER_KDF, "NIST CAVP, KDFCTR_gen");
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* NIST CAVP, FeedbackModeNOzeroiv, HMAC_SHA256, AFTER_ITER, 32 bits, count 0. */
void case_sp800_108_feedback(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char fixed[64], iv[32];
	CK_SP800_108_COUNTER_FORMAT counter = {CK_FALSE, 32};
	CK_PRF_DATA_PARAM data[] = {{CK_SP800_108_ITERATION_VARIABLE, NULL, 0},
		{CK_SP800_108_COUNTER, &counter, sizeof counter}, {CK_SP800_108_BYTE_ARRAY, fixed, 51}};
	CK_SP800_108_FEEDBACK_KDF_PARAMS p = {CKM_SHA256_HMAC, 3, data, sizeof iv, iv, 0, NULL};
	CK_MECHANISM mech = {CKM_SP800_108_FEEDBACK_KDF, &p, sizeof p};

	unhex(iv, "9f575d9059d3e0c0803f08112f8a806de3c3471912cdf42b095388b14b33508e");
	unhex(fixed, "53b89c18690e2057a1d167822e636de50be0018532c431f7f5e37f77139220d5e042599ebe266af5767ee18cd2c5c19a1"
		     "f0f80");
	if (offers(CKM_SP800_108_FEEDBACK_KDF))
		derives(s, &mech,
			base_new(s, CKK_GENERIC_SECRET,
				"93f698e842eed75394d629d957e2e89c6e741f810b623c8b901e38376d068e7b"),
			64,
			"bd1476f43a4e315747cf5918e0ea5bc0d98769457477c3ab18b742def0e079a9"
			"33b756365afb5541f253fee43c6fd788a44041038509e9eeb68f7d65ffbb5f95");
	known_answer(CKM_SP800_108_FEEDBACK_KDF, "NIST CAVP, FeedbackModeNOzeroiv");
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* NIST CAVP, PipelineModeWOCounter, CMAC_AES256, count 0. */
void case_sp800_108_pipeline(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char fixed[64];
	CK_PRF_DATA_PARAM data[] = {{CK_SP800_108_ITERATION_VARIABLE, NULL, 0}, {CK_SP800_108_BYTE_ARRAY, fixed, 51}};
	CK_SP800_108_KDF_PARAMS p = {CKM_AES_CMAC, 2, data, 0, NULL};
	CK_MECHANISM mech = {CKM_SP800_108_DOUBLE_PIPELINE_KDF, &p, sizeof p};

	unhex(fixed, "073bd523412b11995e8260ca0541ba14471a9dbe26796408d68167a48030287c9eba21572f0a1fef2e03342f6ea0e377a"
		     "c8efb");
	if (offers(CKM_SP800_108_DOUBLE_PIPELINE_KDF))
		derives(s, &mech,
			base_new(s, CKK_AES, "f745adb6ecfa048f3d2737ecaa7676102ee0a922ece66fd54bd6fac1f03ece45"), 64,
			"8d8cd907244bfe3b2fbc8a3991fdf56d9d10554cb362d9822230a712f1bf3465"
			"14955258a78322fe750add487cc1c79d8faecba6655f52468e1438787ad62422");
	known_answer(CKM_SP800_108_DOUBLE_PIPELINE_KDF, "NIST CAVP, PipelineModeWOCounter");
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- TLS ------------------------------------------------------------------------------------------------ */

/* The vector that the TLS working group's list has for P_SHA256 (2009); the randoms are its seed in two parts. */
void case_tls12_kdf(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char seed[16];
	CK_TLS_KDF_PARAMS p = {CKM_SHA256, (CK_BYTE *)"test label", 10, {seed, 7, seed + 7, 9}, NULL, 0};
	CK_MECHANISM mech = {CKM_TLS12_KDF, &p, sizeof p};

	unhex(seed, "a0ba9f936cda311827a6f796ffd5198c");
	for (int i = 0; i < 2; i++) {
		mech.mechanism = i == 0 ? CKM_TLS12_KDF : CKM_TLS_KDF;
		item("%s, of the working group", mechanism_name(mech.mechanism));
		if (!offers(mech.mechanism))
			continue;
		derives(s, &mech, base_new(s, CKK_GENERIC_SECRET, "9bbe436ba940f017b17652849a71db35"), 100,
			"e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9"
			"af0fa0"
			"22f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187"
			"347b66");
		known_answer(mech.mechanism, "IETF TLS list, test vectors for P_SHA256");
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- joining, cutting, hashing, encrypting -------------------------------------------------------------- */

void case_concatenate(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_BYTE bytes[] = {0xaa, 0xbb, 0xcc};
	CK_KEY_DERIVATION_STRING_DATA p = {bytes, sizeof bytes};
	CK_MECHANISM after = {CKM_CONCATENATE_BASE_AND_DATA, &p, sizeof p},
		     before = {CKM_CONCATENATE_DATA_AND_BASE, &p, sizeof p};
	CK_OBJECT_HANDLE base = base_new(s, CKK_GENERIC_SECRET, "..16"),
			 other = base_new(s, CKK_GENERIC_SECRET, "ff*4");
	CK_MECHANISM both = {CKM_CONCATENATE_BASE_AND_KEY, &other, sizeof other};

	if (offers(CKM_CONCATENATE_BASE_AND_DATA))
		derives(s, &after, base, WHOLE, "000102030405060708090a0b0c0d0e0faabbcc");
	if (offers(CKM_CONCATENATE_DATA_AND_BASE))
		derives(s, &before, base, WHOLE, "aabbcc000102030405060708090a0b0c0d0e0f");
	if (offers(CKM_CONCATENATE_BASE_AND_KEY))
		derives(s, &both, base, WHOLE, "000102030405060708090a0b0c0d0e0fffffffff");
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_xor_base_and_data(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_BYTE bytes[] = {0xff, 0x01, 0x10};
	CK_KEY_DERIVATION_STRING_DATA p = {bytes, sizeof bytes};
	CK_MECHANISM mech = {CKM_XOR_BASE_AND_DATA, &p, sizeof p};

	if (offers(CKM_XOR_BASE_AND_DATA)) {
		derives(s, &mech, base_new(s, CKK_GENERIC_SECRET, "..16"), WHOLE, "ff0012");
		derives(s, &mech, base_new(s, CKK_GENERIC_SECRET, "5555"), WHOLE, "aa54");
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* The example of the text: 2.40, mechanisms, "Extraction of one key from another key". */
void case_extract_key(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_EXTRACT_PARAMS bit = 21;
	CK_MECHANISM mech = {CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit};

	if (offers(CKM_EXTRACT_KEY_FROM_KEY)) {
		CK_OBJECT_HANDLE base = base_new(s, CKK_GENERIC_SECRET, "329f84a9");
		derives(s, &mech, base, 2, "9526");
		bit = 0;
		derives(s, &mech, base, 4, "329f84a9");
		bit = 24;
		derives(s, &mech, base, 4, "a9329f84");
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* NIST SP 800-38A, F.1.1 and F.2.1, two blocks.  "If not all the cipher text is used then the part discarded will be
 * from the trailing end" (2.40, mechanisms, "Key derivation by data encryption").
 */
void case_aes_encrypt_data(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_OBJECT_HANDLE base = base_new(s, CKK_AES, "2b7e151628aed2a6abf7158809cf4f3c");
	CK_BYTE bytes[32];
	CK_KEY_DERIVATION_STRING_DATA p = {bytes, sizeof bytes};
	CK_AES_CBC_ENCRYPT_DATA_PARAMS q = {.pData = bytes, .length = sizeof bytes};
	CK_MECHANISM ecb = {CKM_AES_ECB_ENCRYPT_DATA, &p, sizeof p}, cbc = {CKM_AES_CBC_ENCRYPT_DATA, &q, sizeof q};

	unhex(bytes, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
	known_bytes(q.iv, "..16");
	if (offers(CKM_AES_ECB_ENCRYPT_DATA)) {
		item("ECB, SP 800-38A, F.1.1");
		derives(s, &ecb, base, 32, "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf");
		known_answer(CKM_AES_ECB_ENCRYPT_DATA, "SP 800-38A, F.1.1");
		item("ECB, the leading part of it");
		derives(s, &ecb, base, 16, "3ad77bb40d7a3660a89ecaf32466ef97");
	}
	if (offers(CKM_AES_CBC_ENCRYPT_DATA)) {
		item("CBC, SP 800-38A, F.2.1");
		derives(s, &cbc, base, 32, "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
		known_answer(CKM_AES_CBC_ENCRYPT_DATA, "SP 800-38A, F.2.1");
		item("CBC, the leading part of it");
		derives(s, &cbc, base, 20, "7649abac8119b246cee98e9b12e9197d5086cb9b");
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
