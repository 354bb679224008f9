/* SPDX-License-Identifier: Apache-2.0 */
/* p11/answer.h - what a PKCS#11 module answers, as an error with a sentence. */
#ifndef DSKE_P11_ANSWER_H
#define DSKE_P11_ANSWER_H

#include <p11-kit/pkcs11.h>

#include "base/rc.h"

/* OK for CKR_OK; else "WHAT: the answer in words", as PIN, PIN_LOCKED, STATE (no PIN is set), NOT_FOUND (no token), NOMEM,
 * and IO for all others. */
dske_rc answer_rc(CK_RV rv, const char *what);

#endif
