/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include <string.h>

#include "base/secret.h"

bool id_equal(const struct id *a, const struct id *b)
{
	return memcmp(a->b, b->b, ID_LEN) == 0;
}

int id_compare(const struct id *a, const struct id *b)
{
	return memcmp(a->b, b->b, ID_LEN);
}

bool id_is_zero(const struct id *a)
{
	static const struct id zero;

	return id_equal(a, &zero);
}

dske_rc id_random(struct id *id)
{
	return random_fill(id->b, ID_LEN);
}

const char *id_hex(const struct id *id, char out[ID_HEX_LEN])
{
	hex_encode(out, id->b, ID_LEN);
	return out;
}

dske_rc id_parse(struct id *id, const char *text)
{
	struct id parsed;

	if (!rc_ok(hex_decode(parsed.b, ID_LEN, text)))
		return FAIL(FORMAT, "'%.64s' is not an ID: it must be %d hexadecimal digits", text, 2 * ID_LEN);
	*id = parsed;
	return DSKE_OK;
}

void hex_encode(char *out, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[b[i] >> 4];
		out[2 * i + 1] = digits[b[i] & 15];
	}
	out[2 * len] = '\0';
}

/* The value of a hexadecimal digit, or -1. */
static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

dske_rc hex_decode(void *out, size_t len, const char *text)
{
	uint8_t *b = out;

	/* A zero byte is no digit, so a short text ends the loop before anything beyond it is read. */
	for (size_t i = 0; i < len; i++) {
		int high = digit_value(text[2 * i]);
		int low = high < 0 ? -1 : digit_value(text[2 * i + 1]);
		if (low < 0)
			return FAIL(FORMAT, "not hexadecimal text of %zu digits", 2 * len);
		b[i] = (uint8_t)(high << 4 | low);
	}
	if (text[2 * len] != '\0')
		return FAIL(FORMAT, "hexadecimal text longer than %zu digits", 2 * len);
	return DSKE_OK;
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool name_check(const char *name)
{
	size_t len = 0;

	if (!is_alnum(name[0]))
		return false;
	for (; name[len] != '\0'; len++) {
		if (len == NAME_MAX_LEN || !(is_alnum(name[len]) || strchr("._-", name[len]) != NULL))
			return false;
	}
	return true;
}
