/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/acknowledge.h - a client acknowledges by telephone that its PSKM has arrived (DSKE 2.1: "through a
 * trusted channel before it is used by either party").
 *
 * The client's operator reads out the nonce and the tag of his ACTIVATE, the hub's types them in: that is the
 * message that the network would carry, so it may come by both ways, and twice.  The tag decides which of the
 * client's tables is meant.  What is said is no secret: a tag under a key that tags nothing else says nothing
 * about the table, and with it one can do no more than what the client wants done.
 */
#ifndef DSKE_HUB_ACKNOWLEDGE_H
#define DSKE_HUB_ACKNOWLEDGE_H

#include "core/tag.h"
#include "hub/vault.h"

struct acknowledgement {
	struct hub_client *client;
	struct id nonce;
	struct tag tag;
	/* The outcome: */
	struct vault_table *table; /* borrowed from the vault */
	bool frozen;               /* it had been activated with another nonce; the answer says so */
	struct tag answer;         /* of ACTIVATED or FROZEN, to be read back to the client */
};

/* Activates the table, or freezes it, durably.  Errors: TAG (of none of the client's tables), LOCKED, SYNC. */
dske_rc acknowledge(struct vault *v, struct acknowledgement *a, int64_t now_ms);

#endif
