/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/word.h"

#include <endian.h>
#include <string.h>

static uint8_t *put64(uint8_t *out, uint64_t value)
{
	value = htobe64(value);
	memcpy(out, &value, sizeof value);
	return out + sizeof value;
}

static uint8_t *put16(uint8_t *out, uint16_t value)
{
	value = htobe16(value);
	memcpy(out, &value, sizeof value);
	return out + sizeof value;
}

static const uint8_t *get64(const uint8_t *in, uint64_t *value)
{
	memcpy(value, in, sizeof *value);
	*value = be64toh(*value);
	return in + sizeof *value;
}

static const uint8_t *get16(const uint8_t *in, uint16_t *value)
{
	memcpy(value, in, sizeof *value);
	*value = be16toh(*value);
	return in + sizeof *value;
}

size_t word_write(uint8_t out[WORD_LEN_MAX], const struct word *w)
{
	uint8_t *at = put64(out, w->boot);
	at = put64(at, w->number);
	at = put64(at, w->keeps);
	at = put16(at, w->held_count);
	at = put16(at, w->unknown_count);
	for (size_t i = 0; i < w->held_count; i++)
		at = put64(at, w->held[i]);
	for (size_t i = 0; i < w->unknown_count; i++)
		at = put64(at, w->unknown[i]);
	return (size_t)(at - out);
}

dske_rc word_read(struct word *w, const uint8_t *bytes, size_t len)
{
	if (len < WORD_HEAD)
		return FAIL(FORMAT, "a word between tunnel ends is cut short");
	const uint8_t *at = get64(bytes, &w->boot);
	at = get64(at, &w->number);
	at = get64(at, &w->keeps);
	at = get16(at, &w->held_count);
	at = get16(at, &w->unknown_count);
	if (w->held_count > WORD_HELD_MAX || w->unknown_count > WORD_UNKNOWN_MAX ||
	    len != WORD_HEAD + 8 * ((size_t)w->held_count + w->unknown_count))
		return FAIL(FORMAT, "a word between tunnel ends has not the length that it says");
	for (size_t i = 0; i < w->held_count; i++)
		at = get64(at, &w->held[i]);
	for (size_t i = 0; i < w->unknown_count; i++)
		at = get64(at, &w->unknown[i]);
	return DSKE_OK;
}
