/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/code.h - 128 bits as a person writes them down and reads them aloud.
 *
 * Seven groups of five characters, "K3PWH-7Q0ZD-...": four of data and one that checks its group, the group's
 * place and what kind of code it is.  The alphabet is the digits and the letters without I, L, O and U.  The 140
 * bits of data are the 128, then 12 of their SHA-256.  Lower case, O for 0, I and L for 1, and any spaces and
 * dashes are accepted.
 */
#ifndef DSKE_PSKM_CODE_H
#define DSKE_PSKM_CODE_H

#include <stdint.h>

#include "base/rc.h"

#define CODE_LEN 16      /* bytes */
#define CODE_TEXT_MAX 64 /* NUL-terminated */

enum code {
	CODE_PASSPHRASE, /* of a PSKM (pskm/passphrase.h) */
	CODE_NONCE,      /* of an ACTIVATE ... */
	CODE_TAG,        /* ... and its tag: what a client reads to its hub's operator (client/telephone.c) */
	CODE_ANSWER,     /* the tag of the hub's answer */
};

void code_write(char text[CODE_TEXT_MAX], const uint8_t bits[CODE_LEN], enum code kind);

/* Any one wrong character, any two groups exchanged, within a code or between two kinds, and a code of another
 * kind are noticed; the group, or the other kind, is named.  Errors: PIN for a passphrase, otherwise ARGS. */
dske_rc code_read(uint8_t bits[CODE_LEN], const char *text, enum code kind);

#endif
