/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork-host MODULE PIN FORKS TOGETHER: a program with eight threads that are busy in the module, and some that come and
 * go, forks that many children, TOGETHER at a time.  Each child begins anew, logs in, works, and leaves by one of four
 * ways in turn: _exit, exit, exec, and C_Finalize before exit.  Who has not left after half a minute is hung: its stack is
 * shown, if there is gdb, and it is killed.
 *
 * Prints "forks N hung N crashed N wrong N"; exits 0 if the last three are 0.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11/p11-3x.h"

#define BUSY 8
#define TOGETHER_MAX 64
#define PATIENCE_S 30
#define TAG_LEN 32

static CK_FUNCTION_LIST *p11;
static char *pin;
static unsigned char expected[TAG_LEN]; /* the HMAC that everybody has to find */
static atomic_bool stop;
static atomic_int troubles; /* of this process's threads */
static int hung, crashed, wrong;

static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/* ---- work in the module ---------------------------------------------------------------------------------------- */

struct worker {
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE mac, cipher;
};

static bool make_key(const struct worker *w, CK_KEY_TYPE type, CK_OBJECT_HANDLE *key)
{
	unsigned char value[32] = "a key that parent and child know";
	CK_ATTRIBUTE templ[] = {
		{CKA_CLASS, &secret_class, sizeof secret_class}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, value, sizeof value}, {CKA_ENCRYPT, &yes, sizeof yes},
		{CKA_SIGN, &yes, sizeof yes}, {CKA_PRIVATE, &no, sizeof no},
	};

	return p11->C_CreateObject(w->session, templ, sizeof templ / sizeof templ[0], key) == CKR_OK;
}

static bool worker_begin(struct worker *w)
{
	return p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &w->session) == CKR_OK &&
	       make_key(w, CKK_GENERIC_SECRET, &w->mac) && make_key(w, CKK_AES, &w->cipher);
}

static bool sign(const struct worker *w, unsigned char tag[TAG_LEN])
{
	CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
	CK_ULONG n = TAG_LEN;

	return p11->C_SignInit(w->session, &hmac, w->mac) == CKR_OK &&
	       p11->C_Sign(w->session, (CK_BYTE_PTR) "message", 7, tag, &n) == CKR_OK && n == TAG_LEN;
}

static bool find(const struct worker *w)
{
	CK_ATTRIBUTE templ = {CKA_CLASS, &secret_class, sizeof secret_class};
	CK_OBJECT_HANDLE found[4];
	CK_ULONG n = 0;

	return p11->C_FindObjectsInit(w->session, &templ, 1) == CKR_OK &&
	       p11->C_FindObjects(w->session, found, 4, &n) == CKR_OK && n >= 1 && p11->C_FindObjectsFinal(w->session) == CKR_OK;
}

static bool digest(const struct worker *w)
{
	CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
	unsigned char out[32];
	CK_ULONG n = sizeof out;

	return p11->C_DigestInit(w->session, &sha) == CKR_OK &&
	       p11->C_Digest(w->session, (CK_BYTE_PTR) "message", 7, out, &n) == CKR_OK;
}

static bool encrypt(const struct worker *w)
{
	unsigned char iv[12] = {0}, out[64 + 16], plain[64] = {0};
	CK_GCM_PARAMS params = {iv, sizeof iv, 96, NULL, 0, 128};
	CK_MECHANISM gcm = {CKM_AES_GCM, &params, sizeof params};
	CK_ULONG n = sizeof out;

	return p11->C_EncryptInit(w->session, &gcm, w->cipher) == CKR_OK &&
	       p11->C_Encrypt(w->session, plain, sizeof plain, out, &n) == CKR_OK;
}

static bool work(const struct worker *w)
{
	unsigned char tag[TAG_LEN];

	return sign(w, tag) && memcmp(tag, expected, TAG_LEN) == 0 && find(w) && digest(w) && encrypt(w);
}

static void *be_busy(void *unused)
{
	struct worker w;

	(void)unused;
	if (!worker_begin(&w))
		troubles++;
	while (!stop && troubles == 0)
		troubles += !work(&w);
	return NULL;
}

static void *work_once(void *unused)
{
	struct worker w;

	(void)unused;
	troubles += !worker_begin(&w) || !work(&w) || p11->C_CloseSession(w.session) != CKR_OK;
	return NULL;
}

/* Threads that begin with libcrypto and end with it. */
static void *come_and_go(void *unused)
{
	(void)unused;
	while (!stop && troubles == 0) {
		pthread_t t;
		if (pthread_create(&t, NULL, work_once, NULL) == 0)
			pthread_join(t, NULL);
	}
	return NULL;
}

/* ---- a child --------------------------------------------------------------------------------------------------- */

static bool child_works(void)
{
	CK_INFO info;
	struct worker w;
	unsigned char tag[TAG_LEN];

	return p11->C_GetInfo(&info) == CKR_CRYPTOKI_NOT_INITIALIZED && p11->C_Initialize(NULL) == CKR_OK &&
	       worker_begin(&w) && p11->C_Login(w.session, CKU_USER, (CK_BYTE_PTR)pin, strlen(pin)) == CKR_OK &&
	       sign(&w, tag) && memcmp(tag, expected, TAG_LEN) == 0 && find(&w) && encrypt(&w) && digest(&w);
}

static void child(int way)
{
	if (way == 2) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(9);
	}
	bool good = child_works();
	if (way == 3)
		good = p11->C_Finalize(NULL) == CKR_OK && good;
	if (way == 0)
		_exit(!good);
	exit(!good);
}

/* ---- the parent ------------------------------------------------------------------------------------------------ */

static void show_stack(pid_t pid)
{
	char command[160];

	fprintf(stderr, "fork-host: process %d hangs\n", (int)pid);
	snprintf(command, sizeof command, "command -v gdb >/dev/null && gdb -batch -p %d -ex bt 1>&2 </dev/null", (int)pid);
	if (system(command) != 0)
		fprintf(stderr, "fork-host: no stack\n");
}

static void judge(int status, int way)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	fprintf(stderr, "fork-host: a child of way %d: %s %d\n", way, WIFSIGNALED(status) ? "signal" : "status",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (WIFSIGNALED(status))
		crashed++;
	else
		wrong++;
}

static void wait_for(pid_t pid, int way)
{
	int status = 0;

	for (int i = 0; i < PATIENCE_S * 5000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			judge(status, way);
			return;
		}
		nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
	}
	hung++;
	show_stack(pid);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void fork_all(int forks, int together)
{
	pid_t pid[TOGETHER_MAX];

	for (int i = 0; i < forks; i += together) {
		int n = together < forks - i ? together : forks - i;
		for (int j = 0; j < n; j++) {
			pid[j] = fork();
			if (pid[j] == 0)
				child((i + j) % 4);
		}
		for (int j = 0; j < n; j++)
			wait_for(pid[j], (i + j) % 4);
	}
}

static void load(const char *path)
{
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_C_GetFunctionList get = module != NULL ? (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList") : NULL;

	if (get == NULL || get(&p11) != CKR_OK || p11->C_Initialize(NULL) != CKR_OK) {
		fprintf(stderr, "fork-host: %s cannot be used\n", path);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	pthread_t busy[BUSY + 1];
	/* HMAC-SHA256 of "message" under the key above */
	static const unsigned char tag[TAG_LEN] = {
		0xbd, 0x51, 0x34, 0x14, 0xf5, 0xcd, 0x22, 0xc4, 0xb0, 0x7a, 0x1b, 0xe0, 0x90, 0x25, 0x28, 0x2b,
		0x2e, 0xb4, 0x5b, 0xb4, 0xc1, 0x3c, 0x9a, 0x3d, 0x44, 0x8a, 0x88, 0x09, 0xd7, 0xb9, 0x82, 0xa1,
	};

	if (argc != 5 || atoi(argv[4]) < 1 || atoi(argv[4]) > TOGETHER_MAX)
		return 2;
	pin = argv[2];
	memcpy(expected, tag, sizeof tag);
	load(argv[1]);
	for (int i = 0; i <= BUSY; i++)
		pthread_create(&busy[i], NULL, i < BUSY ? be_busy : come_and_go, NULL);
	fork_all(atoi(argv[3]), atoi(argv[4]));
	stop = true;
	for (int i = 0; i <= BUSY; i++)
		pthread_join(busy[i], NULL);
	printf("forks %s hung %d crashed %d wrong %d\n", argv[3], hung, crashed, wrong + troubles);
	return hung + crashed + wrong + troubles > 0;
}
