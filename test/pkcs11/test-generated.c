/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates drawn at random - known and unknown types, right and wrong lengths, nothing where something should be, arrays in
 * arrays, values at odd addresses - for every call that takes one.  None may crash (each value is allocated exactly, so that
 * a sanitizer sees a byte too far), and what a key promised it keeps: once sensitive or unextractable, its value is not told,
 * by no copy either.
 *
 *   DSKE_GENERATED_CASES=N   calls (default 20000)
 *   DSKE_GENERATED_SEED=N    of the first (default 1); a failure prints it
 */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/attr.h"
#include "test/pkcs11/token-fixture.h"

#define ATTRIBUTES_MAX 8
#define OBJECTS_MAX 32
#define DEPTH 5

static uint64_t state64;

static unsigned draw(unsigned below)
{
	state64 = state64 * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state64 >> 33) % below;
}

/* ---- templates -------------------------------------------------------------------------------------------------- */

struct drawn {
	CK_ATTRIBUTE a[ATTRIBUTES_MAX];
	CK_ULONG n;
};

/* What a case allocated, since calls write into templates. */
static void *pool[1024];
static size_t pool_count;

static void *take(size_t len)
{
	void *p = calloc(1, len > 0 ? len : 1);

	assert_non_null(p);
	assert_true(pool_count < sizeof pool / sizeof pool[0]);
	pool[pool_count++] = p;
	return p;
}

static void pool_drop(void)
{
	while (pool_count > 0)
		free(pool[--pool_count]);
}

static CK_ATTRIBUTE_TYPE draw_type(void)
{
	size_t count;
	const struct attr_row *rows = attr_rows(&count);
	static const CK_ATTRIBUTE_TYPE odd[] = {CKA_MODULUS, 0x7fffffff, (CK_ATTRIBUTE_TYPE)-1, CKF_ARRAY_ATTRIBUTE};

	return draw(20) == 0 ? odd[draw(4)] : rows[draw((unsigned)count)].type;
}

/* Of a length, with likely contents. */
static void draw_bytes(CK_ATTRIBUTE *a, CK_ULONG len)
{
	unsigned char *p = take(len);
	CK_ULONG number = draw(4) == 0 ? draw(70) : draw(2) == 0 ? CKO_SECRET_KEY : CKK_AES;

	for (CK_ULONG i = 0; i < len; i++)
		p[i] = (unsigned char)draw(2);
	if (len == sizeof number)
		memcpy(p, &number, sizeof number);
	a->pValue = p;
	a->ulValueLen = len;
}

static void draw_attribute(CK_ATTRIBUTE *a, int depth);

static void draw_array(CK_ATTRIBUTE *a, int depth)
{
	CK_ULONG n = depth < DEPTH ? draw(4) : 0;
	CK_ATTRIBUTE *inner = take(n * sizeof *inner);

	for (CK_ULONG i = 0; i < n; i++)
		draw_attribute(&inner[i], depth + 1);
	a->pValue = inner;
	a->ulValueLen = n * sizeof *inner;
}

static void draw_attribute(CK_ATTRIBUTE *a, int depth)
{
	static const CK_ULONG lengths[] = {0, 1, 1, 1, 7, 8, 8, 16, 24, 32, 33};
	const struct attr_row *row;

	*a = (CK_ATTRIBUTE){.type = draw_type()};
	row = attr_row(a->type);
	if (row != NULL && row->kind == ATTR_ARRAY && draw(8) > 0) {
		draw_array(a, depth);
	} else if (draw(30) == 0) { /* nothing, said to be something */
		a->ulValueLen = draw(2) == 0 ? draw(40) : (CK_ULONG)-1 - draw(64);
	} else if (row != NULL && row->kind == ATTR_BOOL && draw(8) > 0) {
		draw_bytes(a, 1);
	} else if (row != NULL && row->kind == ATTR_ULONG && draw(8) > 0) {
		draw_bytes(a, sizeof(CK_ULONG));
	} else if (row == NULL || row->kind != ATTR_ARRAY) {
		draw_bytes(a, lengths[draw(sizeof lengths / sizeof lengths[0])]);
	}
}

static void draw_template(struct drawn *d, bool key)
{
	*d = (struct drawn){0};
	if (key) { /* else hardly one would be made */
		CK_OBJECT_CLASS class = draw(8) == 0 ? CKO_DATA : CKO_SECRET_KEY;
		CK_KEY_TYPE type = draw(2) == 0 ? CKK_AES : CKK_GENERIC_SECRET;
		d->a[0].type = CKA_CLASS;
		draw_bytes(&d->a[0], sizeof class);
		memcpy(d->a[0].pValue, &class, sizeof class);
		d->a[1].type = CKA_VALUE;
		draw_bytes(&d->a[1], 16);
		d->n = 2;
		if (class == CKO_SECRET_KEY) {
			d->a[2].type = CKA_KEY_TYPE;
			draw_bytes(&d->a[2], sizeof type);
			memcpy(d->a[2].pValue, &type, sizeof type);
			d->n = 3;
		}
	}
	for (CK_ULONG more = draw(key ? 3 : 5); more > 0; more--)
		draw_attribute(&d->a[d->n++], 0);
}

/* ---- what keys promised --------------------------------------------------------------------------------------- */

static struct known {
	CK_OBJECT_HANDLE handle;
	bool secret; /* its value must not be told */
} known[OBJECTS_MAX];
static size_t known_count;

static int flag(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type)
{
	CK_BBOOL v = 0;
	CK_ATTRIBUTE a = {type, &v, 1};

	return p11->C_GetAttributeValue(s, o, &a, 1) == CKR_OK ? v : -1;
}

static void check_promise(CK_SESSION_HANDLE s, struct known *k)
{
	unsigned char value[64];
	CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof value};
	CK_RV rv = p11->C_GetAttributeValue(s, k->handle, &a, 1);
	int hidden = flag(s, k->handle, CKA_SENSITIVE), open = flag(s, k->handle, CKA_EXTRACTABLE);

	k->secret = k->secret || hidden == 1 || open == 0;
	assert_int_equal(rv, k->secret ? CKR_ATTRIBUTE_SENSITIVE : CKR_OK);
	if (k->secret)
		assert_true(hidden == 1 || open == 0);
}

static void remember(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, bool secret)
{
	struct known *k = &known[known_count < OBJECTS_MAX ? known_count++ : draw(OBJECTS_MAX)];

	*k = (struct known){o, secret};
	check_promise(s, k);
}

/* ---- calls ----------------------------------------------------------------------------------------------------- */

static void one_case(CK_SESSION_HANDLE s, const CK_OBJECT_HANDLE peer_handle)
{
	struct drawn d;
	struct known *k = known_count > 0 ? &known[draw((unsigned)known_count)] : NULL;
	CK_OBJECT_HANDLE o = draw(20) == 0 || k == NULL ? (draw(2) == 0 ? peer_handle : draw(1000)) : k->handle, made = 0, list[4];
	CK_ULONG n = 0;
	unsigned which = draw(7);

	draw_template(&d, which == 0);
	switch (which) {
	case 0:
		if (p11->C_CreateObject(s, d.a, d.n, &made) == CKR_OK)
			remember(s, made, false);
		break;
	case 1:
		if (p11->C_CopyObject(s, o, d.a, d.n, &made) == CKR_OK)
			remember(s, made, k != NULL && o == k->handle && k->secret);
		break;
	case 2:
		(void)p11->C_SetAttributeValue(s, o, d.a, d.n);
		break;
	case 3:
		(void)p11->C_GetAttributeValue(s, o, d.a, d.n);
		break;
	case 4:
		if (p11->C_FindObjectsInit(s, d.a, d.n) == CKR_OK) {
			IS(p11->C_FindObjects(s, list, 4, &n), CKR_OK);
			IS(p11->C_FindObjectsFinal(s), CKR_OK);
		}
		break;
	case 5:
		if (derive(s, peer_handle, NULL, d.a, d.n, &made) == CKR_OK)
			remember(s, made, false);
		break;
	default:
		if (draw(4) == 0 && k != NULL && p11->C_DestroyObject(s, k->handle) == CKR_OK)
			*k = known[--known_count];
		else
			(void)p11->C_GetObjectSize(s, o, &n);
	}
	pool_drop();
	if (known_count > 0)
		check_promise(s, &known[draw((unsigned)known_count)]);
}

static unsigned long at_seed;
static bool went_through;

static int teardown_told(void **state)
{
	pool_drop();
	if (!went_through)
		print_message("# the call with seed %lu went wrong; those before it made the objects\n", at_seed);
	return teardown(state);
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text != NULL && text[0] != '\0' ? strtoul(text, NULL, 10) : otherwise;
}

static void generated(void **state)
{
	unsigned long cases = setting("DSKE_GENERATED_CASES", 20000), seed = setting("DSKE_GENERATED_SEED", 1);
	CK_SESSION_HANDLE s = session_new();
	CK_OBJECT_HANDLE bob = peer(s, "bob");
	unsigned long made = 0;

	(void)state;
	known_count = 0;
	for (unsigned long i = 0; i < cases; i++) {
		at_seed = seed + i;
		state64 = at_seed * 0x9e3779b97f4a7c15u;
		size_t before = known_count;
		one_case(s, bob);
		made += known_count > before;
	}
	for (size_t i = 0; i < known_count; i++)
		check_promise(s, &known[i]);
	assert_true(cases < 1000 || made >= OBJECTS_MAX); /* else nothing was tried */
	went_through = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(generated, setup, teardown_told)};

	return cmocka_run_group_tests_name("templates at random", tests, NULL, NULL);
}
