/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/session.h"

#include <stdlib.h>

#include "pkcs11/module.h"

#define FIRST_BUCKETS 64 /* doubled when there are more sessions than buckets */

/* ---- the table, with the module's lock ------------------------------------------------------------------- */

void sessions_drop(struct session_table *t)
{
	free(t->bucket);
	free(t->tally);
	*t = (struct session_table){0};
}

static struct session **bucket_of(const struct session_table *t, CK_SESSION_HANDLE handle)
{
	return &t->bucket[handle & (t->bucket_count - 1)];
}

static struct session *session_at(const struct session_table *t, CK_SESSION_HANDLE handle)
{
	struct session *s = t->bucket_count > 0 ? *bucket_of(t, handle) : NULL;

	while (s != NULL && s->handle != handle)
		s = s->next;
	return s;
}

/* What is in bucket i goes to i or to i + the former count: never to one before it. */
static bool table_grow(struct session_table *t)
{
	struct session_table grown = *t;

	grown.bucket_count = t->bucket_count > 0 ? 2 * t->bucket_count : FIRST_BUCKETS;
	grown.bucket = calloc(grown.bucket_count, sizeof(struct session *));
	if (grown.bucket == NULL)
		return false;
	for (size_t i = 0; i < t->bucket_count; i++) {
		for (struct session *s = t->bucket[i], *next; s != NULL; s = next) {
			next = s->next;
			s->next = *bucket_of(&grown, s->handle);
			*bucket_of(&grown, s->handle) = s;
		}
	}
	free(t->bucket);
	*t = grown;
	return true;
}

/* Room for one more, of this slot. */
static bool table_reserve(struct session_table *t, CK_SLOT_ID slot)
{
	if (slot >= t->tally_count) {
		struct session_tally *more = reallocarray(t->tally, slot + 1, sizeof *more);
		if (more == NULL)
			return false;
		t->tally = more;
		while (t->tally_count <= slot)
			t->tally[t->tally_count++] = (struct session_tally){0};
	}
	return t->count < t->bucket_count || table_grow(t);
}

static void table_add(struct session_table *t, struct session *s)
{
	s->handle = ++t->last_handle;
	s->next = *bucket_of(t, s->handle);
	*bucket_of(t, s->handle) = s;
	t->count++;
	t->tally[s->slot].all++;
	t->tally[s->slot].read_only += !s->rw;
}

static void table_remove(struct session_table *t, struct session *s)
{
	struct session **link = bucket_of(t, s->handle);

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	t->count--;
	t->tally[s->slot].all--;
	t->tally[s->slot].read_only -= !s->rw;
}

size_t session_count(const struct session_table *t, CK_SLOT_ID slot, bool read_only)
{
	if (slot >= t->tally_count)
		return 0;
	return read_only ? t->tally[slot].read_only : t->tally[slot].all;
}

/* ---- by handle ------------------------------------------------------------------------------------------- */

static struct session *session_find(struct module *m, CK_SESSION_HANDLE handle)
{
	module_lock(m);
	struct session *s = session_at(&m->sessions, handle);
	if (s != NULL)
		s->refs++;
	module_unlock(m);
	return s;
}

/* PKCS#11 2.40, 5.1.2: SESSION_HANDLE_INVALID also "if the session's token is removed before the function invocation". */
CK_RV session_get(struct module *m, CK_SESSION_HANDLE handle, struct session **out)
{
	struct session *s = session_find(m, handle);

	if (s != NULL && s->slot != SLOT_AGREEMENT) {
		slots_refresh(m, false);
		if (s->closed) {
			session_put(m, s);
			s = NULL;
		}
	}
	*out = s;
	return s != NULL ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

/* ---- what a session is doing ---------------------------------------------------------------------------- */

/* One operation: the flag by which C_SessionCancel knows it, how it ends, and the key it has in use. */
struct operation {
	CK_FLAGS flag;
	void (*end)(struct session *s);
	const struct object *(*key)(const struct session *s); /* NULL: it has none */
};

#define OPERATION(name, field, ender)                                                                \
	static void end_##name(struct session *s)                                                    \
	{                                                                                            \
		ender(&s->field);                                                                    \
	}
#define KEYED(name, field, ender)                                                                    \
	OPERATION(name, field, ender)                                                                \
	static const struct object *key_##name(const struct session *s)                              \
	{                                                                                            \
		return s->field.key;                                                                 \
	}

OPERATION(find, find, find_drop)
KEYED(digest, digest, digest_op_end)
KEYED(encrypt, cipher[CIPHER_ENCRYPT], cipher_op_end)
KEYED(decrypt, cipher[CIPHER_DECRYPT], cipher_op_end)
KEYED(message_encrypt, message[CIPHER_ENCRYPT], message_op_end)
KEYED(message_decrypt, message[CIPHER_DECRYPT], message_op_end)
KEYED(sign, sign[SIGN_SIGN], sign_op_end)
KEYED(verify, sign[SIGN_VERIFY], sign_op_end)
KEYED(verify_given, sign[SIGN_VERIFY_GIVEN], sign_op_end)
KEYED(sign_messages, sign[SIGN_MESSAGES], sign_op_end)
KEYED(verify_messages, sign[SIGN_VERIFY_MESSAGES], sign_op_end)

static const struct operation operations[] = {
	{CKF_FIND_OBJECTS, end_find, NULL},     {CKF_DIGEST, end_digest, key_digest},
	{CKF_ENCRYPT, end_encrypt, key_encrypt}, {CKF_DECRYPT, end_decrypt, key_decrypt},
	{CKF_MESSAGE_ENCRYPT, end_message_encrypt, key_message_encrypt},
	{CKF_MESSAGE_DECRYPT, end_message_decrypt, key_message_decrypt},
	{CKF_SIGN, end_sign, key_sign},          {CKF_VERIFY, end_verify, key_verify},
	{CKF_VERIFY, end_verify_given, key_verify_given},
	{CKF_MESSAGE_SIGN, end_sign_messages, key_sign_messages},
	{CKF_MESSAGE_VERIFY, end_verify_messages, key_verify_messages},
};
#define OPERATION_COUNT (sizeof operations / sizeof operations[0])

bool session_uses_key(const struct session *s)
{
	bool uses = false;

	for (size_t i = 0; i < OPERATION_COUNT; i++)
		uses = uses || (operations[i].key != NULL && operations[i].key(s) != NULL);
	return uses;
}

static void operations_end(struct session *s)
{
	for (size_t i = 0; i < OPERATION_COUNT; i++)
		operations[i].end(s);
}

static void operations_end_gone(struct session *s)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < OPERATION_COUNT; i++) {
		const struct object *key = operations[i].key != NULL ? operations[i].key(s) : NULL;
		if (key != NULL && atomic_load(&key->gone))
			operations[i].end(s);
	}
	s->find.at = s->find.count; /* what it found may be hidden now */
	pthread_mutex_unlock(&s->lock);
}

void session_put(struct module *m, struct session *s)
{
	module_lock(m);
	bool last = --s->refs == 0;
	module_unlock(m);
	if (!last)
		return;
	operations_end(s);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* References to all of a slot; NULL: none, or no memory. */
static struct session **session_list(struct module *m, CK_SLOT_ID slot, size_t *count)
{
	size_t n = 0;

	module_lock(m);
	size_t all = session_count(&m->sessions, slot, false);
	struct session **list = all > 0 ? calloc(all, sizeof(struct session *)) : NULL;
	for (size_t i = 0; i < m->sessions.bucket_count && list != NULL; i++) {
		for (struct session *s = m->sessions.bucket[i]; s != NULL; s = s->next) {
			if (s->slot != slot)
				continue;
			s->refs++;
			list[n++] = s;
		}
	}
	module_unlock(m);
	*count = n;
	return list;
}

void session_end_gone(struct module *m, CK_SLOT_ID slot)
{
	size_t count;
	struct session **list = session_list(m, slot, &count);

	for (size_t i = 0; i < count; i++) {
		operations_end_gone(list[i]);
		session_put(m, list[i]);
	}
	free(list);
}

CK_RV session_open(struct module *m, CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify,
		   CK_SESSION_HANDLE_PTR handle)
{
	(void)application, (void)notify; /* there is nothing to notify of */
	if (handle == NULL)
		return CKR_ARGUMENTS_BAD;
	if ((flags & CKF_SERIAL_SESSION) == 0)
		return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
	if ((flags & CKF_ASYNC_SESSION) != 0)
		return CKR_SESSION_ASYNC_NOT_SUPPORTED;
	TRY_RV(slot_check(m, slot));
	bool rw = (flags & CKF_RW_SESSION) != 0;
	if (rw && slot != SLOT_AGREEMENT)
		return CKR_TOKEN_WRITE_PROTECTED;
	struct session *s = calloc(1, sizeof *s);
	if (s == NULL)
		return CKR_HOST_MEMORY;
	pthread_mutex_init(&s->lock, NULL);
	s->slot = slot;
	s->rw = rw;
	s->refs = 2; /* the table's and ours */

	CK_RV rv = CKR_OK;
	module_lock(m);
	if (m->ended) {
		rv = CKR_CRYPTOKI_NOT_INITIALIZED;
	} else if (slot == SLOT_AGREEMENT && !rw && m->login.who == LOGIN_SO) {
		rv = CKR_SESSION_READ_WRITE_SO_EXISTS;
	} else if (!table_reserve(&m->sessions, slot)) {
		rv = CKR_HOST_MEMORY;
	} else {
		table_add(&m->sessions, s);
		*handle = s->handle;
	}
	module_unlock(m);
	if (rv != CKR_OK)
		s->refs = 1;
	session_put(m, s);
	return rv;
}

/* With the module's lock: out of the table; the table's reference goes to the caller.  False if another
 * thread closed it already. */
static bool session_detach(struct module *m, struct session *s)
{
	if (s->closed)
		return false;
	table_remove(&m->sessions, s);
	s->closed = true;
	objects_end_session(&m->objects, s->handle);
	/* PKCS#11 2.40, 5.6: the login ends with the last session of the token. */
	if (s->slot == SLOT_AGREEMENT && session_count(&m->sessions, s->slot, false) == 0)
		login_end(m);
	return true;
}

CK_RV session_close(struct module *m, struct session *s)
{
	module_lock(m);
	bool ours = session_detach(m, s);
	module_unlock(m);
	if (!ours)
		return CKR_SESSION_HANDLE_INVALID;
	login_follow(m);
	session_put(m, s);
	return CKR_OK;
}

/* The first session of the slot from bucket *at on, which goes to where that is; NULL: none is left. */
static struct session *session_from(const struct session_table *t, CK_SLOT_ID slot, size_t *at)
{
	for (; session_count(t, slot, false) > 0 && *at < t->bucket_count; ++*at) {
		for (struct session *s = t->bucket[*at]; s != NULL; s = s->next) {
			if (s->slot == slot)
				return s;
		}
	}
	return NULL;
}

CK_RV session_close_all(struct module *m, CK_SLOT_ID slot)
{
	size_t at = 0;

	module_lock(m);
	bool there = slot <= m->slots.count;
	module_unlock(m);
	if (!there)
		return CKR_SLOT_ID_INVALID;
	for (;;) {
		module_lock(m);
		struct session *s = session_from(&m->sessions, slot, &at);
		if (s != NULL)
			session_detach(m, s);
		module_unlock(m);
		if (s == NULL)
			return CKR_OK;
		login_follow(m);
		session_put(m, s);
	}
}

static CK_STATE session_state(const struct session *s, enum login_who who)
{
	if (s->slot != SLOT_AGREEMENT)
		return CKS_RO_PUBLIC_SESSION;
	if (who == LOGIN_SO)
		return CKS_RW_SO_FUNCTIONS;
	if (who == LOGIN_USER)
		return s->rw ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
	return s->rw ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
}

CK_RV session_info(struct module *m, struct session *s, CK_SESSION_INFO_PTR info)
{
	if (info == NULL)
		return CKR_ARGUMENTS_BAD;
	module_lock(m);
	CK_STATE state = session_state(s, m->login.who);
	module_unlock(m);
	*info = (CK_SESSION_INFO){.slotID = s->slot,
				  .state = state,
				  .flags = CKF_SERIAL_SESSION | (s->rw ? CKF_RW_SESSION : 0)};
	return CKR_OK;
}

/* PKCS#11 3.0, 5.6.8: flags of what is not active, or of what no session does, are ignored. */
CK_RV session_cancel(struct module *m, struct session *s, CK_FLAGS flags)
{
	(void)m;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < OPERATION_COUNT; i++) {
		if ((operations[i].flag & flags) != 0)
			operations[i].end(s);
	}
	pthread_mutex_unlock(&s->lock);
	return CKR_OK;
}

/* PKCS#11 3.2, 4.15.3.1 and 5.6.11: nobody has validated this module, so that no operation is by a validation. */
CK_RV session_validation_flags(struct module *m, struct session *s, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags)
{
	(void)m, (void)s;
	if (flags == NULL || type != CKS_LAST_VALIDATION_OK)
		return CKR_ARGUMENTS_BAD;
	*flags = 0;
	return CKR_OK;
}
