/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/wait.h - a receiver's WAITs, and the pushing of what matches.  Without a filter a share could go to
 * the wrong one of a client's processes and be lost.
 *
 * A WAIT by key ID ends with the one share that can match it; one by context gets the newest share of that
 * context, now and later, until a RECEIPT says that one was kept, or its patience or its connection ends.
 */
#ifndef DSKE_HUB_WAIT_H
#define DSKE_HUB_WAIT_H

#include "hub/dispatch.h"

#define WAITS_MAX 1024 /* on one connection */

struct wait {
	struct wait *next;
	struct msg_wait match;             /* value points into this structure */
	uint8_t value[TERMS_CONTEXT_MAX];
	int64_t until_ms;
	uint64_t offset;                   /* of the WAIT's range, which a note names */
	uint32_t length;
	bool noted;                        /* told that the down window is too small */
};

/* WAIT, behind the common checks. */
void wait_begin(struct request *r);

/* A share has come: to every connection of its receivers that waits for it. */
void wait_offer(struct hub *h, const struct terms *t, int64_t share);

/* There is room again on this connection, or a new down window: push what was put off. */
void wait_room(struct conn *c);
void wait_new_window(struct conn *c);

/* The WAIT with that range, if there is one. */
void wait_end(struct conn *c, uint64_t offset);

/* Those whose patience is at an end. */
void wait_expire(struct conn *c);
void wait_drop_all(struct conn *c);

#endif
