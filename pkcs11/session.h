/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/session.h - sessions: counted as objects are, found by handle, and what each is doing. */
#ifndef DSKE_PKCS11_SESSION_H
#define DSKE_PKCS11_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "pkcs11/cipher.h"
#include "pkcs11/digest.h"
#include "pkcs11/find.h"
#include "pkcs11/message.h"
#include "pkcs11/rv.h"
#include "pkcs11/sign.h"

struct module;

struct session {
	CK_SESSION_HANDLE handle;
	CK_SLOT_ID slot;
	bool rw;
	atomic_bool closed; /* also read by client_agree() as its `cancelled` */
	unsigned refs;        /* under the module's lock */
	struct session *next;

	pthread_mutex_t lock; /* guards the operations */
	struct find find;
	struct cipher_op cipher[2]; /* CIPHER_DECRYPT, CIPHER_ENCRYPT */
	struct message_op message[2];
	struct sign_op sign[SIGN_COUNT];
	struct digest_op digest;
};

/* How many of a slot are open. */
struct session_tally {
	size_t all, read_only;
};

struct session_table {
	struct session **bucket; /* bucket_count, a power of two; NULL before the first session */
	size_t bucket_count, count;
	struct session_tally *tally; /* by slot; none of those from tally_count on */
	size_t tally_count;
	CK_SESSION_HANDLE last_handle; /* counts up: a handle is never given twice */
};

/* When no session is left. */
void sessions_drop(struct session_table *t);

/* A reference, or SESSION_HANDLE_INVALID; takes the module's lock. */
CK_RV session_get(struct module *m, CK_SESSION_HANDLE handle, struct session **s);
void session_put(struct module *m, struct session *s);

/* With the session's lock: is any of its operations one that works with a key? */
bool session_uses_key(const struct session *s);

/* With the module's lock: how many of a slot are open (only the read-only ones). */
size_t session_count(const struct session_table *t, CK_SLOT_ID slot, bool read_only);

/* Ends each operation of the slot's sessions whose key is gone (a logout), so that nothing keyed is left of it; and what
 * searches found is told no further.  Takes each session's lock. */
void session_end_gone(struct module *m, CK_SLOT_ID slot);

/* Handlers. */
CK_RV session_open(struct module *m, CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify,
		   CK_SESSION_HANDLE_PTR handle);
CK_RV session_close(struct module *m, struct session *s);
CK_RV session_close_all(struct module *m, CK_SLOT_ID slot);
CK_RV session_info(struct module *m, struct session *s, CK_SESSION_INFO_PTR info);
CK_RV session_cancel(struct module *m, struct session *s, CK_FLAGS flags);
CK_RV session_validation_flags(struct module *m, struct session *s, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags);

#endif
