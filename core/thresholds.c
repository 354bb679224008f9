/* SPDX-License-Identifier: Apache-2.0 */
/* core/thresholds.c - the arithmetic of DSKE 4.2. */
#include "core/thresholds.h"

#include <string.h>

static unsigned lesser(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

dske_rc choice_check(const struct choice *c)
{
	if (c->n < 1 || c->n > TERMS_HUBS_MAX)
		return FAIL(ARGS, "n = %u: an agreement has 1 to %d hubs", c->n, TERMS_HUBS_MAX);
	if (c->k < 1 || c->k > c->n)
		return FAIL(ARGS, "k = %u: of n = %u shares 1 to %u can make a key", c->k, c->n, c->n);
	if (c->k_b < 1)
		return FAIL(ARGS, "k_B = 0: a receiver needs at least one share");
	if (c->k_b > c->k)
		return FAIL(ARGS, "k_B = %u is above k = %u: the receiver would refuse every key; lower k_B or raise k", c->k_b, c->k);
	return DSKE_OK;
}

struct thresholds thresholds_of(const struct choice *c)
{
	unsigned silence = c->n - c->k + 1;

	return (struct thresholds){
		.silence = silence,
		.disruption = lesser(silence, c->k_b),
		.leakage = c->k,
		.injection = c->k_b,
		.malleability = c->k_b,
	};
}

/* ---- operators ---------------------------------------------------------------------------------- */

void operators_apart(struct operators *o, unsigned hubs)
{
	o->count = hubs;
	for (size_t i = 0; i < o->count; i++)
		o->hubs[i] = 1;
}

unsigned operators_hubs(const struct operators *o)
{
	unsigned sum = 0;

	for (size_t i = 0; i < o->count; i++)
		sum += o->hubs[i];
	return sum;
}

/* The largest first: each covers as much as any could. */
unsigned operators_needed(const struct operators *o, unsigned hubs)
{
	unsigned of_size[TERMS_HUBS_MAX + 1] = {0}, needed = 0, covered = 0;

	for (size_t i = 0; i < o->count; i++)
		of_size[o->hubs[i]]++;
	for (unsigned size = TERMS_HUBS_MAX; size > 0 && covered < hubs; size--)
		for (; of_size[size] > 0 && covered < hubs; of_size[size]--) {
			covered += size;
			needed++;
		}
	return covered >= hubs ? needed : 0;
}

unsigned choice_weaknesses(const struct choice *c, const struct operators *taking, unsigned accepted)
{
	struct thresholds t = thresholds_of(c);
	unsigned found = 0;

	if (c->k_b <= c->n - c->k)
		found |= WEAK_DISRUPTION;
	if (c->k_b == 1)
		found |= WEAK_ONE_HUB;
	if (c->k == c->n)
		found |= WEAK_ONE_DOWN;
	if (accepted > c->n)
		found |= WEAK_POOL;
	if (operators_needed(taking, t.disruption) < t.disruption || operators_needed(taking, t.injection) < t.injection ||
	    operators_needed(taking, t.leakage) < t.leakage)
		found |= WEAK_OPERATOR;
	return found;
}

/* ---- chances ------------------------------------------------------------------------------------ */

/* of[j]: the chance that exactly j hubs are bad. */
struct distribution {
	double of[TERMS_HUBS_MAX + 1];
};

/* Operator by operator, by sums of products of numbers that are not negative: nothing cancels, so small chances keep
 * their digits. */
static void distribute(struct distribution *d, const struct operators *o, double p)
{
	memset(d, 0, sizeof *d);
	d->of[0] = 1;
	for (size_t i = 0; i < o->count; i++)
		for (int j = TERMS_HUBS_MAX; j >= 0; j--) {
			int before = j - (int)o->hubs[i];
			d->of[j] = d->of[j] * (1 - p) + (before >= 0 ? d->of[before] * p : 0);
		}
}

/* The chance of that many or more. */
static double at_least(const struct distribution *d, int many)
{
	double sum = 0;

	for (int j = TERMS_HUBS_MAX; j >= many && j >= 0; j--)
		sum += d->of[j];
	return sum < 1 ? sum : 1;
}

/* Owned hubs of those that take part can be silent or lie; of the others that are accepted they can lie. */
static double disruption_chance(const struct distribution *in, const struct distribution *out, const struct thresholds *t)
{
	double sum = 0;

	for (int j = 0; j < (int)t->silence; j++)
		sum += in->of[j] * at_least(out, (int)t->injection > j ? (int)t->injection - j : 0);
	sum += at_least(in, (int)t->silence);
	return sum < 1 ? sum : 1;
}

/* Any of the accepted hubs can lie. */
static double injection_chance(const struct distribution *in, const struct distribution *out, const struct thresholds *t)
{
	double sum = 0;

	for (int j = 0; j <= TERMS_HUBS_MAX; j++)
		sum += in->of[j] * at_least(out, (int)t->injection > j ? (int)t->injection - j : 0);
	return sum < 1 ? sum : 1;
}

struct chances chances_of(const struct choice *c, const struct operators *taking, const struct operators *others, double p)
{
	struct thresholds t = thresholds_of(c);
	struct distribution in, out;

	distribute(&in, taking, p);
	distribute(&out, others, p);
	return (struct chances){
		.silence = at_least(&in, (int)t.silence),
		.disruption = disruption_chance(&in, &out, &t),
		.leakage = at_least(&in, (int)t.leakage),
		.injection = injection_chance(&in, &out, &t),
	};
}

/* ---- advice ------------------------------------------------------------------------------------- */

static unsigned between(unsigned wanted, unsigned least, unsigned most)
{
	return wanted < least ? least : wanted > most ? most : wanted;
}

static dske_rc wish_check(const struct wish *w)
{
	if (w->hubs < 1 || w->hubs > TERMS_HUBS_MAX)
		return FAIL(ARGS, "%u hubs: an agreement has 1 to %d", w->hubs, TERMS_HUBS_MAX);
	if (w->down > w->hubs || w->collude > w->hubs)
		return FAIL(ARGS, "of %u hubs no more than %u can be down or in league", w->hubs, w->hubs);
	if (w->down >= w->hubs)
		return FAIL(ARGS, "when %u of %u hubs are down none is left: at least %u hubs are needed, and one of them up", w->down,
			    w->hubs, w->down + 1);
	if (w->collude >= w->hubs - w->down)
		return FAIL(ARGS, "when %u of %u hubs are down, %u shares must make the key, and %u hubs in league have as many: have "
			    "%u hubs at least (%u if a key is to be agreed even while the %u lie), or let fewer be down or in league",
			    w->down, w->hubs, w->hubs - w->down, w->collude, w->down + w->collude + 1, w->down + 2 * w->collude + 1,
			    w->collude);
	return DSKE_OK;
}

/*
 * k > collude, so that they know nothing; k <= hubs - down, so that enough come.  Within that, if there is room, also
 * k <= hubs - down - collude: lies of the ones and silence of the others at once leave k true shares; or at least
 * k <= hubs - collude.  And of what remains the k nearest to a majority, where disruption, min(n-k+1, k_B), is hardest.
 * k_B = k: to accept less than one offers gives away injection and malleability for nothing.
 */
dske_rc choice_suggest(struct advice *out, const struct wish *w)
{
	unsigned least, up, majority;

	TRY(wish_check(w));
	least = w->collude + 1;
	up = w->hubs - w->down;
	majority = w->hubs / 2 + 1;
	*out = (struct advice){.choice.n = w->hubs,
			       .withstands_both = up >= w->collude + least,
			       .withstands_lies = w->hubs >= w->collude + least};

	unsigned most = out->withstands_both ? up - w->collude
			: out->withstands_lies ? lesser(up, w->hubs - w->collude) : up;

	out->choice.k = out->withstands_lies ? between(majority, least, most) : least;
	out->choice.k_b = out->choice.k;
	return DSKE_OK;
}
