/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/find.h - C_FindObjects: by label and ID through the indices, else over all objects. */
#ifndef DSKE_PKCS11_FIND_H
#define DSKE_PKCS11_FIND_H

#include <stdbool.h>
#include <stddef.h>

#include "pkcs11/rv.h"

struct module;
struct session;

/* What one search found when it began, by ascending handle. */
struct find {
	bool active;
	CK_OBJECT_HANDLE *handle; /* owned */
	size_t count, cap, at;
};
void find_drop(struct find *f);

CK_RV find_init(struct module *m, struct session *s, CK_ATTRIBUTE_PTR templ, CK_ULONG n);
CK_RV find_next(struct module *m, struct session *s, CK_OBJECT_HANDLE_PTR out, CK_ULONG max, CK_ULONG_PTR n);
CK_RV find_final(struct module *m, struct session *s);

#endif
