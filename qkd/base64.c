/* SPDX-License-Identifier: Apache-2.0 */
/* qkd/base64.c - four characters to three bytes by arithmetic, without a table that a secret would address. */
#include "config.h"

#include "qkd/base64.h"

/* All ones where from <= c <= to, else zero.  The differences are negative there, so their top bits are set. */
static uint32_t within(uint32_t c, uint32_t from, uint32_t to)
{
	return 0u - (((from - 1 - c) & (c - to - 1)) >> 31);
}

/* A character's six bits; *bad becomes nonzero where it has none. */
static uint32_t sextet(uint8_t character, uint32_t *bad)
{
	uint32_t c = character;
	uint32_t upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z'), digit = within(c, '0', '9');
	uint32_t plus = within(c, '+', '+'), slash = within(c, '/', '/');

	*bad |= ~(upper | lower | digit | plus | slash);
	return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (plus & 62) | (slash & 63);
}

/* The last one or two bytes of a text; where the padding stands follows from the length. */
static void decode_rest(uint8_t *out, size_t rest, const uint8_t *text, uint32_t *bad)
{
	uint32_t v = sextet(text[0], bad) << 18 | sextet(text[1], bad) << 12;

	if (rest == 2)
		v |= sextet(text[2], bad) << 6;
	else
		*bad |= text[2] ^ (uint32_t)'=';
	*bad |= text[3] ^ (uint32_t)'=';
	out[0] = (uint8_t)(v >> 16);
	if (rest == 2)
		out[1] = (uint8_t)(v >> 8);
	*bad |= v & (rest == 2 ? 0xFFu : 0xFFFFu);
}

bool base64_decode(uint8_t *out, size_t len, const uint8_t *text, size_t text_len)
{
	uint32_t bad = 0;

	if (text_len != BASE64_LEN(len))
		return false;
	for (; len >= 3; len -= 3, out += 3, text += 4) {
		uint32_t v = sextet(text[0], &bad) << 18 | sextet(text[1], &bad) << 12 | sextet(text[2], &bad) << 6 |
			     sextet(text[3], &bad);

		out[0] = (uint8_t)(v >> 16);
		out[1] = (uint8_t)(v >> 8);
		out[2] = (uint8_t)v;
	}
	if (len > 0)
		decode_rest(out, len, text, &bad);
	return bad == 0;
}
