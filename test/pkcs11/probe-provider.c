/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An OpenSSL provider as a configuration loads it that has PKCS#11 in it: while libcrypto is in the midst of reading that
 * configuration, it loads the module of PROBE_MODULE and works with it.  What it comes to, it writes to PROBE_LOG.
 * It has no algorithms.  With PROBE_LEAVES it leaves the module as it found it, so that a host beside it is not
 * disturbed.
 */
#include <fcntl.h>
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "test/pkcs11/host.h"

static CK_FUNCTION_LIST *p11;

static void note(const char *text)
{
	int fd = open(getenv("PROBE_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	DEMAND(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static bool leaves(void)
{
	return getenv("PROBE_LEAVES") != NULL;
}

static void log_in(void)
{
	const char *pin = getenv("DSKE_PIN");
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE found;
	CK_ULONG n;

	MUST(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s));
	CK_RV rv = p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin));
	DEMAND(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN);
	MUST(p11->C_FindObjectsInit(s, NULL, 0));
	MUST(p11->C_FindObjects(s, &found, 1, &n));
	MUST(p11->C_FindObjectsFinal(s));
	if (leaves() && rv == CKR_OK)
		MUST(p11->C_Logout(s));
	if (leaves())
		MUST(p11->C_CloseSession(s));
}

/* From libcrypto's clean-up. */
static void teardown(void *unused)
{
	(void)unused;
	if (!leaves())
		MUST(p11->C_Finalize(NULL));
	note("finalized\n");
}

static const OSSL_DISPATCH dispatch[] = {{OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown}, {0, NULL}};

__attribute__((visibility("default"))) OSSL_provider_init_fn OSSL_provider_init;

int OSSL_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **ctx)
{
	void *module;

	(void)handle, (void)in;
	note("begins\n");
	p11 = host_load(getenv("PROBE_MODULE"), &module);
	CK_RV rv = p11->C_Initialize(NULL);
	DEMAND(rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED);
	DEMAND(host_works(p11));
	log_in();
	if (leaves() && rv == CKR_OK)
		MUST(p11->C_Finalize(NULL));
	note("works\n");
	*out = dispatch;
	*ctx = &p11;
	return 1;
}
