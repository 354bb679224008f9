/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/host.h"

#include <dirent.h>
#include <dlfcn.h>
#include <string.h>

CK_FUNCTION_LIST *host_load(const char *path, void **handle)
{
	CK_FUNCTION_LIST *p11 = NULL;

	*handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = *handle != NULL ? (CK_C_GetFunctionList)dlsym(*handle, "C_GetFunctionList") : NULL;
	if (get == NULL) {
		fprintf(stderr, "%s: %s\n", path, dlerror());
		_exit(2);
	}
	MUST(get(&p11));
	return p11;
}

static CK_RV make_key(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE s, CK_KEY_TYPE type, void *value, CK_ULONG len,
		      CK_OBJECT_HANDLE *key)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, len},
		{CKA_ENCRYPT, &yes, sizeof yes},   {CKA_SIGN, &yes, sizeof yes},       {CKA_PRIVATE, &no, sizeof no},
	};

	return p11->C_CreateObject(s, templ, sizeof templ / sizeof templ[0], key);
}

/* RFC 4231, 4.3. */
static bool macs(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE s)
{
	static unsigned char key_bytes[] = "Jefe", text[] = "what do ya want for nothing?";
	static const unsigned char wanted[8] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e};
	CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
	unsigned char mac[32];
	CK_ULONG n = sizeof mac;
	CK_OBJECT_HANDLE key;

	return make_key(p11, s, CKK_GENERIC_SECRET, key_bytes, 4, &key) == CKR_OK &&
	       p11->C_SignInit(s, &hmac, key) == CKR_OK && p11->C_Sign(s, text, sizeof text - 1, mac, &n) == CKR_OK &&
	       memcmp(mac, wanted, sizeof wanted) == 0;
}

/* NIST's second case for GCM with 128 bits: all zeros. */
static bool encrypts(CK_FUNCTION_LIST *p11, CK_SESSION_HANDLE s)
{
	static const unsigned char wanted[8] = {0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92};
	unsigned char zeros[16] = {0}, iv[12] = {0}, out[32];
	CK_GCM_PARAMS params = {iv, sizeof iv, 96, NULL, 0, 128};
	CK_MECHANISM gcm = {CKM_AES_GCM, &params, sizeof params};
	CK_ULONG n = sizeof out;
	CK_OBJECT_HANDLE key;

	return make_key(p11, s, CKK_AES, zeros, sizeof zeros, &key) == CKR_OK &&
	       p11->C_EncryptInit(s, &gcm, key) == CKR_OK &&
	       p11->C_Encrypt(s, zeros, sizeof zeros, out, &n) == CKR_OK && memcmp(out, wanted, sizeof wanted) == 0;
}

bool host_works(CK_FUNCTION_LIST *p11)
{
	CK_SESSION_HANDLE s;

	return p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) == CKR_OK && macs(p11, s) &&
	       encrypts(p11, s) && p11->C_CloseSession(s) == CKR_OK;
}

unsigned host_count(const char *folder)
{
	DIR *d = opendir(folder);
	unsigned n = 0;

	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}
