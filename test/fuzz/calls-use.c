/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: begun, gone on with in any order, saved, cancelled; one-time pads and agreed keys too. */
#include <config.h>

#include "test/fuzz/calls.h"

#include <string.h>

#define OUT_MAX 512

/* As model_begun() counts them. */
enum op {
	ENCRYPT, DECRYPT, SIGN, VERIFY, DIGEST,
	MESSAGE_ENCRYPT, MESSAGE_DECRYPT, MESSAGE_SIGN, MESSAGE_VERIFY, GIVEN,
	OP_COUNT
};

static CK_BYTE iv[16] = {1}, tag[16];
static CK_GCM_PARAMS gcm = {iv, 12, 96, iv, sizeof iv, 128};
static CK_CCM_PARAMS ccm = {32, iv, 12, iv, sizeof iv, 16};
static CK_AES_CTR_PARAMS ctr = {128, {0}};
static CK_SALSA20_CHACHA20_POLY1305_PARAMS poly = {iv, 12, iv, sizeof iv};
static CK_MAC_GENERAL_PARAMS short_mac = 4;

static const CK_MECHANISM ciphers[] = {
	{CKM_AES_ECB, NULL, 0}, {CKM_AES_CBC, iv, 16}, {CKM_AES_CBC_PAD, iv, 16}, {CKM_AES_CTR, &ctr, sizeof ctr},
	{CKM_AES_CTS, iv, 16}, {CKM_AES_GCM, &gcm, sizeof gcm}, {CKM_AES_CCM, &ccm, sizeof ccm},
	{CKM_AES_KEY_WRAP_KWP, NULL, 0}, {CKM_CHACHA20_POLY1305, &poly, sizeof poly}, {CKM_DSKE_OTP, NULL, 0},
};
static const CK_MECHANISM macs[] = {
	{CKM_SHA256_HMAC, NULL, 0}, {CKM_AES_CMAC, NULL, 0}, {CKM_AES_GMAC, iv, 12},
	{CKM_SHA256_HMAC_GENERAL, &short_mac, sizeof short_mac}, {CKM_SHA3_256_HMAC, NULL, 0},
};
static const CK_MECHANISM digests[] = {{CKM_SHA256, NULL, 0}, {CKM_SHA512, NULL, 0}, {CKM_SHA3_256, NULL, 0}};
static const CK_MECHANISM aeads[] = {{CKM_AES_GCM, NULL, 0}, {CKM_AES_CCM, NULL, 0}, {CKM_CHACHA20_POLY1305, NULL, 0}};

static const struct {
	const CK_MECHANISM *mechs;
	unsigned count;
} of_op[OP_COUNT] = {
	[ENCRYPT] = {ciphers, 10}, [DECRYPT] = {ciphers, 10}, [SIGN] = {macs, 5}, [VERIFY] = {macs, 5},
	[DIGEST] = {digests, 3}, [MESSAGE_ENCRYPT] = {aeads, 3}, [MESSAGE_DECRYPT] = {aeads, 3},
	[MESSAGE_SIGN] = {macs, 5}, [MESSAGE_VERIFY] = {macs, 5}, [GIVEN] = {macs, 5},
};

/* ---- beginning and cancelling ------------------------------------------------------------------------------ */

static CK_RV begin(enum op op, CK_SESSION_HANDLE s, CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
	switch (op) {
	case ENCRYPT:
		return calls_p11->C_EncryptInit(s, mech, key);
	case DECRYPT:
		return calls_p11->C_DecryptInit(s, mech, key);
	case SIGN:
		return calls_p11->C_SignInit(s, mech, key);
	case VERIFY:
		return calls_p11->C_VerifyInit(s, mech, key);
	case DIGEST:
		return calls_p11->C_DigestInit(s, mech);
	case MESSAGE_ENCRYPT:
		return calls_p11->C_MessageEncryptInit(s, mech, key);
	case MESSAGE_DECRYPT:
		return calls_p11->C_MessageDecryptInit(s, mech, key);
	case MESSAGE_SIGN:
		return calls_p11->C_MessageSignInit(s, mech, key);
	case MESSAGE_VERIFY:
		return calls_p11->C_MessageVerifyInit(s, mech, key);
	default:
		return calls_p11->C_VerifySignatureInit(s, mech, key, tag, sizeof tag);
	}
}

/* True: it goes on now. */
static bool begin_of(struct calls *c, size_t s, enum op op, size_t key)
{
	CK_MECHANISM mech = of_op[op].mechs[calls_take(c, of_op[op].count)];
	bool cancels = calls_take(c, 16) == 15;

	CK_RV rv = begin(op, c->all->session[s], cancels ? NULL : &mech, c->all->object[key]);
	if (rv != CKR_OK)
		return false;
	if (cancels)
		model_over(c, s, op);
	else
		model_begun(c, s, op, op == DIGEST ? CALLS_OBJECTS : key);
	return !cancels;
}

static void use_begin(struct calls *c)
{
	size_t s = calls_session_at(c), key = calls_object_at(c);

	(void)begin_of(c, s, calls_take(c, OP_COUNT), key);
}

static void use_cancel(struct calls *c)
{
	static const CK_FLAGS flags[OP_COUNT] = {
		CKF_ENCRYPT, CKF_DECRYPT, CKF_SIGN, CKF_VERIFY, CKF_DIGEST, CKF_MESSAGE_ENCRYPT, CKF_MESSAGE_DECRYPT,
		CKF_MESSAGE_SIGN, CKF_MESSAGE_VERIFY, CKF_VERIFY,
	};
	size_t s = calls_session_at(c);
	enum op op = calls_take(c, OP_COUNT);

	if (calls_p11->C_SessionCancel(c->all->session[s], flags[op]) == CKR_OK)
		model_over(c, s, op);
}

/* ---- going on ---------------------------------------------------------------------------------------------- */

/* Bytes in and out; in place now and then, or where they overlap. */
struct bytes {
	CK_BYTE memory[2 * OUT_MAX];
	CK_BYTE *in, *out;
	CK_ULONG in_len, out_len;
};

static void draw_bytes(struct calls *c, struct bytes *b)
{
	static const CK_ULONG lens[] = {0, 1, 15, 16, 17, 32, 33, 48, 64, 100, 128, 200};

	memset(b->memory, (int)calls_take(c, 256), sizeof b->memory);
	b->in = b->memory + OUT_MAX;
	b->in_len = lens[calls_take(c, 12)];
	b->out = calls_take(c, 8) == 7 ? b->in + calls_take(c, 17) : b->memory;
	b->out_len = calls_take(c, 4) == 3 ? lens[calls_take(c, 12)] : OUT_MAX - 17;
	if (calls_take(c, 16) == 15)
		b->out = NULL;
}

static void whole_of(struct calls *c, size_t i, enum op op)
{
	CK_SESSION_HANDLE s = c->all->session[i];
	struct bytes b;
	CK_RV rv;

	draw_bytes(c, &b);
	if (op == ENCRYPT)
		rv = calls_p11->C_Encrypt(s, b.in, b.in_len, b.out, &b.out_len);
	else if (op == DECRYPT)
		rv = calls_p11->C_Decrypt(s, b.in, b.in_len, b.out, &b.out_len);
	else if (op == SIGN)
		rv = calls_p11->C_Sign(s, b.in, b.in_len, b.out, &b.out_len);
	else if (op == VERIFY)
		rv = calls_p11->C_Verify(s, b.in, b.in_len, tag, sizeof tag);
	else
		rv = calls_p11->C_Digest(s, b.in, b.in_len, b.out, &b.out_len);
	model_went_on(c, i, op, rv);
	if (rv != CKR_OK || b.out == NULL)
		return;
	model_over(c, i, op);
	model_given(c, b.memory, sizeof b.memory);
}

static void part_of(struct calls *c, size_t i, enum op op)
{
	CK_SESSION_HANDLE s = c->all->session[i];
	struct bytes b;
	CK_RV rv;

	draw_bytes(c, &b);
	if (op == ENCRYPT)
		rv = calls_p11->C_EncryptUpdate(s, b.in, b.in_len, b.out, &b.out_len);
	else if (op == DECRYPT)
		rv = calls_p11->C_DecryptUpdate(s, b.in, b.in_len, b.out, &b.out_len);
	else if (op == SIGN)
		rv = calls_p11->C_SignUpdate(s, b.in, b.in_len);
	else if (op == VERIFY)
		rv = calls_p11->C_VerifyUpdate(s, b.in, b.in_len);
	else
		rv = calls_p11->C_DigestUpdate(s, b.in, b.in_len);
	model_went_on(c, i, op, rv);
	if (rv == CKR_OK)
		model_given(c, b.memory, sizeof b.memory);
}

static void last_of(struct calls *c, size_t i, enum op op)
{
	CK_SESSION_HANDLE s = c->all->session[i];
	struct bytes b;
	CK_RV rv;

	draw_bytes(c, &b);
	if (op == ENCRYPT)
		rv = calls_p11->C_EncryptFinal(s, b.out, &b.out_len);
	else if (op == DECRYPT)
		rv = calls_p11->C_DecryptFinal(s, b.out, &b.out_len);
	else if (op == SIGN)
		rv = calls_p11->C_SignFinal(s, b.out, &b.out_len);
	else if (op == VERIFY)
		rv = calls_p11->C_VerifyFinal(s, tag, sizeof tag);
	else
		rv = calls_p11->C_DigestFinal(s, b.out, &b.out_len);
	model_went_on(c, i, op, rv);
	if (rv != CKR_OK || b.out == NULL)
		return;
	model_over(c, i, op);
	model_given(c, b.memory, sizeof b.memory);
}

static void use_whole(struct calls *c)
{
	size_t i = calls_session_at(c);

	whole_of(c, i, calls_take(c, 5));
}

static void use_part(struct calls *c)
{
	size_t i = calls_session_at(c);

	part_of(c, i, calls_take(c, 5));
}

static void use_last(struct calls *c)
{
	size_t i = calls_session_at(c);

	last_of(c, i, calls_take(c, 5));
}

/* What is begun with a key does not outlive it. */
static void use_and_lose(struct calls *c)
{
	size_t s = calls_session_at(c), key = calls_object_at(c);
	enum op op = calls_take(c, DIGEST);
	unsigned how = calls_take(c, 3), next = calls_take(c, 3);

	if (!begin_of(c, s, op, key))
		return;
	if (how > 0)
		part_of(c, s, op);
	if (how < 2 && calls_p11->C_DestroyObject(c->all->session[s], c->all->object[key]) == CKR_OK)
		model_destroyed(c, key);
	else if (calls_p11->C_Logout(c->all->session[s]) == CKR_OK)
		model_logout(c);
	(next == 0 ? whole_of : next == 1 ? part_of : last_of)(c, s, op);
}

static void use_two(struct calls *c)
{
	static const enum op with[4][2] = {{ENCRYPT, DIGEST}, {DECRYPT, DIGEST}, {ENCRYPT, SIGN}, {DECRYPT, VERIFY}};
	size_t i = calls_session_at(c);
	CK_SESSION_HANDLE s = c->all->session[i];
	unsigned which = calls_take(c, 4);
	struct bytes b;
	CK_RV rv;

	draw_bytes(c, &b);
	if (which == 0)
		rv = calls_p11->C_DigestEncryptUpdate(s, b.in, b.in_len, b.out, &b.out_len);
	else if (which == 1)
		rv = calls_p11->C_DecryptDigestUpdate(s, b.in, b.in_len, b.out, &b.out_len);
	else if (which == 2)
		rv = calls_p11->C_SignEncryptUpdate(s, b.in, b.in_len, b.out, &b.out_len);
	else
		rv = calls_p11->C_DecryptVerifyUpdate(s, b.in, b.in_len, b.out, &b.out_len);
	model_went_on(c, i, with[which][0], rv);
	model_went_on(c, i, with[which][1], rv);
}

/* ---- messages ---------------------------------------------------------------------------------------------- */

/* A parameter for one of the three; which, chance says, and whether it is the one that was begun with. */
static void *message_param(struct calls *c, CK_BYTE nonce[16], CK_BYTE mac[16], CK_ULONG *len)
{
	static _Thread_local CK_GCM_MESSAGE_PARAMS g;
	static _Thread_local CK_CCM_MESSAGE_PARAMS m;
	static _Thread_local CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS p;

	g = (CK_GCM_MESSAGE_PARAMS){nonce, 12, calls_take(c, 97), calls_take(c, 5), mac, 128};
	m = (CK_CCM_MESSAGE_PARAMS){32, nonce, 12, 32, calls_take(c, 5), mac, 16};
	p = (CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS){nonce, 12, mac};
	unsigned which = calls_take(c, 3);
	*len = which == 0 ? sizeof g : which == 1 ? sizeof m : sizeof p;
	return which == 0 ? (void *)&g : which == 1 ? (void *)&m : (void *)&p;
}

static void use_message(struct calls *c)
{
	size_t i = calls_session_at(c);
	CK_SESSION_HANDLE s = c->all->session[i];
	bool encrypts = calls_take(c, 2) == 0;
	unsigned step = calls_take(c, 4);
	CK_BYTE nonce[16] = {0}, mac[16] = {0};
	CK_ULONG len;
	struct bytes b;
	CK_RV rv;

	draw_bytes(c, &b);
	void *p = message_param(c, nonce, mac, &len);
	if (step == 0)
		rv = (encrypts ? calls_p11->C_EncryptMessage : calls_p11->C_DecryptMessage)(s, p, len, iv, sizeof iv, b.in,
											     b.in_len, b.out, &b.out_len);
	else if (step == 1)
		rv = (encrypts ? calls_p11->C_EncryptMessageBegin : calls_p11->C_DecryptMessageBegin)(s, p, len, iv, sizeof iv);
	else if (step == 2)
		rv = (encrypts ? calls_p11->C_EncryptMessageNext : calls_p11->C_DecryptMessageNext)(s, p, len, b.in, b.in_len, b.out,
												 &b.out_len, calls_take(c, 2));
	else
		rv = encrypts ? calls_p11->C_MessageEncryptFinal(s) : calls_p11->C_MessageDecryptFinal(s);
	if (step < 3)
		model_went_on(c, i, encrypts ? MESSAGE_ENCRYPT : MESSAGE_DECRYPT, rv);
	else if (rv == CKR_OK)
		model_over(c, i, encrypts ? MESSAGE_ENCRYPT : MESSAGE_DECRYPT);
}

static void use_signed_message(struct calls *c)
{
	size_t i = calls_session_at(c);
	CK_SESSION_HANDLE s = c->all->session[i];
	unsigned step = calls_take(c, 8);
	struct bytes b;
	CK_RV rv;

	draw_bytes(c, &b);
	if (step == 0)
		rv = calls_p11->C_SignMessage(s, NULL, 0, b.in, b.in_len, b.out, &b.out_len);
	else if (step == 1)
		rv = calls_p11->C_SignMessageBegin(s, NULL, 0);
	else if (step == 2)
		rv = calls_p11->C_SignMessageNext(s, NULL, 0, b.in, b.in_len, b.out, calls_take(c, 2) == 0 ? NULL : &b.out_len);
	else if (step == 3)
		rv = calls_p11->C_VerifyMessage(s, NULL, 0, b.in, b.in_len, tag, sizeof tag);
	else if (step == 4)
		rv = calls_p11->C_VerifyMessageBegin(s, NULL, 0);
	else if (step == 5)
		rv = calls_p11->C_VerifyMessageNext(s, NULL, 0, b.in, b.in_len, NULL, 0);
	else if (step == 6)
		rv = calls_p11->C_MessageSignFinal(s);
	else
		rv = calls_p11->C_MessageVerifyFinal(s);
	enum op op = step < 3 || step == 6 ? MESSAGE_SIGN : MESSAGE_VERIFY;
	if (step < 6)
		model_went_on(c, i, op, rv);
	else if (rv == CKR_OK)
		model_over(c, i, op);
}

static void use_given(struct calls *c)
{
	size_t i = calls_session_at(c);
	CK_SESSION_HANDLE s = c->all->session[i];
	unsigned step = calls_take(c, 3);

	CK_RV rv = step == 0   ? calls_p11->C_VerifySignature(s, iv, sizeof iv)
		   : step == 1 ? calls_p11->C_VerifySignatureUpdate(s, iv, sizeof iv)
			       : calls_p11->C_VerifySignatureFinal(s);
	model_went_on(c, i, GIVEN, rv);
	if (step != 1)
		model_over(c, i, GIVEN);
}

/* ---- digests of keys, saved states, agreements ------------------------------------------------------------- */

static void use_key_digest(struct calls *c)
{
	size_t s = calls_session_at(c);

	model_went_on(c, s, DIGEST, calls_p11->C_DigestKey(c->all->session[s], c->all->object[calls_object_at(c)]));
}

static void use_state(struct calls *c)
{
	size_t from = calls_session_at(c), to = calls_session_at(c);
	CK_BYTE state[1024];
	CK_ULONG len = sizeof state;

	CK_RV rv = calls_p11->C_GetOperationState(c->all->session[from], state, &len);
	model_went_on(c, from, DIGEST, rv);
	if (rv != CKR_OK)
		return;
	model_given(c, state, len);
	unsigned at = calls_take(c, 256);
	if (at < len)
		state[at] ^= (CK_BYTE)calls_take(c, 2);
	if (calls_p11->C_SetOperationState(c->all->session[to], state, len, 0, 0) == CKR_OK)
		model_begun(c, to, DIGEST, CALLS_OBJECTS);
}

static CK_OBJECT_HANDLE peer_of(CK_SESSION_HANDLE s)
{
	CK_OBJECT_CLASS class = CKO_DSKE_PEER;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, "bob", 3}};
	CK_OBJECT_HANDLE peer = 0;
	CK_ULONG n = 0;

	(void)calls_p11->C_SessionCancel(s, CKF_FIND_OBJECTS);
	if (calls_p11->C_FindObjectsInit(s, templ, 2) == CKR_OK)
		(void)calls_p11->C_FindObjects(s, &peer, 1, &n);
	(void)calls_p11->C_FindObjectsFinal(s);
	return n == 1 ? peer : 0;
}

/* A key that is agreed on; a one-time pad often. */
static void use_agreement(struct calls *c)
{
	static CK_MECHANISM_TYPE pad = CKM_DSKE_OTP;
	static CK_ULONG len = 300;
	static CK_BBOOL yes = CK_TRUE;
	size_t at = calls_room(c), s = calls_session_at(c);
	CK_MECHANISM mech = {CKM_DSKE_DERIVE, NULL, 0};
	CK_OBJECT_HANDLE key = 0;
	struct calls_wish w;

	if (at == CALLS_OBJECTS)
		return;
	calls_wish(c, &w);
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .ulContextLen = sizeof w.label};
	memcpy(p.context, w.label, sizeof w.label);
	mech = (CK_MECHANISM){CKM_DSKE_DERIVE, &p, sizeof p};
	if (calls_take(c, 2) == 0) {
		w.open = CK_FALSE, w.sensitive = CK_TRUE;
		w.n = 5;
		calls_put(&w, CKA_ALLOWED_MECHANISMS, &pad, sizeof pad);
		calls_put(&w, CKA_VALUE_LEN, &len, sizeof len);
		calls_put(&w, CKA_ENCRYPT, &yes, 1);
		calls_put(&w, CKA_DECRYPT, &yes, 1);
	}
	CK_SESSION_HANDLE handle = c->all->session[s];
	if (calls_p11->C_DeriveKey(handle, &mech, peer_of(handle), w.templ, w.n, &key) != CKR_OK)
		return;
	calls_keep(c, at, s, key);
	model_made(c, at, s, &w, false, CALLS_OBJECTS);
}

void calls_use(struct calls *c)
{
	static void (*const kinds[])(struct calls *) = {
		use_begin, use_begin, use_begin, use_begin, use_cancel, use_whole, use_whole, use_part, use_part, use_last,
		use_two, use_message, use_message, use_signed_message, use_given, use_key_digest, use_state, use_agreement,
		use_and_lose, use_and_lose,
	};

	kinds[calls_take(c, sizeof kinds / sizeof kinds[0])](c);
}
