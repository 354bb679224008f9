/* SPDX-License-Identifier: Apache-2.0 */
/* hub/peer.c - the directory seen through policy. */
#include "hub/peer.h"

#include "hub/policy.h"

static const struct hub_client *find(struct hub *h, const struct hub_client *asking, const struct id *id,
				     const char *name)
{
	const struct directory *d = vault_directory(h->vault);
	const struct hub_client *c = id ? directory_by_id(d, id) : directory_by_name(d, name);
	/* A name that nobody can have, so that policy takes its time for a stranger too. */
	bool joined = policy_joins(&h->conf, asking->who.name, c ? c->who.name : "?");

	return c && (joined || c == asking) ? c : NULL;
}

/* Looked for twice, with the folder of tables read in between if it has changed, whatever was the reason. */
static const struct hub_client *find_twice(struct hub *h, const struct hub_client *asking, const struct id *id,
					   const char *name)
{
	const struct hub_client *c = find(h, asking, id, name);

	if (!c && vault_refresh(h->vault))
		c = find(h, asking, id, name);
	return c;
}

const struct hub_client *peer_by_id(struct hub *h, const struct hub_client *asking, const struct id *id)
{
	return find_twice(h, asking, id, NULL);
}

const struct hub_client *peer_by_name(struct hub *h, const struct hub_client *asking, const char *name)
{
	return find_twice(h, asking, NULL, name);
}
