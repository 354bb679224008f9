/* SPDX-License-Identifier: Apache-2.0 */
/* A module that is wrong on purpose, over the one that LIAR_MODULE names: p11test has to find each of its lies. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST *truth, lies;

/* Nobody is logged in, and it does not mind. */
static CK_RV logout(CK_SESSION_HANDLE s)
{
	CK_RV rv = truth->C_Logout(s);

	return rv == CKR_USER_NOT_LOGGED_IN ? CKR_OK : rv;
}

/* One bit of each MAC. */
static CK_RV sign(CK_SESSION_HANDLE s, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out, CK_ULONG *out_len)
{
	CK_RV rv = truth->C_Sign(s, in, in_len, out, out_len);

	if (rv == CKR_OK && out != NULL && *out_len > 0)
		out[*out_len - 1] ^= 1;
	return rv;
}

/* A byte of each digest of more than 100, which no known answer has, but OpenSSL. */
static CK_RV update(CK_SESSION_HANDLE s, CK_BYTE *in, CK_ULONG len)
{
	return truth->C_DigestUpdate(s, in, len > 100 ? len - 1 : len);
}

static CK_RV crash(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ULONG *size)
{
	(void)s, (void)o, (void)size;
	abort();
}

static CK_RV get_list(CK_FUNCTION_LIST **list)
{
	*list = &lies;
	return CKR_OK;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	const char *path = getenv("LIAR_MODULE");
	void *module = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
	CK_C_GetFunctionList get = module != NULL ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;

	if (get == NULL || get(&truth) != CKR_OK)
		return CKR_GENERAL_ERROR;
	lies = *truth;
	lies.C_GetFunctionList = get_list;
	lies.C_Logout = logout;
	lies.C_Sign = sign;
	lies.C_DigestUpdate = update;
	lies.C_GetObjectSize = crash;
	return get_list(list);
}
