/* SPDX-License-Identifier: Apache-2.0 */
/* test/hubproto/direct-samples.h - one frame and more of every message of the direct link, the same in every run. */
#ifndef DSKE_TEST_HUBPROTO_DIRECT_SAMPLES_H
#define DSKE_TEST_HUBPROTO_DIRECT_SAMPLES_H

#include "hubproto/direct.h"

struct direct_sample {
	const char *name;
	uint8_t type;
	void (*write)(struct buf *body);
};

extern const struct direct_sample direct_samples[];
extern const size_t direct_sample_count;

/* Appends the whole frame; key receives its tag key.  False: it has no tag. */
bool direct_sample_frame(size_t i, struct buf *frame, uint8_t key[TAG_KEY_LEN]);

/* Reads a body of that type, and appends what was read, written again. */
dske_rc direct_body_copy(unsigned type, struct buf *out, const uint8_t *body, size_t len);

/* Envelope and body. */
dske_rc direct_item_check(const uint8_t *item, size_t len);

#endif
