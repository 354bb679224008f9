/* SPDX-License-Identifier: Apache-2.0 */
/* Message-based encryption (PKCS#11 3.0, 5.9 and 5.11): many messages with one key, tags apart, nonces made here. */
#include "test/pkcs11/p11test.h"

#define PLAIN_LEN 60

/* One message, whose parameter is of any of the three shapes. */
struct message {
	CK_MECHANISM_TYPE type;
	unsigned char iv[12], tag[16];
	CK_GCM_MESSAGE_PARAMS gcm;
	CK_CCM_MESSAGE_PARAMS ccm;
	CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS poly1305;
	void *param;
	CK_ULONG param_len;
};

static unsigned char plain[PLAIN_LEN], ad[20] = "this goes in clear";

static void message_of(struct message *m, CK_MECHANISM_TYPE type, CK_ULONG data_len)
{
	*m = (struct message){.type = type, .iv = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
	m->gcm = (CK_GCM_MESSAGE_PARAMS){m->iv, 12, 0, CKG_NO_GENERATE, m->tag, 128};
	m->ccm = (CK_CCM_MESSAGE_PARAMS){data_len, m->iv, 12, 0, CKG_NO_GENERATE, m->tag, 16};
	m->poly1305 = (CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS){m->iv, 96, m->tag};
	m->param = type == CKM_AES_GCM ? (void *)&m->gcm : type == CKM_AES_CCM ? (void *)&m->ccm : (void *)&m->poly1305;
	m->param_len = type == CKM_AES_GCM ? sizeof m->gcm : type == CKM_AES_CCM ? sizeof m->ccm : sizeof m->poly1305;
}

/* What C_Encrypt makes of the same: ciphertext and tag. */
static bool classic(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const struct message *m, CK_ULONG len, unsigned char *out)
{
	CK_BYTE *iv = (CK_BYTE *)m->iv;
	CK_GCM_PARAMS gcm = {iv, 12, 96, ad, sizeof ad, 128};
	CK_CCM_PARAMS ccm = {len, iv, 12, ad, sizeof ad, 16};
	CK_SALSA20_CHACHA20_POLY1305_PARAMS poly1305 = {iv, 96, ad, sizeof ad};
	CK_MECHANISM mech = {m->type, &gcm, sizeof gcm};
	CK_ULONG n = PLAIN_LEN + 16;

	if (m->type == CKM_AES_CCM)
		mech = (CK_MECHANISM){m->type, &ccm, sizeof ccm};
	if (m->type == CKM_CHACHA20_POLY1305)
		mech = (CK_MECHANISM){m->type, &poly1305, sizeof poly1305};
	return p11->C_EncryptInit(s, &mech, key) == CKR_OK && p11->C_Encrypt(s, plain, len, out, &n) == CKR_OK &&
	       n == len + 16;
}

static CK_RV seal(CK_SESSION_HANDLE s, struct message *m, CK_ULONG len, unsigned char *out)
{
	CK_ULONG n = len;

	return p11_3->C_EncryptMessage(s, m->param, m->param_len, ad, sizeof ad, plain, len, out, &n);
}

static CK_RV unseal(CK_SESSION_HANDLE s, struct message *m, unsigned char *in, CK_ULONG len, unsigned char *out)
{
	CK_ULONG n = len;

	return p11_3->C_DecryptMessage(s, m->param, m->param_len, ad, sizeof ad, in, len, out, &n);
}

/* Two parts; what came out, or SIZE_MAX. */
static size_t seal_parts(CK_SESSION_HANDLE s, struct message *m, CK_ULONG len, size_t cut, unsigned char *out)
{
	CK_ULONG n = PLAIN_LEN, rest = PLAIN_LEN;

	if (p11_3->C_EncryptMessageBegin(s, m->param, m->param_len, ad, sizeof ad) != CKR_OK ||
	    p11_3->C_EncryptMessageNext(s, m->param, m->param_len, plain, cut, out, &n, 0) != CKR_OK)
		return SIZE_MAX;
	if (p11_3->C_EncryptMessageNext(s, m->param, m->param_len, plain + cut, len - cut, out + n, &rest, CKF_END_OF_MESSAGE))
		return SIZE_MAX;
	return n + rest;
}

static size_t unseal_parts(CK_SESSION_HANDLE s, struct message *m, unsigned char *in, CK_ULONG len, size_t cut,
			   unsigned char *out)
{
	CK_ULONG n = PLAIN_LEN, rest = PLAIN_LEN;

	if (p11_3->C_DecryptMessageBegin(s, m->param, m->param_len, ad, sizeof ad) != CKR_OK ||
	    p11_3->C_DecryptMessageNext(s, m->param, m->param_len, in, cut, out, &n, 0) != CKR_OK)
		return SIZE_MAX;
	CHECK(n == 0); /* nothing before the tag is checked */
	if (p11_3->C_DecryptMessageNext(s, m->param, m->param_len, in + cut, len - cut, out, &rest, CKF_END_OF_MESSAGE))
		return SIZE_MAX;
	return rest;
}

static const CK_MECHANISM_TYPE aeads[] = {CKM_AES_GCM, CKM_AES_CCM, CKM_CHACHA20_POLY1305};

/* Begins both processes with a fresh key; false when the module has no such thing. */
static bool begin(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE *key)
{
	static unsigned char value[32] = {9};
	CK_MECHANISM mech = {type, NULL, 0};

	value[31]++; /* nonces are counted by value */
	if (p11_3 == NULL || !offers(type)) {
		absent();
		return false;
	}
	*key = key_new(s, type == CKM_CHACHA20_POLY1305 ? CKK_CHACHA20 : CKK_AES, value, sizeof value, "messages");
	IS(p11_3->C_MessageEncryptInit(s, &mech, *key), CKR_OK);
	IS(p11_3->C_MessageEncryptInit(s, &mech, *key), CKR_OPERATION_ACTIVE);
	IS(p11_3->C_MessageDecryptInit(s, &mech, *key), CKR_OK);
	return true;
}

static void end(CK_SESSION_HANDLE s)
{
	IS(p11_3->C_MessageEncryptFinal(s), CKR_OK);
	IS(p11_3->C_MessageEncryptFinal(s), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11_3->C_MessageDecryptFinal(s), CKR_OK);
}

void case_messages(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char want[PLAIN_LEN + 16], out[PLAIN_LEN + 16], back[PLAIN_LEN + 1];
	CK_OBJECT_HANDLE key;
	struct message m;

	for (size_t i = 0; i < sizeof plain; i++)
		plain[i] = (unsigned char)(i * 11);
	for (size_t i = 0; i < 3; i++) {
		if (!begin(s, aeads[i], &key))
			continue;
		for (CK_ULONG len = 0; len <= PLAIN_LEN; len += 15) {
			message_of(&m, aeads[i], len);
			CHECK(classic(s, key, &m, len, want));
			memset(out, 0, sizeof out);
			IS(seal(s, &m, len, out), CKR_OK);
			CHECK(memcmp(out, want, len) == 0 && memcmp(m.tag, want + len, 16) == 0);
			IS(unseal(s, &m, out, len, back), CKR_OK);
			CHECK(memcmp(back, plain, len) == 0);
			IS(unseal(s, &m, out, len, out), CKR_OK); /* in place */
			CHECK(memcmp(out, plain, len) == 0);
			for (size_t cut = 0; cut <= len; cut += 7) {
				memset(m.tag, 0, sizeof m.tag);
				CHECK(seal_parts(s, &m, len, cut, out) == len);
				CHECK(memcmp(out, want, len) == 0 && memcmp(m.tag, want + len, 16) == 0);
				CHECK(unseal_parts(s, &m, out, len, cut, back) == len && memcmp(back, plain, len) == 0);
			}
		}
		end(s);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* XChaCha20-Poly1305, whose nonce makes a key of its own: as C_Encrypt has it. */
void case_messages_xchacha(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char nonce[24] = {7}, want[PLAIN_LEN + 16], out[PLAIN_LEN], tag[16];
	CK_SALSA20_CHACHA20_POLY1305_PARAMS classical = {nonce, 192, ad, sizeof ad};
	CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS p = {nonce, 192, tag};
	CK_MECHANISM mech = {CKM_CHACHA20_POLY1305, &classical, sizeof classical};
	CK_OBJECT_HANDLE key;
	CK_ULONG n = sizeof want, m = PLAIN_LEN;

	if (begin(s, CKM_CHACHA20_POLY1305, &key)) {
		for (int i = 0; i < 3; i++) { /* and the key's own contexts stay what they are */
			m = PLAIN_LEN;
			n = sizeof want;
			nonce[23] = (unsigned char)i;
			p.ulNonceLen = classical.ulNonceLen = i == 1 ? 96 : 192;
			MUST(p11->C_EncryptInit(s, &mech, key));
			IS(p11->C_Encrypt(s, plain, PLAIN_LEN, want, &n), CKR_OK);
			IS(p11_3->C_EncryptMessage(s, &p, sizeof p, ad, sizeof ad, plain, PLAIN_LEN, out, &m), CKR_OK);
			CHECK(memcmp(out, want, PLAIN_LEN) == 0 && memcmp(tag, want + PLAIN_LEN, 16) == 0);
			IS(p11_3->C_DecryptMessage(s, &p, sizeof p, ad, sizeof ad, out, m, out, &m), CKR_OK);
			CHECK(memcmp(out, plain, PLAIN_LEN) == 0);
		}
		end(s);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* A wrong bit ends its message, and the process goes on. */
void case_messages_tampered(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char out[PLAIN_LEN], back[PLAIN_LEN], clean[PLAIN_LEN] = {0};
	CK_OBJECT_HANDLE key;
	struct message m;

	for (size_t i = 0; i < 3; i++) {
		if (!begin(s, aeads[i], &key))
			continue;
		message_of(&m, aeads[i], PLAIN_LEN);
		IS(seal(s, &m, PLAIN_LEN, out), CKR_OK);
		for (size_t bit = 0; bit < 8 * (sizeof out + sizeof m.tag + sizeof ad + sizeof m.iv); bit++) {
			size_t at = bit / 8;
			unsigned char *byte = at < sizeof out ? &out[at] : at < sizeof out + 16 ? &m.tag[at - sizeof out] :
						  at < sizeof out + 16 + sizeof ad ? &ad[at - sizeof out - 16] :
							     &m.iv[at - sizeof out - 16 - sizeof ad];
			*byte ^= (unsigned char)(1 << bit % 8);
			memset(back, 0, sizeof back);
			IS(unseal(s, &m, out, PLAIN_LEN, back), CKR_AEAD_DECRYPT_FAILED);
			CHECK(unseal_parts(s, &m, out, PLAIN_LEN, bit % PLAIN_LEN, back) == SIZE_MAX);
			CHECK(memcmp(back, clean, sizeof back) == 0);
			*byte ^= (unsigned char)(1 << bit % 8);
		}
		IS(unseal(s, &m, out, PLAIN_LEN, back), CKR_OK);
		CHECK(memcmp(back, plain, sizeof back) == 0);
		end(s);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* Lengths are asked for without using anything up; the order of calls is kept. */
void case_messages_conventions(void)
{
	CK_SESSION_HANDLE s = session_user();
	unsigned char out[PLAIN_LEN];
	CK_OBJECT_HANDLE key = 0;
	CK_MECHANISM gcm = {CKM_AES_GCM, NULL, 0}, cbc = {CKM_AES_CBC, out, 16};
	CK_ULONG n = 0;
	struct message m;

	if (begin(s, CKM_AES_GCM, &key)) {
		message_of(&m, CKM_AES_GCM, PLAIN_LEN);
		m.gcm.ivGenerator = CKG_GENERATE_COUNTER;
		IS(p11_3->C_EncryptMessage(s, m.param, m.param_len, NULL, 0, plain, 20, NULL, &n), CKR_OK);
		CHECK(n == 20 && m.iv[0] == 1);
		n = 19;
		IS(p11_3->C_EncryptMessage(s, m.param, m.param_len, NULL, 0, plain, 20, out, &n), CKR_BUFFER_TOO_SMALL);
		CHECK(n == 20 && m.iv[0] == 1);
		IS(p11_3->C_EncryptMessage(s, m.param, m.param_len, NULL, 0, plain, 20, out, &n), CKR_OK);
		static const unsigned char zero[12];
		CHECK(memcmp(m.iv, zero, 12) == 0);
		IS(p11_3->C_EncryptMessageNext(s, m.param, m.param_len, plain, 4, out, &n, 0), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11_3->C_EncryptMessageBegin(s, m.param, m.param_len, NULL, 0), CKR_OK);
		IS(p11_3->C_EncryptMessageBegin(s, m.param, m.param_len, NULL, 0), CKR_OPERATION_ACTIVE);
		IS(p11_3->C_EncryptMessage(s, m.param, m.param_len, NULL, 0, plain, 4, out, &n), CKR_OPERATION_ACTIVE);
		IS(p11_3->C_MessageEncryptFinal(s), CKR_OPERATION_ACTIVE);
		n = 3;
		IS(p11_3->C_EncryptMessageNext(s, m.param, m.param_len, plain, 4, out, &n, 0), CKR_BUFFER_TOO_SMALL);
		IS(p11_3->C_EncryptMessageNext(s, m.param, m.param_len, plain, 4, out, NULL, 0), CKR_ARGUMENTS_BAD);
		IS(p11_3->C_EncryptMessageNext(s, m.param, m.param_len, plain, 4, out, &n, 0), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11_3->C_EncryptMessage(s, m.param, m.param_len - 1, NULL, 0, plain, 4, out, &n), CKR_MECHANISM_PARAM_INVALID);
		IS(p11_3->C_EncryptMessage(s, NULL, m.param_len, NULL, 0, plain, 4, out, &n), CKR_MECHANISM_PARAM_INVALID);
		IS(p11_3->C_EncryptMessage(s, m.param, m.param_len, NULL, 5, plain, 4, out, &n), CKR_ARGUMENTS_BAD);
		m.gcm.pTag = NULL;
		IS(p11_3->C_EncryptMessage(s, m.param, m.param_len, NULL, 0, plain, 4, out, &n), CKR_MECHANISM_PARAM_INVALID);
		IS(p11_3->C_MessageEncryptInit(s, NULL, 0), CKR_OK);
		IS(p11_3->C_MessageEncryptFinal(s), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11_3->C_SessionCancel(s, CKF_MESSAGE_DECRYPT), CKR_OK);
		IS(p11_3->C_MessageDecryptFinal(s), CKR_OPERATION_NOT_INITIALIZED);
		IS(p11_3->C_MessageEncryptInit(s, &cbc, key), CKR_MECHANISM_INVALID);
		/* With the key the process goes. */
		IS(p11_3->C_MessageEncryptInit(s, &gcm, key), CKR_OK);
		IS(p11->C_DestroyObject(s, key), CKR_OK);
		IS(p11_3->C_EncryptMessage(s, &m.gcm, sizeof m.gcm, NULL, 0, plain, 4, out, &n), CKR_KEY_HANDLE_INVALID);
		IS(p11_3->C_EncryptMessage(s, &m.gcm, sizeof m.gcm, NULL, 0, plain, 4, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- nonces ---------------------------------------------------------------------------------------------- */

static CK_RV next_iv(CK_SESSION_HANDLE s, struct message *m, CK_ULONG fixed, CK_GENERATOR_FUNCTION how)
{
	unsigned char out[4];
	CK_ULONG n = sizeof out;

	m->gcm.ulIvFixedBits = fixed;
	m->gcm.ivGenerator = how;
	return p11_3->C_EncryptMessage(s, m->param, m->param_len, NULL, 0, plain, 4, out, &n);
}

static void iv_is(const struct message *m, const char *hex)
{
	unsigned char want[12];

	unhex(want, hex);
	CHECK(memcmp(m->iv, want, sizeof want) == 0);
}

/* A process with a fresh key, and an IV to begin from. */
static void anew(CK_SESSION_HANDLE s, struct message *m, const char *iv)
{
	CK_OBJECT_HANDLE key;

	p11_3->C_MessageEncryptInit(s, NULL, 0);
	p11_3->C_MessageDecryptInit(s, NULL, 0);
	CHECK(begin(s, CKM_AES_GCM, &key));
	message_of(m, CKM_AES_GCM, 4);
	unhex(m->iv, iv);
}

static void counted(CK_SESSION_HANDLE s)
{
	struct message m;

	anew(s, &m, "c0ffeec0ffeec0ffeec0ffee");
	IS(next_iv(s, &m, 32, CKG_GENERATE_COUNTER), CKR_OK);
	iv_is(&m, "c0ffeec00000000000000000");
	IS(next_iv(s, &m, 32, CKG_GENERATE_COUNTER), CKR_OK);
	iv_is(&m, "c0ffeec00000000000000001");
	IS(next_iv(s, &m, 33, CKG_GENERATE_COUNTER), CKR_MECHANISM_PARAM_INVALID); /* as it began */
	IS(next_iv(s, &m, 32, 5), CKR_MECHANISM_PARAM_INVALID);
	IS(next_iv(s, &m, 32, CKG_NO_GENERATE), CKR_OK); /* the host's own count for nothing */
	IS(next_iv(s, &m, 32, CKG_GENERATE_COUNTER), CKR_OK);
	iv_is(&m, "c0ffeec00000000000000002");
	IS(next_iv(s, &m, 0, CKG_GENERATE), CKR_OK);

	/* Four bits are sixteen messages, wherever the byte's border is. */
	anew(s, &m, "ffffffffffffffffffffffff");
	for (int i = 0; i < 16; i++)
		IS(next_iv(s, &m, 92, CKG_GENERATE_COUNTER), CKR_OK);
	iv_is(&m, "ffffffffffffffffffffffff");
	IS(next_iv(s, &m, 92, CKG_GENERATE_COUNTER), CKR_DATA_LEN_RANGE);

	anew(s, &m, "a0a1a2a3a4a5a6a7a8a9aaab");
	for (int i = 0; i < 300; i++) { /* what came out may stay there, or the first be put back */
		if (i % 2 == 0)
			unhex(m.iv, "a0a1a2a3a4a5a6a7a8a9aaab");
		IS(next_iv(s, &m, 32, CKG_GENERATE_COUNTER_XOR), CKR_OK);
	}
	iv_is(&m, "a0a1a2a3a4a5a6a7a8a9ab80"); /* aaab xor 299, which is 012b */
	m.iv[10] ^= 2; /* it would begin elsewhere */
	IS(next_iv(s, &m, 32, CKG_GENERATE_COUNTER_XOR), CKR_MECHANISM_PARAM_INVALID);
	m.iv[10] ^= 2;
	m.iv[0] ^= 1;
	IS(next_iv(s, &m, 32, CKG_GENERATE_COUNTER_XOR), CKR_MECHANISM_PARAM_INVALID);
	anew(s, &m, "a0a1a2a3a4a5a6a7a8a9aaab");
	for (int i = 0; i < 8; i++)
		IS(next_iv(s, &m, 93, CKG_GENERATE_COUNTER_XOR), CKR_OK);
	IS(next_iv(s, &m, 93, CKG_GENERATE_COUNTER_XOR), CKR_DATA_LEN_RANGE);
	anew(s, &m, "000000000000000000000000");
	IS(next_iv(s, &m, 96, CKG_GENERATE_COUNTER), CKR_MECHANISM_PARAM_INVALID);
	IS(next_iv(s, &m, ~0ul, CKG_GENERATE_COUNTER), CKR_MECHANISM_PARAM_INVALID);
}

/* Fixed bits stay, the rest never comes twice. */
static void drawn(CK_SESSION_HANDLE s, CK_GENERATOR_FUNCTION how, CK_ULONG fixed)
{
	static unsigned char seen[200][12];
	struct message m;

	anew(s, &m, "c0ffeec0ffeec0ffeec0ffee");
	for (size_t i = 0; i < 200; i++) {
		IS(next_iv(s, &m, fixed, how), CKR_OK);
		memcpy(seen[i], m.iv, 12);
		for (size_t j = 0; j < i; j++)
			CHECK(memcmp(seen[i], seen[j], 12) != 0);
		CHECK(fixed == 0 || memcmp(seen[i], "\xc0\xff\xee", 3) == 0);
	}
	anew(s, &m, "c0ffeec0ffeec0ffeec0ffee");
	IS(next_iv(s, &m, fixed, how), CKR_OK);
	CHECK(memcmp(m.iv, seen[0], 12) != 0);
	anew(s, &m, "c0ffeec0ffeec0ffeec0ffee");
	IS(next_iv(s, &m, 33, how), CKR_MECHANISM_PARAM_INVALID); /* 63 bits are too few to draw from */
}

void case_messages_nonces(void)
{
	CK_SESSION_HANDLE s = session_user();

	if (p11_3 == NULL || !offers(CKM_AES_GCM)) {
		absent();
	} else {
		counted(s);
		drawn(s, CKG_GENERATE, 0);
		drawn(s, CKG_GENERATE, 32);
		drawn(s, CKG_GENERATE_RANDOM, 0);
		drawn(s, CKG_GENERATE_RANDOM, 25);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
