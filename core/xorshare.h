/* SPDX-License-Identifier: Apache-2.0 */
/* core/xorshare.h - the simple (n, n) scheme: the secret is the exclusive-or of all shares (DSKE 2.5.2). */
#ifndef DSKE_CORE_XORSHARE_H
#define DSKE_CORE_XORSHARE_H

#include <stddef.h>
#include <stdint.h>

/* out = a XOR b, len bytes; out may be a or b. */
void xor_bytes(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t len);

/* secret = shares[0] XOR .. XOR shares[n-1], len bytes each. */
void xorshare_combine(uint8_t *secret, const uint8_t *const *shares, size_t n, size_t len);

#endif
