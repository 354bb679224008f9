/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source-host MODULE TOKEN LABEL: eight threads look a key up and import it, while children are forked that do the same,
 * and while somebody logs the token out.  All get one result, or the program says what went wrong and exits with 1.
 * The PIN is 123456.
 */
#include <config.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tls/import.h"
#include "tls/source.h"

#define THREADS 8
#define TURNS 100
/* A child of gcc's AddressSanitizer waits for ever where another thread was in its allocator. */
#ifdef __SANITIZE_ADDRESS__
#define CHILDREN 0
#else
#define CHILDREN 10
#endif
#define LOGOUTS 20

static struct source *source;
static const char *label;
static uint8_t expected[IMPORT_PSK_MAX];
static const uint8_t info[IMPORT_INFO_LEN] = "a label";
static atomic_int pins;

static size_t give_pin(char *pin, size_t cap, void *user)
{
	(void)cap, (void)user;
	pins++;
	memcpy(pin, "123456", 6);
	return 6;
}

static dske_rc import(struct secret *psk)
{
	struct source_key key;
	TRY(source_find(source, label, &key));
	return source_import(source, &key, info, sizeof expected, psk);
}

static bool works(void)
{
	AUTO(secret) psk = {0};
	dske_rc rc = import(&psk);
	if (!rc_ok(rc))
		fprintf(stderr, "process %d: %s\n", (int)getpid(), rc_detail(rc));
	else if (psk.len != sizeof expected || memcmp(psk.data, expected, psk.len) != 0)
		fprintf(stderr, "process %d: another key\n", (int)getpid());
	else
		return true;
	return false;
}

static void *run(void *unused)
{
	uintptr_t failed = 0;
	for (int i = 0; i < TURNS; i++)
		failed += !works();
	(void)unused;
	return (void *)failed;
}

static bool fork_one(void)
{
	int status = 0;
	pid_t child = fork();
	if (child == 0)
		_exit(works() && works() ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool all_at_once(void)
{
	pthread_t threads[THREADS];
	bool ok = true;
	void *failed;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, run, NULL);
	for (int i = 0; i < CHILDREN; i++)
		ok = fork_one() && ok;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		ok = ok && failed == NULL;
	}
	return ok;
}

/* Another user of the module in this process, with a session of its own, ends the login. */
static bool log_out(const char *module)
{
	CK_FUNCTION_LIST *f = p11_kit_module_load(module, 0);
	CK_SLOT_ID slots[16];
	CK_ULONG count = 16;
	CK_SESSION_HANDLE session;
	bool ok = f != NULL && p11_kit_module_initialize(f) == CKR_OK && f->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK &&
		  f->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK && f->C_Logout(session) == CKR_OK &&
		  f->C_CloseSession(session) == CKR_OK && p11_kit_module_finalize(f) == CKR_OK;
	if (f != NULL)
		p11_kit_module_release(f);
	return ok;
}

static bool logged_out_again(const char *module)
{
	for (int i = 0; i < LOGOUTS; i++) {
		int before = pins;
		if (!log_out(module) || !works() || pins != before + 1)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	struct dske_tls_token where = {argv[1], argv[2], give_pin, NULL};
	label = argv[3];
	AUTO(secret) psk = {0};
	dske_rc rc = source_new(&source, &where);
	if (rc_ok(rc))
		rc = import(&psk);
	if (!rc_ok(rc)) {
		fprintf(stderr, "%s\n", rc_detail(rc));
		return 1;
	}
	memcpy(expected, psk.data, sizeof expected);
	bool at_once = all_at_once(), again = logged_out_again(argv[1]);
	source_free(source);
	if (!at_once || !again)
		fprintf(stderr, "threads and children: %s; logged out: %s\n", at_once ? "ok" : "failed", again ? "ok" : "failed");
	return !at_once || !again;
}
