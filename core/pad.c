/* SPDX-License-Identifier: Apache-2.0 */
/* core/pad.c - what is taken is erased where it was. */
#include "core/pad.h"

#include <string.h>

#include "core/xorshare.h"

#define BLOCK_LEN ((size_t)2048)

size_t pad_left(const struct pad *p)
{
	return p->bytes.len - p->taken;
}

/* The next len bytes, or EXHAUSTED without a change. */
static dske_rc front(const struct pad *p, size_t len, uint8_t **out)
{
	if (len > pad_left(p))
		return FAIL(EXHAUSTED, "%zu bytes of this pad are wanted, %zu are left of %zu", len, pad_left(p),
			    p->bytes.len);
	*out = p->bytes.data + p->taken;
	return DSKE_OK;
}

static void consume(struct pad *p, uint8_t *bytes, size_t len)
{
	mem_wipe(bytes, len);
	p->taken += len;
}

dske_rc pad_take(struct pad *p, void *out, size_t len)
{
	uint8_t *bytes;

	TRY(front(p, len, &bytes));
	if (len > 0) {
		memcpy(out, bytes, len);
		consume(p, bytes, len);
	}
	return DSKE_OK;
}

const uint8_t *pad_peek(const struct pad *p, size_t ahead, size_t len)
{
	size_t left = pad_left(p);

	if (ahead > left || len > left - ahead)
		return NULL;
	return p->bytes.data + p->taken + ahead;
}

/* Block by block, so that what is erased is still in the nearest cache. */
dske_rc pad_xor(struct pad *p, void *out, const void *in, size_t len)
{
	uint8_t *bytes;

	TRY(front(p, len, &bytes));
	for (size_t at = 0; at < len; at += BLOCK_LEN) {
		size_t now = len - at < BLOCK_LEN ? len - at : BLOCK_LEN;

		xor_bytes((uint8_t *)out + at, (const uint8_t *)in + at, bytes + at, now);
		consume(p, bytes + at, now);
	}
	return DSKE_OK;
}

uint8_t *pad_open(struct pad *p, const void *in, size_t len)
{
	if (len == 0 || len > pad_left(p))
		return NULL;

	uint8_t *bytes = p->bytes.data + p->taken;

	if (in != NULL)
		xor_bytes(bytes, in, bytes, len);
	p->taken += len;
	return bytes;
}

void pad_move(struct pad *to, struct pad *from)
{
	secret_move(&to->bytes, &from->bytes);
	to->taken = from->taken;
	to->offset = from->offset;
	from->taken = 0;
	from->offset = 0;
}

void pad_drop(struct pad *p)
{
	secret_drop(&p->bytes);
	p->taken = 0;
	p->offset = 0;
}
