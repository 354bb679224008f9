/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

/* ---- cases: signing ----------------------------------------------------------------------------------------- */

/* RFC 4231, test cases 1, 2 and 6. */
void case_hmac(void)
{
	static const char *const macs[] = {"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
					   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
					   "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"};
	static const char *const data[] = {"Hi There", "what do ya want for nothing?",
					   "Test Using Larger Than Block-Size Key - Hash Key First"};
	unsigned char keys[3][131], mac[32], wanted[32];
	static const CK_ULONG lens[] = {20, 4, 131};
	CK_SESSION_HANDLE s = session_user();
	CK_MECHANISM mech = {CKM_SHA256_HMAC, NULL, 0};

	memset(keys[0], 0x0b, 20);
	memcpy(keys[1], "Jefe", 4);
	memset(keys[2], 0xaa, 131);
	for (int i = 0; i < 3 && offers(CKM_SHA256_HMAC); i++) {
		CK_BYTE *in = (CK_BYTE *)data[i];
		CK_ULONG len = strlen(data[i]), n = 0;
		if (!strict && lens[i] < 32)
			continue; /* SoftHSM wants keys as long as the MAC */
		CK_OBJECT_HANDLE key = key_new(s, CKK_GENERIC_SECRET, keys[i], lens[i], "hmac");
		unhex(wanted, macs[i]);
		MUST(p11->C_SignInit(s, &mech, key));
		IS(p11->C_Sign(s, in, len, NULL, &n), CKR_OK);
		CHECK(n == 32);
		n = 31;
		IS(p11->C_Sign(s, in, len, mac, &n), CKR_BUFFER_TOO_SMALL);
		n = 32;
		IS(p11->C_Sign(s, in, len, mac, &n), CKR_OK);
		CHECK(n == 32 && memcmp(mac, wanted, 32) == 0);
		MUST(p11->C_SignInit(s, &mech, key));
		IS(p11->C_SignUpdate(s, in, 3), CKR_OK);
		IS(p11->C_SignUpdate(s, in + 3, len - 3), CKR_OK);
		IS(p11->C_SignFinal(s, mac, &n), CKR_OK);
		CHECK(memcmp(mac, wanted, 32) == 0);
		MUST(p11->C_VerifyInit(s, &mech, key));
		IS(p11->C_Verify(s, in, len, wanted, 32), CKR_OK);
		MUST(p11->C_VerifyInit(s, &mech, key));
		IS(p11->C_VerifyUpdate(s, in, len), CKR_OK);
		IS(p11->C_VerifyFinal(s, wanted, 32), CKR_OK);
		IS(p11->C_VerifyFinal(s, wanted, 32), CKR_OPERATION_NOT_INITIALIZED);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_hmac_tampered(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[32] = {1}, mac[32];
	CK_BYTE in[] = "a message";
	CK_MECHANISM mech = {CKM_SHA256_HMAC, NULL, 0};
	CK_ULONG n = sizeof mac;

	if (offers(CKM_SHA256_HMAC)) {
		CK_OBJECT_HANDLE key = key_new(s, CKK_GENERIC_SECRET, value, sizeof value, "hmac");
		MUST(p11->C_SignInit(s, &mech, key));
		MUST(p11->C_Sign(s, in, sizeof in, mac, &n));
		for (int bit = 0; bit < 256; bit++) {
			mac[bit / 8] ^= (unsigned char)(1 << bit % 8);
			MUST(p11->C_VerifyInit(s, &mech, key));
			IS(p11->C_Verify(s, in, sizeof in, mac, 32), CKR_SIGNATURE_INVALID);
			mac[bit / 8] ^= (unsigned char)(1 << bit % 8);
		}
		MUST(p11->C_VerifyInit(s, &mech, key));
		IS(p11->C_Verify(s, in, sizeof in, mac, 31), CKR_SIGNATURE_LEN_RANGE);
		in[0] ^= 1;
		MUST(p11->C_VerifyInit(s, &mech, key));
		IS(p11->C_Verify(s, in, sizeof in, mac, 32), CKR_SIGNATURE_INVALID);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_hmac_general(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[20], mac[32], wanted[32];
	CK_ULONG len = 16, n = sizeof mac;
	CK_MECHANISM mech = {CKM_SHA256_HMAC_GENERAL, &len, sizeof len};
	CK_MECHANISM_INFO info;

	memset(value, 0x0b, sizeof value);
	unhex(wanted, "b0344c61d8db38535ca8afceaf0bf12b");
	if (strict || p11->C_GetMechanismInfo(slot, mech.mechanism, &info) == CKR_OK) {
		CK_OBJECT_HANDLE key = key_new(s, CKK_GENERIC_SECRET, value, sizeof value, "hmac");
		MUST(p11->C_SignInit(s, &mech, key));
		IS(p11->C_Sign(s, (CK_BYTE *)"Hi There", 8, mac, &n), CKR_OK);
		CHECK(n == 16 && memcmp(mac, wanted, 16) == 0);
		MUST(p11->C_VerifyInit(s, &mech, key));
		IS(p11->C_Verify(s, (CK_BYTE *)"Hi There", 8, mac, 16), CKR_OK);
		len = 33;
		IS(p11->C_SignInit(s, &mech, key), CKR_MECHANISM_PARAM_INVALID);
		len = 0;
		IS(p11->C_SignInit(s, &mech, key), CKR_MECHANISM_PARAM_INVALID);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- cases: the rest ------------------------------------------------------------------------------------------ */

void case_digest(void)
{
	CK_SESSION_HANDLE s = session_new(0);
	CK_MECHANISM mech = {CKM_SHA256, NULL, 0};
	unsigned char out[32], wanted[32];
	CK_ULONG n = sizeof out;

	unhex(wanted, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	CK_RV rv = p11->C_DigestInit(s, &mech);
	if (rv == CKR_OK) {
		IS(p11->C_Digest(s, (CK_BYTE *)"abc", 3, out, &n), CKR_OK);
		CHECK(n == 32 && memcmp(out, wanted, 32) == 0);
	} else {
		CHECK(rv == CKR_FUNCTION_NOT_SUPPORTED || rv == CKR_MECHANISM_INVALID);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_random(void)
{
	CK_SESSION_HANDLE s = session_new(0);
	unsigned char a[64] = {0}, b[64] = {0};

	IS(p11->C_GenerateRandom(s, a, sizeof a), CKR_OK);
	IS(p11->C_GenerateRandom(s, b, sizeof b), CKR_OK);
	CHECK(memcmp(a, b, sizeof a) != 0);
	CHECK(memcmp(a, a + 32, 32) != 0);
	IS(p11->C_GenerateRandom(s, NULL, 8), CKR_ARGUMENTS_BAD);
	EITHER(p11->C_SeedRandom(s, a, sizeof a), CKR_OK, CKR_RANDOM_SEED_NOT_SUPPORTED);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
