/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

/* ---- known answers: MACs -------------------------------------------------------------------------------- */

struct known {
	CK_MECHANISM_TYPE mech;
	CK_KEY_TYPE type;
	const char *key, *iv, *data, *mac; /* as known_bytes() reads them */
};

size_t known_bytes(unsigned char *out, const char *text)
{
	unsigned byte = 0, count = 0;

	if (text[0] == '\'') {
		memcpy(out, text + 1, strlen(text + 1));
		return strlen(text + 1);
	}
	if (sscanf(text, "..%u", &count) == 1) {
		for (unsigned i = 0; i < count; i++)
			out[i] = (unsigned char)i;
		return count;
	}
	if (sscanf(text, "%2x*%u", &byte, &count) == 2) {
		memset(out, (int)byte, count);
		return count;
	}
	return unhex(out, text);
}

/* Signing in one piece and byte by byte, with the conventions of lengths. */
static void sign_known(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE key, CK_BYTE *data, CK_ULONG len,
		       const unsigned char *wanted, CK_ULONG mac_len)
{
	unsigned char mac[64];
	CK_ULONG n = 0;

	MUST(p11->C_SignInit(s, mech, key));
	IS(p11->C_Sign(s, data, len, NULL, &n), CKR_OK);
	CHECK(n == mac_len);
	n = mac_len - 1;
	IS(p11->C_Sign(s, data, len, mac, &n), CKR_BUFFER_TOO_SMALL);
	CHECK(n == mac_len);
	IS(p11->C_Sign(s, data, len, mac, &n), CKR_OK);
	CHECK(n == mac_len && memcmp(mac, wanted, n) == 0);
	MUST(p11->C_SignInit(s, mech, key));
	for (CK_ULONG i = 0; i < len; i++)
		IS(p11->C_SignUpdate(s, data + i, 1), CKR_OK);
	memset(mac, 0, sizeof mac);
	n = sizeof mac;
	IS(p11->C_SignFinal(s, mac, &n), CKR_OK);
	CHECK(n == mac_len && memcmp(mac, wanted, n) == 0);
	IS(p11->C_SignFinal(s, mac, &n), CKR_OPERATION_NOT_INITIALIZED);
}

static void verify_known(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE key, CK_BYTE *data, CK_ULONG len,
			 unsigned char *mac, CK_ULONG mac_len)
{
	MUST(p11->C_VerifyInit(s, mech, key));
	IS(p11->C_Verify(s, data, len, mac, mac_len), CKR_OK);
	MUST(p11->C_VerifyInit(s, mech, key));
	IS(p11->C_VerifyUpdate(s, data, len), CKR_OK);
	IS(p11->C_VerifyFinal(s, mac, mac_len), CKR_OK);
	MUST(p11->C_VerifyInit(s, mech, key));
	IS(p11->C_Verify(s, data, len, mac, mac_len - 1), CKR_SIGNATURE_LEN_RANGE);
	for (CK_ULONG i = 0; i < mac_len; i++) {
		mac[i] ^= 0x10;
		MUST(p11->C_VerifyInit(s, mech, key));
		IS(p11->C_Verify(s, data, len, mac, mac_len), CKR_SIGNATURE_INVALID);
		mac[i] ^= 0x10;
	}
}

static void mac_known(const struct known *all, size_t count, const char *source)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char key[256], iv[16], data[256], mac[64];

	for (size_t i = 0; i < count && offers(all[i].mech); i++) {
		CK_ULONG key_len = known_bytes(key, all[i].key), data_len = known_bytes(data, all[i].data);
		CK_ULONG mac_len = known_bytes(mac, all[i].mac);
		CK_MECHANISM mech = {all[i].mech, NULL, 0};
		if (all[i].iv != NULL) {
			mech.ulParameterLen = known_bytes(iv, all[i].iv);
			mech.pParameter = iv;
		}
		CK_OBJECT_HANDLE handle = key_new(s, all[i].type, key, key_len, "mac");
		CK_SESSION_HANDLE t = session_new(0), u = session_new(0);
		item("%s, %zu, signed", source, i + 1);
		sign_known(t, &mech, handle, data, data_len, mac, mac_len);
		known_answer(all[i].mech, source);
		item("%s, %zu, verified", source, i + 1);
		verify_known(u, &mech, handle, data, data_len, mac, mac_len);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

#define MAC_CASE(name, source, ...)                                                                  \
	void case_##name(void)                                                                       \
	{                                                                                            \
		static const struct known all[] = {__VA_ARGS__};                                     \
		mac_known(all, sizeof all / sizeof all[0], source);                                  \
	}

/* clang-format off */
/* RFC 2202, 3, test cases 1, 2 and 6. */
MAC_CASE(hmac_sha1, "RFC 2202",
	 {CKM_SHA_1_HMAC, CKK_GENERIC_SECRET, "0b*20", NULL, "'Hi There",
	  "b617318655057264e28bc0b6fb378c8ef146be00"},
	 {CKM_SHA_1_HMAC, CKK_GENERIC_SECRET, "'Jefe", NULL, "'what do ya want for nothing?",
	  "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
	 {CKM_SHA_1_HMAC, CKK_GENERIC_SECRET, "aa*80", NULL, "'Test Using Larger Than Block-Size Key - Hash Key First",
	  "aa4ae5e15272d00e95705637ce8a3b55ed402112"})

/* RFC 4231, test cases 1, 2 and 6. */
MAC_CASE(hmac_sha224, "RFC 4231",
	 {CKM_SHA224_HMAC, CKK_GENERIC_SECRET, "0b*20", NULL, "'Hi There",
	  "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22"},
	 {CKM_SHA224_HMAC, CKK_GENERIC_SECRET, "'Jefe", NULL, "'what do ya want for nothing?",
	  "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"},
	 {CKM_SHA224_HMAC, CKK_GENERIC_SECRET, "aa*131", NULL, "'Test Using Larger Than Block-Size Key - Hash Key First",
	  "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e"})

/* RFC 4231, test cases 1, 2 and 6. */
MAC_CASE(hmac_sha256, "RFC 4231",
	 {CKM_SHA256_HMAC, CKK_GENERIC_SECRET, "0b*20", NULL, "'Hi There",
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
	 {CKM_SHA256_HMAC, CKK_GENERIC_SECRET, "'Jefe", NULL, "'what do ya want for nothing?",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
	 {CKM_SHA256_HMAC, CKK_GENERIC_SECRET, "aa*131", NULL, "'Test Using Larger Than Block-Size Key - Hash Key First",
	  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"})

/* RFC 4231, test cases 1, 2 and 6. */
MAC_CASE(hmac_sha384, "RFC 4231",
	 {CKM_SHA384_HMAC, CKK_GENERIC_SECRET, "0b*20", NULL, "'Hi There",
	  "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"},
	 {CKM_SHA384_HMAC, CKK_GENERIC_SECRET, "'Jefe", NULL, "'what do ya want for nothing?",
	  "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
	 {CKM_SHA384_HMAC, CKK_GENERIC_SECRET, "aa*131", NULL, "'Test Using Larger Than Block-Size Key - Hash Key First",
	  "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952"})

/* RFC 4231, test cases 1, 2 and 6. */
MAC_CASE(hmac_sha512, "RFC 4231",
	 {CKM_SHA512_HMAC, CKK_GENERIC_SECRET, "0b*20", NULL, "'Hi There",
	  "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4"
	  "be9d914eeb61f1702e696c203a126854"},
	 {CKM_SHA512_HMAC, CKK_GENERIC_SECRET, "'Jefe", NULL, "'what do ya want for nothing?",
	  "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
	  "caeab1a34d4a6b4b636e070a38bce737"},
	 {CKM_SHA512_HMAC, CKK_GENERIC_SECRET, "aa*131", NULL, "'Test Using Larger Than Block-Size Key - Hash Key First",
	  "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e52"
	  "95e64f73f63f0aec8b915a985d786598"})

/* NIST, "Examples with Intermediate Values", HMAC_SHA3-224, samples 1 and 2. */
MAC_CASE(hmac_sha3_224, "NIST's examples of HMAC_SHA3",
	 {CKM_SHA3_224_HMAC, CKK_GENERIC_SECRET, "..28", NULL, "'Sample message for keylen<blocklen",
	  "332cfd59347fdb8e576e77260be4aba2d6dc53117b3bfb52c6d18c04"},
	 {CKM_SHA3_224_HMAC, CKK_GENERIC_SECRET, "..144", NULL, "'Sample message for keylen=blocklen",
	  "d8b733bcf66c644a12323d564e24dcf3fc75f231f3b67968359100c7"})

/* NIST, "Examples with Intermediate Values", HMAC_SHA3-256, samples 1 and 2. */
MAC_CASE(hmac_sha3_256, "NIST's examples of HMAC_SHA3",
	 {CKM_SHA3_256_HMAC, CKK_GENERIC_SECRET, "..32", NULL, "'Sample message for keylen<blocklen",
	  "4fe8e202c4f058e8dddc23d8c34e467343e23555e24fc2f025d598f558f67205"},
	 {CKM_SHA3_256_HMAC, CKK_GENERIC_SECRET, "..136", NULL, "'Sample message for keylen=blocklen",
	  "68b94e2e538a9be4103bebb5aa016d47961d4d1aa906061313b557f8af2c3faa"})

/* NIST, "Examples with Intermediate Values", HMAC_SHA3-384, samples 1 and 2. */
MAC_CASE(hmac_sha3_384, "NIST's examples of HMAC_SHA3",
	 {CKM_SHA3_384_HMAC, CKK_GENERIC_SECRET, "..48", NULL, "'Sample message for keylen<blocklen",
	  "d588a3c51f3f2d906e8298c1199aa8ff6296218127f6b38a90b6afe2c5617725bc99987f79b22a557b6520db710b7f42"},
	 {CKM_SHA3_384_HMAC, CKK_GENERIC_SECRET, "..104", NULL, "'Sample message for keylen=blocklen",
	  "a27d24b592e8c8cbf6d4ce6fc5bf62d8fc98bf2d486640d9eb8099e24047837f5f3bffbe92dcce90b4ed5b1e7e44fa90"})

/* NIST, "Examples with Intermediate Values", HMAC_SHA3-512, samples 1 and 2. */
MAC_CASE(hmac_sha3_512, "NIST's examples of HMAC_SHA3",
	 {CKM_SHA3_512_HMAC, CKK_GENERIC_SECRET, "..64", NULL, "'Sample message for keylen<blocklen",
	  "4efd629d6c71bf86162658f29943b1c308ce27cdfa6db0d9c3ce81763f9cbce5f7ebe9868031db1a8f8eb7b6b95e5c5e"
	  "3f657a8996c86a2f6527e307f0213196"},
	 {CKM_SHA3_512_HMAC, CKK_GENERIC_SECRET, "..72", NULL, "'Sample message for keylen=blocklen",
	  "544e257ea2a3e5ea19a590e6a24b724ce6327757723fe2751b75bf007d80f6b360744bf1b7a88ea585f9765b47911976"
	  "d3191cf83c039f5ffab0d29cc9d9b6da"})

/* NIST SP 800-38B, annex D (and its updated examples). */
#define CMAC_DATA "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
#define CMAC_128 "2b7e151628aed2a6abf7158809cf4f3c"
#define CMAC_192 "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"
#define CMAC_256 "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
MAC_CASE(aes_cmac, "SP 800-38B, D",
	 {CKM_AES_CMAC, CKK_AES, CMAC_128, NULL, "", "bb1d6929e95937287fa37d129b756746"},
	 {CKM_AES_CMAC, CKK_AES, CMAC_128, NULL, "6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c"},
	 {CKM_AES_CMAC, CKK_AES, CMAC_128, NULL, CMAC_DATA, "dfa66747de9ae63030ca32611497c827"},
	 {CKM_AES_CMAC, CKK_AES, CMAC_192, NULL, CMAC_DATA, "8a1de5be2eb31aad089a82e6ee908b0e"},
	 {CKM_AES_CMAC, CKK_AES, CMAC_256, NULL, "", "028962f61b7bf89efc6b551f4667d983"},
	 {CKM_AES_CMAC, CKK_AES, CMAC_256, NULL, CMAC_DATA, "aaf3d8f1de5640c232f5b169b9c911e6"})

/* McGrew and Viega, test case 1; NIST CAVP, gcmEncryptExtIV128, a message without plaintext. */
MAC_CASE(aes_gmac, "McGrew and Viega 1, CAVP",
	 {CKM_AES_GMAC, CKK_AES, "00*16", "00*12", "", "58e2fccefa7e3061367f1d57a4e7455a"},
	 {CKM_AES_GMAC, CKK_AES, "77be63708971c4e240d1cb79e8d77feb", "e0e00f19fed7ba0136a797f3",
	  "7a43ec1d9c0a5a78a0b16533a6213cab", "209fcc8d3675ed938e9c7166709dd946"})

/* RFC 8439, 2.5.2. */
MAC_CASE(poly1305, "RFC 8439, 2.5.2",
	 {CKM_POLY1305, CKK_POLY1305, "85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b", NULL,
	  "'Cryptographic Forum Research Group", "a8061dc1305136c6c22b8baf0c0127a9"})
/* clang-format on */

/* ---- many messages with one key (PKCS#11 3.0, 5.14 and 5.16) -------------------------------------------- */

#define JEFE "'Jefe"
#define ASKS "'what do ya want for nothing?"
#define ANSWER "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" /* RFC 4231, test case 2 */

static bool messages_begin(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM mech = {CKM_SHA256_HMAC, NULL, 0};
	unsigned char value[8];

	if (p11_3 == NULL || !offers(CKM_SHA256_HMAC)) {
		absent();
		return false;
	}
	*key = key_new(s, CKK_GENERIC_SECRET, value, known_bytes(value, JEFE), "messages");
	IS(p11_3->C_MessageSignInit(s, &mech, *key), CKR_OK);
	IS(p11_3->C_MessageSignInit(s, &mech, *key), CKR_OPERATION_ACTIVE);
	IS(p11_3->C_MessageVerifyInit(s, &mech, *key), CKR_OK);
	return true;
}

void case_sign_messages(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char data[64], wanted[32], mac[64];
	CK_ULONG len = known_bytes(data, ASKS), n;
	CK_OBJECT_HANDLE key;

	known_bytes(wanted, ANSWER);
	if (messages_begin(s, &key)) {
		for (CK_ULONG i = 0; i < len; i++) { /* whole, in parts, whole ... */
			n = 0;
			IS(p11_3->C_SignMessage(s, NULL, 0, data, len, NULL, &n), CKR_OK);
			CHECK(n == 32);
			n = 31;
			IS(p11_3->C_SignMessage(s, NULL, 0, data, len, mac, &n), CKR_BUFFER_TOO_SMALL);
			IS(p11_3->C_SignMessage(s, NULL, 0, data, len, mac, &n), CKR_OK);
			CHECK(n == 32 && memcmp(mac, wanted, 32) == 0);
			IS(p11_3->C_SignMessageBegin(s, NULL, 0), CKR_OK);
			IS(p11_3->C_SignMessageNext(s, NULL, 0, data, i, NULL, NULL), CKR_OK);
			IS(p11_3->C_SignMessageNext(s, NULL, 0, data + i, len - i, NULL, &n), CKR_OK); /* how long? */
			n = 5;
			IS(p11_3->C_SignMessageNext(s, NULL, 0, data + i, len - i, mac, &n), CKR_BUFFER_TOO_SMALL);
			IS(p11_3->C_SignMessageNext(s, NULL, 0, data + i, len - i, mac, &n), CKR_OK);
			CHECK(n == 32 && memcmp(mac, wanted, 32) == 0);
			IS(p11_3->C_VerifyMessage(s, NULL, 0, data, len, mac, 32), CKR_OK);
			IS(p11_3->C_VerifyMessageBegin(s, NULL, 0), CKR_OK);
			IS(p11_3->C_VerifyMessageNext(s, NULL, 0, data, i, NULL, 0), CKR_OK);
			IS(p11_3->C_VerifyMessageNext(s, NULL, 0, data + i, len - i, mac, 32), CKR_OK);
			mac[i % 32] ^= 1;
			IS(p11_3->C_VerifyMessage(s, NULL, 0, data, len, mac, 32), CKR_SIGNATURE_INVALID);
		}
		IS(p11_3->C_MessageSignFinal(s), CKR_OK);
		IS(p11_3->C_MessageVerifyFinal(s), CKR_OK);
		IS(p11_3->C_MessageSignFinal(s), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11_3->C_MessageVerifyFinal(s), CKR_OPERATION_NOT_INITIALIZED);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* What is wrong with a message ends it, and not those after it. */
void case_sign_messages_refused(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char data[64], wanted[32], mac[64];
	CK_ULONG len = known_bytes(data, ASKS), n = sizeof mac;
	CK_MECHANISM digest = {CKM_SHA256, NULL, 0}, gmac = {CKM_AES_GMAC, data, 12}, hmac = {CKM_SHA256_HMAC, NULL, 0};
	CK_OBJECT_HANDLE key;

	known_bytes(wanted, ANSWER);
	if (messages_begin(s, &key)) {
		IS(p11_3->C_SignMessage(s, data, 1, data, len, mac, &n), CKR_MECHANISM_PARAM_INVALID);
		IS(p11_3->C_SignMessage(s, NULL, 1, data, len, mac, &n), CKR_MECHANISM_PARAM_INVALID);
		IS(p11_3->C_SignMessage(s, NULL, 0, NULL, len, mac, &n), CKR_ARGUMENTS_BAD);
		IS(p11_3->C_SignMessage(s, NULL, 0, data, len, mac, NULL), CKR_ARGUMENTS_BAD);
		IS(p11_3->C_SignMessageNext(s, NULL, 0, data, len, mac, &n), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11_3->C_SignMessageBegin(s, NULL, 0), CKR_OK);
		IS(p11_3->C_SignMessageBegin(s, NULL, 0), CKR_OPERATION_ACTIVE);
		IS(p11_3->C_SignMessage(s, NULL, 0, data, len, mac, &n), CKR_OPERATION_ACTIVE);
		IS(p11_3->C_MessageSignFinal(s), CKR_OPERATION_ACTIVE);
		IS(p11_3->C_SignMessageNext(s, NULL, 0, NULL, len, NULL, NULL), CKR_ARGUMENTS_BAD);
		IS(p11_3->C_SignMessageNext(s, NULL, 0, data, len, mac, &n), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11_3->C_VerifyMessage(s, NULL, 0, data, len, NULL, 32), CKR_ARGUMENTS_BAD);
		IS(p11_3->C_VerifyMessage(s, NULL, 0, data, len, wanted, 31), CKR_SIGNATURE_LEN_RANGE);
		IS(p11_3->C_VerifyMessageBegin(s, NULL, 0), CKR_OK);
		IS(p11_3->C_VerifyMessageNext(s, NULL, 0, data, len, mac, 32), CKR_SIGNATURE_INVALID);
		IS(p11_3->C_VerifyMessageNext(s, NULL, 0, data, len, wanted, 32), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11_3->C_SignMessage(s, NULL, 0, data, len, mac, &n), CKR_OK);
		CHECK(n == 32 && memcmp(mac, wanted, 32) == 0);
		IS(p11_3->C_VerifyMessage(s, NULL, 0, data, len, wanted, 32), CKR_OK);
		IS(p11_3->C_MessageSignInit(s, NULL, 0), CKR_OK);
		IS(p11_3->C_SignMessage(s, NULL, 0, data, len, mac, &n), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11_3->C_SessionCancel(s, CKF_MESSAGE_VERIFY), CKR_OK);
		IS(p11_3->C_MessageVerifyFinal(s), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11_3->C_MessageSignInit(s, &digest, key), CKR_MECHANISM_INVALID);
		IS(p11_3->C_MessageSignInit(s, &gmac, key), CKR_MECHANISM_INVALID);
		IS(p11_3->C_MessageSignInit(s, &hmac, key), CKR_OK);
		IS(p11->C_DestroyObject(s, key), CKR_OK);
		EITHER(p11_3->C_SignMessage(s, NULL, 0, data, len, mac, &n), CKR_KEY_HANDLE_INVALID, CKR_OPERATION_NOT_INITIALIZED);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
