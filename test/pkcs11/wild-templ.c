/* SPDX-License-Identifier: Apache-2.0 */
/* Templates that may serve a purpose, and attributes by chance. */
#include <config.h>

#include "test/pkcs11/wild.h"

#include <string.h>

#include "pkcs11/attr.h"

#define ATTRIBUTES_MAX 10
#define DEPTH 4

static CK_ATTRIBUTE_TYPE draw_type(void)
{
	static const CK_ATTRIBUTE_TYPE odd[] = {CKA_MODULUS, 0x7fffffff, (CK_ATTRIBUTE_TYPE)-1, CKF_ARRAY_ATTRIBUTE};
	size_t count;
	const struct attr_row *rows = attr_rows(&count);

	return one_in(20) ? odd[draw(4)] : rows[draw((unsigned)count)].type;
}

static void put(CK_ATTRIBUTE *a, CK_ATTRIBUTE_TYPE type, const void *bytes, CK_ULONG len)
{
	*a = (CK_ATTRIBUTE){type, one_in(2) ? wild_memory_odd(len) : wild_memory(len), len};
	memcpy(a->pValue, bytes, len);
}

static void put_number(CK_ATTRIBUTE *a, CK_ATTRIBUTE_TYPE type, CK_ULONG n)
{
	put(a, type, &n, sizeof n);
}

static void put_flag(CK_ATTRIBUTE *a, CK_ATTRIBUTE_TYPE type, CK_BBOOL flag)
{
	put(a, type, &flag, sizeof flag);
}

static void draw_attribute(const struct wild_case *c, CK_ATTRIBUTE *a, int depth);

static void draw_array(const struct wild_case *c, CK_ATTRIBUTE *a, int depth)
{
	CK_ULONG n = depth < DEPTH ? draw(4) : 0;
	CK_ATTRIBUTE inner[3];

	for (CK_ULONG i = 0; i < n; i++)
		draw_attribute(c, &inner[i], depth + 1);
	put(a, a->type, inner, n * sizeof inner[0]);
}

static void draw_attribute(const struct wild_case *c, CK_ATTRIBUTE *a, int depth)
{
	static const CK_ULONG lengths[] = {0, 1, 2, 7, 8, 16, 24, 32, 33, 255, 1000};
	const struct attr_row *row;
	unsigned char bytes[1000];

	*a = (CK_ATTRIBUTE){.type = draw_type()};
	row = attr_row(a->type);
	if (wild_is_bad(c)) { /* nothing, said to be something */
		a->ulValueLen = draw_odd();
	} else if (row != NULL && row->kind == ATTR_ARRAY) {
		draw_array(c, a, depth);
	} else if (row != NULL && row->kind == ATTR_BOOL && draw(8) > 0) {
		put_flag(a, a->type, (CK_BBOOL)draw(one_in(8) ? 256 : 2));
	} else if (row != NULL && row->kind == ATTR_ULONG && draw(8) > 0) {
		put_number(a, a->type, one_in(3) ? draw_odd() : draw(64));
	} else {
		memset(bytes, (int)draw(256), sizeof bytes);
		put(a, a->type, bytes, lengths[draw(sizeof lengths / sizeof lengths[0])]);
	}
}

/* ---- what each purpose wants ------------------------------------------------------------------------------- */

static CK_ULONG for_create(CK_ATTRIBUTE *a)
{
	static const CK_KEY_TYPE types[] = {CKK_AES,  CKK_GENERIC_SECRET, CKK_CHACHA20,
					    CKK_HKDF, CKK_SHA256_HMAC,    CKK_POLY1305};
	unsigned char value[32];

	memset(value, (int)draw(256), sizeof value);
	bool key = draw(5) > 0;
	put_number(&a[0], CKA_CLASS, key ? CKO_SECRET_KEY : CKO_DATA);
	put(&a[1], CKA_VALUE, value, key ? 32 : draw(33));
	if (!key)
		return 2;
	put_number(&a[2], CKA_KEY_TYPE, types[draw(6)]);
	return 3;
}

/* Of a key that is generated, derived or unwrapped. */
static CK_ULONG for_key(CK_ATTRIBUTE *a)
{
	CK_ULONG n = 0;

	if (one_in(8))
		return 0;
	put_number(&a[n++], CKA_CLASS, CKO_SECRET_KEY);
	put_number(&a[n++], CKA_KEY_TYPE, one_in(2) ? CKK_AES : CKK_GENERIC_SECRET);
	if (one_in(2))
		put_number(&a[n++], CKA_VALUE_LEN, one_in(6) ? draw_odd() : 16);
	if (one_in(2))
		put_flag(&a[n++], CKA_EXTRACTABLE, CK_TRUE);
	if (one_in(3))
		put_flag(&a[n++], CKA_TOKEN, CK_TRUE);
	if (one_in(4))
		put(&a[n++], CKA_LABEL, "bob", 3);
	return n;
}

/* Room for values, some of it too little. */
static CK_ULONG for_get(CK_ATTRIBUTE *a)
{
	static const CK_ULONG rooms[] = {0, 1, 8, 8, 31, 32, 64, 512, 4096};
	CK_ULONG n = draw(ATTRIBUTES_MAX);

	for (CK_ULONG i = 0; i < n; i++) {
		CK_ULONG len = rooms[draw(sizeof rooms / sizeof rooms[0])];
		const struct attr_row *row;
		a[i] = (CK_ATTRIBUTE){.type = draw_type()};
		row = attr_row(a[i].type);
		if (one_in(4))
			a[i].ulValueLen = draw_odd();
		else if (row == NULL || row->kind != ATTR_ARRAY) /* in arrays there would be pointers */
			a[i] = (CK_ATTRIBUTE){a[i].type, one_in(2) ? wild_memory_odd(len) : wild_memory(len), len};
	}
	return n;
}

static CK_ULONG for_set(CK_ATTRIBUTE *a)
{
	unsigned char id[8] = {(unsigned char)draw(256)};

	if (one_in(2))
		put(&a[0], CKA_LABEL, "label", 5);
	else
		put(&a[0], CKA_ID, id, sizeof id);
	return draw(2);
}

static CK_ULONG for_find(CK_ATTRIBUTE *a)
{
	static const CK_ULONG classes[] = {CKO_SECRET_KEY, CKO_DATA, CKO_PRIVATE_KEY, CKO_PROFILE, CKO_DSKE_PEER};

	put_number(&a[0], CKA_CLASS, classes[draw(5)]);
	put(&a[1], one_in(2) ? CKA_LABEL : CKA_ID, "bob/abc", one_in(2) ? 3 : 7);
	return draw(3);
}

CK_ATTRIBUTE *draw_templ(const struct wild_case *c, CK_ULONG *n)
{
	static CK_ULONG (*const purposes[])(CK_ATTRIBUTE *) = {
		[FOR_CREATE] = for_create, [FOR_COPY] = for_set, [FOR_GET] = for_get,
		[FOR_SET] = for_set,       [FOR_FIND] = for_find, [FOR_KEY] = for_key,
	};
	CK_ATTRIBUTE a[ATTRIBUTES_MAX + 4];

	if (wild_is_bad(c)) {
		*n = draw_odd();
		return NULL;
	}
	*n = purposes[c->call->purpose](a);
	for (unsigned more = draw(4); more > 0 && c->call->purpose != FOR_GET && one_in(2); more--)
		draw_attribute(c, &a[(*n)++], 0);
	return wild_copy(a, *n * sizeof a[0]);
}
