/* SPDX-License-Identifier: Apache-2.0 */
/*
 * p11test: what PKCS#11 says, asked of any module; TAP, or verdicts alone.  `p11test --help` has the options.
 *
 * Each group of cases runs in a process of its own, so that a module that crashes fails where it does and nowhere else.
 */
#include "test/pkcs11/p11test.h"

#include <dlfcn.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/resource.h>

CK_FUNCTION_LIST *p11;
CK_FUNCTION_LIST_3_0 *p11_3;
CK_FUNCTION_LIST_3_2 *p11_32;
const char *token_label, *pin, *so_pin;
static const char *parameters; /* of C_Initialize */
static bool needs_login;
bool strict, partial;
CK_SLOT_ID slot;

CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
CK_KEY_TYPE aes = CKK_AES, generic = CKK_GENERIC_SECRET;

bool offers(CK_MECHANISM_TYPE type)
{
	CK_MECHANISM_INFO info;
	bool there = p11->C_GetMechanismInfo(slot, type, &info) == CKR_OK;

	if (!there)
		absent();
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

	if (needs_login)
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

	snprintf(wanted, sizeof wanted, "%-32s", token_label != NULL ? token_label : "");
	if (p11->C_GetSlotList(CK_TRUE, NULL, &n) != CKR_OK || n > 64 || p11->C_GetSlotList(CK_TRUE, list, &n) != CKR_OK)
		return (CK_SLOT_ID)-1;
	for (CK_ULONG i = 0; i < n; i++) {
		if (p11->C_GetTokenInfo(list[i], &info) != CKR_OK)
			continue;
		if (token_label == NULL || memcmp(info.label, wanted, sizeof info.label) == 0)
			return list[i];
	}
	return (CK_SLOT_ID)-1;
}

bool usable(void)
{
	CK_TOKEN_INFO info;

	if (p11->C_GetTokenInfo(slot, &info) != CKR_OK || (info.flags & CKF_WRITE_PROTECTED) != 0)
		return false;
	needs_login = (info.flags & CKF_LOGIN_REQUIRED) != 0;
	return pin != NULL || !needs_login;
}

CK_RV initialize(void)
{
	struct {
		CK_C_INITIALIZE_ARGS args;
		void *reserved; /* NSS has one field more */
	} longer = {.args = {.flags = CKF_OS_LOCKING_OK, .pReserved = (void *)parameters}};

	return p11->C_Initialize(&longer);
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

/* ---- all of them ---------------------------------------------------------------------------------------- */

static const struct group groups[] = {
#define X(name, kind) {#name, kind, case_##name},
	GROUPS(X)
#undef X
};
#define GROUP_COUNT (sizeof groups / sizeof groups[0])

static const char help[] =
	"usage: p11test --module FILE [OPTION]...\n"
	"Asks a PKCS#11 module what the standard says; each case is a line of TAP.\n"
	"\n"
	"  -m, --module FILE   the module; C_GetFunctionList is all that it must have\n"
	"  -l, --label LABEL   the token (default: the first)\n"
	"  -p, --pin PIN       the user's PIN; where it is needed and not given, or the token is read-only, no keys are made\n"
	"  -s, --so-pin PIN    the security officer's, for cases of that role\n"
	"                      (env:NAME instead of a PIN takes it from the environment)\n"
	"  -i, --init TEXT     what the module wants to have said at C_Initialize (NSS does)\n"
	"  -v, --verdicts      print NAME, a tab and the verdict for each case, and no TAP\n"
	"  -w, --write FILE    write those to FILE, beside what is printed\n"
	"  -S, --strict        what is not offered fails\n"
	"  -o, --only GROUP    the groups that begin so\n"
	"  -L, --list          the groups\n"
	"  -h, --help          this\n"
	"\n"
	"A verdict is the answer of the call that the case is about (CKR_...), yes or no, or for a case of several calls\n"
	"right or wrong; crash and hang are verdicts; \"not offered\" is one, and passes.  The token is to be a trial's own:\n"
	"objects come and go, wrong PINs are tried, and PINs are changed and changed back.\n"
	"Exit status: 0 all is right, 1 something is not, 2 nothing could be asked.\n";

struct options {
	const char *module, *only;
	FILE *written;
	bool verdicts, list;
};

static const char *pin_of(const char *text)
{
	return strncmp(text, "env:", 4) == 0 ? getenv(text + 4) : text;
}

static void read_options(struct options *o, int argc, char **argv)
{
	static const struct option all[] = {
		{"module", required_argument, NULL, 'm'}, {"label", required_argument, NULL, 'l'},
		{"pin", required_argument, NULL, 'p'},	  {"so-pin", required_argument, NULL, 's'},
		{"init", required_argument, NULL, 'i'},
		{"only", required_argument, NULL, 'o'},	  {"verdicts", no_argument, NULL, 'v'},
		{"write", required_argument, NULL, 'w'},
		{"strict", no_argument, NULL, 'S'},	  {"list", no_argument, NULL, 'L'},
		{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "m:l:p:s:i:o:w:vSLh", all, NULL)) != -1) {
		switch (c) {
		case 'm': o->module = optarg; break;
		case 'l': token_label = optarg; break;
		case 'p': pin = pin_of(optarg); break;
		case 's': so_pin = pin_of(optarg); break;
		case 'i': parameters = optarg; break;
		case 'o': o->only = optarg; partial = true; break;
		case 'v': o->verdicts = true; break;
		case 'w': o->written = fopen(optarg, "w"); break;
		case 'S': strict = true; break;
		case 'L': o->list = true; break;
		case 'h': fputs(help, stdout); exit(0);
		default: exit(2);
		}
	}
	if (optind < argc || (o->module == NULL && !o->list)) {
		fputs("p11test: say which module: p11test --module FILE; --help has the rest\n", stderr);
		exit(2);
	}
}

static bool load(const char *file)
{
	void *module = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = module != NULL ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;

	if (get == NULL || get(&p11) != CKR_OK) {
		printf("Bail out! %s\n", module == NULL ? dlerror() : "no C_GetFunctionList");
		return false;
	}
	p11_3 = list_of(module, 0);
	p11_32 = list_of(module, 2);
	return true;
}

int main(int argc, char **argv)
{
	struct options o = {.only = ""};
	unsigned bad = 0, count;

	read_options(&o, argc, argv);
	for (size_t i = 0; i < GROUP_COUNT && o.list; i++)
		printf("%s\n", groups[i].name);
	if (o.list)
		return 0;
	if (!load(o.module))
		return 2;
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	board_new(o.verdicts, o.written);
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		if (strncmp(groups[i].name, o.only, strlen(o.only)) == 0)
			group_run(&groups[i]);
	}
	count = group_count(&bad);
	if (!o.verdicts)
		printf("1..%u\n", count);
	return bad > 0;
}
