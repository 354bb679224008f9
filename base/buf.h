/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/buf.h - a byte buffer whose failure sticks: write many times, look once with buf_rc().
 * Either on the caller's memory (fixed capacity) or on the heap up to a stated limit.
 */
#ifndef DSKE_BASE_BUF_H
#define DSKE_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

struct buf {
	uint8_t *data; /* owned if heap, else the caller's */
	size_t len;    /* bytes written */
	size_t cap;    /* bytes allocated */
	size_t max;    /* bytes it may grow to */
	int code;      /* DSKE_RC_OK, or the first failure (TOOBIG, NOMEM) */
	bool heap;
};

/* On the caller's memory, which must outlive the buffer. */
void buf_fixed(struct buf *b, void *memory, size_t cap);

/* On the heap, growing by doubling, never beyond max bytes. */
void buf_heap(struct buf *b, size_t max);

/* Appends; after a failure does nothing. */
void buf_put(struct buf *b, const void *bytes, size_t len);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_be32(struct buf *b, uint32_t v);

/* Room for len more bytes, counted as written, or NULL after a failure.  Dies with the next append. */
uint8_t *buf_grow(struct buf *b, size_t len);

/* Memory for len more bytes (or up to the limit) is found now, so that it is not found bit by bit. */
void buf_reserve(struct buf *b, size_t len);

/* Removes the first n bytes (n <= len). */
void buf_consume(struct buf *b, size_t n);

/* OK, or the first failure. */
dske_rc buf_rc(const struct buf *b);

/* Empties without freeing or wiping, and clears the failure. */
void buf_reset(struct buf *b);

/* Wipes all of its memory, the caller's too; frees if on the heap.  Safe on a zeroed one. */
void buf_drop(struct buf *b);

#endif
