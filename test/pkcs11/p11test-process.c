/* SPDX-License-Identifier: Apache-2.0 */
#include "test/pkcs11/p11test.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- cases: threads and forks --------------------------------------------------------------------------- */

#define THREADS 4

static void *thread_encrypts(void *failed)
{
	CK_SESSION_HANDLE s = 0;
	unsigned char value[16], iv[16] = {0}, plain[64], sealed[64], out[64];
	CK_MECHANISM mech = {CKM_AES_CBC, iv, sizeof iv};

	memset(value, (int)(uintptr_t)failed & 0x7f, sizeof value);
	memset(plain, 0x5a, sizeof plain);
	for (int i = 0; i < 150; i++) {
		CK_ULONG n = sizeof sealed, m = sizeof out;
		CK_OBJECT_HANDLE key;
		CK_ATTRIBUTE templ[] = {{CKA_CLASS, &secret_class, sizeof secret_class},
					{CKA_KEY_TYPE, &aes, sizeof aes},
					{CKA_VALUE, value, sizeof value},
					{CKA_PRIVATE, &no, sizeof no},
					{CKA_ENCRYPT, &yes, sizeof yes},
					{CKA_DECRYPT, &yes, sizeof yes}};
		if (p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s) != CKR_OK ||
		    p11->C_CreateObject(s, templ, 6, &key) != CKR_OK || p11->C_EncryptInit(s, &mech, key) != CKR_OK ||
		    p11->C_Encrypt(s, plain, sizeof plain, sealed, &n) != CKR_OK ||
		    p11->C_DecryptInit(s, &mech, key) != CKR_OK || p11->C_Decrypt(s, sealed, n, out, &m) != CKR_OK ||
		    m != sizeof plain || memcmp(out, plain, m) != 0 || p11->C_CloseSession(s) != CKR_OK)
			*(int *)failed = 1;
	}
	return NULL;
}

void case_threads(void)
{
	CK_SESSION_HANDLE s = session_user();
	pthread_t thread[THREADS];
	int failed[THREADS] = {0};

	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, thread_encrypts, &failed[i]);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		CHECK(failed[i] == 0);
	}
	IS(p11->C_CloseSession(s), CKR_OK);
}

/* A session is closed while another thread works in it: each call answers, none crashes. */
static void *thread_in_session(void *session)
{
	CK_SESSION_HANDLE s = *(CK_SESSION_HANDLE *)session;
	unsigned char b[64];

	while (p11->C_GenerateRandom(s, b, sizeof b) == CKR_OK)
		continue;
	return NULL;
}

void case_closed_under_way(void)
{
	for (int i = 0; i < 20; i++) {
		CK_SESSION_HANDLE s = session_new(0);
		pthread_t thread;
		pthread_create(&thread, NULL, thread_in_session, &s);
		usleep(500);
		IS(p11->C_CloseSession(s), CKR_OK);
		pthread_join(thread, NULL);
	}
}

/* A child is not initialised, may become so, and leaves its parent alone. */
static void child(CK_SESSION_HANDLE parents)
{
	CK_INFO info;
	struct gcm_case c;
	unsigned char out[128];
	CK_ULONG n = sizeof out;

	failures = 0;
	IS(p11->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
	IS(p11->C_CloseSession(parents), CKR_CRYPTOKI_NOT_INITIALIZED);
	IS(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
	IS(initialize(), CKR_OK);
	IS(p11->C_CloseSession(parents), CKR_SESSION_HANDLE_INVALID);
	CK_SESSION_HANDLE s = session_user();
	gcm_load(&c, s, &gcm_vectors[1]);
	MUST(p11->C_EncryptInit(s, &c.mech, c.handle));
	IS(p11->C_Encrypt(s, c.plain, c.plain_len, out, &n), CKR_OK);
	CHECK(n == c.sealed_len && memcmp(out, c.sealed, n) == 0);
	IS(p11->C_Finalize(NULL), CKR_OK);
}

void case_fork(void)
{
	CK_SESSION_HANDLE s = session_user();
	struct gcm_case c;
	unsigned char out[128];
	CK_ULONG n = sizeof out;

	gcm_load(&c, s, &gcm_vectors[0]);
	MUST(p11->C_EncryptInit(s, &c.mech, c.handle));
	for (int i = 0; i < 3; i++) {
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			child(s);
			fflush(stdout);
			_exit(failures > 0);
		}
		int status = -1;
		waitpid(pid, &status, 0);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	IS(p11->C_Encrypt(s, c.plain, c.plain_len, out, &n), CKR_OK);
	CHECK(n == c.sealed_len && memcmp(out, c.sealed, n) == 0);
	IS(p11->C_CloseAllSessions(slot), CKR_OK);
}

/* Forks while other threads are inside the module: no child hangs on a lock of theirs. */
static volatile bool stop;

static void *thread_until_stop(void *unused)
{
	int failed = 0;

	(void)unused;
	while (!stop)
		thread_encrypts(&failed);
	return NULL;
}

void case_fork_under_load(void)
{
	pthread_t thread[2];

#ifdef __SANITIZE_ADDRESS__
	excused("AddressSanitizer's allocator does not give its locks back to a child");
	return;
#endif
	stop = false;
	for (int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, thread_until_stop, NULL);
	for (int i = 0; i < 30; i++) {
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			alarm(8);
			CK_INFO info;
			int bad = p11->C_GetInfo(&info) != CKR_CRYPTOKI_NOT_INITIALIZED || initialize() != CKR_OK ||
				  p11->C_GetInfo(&info) != CKR_OK;
			thread_encrypts(&bad);
			_exit(bad);
		}
		int status = -1;
		waitpid(pid, &status, 0);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		if (failures > 0)
			break; /* one that hangs is enough */
	}
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

void case_finalize(void)
{
	CK_SESSION_HANDLE s = session_user();
	struct gcm_case c;

	if (offers(CKM_AES_GCM)) { /* half-way through a message */
		gcm_load(&c, s, &gcm_vectors[0]);
		MUST(p11->C_EncryptInit(s, &c.mech, c.handle));
	}
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_CloseSession(s), CKR_CRYPTOKI_NOT_INITIALIZED);
	IS(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}
