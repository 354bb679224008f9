/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exit-host MODULE WAY [THREADS]: a program that uses libcrypto and the module, and leaves in one of the ways that have
 * crashed other tokens, while so many threads (none) are busy in the module.  It exits with 0 if it gets to its end; by
 * `signal` it dies of SIGTERM.
 *
 *	early     finalizes in an exit handler that was registered before libcrypto's: it runs after
 *	          libcrypto's clean-up
 *	late      registered after libcrypto's, and runs before
 *	after     registered after the module was loaded
 *	openssl   in a handler of libcrypto's own clean-up (OPENSSL_atexit), as engines do
 *	close     as early, but only closes the session
 *	leave     never finalizes
 *	finalize  finalizes, and returns from main
 *	unload    dlclose()s the module, and then goes on with libcrypto
 *	worker    another thread calls exit()
 *	last      main ends by pthread_exit(), and the process with its last thread
 *	fast      quick_exit(), with a handler that finalizes
 *	quick     _exit()s out of a message
 *	exec      becomes another program
 *	signal    is killed
 */
#include <dlfcn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test/pkcs11/host.h"

#define THREADS_MAX 64

static CK_FUNCTION_LIST *p11;
static void *module;
static CK_SESSION_HANDLE session;
static int threads;
static atomic_bool stop;

static void linger(void)
{
	if (threads > 0)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static void finalize(void)
{
	linger(); /* the threads go on, also when libcrypto has been cleaned up */
	MUST(p11->C_CloseSession(session));
	MUST(p11->C_Finalize(NULL));
}

static void close_session(void)
{
	linger();
	MUST(p11->C_CloseSession(session));
}

static void use_libcrypto(void)
{
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned len;

	DEMAND(EVP_Digest("abc", 3, out, &len, EVP_sha256(), NULL) == 1 && ERR_peek_error() == 0);
}

static CK_OBJECT_HANDLE make_key(CK_KEY_TYPE type)
{
	static unsigned char value[32] = {1};
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_OBJECT_HANDLE key;
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &class, sizeof class}, {CKA_KEY_TYPE, &type, sizeof type}, {CKA_VALUE, value, sizeof value},
		{CKA_ENCRYPT, &yes, sizeof yes},   {CKA_SIGN, &yes, sizeof yes},       {CKA_PRIVATE, &no, sizeof no},
	};

	MUST(p11->C_CreateObject(session, templ, sizeof templ / sizeof templ[0], &key));
	return key;
}

/* Two operations half-way through, and a keyed context at rest. */
static void use_module(void)
{
	unsigned char iv[12] = {0}, out[64];
	CK_GCM_PARAMS params = {iv, sizeof iv, 96, NULL, 0, 128};
	CK_MECHANISM gcm = {CKM_AES_GCM, &params, sizeof params}, hmac = {CKM_SHA256_HMAC, NULL, 0};
	CK_OBJECT_HANDLE cipher = make_key(CKK_AES), mac = make_key(CKK_GENERIC_SECRET);
	CK_ULONG n = sizeof out;

	MUST(p11->C_EncryptInit(session, &gcm, cipher));
	MUST(p11->C_Encrypt(session, iv, sizeof iv, out, &n));
	MUST(p11->C_EncryptInit(session, &gcm, cipher));
	n = sizeof out;
	MUST(p11->C_EncryptUpdate(session, iv, sizeof iv, out, &n));
	MUST(p11->C_SignInit(session, &hmac, mac));
	MUST(p11->C_SignUpdate(session, iv, sizeof iv));
}

/* ---- threads that know nothing of the end ---------------------------------------------------------------------- */

/* While the process ends, any answer is right that comes. */
static void *be_busy(void *unused)
{
	(void)unused;
	while (!stop)
		(void)host_works(p11);
	return NULL;
}

/* Sometimes they have only just begun, and sometimes they are in the midst of it. */
static void begin_threads(void)
{
	pthread_t t;

	for (int i = 0; i < threads; i++)
		DEMAND(pthread_create(&t, NULL, be_busy, NULL) == 0 && pthread_detach(t) == 0);
	if (threads > 0)
		nanosleep(&(struct timespec){.tv_nsec = getpid() % 5 * 700000}, NULL);
}

/* ---- ways ------------------------------------------------------------------------------------------------------ */

static void unload(void)
{
	MUST(p11->C_Finalize(NULL));
	dlclose(module);
	use_libcrypto();
}

static void *call_exit(void *unused)
{
	(void)unused;
	exit(0);
}

static void let_another_exit(void)
{
	pthread_t t;

	DEMAND(pthread_create(&t, NULL, call_exit, NULL) == 0);
	pthread_join(t, NULL);
}

static void *stop_soon(void *unused)
{
	nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
	stop = true;
	return unused;
}

static void end_with_the_last(void)
{
	pthread_t t;

	DEMAND(pthread_create(&t, NULL, stop_soon, NULL) == 0 && pthread_detach(t) == 0);
	pthread_exit(NULL);
}

static void leave_fast(void)
{
	at_quick_exit(finalize);
	quick_exit(0);
}

static void leave_quickly(void)
{
	_exit(0);
}

static void become_another(void)
{
	execl("/bin/true", "true", (char *)NULL);
	_exit(5);
}

static void be_killed(void)
{
	raise(SIGTERM);
}

static const struct {
	const char *name;
	void (*first)(void);       /* registered before libcrypto begins */
	void (*second)(void);      /* after it */
	void (*in_cleanup)(void);  /* with libcrypto's clean-up */
	void (*third)(void);       /* after the module was loaded */
	void (*at_the_end)(void);  /* called by main; it may return */
} ways[] = {
	{.name = "early", .first = finalize},
	{.name = "late", .second = finalize},
	{.name = "after", .third = finalize},
	{.name = "openssl", .in_cleanup = finalize},
	{.name = "close", .first = close_session},
	{.name = "leave"},
	{.name = "finalize", .at_the_end = finalize},
	{.name = "unload", .at_the_end = unload},
	{.name = "worker", .at_the_end = let_another_exit},
	{.name = "last", .at_the_end = end_with_the_last},
	{.name = "fast", .at_the_end = leave_fast},
	{.name = "quick", .at_the_end = leave_quickly},
	{.name = "exec", .at_the_end = become_another},
	{.name = "signal", .at_the_end = be_killed},
};
#define WAYS (sizeof ways / sizeof ways[0])

static void register_one(int (*how)(void (*)(void)), void (*what)(void))
{
	if (what != NULL)
		how(what);
}

int main(int argc, char **argv)
{
	size_t way = 0;

	while (argc >= 3 && way < WAYS && strcmp(ways[way].name, argv[2]) != 0)
		way++;
	threads = argc == 4 ? atoi(argv[3]) : 0;
	if (argc < 3 || argc > 4 || way == WAYS || threads < 0 || threads > THREADS_MAX)
		return 2;
	register_one(atexit, ways[way].first);
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	register_one(atexit, ways[way].second);
	register_one(OPENSSL_atexit, ways[way].in_cleanup);
	p11 = host_load(argv[1], &module);
	MUST(p11->C_Initialize(NULL));
	MUST(p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
	register_one(atexit, ways[way].third);
	use_libcrypto();
	use_module();
	use_libcrypto();
	begin_threads();
	if (ways[way].at_the_end != NULL)
		ways[way].at_the_end();
	return 0;
}
