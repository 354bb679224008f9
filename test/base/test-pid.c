/* SPDX-License-Identifier: Apache-2.0 */
/* process_id() is getpid(), also in children of children that have asked before and in those that have not. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those four before it */
#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "base/pid.h"

static void test_generations(void **state)
{
	int status;

	(void)state;
	assert_int_equal(process_id(), getpid());
	pid_t child = fork();
	if (child == 0) {
		int grandchild = fork(); /* of a child that has not asked */
		if (grandchild == 0)
			_exit(process_id() != getpid() || process_id() != getpid());
		if (waitpid(grandchild, &status, 0) != grandchild || status != 0)
			_exit(2);
		_exit(process_id() != getpid() || process_id() == getppid());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(process_id(), getpid());
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_generations)};

	return cmocka_run_group_tests_name("pid", tests, NULL, NULL);
}
