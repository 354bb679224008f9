/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "p11/modules.h"

#include <p11-kit/p11-kit.h>
#include <stdlib.h>

#define SLOTS_MOST 256

dske_rc modules_load(struct modules *m, const char *path, int flags)
{
	m->is_registered = path == NULL;
	if (m->is_registered) {
		m->list = p11_kit_modules_load(NULL, flags);
	} else if ((m->list = calloc(2, sizeof *m->list)) != NULL) {
		m->list[0] = p11_kit_module_load(path, flags | P11_KIT_MODULE_CRITICAL);
	}
	if (m->list == NULL || m->list[0] == NULL)
		return FAIL(NOT_FOUND, "the PKCS#11 module %s cannot be loaded: %s", path != NULL ? path : "of p11-kit",
			    p11_kit_message() != NULL ? p11_kit_message() : "there is none");
	return DSKE_OK;
}

void modules_drop(struct modules *m)
{
	if (m->is_registered && m->list != NULL) {
		p11_kit_modules_release(m->list);
	} else if (m->list != NULL) {
		if (m->list[0] != NULL)
			p11_kit_module_release(m->list[0]);
		free(m->list);
	}
	*m = (struct modules){0};
}

static bool find_in(CK_FUNCTION_LIST *f, slot_is_it *is_it, void *user, CK_SLOT_ID *slot)
{
	CK_SLOT_ID slots[SLOTS_MOST];
	CK_ULONG count = SLOTS_MOST;
	if (f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
		return false;
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info;
		if (f->C_GetTokenInfo(slots[i], &info) != CKR_OK || !is_it(f, slots[i], &info, user))
			continue;
		*slot = slots[i];
		return true;
	}
	return false;
}

bool modules_find(const struct modules *m, slot_is_it *is_it, void *user, CK_FUNCTION_LIST **f, CK_SLOT_ID *slot)
{
	for (CK_FUNCTION_LIST **each = m->list; *each != NULL; each++) {
		if (!find_in(*each, is_it, user, slot))
			continue;
		*f = *each;
		return true;
	}
	return false;
}
