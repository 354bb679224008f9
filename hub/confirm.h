/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/confirm.h - the confirmation round of a group, as the hub sees it (doc/protocol.md 8.7): receivers say READY, the
 * initiator asks for them by MUSTER and then says ATTEST, and READYs are answered by what it said.
 *
 * Answers to READY and MUSTER are held back until there is something to say, or their patience is over.  What is held
 * belongs to a connection and ends with it; who is ready, and what was attested, is in the mailbox.
 */
#ifndef DSKE_HUB_CONFIRM_H
#define DSKE_HUB_CONFIRM_H

#include "hub/dispatch.h"

#define HELD_MAX 64 /* on one connection */

/* Behind the common checks. */
void confirm_ready(struct request *r);
void confirm_muster(struct request *r);
void confirm_attest(struct request *r);

/* Is the answer to these bytes held back? */
bool confirm_holds(const struct conn *c, const uint8_t digest[FRAME_DIGEST_LEN]);

/* Answers those whose patience is over. */
void confirm_expire(struct conn *c);
void confirm_drop_held(struct conn *c);

#endif
