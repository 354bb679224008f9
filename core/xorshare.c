/* SPDX-License-Identifier: Apache-2.0 */
/* core/xorshare.c - exclusive-or of byte strings and of shares. */
#include "core/xorshare.h"

#include <string.h>

#define WORDS 4 /* loaded before any is stored, so that the compiler may use vectors */

void xor_bytes(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t len)
{
	uint64_t x[WORDS], y[WORDS];
	size_t i;

	for (i = 0; i + sizeof x <= len; i += sizeof x) {
		memcpy(x, a + i, sizeof x);
		memcpy(y, b + i, sizeof y);
		for (unsigned j = 0; j < WORDS; j++)
			x[j] ^= y[j];
		memcpy(out + i, x, sizeof x);
	}
	for (; i < len; i++)
		out[i] = a[i] ^ b[i];
}

void xorshare_combine(uint8_t *secret, const uint8_t *const *shares, size_t n, size_t len)
{
	memset(secret, 0, len);
	for (size_t i = 0; i < n; i++)
		xor_bytes(secret, secret, shares[i], len);
}
