/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/async.h"

/* The result is left as it is: there is no operation whose buffer it could name. */
CK_RV async_complete(struct module *m, struct session *s, CK_UTF8CHAR_PTR function, CK_ASYNC_DATA_PTR result)
{
	(void)m, (void)s, (void)result;
	return function == NULL ? CKR_ARGUMENTS_BAD : CKR_OPERATION_NOT_INITIALIZED;
}

/* 5.21.2: "a function that is not performing an asynchronous operation". */
CK_RV async_get_id(struct module *m, struct session *s, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id)
{
	(void)m, (void)s;
	return function == NULL || id == NULL ? CKR_ARGUMENTS_BAD : CKR_OPERATION_NOT_INITIALIZED;
}

/* 5.21.3: no ID was ever given. */
CK_RV async_join(struct module *m, struct session *s, CK_UTF8CHAR_PTR function, CK_ULONG id, CK_BYTE_PTR out,
		 CK_ULONG out_len)
{
	(void)m, (void)s, (void)id, (void)out, (void)out_len;
	return function == NULL ? CKR_ARGUMENTS_BAD : CKR_SAVED_STATE_INVALID;
}
