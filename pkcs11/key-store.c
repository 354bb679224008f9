/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/key.h"

#include <stdlib.h>

#include "base/log.h"
#include "pkcs11/key-form.h"
#include "pkcs11/module.h"

/* A copy of the master key, so that no lock is held over the file.  STATE: nobody is logged in. */
static dske_rc master_copy(struct module *m, struct secret *master)
{
	dske_rc rc = {DSKE_RC_STATE};

	module_lock(m);
	if (m->login.who != LOGIN_NOBODY)
		rc = secret_from(master, m->login.master.data, m->login.master.len);
	module_unlock(m);
	return rc;
}

/* Says what is wrong with the file, since the caller sees a number only. */
static CK_RV store_rv(dske_rc rc)
{
	if (!rc_ok(rc))
		log_error("%s", rc_detail(rc));
	return rc_is(rc, DSKE_RC_STATE) ? CKR_USER_NOT_LOGGED_IN : rv_from(rc);
}

static dske_rc key_store(struct module *m, struct object *key)
{
	AUTO(secret) master = {0};
	AUTO(secret) form = {0};

	TRY(master_copy(m, &master));
	TRY(key_write(key, &form));
	return store_add(m->store, &master, &form, &key->stored);
}

static dske_rc key_rewrite(struct module *m, const struct object *key)
{
	AUTO(secret) master = {0};
	AUTO(secret) form = {0};

	TRY(master_copy(m, &master));
	module_lock(m);
	dske_rc rc = key_write(key, &form);
	module_unlock(m);
	TRY(rc);
	return store_replace(m->store, &master, &form, &key->stored);
}

static dske_rc key_erase(struct module *m, const struct object *key)
{
	AUTO(secret) master = {0};

	TRY(master_copy(m, &master));
	return store_remove(m->store, &master, &key->stored);
}

/* With the module's lock: the token key of that name. */
static struct object *key_stored_as(const struct module *m, const struct id *name)
{
	for (struct object *o = m->objects.oldest; o != NULL; o = o->newer) {
		if (object_is_made(o) && o->session == 0 && id_equal(&o->stored, name))
			return o;
	}
	return NULL;
}

CK_RV key_keep(struct module *m, struct object *key)
{
	return key->session == 0 ? store_rv(key_store(m, key)) : CKR_OK;
}

CK_RV key_forget(struct module *m, const struct object *key)
{
	dske_rc rc = key->session == 0 ? key_erase(m, key) : DSKE_OK;

	return rc_is(rc, DSKE_RC_NOT_FOUND) ? CKR_OK : store_rv(rc); /* another process was faster */
}

/* With the module's lock. */
static CK_RV table_add(struct module *m, const struct session *s, struct object *key, CK_OBJECT_HANDLE *handle)
{
	struct object *same = key->session == 0 ? key_stored_as(m, &key->stored) : NULL;

	if (!login_sees(m, key->sight))
		return CKR_USER_NOT_LOGGED_IN;
	if (s->closed && key->session != 0)
		return CKR_SESSION_HANDLE_INVALID;
	if (same == NULL) {
		TRY_RV(objects_add(&m->objects, object_ref(key)));
		same = key;
	} /* else another thread has read it from the store meanwhile */
	*handle = same->handle;
	return s->closed ? CKR_SESSION_HANDLE_INVALID : CKR_OK;
}

CK_RV key_add(struct module *m, const struct session *s, struct object *key, CK_OBJECT_HANDLE *handle)
{
	pthread_mutex_lock(&m->token_lock);
	module_lock(m);
	CK_RV rv = table_add(m, s, key, handle);
	module_unlock(m);
	pthread_mutex_unlock(&m->token_lock);
	object_unref(key);
	return rv;
}

CK_RV key_destroy(struct module *m, struct object *key)
{
	bool there = false;

	pthread_mutex_lock(&m->token_lock);
	CK_RV rv = key_forget(m, key);
	if (rv == CKR_OK) {
		module_lock(m);
		there = objects_at(&m->objects, key->handle) == key;
		if (there)
			objects_remove(&m->objects, key);
		module_unlock(m);
	}
	pthread_mutex_unlock(&m->token_lock);
	return rv == CKR_OK && !there ? CKR_OBJECT_HANDLE_INVALID : rv;
}

struct sync {
	struct object **key; /* owned, one reference each */
	size_t count, cap;
};

static dske_rc sync_visit(void *context, const struct id *name, const struct secret *plain)
{
	struct sync *all = context;

	if (all->count == all->cap) {
		size_t cap = all->cap > 0 ? 2 * all->cap : 16;
		struct object **grown = reallocarray(all->key, cap, sizeof(struct object *));
		if (grown == NULL)
			return FAIL(NOMEM, "no memory for the token's objects");
		all->key = grown;
		all->cap = cap;
	}
	struct object *key = object_new(OBJECT_KEY, SLOT_AGREEMENT);
	if (key == NULL)
		return FAIL(NOMEM, "no memory for the token's objects");
	all->key[all->count++] = key;
	key->stored = *name;
	return key_read(key, plain);
}

static int by_stored(const void *a, const void *b)
{
	const struct object *const *x = a, *const *y = b;

	return id_compare(&(*x)->stored, &(*y)->stored);
}

/* With the module's lock: what is new comes in, what is no longer stored goes; handles stay. */
static void sync_merge(struct module *m, struct sync *all)
{
	if (m->login.who == LOGIN_NOBODY)
		return;
	if (all->count > 0)
		qsort(all->key, all->count, sizeof(struct object *), by_stored);
	for (struct object *o = m->objects.oldest, *newer; o != NULL; o = newer) {
		newer = o->newer;
		if (!object_is_made(o) || o->session != 0)
			continue;
		struct object **at =
			all->count > 0 ? bsearch(&o, all->key, all->count, sizeof(struct object *), by_stored) : NULL;
		if (at == NULL) {
			objects_remove(&m->objects, o);
			continue;
		}
		(*at)->seen = true;
		struct attrs former = o->attrs;
		o->attrs = (*at)->attrs;
		(*at)->attrs = former;
		objects_reindex(&m->objects, o);
	}
	for (size_t i = 0; i < all->count; i++) {
		if (!all->key[i]->seen && login_sees(m, all->key[i]->sight))
			(void)objects_add(&m->objects, object_ref(all->key[i]));
	}
}

/* With the token's lock. */
static CK_RV sync_with_store(struct module *m, bool always)
{
	AUTO(secret) master = {0};
	struct sync all = {0};

	if (m->store == NULL || (!always && !store_changed(m->store)) || !rc_ok(master_copy(m, &master)))
		return CKR_OK;
	dske_rc rc = store_each(m->store, &master, sync_visit, &all);
	if (rc_ok(rc)) {
		module_lock(m);
		sync_merge(m, &all);
		module_unlock(m);
	}
	for (size_t i = 0; i < all.count; i++)
		object_unref(all.key[i]);
	free(all.key);
	return store_rv(rc);
}

CK_RV key_sync(struct module *m, bool always)
{
	pthread_mutex_lock(&m->token_lock);
	CK_RV rv = sync_with_store(m, always);
	pthread_mutex_unlock(&m->token_lock);
	return rv;
}

static CK_RV change_in_table(struct module *m, struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n,
			     key_permission *allowed)
{
	CK_RV rv = CKR_OK;

	module_lock(m);
	if (atomic_load(&key->gone))
		rv = CKR_OBJECT_HANDLE_INVALID;
	for (CK_ULONG i = 0; i < n && rv == CKR_OK; i++)
		rv = allowed(m, key, &templ[i]);
	for (CK_ULONG i = 0; i < n && rv == CKR_OK; i++)
		rv = attrs_take(&key->attrs, &templ[i]);
	if (!atomic_load(&key->gone))
		objects_reindex(&m->objects, key);
	module_unlock(m);
	return rv;
}

/* The store is read first: what another process made more secret stays so. */
static CK_RV change_in_store(struct module *m, struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n,
			     key_permission *allowed)
{
	dske_rc rc;

	do {
		TRY_RV(sync_with_store(m, false));
		TRY_RV(change_in_table(m, key, templ, n, allowed));
		rc = key_rewrite(m, key);
	} while (rc_is(rc, DSKE_RC_BUSY));
	if (!rc_ok(rc))
		(void)sync_with_store(m, true); /* the table says what is stored */
	return store_rv(rc);
}

CK_RV key_change(struct module *m, struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n, key_permission *allowed)
{
	pthread_mutex_lock(&m->token_lock);
	CK_RV rv = (key->session == 0 ? change_in_store : change_in_table)(m, key, templ, n, allowed);
	pthread_mutex_unlock(&m->token_lock);
	return rv;
}
