/* SPDX-License-Identifier: Apache-2.0 */
/* core/xorshare.c - exclusive-or of byte strings and of shares. */
#include "core/xorshare.h"

#include <string.h>

typedef uint64_t wide __attribute__((vector_size(16), aligned(1), may_alias)); /* every processor has such registers */

static inline void xor_wide(uint8_t *out, const uint8_t *a, const uint8_t *b)
{
	*(wide *)(void *)out = *(const wide *)(const void *)a ^ *(const wide *)(const void *)b;
}

void xor_bytes(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t i = 0;

	for (; len - i >= 4 * sizeof(wide); i += 4 * sizeof(wide))
		for (size_t j = i; j < i + 4 * sizeof(wide); j += sizeof(wide))
			xor_wide(out + j, a + j, b + j);
	for (; len - i >= sizeof(wide); i += sizeof(wide))
		xor_wide(out + i, a + i, b + i);
	for (; len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t x, y;

		memcpy(&x, a + i, sizeof x);
		memcpy(&y, b + i, sizeof y);
		x ^= y;
		memcpy(out + i, &x, sizeof x);
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
