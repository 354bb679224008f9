/* SPDX-License-Identifier: Apache-2.0 */
/* Encryption by the token beside libcrypto's own: drawn keys, nonces, associated data, lengths, and cuts into parts. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "test/pkcs11/token-fixture.h"

#define TRIALS 400
#define LEN_MAX 700

enum shape { NONE, IV, COUNTER, GCM, CCM, CHACHA20, POLY1305 };

static const struct row {
	CK_MECHANISM_TYPE type;
	const char *name; /* as libcrypto calls it, with the key's bits in front if it is an AES */
	enum shape shape;
	size_t unit, least; /* of the plaintext's length */
	bool single, padded;
} rows[] = {
	{CKM_AES_ECB, "ECB", NONE, 16, 0, false, false},
	{CKM_AES_CBC, "CBC", IV, 16, 0, false, false},
	{CKM_AES_CBC_PAD, "CBC", IV, 1, 0, false, true},
	{CKM_AES_CTS, "CBC-CTS", IV, 1, 16, false, false},
	{CKM_AES_CTR, "CTR", COUNTER, 1, 0, false, false},
	{CKM_AES_GCM, "GCM", GCM, 1, 0, false, false},
	{CKM_AES_CCM, "CCM", CCM, 1, 0, false, false},
	{CKM_AES_KEY_WRAP, "WRAP", NONE, 8, 16, true, false},
	{CKM_AES_KEY_WRAP_KWP, "WRAP-PAD", NONE, 1, 1, true, false},
	{CKM_CHACHA20, "ChaCha20", CHACHA20, 1, 0, false, false},
	{CKM_CHACHA20_POLY1305, "ChaCha20-Poly1305", POLY1305, 1, 0, false, false},
};
#define ROWS (sizeof rows / sizeof rows[0])

struct trial {
	const struct row *row;
	unsigned char key[32], iv[64], ad[100], plain[LEN_MAX], sealed[LEN_MAX + 32];
	size_t key_len, iv_len, ad_len, tag_len, plain_len, sealed_len;
	union {
		CK_GCM_PARAMS gcm;
		CK_CCM_PARAMS ccm;
		CK_AES_CTR_PARAMS ctr;
		CK_CHACHA20_PARAMS chacha20;
		CK_SALSA20_CHACHA20_POLY1305_PARAMS poly1305;
	} p;
	CK_MECHANISM mech;
	CK_OBJECT_HANDLE handle;
};

static unsigned state;

static unsigned draw(unsigned below)
{
	state = state * 1103515245u + 12345u;
	return (state >> 8) % below;
}

static void fill(unsigned char *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (unsigned char)draw(256);
}

static bool is_chacha(const struct row *r)
{
	return r->shape == CHACHA20 || r->shape == POLY1305;
}

static void set(struct trial *t, void *p, size_t len)
{
	t->mech = (CK_MECHANISM){t->row->type, len > 0 ? p : NULL, len};
}

static void draw_parameter(struct trial *t)
{
	switch (t->row->shape) {
	case NONE:
		set(t, NULL, 0);
		break;
	case IV:
		t->iv_len = 16;
		set(t, t->iv, 16);
		break;
	case COUNTER:
		t->p.ctr.ulCounterBits = 128;
		memcpy(t->p.ctr.cb, t->iv, 16);
		set(t, &t->p.ctr, sizeof t->p.ctr);
		break;
	case GCM:
		t->iv_len = draw(2) == 0 ? 12 : 1 + draw(sizeof t->iv);
		t->tag_len = 12 + draw(5);
		t->p.gcm = (CK_GCM_PARAMS){t->iv, t->iv_len, 0, t->ad, t->ad_len, t->tag_len * 8};
		set(t, &t->p.gcm, sizeof t->p.gcm);
		break;
	case CCM:
		t->iv_len = 7 + draw(7);
		t->tag_len = 4 + 2 * draw(7);
		t->p.ccm = (CK_CCM_PARAMS){t->plain_len, t->iv, t->iv_len, t->ad, t->ad_len, t->tag_len};
		set(t, &t->p.ccm, sizeof t->p.ccm);
		break;
	case CHACHA20:
		t->p.chacha20 = (CK_CHACHA20_PARAMS){t->iv, 64, t->iv + 8, 64};
		set(t, &t->p.chacha20, sizeof t->p.chacha20);
		break;
	case POLY1305:
		t->iv_len = 12;
		t->tag_len = 16;
		t->p.poly1305 = (CK_SALSA20_CHACHA20_POLY1305_PARAMS){t->iv, 96, t->ad, t->ad_len};
		set(t, &t->p.poly1305, sizeof t->p.poly1305);
		break;
	}
}

/* ---- what libcrypto says, asked by its own front door ---------------------------------------------------------- */

static void tell_lengths(EVP_CIPHER_CTX *ctx, const struct trial *t)
{
	if (t->tag_len > 0)
		IS(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)t->iv_len, NULL), 1);
	if (t->row->shape == CCM)
		IS(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)t->tag_len, NULL), 1);
}

static void reference(struct trial *t)
{
	char name[32];
	int n = 0, m = 0;

	snprintf(name, sizeof name, "AES-%zu-%s", t->key_len * 8, t->row->name);
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, is_chacha(t->row) ? t->row->name : name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	assert_non_null(cipher);
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	IS(EVP_EncryptInit_ex2(ctx, cipher, NULL, NULL, NULL), 1);
	tell_lengths(ctx, t);
	IS(EVP_EncryptInit_ex2(ctx, NULL, t->key, t->row->shape == NONE ? NULL : t->iv, NULL), 1);
	EVP_CIPHER_CTX_set_padding(ctx, t->row->padded);
	if (t->row->shape == CCM)
		IS(EVP_EncryptUpdate(ctx, NULL, &n, NULL, (int)t->plain_len), 1);
	if (t->tag_len > 0 && t->ad_len > 0)
		IS(EVP_EncryptUpdate(ctx, NULL, &n, t->ad, (int)t->ad_len), 1);
	n = 0;
	if (t->plain_len > 0 || t->row->shape == CCM)
		IS(EVP_EncryptUpdate(ctx, t->sealed, &n, t->plain, (int)t->plain_len), 1);
	if (!t->row->single)
		IS(EVP_EncryptFinal_ex(ctx, t->sealed + n, &m), 1);
	t->sealed_len = (size_t)(n + m);
	if (t->tag_len > 0)
		IS(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)t->tag_len, t->sealed + t->sealed_len), 1);
	t->sealed_len += t->tag_len;
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(cipher);
}

/* ---- the token ------------------------------------------------------------------------------------------------- */

static CK_OBJECT_HANDLE key_of(CK_SESSION_HANDLE s, const struct trial *t)
{
	CK_KEY_TYPE type = is_chacha(t->row) ? CKK_CHACHA20 : CKK_AES;
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				{CKA_KEY_TYPE, &type, sizeof type},
				{CKA_VALUE, (void *)t->key, t->key_len},
				{CKA_ENCRYPT, &yes, 1},
				{CKA_DECRYPT, &yes, 1}};

	IS(p11->C_CreateObject(s, templ, 5, &key), CKR_OK);
	return key;
}

static void new_trial(struct trial *t, CK_SESSION_HANDLE s, const struct row *row)
{
	*t = (struct trial){.row = row, .key_len = is_chacha(row) ? 32 : 16 + 8 * draw(3), .ad_len = draw(100)};
	fill(t->key, sizeof t->key);
	fill(t->iv, sizeof t->iv);
	t->iv[7] &= 0x7f; /* no counter of ChaCha20 comes round */
	fill(t->ad, sizeof t->ad);
	fill(t->plain, sizeof t->plain);
	t->plain_len = row->least + draw(draw(2) == 0 ? 70 : LEN_MAX - 20);
	t->plain_len = t->plain_len / row->unit * row->unit;
	draw_parameter(t);
	reference(t);
	t->handle = key_of(s, t);
}

static void in_one_piece(CK_SESSION_HANDLE s, struct trial *t)
{
	unsigned char out[LEN_MAX + 48];
	CK_ULONG n = sizeof out;

	IS(p11->C_EncryptInit(s, &t->mech, t->handle), CKR_OK);
	IS(p11->C_Encrypt(s, t->plain, t->plain_len, out, &n), CKR_OK);
	IS(n, t->sealed_len);
	assert_memory_equal(out, t->sealed, n);
	n = sizeof out;
	IS(p11->C_DecryptInit(s, &t->mech, t->handle), CKR_OK);
	IS(p11->C_Decrypt(s, t->sealed, t->sealed_len, out, &n), CKR_OK);
	IS(n, t->plain_len);
	assert_memory_equal(out, t->plain, n);
}

/* As many parts as come, now and then in place. */
static size_t in_parts(CK_SESSION_HANDLE s, bool encrypt, const unsigned char *in, size_t len, unsigned char *out, size_t room)
{
	CK_C_EncryptUpdate update = encrypt ? p11->C_EncryptUpdate : p11->C_DecryptUpdate;
	CK_C_EncryptFinal final = encrypt ? p11->C_EncryptFinal : p11->C_DecryptFinal;
	unsigned char piece[LEN_MAX + 48];
	size_t done = 0;
	CK_ULONG n;

	for (size_t at = 0, some; at < len; at += some) {
		some = draw(3) == 0 ? draw(20) : draw((unsigned)len);
		some = some < len - at ? some : len - at;
		memcpy(piece, in + at, some);
		bool over = draw(2) == 0;
		n = over ? sizeof piece : room - done;
		IS(update(s, piece, some, over ? piece : out + done, &n), CKR_OK);
		if (over)
			memcpy(out + done, piece, n);
		done += n;
	}
	n = room - done;
	IS(final(s, out + done, &n), CKR_OK);
	return done + n;
}

static void through_parts(CK_SESSION_HANDLE s, struct trial *t)
{
	unsigned char out[LEN_MAX + 48];

	IS(p11->C_EncryptInit(s, &t->mech, t->handle), CKR_OK);
	IS(in_parts(s, true, t->plain, t->plain_len, out, sizeof out), t->sealed_len);
	assert_memory_equal(out, t->sealed, t->sealed_len);
	IS(p11->C_DecryptInit(s, &t->mech, t->handle), CKR_OK);
	IS(in_parts(s, false, t->sealed, t->sealed_len, out, sizeof out), t->plain_len);
	assert_memory_equal(out, t->plain, t->plain_len);
}

static void as_libcrypto_does(void **unused)
{
	CK_SESSION_HANDLE s;
	struct trial t;

	(void)unused;
	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	state = 5;
	for (size_t i = 0; i < TRIALS * ROWS; i++) {
		new_trial(&t, s, &rows[i % ROWS]);
		in_one_piece(s, &t);
		if (!t.row->single)
			through_parts(s, &t);
		IS(p11->C_DestroyObject(s, t.handle), CKR_OK);
	}
}

/* Contexts that rest with a key serve it whatever came before: another mode, direction, or half a message. */
static void one_key_for_all(void **unused)
{
	CK_SESSION_HANDLE s;
	struct trial all[ROWS];
	unsigned char out[LEN_MAX + 48];

	(void)unused;
	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	state = 6;
	for (size_t i = 0; i < ROWS; i++) {
		new_trial(&all[i], s, &rows[i]);
		size_t with = is_chacha(&rows[i]) ? ROWS - 2 : 0;
		memcpy(all[i].key, all[with].key, 32);
		all[i].key_len = all[with].key_len;
		draw_parameter(&all[i]);
		reference(&all[i]);
		all[i].handle = i == with ? key_of(s, &all[i]) : all[with].handle;
	}
	for (int i = 0; i < 2000; i++) {
		struct trial *t = &all[draw(ROWS)];
		bool encrypt = draw(2) == 0;
		in_one_piece(s, t);
		CK_ULONG n = sizeof out;
		IS((encrypt ? p11->C_EncryptInit : p11->C_DecryptInit)(s, &t->mech, t->handle), CKR_OK);
		if (!t->row->single)
			IS((encrypt ? p11->C_EncryptUpdate : p11->C_DecryptUpdate)(s, t->plain, draw(40), out, &n), CKR_OK);
		IS((encrypt ? p11->C_EncryptInit : p11->C_DecryptInit)(s, NULL, 0), CKR_OK);
	}
}

/* What cannot be unwrapped leaves alone what lies behind a buffer that is just long enough. */
static void nothing_behind_the_end(void **unused)
{
	static const CK_MECHANISM_TYPE types[] = {CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_PKCS7, CKM_AES_KEY_WRAP_KWP};
	unsigned char wrapped[40], out[64], before[64], value[32] = {7};
	CK_SESSION_HANDLE s;

	(void)unused;
	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	struct trial t = {.row = &rows[0], .key_len = 32};
	memcpy(t.key, value, sizeof value);
	CK_OBJECT_HANDLE key = key_of(s, &t);
	state = 9;
	for (size_t i = 0; i < 3 * sizeof out; i++) {
		CK_MECHANISM mech = {types[i % 3], NULL, 0};
		CK_ULONG n = sizeof wrapped - 8 + i % 9;
		fill(wrapped, sizeof wrapped);
		fill(out, sizeof out);
		memcpy(before, out, sizeof out);
		IS(p11->C_DecryptInit(s, &mech, key), CKR_OK);
		size_t room = n;
		IS(p11->C_Decrypt(s, wrapped, sizeof wrapped, out, &n), CKR_ENCRYPTED_DATA_INVALID);
		assert_memory_equal(out + room, before + room, sizeof out - room);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(as_libcrypto_does), TEST(one_key_for_all), TEST(nothing_behind_the_end)};

	return cmocka_run_group_tests_name("ciphers beside libcrypto", tests, NULL, NULL);
}
