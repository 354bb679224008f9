/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload-host MODULE ROUNDS: a program that loads the module, uses it and closes it, over and over, as hosts of plug-ins
 * do; every third time without C_Finalize, while a thread of its own is in the midst of calls.  Whatever it gets, it gives
 * back: descriptors, threads, memory.
 */
#include "test/pkcs11/host.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static CK_FUNCTION_LIST *p11;
static atomic_bool stop;

/* The module stays where it is (-z nodelete), so that who is in a call survives the dlclose() of another. */
static void *busy(void *unused)
{
	CK_INFO info;

	(void)unused;
	while (!stop) {
		CK_RV rv = p11->C_GetInfo(&info);
		DEMAND(rv == CKR_OK || rv == CKR_CRYPTOKI_NOT_INITIALIZED);
		(void)host_works(p11);
	}
	return NULL;
}

static void play(const char *path, unsigned i)
{
	void *handle;
	p11 = host_load(path, &handle);
	CK_RV rv = p11->C_Initialize(NULL);
	DEMAND(rv == CKR_OK || (i % 3 == 1 && rv == CKR_CRYPTOKI_ALREADY_INITIALIZED));
	DEMAND(host_works(p11));
	if (i % 3 != 0)
		MUST(p11->C_Finalize(NULL));
	DEMAND(dlclose(handle) == 0);
}

static long resident_kib(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	DEMAND(f != NULL && fscanf(f, "%*d %ld", &pages) == 1);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

struct holdings {
	unsigned descriptors, threads;
	long kib;
};

static struct holdings held(void)
{
	return (struct holdings){host_count("/proc/self/fd"), host_count("/proc/self/task"), resident_kib()};
}

int main(int argc, char **argv)
{
	unsigned rounds = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0, warm = rounds / 4;
	struct holdings before = {0};
	pthread_t thread;

	if (rounds == 0)
		return 2;
	play(argv[1], 1);
	DEMAND(pthread_create(&thread, NULL, busy, NULL) == 0);
	for (unsigned i = 0; i < rounds; i++) {
		if (i == warm)
			before = held();
		play(argv[1], i);
	}
	play(argv[1], 1);
	struct holdings after = held();
	stop = true;
	pthread_join(thread, NULL);
	printf("%u rounds: descriptors %u and %u, threads %u and %u, resident %ld and %ld KiB\n", rounds, before.descriptors,
	       after.descriptors, before.threads, after.threads, before.kib, after.kib);
	DEMAND(after.threads == before.threads);
	DEMAND(host_count("/proc/self/fd") <= before.descriptors + 1); /* the thread may be in the midst of a call then */
#ifndef __SANITIZE_ADDRESS__ /* whose allocator holds back what was freed */
	DEMAND(after.kib < before.kib + 2048);
#endif
	return 0;
}
