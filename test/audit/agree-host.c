/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agree-host MODULE PEER THREADS ROUNDS CHILDREN: an application whose threads agree with PEER again and again, while it
 * forks children: each waits for a moment, begins anew, agrees too, and leaves by exit, _exit or
 * exec in turn; every second one does nothing but exit.  Each key makes a line, "CONTEXT HMAC", and the same command at
 * the other end makes the same lines.  DSKE_PIN, if it is set, is the user's PIN.
 *
 * Exits with 1 and a sentence when a call fails, or a child has a socket of its parent's when it has begun.
 */
#include <config.h>

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11/p11-3x.h"

#define THREADS_MAX 16
#define CHILDREN_MAX 1000
#define TIMEOUT_MS 30000

static CK_FUNCTION_LIST *p11;
static const char *peer;
static int rounds;
static atomic_int troubles, agreed; /* by threads */

static bool must(const char *call, const char *context, CK_RV rv)
{
	if (rv == CKR_OK)
		return true;
	fprintf(stderr, "process %d, %s: %s: 0x%lx\n", (int)getpid(), context, call, rv);
	troubles++;
	return false;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- agreeing -------------------------------------------------------------------------------------------------- */

static bool begin(const char *context, CK_SESSION_HANDLE *s)
{
	const char *pin = getenv("DSKE_PIN");

	if (!must("C_OpenSession", context, p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, s)))
		return false;
	CK_RV rv = pin != NULL ? p11->C_Login(*s, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)) : CKR_OK;
	return must("C_Login", context, rv == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : rv);
}

static CK_OBJECT_HANDLE find_peer(CK_SESSION_HANDLE s)
{
	CK_OBJECT_CLASS class = CKO_DSKE_PEER;
	CK_ATTRIBUTE templ[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, (void *)peer, strlen(peer)}};
	CK_OBJECT_HANDLE found = 0;
	CK_ULONG n = 0;

	if (p11->C_FindObjectsInit(s, templ, 2) == CKR_OK && p11->C_FindObjects(s, &found, 1, &n) == CKR_OK)
		p11->C_FindObjectsFinal(s);
	return n == 1 ? found : 0;
}

/* One write a line, so that the processes' lines do not mix. */
static bool tell(const char *context, const unsigned char *mac, size_t len)
{
	char line[200];
	int n = snprintf(line, sizeof line, "%s ", context);

	for (size_t i = 0; i < len; i++)
		n += snprintf(line + n, sizeof line - (size_t)n, "%02x", mac[i]);
	line[n++] = '\n';
	return write(STDOUT_FILENO, line, (size_t)n) == n;
}

static bool agree(CK_SESSION_HANDLE s, const char *context)
{
	CK_DSKE_DERIVE_PARAMS p = {.ulVersion = 1, .ulTimeoutMs = TIMEOUT_MS, .ulContextLen = strlen(context)};
	CK_MECHANISM derive = {CKM_DSKE_DERIVE, &p, sizeof p}, hmac = {CKM_SHA256_HMAC, NULL, 0};
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE templ[] = {{CKA_SIGN, &yes, sizeof yes}};
	CK_OBJECT_HANDLE key = 0;
	unsigned char mac[32];
	CK_ULONG n = sizeof mac;

	memcpy(p.context, context, p.ulContextLen);
	return must("C_DeriveKey", context, p11->C_DeriveKey(s, &derive, find_peer(s), templ, 1, &key)) &&
	       must("C_SignInit", context, p11->C_SignInit(s, &hmac, key)) &&
	       must("C_Sign", context, p11->C_Sign(s, (CK_BYTE *)"x", 1, mac, &n)) && tell(context, mac, n);
}

static void *agree_often(void *number)
{
	CK_SESSION_HANDLE s;
	char context[32];
	bool ok = begin("a thread", &s);

	for (int i = 0; ok && i < rounds; i++) {
		snprintf(context, sizeof context, "thread%d.%d", (int)(intptr_t)number, i);
		ok = agree(s, context);
		agreed++;
	}
	return NULL;
}

/* ---- children -------------------------------------------------------------------------------------------------- */

static int sockets(void)
{
	DIR *d = opendir("/proc/self/fd");
	char name[300], what[64];
	int found = 0;

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		snprintf(name, sizeof name, "/proc/self/fd/%s", e->d_name);
		ssize_t n = readlink(name, what, sizeof what - 1);
		found += n > 7 && memcmp(what, "socket:", 7) == 0;
	}
	if (d != NULL)
		closedir(d);
	return found;
}

static bool child_agrees(int number)
{
	CK_SESSION_HANDLE s;
	CK_INFO info;
	char context[32];

	snprintf(context, sizeof context, "child%d", number);
	if (p11->C_GetInfo(&info) != CKR_CRYPTOKI_NOT_INITIALIZED || p11->C_DeriveKey(1, NULL, 1, NULL, 0, NULL) == CKR_OK) {
		fprintf(stderr, "%s: has its parent's token\n", context);
		return false;
	}
	int before = sockets();
	if (!must("C_Initialize", context, p11->C_Initialize(NULL)))
		return false;
	if (sockets() != 0) {
		fprintf(stderr, "%s: of %d sockets of its parent's %d are left\n", context, before, sockets());
		return false;
	}
	return begin(context, &s) && agree(s, context);
}

static void be_child(int number)
{
	if (number % 2 == 1)
		exit(0);
	pause_ms(10);
	bool good = child_agrees(number);
	if (good && number % 6 == 0)
		execl("/bin/true", "true", (char *)NULL);
	if (number % 6 == 2)
		_exit(!good);
	exit(!good);
}

/* Spread over all that the threads do. */
static void fork_children(int children, int agreements)
{
	static pid_t pid[CHILDREN_MAX];
	int amid = 0;

	for (int i = 0; i < children; i++) {
		while (troubles == 0 && agreed < i * agreements / children)
			pause_ms(1);
		amid += sockets() > 0;
		pid[i] = fork();
		if (pid[i] == 0)
			be_child(i);
	}
	for (int i = 0; i < children; i++) {
		int status = -1;
		if (waitpid(pid[i], &status, 0) == pid[i] && status == 0)
			continue;
		fprintf(stderr, "child%d: ended with 0x%x\n", i, (unsigned)status);
		troubles++;
	}
	if (children > 0 && amid == 0) {
		fprintf(stderr, "no child was forked while there were connections\n");
		troubles++;
	}
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS_MAX];
	void *lib = argc == 6 ? dlopen(argv[1], RTLD_NOW) : NULL;
	CK_C_GetFunctionList get = lib != NULL ? (CK_C_GetFunctionList)dlsym(lib, "C_GetFunctionList") : NULL;
	int threads = argc == 6 ? atoi(argv[3]) : -1, children = argc == 6 ? atoi(argv[5]) : -1;

	if (get == NULL || threads < 0 || threads > THREADS_MAX || children < 0 || children > CHILDREN_MAX)
		return 2;
	peer = argv[2];
	rounds = atoi(argv[4]);
	if (!must("C_Initialize", "the parent", get(&p11) == CKR_OK ? p11->C_Initialize(NULL) : CKR_GENERAL_ERROR))
		return 1;
	for (int i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, agree_often, (void *)(intptr_t)i);
	fork_children(children, threads * rounds);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	must("C_Finalize", "the parent", p11->C_Finalize(NULL));
	return troubles != 0;
}
