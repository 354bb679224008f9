/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/link.h - one hub's connection with its lease, and the set of them that one exchange uses.
 *
 *     IDLE --link_want--> CONNECTING --connected--> LEASING --windows suffice--> READY
 *                           ^  |                      |  ^                         |
 *       a lost connection,  |  +------> FAILED <------+  +---- lease_lost, --------+
 *       while tries are left+------------- lost -----------    larger wishes
 *
 * A table that turns out to be of no use (used up, frozen, locked) fails no link while its hub has given us
 * another one that can serve: the link goes on with that, on a new connection, within the same exchange.
 *
 * A set belongs to one thread at a time (client/pool.h) and needs no lock; or it is one call's view of a set that several
 * use at once (client/convoy.h), and then what is done to its links is done there.  Whatever the hub sends
 * that concerns the connection itself is dealt with here (client/lease.c); the rest goes to the exchange
 * that has the set, through struct link_ops.
 */
#ifndef DSKE_CLIENT_LINK_H
#define DSKE_CLIENT_LINK_H

#include <stdint.h>

#include "base/rc.h"
#include "client/client.h"
#include "client/media.h"
#include "hubproto/fanout.h"
#include "hubproto/msg.h"
#include "pskm/table.h"
#include "pskm/window.h"

/* A table as the client knows it; lives as long as the client, shared by all sets.  One whose folder goes away, or
 * comes back as another folder, is replaced by a new one (client/tables.c). */
struct hub_table {
	char name[NAME_MAX_LEN + 1]; /* the hub's */
	char address[256];           /* the configuration's, else the PSKM's */
	struct id hub, id;
	struct pskm_header header;
	struct spot spot;    /* its folder; empty when there is none, or no single one */
	bool is_carried;     /* accepted on a medium */
	bool is_absent;      /* known, but its folder is away */
	struct table *table; /* owned by the client; NULL when it cannot be opened */
	int open_code;       /* why not: code ... */
	char open_why[400];  /* ... and sentence */
	int64_t tried_ms;           /* when it was opened, or could not be; of client/tables.c alone */
	_Atomic bool is_gone;       /* replaced: not to be used any more */
	_Atomic bool is_let_go;     /* retired, and the operator knows: its hub counts no more, as far as known here */
	_Atomic bool is_told;       /* RETIRED came, and is to be answered */
	_Atomic bool is_ambiguous;  /* another table names this hub's ID, and another hub */
	_Atomic int64_t skipped_ms; /* when a note last made us skip a lease slot, 0: never */
	_Atomic int64_t checked_ms; /* when the ledger last said that it is usable, 0: ask it again ... */
	_Atomic bool is_low;        /* ... and whether it is low: client/pool.c */
	_Atomic bool hub_is_low;    /* so are all usable tables of its hub */
	_Atomic bool low_told;      /* the log has it */
};

enum link_state { LINK_IDLE, LINK_CONNECTING, LINK_LEASING, LINK_READY, LINK_FAILED };

/* A LEASE on its way.  Without an answer the same bytes are sent again. */
struct lease {
	bool sent;
	uint64_t slot, down_wanted;
	struct id nonce;
	struct lease_keys keys; /* owned */
	struct buf frame;       /* owned */
};

#define LINK_DOWN_WINDOWS 4

struct request; /* client/request.h */
struct rider;   /* client/convoy.h */

struct link {
	struct links *set;
	struct link *trunk; /* of a view: the link that it is one of; else NULL */
	bool is_wanted;     /* of a view: its call waits for it, or uses it */
	bool is_refused;    /* of a view: it failed since its call has to have links of its own */
	struct request *policy; /* owned: POLICY that has no answer yet, or NULL (client/policy.h) */
	size_t at; /* place in the set, and in its fanout */
	struct hub_table *hub;
	enum link_state state;
	int code;       /* LINK_FAILED, or objections > 0: why ... */
	char why[200];  /* ... in words */
	struct lease lease;
	struct window *up;                      /* owned; NULL: none */
	struct window *up_next;                 /* owned; granted while the other still had something; NULL: none */
	struct window *down[LINK_DOWN_WINDOWS]; /* owned, newest first */
	uint64_t need_up, need_down; /* bytes that this exchange needs ready */
	uint64_t ahead_up, ahead_down; /* and will need after that: a lease takes a part of it at once */
	unsigned connection; /* counts them */
	unsigned tries_left;         /* connections that may still be begun */
	unsigned leases_left;        /* leases that may still be begun */
	unsigned retakes_left;       /* of these, because a note says that the slot is taken */
	unsigned disowned_left;      /* and because a note says that the hub does not know the window */
	unsigned switches_left;      /* other tables that may still be tried */
	bool is_ahead;               /* the lease under way is for windows that are not needed yet */
	bool ahead_failed;           /* on this connection: it is not tried again */
	uint64_t noted_offset;       /* what the note that is_asked_again is about */
	unsigned renewals;           /* leases so far on this connection: windows grow with use */
	unsigned nonsense;           /* frames that made no sense, or did not verify */
	unsigned objections;         /* notes that say, untagged, that this cannot be */
	bool is_asked_again;         /* because of one: the exchange sends once more what has no answer */
	bool down_is_old;            /* no down window there is does for what is needed */
	unsigned overtaken_left;     /* windows as long as before that notes may still make us ask for */
	bool down_renewed;           /* a new down window was asked for because of a note */
	bool is_enlarged;            /* ... and one of just the length that is needed now */
	bool is_outgrown;            /* a note says that still more is needed than this exchange can use */
	bool lease_lost;             /* the hub disowned our window: what was sent has to be sealed afresh */
};

struct pad;
struct secret;

/* What an exchange hears.  `exchange` is what links_begin was given. */
struct link_ops {
	void (*ready)(void *exchange, struct link *l);  /* connected, and the windows suffice */
	void (*frame)(void *exchange, struct link *l, const struct envelope *e); /* not yet verified */
	void (*failed)(void *exchange, struct link *l); /* l->code, l->why */
	/* Is a frame of ours with a range from there on, on this link, of use still?  Notes about others are old. */
	bool (*awaits)(const void *exchange, const struct link *l, uint64_t offset);
	/* Of a view: an INSTRUCTION for this call that verified, its pad behind the keys, and its reply key; both are moved in. */
	void (*instruction)(void *exchange, struct link *l, const struct envelope *e, struct pad *pad, struct secret *reply_key);
};

struct links {
	struct client *client; /* borrowed: where other tables of a hub are found */
	struct rider *rider;   /* a view: its place in the convoy; else NULL */
	bool is_trunk;         /* of a convoy */
	struct fanout *fanout; /* NULL in a view */
	const struct link_ops *ops;
	void *exchange;
	bool deals; /* its requests are keys: the last CONTROL_RESERVE bytes of an up region are not for them */
	bool asks_little; /* a question, and nothing after it: leases are no longer than it needs */
	uint64_t down_most; /* no INSTRUCTION that this exchange can use takes more: notes enlarge no window beyond */
	size_t count;
	struct link link[]; /* ordered by hub name */
};

/* Kept back in each up region for what is no key: waiting, asking who is who.  32 requests. */
#define CONTROL_RESERVE 2048

/* What of the up region has to be left for what this exchange needs. */
uint64_t link_needs_left(const struct link *l);

/* A set for these tables, one a hub, ordered by hub name.  Errors: NOMEM, CONFIG (an address). */
dske_rc links_new(struct links **out, struct client *c, struct hub_table *const *hubs, size_t count);
void links_free(struct links *s); /* in a forked child too; safe on NULL */

/* An exchange takes over the set, and gives it back.  Notes make it renew a window twice at most from here on, for each
 * link, whatever tries it begins afresh. */
void links_begin(struct links *s, const struct link_ops *ops, void *exchange);
void links_end(struct links *s);

/* Another exchange begins on a set that others use already: losses and notes may have their effects again; with alone, all
 * of these. */
void link_refresh(struct link *l, bool alone);

/* Makes the link ready for an exchange that sends up_len bytes of range and receives down_len; tells
 * `ready` or `failed`, perhaps before it returns.  Begins with fresh tries. */
void link_want(struct link *l, uint64_t up_len, uint64_t down_len);

/* The same for an exchange that goes on for long: ahead_* come after what is needed at once. */
struct link_need {
	uint64_t up, down, ahead_up, ahead_down;
};
void link_want_long(struct link *l, const struct link_need *need);

/* Something came, or was taken, and this is what is needed next: with fresh tries.  A lease is begun on a ready link
 * whose windows do not suffice; `ready` is told when they do. */
void link_go_on(struct link *l, const struct link_need *need);

/* Windows of the down region that have nothing left go. */
void link_tidy(struct link *l);

/* The exchange gives up on this link; closes it. */
void link_fail(struct link *l, dske_rc why);

/* Lets the connection go without a word to the exchange: what the hub still has in hand for it would be
 * told to the next exchange. */
void link_hang_up(struct link *l);

/* Somebody who proves nothing says that this table or hub cannot serve.  Kept as the reason if nothing better comes
 * of it; the third one ends the link. */
void link_object(struct link *l, dske_rc why);
dske_rc link_objection(const struct link *l);

/* Takes the next lease, or sends the one under way again. */
void link_lease(struct link *l);

/* A frame did not make sense.  Sixteen of them end the connection (doc/protocol.md, "Frames"). */
void link_nonsense(struct link *l, const char *what);

/* Is it ready, and has the window, which others may use too, what is needed? */
bool link_can_send(const struct link *l);

/* Queues a frame.  Errors: as fanout_send. */
dske_rc link_send(struct link *l, const uint8_t *frame, size_t len);

/* Where the next len bytes are sent from: the older window while it has them.  NULL: there is none. */
struct window *link_up_window(struct link *l, uint64_t len);

/* The window of the down region that a whole range lies in, or NULL. */
struct window *link_down_window(struct link *l, uint64_t offset, uint64_t len);

/* The envelope of a message of ours to this hub. */
struct envelope link_envelope(const struct link *l, uint8_t type, uint64_t offset, uint32_t length, const struct buf *body);

/* Ready or on the way there. */
bool link_is_alive(const struct link *l);

/* Runs until done, the deadline (TIMEOUT) or cancellation (CANCELLED). */
dske_rc links_run(struct links *s, int64_t deadline_ms, bool (*done)(void *exchange), const atomic_bool *cancelled);
dske_rc links_run_until(struct links *s, int64_t deadline_ms, bool (*done)(void *context), void *context,
			const atomic_bool *cancelled);

/* From what is told to the exchange: enough has come, and the run that is under way ends by then, with TIMEOUT.  Nothing
 * where links are not shared. */
void links_end_by(struct links *s, int64_t until_ms);

/* Around what takes long and concerns no hub: others of a convoy go on meanwhile.  Nothing is told to the exchange. */
void links_step_out(struct links *s);
void links_step_in(struct links *s);

/* ---- client/note.c, for client/link.c -------------------------------------------------------------- */

void link_note(struct link *l, const struct envelope *e);

/* ---- client/lease.c, for client/link.c ------------------------------------------------------------- */

/* Are the windows large enough for what is needed? */
bool lease_suffices(const struct link *l);
bool lease_down_suffices(const struct link *l); /* the newest down window alone */

/* If they are not: has the table as much left, and a slot?  Errors: EXHAUSTED, and as table_status. */
dske_rc lease_check_left(const struct link *l);

/* Begins a lease while the windows still suffice, if they are half spent; nothing where that is not possible. */
void lease_look_ahead(struct link *l);

/* Takes the next slot and sends LEASE; or sends the one under way again, on a new connection. */
dske_rc lease_begin(struct link *l);

/* GRANT, CLONED: verified, recorded, CONFIRMed.  *moved tells that the frame was genuine.
 * A failure is final for the link. */
dske_rc lease_frame(struct link *l, const struct envelope *e, bool *moved);

/* The note that our slot is taken: goes on behind it, at most once a minute. */
dske_rc lease_slot_taken(struct link *l, uint64_t next_slot);

/* The connection is lost: its windows are good for nothing new.  What the hub had sealed in them may
 * still come, so those for receiving are kept for now, and the lease under way, to be repeated. */
void lease_unplug(struct link *l);
void lease_unplug_down(struct link *l); /* the down windows alone */

/* All windows and the lease under way are given up. */
void lease_drop(struct link *l);

#endif
