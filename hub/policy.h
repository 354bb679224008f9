/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/policy.h - who may talk to whom: two clients that are members of one group.  Whoever is joined by
 * no group is refused, and looks as if he did not exist (doc/protocol.md, "Agreement").
 */
#ifndef DSKE_HUB_POLICY_H
#define DSKE_HUB_POLICY_H

#include "hub/conf.h"

/* Looks at every group, whether one joins them already or not, so that its time tells little. */
bool policy_joins(const struct hub_conf *c, const char *client, const char *other);

#endif
