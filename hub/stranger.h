/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/stranger.h - what a connection without a lease may cost.  Whoever is behind it has shown no table: frames that he
 * recorded are answered as they were before, and count as failures all the same; and what he causes to be logged is so many
 * lines a second, from all of his kind together, so that nobody fills the disk by knocking.
 */
#ifndef DSKE_HUB_STRANGER_H
#define DSKE_HUB_STRANGER_H

#include "hub/dispatch.h"

#define STRANGER_LINES 10 /* a second */

/* May a line about this connection be logged?  Of one with a lease always; c may be NULL: a connection that there is none
 * of yet. */
bool stranger_logs(struct hub *h, const struct conn *c);

/* Once a second: says how many lines were left out. */
void stranger_tick(struct hub *h);

/* The request was a repetition, and is answered.  On a connection without a lease of its table that is a failure. */
void stranger_repeats(struct request *r);

/* Of a frame that is not whole, a connection without a lease may have sent STRANGER_FREE bytes, which is more than any
 * request has that such a one has use for; and beyond that as long as all of them together have sent no more than
 * STRANGER_BYTES.  False: it has to go.  To be asked when something was read; a connection that ends leaves. */
#define STRANGER_FREE ((size_t)4 << 10)
#define STRANGER_BYTES ((size_t)16 << 20)
bool stranger_may_hold(struct conn *c);
void stranger_leaves(struct conn *c);

#endif
