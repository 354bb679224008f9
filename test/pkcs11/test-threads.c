/* SPDX-License-Identifier: Apache-2.0 */
/* What a host says of its threads to C_Initialize (PKCS#11 3.0, 5.4.1), and threads under each form of it. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/pkcs11/token-fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define THREADS 8
#define ROUNDS 60

/* ---- the host's own locks ----------------------------------------------------------------------------------------- */

static atomic_uint called; /* of the host's functions */

static CK_RV mutex_create(void **m)
{
	*m = NULL;
	called++;
	return CKR_OK;
}

static CK_RV mutex_do(void *m)
{
	(void)m;
	called++;
	return CKR_OK;
}

#define OURS .CreateMutex = mutex_create, .DestroyMutex = mutex_do, .LockMutex = mutex_do, .UnlockMutex = mutex_do

static CK_C_INITIALIZE_ARGS none, os = {.flags = CKF_OS_LOCKING_OK}, both = {OURS, .flags = CKF_OS_LOCKING_OK},
			    no_threads = {.flags = CKF_LIBRARY_CANT_CREATE_OS_THREADS | CKF_OS_LOCKING_OK},
			    unknown = {.flags = CKF_OS_LOCKING_OK | 0x100}, functions = {OURS},
			    reserved = {.flags = CKF_OS_LOCKING_OK, .pReserved = &none};

static void what_is_refused(void **state)
{
	static const CK_C_INITIALIZE_ARGS all = {OURS};

	(void)state;
	IS(p11->C_Finalize(NULL), CKR_OK);
	/* "exactly one, two or three of the four": with the system's locks allowed or not. */
	for (unsigned which = 1; which < 15; which++) {
		for (CK_FLAGS flags = 0; flags <= CKF_OS_LOCKING_OK; flags += CKF_OS_LOCKING_OK) {
			CK_C_INITIALIZE_ARGS some = {
				.CreateMutex = (which & 1) != 0 ? all.CreateMutex : NULL,
				.DestroyMutex = (which & 2) != 0 ? all.DestroyMutex : NULL,
				.LockMutex = (which & 4) != 0 ? all.LockMutex : NULL,
				.UnlockMutex = (which & 8) != 0 ? all.UnlockMutex : NULL,
				.flags = flags,
			};
			IS(p11->C_Initialize(&some), CKR_ARGUMENTS_BAD);
		}
	}
	IS(p11->C_Initialize(&reserved), CKR_ARGUMENTS_BAD);
	/* The host's locks alone: "the library needs to use" them, and this one uses the system's. */
	IS(p11->C_Initialize(&functions), CKR_CANT_LOCK);
	/* None of it left anything behind. */
	CK_INFO info;
	IS(p11->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
	IS(called, 0);
	IS(p11->C_Initialize(&os), CKR_OK);
}

/* ---- threads --------------------------------------------------------------------------------------------------------- */

static CK_OBJECT_HANDLE shared_key;

static CK_OBJECT_HANDLE make_key(CK_SESSION_HANDLE s, CK_KEY_TYPE type, unsigned char fill, CK_BBOOL *token)
{
	unsigned char value[32];
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, value, sizeof value},                {CKA_TOKEN, token, sizeof *token},
		{CKA_PRIVATE, &no, sizeof no},                   {CKA_SIGN, &yes, sizeof yes},
		{CKA_ENCRYPT, &yes, sizeof yes},                 {CKA_DECRYPT, &yes, sizeof yes},
	};

	memset(value, fill, sizeof value);
	return p11->C_CreateObject(s, templ, sizeof templ / sizeof templ[0], &key) == CKR_OK ? key : 0;
}

static bool mac(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned char out[32])
{
	CK_MECHANISM m = {CKM_SHA256_HMAC, NULL, 0};
	CK_ULONG n = 32;

	return p11->C_SignInit(s, &m, key) == CKR_OK && p11->C_Sign(s, (CK_BYTE *)"message", 7, out, &n) == CKR_OK;
}

static bool there_and_back(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned char fill)
{
	unsigned char iv[16] = {0}, plain[48], sealed[64], out[64];
	CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof iv};
	CK_ULONG n = sizeof sealed, m = sizeof out;

	memset(plain, fill, sizeof plain);
	return p11->C_EncryptInit(s, &cbc, key) == CKR_OK && p11->C_Encrypt(s, plain, sizeof plain, sealed, &n) == CKR_OK &&
	       p11->C_DecryptInit(s, &cbc, key) == CKR_OK && p11->C_Decrypt(s, sealed, n, out, &m) == CKR_OK &&
	       m == sizeof plain && memcmp(out, plain, m) == 0;
}

static bool finds(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE wanted)
{
	CK_OBJECT_HANDLE list[200];
	CK_ULONG n = 0;

	if (p11->C_FindObjectsInit(s, NULL, 0) != CKR_OK || p11->C_FindObjects(s, list, 200, &n) != CKR_OK ||
	    p11->C_FindObjectsFinal(s) != CKR_OK)
		return false;
	for (CK_ULONG i = 0; i < n; i++) {
		if (list[i] == wanted)
			return true;
	}
	return false;
}

static bool round_of(unsigned char fill, const unsigned char wanted[32], bool stores)
{
	CK_SESSION_HANDLE s;
	unsigned char out[32];

	if (p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) != CKR_OK)
		return false;
	CK_OBJECT_HANDLE key = make_key(s, CKK_AES, fill, stores ? &yes : &no);
	bool right = key != 0 && there_and_back(s, key, fill) && finds(s, key) && mac(s, shared_key, out) &&
		     memcmp(out, wanted, sizeof out) == 0;
	if (stores)
		right = right && p11->C_DestroyObject(s, key) == CKR_OK;
	return p11->C_CloseSession(s) == CKR_OK && right;
}

struct worker {
	pthread_t thread;
	unsigned char fill;
	const unsigned char *wanted;
	unsigned wrong;
};

static void *work(void *context)
{
	struct worker *w = context;

	for (unsigned i = 0; i < ROUNDS; i++)
		w->wrong += !round_of(w->fill, w->wanted, i % 10 == 0);
	return NULL;
}

static unsigned threads(void)
{
	DIR *d = opendir("/proc/self/task");
	unsigned n = 0;

	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* One waits for slot events as long as the others work: until C_Finalize. */
static void *wait_for_event(void *rv)
{
	CK_SLOT_ID slot;

	*(CK_RV *)rv = p11->C_WaitForSlotEvent(0, &slot, NULL);
	return NULL;
}

static void hammer(CK_C_INITIALIZE_ARGS *args)
{
	struct worker w[THREADS];
	unsigned char wanted[32];
	CK_RV waited = CKR_OK;
	pthread_t waiter;

	IS(p11->C_Initialize(args), CKR_OK);
	IS(p11->C_Initialize(args), CKR_CRYPTOKI_ALREADY_INITIALIZED);
	unsigned before = threads();
	CK_SESSION_HANDLE s = session_new();
	login(s);
	shared_key = make_key(s, CKK_GENERIC_SECRET, 0xaa, &no);
	assert_true(mac(s, shared_key, wanted));
	assert_int_equal(pthread_create(&waiter, NULL, wait_for_event, &waited), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){.fill = (unsigned char)(i + 1), .wanted = wanted};
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
#ifdef __SANITIZE_THREAD__
	before++; /* its own */
#endif
	assert_true(threads() <= before + THREADS + 1); /* the module makes none, whatever it was told */
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		assert_int_equal(w[i].wrong, 0);
	}
	IS(p11->C_Finalize(NULL), CKR_OK);
	assert_int_equal(pthread_join(waiter, NULL), 0);
	IS(waited, CKR_CRYPTOKI_NOT_INITIALIZED);
	IS(called, 0);
}

static void every_form(void **state)
{
	CK_C_INITIALIZE_ARGS *forms[] = {NULL, &none, &os, &both, &no_threads, &unknown};

	(void)state;
	IS(p11->C_Finalize(NULL), CKR_OK);
	make_token();
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		hammer(forms[i]);
	IS(p11->C_Initialize(NULL), CKR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(what_is_refused), TEST(every_form)};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
