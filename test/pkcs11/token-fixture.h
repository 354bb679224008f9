/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/pkcs11/token-fixture.h - alice's token over a client without a network (fake-client.c).  She may read
 * keys agreed with bob, but not with carol.
 */
#ifndef DSKE_TEST_PKCS11_TOKEN_FIXTURE_H
#define DSKE_TEST_PKCS11_TOKEN_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "pkcs11/p11-3x.h"

#define ALICE_ID "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
#define BOB_ID "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
#define CAROL_ID "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"
#define PIN "123456"

extern CK_FUNCTION_LIST *p11;
extern char dir[256]; /* alice's folder */
extern CK_BBOOL yes, no;
extern CK_OBJECT_CLASS secret_class, private_class, peer_class;
extern CK_KEY_TYPE aes;
extern CK_ATTRIBUTE extractable;

/* Shorter than a cmocka line: PKCS#11 values are unsigned longs. */
#define IS(call, wanted) assert_int_equal((call), (wanted))
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* A fresh folder, and the module initialised in it; and away with both. */
int setup(void **state);
int teardown(void **state);

/* Files of the folder: any; the list of peers. */
void put(const char *name, const char *text);
void write_peers(bool with_carol);

/* Gives the token PINs that are cheap to try; with no session open. */
void make_token(void);
void login(CK_SESSION_HANDLE s);
CK_SESSION_HANDLE session_new(void);

/* How many there are, and the first; the one there must be. */
CK_ULONG find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS *class, CK_ATTRIBUTE_TYPE by, const void *value,
		size_t len, CK_OBJECT_HANDLE *found);
CK_OBJECT_HANDLE peer(CK_SESSION_HANDLE s, const char *name);
CK_OBJECT_HANDLE ec_key(CK_SESSION_HANDLE s, const char *id);

CK_DSKE_DERIVE_PARAMS context(const char *text);
CK_RV derive(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE base, CK_DSKE_DERIVE_PARAMS *p, CK_ATTRIBUTE *templ,
		CK_ULONG n, CK_OBJECT_HANDLE *key);
CK_RV derive_ec(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE base, const void *point, size_t len,
		CK_ATTRIBUTE *templ, CK_ULONG n, CK_OBJECT_HANDLE *key);
CK_ULONG read_attr(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, void *out, CK_ULONG room);

#endif
