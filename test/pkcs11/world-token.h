/* SPDX-License-Identifier: Apache-2.0 */
/* test/pkcs11/world-token.h - alice's module with the real client, a token of cheap PINs, and mock hubs. */
#ifndef DSKE_TEST_PKCS11_WORLD_TOKEN_H
#define DSKE_TEST_PKCS11_WORLD_TOKEN_H

#include "test/client/world.h"

#include "pkcs11/p11-3x.h"

#define IS(call, wanted) assert_int_equal((call), (wanted))
#define PIN "user-pin"
#define SO "so-pin-1"

extern CK_FUNCTION_LIST *p11;
extern struct world w; /* without alice's client: the module is hers */
extern CK_BBOOL yes, no;
extern CK_OBJECT_CLASS secret_class, peer_class;

/* For cmocka: the module is not initialised yet; and away with everything. */
int world_token_set_up(void **state);
int world_token_tear_down(void **state);

CK_UTF8CHAR *text(const char *s);
void let_all(enum mock_manner manner);
CK_SESSION_HANDLE session_new(void);
void login(CK_SESSION_HANDLE s);
CK_SESSION_HANDLE begin(void); /* C_Initialize, and a session that is logged in */
CK_OBJECT_HANDLE find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS *class, const char *label); /* the one there must be */
CK_OBJECT_HANDLE make_key(CK_SESSION_HANDLE s, const char *label, CK_BBOOL *token);
CK_RV hmac(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key);
CK_RV derive(CK_SESSION_HANDLE s, const char *context, CK_ULONG timeout_ms);
/* With bob at the other end, who is not disturbed. */
void derive_both(CK_SESSION_HANDLE s, const char *context);

#endif
