/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which key of a token a name stands for.  The PIN is 123456.
 *
 *	choice-host MODULE TOKEN keep LABEL ID START END PEER LENGTH HOW   a token object: ID of two digits; dates yyyymmdd; "-" for
 *	                                                                  none; HOW: derive, extract, sealed (neither), or hmac
 *	                                                                  (CKA_DERIVE, but for that mechanism alone)
 *	choice-host MODULE TOKEN find NAME...                             a line each: "ID LABEL", or why there is none
 */
#include <config.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "pkcs11/dske-pkcs11.h"
#include "tls/source.h"

static size_t give_pin(char *pin, size_t cap, void *user)
{
	(void)cap, (void)user;
	memcpy(pin, "123456", 6);
	return 6;
}

static int find_all(const char *module, const char *token, int count, char **names)
{
	struct dske_tls_token where = {module, token, give_pin, NULL};
	struct source *s;
	if (!rc_ok(source_new(&s, &where)))
		return 2;
	for (int i = 0; i < count; i++) {
		struct source_key key;
		dske_rc rc = source_find(s, names[i], &key);
		if (rc_ok(rc))
			printf("%02x %s\n", key.id[0], key.label);
		else
			printf("%s\n", rc_detail(rc));
	}
	source_free(s);
	return 0;
}

struct template {
	CK_ATTRIBUTE at[20];
	CK_ULONG count;
};

static void give(struct template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	t->at[t->count++] = (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, len};
}

static void give_text(struct template *t, CK_ATTRIBUTE_TYPE type, const char *text)
{
	if (strcmp(text, "-") != 0)
		give(t, type, text, strlen(text));
}

static CK_RV create(CK_FUNCTION_LIST *f, struct template *t)
{
	CK_SLOT_ID slots[16];
	CK_ULONG count = 16;
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE key;
	CK_RV rv = f->C_GetSlotList(CK_TRUE, slots, &count);
	if (rv == CKR_OK)
		rv = f->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s);
	if (rv == CKR_OK)
		rv = f->C_Login(s, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)"123456", 6);
	return rv == CKR_OK ? f->C_CreateObject(s, t->at, t->count, &key) : rv;
}

static int keep(const char *module, char **a)
{
	static const unsigned char value[64] = "what it is does not matter";
	static const CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	static const CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	static const CK_MECHANISM_TYPE hmac = CKM_SHA256_HMAC;
	struct template t = {0};
	uint8_t id[ID_LEN] = {0}, peer[ID_LEN];
	bool extracts = strcmp(a[6], "extract") == 0, derives = strcmp(a[6], "derive") == 0 || strcmp(a[6], "hmac") == 0;
	give(&t, CKA_CLASS, &class, sizeof class);
	give(&t, CKA_KEY_TYPE, &type, sizeof type);
	give(&t, CKA_TOKEN, &yes, 1);
	give(&t, CKA_EXTRACTABLE, extracts ? &yes : &no, 1);
	give(&t, CKA_SENSITIVE, extracts ? &no : &yes, 1);
	give(&t, CKA_DERIVE, derives ? &yes : &no, 1);
	give(&t, CKA_VALUE, value, (size_t)atoi(a[5]));
	give_text(&t, CKA_LABEL, a[0]);
	give_text(&t, CKA_START_DATE, a[2]);
	give_text(&t, CKA_END_DATE, a[3]);
	give_text(&t, CKA_DSKE_PEER_NAME, a[4]);
	if (strcmp(a[1], "-") != 0 && rc_ok(hex_decode(id, 1, a[1])))
		give(&t, CKA_ID, id, sizeof id);
	if (strcmp(a[4], "-") != 0)
		give(&t, CKA_DSKE_PEER, memset(peer, a[4][0], sizeof peer), sizeof peer);
	if (strcmp(a[6], "hmac") == 0)
		give(&t, CKA_ALLOWED_MECHANISMS, &hmac, sizeof hmac);
	CK_FUNCTION_LIST *f = p11_kit_module_load(module, P11_KIT_MODULE_CRITICAL);
	CK_RV rv = f != NULL ? p11_kit_module_initialize(f) : CKR_GENERAL_ERROR;
	if (rv == CKR_OK)
		rv = create(f, &t);
	if (rv != CKR_OK)
		fprintf(stderr, "%s: 0x%lx\n", a[0], rv);
	return rv != CKR_OK;
}

int main(int argc, char **argv)
{
	if (argc == 11 && strcmp(argv[3], "keep") == 0)
		return keep(argv[1], argv + 4);
	if (argc > 4 && strcmp(argv[3], "find") == 0)
		return find_all(argv[1], argv[2], argc - 4, argv + 4);
	return 2;
}
