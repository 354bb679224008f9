/* SPDX-License-Identifier: Apache-2.0 */
/* core/search.c - the stages of a search, each resumed where its budget ended. */
#include "core/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "core/consistent.h"
#include "core/locate.h"
#include "core/residue.h"
#include "core/subset.h"
#include "core/xorshare.h"

#define STEP_COST 64 /* bytes of shares that are read in the time of one set looked at */
#define WALK_MAX (UINT64_C(1) << 32)       /* steps of a thorough search: some twenty seconds */
#define WALK_SECOND_MAX (UINT64_C(1) << 17)
#define SECOND_LEN_MAX (UINT64_C(1) << 20) /* looking for a second key: bytes of sets that share with the first */
#define TRIED_MAX 64 /* sets remembered; the last place is for the latest */

struct stage; /* a row of the table at the end */

struct search {
	const struct share_group *g; /* borrowed */
	size_t count, k;
	enum search_kind kind;
	const struct stage *stage;
	bool partial;
	struct residue residue;
	size_t tried_count;
	struct index_set tried[TRIED_MAX];
	size_t t;                  /* corrupt shares that locating supposes */
	size_t least;              /* shares in a set that is tried */
	struct walk *walk;         /* owned */
	size_t pool_count;         /* what sets of k are taken from */
	uint8_t pool[SUBSET_MAX];
	bool begun;
	uint8_t subset[SUBSET_MAX]; /* indices into the pool */
};

/* ---- what was tried -------------------------------------------------------------------------------- */

static void tried_add(struct search *s, const struct index_set *set)
{
	s->tried[s->tried_count < TRIED_MAX ? s->tried_count++ : TRIED_MAX - 1] = *set;
}

static bool tried_covers(const struct search *s, const uint8_t *subset)
{
	for (size_t i = 0; i < s->tried_count; i++)
		if (index_set_covers(&s->tried[i], subset, s->k))
			return true;
	return false;
}

static void charge(uint64_t *budget, uint64_t cost)
{
	*budget -= cost < *budget ? cost : *budget;
}

static uint64_t product_saturated(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* Share bytes that one candidate takes. */
static uint64_t candidate_cost(const struct search *s)
{
	return s->k * (uint64_t)terms_share_len(&s->g->terms);
}

static enum search_state try_it(struct search *s, uint64_t *budget)
{
	charge(budget, candidate_cost(s));
	return SEARCH_TRY;
}

/* ---- stage 1: located -------------------------------------------------------------------------------- */

static dske_rc locate_begin(struct search *s)
{
	s->t = (s->count - s->k) / 2;
	return DSKE_OK;
}

static uint64_t locate_cost(const struct search *s)
{
	return (s->count - s->k - s->t) * DIGEST_LEN * (s->t + 1) * (s->t + 1);
}

/* Beyond (s - k) / 2 corrupt shares, a few more are supposed each time: independent ones are found still. */
static dske_rc locate_next(struct search *s, uint64_t *budget, uint8_t *subset, enum search_state *state)
{
	struct index_set set;
	bool found;

	for (*state = SEARCH_PAUSE; *budget > 0; s->t++) {
		*state = SEARCH_END;
		if (s->t >= s->count - s->k)
			return DSKE_OK;
		charge(budget, locate_cost(s));
		TRY(locate(&s->residue, s->t, subset, &found));
		if (!found || tried_covers(s, subset))
			continue;
		TRY(residue_fitting(&s->residue, subset, &set));
		if (index_set_count(&set) <= s->k)
			continue;
		tried_add(s, &set);
		*state = try_it(s, budget);
		return DSKE_OK;
	}
	return DSKE_OK;
}

/* ---- stage 2: consistent ------------------------------------------------------------------------------- */

static uint64_t walk_max(enum search_kind kind)
{
	static const uint64_t max[] = {
		[SEARCH_QUICK] = SEARCH_STEP_LEN / STEP_COST,
		[SEARCH_THOROUGH] = WALK_MAX,
		[SEARCH_SECOND] = WALK_SECOND_MAX,
	};

	return max[kind];
}

/* Two sets with different keys share at most k - 1. */
static bool set_is_possible(const struct search *s)
{
	size_t outside = s->count - index_set_count(&s->tried[0]);

	return s->least <= outside + s->k - 1;
}

static dske_rc walk_begin(struct search *s, size_t least)
{
	walk_free(s->walk);
	s->walk = NULL;
	s->least = least;
	if (!set_is_possible(s))
		return DSKE_OK;
	if (walk_length(s->count, s->k) <= walk_max(s->kind))
		return walk_new(&s->walk, &s->residue);
	s->partial = true;
	return DSKE_OK;
}

/* Errors of which one is a multiple of the other make 1 set of k + 1 in 256 consistent by chance: first the
 * sets that are no accident. */
static dske_rc larger_begin(struct search *s)
{
	return walk_begin(s, s->k + 2);
}

static dske_rc consistent_begin(struct search *s)
{
	return walk_begin(s, s->k + 1);
}

/* Is the set through this subset one that was not met before?  Its lowest k stand for it. */
static dske_rc set_is_new(struct search *s, const uint8_t *subset, bool *is_new)
{
	struct index_set set;

	*is_new = false;
	if (tried_covers(s, subset))
		return DSKE_OK;
	TRY(residue_fitting(&s->residue, subset, &set));
	if (index_set_count(&set) < s->least || !index_set_begins(&set, subset, s->k))
		return DSKE_OK;
	tried_add(s, &set);
	*is_new = true;
	return DSKE_OK;
}

static dske_rc consistent_next(struct search *s, uint64_t *budget, uint8_t *subset, enum search_state *state)
{
	uint64_t steps = *budget / STEP_COST + 1, before = steps;
	enum walk_state walked = WALK_END;
	bool is_new = false;

	while (s->walk && !is_new) {
		walked = walk_next(s->walk, &steps, subset);
		if (walked != WALK_FOUND)
			break;
		TRY(set_is_new(s, subset, &is_new));
	}
	charge(budget, (before - steps) * STEP_COST);
	*state = is_new ? try_it(s, budget) : walked == WALK_PAUSE ? SEARCH_PAUSE : SEARCH_END;
	return DSKE_OK;
}

/* ---- stage 3: any k ------------------------------------------------------------------------------------ */

static uint64_t pool_cost(const struct search *s)
{
	return product_saturated(choose_count(s->pool_count, s->k), candidate_cost(s));
}

/* May all k of the pool be tried? */
static bool pool_fits(const struct search *s)
{
	switch (s->kind) {
	case SEARCH_QUICK:
		return pool_cost(s) <= SEARCH_STEP_LEN;
	case SEARCH_THOROUGH:
		return pool_cost(s) / s->k <= SEARCH_LEN_MAX;
	default:
		return pool_cost(s) <= SECOND_LEN_MAX;
	}
}

static void pool_fill(struct search *s, const struct index_set *without)
{
	s->pool_count = 0;
	for (size_t i = 0; i < s->count; i++)
		if (!without || !index_set_has(without, i))
			s->pool[s->pool_count++] = (uint8_t)i;
}

static dske_rc any_begin(struct search *s)
{
	s->begun = false;
	subset_first(s->subset, s->k);
	pool_fill(s, NULL);
	if (pool_fits(s))
		return DSKE_OK;
	/* A second key may be that of shares of which none fits the first: few sets, if any. */
	if (s->kind == SEARCH_SECOND) {
		pool_fill(s, &s->tried[0]);
		if (pool_cost(s) <= SEARCH_STEP_LEN)
			return DSKE_OK;
	}
	s->pool_count = 0;
	s->partial = true;
	return DSKE_OK;
}

static bool any_step(struct search *s)
{
	if (s->pool_count < s->k)
		return false;
	if (s->begun)
		return subset_next(s->subset, s->k, s->pool_count) < s->k;
	s->begun = true;
	return true;
}

static dske_rc any_next(struct search *s, uint64_t *budget, uint8_t *subset, enum search_state *state)
{
	for (*state = SEARCH_PAUSE; *budget > 0; charge(budget, STEP_COST)) {
		*state = SEARCH_END;
		if (!any_step(s))
			return DSKE_OK;
		for (size_t i = 0; i < s->k; i++)
			subset[i] = s->pool[s->subset[i]];
		*state = SEARCH_PAUSE;
		if (tried_covers(s, subset))
			continue;
		*state = try_it(s, budget);
		return DSKE_OK;
	}
	return DSKE_OK;
}

/* ---- the search ------------------------------------------------------------------------------------------ */

static const struct stage {
	dske_rc (*begin)(struct search *s);
	dske_rc (*next)(struct search *s, uint64_t *budget, uint8_t *subset, enum search_state *state);
} stages[] = {
	{locate_begin, locate_next},
	{larger_begin, consistent_next},
	{consistent_begin, consistent_next},
	{any_begin, any_next},
	{NULL, NULL},
};

/* Functionals are drawn for each block; their sum is one of the whole share. */
static dske_rc digests_add(uint8_t (*sum)[DIGEST_LEN], const struct share_group *g, size_t block)
{
	uint8_t digest[TERMS_HUBS_MAX][DIGEST_LEN];
	const uint8_t *share[TERMS_HUBS_MAX];

	for (size_t i = 0; i < g->count; i++)
		TRY(share_group_load(g, block, i, &share[i]));
	TRY(digest_shares(digest, share, g->count, share_group_block_len(g, block)));
	xor_bytes(sum[0], sum[0], digest[0], g->count * DIGEST_LEN);
	mem_wipe(digest, sizeof digest);
	return DSKE_OK;
}

static dske_rc residue_of(struct residue *r, const struct share_group *g)
{
	uint8_t digest[TERMS_HUBS_MAX][DIGEST_LEN] = {{0}}, x[TERMS_HUBS_MAX];
	dske_rc rc = DSKE_OK;

	for (size_t i = 0; i < g->count; i++)
		x[i] = g->share[i].x;
	for (size_t block = 0; block < share_group_blocks(g) && rc_ok(rc); block++)
		rc = digests_add(digest, g, block);
	if (rc_ok(rc))
		rc = residue_of_digests(r, x, digest, g->count, g->terms.k);
	mem_wipe(digest, sizeof digest);
	return rc;
}

dske_rc search_new(struct search **out, const struct share_group *g)
{
	struct search *s = calloc(1, sizeof *s);

	if (!s)
		return rc_make(DSKE_RC_NOMEM);
	s->g = g;
	s->count = g->count;
	s->k = g->terms.k;
	dske_rc rc = s->count > s->k ? residue_of(&s->residue, g) : DSKE_OK;
	if (!rc_ok(rc)) {
		search_free(s);
		return rc;
	}
	*out = s;
	return DSKE_OK;
}

void search_free(struct search *s)
{
	if (!s)
		return;
	walk_free(s->walk);
	free(s);
}

static dske_rc judged_set(const struct search *s, const uint8_t *judged, struct index_set *set)
{
	if (s->count > s->k)
		return residue_fitting(&s->residue, judged, set);
	for (size_t i = 0; i < s->k; i++)
		index_set_add(set, judged[i]);
	return DSKE_OK;
}

dske_rc search_begin(struct search *s, enum search_kind kind, const uint8_t *judged)
{
	struct index_set set = {{0}};

	TRY(judged_set(s, judged, &set));
	s->kind = kind;
	s->partial = false;
	s->tried_count = 0;
	tried_add(s, &set);
	s->stage = kind == SEARCH_SECOND ? stages + 1 : stages; /* locating would find the first key's again */
	return s->stage->begin(s);
}

size_t search_count(const struct search *s)
{
	return s->count;
}

/* Of the search for a second key each stage gets its share, whatever decoys the stage before met. */
static bool stage_is_over(struct search *s, uint64_t *budget, enum search_state state)
{
	if (state == SEARCH_PAUSE && s->kind == SEARCH_SECOND) {
		s->partial = true;
		*budget = SEARCH_SECOND_LEN;
		return true;
	}
	return state == SEARCH_END;
}

dske_rc search_next(struct search *s, uint64_t *budget, uint8_t *subset, enum search_state *state)
{
	*state = SEARCH_END;
	while (s->stage->next) {
		TRY(s->stage->next(s, budget, subset, state));
		if (!stage_is_over(s, budget, *state))
			return DSKE_OK;
		*state = SEARCH_END;
		s->stage++;
		if (s->stage->begin)
			TRY(s->stage->begin(s));
	}
	return DSKE_OK;
}

bool search_is_partial(const struct search *s)
{
	return s->partial;
}
