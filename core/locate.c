/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/locate.c - error locators of a residue.
 *
 * With v_i = 1 / prod_{j != i} (x_i - x_j), a word c is on a polynomial of degree below s - d iff
 * sum_i v_i x_i^l c_i = 0 for l < d.  A locator L of degree t makes L(x_i) * word_i a polynomial of degree
 * below k + t, since it takes the errors away; so, for each byte f of the words and l < s - k - t,
 *
 *     sum_{m <= t} L_m S_{l+m,f} = 0,     S_{l,f} = sum_i v_i x_i^l word_{i,f}
 *
 * Everything here is public: branches and look-ups follow the residue.
 */
#include "core/locate.h"

#include <stdlib.h>
#include <string.h>

#include "core/gf256-public.h"

struct syndromes {
	uint8_t s[SUBSET_MAX][DIGEST_LEN];
};

/* Equations in t + 1 unknowns, as they are reduced: each kept row begins with its 1, and has zeros where
 * others begin. */
struct system {
	size_t unknowns, rank;
	bool kept[SUBSET_MAX + 1];
	uint8_t row[SUBSET_MAX + 1][SUBSET_MAX + 1]; /* row[i] begins at i */
};

static uint8_t mul(uint8_t a, uint8_t b)
{
	return gf256_public()->product[a][b];
}

static void add_times(uint8_t *to, uint8_t factor, const uint8_t *from, size_t len)
{
	const uint8_t *product = gf256_public()->product[factor];

	for (size_t i = 0; i < len; i++)
		to[i] ^= product[from[i]];
}

static void syndromes_make(struct syndromes *y, const struct residue *r)
{
	memset(y, 0, sizeof *y);
	for (size_t i = r->k; i < r->count; i++) { /* the words before are zeros */
		uint8_t others = 1, factor;

		for (size_t j = 0; j < r->count; j++)
			if (j != i)
				others = mul(others, r->x[i] ^ r->x[j]);
		factor = gf256_public()->inverse[others];
		for (size_t l = 0; l < r->count - r->k; l++) {
			add_times(y->s[l], factor, r->word[i], DIGEST_LEN);
			factor = mul(factor, r->x[i]);
		}
	}
}

static void system_add(struct system *y, uint8_t *equation)
{
	size_t len = y->unknowns, at = 0;

	for (size_t i = 0; i < len; i++)
		if (y->kept[i] && equation[i] != 0)
			add_times(equation, equation[i], y->row[i], len);
	while (at < len && equation[at] == 0)
		at++;
	if (at == len)
		return;
	add_times(y->row[at], gf256_public()->inverse[equation[at]], equation, len);
	for (size_t i = 0; i < at; i++)
		if (y->kept[i] && y->row[i][at] != 0)
			add_times(y->row[i], y->row[i][at], y->row[at], len);
	y->kept[at] = true;
	y->rank++;
}

static void system_fill(struct system *y, const struct syndromes *s, size_t equations)
{
	uint8_t equation[SUBSET_MAX + 1];

	for (size_t l = 0; l < equations && y->rank < y->unknowns; l++)
		for (size_t f = 0; f < DIGEST_LEN; f++) {
			for (size_t m = 0; m < y->unknowns; m++)
				equation[m] = s->s[l + m][f];
			system_add(y, equation);
		}
}

/* The solution of least degree: 1 at the first unknown that no row begins with, 0 at later ones. */
static size_t system_solve(const struct system *y, uint8_t *locator)
{
	size_t degree = 0;

	while (y->kept[degree])
		degree++;
	for (size_t i = 0; i < degree; i++)
		locator[i] = y->row[i][degree];
	locator[degree] = 1;
	return degree;
}

static uint8_t value_at(const uint8_t *polynomial, size_t degree, uint8_t x)
{
	uint8_t value = 0;

	for (size_t i = degree + 1; i-- > 0;)
		value = mul(value, x) ^ polynomial[i];
	return value;
}

/* The first k shares that are no roots. */
static bool subset_left(const struct residue *r, const uint8_t *locator, size_t degree, uint8_t *subset)
{
	size_t count = 0;

	for (size_t i = 0; i < r->count && count < r->k; i++)
		if (value_at(locator, degree, r->x[i]) != 0)
			subset[count++] = (uint8_t)i;
	return count == r->k;
}

dske_rc locate(const struct residue *r, size_t t, uint8_t *subset, bool *found)
{
	struct system *y = calloc(1, sizeof *y);
	struct syndromes s;
	uint8_t locator[SUBSET_MAX + 1];

	if (!y)
		return rc_make(DSKE_RC_NOMEM);
	y->unknowns = t + 1;
	syndromes_make(&s, r);
	system_fill(y, &s, r->count - r->k - t);
	*found = y->rank < y->unknowns && subset_left(r, locator, system_solve(y, locator), subset);
	free(y);
	return DSKE_OK;
}
