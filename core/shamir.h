/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/shamir.h - Shamir's (n, k) scheme over GF(2^8), byte by byte (DSKE 2.5.1), 1 <= k <= n <= 255.
 * A share is a point (x_i, Y_i); the secret is the value at x = 0.  x-coordinates are public.
 */
#ifndef DSKE_CORE_SHAMIR_H
#define DSKE_CORE_SHAMIR_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define SHAMIR_MAX 255

/*
 * From k known points computes the values at `count` other coordinates (0 among them for the secret).
 *   known_x[k]     distinct, any of 0..255       known[k]   their values, len bytes each
 *   wanted_x[count]                              wanted[count] written, len bytes each
 * Dealing is this with Alice's k pads as the known points (DSKE 2.3.1); so is reconstructing.
 * Errors: ARGS (k is 0 or over 255, or two known coordinates are equal).
 */
dske_rc shamir_interpolate(const uint8_t *known_x, const uint8_t *const *known, size_t k,
			   const uint8_t *wanted_x, uint8_t *const *wanted, size_t count, size_t len);

#endif
