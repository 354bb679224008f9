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

#endif
