/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/parcel.h - a frame that several hold: whoever waits for its receipt, and the connections on which it is queued.
 * So a long one is queued without a copy.
 */
#ifndef DSKE_HUB_PARCEL_H
#define DSKE_HUB_PARCEL_H

#include "hubproto/frame.h"

struct parcel {
	unsigned holders;
	size_t start;     /* of the frame in bytes */
	struct buf bytes; /* owned */
};

/* One holder; the body is to be appended to bytes.  room: bytes that it will have, about.  NULL: out of memory. */
struct parcel *parcel_new(size_t room);

/* The body is there: the frame is made around it.  Errors: as frame_wrap. */
dske_rc parcel_close(struct parcel *p, const struct envelope *e, const uint8_t *tag_key);

const uint8_t *parcel_frame(const struct parcel *p);
size_t parcel_len(const struct parcel *p); /* of the frame */

struct parcel *parcel_hold(struct parcel *p); /* one holder more */
void parcel_drop(struct parcel *p);           /* one less; with the last it goes.  Safe on NULL. */

#endif
