/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/group.h - who agrees: we and one peer, or we and several (DSKE 2.3.2 lets "the same key be established by
 * more than two clients").  All members name the same group; its order says nothing.
 */
#ifndef DSKE_CLIENT_GROUP_H
#define DSKE_CLIENT_GROUP_H

#include "client/client.h"

struct group {
	struct id self;
	struct peer *member; /* owned: the others, in the order in which they were named */
	size_t count;        /* 1 to TERMS_RECEIVERS_MAX */
	size_t initiator;    /* index of the member who initiates; count: we do */
	struct id left_out[TERMS_HUBS_MAX]; /* hubs that contradict the record of one of them (DSKE 2.2) */
	size_t left_out_count;
};

/* Emptied by group_drop.  Errors: NOT_FOUND (no such peer, with what to do), DENIED (accept = no), ARGS (one named twice, or too many),
 * NOMEM. */
dske_rc group_gather(struct group *g, struct client *c, const struct agree_request *q);
void group_drop(struct group *g);

bool group_we_initiate(const struct group *g);

/* Who the sentences are about: the initiator, or, where we are that, the first who was named. */
const struct peer *group_peer(const struct group *g);

/* Writes who receives what we initiate, in ascending order of IDs: every attempt of a group has the same terms. */
void group_write_receivers(const struct group *g, struct terms *t);

/* Is what its initiator sends for exactly this group?  A key that others get too is another key. */
bool group_is_addressed(const struct group *g, const struct terms *t);

#endif
