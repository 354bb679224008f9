/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/bench/agreements.h"

#include <string.h>

#define TIMEOUT_MS 5000

static dske_rc agree(const struct pair *p, struct client *c, const char *peer, enum agree_role role,
		     struct secret *key)
{
	const struct agreements *a = p->context;
	struct agree_request q = {.role = role, .has_key_id = true, .key_id = p->key_id, .key_len = a->key_len,
				  .scheme = a->scheme, .timeout_ms = TIMEOUT_MS};
	struct agree_result r = {0};

	strcpy(q.peer, peer);
	dske_rc rc = client_agree(c, &q, &r);
	secret_move(key, &r.key);
	agree_result_drop(&r);
	return rc;
}

static dske_rc initiate(struct pair *p)
{
	const struct agreements *a = p->context;

	return agree(p, a->network.alice, "bob", ROLE_INITIATOR, &p->initiator_key);
}

static dske_rc receive(struct pair *p)
{
	const struct agreements *a = p->context;

	return agree(p, a->network.bob, "alice", ROLE_RECEIVER, &p->receiver_key);
}

const struct way agreements_way = {.initiate = initiate, .receive = receive};
