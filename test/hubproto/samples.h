/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/hubproto/samples.h - one frame and more of every message, the same in every run; and the way
 * back.  The vectors in test/vectors/frames.txt are these.
 */
#ifndef DSKE_TEST_HUBPROTO_SAMPLES_H
#define DSKE_TEST_HUBPROTO_SAMPLES_H

#include "base/buf.h"
#include "hubproto/frame.h"
#include "hubproto/msg.h"

struct sample {
	const char *name;
	uint8_t type;
	void (*write)(struct buf *body);
};

extern const struct sample samples[];
extern const size_t sample_count;

/* Long enough for the longest sample's frame. */
#define SAMPLE_MAX ((size_t)16 << 10)

/* Appends the whole frame; key receives its tag key (zeros for a NOTE). */
void sample_frame(size_t i, struct buf *frame, uint8_t key[TAG_KEY_LEN]);

/* Reads a body of that type, and appends what was read, written again. */
dske_rc body_copy(unsigned type, struct buf *out, const uint8_t *body, size_t len);

/* All that a receiver checks of an item without its table: envelope, body, terms, length of the range. */
dske_rc item_check(const uint8_t *item, size_t len);

#endif
