/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that share sessions and keys, while others close these sessions, destroy these keys, log out, and finalize: every
 * answer is one that the standard has for that, and nothing is left behind.  (With CFLAGS=-fsanitize=thread: no data race.) */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "test/pkcs11/token-fixture.h"

#define SESSIONS 6
#define KEYS 12
#define MILLISECONDS 700
#define PATIENCE_MS 30000 /* until enough was done, on a busy machine */

static _Atomic CK_SESSION_HANDLE sessions[SESSIONS];
static _Atomic CK_OBJECT_HANDLE keys[KEYS];
static atomic_bool over;
static atomic_ulong done, odd;

/* What a race is no reason for. */
static CK_RV heard(CK_RV rv)
{
	static const CK_RV never[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_ERROR, CKR_HOST_MEMORY};

	for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
		if (rv == never[i] && odd++ < 5)
			fprintf(stderr, "an answer is 0x%lx\n", rv);
	}
	done += rv == CKR_OK;
	return rv;
}
#define H(call) heard(p11->call)

static unsigned draw(unsigned *seed, unsigned below)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % below;
}

static void key_make(CK_SESSION_HANDLE s, unsigned place, bool token, bool private)
{
	CK_BYTE value[32] = {1};
	CK_BBOOL is_token = token, is_private = private;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &aes, sizeof aes},
				{CKA_VALUE, value, sizeof value},                {CKA_TOKEN, &is_token, 1},
				{CKA_PRIVATE, &is_private, 1},                   {CKA_ENCRYPT, &yes, 1},
				{CKA_SIGN, &yes, 1},                             {CKA_LABEL, "race", 4}};
	CK_OBJECT_HANDLE key;

	if (H(C_CreateObject(s, templ, sizeof templ / sizeof templ[0], &key)) == CKR_OK)
		keys[place] = key;
}

/* ---- what a thread does, over and over -------------------------------------------------------------------------- */

static void encrypts(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned *seed)
{
	CK_BYTE iv[12] = {0}, in[20] = {0}, out[64];
	CK_GCM_PARAMS gcm = {.pIv = iv, .ulIvLen = sizeof iv, .ulIvBits = 96, .ulTagBits = 128};
	CK_MECHANISM mech = {CKM_AES_GCM, &gcm, sizeof gcm};
	CK_ULONG len = sizeof out;

	H(C_EncryptInit(s, &mech, key));
	for (unsigned i = draw(seed, 3); i > 0; i--, len = sizeof out)
		H(C_EncryptUpdate(s, in, sizeof in, out, &len));
	H(C_EncryptFinal(s, out, &len));
}

static void signs(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned *seed)
{
	CK_MECHANISM cmac = {CKM_AES_CMAC, NULL, 0}, sha = {CKM_SHA256, NULL, 0};
	CK_BYTE out[64];
	CK_ULONG len = sizeof out;

	(void)seed;
	H(C_SignInit(s, &cmac, key));
	H(C_Sign(s, out, 20, out, &len));
	len = sizeof out;
	H(C_DigestInit(s, &sha));
	H(C_DigestKey(s, key));
	H(C_DigestFinal(s, out, &len));
}

static void changes(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned *seed)
{
	CK_BYTE label[8] = "race";
	CK_ATTRIBUTE a = {CKA_LABEL, label, 4};
	CK_OBJECT_HANDLE found[8];
	CK_ULONG count = 0;

	H(C_SetAttributeValue(s, key, &a, 1));
	H(C_FindObjectsInit(s, &a, 1));
	H(C_FindObjects(s, found, 8, &count));
	H(C_FindObjectsFinal(s));
	H(C_DestroyObject(s, count > 7 ? found[7] : key));
	key_make(s, draw(seed, KEYS), false, false);
}

static void logs_in(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned *seed)
{
	(void)key;
	H(C_Login(s, CKU_USER, (CK_BYTE *)PIN, strlen(PIN)));
	for (unsigned i = 0; i < 4; i++)
		key_make(s, draw(seed, KEYS), i == 0, i % 2 == 1);
	H(C_Logout(s));
}

static void reopens(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned *seed)
{
	CK_SESSION_HANDLE fresh = 0;
	CK_SLOT_ID slot;

	(void)s, (void)key;
	H(C_OpenSession(0, CKF_SERIAL_SESSION | (draw(seed, 4) > 0 ? CKF_RW_SESSION : 0), NULL, NULL, &fresh));
	H(C_CloseSession(atomic_exchange(&sessions[draw(seed, SESSIONS)], fresh)));
	H(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL));
}

static void begins_anew(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned *seed)
{
	(void)s, (void)key, (void)seed;
	nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	H(C_Finalize(NULL));
	H(C_Initialize(NULL));
}

typedef void deed(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, unsigned *seed);
static deed *const deeds[] = {encrypts, encrypts, signs, changes, logs_in, reopens, begins_anew};
#define DEEDS (sizeof deeds / sizeof deeds[0])

static void *run(void *context)
{
	deed *const *d = context;
	unsigned seed = (unsigned)(d - deeds) + 1;

	while (!over) {
		CK_SESSION_HANDLE s = sessions[draw(&seed, SESSIONS)];
		(*d)(s, keys[draw(&seed, KEYS)], &seed);
	}
	return NULL;
}

static void race(size_t count)
{
	pthread_t thread[DEEDS];

	over = false;
	done = odd = 0;
	make_token();
	for (unsigned i = 0; i < SESSIONS; i++)
		sessions[i] = session_new();
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, run, (void *)(uintptr_t)&deeds[i]), 0);
	for (unsigned ms = 0; ms < MILLISECONDS || (done <= 100 && ms < PATIENCE_MS); ms += 50)
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	over = true;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	assert_int_equal(odd, 0);
	assert_true(done > 100);
	IS(p11->C_CloseAllSessions(0), CKR_OK);
	login(session_new());
}

static void sessions_and_keys(void **state)
{
	(void)state;
	race(DEEDS - 1);
}

static void and_the_end(void **state)
{
	(void)state;
	race(DEEDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(sessions_and_keys), TEST(and_the_end)};

	return cmocka_run_group_tests_name("races", tests, NULL, NULL);
}
