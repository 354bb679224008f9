/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/confirm.h - the confirmation round of a group, without input or output.
 *
 * A receiver knows Y_0, so with one hub in its pay it can give another receiver a Y_0 of its own that the key tag
 * confirms.  Where the terms say confirm, Y_0 = u || d' || S, with d' 16 bytes that serve for this alone, and the key tag
 * is that of d' || S.  When every receiver has fixed its key and said so through at least k hubs, the initiator draws c
 * and tells, through all hubs,
 *
 *   c  and  d' + sum_{j=1..s} c^j y_j       the message tag of S under the key (c, d'), core/tag.h
 *
 * and a receiver hands its key out when that holds for the pair that k hubs say alike.  Whoever fixed another pair
 * (d', S) before c was drawn passes with at most s/2^128; who knows c beforehand passes always, hence the order.
 * d' masks what is told: it says nothing about S.  An initiator draws c once a key.
 */
#ifndef DSKE_CORE_CONFIRM_H
#define DSKE_CORE_CONFIRM_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "core/tag.h"
#include "core/terms.h"

struct confirmation {
	struct tag point, value; /* c; d' + sum c^j y_j */
};

/* Draws c.  mask: d'.  Errors: IO. */
dske_rc confirmation_draw(struct confirmation *out, const uint8_t mask[CONFIRM_MASK_LEN], const void *key, size_t len);

/* Does it hold for this key?  Constant time. */
bool confirmation_check(const struct confirmation *c, const uint8_t mask[CONFIRM_MASK_LEN], const void *key, size_t len);

/* ---- the initiator's: who is ready ------------------------------------------------------------------- */

/* Receivers by their place in the terms: bit i of byte j is receiver 8 j + i. */
struct receiver_set {
	uint8_t b[TERMS_RECEIVERS_MAX / 8];
};
void receiver_set_add(struct receiver_set *s, size_t receiver);
bool receiver_set_has(const struct receiver_set *s, size_t receiver);

/* What each hub says of who is ready; zeroed before use. */
struct muster {
	struct receiver_set through[TERMS_HUBS_MAX];
};

/* Through this hub they were: a hub takes nothing back.  Bits that are no receiver's count for nothing. */
void muster_note(struct muster *m, size_t hub_index, const struct receiver_set *ready);

/* Through how many hubs?  Fewer than k hubs can say what they like. */
size_t muster_count(const struct muster *m, const struct terms *t, size_t receiver);
bool muster_is_complete(const struct muster *m, const struct terms *t);

/* ---- a receiver's: what hubs say alike --------------------------------------------------------------- */

struct ballot {
	struct confirmation said[TERMS_HUBS_MAX];
	bool has[TERMS_HUBS_MAX];
};

/* The first word of each hub counts. */
void ballot_note(struct ballot *b, size_t hub_index, const struct confirmation *said);

/* What at least `least` hubs say alike, or NULL; borrowed from b. */
const struct confirmation *ballot_result(const struct ballot *b, size_t least);

#endif
