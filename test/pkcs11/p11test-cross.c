/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same beside OpenSSL, over keys, parameters and data that are drawn anew each time: what encrypts, makes MACs
 * and digests.  The seed of a run that failed, in P11TEST_SEED, repeats it.
 */
#include "test/pkcs11/p11test-cross.h"

#include <stdlib.h>
#include <time.h>

#define ROUNDS 24
#define DATA_MAX 200u
#define AD_LEN 23

static uint64_t state;

void cross_seed(void)
{
	const char *given = getenv("P11TEST_SEED");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	state = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)now.tv_sec * 1000003u + (uint64_t)now.tv_nsec;
	note("P11TEST_SEED=%llu", (unsigned long long)state);
}

/* splitmix64 */
uint64_t cross_draw(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void cross_fill(unsigned char *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (unsigned char)cross_draw();
}

/* ---- encryption ----------------------------------------------------------------------------------------- */

static const struct way {
	CK_MECHANISM_TYPE type;
	const char *evp; /* AES, a dash and the key's bits before what begins with a dash */
	size_t unit, least, tag;
} ways[] = {
	{CKM_AES_ECB, "-ECB", 16, 16, 0}, {CKM_AES_CBC, "-CBC", 16, 16, 0},
	{CKM_AES_CBC_PAD, "-CBC", 1, 1, 0}, {CKM_AES_CTR, "-CTR", 1, 1, 0},
	{CKM_AES_CTS, "-CBC-CTS", 1, 16, 0}, {CKM_AES_GCM, "-GCM", 1, 1, 16},
	{CKM_AES_CCM, "-CCM", 1, 1, 16}, {CKM_CHACHA20, "ChaCha20", 1, 1, 0},
	{CKM_CHACHA20_POLY1305, "ChaCha20-Poly1305", 1, 1, 16}, {CKM_AES_KEY_WRAP, "-WRAP", 8, 16, 0},
	{CKM_AES_KEY_WRAP_KWP, "-WRAP-PAD", 1, 9, 0}, {CKM_AES_KEY_WRAP_PAD, "-WRAP-PAD", 1, 9, 0},
	{CKM_AES_KEY_WRAP_PKCS7, "-WRAP", 1, 9, 0},
};

struct one {
	const struct way *way;
	unsigned char key[32], iv[16], ad[AD_LEN], plain[DATA_MAX + 16], sealed[DATA_MAX + 64];
	size_t key_len, iv_len, len, sealed_len;
	CK_GCM_PARAMS gcm;
	CK_CCM_PARAMS ccm;
	CK_AES_CTR_PARAMS ctr;
	CK_CHACHA20_PARAMS chacha20;
	CK_SALSA20_CHACHA20_POLY1305_PARAMS poly1305;
	CK_MECHANISM mech;
};

static void draw(struct one *o, const struct way *way)
{
	bool chacha = way->type == CKM_CHACHA20 || way->type == CKM_CHACHA20_POLY1305;
	bool wraps = way->type >= CKM_AES_KEY_WRAP && !chacha;

	o->way = way;
	o->key_len = chacha ? 32 : 16 + 8 * (cross_draw() % 3);
	o->iv_len = way->tag > 0 ? 12 : way->type == CKM_AES_ECB || wraps ? 0 : 16;
	o->len = way->least + cross_draw() % (DATA_MAX - way->least);
	o->len -= o->len % way->unit;
	cross_fill(o->key, sizeof o->key);
	cross_fill(o->iv, sizeof o->iv);
	cross_fill(o->ad, sizeof o->ad);
	cross_fill(o->plain, sizeof o->plain);
	memset(o->iv + 12, 0, way->type == CKM_AES_CTR ? 4 : 0); /* so that no counter comes round */
	if (way->type == CKM_CHACHA20)
		memset(o->iv + 2, 0, 2);
	o->gcm = (CK_GCM_PARAMS){o->iv, 12, 96, o->ad, AD_LEN, 128};
	o->ccm = (CK_CCM_PARAMS){o->len, o->iv, 12, o->ad, AD_LEN, 16};
	o->ctr.ulCounterBits = 32;
	memcpy(o->ctr.cb, o->iv, 16);
	o->chacha20 = (CK_CHACHA20_PARAMS){o->iv, 32, o->iv + 4, 96};
	o->poly1305 = (CK_SALSA20_CHACHA20_POLY1305_PARAMS){o->iv, 96, o->ad, AD_LEN};
	o->mech = (CK_MECHANISM){way->type, o->iv_len > 0 ? o->iv : NULL, o->iv_len};
	if (way->type == CKM_AES_GCM)
		o->mech = (CK_MECHANISM){way->type, &o->gcm, sizeof o->gcm};
	else if (way->type == CKM_AES_CCM)
		o->mech = (CK_MECHANISM){way->type, &o->ccm, sizeof o->ccm};
	else if (way->type == CKM_AES_CTR)
		o->mech = (CK_MECHANISM){way->type, &o->ctr, sizeof o->ctr};
	else if (way->type == CKM_CHACHA20)
		o->mech = (CK_MECHANISM){way->type, &o->chacha20, sizeof o->chacha20};
	else if (way->type == CKM_CHACHA20_POLY1305)
		o->mech = (CK_MECHANISM){way->type, &o->poly1305, sizeof o->poly1305};
}

static bool evp_begin(EVP_CIPHER_CTX *ctx, const struct one *o)
{
	char name[32], cs1[] = "CS1";
	OSSL_PARAM mode[] = {OSSL_PARAM_construct_utf8_string("cts_mode", cs1, 0), OSSL_PARAM_construct_end()};

	if (o->way->evp[0] == '-')
		snprintf(name, sizeof name, "AES-%zu%s", o->key_len * 8, o->way->evp);
	else
		snprintf(name, sizeof name, "%s", o->way->evp);
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	bool ccm = o->way->type == CKM_AES_CCM;
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	const OSSL_PARAM *p = o->way->type == CKM_AES_CTS ? mode : NULL;
	bool good = cipher != NULL && EVP_EncryptInit_ex2(ctx, cipher, NULL, NULL, p) == 1;
	if (good && o->way->tag > 0)
		good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) == 1;
	if (good && ccm)
		good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, NULL) == 1;
	EVP_CIPHER_free(cipher);
	return good && EVP_EncryptInit_ex2(ctx, NULL, o->key, o->iv_len > 0 ? o->iv : NULL, NULL) == 1 &&
	       EVP_CIPHER_CTX_set_padding(ctx, o->way->type == CKM_AES_CBC_PAD) == 1;
}

/* What OpenSSL makes of it, its tag behind. */
static bool evp_seal(struct one *o)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char in[DATA_MAX + 16];
	size_t len = o->len;
	int n = 0, last = 0;

	memcpy(in, o->plain, len);
	if (o->way->type == CKM_AES_KEY_WRAP_PKCS7) {
		memset(in + len, (int)(8 - len % 8), 8 - len % 8);
		len += 8 - len % 8;
	}
	bool good = evp_begin(ctx, o);
	if (good && o->way->type == CKM_AES_CCM)
		good = EVP_EncryptUpdate(ctx, NULL, &n, NULL, (int)len) == 1;
	if (good && o->way->tag > 0)
		good = EVP_EncryptUpdate(ctx, NULL, &n, o->ad, AD_LEN) == 1;
	good = good && EVP_EncryptUpdate(ctx, o->sealed, &n, in, (int)len) == 1 &&
	       EVP_EncryptFinal_ex(ctx, o->sealed + n, &last) == 1;
	o->sealed_len = (size_t)n + (size_t)last;
	if (good && o->way->tag > 0)
		good = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, o->sealed + o->sealed_len) == 1;
	o->sealed_len += o->way->tag;
	EVP_CIPHER_CTX_free(ctx);
	return good;
}

static void beside_evp(struct one *o, CK_KEY_TYPE type)
{
	CK_SESSION_HANDLE s = session_new(0);
	CK_OBJECT_HANDLE key = key_new(s, type, o->key, o->key_len, "crossed");
	unsigned char out[DATA_MAX + 64];
	CK_ULONG n = sizeof out, m = sizeof out;

	CHECK(evp_seal(o));
	MUST(p11->C_EncryptInit(s, &o->mech, key));
	IS(p11->C_Encrypt(s, o->plain, o->len, out, &n), CKR_OK);
	CHECK(n == o->sealed_len && memcmp(out, o->sealed, n) == 0);
	MUST(p11->C_DecryptInit(s, &o->mech, key));
	IS(p11->C_Decrypt(s, o->sealed, o->sealed_len, out, &m), CKR_OK);
	CHECK(m == o->len && memcmp(out, o->plain, m) == 0);
	IS(p11->C_CloseSession(s), CKR_OK);
}

void case_crossed_ciphers(void)
{
	CK_SESSION_HANDLE s = session_user();
	CK_MECHANISM_INFO info;
	struct one o;

	cross_seed();
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		CK_MECHANISM_TYPE type = ways[i].type;
		bool chacha = type == CKM_CHACHA20 || type == CKM_CHACHA20_POLY1305;
		item("%s", mechanism_name(type));
		if (!offers(type) || p11->C_GetMechanismInfo(slot, type, &info) != CKR_OK)
			continue;
		if ((info.flags & CKF_ENCRYPT) == 0) {
			absent();
			continue;
		}
		for (int round = 0; round < ROUNDS; round++) {
			draw(&o, &ways[i]);
			beside_evp(&o, chacha ? CKK_CHACHA20 : CKK_AES);
		}
		crossed(type);
	}
	IS(p11->C_CloseSession(s), CKR_OK);
}

/* ---- MACs ----------------------------------------------------------------------------------------------- */

static const struct mac {
	CK_MECHANISM_TYPE whole, general; /* general: none if it is the same */
	CK_KEY_TYPE type;
	const char *evp, *what; /* the MAC, its digest or cipher */
	size_t key_len;         /* 0: any */
} macs[] = {
#define HMAC(p11_name, digest)                                                                       \
	{                                                                                            \
		CKM_##p11_name##_HMAC, CKM_##p11_name##_HMAC_GENERAL, CKK_GENERIC_SECRET, "HMAC", digest, 0 \
	}
	HMAC(SHA_1, "SHA1"), HMAC(SHA224, "SHA2-224"), HMAC(SHA256, "SHA2-256"), HMAC(SHA384, "SHA2-384"),
	HMAC(SHA512, "SHA2-512"), HMAC(SHA512_224, "SHA2-512/224"), HMAC(SHA512_256, "SHA2-512/256"),
	HMAC(SHA3_224, "SHA3-224"), HMAC(SHA3_256, "SHA3-256"), HMAC(SHA3_384, "SHA3-384"), HMAC(SHA3_512, "SHA3-512"),
	{CKM_AES_CMAC, CKM_AES_CMAC_GENERAL, CKK_AES, "CMAC", "AES-256-CBC", 32},
	{CKM_AES_GMAC, CKM_AES_GMAC, CKK_AES, "GMAC", "AES-256-GCM", 32},
	{CKM_POLY1305, CKM_POLY1305, CKK_POLY1305, "POLY1305", NULL, 32},
};

size_t cross_mac(const char *name, const char *what, const unsigned char *iv, const unsigned char *key, size_t key_len,
		 const unsigned char *in, size_t len, unsigned char *out)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, name, NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	OSSL_PARAM p[3];
	size_t n = 0, count = 0;

	if (what != NULL)
		p[count++] = OSSL_PARAM_construct_utf8_string(name[0] == 'H' ? "digest" : "cipher", (char *)what, 0);
	if (iv != NULL)
		p[count++] = OSSL_PARAM_construct_octet_string("iv", (void *)iv, 12);
	p[count] = OSSL_PARAM_construct_end();
	bool good = EVP_MAC_init(ctx, key, key_len, p) == 1 && EVP_MAC_update(ctx, in, len) == 1 &&
		    EVP_MAC_final(ctx, out, &n, 64) == 1;
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return good ? n : 0;
}

static void mac_once(const struct mac *m, bool general)
{
	CK_SESSION_HANDLE s = session_new(0);
	unsigned char key[200], iv[12], in[DATA_MAX], want[64], out[64];
	size_t key_len = m->key_len > 0 ? m->key_len : 64 + cross_draw() % 136, len = 1 + cross_draw() % (DATA_MAX - 1);
	bool gmac = m->whole == CKM_AES_GMAC;
	CK_ULONG n = sizeof out, cut;

	cross_fill(key, sizeof key);
	cross_fill(iv, sizeof iv);
	cross_fill(in, sizeof in);
	size_t want_len = cross_mac(m->evp, m->what, gmac ? iv : NULL, key, key_len, in, len, want);
	CHECK(want_len > 0);
	cut = general ? 1 + cross_draw() % (want_len > 0 ? want_len : 1) : want_len;
	CK_MECHANISM mech = {general ? m->general : m->whole, NULL, 0};
	if (general || gmac) {
		mech.pParameter = general ? (void *)&cut : (void *)iv;
		mech.ulParameterLen = general ? sizeof cut : sizeof iv;
	}
	CK_OBJECT_HANDLE handle = key_new(s, m->type, key, key_len, "crossed");
	MUST(p11->C_SignInit(s, &mech, handle));
	IS(p11->C_Sign(s, in, len, out, &n), CKR_OK);
	CHECK(n == cut && memcmp(out, want, n) == 0);
	MUST(p11->C_VerifyInit(s, &mech, handle));
	IS(p11->C_Verify(s, in, len, want, cut), CKR_OK);
	IS(p11->C_CloseSession(s), CKR_OK);
}

void case_crossed_macs(void)
{
	CK_SESSION_HANDLE s = session_user();

	cross_seed();
	for (size_t i = 0; i < sizeof macs / sizeof macs[0]; i++) {
		for (int general = 0; general < (macs[i].general != macs[i].whole ? 2 : 1); general++) {
			CK_MECHANISM_TYPE type = general ? macs[i].general : macs[i].whole;
			item("%s", mechanism_name(type));
			for (int round = 0; round < ROUNDS && offers(type); round++)
				mac_once(&macs[i], general);
			if (offers(type))
				crossed(type);
		}
	}
	IS(p11->C_CloseSession(s), CKR_OK);
}

/* ---- digests -------------------------------------------------------------------------------------------- */

const struct cross_hash cross_hashes[CROSS_HASHES] = {
	{CKM_SHA_1, CKM_SHA1_KEY_DERIVATION, "SHA1"}, {CKM_SHA224, CKM_SHA224_KEY_DERIVATION, "SHA2-224"},
	{CKM_SHA256, CKM_SHA256_KEY_DERIVATION, "SHA2-256"}, {CKM_SHA384, CKM_SHA384_KEY_DERIVATION, "SHA2-384"},
	{CKM_SHA512, CKM_SHA512_KEY_DERIVATION, "SHA2-512"},
	{CKM_SHA512_224, CKM_SHA512_224_KEY_DERIVATION, "SHA2-512/224"},
	{CKM_SHA512_256, CKM_SHA512_256_KEY_DERIVATION, "SHA2-512/256"},
	{CKM_SHA3_224, CKM_SHA3_224_KEY_DERIVATION, "SHA3-224"}, {CKM_SHA3_256, CKM_SHA3_256_KEY_DERIVATION, "SHA3-256"},
	{CKM_SHA3_384, CKM_SHA3_384_KEY_DERIVATION, "SHA3-384"}, {CKM_SHA3_512, CKM_SHA3_512_KEY_DERIVATION, "SHA3-512"},
};

size_t cross_digest(const char *name, const unsigned char *in, size_t len, unsigned char *out)
{
	size_t n = 0;

	return EVP_Q_digest(NULL, name, NULL, in, len, out, &n) == 1 ? n : 0;
}

void case_crossed_digests(void)
{
	unsigned char in[DATA_MAX], want[64], out[64];

	cross_seed();
	for (size_t i = 0; i < CROSS_HASHES; i++) {
		CK_MECHANISM mech = {cross_hashes[i].digest, NULL, 0};
		item("%s", mechanism_name(mech.mechanism));
		for (int round = 0; round < ROUNDS && offers(mech.mechanism); round++) {
			CK_SESSION_HANDLE s = session_new(0);
			CK_ULONG n = sizeof out, len = 1 + cross_draw() % (DATA_MAX - 1), cut = cross_draw() % len;
			cross_fill(in, len);
			CK_ULONG want_len = cross_digest(cross_hashes[i].evp, in, len, want);
			MUST(p11->C_DigestInit(s, &mech));
			IS(p11->C_DigestUpdate(s, in, cut), CKR_OK);
			IS(p11->C_DigestUpdate(s, in + cut, len - cut), CKR_OK);
			IS(p11->C_DigestFinal(s, out, &n), CKR_OK);
			CHECK(n == want_len && n > 0 && memcmp(out, want, n) == 0);
			IS(p11->C_CloseSession(s), CKR_OK);
		}
		if (offers(mech.mechanism))
			crossed(mech.mechanism);
	}
}
