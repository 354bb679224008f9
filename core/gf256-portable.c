/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf256-portable.c - rows of products in GF(2^8), eight bytes in a 64-bit word.
 *
 * A row is evaluated by Horner's rule over the bits of its coefficients, highest bit first:
 *
 *     out = 2*(2*(.. (XOR of in[c] with bit 7 set) ..) + XOR of in[c] with bit 1) + XOR .. bit 0
 *
 * so a row costs seven doublings however many columns it has, and no product of a secret is ever
 * kept beside the output.  Branches and addresses follow the coefficients, which are public.
 */
#include "core/gf256.h"
#include "core/gf256-impl.h"

#include <string.h>

#include "core/xorshare.h"

#define TILE_LEN 1024u /* a tile of the output stays in the first-level cache */

#define TOP_BITS UINT64_C(0x8080808080808080)
#define REDUCTION UINT64_C(0x1b1b1b1b1b1b1b1b)

static uint64_t double_word(uint64_t w)
{
	uint64_t top = w & TOP_BITS;

	/* 0x80 - 0x01 = 0x7f in each byte whose top bit falls out: no borrow crosses a byte. */
	return ((w ^ top) << 1) ^ ((top - (top >> 7)) & REDUCTION);
}

static void double_bytes(uint8_t *p, size_t len)
{
	uint64_t w;
	size_t i;

	for (i = 0; i + sizeof w <= len; i += sizeof w) {
		memcpy(&w, p + i, sizeof w);
		w = double_word(w);
		memcpy(p + i, &w, sizeof w);
	}
	if (i < len) {
		w = 0;
		memcpy(&w, p + i, len - i);
		w = double_word(w);
		memcpy(p + i, &w, len - i);
	}
}

static void row_tile(uint8_t *out, const uint8_t *const *in, size_t columns, const uint8_t *coefficients,
		     size_t at, size_t len)
{
	memset(out + at, 0, len);
	for (unsigned bit = 8; bit-- > 0;) {
		if (bit < 7)
			double_bytes(out + at, len);
		for (size_t c = 0; c < columns; c++)
			if (coefficients[c] >> bit & 1)
				xor_bytes(out + at, out + at, in[c] + at, len);
	}
}

static void matrix(uint8_t *const *out, size_t rows, const uint8_t *const *in, size_t columns,
		   const uint8_t *coefficients, size_t len)
{
	for (size_t at = 0; at < len; at += TILE_LEN) {
		size_t tile = len - at < TILE_LEN ? len - at : TILE_LEN;

		for (size_t r = 0; r < rows; r++)
			row_tile(out[r], in, columns, coefficients + r * columns, at, tile);
	}
}

static bool usable(void)
{
	return true;
}

const struct gf256_impl gf256_portable = {"portable", usable, matrix, NULL};
