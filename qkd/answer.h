/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qkd/answer.h - what a KME says (ETSI GS QKD 014 V1.1.1, section 6): status, key container, error.  Pure: bytes
 * in, a verdict out.  Bodies are decoded in place and their keys moved out; the caller wipes the body.
 *
 * Strict, since an answer that is nearly right means that the other end will have other bytes: members that the
 * standard lets a KME add are passed over, but none of ours may be missing, of another type, or there twice.
 */
#ifndef DSKE_QKD_ANSWER_H
#define DSKE_QKD_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "base/rc.h"

/* A key's ID is a UUID: 36 characters, and since KMEs may compare text, in lower case (RFC 4122, section 3). */
#define UUID_TEXT_LEN 36
const char *uuid_text(const struct id *id, char out[UUID_TEXT_LEN + 1]);
bool uuid_read(struct id *id, const uint8_t *text, size_t len);

/* 6.1, as far as we need it. */
struct kme_status {
	uint64_t key_size; /* bits; the KME's default */
	uint64_t stored_key_count;
	uint64_t max_key_per_request;
	uint64_t min_key_size, max_key_size; /* bits */
};
dske_rc answer_status(struct kme_status *out, uint8_t *body, size_t len);

/* 6.3.  Exactly `number` keys of key_len bytes each, with IDs of which none occurs twice.  ids: number of them;
 * keys: number * key_len bytes, in the same order.  Errors: FORMAT with a sentence; keys are wiped then. */
struct answer_wanted {
	size_t number, key_len;
};
dske_rc answer_keys(const struct answer_wanted *wanted, uint8_t *body, size_t len, struct id *ids, uint8_t *keys);

/* Room enough for such an answer, with what a KME may add to it; anything longer is refused unread. */
size_t answer_keys_room(const struct answer_wanted *wanted);
#define ANSWER_SMALL_ROOM 16384 /* of a status, of an error */

/* 6.5.  What the KME says of an error, printable; "" if it says nothing. */
#define ANSWER_MESSAGE_MAX 200
const char *answer_message(char out[ANSWER_MESSAGE_MAX + 1], uint8_t *body, size_t len);

#endif
