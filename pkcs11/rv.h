/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/rv.h - the one crossing from our errors to PKCS#11's. */
#ifndef DSKE_PKCS11_RV_H
#define DSKE_PKCS11_RV_H

#include "base/rc.h"
#include "pkcs11/p11-3x.h"

/* Every code has a row; what it does not know is CKR_GENERAL_ERROR. */
CK_RV rv_from(dske_rc rc);

/* Returns from the calling function when e is not CKR_OK. */
#define TRY_RV(e)                                                                                    \
	do {                                                                                         \
		CK_RV try_rv_ = (e);                                                                 \
		if (try_rv_ != CKR_OK)                                                               \
			return try_rv_;                                                              \
	} while (0)

#endif
