/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/consistent.c - a walk over all sets of k + 1 shares by divided differences.
 *
 * k + 1 points lie on a polynomial of degree below k iff their divided difference of order k is 0:
 *
 *     f[j] = word_j        f[P, i, j] = (f[P, i] - f[P, j]) / (x_i - x_j)
 *
 * For a prefix P of d indices, row d of the table holds f[P, j] for each later j.  The next subset keeps
 * the rows of whatever prefix it keeps, so that nearly always only the last row is computed.  Two bytes of
 * the residue are followed: both are 0 by chance for 1 in 7,000 (core/digest.h has the 3/256 of each).
 */
#include "core/consistent.h"

#include <stdlib.h>

#include "core/gf256-public.h"

struct pair {
	uint8_t a, b;
};

struct walk {
	const struct residue *r; /* borrowed */
	bool begun, ended;
	uint8_t subset[SUBSET_MAX]; /* k indices below count - 1 */
	const uint8_t *over[256];   /* products of 1/d, for d = x_i - x_j */
	struct pair *row;           /* owned; k + 1 rows of count */
};

dske_rc walk_new(struct walk **out, const struct residue *r)
{
	struct walk *w = calloc(1, sizeof *w);
	struct pair *row = calloc((r->k + 1) * r->count, sizeof *row);

	if (!w || !row) {
		free(w);
		free(row);
		return rc_make(DSKE_RC_NOMEM);
	}
	const struct gf256_public *gf = gf256_public();
	w->r = r;
	w->row = row;
	for (unsigned d = 1; d < 256; d++)
		w->over[d] = gf->product[gf->inverse[d]];
	for (size_t j = 0; j < r->count; j++)
		row[j] = (struct pair){r->word[j][0], r->word[j][1]};
	subset_first(w->subset, r->k);
	*out = w;
	return DSKE_OK;
}

void walk_free(struct walk *w)
{
	if (!w)
		return;
	free(w->row);
	free(w);
}

uint64_t walk_length(size_t count, size_t k)
{
	return count > k ? choose_count(count - 1, k) : 0;
}

/* The row below `depth`: the prefix gets subset[depth]. */
static void row_make(struct walk *w, size_t depth)
{
	const struct residue *r = w->r;
	const struct pair *from = w->row + depth * r->count;
	struct pair *to = w->row + (depth + 1) * r->count;
	size_t i = w->subset[depth];

	for (size_t j = i + 1; j < r->count; j++) {
		const uint8_t *over = w->over[r->x[i] ^ r->x[j]];

		to[j] = (struct pair){over[from[i].a ^ from[j].a], over[from[i].b ^ from[j].b]};
	}
}

static void rows_make(struct walk *w, size_t from)
{
	for (size_t depth = from; depth < w->r->k; depth++)
		row_make(w, depth);
}

static bool row_has_zero(const struct walk *w)
{
	const struct pair *row = w->row + w->r->k * w->r->count;

	for (size_t j = w->subset[w->r->k - 1] + 1u; j < w->r->count; j++)
		if ((row[j].a | row[j].b) == 0)
			return true;
	return false;
}

/* False after the last. */
static bool step(struct walk *w)
{
	size_t k = w->r->k, changed = 0;

	if (w->ended)
		return false;
	if (w->begun)
		changed = subset_next(w->subset, k, w->r->count - 1);
	w->begun = true;
	w->ended = changed == k;
	if (!w->ended)
		rows_make(w, changed);
	return !w->ended;
}

enum walk_state walk_next(struct walk *w, uint64_t *steps, uint8_t *subset)
{
	while (*steps > 0) {
		--*steps;
		if (!step(w))
			return WALK_END;
		if (!row_has_zero(w))
			continue;
		for (size_t i = 0; i < w->r->k; i++)
			subset[i] = w->subset[i];
		return WALK_FOUND;
	}
	return WALK_PAUSE;
}
