/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/attr.h"

#include <stdlib.h>
#include <string.h>

#include "core/terms.h"

#define CREATE ATTR_IN_CREATE
#define GENERATE ATTR_IN_GENERATE
#define UNWRAP ATTR_IN_UNWRAP
#define SET ATTR_IN_SET
#define COPY ATTR_IN_COPY
#define NEW (CREATE | GENERATE | UNWRAP)
#define ROW(name, kind, when, preset) {name, #name, ATTR_##kind, when, ATTR_##preset}

/* PKCS#11 2.40, 4.4, 4.7.2, 4.10.1; ascending by type, which a test holds. */
static const struct attr_row rows[] = {
	ROW(CKA_CLASS, ULONG, NEW, NO_DEFAULT),
	ROW(CKA_TOKEN, BOOL, NEW, FALSE),
	ROW(CKA_PRIVATE, BOOL, NEW, NO_DEFAULT),
	ROW(CKA_LABEL, BYTES, NEW | SET, EMPTY),
	ROW(CKA_VALUE, BYTES, CREATE, NO_DEFAULT),
	ROW(CKA_CHECK_VALUE, BYTES, CREATE | UNWRAP, NO_DEFAULT),
	ROW(CKA_KEY_TYPE, ULONG, NEW, NO_DEFAULT),
	ROW(CKA_ID, BYTES, NEW | SET, EMPTY),
	ROW(CKA_SENSITIVE, BOOL, NEW | SET, NO_DEFAULT),
	ROW(CKA_ENCRYPT, BOOL, NEW | SET, FALSE),
	ROW(CKA_DECRYPT, BOOL, NEW | SET, FALSE),
	ROW(CKA_WRAP, BOOL, NEW | SET, FALSE),
	ROW(CKA_UNWRAP, BOOL, NEW | SET, FALSE),
	ROW(CKA_SIGN, BOOL, NEW | SET, FALSE),
	ROW(CKA_VERIFY, BOOL, NEW | SET, FALSE),
	ROW(CKA_DERIVE, BOOL, NEW | SET, FALSE),
	ROW(CKA_START_DATE, DATE, NEW | SET, EMPTY),
	ROW(CKA_END_DATE, DATE, NEW | SET, EMPTY),
	ROW(CKA_VALUE_LEN, ULONG, NEW, NO_DEFAULT),
	ROW(CKA_EXTRACTABLE, BOOL, NEW | SET, FALSE),
	ROW(CKA_LOCAL, BOOL, 0, FALSE),
	ROW(CKA_NEVER_EXTRACTABLE, BOOL, 0, FALSE),
	ROW(CKA_ALWAYS_SENSITIVE, BOOL, 0, FALSE),
	ROW(CKA_KEY_GEN_MECHANISM, ULONG, 0, NO_DEFAULT),
	ROW(CKA_MODIFIABLE, BOOL, NEW, TRUE),
	ROW(CKA_COPYABLE, BOOL, NEW, FALSE),
	ROW(CKA_DESTROYABLE, BOOL, NEW, TRUE),
	ROW(CKA_EC_PARAMS, BYTES, 0, NO_DEFAULT),
	ROW(CKA_EC_POINT, BYTES, 0, NO_DEFAULT),
	ROW(CKA_ALWAYS_AUTHENTICATE, BOOL, 0, NO_DEFAULT),
	ROW(CKA_WRAP_WITH_TRUSTED, BOOL, NEW | SET, FALSE),
	ROW(CKA_ALLOWED_MECHANISMS, ULONGS, NEW | SET, EMPTY),
	ROW(CKA_DSKE_PEER, BYTES, 0, NO_DEFAULT),
	ROW(CKA_DSKE_PEER_NAME, BYTES, 0, NO_DEFAULT),
	ROW(CKA_DSKE_INITIATOR, BYTES, 0, NO_DEFAULT),
	ROW(CKA_DSKE_N, ULONG, 0, NO_DEFAULT),
	ROW(CKA_DSKE_K, ULONG, 0, NO_DEFAULT),
	ROW(CKA_DSKE_SCHEME, ULONG, 0, NO_DEFAULT),
	ROW(CKA_DSKE_HUBS, BYTES, 0, NO_DEFAULT),
	ROW(CKA_DSKE_HUB, BYTES, 0, NO_DEFAULT),
	ROW(CKA_DSKE_TABLE, BYTES, 0, NO_DEFAULT),
	ROW(CKA_DSKE_UP_LEFT, ULONG, 0, NO_DEFAULT),
	ROW(CKA_DSKE_DOWN_LEFT, ULONG, 0, NO_DEFAULT),
	ROW(CKA_DSKE_STATE, BYTES, 0, NO_DEFAULT),
	ROW(CKA_DSKE_UP_SIZE, ULONG, 0, NO_DEFAULT),
	ROW(CKA_DSKE_DOWN_SIZE, ULONG, 0, NO_DEFAULT),
	ROW(CKA_DSKE_LASTS_S, ULONG, 0, NO_DEFAULT),
	ROW(CKA_DSKE_LOW, BOOL, 0, NO_DEFAULT),
	ROW(CKA_DSKE_CLONE_ALARMS, ULONG, 0, NO_DEFAULT),
};

const struct attr_row *attr_rows(size_t *count)
{
	*count = sizeof rows / sizeof rows[0];
	return rows;
}

static int compare_type(const void *key, const void *element)
{
	CK_ATTRIBUTE_TYPE type = *(const CK_ATTRIBUTE_TYPE *)key;
	CK_ATTRIBUTE_TYPE other = *(const CK_ATTRIBUTE_TYPE *)element;

	return type < other ? -1 : type > other;
}

const struct attr_row *attr_row(CK_ATTRIBUTE_TYPE type)
{
	return bsearch(&type, rows, sizeof rows / sizeof rows[0], sizeof rows[0], compare_type);
}

/* Could this be a value of that kind? */
static bool value_possible(const struct attr_row *row, const CK_ATTRIBUTE *a)
{
	if (a->pValue == NULL && a->ulValueLen != 0)
		return false;
	switch (row->kind) {
	case ATTR_BOOL:
		return a->ulValueLen == sizeof(CK_BBOOL) && *(const CK_BBOOL *)a->pValue <= CK_TRUE;
	case ATTR_ULONG:
		return a->ulValueLen == sizeof(CK_ULONG);
	case ATTR_DATE:
		return a->ulValueLen == 0 || a->ulValueLen == sizeof(CK_DATE);
	case ATTR_ULONGS:
		return a->ulValueLen % sizeof(CK_ULONG) == 0 && a->ulValueLen <= ATTR_BYTES_MAX;
	case ATTR_BYTES:
		return a->ulValueLen <= (row->type == CKA_VALUE ? KEY_HELD_MAX : ATTR_BYTES_MAX);
	}
	return false;
}

CK_RV attr_check(const CK_ATTRIBUTE *templ, CK_ULONG n, enum attr_when when)
{
	if (templ == NULL && n != 0)
		return CKR_ARGUMENTS_BAD;
	for (CK_ULONG i = 0; i < n; i++) {
		const struct attr_row *row = attr_row(templ[i].type);
		if (row == NULL)
			return CKR_ATTRIBUTE_TYPE_INVALID;
		if ((row->when & when) == 0)
			return CKR_ATTRIBUTE_READ_ONLY;
		if (!value_possible(row, &templ[i]))
			return CKR_ATTRIBUTE_VALUE_INVALID;
		if (attr_find(templ, i, templ[i].type) != NULL)
			return CKR_TEMPLATE_INCONSISTENT;
	}
	return CKR_OK;
}

const CK_ATTRIBUTE *attr_find(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE_TYPE type)
{
	for (CK_ULONG i = 0; i < n; i++) {
		if (templ[i].type == type)
			return &templ[i];
	}
	return NULL;
}

/* Values come from the host's memory, aligned or not. */
static bool bool_of(const CK_ATTRIBUTE *a, bool absent)
{
	return a != NULL && a->ulValueLen == sizeof(CK_BBOOL) ? *(const CK_BBOOL *)a->pValue != CK_FALSE : absent;
}

static CK_ULONG ulong_of(const CK_ATTRIBUTE *a, CK_ULONG absent)
{
	CK_ULONG v = absent;

	if (a != NULL && a->ulValueLen == sizeof v)
		memcpy(&v, a->pValue, sizeof v);
	return v;
}

bool attr_bool(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE_TYPE type, bool absent)
{
	return bool_of(attr_find(templ, n, type), absent);
}

CK_ULONG attr_ulong(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE_TYPE type, CK_ULONG absent)
{
	return ulong_of(attr_find(templ, n, type), absent);
}

/* A place for a new one, in order; NULL: no memory. */
static CK_ATTRIBUTE *attrs_insert(struct attrs *a, CK_ATTRIBUTE_TYPE type)
{
	CK_ATTRIBUTE *grown = reallocarray(a->item, a->count + 1, sizeof *grown);
	size_t at = a->count;

	if (grown == NULL)
		return NULL;
	a->item = grown;
	while (at > 0 && grown[at - 1].type > type)
		at--;
	memmove(&grown[at + 1], &grown[at], (a->count - at) * sizeof *grown);
	a->count++;
	grown[at] = (CK_ATTRIBUTE){.type = type};
	return &grown[at];
}

CK_RV attrs_set(struct attrs *a, CK_ATTRIBUTE_TYPE type, const void *bytes, CK_ULONG len)
{
	void *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		return CKR_HOST_MEMORY;
	if (len > 0)
		memcpy(copy, bytes, len);
	CK_ATTRIBUTE *at = (CK_ATTRIBUTE *)attrs_get(a, type);
	if (at == NULL)
		at = attrs_insert(a, type);
	if (at == NULL) {
		free(copy);
		return CKR_HOST_MEMORY;
	}
	free(at->pValue);
	at->pValue = copy;
	at->ulValueLen = len;
	return CKR_OK;
}

CK_RV attrs_set_bool(struct attrs *a, CK_ATTRIBUTE_TYPE type, bool value)
{
	CK_BBOOL v = value ? CK_TRUE : CK_FALSE;

	return attrs_set(a, type, &v, sizeof v);
}

CK_RV attrs_set_ulong(struct attrs *a, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
	return attrs_set(a, type, &value, sizeof value);
}

CK_RV attrs_set_text(struct attrs *a, CK_ATTRIBUTE_TYPE type, const char *text)
{
	return attrs_set(a, type, text, strlen(text));
}

const CK_ATTRIBUTE *attrs_get(const struct attrs *a, CK_ATTRIBUTE_TYPE type)
{
	/* Their type is the first member of rows and of attributes, so that one comparison serves both. */
	return a->count > 0 ? bsearch(&type, a->item, a->count, sizeof a->item[0], compare_type) : NULL;
}

bool attrs_get_bool(const struct attrs *a, CK_ATTRIBUTE_TYPE type)
{
	return bool_of(attrs_get(a, type), false);
}

CK_ULONG attrs_get_ulong(const struct attrs *a, CK_ATTRIBUTE_TYPE type, CK_ULONG absent)
{
	return ulong_of(attrs_get(a, type), absent);
}

void attrs_drop(struct attrs *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->item[i].pValue);
	free(a->item);
	*a = (struct attrs){0};
}
