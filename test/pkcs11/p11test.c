/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p11test MODULE LABEL PIN [strict]: small trials of any PKCS#11 module, printed as TAP.
 *
 * The token with that label must have that user PIN.  What a module does not offer counts as right if it
 * says so by the right return value; with `strict` that is a failure, as is a child that finds itself
 * initialised by its parent.
 */
#include "test/pkcs11/p11test.h"

#include <dlfcn.h>
#include <stdarg.h>

CK_FUNCTION_LIST *p11;
CK_FUNCTION_LIST_3_0 *p11_3;
CK_FUNCTION_LIST_3_2 *p11_32;
const char *token_label, *pin;
bool strict;
CK_SLOT_ID slot;
unsigned failures;

CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET;

/* ---- checks ----------------------------------------------------------------------------------------- */

void fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	failures++;
	printf("# %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

bool offers(CK_MECHANISM_TYPE type)
{
	CK_MECHANISM_INFO info;
	bool there = p11->C_GetMechanismInfo(slot, type, &info) == CKR_OK;

	if (!there && strict)
		fail(__FILE__, __LINE__, "mechanism 0x%lx is not offered", type);
	return there;
}

CK_SESSION_HANDLE session_new(CK_FLAGS flags)
{
	CK_SESSION_HANDLE s = 0;

	IS(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | flags, NULL, NULL, &s), CKR_OK);
	return s;
}

CK_SESSION_HANDLE session_user(void)
{
	CK_SESSION_HANDLE s = session_new(CKF_RW_SESSION);

	IS(p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)), CKR_OK);
	return s;
}

CK_OBJECT_HANDLE key_new(CK_SESSION_HANDLE s, CK_KEY_TYPE type, const void *value, CK_ULONG len, const char *label)
{
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, (void *)value, len},		 {CKA_LABEL, (void *)label, strlen(label)},
		{CKA_ENCRYPT, &yes, sizeof yes},		 {CKA_DECRYPT, &yes, sizeof yes},
		{CKA_SIGN, &yes, sizeof yes},			 {CKA_VERIFY, &yes, sizeof yes},
		{CKA_TOKEN, &no, sizeof no},			 {CKA_PRIVATE, &no, sizeof no},
	};

	IS(p11->C_CreateObject(s, templ, sizeof templ / sizeof templ[0], &key), CKR_OK);
	return key;
}

size_t unhex(unsigned char *out, const char *text)
{
	size_t n = 0;

	for (; text[0] != '\0'; text += 2) {
		unsigned v = 0;
		sscanf(text, "%2x", &v);
		out[n++] = (unsigned char)v;
	}
	return n;
}

CK_SLOT_ID find_slot(void)
{
	CK_SLOT_ID list[64];
	CK_ULONG n = 64;
	CK_TOKEN_INFO info;
	char wanted[sizeof info.label + 1];

	snprintf(wanted, sizeof wanted, "%-32s", token_label);
	if (p11->C_GetSlotList(CK_TRUE, NULL, &n) != CKR_OK || n > 64 || p11->C_GetSlotList(CK_TRUE, list, &n) != CKR_OK)
		return (CK_SLOT_ID)-1;
	for (CK_ULONG i = 0; i < n; i++) {
		if (p11->C_GetTokenInfo(list[i], &info) == CKR_OK && memcmp(info.label, wanted, sizeof info.label) == 0)
			return list[i];
	}
	return (CK_SLOT_ID)-1;
}

CK_RV initialize(void)
{
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};

	return p11->C_Initialize(&args);
}

/* The list of 3.0 or 3.2, where the module has one. */
static void *list_of(void *module, CK_BYTE minor)
{
	CK_RV (*get)(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS);
	CK_VERSION version = {3, minor};
	CK_INTERFACE *found = NULL;

	*(void **)&get = dlsym(module, "C_GetInterface");
	if (get == NULL || get((CK_UTF8CHAR *)"PKCS 11", &version, &found, 0) != CKR_OK)
		return NULL;
	return found->pFunctionList;
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
#define X(name) {#name, case_##name},
	CASES(X)
#undef X
};
#define CASE_COUNT (sizeof cases / sizeof cases[0])

int main(int argc, char **argv)
{
	unsigned bad = 0;

	if (argc < 4) {
		fprintf(stderr, "usage: p11test MODULE LABEL PIN [strict]\n");
		return 2;
	}
	void *module = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = module != NULL ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;
	if (get == NULL || get(&p11) != CKR_OK) {
		printf("Bail out! %s\n", module == NULL ? dlerror() : "no C_GetFunctionList");
		return 2;
	}
	p11_3 = list_of(module, 0);
	p11_32 = list_of(module, 2);
	token_label = argv[2];
	pin = argv[3];
	strict = argc > 4 && strcmp(argv[4], "strict") == 0;
	printf("1..%zu\n", CASE_COUNT);
	for (size_t i = 0; i < CASE_COUNT; i++) {
		failures = 0;
		cases[i].run();
		printf("%s %zu - %s\n", failures > 0 ? "not ok" : "ok", i + 1, cases[i].name);
		bad += failures > 0;
	}
	return bad > 0;
}
