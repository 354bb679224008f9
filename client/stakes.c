/* SPDX-License-Identifier: Apache-2.0 */
/* client/stakes.c - who stands behind which terms, and what makes room for what. */
#include <config.h>

#include "client/stakes.h"

#include <stdlib.h>

void stakes_drop(struct stakes *s)
{
	free(s->all);
	*s = (struct stakes){0};
}

static size_t count_of(const struct stakes *s, size_t hub)
{
	size_t count = 0;
	for (size_t i = 0; i < s->count; i++)
		count += s->all[i].hub == hub;
	return count;
}

dske_rc stakes_note(struct stakes *s, size_t hub, const struct terms *t, size_t *at)
{
	for (*at = 0; *at < s->count; ++*at) {
		if (s->all[*at].hub == hub && terms_equal(&s->all[*at].terms, t))
			return DSKE_OK;
	}
	if (count_of(s, hub) >= STAKES_PER_HUB)
		return rc_make(DSKE_RC_BUSY);
	struct stake *more = reallocarray(s->all, s->count + 1, sizeof *more);
	if (more == NULL)
		return rc_make(DSKE_RC_NOMEM);
	s->all = more;
	more[s->count++] = (struct stake){.hub = hub, .terms = *t};
	return DSKE_OK;
}

size_t stakes_support(const struct stakes *s, const struct terms *t)
{
	size_t count = 0;
	for (size_t i = 0; i < s->count; i++)
		count += terms_equal(&s->all[i].terms, t);
	return count;
}

size_t stakes_held(const struct stakes *s, const struct terms *t)
{
	size_t count = 0;
	for (size_t i = 0; i < s->count; i++)
		count += s->all[i].is_held && terms_equal(&s->all[i].terms, t);
	return count;
}

bool stakes_are_agreed(const struct stakes *s, const struct terms *t)
{
	return stakes_support(s, t) >= t->k;
}

/* How much there is to be said for a share: twice the hubs behind its terms, and one if its hub sent nothing else. */
static size_t worth(const struct stakes *s, size_t at)
{
	return 2 * stakes_support(s, &s->all[at].terms) + (count_of(s, s->all[at].hub) == 1);
}

size_t stakes_victim(const struct stakes *s, size_t at)
{
	size_t victim = STAKE_NONE, least = worth(s, at);
	for (size_t i = 0; i < s->count; i++) {
		size_t value = s->all[i].is_held ? worth(s, i) : SIZE_MAX;
		if (value >= least || terms_equal(&s->all[i].terms, &s->all[at].terms))
			continue;
		least = value;
		victim = i;
	}
	return victim;
}
