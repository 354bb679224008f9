/* SPDX-License-Identifier: Apache-2.0 */
/* qkd/base64.h - base64 (RFC 4648, section 4) of keys: strict, and in time that depends on lengths alone. */
#ifndef DSKE_QKD_BASE64_H
#define DSKE_QKD_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters for len bytes, padding included. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/* Decodes exactly len bytes.  False for another length, a character of another alphabet, a blank, wrong padding,
 * or bits behind the last byte that are not zero (3.5); then out is of no use. */
bool base64_decode(uint8_t *out, size_t len, const uint8_t *text, size_t text_len);

#endif
