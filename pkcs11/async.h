/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/async.h - asynchronous calls (PKCS#11 3.2, 5.21): none.  The token has no CKF_ASYNC_SESSION_SUPPORTED, a session
 * that asks for it is not opened, and so no call is ever left pending.
 */
#ifndef DSKE_PKCS11_ASYNC_H
#define DSKE_PKCS11_ASYNC_H

#include "pkcs11/rv.h"

struct module;
struct session;

/* Handlers. */
CK_RV async_complete(struct module *m, struct session *s, CK_UTF8CHAR_PTR function, CK_ASYNC_DATA_PTR result);
CK_RV async_get_id(struct module *m, struct session *s, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id);
CK_RV async_join(struct module *m, struct session *s, CK_UTF8CHAR_PTR function, CK_ULONG id, CK_BYTE_PTR out,
		 CK_ULONG out_len);

#endif
