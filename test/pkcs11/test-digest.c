/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of the token beside libcrypto's own; and states that the host keeps for a while. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "test/pkcs11/token-fixture.h"

static const struct row {
	CK_MECHANISM_TYPE mech;
	const char *name;
	CK_ULONG len;
} rows[] = {
	{CKM_SHA_1, "SHA1", 20},	   {CKM_SHA224, "SHA224", 28},	       {CKM_SHA256, "SHA256", 32},
	{CKM_SHA384, "SHA384", 48},	   {CKM_SHA512, "SHA512", 64},	       {CKM_SHA512_224, "SHA512-224", 28},
	{CKM_SHA512_256, "SHA512-256", 32}, {CKM_SHA3_224, "SHA3-224", 28},    {CKM_SHA3_256, "SHA3-256", 32},
	{CKM_SHA3_384, "SHA3-384", 48},	   {CKM_SHA3_512, "SHA3-512", 64},
};
#define ROWS (sizeof rows / sizeof rows[0])
#define HELD_MAX 65536ul
#define STATE_OUTER 29ul /* nonce, the hash, tag */

static unsigned char data[HELD_MAX + 1000];

static void fill(void)
{
	unsigned v = 1;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)((v = v * 1103515245u + 12345u) >> 16);
}

static void check(const struct row *r, const unsigned char *digest, size_t len)
{
	unsigned char wanted[64];
	unsigned n = 0;

	assert_int_equal(EVP_Digest(data, len, wanted, &n, EVP_get_digestbyname(r->name), NULL), 1);
	assert_int_equal(n, r->len);
	assert_memory_equal(digest, wanted, n);
}

static void as_libcrypto_has_them(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char out[64];

	(void)state;
	fill();
	for (size_t i = 0; i < ROWS; i++) {
		CK_MECHANISM mech = {rows[i].mech, NULL, 0};
		for (size_t len = 0; len <= sizeof data; len += len < 300 ? 1 : 7919) {
			CK_ULONG n = sizeof out;
			IS(p11->C_DigestInit(s, &mech), CKR_OK);
			if (len % 2 == 0) {
				IS(p11->C_Digest(s, data, len, out, &n), CKR_OK);
			} else {
				IS(p11->C_DigestUpdate(s, data, len / 3), CKR_OK);
				IS(p11->C_DigestUpdate(s, data + len / 3, len - len / 3), CKR_OK);
				IS(p11->C_DigestFinal(s, out, &n), CKR_OK);
			}
			assert_int_equal(n, rows[i].len);
			check(&rows[i], out, len);
		}
	}
}

static void refused(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_MECHANISM mech = {CKM_SHA256, data, 1}, hmac = {CKM_SHA256_HMAC, NULL, 0}, none = {CKM_MD5, NULL, 0};
	unsigned char out[64];
	CK_ULONG n = sizeof out;

	(void)state;
	IS(p11->C_DigestInit(s, &mech), CKR_MECHANISM_PARAM_INVALID);
	mech = (CK_MECHANISM){CKM_SHA256, NULL, 5};
	IS(p11->C_DigestInit(s, &mech), CKR_MECHANISM_PARAM_INVALID);
	IS(p11->C_DigestInit(s, &hmac), CKR_MECHANISM_INVALID);
	IS(p11->C_DigestInit(s, &none), CKR_MECHANISM_INVALID);
	mech.ulParameterLen = 0;
	IS(p11->C_DigestInit(s, &mech), CKR_OK);
	IS(p11->C_DigestUpdate(s, NULL, 1), CKR_ARGUMENTS_BAD);
	IS(p11->C_DigestUpdate(s, data, 1), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_DigestInit(s, &mech), CKR_OK);
	IS(p11->C_Digest(s, data, 1, out, NULL), CKR_ARGUMENTS_BAD);
	IS(p11->C_DigestInit(s, &mech), CKR_OK);
	IS(p11->C_DigestUpdate(s, data, 1), CKR_OK);
	IS(p11->C_Digest(s, data, 1, out, &n), CKR_OPERATION_ACTIVE);
	IS(p11->C_DigestInit(s, &mech), CKR_OK);
	IS(p11->C_DigestInit(s, NULL), CKR_OK); /* given up */
	IS(p11->C_DigestFinal(s, out, &n), CKR_OPERATION_NOT_INITIALIZED);
	/* The peer's object is no key. */
	IS(p11->C_DigestInit(s, &mech), CKR_OK);
	IS(p11->C_DigestKey(s, peer(s, "bob")), CKR_KEY_INDIGESTIBLE);
}

/* Begins a digest of len bytes and gives its state, which the caller frees. */
static unsigned char *save(CK_SESSION_HANDLE s, const struct row *r, size_t len, CK_ULONG *n)
{
	CK_MECHANISM mech = {r->mech, NULL, 0};

	IS(p11->C_DigestInit(s, &mech), CKR_OK);
	IS(p11->C_DigestUpdate(s, data, len / 2), CKR_OK);
	IS(p11->C_DigestUpdate(s, data + len / 2, len - len / 2), CKR_OK);
	IS(p11->C_GetOperationState(s, NULL, n), CKR_OK);
	assert_int_equal(*n, len + STATE_OUTER);
	unsigned char *state = malloc(*n);
	assert_non_null(state);
	(*n)--;
	IS(p11->C_GetOperationState(s, state, n), CKR_BUFFER_TOO_SMALL);
	IS(p11->C_GetOperationState(s, state, n), CKR_OK);
	return state;
}

static void states_come_back(void **state)
{
	CK_SESSION_HANDLE s = session_new(), t = session_new();
	unsigned char out[64];

	(void)state;
	fill();
	for (size_t i = 0; i < ROWS; i++) {
		for (size_t len = 0; len <= HELD_MAX; len += len < 3 ? 1 : HELD_MAX - 3) {
			CK_ULONG n, out_len = sizeof out;
			unsigned char *saved = save(s, &rows[i], len, &n);
			/* It shows nothing of what was digested. */
			assert_true(len < 16 || memmem(saved, n, data, 16) == NULL);
			IS(p11->C_SetOperationState(t, saved, n, 0, 0), CKR_OK);
			IS(p11->C_DigestUpdate(t, data + len, 500), CKR_OK);
			IS(p11->C_DigestFinal(t, out, &out_len), CKR_OK);
			check(&rows[i], out, len + 500);
			/* Once more, in place of what the session does; the first goes on meanwhile. */
			IS(p11->C_DigestUpdate(s, data, 9), CKR_OK);
			IS(p11->C_SetOperationState(s, saved, n, 0, 0), CKR_OK);
			IS(p11->C_DigestFinal(s, out, &out_len), CKR_OK);
			check(&rows[i], out, len);
			free(saved);
		}
	}
}

static void states_are_not_made_by_hosts(void **state)
{
	CK_SESSION_HANDLE s = session_new(), t = session_new();
	unsigned char out[64];
	CK_ULONG n, out_len = sizeof out;

	(void)state;
	fill();
	unsigned char *saved = save(s, &rows[2], 40, &n);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		saved[bit / 8] ^= (unsigned char)(1 << bit % 8);
		IS(p11->C_SetOperationState(t, saved, n, 0, 0), CKR_SAVED_STATE_INVALID);
		saved[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
	for (CK_ULONG len = 0; len < n; len++)
		IS(p11->C_SetOperationState(t, saved, len, 0, 0), CKR_SAVED_STATE_INVALID);
	IS(p11->C_SetOperationState(t, saved, (CK_ULONG)-1, 0, 0), CKR_SAVED_STATE_INVALID);
	IS(p11->C_SetOperationState(t, NULL, n, 0, 0), CKR_ARGUMENTS_BAD);
	IS(p11->C_SetOperationState(t, saved, n, 1, 0), CKR_KEY_NOT_NEEDED);
	IS(p11->C_SetOperationState(t, saved, n, 0, 1), CKR_KEY_NOT_NEEDED);
	IS(p11->C_DigestFinal(t, out, &out_len), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_SetOperationState(t, saved, n, 0, 0), CKR_OK);

	/* It ends with C_Finalize. */
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	t = session_new();
	IS(p11->C_SetOperationState(t, saved, n, 0, 0), CKR_SAVED_STATE_INVALID);
	free(saved);
}

static void states_that_cannot_be(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_MECHANISM mech = {CKM_SHA256, NULL, 0}, hmac = {CKM_SHA256_HMAC, NULL, 0};
	unsigned char saved[512], out[64];
	CK_ULONG n = sizeof saved, out_len = sizeof out;
	CK_OBJECT_HANDLE key;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				{CKA_KEY_TYPE, &(CK_KEY_TYPE){CKK_GENERIC_SECRET}, sizeof(CK_KEY_TYPE)},
				{CKA_VALUE, data, 32},
				{CKA_SIGN, &yes, 1}};

	(void)state;
	fill();
	IS(p11->C_CreateObject(s, templ, 4, &key), CKR_OK);
	IS(p11->C_GetOperationState(s, saved, &n), CKR_OPERATION_NOT_INITIALIZED);
	IS(p11->C_GetOperationState(s, saved, NULL), CKR_ARGUMENTS_BAD);
	/* More than is held. */
	IS(p11->C_DigestInit(s, &mech), CKR_OK);
	IS(p11->C_DigestUpdate(s, data, HELD_MAX), CKR_OK);
	n = 0;
	IS(p11->C_GetOperationState(s, NULL, &n), CKR_OK);
	IS(p11->C_DigestUpdate(s, data + HELD_MAX, 1), CKR_OK);
	IS(p11->C_GetOperationState(s, NULL, &n), CKR_STATE_UNSAVEABLE);
	IS(p11->C_DigestFinal(s, out, &out_len), CKR_OK);
	check(&rows[2], out, HELD_MAX + 1);
	/* A key is in it: also after further parts. */
	IS(p11->C_DigestInit(s, &mech), CKR_OK);
	IS(p11->C_DigestKey(s, key), CKR_OK);
	IS(p11->C_DigestUpdate(s, data + 32, 1), CKR_OK);
	n = sizeof saved;
	IS(p11->C_GetOperationState(s, saved, &n), CKR_STATE_UNSAVEABLE);
	IS(p11->C_DigestFinal(s, out, &out_len), CKR_OK);
	check(&rows[2], out, 33);
	/* What works with a key. */
	IS(p11->C_SignInit(s, &hmac, key), CKR_OK);
	IS(p11->C_GetOperationState(s, saved, &n), CKR_STATE_UNSAVEABLE);
	IS(p11->C_DigestInit(s, &mech), CKR_OK);
	IS(p11->C_GetOperationState(s, saved, &n), CKR_STATE_UNSAVEABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(as_libcrypto_has_them),	    TEST(refused), TEST(states_come_back),
		TEST(states_are_not_made_by_hosts), TEST(states_that_cannot_be),
	};

	return cmocka_run_group_tests_name("digests", tests, NULL, NULL);
}
