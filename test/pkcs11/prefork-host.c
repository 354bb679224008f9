/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefork-host MODULE ORDER: a server of processes, as nginx and Apache are.
 *
 *	before    the master forks its workers before it knows of the module; each loads it
 *	loaded    the master has loaded the module, and not called it
 *	master    the master has used and finalized it, as after a test of its configuration
 *	using     the master is using it while it forks, and goes on afterwards
 *	again     a worker forks a worker, which begins afresh
 *
 * A worker finds the module as C_Initialize leaves it, whatever the master did.
 */
#include "test/pkcs11/host.h"

#include <string.h>
#include <sys/wait.h>

#define WORKERS 6

static const char *path;
static CK_FUNCTION_LIST *p11;

static void load(void)
{
	void *handle;

	if (p11 == NULL)
		p11 = host_load(path, &handle);
}

static pid_t start(void (*work)(void))
{
	pid_t pid = fork();

	DEMAND(pid >= 0);
	if (pid > 0)
		return pid;
	alarm(30);
	work();
	_exit(0);
}

static void wait_for(pid_t pid)
{
	int status = -1;

	DEMAND(waitpid(pid, &status, 0) == pid);
	DEMAND(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void serve(void)
{
	CK_INFO info;

	load();
	DEMAND(p11->C_GetInfo(&info) == CKR_CRYPTOKI_NOT_INITIALIZED);
	DEMAND(p11->C_Finalize(NULL) == CKR_CRYPTOKI_NOT_INITIALIZED);
	MUST(p11->C_Initialize(NULL));
	for (int request = 0; request < 20; request++)
		DEMAND(host_works(p11));
	MUST(p11->C_Finalize(NULL));
}

/* A worker that is replaced by a child of its own while it serves. */
static void serve_by_another(void)
{
	load();
	MUST(p11->C_Initialize(NULL));
	DEMAND(host_works(p11));
	wait_for(start(serve));
	DEMAND(host_works(p11));
	MUST(p11->C_Finalize(NULL));
}

int main(int argc, char **argv)
{
	pid_t worker[WORKERS];
	CK_SESSION_HANDLE s = 0;
	CK_SESSION_INFO info;

	if (argc != 3)
		return 2;
	path = argv[1];
	const char *order = argv[2];
	if (strcmp(order, "before") != 0)
		load();
	bool uses = strcmp(order, "using") == 0;
	if (uses || strcmp(order, "master") == 0) {
		MUST(p11->C_Initialize(NULL));
		DEMAND(host_works(p11));
		MUST(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s));
	}
	if (strcmp(order, "master") == 0)
		MUST(p11->C_Finalize(NULL));
	for (int i = 0; i < WORKERS; i++)
		worker[i] = start(strcmp(order, "again") == 0 ? serve_by_another : serve);
	for (int i = 0; i < WORKERS; i++)
		wait_for(worker[i]);
	if (uses) {
		MUST(p11->C_GetSessionInfo(s, &info));
		DEMAND(host_works(p11));
	}
	return 0;
}
