/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known answers that follow from others (MACs of a chosen length, digests of keys), the standard's own examples, and
 * the audit: every mechanism that the module lists has a known answer with its source, and gives what OpenSSL gives,
 * or there is a reason why not.
 */
#include "test/pkcs11/p11test.h"

/* ---- MACs of a chosen length ---------------------------------------------------------------------------- */

struct general {
	CK_MECHANISM_TYPE general, whole;
	CK_KEY_TYPE type;
	const char *source, *key, *data, *mac; /* the first bytes of the whole */
};

#define HI "'Hi There"
#define TRUNCATED "'Test With Truncation"
#define SHORTER "'Sample message for keylen<blocklen"
#define ACVP "NIST ACVP, gen-val/json-files"

/* RFC 2202 and 4231, test cases 5; RFC 4494; NIST's examples of HMAC_SHA3 and the samples of its validation server. */
static const struct general generals[] = {
	{CKM_SHA_1_HMAC_GENERAL, CKM_SHA_1_HMAC, CKK_GENERIC_SECRET, "RFC 2202, 3, case 5", "0c*20", TRUNCATED,
	 "4c1a03424b55e07fe7f27be1"},
	{CKM_SHA224_HMAC_GENERAL, CKM_SHA224_HMAC, CKK_GENERIC_SECRET, "RFC 4231, case 5", "0c*20", TRUNCATED,
	 "0e2aea68a90c8d37c988bcdb9fca6fa8"},
	{CKM_SHA256_HMAC_GENERAL, CKM_SHA256_HMAC, CKK_GENERIC_SECRET, "RFC 4231, case 5", "0c*20", TRUNCATED,
	 "a3b6167473100ee06e0c796c2955552b"},
	{CKM_SHA384_HMAC_GENERAL, CKM_SHA384_HMAC, CKK_GENERIC_SECRET, "RFC 4231, case 5", "0c*20", TRUNCATED,
	 "3abf34c3503b2a23a46efc619baef897"},
	{CKM_SHA512_HMAC_GENERAL, CKM_SHA512_HMAC, CKK_GENERIC_SECRET, "RFC 4231, case 5", "0c*20", TRUNCATED,
	 "415fad6271580a531d4179bc891d87a6"},
	{CKM_SHA512_224_HMAC_GENERAL, CKM_SHA512_224_HMAC, CKK_GENERIC_SECRET, ACVP, "ce",
	 "4209c0d0893bc4845f59779f5e891cf30e227860eb138c76f539b52c5e11ffa53509",
	 "e461037e36ac71cb91f6a243a3734b4f1ed5cd95"},
	{CKM_SHA512_256_HMAC_GENERAL, CKM_SHA512_256_HMAC, CKK_GENERIC_SECRET, ACVP,
	 "15755084e5ea41ffe4f4f61c5d1c831a977d02633eb64091330222ad54eb7cc746d585f9",
	 "24bdab00957a2359b4daa70f6e44f7a1307781d75f1509a1ca41af1c376c540688d129776975ba0ac2908c253de488d7657a53a315a6a24e35",
	 "9ffa1eacd4b8de975ea07276cac51c66"},
	{CKM_SHA3_224_HMAC_GENERAL, CKM_SHA3_224_HMAC, CKK_GENERIC_SECRET, "NIST's examples, HMAC_SHA3-224", "..28",
	 SHORTER, "332cfd59347fdb8e576e77260be4"},
	{CKM_SHA3_256_HMAC_GENERAL, CKM_SHA3_256_HMAC, CKK_GENERIC_SECRET, "NIST's examples, HMAC_SHA3-256", "..32",
	 SHORTER, "4fe8e202c4f058e8dddc23d8c34e4673"},
	{CKM_SHA3_384_HMAC_GENERAL, CKM_SHA3_384_HMAC, CKK_GENERIC_SECRET, "NIST's examples, HMAC_SHA3-384", "..48",
	 SHORTER, "d588a3c51f3f2d906e8298c1199aa8ff6296218127f6b38a"},
	{CKM_SHA3_512_HMAC_GENERAL, CKM_SHA3_512_HMAC, CKK_GENERIC_SECRET, "NIST's examples, HMAC_SHA3-512", "..64",
	 SHORTER, "4efd629d6c71bf86162658f29943b1c308ce27cdfa6db0d9c3ce81763f9cbce5"},
	{CKM_AES_CMAC_GENERAL, CKM_AES_CMAC, CKK_AES, "RFC 4494, 4.1", "2b7e151628aed2a6abf7158809cf4f3c",
	 "6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9d"},
};

static void sign(CK_MECHANISM *mech, CK_OBJECT_HANDLE key, const char *data, const char *wanted)
{
	CK_SESSION_HANDLE s = session_new(0);
	unsigned char in[128], mac[64], out[64];
	CK_ULONG len = known_bytes(in, data), mac_len = known_bytes(mac, wanted), n = sizeof out;

	MUST(p11->C_SignInit(s, mech, key));
	IS(p11->C_Sign(s, in, len, out, &n), CKR_OK);
	CHECK(n >= mac_len && memcmp(out, mac, mac_len) == 0);
	MUST(p11->C_VerifyInit(s, mech, key));
	IS(p11->C_Verify(s, in, len, out, n), CKR_OK);
}

void case_general_length(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char key[64], mac[64];

	for (size_t i = 0; i < sizeof generals / sizeof generals[0]; i++) {
		const struct general *g = &generals[i];
		CK_ULONG len = known_bytes(mac, g->mac), key_len = known_bytes(key, g->key);
		CK_MECHANISM some = {g->general, &len, sizeof len}, whole = {g->whole, NULL, 0};
		CK_OBJECT_HANDLE handle = key_new(s, g->type, key, key_len, "mac");
		item("%s, %s", mechanism_name(g->general), g->source);
		if (offers(g->general)) {
			sign(&some, handle, g->data, g->mac);
			known_answer(g->general, g->source);
		}
		item("%s begins as %s has it", mechanism_name(g->whole), g->source);
		if (offers(g->whole)) {
			sign(&whole, handle, g->data, g->mac);
			known_answer(g->whole, g->source);
		}
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- keys that are digests of keys ---------------------------------------------------------------------- */

/* FIPS 180-4 and 202, NIST's examples for "abc". */
static const struct {
	CK_MECHANISM_TYPE type;
	const char *digest;
} abc[] = {
	{CKM_SHA1_KEY_DERIVATION, "a9993e364706816aba3e25717850c26c9cd0d89d"},
	{CKM_SHA224_KEY_DERIVATION, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
	{CKM_SHA256_KEY_DERIVATION, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{CKM_SHA384_KEY_DERIVATION,
	 "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
	{CKM_SHA512_KEY_DERIVATION,
	 "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
	 "454d4423643ce80e2a9ac94fa54ca49f"},
	{CKM_SHA512_224_KEY_DERIVATION, "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa"},
	{CKM_SHA512_256_KEY_DERIVATION, "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"},
	{CKM_SHA3_224_KEY_DERIVATION, "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf"},
	{CKM_SHA3_256_KEY_DERIVATION, "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"},
	{CKM_SHA3_384_KEY_DERIVATION,
	 "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25"},
	{CKM_SHA3_512_KEY_DERIVATION,
	 "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e39340"
	 "57340b4cf408d5a56592f8274eec53f0"},
};

void case_digest_derivation(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_OBJECT_HANDLE base = base_new(s, CKK_GENERIC_SECRET, "'abc");

	for (size_t i = 0; i < sizeof abc / sizeof abc[0]; i++) {
		CK_MECHANISM mech = {abc[i].type, NULL, 0};
		item("%s", mechanism_name(abc[i].type));
		if (!offers(abc[i].type))
			continue;
		derives(s, &mech, base, 0, abc[i].digest);
		known_answer(abc[i].type, "NIST, examples of FIPS 180-4 and 202");
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- the standard's own examples ------------------------------------------------------------------------ */

void case_examples(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_BYTE other[] = {0x89, 0xab, 0xcd, 0xef};
	CK_KEY_DERIVATION_STRING_DATA data = {other, sizeof other};
	CK_OBJECT_HANDLE base = base_new(s, CKK_GENERIC_SECRET, "01234567"),
			 key = base_new(s, CKK_GENERIC_SECRET, "89abcdef"),
			 cut = base_new(s, CKK_GENERIC_SECRET, "329f84a9");
	CK_EXTRACT_PARAMS bit = 21;
	const struct {
		CK_MECHANISM mech;
		CK_OBJECT_HANDLE base;
		CK_ULONG len;
		const char *value;
	} all[] = {
		{{CKM_CONCATENATE_BASE_AND_KEY, &key, sizeof key}, base, 0, "0123456789abcdef"},
		{{CKM_CONCATENATE_BASE_AND_DATA, &data, sizeof data}, base, 0, "0123456789abcdef"},
		{{CKM_CONCATENATE_DATA_AND_BASE, &data, sizeof data}, base, 0, "89abcdef01234567"},
		{{CKM_XOR_BASE_AND_DATA, &data, sizeof data}, base, 0, "88888888"},
		{{CKM_EXTRACT_KEY_FROM_KEY, &bit, sizeof bit}, cut, 2, "9526"},
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		CK_MECHANISM mech = all[i].mech;
		item("%s", mechanism_name(mech.mechanism));
		if (!offers(mech.mechanism))
			continue;
		derives(s, &mech, all[i].base, all[i].len, all[i].value);
		known_answer(mech.mechanism, "PKCS#11 3.2, 6.43, example");
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- the audit ------------------------------------------------------------------------------------------ */

#define RANDOM "what it makes is random"
#define OURS "the scheme's own: test/vectors, test/spec/decoder.py and the routes' tests have its answers"

/* Why there is no known answer, and why nothing beside OpenSSL's (NULL: there is). */
static const struct {
	CK_MECHANISM_TYPE type;
	const char *known, *crossed;
} reasons[] = {
	{CKM_AES_KEY_GEN, RANDOM, RANDOM}, {CKM_GENERIC_SECRET_KEY_GEN, RANDOM, RANDOM},
	{CKM_HKDF_KEY_GEN, RANDOM, RANDOM}, {CKM_CHACHA20_KEY_GEN, RANDOM, RANDOM},
	{CKM_POLY1305_KEY_GEN, RANDOM, RANDOM}, {CKM_SHA_1_KEY_GEN, RANDOM, RANDOM},
	{CKM_SHA224_KEY_GEN, RANDOM, RANDOM}, {CKM_SHA256_KEY_GEN, RANDOM, RANDOM},
	{CKM_SHA384_KEY_GEN, RANDOM, RANDOM}, {CKM_SHA512_KEY_GEN, RANDOM, RANDOM},
	{CKM_SHA512_224_KEY_GEN, RANDOM, RANDOM}, {CKM_SHA512_256_KEY_GEN, RANDOM, RANDOM},
	{CKM_SHA3_224_KEY_GEN, RANDOM, RANDOM}, {CKM_SHA3_256_KEY_GEN, RANDOM, RANDOM},
	{CKM_SHA3_384_KEY_GEN, RANDOM, RANDOM}, {CKM_SHA3_512_KEY_GEN, RANDOM, RANDOM},
	{CKM_ECDH1_DERIVE, OURS, OURS}, {CKM_DSKE_DERIVE, OURS, OURS}, {CKM_DSKE_KEY_GEN, OURS, OURS},
	{CKM_DSKE_REDEEM, OURS, OURS}, {CKM_DSKE_OTP, OURS, OURS},
	{CKM_CONCATENATE_BASE_AND_KEY, NULL, "it moves bytes"}, {CKM_CONCATENATE_BASE_AND_DATA, NULL, "it moves bytes"},
	{CKM_CONCATENATE_DATA_AND_BASE, NULL, "it moves bytes"}, {CKM_XOR_BASE_AND_DATA, NULL, "it is an exclusive or"},
	{CKM_EXTRACT_KEY_FROM_KEY, NULL, "it moves bits"},
};

static const char *reason_of(CK_MECHANISM_TYPE type, bool crossed)
{
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].type == type)
			return crossed ? reasons[i].crossed : reasons[i].known;
	return NULL;
}

static void audit(bool crossed)
{
	CK_MECHANISM_TYPE list[300];
	CK_ULONG n = 300;

	if (partial || !strict) {
		excused("of all groups, and of a module for which these cases were written");
		return;
	}
	MUST(p11->C_GetMechanismList(slot, list, &n));
	for (CK_ULONG i = 0; i < n; i++) {
		const char *source = proof_of(list[i], crossed), *reason = reason_of(list[i], crossed);
		item("%s", mechanism_name(list[i]));
		if (source == NULL && reason == NULL)
			absent();
		CHECK(source == NULL || reason == NULL); /* an excuse too many */
	}
}

void case_has_known_answer(void)
{
	audit(false);
}

void case_has_been_crossed(void)
{
	audit(true);
}
