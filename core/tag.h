/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/tag.h - one-time tags.  Information-theoretic: a tag's key is used for one message, ever.
 *
 * The message is cut into 16-byte blocks y_1..y_(s-1), the last padded with zeros, and y_s is its
 * length in bits as 128 bits little-endian; so padding is injective, and s counts the length block.
 * Powers ascend with j: the first block has the lowest.
 *
 *   message tag  h (c,d; y)   = d       + sum_{j=1..s} c^j     y_j     forged with at most s/2^128
 *   key tag      h'(c,d,e; y) = d + c e + sum_{j=1..s} c^(j+1) y_j     at most (s+1)/2^128, also under
 *                related keys: an offset that an adversary adds to (c, d, e, S) at once
 *
 * The key tag's key u = (c, d, e) travels inside the secret Y_0 = u || S (DSKE 2.3.2), which is why
 * h would fall there: one corrupt hub can shift u and S together.
 */
#ifndef DSKE_CORE_TAG_H
#define DSKE_CORE_TAG_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "core/gf128.h"

#define TAG_LEN 16
#define TAG_KEY_LEN 32     /* (c, d) of a message tag */
#define KEY_TAG_KEY_LEN 48 /* u = (c, d, e) of a key tag */

struct tag {
	uint8_t b[TAG_LEN];
};

/* message: len bytes (may be 0).  key: TAG_KEY_LEN bytes, used by this call alone. */
void tag_compute(struct tag *out, const uint8_t key[TAG_KEY_LEN], const void *message, size_t len);
bool tag_check(const struct tag *expected, const uint8_t key[TAG_KEY_LEN], const void *message, size_t len);

void key_tag_compute(struct tag *out, const uint8_t u[KEY_TAG_KEY_LEN], const void *key, size_t len);
bool key_tag_check(const struct tag *expected, const uint8_t u[KEY_TAG_KEY_LEN], const void *key, size_t len);

/*
 * A tag of what comes in pieces, in order: all but the last of a multiple of GF128_LEN bytes; pieces of one length cost
 * least.  So bytes are tagged while they are in the nearest cache, when they are made or decrypted.  A tagger holds its
 * key, so it belongs into secret memory, or is wiped; _end wipes it.
 */
struct tagger {
	struct gf128 c, d;
	struct gf128 power, sum; /* c^j, j blocks so far, and their sum */
	struct gf128 stride;     /* c^i, i the blocks of the piece before */
	size_t stride_len;       /* its bytes */
	uint64_t len;
};
void tagger_begin(struct tagger *t, const uint8_t key[TAG_KEY_LEN]);
void tagger_add(struct tagger *t, const void *bytes, size_t len);
void tagger_end(struct tagger *t, struct tag *out);

struct key_tagger {
	struct tagger of;
	struct gf128 e;
};
void key_tagger_begin(struct key_tagger *k, const uint8_t u[KEY_TAG_KEY_LEN]);
void key_tagger_add(struct key_tagger *k, const void *bytes, size_t len);
void key_tagger_end(struct key_tagger *k, struct tag *out);

#endif
