/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/attr-array.h - attributes whose value is an array of attributes (CKA_WRAP_TEMPLATE and its like).  The host's
 * is an array of pointers into its memory.  An object's is packed: for each attribute its type (8 bytes), its length (4)
 * and its value, ascending by type, integers big-endian; a value that is an array is packed in the same way.  So it is
 * compared as bytes, and kept in the store as it is.
 */
#ifndef DSKE_PKCS11_ATTR_ARRAY_H
#define DSKE_PKCS11_ATTR_ARRAY_H

#include <stdint.h>

#include "base/buf.h"
#include "pkcs11/attr.h"

#define ARRAY_DEPTH 4  /* arrays in arrays: no more levels than these */
#define ARRAY_MAX 128  /* attributes of one array */
#define ARRAY_HEAD 12  /* bytes before a packed value */

/* Appends one attribute. */
void array_put(struct buf *b, CK_ATTRIBUTE_TYPE type, const void *bytes, size_t len);

/* Is a host's array, with what it points to, one that can be kept?  No type twice, each known, each value possible. */
bool array_possible(const CK_ATTRIBUTE *a, int depth);

/* Sets one in an object's list, from a host's that array_possible() has seen.  HOST_MEMORY, ATTRIBUTE_VALUE_INVALID (it
 * is longer than ATTR_BYTES_MAX when packed). */
CK_RV array_take(struct attrs *a, const CK_ATTRIBUTE *from);

/* Goes through a packed one: fills *one, whose value is borrowed (and packed, if it is an array); false at the end. */
struct array_walk {
	const uint8_t *at, *end;
};
struct array_walk array_begin(const CK_ATTRIBUTE *packed); /* NULL: an empty one */
bool array_next(struct array_walk *w, CK_ATTRIBUTE *one);

/* Is the host's value the same as an object's, of whichever kind it is? */
bool attr_same(const CK_ATTRIBUTE *have, const CK_ATTRIBUTE *want);

/* Answers C_GetAttributeValue for any attribute that may be told: a length where there is no buffer, an array's elements
 * each by the same rule (PKCS#11 3.0, 5.7.5).  BUFFER_TOO_SMALL. */
CK_RV attr_tell(const CK_ATTRIBUTE *have, CK_ATTRIBUTE *want);

#endif
