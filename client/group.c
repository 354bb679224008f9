/* SPDX-License-Identifier: Apache-2.0 */
/* client/group.c - who agrees. */
#include <config.h>

#include "client/group.h"

#include <stdlib.h>
#include <string.h>

void group_drop(struct group *g)
{
	free(g->member);
	*g = (struct group){0};
}

static bool is_member(const struct group *g, const struct id *id)
{
	for (size_t i = 0; i < g->count; i++)
		if (id_equal(&g->member[i].id, id))
			return true;
	return false;
}

static bool is_left_out(const struct group *g, const struct id *hub)
{
	for (size_t i = 0; i < g->left_out_count; i++)
		if (id_equal(&g->left_out[i], hub))
			return true;
	return false;
}

static void leave_out(struct group *g, const struct peers *peers, const struct id *member)
{
	struct id hubs[TERMS_HUBS_MAX];
	size_t count = peers_left_out(peers, member, hubs, TERMS_HUBS_MAX);

	for (size_t i = 0; i < count && g->left_out_count < TERMS_HUBS_MAX; i++)
		if (!is_left_out(g, &hubs[i]))
			g->left_out[g->left_out_count++] = hubs[i];
}

static dske_rc add(struct group *g, const struct peers *peers, const char *name)
{
	const struct peer *p = peers_by_name(peers, name);

	if (p == NULL)
		return FAIL(NOT_FOUND, "there is no peer %s: ask the hubs who that is with dske peer add %s", name, name);
	if (p->refused)
		return FAIL(DENIED, "nothing is agreed with %s: [peer %s] has accept = no", name, name);
	if (is_member(g, &p->id) || id_equal(&p->id, &g->self))
		return FAIL(ARGS, "%s is named twice, or is this client itself: name each of the others once", name);
	g->member[g->count++] = *p;
	leave_out(g, peers, &p->id);
	return DSKE_OK;
}

/* A fixed rule, so that all ends may call in the same way: the lowest client ID initiates. */
static size_t lowest(const struct group *g)
{
	size_t at = g->count;

	for (size_t i = 0; i < g->count; i++)
		if (id_compare(&g->member[i].id, at == g->count ? &g->self : &g->member[at].id) < 0)
			at = i;
	return at;
}

dske_rc group_gather(struct group *g, struct client *c, const struct agree_request *q)
{
	AUTO(peers) peers = {0};

	if (q->more_count >= TERMS_RECEIVERS_MAX)
		return FAIL(ARGS, "%zu peers: a group has at most %d besides us", q->more_count + 1, TERMS_RECEIVERS_MAX);
	*g = (struct group){.self = client_config(c)->id, .member = calloc(q->more_count + 1, sizeof *g->member)};
	if (g->member == NULL)
		return rc_make(DSKE_RC_NOMEM);
	TRY(client_peers(c, &peers));
	TRY(add(g, &peers, q->peer));
	for (size_t i = 0; i < q->more_count; i++)
		TRY(add(g, &peers, q->more[i]));
	g->initiator = q->role == ROLE_AUTO ? lowest(g) : q->role == ROLE_INITIATOR ? g->count : 0;
	return DSKE_OK;
}

bool group_we_initiate(const struct group *g)
{
	return g->initiator == g->count;
}

const struct peer *group_peer(const struct group *g)
{
	return &g->member[group_we_initiate(g) ? 0 : g->initiator];
}

static int by_id(const void *a, const void *b)
{
	return id_compare(a, b);
}

void group_write_receivers(const struct group *g, struct terms *t)
{
	t->receiver_count = (uint8_t)g->count;
	for (size_t i = 0; i < g->count; i++)
		t->receiver[i] = g->member[i].id;
	qsort(t->receiver, g->count, sizeof t->receiver[0], by_id);
}

bool group_is_addressed(const struct group *g, const struct terms *t)
{
	/* the receivers are distinct and without the initiator (terms_check), so counting them is enough */
	if (t->receiver_count != g->count || !id_equal(&t->initiator, &g->member[g->initiator].id))
		return false;
	for (size_t i = 0; i < t->receiver_count; i++)
		if (!id_equal(&t->receiver[i], &g->self) && !is_member(g, &t->receiver[i]))
			return false;
	return terms_receiver_index(t, &g->self) >= 0;
}
