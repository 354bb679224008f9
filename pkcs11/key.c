/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/key.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pkcs11/crypto.h"
#include "pkcs11/module.h"

/* ---- from a template -------------------------------------------------------------------------------- */

/* What the template does not say. */
static CK_RV preset_attributes(struct object *key)
{
	size_t count;
	const struct attr_row *row = attr_rows(&count);

	for (size_t i = 0; i < count; i++, row++) {
		if (row->preset == ATTR_NO_DEFAULT || attrs_get(&key->attrs, row->type) != NULL)
			continue;
		if (row->preset == ATTR_EMPTY)
			TRY_RV(attrs_set(&key->attrs, row->type, NULL, 0));
		else
			TRY_RV(attrs_set_bool(&key->attrs, row->type, row->preset == ATTR_TRUE));
	}
	return CKR_OK;
}

static CK_RV copy_template(struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	for (CK_ULONG i = 0; i < n; i++) {
		if (templ[i].type != CKA_VALUE && templ[i].type != CKA_VALUE_LEN && templ[i].type != CKA_CHECK_VALUE)
			TRY_RV(attrs_set(&key->attrs, templ[i].type, templ[i].pValue, templ[i].ulValueLen));
	}
	return CKR_OK;
}

/* Where it lives, who sees it, whether it can be read. */
static CK_RV derived_attributes(struct object *key, bool logged_in)
{
	bool token = attrs_get_bool(&key->attrs, CKA_TOKEN);
	bool extractable = attrs_get_bool(&key->attrs, CKA_EXTRACTABLE);

	if (attrs_get(&key->attrs, CKA_PRIVATE) == NULL)
		TRY_RV(attrs_set_bool(&key->attrs, CKA_PRIVATE, token || logged_in));
	/* Whoever asks for an extractable key and says no more wants to read it. */
	if (attrs_get(&key->attrs, CKA_SENSITIVE) == NULL)
		TRY_RV(attrs_set_bool(&key->attrs, CKA_SENSITIVE, !extractable));
	/* The store is encrypted under the user's PIN, so that what is in it comes and goes with the login,
	 * whatever CKA_PRIVATE says (stock tools say no). */
	key->is_private = token || attrs_get_bool(&key->attrs, CKA_PRIVATE);
	return CKR_OK;
}

static CK_RV check_class(const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	CK_KEY_TYPE type = attr_ulong(templ, n, CKA_KEY_TYPE, CKK_GENERIC_SECRET);

	if (attr_ulong(templ, n, CKA_CLASS, CKO_SECRET_KEY) != CKO_SECRET_KEY)
		return CKR_TEMPLATE_INCONSISTENT;
	if (type != CKK_GENERIC_SECRET && type != CKK_AES && type != CKK_SHA256_HMAC)
		return CKR_TEMPLATE_INCONSISTENT;
	return CKR_OK;
}

/* What this session may make (PKCS#11 2.40, 4.4 and 5.6). */
static CK_RV check_session(struct module *m, const struct session *s, const struct object *key)
{
	bool token = attrs_get_bool(&key->attrs, CKA_TOKEN);

	if (s->slot != SLOT_AGREEMENT)
		return CKR_TOKEN_WRITE_PROTECTED;
	if (token && !s->rw)
		return CKR_SESSION_READ_ONLY;
	module_lock(m);
	bool user = m->login.who == LOGIN_USER;
	module_unlock(m);
	return key->is_private && !user ? CKR_USER_NOT_LOGGED_IN : CKR_OK;
}

static CK_RV key_fill(struct module *m, const struct session *s, struct object *key, const CK_ATTRIBUTE *templ,
		      CK_ULONG n)
{
	module_lock(m);
	bool logged_in = m->login.who == LOGIN_USER;
	module_unlock(m);
	TRY_RV(copy_template(key, templ, n));
	TRY_RV(attrs_set_ulong(&key->attrs, CKA_CLASS, CKO_SECRET_KEY));
	TRY_RV(attrs_set_ulong(&key->attrs, CKA_KEY_TYPE, attr_ulong(templ, n, CKA_KEY_TYPE, CKK_GENERIC_SECRET)));
	TRY_RV(attrs_set_ulong(&key->attrs, CKA_KEY_GEN_MECHANISM, CK_UNAVAILABLE_INFORMATION));
	TRY_RV(derived_attributes(key, logged_in));
	TRY_RV(preset_attributes(key));
	key->session = attrs_get_bool(&key->attrs, CKA_TOKEN) ? 0 : s->handle;
	return check_session(m, s, key);
}

CK_RV key_new(struct module *m, const struct session *s, const CK_ATTRIBUTE *templ, CK_ULONG n, enum attr_when when,
	      struct object **out)
{
	TRY_RV(attr_check(templ, n, when));
	TRY_RV(check_class(templ, n));
	struct object *key = object_new(OBJECT_KEY, s->slot);
	if (key == NULL)
		return CKR_HOST_MEMORY;
	CK_RV rv = key_fill(m, s, key, templ, n);
	if (rv != CKR_OK) {
		object_unref(key);
		return rv;
	}
	*out = key;
	return CKR_OK;
}

CK_RV key_set_value(struct object *key, struct secret *value)
{
	CK_KEY_TYPE type = attrs_get_ulong(&key->attrs, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
	uint8_t check[CRYPTO_SHA1_LEN];

	if (value->len == 0)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	if (type == CKK_AES && value->len != 16 && value->len != 24 && value->len != 32)
		return CKR_ATTRIBUTE_VALUE_INVALID;
	/* PKCS#11 2.40, 4.10.2: of a generic secret the first bytes of its SHA-1. */
	TRY_RV(rv_from(type == CKK_AES ? crypto_aes_check(check, value) : crypto_sha1(check, value->data, value->len)));
	TRY_RV(attrs_set(&key->attrs, CKA_CHECK_VALUE, check, 3));
	TRY_RV(attrs_set_ulong(&key->attrs, CKA_VALUE_LEN, value->len));
	secret_move(&key->value, value);
	return CKR_OK;
}

bool key_readable(const struct object *key)
{
	return attrs_get_bool(&key->attrs, CKA_EXTRACTABLE) && !attrs_get_bool(&key->attrs, CKA_SENSITIVE);
}

/* ---- stored form: for each attribute type (8 bytes), length (4) and value, big-endian; CKA_VALUE too - */

static void put_attribute(struct buf *b, uint64_t type, const void *bytes, size_t len)
{
	buf_put_be32(b, (uint32_t)(type >> 32));
	buf_put_be32(b, (uint32_t)type);
	buf_put_be32(b, (uint32_t)len);
	buf_put(b, bytes, len);
}

static size_t form_len(const struct object *key)
{
	size_t len = 12 + key->value.len;

	for (size_t i = 0; i < key->attrs.count; i++)
		len += 12 + key->attrs.item[i].ulValueLen;
	return len;
}

static dske_rc key_write(const struct object *key, struct secret *form)
{
	struct buf b;

	TRY(secret_alloc(form, form_len(key)));
	buf_fixed(&b, form->data, form->len);
	for (size_t i = 0; i < key->attrs.count; i++) {
		const CK_ATTRIBUTE *a = &key->attrs.item[i];
		put_attribute(&b, a->type, a->pValue, a->ulValueLen);
	}
	put_attribute(&b, CKA_VALUE, key->value.data, key->value.len);
	return buf_rc(&b);
}

static uint64_t be(const uint8_t *p, int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* What is read here was authenticated, but may be of another version's making. */
static dske_rc key_read(struct object *key, const struct secret *form)
{
	const uint8_t *p = form->data, *end = form->data + form->len;

	while (p < end) {
		if (end - p < 12 || (uint64_t)(end - p) - 12 < be(p + 8, 4))
			return FAIL(CORRUPT, "a stored object is cut off");
		CK_ATTRIBUTE_TYPE type = be(p, 8);
		size_t len = be(p + 8, 4);
		if (type == CKA_VALUE)
			TRY(secret_from(&key->value, p + 12, len));
		else if (attrs_set(&key->attrs, type, p + 12, len) != CKR_OK)
			return FAIL(NOMEM, "no memory for a stored object");
		p += 12 + len;
	}
	key->is_private = true;
	return key->value.len > 0 ? DSKE_OK : FAIL(CORRUPT, "a stored object has no value");
}

/* ---- the store ---------------------------------------------------------------------------------------- */

/* A copy of the master key, so that no lock is held over the file.  STATE: nobody is logged in. */
static dske_rc master_copy(struct module *m, struct secret *master)
{
	dske_rc rc = {DSKE_RC_STATE};

	module_lock(m);
	if (m->login.who == LOGIN_USER)
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
		if (o->kind == OBJECT_KEY && o->session == 0 && id_equal(&o->stored, name))
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

	if (key->is_private && m->login.who != LOGIN_USER)
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
	if (m->login.who != LOGIN_USER)
		return;
	if (all->count > 0)
		qsort(all->key, all->count, sizeof(struct object *), by_stored);
	for (struct object *o = m->objects.oldest, *newer; o != NULL; o = newer) {
		newer = o->newer;
		if (o->kind != OBJECT_KEY || o->session != 0)
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
		if (!all->key[i]->seen)
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
		rv = allowed(key, &templ[i]);
	for (CK_ULONG i = 0; i < n && rv == CKR_OK; i++)
		rv = attrs_set(&key->attrs, templ[i].type, templ[i].pValue, templ[i].ulValueLen);
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
