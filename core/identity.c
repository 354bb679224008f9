/* SPDX-License-Identifier: Apache-2.0 */
/* core/identity.c - the consensus of the hubs (DSKE 2.2). */
#include "core/identity.h"

#include <string.h>

static bool same_name(const struct identity *a, const struct identity *b)
{
	return strncmp(a->name, b->name, sizeof a->name) == 0;
}

static size_t count_saying(const struct identity_vote *votes, size_t hub_count, const struct identity *what)
{
	size_t count = 0;

	for (size_t i = 0; i < hub_count; i++)
		count += votes[i].answer == IDENTITY_SAYS && id_equal(&votes[i].says.id, &what->id) &&
			 same_name(&votes[i].says, what);
	return count;
}

/* DSKE 2.2: a hub "that conflicts with a consensus is excluded".  Silence conflicts with nothing. */
static bool contradicts(const struct identity_vote *vote, const struct identity *settled)
{
	return vote->answer == IDENTITY_SAYS &&
	       id_equal(&vote->says.id, &settled->id) != same_name(&vote->says, settled);
}

void identity_judge(struct identity_vote *votes, size_t hub_count, const struct identity *record)
{
	for (size_t i = 0; i < hub_count; i++)
		votes[i].contradicts = contradicts(&votes[i], record);
}

dske_rc identity_settle(struct identity *out, struct identity_vote *votes, size_t hub_count, size_t least)
{
	const struct identity *settled = NULL;
	size_t needed = hub_count / 2 + 1, best = 0;

	if (needed < least)
		needed = least;
	for (size_t i = 0; i < hub_count; i++) {
		votes[i].contradicts = false;
		if (votes[i].answer != IDENTITY_SAYS)
			continue;
		size_t count = count_saying(votes, hub_count, &votes[i].says);
		if (count > best)
			best = count;
		if (count >= needed)
			settled = &votes[i].says;
	}
	if (!settled)
		return FAIL(TOO_FEW, "at most %zu of %zu hubs say the same of this peer, %zu must", best, hub_count,
			    needed);

	*out = *settled;
	out->name[NAME_MAX_LEN] = 0;
	identity_judge(votes, hub_count, out);
	return DSKE_OK;
}
