/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/adapted.h - the second pass of the adapted protocol (DSKE 3), without input or output.
 *
 * The first pass, by Shamir, gave both ends 32 (n + 2) bytes of key material:
 *
 *	[ key of the tag of hub 1's share, 32 ] ... [ of hub n's ][ of Bob's message, 32 ][ of Alice's, 32 ]
 *
 * In the second pass a share of each hub, u || S long, is a pad that Alice has from that hub's table.  Then, over the
 * direct link:
 *
 *	Bob     tags each share that he has, under a key that no hub knows       adapted_tag
 *	Alice   keeps the n' shares whose tags hold, n' >= k; Y_0 is their XOR;
 *	        sends which they are, and h'(S) under u                          adapted_choose
 *	Bob     XORs the same shares, if they are all among his, and checks h'   adapted_conclude
 *	        shows that he has it: c of the key (c, d) under which he tagged
 *	        the first share of the list, and which has done its work         adapted_proof
 *
 * What the four say to each other is public; that it is theirs is seen by the message tags (hubproto/direct.h).
 * Until Alice has chosen, she may still agree on another key.  After that there is this one alone: who does not get her
 * list gets the same Y_0 through the hubs (agree_deal_again).  So the two never end with different keys.
 */
#ifndef DSKE_CORE_ADAPTED_H
#define DSKE_CORE_ADAPTED_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/rc.h"
#include "base/secret.h"
#include "core/tag.h"
#include "core/terms.h"

/* Names of the other two agreements that one of this name consists of: its second pass, and its fallback.  Each is its
 * own inverse. */
void adapted_second_id(struct id *out, const struct id *key_id);
void adapted_fallback_id(struct id *out, const struct id *key_id);

struct adapted_mark { /* one share that Bob has */
	uint8_t x;
	struct tag tag;
};

struct adapted_marks {
	uint8_t count; /* in ascending order of x */
	struct adapted_mark at[TERMS_HUBS_MAX];
};

struct adapted_list { /* what Alice chose */
	uint8_t count; /* n'; in ascending order */
	uint8_t x[TERMS_HUBS_MAX];
	struct tag key_tag; /* h'(S) under u */
};

enum adapted_state { ADAPTED_OPEN, ADAPTED_TAGGED /* Bob */, ADAPTED_CHOSEN /* Alice */, ADAPTED_CONCLUDED /* Bob */, ADAPTED_FAILED };

struct adapted { /* either side; emptied by adapted_drop */
	enum adapted_state state;
	uint8_t n, least;       /* of the first pass; n' is to be at least */
	uint32_t share_len;
	struct secret material; /* owned; behind the choice the keys of shares are wiped, but for the proof in front */
	struct secret y0;       /* owned; u || S, when chosen or concluded */
	bool marked[TERMS_HUBS_MAX + 1]; /* Bob: by x, shares that he tagged */
};

/* For a second pass on these terms.  least: k for Alice; max(k, k_B) for Bob.  The material is moved in.
 * Errors: ARGS (its length, the scheme, least not in 1..n). */
dske_rc adapted_begin(struct adapted *a, const struct terms *t, uint8_t least, struct secret *material);

/* The keys of the two messages, 32 bytes, borrowed. */
const uint8_t *adapted_bobs_key(const struct adapted *a);
const uint8_t *adapted_alices_key(const struct adapted *a);

/* shares[x - 1]: share_len bytes, or NULL where none is there; in all three the same.
 *
 * Bob, once, from OPEN.  Errors: TOO_FEW, and he may have more later; STATE. */
dske_rc adapted_tag(struct adapted *a, const uint8_t *const *shares, struct adapted_marks *out);

/* Alice, once, from OPEN.  Errors: FORMAT (marks that are not in order), TOO_FEW; either is the end of it; NOMEM, STATE. */
dske_rc adapted_choose(struct adapted *a, const uint8_t *const *shares, const struct adapted_marks *marks, struct adapted_list *out);

/* Bob, once, from TAGGED, with a list that is Alice's.  Errors: FORMAT, DENIED (not a subset of his), TOO_FEW,
 * NO_CANDIDATE (the key tag does not hold); each is the end of it; NOMEM, STATE. */
dske_rc adapted_conclude(struct adapted *a, const uint8_t *const *shares, const struct adapted_list *list);

/* When chosen or concluded: S, copied; and what shows Alice that Bob has it.  Errors: NOMEM, STATE. */
dske_rc adapted_key(const struct adapted *a, struct secret *key);
void adapted_proof(const struct adapted *a, struct tag *out);
bool adapted_is_proof(const struct adapted *a, const struct tag *proof);

void adapted_drop(struct adapted *a);

#endif
