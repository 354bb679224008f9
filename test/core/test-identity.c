/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-identity.c - when a record stands, and who contradicts it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/identity.h"

static struct identity_vote says(uint8_t id, const char *name)
{
	struct identity_vote v = {.answer = IDENTITY_SAYS, .says.id.b[0] = id};

	snprintf(v.says.name, sizeof v.says.name, "%s", name);
	return v;
}

/* One letter a hub: a says bob = 1, n says bob = 2, i says eve = 1, o says eve = 2 (of somebody else),
 * s is silent, u does not know bob. */
static size_t votes_make(struct identity_vote *votes, const char *letters)
{
	size_t count = strlen(letters);

	for (size_t i = 0; i < count; i++) {
		switch (letters[i]) {
		case 'a': votes[i] = says(1, "bob"); break;
		case 'n': votes[i] = says(2, "bob"); break;
		case 'i': votes[i] = says(1, "eve"); break;
		case 'o': votes[i] = says(2, "eve"); break;
		case 'u': votes[i] = (struct identity_vote){.answer = IDENTITY_UNKNOWN}; break;
		default: votes[i] = (struct identity_vote){.answer = IDENTITY_SILENT}; break;
		}
		votes[i].contradicts = true; /* to be overwritten */
	}
	return count;
}

static void check(const char *letters, size_t least, bool stands)
{
	struct identity_vote votes[16];
	struct identity out = {0};
	size_t count = votes_make(votes, letters);
	dske_rc rc = identity_settle(&out, votes, count, least);

	if (rc.code != (stands ? DSKE_RC_OK : DSKE_RC_TOO_FEW))
		fail_msg("%s, least %zu: %s", letters, least, rc_detail(rc));
	if (stands) {
		assert_int_equal(out.id.b[0], 1);
		assert_string_equal(out.name, "bob");
	}
	for (size_t i = 0; i < count; i++)
		assert_int_equal(votes[i].contradicts, stands && (letters[i] == 'n' || letters[i] == 'i'));
}

static void majorities(void **state)
{
	(void)state;
	check("aaa", 3, true);
	check("aas", 2, true);
	check("aau", 2, true);
	check("aan", 2, true);
	check("aai", 2, true);
	check("aao", 2, true);
	check("naa", 1, true);
	check("aaann", 3, true);
	check("aaaii", 3, true);
	check("aaauusi", 3, false); /* three of seven */
	check("aaaausn", 4, true);
	check("a", 1, true);
	check("a", 0, true);
	check("aa", 0, true);
	check("as", 1, false); /* one of two is not more than half */
	check("aann", 2, false);
	check("aass", 2, false);
	check("aaa", 4, false); /* below max(k, k_B) */
	check("aaass", 4, false);
	check("sss", 1, false);
	check("uuu", 1, false);
	check("", 0, false);
}

static void names_compare_in_whole(void **state)
{
	struct identity_vote votes[3] = {says(1, "bob"), says(1, "bobby"), says(1, "bo")};
	struct identity out;

	(void)state;
	assert_int_equal(identity_settle(&out, votes, 3, 2).code, DSKE_RC_TOO_FEW);
	votes[2] = says(1, "bob");
	assert_true(rc_ok(identity_settle(&out, votes, 3, 2)));
	assert_true(votes[1].contradicts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(majorities),
		cmocka_unit_test(names_compare_in_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
