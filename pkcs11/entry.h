/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/entry.h - the doors: what the host gets hold of, and the guard before each call (calls.h). */
#ifndef DSKE_PKCS11_ENTRY_H
#define DSKE_PKCS11_ENTRY_H

#include "pkcs11/rv.h"

CK_RV entry_function_list(CK_FUNCTION_LIST_PTR_PTR list);
CK_RV entry_interface_list(CK_INTERFACE_PTR list, CK_ULONG_PTR n);
CK_RV entry_interface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR found, CK_FLAGS flags);

#endif
