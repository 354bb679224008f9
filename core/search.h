/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/search.h - in which order sets of k shares are tried, and which need not be.
 *
 * 1. What linear algebra locates as corrupt is left out (core/locate.h).
 * 2. Every set of more than k shares that are consistent in their residue, those of k + 1 last: colluders
 *    can make one that is larger than the honest one (core/consistent.h).
 * 3. Where no redundancy is left, all sets of k that are no part of a set tried already.
 *
 * All shares of a consistent set give one candidate, so that one try settles the whole of it.
 */
#ifndef DSKE_CORE_SEARCH_H
#define DSKE_CORE_SEARCH_H

#include "core/candidate.h"

#define SEARCH_SECOND_LEN (UINT64_C(1) << 25)

enum search_kind {
	SEARCH_QUICK,    /* for a key, but no stage that takes longer than SEARCH_STEP_LEN */
	SEARCH_THOROUGH, /* for a key, within SEARCH_LEN_MAX */
	SEARCH_SECOND,   /* for another key than the one found; each stage within SEARCH_SECOND_LEN */
};

struct search;

/* g is borrowed while the search lasts, and must get no share.  Reads each share once, where k are
 * redundant.  Errors: NOMEM, IO. */
dske_rc search_new(struct search **out, const struct share_group *g);
void search_free(struct search *s);

/* From the beginning.  The k shares that are judged, ascending, were tried already, and so were all that
 * are consistent with them. */
dske_rc search_begin(struct search *s, enum search_kind kind, const uint8_t *judged);

/* Of how many shares? */
size_t search_count(const struct search *s);

enum search_state {
	SEARCH_TRY,   /* these k shares are to be tried now */
	SEARCH_PAUSE, /* *budget is used up: call again */
	SEARCH_END,
};

/* The next k shares, ascending, into `subset`.  *budget, in bytes of shares read, counts down. */
dske_rc search_next(struct search *s, uint64_t *budget, uint8_t *subset, enum search_state *state);

/* At the end: were stages left out, as they would take too long? */
bool search_is_partial(const struct search *s);

#endif
