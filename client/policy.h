/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/policy.h - the limits on what this client receives (dske.conf(5)), told to hubs, which hold them too: POLICY,
 * doc/protocol.md 8.8.  A hub says in each GRANT which version it has.
 *
 * The file `policy` in the state folder has the version, and a digest of the limits that it stands for: other limits get a
 * new version, durably before it is told.  Without limits, and where no hub has any of ours, nothing is told or written.
 */
#ifndef DSKE_CLIENT_POLICY_H
#define DSKE_CLIENT_POLICY_H

#include "client/link.h"

/* What a lease that asks for no more than it needs asks for besides, so that there is room to tell. */
uint64_t policy_room(const struct link *l);

/* After a GRANT that names this version: tells the hub our limits if they are later.  The link's up window may have too
 * little left for that beside what the exchange needs; then a later lease is the occasion. */
void policy_tell(struct link *l, uint64_t version);

/* The hub's answer?  Then it is dealt with. */
bool policy_answered(struct link *l, const struct envelope *e);

void policy_drop(struct link *l);

#endif
