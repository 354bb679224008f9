/* SPDX-License-Identifier: Apache-2.0 */
/* core/subset.c - one subset after the other. */
#include "core/subset.h"

uint64_t choose_count(size_t n, size_t k)
{
	__extension__ unsigned __int128 count = 1;

	if (k > n)
		return 0;
	for (size_t i = 1; i <= k; i++) {
		count = count * (n - k + i) / i; /* C(n - k + i, i): the division is exact */
		if (count > UINT64_MAX)
			return UINT64_MAX;
	}
	return (uint64_t)count;
}

void subset_first(uint8_t *subset, size_t k)
{
	for (size_t i = 0; i < k; i++)
		subset[i] = (uint8_t)i;
}

size_t subset_next(uint8_t *subset, size_t k, size_t s)
{
	size_t i = k;

	while (i > 0 && subset[i - 1] == s - k + i - 1)
		i--;
	if (i == 0)
		return k;
	subset[i - 1]++;
	for (size_t j = i; j < k; j++)
		subset[j] = (uint8_t)(subset[j - 1] + 1);
	return i - 1;
}

void index_set_add(struct index_set *set, size_t index)
{
	set->bits[index / 64] |= UINT64_C(1) << index % 64;
}

bool index_set_has(const struct index_set *set, size_t index)
{
	return set->bits[index / 64] >> index % 64 & 1;
}

size_t index_set_count(const struct index_set *set)
{
	size_t count = 0;

	for (size_t i = 0; i < 4; i++)
		count += (size_t)__builtin_popcountll(set->bits[i]);
	return count;
}

bool index_set_covers(const struct index_set *set, const uint8_t *subset, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (!index_set_has(set, subset[i]))
			return false;
	return true;
}

bool index_set_begins(const struct index_set *set, const uint8_t *subset, size_t k)
{
	size_t at = 0;

	for (size_t i = 0; i < k; i++, at++) {
		while (at < subset[i])
			if (index_set_has(set, at++))
				return false;
		if (!index_set_has(set, at))
			return false;
	}
	return true;
}
