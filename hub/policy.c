/* SPDX-License-Identifier: Apache-2.0 */
/* hub/policy.c - membership of groups. */
#include "hub/policy.h"

#include <stdlib.h>
#include <string.h>

static int member_compare(const void *key, const void *member)
{
	return strcmp(key, member);
}

static bool group_has(const struct hub_group *g, const char *client)
{
	bool listed = g->member_count > 0 &&
		      bsearch(client, g->member, g->member_count, sizeof g->member[0], member_compare);

	return g->everyone || listed;
}

bool policy_joins(const struct hub_conf *c, const char *client, const char *other)
{
	unsigned joined = 0;

	for (size_t i = 0; i < c->group_count; i++) {
		bool has_client = group_has(&c->group[i], client), has_other = group_has(&c->group[i], other);

		joined += has_client & has_other;
	}
	return joined > 0;
}
