/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/attr.h - attributes: the table that says what each one is, and a list of them as an object
 * keeps it.  The value of a key is not among them: it is a struct secret beside the list.
 */
#ifndef DSKE_PKCS11_ATTR_H
#define DSKE_PKCS11_ATTR_H

#include <stdbool.h>
#include <stddef.h>

#include "pkcs11/rv.h"

enum attr_kind {
	ATTR_BOOL,
	ATTR_ULONG,
	ATTR_ULONGS, /* any number of them */
	ATTR_DATE,
	ATTR_ID, /* of a client or a key: 16 bytes */
	ATTR_BYTES,
	ATTR_ARRAY, /* of attributes: an object keeps it packed (attr-array.h) */
};

/* What objects of the application have it; others are the token's own. */
enum attr_of { ATTR_OF_KEY = 1, ATTR_OF_DATA = 2 };

/* When an application may give it. */
enum attr_when {
	ATTR_IN_CREATE = 1,   /* C_CreateObject */
	ATTR_IN_GENERATE = 2, /* C_GenerateKey, C_DeriveKey */
	ATTR_IN_SET = 4,      /* C_SetAttributeValue */
	ATTR_IN_UNWRAP = 8,   /* C_UnwrapKey */
	ATTR_IN_COPY = 16,    /* C_CopyObject */
};

enum attr_default { ATTR_NO_DEFAULT, ATTR_FALSE, ATTR_TRUE, ATTR_EMPTY };

/* Which way it may be changed (PKCS#11 3.0, table 10, footnotes 10 to 12). */
enum attr_turn {
	TURN_ANY,
	TURN_ON,    /* once true it stays so */
	TURN_OFF,   /* once false it stays so */
	TURN_BY_SO, /* nobody else changes it */
	TURN_VERB,  /* of a key with CKA_TRUSTED only the SO makes it true */
	TURN_EMPTY, /* it can be taken away */
};

struct attr_row {
	CK_ATTRIBUTE_TYPE type;
	const char *name;
	enum attr_kind kind;
	unsigned of;              /* of enum attr_of */
	unsigned when;            /* of enum attr_when */
	enum attr_default preset;
	enum attr_turn turn;
};

#define ATTR_BYTES_MAX 65536ul /* bytes of one attribute's value, but CKA_VALUE's */

/* All rows, ascending by type. */
const struct attr_row *attr_rows(size_t *count);
const struct attr_row *attr_row(CK_ATTRIBUTE_TYPE type); /* NULL if unknown */

/* Is the template well formed, each attribute known and one of such an object, given once, allowed then, and its value
 * possible?  Returns ARGUMENTS_BAD, ATTRIBUTE_TYPE_INVALID, ATTRIBUTE_READ_ONLY, ATTRIBUTE_VALUE_INVALID,
 * TEMPLATE_INCONSISTENT (given twice). */
CK_RV attr_check(const CK_ATTRIBUTE *templ, CK_ULONG n, enum attr_of of, enum attr_when when);

/* Could it have such a value?  Arrays of attributes are looked through. */
bool attr_value_possible(const struct attr_row *row, const CK_ATTRIBUTE *a);


/* A template's attribute, or NULL; and typed look-ups with what holds when it is absent. */
const CK_ATTRIBUTE *attr_find(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE_TYPE type);
bool attr_bool(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE_TYPE type, bool absent);
CK_ULONG attr_ulong(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE_TYPE type, CK_ULONG absent);

/* What an object has, ascending by type. */
struct attrs {
	CK_ATTRIBUTE *item; /* owned, values too */
	size_t count;
	struct attrs_block *block; /* owned; holds items and values, as many as there was room for in it */
};
/* Of a list that is empty: room for so many attributes, of so many bytes in all, had at once. */
CK_RV attrs_reserve(struct attrs *a, size_t count, size_t bytes);
CK_RV attrs_set(struct attrs *a, CK_ATTRIBUTE_TYPE type, const void *bytes, CK_ULONG len); /* adds or replaces */
CK_RV attrs_take(struct attrs *a, const CK_ATTRIBUTE *from); /* the host's; a checked one, so that arrays are packed */
CK_RV attrs_set_bool(struct attrs *a, CK_ATTRIBUTE_TYPE type, bool value);
CK_RV attrs_set_ulong(struct attrs *a, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
CK_RV attrs_set_text(struct attrs *a, CK_ATTRIBUTE_TYPE type, const char *text);
const CK_ATTRIBUTE *attrs_get(const struct attrs *a, CK_ATTRIBUTE_TYPE type);
bool attrs_get_bool(const struct attrs *a, CK_ATTRIBUTE_TYPE type); /* absent: false */
CK_ULONG attrs_get_ulong(const struct attrs *a, CK_ATTRIBUTE_TYPE type, CK_ULONG absent);
/* May one of them be changed so?  ATTRIBUTE_READ_ONLY, ATTRIBUTE_VALUE_INVALID. */
CK_RV attrs_may_turn(const struct attrs *a, const CK_ATTRIBUTE *to, bool by_so);
CK_RV attrs_copy(struct attrs *to, const struct attrs *from); /* *to is empty */
void attrs_drop(struct attrs *a);

#endif
