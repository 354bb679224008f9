/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "test/pkcs11/world-token.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11/entry.h"
#include "test/pkcs11/cheap-token.h"

CK_FUNCTION_LIST *p11;
struct world w;
CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY, peer_class = CKO_DSKE_PEER;

CK_UTF8CHAR *text(const char *s)
{
	return (CK_UTF8CHAR *)(uintptr_t)s;
}

static void make_token(void)
{
	struct path state;

	assert_ok(path_format(&state, "%s/alice", w.scratch.s));
	assert_ok(cheap_token_make(state.s, &(struct token_words){"alice", SO, PIN}, NULL));
}

int world_token_set_up(void **state)
{
	(void)state;
	world_make(&w, TABLE_LEN_MIN, "timeout = 60s");
	client_close(w.alice);
	w.alice = NULL;
	make_token();
	setenv("DSKE_CONF", w.alice_conf.s, 1);
	return entry_function_list(&p11) == CKR_OK ? 0 : -1;
}

int world_token_tear_down(void **state)
{
	(void)state;
	world_drop(&w);
	return 0;
}

void let_all(enum mock_manner manner)
{
	for (size_t i = 0; i < WORLD_HUBS; i++)
		world_let_hub(&w, i, manner);
}

CK_SESSION_HANDLE session_new(void)
{
	CK_SESSION_HANDLE s = 0;

	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	return s;
}

void login(CK_SESSION_HANDLE s)
{
	IS(p11->C_Login(s, CKU_USER, text(PIN), strlen(PIN)), CKR_OK);
}

CK_SESSION_HANDLE begin(void)
{
	IS(p11->C_Initialize(NULL), CKR_OK);
	CK_SESSION_HANDLE s = session_new();
	login(s);
	return s;
}

CK_OBJECT_HANDLE find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS *class, const char *label)
{
	CK_ATTRIBUTE like[] = {{CKA_CLASS, class, sizeof *class}, {CKA_LABEL, text(label), strlen(label)}};
	CK_OBJECT_HANDLE found = 0;
	CK_ULONG n = 0;

	IS(p11->C_FindObjectsInit(s, like, 2), CKR_OK);
	IS(p11->C_FindObjects(s, &found, 1, &n), CKR_OK);
	IS(p11->C_FindObjectsFinal(s), CKR_OK);
	IS(n, 1);
	return found;
}

CK_OBJECT_HANDLE make_key(CK_SESSION_HANDLE s, const char *label, CK_BBOOL *token)
{
	CK_KEY_TYPE type = CKK_GENERIC_SECRET;
	unsigned char value[32] = {1};
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, value, sizeof value},                {CKA_LABEL, text(label), strlen(label)},
		{CKA_TOKEN, token, sizeof *token},               {CKA_SIGN, &yes, sizeof yes},
	};

	IS(p11->C_CreateObject(s, templ, sizeof templ / sizeof templ[0], &key), CKR_OK);
	return key;
}

CK_RV hmac(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
	CK_MECHANISM m = {CKM_SHA256_HMAC, NULL, 0};
	unsigned char mac[32] = {0};
	CK_ULONG n = sizeof mac;
	CK_RV rv = p11->C_SignInit(s, &m, key);

	return rv == CKR_OK ? p11->C_Sign(s, mac, sizeof mac, mac, &n) : rv;
}

CK_RV derive(CK_SESSION_HANDLE s, const char *context, CK_ULONG timeout_ms)
{
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .ulTimeoutMs = timeout_ms, .ulContextLen = strlen(context)};
	CK_MECHANISM m = {CKM_DSKE_DERIVE, &p, sizeof p};
	CK_ATTRIBUTE templ[] = {{CKA_SIGN, &yes, sizeof yes}};
	CK_OBJECT_HANDLE key;

	memcpy(p.context, context, p.ulContextLen);
	return p11->C_DeriveKey(s, &m, find(s, &peer_class, "bob"), templ, 1, &key);
}

void derive_both(CK_SESSION_HANDLE s, const char *context)
{
	struct caller bob;

	caller_start(&bob, w.bob, "alice", context, 30000);
	IS(derive(s, context, 30000), CKR_OK);
	caller_join(&bob);
	assert_ok(bob.rc);
	agree_result_drop(&bob.r);
}
