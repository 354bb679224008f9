/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/pkcs11/token-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "pkcs11/entry.h"
#include "pkcs11/slot.h"
#include "store/store.h"

CK_FUNCTION_LIST *p11;
char dir[256];
CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY, private_class = CKO_PRIVATE_KEY, peer_class = CKO_DSKE_PEER;
CK_KEY_TYPE aes = CKK_AES;
CK_ATTRIBUTE extractable = {CKA_EXTRACTABLE, &yes, sizeof yes};

/* ---- alice, who may read keys agreed with bob, but not with carol ------------------------------------------- */

void put(const char *name, const char *text)
{
	struct path p;

	assert_true(rc_ok(path_format(&p, "%s/%s", dir, name)));
	assert_true(rc_ok(file_replace(p.s, text, strlen(text), 0600)));
}

void write_peers(bool with_carol)
{
	char text[400];

	snprintf(text, sizeof text, "[peer bob]\nid = " BOB_ID "\nhubs_agreed = 3\nhubs_asked = 3\n%s",
		 with_carol ? "[peer carol]\nid = " CAROL_ID "\nhubs_agreed = 3\nhubs_asked = 3\n" : "");
	put("peers", text);
}

int setup(void **state)
{
	char text[1000];
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(dir, sizeof dir, "%s/dske-derive-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(text, sizeof text, "[client]\nname = alice\nid = " ALICE_ID "\nlog = %s/log\nlog_level = info\n"
				    "[peer bob]\nextract = yes\n", dir);
	put("dske.conf", text);
	write_peers(true);
	snprintf(text, sizeof text, "%s/dske.conf", dir);
	setenv("DSKE_CONF", text, 1);
	unsetenv("DSKE_FAKE");
	return entry_function_list(&p11) == CKR_OK && p11->C_Initialize(NULL) == CKR_OK ? 0 : -1;
}

int teardown(void **state)
{
	char command[400];

	(void)state;
	(void)p11->C_Finalize(NULL);
	snprintf(command, sizeof command, "rm -r '%s'", dir);
	return system(command);
}

CK_SESSION_HANDLE session_new(void)
{
	CK_SESSION_HANDLE s = 0;

	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	return s;
}

/* Gives the token PINs that are cheap to try; with no session open. */
void make_token(void)
{
	AUTO(secret) master = {0};
	struct store *s;
	uint8_t label[STORE_LABEL_LEN];

	slot_pad(label, sizeof label, "alice");
	assert_true(rc_ok(store_new(&s, dir, (struct store_cost){.memory_kib = 8, .passes = 1})));
	assert_true(rc_ok(store_init(s, "87654321", 8, label)));
	assert_true(rc_ok(store_login(s, STORE_PIN_SO, "87654321", 8, &master)));
	assert_true(rc_ok(store_set_pin(s, &master, STORE_PIN_USER, PIN, strlen(PIN))));
	store_free(s);
}

void login(CK_SESSION_HANDLE s)
{
	IS(p11->C_Login(s, CKU_USER, (CK_UTF8CHAR *)PIN, strlen(PIN)), CKR_OK);
}

/* ---- searching and deriving ------------------------------------------------------------------------------------ */

CK_ULONG find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS *class, CK_ATTRIBUTE_TYPE by, const void *value, size_t len,
		     CK_OBJECT_HANDLE *found)
{
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, class, sizeof *class}, {by, (void *)value, len}};
	CK_OBJECT_HANDLE list[16];
	CK_ULONG n = 0;

	IS(p11->C_FindObjectsInit(s, templ, 2), CKR_OK);
	IS(p11->C_FindObjects(s, list, 16, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	if (n > 0)
		*found = list[0];
	return n;
}

CK_OBJECT_HANDLE peer(CK_SESSION_HANDLE s, const char *name)
{
	CK_OBJECT_HANDLE h = 0;

	IS(find(s, &peer_class, CKA_LABEL, name, strlen(name), &h), 1);
	return h;
}

CK_OBJECT_HANDLE ec_key(CK_SESSION_HANDLE s, const char *id)
{
	CK_OBJECT_HANDLE h = 0;

	IS(find(s, &private_class, CKA_ID, id, strlen(id), &h), 1);
	return h;
}

CK_RV derive(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE base, CK_DSKE_DERIVE_PARAMS *p, CK_ATTRIBUTE *templ, CK_ULONG n,
		    CK_OBJECT_HANDLE *key)
{
	CK_MECHANISM mech = {CKM_DSKE_DERIVE, p, p != NULL ? sizeof *p : 0};

	return p11->C_DeriveKey(s, &mech, base, templ, n, key);
}

CK_DSKE_DERIVE_PARAMS context(const char *text)
{
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .ulContextLen = strlen(text)};

	memcpy(p.context, text, strlen(text));
	return p;
}

CK_RV derive_ec(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE base, const void *point, size_t len, CK_ATTRIBUTE *templ,
		       CK_ULONG n, CK_OBJECT_HANDLE *key)
{
	CK_ECDH1_DERIVE_PARAMS p = {CKD_NULL, 0, NULL, len, (CK_BYTE *)point};
	CK_MECHANISM mech = {CKM_ECDH1_DERIVE, &p, sizeof p};

	return p11->C_DeriveKey(s, &mech, base, templ, n, key);
}

CK_ULONG read_attr(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, void *out, CK_ULONG room)
{
	CK_ATTRIBUTE a = {type, out, room};

	IS(p11->C_GetAttributeValue(s, o, &a, 1), CKR_OK);
	return a.ulValueLen;
}
