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

#define VOWS_MOST RECEIVER_ASIDE_MOST /* keys that stand at a time and wait to be confirmed: all but one were given up */

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
	struct request ready[VOWS_MOST]; /* READY, of each key that waits to be confirmed */
	bool has_answered[VOWS_MOST];    /* it */
	struct owed owed[INSTRUCTIONS_MOST];
	size_t count;
	bool is_dirty; /* something is left at the hub that this connection would be told again */
	int64_t revive_ms; /* not before: connect again after a loss */
	unsigned revivals;
};

/* A key of which READY is said.  Its place is that of the requests in struct arrival. */
struct vow {
	bool is_made;
	unsigned number;           /* the lower, the older */
	const struct terms *terms; /* borrowed from the receiver */
	struct secret key;         /* owned; S ... */
	uint8_t mask[CONFIRM_MASK_LEN]; /* ... and d' */
	struct ballot ballot;      /* what hubs passed on */
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
	struct vow vow[VOWS_MOST]; /* keys that stand, but have yet to be confirmed */
	unsigned vows;             /* so many were made */
	bool refuses;              /* and none of them will be taken */
};

/* ---- client/receiver.c -------------------------------------------------------------------------------- */

/* It ends with this result, unless it has another one. */
void reception_over(struct reception *v, dske_rc rc);

/* Seconds until the deadline, at least 1. */
uint32_t reception_patience_s(const struct reception *v);

/* ---- client/ready.c ------------------------------------------------------------------------------------ */

/*
 * The key that was concluded waits to be confirmed from here on, beside those that do so already, and READY is said of it:
 * nobody else here can take it.  The reception goes on, for another key may come: one that was given up must not keep the
 * next one out.  It is over, with v->terms and the key in the result, when the first is confirmed; or with CONFLICT (another
 * is: the group is split).  Errors: as vow_enter.
 */
dske_rc ready_vow(struct reception *v);
bool ready_has_vowed(const struct reception *v, const struct id *key_id);

/* In words, that none was confirmed in time: TIMEOUT.  OK where none was vowed. */
dske_rc ready_failure(const struct reception *v);

/* What READYs take of the up region of this hub that have yet to be answered. */
uint64_t ready_room(const struct reception *v, size_t h);

/* Is READY all that is said to this hub, since the one key that is asked for came by it? */
bool ready_is_enough(const struct reception *v, size_t h);

/* A link is ready: what is due there is said.  A hub has delivered: READY is due there.  A frame: true when it was a
 * CONFIRMATION.  A note: is it about a READY without an answer? */
dske_rc ready_on_link(struct reception *v, struct link *l);
void ready_say(struct reception *v, struct link *l);
bool ready_take(struct reception *v, struct link *l, const struct envelope *e);
bool ready_awaits(const struct reception *v, const struct link *l, uint64_t offset);

/* Empties them. */
void ready_drop(struct reception *v);

/* ---- client/arrival.c --------------------------------------------------------------------------------- */

/* Takes an INSTRUCTION.  True when it brought a share to conclude from. */
bool arrival_take(struct reception *v, struct link *l, const struct envelope *e);

/* A frame of the down region: in a window of this link, unused, and authentic?  Then its range is taken: pad is what is
 * behind the keys, reply_key the second of these. */
bool arrival_range(struct link *l, const struct envelope *e, struct pad *pad, struct secret *reply_key);

/* Behind arrival_range, of a convoy: which key is it of?  False: it cannot be read.  And the RECEIPT that it is kept. */
bool arrival_name(const struct envelope *e, struct id *key_id);
dske_rc arrival_answer_kept(struct link *l, const struct envelope *e, const struct secret *reply_key);

/* arrival_take, behind arrival_range; pad and key are moved in. */
bool arrival_take_open(struct reception *v, struct link *l, const struct envelope *e, struct pad *pad, struct secret *reply_key);

/* Sends the RECEIPTs that are due: for shares of the key that was agreed on (v->terms; NULL: none was), and for
 * what was refused.  The hubs keep the others. */
void arrivals_answer(struct reception *v);

/* Sends those for shares of this key at once, as refused: its place is another's. */
void arrivals_refuse(struct reception *v, const struct id *key_id);

/* Empties them.  Connections whose hub would tell the next exchange of this one are let go. */
void arrivals_drop(struct reception *v);

#endif
