/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application that uses one-time pads, for the scripts beside it.  DSKE_PIN, if it is set, is the user's PIN.
 *
 *	otp-host MODULE agree PEER LABEL LENGTH   agrees on a pad, a token object, by the context LABEL
 *	otp-host MODULE seal LABEL TEXT TIMES     encrypts TEXT so often; each message in hexadecimal on a line, at once
 *	otp-host MODULE open LABEL                reads such lines; of each "opened TEXT", or "refused CKR", at once
 *
 * Exits with 1 and "CALL: CKR" on standard error when a call fails, but C_Decrypt.
 */
#include <config.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/p11-3x.h"

#define MESSAGE_MAX 65536

static CK_FUNCTION_LIST *p11;
static CK_BBOOL yes = CK_TRUE;
static CK_MECHANISM otp = {CKM_DSKE_OTP, NULL, 0};

static void must(const char *call, CK_RV rv)
{
	if (rv == CKR_OK)
		return;
	fprintf(stderr, "%s: 0x%lx\n", call, rv);
	exit(1);
}

static CK_SESSION_HANDLE begin(const char *module)
{
	void *lib = dlopen(module, RTLD_NOW);
	CK_SESSION_HANDLE s = 0;
	const char *pin = getenv("DSKE_PIN");

	CK_C_GetFunctionList get = lib != NULL ? (CK_C_GetFunctionList)dlsym(lib, "C_GetFunctionList") : NULL;
	must("dlopen", get != NULL ? get(&p11) : CKR_GENERAL_ERROR);
	must("C_Initialize", p11->C_Initialize(NULL));
	must("C_OpenSession", p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s));
	if (pin != NULL)
		must("C_Login", p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)));
	return s;
}

static CK_OBJECT_HANDLE find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, const char *label)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)label, strlen(label)}};
	CK_OBJECT_HANDLE found = 0;
	CK_ULONG n = 0;

	must("C_FindObjectsInit", p11->C_FindObjectsInit(s, templ, 2));
	must("C_FindObjects", p11->C_FindObjects(s, &found, 1, &n));
	must("C_FindObjectsFinal", p11->C_FindObjectsFinal(s));
	must(label, n == 1 ? CKR_OK : CKR_OBJECT_HANDLE_INVALID);
	return found;
}

static void agree(CK_SESSION_HANDLE s, const char *peer, const char *label, CK_ULONG len)
{
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .ulContextLen = strlen(label)};
	CK_MECHANISM derive = {CKM_DSKE_DERIVE, &p, sizeof p};
	CK_ATTRIBUTE templ[] = {{CKA_ALLOWED_MECHANISMS, &otp.mechanism, sizeof otp.mechanism},
				{CKA_ENCRYPT, &yes, 1},
				{CKA_DECRYPT, &yes, 1},
				{CKA_TOKEN, &yes, 1},
				{CKA_VALUE_LEN, &len, sizeof len},
				{CKA_LABEL, (void *)label, strlen(label)}};
	CK_OBJECT_HANDLE key;

	memcpy(p.context, label, strlen(label));
	must("C_DeriveKey", p11->C_DeriveKey(s, &derive, find(s, CKO_DSKE_PEER, peer), templ, 6, &key));
}

static void seal(CK_SESSION_HANDLE s, const char *label, const char *text, int times)
{
	static CK_BYTE out[MESSAGE_MAX];
	CK_OBJECT_HANDLE key = find(s, CKO_SECRET_KEY, label);

	while (times-- > 0) {
		CK_ULONG len = sizeof out;
		must("C_EncryptInit", p11->C_EncryptInit(s, &otp, key));
		must("C_Encrypt", p11->C_Encrypt(s, (CK_BYTE *)text, strlen(text), out, &len));
		for (CK_ULONG i = 0; i < len; i++)
			printf("%02x", out[i]);
		puts("");
		fflush(stdout);
	}
}

static void open_all(CK_SESSION_HANDLE s, const char *label)
{
	static char line[2 * MESSAGE_MAX + 2];
	static CK_BYTE in[MESSAGE_MAX], out[MESSAGE_MAX];
	CK_OBJECT_HANDLE key = find(s, CKO_SECRET_KEY, label);
	unsigned byte;

	while (fgets(line, sizeof line, stdin) != NULL) {
		CK_ULONG in_len = 0, len = sizeof out;
		while (in_len < sizeof in && sscanf(line + 2 * in_len, "%2x", &byte) == 1)
			in[in_len++] = (CK_BYTE)byte;
		must("C_DecryptInit", p11->C_DecryptInit(s, &otp, key));
		CK_RV rv = p11->C_Decrypt(s, in, in_len, out, &len);
		if (rv == CKR_OK)
			printf("opened %.*s\n", (int)len, (const char *)out);
		else
			printf("refused 0x%lx\n", rv);
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	CK_SESSION_HANDLE s = begin(argv[1]);
	if (strcmp(argv[2], "agree") == 0 && argc == 6)
		agree(s, argv[3], argv[4], strtoul(argv[5], NULL, 10));
	else if (strcmp(argv[2], "seal") == 0 && argc == 6)
		seal(s, argv[3], argv[4], atoi(argv[5]));
	else if (strcmp(argv[2], "open") == 0 && argc == 4)
		open_all(s, argv[3]);
	else
		return 2;
	if (getenv("DSKE_PIN") != NULL)
		must("C_Logout", p11->C_Logout(s));
	must("C_Finalize", p11->C_Finalize(NULL));
	return 0;
}
