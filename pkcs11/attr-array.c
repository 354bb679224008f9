/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/attr-array.h"

#include <string.h>

#include "base/buf.h"

static bool is_array(CK_ATTRIBUTE_TYPE type)
{
	const struct attr_row *row = attr_row(type);

	return row != NULL && row->kind == ATTR_ARRAY;
}

/* Of a host's array, which may lie anywhere in memory. */
static CK_ATTRIBUTE element(const CK_ATTRIBUTE *array, CK_ULONG i)
{
	CK_ATTRIBUTE one;

	memcpy(&one, (const uint8_t *)array->pValue + i * sizeof one, sizeof one);
	return one;
}

static CK_ULONG element_count(const CK_ATTRIBUTE *array)
{
	return array->ulValueLen / sizeof(CK_ATTRIBUTE);
}

/* ---- packing ---------------------------------------------------------------------------------------- */

static bool element_possible(const CK_ATTRIBUTE *array, CK_ULONG i, int depth)
{
	CK_ATTRIBUTE one = element(array, i);
	const struct attr_row *row = attr_row(one.type);

	if (row == NULL || row->of == 0)
		return false;
	for (CK_ULONG before = 0; before < i; before++) {
		if (element(array, before).type == one.type)
			return false;
	}
	return row->kind == ATTR_ARRAY ? array_possible(&one, depth + 1) : attr_value_possible(row, &one);
}

bool array_possible(const CK_ATTRIBUTE *a, int depth)
{
	if (depth >= ARRAY_DEPTH || a->ulValueLen % sizeof(CK_ATTRIBUTE) != 0 || element_count(a) > ARRAY_MAX ||
	    (a->pValue == NULL && a->ulValueLen > 0))
		return false;
	for (CK_ULONG i = 0; i < element_count(a); i++) {
		if (!element_possible(a, i, depth))
			return false;
	}
	return true;
}

/* The element with the lowest type from `least` on; false: none. */
static bool element_from(const CK_ATTRIBUTE *array, CK_ATTRIBUTE_TYPE least, CK_ATTRIBUTE *lowest)
{
	bool found = false;

	for (CK_ULONG i = 0; i < element_count(array); i++) {
		CK_ATTRIBUTE one = element(array, i);
		if (one.type >= least && (!found || one.type < lowest->type)) {
			*lowest = one;
			found = true;
		}
	}
	return found;
}

static void put_head(struct buf *b, uint64_t type, size_t len)
{
	buf_put_be32(b, (uint32_t)(type >> 32));
	buf_put_be32(b, (uint32_t)type);
	buf_put_be32(b, (uint32_t)len);
}

void array_put(struct buf *b, CK_ATTRIBUTE_TYPE type, const void *bytes, size_t len)
{
	put_head(b, type, len);
	buf_put(b, bytes, len);
}

/* Its length is known afterwards. */
static void pack(struct buf *b, const CK_ATTRIBUTE *array, int depth)
{
	CK_ATTRIBUTE one;

	/* CK_UNAVAILABLE_INFORMATION is no type of a row, so that + 1 does not wrap. */
	for (CK_ATTRIBUTE_TYPE least = 0; depth < ARRAY_DEPTH && element_from(array, least, &one); least = one.type + 1) {
		if (!is_array(one.type)) {
			array_put(b, one.type, one.pValue, one.ulValueLen);
			continue;
		}
		put_head(b, one.type, 0);
		size_t at = b->len;
		pack(b, &one, depth + 1);
		if (!rc_ok(buf_rc(b)))
			return;
		for (size_t i = 0; i < 4; i++)
			b->data[at - 4 + i] = (uint8_t)((b->len - at) >> (24 - 8 * i));
	}
}

CK_RV array_take(struct attrs *a, const CK_ATTRIBUTE *from)
{
	AUTO(buf) b = {0};

	buf_heap(&b, ATTR_BYTES_MAX);
	pack(&b, from, 0);
	if (rc_is(buf_rc(&b), DSKE_RC_TOOBIG))
		return CKR_ATTRIBUTE_VALUE_INVALID;
	TRY_RV(rv_from(buf_rc(&b)));
	return attrs_set(a, from->type, b.data, b.len);
}

/* ---- reading ---------------------------------------------------------------------------------------- */

struct array_walk array_begin(const CK_ATTRIBUTE *packed)
{
	if (packed == NULL || packed->ulValueLen == 0)
		return (struct array_walk){0};
	return (struct array_walk){packed->pValue, (const uint8_t *)packed->pValue + packed->ulValueLen};
}

/* Compilers make one load of it, which counts: a login reads some thirty of them a key. */
static uint64_t be32(const uint8_t *p)
{
	return (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
}

static uint64_t be64(const uint8_t *p)
{
	return be32(p) << 32 | be32(p + 4);
}

/* The store's bytes are authenticated; one that is cut off ends here all the same. */
bool array_next(struct array_walk *w, CK_ATTRIBUTE *one)
{
	if (w->at == NULL || w->end - w->at < ARRAY_HEAD)
		return false;
	uint64_t len = be32(w->at + 8);
	if (len > (uint64_t)(w->end - w->at) - ARRAY_HEAD)
		return false;
	*one = (CK_ATTRIBUTE){be64(w->at), (void *)(w->at + ARRAY_HEAD), len};
	w->at += ARRAY_HEAD + one->ulValueLen;
	return true;
}

static CK_ULONG array_count(const CK_ATTRIBUTE *packed)
{
	struct array_walk w = array_begin(packed);
	CK_ATTRIBUTE one;
	CK_ULONG n = 0;

	while (array_next(&w, &one))
		n++;
	return n;
}

static bool array_same(const CK_ATTRIBUTE *have, const CK_ATTRIBUTE *want, int depth);

static bool value_same(const CK_ATTRIBUTE *have, const CK_ATTRIBUTE *want, int depth)
{
	if (is_array(have->type))
		return array_same(have, want, depth + 1);
	return have->ulValueLen == want->ulValueLen &&
	       (want->ulValueLen == 0 ||
		(want->pValue != NULL && memcmp(have->pValue, want->pValue, want->ulValueLen) == 0));
}

static bool array_same(const CK_ATTRIBUTE *have, const CK_ATTRIBUTE *want, int depth)
{
	struct array_walk w = array_begin(have);
	CK_ATTRIBUTE ours, theirs;
	CK_ATTRIBUTE_TYPE least = 0;

	if (depth > ARRAY_DEPTH || want->ulValueLen != array_count(have) * sizeof(CK_ATTRIBUTE) ||
	    (want->pValue == NULL && want->ulValueLen > 0))
		return false;
	while (array_next(&w, &ours)) {
		if (!element_from(want, least, &theirs) || theirs.type != ours.type || !value_same(&ours, &theirs, depth))
			return false;
		least = theirs.type + 1;
	}
	return true;
}

bool attr_same(const CK_ATTRIBUTE *have, const CK_ATTRIBUTE *want)
{
	return have != NULL && have->type == want->type && value_same(have, want, 0);
}

static CK_RV tell(const CK_ATTRIBUTE *have, CK_ATTRIBUTE *want, int depth);

/* Into the host's array, which has room for it: its elements say where their values go. */
static CK_RV tell_elements(const CK_ATTRIBUTE *have, const CK_ATTRIBUTE *want, int depth)
{
	struct array_walk w = array_begin(have);
	uint8_t *at = want->pValue;
	CK_ATTRIBUTE ours, theirs;
	CK_RV rv = CKR_OK;

	for (; array_next(&w, &ours); at += sizeof theirs) {
		memcpy(&theirs, at, sizeof theirs);
		theirs.type = ours.type;
		CK_RV one = tell(&ours, &theirs, depth + 1);
		rv = one != CKR_OK ? one : rv;
		memcpy(at, &theirs, sizeof theirs);
	}
	return rv;
}

static CK_RV tell(const CK_ATTRIBUTE *have, CK_ATTRIBUTE *want, int depth)
{
	bool array = is_array(have->type) && depth < ARRAY_DEPTH;
	CK_ULONG len = array ? array_count(have) * sizeof(CK_ATTRIBUTE) : have->ulValueLen;
	CK_ULONG room = want->ulValueLen;

	want->ulValueLen = CK_UNAVAILABLE_INFORMATION;
	if (want->pValue != NULL && room < len)
		return CKR_BUFFER_TOO_SMALL;
	want->ulValueLen = len;
	if (want->pValue == NULL || len == 0)
		return CKR_OK;
	if (array)
		return tell_elements(have, want, depth);
	memcpy(want->pValue, have->pValue, len);
	return CKR_OK;
}

CK_RV attr_tell(const CK_ATTRIBUTE *have, CK_ATTRIBUTE *want)
{
	return tell(have, want, 0);
}
