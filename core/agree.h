/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/agree.h - both state machines of one key agreement (DSKE 2.3, 2.4), without input or output:
 * pads, shares and verdicts in, shares, keys and verdicts out.
 */
#ifndef DSKE_CORE_AGREE_H
#define DSKE_CORE_AGREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"
#include "core/terms.h"

/* ---- initiator ---------------------------------------------------------------------------------- */

/* Where the share of one hub comes from. */
enum share_origin {
	SHARE_IS_PAD,    /* Y_i = R_i: the hub has it already, nothing is sent (DSKE 2.3.1) */
	SHARE_COMPUTED,  /* sent encrypted */
};

struct deal { /* emptied by deal_drop */
	uint8_t n;                           /* hubs that it is for */
	enum share_origin origin[TERMS_HUBS_MAX];
	struct secret share[TERMS_HUBS_MAX]; /* owned; share[i] of hub i, terms_share_len bytes; empty where
						the share is the pad */
	struct secret key;                   /* owned; S */
	uint8_t mask[CONFIRM_MASK_LEN];      /* d', where the terms say confirm */
	uint8_t accepted, refused;           /* hubs that said so, by agree_reply */
	bool replied[TERMS_HUBS_MAX];
};

/*
 * Share generation.  pads[i] points to terms_share_len bytes of hub i's table (already reserved) for
 * each hub with use_pad[i], NULL otherwise; exactly k of the n are used (n = k with SCHEME_XOR).  The
 * key tag is computed and written to t->key_tag.  *d is overwritten; on failure it is left empty.
 * Errors: FORMAT (terms_check), ARGS, NOMEM.
 */
dske_rc agree_deal(struct deal *d, struct terms *t, const uint8_t *const *pads, const bool *use_pad);

/*
 * Share generation of a long key, part by part.  tagger: zeros before part 0, then this call's own; the caller wipes it
 * if not all parts are dealt.  pads, use_pad: as above, of terms_part_len bytes; which hubs they are may be other ones in
 * each part.  share[i] is allocated and written where wanted[i] and not use_pad[i].  key: the bytes of S that are in the
 * part.  With the last part t->key_tag is written; until then it is zeros.  Errors: FORMAT, ARGS, NOMEM.
 */
dske_rc agree_deal_part(struct key_tagger *tagger, struct terms *t, unsigned number, const uint8_t *const *pads,
			const bool *use_pad, const bool *wanted, struct secret *share, struct secret *key);

/* The same for a secret that is there: y0, terms_share_len bytes, u || S.  "Fewer than k shares may be determined in this
 * way, in which case Alice may choose the secret" (DSKE 2.3.1, footnote 10): k - 1 of the n are used; not with
 * SCHEME_XOR.  S under u is to have been tagged by nobody but who deals it again. */
dske_rc agree_deal_again(struct deal *d, struct terms *t, const uint8_t *const *pads, const bool *use_pad, const uint8_t *y0);

/* Chooses k of the hubs for which ready[i] holds, spreading load by `spread` (any number that varies
 * between agreements); _again: k - 1 of them, for agree_deal_again.  Errors: TOO_FEW, when fewer than k are ready. */
dske_rc agree_choose(bool *use_pad, const struct terms *t, const bool *ready, uint64_t spread);
dske_rc agree_choose_again(bool *use_pad, const struct terms *t, const bool *ready, uint64_t spread);

/* One hub's answer.  Returns the verdict so far. */
enum deal_verdict { DEAL_WAIT, DEAL_AGREED /* k accepted */, DEAL_FAILED /* fewer than k can still accept */ };
enum deal_verdict agree_reply(struct deal *d, const struct terms *t, size_t hub_index, bool accepted);

void deal_drop(struct deal *d);

/* ---- receiver ----------------------------------------------------------------------------------- */

/* What a receiver accepts (DSKE 2.3.2: "n and k are each in an acceptable range, in particular k_B <= k"). */
struct acceptance {
	uint8_t k_min; /* k_B */
	uint8_t k_max; /* 0: any */
	uint8_t n_min, n_max;
	const struct id *hubs; /* acceptable hubs, borrowed */
	size_t hub_count;
};

/* Is it acceptable at all?  Errors: DENIED with the reason ("k = 2 is below the least accepted, 3"). */
dske_rc acceptance_check(const struct acceptance *a, const struct terms *t);

struct receiver;

/* For an agreement initiated by `initiator` for `self`; a is copied, hubs included.  Errors: NOMEM. */
dske_rc receiver_new(struct receiver **out, const struct id *self, const struct id *initiator,
		     const struct acceptance *a);

/* One share that came by `hub` and whose tag was verified.  On success share is moved in, otherwise it
 * stays the caller's.  One a hub and tuple: identical repetition is EXISTS, harmless; another share is
 * DENIED and the first counts; so is a hub's fifth tuple.  May be called after a conclusion too, so
 * that late shares are judged.  Errors: DENIED (not acceptable, with the reason), FORMAT, EXISTS, NOMEM; TOOBIG (beside
 * the hub's other shares it would take more memory than the longest share: it may be offered another time). */
dske_rc receiver_offer(struct receiver *r, const struct id *hub, const struct terms *t, struct secret *share);

/*
 * Long keys.  Their shares lie in a source, which is set before the first is offered and outlives the receiver; they
 * are offered by their numbers there when they are whole.  One a hub and tuple: a second one is EXISTS, whatever it is.
 * receiver_accepts: would a share with these terms be taken?  Errors: DENIED, FORMAT, EXISTS, NOMEM.
 */
struct share_source; /* core/candidate.h */
void receiver_set_source(struct receiver *r, const struct share_source *source);
dske_rc receiver_accepts(const struct receiver *r, const struct id *hub, const struct terms *t);
dske_rc receiver_offer_number(struct receiver *r, const struct id *hub, const struct terms *t, size_t number);

/* The share that came by this hub with these terms is not there any more; it may be offered again.  Not of the terms of a
 * conclusion. */
void receiver_forget(struct receiver *r, const struct id *hub, const struct terms *t);

/* After a conclusion for a long key, whatever a later one said: a block of S (core/candidate.h), into SHARE_BLOCK_MAX bytes,
 * the first *len of which are the key's.  Errors: TOO_FEW (there was none), the source's. */
dske_rc receiver_key_block(const struct receiver *r, size_t block, uint8_t *out, size_t *len);

/* Key reconstruction and validation (DSKE 2.3.3, 2.4) over what is there; `final` says that no more
 * shares will come, or that the deadline is reached.
 *   OK            *key (empty before) is the key, or of a long one 16 bytes that tell it from others; *t its terms (borrowed from r); first valid key is final
 *   TOO_FEW       fewer than k shares of any one tuple so far
 *   NO_CANDIDATE  enough shares, none verifies (or too many corrupt shares to search; the sentence says)
 *   CONFLICT      more than one valid key of one name: abort.  Of several names the one whose shares came first is
 *                 taken, and no other one is looked at any more
 *   BUSY          with `final` alone: a long search is under way, each call a fraction of a second of
 *                 it; call again while the deadline allows
 * Calling it again after a conclusion looks at all shares afresh, late ones included: the same key, or
 * CONFLICT, which is then an alarm.  Errors besides: NOMEM, IO. */
dske_rc receiver_conclude(struct receiver *r, bool final, struct secret *key, const struct terms **t);

/*
 * Keys that are not final when they stand, since they have yet to be confirmed (doc/protocol.md 8.7).  receiver_set_aside,
 * right after a conclusion: receiver_conclude passes over that name from here on, and looks for another key.  Of so many at
 * most; the caller drops one before.  receiver_drop_aside: that one is nobody's any more, and its shares go.
 * receiver_choose: the key of this name is final, and the only one that receiver_conclude gives.
 */
#define RECEIVER_ASIDE_MOST 3
void receiver_set_aside(struct receiver *r);
void receiver_drop_aside(struct receiver *r, const struct id *key_id);
void receiver_choose(struct receiver *r, const struct id *key_id);

/* After a conclusion: did this hub's share agree with the key?  For reports. */
enum share_verdict { SHARE_ABSENT, SHARE_UNUSED, SHARE_CONSISTENT, SHARE_CORRUPT };
enum share_verdict receiver_verdict(const struct receiver *r, const struct id *hub);

/* After a conclusion whose terms say confirm: d' of that key, CONFIRM_MASK_LEN bytes, borrowed until the next. */
const uint8_t *receiver_mask(const struct receiver *r);

/* Shares accepted so far, counted by distinct hub. */
size_t receiver_share_count(const struct receiver *r);

void receiver_free(struct receiver *r);

#endif
