/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hubproto/frame.h - frames and their envelope (doc/protocol.md, "Frames").
 *
 *   frame    = length (4 bytes, big-endian) item
 *   item     = CBOR array [version, type, sender, table, offset, length, body, tag]
 *
 * RFC 8949 section 4.2 deterministic encoding; anything else is refused.  The tag covers the item's
 * bytes up to the tag's own 16 (all but the last 16 bytes of the item).
 */
#ifndef DSKE_HUBPROTO_FRAME_H
#define DSKE_HUBPROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/rc.h"
#include "core/layout.h"
#include "core/pad.h"
#include "core/tag.h"
#include "core/terms.h"

#define FRAME_VERSION 1
#define FRAME_HEAD_LEN 4
#define FRAME_MAX_BEFORE_LEASE (64u << 10)
#define FRAME_MAX ((1u << 20) + (32u << 10)) /* the longest share and the longest terms */
#define FRAME_RANGE_MAX (PAD_KEYS_LEN + KEY_PART_LEN + KEY_TAG_KEY_LEN) /* longest range of one message */
#define FRAME_DIGEST_LEN 16

/* number, name, who sends it, the region its range lies in, which key of the range tags it (index of
 * 32-byte keys from the range's start); RETIRING is a range of its own in the activation region, PART_UP and
 * PART_DOWN are as long as a part of a share needs */
#define DSKE_MESSAGE_LIST(X)                                                                         \
	X(1, ACTIVATE, CLIENT, ACTIVATION, 0)                                                        \
	X(2, ACTIVATED, HUB, ACTIVATION, 1)                                                          \
	X(3, FROZEN, HUB, ACTIVATION, 2)                                                             \
	X(4, LEASE, CLIENT, LEASE, 0)                                                                \
	X(5, GRANT, HUB, LEASE, 1)                                                                   \
	X(6, CONFIRM, CLIENT, LEASE, 2)                                                              \
	X(7, CLONED, HUB, LEASE, 3)                                                                  \
	X(8, SHARE, CLIENT, UP, 0)                                                                   \
	X(9, REPLY, HUB, UP, 1)                                                                      \
	X(10, WAIT, CLIENT, UP, 0)                                                                   \
	X(11, IDENTIFY, CLIENT, UP, 0)                                                               \
	X(12, IDENTITY, HUB, UP, 1)                                                                  \
	X(13, INSTRUCTION, HUB, DOWN, 0)                                                             \
	X(14, RECEIPT, CLIENT, DOWN, 1)                                                              \
	X(15, RETIRE, CLIENT, RETIRING, 0)                                                           \
	X(16, RETIRED, HUB, RETIRING, 1)                                                             \
	X(17, PART, CLIENT, PART_UP, 0)                                                              \
	X(18, PIECE, HUB, PART_DOWN, 0)                                                              \
	X(19, READY, CLIENT, UP, 0)                                                                  \
	X(20, CONFIRMATION, HUB, UP, 1)                                                              \
	X(21, MUSTER, CLIENT, UP, 0)                                                                 \
	X(22, MUSTERED, HUB, UP, 1)                                                                  \
	X(23, ATTEST, CLIENT, UP, 0)                                                                 \
	X(24, POLICY, CLIENT, UP, 0)

#define MESSAGE_NOTE 255 /* untagged: tag of zeros */

enum message_type {
#define X(number, name, sender, region, key) MESSAGE_##name = (number),
	DSKE_MESSAGE_LIST(X)
#undef X
};

const char *message_name(unsigned type); /* "SHARE", or "?" */

/* The list as a table, for what is checked before a message's own code sees it. */
enum message_sender { SENDER_CLIENT, SENDER_HUB };
struct message_row {
	uint8_t type;
	const char *name;
	enum message_sender sender;
	enum region region;
	uint8_t key; /* the tag key is TAG_KEY_LEN bytes at TAG_KEY_LEN * key from the range's start */
	uint32_t range_min, range_max; /* bytes; a SHARE's own terms say which length exactly */
};
const struct message_row *message_row(unsigned type); /* NULL for NOTE and for unknown types */

/* The key of a message of that type (one of the list) among the keys at its range's start. */
const uint8_t *message_key(unsigned type, const uint8_t *keys);

struct envelope {
	uint8_t type;
	struct id sender, table;
	uint64_t offset; /* of the range in the table */
	uint32_t length; /* of the range, in bytes */
	const uint8_t *body; /* borrowed from the item */
	size_t body_len;
	struct tag tag;
	const uint8_t *item; /* borrowed; the whole item */
	size_t item_len;
};

/* Decodes an item (without its length); everything in it is borrowed.  A type that is not in the list, a
 * range of a length that its row excludes, and a NOTE with a tag are refused.
 * Errors: FORMAT, UNSUPPORTED (version). */
dske_rc frame_read(struct envelope *e, const uint8_t *item, size_t len);

/* Appends a whole frame, length included, tagged under tag_key (32 bytes); NULL key writes a zero tag
 * (NOTE only).  Only type, sender, table, offset, length, body and body_len of *e are read.
 * Errors: TOOBIG, NOMEM. */
dske_rc frame_write(struct buf *out, const struct envelope *e, const uint8_t *tag_key);

/* The same, but of a body that lies in *b already, from body_at on to its end, with FRAME_WRAP_LEN bytes in front of it
 * that nobody needs: what goes before it is written there, and the tag behind.  The frame is from *start to the end.
 * e's body is not read. */
#define FRAME_WRAP_LEN 96
dske_rc frame_wrap(struct buf *b, size_t body_at, const struct envelope *e, const uint8_t *tag_key, size_t *start);

/* Does the tag hold under this key?  Constant time. */
bool frame_verify(const struct envelope *e, const uint8_t tag_key[TAG_KEY_LEN]);

/* First 16 bytes of SHA-256 of the item: to know identical bytes again. */
void frame_digest(const struct envelope *e, uint8_t digest[FRAME_DIGEST_LEN]);

/*
 * An incoming stream.  Memory grows with the bytes that have come, never on the word of a length.
 *   stream_space: where to read into; stream_filled: how much came; stream_next: the next whole item.
 * Whoever has many streams, most of them at rest, reads elsewhere and has stream_feed copy what came; stream_rest gives
 * back the memory of one that waits for nothing.  stream_is_long: more of a long item is to come, so that it is worth
 * reading into its place.
 */
struct stream {
	struct buf in;
	size_t start; /* first byte not yet handed out */
	size_t max;   /* longest item accepted now */
};
void stream_init(struct stream *s, size_t max);
uint8_t *stream_space(struct stream *s, size_t *cap); /* NULL: out of memory */
void stream_filled(struct stream *s, size_t len);
dske_rc stream_feed(struct stream *s, const void *bytes, size_t len); /* errors: TOOBIG, NOMEM */
void stream_rest(struct stream *s);
size_t stream_held(const struct stream *s); /* bytes that came and are not handed out */
bool stream_is_long(const struct stream *s);
/* *item is NULL when no whole item is there; dies with the next call.  Errors: TOOBIG, FORMAT. */
dske_rc stream_next(struct stream *s, const uint8_t **item, size_t *len);
void stream_drop(struct stream *s);

#endif
