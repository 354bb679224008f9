/* SPDX-License-Identifier: Apache-2.0 */
/* core/residue.c - digests, less the polynomial through the first k. */
#include "core/residue.h"

#include <string.h>

#include "core/shamir.h"
#include "core/xorshare.h"

/* words[i]: the values at all x of the polynomial through the words of the subset. */
static dske_rc extend(uint8_t (*out)[DIGEST_LEN], const struct residue *r, uint8_t (*word)[DIGEST_LEN],
		      const uint8_t *subset)
{
	const uint8_t *known[SUBSET_MAX];
	uint8_t known_x[SUBSET_MAX], *wanted[SUBSET_MAX];

	for (size_t i = 0; i < r->k; i++) {
		known[i] = word[subset[i]];
		known_x[i] = r->x[subset[i]];
	}
	for (size_t i = 0; i < r->count; i++)
		wanted[i] = out[i];
	return shamir_interpolate(known_x, known, r->k, r->x, wanted, r->count, DIGEST_LEN);
}

dske_rc residue_of_digests(struct residue *r, const uint8_t *x, uint8_t (*digest)[DIGEST_LEN], size_t count, size_t k)
{
	uint8_t first[SUBSET_MAX];

	r->count = count;
	r->k = k;
	memcpy(r->x, x, count);
	subset_first(first, k);
	TRY(extend(r->word, r, digest, first));
	xor_bytes(r->word[0], r->word[0], digest[0], count * DIGEST_LEN);
	return DSKE_OK;
}

dske_rc residue_fitting(const struct residue *r, const uint8_t *subset, struct index_set *set)
{
	uint8_t value[SUBSET_MAX][DIGEST_LEN];

	*set = (struct index_set){{0}};
	TRY(extend(value, r, (uint8_t (*)[DIGEST_LEN])(uintptr_t)r->word, subset));
	for (size_t i = 0; i < r->count; i++)
		if (memcmp(value[i], r->word[i], DIGEST_LEN) == 0)
			index_set_add(set, i);
	return DSKE_OK;
}
