/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/thresholds.h - what n, k and k_B are worth (DSKE 4.2), how likely it is that they do not hold, and which
 * to choose (DSKE 4.2.1).
 *
 * A hub is owned (it says, and tells the adversary, what the adversary wants) or down.  Hubs of one operator
 * are owned, or down, together.
 */
#ifndef DSKE_CORE_THRESHOLDS_H
#define DSKE_CORE_THRESHOLDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"
#include "core/terms.h"

struct choice {
	unsigned n, k; /* of the initiator */
	unsigned k_b;  /* the least k that the receiver accepts */
};

/* 1 <= k_B <= k <= n <= TERMS_HUBS_MAX.  Errors: ARGS with the reason. */
dske_rc choice_check(const struct choice *c);

/* DSKE 4.2: so many hubs, and no fewer, can ... */
struct thresholds {
	unsigned silence;      /* ... prevent a key by being down: n-k+1 */
	unsigned disruption;   /* ... prevent a key by what they say: the lesser of n-k+1 and k_B */
	unsigned leakage;      /* ... know the initiator's key: k */
	unsigned injection;    /* ... have the receiver take a key that they know: k_B */
	unsigned malleability; /* ... have the two take different keys: k_B */
};
struct thresholds thresholds_of(const struct choice *c);

/* Each line of the paper's trade-off that a choice is on the wrong side of. */
enum weakness {
	WEAK_DISRUPTION = 1 << 0, /* k_B <= n-k: k_B hubs that lie prevent what n-k that are down do not */
	WEAK_ONE_HUB = 1 << 1,    /* k_B is 1 (with k = 1 it is): one owned hub is enough */
	WEAK_ONE_DOWN = 1 << 2,   /* k = n: one hub that is down is enough */
	WEAK_POOL = 1 << 3,       /* the receiver accepts more hubs than take part */
	WEAK_OPERATOR = 1 << 4,   /* with operators that run several hubs, fewer of them reach a threshold */
};

/* ---- hubs and who runs them ------------------------------------------------------------------------- */

/* The hubs of each operator; a hub of its own operator is one of size 1. */
struct operators {
	unsigned hubs[TERMS_HUBS_MAX]; /* of the count operators; their sum is at most TERMS_HUBS_MAX */
	size_t count;
};

/* As many hubs, each of its own operator. */
void operators_apart(struct operators *o, unsigned hubs);
unsigned operators_hubs(const struct operators *o);

/* The fewest operators that run so many hubs together; 0 when all together do not. */
unsigned operators_needed(const struct operators *o, unsigned hubs);

/* enum weakness, or'ed.  taking: of the n hubs; accepted: hubs that the receiver accepts, n at least. */
unsigned choice_weaknesses(const struct choice *c, const struct operators *taking, unsigned accepted);

/* ---- how likely ------------------------------------------------------------------------------------- */

/* Each operator is bad with chance p, independently. */
struct chances {
	double silence;    /* no key, when "bad" means down */
	double disruption; /* no key, when it means owned */
	double leakage;    /* the key is known to the adversary */
	double injection;  /* a wrong key is taken, or one that the adversary knows */
};

/* others: the hubs that the receiver accepts besides those that take part.  Exact but for rounding. */
struct chances chances_of(const struct choice *c, const struct operators *taking, const struct operators *others, double p);

/* ---- which to choose -------------------------------------------------------------------------------- */

struct wish {
	unsigned hubs;    /* that both ends have */
	unsigned down;    /* of them may be down, and a key is still agreed */
	unsigned collude; /* of them may be in league, and learn nothing and inject nothing */
};

struct advice {
	struct choice choice;
	bool withstands_both; /* a key is agreed although the others lie while so many are down */
	bool withstands_lies; /* ... while none is down */
};

/* Errors: ARGS, with how many hubs it would take. */
dske_rc choice_suggest(struct advice *out, const struct wish *w);

#endif
