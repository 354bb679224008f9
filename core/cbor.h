/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/cbor.h - the part of CBOR that this project speaks, read strictly and written one way.
 *
 * Unsigned integers, byte strings, text strings of printable ASCII, and arrays; each of definite
 * length with the shortest head (RFC 8949, section 4.2.1); nested at most CBOR_DEPTH_MAX deep.
 * Everything else is refused: maps, tags, floats, simple values, negative numbers, bytes that follow.
 *
 * Reading allocates nothing: strings are borrowed from the input.  The first failure sticks, so a
 * caller reads a whole structure and looks once, at cbor_end().  After a failure integers read as 0,
 * strings as NULL with length 0, text as "".
 */
#ifndef DSKE_CORE_CBOR_H
#define DSKE_CORE_CBOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/rc.h"

#define CBOR_DEPTH_MAX 4
#define CBOR_HEAD_MAX  9 /* bytes of the longest head of an item */

struct cbor_reader {
	const uint8_t *bytes; /* borrowed */
	size_t len, at;       /* bytes in all, bytes read */
	int code;             /* DSKE_RC_OK, or the first failure */
	unsigned depth;       /* arrays open now */
	size_t left[CBOR_DEPTH_MAX]; /* items still to come in each */
};

void cbor_reader_init(struct cbor_reader *r, const uint8_t *bytes, size_t len);

/* An integer of min..max. */
uint64_t cbor_read_uint(struct cbor_reader *r, uint64_t min, uint64_t max);

/* A byte string of min..max bytes; *len may be NULL when min is max. */
const uint8_t *cbor_read_bytes(struct cbor_reader *r, size_t min, size_t max, size_t *len);

/* A byte string of exactly len bytes, copied to out (zeroed after a failure). */
void cbor_read_copy(struct cbor_reader *r, void *out, size_t len);
void cbor_read_id(struct cbor_reader *r, struct id *id);

/* Text of min..max printable ASCII characters; out has room for max + 1. */
void cbor_read_text(struct cbor_reader *r, size_t min, size_t max, char *out);

/* The head of an array of min..max items; returns how many.  It closes by itself after the last. */
size_t cbor_read_array(struct cbor_reader *r, size_t min, size_t max);

/* Makes the reader fail, for a rule of the caller's own; keeps an earlier failure. */
void cbor_refuse(struct cbor_reader *r, const char *why);

/* All arrays complete and no byte left over?  Errors: FORMAT, with what was wrong and where. */
dske_rc cbor_end(struct cbor_reader *r);

/* Writers; failures stick in the buffer. */
void cbor_write_uint(struct buf *out, uint64_t v);
void cbor_write_bytes(struct buf *out, const void *bytes, size_t len);
void cbor_write_bytes_head(struct buf *out, size_t len); /* of a byte string whose bytes come otherwise */
void cbor_write_id(struct buf *out, const struct id *id);
void cbor_write_text(struct buf *out, const char *text);
void cbor_write_array(struct buf *out, size_t count);

#endif
