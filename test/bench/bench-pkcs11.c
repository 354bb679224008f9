/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-pkcs11 MODULE TOKEN PIN KEYS: what calls of a PKCS#11 module cost, one line "ROW<tab>CALLS A SECOND" each; one
 * thread.  The token is empty when it begins; then so many token keys are made, and rows that say "full" follow.
 * bench-pkcs11.py runs it on this module and on SoftHSM, and puts their rows side by side.
 */
#include "config.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/p11-3x.h"
#include "test/bench/bench.h"

#define ROUNDS 7
#define ROUND_SECONDS 0.15

static CK_FUNCTION_LIST *p11;
static CK_SLOT_ID slot;
static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE key, hmac_key;
static const char *pin;
static unsigned keys, made;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void need(CK_RV rv, const char *what)
{
	if (rv == CKR_OK)
		return;
	fprintf(stderr, "bench-pkcs11: %s: 0x%lx\n", what, rv);
	exit(1);
}

/* ---- what is measured -------------------------------------------------------------------------------------- */

static void login(void)
{
	need(p11->C_Logout(session), "C_Logout");
	need(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin)), "C_Login");
}

static void open_session(void)
{
	CK_SESSION_HANDLE s;

	need(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), "C_OpenSession");
	need(p11->C_CloseSession(s), "C_CloseSession");
}

static CK_OBJECT_HANDLE key_make(CK_KEY_TYPE type, CK_BBOOL token, const char *label)
{
	unsigned char value[32] = "thirty-two bytes, in no way seen";
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_OBJECT_HANDLE made_key;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_TOKEN, &token, sizeof token},
		{CKA_PRIVATE, &yes, sizeof yes}, {CKA_SENSITIVE, &yes, sizeof yes}, {CKA_EXTRACTABLE, &no, sizeof no},
		{CKA_ENCRYPT, &yes, sizeof yes}, {CKA_DECRYPT, &yes, sizeof yes}, {CKA_SIGN, &yes, sizeof yes},
		{CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}, {CKA_VALUE, value, sizeof value},
	};

	need(p11->C_CreateObject(session, templ, sizeof templ / sizeof templ[0], &made_key), "C_CreateObject");
	return made_key;
}

static void create_token_key(void)
{
	char label[32];

	snprintf(label, sizeof label, "key %u", made++);
	(void)key_make(CKK_AES, CK_TRUE, label);
}

static void create_session_key(void)
{
	CK_OBJECT_HANDLE o = key_make(CKK_AES, CK_FALSE, "passing");

	need(p11->C_DestroyObject(session, o), "C_DestroyObject");
}

static void find(void)
{
	static unsigned n;
	char label[32];
	CK_ATTRIBUTE by = {CKA_LABEL, label, 0};
	CK_OBJECT_HANDLE found[2];
	CK_ULONG count;

	n = (n + 7919) % made;
	by.ulValueLen = (CK_ULONG)snprintf(label, sizeof label, "key %u", n);
	need(p11->C_FindObjectsInit(session, &by, 1), "C_FindObjectsInit");
	need(p11->C_FindObjects(session, found, 2, &count), "C_FindObjects");
	need(p11->C_FindObjectsFinal(session), "C_FindObjectsFinal");
	bench_need(count == 1, "a key was not found by its label");
}

static void get_attribute(void)
{
	char label[32];
	CK_ATTRIBUTE a = {CKA_LABEL, label, sizeof label};

	need(p11->C_GetAttributeValue(session, key, &a, 1), "C_GetAttributeValue");
}

static unsigned char in[1024], out[1024 + 64];

static void gcm(CK_ULONG len)
{
	static uint64_t count;
	unsigned char iv[12] = {0};
	CK_GCM_PARAMS p = {.pIv = iv, .ulIvLen = sizeof iv, .ulIvBits = 96, .ulTagBits = 128};
	CK_MECHANISM m = {CKM_AES_GCM, &p, sizeof p};
	CK_ULONG out_len = sizeof out;

	count++;
	memcpy(iv, &count, sizeof count);
	need(p11->C_EncryptInit(session, &m, key), "C_EncryptInit");
	need(p11->C_Encrypt(session, in, len, out, &out_len), "C_Encrypt");
}
static void gcm_64(void) { gcm(64); }
static void gcm_1024(void) { gcm(1024); }

static void hmac(CK_ULONG len)
{
	CK_MECHANISM m = {CKM_SHA256_HMAC, NULL, 0};
	CK_ULONG out_len = sizeof out;

	need(p11->C_SignInit(session, &m, hmac_key), "C_SignInit");
	need(p11->C_Sign(session, in, len, out, &out_len), "C_Sign");
}
static void hmac_64(void) { hmac(64); }
static void hmac_1024(void) { hmac(1024); }

static void digest(void)
{
	CK_MECHANISM m = {CKM_SHA256, NULL, 0};
	CK_ULONG out_len = sizeof out;

	need(p11->C_DigestInit(session, &m), "C_DigestInit");
	need(p11->C_Digest(session, in, 1024, out, &out_len), "C_Digest");
}

static void random_32(void) { need(p11->C_GenerateRandom(session, out, 32), "C_GenerateRandom"); }

/* ---- measuring ----------------------------------------------------------------------------------------------- */

/* Calls a second, the median of the rounds. */
static double rate(void (*run)(void))
{
	double rates[ROUNDS];

	run();
	for (int r = 0; r < ROUNDS; r++) {
		double begun = bench_now(), now;
		unsigned n = 0;
		do {
			run();
			n++;
		} while ((now = bench_now()) - begun < ROUND_SECONDS);
		rates[r] = n / (now - begun);
	}
	return bench_quantile(rates, ROUNDS, 0.5);
}

static void row(const char *name, double number)
{
	printf("%s\t%.1f\n", name, number);
	fflush(stdout);
}

/* n token keys; how many a second. */
static double fill(unsigned n)
{
	double begun = bench_now();

	for (unsigned k = 0; k < n; k++)
		create_token_key();
	return n / (bench_now() - begun);
}

static void start(void)
{
	need(p11->C_Initialize(NULL), "C_Initialize");
	need(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), "C_OpenSession");
	need(p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin)), "C_Login");
}

/* From the module's start to a key that was found. */
static void start_and_find(void)
{
	need(p11->C_Finalize(NULL), "C_Finalize");
	start();
	find();
}

static void token_find(const char *label)
{
	CK_SLOT_ID slots[64];
	CK_ULONG count = 64;
	CK_TOKEN_INFO info;

	need(p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
	while (count-- > 0) {
		slot = slots[count];
		if (p11->C_GetTokenInfo(slot, &info) == CKR_OK && memcmp(info.label, label, strlen(label)) == 0 &&
		    info.label[strlen(label)] == ' ')
			return;
	}
	bench_need(false, "no such token");
}

static void empty_token(void)
{
	row("login and logout", rate(login));
	row("open and close a session", rate(open_session));
	row("create and destroy a session key", rate(create_session_key));
	hmac_key = key_make(CKK_GENERIC_SECRET, CK_FALSE, "for HMAC");
	key = key_make(CKK_AES, CK_FALSE, "for GCM");
	row("AES-GCM, 64 bytes", rate(gcm_64));
	row("AES-GCM, 1 KiB", rate(gcm_1024));
	row("HMAC-SHA256, 64 bytes", rate(hmac_64));
	row("HMAC-SHA256, 1 KiB", rate(hmac_1024));
	row("SHA-256, 1 KiB", rate(digest));
	row("random, 32 bytes", rate(random_32));
	row("get an attribute", rate(get_attribute));
}

static void full_token(void)
{
	unsigned few = keys / 10;

	row("create a token key, the first", fill(few));
	fill(keys - 2 * few);
	row("full: create a token key", fill(few));
	row("full: find by label", rate(find));
	row("full: login and logout", rate(login));
	row("full: start, log in and find", rate(start_and_find));
}

int main(int argc, char **argv)
{
	bench_need(argc == 5, "MODULE TOKEN PIN KEYS");
	void *module = dlopen(argv[1], RTLD_NOW);
	bench_need(module != NULL, dlerror());
	CK_C_GetFunctionList list;
	*(void **)&list = dlsym(module, "C_GetFunctionList");
	need(list(&p11), "C_GetFunctionList");
	need(p11->C_Initialize(NULL), "C_Initialize");
	token_find(argv[2]);
	need(p11->C_Finalize(NULL), "C_Finalize");
	pin = argv[3];
	keys = (unsigned)atoi(argv[4]);
	start();
	empty_token();
	full_token();
	need(p11->C_Finalize(NULL), "C_Finalize");
	return 0;
}
