/* SPDX-License-Identifier: Apache-2.0 */
/* Two operations over the same plaintext (PKCS#11 3.0, 5.17), beside the same two one after the other. */
#include "test/pkcs11/p11test.h"

#define LEN 96

static unsigned char plain[LEN], sealed[LEN], digest[32], code[32];
static CK_OBJECT_HANDLE cipher_key, mac_key;
static unsigned char iv[16] = {1, 2, 3};
static CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv}, sha256 = {CKM_SHA256, NULL, 0}, hmac = {CKM_SHA256_HMAC, NULL, 0};

/* What each gives by itself. */
static bool load(CK_SESSION_HANDLE s)
{
	unsigned char value[32] = {4, 5, 6};
	CK_ULONG n = LEN, m = 32, k = 32;

	if (!offers(CKM_AES_CBC) || !offers(CKM_SHA256) || !offers(CKM_SHA256_HMAC))
		return false;
	if (p11->C_DigestEncryptUpdate(s, plain, 0, sealed, &n) == CKR_FUNCTION_NOT_SUPPORTED) {
		absent();
		return false;
	}
	n = LEN;
	for (size_t i = 0; i < LEN; i++)
		plain[i] = (unsigned char)(i * 3);
	cipher_key = key_new(s, CKK_AES, value, 32, "cipher");
	mac_key = key_new(s, CKK_GENERIC_SECRET, value, 32, "mac");
	IS(p11->C_EncryptInit(s, &cbc, cipher_key), CKR_OK);
	IS(p11->C_Encrypt(s, plain, LEN, sealed, &n), CKR_OK);
	IS(p11->C_DigestInit(s, &sha256), CKR_OK);
	IS(p11->C_Digest(s, plain, LEN, digest, &m), CKR_OK);
	IS(p11->C_SignInit(s, &hmac, mac_key), CKR_OK);
	IS(p11->C_Sign(s, plain, LEN, code, &k), CKR_OK);
	return true;
}

typedef CK_RV dual(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG_PTR);

/* Both parts in place, cut at `cut`, after a question for the length and a buffer that is too small. */
static void two_parts(CK_SESSION_HANDLE s, dual *both, const unsigned char *in, size_t cut, const unsigned char *want)
{
	unsigned char buffer[LEN + 16];
	CK_ULONG n = 0, rest = sizeof buffer;
	size_t first = cut / 16 * 16;

	memcpy(buffer, in, cut);
	IS(both(s, buffer, cut, NULL, &n), CKR_OK);
	CHECK(n == first);
	if (first > 0) {
		n = first - 1;
		IS(both(s, buffer, cut, buffer, &n), CKR_BUFFER_TOO_SMALL);
	}
	n = sizeof buffer;
	IS(both(s, buffer, cut, buffer, &n), CKR_OK);
	CHECK(n == first && memcmp(buffer, want, first) == 0);
	memcpy(buffer, in + cut, LEN - cut);
	IS(both(s, buffer, LEN - cut, buffer, &rest), CKR_OK);
	CHECK(rest == LEN - first && memcmp(buffer, want + first, rest) == 0);
}

void case_dual_digest(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char out[LEN];
	CK_ULONG n = LEN;

	if (load(s)) {
		for (size_t cut = 0; cut <= LEN; cut += 5) {
			MUST(p11->C_EncryptInit(s, &cbc, cipher_key));
			MUST(p11->C_DigestInit(s, &sha256));
			two_parts(s, p11->C_DigestEncryptUpdate, plain, cut, sealed);
			n = LEN;
			IS(p11->C_DigestFinal(s, out, &n), CKR_OK);
			CHECK(n == 32 && memcmp(out, digest, 32) == 0);
			IS(p11->C_EncryptFinal(s, out, &n), CKR_OK);
			MUST(p11->C_DecryptInit(s, &cbc, cipher_key));
			MUST(p11->C_DigestInit(s, &sha256));
			two_parts(s, p11->C_DecryptDigestUpdate, sealed, cut, plain);
			n = LEN;
			IS(p11->C_DigestFinal(s, out, &n), CKR_OK);
			CHECK(n == 32 && memcmp(out, digest, 32) == 0);
			IS(p11->C_DecryptFinal(s, out, &n), CKR_OK);
		}
		/* One of two is not enough, and nothing of it is used up. */
		n = LEN;
		MUST(p11->C_EncryptInit(s, &cbc, cipher_key));
		IS(p11->C_DigestEncryptUpdate(s, plain, LEN, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11->C_Encrypt(s, plain, LEN, out, &n), CKR_OK);
		CHECK(memcmp(out, sealed, LEN) == 0);
		MUST(p11->C_DigestInit(s, &sha256));
		IS(p11->C_DigestEncryptUpdate(s, plain, LEN, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11->C_DecryptDigestUpdate(s, plain, LEN, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		n = 32;
		IS(p11->C_Digest(s, plain, LEN, out, &n), CKR_OK);
		CHECK(memcmp(out, digest, 32) == 0);
		MUST(p11->C_DigestInit(s, &sha256));
		MUST(p11->C_EncryptInit(s, &cbc, cipher_key));
		IS(p11->C_DigestEncryptUpdate(s, plain, LEN, out, NULL), CKR_ARGUMENTS_BAD);
		IS(p11->C_DigestEncryptUpdate(s, NULL, LEN, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_dual_sign(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char out[LEN];
	CK_ULONG n = LEN;

	if (load(s)) {
		for (size_t cut = 0; cut <= LEN; cut += 5) {
			MUST(p11->C_EncryptInit(s, &cbc, cipher_key));
			MUST(p11->C_SignInit(s, &hmac, mac_key));
			two_parts(s, p11->C_SignEncryptUpdate, plain, cut, sealed);
			n = LEN;
			IS(p11->C_SignFinal(s, out, &n), CKR_OK);
			CHECK(n == 32 && memcmp(out, code, 32) == 0);
			IS(p11->C_EncryptFinal(s, out, &n), CKR_OK);
			for (int wrong = 0; wrong < 2; wrong++) {
				MUST(p11->C_DecryptInit(s, &cbc, cipher_key));
				MUST(p11->C_VerifyInit(s, &hmac, mac_key));
				two_parts(s, p11->C_DecryptVerifyUpdate, sealed, cut, plain);
				code[0] ^= (unsigned char)wrong;
				IS(p11->C_VerifyFinal(s, code, 32), wrong ? CKR_SIGNATURE_INVALID : CKR_OK);
				code[0] ^= (unsigned char)wrong;
				IS(p11->C_DecryptFinal(s, out, &n), CKR_OK);
			}
		}
		MUST(p11->C_DecryptInit(s, &cbc, cipher_key));
		IS(p11->C_DecryptVerifyUpdate(s, sealed, LEN, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		MUST(p11->C_EncryptInit(s, &cbc, cipher_key));
		IS(p11->C_SignEncryptUpdate(s, sealed, LEN, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
