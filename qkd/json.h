/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qkd/json.h - reads JSON (RFC 8259) where it lies: strings are decoded in place, nothing is copied and nothing
 * allocated, so that a key in it is nowhere but in the caller's wiped memory.
 *
 *     json_enter(&j, '{');
 *     while (json_member(&j, &name)) {
 *             if (json_text_is(&name, "keys")) ... else json_skip(&j);
 *     }
 *     json_end(&j);
 *     return json_rc(&j);
 *
 * A fault sticks: every call after it returns false.
 */
#ifndef DSKE_QKD_JSON_H
#define DSKE_QKD_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define JSON_DEPTH_MAX 8

struct json {
	uint8_t *at, *end;
	uint8_t *start;
	unsigned depth;
	bool fresh;        /* just behind an opening bracket: no comma is due */
	const char *fault; /* NULL, or what is wrong; static */
};

/* A string, decoded; not ended by a zero byte.  It lies in the buffer and may hold a secret. */
struct json_text {
	uint8_t *bytes;
	size_t len;
};

void json_begin(struct json *j, uint8_t *bytes, size_t len);

/* Goes into an object ('{') or an array ('['). */
bool json_enter(struct json *j, char bracket);

/* In an object: reads the next member's name, up to its value.  False behind the last; then the object is left. */
bool json_member(struct json *j, struct json_text *name);

/* In an array: is there another element?  False behind the last; then the array is left. */
bool json_element(struct json *j);

bool json_text(struct json *j, struct json_text *out);
bool json_uint(struct json *j, uint64_t *out); /* digits alone, at most UINT64_MAX */
bool json_skip(struct json *j);                /* any one value, JSON_DEPTH_MAX deep at most */

/* Nothing follows but white space? */
bool json_end(struct json *j);

bool json_text_is(const struct json_text *t, const char *text); /* for what is no secret */

/* Errors: FORMAT with fault and place. */
dske_rc json_rc(const struct json *j);

#endif
