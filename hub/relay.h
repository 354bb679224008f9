/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/relay.h - one share's journey (DSKE 2.3.2): from the initiator's SHARE, through the mailbox, to the
 * receiver's INSTRUCTION and its RECEIPT.
 */
#ifndef DSKE_HUB_RELAY_H
#define DSKE_HUB_RELAY_H

#include "hub/dispatch.h"
#include "hub/parcel.h"

/* SHARE, behind the common checks: authorised, opened, queued; answered by REPLY. */
void relay_share(struct request *r);

/* An instruction that was sent on a connection and has no receipt yet.  On this connection it stays
 * these bytes; another connection gets it under fresh pad. */
struct sent {
	struct sent *next;
	int64_t share;             /* of the mailbox */
	uint64_t wait;             /* offset of the WAIT that it was pushed for */
	uint64_t offset;
	uint32_t length;
	uint32_t key_len;
	struct id initiator, key_id;
	unsigned piece;            /* of a long key: what is sent next */
	int64_t lacking_ms;        /* since when the down windows are too small for it, 0: they are not ... */
	bool noted;                /* ... and it was told so */
	struct secret receipt_key; /* owned */
	struct parcel *frame;      /* held */
};

/* Seals a share for the client of this connection, under the next bytes of its down windows, and queues
 * the INSTRUCTION.  again: one that was sent here before is sent again; otherwise that is PUSH_DONE.
 * wait: offset of the WAIT that it is for. */
enum push {
	PUSH_DONE,
	PUSH_NO_WINDOW, /* the down windows have too little left */
	PUSH_QUEUED,    /* too much is queued */
	PUSH_BEHIND,    /* of a long key: another one is under way */
	PUSH_UNANSWERED, /* too much lacks its receipt */
	PUSH_NOTHING,   /* gone, damaged, or policy joins the two no more */
};
enum push relay_push(struct conn *c, const struct mailbox_found *share, bool again, uint64_t wait);

/* PART of a long key, behind the common checks; answered by REPLY. */
void relay_part(struct request *r);

/* Sends PIECEs of what this connection is being sent, until enough is queued or the down windows are spent. */
void relay_pieces(struct conn *c);

/* Could more of them be sent now? */
bool relay_has_pieces(const struct conn *c);

/* Is a long key on its way here?  Another one would get between its parts. */
bool relay_is_under_way(const struct conn *c);

/* Once a second: a receiver renews its windows as it goes, and is told if it does not. */
void relay_tick(struct conn *c);

/* There is a new down window. */
void relay_new_window(struct conn *c);

/* RECEIPT: the share has arrived, and is erased here. */
void relay_receipt(struct request *r);

void relay_drop_sent(struct conn *c);

#endif
