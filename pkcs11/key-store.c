/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/key.h"

#include <stdlib.h>

#include "base/log.h"
#include "pkcs11/key-form.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-key.h"

/* A copy of the master key, so that no lock is held over the file.  STATE: nobody is logged in. */
static dske_rc master_copy(struct module *m, struct secret *master)
{
	dske_rc rc = DSKE_OK;

	module_lock(m);
	bool is_in = m->login.who != LOGIN_NOBODY;
	if (is_in)
		rc = secret_from(master, m->login.master.data, m->login.master.len);
	module_unlock(m);
	return is_in ? rc : FAIL(STATE, "nobody is logged in to the token any more");
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
	struct object *same = key->session == 0 ? objects_stored_as(&m->objects, &key->stored) : NULL;

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

void key_news_drop(struct key_news *all)
{
	for (size_t i = 0; i < all->count; i++)
		object_unref(all->item[i].key);
	free(all->item);
	*all = (struct key_news){0};
}

static dske_rc news_room(struct key_news *all)
{
	if (all->count < all->cap)
		return DSKE_OK;
	size_t cap = all->cap > 0 ? 2 * all->cap : 16;
	struct key_news_item *grown = reallocarray(all->item, cap, sizeof *grown);
	if (grown == NULL)
		return FAIL(NOMEM, "no memory for the token's objects");
	all->item = grown;
	all->cap = cap;
	return DSKE_OK;
}

dske_rc key_visit(void *context, const struct id *name, const struct secret *plain)
{
	struct key_news *all = context;
	struct object *key = NULL;

	TRY(news_room(all));
	if (plain != NULL) {
		key = object_new(OBJECT_KEY, SLOT_AGREEMENT);
		if (key == NULL)
			return FAIL(NOMEM, "no memory for the token's objects");
		key->stored = *name;
		dske_rc rc = key_read(key, plain);
		if (!rc_ok(rc)) {
			object_unref(key);
			return rc;
		}
	}
	all->item[all->count++] = (struct key_news_item){*name, key};
	return DSKE_OK;
}

/* With the module's lock: one that is there keeps its handle. */
static CK_RV merge_one(struct module *m, const struct key_news_item *item)
{
	struct object *o = objects_stored_as(&m->objects, &item->name);

	if (item->key == NULL) {
		if (o != NULL)
			objects_remove(&m->objects, o);
		return CKR_OK;
	}
	if (o == NULL)
		return login_sees(m, item->key->sight) ? objects_add(&m->objects, object_ref(item->key)) : CKR_OK;
	if (otpkey_is(&o->attrs)) {
		otpkey_follow(o, item->key);
	} else {
		struct attrs former = o->attrs;
		o->attrs = item->key->attrs;
		item->key->attrs = former;
	}
	o->seen = true;
	objects_reindex(&m->objects, o);
	return CKR_OK;
}

/* With the module's lock: what is no longer stored goes. */
static void remove_unseen(struct module *m)
{
	for (struct object *o = m->objects.oldest, *newer; o != NULL; o = newer) {
		newer = o->newer;
		if (!id_is_zero(&o->stored) && !o->seen)
			objects_remove(&m->objects, o);
	}
}

static void forget_seen(struct module *m)
{
	for (struct object *o = m->objects.oldest; o != NULL; o = o->newer)
		if (!id_is_zero(&o->stored))
			o->seen = false;
}

/* Of all that is stored, or of what has changed. */
static CK_RV sync_merge(struct module *m, const struct key_news *some, bool all)
{
	CK_RV rv = CKR_OK;

	module_lock(m);
	if (m->login.who != LOGIN_NOBODY) {
		if (all)
			forget_seen(m);
		for (size_t i = 0; i < some->count && rv == CKR_OK; i++) {
			rv = merge_one(m, &some->item[i]);
			if (some->item[i].key != NULL)
				some->item[i].key->seen = true;
		}
		if (all && rv == CKR_OK)
			remove_unseen(m);
	}
	module_unlock(m);
	return rv;
}

/* What was visited comes in, even if the next could not be read: a change is not visited again. */
static CK_RV sync_with_store(struct module *m)
{
	bool all = m->login.unread;
	AUTO(secret) master = {0};
	AUTO(key_news) some = {0};

	if (m->store == NULL || (!all && !store_changed(m->store)) || !rc_ok(master_copy(m, &master)))
		return CKR_OK;
	dske_rc rc = (all ? store_each : store_follow)(m->store, &master, key_visit, &some);
	CK_RV rv = sync_merge(m, &some, all && rc_ok(rc));
	m->login.unread = rv != CKR_OK || (all && !rc_ok(rc));
	return rc_ok(rc) ? rv : store_rv(rc);
}

CK_RV key_take_in(struct module *m, const struct key_news *all)
{
	return sync_merge(m, all, true);
}

/* With the token's lock: the table says what is stored. */
static void sync_anew(struct module *m)
{
	m->login.unread = true;
	(void)sync_with_store(m);
}

CK_RV key_follow(struct module *m)
{
	return sync_with_store(m);
}

CK_RV key_sync(struct module *m)
{
	pthread_mutex_lock(&m->token_lock);
	CK_RV rv = sync_with_store(m);
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
		TRY_RV(sync_with_store(m));
		TRY_RV(change_in_table(m, key, templ, n, allowed));
		rc = key_rewrite(m, key);
	} while (rc_is(rc, DSKE_RC_BUSY));
	if (!rc_ok(rc))
		sync_anew(m);
	return store_rv(rc);
}

CK_RV key_change(struct module *m, struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n, key_permission *allowed)
{
	pthread_mutex_lock(&m->token_lock);
	CK_RV rv = (key->session == 0 ? change_in_store : change_in_table)(m, key, templ, n, allowed);
	pthread_mutex_unlock(&m->token_lock);
	return rv;
}

/* ---- value and attributes at once ---------------------------------------------------------------------------- */

static void next_drop(struct object **next)
{
	object_unref(*next);
}

/* A copy of attributes and value, outside of all tables. */
static CK_RV next_from(struct module *m, const struct object *key, struct object **next)
{
	*next = object_new(key->kind, key->slot);
	if (*next == NULL)
		return CKR_HOST_MEMORY;
	module_lock(m);
	CK_RV rv = atomic_load(&key->gone) ? CKR_KEY_HANDLE_INVALID : attrs_copy(&(*next)->attrs, &key->attrs);
	if (rv == CKR_OK)
		rv = rv_from(secret_from(&(*next)->value, key->value.data, key->value.len));
	module_unlock(m);
	return rv;
}

static void next_becomes(struct module *m, struct object *key, struct object *next)
{
	module_lock(m);
	struct attrs attrs = key->attrs;
	key->attrs = next->attrs;
	next->attrs = attrs;
	struct secret value = key->value;
	key->value = next->value;
	next->value = value;
	module_unlock(m);
}

static dske_rc next_store(struct module *m, const struct object *key, const struct object *next)
{
	AUTO(secret) master = {0};
	AUTO(secret) form = {0};

	TRY(master_copy(m, &master));
	TRY(key_write(next, &form));
	return store_replace(m->store, &master, &form, &key->stored);
}

/* One try; BUSY: another process has changed the key since. */
static CK_RV try_step(struct module *m, struct object *key, key_stepper *step, void *context, dske_rc *rc)
{
	__attribute__((cleanup(next_drop))) struct object *next = NULL;

	*rc = DSKE_OK;
	TRY_RV(sync_with_store(m));
	TRY_RV(next_from(m, key, &next));
	TRY_RV(step(next, context));
	*rc = next_store(m, key, next);
	if (rc_ok(*rc))
		next_becomes(m, key, next);
	return CKR_OK;
}

/* Where nothing is written, nothing has to be copied either. */
static CK_RV step_here(struct module *m, struct object *key, key_stepper *step, void *context)
{
	module_lock(m);
	CK_RV rv = atomic_load(&key->gone) ? CKR_KEY_HANDLE_INVALID : step(key, context);
	module_unlock(m);
	return rv;
}

CK_RV key_step(struct module *m, struct object *key, key_stepper *step, void *context)
{
	dske_rc rc;

	if (key->session != 0)
		return step_here(m, key, step, context);
	do {
		TRY_RV(try_step(m, key, step, context, &rc));
	} while (rc_is(rc, DSKE_RC_BUSY));
	if (!rc_ok(rc))
		sync_anew(m);
	return store_rv(rc);
}
