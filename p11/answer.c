/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "p11/answer.h"

#include <p11-kit/p11-kit.h>

static const struct {
	CK_RV rv;
	int code;
} codes[] = {
	{CKR_PIN_INCORRECT, DSKE_RC_PIN},
	{CKR_PIN_LEN_RANGE, DSKE_RC_PIN},
	{CKR_PIN_INVALID, DSKE_RC_PIN},
	{CKR_PIN_LOCKED, DSKE_RC_PIN_LOCKED},
	{CKR_USER_PIN_NOT_INITIALIZED, DSKE_RC_STATE},
	{CKR_TOKEN_NOT_PRESENT, DSKE_RC_NOT_FOUND},
	{CKR_HOST_MEMORY, DSKE_RC_NOMEM},
};

dske_rc answer_rc(CK_RV rv, const char *what)
{
	if (rv == CKR_OK)
		return DSKE_OK;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		if (codes[i].rv == rv)
			return rc_fail(codes[i].code, "%s: %s", what, p11_kit_strerror(rv));
	}
	return FAIL(IO, "%s: %s", what, p11_kit_strerror(rv));
}
