/* SPDX-License-Identifier: Apache-2.0 */
/* Objects: made of nothing and of others, changed, looked at, destroyed. */
#include <config.h>

#include "test/fuzz/calls.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define OUT_MAX 512

size_t calls_room(const struct calls *c)
{
	size_t i = 0;
	unsigned char label[4], none[4] = {0};

	for (; i < CALLS_OBJECTS; i++) {
		model_label(c, i, label);
		if (c->all->object[i] == 0 && memcmp(label, none, 4) == 0)
			break;
	}
	return i == CALLS_OBJECTS && c->model == NULL ? c->left % CALLS_OBJECTS : i; /* most may be dead */
}

void calls_keep(struct calls *c, size_t at, size_t session, CK_OBJECT_HANDLE made)
{
	CK_OBJECT_HANDLE other = atomic_exchange(&c->all->object[at], made);

	if (other != 0) /* another thread saw the same room */
		(void)calls_p11->C_DestroyObject(c->all->session[session], other);
}

void calls_put(struct calls_wish *w, CK_ATTRIBUTE_TYPE type, void *p, CK_ULONG len)
{
	if (w->n == sizeof w->templ / sizeof w->templ[0])
		abort();
	w->templ[w->n++] = (CK_ATTRIBUTE){type, p, len};
}

/* Each has a label and a value that no other has. */
static void be_unlike(struct calls_wish *w)
{
	static _Atomic uint32_t count;
	uint64_t z = 0;
	uint32_t number = ++count;

	memcpy(w->label, &number, sizeof number);
	for (size_t i = 0; i < CALLS_VALUE; i++) {
		if (i % 8 == 0)
			z = (number + 1) * 0x9e3779b97f4a7c15u + (i + 1) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		w->value[i] = (unsigned char)(z >> 56);
	}
}

void calls_wish(struct calls *c, struct calls_wish *w)
{
	static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	unsigned bits = calls_take(c, 256);

	*w = (struct calls_wish){
		.token = bits & 1, .private = bits >> 1 & 1, .open = bits >> 2 & 1, .sensitive = bits >> 3 & 1};
	be_unlike(w);
	calls_put(w, CKA_LABEL, w->label, sizeof w->label);
	calls_put(w, CKA_TOKEN, &w->token, 1);
	calls_put(w, CKA_PRIVATE, &w->private, 1);
	calls_put(w, CKA_EXTRACTABLE, &w->open, 1);
	calls_put(w, CKA_SENSITIVE, &w->sensitive, 1);
	calls_put(w, CKA_ENCRYPT, &yes, 1);
	calls_put(w, CKA_DECRYPT, &yes, 1);
	calls_put(w, CKA_SIGN, bits & 16 ? &no : &yes, 1);
	calls_put(w, CKA_VERIFY, &yes, 1);
	calls_put(w, CKA_WRAP, bits & 32 ? &no : &yes, 1);
	calls_put(w, CKA_UNWRAP, &yes, 1);
	calls_put(w, CKA_DERIVE, bits & 64 ? &no : &yes, 1);
	if ((bits & 128) != 0)
		calls_put(w, CKA_COPYABLE, &no, 1);
}

static CK_KEY_TYPE type_of(struct calls *c)
{
	static const CK_KEY_TYPE types[] = {CKK_AES, CKK_AES, CKK_GENERIC_SECRET, CKK_CHACHA20, CKK_SHA256_HMAC};

	return types[calls_take(c, 5)];
}

static void key_create(struct calls *c)
{
	static CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	size_t at = calls_room(c), s = calls_session_at(c);
	CK_OBJECT_HANDLE key = 0;
	struct calls_wish w;

	if (at == CALLS_OBJECTS)
		return;
	calls_wish(c, &w);
	w.key_type = type_of(c);
	calls_put(&w, CKA_CLASS, &class, sizeof class);
	calls_put(&w, CKA_KEY_TYPE, &w.key_type, sizeof w.key_type);
	calls_put(&w, CKA_VALUE, w.value, sizeof w.value);
	if (calls_p11->C_CreateObject(c->all->session[s], w.templ, w.n, &key) != CKR_OK)
		return;
	calls_keep(c, at, s, key);
	model_made(c, at, s, &w, true, CALLS_OBJECTS);
}

static void key_generate(struct calls *c)
{
	static CK_ULONG len = CALLS_VALUE;
	static const CK_MECHANISM_TYPE types[] = {CKM_AES_KEY_GEN, CKM_GENERIC_SECRET_KEY_GEN, CKM_CHACHA20_KEY_GEN,
						  CKM_SHA256_KEY_GEN};
	size_t at = calls_room(c), s = calls_session_at(c);
	CK_MECHANISM mech = {types[calls_take(c, 4)], NULL, 0};
	CK_OBJECT_HANDLE key = 0;
	struct calls_wish w;

	if (at == CALLS_OBJECTS)
		return;
	calls_wish(c, &w);
	if (mech.mechanism != CKM_CHACHA20_KEY_GEN)
		calls_put(&w, CKA_VALUE_LEN, &len, sizeof len);
	if (calls_p11->C_GenerateKey(c->all->session[s], &mech, w.templ, w.n, &key) != CKR_OK)
		return;
	calls_keep(c, at, s, key);
	model_made(c, at, s, &w, false, CALLS_OBJECTS);
}

/* At its value, and what else there is. */
static void look(struct calls *c, size_t s, size_t at, CK_ULONG n)
{
	CK_BYTE value[OUT_MAX] = {0}, label[16], check[16];
	CK_BBOOL flag;
	CK_ATTRIBUTE templ[] = {{CKA_VALUE, value, sizeof value}, {CKA_LABEL, label, sizeof label},
				{CKA_CHECK_VALUE, check, sizeof check}, {CKA_SENSITIVE, &flag, 1}};

	CK_RV rv = calls_p11->C_GetAttributeValue(c->all->session[s], c->all->object[at], templ, n);
	model_given(c, value, sizeof value);
	if (rv == CKR_OK && model_hides(c, at))
		calls_wrong("a key's value is told that must not be");
}

/* The copy says all four anew. */
static void key_copy(struct calls *c)
{
	size_t at = calls_room(c), s = calls_session_at(c), from = calls_object_at(c);
	CK_OBJECT_HANDLE key = 0;
	struct calls_wish w;

	if (at == CALLS_OBJECTS)
		return;
	calls_wish(c, &w);
	if (calls_p11->C_CopyObject(c->all->session[s], c->all->object[from], w.templ, 5, &key) != CKR_OK)
		return;
	if (w.open && c->model != NULL && model_hides(c, from) && !w.sensitive)
		calls_wrong("a copy is less secret");
	calls_keep(c, at, s, key);
	model_made(c, at, s, &w, false, from);
	look(c, s, at, 1);
}

/* Joined, cut and mixed with what everybody knows: the key stays in what comes of it. */
static void key_derive(struct calls *c)
{
	static CK_BYTE zeros[CALLS_VALUE];
	static CK_EXTRACT_PARAMS first;
	size_t at = calls_room(c), s = calls_session_at(c), from = calls_object_at(c), other = calls_object_at(c);
	CK_OBJECT_HANDLE with = c->all->object[other], key = 0;
	CK_KEY_DERIVATION_STRING_DATA known = {zeros, calls_take(c, CALLS_VALUE + 1)};
	CK_HKDF_PARAMS hkdf = {CK_TRUE, CK_TRUE, CKM_SHA256, CKF_HKDF_SALT_NULL, NULL, 0, 0, NULL, 0};
	CK_MECHANISM mechs[] = {
		{CKM_XOR_BASE_AND_DATA, &known, sizeof known}, {CKM_CONCATENATE_BASE_AND_DATA, &known, sizeof known},
		{CKM_CONCATENATE_DATA_AND_BASE, &known, sizeof known}, {CKM_CONCATENATE_BASE_AND_KEY, &with, sizeof with},
		{CKM_EXTRACT_KEY_FROM_KEY, &first, sizeof first}, {CKM_HKDF_DERIVE, &hkdf, sizeof hkdf},
		{CKM_SHA256_KEY_DERIVATION, NULL, 0}, {CKM_AES_ECB_ENCRYPT_DATA, &known, sizeof known},
	};
	struct calls_wish w;
	CK_ULONG len = 1 + calls_take(c, 64), generic = CKK_GENERIC_SECRET;

	if (at == CALLS_OBJECTS)
		return;
	CK_MECHANISM *mech = &mechs[calls_take(c, 8)];
	calls_wish(c, &w);
	calls_put(&w, CKA_KEY_TYPE, &generic, sizeof generic);
	if (calls_take(c, 2) == 0)
		calls_put(&w, CKA_VALUE_LEN, &len, sizeof len);
	if (calls_p11->C_DeriveKey(c->all->session[s], mech, c->all->object[from], w.templ, w.n, &key) != CKR_OK)
		return;
	calls_keep(c, at, s, key);
	model_made(c, at, s, &w, false, CALLS_OBJECTS);
	look(c, s, at, 1);
}

static void key_wrap(struct calls *c)
{
	static CK_BYTE iv[16], nothing[16];
	size_t at = calls_room(c), s = calls_session_at(c), with = calls_object_at(c), key = calls_object_at(c);
	CK_GCM_PARAMS gcm = {iv, 12, 96, nothing, sizeof nothing, 128};
	CK_MECHANISM mechs[] = {{CKM_AES_ECB, NULL, 0}, {CKM_AES_CBC, iv, 16}, {CKM_AES_KEY_WRAP_KWP, NULL, 0},
				{CKM_AES_KEY_WRAP, NULL, 0}, {CKM_AES_CBC_PAD, iv, 16}, {CKM_AES_GCM, &gcm, sizeof gcm}};
	CK_MECHANISM *mech = &mechs[calls_take(c, 6)];
	CK_BYTE out[OUT_MAX];
	CK_ULONG n = sizeof out, generic = CKK_GENERIC_SECRET;
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_OBJECT_HANDLE again = 0;
	struct calls_wish w;

	if (calls_p11->C_WrapKey(c->all->session[s], mech, c->all->object[with], c->all->object[key], out, &n) != CKR_OK)
		return;
	model_given(c, out, n);
	model_wrapped(c);
	if (at == CALLS_OBJECTS || calls_take(c, 2) == 0)
		return;
	calls_wish(c, &w);
	calls_put(&w, CKA_CLASS, &class, sizeof class);
	calls_put(&w, CKA_KEY_TYPE, &generic, sizeof generic);
	if (calls_p11->C_UnwrapKey(c->all->session[s], mech, c->all->object[with], out, n, w.templ, w.n, &again) != CKR_OK)
		return;
	calls_keep(c, at, s, again);
	model_made(c, at, s, &w, false, CALLS_OBJECTS);
	look(c, s, at, 1);
}

/* ---- looking and changing ---------------------------------------------------------------------------------- */

static void key_look(struct calls *c)
{
	size_t s = calls_session_at(c), at = calls_object_at(c);

	look(c, s, at, 1 + calls_take(c, 4));
}

static void key_change(struct calls *c)
{
	static CK_BBOOL flags[] = {CK_FALSE, CK_TRUE};
	static const CK_ATTRIBUTE_TYPE types[] = {CKA_SENSITIVE,         CKA_EXTRACTABLE, CKA_ENCRYPT,  CKA_DERIVE,
						  CKA_WRAP_WITH_TRUSTED, CKA_TRUSTED,     CKA_COPYABLE, CKA_TOKEN};
	size_t s = calls_session_at(c), at = calls_object_at(c);
	unsigned on = calls_take(c, 2);
	CK_ATTRIBUTE a = {types[calls_take(c, 8)], &flags[on], 1};

	if (calls_p11->C_SetAttributeValue(c->all->session[s], c->all->object[at], &a, 1) != CKR_OK)
		return;
	if ((a.type == CKA_SENSITIVE && on == 0 && model_hides(c, at)) || a.type == CKA_TOKEN)
		a.type = CKA_LABEL; /* said what it was already, perhaps: the next look will tell */
	if ((a.type == CKA_SENSITIVE && on == 1) || (a.type == CKA_EXTRACTABLE && on == 0))
		model_closes(c, at);
}

static void key_destroy(struct calls *c)
{
	size_t s = calls_session_at(c), at = calls_object_at(c);

	if (calls_p11->C_DestroyObject(c->all->session[s], c->all->object[at]) == CKR_OK)
		model_destroyed(c, at);
}

/* Nobody's, so that nobody looks for it. */
static void data_come_and_go(struct calls *c)
{
	CK_OBJECT_CLASS class = CKO_DATA;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class}, {CKA_VALUE, "data", 4}};
	CK_SESSION_HANDLE s = c->all->session[calls_session_at(c)];
	CK_OBJECT_HANDLE made = 0;

	if (calls_p11->C_CreateObject(s, templ, 2, &made) == CKR_OK)
		(void)calls_p11->C_DestroyObject(s, made);
}

void calls_keys(struct calls *c)
{
	static void (*const kinds[])(struct calls *) = {
		key_create, key_create, key_create, key_generate, key_copy, key_copy, key_derive, key_derive, key_derive,
		key_wrap, key_wrap, key_look, key_look, key_change, key_destroy, data_come_and_go,
	};

	kinds[calls_take(c, sizeof kinds / sizeof kinds[0])](c);
}
