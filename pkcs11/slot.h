/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/slot.h - slot 0 is the agreement token, each further one a PSKM.  A table keeps its slot as long
 * as the module is initialised; new tables get the next number.
 */
#ifndef DSKE_PKCS11_SLOT_H
#define DSKE_PKCS11_SLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/id.h"
#include "pkcs11/rv.h"

struct module;

#define SLOT_AGREEMENT 0ul

struct slot_pskm {
	struct id table;
	bool present;
	bool announced; /* by C_WaitForSlotEvent, or seen in a list */
};

struct slots {
	struct slot_pskm *pskm; /* owned; slot i + 1 */
	size_t count;
	bool known; /* was looked at once */
};
void slots_drop(struct slots *s);

/* Is there such a slot, and a token in it?  SLOT_ID_INVALID, TOKEN_NOT_PRESENT. */
CK_RV slot_check(struct module *m, CK_SLOT_ID slot);

/* Writes text into a field of PKCS#11: padded with blanks, cut where a UTF-8 character ends. */
void slot_pad(unsigned char *field, size_t len, const char *text);

/* Handlers. */
CK_RV slot_module_info(struct module *m, CK_INFO_PTR info);
CK_RV slot_list(struct module *m, CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR n);
CK_RV slot_info(struct module *m, CK_SLOT_ID slot, CK_SLOT_INFO_PTR info);
CK_RV slot_token_info(struct module *m, CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info);
CK_RV slot_wait(struct module *m, CK_FLAGS flags, CK_SLOT_ID_PTR slot, CK_VOID_PTR reserved);

#endif
