/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain-host MODULE FIRST: a program that does not use libcrypto itself, and whose first call that needs it is login,
 * digest, sign, random or find.  All of them follow, two threads at once.
 */
#include "test/pkcs11/host.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static CK_FUNCTION_LIST *p11;

static void do_login(CK_SESSION_HANDLE s)
{
	const char *pin = getenv("DSKE_PIN");
	CK_RV rv = p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin));

	DEMAND(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN);
}

static void do_digest(CK_SESSION_HANDLE s)
{
	CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
	unsigned char out[32];
	CK_ULONG n = sizeof out;

	MUST(p11->C_DigestInit(s, &sha));
	MUST(p11->C_Digest(s, out, sizeof out, out, &n));
}

static void do_sign(CK_SESSION_HANDLE s)
{
	(void)s;
	DEMAND(host_works(p11));
}

static void do_random(CK_SESSION_HANDLE s)
{
	unsigned char out[32];

	MUST(p11->C_GenerateRandom(s, out, sizeof out));
}

static void do_find(CK_SESSION_HANDLE s)
{
	CK_OBJECT_HANDLE found;
	CK_ULONG n;

	MUST(p11->C_FindObjectsInit(s, NULL, 0));
	MUST(p11->C_FindObjects(s, &found, 1, &n));
	MUST(p11->C_FindObjectsFinal(s));
}

static const struct step {
	const char *name;
	void (*run)(CK_SESSION_HANDLE s);
} steps[] = {{"login", do_login}, {"digest", do_digest}, {"sign", do_sign}, {"random", do_random}, {"find", do_find}};
#define STEPS (sizeof steps / sizeof steps[0])

static void *play(void *first)
{
	CK_SESSION_HANDLE s;

	MUST(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s));
	((const struct step *)first)->run(s);
	for (size_t i = 0; i < STEPS; i++)
		steps[i].run(s);
	return NULL;
}

int main(int argc, char **argv)
{
	const struct step *first = NULL;
	pthread_t thread;
	void *handle;

	for (size_t i = 0; i < STEPS; i++) {
		if (argc == 3 && strcmp(argv[2], steps[i].name) == 0)
			first = &steps[i];
	}
	if (first == NULL)
		return 2;
	p11 = host_load(argv[1], &handle);
	MUST(p11->C_Initialize(NULL));
	DEMAND(pthread_create(&thread, NULL, play, (void *)(uintptr_t)first) == 0);
	(void)play((void *)(uintptr_t)first);
	pthread_join(thread, NULL);
	return 0; /* without C_Finalize: the provider does that */
}
