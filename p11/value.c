/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "p11/value.h"

#include <string.h>

size_t value_read(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out,
		  size_t cap)
{
	CK_ATTRIBUTE a = {type, out, cap};
	CK_RV rv = f->C_GetAttributeValue(session, object, &a, 1);
	return rv == CKR_OK && a.ulValueLen <= cap ? a.ulValueLen : 0;
}

bool value_is_padded(const CK_UTF8CHAR *field, size_t field_len, const char *text)
{
	size_t len = strlen(text);
	if (len > field_len || memcmp(field, text, len) != 0)
		return false;
	while (len < field_len && field[len] == ' ')
		len++;
	return len == field_len;
}

void value_trim(char *out, const CK_UTF8CHAR *field, size_t field_len)
{
	while (field_len > 0 && field[field_len - 1] == ' ')
		field_len--;
	memcpy(out, field, field_len);
	out[field_len] = '\0';
}
