/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/passphrase.h - 128 random bits as a person writes them down and reads them aloud.
 *
 * Seven groups of five characters, "K3PWH-7Q0ZD-...": four of data and one that checks its group and the
 * group's place.  The alphabet is the digits and the letters without I, L, O and U.  The 140 bits of
 * data are the 128, then 12 of their SHA-256.  Lower case, O for 0, I and L for 1, and any spaces and
 * dashes are accepted.
 */
#ifndef DSKE_PSKM_PASSPHRASE_H
#define DSKE_PSKM_PASSPHRASE_H

#include <stdint.h>

#include "base/rc.h"
#include "pskm/container.h"

#define PASSPHRASE_LEN 16 /* bytes */

void passphrase_write(char text[PASSPHRASE_TEXT_MAX], const uint8_t bits[PASSPHRASE_LEN]);

/* Any one wrong character, and any two groups exchanged, are noticed, and the group is named.
 * Errors: PIN. */
dske_rc passphrase_read(uint8_t bits[PASSPHRASE_LEN], const char *text);

#endif
