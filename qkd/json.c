/* SPDX-License-Identifier: Apache-2.0 */
/* qkd/json.c - one token after the other, each checked before it is passed. */
#include "config.h"

#include "qkd/json.h"

#include <string.h>

void json_begin(struct json *j, uint8_t *bytes, size_t len)
{
	*j = (struct json){.at = bytes, .end = bytes + len, .start = bytes};
}

static bool fault(struct json *j, const char *what)
{
	if (j->fault == NULL)
		j->fault = what;
	return false;
}

static void skip_blank(struct json *j)
{
	while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r'))
		j->at++;
}

/* The next byte that is not blank, not taken; 0 at the end (where a zero byte is no JSON either). */
static uint8_t look(struct json *j)
{
	if (j->fault != NULL)
		return 0;
	skip_blank(j);
	return j->at < j->end ? *j->at : 0;
}

static bool take(struct json *j, char wanted, const char *otherwise)
{
	if (look(j) != (uint8_t)wanted)
		return fault(j, otherwise);
	j->at++;
	return true;
}

/* ---- structure ------------------------------------------------------------------------------------ */

bool json_enter(struct json *j, char bracket)
{
	if (!take(j, bracket, bracket == '{' ? "an object is missing" : "an array is missing"))
		return false;
	if (++j->depth > JSON_DEPTH_MAX)
		return fault(j, "nested too deeply");
	j->fresh = true;
	return true;
}

/* Another item, or the closing bracket?  Passes the comma, or the bracket. */
static bool another(struct json *j, char closing)
{
	bool first = j->fresh;

	if (j->fault != NULL)
		return false;
	j->fresh = false;
	if (look(j) == (uint8_t)closing) {
		j->at++;
		j->depth--;
		return false;
	}
	return first || take(j, ',', "a comma or a closing bracket is missing");
}

bool json_element(struct json *j)
{
	return another(j, ']');
}

bool json_member(struct json *j, struct json_text *name)
{
	return another(j, '}') && json_text(j, name) && take(j, ':', "a colon is missing");
}

bool json_end(struct json *j)
{
	if (j->fault == NULL && (look(j) != 0 || j->at < j->end))
		return fault(j, "something follows the value");
	return j->fault == NULL;
}

/* ---- strings -------------------------------------------------------------------------------------- */

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four digits at j->at as UTF-8, at most 3 bytes for the 6 that stood there.  No name and no key needs what lies
 * beyond, so half a surrogate pair is a question mark. */
static uint8_t *decode_unicode(struct json *j, uint8_t *out)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		int digit = j->at < j->end ? hex_digit(*j->at++) : -1;

		if (digit < 0) {
			fault(j, "a bad escape in a string");
			return out;
		}
		v = v << 4 | (unsigned)digit;
	}
	if (v >= 0xD800 && v <= 0xDFFF)
		v = '?';
	if (v < 0x80) {
		*out++ = (uint8_t)v;
	} else if (v < 0x800) {
		*out++ = (uint8_t)(0xC0 | v >> 6);
		*out++ = (uint8_t)(0x80 | (v & 0x3F));
	} else {
		*out++ = (uint8_t)(0xE0 | v >> 12);
		*out++ = (uint8_t)(0x80 | (v >> 6 & 0x3F));
		*out++ = (uint8_t)(0x80 | (v & 0x3F));
	}
	return out;
}

/* Behind a backslash. */
static uint8_t *decode_escape(struct json *j, uint8_t *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found = j->at < j->end && *j->at != 0 ? strchr(from, *j->at) : NULL;

	if (j->at < j->end && *j->at == 'u') {
		j->at++;
		return decode_unicode(j, out);
	}
	if (found == NULL) {
		fault(j, "a bad escape in a string");
		return out;
	}
	j->at++;
	*out++ = (uint8_t)to[found - from];
	return out;
}

/*
 * Branches on each byte, of a key's base64 too: on whether it is a quote, a backslash or a control character.
 * Base64 has none of them (a KME that writes "\/" for its slash shows where its slashes are to whoever can time
 * this process).
 */
bool json_text(struct json *j, struct json_text *out)
{
	if (!take(j, '"', "a string is missing"))
		return false;
	uint8_t *to = j->at;
	out->bytes = to;
	while (j->at < j->end && *j->at != '"') {
		uint8_t c = *j->at++;

		if (c < 0x20)
			return fault(j, "a control character in a string");
		if (c == '\\')
			to = decode_escape(j, to);
		else
			*to++ = c;
		if (j->fault != NULL)
			return false;
	}
	if (j->at == j->end)
		return fault(j, "a string has no end");
	j->at++;
	out->len = (size_t)(to - out->bytes);
	return true;
}

bool json_text_is(const struct json_text *t, const char *text)
{
	return t->len == strlen(text) && memcmp(t->bytes, text, t->len) == 0;
}

/* ---- other values --------------------------------------------------------------------------------- */

static bool is_digit(const struct json *j)
{
	return j->at < j->end && *j->at >= '0' && *j->at <= '9';
}

bool json_uint(struct json *j, uint64_t *out)
{
	uint64_t v = 0;

	(void)look(j);
	if (j->fault != NULL || !is_digit(j))
		return fault(j, "a whole number is missing");
	if (*j->at == '0' && j->at + 1 < j->end && j->at[1] >= '0' && j->at[1] <= '9')
		return fault(j, "a number begins with zero");
	while (is_digit(j)) {
		unsigned digit = *j->at++ - '0';

		if (v > (UINT64_MAX - digit) / 10)
			return fault(j, "a number is too large");
		v = v * 10 + digit;
	}
	if (j->at < j->end && strchr(".eE", *j->at) != NULL && *j->at != 0)
		return fault(j, "a number is not whole");
	*out = v;
	return true;
}

static bool skip_word(struct json *j, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(j->end - j->at) < len || memcmp(j->at, word, len) != 0)
		return fault(j, "a value is missing");
	j->at += len;
	return true;
}

static bool skip_digits(struct json *j)
{
	if (!is_digit(j))
		return fault(j, "a number is malformed");
	while (is_digit(j))
		j->at++;
	return true;
}

static bool pass(struct json *j, char a, char b)
{
	if (j->at == j->end || (*j->at != (uint8_t)a && *j->at != (uint8_t)b))
		return false;
	j->at++;
	return true;
}

static bool skip_number(struct json *j)
{
	(void)pass(j, '-', '-');
	if (!pass(j, '0', '0') && !skip_digits(j))
		return false;
	if (pass(j, '.', '.') && !skip_digits(j))
		return false;
	if (pass(j, 'e', 'E')) {
		(void)pass(j, '+', '-');
		return skip_digits(j);
	}
	return true;
}

static bool skip_scalar(struct json *j)
{
	struct json_text text;

	switch (look(j)) {
	case '"':
		return json_text(j, &text);
	case 't':
		return skip_word(j, "true");
	case 'f':
		return skip_word(j, "false");
	case 'n':
		return skip_word(j, "null");
	default:
		return j->fault == NULL && skip_number(j);
	}
}

static bool skip_object(struct json *j)
{
	struct json_text name;

	(void)json_enter(j, '{');
	while (json_member(j, &name))
		(void)json_skip(j);
	return j->fault == NULL;
}

static bool skip_array(struct json *j)
{
	(void)json_enter(j, '[');
	while (json_element(j))
		(void)json_skip(j);
	return j->fault == NULL;
}

/* Recursion is as deep as json_enter allows. */
bool json_skip(struct json *j)
{
	switch (look(j)) {
	case '{':
		return skip_object(j);
	case '[':
		return skip_array(j);
	default:
		return skip_scalar(j);
	}
}

dske_rc json_rc(const struct json *j)
{
	return j->fault == NULL ? DSKE_OK
				: FAIL(FORMAT, "bad JSON at byte %zu: %s", (size_t)(j->at - j->start), j->fault);
}
