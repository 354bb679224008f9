/* SPDX-License-Identifier: Apache-2.0 */
/* Templates that a key carries for the keys it wraps, unwraps and derives, and other values that are arrays. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pkcs11/attr-array.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "test/pkcs11/token-fixture.h"

static CK_BBOOL on = CK_TRUE, off = CK_FALSE;
static CK_ULONG sixteen = 16;

/* What a wrapping key demands: given in disorder, told in order. */
static CK_ATTRIBUTE demands[] = {
	{CKA_SENSITIVE, &on, sizeof on},
	{CKA_LABEL, (void *)"traffic", 7},
	{CKA_KEY_TYPE, &aes, sizeof aes},
};
#define DEMANDS (sizeof demands / sizeof demands[0])

static CK_OBJECT_HANDLE create(CK_SESSION_HANDLE s, const CK_ATTRIBUTE *extra, CK_ULONG n, CK_RV wanted)
{
	unsigned char value[32] = {1, 2, 3};
	CK_OBJECT_HANDLE key = 0;
	CK_ATTRIBUTE templ[16] = {{CKA_CLASS, &secret_class, sizeof secret_class},
				  {CKA_KEY_TYPE, &aes, sizeof aes},
				  {CKA_VALUE, value, sizeof value}};

	assert_true(n <= 13);
	if (n > 0)
		memcpy(templ + 3, extra, n * sizeof *extra);
	IS(p11->C_CreateObject(s, templ, n + 3, &key), wanted);
	return key;
}

static CK_OBJECT_HANDLE create_with(CK_SESSION_HANDLE s, CK_ATTRIBUTE_TYPE type, void *array, CK_ULONG n, CK_RV wanted)
{
	CK_ATTRIBUTE a = {type, array, n * sizeof(CK_ATTRIBUTE)};

	return create(s, &a, 1, wanted);
}

/* ---- C_GetAttributeValue ---------------------------------------------------------------------------------- */

static void arrays_are_told(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE key = create_with(s, CKA_WRAP_TEMPLATE, demands, DEMANDS, CKR_OK);
	CK_ATTRIBUTE out[DEMANDS] = {{0}};
	CK_ATTRIBUTE a = {CKA_WRAP_TEMPLATE, NULL, 0};
	char label[7];
	CK_BBOOL sensitive = 0;
	CK_KEY_TYPE type = 0;

	(void)state;
	/* First how many, then how long each, then each. */
	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_OK);
	assert_int_equal(a.ulValueLen, sizeof out);
	a.pValue = out;
	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_OK);
	assert_int_equal(out[0].type, CKA_LABEL);
	assert_int_equal(out[0].ulValueLen, 7);
	assert_int_equal(out[1].type, CKA_KEY_TYPE);
	assert_int_equal(out[2].type, CKA_SENSITIVE);
	assert_int_equal(out[2].ulValueLen, 1);
	out[0].pValue = label;
	out[1].pValue = &type;
	out[2].pValue = &sensitive;
	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_OK);
	assert_memory_equal(label, "traffic", 7);
	assert_int_equal(type, CKK_AES);
	assert_int_equal(sensitive, CK_TRUE);
	/* One element has no room: the others are told. */
	type = 0;
	out[0].ulValueLen = 6;
	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(out[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
	assert_int_equal(type, CKK_AES);
	a.ulValueLen = sizeof out - 1;
	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_BUFFER_TOO_SMALL);
	assert_int_equal(a.ulValueLen, CK_UNAVAILABLE_INFORMATION);
	/* Keys that have none say so. */
	a = (CK_ATTRIBUTE){CKA_UNWRAP_TEMPLATE, out, sizeof out};
	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_OK);
	assert_int_equal(a.ulValueLen, 0);
}

static void arrays_in_arrays(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ATTRIBUTE inner = {CKA_WRAP_TEMPLATE, demands, sizeof demands};
	CK_ATTRIBUTE outer = {CKA_UNWRAP_TEMPLATE, &inner, sizeof inner};
	CK_ATTRIBUTE deeper = {CKA_DERIVE_TEMPLATE, &outer, sizeof outer};
	CK_ATTRIBUTE deepest = {CKA_DERIVE_TEMPLATE, &deeper, sizeof deeper};
	CK_ATTRIBUTE out[DEMANDS] = {{0}}, told = {0, out, sizeof out};
	CK_OBJECT_HANDLE key = create(s, &outer, 1, CKR_OK), found = 0;
	CK_ATTRIBUTE a = {CKA_UNWRAP_TEMPLATE, &told, sizeof told};

	(void)state;
	IS(p11->C_GetAttributeValue(s, key, &a, 1), CKR_OK);
	assert_int_equal(told.type, CKA_WRAP_TEMPLATE);
	assert_int_equal(told.ulValueLen, sizeof out);
	assert_int_equal(out[1].type, CKA_KEY_TYPE);
	create(s, &deeper, 1, CKR_OK);
	create(s, &deepest, 1, CKR_OK);
	CK_ATTRIBUTE too_deep = {CKA_WRAP_TEMPLATE, &deepest, sizeof deepest};
	create(s, &too_deep, 1, CKR_ATTRIBUTE_VALUE_INVALID);
	/* One is searched for as it was given, in any order. */
	CK_ATTRIBUTE turned[DEMANDS] = {demands[2], demands[0], demands[1]};
	inner.pValue = turned;
	IS(find(s, &secret_class, CKA_UNWRAP_TEMPLATE, &inner, sizeof inner, &found), 1);
	assert_int_equal(found, key);
	turned[0].ulValueLen--;
	IS(find(s, &secret_class, CKA_UNWRAP_TEMPLATE, &inner, sizeof inner, &found), 0);
	inner.ulValueLen = 2 * sizeof(CK_ATTRIBUTE);
	IS(find(s, &secret_class, CKA_UNWRAP_TEMPLATE, &inner, sizeof inner, &found), 0);
}

static void impossible_arrays(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ATTRIBUTE twice[] = {demands[0], demands[0]}, unknown = {CKA_MODULUS, &on, 1};
	CK_ATTRIBUTE bent = {CKA_SENSITIVE, &on, 2}, nowhere = {CKA_LABEL, NULL, 5};
	CK_ATTRIBUTE wide = {CKA_WRAP_TEMPLATE, demands, sizeof demands - 1}, none = {CKA_WRAP_TEMPLATE, NULL, sizeof(CK_ATTRIBUTE)};
	CK_ATTRIBUTE endless = {CKA_WRAP_TEMPLATE, demands, 0ul - sizeof(CK_ATTRIBUTE)};
	static unsigned char much[ATTR_BYTES_MAX];
	CK_ATTRIBUTE large = {CKA_LABEL, much, sizeof much};

	(void)state;
	create_with(s, CKA_WRAP_TEMPLATE, twice, 2, CKR_ATTRIBUTE_VALUE_INVALID);
	create_with(s, CKA_WRAP_TEMPLATE, &unknown, 1, CKR_ATTRIBUTE_VALUE_INVALID);
	create_with(s, CKA_WRAP_TEMPLATE, &bent, 1, CKR_ATTRIBUTE_VALUE_INVALID);
	create_with(s, CKA_WRAP_TEMPLATE, &nowhere, 1, CKR_ATTRIBUTE_VALUE_INVALID);
	create_with(s, CKA_WRAP_TEMPLATE, &large, 1, CKR_ATTRIBUTE_VALUE_INVALID);
	create(s, &wide, 1, CKR_ATTRIBUTE_VALUE_INVALID);
	create(s, &none, 1, CKR_ATTRIBUTE_VALUE_INVALID);
	create(s, &endless, 1, CKR_ATTRIBUTE_VALUE_INVALID);
}

/* The host's memory may be gone afterwards; the store has it, and another login reads it. */
static void arrays_are_kept(void **state)
{
	char *label = strdup("traffic");
	CK_ATTRIBUTE inner = {CKA_LABEL, label, 7}, out = {0}, told = {CKA_WRAP_TEMPLATE, &out, sizeof out};
	CK_ATTRIBUTE extra[] = {{CKA_WRAP_TEMPLATE, &inner, sizeof inner}, {CKA_TOKEN, &yes, sizeof yes}};
	CK_OBJECT_HANDLE key;
	char again[7] = "";

	(void)state;
	make_token();
	CK_SESSION_HANDLE s = session_new();
	login(s);
	create(s, extra, 2, CKR_OK);
	memset(label, 'x', 7);
	free(label);
	IS(p11->C_Finalize(NULL), CKR_OK);
	IS(p11->C_Initialize(NULL), CKR_OK);
	s = session_new();
	login(s);
	IS(find(s, &secret_class, CKA_TOKEN, &yes, sizeof yes, &key), 1);
	out.pValue = again;
	out.ulValueLen = sizeof again;
	IS(p11->C_GetAttributeValue(s, key, &told, 1), CKR_OK);
	assert_int_equal(out.ulValueLen, 7);
	assert_memory_equal(again, "traffic", 7);
}

/* ---- what they are for -------------------------------------------------------------------------------------- */

/* The module's own view, for what no call does yet. */
static struct module *inside(CK_SESSION_HANDLE handle, struct session **s)
{
	struct module *m = NULL;

	IS(module_enter(&m), CKR_OK);
	IS(session_get(m, handle, s), CKR_OK);
	return m;
}

static CK_RV wrappable(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key)
{
	struct session *s;
	struct module *m = inside(handle, &s);
	struct object *w = object_get(m, s, wrapping), *k = object_get(m, s, key);

	assert_true(w != NULL && k != NULL);
	CK_RV rv = key_wrappable(m, w, k);
	object_unref(w);
	object_unref(k);
	session_put(m, s);
	module_leave(m);
	return rv;
}

static void who_may_wrap_what(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_ATTRIBUTE open = {CKA_EXTRACTABLE, &on, 1}, label = {CKA_LABEL, (void *)"traffic", 7};
	CK_ATTRIBUTE good[] = {open, label, {CKA_SENSITIVE, &on, 1}}, bare[] = {open, label, {CKA_SENSITIVE, &off, 1}};
	CK_ATTRIBUTE careful[] = {open, {CKA_WRAP_WITH_TRUSTED, &on, 1}};
	CK_OBJECT_HANDLE any = create(s, NULL, 0, CKR_OK);
	CK_OBJECT_HANDLE choosy = create_with(s, CKA_WRAP_TEMPLATE, demands, DEMANDS, CKR_OK);

	(void)state;
	IS(wrappable(s, any, create(s, good, 3, CKR_OK)), CKR_OK);
	IS(wrappable(s, any, any), CKR_KEY_UNEXTRACTABLE);
	IS(wrappable(s, choosy, create(s, good, 3, CKR_OK)), CKR_OK);
	IS(wrappable(s, choosy, create(s, bare, 3, CKR_OK)), CKR_KEY_HANDLE_INVALID);
	IS(wrappable(s, choosy, create(s, &open, 1, CKR_OK)), CKR_KEY_HANDLE_INVALID);
	IS(wrappable(s, any, create(s, careful, 2, CKR_OK)), CKR_KEY_NOT_WRAPPABLE);
	IS(wrappable(s, any, peer(s, "bob")), CKR_KEY_NOT_WRAPPABLE);
	/* Nobody learns a value by asking whether it matches. */
	unsigned char value[32] = {1, 2, 3};
	CK_ATTRIBUTE guess = {CKA_VALUE, value, sizeof value};
	IS(wrappable(s, create_with(s, CKA_WRAP_TEMPLATE, &guess, 1, CKR_OK), create(s, good, 3, CKR_OK)), CKR_KEY_HANDLE_INVALID);
}

/* A key made with `base`, by that call's rules. */
static CK_RV made_with(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE base, enum attr_when when, CK_ATTRIBUTE *templ,
		       CK_ULONG n, size_t len, struct object **key)
{
	struct session *s;
	struct module *m = inside(handle, &s);
	AUTO(secret) value = {0};
	struct object *b = object_get(m, s, base);
	const struct key_origin from = {
		.when = when, .type = CKK_GENERIC_SECRET, .mech = CK_UNAVAILABLE_INFORMATION, .base = b};

	assert_true(rc_ok(secret_alloc(&value, len)));
	CK_RV rv = key_new(m, s, &from, templ, n, key);
	if (rv == CKR_OK)
		rv = key_set_value(*key, &value);
	object_unref(b);
	session_put(m, s);
	module_leave(m);
	return rv;
}

static void what_is_unwrapped_and_derived(void **state)
{
	static const struct {
		CK_ATTRIBUTE_TYPE templ;
		enum attr_when when;
	} ways[] = {{CKA_UNWRAP_TEMPLATE, ATTR_IN_UNWRAP}, {CKA_DERIVE_TEMPLATE, ATTR_IN_GENERATE}};
	CK_SESSION_HANDLE s = session_new();
	CK_ATTRIBUTE same = {CKA_LABEL, (void *)"traffic", 7}, other = {CKA_LABEL, (void *)"another", 7};
	CK_ATTRIBUTE more[] = {demands[0], demands[1], demands[2], {CKA_VALUE_LEN, &sixteen, sizeof sixteen}};
	CK_ATTRIBUTE read_only = {CKA_LOCAL, &on, 1};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct object *key = NULL;
		CK_OBJECT_HANDLE base = create_with(s, ways[i].templ, more, 4, CKR_OK);
		IS(made_with(s, base, ways[i].when, NULL, 0, 16, &key), CKR_OK);
		assert_int_equal(attrs_get_ulong(&key->attrs, CKA_KEY_TYPE, 0), CKK_AES);
		assert_true(attrs_get_bool(&key->attrs, CKA_SENSITIVE));
		assert_memory_equal(attrs_get(&key->attrs, CKA_LABEL)->pValue, "traffic", 7);
		object_unref(key);
		IS(made_with(s, base, ways[i].when, &same, 1, 16, &key), CKR_OK);
		assert_int_equal(key_wanted_len(key, NULL, 0), 16);
		object_unref(key);
		IS(made_with(s, base, ways[i].when, &other, 1, 16, &key), CKR_TEMPLATE_INCONSISTENT);
		IS(made_with(s, base, ways[i].when, &same, 1, 32, &key), CKR_TEMPLATE_INCONSISTENT);
		object_unref(key);
		/* The other call's template says nothing of it. */
		IS(made_with(s, base, ways[1 - i].when, &other, 1, 32, &key), CKR_OK);
		assert_int_equal(attrs_get_ulong(&key->attrs, CKA_KEY_TYPE, 0), CKK_GENERIC_SECRET);
		object_unref(key);
		/* Nothing comes in so that the application could not have said itself. */
		base = create_with(s, ways[i].templ, &read_only, 1, CKR_OK);
		IS(made_with(s, base, ways[i].when, NULL, 0, 16, &key), CKR_TEMPLATE_INCONSISTENT);
	}
}

/* PKCS#11 3.2, 5.18.4 and 5.18.5. */
static void what_was(void **state)
{
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE open = create(s, NULL, 0, CKR_OK), closed;
	CK_ATTRIBUTE secret[] = {{CKA_SENSITIVE, &on, 1}, {CKA_EXTRACTABLE, &off, 1}};
	struct object *key = NULL;

	(void)state;
	IS(derive(s, peer(s, "bob"), NULL, NULL, 0, &closed), CKR_OK);
	IS(made_with(s, closed, ATTR_IN_UNWRAP, NULL, 0, 16, &key), CKR_OK);
	assert_true(attrs_get_bool(&key->attrs, CKA_EXTRACTABLE) && attrs_get_bool(&key->attrs, CKA_SENSITIVE));
	assert_false(attrs_get_bool(&key->attrs, CKA_ALWAYS_SENSITIVE) || attrs_get_bool(&key->attrs, CKA_LOCAL));
	object_unref(key);
	IS(made_with(s, closed, ATTR_IN_UNWRAP, secret, 2, 16, &key), CKR_OK);
	assert_false(attrs_get_bool(&key->attrs, CKA_ALWAYS_SENSITIVE) || attrs_get_bool(&key->attrs, CKA_NEVER_EXTRACTABLE));
	object_unref(key);
	/* A key that was always secret derives one, another does not. */
	IS(made_with(s, closed, ATTR_IN_GENERATE, secret, 2, 16, &key), CKR_OK);
	assert_true(attrs_get_bool(&key->attrs, CKA_ALWAYS_SENSITIVE) && attrs_get_bool(&key->attrs, CKA_NEVER_EXTRACTABLE));
	object_unref(key);
	IS(made_with(s, open, ATTR_IN_GENERATE, secret, 2, 16, &key), CKR_OK);
	assert_false(attrs_get_bool(&key->attrs, CKA_ALWAYS_SENSITIVE) || attrs_get_bool(&key->attrs, CKA_NEVER_EXTRACTABLE));
	object_unref(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(arrays_are_told), TEST(arrays_in_arrays),	 TEST(impossible_arrays),	      TEST(arrays_are_kept),
		TEST(what_was),	       TEST(who_may_wrap_what), TEST(what_is_unwrapped_and_derived),
	};

	return cmocka_run_group_tests_name("templates of keys", tests, NULL, NULL);
}
