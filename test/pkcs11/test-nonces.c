/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces that the token makes: none comes twice with one key, whichever session, copy or process of messages asks. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkcs11/entry.h"
#include "pkcs11/nonce.h"
#include "test/pkcs11/token-fixture.h"

static CK_FUNCTION_LIST_3_0 *p11_3;
static CK_MECHANISM gcm = {CKM_AES_GCM, NULL, 0};
static CK_BBOOL on = CK_TRUE;

static int begin(void **state)
{
	CK_VERSION version = {3, 0};
	CK_INTERFACE *i;

	if (setup(state) != 0 || p11 == NULL)
		return -1;
	if (entry_interface((CK_UTF8CHAR *)"PKCS 11", &version, &i, 0) != CKR_OK)
		return -1;
	p11_3 = i->pFunctionList;
	return 0;
}

static CK_OBJECT_HANDLE key_of(CK_SESSION_HANDLE s, unsigned char first, CK_BBOOL token)
{
	unsigned char value[32] = {first};
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},
		{CKA_VALUE, value, sizeof value}, {CKA_ENCRYPT, &on, 1}, {CKA_WRAP, &on, 1}, {CKA_UNWRAP, &on, 1},
		{CKA_DERIVE, &on, 1}, {CKA_EXTRACTABLE, &on, 1}, {CKA_TOKEN, &token, 1}};

	IS(p11->C_CreateObject(s, templ, 9, &key), CKR_OK);
	return key;
}

/* A message of one byte, in a process of its own or one that is open; its IV begins with "FIXD" where bits are fixed. */
static CK_RV next(CK_SESSION_HANDLE s, CK_GENERATOR_FUNCTION how, CK_ULONG fixed, unsigned char iv[12])
{
	unsigned char tag[16], out[1];
	CK_GCM_MESSAGE_PARAMS p = {iv, 12, fixed, how, tag, 128};
	CK_ULONG n = sizeof out;

	memcpy(iv, "FIXD", 4);
	memset(iv + 4, 0, 8);
	return p11_3->C_EncryptMessage(s, &p, sizeof p, NULL, 0, (CK_BYTE *)"m", 1, out, &n);
}

static CK_RV only(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_GENERATOR_FUNCTION how, CK_ULONG fixed, unsigned char iv[12])
{
	IS(p11_3->C_MessageEncryptInit(s, &gcm, key), CKR_OK);
	CK_RV rv = next(s, how, fixed, iv);
	IS(p11_3->C_MessageEncryptFinal(s), CKR_OK);
	return rv;
}

static void number_is(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned char number)
{
	unsigned char iv[12], want[12] = "FIXD";

	want[11] = number;
	IS(only(s, key, CKG_GENERATE_COUNTER, 32, iv), CKR_OK);
	assert_memory_equal(iv, want, sizeof want);
}

/* Two sessions in turn, processes of messages that begin anew, and the calls that wrap: one counter. */
static void sessions_count_together(void **state)
{
	CK_SESSION_HANDLE a = session_new(), b = session_new();
	CK_OBJECT_HANDLE key = key_of(a, 1, CK_FALSE), other = key_of(b, 2, CK_FALSE);
	unsigned char iv[12] = "FIXD", out[64];
	CK_GCM_WRAP_PARAMS p = {iv, 12, 32, CKG_GENERATE_COUNTER, NULL, 0, 128};
	CK_MECHANISM wrap = {CKM_AES_GCM, &p, sizeof p};
	CK_ULONG n = sizeof out;

	(void)state;
	number_is(a, key, 0);
	number_is(a, key, 1);
	number_is(b, key, 2);
	IS(p11_3->C_MessageEncryptInit(a, &gcm, key), CKR_OK);
	IS(next(a, CKG_GENERATE_COUNTER, 32, iv), CKR_OK);
	number_is(b, key, 4);
	IS(next(a, CKG_GENERATE_COUNTER, 32, iv), CKR_OK);
	assert_int_equal(iv[11], 5);
	IS(p11->C_WrapKey(b, &wrap, key, other, out, &n), CKR_OK);
	assert_int_equal(iv[11], 6);
	IS(next(a, CKG_GENERATE_COUNTER, 32, iv), CKR_OK);
	assert_int_equal(iv[11], 7);
	number_is(b, other, 0);
	/* Another form would come to the same nonces: 24 fixed bits, and a number that has 'D' on top. */
	IS(next(a, CKG_GENERATE_COUNTER, 24, iv), CKR_MECHANISM_PARAM_INVALID);
	IS(next(a, CKG_GENERATE_COUNTER_XOR, 32, iv), CKR_MECHANISM_PARAM_INVALID);
}

/* A key is its value: copies, what is made again after the first is gone, what comes unwrapped, what is derived. */
static void values_count_together(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key = key_of(s, 1, CK_FALSE), with = key_of(s, 2, CK_FALSE), again;
	unsigned char wrapped[64];
	CK_KEY_DERIVATION_STRING_DATA nothing = {NULL, 0};
	CK_MECHANISM kw = {CKM_AES_KEY_WRAP, NULL, 0};
	CK_MECHANISM join = {CKM_CONCATENATE_BASE_AND_DATA, &nothing, sizeof nothing};
	CK_ULONG n = sizeof wrapped, len = 32;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},
		{CKA_ENCRYPT, &on, 1}, {CKA_VALUE_LEN, &len, sizeof len}};

	(void)state;
	number_is(s, key, 0);
	IS(p11->C_CopyObject(s, key, NULL, 0, &again), CKR_OK);
	number_is(s, again, 1);
	IS(p11->C_WrapKey(s, &kw, with, key, wrapped, &n), CKR_OK);
	IS(p11->C_UnwrapKey(s, &kw, with, wrapped, n, templ, 3, &again), CKR_OK);
	number_is(s, again, 2);
	IS(p11->C_DeriveKey(s, &join, key, templ, 4, &again), CKR_OK);
	number_is(s, again, 3);
	number_is(s, key, 4);
	IS(p11->C_CloseSession(s), CKR_OK);
	s = session_new();
	number_is(s, key_of(s, 1, CK_FALSE), 5);
	for (unsigned i = 0; i < 200; i++) /* others come and go */
		IS(p11->C_DestroyObject(s, key_of(s, (unsigned char)(3 + i), CK_FALSE)), CKR_OK);
	number_is(s, key_of(s, 1, CK_FALSE), 6);
}

/* A process of messages cannot be saved, and so not be gone on with twice. */
static void not_saved(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	unsigned char iv[12], saved[256];
	CK_ULONG n = sizeof saved;

	(void)state;
	IS(p11_3->C_MessageEncryptInit(s, &gcm, key_of(s, 1, CK_FALSE)), CKR_OK);
	IS(next(s, CKG_GENERATE_COUNTER, 32, iv), CKR_OK);
	IS(p11->C_GetOperationState(s, saved, &n), CKR_STATE_UNSAVEABLE);
}

/* Of four bits there are sixteen, whoever asks. */
static void ends(void **state)
{
	CK_SESSION_HANDLE a = session_new(), b = session_new();
	CK_OBJECT_HANDLE key = key_of(a, 1, CK_FALSE), copy;
	unsigned char iv[12];

	(void)state;
	IS(p11->C_CopyObject(a, key, NULL, 0, &copy), CKR_OK);
	for (int i = 0; i < 16; i++)
		IS(only(i % 2 ? a : b, i % 3 ? key : copy, CKG_GENERATE_COUNTER, 92, iv), CKR_OK);
	IS(only(a, key, CKG_GENERATE_COUNTER, 92, iv), CKR_DATA_LEN_RANGE);
	IS(only(b, copy, CKG_GENERATE_COUNTER, 92, iv), CKR_DATA_LEN_RANGE);
	IS(only(b, copy, CKG_GENERATE, 0, iv), CKR_OK);
}

/* Threads at once, each with a session of its own, with a key or its copy: as many nonces as there are numbers. */
#define THREADS 4
#define EACH 1500

static CK_OBJECT_HANDLE shared[2];

static void *many(void *seen)
{
	unsigned char iv[12], (*out)[EACH][2] = seen;
	CK_SESSION_HANDLE s;

	if (p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK)
		return NULL;
	for (size_t i = 0; i < EACH; i++) {
		if (p11_3->C_MessageEncryptInit(s, &gcm, shared[i % 2]) != CKR_OK ||
		    next(s, CKG_GENERATE_COUNTER, 32, iv) != CKR_OK || p11_3->C_MessageEncryptFinal(s) != CKR_OK)
			return NULL;
		memcpy((*out)[i], iv + 10, 2);
	}
	return seen;
}

static void threads(void **state)
{
	static unsigned char seen[THREADS][EACH][2];
	static bool there[THREADS * EACH];
	CK_SESSION_HANDLE s = session_new();
	pthread_t thread[THREADS];
	void *done;

	(void)state;
	shared[0] = key_of(s, 1, CK_FALSE);
	IS(p11->C_CopyObject(s, shared[0], NULL, 0, &shared[1]), CKR_OK);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, many, &seen[i]), 0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(thread[i], &done), 0);
		assert_non_null(done);
	}
	for (size_t i = 0; i < (size_t)THREADS * EACH; i++) {
		unsigned number = seen[i / EACH][i % EACH][0] * 256u + seen[i / EACH][i % EACH][1];
		assert_true(number < THREADS * EACH && !there[number]);
		there[number] = true;
	}
}

/* A token object is in every process, and a copy of it may be; an agreed key is at the other end. */
static void keys_of_others(void **state)
{
	CK_SESSION_HANDLE s;
	CK_DSKE_DERIVE_PARAMS p = context("nonces");
	CK_ATTRIBUTE agreed[] = {{CKA_KEY_TYPE, &aes, sizeof aes}, {CKA_ENCRYPT, &on, 1}};
	CK_BBOOL off = CK_FALSE;
	CK_ATTRIBUTE to_session = {CKA_TOKEN, &off, 1}, to_token = {CKA_TOKEN, &on, 1};
	CK_KEY_DERIVATION_STRING_DATA nothing = {NULL, 0};
	CK_MECHANISM join = {CKM_CONCATENATE_BASE_AND_DATA, &nothing, sizeof nothing};
	CK_ULONG len = 32;
	CK_ATTRIBUTE joined[] = {agreed[0], agreed[1], {CKA_VALUE_LEN, &len, sizeof len}};
	CK_OBJECT_HANDLE key[6];
	unsigned char iv[12];

	(void)state;
	make_token();
	s = session_new();
	login(s);
	key[0] = key_of(s, 1, CK_TRUE);
	IS(p11->C_CopyObject(s, key[0], &to_session, 1, &key[1]), CKR_OK);
	IS(p11->C_CopyObject(s, key[1], NULL, 0, &key[2]), CKR_OK);
	IS(p11->C_CopyObject(s, key_of(s, 2, CK_FALSE), &to_token, 1, &key[3]), CKR_OK);
	IS(derive(s, peer(s, "bob"), &p, agreed, 2, &key[4]), CKR_OK);
	IS(p11->C_DeriveKey(s, &join, key[0], joined, 3, &key[5]), CKR_OK);
	for (int i = 0; i < 6; i++) {
		IS(only(s, key[i], CKG_GENERATE_COUNTER, 32, iv), CKR_MECHANISM_PARAM_INVALID);
		IS(only(s, key[i], CKG_GENERATE_COUNTER_XOR, 32, iv), CKR_MECHANISM_PARAM_INVALID);
		IS(only(s, key[i], CKG_GENERATE_RANDOM, 32, iv), CKR_OK);
		IS(only(s, key[i], CKG_GENERATE, 0, iv), CKR_OK);
	}
}

/* In the child: what the parent does is not gone on with, and what the token keeps gives other nonces. */
static int child(CK_SESSION_HANDLE parents, const unsigned char *iv)
{
	unsigned char other[12];
	CK_SESSION_HANDLE s;
	CK_OBJECT_HANDLE key = 0;

	if (next(parents, CKG_GENERATE_COUNTER, 32, other) != CKR_CRYPTOKI_NOT_INITIALIZED ||
	    p11->C_Initialize(NULL) != CKR_OK)
		return 1;
	s = session_new();
	login(s);
	if (find(s, &secret_class, CKA_KEY_TYPE, &aes, sizeof aes, &key) != 1 ||
	    only(s, key, CKG_GENERATE_COUNTER, 32, other) != CKR_MECHANISM_PARAM_INVALID ||
	    only(s, key, CKG_GENERATE, 32, other) != CKR_OK)
		return 2;
	return memcmp(iv, other, sizeof other) != 0 ? 0 : 3;
}

static void processes(void **state)
{
	CK_SESSION_HANDLE s;
	unsigned char iv[12], counted[12];
	int status = -1;

	(void)state;
	make_token();
	s = session_new();
	login(s);
	IS(only(s, key_of(s, 1, CK_TRUE), CKG_GENERATE, 32, iv), CKR_OK);
	IS(p11_3->C_MessageEncryptInit(s, &gcm, key_of(s, 2, CK_FALSE)), CKR_OK);
	IS(next(s, CKG_GENERATE_COUNTER, 32, counted), CKR_OK);
	pid_t pid = fork();
	if (pid == 0)
		_exit(child(s, iv));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	IS(next(s, CKG_GENERATE_COUNTER, 32, counted), CKR_OK);
	assert_int_equal(counted[11], 1);
}

/* ---- what nobody waits for ---------------------------------------------------------------------------------- */

static struct nonce nonce_of(CK_GENERATOR_FUNCTION how, size_t len, CK_ULONG fixed)
{
	static unsigned char at[NONCE_MAX];

	return (struct nonce){at, len, fixed, how};
}

/* Two that are drawn from b bits are the same with a chance of 2^-32 after 2^((b - 32) / 2). */
static void draws_end(void **state)
{
	static const struct {
		size_t len;
		CK_ULONG fixed;
		unsigned power;
	} cases[] = {{12, 0, 32}, {12, 32, 16}, {12, 10, 27}, {16, 0, 48}};
	uint64_t number;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct nonce_made made = {.all = (1ull << cases[i].power) - 1};
		struct nonce n = nonce_of(CKG_GENERATE, cases[i].len, cases[i].fixed);
		IS(nonce_count(&made, &n, &number), CKR_OK);
		IS(nonce_count(&made, &n, &number), CKR_DATA_LEN_RANGE);
		n.how = CKG_GENERATE_RANDOM;
		IS(nonce_count(&made, &n, &number), CKR_DATA_LEN_RANGE);
		/* A counter might come to one that was drawn. */
		n.how = CKG_GENERATE_COUNTER;
		IS(nonce_count(&made, &n, &number), CKR_DATA_LEN_RANGE);
	}
	struct nonce_made none = {0};
	struct nonce few = nonce_of(CKG_GENERATE, 12, 33);
	IS(nonce_count(&none, &few, &number), CKR_MECHANISM_PARAM_INVALID);
	assert_int_equal(none.all, 0);
}

static void counters_end(void **state)
{
	struct nonce_made made = {0};
	struct nonce n = nonce_of(CKG_GENERATE_COUNTER, 12, 64);
	uint64_t number = 0;

	(void)state;
	IS(nonce_count(&made, &n, &number), CKR_OK);
	made.counter.next = UINT32_MAX;
	IS(nonce_count(&made, &n, &number), CKR_OK);
	assert_int_equal(number, UINT32_MAX);
	IS(nonce_count(&made, &n, &number), CKR_DATA_LEN_RANGE);
	made = (struct nonce_made){0};
	n.fixed = 0;
	IS(nonce_count(&made, &n, &number), CKR_OK);
	made.counter.next = UINT64_MAX;
	IS(nonce_count(&made, &n, &number), CKR_DATA_LEN_RANGE);
}

#define NONCES(name) cmocka_unit_test_setup_teardown(name, begin, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NONCES(sessions_count_together),
		NONCES(values_count_together),
		NONCES(not_saved),
		NONCES(ends),
		NONCES(threads),
		NONCES(keys_of_others),
		NONCES(processes),
		cmocka_unit_test(draws_end),
		cmocka_unit_test(counters_end),
	};

	return cmocka_run_group_tests_name("nonces that the token makes", tests, NULL, NULL);
}
