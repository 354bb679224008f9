/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/convoy.h - one set of links that many calls of a process use at once.
 *
 *	call 1 --- view ---+
 *	call 2 --- view ---+--- trunk: a link to each hub, with its connection, lease and windows
 *	call 3 --- view ---+
 *
 * Calls that agree on short keys at one time share connections, so that one write carries the requests of several and
 * one read brings their answers.  Each has a view: a `struct links` of its own, with states and reasons of its own, on
 * the windows and connections of the trunk.  Initiators and receivers have a convoy each, since their windows differ.
 *
 * There is no thread besides the calls.  One lock guards trunk and views; a call has it from links_begin to links_end,
 * but for when it waits.  Of those that wait one leads: it polls, without the lock, and hands out what comes, to others'
 * calls too; the others sleep until they are done, or one has to lead.  What they queue is written by the last that goes
 * to sleep.  A call that is alone leads itself, and no other thread is ever woken.
 *
 * What a convoy cannot do has links of its own: long keys, keys that are confirmed, the adapted protocol, and receivers
 * that do not name their key.  A receiver that meets one of these on the way begins anew with such (struct agreement,
 * needs_own).  A convoy whose connections are not to be used again takes nobody new, and goes when the last has left.
 *
 * The lock is not held over the network, but over a sync when a lease is taken, once for hundreds of keys; and over the
 * resolver: a convoy that finds it slow makes room for links of each call's own.
 */
#ifndef DSKE_CLIENT_CONVOY_H
#define DSKE_CLIENT_CONVOY_H

#include "client/link.h"

#define CONVOY_KEY_MOST 4096u /* bytes: longer keys take longer than a message */

struct rider;
struct convoy;

/* A view for one call, on the client's convoy to these hubs.  deals: an initiator's.  key_id: the one key that a
 * receiver waits for; NULL: an initiator's.  *out NULL, with OK: there is no convoy for it, links of its own will do.
 * Errors: NOMEM, CONFIG. */
dske_rc convoy_join(struct links **out, struct client *c, struct hub_table *const *hubs, size_t count, const struct id *key_id);

/* Ended, it is given back. */
void convoy_leave(struct client *c, struct links *view);

/* Frees those that nobody uses, and lets the others take nobody new; and at the client's end, in a forked child too. */
void convoy_forget(struct client *c);

/* ---- for client/link.c -------------------------------------------------------------------------------- */

void convoy_enter(struct rider *r);
void convoy_exit(struct rider *r);
void convoy_step_out(struct rider *r);
void convoy_step_in(struct rider *r);
void convoy_want(struct link *view);
bool convoy_serves(const struct link *view);
void convoy_has_range(struct link *view, uint64_t len); /* a part of what it needed to send */
dske_rc convoy_run(struct rider *r, int64_t deadline_ms, bool (*done)(void *context), void *context, const atomic_bool *cancelled);

void convoy_end_by(struct rider *r, int64_t until_ms);

/* Something is left at a hub that these connections would be told again: they take nobody new. */
void convoy_end(struct rider *r);

/* This call has its key.  incomplete: not all hubs have delivered, and they are told so when they do. */
void convoy_has_key(struct rider *r, bool incomplete);

#endif
