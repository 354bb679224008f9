/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

/* ---- known answers: digests ----------------------------------------------------------------------------- */

struct known {
	CK_MECHANISM_TYPE mech;
	const char *data, *digest; /* as known_bytes() reads them */
};

static void digest_known_one(CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_BYTE *data, CK_ULONG len,
			     const unsigned char *wanted, CK_ULONG digest_len)
{
	unsigned char out[64];
	CK_ULONG n = 0;

	MUST(p11->C_DigestInit(s, mech));
	IS(p11->C_DigestInit(s, mech), CKR_OPERATION_ACTIVE);
	IS(p11->C_Digest(s, data, len, NULL, &n), CKR_OK);
	CHECK(n == digest_len);
	n = digest_len - 1;
	IS(p11->C_Digest(s, data, len, out, &n), CKR_BUFFER_TOO_SMALL);
	CHECK(n == digest_len);
	IS(p11->C_Digest(s, data, len, out, &n), CKR_OK);
	CHECK(n == digest_len && memcmp(out, wanted, n) == 0);
	IS(p11->C_Digest(s, data, len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	MUST(p11->C_DigestInit(s, mech));
	for (CK_ULONG i = 0; i < len; i++)
		IS(p11->C_DigestUpdate(s, data + i, 1), CKR_OK);
	memset(out, 0, sizeof out);
	IS(p11->C_DigestFinal(s, NULL, &n), CKR_OK);
	CHECK(n == digest_len);
	IS(p11->C_DigestFinal(s, out, &n), CKR_OK);
	CHECK(n == digest_len && memcmp(out, wanted, n) == 0);
	IS(p11->C_DigestFinal(s, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_DigestUpdate(s, data, len), CKR_OPERATION_NOT_INITIALIZED);
}

static void digest_known(const struct known *all, size_t count)
{
	CK_SESSION_HANDLE s = session_new(0);
	unsigned char data[256], wanted[64];

	for (size_t i = 0; i < count && offers(all[i].mech); i++) {
		CK_ULONG len = known_bytes(data, all[i].data), n = known_bytes(wanted, all[i].digest);
		CK_MECHANISM mech = {all[i].mech, NULL, 0};
		item("NIST's example %zu", i + 1);
		digest_known_one(s, &mech, data, len, wanted, n);
		known_answer(all[i].mech, "NIST, examples of FIPS 180-4 and 202");
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

#define DIGEST_CASE(name, ...)                                                                       \
	void case_##name(void)                                                                       \
	{                                                                                            \
		static const struct known all[] = {__VA_ARGS__};                                     \
		digest_known(all, sizeof all / sizeof all[0]);                                       \
	}

/* clang-format off */
/* FIPS 180-4 and FIPS 202, NIST's examples: one block, and two (of 448 and 896 bits). */
DIGEST_CASE(digest_sha1,
	    {CKM_SHA_1, "'abc",
	  "a9993e364706816aba3e25717850c26c9cd0d89d"},
	    {CKM_SHA_1, "'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "84983e441c3bd26ebaae4aa1f95129e5e54670f1"})
DIGEST_CASE(digest_sha224,
	    {CKM_SHA224, "'abc",
	  "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
	    {CKM_SHA224, "'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525"})
DIGEST_CASE(digest_sha256,
	    {CKM_SHA256, "'abc",
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {CKM_SHA256, "'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"})
DIGEST_CASE(digest_sha384,
	    {CKM_SHA384, "'abc",
	  "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
	    {CKM_SHA384, "'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	  "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039"})
DIGEST_CASE(digest_sha512,
	    {CKM_SHA512, "'abc",
	  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
	  "454d4423643ce80e2a9ac94fa54ca49f"},
	    {CKM_SHA512, "'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	  "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433a"
	  "c7d329eeb6dd26545e96e55b874be909"})
DIGEST_CASE(digest_sha512_224,
	    {CKM_SHA512_224, "'abc",
	  "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"},
	    {CKM_SHA512_224, "'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	  "23fec5bb94d60b23308192640b0c453335d664734fe40e7268674af9"})
DIGEST_CASE(digest_sha512_256,
	    {CKM_SHA512_256, "'abc",
	  "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"},
	    {CKM_SHA512_256, "'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	  "3928e184fb8690f840da3988121d31be65cb9d3ef83ee6146feac861e19b563a"})
DIGEST_CASE(digest_sha3_224,
	    {CKM_SHA3_224, "'abc",
	  "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"},
	    {CKM_SHA3_224, "'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "8a24108b154ada21c9fd5574494479ba5c7e7ab76ef264ead0fcce33"})
DIGEST_CASE(digest_sha3_256,
	    {CKM_SHA3_256, "'abc",
	  "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
	    {CKM_SHA3_256, "'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "41c0dba2a9d6240849100376a8235e2c82e1b9998a999e21db32dd97496d3376"})
DIGEST_CASE(digest_sha3_384,
	    {CKM_SHA3_384, "'abc",
	  "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25"},
	    {CKM_SHA3_384, "'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "991c665755eb3a4b6bbdfb75c78a492e8c56a22c5c4d7e429bfdbc32b9d4ad5aa04a1f076e62fea19eef51acd0657c22"})
DIGEST_CASE(digest_sha3_512,
	    {CKM_SHA3_512, "'abc",
	  "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e39340"
	  "57340b4cf408d5a56592f8274eec53f0"},
	    {CKM_SHA3_512, "'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "04a371e84ecfb5b8b77cb48610fca8182dd457ce6f326a0fd3d7ec2f1e91636dee691fbe0c985302ba1b0d8dc78c0863"
	  "46b533b49c030d99a27daf1139d6e75e"})
/* clang-format on */

/* A key's value stands for its bytes (PKCS#11 2.40, 5.10). */
void case_digest_key(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_MECHANISM mech = {CKM_SHA256, NULL, 0};
	unsigned char value[32], one[32], two[32];
	CK_ULONG n = 32;

	known_bytes(value, "..32");
	if (offers(CKM_SHA256)) {
		CK_OBJECT_HANDLE key = key_new(s, CKK_GENERIC_SECRET, value, sizeof value, "digested");
		MUST(p11->C_DigestInit(s, &mech));
		IS(p11->C_Digest(s, value, sizeof value, one, &n), CKR_OK);
		MUST(p11->C_DigestInit(s, &mech));
		ASK("a generic secret key", "5.12.4", p11->C_DigestKey(s, key), CKR_OK);
		item("is its bytes' digest");
		IS(p11->C_DigestFinal(s, two, &n), CKR_OK);
		CHECK(memcmp(one, two, 32) == 0);
		item_end();
		ASK("nothing begun", "5.12.4", p11->C_DigestKey(s, key), CKR_OPERATION_NOT_INITIALIZED);
		MUST(p11->C_DigestInit(s, &mech));
		ASK("no such key", "5.12.4", p11->C_DigestKey(s, key + 1000), CKR_KEY_HANDLE_INVALID);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_digest_state(void)
{
	CK_SESSION_HANDLE s = session_new(0), t = session_new(0);
	CK_MECHANISM mech = {CKM_SHA256, NULL, 0};
	unsigned char state[512], one[32], two[32];
	CK_ULONG n = sizeof state, len = 32;

	if (offers(CKM_SHA256)) {
		MUST(p11->C_DigestInit(s, &mech));
		IS(p11->C_DigestUpdate(s, (CK_BYTE *)"abc", 3), CKR_OK);
		CK_RV rv = p11->C_GetOperationState(s, state, &n);
		if (rv == CKR_FUNCTION_NOT_SUPPORTED || rv == CKR_STATE_UNSAVEABLE) {
			absent();
		} else {
			IS(rv, CKR_OK);
			IS(p11->C_SetOperationState(t, state, n, 0, 0), CKR_OK);
			IS(p11->C_DigestUpdate(s, (CK_BYTE *)"def", 3), CKR_OK);
			IS(p11->C_DigestUpdate(t, (CK_BYTE *)"def", 3), CKR_OK);
			IS(p11->C_DigestFinal(s, one, &len), CKR_OK);
			IS(p11->C_DigestFinal(t, two, &len), CKR_OK);
			CHECK(memcmp(one, two, 32) == 0);
			IS(p11->C_GetOperationState(s, state, &n), CKR_OPERATION_NOT_INITIALIZED);
		}
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
