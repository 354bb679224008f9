/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hubproto/direct.h - what the two ends of an adapted agreement say to each other directly (doc/protocol.md, "The adapted
 * protocol").  No hub sees it, and it needs no table.
 *
 *   frame    = length (4 bytes, big-endian) item
 *   item     = CBOR array [version, type, sender, key ID, body, tag]
 *
 * Encoded as the frames of hubs are (hubproto/frame.h).  TAGS and LIST have tags over the item's bytes up to the tag's own
 * 16; the tag of the others is zeros, and they prove nothing but, by what it says, DONE.
 */
#ifndef DSKE_HUBPROTO_DIRECT_H
#define DSKE_HUBPROTO_DIRECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/rc.h"
#include "core/adapted.h"
#include "core/tag.h"

#define DIRECT_ITEM_MAX 6144u /* TAGS of 255 hubs */
#define DIRECT_HELLO_LEN 77u  /* of its whole frame, always */

/* number, name, has a tag */
#define DSKE_DIRECT_LIST(X) \
	X(1, HELLO, false)  \
	X(2, TAGS, true)    \
	X(3, LIST, true)    \
	X(4, DONE, false)   \
	X(5, BYE, false)

enum direct_type {
#define X(number, name, tagged) DIRECT_##name = (number),
	DSKE_DIRECT_LIST(X)
#undef X
};

const char *direct_name(unsigned type); /* "TAGS", or "?" */

enum direct_bye { BYE_TIME = 1 /* it takes too long */, BYE_TOO_FEW = 2 /* shares that agree */, BYE_FAILED = 3 };

struct direct_item {
	uint8_t type;
	struct id sender; /* a client */
	struct id key_id; /* the agreement's: that of its first pass */
	const uint8_t *body; /* borrowed from the item */
	size_t body_len;
	struct tag tag;
	const uint8_t *item; /* borrowed; the whole item */
	size_t item_len;
};

/* Decodes an item (without its length); a tag where there is none is refused.  Errors: FORMAT, UNSUPPORTED (version). */
dske_rc direct_read(struct direct_item *d, const uint8_t *item, size_t len);

/* Appends a whole frame, tagged under the key (32 bytes); NULL where the type has no tag.  Only type, sender, key_id, body
 * and body_len of *d are read.  Errors: TOOBIG, NOMEM. */
dske_rc direct_write(struct buf *out, const struct direct_item *d, const uint8_t *tag_key);

/* Does the tag hold under this key?  Constant time. */
bool direct_verify(const struct direct_item *d, const uint8_t tag_key[TAG_KEY_LEN]);

/* The bodies.  _write appends (errors: the buffer's), _read decodes a whole one (errors: FORMAT). */

/* HELLO [peer]: the client that is called, or that answers. */
dske_rc direct_hello_write(struct buf *out, const struct id *peer);
dske_rc direct_hello_read(struct id *peer, const uint8_t *body, size_t len);

/* TAGS [[x, tag], ...], in ascending order of x */
dske_rc direct_tags_write(struct buf *out, const struct adapted_marks *m);
dske_rc direct_tags_read(struct adapted_marks *m, const uint8_t *body, size_t len);

/* LIST [[x, ...], h'], in ascending order */
dske_rc direct_list_write(struct buf *out, const struct adapted_list *l);
dske_rc direct_list_read(struct adapted_list *l, const uint8_t *body, size_t len);

/* DONE [proof] */
dske_rc direct_done_write(struct buf *out, const struct tag *proof);
dske_rc direct_done_read(struct tag *proof, const uint8_t *body, size_t len);

/* BYE [reason] */
dske_rc direct_bye_write(struct buf *out, enum direct_bye reason);
dske_rc direct_bye_read(unsigned *reason, const uint8_t *body, size_t len);
const char *direct_bye_text(unsigned reason);

#endif
