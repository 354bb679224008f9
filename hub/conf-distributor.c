/* SPDX-License-Identifier: Apache-2.0 */
/* hub/conf-distributor.c - the sections [distributor NAME]. */
#include "hub/conf-impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"

static struct hub_distributor *find_distributor(const struct hub_conf *c, const char *name)
{
	for (size_t i = 0; i < c->distributor_count; i++)
		if (strcmp(c->distributor[i].clients.name, name) == 0)
			return &c->distributor[i];
	return NULL;
}

const struct hub_distributor *hub_conf_distributor(const struct hub_conf *c, const char *name)
{
	return find_distributor(c, name);
}

static dske_rc distributor_named(struct hub_conf *c, const char *name, struct hub_distributor **out)
{
	*out = find_distributor(c, name);
	if (*out)
		return DSKE_OK;
	if (!name_check(name))
		return FAIL(CONFIG, "[distributor %s]: a distributor needs a name, as in [distributor north]", name);
	if (c->distributor_count == HUB_DISTRIBUTORS_MAX)
		return FAIL(CONFIG, "more than %d distributors", HUB_DISTRIBUTORS_MAX);

	struct hub_distributor *more = reallocarray(c->distributor, c->distributor_count + 1, sizeof *more);

	if (!more)
		return rc_make(DSKE_RC_NOMEM);
	c->distributor = more;
	*out = &more[c->distributor_count++];
	**out = (struct hub_distributor){0};
	memcpy((*out)->clients.name, name, strlen(name) + 1);
	return DSKE_OK;
}

dske_rc hub_conf_distributor_set(struct hub_conf *c, const char *name, const char *key, const char *value)
{
	struct hub_distributor *d = NULL;

	TRY(distributor_named(c, name, &d));
	if (strcmp(key, "id") == 0)
		return hub_conf_id(&d->id, key, value);
	if (strcmp(key, "clients") == 0)
		return hub_group_parse(&d->clients, value);
	if (strcmp(key, "quota") == 0)
		return conf_size(&d->quota, key, value);
	return conf_unknown("distributor", key);
}

static dske_rc check(const struct hub_conf *c, struct hub_distributor *d)
{
	const char *missing = id_is_zero(&d->id) ? "id" : !d->clients.everyone && d->clients.member_count == 0 ? "clients" : NULL;

	if (missing)
		return FAIL(CONFIG, "%s: [distributor %s] lacks '%s'", c->file.s, d->clients.name, missing);
	hub_group_sort(&d->clients);
	return DSKE_OK;
}

dske_rc hub_conf_distributors_check(struct hub_conf *c)
{
	for (size_t i = 0; i < c->distributor_count; i++)
		TRY(check(c, &c->distributor[i]));
	return DSKE_OK;
}
