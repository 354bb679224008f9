/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/direct.h - the direct link of an adapted agreement (DSKE 3; doc/protocol.md 9.4): a connection to the peer that
 * proves nothing.  One end listens, the other connects; a lost connection is made anew.
 *
 *     SEEKING --connection--> GREETING --HELLO came--> UP
 *        ^                        |                     |
 *        +--------- lost, or direct_fail ---------------+      eight times, then dead
 *
 * Used by one thread; calls wait only as long as they are told to.  The agreements of one client that listen at one
 * address share a listener (client/door.c): whichever thread looks first takes what comes, and hands it to whom its
 * HELLO names.
 */
#ifndef DSKE_CLIENT_DIRECT_H
#define DSKE_CLIENT_DIRECT_H

#include "base/file.h"
#include "base/net.h"
#include "client/client.h"
#include "hubproto/direct.h"
#include "hubproto/frame.h"

struct direct;

/* Of which agreement, and between whom. */
struct direct_names {
	struct id self, peer, key_id;
};

/* connect: the peer's address; or "", and then listen: ours.  No connection is there yet; a listener is, unless its port is
 * in use, which may change.  Errors: CONFIG, NOMEM. */
dske_rc direct_open(struct direct **out, struct client *c, const char *connect, const char *listen, const struct direct_names *names);

/* Says BYE if the link is up, and frees; safe on NULL. */
void direct_close(struct direct *d, enum direct_bye reason);

/* Connects, accepts, reads and writes what can be; waits for that at most so long. */
void direct_turn(struct direct *d, int wait_ms);

bool direct_is_up(const struct direct *d);
bool direct_is_dead(const struct direct *d);

/* Counts the connections that were up: another number, another connection. */
unsigned direct_connection(const struct direct *d);

/* Why there is no link, or why the last one was lost; borrowed. */
const char *direct_why(const struct direct *d);

/* The next item that has come, with the names of this agreement; not verified.  Dies with the next call.  False: none. */
bool direct_next(struct direct *d, struct direct_item *item);

/* Queues a whole frame; copied.  Without a connection it is dropped: who asks direct_connection says it again. */
void direct_send(struct direct *d, const uint8_t *frame, size_t len);

/* Has all that was queued left? */
bool direct_is_flushed(const struct direct *d);

/* What came on this connection was not the peer's, or made no sense: it is closed, and another may come. */
void direct_fail(struct direct *d, dske_rc why);

/* ---- client/door.c ------------------------------------------------------------------------------------- */

struct door;

#define DOOR_INBOX 4

/* An agreement that waits at a door. */
struct door_guest {
	struct direct_names names;
	struct fd inbox[DOOR_INBOX]; /* owned; connections that said HELLO to it; of the door's lock */
	struct door_guest *next;
};

/* Begins to wait at this address; the door is shared.  Errors: CONFIG, NOMEM. */
dske_rc door_enter(struct door **out, struct client *c, const char *address, struct door_guest *guest);
void door_leave(struct client *c, struct door *door, struct door_guest *guest);

/* Looks who came, and takes one connection that is for this guest.  f->n < 0: none.  Errors: why it is shut (BUSY, DENIED,
 * UNREACHABLE), which may change. */
dske_rc door_turn(struct door *door, struct door_guest *guest, struct fd *f);

/* For poll(); < 0: shut. */
int door_descriptor(struct door *door);

#endif
