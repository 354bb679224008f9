/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Known answers of what encrypts, each both ways: in one piece, cut at every byte, with the question for the length, into
 * a buffer that is too small, in place, and at odd addresses.
 */
#include "test/pkcs11/p11test.h"

#define KEY_38A_128 "2b7e151628aed2a6abf7158809cf4f3c"
#define KEY_38A_192 "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"
#define KEY_38A_256 "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"
#define PLAIN_38A                                                                                    \
	"6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                           \
	"30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
#define IV_38A "000102030405060708090a0b0c0d0e0f"
#define COUNTER_38A "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
#define SUNSCREEN /* RFC 8439: "Ladies and Gentlemen of the class of '99: ..." */                    \
	"4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966"   \
	"204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572" \
	"652c2073756e73637265656e20776f756c642062652069742e"
#define KEY_8439 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_XCHACHA "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
#define XSEALED                                                                                      \
	"bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39" \
	"ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9" \
	"21f9664c97637da9768812f615c68b13b52e"
#define KEY_38C "404142434445464748494a4b4c4d4e4f"
#define KEK_5649 "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"
#define KEY_3962 "636869636b656e207465726979616b69"
#define ZEROS "00000000000000000000000000000000"

struct known {
	const char *source;
	CK_MECHANISM_TYPE type;
	const char *key, *iv, *ad, *plain, *sealed;
	CK_ULONG bits; /* of counter or tag */
};

static const struct known known[] = {
	{"SP 800-38A, F.1.1", CKM_AES_ECB, KEY_38A_128, "", "", PLAIN_38A,
	 "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
	 "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4", 0},
	{"SP 800-38A, F.1.3", CKM_AES_ECB, KEY_38A_192, "", "", PLAIN_38A,
	 "bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eef"
	 "ef7afd2270e2e60adce0ba2face6444e9a4b41ba738d6c72fb16691603c18e0e", 0},
	{"SP 800-38A, F.1.5", CKM_AES_ECB, KEY_38A_256, "", "", PLAIN_38A,
	 "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870"
	 "b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7", 0},
	{"SP 800-38A, F.2.1", CKM_AES_CBC, KEY_38A_128, IV_38A, "", PLAIN_38A,
	 "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
	 "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7", 0},
	{"SP 800-38A, F.2.3", CKM_AES_CBC, KEY_38A_192, IV_38A, "", PLAIN_38A,
	 "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
	 "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd", 0},
	{"SP 800-38A, F.2.5, padded", CKM_AES_CBC_PAD, KEY_38A_256, IV_38A, "", PLAIN_38A,
	 "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
	 "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"
	 "3f461796d6b0d6b2e0c2a72b4d80e644", 0},
	{"SP 800-38A, F.5.1", CKM_AES_CTR, KEY_38A_128, COUNTER_38A, "", PLAIN_38A,
	 "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
	 "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee", 128},
	{"SP 800-38A, F.5.3", CKM_AES_CTR, KEY_38A_192, COUNTER_38A, "", PLAIN_38A,
	 "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94"
	 "1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050", 128},
	{"SP 800-38A, F.5.5", CKM_AES_CTR, KEY_38A_256, COUNTER_38A, "", PLAIN_38A,
	 "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
	 "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6", 128},
	{"RFC 3962, B, 17 bytes, the last blocks in CBC-CS1's order", CKM_AES_CTS, KEY_3962, ZEROS, "",
	 "4920776f756c64206c696b652074686520", "97c6353568f2bf8cb4d8a580362da7ff7f", 0},
	{"RFC 3962, B, 31 bytes", CKM_AES_CTS, KEY_3962, ZEROS, "",
	 "4920776f756c64206c696b65207468652047656e6572616c20476175277320",
	 "97687268d6ecccc0c07b25e25ecfe5fc00783e0efdb2c1d445d4c8eff7ed22", 0},
	{"RFC 3962, B, 32 bytes", CKM_AES_CTS, KEY_3962, ZEROS, "",
	 "4920776f756c64206c696b65207468652047656e6572616c2047617527732043",
	 "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a8", 0},
	{"McGrew and Viega, 4", CKM_AES_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	 "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
	 "ba637b39",
	 "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
	 "3d58e0915bc94fbc3221a5db94fae95ae7121a47", 128},
	{"McGrew and Viega, 5: 8 bytes of IV", CKM_AES_GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbad",
	 "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
	 "ba637b39",
	 "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07"
	 "c23f45983612d2e79e3b0785561be14aaca2fccb", 128},
	{"McGrew and Viega, 13: nothing", CKM_AES_GCM, ZEROS ZEROS, "000000000000000000000000", "", "",
	 "530f8afbc74536b9a963b4f1c4cb738b", 128},
	{"SP 800-38C, C.1", CKM_AES_CCM, KEY_38C, "10111213141516", "0001020304050607", "20212223", "7162015b4dac255d", 32},
	{"SP 800-38C, C.2", CKM_AES_CCM, KEY_38C, "1011121314151617", "000102030405060708090a0b0c0d0e0f",
	 "202122232425262728292a2b2c2d2e2f", "d2a1f0e051ea5f62081a7792073d593d1fc64fbfaccd", 48},
	{"SP 800-38C, C.3", CKM_AES_CCM, KEY_38C, "101112131415161718191a1b", "000102030405060708090a0b0c0d0e0f10111213",
	 "202122232425262728292a2b2c2d2e2f3031323334353637",
	 "e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951", 64},
	{"RFC 8439, 2.4.2", CKM_CHACHA20, KEY_8439, "01000000000000000000004a00000000", "", SUNSCREEN,
	 "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b357"
	 "1639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736"
	 "5af90bbf74a35be6b40b8eedf2785e42874d", 0},
	{"draft-irtf-cfrg-xchacha-03, A.3.1, its stream", CKM_CHACHA20, KEY_XCHACHA,
	 "0100000000000000404142434445464748494a4b4c4d4e4f5051525354555657", "", SUNSCREEN, XSEALED, 0},
	{"draft-irtf-cfrg-xchacha-03, A.3.1", CKM_CHACHA20_POLY1305, KEY_XCHACHA,
	 "404142434445464748494a4b4c4d4e4f5051525354555657", "50515253c0c1c2c3c4c5c6c7", SUNSCREEN,
	 XSEALED "c0875924c1c7987947deafd8780acf49", 128},
	{"RFC 8439, 2.8.2", CKM_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
	 "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7", SUNSCREEN,
	 "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b"
	 "1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
	 "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691", 128},
	{"RFC 3394, 4.1", CKM_AES_KEY_WRAP, "000102030405060708090a0b0c0d0e0f", "", "", "00112233445566778899aabbccddeeff",
	 "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5", 0},
	{"RFC 3394, 4.6", CKM_AES_KEY_WRAP, KEY_8439, "", "",
	 "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
	 "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21", 0},
	{"RFC 3394, 4.1, its initial value said", CKM_AES_KEY_WRAP, "000102030405060708090a0b0c0d0e0f", "a6a6a6a6a6a6a6a6", "",
	 "00112233445566778899aabbccddeeff", "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5", 0},
	{"RFC 5649, 6, 20 bytes", CKM_AES_KEY_WRAP_KWP, KEK_5649, "", "", "c37b7e6492584340bed12207808941155068f738",
	 "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a", 0},
	{"RFC 5649, 6, 7 bytes", CKM_AES_KEY_WRAP_KWP, KEK_5649, "a65959a6", "", "466f7250617369",
	 "afbeb0f07dfbf5419200f2ccb50bb24f", 0},
	{"RFC 5649, 6, 7 bytes, by the name before", CKM_AES_KEY_WRAP_PAD, KEK_5649, "", "", "466f7250617369",
	 "afbeb0f07dfbf5419200f2ccb50bb24f", 0},
	{"RFC 3394 over 8 bytes of padding, by python3-cryptography", CKM_AES_KEY_WRAP_PKCS7, "000102030405060708090a0b0c0d0e0f", "", "",
	 "00112233445566778899aabbccddeeff", "b05471fa00ab70570ea62b3cfc244f1001af95366e5fe1f430ed8ac55b16c5da", 0},
};
#define KNOWN_COUNT (sizeof known / sizeof known[0])

struct trial {
	unsigned char key[32], iv[32], ad[32], plain[144], sealed[160];
	CK_ULONG key_len, iv_len, ad_len, plain_len, sealed_len;
	union {
		CK_GCM_PARAMS gcm;
		CK_CCM_PARAMS ccm;
		CK_AES_CTR_PARAMS ctr;
		CK_CHACHA20_PARAMS chacha20;
		CK_SALSA20_CHACHA20_POLY1305_PARAMS poly1305;
	} p;
	CK_MECHANISM mech;
	CK_OBJECT_HANDLE handle;
	bool in_parts;
	const char *source;
};

static void parameter(struct trial *t, void *p, CK_ULONG len)
{
	t->mech.pParameter = len > 0 ? p : NULL;
	t->mech.ulParameterLen = len;
}

static void load(struct trial *t, CK_SESSION_HANDLE s, const struct known *k)
{
	bool chacha = k->type == CKM_CHACHA20 || k->type == CKM_CHACHA20_POLY1305;

	*t = (struct trial){.source = k->source, .mech = {k->type, NULL, 0}, .in_parts = k->type < CKM_AES_KEY_WRAP || chacha};
	t->key_len = unhex(t->key, k->key);
	t->iv_len = unhex(t->iv, k->iv);
	t->ad_len = unhex(t->ad, k->ad);
	t->plain_len = unhex(t->plain, k->plain);
	t->sealed_len = unhex(t->sealed, k->sealed);
	t->handle = key_new(s, chacha ? CKK_CHACHA20 : CKK_AES, t->key, t->key_len, "known");
	switch (k->type) {
	case CKM_AES_GCM:
		t->p.gcm = (CK_GCM_PARAMS){t->iv, t->iv_len, t->iv_len * 8, t->ad, t->ad_len, k->bits};
		parameter(t, &t->p.gcm, sizeof t->p.gcm);
		break;
	case CKM_AES_CCM:
		t->p.ccm = (CK_CCM_PARAMS){t->plain_len, t->iv, t->iv_len, t->ad, t->ad_len, k->bits / 8};
		parameter(t, &t->p.ccm, sizeof t->p.ccm);
		break;
	case CKM_AES_CTR:
		t->p.ctr.ulCounterBits = k->bits;
		memcpy(t->p.ctr.cb, t->iv, sizeof t->p.ctr.cb);
		parameter(t, &t->p.ctr, sizeof t->p.ctr);
		break;
	case CKM_CHACHA20:
		t->p.chacha20 = (CK_CHACHA20_PARAMS){t->iv, 32, t->iv + 4, 96};
		if (t->iv_len == 32)
			t->p.chacha20 = (CK_CHACHA20_PARAMS){t->iv, 64, t->iv + 8, 192};
		parameter(t, &t->p.chacha20, sizeof t->p.chacha20);
		break;
	case CKM_CHACHA20_POLY1305:
		t->p.poly1305 = (CK_SALSA20_CHACHA20_POLY1305_PARAMS){t->iv, t->iv_len * 8, t->ad, t->ad_len};
		parameter(t, &t->p.poly1305, sizeof t->p.poly1305);
		break;
	default:
		parameter(t, t->iv, t->iv_len);
	}
}

static CK_RV begin(CK_SESSION_HANDLE s, struct trial *t, bool encrypt)
{
	return (encrypt ? p11->C_EncryptInit : p11->C_DecryptInit)(s, &t->mech, t->handle);
}

static CK_RV whole(CK_SESSION_HANDLE s, bool encrypt, unsigned char *in, CK_ULONG in_len, unsigned char *out, CK_ULONG *n)
{
	return (encrypt ? p11->C_Encrypt : p11->C_Decrypt)(s, in, in_len, out, n);
}

static CK_RV part(CK_SESSION_HANDLE s, bool encrypt, unsigned char *in, CK_ULONG in_len, unsigned char *out, CK_ULONG *n)
{
	return (encrypt ? p11->C_EncryptUpdate : p11->C_DecryptUpdate)(s, in, in_len, out, n);
}

static CK_RV last(CK_SESSION_HANDLE s, bool encrypt, unsigned char *out, CK_ULONG *n)
{
	return (encrypt ? p11->C_EncryptFinal : p11->C_DecryptFinal)(s, out, n);
}

static void one_piece(CK_SESSION_HANDLE s, struct trial *t, bool encrypt)
{
	unsigned char *in = encrypt ? t->plain : t->sealed, *want = encrypt ? t->sealed : t->plain;
	CK_ULONG in_len = encrypt ? t->plain_len : t->sealed_len, len = encrypt ? t->sealed_len : t->plain_len, n = 0;
	unsigned char out[200] = {0};

	MUST(begin(s, t, encrypt));
	IS(begin(s, t, encrypt), CKR_OPERATION_ACTIVE);
	IS(whole(s, encrypt, in, in_len, NULL, &n), CKR_OK);
	CHECK(n >= len && n <= len + 16);
	if (len > 0) {
		n = len - 1;
		IS(whole(s, encrypt, in, in_len, out, &n), CKR_BUFFER_TOO_SMALL);
		CHECK(n >= len && n <= len + 16);
	}
	n = len;
	IS(whole(s, encrypt, in, in_len, out, &n), CKR_OK);
	CHECK(n == len && memcmp(out, want, len) == 0);
	known_answer(t->mech.mechanism, t->source);
	IS(whole(s, encrypt, in, in_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);

	/* In place, and at an odd address. */
	memcpy(out + 1, in, in_len);
	MUST(begin(s, t, encrypt));
	n = sizeof out - 1;
	IS(whole(s, encrypt, out + 1, in_len, out + 1, &n), CKR_OK);
	CHECK(n == len && memcmp(out + 1, want, len) == 0);
}

/* Each part where the last ended, in place where `over` is set. */
static size_t two_parts(CK_SESSION_HANDLE s, bool encrypt, unsigned char *in, size_t in_len, size_t cut, unsigned char *out,
			size_t room, bool over)
{
	unsigned char piece[200];
	size_t done = 0;
	CK_ULONG n;

	for (int i = 0; i < 2; i++) {
		size_t at = i == 0 ? 0 : cut, len = i == 0 ? cut : in_len - cut;
		memcpy(piece, in + at, len);
		n = over ? sizeof piece : room - done;
		if (part(s, encrypt, over ? piece : in + at, len, over ? piece : out + done, &n) != CKR_OK)
			return SIZE_MAX;
		if (over && n > 0)
			memcpy(out + done, piece, n);
		done += n;
	}
	n = room - done;
	return last(s, encrypt, out + done, &n) == CKR_OK ? done + n : SIZE_MAX;
}

static void every_cut(CK_SESSION_HANDLE s, struct trial *t, bool encrypt)
{
	unsigned char *in = encrypt ? t->plain : t->sealed, *want = encrypt ? t->sealed : t->plain;
	size_t in_len = encrypt ? t->plain_len : t->sealed_len, len = encrypt ? t->sealed_len : t->plain_len;
	unsigned char out[200];

	for (size_t cut = 0; cut <= in_len; cut++) {
		MUST(begin(s, t, encrypt));
		CHECK(two_parts(s, encrypt, in, in_len, cut, out, sizeof out, false) == len && memcmp(out, want, len) == 0);
	}
}

static void in_place(CK_SESSION_HANDLE s, struct trial *t, bool encrypt)
{
	unsigned char *in = encrypt ? t->plain : t->sealed, *want = encrypt ? t->sealed : t->plain;
	size_t in_len = encrypt ? t->plain_len : t->sealed_len, len = encrypt ? t->sealed_len : t->plain_len;
	unsigned char out[200];

	for (size_t cut = 0; cut <= in_len; cut++) {
		MUST(begin(s, t, encrypt));
		CHECK(two_parts(s, encrypt, in, in_len, cut, out, sizeof out, true) == len && memcmp(out, want, len) == 0);
	}
}

/* It is refused, and ends the operation (3.0, 5.8.2 and 5.10.2). */
static void piece_after_part(CK_SESSION_HANDLE s, struct trial *t, bool encrypt)
{
	unsigned char *in = encrypt ? t->plain : t->sealed, out[200];
	size_t in_len = encrypt ? t->plain_len : t->sealed_len;
	CK_ULONG n = sizeof out;

	MUST(begin(s, t, encrypt));
	IS(part(s, encrypt, in, 1, out, &n), CKR_OK);
	n = sizeof out;
	IS(whole(s, encrypt, in, in_len, out, &n), CKR_OPERATION_ACTIVE);
	IS(last(s, encrypt, out, &n), CKR_OPERATION_NOT_INITIALIZED);
}

static void no_parts(CK_SESSION_HANDLE s, struct trial *t, bool encrypt)
{
	unsigned char out[32];
	CK_ULONG n = sizeof out;

	MUST(begin(s, t, encrypt));
	IS(part(s, encrypt, t->plain, 8, out, &n), CKR_FUNCTION_NOT_SUPPORTED);
	IS(last(s, encrypt, out, &n), CKR_OPERATION_NOT_INITIALIZED);
}

static bool offers_encryption(CK_MECHANISM_TYPE type)
{
	CK_MECHANISM_INFO info = {0};

	if (!offers(type) || p11->C_GetMechanismInfo(slot, type, &info) != CKR_OK)
		return false;
	if ((info.flags & CKF_ENCRYPT) == 0)
		absent();
	return (info.flags & CKF_ENCRYPT) != 0;
}

/* In a session of its own, for what a module may leave behind. */
static void apart(void (*test)(CK_SESSION_HANDLE, struct trial *, bool), struct trial *t, bool encrypt, const char *name)
{
	CK_SESSION_HANDLE s = session_new(0);

	item("%s, %s", name, encrypt ? "encrypted" : "decrypted");
	test(s, t, encrypt);
	item_end();
	IS(p11->C_CloseSession(s), CKR_OK);
}

static void both_ways(struct trial *t, const struct known *k, bool first)
{
	char name[100], more[130];

	snprintf(name, sizeof name, "%s: %s", mechanism_name(k->type), k->source);
	for (int encrypt = 1; encrypt >= 0; encrypt--) {
		apart(one_piece, t, encrypt, name);
		snprintf(more, sizeof more, "%s, in parts", name);
		apart(t->in_parts ? every_cut : no_parts, t, encrypt, more);
		if (!t->in_parts)
			continue;
		snprintf(more, sizeof more, "%s, in parts and in place", name);
		apart(in_place, t, encrypt, more);
		snprintf(more, sizeof more, "%s, a piece after a part", name);
		if (first)
			apart(piece_after_part, t, encrypt, more);
	}
}

void case_known_answers(void)
{
	CK_SESSION_HANDLE s = session_user();
	struct trial t;

	for (size_t i = 0; i < KNOWN_COUNT; i++) {
		if (!offers_encryption(known[i].type)) {
			item("%s: %s", mechanism_name(known[i].type), known[i].source);
			absent();
			continue;
		}
		load(&t, s, &known[i]);
		both_ways(&t, &known[i], i == 0 || known[i - 1].type != known[i].type);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* Every bit of what is authenticated counts, nothing comes out when one is wrong, whichever way it is asked for. */
static void tampered(CK_SESSION_HANDLE s, struct trial *t)
{
	unsigned char out[200], clean[200] = {0};
	CK_ULONG n;

	for (size_t bit = 0; bit < t->sealed_len * 8; bit++) {
		t->sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
		memset(out, 0, sizeof out);
		MUST(begin(s, t, false));
		n = sizeof out;
		IS(whole(s, false, t->sealed, t->sealed_len, out, &n), CKR_ENCRYPTED_DATA_INVALID);
		CHECK(memcmp(out, clean, sizeof out) == 0);
		if (t->in_parts) {
			MUST(begin(s, t, false));
			CHECK(two_parts(s, false, t->sealed, t->sealed_len, bit / 8, out, sizeof out, false) == SIZE_MAX);
			CHECK(memcmp(out, clean, sizeof out) == 0);
		}
		t->sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (size_t len = 0; len < t->sealed_len; len++) {
		MUST(begin(s, t, false));
		n = sizeof out;
		EITHER(whole(s, false, t->sealed, len, out, &n), CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE);
	}
	if (t->ad_len > 0) {
		t->ad[t->ad_len - 1] ^= 1;
		MUST(begin(s, t, false));
		n = sizeof out;
		IS(whole(s, false, t->sealed, t->sealed_len, out, &n), CKR_ENCRYPTED_DATA_INVALID);
	}
}

void case_known_tampered(void)
{
	CK_SESSION_HANDLE s = session_user();
	struct trial t;

	for (size_t i = 0; i < KNOWN_COUNT; i++) {
		CK_MECHANISM_TYPE type = known[i].type;
		if (type != CKM_AES_GCM && type != CKM_AES_CCM && type < CKM_AES_KEY_WRAP)
			continue;
		item("%s: %s", mechanism_name(type), known[i].source);
		if (!offers_encryption(type))
			continue;
		load(&t, s, &known[i]);
		tampered(s, &t);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
