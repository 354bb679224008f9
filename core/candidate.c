/* SPDX-License-Identifier: Apache-2.0 */
/* core/candidate.c - reconstruction and validation over one group of shares. */
#include "core/candidate.h"

#include <stdlib.h>
#include <string.h>

#include "core/search.h"
#include "core/shamir.h"
#include "core/subset.h"
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
	search_free(g->search);
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

static bool in_subset(const uint8_t *subset, size_t k, size_t index)
{
	return memchr(subset, (int)index, k) != NULL;
}

/* ---- search ------------------------------------------------------------------------------------- */

/* What a search has found so far. */
struct found {
	bool any, rivalled;
	uint8_t subset[TERMS_HUBS_MAX];
	uint8_t rival[TERMS_HUBS_MAX]; /* gives the same key by another polynomial */
	struct secret key;
	struct secret value; /* room for one share: a candidate, or what a share ought to be */
};

static void found_drop(struct found *f)
{
	secret_drop(&f->key);
	secret_drop(&f->value);
}

/* Notes a confirmed candidate.  DSKE 2.4: "more than one distinct candidate remaining ... B aborts". */
static dske_rc found_note(struct found *f, const struct share_group *g, const uint8_t *subset)
{
	const uint8_t *key = f->value.data + KEY_TAG_KEY_LEN;

	if (f->any && mem_equal(f->key.data, key, g->terms.key_len)) {
		if (!f->rivalled)
			memcpy(f->rival, subset, g->terms.k);
		f->rivalled = true;
		return DSKE_OK;
	}
	if (f->any)
		return FAIL(CONFLICT, "the shares of one agreement give two valid keys: at least %d hubs are corrupt, "
			    "no key was taken", g->terms.k);
	TRY(secret_from(&f->key, key, g->terms.key_len));
	memcpy(f->subset, subset, g->terms.k);
	f->any = true;
	return DSKE_OK;
}

/* Reconstructs Y_0 = u || S; if S is confirmed by the key tag that came with the shares, it is noted (DSKE 2.4). */
static dske_rc candidate_try(struct found *f, const struct share_group *g, const uint8_t *subset, bool *valid)
{
	uint8_t *y0 = f->value.data;

	TRY(value_at(g, subset, 0, y0));
	*valid = key_tag_check(&g->terms.key_tag, y0, y0 + KEY_TAG_KEY_LEN, g->terms.key_len);
	return *valid ? found_note(f, g, subset) : DSKE_OK;
}

/* Marks every share by the polynomial that gave the key; how many are not on it? */
static dske_rc verdicts_mark(struct share_group *g, const struct found *f, size_t *corrupt)
{
	*corrupt = 0;
	for (size_t i = 0; i < g->count; i++) {
		bool fits = in_subset(f->subset, g->terms.k, i);

		if (!fits) {
			TRY(value_at(g, f->subset, g->share[i].x, f->value.data));
			fits = mem_equal(f->value.data, g->share[i].bytes.data, f->value.len);
		}
		g->share[i].verdict = fits ? SHARE_CONSISTENT : SHARE_CORRUPT;
		*corrupt += !fits;
	}
	return DSKE_OK;
}

/* Tries what the search says.  Until the first key, if there was none before; to the end otherwise. */
static dske_rc candidates_try(struct share_group *g, uint64_t budget, struct found *f, enum search_state *state)
{
	uint8_t subset[TERMS_HUBS_MAX];
	bool valid = false, first = !f->any;

	for (;;) {
		TRY(search_next(g->search, &budget, subset, state));
		if (*state != SEARCH_TRY)
			return DSKE_OK;
		TRY(candidate_try(f, g, subset, &valid));
		g->tried++;
		if (valid && first)
			return DSKE_OK;
	}
}

static dske_rc search_failed(const struct share_group *g, const struct search *s, bool thorough, enum search_state state)
{
	if (!thorough && (state == SEARCH_PAUSE || search_is_partial(s)))
		return FAIL(NO_CANDIDATE, "some of %zu shares are corrupt; more shares may settle it", g->count);
	if (state == SEARCH_PAUSE)
		return FAIL(BUSY, "still searching the sets of %d among %zu shares", g->terms.k, g->count);
	if (search_is_partial(s))
		return FAIL(NO_CANDIDATE, "some of %zu shares are corrupt, and there are too many sets of %d to try all",
			    g->count, g->terms.k);
	return FAIL(NO_CANDIDATE, "%zu shares came, no %d of them give a key that its key tag confirms: "
		    "too many hubs are corrupt", g->count, g->terms.k);
}

/* A search for a key that was paused goes on, unless a share came since. */
static dske_rc search_resume(struct share_group *g, bool thorough)
{
	uint8_t judged[TERMS_HUBS_MAX];

	if (g->search && thorough && search_count(g->search) == g->count)
		return DSKE_OK;
	search_free(g->search);
	g->search = NULL;
	subset_first(judged, g->terms.k);
	TRY(search_new(&g->search, g));
	return search_begin(g->search, thorough ? SEARCH_THOROUGH : SEARCH_QUICK, judged);
}

static dske_rc search_key(struct share_group *g, bool thorough, struct found *f)
{
	enum search_state state;

	TRY(search_resume(g, thorough));
	TRY(candidates_try(g, SEARCH_STEP_LEN, f, &state));
	return f->any ? DSKE_OK : search_failed(g, g->search, thorough, state);
}

/* A corrupt share may be part of a second key. */
static dske_rc search_second(struct share_group *g, struct found *f)
{
	enum search_state state;

	if (!g->search)
		TRY(search_new(&g->search, g));
	TRY(search_begin(g->search, SEARCH_SECOND, f->subset));
	return candidates_try(g, SEARCH_SECOND_LEN, f, &state);
}

/* The k that gave the key before, or the first k (DSKE, footnote 11). */
static dske_rc fast_path(const struct share_group *g, struct found *f)
{
	uint8_t subset[TERMS_HUBS_MAX];
	bool valid;

	if (g->won)
		memcpy(subset, g->winner, g->terms.k);
	else
		subset_first(subset, g->terms.k);
	return candidate_try(f, g, subset, &valid);
}

/* Offsets that vanish at 0 leave the key as it is, and make honest shares look corrupt.  Of two polynomials that
 * give the key, the one with more shares on it judges. */
static dske_rc rival_judge(struct share_group *g, struct found *f, size_t corrupt)
{
	uint8_t subset[TERMS_HUBS_MAX];
	size_t by_rival;

	memcpy(subset, f->subset, g->terms.k);
	memcpy(f->subset, f->rival, g->terms.k);
	TRY(verdicts_mark(g, f, &by_rival));
	if (by_rival < corrupt)
		return DSKE_OK;
	memcpy(f->subset, subset, g->terms.k);
	return verdicts_mark(g, f, &corrupt);
}

static void verdicts_clear(struct share_group *g)
{
	for (size_t i = 0; i < g->count; i++)
		g->share[i].verdict = SHARE_UNUSED;
}

static dske_rc group_search(struct share_group *g, bool thorough, struct found *f)
{
	size_t corrupt;

	TRY(secret_alloc(&f->value, terms_share_len(&g->terms)));
	TRY(fast_path(g, f));
	if (!f->any)
		TRY(search_key(g, thorough, f));
	TRY(verdicts_mark(g, f, &corrupt));
	if (corrupt > 0)
		TRY(search_second(g, f));
	if (f->rivalled)
		TRY(rival_judge(g, f, corrupt));
	memcpy(g->winner, f->subset, g->terms.k);
	g->won = true;
	return DSKE_OK;
}

dske_rc candidate_search(struct share_group *g, bool thorough, struct secret *key)
{
	AUTO(found) f = {0};

	verdicts_clear(g);
	if (g->count < g->terms.k)
		return FAIL(TOO_FEW, "%zu of the %d shares needed came", g->count, g->terms.k);

	dske_rc rc = group_search(g, thorough, &f);
	if (!rc_is(rc, DSKE_RC_BUSY)) {
		search_free(g->search);
		g->search = NULL;
	}
	if (rc_ok(rc))
		secret_move(key, &f.key);
	return rc;
}
