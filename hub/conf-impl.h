/* SPDX-License-Identifier: Apache-2.0 */
/* hub/conf-impl.h - what the sources of the configuration's reader share; for this folder alone. */
#ifndef DSKE_HUB_CONF_IMPL_H
#define DSKE_HUB_CONF_IMPL_H

#include "hub/conf.h"

/* Values.  Errors: CONFIG. */
dske_rc hub_conf_id(struct id *id, const char *key, const char *value);

/* Adds the clients that a value lists, or everyone; once all is read, hub_group_sort.  Errors: CONFIG, NOMEM. */
dske_rc hub_group_parse(struct hub_group *g, const char *value);
void hub_group_sort(struct hub_group *g);

/* conf-distributor.c: one setting of [distributor NAME]; whether each has all it needs.  Errors: CONFIG, NOMEM. */
dske_rc hub_conf_distributor_set(struct hub_conf *c, const char *name, const char *key, const char *value);
dske_rc hub_conf_distributors_check(struct hub_conf *c);

#endif
