/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/residue.h - what tells which shares lie on one polynomial, and nothing of the shares.
 *
 * The residue is the shares' digests less the polynomial through the first k digests.  Taking a polynomial
 * away from all changes no set's consistency, and what is left depends on the errors alone: with honest
 * shares Y and errors E, the digests are linear in Y + E and Y itself is taken away.  Errors are what
 * corrupt hubs chose, or what befell a hub that counts as corrupt for it.  So a residue is public: whatever
 * is decided and looked up by it tells whoever watches, at most, what the corrupt hubs did.
 */
#ifndef DSKE_CORE_RESIDUE_H
#define DSKE_CORE_RESIDUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "core/digest.h"
#include "core/subset.h"

struct residue {
	size_t count, k;                      /* shares; how many determine a polynomial */
	uint8_t x[SUBSET_MAX];                /* where they are: distinct, not 0 */
	uint8_t word[SUBSET_MAX][DIGEST_LEN]; /* the first k are zeros */
};

/* digest[i] is that of the share at x[i]; k <= count <= 255.  Errors: none but of arithmetic (ARGS). */
dske_rc residue_of_digests(struct residue *r, const uint8_t *x, uint8_t (*digest)[DIGEST_LEN], size_t count, size_t k);

/* *set: all shares on the polynomial through these k.  Errors: none but of arithmetic (ARGS). */
dske_rc residue_fitting(const struct residue *r, const uint8_t *subset, struct index_set *set);

#endif
