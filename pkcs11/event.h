/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/event.h - tokens that come, go or run low (PKCS#11 2.40, 5.5, C_WaitForSlotEvent). */
#ifndef DSKE_PKCS11_EVENT_H
#define DSKE_PKCS11_EVENT_H

#include "pkcs11/rv.h"

struct module;

/* The descriptor by which events_end() wakes who waits; of the module, -1 until somebody does. */
struct events {
	int wake;
};
void events_init(struct events *e);
void events_drop(struct events *e);

/* C_Finalize: with the module's lock, after `ended` is set. */
void events_end(const struct events *e);

/* Handler.  An event is told once, to one of those who wait.  It blocks in the caller's thread, with no lock. */
CK_RV event_wait(struct module *m, CK_FLAGS flags, CK_SLOT_ID_PTR slot, CK_VOID_PTR reserved);

#endif
