/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/locate.h - which shares are corrupt, by linear algebra: no search, however large n is.
 *
 * Shares that lie on a polynomial of degree below k are words of a Reed-Solomon code, and a digest's bytes
 * are words with errors in the same places.  An error locator of degree at most t is a polynomial that is
 * zero there; those of a residue solve linear equations (Welch and Berlekamp's, with the unknown message
 * eliminated).  With up to t <= (s-k)/2 errors *every* solution is one, whatever the errors are.  Errors
 * that are independent of each other are found, up to 20 of them, as long as more than k shares are left.
 */
#ifndef DSKE_CORE_LOCATE_H
#define DSKE_CORE_LOCATE_H

#include "core/residue.h"

/*
 * Supposes that at most t of the shares are corrupt, t < count - k.  *found: there is a locator, and k
 * shares that it leaves: subset, ascending.  Whether they are consistent is the caller's to see.
 * Errors: NOMEM.
 */
dske_rc locate(const struct residue *r, size_t t, uint8_t *subset, bool *found);

#endif
