/* SPDX-License-Identifier: Apache-2.0 */
/* base/gate.h: who waits for whom, for how long, and what a child finds. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/gate.h"

static atomic_bool inside, leave;

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* Runs a check in a child, made by fork or _Fork; its true is our true. */
static bool child_says(pid_t (*make)(void), bool (*check)(void))
{
	int status = 0;
	pid_t child = make();

	if (child == 0)
		_exit(check() ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool enters(void)
{
	if (!gate_enter())
		return false;
	gate_leave();
	return true;
}

/* Does a fork in the child cost it nobody's patience? */
static bool nobody_is_inside(void)
{
	gate_start();
	return enters() && child_says(fork, enters) && gate_given_up() == 0;
}

static void *stay(void *unused)
{
	(void)unused;
	if (!gate_enter())
		return NULL;
	inside = true;
	while (!leave)
		pause_ms(1);
	inside = false;
	gate_leave();
	return NULL;
}

static pthread_t somebody_inside(void)
{
	pthread_t t;

	inside = leave = false;
	assert_int_equal(pthread_create(&t, NULL, stay, NULL), 0);
	while (!inside)
		pause_ms(1);
	return t;
}

static void *leave_soon(void *unused)
{
	(void)unused;
	pause_ms(50);
	leave = true;
	return NULL;
}

static bool nobody_stayed(void)
{
	return !inside && nobody_is_inside();
}

/* Is true of a child that is forked while somebody is inside who leaves soon. */
static bool fork_waits(void)
{
	pthread_t soon, t = somebody_inside();

	assert_int_equal(pthread_create(&soon, NULL, leave_soon, NULL), 0);
	bool waited = child_says(fork, nobody_stayed);
	pthread_join(t, NULL);
	pthread_join(soon, NULL);
	return waited;
}

/* A busy machine may not let them leave before the fork's patience ends, which is told: then once more. */
static void a_fork_waits_for_who_is_inside(void **state)
{
	unsigned before = gate_given_up();
	bool waited = fork_waits();

	(void)state;
	for (int i = 0; i < 10 && gate_given_up() != before; i++) {
		before = gate_given_up();
		waited = fork_waits();
	}
	assert_int_equal(gate_given_up(), before);
	assert_true(waited);
}

/* The child finds nobody inside nevertheless. */
static void but_not_for_ever(void **state)
{
	pthread_t t = somebody_inside();
	unsigned before = gate_given_up();
	int64_t began = now_ms();

	(void)state;
	assert_true(child_says(fork, nobody_is_inside));
	assert_true(now_ms() - began >= 250 && now_ms() - began < 20000);
	assert_int_equal(gate_given_up(), before + 1);
	leave = true;
	pthread_join(t, NULL);
}

static void who_is_inside_may_fork(void **state)
{
	unsigned before = gate_given_up();

	(void)state;
	assert_true(gate_enter());
	assert_true(gate_enter());
	assert_true(child_says(fork, enters));
	gate_leave();
	assert_true(child_says(fork, enters));
	gate_leave();
	assert_true(child_says(fork, nobody_is_inside));
	assert_int_equal(gate_given_up(), before);
}

/* ---- handlers of the host ------------------------------------------------------------------------------------- */

static pthread_mutex_t hosts = PTHREAD_MUTEX_INITIALIZER;
static bool (*in_handler)(void);
static bool handler_said;

static void hosts_handler(void)
{
	if (in_handler != NULL)
		handler_said = in_handler();
}

static void *hold_and_enter(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&hosts);
	inside = true;
	while (!leave)
		pause_ms(1);
	bool entered = enters();
	pthread_mutex_unlock(&hosts);
	return entered ? &hosts : NULL;
}

/* While the gate is closed it waits for a lock that is held by a thread that waits at the gate. */
static bool take_lock(void)
{
	leave = true;
	pthread_mutex_lock(&hosts);
	pthread_mutex_unlock(&hosts);
	return true;
}

static void handlers_do_not_deadlock_with_the_gate(void **state)
{
	pthread_t t;
	void *entered = NULL;

	(void)state;
	inside = leave = false;
	pthread_create(&t, NULL, hold_and_enter, NULL);
	while (!inside)
		pause_ms(1);
	in_handler = take_lock;
	assert_true(child_says(fork, enters));
	in_handler = NULL;
	pthread_join(t, &entered);
	assert_non_null(entered);
	assert_true(handler_said);
}

static void handlers_may_enter(void **state)
{
	unsigned before = gate_given_up();

	(void)state;
	handler_said = false;
	in_handler = enters;
	assert_true(child_says(fork, enters));
	in_handler = NULL;
	assert_true(handler_said);
	assert_int_equal(gate_given_up(), before);
}

/* ---- threads --------------------------------------------------------------------------------------------------- */

static atomic_uint arrived;

static void *enter_often(void *unused)
{
	uintptr_t failed = 0;

	(void)unused;
	arrived++;
	while (!leave) {
		failed += !enters();
		pause_ms(5); /* so that the machine is not the test's alone */
	}
	return (void *)failed;
}

/* More than have a place of their own; and their places come back. */
static void many_threads_come_and_go(void **state)
{
	static pthread_t t[300];
	unsigned before = gate_given_up();
	void *failed;

	(void)state;
	for (int round = 0; round < 2; round++) {
		leave = false;
		arrived = 0;
		for (size_t i = 0; i < 300; i++)
			assert_int_equal(pthread_create(&t[i], NULL, enter_often, NULL), 0);
		while (arrived < 300)
			pause_ms(1);
		assert_true(child_says(fork, nobody_is_inside));
		leave = true;
		for (size_t i = 0; i < 300; i++) {
			pthread_join(t[i], &failed);
			assert_null(failed);
		}
	}
	assert_true(child_says(fork, nobody_is_inside));
	assert_true(gate_given_up() <= before + 2); /* where the machine has no time for so many threads */
}

static void *be_cancelled(void *unused)
{
	(void)unused;
	if (gate_enter())
		inside = true;
	while (inside)
		pause_ms(1000);
	return NULL;
}

static void who_is_cancelled_inside_leaves(void **state)
{
	pthread_t t;
	unsigned before = gate_given_up();

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	print_message("# skip: AddressSanitizer takes the stack of a cancelled thread for damaged\n");
	skip();
#endif
	inside = false;
	pthread_create(&t, NULL, be_cancelled, NULL);
	while (!inside)
		pause_ms(1);
	pthread_cancel(t);
	pthread_join(t, NULL);
	assert_true(child_says(fork, nobody_is_inside));
	assert_int_equal(gate_given_up(), before);
}

/* ---- other children, and the end ------------------------------------------------------------------------------- */

static void a_child_without_handlers_begins_anew(void **state)
{
	pthread_t t = somebody_inside();

	(void)state;
	assert_true(child_says(_Fork, nobody_is_inside));
	leave = true;
	pthread_join(t, NULL);
}

static bool nobody_enters_after_the_cleanup(void)
{
	pthread_t t;

	gate_start();
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
	inside = leave = false;
	if (!enters() || pthread_create(&t, NULL, stay, NULL) != 0)
		return false;
	while (!inside)
		pause_ms(1);
	pthread_t soon;
	pthread_create(&soon, NULL, leave_soon, NULL);
	OPENSSL_cleanup();
	return !inside && !gate_enter() && !gate_enter_to_free() && gate_given_up() == 0;
}

static void the_cleanup_waits_and_then_nobody_enters(void **state)
{
	(void)state;
	assert_true(child_says(fork, nobody_enters_after_the_cleanup));
	assert_true(enters());
	assert_true(gate_enter_to_free());
	gate_leave();
}

/* The parent closes its descriptor; a child that stays must not go on holding what was locked through it. */
static void a_child_holds_no_lock_of_its_parents(void **state)
{
	AUTO(fd) here = FD_NONE, again = FD_NONE;
	char path[64];
	int status, talk[2];

	(void)state;
	here.n = memfd_create("locked", MFD_CLOEXEC);
	snprintf(path, sizeof path, "/proc/self/fd/%d", here.n);
	again.n = open(path, O_RDWR | O_CLOEXEC);
	assert_true(here.n >= 0 && again.n >= 0 && pipe(talk) == 0);
	assert_true(rc_ok(file_lock(here.n, FILE_LOCK_EXCLUSIVE, false)));
	assert_true(rc_is(file_lock(again.n, FILE_LOCK_EXCLUSIVE, false), DSKE_RC_BUSY));
	pid_t child = fork();
	if (child == 0) {
		close(talk[1]);
		_exit(read(talk[0], path, 1) == 0 ? 0 : 1);
	}
	fd_drop(&here);
	bool free = false;
	for (int i = 0; i < 200 && !free; i++) {
		pause_ms(10);
		free = rc_ok(file_lock(again.n, FILE_LOCK_EXCLUSIVE, false));
	}
	close(talk[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(free);
	close(talk[0]);
}

static int start(void **state)
{
	(void)state;
	/* Before ours, so that it runs while the gate is closed. */
	if (pthread_atfork(hosts_handler, NULL, NULL) != 0)
		return 1;
	gate_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fork_waits_for_who_is_inside),
		cmocka_unit_test(but_not_for_ever),
		cmocka_unit_test(who_is_inside_may_fork),
		cmocka_unit_test(handlers_do_not_deadlock_with_the_gate),
		cmocka_unit_test(handlers_may_enter),
		cmocka_unit_test(many_threads_come_and_go),
		cmocka_unit_test(who_is_cancelled_inside_leaves),
		cmocka_unit_test(a_child_without_handlers_begins_anew),
		cmocka_unit_test(the_cleanup_waits_and_then_nobody_enters),
		cmocka_unit_test(a_child_holds_no_lock_of_its_parents),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
