/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

/* ---- cases: encryption ---------------------------------------------------------------------------------- */

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4 and 16. */
const struct gcm_vector gcm_vectors[2] = {
	{"feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
	 "ba637b39",
	 "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
	 "3d58e0915bc94fbc3221a5db94fae95ae7121a47"},
	{"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	 "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
	 "ba637b39",
	 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0a"
	 "bcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
};

void gcm_load(struct gcm_case *c, CK_SESSION_HANDLE s, const struct gcm_vector *v)
{
	size_t key_len = unhex(c->key, v->key), iv_len = unhex(c->iv, v->iv), ad_len = unhex(c->ad, v->ad);

	c->plain_len = unhex(c->plain, v->plain);
	c->sealed_len = unhex(c->sealed, v->sealed);
	c->params = (CK_GCM_PARAMS){c->iv, iv_len, iv_len * 8, c->ad, ad_len, 128};
	c->mech = (CK_MECHANISM){CKM_AES_GCM, &c->params, sizeof c->params};
	c->handle = key_new(s, CKK_AES, c->key, key_len, "gcm");
}

void case_gcm(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char out[128];
	struct gcm_case c;
	CK_ULONG n;

	for (size_t i = 0; i < 2 && offers(CKM_AES_GCM); i++) {
		item("McGrew and Viega, %d", i == 0 ? 4 : 16);
		gcm_load(&c, s, &gcm_vectors[i]);
		MUST(p11->C_EncryptInit(s, &c.mech, c.handle));
		IS(p11->C_EncryptInit(s, &c.mech, c.handle), CKR_OPERATION_ACTIVE);
		IS(p11->C_Encrypt(s, c.plain, c.plain_len, NULL, &n), CKR_OK);
		CHECK(n == c.sealed_len);
		n = 3;
		IS(p11->C_Encrypt(s, c.plain, c.plain_len, out, &n), CKR_BUFFER_TOO_SMALL);
		CHECK(n == c.sealed_len);
		n = sizeof out;
		IS(p11->C_Encrypt(s, c.plain, c.plain_len, out, &n), CKR_OK);
		CHECK(n == c.sealed_len && memcmp(out, c.sealed, n) == 0);
		IS(p11->C_Encrypt(s, c.plain, c.plain_len, out, &n), CKR_OPERATION_NOT_INITIALIZED);
		MUST(p11->C_DecryptInit(s, &c.mech, c.handle));
		n = sizeof out;
		IS(p11->C_Decrypt(s, c.sealed, c.sealed_len, out, &n), CKR_OK);
		CHECK(n == c.plain_len && memcmp(out, c.plain, n) == 0);
		known_answer(CKM_AES_GCM, "McGrew and Viega");
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* Every bit of what was sealed counts, and nothing is given out when one is wrong. */
void case_gcm_tampered(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char out[128];
	struct gcm_case c;
	bool leaks = false;

	if (offers(CKM_AES_GCM)) {
		gcm_load(&c, s, &gcm_vectors[1]);
		for (size_t bit = 0; bit < c.sealed_len * 8; bit++) {
			CK_ULONG n = sizeof out;
			c.sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
			memset(out, 0, sizeof out);
			MUST(p11->C_DecryptInit(s, &c.mech, c.handle));
			CHECK(p11->C_Decrypt(s, c.sealed, c.sealed_len, out, &n) != CKR_OK);
			leaks = leaks || memcmp(out, c.plain, 16) == 0;
			c.sealed[bit / 8] ^= (unsigned char)(1 << bit % 8);
		}
		CK_ULONG n = sizeof out;
		MUST(p11->C_DecryptInit(s, &c.mech, c.handle));
		CHECK(p11->C_Decrypt(s, c.sealed, 15, out, &n) != CKR_OK);
		TRUTH("nothing of what was changed comes out", "SP 800-38D, 7.2", !leaks);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* Two parts, cut at `cut`; the output's length.  0 when a call failed. */
static size_t in_parts(CK_SESSION_HANDLE s, bool encrypt, const unsigned char *in, size_t len, size_t cut,
		       unsigned char *out, size_t room)
{
	CK_ULONG n = room, done = 0;
	CK_C_EncryptUpdate update = encrypt ? p11->C_EncryptUpdate : p11->C_DecryptUpdate;

	if (update(s, (CK_BYTE *)in, cut, out, &n) != CKR_OK)
		return 0;
	done += n;
	n = room - done;
	if (update(s, (CK_BYTE *)in + cut, len - cut, out + done, &n) != CKR_OK)
		return 0;
	done += n;
	n = room - done;
	CK_RV rv = encrypt ? p11->C_EncryptFinal(s, out + done, &n) : p11->C_DecryptFinal(s, out + done, &n);
	return rv == CKR_OK ? done + n : 0;
}

void case_gcm_parts(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char out[256];
	struct gcm_case c;
	CK_ULONG n;

	if (offers(CKM_AES_GCM)) {
		gcm_load(&c, s, &gcm_vectors[0]);
		for (size_t cut = 0; cut <= c.plain_len; cut++) {
			MUST(p11->C_EncryptInit(s, &c.mech, c.handle));
			CHECK(in_parts(s, true, c.plain, c.plain_len, cut, out, sizeof out) == c.sealed_len);
			CHECK(memcmp(out, c.sealed, c.sealed_len) == 0);
		}
		for (size_t cut = 0; cut <= c.sealed_len; cut++) {
			MUST(p11->C_DecryptInit(s, &c.mech, c.handle));
			CHECK(in_parts(s, false, c.sealed, c.sealed_len, cut, out, sizeof out) == c.plain_len);
			CHECK(memcmp(out, c.plain, c.plain_len) == 0);
		}
		c.sealed[0] ^= 1;
		MUST(p11->C_DecryptInit(s, &c.mech, c.handle));
		CHECK(in_parts(s, false, c.sealed, c.sealed_len, 20, out, sizeof out) == 0);
		item_end();
		n = sizeof out;
		MUST(p11->C_EncryptInit(s, &c.mech, c.handle));
		IS(p11->C_EncryptUpdate(s, c.plain, 5, out, &n), CKR_OK);
		n = sizeof out;
		ASK("one piece after a part", "5.8.2", p11->C_Encrypt(s, c.plain, 5, out, &n), CKR_OPERATION_ACTIVE);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* Begins, and ends what another module takes for a beginning. */
static CK_RV begin_anew(CK_SESSION_HANDLE s, struct gcm_case *c)
{
	unsigned char out[128];
	CK_ULONG n = sizeof out;
	CK_RV rv = p11->C_EncryptInit(s, &c->mech, c->handle);

	if (rv == CKR_OK)
		p11->C_Encrypt(s, c->plain, c->plain_len, out, &n);
	return rv;
}

void case_gcm_parameters(void)
{
	CK_SESSION_HANDLE s = session_user();
	struct gcm_case c;

	if (offers(CKM_AES_GCM)) {
		gcm_load(&c, s, &gcm_vectors[0]);
		c.mech.ulParameterLen = 3;
		ASK("3 bytes", "5.8.1", begin_anew(s, &c), CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD);
		c.mech.ulParameterLen = sizeof c.params;
		c.mech.pParameter = NULL;
		ASK("no parameter", "5.8.1", begin_anew(s, &c), CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD);
		c.mech.pParameter = &c.params;
		c.params.ulTagBits = 0;
		ASK("a tag of 0 bits", "SP 800-38D, 5.2.1.2", begin_anew(s, &c), CKR_MECHANISM_PARAM_INVALID);
		c.params.ulTagBits = 8;
		ASK("a tag of 8 bits", "SP 800-38D, 5.2.1.2", begin_anew(s, &c), CKR_MECHANISM_PARAM_INVALID);
		c.params.ulTagBits = 97;
		ASK("a tag of 97 bits", "SP 800-38D, 5.2.1.2", begin_anew(s, &c), CKR_MECHANISM_PARAM_INVALID);
		c.params.ulTagBits = 136;
		ASK("a tag of 136 bits", "SP 800-38D, 5.2.1.2", begin_anew(s, &c), CKR_MECHANISM_PARAM_INVALID);
		c.params.ulTagBits = 128;
		c.params.ulIvLen = 0;
		ASK("no IV", "6.13.2", begin_anew(s, &c), CKR_MECHANISM_PARAM_INVALID);
		c.params.ulIvLen = 12;
		c.params.pAAD = NULL;
		ASK("data besides that are nowhere", "5.1.6", begin_anew(s, &c),
		    CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* SP 800-38A, F.2.5 and F.2.6: CBC-AES256. */
void case_cbc(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char key[32], iv[16], plain[64], sealed[64], out[96];
	CK_MECHANISM mech = {CKM_AES_CBC, iv, sizeof iv};
	CK_ULONG n = sizeof out;

	unhex(key, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
	unhex(iv, "000102030405060708090a0b0c0d0e0f");
	unhex(plain, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445"
		     "df4f9b17ad2b417be66c3710");
	unhex(sealed, "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d39f23369a9d9bacfa530e26304231461b2eb05e2"
		      "c39be9fcda6c19078c6a9d1b");
	CK_OBJECT_HANDLE handle = key_new(s, CKK_AES, key, sizeof key, "cbc");
	if (offers(CKM_AES_CBC)) {
		item("SP 800-38A, F.2.5 and F.2.6, at every cut");
		MUST(p11->C_EncryptInit(s, &mech, handle));
		IS(p11->C_Encrypt(s, plain, 64, out, &n), CKR_OK);
		CHECK(n == 64 && memcmp(out, sealed, 64) == 0);
		for (size_t cut = 0; cut <= 64; cut++) {
			MUST(p11->C_EncryptInit(s, &mech, handle));
			CHECK(in_parts(s, true, plain, 64, cut, out, sizeof out) == 64 && memcmp(out, sealed, 64) == 0);
			MUST(p11->C_DecryptInit(s, &mech, handle));
			CHECK(in_parts(s, false, sealed, 64, cut, out, sizeof out) == 64 && memcmp(out, plain, 64) == 0);
		}
		known_answer(CKM_AES_CBC, "SP 800-38A, F.2.5");
		item_end();
		n = sizeof out;
		MUST(p11->C_EncryptInit(s, &mech, handle));
		ASK("encrypt a block less a byte", "5.8.2", p11->C_Encrypt(s, plain, 63, out, &n), CKR_DATA_LEN_RANGE);
		n = sizeof out;
		MUST(p11->C_DecryptInit(s, &mech, handle));
		ASK("decrypt a block less a byte", "5.10.2", p11->C_Decrypt(s, sealed, 63, out, &n),
		    CKR_ENCRYPTED_DATA_LEN_RANGE);
		mech.ulParameterLen = 15;
		ASK("an IV of 15 bytes", "6.10.5", p11->C_EncryptInit(s, &mech, handle),
		    CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

static void cbc_pad_whole(CK_OBJECT_HANDLE handle, const unsigned char *plain, size_t len, unsigned char *sealed)
{
	CK_SESSION_HANDLE s = session_new(0);
	unsigned char iv[16] = {3}, out[96];
	CK_MECHANISM mech = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ULONG n = sizeof out, m = sizeof out;

	MUST(p11->C_EncryptInit(s, &mech, handle));
	IS(p11->C_Encrypt(s, (CK_BYTE *)plain, len, sealed, &n), CKR_OK);
	CHECK(n == (len / 16 + 1) * 16);
	MUST(p11->C_DecryptInit(s, &mech, handle));
	IS(p11->C_Decrypt(s, sealed, n, out, &m), CKR_OK);
	CHECK(m == len && memcmp(out, plain, len) == 0);
}

static void cbc_pad_parts(CK_OBJECT_HANDLE handle, const unsigned char *plain, size_t len, unsigned char *sealed)
{
	CK_SESSION_HANDLE s = session_new(0);
	unsigned char iv[16] = {3}, out[96];
	CK_MECHANISM mech = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ULONG n = (len / 16 + 1) * 16;

	for (size_t cut = 0; cut <= len; cut += 4) {
		MUST(p11->C_EncryptInit(s, &mech, handle));
		CHECK(in_parts(s, true, plain, len, cut, out, sizeof out) == n && memcmp(out, sealed, n) == 0);
		MUST(p11->C_DecryptInit(s, &mech, handle));
		CHECK(in_parts(s, false, sealed, n, cut, out, sizeof out) == len && memcmp(out, plain, len) == 0);
	}
}

/* A buffer of just the plaintext's length is enough, and one byte less can be mended. */
static void cbc_pad_fits(CK_OBJECT_HANDLE handle, const unsigned char *plain, size_t len, unsigned char *sealed)
{
	CK_SESSION_HANDLE s = session_new(0);
	unsigned char iv[16] = {3}, out[96];
	CK_MECHANISM mech = {CKM_AES_CBC_PAD, iv, sizeof iv};
	CK_ULONG n = (len / 16 + 1) * 16, m = len - 1;

	MUST(p11->C_DecryptInit(s, &mech, handle));
	IS(p11->C_Decrypt(s, sealed, n, out, &m), CKR_BUFFER_TOO_SMALL);
	m = m < len ? m : len;
	IS(p11->C_Decrypt(s, sealed, n, out, &m), CKR_OK);
	CHECK(m == len && memcmp(out, plain, len) == 0);
}

void case_cbc_pad(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char key[16] = {1}, plain[48], sealed[96];
	CK_OBJECT_HANDLE handle = key_new(s, CKK_AES, key, sizeof key, "pad");

	for (size_t i = 0; i < sizeof plain; i++)
		plain[i] = (unsigned char)(i * 7);
	if (offers(CKM_AES_CBC_PAD)) {
		for (size_t len = 0; len <= sizeof plain; len += 8) {
			item("%zu bytes", len);
			cbc_pad_whole(handle, plain, len, sealed);
			item("%zu bytes in parts", len);
			cbc_pad_parts(handle, plain, len, sealed);
			if (len == 0)
				continue;
			item("%zu bytes into a buffer of just that size", len);
			cbc_pad_fits(handle, plain, len, sealed);
		}
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

void case_wrong_keys(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[16] = {1}, iv[16] = {0};
	CK_OBJECT_HANDLE secret = key_new(s, CKK_GENERIC_SECRET, value, sizeof value, "generic");
	CK_OBJECT_HANDLE cipher = key_new(s, CKK_AES, value, sizeof value, "aes");
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv}, hmac = {CKM_SHA256_HMAC, NULL, 0}, none = {0x7ffffff0, NULL, 0};

	ASK("a generic key encrypts", "5.8.1", p11->C_EncryptInit(s, &cbc, secret), CKR_KEY_TYPE_INCONSISTENT);
	ASK("an AES key makes an HMAC", "5.13.1", p11->C_SignInit(s, &hmac, cipher), CKR_KEY_TYPE_INCONSISTENT);
	ASK("no such mechanism, to encrypt", "5.8.1", p11->C_EncryptInit(s, &none, cipher), CKR_MECHANISM_INVALID);
	ASK("no such mechanism, to sign", "5.13.1", p11->C_SignInit(s, &none, secret), CKR_MECHANISM_INVALID);
	ASK("no such key, to encrypt", "5.8.1", p11->C_EncryptInit(s, &cbc, cipher + 1000), CKR_KEY_HANDLE_INVALID);
	ASK("no such key, to sign", "5.13.1", p11->C_SignInit(s, &hmac, cipher + 1000), CKR_KEY_HANDLE_INVALID);
	CK_SESSION_HANDLE t = session_new(0);
	CK_OBJECT_HANDLE key;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				{CKA_KEY_TYPE, &aes, sizeof aes},
				{CKA_ENCRYPT, &no, sizeof no},
				{CKA_VALUE, value, sizeof value}};
	MUST(p11->C_CreateObject(t, templ, 4, &key));
	ASK("a key that is not for it", "5.8.1", p11->C_EncryptInit(t, &cbc, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* One key, many messages at once: each has a context of its own. */
void case_interleaved(void)
{
	CK_SESSION_HANDLE s = session_user(), t = session_new(0), u = session_new(0);
	struct gcm_case c;
	unsigned char one[128], two[128];
	CK_ULONG n = sizeof one, m = sizeof two;

	if (offers(CKM_AES_GCM)) {
		gcm_load(&c, s, &gcm_vectors[0]);
		MUST(p11->C_EncryptInit(s, &c.mech, c.handle));
		MUST(p11->C_EncryptInit(t, &c.mech, c.handle));
		MUST(p11->C_DecryptInit(u, &c.mech, c.handle));
		IS(p11->C_EncryptUpdate(s, c.plain, 10, one, &n), CKR_OK);
		IS(p11->C_Encrypt(t, c.plain, c.plain_len, two, &m), CKR_OK);
		CHECK(m == c.sealed_len && memcmp(two, c.sealed, m) == 0);
		CK_ULONG rest = sizeof one - n;
		IS(p11->C_EncryptUpdate(s, c.plain + 10, c.plain_len - 10, one + n, &rest), CKR_OK);
		n += rest;
		rest = sizeof one - n;
		IS(p11->C_EncryptFinal(s, one + n, &rest), CKR_OK);
		CHECK(n + rest == c.sealed_len && memcmp(one, c.sealed, c.sealed_len) == 0);
		m = sizeof two;
		IS(p11->C_Decrypt(u, one, c.sealed_len, two, &m), CKR_OK);
		CHECK(m == c.plain_len && memcmp(two, c.plain, m) == 0);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
