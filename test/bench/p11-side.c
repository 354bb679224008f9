/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/p11-side.c - the calls of a PKCS#11 module that bench-pkcs11 measures. */
#include "config.h"

#include "test/bench/p11-side.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/bench/bench.h"

#define PIN "123456"
#define ROUND_SECONDS 0.15

CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
unsigned char in[1024], out[1024 + 64];

void need(CK_RV rv, const char *what)
{
	if (rv == CKR_OK)
		return;
	fprintf(stderr, "bench-pkcs11: %s: 0x%lx\n", what, rv);
	exit(1);
}

/* ---- a module ------------------------------------------------------------------------------------------------ */

static void token_find(struct side *s, const char *label)
{
	CK_SLOT_ID slots[64];
	CK_ULONG count = 64;
	CK_TOKEN_INFO info;

	need(s->p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
	while (count-- > 0) {
		s->slot = slots[count];
		if (s->p11->C_GetTokenInfo(s->slot, &info) == CKR_OK && memcmp(info.label, label, strlen(label)) == 0 &&
		    info.label[strlen(label)] == ' ')
			return;
	}
	bench_need(false, "no such token");
}

void side_load(struct side *s, const char *name, const char *module, const char *label)
{
	CK_C_GetFunctionList list;
	void *loaded = dlopen(module, RTLD_NOW);

	bench_need(loaded != NULL, "the module cannot be loaded");
	*(void **)&list = dlsym(loaded, "C_GetFunctionList");
	need(list(&s->p11), "C_GetFunctionList");
	need(s->p11->C_Initialize(NULL), "C_Initialize");
	token_find(s, label);
	need(s->p11->C_Finalize(NULL), "C_Finalize");
	s->name = name;
}

static void login(struct side *s)
{
	need(s->p11->C_Login(s->session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)PIN, strlen(PIN)), "C_Login");
}

void side_start(struct side *s)
{
	need(s->p11->C_Initialize(NULL), "C_Initialize");
	need(s->p11->C_OpenSession(s->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s->session), "C_OpenSession");
	login(s);
}

void side_stop(struct side *s)
{
	need(s->p11->C_Finalize(NULL), "C_Finalize");
}

CK_OBJECT_HANDLE side_key(struct side *s, CK_KEY_TYPE type, CK_BBOOL token, const char *label)
{
	unsigned char value[32] = "thirty-two bytes, in no way seen";
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_OBJECT_HANDLE key;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_TOKEN, &token, sizeof token},
		{CKA_PRIVATE, &yes, sizeof yes}, {CKA_SENSITIVE, &yes, sizeof yes}, {CKA_EXTRACTABLE, &no, sizeof no},
		{CKA_ENCRYPT, &yes, sizeof yes}, {CKA_DECRYPT, &yes, sizeof yes}, {CKA_SIGN, &yes, sizeof yes},
		{CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}, {CKA_VALUE, value, sizeof value},
	};

	need(s->p11->C_CreateObject(s->session, templ, sizeof templ / sizeof templ[0], &key), "C_CreateObject");
	return key;
}

/* ---- what is measured ---------------------------------------------------------------------------------------- */

void side_login(struct side *s)
{
	need(s->p11->C_Logout(s->session), "C_Logout");
	login(s);
}

void side_session(struct side *s)
{
	CK_SESSION_HANDLE more;

	need(s->p11->C_OpenSession(s->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &more), "C_OpenSession");
	need(s->p11->C_CloseSession(more), "C_CloseSession");
}

void side_create_token_key(struct side *s)
{
	char label[32];

	snprintf(label, sizeof label, "key %u", s->made++);
	(void)side_key(s, CKK_AES, CK_TRUE, label);
}

void side_create_session_key(struct side *s)
{
	CK_OBJECT_HANDLE key = side_key(s, CKK_AES, CK_FALSE, "passing");

	need(s->p11->C_DestroyObject(s->session, key), "C_DestroyObject");
}

void side_find(struct side *s)
{
	static unsigned n;
	char label[32];
	CK_ATTRIBUTE by = {CKA_LABEL, label, 0};
	CK_OBJECT_HANDLE found[2];
	CK_ULONG count;

	n = (n + 7919) % s->made;
	by.ulValueLen = (CK_ULONG)snprintf(label, sizeof label, "key %u", n);
	need(s->p11->C_FindObjectsInit(s->session, &by, 1), "C_FindObjectsInit");
	need(s->p11->C_FindObjects(s->session, found, 2, &count), "C_FindObjects");
	need(s->p11->C_FindObjectsFinal(s->session), "C_FindObjectsFinal");
	bench_need(count == 1, "a key was not found by its label");
}

void side_login_and_find(struct side *s)
{
	side_login(s);
	side_find(s);
}

/* As a process does that needs one key. */
void side_start_and_find(struct side *s)
{
	side_stop(s);
	side_start(s);
	side_find(s);
}

void side_get_attribute(struct side *s)
{
	char label[32];
	CK_ATTRIBUTE a = {CKA_LABEL, label, sizeof label};

	need(s->p11->C_GetAttributeValue(s->session, s->key, &a, 1), "C_GetAttributeValue");
}

static void gcm(struct side *s, CK_ULONG len)
{
	static uint64_t count;
	unsigned char iv[12] = {0};
	CK_GCM_PARAMS p = {.pIv = iv, .ulIvLen = sizeof iv, .ulIvBits = 96, .ulTagBits = 128};
	CK_MECHANISM m = {CKM_AES_GCM, &p, sizeof p};
	CK_ULONG out_len = sizeof out;

	count++;
	memcpy(iv, &count, sizeof count);
	need(s->p11->C_EncryptInit(s->session, &m, s->key), "C_EncryptInit");
	need(s->p11->C_Encrypt(s->session, in, len, out, &out_len), "C_Encrypt");
}

void side_gcm_64(struct side *s)
{
	gcm(s, 64);
}

void side_gcm_1024(struct side *s)
{
	gcm(s, 1024);
}

static void hmac(struct side *s, CK_ULONG len)
{
	CK_MECHANISM m = {CKM_SHA256_HMAC, NULL, 0};
	CK_ULONG out_len = sizeof out;

	need(s->p11->C_SignInit(s->session, &m, s->hmac_key), "C_SignInit");
	need(s->p11->C_Sign(s->session, in, len, out, &out_len), "C_Sign");
}

void side_hmac_64(struct side *s)
{
	hmac(s, 64);
}

void side_hmac_1024(struct side *s)
{
	hmac(s, 1024);
}

void side_digest(struct side *s)
{
	CK_MECHANISM m = {CKM_SHA256, NULL, 0};
	CK_ULONG out_len = sizeof out;

	need(s->p11->C_DigestInit(s->session, &m), "C_DigestInit");
	need(s->p11->C_Digest(s->session, in, 1024, out, &out_len), "C_Digest");
}

void side_random(struct side *s)
{
	need(s->p11->C_GenerateRandom(s->session, out, 32), "C_GenerateRandom");
}

/* ---- measuring ----------------------------------------------------------------------------------------------- */

static double now_by(enum bench_clock by)
{
	struct timespec t;

	(void)clock_gettime(by == BY_CLOCK ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The clock is looked at once a millisecond at most. */
double rate(run_side *run, struct side *s, enum bench_clock by)
{
	double begun = now_by(by), last = begun, now;
	unsigned n = 0, step = 1;

	do {
		for (unsigned k = 0; k < step; k++)
			run(s);
		n += step;
		now = now_by(by);
		step = now - last < 0.001 ? 2 * step : step;
		last = now;
	} while (now - begun < ROUND_SECONDS);
	return n / (now - begun);
}

void row(const char *name, const char *side, double number)
{
	printf("%s\t%s\t%.3f\n", name, side, number);
	fflush(stdout);
}
