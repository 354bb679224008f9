/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/digest.h - shares compressed to a few bytes in which a polynomial through them is still one.
 *
 * A digest is the values of DIGEST_LEN random GF(2^8)-linear functionals.  Being linear, they map shares
 * on one polynomial to digests on one polynomial, always; and shares that are not on one to digests that
 * are with a chance of at most (levels / 256)^DIGEST_LEN: below 2^-128 for shares up to 2 MiB, which have
 * three levels.  The sum of several digests, of pieces of a share and each with functionals of its own, is one of
 * the whole, with the same bound.
 */
#ifndef DSKE_CORE_DIGEST_H
#define DSKE_CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define DIGEST_LEN 20

/*
 * digest[i] of share[i], all of len >= 1 bytes; count up to 255.  The functionals are drawn here, so after
 * the shares are fixed, and are forgotten: nobody can fit a share to them.  Digests are as secret as shares.
 * Errors: NOMEM, IO (the system's generator).
 */
dske_rc digest_shares(uint8_t (*digest)[DIGEST_LEN], const uint8_t *const *share, size_t count, size_t len);

#endif
