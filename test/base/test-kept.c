/* SPDX-License-Identifier: Apache-2.0 */
/* base/secret.c: pages of large secrets that are kept for the next one. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"

static bool all_are(const uint8_t *p, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != value)
			return false;
	}
	return true;
}

/* Runs it in a forked child; its true is our true, and a signal is false. */
static bool in_child(bool (*check)(void *), void *arg)
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		alarm(5);
		_exit(check(arg) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool touch(void *address)
{
	*(volatile uint8_t *)address = 1;
	return true;
}

static bool kills(uint8_t *address)
{
	return !in_child(touch, address);
}

/* Bytes of address space. */
static size_t mapped(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%zu", &pages), 1);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void large_ones_are_kept_wiped_and_no_more_than_some(void **state)
{
	enum { COUNT = 64, LEN = 1 << 20, KEPT = 16 << 20 };
	static struct secret s[COUNT];
	struct secret again = {0}, other = {0};

	(void)state;
	size_t before = mapped();
	for (size_t i = 0; i < COUNT; i++) {
		assert_true(rc_ok(secret_alloc(&s[i], LEN)));
		memset(s[i].data, 0x5A, LEN);
	}
	const uint8_t *last = s[COUNT - 1].data;
	for (size_t i = 0; i < COUNT; i++)
		secret_drop(&s[i]);
	assert_in_range(mapped(), 0, before + KEPT + (2 << 20));
	/* Another length has pages of its own: what a secret occupies follows from its length. */
	assert_true(rc_ok(secret_alloc(&other, LEN / 2)));
	assert_true(rc_ok(secret_alloc(&again, LEN - 100)));
	assert_ptr_equal(again.data, last);
	assert_true(all_are(again.data, LEN, 0));
	assert_true(kills(again.data - 1));
	assert_true(kills(again.data + LEN));
	assert_false(kills(again.data + LEN - 1));
	secret_drop(&again);
	secret_drop(&other);
}

static bool takes_another_place(void *place)
{
	struct secret s = {0};

	if (!rc_ok(secret_alloc(&s, 100000)))
		return false;
	bool is_other = s.data != place;
	secret_drop(&s);
	return is_other;
}

static void a_child_has_none_of_those_that_are_kept(void **state)
{
	struct secret s = {0};

	(void)state;
	assert_true(rc_ok(secret_alloc(&s, 100000)));
	uint8_t *place = s.data;
	secret_drop(&s);
	assert_true(in_child(takes_another_place, place));
	assert_false(takes_another_place(place));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_ones_are_kept_wiped_and_no_more_than_some),
		cmocka_unit_test(a_child_has_none_of_those_that_are_kept),
	};

	return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
