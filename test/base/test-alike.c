/* SPDX-License-Identifier: Apache-2.0 */
/* test/base/test-alike.c - names that are taken for one another, and names that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alike.h"
#include "base/id.h"

static void look_alike(void **state)
{
	static const char *const pairs[][2] = {
		{"bob", "Bob"},        {"bob", "b0b"},      {"bill", "bi11"},       {"bill", "bIIl"},    {"Ida", "lda"},
		{"ida", "1da"},        {"modern", "modem"},  {"corner", "comer"}, {"vvilliam", "william"},
		{"clara", "dara"},     {"sam5", "sams"},    {"bob", "8ob"},         {"zoe", "2oe"},      {"bob", "bob-"},
		{"bob", "bob.-_"},     {"bob-1", "bob_l"},  {"a.b", "a-b"},         {"a--b", "a_b"},     {"m1lk", "rnilk"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)

		if (!names_alike(pairs[i][0], pairs[i][1]) || !names_alike(pairs[i][1], pairs[i][0]))
			fail_msg("%s and %s", pairs[i][0], pairs[i][1]);
}

static void do_not(void **state)
{
	static const char *const pairs[][2] = {
		{"bob", "rob"}, {"bob", "bob2"}, {"bob", "boob"}, {"alice", "alicia"}, {"ab", "a-b"}, {"hub1", "hub2"}, {"n", "m"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		if (names_alike(pairs[i][0], pairs[i][1]))
			fail_msg("%s and %s", pairs[i][0], pairs[i][1]);
	assert_false(names_alike("bob", "bob"));
}

/* The longest names there are, and one that is longer than any. */
static void long_names(void **state)
{
	char a[2 * NAME_MAX_LEN], b[2 * NAME_MAX_LEN];

	(void)state;
	memset(a, 'l', sizeof a);
	memset(b, 'I', sizeof b);
	a[NAME_MAX_LEN] = b[NAME_MAX_LEN] = '\0';
	assert_true(name_check(a));
	assert_true(names_alike(a, b));
	a[NAME_MAX_LEN] = 'l';
	a[sizeof a - 1] = '\0';
	assert_false(name_check(a));
	(void)names_alike(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(look_alike), cmocka_unit_test(do_not), cmocka_unit_test(long_names)};

	return cmocka_run_group_tests_name("alike", tests, NULL, NULL);
}
