/* SPDX-License-Identifier: Apache-2.0 */
/* core/candidate.c - reconstruction and validation over one group of shares. */
#include "core/candidate.h"

#include <stdlib.h>
#include <string.h>

#include "core/shamir.h"
#include "core/xorshare.h"

dske_rc share_group_new(struct share_group **out, const struct terms *t)
{
	struct share_group *g = calloc(1, sizeof *g);

	if (!g)
		return rc_make(DSKE_RC_NOMEM);
	g->share = calloc(t->n, sizeof *g->share);
	if (!g->share) {
		free(g);
		return rc_make(DSKE_RC_NOMEM);
	}
	g->terms = *t;
	*out = g;
	return DSKE_OK;
}

void share_group_free(struct share_group *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->count; i++)
		secret_drop(&g->share[i].bytes);
	free(g->share);
	free(g);
}

struct held_share *share_group_find(const struct share_group *g, uint8_t x)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->share[i].x == x)
			return &g->share[i];
	return NULL;
}

void share_group_add(struct share_group *g, uint8_t x, struct secret *bytes)
{
	struct held_share *share = &g->share[g->count++];

	share->x = x;
	share->verdict = SHARE_UNUSED;
	secret_move(&share->bytes, bytes);
}

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

static uint64_t product_saturated(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* ---- subsets: k ascending indices below s, in lexicographic order ------------------------------- */

static void subset_first(uint8_t *subset, size_t k)
{
	for (size_t i = 0; i < k; i++)
		subset[i] = (uint8_t)i;
}

/* False after the last one. */
static bool subset_next(uint8_t *subset, size_t k, size_t s)
{
	size_t i = k;

	while (i > 0 && subset[i - 1] == s - k + i - 1)
		i--;
	if (i == 0)
		return false;
	subset[i - 1]++;
	for (; i < k; i++)
		subset[i] = (uint8_t)(subset[i - 1] + 1);
	return true;
}

/* ---- candidates --------------------------------------------------------------------------------- */

/* The value at x of the polynomial through the subset's shares; 0 is Y_0.  out is terms_share_len. */
static dske_rc value_at(const struct share_group *g, const uint8_t *subset, uint8_t x, uint8_t *out)
{
	const uint8_t *known[TERMS_HUBS_MAX];
	uint8_t known_x[TERMS_HUBS_MAX];
	size_t k = g->terms.k, len = terms_share_len(&g->terms);

	for (size_t i = 0; i < k; i++) {
		known[i] = g->share[subset[i]].bytes.data;
		known_x[i] = g->share[subset[i]].x;
	}
	if (g->terms.scheme == SCHEME_XOR) {
		xorshare_combine(out, known, k, len); /* n = k: no share is left to compare with */
		return DSKE_OK;
	}
	return shamir_interpolate(known_x, known, k, &x, &out, 1, len);
}

/* Writes Y_0 = u || S to y0; is S confirmed by the key tag that came with the shares?  (DSKE 2.4) */
static dske_rc candidate_try(const struct share_group *g, const uint8_t *subset, struct secret *y0, bool *valid)
{
	TRY(value_at(g, subset, 0, y0->data));
	*valid = key_tag_check(&g->terms.key_tag, y0->data, y0->data + KEY_TAG_KEY_LEN, g->terms.key_len);
	return DSKE_OK;
}

static bool in_subset(const uint8_t *subset, size_t k, size_t index)
{
	return memchr(subset, (int)index, k) != NULL;
}

/* Marks every share by the polynomial through the subset's; how many are not on it? */
static dske_rc verdicts_mark(struct share_group *g, const uint8_t *subset, size_t *corrupt)
{
	AUTO(secret) value = {0};
	size_t len = terms_share_len(&g->terms);

	*corrupt = 0;
	TRY(secret_alloc(&value, len));
	for (size_t i = 0; i < g->count; i++) {
		bool fits = in_subset(subset, g->terms.k, i);

		if (!fits) {
			TRY(value_at(g, subset, g->share[i].x, value.data));
			fits = mem_equal(value.data, g->share[i].bytes.data, len);
		}
		g->share[i].verdict = fits ? SHARE_CONSISTENT : SHARE_CORRUPT;
		*corrupt += !fits;
	}
	return DSKE_OK;
}

/* ---- search ------------------------------------------------------------------------------------- */

/* What a search has found so far. */
struct found {
	bool any;
	uint8_t subset[TERMS_HUBS_MAX];
	struct secret key;
};

static void found_drop(struct found *f)
{
	secret_drop(&f->key);
}

/* Notes a confirmed candidate.  DSKE 2.4: "more than one distinct candidate remaining ... B aborts". */
static dske_rc found_note(struct found *f, const struct share_group *g, const uint8_t *subset,
			  const struct secret *y0)
{
	const uint8_t *key = y0->data + KEY_TAG_KEY_LEN;

	if (f->any && mem_equal(f->key.data, key, g->terms.key_len))
		return DSKE_OK;
	if (f->any)
		return FAIL(CONFLICT, "the shares of one agreement give two valid keys: at least %d hubs are corrupt, "
			    "no key was taken", g->terms.k);
	TRY(secret_from(&f->key, key, g->terms.key_len));
	memcpy(f->subset, subset, g->terms.k);
	f->any = true;
	return DSKE_OK;
}

/* Tries subsets from g->subset on, at most `limit` of them.  With `all`, goes on after the first
 * confirmed one.  *done: there are no more. */
static dske_rc search_step(struct share_group *g, uint64_t limit, bool all, struct found *f, bool *done)
{
	AUTO(secret) y0 = {0};
	bool valid;

	*done = false;
	TRY(secret_alloc(&y0, terms_share_len(&g->terms)));
	while (limit-- > 0) {
		TRY(candidate_try(g, g->subset, &y0, &valid));
		if (valid) {
			TRY(found_note(f, g, g->subset, &y0));
			if (!all)
				return DSKE_OK;
		}
		if (!subset_next(g->subset, g->terms.k, g->count)) {
			*done = true;
			return DSKE_OK;
		}
	}
	return DSKE_OK;
}

static uint64_t subsets_per_step(const struct share_group *g)
{
	uint64_t subset_len = g->terms.k * (uint64_t)terms_share_len(&g->terms);

	return SEARCH_STEP_LEN / subset_len + 1;
}

static bool fits_in_step(const struct share_group *g)
{
	return choose_count(g->count, g->terms.k) <= subsets_per_step(g);
}

static dske_rc search_check(const struct share_group *g, bool thorough)
{
	uint64_t subsets = choose_count(g->count, g->terms.k);

	if (product_saturated(subsets, terms_share_len(&g->terms)) > SEARCH_LEN_MAX)
		return FAIL(NO_CANDIDATE, "some of %zu shares are corrupt, and there are too many sets of %d to try all",
			    g->count, g->terms.k);
	if (!thorough && !fits_in_step(g))
		return FAIL(NO_CANDIDATE, "some of %zu shares are corrupt; more shares may settle it", g->count);
	return DSKE_OK;
}

/* Every subset, from the first or from where the last step ended. */
static dske_rc search(struct share_group *g, bool thorough, struct found *f)
{
	bool all = fits_in_step(g), done;

	TRY(search_check(g, thorough));
	if (all || g->subset_count != g->count) {
		subset_first(g->subset, g->terms.k);
		g->subset_count = g->count;
	}
	TRY(search_step(g, subsets_per_step(g), all, f, &done));
	if (f->any || done)
		g->subset_count = 0;
	if (f->any)
		return DSKE_OK;
	if (done)
		return FAIL(NO_CANDIDATE, "%zu shares came, no %d of them give a key that its key tag confirms: "
			    "too many hubs are corrupt", g->count, g->terms.k);
	return FAIL(BUSY, "still searching the sets of %d among %zu shares", g->terms.k, g->count);
}

/* The k that gave the key before, or the first k; then the rest checked against them (DSKE, footnote 11). */
static dske_rc fast_path(struct share_group *g, struct found *f, size_t *corrupt)
{
	AUTO(secret) y0 = {0};
	uint8_t subset[TERMS_HUBS_MAX];
	bool valid;

	if (g->won)
		memcpy(subset, g->winner, g->terms.k);
	else
		subset_first(subset, g->terms.k);
	TRY(secret_alloc(&y0, terms_share_len(&g->terms)));
	TRY(candidate_try(g, subset, &y0, &valid));
	if (!valid)
		return DSKE_OK;
	TRY(found_note(f, g, subset, &y0));
	return verdicts_mark(g, subset, corrupt);
}

static void verdicts_clear(struct share_group *g)
{
	for (size_t i = 0; i < g->count; i++)
		g->share[i].verdict = SHARE_UNUSED;
}

dske_rc candidate_search(struct share_group *g, bool thorough, struct secret *key)
{
	AUTO(found) f = {0};
	size_t corrupt = 0;

	verdicts_clear(g);
	if (g->count < g->terms.k)
		return FAIL(TOO_FEW, "%zu of the %d shares needed came", g->count, g->terms.k);

	TRY(fast_path(g, &f, &corrupt));
	/* A corrupt share may be part of a second key: look, unless that takes long. */
	if (!f.any || (corrupt > 0 && fits_in_step(g))) {
		TRY(search(g, thorough, &f));
		TRY(verdicts_mark(g, f.subset, &corrupt));
	}
	memcpy(g->winner, f.subset, g->terms.k);
	g->won = true;
	secret_move(key, &f.key);
	return DSKE_OK;
}
