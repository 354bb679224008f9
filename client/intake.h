/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/intake.h - a receiver's long keys: each hub's share comes in parts, and is kept in a spool until it is whole.
 */
#ifndef DSKE_CLIENT_INTAKE_H
#define DSKE_CLIENT_INTAKE_H

#include "client/reception.h"

struct intake;

/* Where this call takes long keys.  Errors: NOMEM, IO. */
dske_rc intake_new(struct intake **out, struct reception *v);
void intake_free(struct intake *t);

/* The INSTRUCTION of a long key that is awaited: part 0.  Not while another share of this hub is open.  Errors: as
 * receiver_accepts, EXISTS (its share is there already), BUSY (there is no room for it now: it is asked for again if there
 * is), as spool_new and spool_write. */
dske_rc intake_begin(struct intake *t, struct link *l, const struct msg_instruction *m, struct pad *pad);

/* Something else took of the windows that the share of this hub is waited for in. */
void intake_go_on(struct intake *t, struct link *l);

/* A PIECE.  True when it makes a share whole, which is offered to the receiver. */
bool intake_piece(struct intake *t, struct link *l, const struct envelope *e);

/* Is it time to conclude?  When all have delivered that may, or have had as long again as the others took. */
bool intake_is_due(struct intake *t, bool all_delivered);

/* Now and then: what had no room, or made room for others, is asked for again once there is room for it, if k hubs say the
 * same terms. */
void intake_turn(struct intake *t);

/* rc, that no key came; or, where there was no room for a share, that: IO.  Safe on NULL. */
dske_rc intake_explain(const struct intake *t, dske_rc rc);

/* On a new connection, before its WAIT: what the lost one had brought of a share comes again from part 0.  False when the
 * windows for that are not there yet; the link tells when they are. */
bool intake_restart(struct intake *t, struct link *l);

/* A share of this hub is under way, so what it sends on this connection is not for the next exchange. */
bool intake_is_open(const struct intake *t, const struct link *l);

/* The key that was concluded goes to the sink.  Errors: the sink's, as spool_read. */
dske_rc intake_emit(struct intake *t);

#endif
