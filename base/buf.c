/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define FIRST_CAP 512 /* most frames grow no more */

void buf_fixed(struct buf *b, void *memory, size_t cap)
{
	*b = (struct buf){.data = memory, .cap = cap, .max = cap};
}

void buf_heap(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max, .heap = true};
}

static void fail(struct buf *b, int code)
{
	if (b->code == DSKE_RC_OK)
		b->code = code;
}

/* Moves the bytes to a block of cap bytes.  Not realloc, which would leave them behind unwiped. */
static void move_to(struct buf *b, size_t cap)
{
	uint8_t *data = malloc(cap > 0 ? cap : 1);

	if (data == NULL) {
		fail(b, DSKE_RC_NOMEM);
		return;
	}
	if (b->len > 0)
		memcpy(data, b->data, b->len);
	if (b->data != NULL)
		mem_wipe(b->data, b->cap);
	free(b->data);
	b->data = data;
	b->cap = cap;
}

/* Makes room for len more bytes or fails. */
static void reserve(struct buf *b, size_t len)
{
	if (b->code != DSKE_RC_OK)
		return;
	if (len > b->max - b->len) {
		fail(b, DSKE_RC_TOOBIG);
		return;
	}
	size_t need = b->len + len;
	if (!b->heap || (need <= b->cap && b->data != NULL))
		return;

	size_t cap = b->cap > 0 ? b->cap : FIRST_CAP;
	while (cap < need && cap <= b->max / 2)
		cap *= 2;
	move_to(b, cap < need || cap > b->max ? b->max : cap);
}

void buf_reserve(struct buf *b, size_t len)
{
	reserve(b, len < b->max - b->len ? len : b->max - b->len);
}

uint8_t *buf_grow(struct buf *b, size_t len)
{
	reserve(b, len);
	if (b->code != DSKE_RC_OK)
		return NULL;
	uint8_t *room = b->data + b->len;
	b->len += len;
	return room;
}

void buf_put(struct buf *b, const void *bytes, size_t len)
{
	if (len == 0)
		return;
	uint8_t *room = buf_grow(b, len);
	if (room != NULL)
		memcpy(room, bytes, len);
}

void buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void buf_put_be32(struct buf *b, uint32_t v)
{
	const uint8_t bytes[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	buf_put(b, bytes, sizeof bytes);
}

void buf_consume(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	size_t left = b->len - n;
	memmove(b->data, b->data + n, left);
	mem_wipe(b->data + left, n);
	b->len = left;
}

dske_rc buf_rc(const struct buf *b)
{
	if (b->code == DSKE_RC_TOOBIG)
		return FAIL(TOOBIG, "more than the %zu bytes that a buffer may hold", b->max);
	return b->code == DSKE_RC_OK ? DSKE_OK : rc_make(b->code);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->code = DSKE_RC_OK;
}

void buf_drop(struct buf *b)
{
	if (b->data != NULL)
		mem_wipe(b->data, b->cap);
	if (b->heap)
		free(b->data);
	*b = (struct buf){0};
}
