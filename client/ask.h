/* SPDX-License-Identifier: Apache-2.0 */
/* client/ask.h - one frame to one hub, outside any lease, and what answers it: activation and retiring. */
#ifndef DSKE_CLIENT_ASK_H
#define DSKE_CLIENT_ASK_H

#include "client/link.h"

struct ask {
	struct hub_table *hub;
	struct buf frame; /* owned; sent again on a second connection when the first is lost */
	/* A frame of this hub about this table that is no note: calls ask_over, or returns false for nonsense. */
	bool (*take)(struct ask *a, const struct envelope *e);
	/* What a note means; it proves nothing.  DSKE_OK or an error for ask_over. */
	dske_rc (*note)(struct ask *a, const struct msg_note *note);
	void *context; /* the caller's */
	/* The rest is ask.c's. */
	struct fanout *fanout;
	size_t at;
	unsigned tries_left, objections;
	int objection; /* the last: its code ... */
	char objection_why[256];
	bool is_over;
	int code;
	char why[256];
};

/* That was the answer. */
void ask_over(struct ask *a, dske_rc rc);

/* Connects, sends, waits.  Errors: what ask_over was told; UNREACHABLE, TIMEOUT, TAG (nonsense came), NOMEM. */
dske_rc ask_run(struct ask *a, int64_t timeout_ms);
void ask_drop(struct ask *a);

/* Tagged under that key of the activation region, on that range? */
bool ask_is_genuine(const struct hub_table *hub, const struct envelope *e, enum activation_key which, uint64_t offset,
		    uint32_t length);

#endif
