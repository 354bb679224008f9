/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/adapted.h - the adapted protocol (DSKE 3; doc/protocol.md 9.4): a first pass by the hubs, a second one by the
 * hubs and the direct link, and the fallback.  Every pass is an exchange on the agreement's links.
 */
#ifndef DSKE_CLIENT_ADAPTED_H
#define DSKE_CLIENT_ADAPTED_H

#include "client/agreement.h"
#include "client/reception.h"
#include "core/adapted.h"

#define ADAPTED_SLICE_MS 3 /* how long hubs are listened to before the direct link is, and the other way round */

/* ---- Alice: client/adapted-initiator.c -------------------------------------------------------------- */

/* All of it; the result says in `fallback` why it came to that.  Errors: as agree_initiate. */
dske_rc adapted_initiate(struct agreement *a);

/* ---- Bob: client/adapted-receiver.c ----------------------------------------------------------------- */

/* Behind a first pass on these terms; the material is moved in.  Errors: as agree_receive. */
dske_rc adapted_receive(struct agreement *a, const struct terms *first, struct secret *material);

/* What goes on beside the wait for a fallback: client/receiver.c has the hubs' links, and calls these.  Safe on NULL. */

/* This hub is ready: WAIT for its share of the second pass, too. */
void second_ask(struct second *s, struct reception *v, struct link *l);

/* Is a range from there on, on this link, that WAIT's?  Is this frame the answer to it? */
bool second_awaits(const struct second *s, const struct link *l, uint64_t offset);
bool second_is_answered(struct second *s, const struct link *l, const struct envelope *e);

/* Is this a share of it, and not of any other agreement?  Then it is taken.  Errors: DENIED, EXISTS, NOMEM. */
bool second_is_meant(const struct second *s, const struct terms *t);
dske_rc second_take(struct second *s, struct reception *v, const struct link *l, const struct msg_instruction *m, struct pad *pad);

/* Is that the name of its fallback? */
bool second_is_fallback(const struct second *s, const struct id *key_id);

/* The direct link, a little: TAGS, LIST, DONE.  Ends the reception when there is a key. */
void second_turn(struct second *s, struct reception *v);

/* Has it given the key?  Then the hubs' verdicts are written. */
bool second_judge(const struct second *s, struct reception *v);

#endif
