/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/limits.h - what a receiver says that it takes at most (DSKE 4.1, depletion): POLICY, doc/protocol.md 8.8.  The newest
 * version stands, is kept in the mailbox, and holds beside the limits of the hub's own configuration.
 */
#ifndef DSKE_HUB_LIMITS_H
#define DSKE_HUB_LIMITS_H

#include "hub/dispatch.h"

/* POLICY, behind the common checks. */
void limits_take(struct request *r);

/* What was read in this round may be so no more: the mailbox was changed otherwise. */
void limits_forget(struct hub *h);

/* The version that this hub has; 0: none, or it cannot be read. */
uint64_t limits_version(struct hub *h, const struct id *client);

/* What the client says of shares from that initiator (scope QUOTA_PAIR), or of all that it is sent (QUOTA_RECEIVE).
 * *known: it says something.  Errors: CORRUPT, IO. */
dske_rc limits_of(struct hub *h, const struct id *client, enum quota_scope scope, const struct id *initiator, struct quota *q,
		  bool *known);

/* Keys of one initiator that may wait for it; 0: it does not say.  Errors: CORRUPT, IO. */
dske_rc limits_waiting(struct hub *h, const struct id *client, uint32_t *waiting);

#endif
