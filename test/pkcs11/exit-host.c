/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit-host MODULE WAY: a program that uses libcrypto and the module, and leaves in one of the ways that
 * have crashed other tokens.  It exits 0 if it gets to its end.
 *
 *	early     finalizes in an exit handler that was registered before libcrypto's: it runs after
 *	          libcrypto's clean-up
 *	late      registered after libcrypto's, and runs before
 *	openssl   in a handler of libcrypto's own clean-up (OPENSSL_atexit), as engines do
 *	close     as early, but only closes the session
 *	leave     never finalizes
 *	unload    dlclose()s the module, and then goes on with libcrypto
 *	quick     _exit()s out of a message
 */
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkcs11/p11-3x.h"

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE session;

#define MUST(call)                                                                                   \
	do {                                                                                         \
		CK_RV must_ = (call);                                                                \
		if (must_ != CKR_OK) {                                                               \
			fprintf(stderr, "exit-host: %s is 0x%lx\n", #call, must_);                   \
			_exit(3);                                                                    \
		}                                                                                    \
	} while (0)

static void at_exit_finalize(void)
{
	MUST(p11->C_CloseSession(session));
	MUST(p11->C_Finalize(NULL));
}

static void at_exit_close(void)
{
	MUST(p11->C_CloseSession(session));
}

static void use_libcrypto(void)
{
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned len;

	if (EVP_Digest("abc", 3, out, &len, EVP_sha256(), NULL) != 1 || ERR_peek_error() != 0)
		_exit(4);
}

static CK_OBJECT_HANDLE make_key(CK_KEY_TYPE type)
{
	static unsigned char value[32] = {1};
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_OBJECT_HANDLE key;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, sizeof value},
		{CKA_ENCRYPT, &yes, sizeof yes},   {CKA_SIGN, &yes, sizeof yes},       {CKA_PRIVATE, &no, sizeof no},
	};

	MUST(p11->C_CreateObject(session, templ, sizeof templ / sizeof templ[0], &key));
	return key;
}

/* Two operations half-way through, and a keyed context at rest. */
static void use_module(void)
{
	unsigned char iv[12] = {0}, out[64];
	CK_GCM_PARAMS params = {iv, sizeof iv, 96, NULL, 0, 128};
	CK_MECHANISM gcm = {CKM_AES_GCM, &params, sizeof params}, hmac = {CKM_SHA256_HMAC, NULL, 0};
	CK_OBJECT_HANDLE cipher = make_key(CKK_AES), mac = make_key(CKK_GENERIC_SECRET);
	CK_ULONG n = sizeof out;

	MUST(p11->C_EncryptInit(session, &gcm, cipher));
	MUST(p11->C_Encrypt(session, iv, sizeof iv, out, &n));
	MUST(p11->C_EncryptInit(session, &gcm, cipher));
	n = sizeof out;
	MUST(p11->C_EncryptUpdate(session, iv, sizeof iv, out, &n));
	MUST(p11->C_SignInit(session, &hmac, mac));
	MUST(p11->C_SignUpdate(session, iv, sizeof iv));
}

static void *load(const char *path)
{
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = module != NULL ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;

	if (get == NULL || get(&p11) != CKR_OK) {
		fprintf(stderr, "exit-host: %s: %s\n", path, dlerror());
		_exit(2);
	}
	MUST(p11->C_Initialize(NULL));
	MUST(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
	return module;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	const char *way = argv[2];
	if (strcmp(way, "early") == 0)
		atexit(at_exit_finalize);
	if (strcmp(way, "close") == 0)
		atexit(at_exit_close);
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	if (strcmp(way, "late") == 0)
		atexit(at_exit_finalize);
	if (strcmp(way, "openssl") == 0)
		OPENSSL_atexit(at_exit_finalize);
	void *module = load(argv[1]);
	use_libcrypto();
	use_module();
	use_libcrypto();
	if (strcmp(way, "quick") == 0)
		_exit(0);
	if (strcmp(way, "unload") == 0) {
		MUST(p11->C_Finalize(NULL));
		dlclose(module);
		use_libcrypto();
	}
	return 0;
}
