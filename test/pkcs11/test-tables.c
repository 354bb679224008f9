/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the token: their order, that no row is missing, and our 3.0 list beside NSS's. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pkcs11/attr.h"
#include "pkcs11/cipher.h"
#include "pkcs11/entry.h"
#include "pkcs11/key.h"
#include "pkcs11/mech.h"
#include "pkcs11/p11-3x-names.h"
#include "pkcs11/rv.h"
#include "pkcs11/slot.h"
#include "tools/key-type.h"

static void attributes_ascend(void **state)
{
	size_t count;
	const struct attr_row *row = attr_rows(&count);

	(void)state;
	assert_true(count > 20);
	for (size_t i = 0; i < count; i++) {
		assert_true(i == 0 || row[i - 1].type < row[i].type);
		assert_ptr_equal(attr_row(row[i].type), &row[i]);
		assert_int_equal(strncmp(row[i].name, "CKA_", 4), 0);
		/* What is preset is a value of its kind. */
		if (row[i].preset == ATTR_TRUE || row[i].preset == ATTR_FALSE)
			assert_int_equal(row[i].kind, ATTR_BOOL);
		if (row[i].preset == ATTR_EMPTY)
			assert_true(row[i].kind != ATTR_BOOL && row[i].kind != ATTR_ULONG);
	}
	assert_null(attr_row(CKA_MODULUS));
	assert_null(attr_row((CK_ATTRIBUTE_TYPE)-1));
}

/* Whoever lists keys has a name for each type that can be kept, and none twice. */
static void types_of_keys_have_names(void **state)
{
	size_t known = 0;

	(void)state;
	for (CK_KEY_TYPE type = 0; type < 0x1000; type++) {
		const char *name = key_type_name(type);
		assert_int_equal(name != NULL, key_type_known(type));
		known += name != NULL;
		for (CK_KEY_TYPE other = 0; name != NULL && other < type; other++)
			assert_true(key_type_name(other) == NULL || strcmp(key_type_name(other), name) != 0);
	}
	assert_true(known > 10);
}

static void templates_are_checked(void **state)
{
	CK_BBOOL yes = CK_TRUE, two = 2;
	CK_ULONG number = CKO_SECRET_KEY;
	CK_ATTRIBUTE good[] = {{CKA_CLASS, &number, sizeof number}, {CKA_TOKEN, &yes, 1}, {CKA_LABEL, NULL, 0}};
	const struct {
		CK_ATTRIBUTE a;
		CK_RV rv;
	} bad[] = {
		{{CKA_MODULUS, &number, sizeof number}, CKR_ATTRIBUTE_TYPE_INVALID},
		{{CKA_LOCAL, &yes, 1}, CKR_ATTRIBUTE_READ_ONLY},
		{{CKA_VALUE, &number, 8}, CKR_ATTRIBUTE_READ_ONLY}, /* nobody says what is agreed */
		{{CKA_DSKE_PEER, &number, 8}, CKR_ATTRIBUTE_READ_ONLY},
		{{CKA_TOKEN, &yes, 0}, CKR_ATTRIBUTE_VALUE_INVALID},
		{{CKA_TOKEN, NULL, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
		{{CKA_TOKEN, &two, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
		{{CKA_TOKEN, &number, sizeof number}, CKR_ATTRIBUTE_VALUE_INVALID},
		{{CKA_VALUE_LEN, &yes, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
		{{CKA_LABEL, NULL, 1}, CKR_ATTRIBUTE_VALUE_INVALID},
		{{CKA_LABEL, &number, ATTR_BYTES_MAX + 1}, CKR_ATTRIBUTE_VALUE_INVALID},
		{{CKA_START_DATE, &number, 7}, CKR_ATTRIBUTE_VALUE_INVALID},
	};

	(void)state;
	assert_int_equal(attr_check(good, 3, ATTR_OF_KEY, ATTR_IN_GENERATE), CKR_OK);
	assert_int_equal(attr_check(NULL, 0, ATTR_OF_KEY, ATTR_IN_GENERATE), CKR_OK);
	assert_int_equal(attr_check(NULL, 1, ATTR_OF_KEY, ATTR_IN_GENERATE), CKR_ARGUMENTS_BAD);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(attr_check(&bad[i].a, 1, ATTR_OF_KEY, ATTR_IN_GENERATE), bad[i].rv);
	good[2] = good[0];
	assert_int_equal(attr_check(good, 3, ATTR_OF_KEY, ATTR_IN_GENERATE), CKR_TEMPLATE_INCONSISTENT);
}

static void attribute_lists(void **state)
{
	struct attrs a = {0};

	(void)state;
	assert_int_equal(attrs_set_text(&a, CKA_LABEL, "one"), CKR_OK);
	assert_int_equal(attrs_set_ulong(&a, CKA_CLASS, 7), CKR_OK);
	assert_int_equal(attrs_set_text(&a, CKA_LABEL, "another"), CKR_OK);
	assert_int_equal(a.count, 2);
	assert_int_equal(attrs_get(&a, CKA_LABEL)->ulValueLen, 7);
	assert_int_equal(attrs_get_ulong(&a, CKA_CLASS, 0), 7);
	assert_int_equal(attrs_get_ulong(&a, CKA_KEY_TYPE, 5), 5);
	assert_false(attrs_get_bool(&a, CKA_TOKEN));
	assert_int_equal(attrs_set(&a, CKA_LABEL, NULL, 0), CKR_OK);
	assert_int_equal(attrs_get(&a, CKA_LABEL)->ulValueLen, 0);
	attrs_drop(&a);
	assert_int_equal(a.count, 0);
}

/* A row says what it is for, and what does the work. */
static void mechanisms(void **state)
{
	size_t count;
	const struct mech *row = mech_rows(&count);

	(void)state;
	/* Stock clients derive with the first mechanism that they know. */
	assert_int_equal(row[0].type, CKM_ECDH1_DERIVE);
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(mech_find(row[i].type), &row[i]); /* none twice */
		assert_int_equal((row[i].cipher != NULL) + (row[i].sign != NULL) + (row[i].derive != NULL) +
					 (row[i].keygen != NULL) + (row[i].wrap != NULL) +
					 ((row[i].flags & CKF_DIGEST) != 0),
				 1);
		assert_int_equal((row[i].flags & CKF_GENERATE) != 0, row[i].keygen != NULL);
		assert_true((row[i].flags & CKF_DIGEST) == 0 || row[i].hash != NULL);
		assert_int_equal((row[i].flags & (CKF_ENCRYPT | CKF_DECRYPT)) != 0, row[i].cipher != NULL);
		const struct cipher_kind *cipher = row[i].cipher;
		assert_int_equal((row[i].flags & CKF_MESSAGE_ENCRYPT) != 0, cipher != NULL && cipher->read_message != NULL);
		assert_true((row[i].flags & CKF_WRAP) == 0 || row[i].wrap != NULL || cipher->key_unit > 0);
		assert_int_equal((row[i].flags & (CKF_SIGN | CKF_VERIFY)) != 0, row[i].sign != NULL);
		assert_int_equal((row[i].flags & CKF_DERIVE) != 0, row[i].derive != NULL);
		assert_true(row[i].key_min <= row[i].key_max);
		assert_non_null(row[i].key_fits);
	}
	assert_null(mech_find(CKM_RSA_PKCS));
}

static void return_values(void **state)
{
	(void)state;
	assert_int_equal(rv_from(DSKE_OK), CKR_OK);
	for (int code = 1; code < DSKE_RC_COUNT; code++) {
		assert_int_not_equal(rv_from((dske_rc){code}), CKR_OK);
		/* Each has a row of its own: CKR_GENERAL_ERROR stands for what is not known. */
		assert_int_not_equal(rv_from((dske_rc){code}), CKR_GENERAL_ERROR);
	}
	assert_int_equal(rv_from((dske_rc){DSKE_RC_COUNT}), CKR_GENERAL_ERROR);
	assert_int_equal(rv_from((dske_rc){-1}), CKR_GENERAL_ERROR);
}

static void interfaces(void **state)
{
	CK_INTERFACE list[4], *one = NULL;
	CK_FUNCTION_LIST *old = NULL;
	CK_VERSION two = {2, 40}, three = {3, 0}, latest = {3, 2}, between = {3, 1}, four = {4, 0};
	CK_ULONG n = 0;

	(void)state;
	assert_int_equal(entry_function_list(&old), CKR_OK);
	assert_int_equal(entry_interface_list(NULL, &n), CKR_OK);
	assert_int_equal(n, 3);
	n = 2;
	assert_int_equal(entry_interface_list(list, &n), CKR_BUFFER_TOO_SMALL);
	n = 4;
	assert_int_equal(entry_interface_list(list, &n), CKR_OK);
	assert_int_equal(entry_interface(NULL, NULL, &one, 0), CKR_OK);
	assert_memory_equal(one->pFunctionList, &latest, sizeof latest);
	assert_ptr_equal(one->pFunctionList, list[0].pFunctionList);
	assert_int_equal(entry_interface(NULL, &between, &one, 0), CKR_FUNCTION_FAILED);
	assert_int_equal(entry_interface((CK_UTF8CHAR *)"PKCS 11", &two, &one, 0), CKR_OK);
	assert_ptr_equal(one->pFunctionList, old);
	assert_int_equal(entry_interface((CK_UTF8CHAR *)"PKCS 11", &three, &one, 0), CKR_OK);
	assert_int_equal(entry_interface((CK_UTF8CHAR *)"PKCS 11", &four, &one, 0), CKR_FUNCTION_FAILED);
	assert_int_equal(entry_interface((CK_UTF8CHAR *)"Vendor X", NULL, &one, 0), CKR_FUNCTION_FAILED);
	assert_int_equal(entry_interface(NULL, NULL, &one, CKF_INTERFACE_FORK_SAFE), CKR_FUNCTION_FAILED);
	assert_int_equal(entry_interface(NULL, NULL, NULL, 0), CKR_ARGUMENTS_BAD);

	/* Before C_Initialize every function of the 3.0 list is there, and says so. */
	assert_int_equal(entry_interface(NULL, &three, &one, 0), CKR_OK);
	CK_FUNCTION_LIST_3_0 *all = one->pFunctionList;
	assert_ptr_equal(all->C_Initialize, old->C_Initialize);
	assert_ptr_equal(all->C_WaitForSlotEvent, old->C_WaitForSlotEvent);
	assert_int_equal(all->C_SessionCancel(1, 0), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(all->C_MessageVerifyFinal(1), CKR_CRYPTOKI_NOT_INITIALIZED);
	assert_int_equal(entry_interface(NULL, &latest, &one, 0), CKR_OK);
	CK_FUNCTION_LIST_3_2 *last = one->pFunctionList;
	assert_int_equal(last->C_AsyncJoin(1, NULL, 0, NULL, 0), CKR_CRYPTOKI_NOT_INITIALIZED);
	/* Every function of every list is there. */
	void *const *each = (void *const *)(void *)&last->C_Initialize;
	size_t count = (sizeof *last - offsetof(CK_FUNCTION_LIST_3_2, C_Initialize)) / sizeof *each;
	assert_int_equal(count, 104); /* 68 of 2.40, 24 of 3.0, 12 of 3.2 */
	for (size_t i = 0; i < count; i++)
		assert_non_null(each[i]);
	/* A list begins with those before it. */
	assert_memory_equal(&all->C_Initialize, &last->C_Initialize, sizeof *all - offsetof(CK_FUNCTION_LIST_3_0, C_Initialize));
	assert_memory_equal(&old->C_Initialize, &last->C_Initialize, sizeof *old - offsetof(CK_FUNCTION_LIST, C_Initialize));
}

/* Offsets of the functions in the lists, by p11-kit's header and by NSS's (nss-offsets.c). */
struct offset {
	const char *name;
	size_t at;
};
extern const struct offset nss_offsets[];
extern const size_t nss_offset_count, nss_list_size;

struct constant {
	const char *name;
	unsigned long value;
};
extern const struct constant nss_constants[];

#define FIELD(type, field) {#type "." #field, offsetof(type, field)},

/* What p11-kit's header lacks we name and number as NSS does. */
static void constants_as_elsewhere(void **state)
{
#define X(name) {#name, name},
	static const struct constant ours[] = {P11_3X_MAC_NAMES(X) P11_3X_OBJECT_NAMES(X) P11_3X_CIPHER_NAMES(X)
					       P11_3X_CIPHER_FIELDS(FIELD)};
#undef X

	(void)state;
	if (nss_offset_count == 0) {
		print_message("# skip: built without NSS's header (Debian: libnss3-dev)\n");
		skip();
	}
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
		assert_string_equal(nss_constants[i].name, ours[i].name);
		assert_int_equal(nss_constants[i].value, ours[i].value);
	}
}

static void lists_are_laid_out_as_elsewhere(void **state)
{
#define X(guard, name, handler, parameters, arguments) {#name, offsetof(CK_FUNCTION_LIST_3_0, name)},
	static const struct offset ours[] = {CALLS_2_40(X) CALLS_3_0(X)};
#undef X
#define X(guard, name, handler, parameters, arguments) {#name, offsetof(CK_FUNCTION_LIST, name)},
	static const struct offset p11kits[] = {CALLS_2_40(X)};
#undef X

	(void)state;
	for (size_t i = 0; i < sizeof p11kits / sizeof p11kits[0]; i++)
		assert_int_equal(p11kits[i].at, ours[i].at);
	if (nss_offset_count == 0) {
		print_message("# skip: built without NSS's header (Debian: libnss3-dev)\n");
		skip();
	}
	assert_int_equal(nss_offset_count, sizeof ours / sizeof ours[0]);
	assert_int_equal(nss_list_size, sizeof(CK_FUNCTION_LIST_3_0));
	for (size_t i = 0; i < nss_offset_count; i++) {
		assert_string_equal(nss_offsets[i].name, ours[i].name);
		assert_int_equal(nss_offsets[i].at, ours[i].at);
	}
}

static void texts_are_padded(void **state)
{
	unsigned char field[8];

	(void)state;
	slot_pad(field, sizeof field, "abc");
	assert_memory_equal(field, "abc     ", 8);
	slot_pad(field, sizeof field, "abcdefghij");
	assert_memory_equal(field, "abcdefgh", 8);
	/* A character of UTF-8 is not cut through. */
	slot_pad(field, sizeof field, "abcdefg\xc3\xa9");
	assert_memory_equal(field, "abcdefg ", 8);
	slot_pad(field, sizeof field, "");
	assert_memory_equal(field, "        ", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_ascend), cmocka_unit_test(types_of_keys_have_names),
		cmocka_unit_test(templates_are_checked),
		cmocka_unit_test(attribute_lists),   cmocka_unit_test(mechanisms),
		cmocka_unit_test(return_values),     cmocka_unit_test(interfaces),
		cmocka_unit_test(texts_are_padded),  cmocka_unit_test(lists_are_laid_out_as_elsewhere),
		cmocka_unit_test(constants_as_elsewhere),
	};

	return cmocka_run_group_tests_name("the token's tables", tests, NULL, NULL);
}
