/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

/* ---- cases: signing ------------------------------------------------------------------------------------- */

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

	memset(value, 0x0b, sizeof value);
	unhex(wanted, "b0344c61d8db38535ca8afceaf0bf12b");
	if (offers(CKM_SHA256_HMAC_GENERAL)) {
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

/* ---- cases: the rest ------------------------------------------------------------------------------------ */

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
