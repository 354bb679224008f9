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

enum attr_kind { ATTR_BOOL, ATTR_ULONG, ATTR_ULONGS /* any number of them */, ATTR_DATE, ATTR_BYTES };

/* When an application may give it for a secret key. */
enum attr_when {
	ATTR_IN_CREATE = 1,   /* C_CreateObject */
	ATTR_IN_GENERATE = 2, /* C_GenerateKey, C_DeriveKey */
	ATTR_IN_SET = 4,      /* C_SetAttributeValue */
	ATTR_IN_UNWRAP = 8,   /* C_UnwrapKey */
	ATTR_IN_COPY = 16,    /* C_CopyObject */
};

enum attr_default { ATTR_NO_DEFAULT, ATTR_FALSE, ATTR_TRUE, ATTR_EMPTY };

struct attr_row {
	CK_ATTRIBUTE_TYPE type;
	const char *name;
	enum attr_kind kind;
	unsigned when;            /* of enum attr_when */
	enum attr_default preset; /* of a secret key */
};

#define ATTR_BYTES_MAX 65536ul /* bytes of one attribute's value, but CKA_VALUE's */

/* All rows, ascending by type. */
const struct attr_row *attr_rows(size_t *count);
const struct attr_row *attr_row(CK_ATTRIBUTE_TYPE type); /* NULL if unknown */

/* Is the template well formed, each attribute known, given once, allowed then, and its value possible?
 * Returns ARGUMENTS_BAD, ATTRIBUTE_TYPE_INVALID, ATTRIBUTE_READ_ONLY, ATTRIBUTE_VALUE_INVALID,
 * TEMPLATE_INCONSISTENT (given twice). */
CK_RV attr_check(const CK_ATTRIBUTE *templ, CK_ULONG n, enum attr_when when);

/* A template's attribute, or NULL; and typed look-ups with what holds when it is absent. */
const CK_ATTRIBUTE *attr_find(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE_TYPE type);
bool attr_bool(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE_TYPE type, bool absent);
CK_ULONG attr_ulong(const CK_ATTRIBUTE *templ, CK_ULONG n, CK_ATTRIBUTE_TYPE type, CK_ULONG absent);

/* What an object has, ascending by type. */
struct attrs {
	CK_ATTRIBUTE *item; /* owned, values too */
	size_t count;
};
CK_RV attrs_set(struct attrs *a, CK_ATTRIBUTE_TYPE type, const void *bytes, CK_ULONG len); /* adds or replaces */
CK_RV attrs_set_bool(struct attrs *a, CK_ATTRIBUTE_TYPE type, bool value);
CK_RV attrs_set_ulong(struct attrs *a, CK_ATTRIBUTE_TYPE type, CK_ULONG value);
CK_RV attrs_set_text(struct attrs *a, CK_ATTRIBUTE_TYPE type, const char *text);
const CK_ATTRIBUTE *attrs_get(const struct attrs *a, CK_ATTRIBUTE_TYPE type);
bool attrs_get_bool(const struct attrs *a, CK_ATTRIBUTE_TYPE type); /* absent: false */
CK_ULONG attrs_get_ulong(const struct attrs *a, CK_ATTRIBUTE_TYPE type, CK_ULONG absent);
void attrs_drop(struct attrs *a);

#endif
