/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/attr.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/terms.h"
#include "pkcs11/attr-array.h"

#define CREATE ATTR_IN_CREATE
#define GENERATE ATTR_IN_GENERATE
#define UNWRAP ATTR_IN_UNWRAP
#define SET (ATTR_IN_SET | ATTR_IN_COPY)
#define COPY ATTR_IN_COPY
#define NEW (CREATE | GENERATE | UNWRAP)
#define K ATTR_OF_KEY
#define D ATTR_OF_DATA
#define TURNS(name, kind, of, when, preset, turn) {name, #name, ATTR_##kind, of, when, ATTR_##preset, TURN_##turn}
#define ROW(name, kind, of, when, preset) {name, #name, ATTR_##kind, of, when, ATTR_##preset, TURN_ANY}
/* The token says it of what it agreed on, and who brings a key from elsewhere of that. */
#define AGREED(name, kind) {name, #name, ATTR_##kind, K, CREATE, ATTR_NO_DEFAULT, TURN_ANY}
#define OWN(name, kind) {name, #name, ATTR_##kind, 0, 0, ATTR_NO_DEFAULT, TURN_ANY} /* the token's own objects have it */

/* PKCS#11 3.0: 4.4 (storage objects), 4.5 (data), 4.7 and 4.10 (secret keys); ascending by type, which a test holds.
 * CKA_SENSITIVE and CKA_EXTRACTABLE have defaults that depend on each other: key-new.c. */
static const struct attr_row rows[] = {
	ROW(CKA_CLASS, ULONG, K | D, NEW, NO_DEFAULT),
	ROW(CKA_TOKEN, BOOL, K | D, NEW | COPY, FALSE),
	ROW(CKA_PRIVATE, BOOL, K | D, NEW | COPY, NO_DEFAULT),
	ROW(CKA_LABEL, BYTES, K | D, NEW | SET, EMPTY),
	ROW(CKA_UNIQUE_ID, BYTES, K | D, 0, NO_DEFAULT),
	ROW(CKA_APPLICATION, BYTES, D, NEW, EMPTY),
	ROW(CKA_VALUE, BYTES, K | D, CREATE, NO_DEFAULT),
	ROW(CKA_OBJECT_ID, BYTES, D, NEW, EMPTY),
	TURNS(CKA_TRUSTED, BOOL, K, NEW | SET, FALSE, BY_SO),
	TURNS(CKA_CHECK_VALUE, BYTES, K, NEW | SET, NO_DEFAULT, EMPTY),
	ROW(CKA_KEY_TYPE, ULONG, K, NEW, NO_DEFAULT),
	ROW(CKA_ID, BYTES, K, NEW | SET, EMPTY),
	TURNS(CKA_SENSITIVE, BOOL, K, NEW | SET, NO_DEFAULT, ON),
	TURNS(CKA_ENCRYPT, BOOL, K, NEW | SET, FALSE, VERB),
	TURNS(CKA_DECRYPT, BOOL, K, NEW | SET, FALSE, VERB),
	TURNS(CKA_WRAP, BOOL, K, NEW | SET, FALSE, VERB),
	TURNS(CKA_UNWRAP, BOOL, K, NEW | SET, FALSE, VERB),
	TURNS(CKA_SIGN, BOOL, K, NEW | SET, FALSE, VERB),
	TURNS(CKA_VERIFY, BOOL, K, NEW | SET, FALSE, VERB),
	TURNS(CKA_DERIVE, BOOL, K, NEW | SET, FALSE, VERB),
	ROW(CKA_START_DATE, DATE, K, NEW | SET, EMPTY),
	ROW(CKA_END_DATE, DATE, K, NEW | SET, EMPTY),
	ROW(CKA_VALUE_LEN, ULONG, K, GENERATE | UNWRAP, NO_DEFAULT),
	TURNS(CKA_EXTRACTABLE, BOOL, K, NEW | SET, FALSE, OFF),
	ROW(CKA_LOCAL, BOOL, K, 0, FALSE),
	ROW(CKA_NEVER_EXTRACTABLE, BOOL, K, 0, FALSE),
	ROW(CKA_ALWAYS_SENSITIVE, BOOL, K, 0, FALSE),
	ROW(CKA_KEY_GEN_MECHANISM, ULONG, K, 0, NO_DEFAULT),
	ROW(CKA_MODIFIABLE, BOOL, K | D, NEW | COPY, TRUE),
	TURNS(CKA_COPYABLE, BOOL, K | D, NEW | SET, TRUE, OFF),
	ROW(CKA_DESTROYABLE, BOOL, K | D, NEW | COPY, TRUE),
	OWN(CKA_EC_PARAMS, BYTES),
	OWN(CKA_EC_POINT, BYTES),
	OWN(CKA_ALWAYS_AUTHENTICATE, BOOL),
	TURNS(CKA_WRAP_WITH_TRUSTED, BOOL, K, NEW | SET, FALSE, ON),
	OWN(CKA_PROFILE_ID, ULONG),
	ROW(CKA_WRAP_TEMPLATE, ARRAY, K, NEW, EMPTY),
	ROW(CKA_UNWRAP_TEMPLATE, ARRAY, K, NEW, EMPTY),
	ROW(CKA_DERIVE_TEMPLATE, ARRAY, K, NEW, EMPTY),
	ROW(CKA_ALLOWED_MECHANISMS, ULONGS, K, NEW, EMPTY),
	AGREED(CKA_DSKE_PEER, ID),
	AGREED(CKA_DSKE_PEER_NAME, BYTES),
	AGREED(CKA_DSKE_INITIATOR, ID),
	AGREED(CKA_DSKE_N, ULONG),
	AGREED(CKA_DSKE_K, ULONG),
	AGREED(CKA_DSKE_SCHEME, ULONG),
	AGREED(CKA_DSKE_HUBS, BYTES),
	AGREED(CKA_DSKE_KEY_ID, ID),
	OWN(CKA_DSKE_OTP_SEND_LEFT, ULONG),
	OWN(CKA_DSKE_OTP_RECEIVE_LEFT, ULONG),
	OWN(CKA_DSKE_OTP_RECEIVED, BYTES),
	OWN(CKA_DSKE_OTP_FORGED, ULONG),
	OWN(CKA_DSKE_JOINED, BOOL),
	AGREED(CKA_DSKE_CONFIRMED, BOOL),
	ROW(CKA_DSKE_OTP_SEND_AHEAD, ULONG, K, GENERATE | UNWRAP | SET, NO_DEFAULT),
	ROW(CKA_DSKE_OTP_RECEIVE_AHEAD, ULONG, K, GENERATE | UNWRAP | SET, NO_DEFAULT),
	OWN(CKA_DSKE_OTP_CHANGES, ULONG),
	OWN(CKA_DSKE_MADE, ULONG),
	OWN(CKA_DSKE_HUB, BYTES),
	OWN(CKA_DSKE_TABLE, BYTES),
	OWN(CKA_DSKE_UP_LEFT, ULONG),
	OWN(CKA_DSKE_DOWN_LEFT, ULONG),
	OWN(CKA_DSKE_STATE, BYTES),
	OWN(CKA_DSKE_UP_SIZE, ULONG),
	OWN(CKA_DSKE_DOWN_SIZE, ULONG),
	OWN(CKA_DSKE_LASTS_S, ULONG),
	OWN(CKA_DSKE_LOW, BOOL),
	OWN(CKA_DSKE_CLONE_ALARMS, ULONG),
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

static CK_ULONG longest(const struct attr_row *row)
{
	return row->type == CKA_VALUE ? KEY_HELD_MAX : ATTR_BYTES_MAX;
}

bool attr_value_possible(const struct attr_row *row, const CK_ATTRIBUTE *a)
{
	if (a->pValue == NULL && a->ulValueLen != 0)
		return false;
	switch (row->kind) {
	case ATTR_BOOL:
		return a->ulValueLen == sizeof(CK_BBOOL) && *(const CK_BBOOL *)a->pValue <= CK_TRUE;
	case ATTR_ULONG:
		return a->ulValueLen == sizeof(CK_ULONG);
	case ATTR_ULONGS:
		return a->ulValueLen % sizeof(CK_ULONG) == 0 && a->ulValueLen <= ATTR_BYTES_MAX;
	case ATTR_ID:
		return a->ulValueLen == ID_LEN;
	case ATTR_DATE:
		return a->ulValueLen == 0 || a->ulValueLen == sizeof(CK_DATE);
	case ATTR_BYTES:
		return a->ulValueLen <= longest(row);
	case ATTR_ARRAY:
		return array_possible(a, 0);
	}
	return false;
}

CK_RV attr_check(const CK_ATTRIBUTE *templ, CK_ULONG n, enum attr_of of, enum attr_when when)
{
	if (templ == NULL && n != 0)
		return CKR_ARGUMENTS_BAD;
	for (CK_ULONG i = 0; i < n; i++) {
		const struct attr_row *row = attr_row(templ[i].type);
		if (row == NULL || (row->of != 0 && (row->of & of) == 0))
			return CKR_ATTRIBUTE_TYPE_INVALID;
		if ((row->when & when) == 0)
			return CKR_ATTRIBUTE_READ_ONLY;
		if (!attr_value_possible(row, &templ[i]))
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

/* Values come from the host's memory, aligned or not, and may not have been checked yet. */
static bool bool_of(const CK_ATTRIBUTE *a, bool absent)
{
	return a != NULL && a->pValue != NULL && a->ulValueLen == sizeof(CK_BBOOL) ? *(const CK_BBOOL *)a->pValue != CK_FALSE : absent;
}

static CK_ULONG ulong_of(const CK_ATTRIBUTE *a, CK_ULONG absent)
{
	CK_ULONG v = absent;

	if (a != NULL && a->pValue != NULL && a->ulValueLen == sizeof v)
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

/* ---- an object's list ----------------------------------------------------------------------------------------- */

/* A stored object's attributes come at once, and go at once. */
struct attrs_block {
	size_t items; /* it has room for, first of all */
	unsigned char *at, *end; /* of the room for values */
	CK_ATTRIBUTE item[];
};

#define VALUE_ALIGN sizeof(CK_ULONG)

static size_t value_room(size_t len)
{
	return (len + VALUE_ALIGN - 1) / VALUE_ALIGN * VALUE_ALIGN;
}

CK_RV attrs_reserve(struct attrs *a, size_t count, size_t bytes)
{
	size_t items_len = count * sizeof(CK_ATTRIBUTE), values_len = bytes + count * VALUE_ALIGN;
	struct attrs_block *b = malloc(sizeof *b + items_len + values_len);

	if (b == NULL)
		return CKR_HOST_MEMORY;
	b->items = count;
	b->at = (unsigned char *)b->item + items_len;
	b->end = b->at + values_len;
	a->block = b;
	a->item = b->item;
	return CKR_OK;
}

static bool in_block(const struct attrs *a, const void *p)
{
	uintptr_t at = (uintptr_t)p;

	return a->block != NULL && at >= (uintptr_t)a->block && at < (uintptr_t)a->block->end;
}

static void *value_new(struct attrs *a, size_t len)
{
	struct attrs_block *b = a->block;

	if (b == NULL || len == 0 || (size_t)(b->end - b->at) < value_room(len))
		return malloc(len > 0 ? len : 1);
	b->at += value_room(len);
	return b->at - value_room(len);
}

static void value_free(const struct attrs *a, void *value)
{
	if (!in_block(a, value))
		free(value);
}

/* Room for one more. */
static CK_ATTRIBUTE *items_grow(struct attrs *a)
{
	bool shared = in_block(a, a->item);

	if (shared && a->count < a->block->items)
		return a->item;
	CK_ATTRIBUTE *grown = reallocarray(shared ? NULL : a->item, a->count + 1, sizeof *grown);
	if (grown != NULL && shared)
		memcpy(grown, a->item, a->count * sizeof *grown);
	return grown;
}

/* A place for a new one, in order; NULL: no memory. */
static CK_ATTRIBUTE *attrs_insert(struct attrs *a, CK_ATTRIBUTE_TYPE type)
{
	CK_ATTRIBUTE *grown = items_grow(a);
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

/* NULL: it is not there; quick where it comes behind all others. */
static CK_ATTRIBUTE *attrs_own(const struct attrs *a, CK_ATTRIBUTE_TYPE type)
{
	bool last = a->count == 0 || a->item[a->count - 1].type < type;

	return last ? NULL : (CK_ATTRIBUTE *)attrs_get(a, type);
}

CK_RV attrs_set(struct attrs *a, CK_ATTRIBUTE_TYPE type, const void *bytes, CK_ULONG len)
{
	void *copy = value_new(a, len);

	if (copy == NULL)
		return CKR_HOST_MEMORY;
	if (len > 0)
		memcpy(copy, bytes, len);
	CK_ATTRIBUTE *at = attrs_own(a, type);
	if (at == NULL)
		at = attrs_insert(a, type);
	if (at == NULL) {
		value_free(a, copy);
		return CKR_HOST_MEMORY;
	}
	value_free(a, at->pValue);
	at->pValue = copy;
	at->ulValueLen = len;
	return CKR_OK;
}

CK_RV attrs_take(struct attrs *a, const CK_ATTRIBUTE *from)
{
	const struct attr_row *row = attr_row(from->type);

	if (row != NULL && row->kind == ATTR_ARRAY)
		return array_take(a, from);
	return attrs_set(a, from->type, from->pValue, from->ulValueLen);
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

CK_RV attrs_copy(struct attrs *to, const struct attrs *from)
{
	for (size_t i = 0; i < from->count; i++)
		TRY_RV(attrs_set(to, from->item[i].type, from->item[i].pValue, from->item[i].ulValueLen));
	return CKR_OK;
}

/* Whoever could let a trusted key decrypt would read what it wrapped. */
static bool may_turn_bool(const struct attrs *a, enum attr_turn turn, bool was, bool is, bool by_so)
{
	switch (turn) {
	case TURN_ON:
		return is || !was;
	case TURN_OFF:
		return was || !is;
	case TURN_BY_SO:
		return was == is || by_so;
	case TURN_VERB:
		return was || !is || by_so || !attrs_get_bool(a, CKA_TRUSTED);
	default:
		return true;
	}
}

CK_RV attrs_may_turn(const struct attrs *a, const CK_ATTRIBUTE *to, bool by_so)
{
	const struct attr_row *row = attr_row(to->type);

	if (row == NULL || !may_turn_bool(a, row->turn, attrs_get_bool(a, to->type), bool_of(to, false), by_so))
		return CKR_ATTRIBUTE_READ_ONLY;
	return row->turn == TURN_EMPTY && to->ulValueLen > 0 ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_OK;
}

void attrs_drop(struct attrs *a)
{
	for (size_t i = 0; i < a->count; i++)
		value_free(a, a->item[i].pValue);
	if (!in_block(a, a->item))
		free(a->item);
	free(a->block);
	*a = (struct attrs){0};
}
