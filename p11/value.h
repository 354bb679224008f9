/* SPDX-License-Identifier: Apache-2.0 */
/* p11/value.h - values of PKCS#11: attributes, and texts that are filled up with blanks. */
#ifndef DSKE_P11_VALUE_H
#define DSKE_P11_VALUE_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stddef.h>

/* One attribute of at most cap bytes.  How many it has; 0: it is not there, cannot be read, or is longer. */
size_t value_read(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out,
		  size_t cap);

/* Does the field of that many bytes say this, and nothing more but blanks? */
bool value_is_padded(const CK_UTF8CHAR *field, size_t field_len, const char *text);

/* Without the blanks at its end, as a string; out has field_len + 1 bytes. */
void value_trim(char *out, const CK_UTF8CHAR *field, size_t field_len);

#endif
