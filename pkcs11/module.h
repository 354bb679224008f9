/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/module.h - the state between C_Initialize and C_Finalize.
 *
 * Locks, outer first: a session's (its operations), the token's (what the table shows of the store follows
 * the store), the store's (the token's file), the module's (all tables).  None is held over the network: who calls client_agree() holds references only.  The module's
 * is never held over a file either.
 *
 * Each call holds a reference, so that a C_Finalize beside it takes nothing away from under it.  A
 * forked child sees another process ID, and nothing of its parent's: every call answers
 * CKR_CRYPTOKI_NOT_INITIALIZED until it initialises afresh.
 */
#ifndef DSKE_PKCS11_MODULE_H
#define DSKE_PKCS11_MODULE_H

#include <pthread.h>
#include <stdbool.h>

#include "client/client.h"
#include "pkcs11/event.h"
#include "pkcs11/login.h"
#include "pkcs11/nonce-book.h"
#include "pkcs11/object.h"
#include "pkcs11/rv.h"
#include "pkcs11/session.h"
#include "pkcs11/slot.h"
#include "store/store.h"

struct module {
	unsigned refs; /* under the entry lock of module.c */

	struct client *client; /* NULL when there is no usable configuration: no token is present */
	struct store *store;   /* NULL with client */
	char trouble[200];     /* why there is none */

	pthread_mutex_t token_lock; /* around reading or changing the store and telling the table so */
	pthread_mutex_t lock;       /* guards what follows */
	struct slots slots;
	struct session_table sessions;
	struct object_table objects;
	struct login login;
	struct events events;
	struct nonce_book nonces;
	struct secret state_key; /* of digest-state.c; empty before the first need */
	bool ended; /* C_Finalize was called */
};

static inline void module_lock(struct module *m)
{
	pthread_mutex_lock(&m->lock);
}

static inline void module_unlock(struct module *m)
{
	pthread_mutex_unlock(&m->lock);
}

/* Between them the caller may use *m.  CRYPTOKI_NOT_INITIALIZED. */
CK_RV module_enter(struct module **m);
void module_leave(struct module *m);

CK_RV module_initialize(CK_VOID_PTR args);
CK_RV module_finalize(CK_VOID_PTR reserved);

#endif
