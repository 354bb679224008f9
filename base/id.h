/* SPDX-License-Identifier: Apache-2.0 */
/* base/id.h - the 16-byte names of clients, hubs, tables and keys; and hexadecimal text. */
#ifndef DSKE_BASE_ID_H
#define DSKE_BASE_ID_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define ID_LEN 16
#define ID_HEX_LEN (2 * ID_LEN + 1) /* with the final zero byte */

struct id {
	uint8_t b[ID_LEN];
};

bool id_equal(const struct id *a, const struct id *b);
int id_compare(const struct id *a, const struct id *b); /* as memcmp: big-endian order */
bool id_is_zero(const struct id *a);
dske_rc id_random(struct id *id);                       /* Errors: IO */

/* Writes 32 lower-case digits and a zero byte; returns out. */
const char *id_hex(const struct id *id, char out[ID_HEX_LEN]);

/* Reads exactly 32 hexadecimal digits.  Errors: FORMAT. */
dske_rc id_parse(struct id *id, const char *text);

/* For len bytes writes 2*len digits and a zero byte.  Never for secrets: not constant time. */
void hex_encode(char *out, const void *bytes, size_t len);

/* Reads exactly 2*len digits.  Errors: FORMAT. */
dske_rc hex_decode(void *out, size_t len, const char *text);

/* A name of a client, hub or peer: 1..NAME_MAX_LEN of [A-Za-z0-9._-], beginning with a letter or digit. */
#define NAME_MAX_LEN 63
bool name_check(const char *name);

#endif
