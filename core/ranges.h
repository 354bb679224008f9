/* SPDX-License-Identifier: Apache-2.0 */
/* core/ranges.h - a bounded set of disjoint half-open intervals of 64-bit offsets, kept sorted and merged. */
#ifndef DSKE_CORE_RANGES_H
#define DSKE_CORE_RANGES_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define RANGES_MAX 256 /* intervals; honest senders leave few holes */

struct range {
	uint64_t start, end; /* [start, end) */
};

struct ranges {
	size_t count;
	struct range r[RANGES_MAX];
};

/* Is any byte of [start, end) in the set? */
bool ranges_overlap(const struct ranges *s, uint64_t start, uint64_t end);

/* Is every byte of [start, end) in the set? */
bool ranges_cover(const struct ranges *s, uint64_t start, uint64_t end);

/* Adds [start, end), start < end.  When the set is full the lowest hole is closed: bytes are then
 * counted as used that were not, never the reverse.  Errors: ARGS; USED (it overlaps what is there). */
dske_rc ranges_add(struct ranges *s, uint64_t start, uint64_t end);

#endif
