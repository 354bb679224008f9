/* SPDX-License-Identifier: Apache-2.0 */
/* core/subset.h - subsets: k ascending indices below s, in lexicographic order, and sets of indices. */
#ifndef DSKE_CORE_SUBSET_H
#define DSKE_CORE_SUBSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUBSET_MAX 255 /* indices */

/* C(n, k), or UINT64_MAX when it does not fit. */
uint64_t choose_count(size_t n, size_t k);

void subset_first(uint8_t *subset, size_t k);

/* On to the next one: the first position that changed, or k after the last one. */
size_t subset_next(uint8_t *subset, size_t k, size_t s);

/* Any indices below 256. */
struct index_set {
	uint64_t bits[4];
};

void index_set_add(struct index_set *set, size_t index);
bool index_set_has(const struct index_set *set, size_t index);
size_t index_set_count(const struct index_set *set);

/* Are all of these k in it? */
bool index_set_covers(const struct index_set *set, const uint8_t *subset, size_t k);

/* Are these k the k lowest in it? */
bool index_set_begins(const struct index_set *set, const uint8_t *subset, size_t k);

#endif
