/* SPDX-License-Identifier: Apache-2.0 */
/* What no host would send: parameters, lengths and orders of calls by chance, none of which may hurt the module. */
#include "test/pkcs11/p11test.h"

static uint32_t draw(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* A word of a parameter: a pointer that may be followed for 128 bytes, a length that is true of it, or what cannot be. */
static CK_ULONG word(uint32_t *state, unsigned char *memory)
{
	static const CK_ULONG odd[] = {0, 1, 12, 16, 64, 96, 128, 0x80000000ul, ~0ul, ~0ul / 8 + 1, (CK_ULONG)1 << 62};
	uint32_t r = draw(state);

	if (r % 3 == 0)
		return (CK_ULONG)memory;
	return r % 3 == 1 ? r / 3 % 64 : odd[r / 3 % (sizeof odd / sizeof odd[0])];
}

/* Parameters by their words, p a pointer and n a number. */
struct shape {
	CK_MECHANISM_TYPE type;
	const char *words;
};

static const char *shape_of(const struct shape *all, size_t count, CK_MECHANISM_TYPE type)
{
	const char *words = "nnnn";

	for (size_t i = 0; i < count; i++)
		words = all[i].type == type ? all[i].words : words;
	return words;
}
#define SHAPE(all, type) shape_of(all, sizeof(all) / sizeof((all)[0]), type)

static const struct shape plain_shapes[] = {
	{CKM_AES_GCM, "pnnpnn"}, {CKM_AES_CCM, "npnpnn"}, {CKM_AES_CTR, "nnn"}, {CKM_CHACHA20, "pnpn"},
	{CKM_CHACHA20_POLY1305, "pnpn"}, {CKM_AES_CBC, "nn"}, {CKM_AES_CTS, "nn"}, {CKM_AES_KEY_WRAP, "n"},
};
static const struct shape message_shapes[] = {
	{CKM_AES_GCM, "pnnnpn"}, {CKM_AES_CCM, "npnnnpn"}, {CKM_CHACHA20_POLY1305, "pnp"},
};
static const struct shape wrap_shapes[] = {
	{CKM_AES_GCM, "pnnnpnn"}, {CKM_AES_CCM, "npnnnpnn"}, {CKM_AES_CTR, "nnn"}, {CKM_AES_CBC, "nn"},
	{CKM_AES_CTS, "nn"}, {CKM_AES_KEY_WRAP, "n"},
};

/* Pointers stand where pointers are, lengths where lengths are; whether either makes sense is for chance to say. */
static size_t generate(uint32_t *state, const char *shape, CK_ULONG *p, unsigned char *memory)
{
	for (size_t i = 0; shape[i] != '\0'; i++) {
		CK_ULONG w = word(state, memory);
		bool pointer = w == (CK_ULONG)memory;
		if (shape[i] == 'p')
			p[i] = draw(state) % 8 == 0 ? 0 : (CK_ULONG)memory;
		else
			p[i] = pointer ? draw(state) % 65 : w;
	}
	return strlen(shape) * sizeof *p;
}

void case_generated_parameters(void)
{
	static const CK_MECHANISM_TYPE types[] = {CKM_AES_GCM,     CKM_AES_CCM,      CKM_AES_CTR,	   CKM_CHACHA20,
						  CKM_AES_CBC,     CKM_AES_CBC_PAD,  CKM_AES_CTS,	   CKM_CHACHA20_POLY1305,
						  CKM_AES_ECB,     CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PKCS7};
	CK_SESSION_HANDLE s = session_user();
	unsigned char value[32] = {5}, memory[128] = {0}, out[256], unaligned[80];
	CK_OBJECT_HANDLE cipher = key_new(s, CKK_AES, value, 32, "aes");
	CK_OBJECT_HANDLE chacha = offers(CKM_CHACHA20) ? key_new(s, CKK_CHACHA20, value, 32, "chacha") : 0;
	uint32_t state = 2026;
	size_t taken = 0;

	for (int i = 0; i < 20000 && chacha != 0; i++) {
		CK_MECHANISM_TYPE type = types[draw(&state) % (sizeof types / sizeof types[0])];
		CK_ULONG p[8], len = generate(&state, SHAPE(plain_shapes, type), p, memory);
		memcpy(unaligned + 1, p, len);
		CK_MECHANISM mech = {type, draw(&state) % 16 > 0 ? unaligned + 1 : NULL, draw(&state) % 8 > 0 ? len : len - 1};
		bool streams = type == CKM_CHACHA20 || type == CKM_CHACHA20_POLY1305;
		CK_RV rv = p11->C_EncryptInit(s, &mech, streams ? chacha : cipher);
		CHECK(rv == CKR_OK || rv == CKR_MECHANISM_PARAM_INVALID);
		if (rv != CKR_OK)
			continue;
		taken++;
		CK_ULONG n = draw(&state) % 3 == 0 ? ~0ul : draw(&state) % sizeof out, in_len = draw(&state) % sizeof memory;
		n = n > sizeof out ? sizeof out : n;
		rv = p11->C_Encrypt(s, memory, in_len, out, &n);
		CHECK(rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL || rv == CKR_DATA_LEN_RANGE);
		if (rv == CKR_BUFFER_TOO_SMALL)
			IS(p11->C_EncryptInit(s, NULL, 0), CKR_OK); /* PKCS#11 3.0, 5.8: ends it */
	}
	CHECK(chacha == 0 || taken > 100);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- messages ------------------------------------------------------------------------------------------- */

struct wild {
	uint32_t state;
	unsigned char memory[128], out[256], param[80];
	CK_ULONG words[8];
	CK_OBJECT_HANDLE key[2]; /* AES, ChaCha20 */
};

/* A parameter that may fit the type, at an odd address; its length may be wrong. */
static void *wild_param(struct wild *w, const char *shape, CK_ULONG *len)
{
	*len = generate(&w->state, shape, w->words, w->memory);
	memcpy(w->param + 1, w->words, *len);
	*len -= draw(&w->state) % 12 == 0;
	return draw(&w->state) % 16 > 0 ? w->param + 1 : NULL;
}

static CK_RV wild_message(struct wild *w, CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, unsigned step)
{
	CK_ULONG len, n = draw(&w->state) % 200, in_len = draw(&w->state) % 128, ad_len = draw(&w->state) % 64;
	void *param = wild_param(w, SHAPE(message_shapes, type), &len);
	CK_BYTE *out = draw(&w->state) % 8 > 0 ? w->out : NULL, *in = draw(&w->state) % 8 > 0 ? w->memory : NULL;
	CK_ULONG *out_len = draw(&w->state) % 32 > 0 ? &n : NULL;
	CK_FLAGS flags = draw(&w->state) % 3 == 0 ? CKF_END_OF_MESSAGE : 0;
	CK_MECHANISM mech = {type, NULL, 0};

	switch (step) {
	case 0:
		return p11_3->C_MessageEncryptInit(s, draw(&w->state) % 4 == 0 ? NULL : &mech, w->key[type == CKM_CHACHA20_POLY1305]);
	case 1:
		return p11_3->C_MessageDecryptInit(s, draw(&w->state) % 4 == 0 ? NULL : &mech, w->key[type == CKM_CHACHA20_POLY1305]);
	case 2:
		return p11_3->C_EncryptMessage(s, param, len, w->memory, ad_len, in, in_len, out, out_len);
	case 3:
		return p11_3->C_DecryptMessage(s, param, len, w->memory, ad_len, in, in_len, out, out_len);
	case 4:
		return p11_3->C_EncryptMessageBegin(s, param, len, w->memory, ad_len);
	case 5:
		return p11_3->C_DecryptMessageBegin(s, param, len, w->memory, ad_len);
	case 6:
		return p11_3->C_EncryptMessageNext(s, param, len, in, in_len, out, out_len, flags);
	case 7:
		return p11_3->C_DecryptMessageNext(s, param, len, in, in_len, out, out_len, flags);
	case 8:
		return p11_3->C_MessageEncryptFinal(s);
	default:
		return p11_3->C_MessageDecryptFinal(s);
	}
}

static bool is_one_of(CK_RV rv, const CK_RV *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (rv == all[i])
			return true;
	return false;
}

static void wild_begin(struct wild *w, CK_SESSION_HANDLE s)
{
	unsigned char value[32] = {5};

	*w = (struct wild){.state = 2027};
	w->key[0] = key_new(s, CKK_AES, value, 32, "aes");
	w->key[1] = key_new(s, CKK_CHACHA20, value, 32, "chacha");
}

void case_generated_messages(void)
{
	static const CK_MECHANISM_TYPE types[] = {CKM_AES_GCM, CKM_AES_CCM, CKM_CHACHA20_POLY1305};
	static const CK_RV answers[] = {CKR_OK, CKR_ARGUMENTS_BAD, CKR_BUFFER_TOO_SMALL, CKR_DATA_LEN_RANGE,
					CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_AEAD_DECRYPT_FAILED, CKR_MECHANISM_PARAM_INVALID,
					CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED};
	CK_SESSION_HANDLE s = session_user();
	size_t good = 0;
	struct wild w;

	if (p11_3 == NULL || !offers(CKM_CHACHA20_POLY1305)) {
		absent();
	} else {
		wild_begin(&w, s);
		for (int i = 0; i < 40000; i++) {
			CK_RV rv = wild_message(&w, s, types[draw(&w.state) / 64 % 3], draw(&w.state) % 10);
			CHECK(is_one_of(rv, answers, sizeof answers / sizeof answers[0]));
			good += rv == CKR_OK;
		}
		CHECK(good > 1000);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* ---- wrapping ------------------------------------------------------------------------------------------- */

static CK_OBJECT_HANDLE wrapper(CK_SESSION_HANDLE s)
{
	unsigned char value[32] = {8};
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},
		{CKA_VALUE, value, sizeof value}, {CKA_WRAP, &yes, sizeof yes}, {CKA_UNWRAP, &yes, sizeof yes},
		{CKA_EXTRACTABLE, &yes, sizeof yes},
	};

	IS(p11->C_CreateObject(s, templ, 6, &key), CKR_OK);
	return key;
}

void case_generated_wraps(void)
{
	static const CK_MECHANISM_TYPE types[] = {CKM_AES_GCM, CKM_AES_CCM, CKM_AES_CTR, CKM_AES_CBC, CKM_AES_CBC_PAD,
						  CKM_AES_CTS, CKM_AES_ECB, CKM_AES_KEY_WRAP, CKM_AES_KEY_WRAP_KWP,
						  CKM_AES_KEY_WRAP_PKCS7, CKM_CHACHA20, CKM_SHA256};
	static const CK_RV answers[] = {CKR_OK, CKR_BUFFER_TOO_SMALL, CKR_MECHANISM_PARAM_INVALID, CKR_MECHANISM_INVALID,
					CKR_KEY_SIZE_RANGE, CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE,
					CKR_WRAPPING_KEY_TYPE_INCONSISTENT, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT};
	CK_SESSION_HANDLE s = session_user();
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &generic, sizeof generic}};
	size_t good = 0;
	struct wild w;

	if (offers(CKM_CHACHA20)) {
		CK_OBJECT_HANDLE with = wrapper(s), back;
		wild_begin(&w, s);
		for (int i = 0; i < 20000; i++) {
			CK_MECHANISM_TYPE type = types[draw(&w.state) % (sizeof types / sizeof types[0])];
			CK_ULONG len, n = draw(&w.state) % 200;
			bool as_encryption = draw(&w.state) % 2 == 0;
			void *param = wild_param(&w, as_encryption ? SHAPE(plain_shapes, type) : SHAPE(wrap_shapes, type), &len);
			CK_MECHANISM mech = {type, param, len};
			CK_BYTE *out = draw(&w.state) % 8 > 0 ? w.out : NULL;
			CK_RV rv = draw(&w.state) % 2 == 0 ? p11->C_WrapKey(s, &mech, with, with, out, &n)
							    : p11->C_UnwrapKey(s, &mech, with, w.memory, n % 128, templ, 2, &back);
			CHECK(is_one_of(rv, answers, sizeof answers / sizeof answers[0]));
			good += rv == CKR_OK;
		}
		CHECK(good > 1000);
	}
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}
