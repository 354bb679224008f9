/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/passphrase.h - the passphrase of a PSKM: 128 random bits as pskm/code.h writes them. */
#ifndef DSKE_PSKM_PASSPHRASE_H
#define DSKE_PSKM_PASSPHRASE_H

#include <stdint.h>

#include "base/rc.h"
#include "pskm/code.h"
#include "pskm/container.h"

#define PASSPHRASE_LEN CODE_LEN

void passphrase_write(char text[PASSPHRASE_TEXT_MAX], const uint8_t bits[PASSPHRASE_LEN]);

/* As code_read.  Errors: PIN. */
dske_rc passphrase_read(uint8_t bits[PASSPHRASE_LEN], const char *text);

#endif
