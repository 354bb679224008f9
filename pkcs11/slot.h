/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/slot.h - slot 0 is the agreement token, each further one a PSKM.  A table keeps its slot as long
 * as the module is initialised, also while its medium is pulled out; new tables get the next number.
 *
 * Which tables are there is looked up by whoever asks for a PSKM's slot, token or session, lists slots or waits for
 * events (pkcs11/event.c).  Who finds a token removed closes its sessions (PKCS#11 2.40, 5.1.2: "removing a token from
 * its slot closes all sessions with it").
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
	bool low;   /* its hub's supply, as an exchange of this process or a look at the ledgers found it */
	bool event; /* that C_WaitForSlotEvent has not told yet */
};

struct slots {
	struct slot_pskm *pskm; /* owned; slot i + 1 */
	size_t count;
	size_t listed; /* of them C_GetSlotList tells: the set changes only when it is called without a buffer */
	bool known;    /* was looked at once: what is found later is an event */
	unsigned long looks, noted; /* begun; and the latest of them whose finding stands here */
};
void slots_drop(struct slots *s);

/* Looks which tables are there; with what went, sessions are closed.  `ask`: also asks their ledgers which are low, as
 * the first look does.  Errors go to the log. */
void slots_refresh(struct module *m, bool ask);

/* Is there such a slot, and (looks) a token in it?  SLOT_ID_INVALID, TOKEN_NOT_PRESENT. */
CK_RV slot_check(struct module *m, CK_SLOT_ID slot);

/* Writes text into a field of PKCS#11: padded with blanks, cut where a UTF-8 character ends. */
void slot_pad(unsigned char *field, size_t len, const char *text);

/* Handlers. */
CK_RV slot_module_info(struct module *m, CK_INFO_PTR info);
CK_RV slot_list(struct module *m, CK_BBOOL present, CK_SLOT_ID_PTR list, CK_ULONG_PTR n);
CK_RV slot_info(struct module *m, CK_SLOT_ID slot, CK_SLOT_INFO_PTR info);
CK_RV slot_token_info(struct module *m, CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info);

#endif
