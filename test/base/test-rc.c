/* SPDX-License-Identifier: Apache-2.0 */
/* base/rc.h: the list of errors, and the sentence that a thread keeps. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rc.h"

static void every_code_has_name_and_text(void **state)
{
	(void)state;
	for (int code = 0; code < DSKE_RC_COUNT; code++) {
		dske_rc rc = {code};
		assert_true(strlen(rc_name(rc)) > 0);
		assert_true(strlen(rc_text(rc)) > 0);
		for (int other = 0; other < code; other++)
			assert_string_not_equal(rc_name(rc), rc_name((dske_rc){other}));
	}
	assert_string_equal(rc_name((dske_rc){DSKE_RC_TIMEOUT}), "TIMEOUT");
	assert_string_equal(rc_text((dske_rc){DSKE_RC_TIMEOUT}), "timed out");
}

static void unknown_codes_are_named_so(void **state)
{
	(void)state;
	assert_string_equal(rc_name((dske_rc){-1}), "UNKNOWN");
	assert_string_equal(rc_name((dske_rc){DSKE_RC_COUNT}), "UNKNOWN");
	assert_string_not_equal(rc_text((dske_rc){DSKE_RC_COUNT}), "");
}

static void success_is_zero(void **state)
{
	(void)state;
	assert_int_equal(DSKE_RC_OK, 0);
	assert_true(rc_ok(DSKE_OK));
	assert_false(rc_ok((dske_rc){DSKE_RC_IO}));
	assert_true(rc_is((dske_rc){DSKE_RC_IO}, DSKE_RC_IO));
	assert_false(rc_is((dske_rc){DSKE_RC_IO}, DSKE_RC_SYNC));
}

static void detail_is_the_sentence_of_that_code_only(void **state)
{
	(void)state;
	dske_rc rc = FAIL(IO, "disk %d of %s", 3, "four");

	assert_true(rc_is(rc, DSKE_RC_IO));
	assert_string_equal(rc_detail(rc), "disk 3 of four");
	assert_string_equal(rc_detail((dske_rc){DSKE_RC_SYNC}), rc_text((dske_rc){DSKE_RC_SYNC}));
	assert_string_equal(rc_detail(DSKE_OK), "success");
}

static void made_codes_forget_the_sentence(void **state)
{
	(void)state;
	dske_rc rc = FAIL(IO, "an older story");
	assert_string_equal(rc_detail(rc), "an older story");
	rc = rc_make(DSKE_RC_IO);
	assert_true(rc_is(rc, DSKE_RC_IO));
	assert_string_equal(rc_detail(rc), rc_text(rc));
}

static void empty_sentence_means_the_codes_own(void **state)
{
	(void)state;
	dske_rc rc = FAIL(TAG, "%s", "");
	assert_string_equal(rc_detail(rc), "authentication failed");
}

static void sentence_may_quote_the_one_before(void **state)
{
	(void)state;
	dske_rc rc = FAIL(FORMAT, "not a number");
	rc = rc_fail(rc.code, "file:7: %s", rc_detail(rc));
	rc = rc_fail(rc.code, "%s, while starting", rc_detail(rc));
	assert_string_equal(rc_detail(rc), "file:7: not a number, while starting");
}

static void long_sentences_are_cut(void **state)
{
	char text[4000];

	(void)state;
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	dske_rc rc = FAIL(IO, "%s", text);
	size_t len = strlen(rc_detail(rc));
	assert_in_range(len, 200, 1024);
	assert_memory_equal(rc_detail(rc), text, len);
}

static void failing_keeps_errno(void **state)
{
	(void)state;
	errno = ENOENT;
	dske_rc rc = FAIL(IO, "cannot open: %m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(rc_detail(rc), "cannot open: No such file or directory");
}

static dske_rc pass_on(dske_rc inner, int *reached)
{
	TRY(inner);
	(*reached)++;
	return DSKE_OK;
}

static void try_returns_failures_only(void **state)
{
	int reached = 0;

	(void)state;
	assert_true(rc_is(pass_on((dske_rc){DSKE_RC_BUSY}, &reached), DSKE_RC_BUSY));
	assert_int_equal(reached, 0);
	assert_true(rc_ok(pass_on(DSKE_OK, &reached)));
	assert_int_equal(reached, 1);
}

struct counted {
	int *drops;
};

static void counted_drop(struct counted *c)
{
	if (c->drops != NULL)
		++*c->drops;
}

static dske_rc with_counted(int *drops, dske_rc inner)
{
	AUTO(counted) c = {drops};
	TRY(inner);
	c.drops = NULL; /* moved */
	return DSKE_OK;
}

static void auto_drops_on_every_path(void **state)
{
	int drops = 0;

	(void)state;
	assert_false(rc_ok(with_counted(&drops, (dske_rc){DSKE_RC_IO})));
	assert_int_equal(drops, 1);
	assert_true(rc_ok(with_counted(&drops, DSKE_OK)));
	assert_int_equal(drops, 1);
}

static void *fail_elsewhere(void *arg)
{
	dske_rc rc = FAIL(IO, "in the other thread");
	*(bool *)arg = strcmp(rc_detail(rc), "in the other thread") == 0;
	return NULL;
}

static void sentences_are_the_threads_own(void **state)
{
	pthread_t thread;
	bool seen_there = false;

	(void)state;
	dske_rc rc = FAIL(IO, "in this thread");
	assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, &seen_there), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(seen_there);
	assert_string_equal(rc_detail(rc), "in this thread");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_name_and_text),
		cmocka_unit_test(unknown_codes_are_named_so),
		cmocka_unit_test(success_is_zero),
		cmocka_unit_test(detail_is_the_sentence_of_that_code_only),
		cmocka_unit_test(made_codes_forget_the_sentence),
		cmocka_unit_test(empty_sentence_means_the_codes_own),
		cmocka_unit_test(sentence_may_quote_the_one_before),
		cmocka_unit_test(long_sentences_are_cut),
		cmocka_unit_test(failing_keeps_errno),
		cmocka_unit_test(try_returns_failures_only),
		cmocka_unit_test(auto_drops_on_every_path),
		cmocka_unit_test(sentences_are_the_threads_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
