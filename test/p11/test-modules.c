/* SPDX-License-Identifier: Apache-2.0 */
/* test/p11/test-modules.c - modules of which some answer nothing, and values that are too long, cut or not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "p11/answer.h"
#include "p11/modules.h"
#include "p11/value.h"

#define SLOT_BROKEN 1 /* tells nothing of its token */
#define SLOT_FIRST 2
#define SLOT_SECOND 3

static CK_RV no_list(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
	(void)present;
	(void)slots;
	(void)count;
	return CKR_GENERAL_ERROR;
}

static CK_RV three(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count)
{
	static const CK_SLOT_ID all[] = {SLOT_BROKEN, SLOT_FIRST, SLOT_SECOND};
	if (!present || *count < 3)
		return CKR_BUFFER_TOO_SMALL;
	memcpy(slots, all, sizeof all);
	*count = 3;
	return CKR_OK;
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	if (slot == SLOT_BROKEN)
		return CKR_DEVICE_ERROR;
	memset(info, ' ', sizeof *info);
	memcpy(info->label, slot == SLOT_FIRST ? "first" : "second", slot == SLOT_FIRST ? 5 : 6);
	return CKR_OK;
}

static CK_RV a_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *a, CK_ULONG count)
{
	(void)session;
	(void)count;
	if (object == 0)
		return CKR_OBJECT_HANDLE_INVALID;
	if (a->type == CKA_VALUE) { /* a module that forgets to say that it is too long */
		a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
		return CKR_OK;
	}
	if (a->ulValueLen < 3)
		return CKR_BUFFER_TOO_SMALL;
	memcpy(a->pValue, "abc", 3);
	a->ulValueLen = 3;
	return CKR_OK;
}

static CK_FUNCTION_LIST silent = {.C_GetSlotList = no_list};
static CK_FUNCTION_LIST good = {.C_GetSlotList = three, .C_GetTokenInfo = token_info, .C_GetAttributeValue = a_value};
static CK_FUNCTION_LIST *lists[] = {&silent, &good, NULL};
static const struct modules both = {.list = lists};

static bool by_label(CK_FUNCTION_LIST *f, CK_SLOT_ID slot, const CK_TOKEN_INFO *info, void *user)
{
	assert_ptr_equal(f, &good);
	assert_int_not_equal(slot, SLOT_BROKEN);
	return value_is_padded(info->label, sizeof info->label, user);
}

static void slots_are_found(void **state)
{
	CK_FUNCTION_LIST *f = NULL;
	CK_SLOT_ID slot = 77;
	char first[] = "first", second[] = "second", third[] = "third";

	(void)state;
	assert_false(modules_find(&both, by_label, third, &f, &slot));
	assert_null(f);
	assert_int_equal(slot, 77);
	assert_true(modules_find(&both, by_label, second, &f, &slot));
	assert_ptr_equal(f, &good);
	assert_int_equal(slot, SLOT_SECOND);
	assert_true(modules_find(&both, by_label, first, &f, &slot));
	assert_int_equal(slot, SLOT_FIRST);
}

static void no_module(void **state)
{
	struct modules m = {0};

	(void)state;
	modules_drop(&m);
	dske_rc rc = modules_load(&m, "/nowhere/no-module.so", 0);
	assert_true(rc_is(rc, DSKE_RC_NOT_FOUND));
	assert_non_null(strstr(rc_detail(rc), "/nowhere/no-module.so"));
	modules_drop(&m);
	assert_null(m.list);
}

static void values(void **state)
{
	uint8_t out[4];

	(void)state;
	assert_int_equal(value_read(&good, 1, 1, CKA_ID, out, sizeof out), 3);
	assert_memory_equal(out, "abc", 3);
	assert_int_equal(value_read(&good, 1, 1, CKA_ID, out, 2), 0);
	assert_int_equal(value_read(&good, 1, 0, CKA_ID, out, sizeof out), 0);
	assert_int_equal(value_read(&good, 1, 1, CKA_VALUE, out, sizeof out), 0);
}

static void blanks(void **state)
{
	const CK_UTF8CHAR field[] = {'a', ' ', 'b', ' ', ' '};
	char out[sizeof field + 1];

	(void)state;
	assert_true(value_is_padded(field, sizeof field, "a b"));
	assert_true(value_is_padded(field, 3, "a b"));
	assert_false(value_is_padded(field, sizeof field, "a"));
	assert_false(value_is_padded(field, 2, "a b"));
	value_trim(out, field, sizeof field);
	assert_string_equal(out, "a b");
	value_trim(out, field + 3, 2);
	assert_string_equal(out, "");
}

static void answers(void **state)
{
	(void)state;
	assert_true(rc_ok(answer_rc(CKR_OK, "x")));
	assert_true(rc_is(answer_rc(CKR_PIN_LOCKED, "x"), DSKE_RC_PIN_LOCKED));
	dske_rc rc = answer_rc(CKR_VENDOR_DEFINED | 1, "the call");
	assert_true(rc_is(rc, DSKE_RC_IO));
	assert_non_null(strstr(rc_detail(rc), "the call: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_found), cmocka_unit_test(no_module), cmocka_unit_test(values),
		cmocka_unit_test(blanks),          cmocka_unit_test(answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
