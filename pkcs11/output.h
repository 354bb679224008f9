/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/output.h - how calls give results of variable length (PKCS#11 2.40, 5.2): a NULL buffer asks for the
 * length, and one that is too small is told it; both leave the operation as it was.
 */
#ifndef DSKE_PKCS11_OUTPUT_H
#define DSKE_PKCS11_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "pkcs11/rv.h"

/* *len is the room and becomes `need`.  True: write that many bytes.  False: the call ends with *rv. */
static inline bool output_wanted(const void *out, CK_ULONG *len, size_t need, CK_RV *rv)
{
	CK_ULONG room = *len;

	*len = need;
	*rv = out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
	return out != NULL && room >= need;
}

/* Does an operation that answered so go on waiting for the same call? */
static inline bool output_pending(CK_RV rv, const void *out)
{
	return rv == CKR_BUFFER_TOO_SMALL || (rv == CKR_OK && out == NULL);
}

#endif
