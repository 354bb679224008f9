/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that share one token, its sessions and objects, and each other's handles: sequences of calls by chance
 * (test/fuzz/calls.h), without a model, since each may find what another has changed.  Nobody crashes, hangs or, where
 * ThreadSanitizer looks (--enable-tsan), races.
 *
 *   DSKE_SHARED_SECONDS=N   how long (default 2)
 *   DSKE_SHARED_SEED=N      of the first sequence (default 1)
 */
#include <config.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "test/fuzz/calls-token.h"
#include "test/fuzz/calls.h"

#define THREADS 4
#define BYTES 400

static struct calls_shared all;
static _Atomic unsigned long sequences, steps;
static unsigned long first, seconds;
static time_t until;

static void fill(uint8_t *bytes, unsigned long number)
{
	uint64_t state = (number + 1) * 0xd1342543de82ef95u;

	for (size_t i = 0; i < BYTES; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (uint8_t)(state >> 56);
	}
}

static void *play(void *unused)
{
	uint8_t bytes[BYTES];

	while (time(NULL) < until) {
		fill(bytes, first + atomic_fetch_add(&sequences, 1));
		struct calls c = {.p = bytes, .left = sizeof bytes, .all = &all};
		while (calls_step(&c))
			atomic_fetch_add(&steps, 1);
	}
	return unused;
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text != NULL && text[0] != '\0' ? strtoul(text, NULL, 10) : otherwise;
}

static void four_at_once(void **state)
{
	pthread_t thread[THREADS];
	CK_SESSION_HANDLE s;

	(void)state;
	first = setting("DSKE_SHARED_SEED", 1);
	seconds = setting("DSKE_SHARED_SECONDS", 2);
	token_make();
	token_restore();
	assert_int_equal(calls_p11->C_Initialize(NULL), CKR_OK);
	until = time(NULL) + (time_t)seconds;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, play, NULL), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	print_message("# %lu sequences, %lu steps\n", sequences, steps);
	assert_int_equal(calls_p11->C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	assert_int_equal(calls_p11->C_Finalize(NULL), CKR_OK);
	assert_true(steps > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(four_at_once)};

	return cmocka_run_group_tests_name("a token that threads share", tests, NULL, NULL);
}
