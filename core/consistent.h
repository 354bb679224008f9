/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/consistent.h - every set of more than k shares that lie on one polynomial, one after the other.
 *
 * All sets of k + 1 shares are looked at, in lexicographic order.  That takes a few nanoseconds each, since
 * neighbours share all but their last computations.  Everything here is public (core/residue.h).
 */
#ifndef DSKE_CORE_CONSISTENT_H
#define DSKE_CORE_CONSISTENT_H

#include "core/residue.h"

struct walk;

/* r is borrowed and must outlive the walk; count > k.  Errors: NOMEM. */
dske_rc walk_new(struct walk **out, const struct residue *r);
void walk_free(struct walk *w);

/* How many steps the whole takes: C(count - 1, k).  A step looks at k shares with each one after them. */
uint64_t walk_length(size_t count, size_t k);

enum walk_state {
	WALK_FOUND, /* `subset` and at least one share after it are on one polynomial */
	WALK_PAUSE, /* *steps are used up: call again */
	WALK_END,
};

/*
 * On to the next k shares, ascending, that are consistent with a later one.  *steps counts down.  Sets
 * larger than k + 1 come up once for each k + 1 of theirs.  By chance, in 1 of 7,000, shares come up that
 * are not consistent: residue_fitting tells.
 */
enum walk_state walk_next(struct walk *w, uint64_t *steps, uint8_t *subset);

#endif
