/* SPDX-License-Identifier: Apache-2.0 */
/* p11/modules.h - one PKCS#11 module by its file, or all that p11-kit knows; and the slot in them that is looked for. */
#ifndef DSKE_P11_MODULES_H
#define DSKE_P11_MODULES_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

#include "base/rc.h"

struct modules {
	CK_FUNCTION_LIST **list; /* ended by NULL; NULL: nothing is loaded */
	bool is_registered;      /* they are p11-kit's */
};

/* path: a module's file; NULL: all registered ones.  flags: p11_kit_modules_load's.  Loads, and initialises nothing.  m is to
 * be dropped even if it fails.  Errors: NOT_FOUND. */
dske_rc modules_load(struct modules *m, const char *path, int flags);

/* Releases them; who initialised them has finalised them before.  Safe on a zeroed one. */
void modules_drop(struct modules *m);

/* A slot with a token, as far as is_it looks for it. */
typedef bool slot_is_it(CK_FUNCTION_LIST *f, CK_SLOT_ID slot, const CK_TOKEN_INFO *info, void *user);

/* The first slot for which is_it says yes, in the modules' order; they are initialised.  false: none, *f and *slot are as
 * they were.  A module that does not tell its slots has none. */
bool modules_find(const struct modules *m, slot_is_it *is_it, void *user, CK_FUNCTION_LIST **f, CK_SLOT_ID *slot);

#endif
