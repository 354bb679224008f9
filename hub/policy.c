/* SPDX-License-Identifier: Apache-2.0 */
/* hub/policy.c - membership of groups. */
#include "hub/policy.h"

bool policy_joins(const struct hub_conf *c, const char *client, const char *other)
{
	unsigned joined = 0;

	for (size_t i = 0; i < c->group_count; i++) {
		bool has_client = hub_group_has(&c->group[i], client), has_other = hub_group_has(&c->group[i], other);

		joined += has_client & has_other;
	}
	return joined > 0;
}
