/* SPDX-License-Identifier: Apache-2.0 */
/* core/xorshare.c - exclusive-or of byte strings and of shares. */
#include "core/xorshare.h"

#include <string.h>

void xor_bytes(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = a[i] ^ b[i];
}

void xorshare_combine(uint8_t *secret, const uint8_t *const *shares, size_t n, size_t len)
{
	memset(secret, 0, len);
	for (size_t i = 0; i < n; i++)
		xor_bytes(secret, secret, shares[i], len);
}
