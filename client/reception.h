/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/reception.h - what the two parts of a receiver share: receiver.c waits and concludes, arrival.c takes
 * each hub's INSTRUCTIONs and answers them.
 */
#ifndef DSKE_CLIENT_RECEPTION_H
#define DSKE_CLIENT_RECEPTION_H

#include "client/agreement.h"
#include "client/request.h"
#include "core/agree.h"
#include "core/confirm.h"

#define INSTRUCTIONS_MOST 4 /* kept a hub, of what is awaited: one is honest, more when keys were not fetched before */

/* An INSTRUCTION that was taken, and is owed a RECEIPT. */
struct owed {
	bool is_due;
	bool is_left; /* the hub keeps the share for another call: there will be none */
	enum receipt_verdict verdict;
	struct id key_id;
	uint64_t offset;
	uint32_t length;
	struct secret key; /* owned: the reply-tag key */
};

/* What one hub was asked, and has sent. */
struct arrival {
	struct request wait;
	struct request ready;    /* READY, where the key is confirmed */
	bool has_answered;       /* it */
	struct owed owed[INSTRUCTIONS_MOST];
	size_t count;
	bool is_dirty; /* something is left at the hub that this connection would be told again */
	int64_t revive_ms; /* not before: connect again after a loss */
	unsigned revivals;
};

struct reception {
	struct agreement *a;
	struct id self, initiator;
	struct id fresh; /* a key ID that was neither taken nor vowed */
	struct receiver *receiver;
	struct arrival *arrival; /* one a hub */
	struct intake *intake;   /* owned; of long keys (client/intake.h), or NULL */
	bool is_over;            /* with this result: */
	int code;
	char why[256];
	const struct terms *terms; /* borrowed from the receiver */
	double first_ms;           /* when the first share came, or 0 */
	size_t hubs_heard;         /* that sent a share to conclude from: so many ... */
	int64_t heard_ms;          /* ... since then */
	bool is_searched;          /* as thoroughly as can be, since the last share came */
	bool is_first_pass;        /* what was agreed is material for a second one, on these terms: */
	struct terms first;
	struct secret material;    /* owned */
	bool vowed;                /* READY is, or will be, said of the key */
	bool refuses;              /* and the key will not be taken */
	uint8_t mask[CONFIRM_MASK_LEN]; /* d' of that key */
	struct ballot ballot;      /* what hubs passed on */
};

/* ---- client/receiver.c -------------------------------------------------------------------------------- */

/* It ends with this result, unless it has another one. */
void reception_over(struct reception *v, dske_rc rc);

/* Seconds until the deadline, at least 1. */
uint32_t reception_patience_s(const struct reception *v);

/* ---- client/ready.c ------------------------------------------------------------------------------------ */

/* The key that was concluded is confirmed.  Errors: TIMEOUT (it is not, in time), CONFLICT (another is: the group is
 * split), CANCELLED, as vow_enter.  Once v->vowed is set nobody else here can take the key. */
dske_rc ready_confirm(struct reception *v);

/* A link is ready: true when that is for READY.  A hub has delivered: READY is due there.  A frame: true when it was
 * a CONFIRMATION. */
bool ready_on_link(struct reception *v, struct link *l);
void ready_say(struct reception *v, struct link *l);
bool ready_take(struct reception *v, struct link *l, const struct envelope *e);

/* ---- client/arrival.c --------------------------------------------------------------------------------- */

/* Takes an INSTRUCTION.  True when it brought a share to conclude from. */
bool arrival_take(struct reception *v, struct link *l, const struct envelope *e);

/* A frame of the down region: in a window of this link, unused, and authentic?  Then its range is taken: pad is what is
 * behind the keys, reply_key the second of these. */
bool arrival_range(struct link *l, const struct envelope *e, struct pad *pad, struct secret *reply_key);

/* Sends the RECEIPTs that are due: for shares of the key that was agreed on (v->terms; NULL: none was), and for
 * what was refused.  The hubs keep the others. */
void arrivals_answer(struct reception *v);

/* Empties them.  Connections whose hub would tell the next exchange of this one are let go. */
void arrivals_drop(struct reception *v);

#endif
