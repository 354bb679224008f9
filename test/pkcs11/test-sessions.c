/* SPDX-License-Identifier: Apache-2.0 */
/* Ten thousand sessions of one process, each in the midst of something; and ten thousand keys. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/pkcs11/token-fixture.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MANY 10000u

static CK_SESSION_HANDLE session[4 * MANY];
static CK_OBJECT_HANDLE own[MANY]; /* an object of each tenth session */

static CK_SESSION_HANDLE open_one(bool rw)
{
	CK_SESSION_HANDLE s = 0;

	IS(p11->C_OpenSession(0, CKF_SERIAL_SESSION | (rw ? CKF_RW_SESSION : 0), NULL, NULL, &s), CKR_OK);
	return s;
}

static void open_many(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		session[i] = open_one(i % 2 == 0);
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static CK_OBJECT_HANDLE key_in(CK_SESSION_HANDLE s, CK_KEY_TYPE type)
{
	unsigned char value[32] = {7};
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
				{CKA_VALUE, value, sizeof value},                {CKA_PRIVATE, &no, sizeof no},
				{CKA_ENCRYPT, &yes, sizeof yes},                 {CKA_SIGN, &yes, sizeof yes}};

	IS(p11->C_CreateObject(s, templ, 6, &key), CKR_OK);
	return key;
}

static void assert_counts(CK_ULONG all, CK_ULONG rw)
{
	CK_TOKEN_INFO info;

	IS(p11->C_GetTokenInfo(0, &info), CKR_OK);
	IS(info.ulSessionCount, all);
	IS(info.ulRwSessionCount, rw);
	IS(info.ulMaxSessionCount, CK_EFFECTIVELY_INFINITE);
	IS(info.ulMaxRwSessionCount, CK_EFFECTIVELY_INFINITE);
}

/* ---- each is in the midst of something -------------------------------------------------------------------------- */

enum { DIGESTS, ENCRYPTS, SIGNS, FINDS, KINDS };

static unsigned char first_half[16] = "the first half, ", second_half[16] = "and the second. ";
static CK_OBJECT_HANDLE cipher_key, mac_key;

static void begin(CK_SESSION_HANDLE s, size_t kind)
{
	CK_MECHANISM sha = {CKM_SHA256, NULL, 0}, ecb = {CKM_AES_ECB, NULL, 0}, hmac = {CKM_SHA256_HMAC, NULL, 0};
	unsigned char out[64];
	CK_ULONG n = sizeof out;

	switch (kind) {
	case DIGESTS:
		IS(p11->C_DigestInit(s, &sha), CKR_OK);
		IS(p11->C_DigestUpdate(s, first_half, sizeof first_half), CKR_OK);
		return;
	case ENCRYPTS:
		IS(p11->C_EncryptInit(s, &ecb, cipher_key), CKR_OK);
		IS(p11->C_EncryptUpdate(s, first_half, sizeof first_half, out, &n), CKR_OK);
		return;
	case SIGNS:
		IS(p11->C_SignInit(s, &hmac, mac_key), CKR_OK);
		IS(p11->C_SignUpdate(s, first_half, sizeof first_half), CKR_OK);
		return;
	default:
		IS(p11->C_FindObjectsInit(s, NULL, 0), CKR_OK);
	}
}

static CK_ULONG end(CK_SESSION_HANDLE s, size_t kind, unsigned char out[64])
{
	CK_OBJECT_HANDLE found;
	CK_ULONG n = 64;

	switch (kind) {
	case DIGESTS:
		IS(p11->C_DigestUpdate(s, second_half, sizeof second_half), CKR_OK);
		IS(p11->C_DigestFinal(s, out, &n), CKR_OK);
		return n;
	case ENCRYPTS:
		IS(p11->C_EncryptUpdate(s, second_half, sizeof second_half, out, &n), CKR_OK);
		return n;
	case SIGNS:
		IS(p11->C_SignUpdate(s, second_half, sizeof second_half), CKR_OK);
		IS(p11->C_SignFinal(s, out, &n), CKR_OK);
		return n;
	default:
		IS(p11->C_FindObjects(s, &found, 1, &n), CKR_OK);
		IS(p11->C_FindObjectsFinal(s), CKR_OK);
		IS(n, 1);
		return 0;
	}
}

static void each_goes_on(void **state)
{
	unsigned char wanted[KINDS][64], out[64];
	CK_ULONG len[KINDS];

	(void)state;
	CK_SESSION_HANDLE holder = open_one(true);
	cipher_key = key_in(holder, CKK_AES);
	mac_key = key_in(holder, CKK_GENERIC_SECRET);
	for (size_t kind = 0; kind < KINDS; kind++) {
		CK_SESSION_HANDLE alone = open_one(false);
		begin(alone, kind);
		len[kind] = end(alone, kind, wanted[kind]);
		IS(p11->C_CloseSession(alone), CKR_OK);
	}
	open_many(0, MANY);
	for (size_t i = 0; i < MANY; i++)
		begin(session[i], i % KINDS);
	assert_counts(MANY + 1, MANY / 2 + 1);
	for (size_t i = MANY; i-- > 0;) {
		IS(end(session[i], i % KINDS, out), len[i % KINDS]);
		assert_memory_equal(out, wanted[i % KINDS], len[i % KINDS]);
	}
	/* A session's objects go with it, and no others. */
	for (size_t i = 0; i < MANY; i += 10)
		own[i] = key_in(session[i], CKK_AES);
	for (size_t i = 0; i < MANY; i += 20)
		IS(p11->C_CloseSession(session[i]), CKR_OK);
	for (size_t i = 0; i < MANY; i += 10) {
		CK_ULONG size;
		IS(p11->C_GetObjectSize(holder, own[i], &size), i % 20 == 0 ? CKR_OBJECT_HANDLE_INVALID : CKR_OK);
	}
	assert_counts(MANY + 1 - MANY / 20, MANY / 2 + 1 - MANY / 20);
}

/* All are closed in the midst of something; no handle is valid, none comes again, and the memory is given back. */
static void all_end_at_once(void **state)
{
	(void)state;
	CK_SESSION_HANDLE holder = open_one(true);
	cipher_key = key_in(holder, CKK_AES);
	mac_key = key_in(holder, CKK_GENERIC_SECRET);
	size_t before = mallinfo2().uordblks;
	open_many(0, MANY);
	size_t idle = mallinfo2().uordblks - before;
	for (size_t i = 0; i < MANY; i++)
		begin(session[i], i % KINDS);
	size_t busy = mallinfo2().uordblks - before;
	printf("a session takes %zu bytes, in the midst of something %zu on average\n", idle / MANY, busy / MANY);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(idle > 0 && idle / MANY < 4096 && busy / MANY < 8192);
#endif
	IS(p11->C_CloseAllSessions(0), CKR_OK);
	assert_counts(0, 0);
	for (size_t i = 0; i < MANY; i++)
		IS(p11->C_CloseSession(session[i]), CKR_SESSION_HANDLE_INVALID);
#if !defined(__SANITIZE_THREAD__) /* whose allocator tells nothing */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* whose allocators do not say */
	assert_true(mallinfo2().uordblks < before + idle / 4);
#endif
#endif
	assert_true(open_one(false) > session[MANY - 1]);
}

/* Of a module that was finalized neither. */
static void handles_of_another_time(void **state)
{
	CK_SESSION_INFO info;

	(void)state;
	CK_SESSION_HANDLE s = open_one(true);
	CK_OBJECT_HANDLE key = key_in(s, CKK_AES);
	for (int i = 0; i < 3; i++) {
		IS(p11->C_Finalize(NULL), CKR_OK);
		IS(p11->C_Initialize(NULL), CKR_OK);
		CK_SESSION_HANDLE fresh = open_one(true);
		assert_true(fresh > s);
		CK_OBJECT_HANDLE made = key_in(fresh, CKK_AES);
		assert_true(made > key);
		IS(p11->C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID);
		IS(p11->C_DestroyObject(fresh, key), CKR_OBJECT_HANDLE_INVALID);
		s = fresh;
		key = made;
	}
}

/* ---- what their number costs ------------------------------------------------------------------------------------- */

/* The least of a few: other processes disturb. */
static double look_up_s(size_t among)
{
	CK_SESSION_INFO info;
	double least = 1e9;

	for (int round = 0; round < 5; round++) {
		double from = cpu_s();
		for (size_t i = 0; i < 20000; i++)
			IS(p11->C_GetSessionInfo(session[i * 7919 % among], &info), CKR_OK);
		double took = cpu_s() - from;
		least = took < least ? took : least;
	}
	return least;
}

static double close_all_s(size_t count)
{
	open_many(0, count);
	for (size_t i = 0; i < count; i += 4)
		key_in(session[i], CKK_AES);
	double from = cpu_s();
	IS(p11->C_CloseAllSessions(0), CKR_OK);
	return cpu_s() - from;
}

/* Sixteen times as many take sixteen times as long to close, and where each looks at all others 256 times, or, since they
 * do not fit into a cache, 1,200 times.  The machine may be busy. */
static void number_costs_nothing(void **state)
{
	(void)state;
	open_many(0, 4 * MANY);
	double few = look_up_s(16), many = look_up_s(4 * MANY);
	IS(p11->C_CloseAllSessions(0), CKR_OK);
	double close_few = close_all_s(MANY / 4), close_many = close_all_s(4 * MANY);
	printf("20,000 look-ups: %.1f ms among 16 of %u sessions, %.1f ms among all; closing %u: %.1f ms, %u: %.1f ms\n",
	       1e3 * few, 4 * MANY, 1e3 * many, MANY / 4, 1e3 * close_few, 4 * MANY, 1e3 * close_many);
	assert_true(many < 50 * few);
	assert_true(close_many < 250 * close_few);
}

static CK_OBJECT_HANDLE labelled(CK_SESSION_HANDLE s, unsigned number)
{
	unsigned char value[16] = {3};
	char label[16];
	CK_OBJECT_HANDLE key = 0;
	int len = snprintf(label, sizeof label, "key %u", number);
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},
				{CKA_VALUE, value, sizeof value}, {CKA_LABEL, label, (CK_ULONG)len}};

	IS(p11->C_CreateObject(s, templ, 4, &key), CKR_OK);
	return key;
}

static double find_s(CK_SESSION_HANDLE s, unsigned among)
{
	char label[16];
	CK_OBJECT_HANDLE found;
	double least = 1e9;

	for (int round = 0; round < 5; round++) {
		double from = cpu_s();
		for (unsigned i = 0; i < 500; i++) {
			unsigned number = i * 7919 % among;
			int len = snprintf(label, sizeof label, "key %u", number);
			IS(find(s, &secret_class, CKA_LABEL, label, (size_t)len, &found), 1);
			IS(found, own[number]);
		}
		double took = cpu_s() - from;
		least = took < least ? took : least;
	}
	return least;
}

/* A hundred times as many keys, each found by its label: where all are looked at it takes a hundred times as long. */
static void keys_are_found(void **state)
{
	(void)state;
	CK_SESSION_HANDLE s = open_one(true);
	for (unsigned i = 0; i < MANY / 100; i++)
		own[i] = labelled(s, i);
	double few = find_s(s, MANY / 100);
	for (unsigned i = MANY / 100; i < MANY; i++)
		own[i] = labelled(s, i);
	double many = find_s(s, MANY);
	printf("500 searches by label: %.1f ms among %u keys, %.1f ms among %u\n", 1e3 * few, MANY / 100, 1e3 * many, MANY);
	assert_true(many < 25 * few);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_goes_on),
		TEST(all_end_at_once),
		TEST(handles_of_another_time),
		TEST(number_costs_nothing),
		TEST(keys_are_found),
	};

	return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
