/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/entry.h"

#include <string.h>

#include "pkcs11/async.h"
#include "pkcs11/cipher.h"
#include "pkcs11/derive.h"
#include "pkcs11/digest.h"
#include "pkcs11/dual.h"
#include "pkcs11/event.h"
#include "pkcs11/find.h"
#include "pkcs11/keygen.h"
#include "pkcs11/login.h"
#include "pkcs11/mech.h"
#include "pkcs11/message.h"
#include "pkcs11/module.h"
#include "pkcs11/random.h"
#include "pkcs11/sign.h"
#include "pkcs11/wrap.h"

/* ---- guards, one for each row of calls.h -------------------------------------------------------- */

#define UNWRAP(...) __VA_ARGS__

#define ALWAYS(name, handler, parameters, arguments)                                                 \
	static CK_RV guard_##name parameters                                                         \
	{                                                                                            \
		return handler arguments;                                                            \
	}

#define MODULE(name, handler, parameters, arguments)                                                 \
	static CK_RV guard_##name parameters                                                         \
	{                                                                                            \
		struct module *m_;                                                                   \
		TRY_RV(module_enter(&m_));                                                           \
		CK_RV rv_ = handler(m_ UNWRAP arguments);                                            \
		module_leave(m_);                                                                    \
		return rv_;                                                                          \
	}

#define SESSION(name, handler, parameters, arguments)                                                \
	static CK_RV guard_##name parameters                                                         \
	{                                                                                            \
		struct module *m_;                                                                   \
		struct session *s_;                                                                  \
		TRY_RV(module_enter(&m_));                                                           \
		CK_RV rv_ = session_get(m_, session, &s_);                                           \
		if (rv_ == CKR_OK) {                                                                 \
			rv_ = handler(m_, s_ UNWRAP arguments);                                      \
			session_put(m_, s_);                                                         \
		}                                                                                    \
		module_leave(m_);                                                                    \
		return rv_;                                                                          \
	}

#define REFUSE(name, parameters, answer)                                                             \
	static CK_RV guard_##name parameters                                                         \
	{                                                                                            \
		struct module *m_;                                                                   \
		TRY_RV(module_enter(&m_));                                                           \
		module_leave(m_);                                                                    \
		return answer;                                                                       \
	}
#define ABSENT(name, handler, parameters, arguments) REFUSE(name, parameters, CKR_FUNCTION_NOT_SUPPORTED)
#define LEGACY(name, handler, parameters, arguments) REFUSE(name, parameters, CKR_FUNCTION_NOT_PARALLEL)

/* Who refuses looks at nothing that he was given. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define X(guard, name, handler, parameters, arguments) guard(name, handler, parameters, arguments)
CALLS_2_40(X)
CALLS_3_0(X)
CALLS_3_2(X)
#undef X
#pragma GCC diagnostic pop

/* ---- lists --------------------------------------------------------------------------------------- */

#define X(guard, name, handler, parameters, arguments) .name = guard_##name,
static CK_FUNCTION_LIST list_2_40 = {.version = {2, 40}, CALLS_2_40(X)};
static CK_FUNCTION_LIST_3_0 list_3_0 = {.version = {3, 0}, CALLS_2_40(X) CALLS_3_0(X)};
static CK_FUNCTION_LIST_3_2 list_3_2 = {.version = {3, 2}, CALLS_2_40(X) CALLS_3_0(X) CALLS_3_2(X)};
#undef X

/* The first is the default (PKCS#11 3.0, 5.4.5).  Not CKF_INTERFACE_FORK_SAFE, which promises that a child
 * keeps sessions and logins: ours begins anew. */
static CK_INTERFACE interfaces[] = {
	{(CK_UTF8CHAR *)"PKCS 11", &list_3_2, 0},
	{(CK_UTF8CHAR *)"PKCS 11", &list_3_0, 0},
	{(CK_UTF8CHAR *)"PKCS 11", &list_2_40, 0},
};
#define INTERFACE_COUNT (sizeof interfaces / sizeof interfaces[0])

CK_RV entry_function_list(CK_FUNCTION_LIST_PTR_PTR list)
{
	if (list == NULL)
		return CKR_ARGUMENTS_BAD;
	*list = &list_2_40;
	return CKR_OK;
}

CK_RV entry_interface_list(CK_INTERFACE_PTR list, CK_ULONG_PTR n)
{
	if (n == NULL)
		return CKR_ARGUMENTS_BAD;
	CK_ULONG room = *n;
	*n = INTERFACE_COUNT;
	if (list == NULL)
		return CKR_OK;
	if (room < INTERFACE_COUNT)
		return CKR_BUFFER_TOO_SMALL;
	memcpy(list, interfaces, sizeof interfaces);
	return CKR_OK;
}

static bool interface_fits(const CK_INTERFACE *i, const CK_UTF8CHAR *name, const CK_VERSION *version, CK_FLAGS flags)
{
	const CK_VERSION *own = i->pFunctionList;

	if (name != NULL && strcmp((const char *)name, (const char *)i->pInterfaceName) != 0)
		return false;
	if (version != NULL && (version->major != own->major || version->minor != own->minor))
		return false;
	return (i->flags & flags) == flags;
}

CK_RV entry_interface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR found, CK_FLAGS flags)
{
	if (found == NULL)
		return CKR_ARGUMENTS_BAD;
	for (size_t i = 0; i < INTERFACE_COUNT; i++) {
		if (interface_fits(&interfaces[i], name, version, flags)) {
			*found = &interfaces[i];
			return CKR_OK;
		}
	}
	return CKR_FUNCTION_FAILED;
}

/* ---- the three symbols that the module exports (dske-pkcs11.map) ---------------------------------- */

#define EXPORT __attribute__((visibility("default")))

EXPORT CK_RV C_GetInterfaceList(CK_INTERFACE_PTR list, CK_ULONG_PTR n);
EXPORT CK_RV C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR found, CK_FLAGS flags);

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
	return entry_function_list(list);
}

CK_RV C_GetInterfaceList(CK_INTERFACE_PTR list, CK_ULONG_PTR n)
{
	return entry_interface_list(list, n);
}

CK_RV C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR found, CK_FLAGS flags)
{
	return entry_interface(name, version, found, flags);
}
