/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/event.h"

#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/watch.h"
#include "pkcs11/module.h"

#define LOOK_EVERY_MS 500 /* where the kernel does not tell of a change */

void events_init(struct events *e)
{
	e->wake = -1;
}

/* A host that closes what it does not know has a file or a socket of its own there by now. */
static bool is_ours(int wake)
{
	struct stat st;

	return wake >= 0 && fstat(wake, &st) == 0 && (st.st_mode & S_IFMT) == 0;
}

void events_drop(struct events *e)
{
	if (is_ours(e->wake))
		close(e->wake);
	e->wake = -1;
}

/* Nobody reads it: it wakes all, also who comes late. */
void events_end(const struct events *e)
{
	if (is_ours(e->wake))
		(void)eventfd_write(e->wake, 1);
}

/* Without one, C_Finalize is noticed when it is time to look again. */
static int wake_of(struct module *m)
{
	module_lock(m);
	if (m->events.wake < 0)
		m->events.wake = fd_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	int wake = m->events.wake;
	module_unlock(m);
	return wake;
}

/* NO_EVENT, or one that is told herewith; NOT_INITIALIZED after C_Finalize. */
static CK_RV event_take(struct module *m, CK_SLOT_ID_PTR slot)
{
	CK_RV rv = CKR_NO_EVENT;

	module_lock(m);
	if (m->ended)
		rv = CKR_CRYPTOKI_NOT_INITIALIZED;
	for (size_t i = 0; i < m->slots.count && rv == CKR_NO_EVENT; i++) {
		if (!m->slots.pskm[i].event)
			continue;
		m->slots.pskm[i].event = false;
		*slot = i + 1;
		rv = CKR_OK;
	}
	module_unlock(m);
	return rv;
}

static CK_RV event_look(struct module *m, CK_SLOT_ID_PTR slot)
{
	slots_refresh(m, true);
	return event_take(m, slot);
}

CK_RV event_wait(struct module *m, CK_FLAGS flags, CK_SLOT_ID_PTR slot, CK_VOID_PTR reserved)
{
	AUTO(watch) watch = WATCH_NONE;

	if (slot == NULL || reserved != NULL)
		return CKR_ARGUMENTS_BAD;
	CK_RV rv = event_look(m, slot);
	int wake = rv == CKR_NO_EVENT && (flags & CKF_DONT_BLOCK) == 0 ? wake_of(m) : -1;
	while (rv == CKR_NO_EVENT && (flags & CKF_DONT_BLOCK) == 0) {
		if (m->client != NULL)
			watch_begin(&watch, client_config(m->client));
		rv = event_look(m, slot);
		if (rv == CKR_NO_EVENT)
			watch_wait(&watch, wake, LOOK_EVERY_MS);
	}
	return rv;
}
