/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/stakes.h - which shares of long keys a receiver keeps when its disk has no room for all of them.
 *
 * Each hub that begins to send a share has a stake in its terms from then on, also when the share had to go.  Hubs that are
 * honest say the same terms.  So one share makes room for another when fewer hubs stand behind its terms; and behind as many,
 * when its hub has sent shares of several agreements, and the other one's hub has not.  Who stands behind terms only
 * grows, so that no two shares make room for each other in turn for ever.
 */
#ifndef DSKE_CLIENT_STAKES_H
#define DSKE_CLIENT_STAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "core/terms.h"

struct stake {
	size_t hub; /* its place among the links */
	struct terms terms;
	bool is_held;  /* it takes room in the spool ... */
	bool is_whole; /* ... and the receiver has it ... */
	size_t number; /* ... under this number */
	bool is_lacking; /* it had to go, or was not begun, for want of room ... */
	unsigned asked;  /* ... and was asked for again, so often */
};
#define STAKES_PER_HUB 4 /* an honest hub has one, or more where keys were not fetched before */

struct stakes {
	struct stake *all; /* owned; at most STAKES_PER_HUB of each hub */
	size_t count;
};
#define STAKE_NONE SIZE_MAX

void stakes_drop(struct stakes *s);

/* That hub's stake in these terms, a new one if it has none: *at.  Errors: NOMEM, BUSY (it has enough of others). */
dske_rc stakes_note(struct stakes *s, size_t hub, const struct terms *t, size_t *at);

/* Hubs that sent these terms; of those, hubs whose share is held. */
size_t stakes_support(const struct stakes *s, const struct terms *t);
size_t stakes_held(const struct stakes *s, const struct terms *t);

/* Is it known that these terms are the key's?  k hubs say them, and fewer than k are corrupt.  Before that, what lacks room is
 * not asked for again: corrupt hubs, or whoever fills a disk and empties it, would have honest ones deliver in vain. */
bool stakes_are_agreed(const struct stakes *s, const struct terms *t);

/* What has to go first so that there is room for `at`; STAKE_NONE: nothing. */
size_t stakes_victim(const struct stakes *s, size_t at);

#endif
