/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/object.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11/crypto.h"
#include "pkcs11/mac.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-key.h"

#define FIRST_BUCKETS 64 /* a power of two; doubled when there are more objects than buckets */

/* ---- one object ------------------------------------------------------------------------------------ */

struct object *object_new(enum object_kind kind, CK_SLOT_ID slot)
{
	struct object *o = calloc(1, sizeof *o);

	if (o == NULL)
		return NULL;
	o->kind = kind;
	o->slot = slot;
	atomic_init(&o->refs, 1);
	return o;
}

enum object_sight object_sight_of(const struct attrs *a)
{
	if (attrs_get_bool(a, CKA_PRIVATE))
		return SIGHT_USER;
	return attrs_get_bool(a, CKA_TOKEN) ? SIGHT_LOGGED_IN : SIGHT_ALL;
}

struct object *object_ref(struct object *o)
{
	atomic_fetch_add(&o->refs, 1);
	return o;
}

void object_unref(struct object *o)
{
	if (o == NULL || atomic_fetch_sub(&o->refs, 1) != 1)
		return;
	for (size_t i = 0; i < OBJECT_IDLE; i++)
		crypto_cipher_free(atomic_load(&o->idle_cipher[i]));
	mac_free(atomic_load(&o->idle_mac));
	nonce_entry_unref(o->nonces);
	secret_drop(&o->value);
	otpkey_drop(o->otp);
	attrs_drop(&o->attrs);
	free(o);
}

/* ---- the table ------------------------------------------------------------------------------------- */

/* FNV-1a with a last stir, so that low bits depend on all: names of the host, not of an attacker's wire. */
static uint64_t hash_bytes(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h ^ (h >> 29);
}

static uint64_t hash_attr(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
	const CK_ATTRIBUTE *a = attrs_get(&o->attrs, type);

	return a != NULL ? hash_bytes(a->pValue, a->ulValueLen) : hash_bytes("", 0);
}

static struct object **bucket_of(const struct object_table *t, enum object_index index, uint64_t hash)
{
	return &t->bucket[index][hash & (t->bucket_count - 1)];
}

static void chain_in(struct object_table *t, struct object *o, enum object_index index)
{
	struct object **head = bucket_of(t, index, o->hash[index]);

	o->next[index] = *head;
	o->link[index] = head;
	if (*head != NULL)
		(*head)->link[index] = &o->next[index];
	*head = o;
}

/* Without a walk: ten thousand keys may have no ID, and then are all in one chain. */
static void chain_out(struct object *o, enum object_index index)
{
	*o->link[index] = o->next[index];
	if (o->next[index] != NULL)
		o->next[index]->link[index] = o->link[index];
}

static bool table_grow(struct object_table *t)
{
	size_t count = t->bucket_count > 0 ? t->bucket_count * 2 : FIRST_BUCKETS;
	struct object **all = calloc(INDEX_COUNT * count, sizeof(struct object *));

	if (all == NULL)
		return false;
	free(t->bucket[0]);
	for (int i = 0; i < INDEX_COUNT; i++)
		t->bucket[i] = all + (size_t)i * count;
	t->bucket_count = count;
	for (struct object *o = t->oldest; o != NULL; o = o->newer) {
		for (int i = 0; i < INDEX_COUNT; i++)
			chain_in(t, o, (enum object_index)i);
	}
	return true;
}

/* Names in the store are random.  What has none is looked up by none, and only has to be spread. */
static uint64_t hash_stored(const struct id *name, CK_OBJECT_HANDLE handle)
{
	uint64_t h;

	memcpy(&h, name->b, sizeof h);
	return id_is_zero(name) ? handle : h;
}

static void hash_all(struct object *o)
{
	o->hash[INDEX_STORED] = hash_stored(&o->stored, o->handle);
	o->hash[INDEX_HANDLE] = o->handle;
	/* Token objects are no session's, and only have to be spread. */
	o->hash[INDEX_SESSION] = o->session != 0 ? o->session : o->handle;
	o->hash[INDEX_LABEL] = hash_attr(o, CKA_LABEL);
	o->hash[INDEX_ID] = hash_attr(o, CKA_ID);
	o->hash[INDEX_UNIQUE_ID] = hash_attr(o, CKA_UNIQUE_ID);
}

static bool is_plain_peer(const struct object *o)
{
	return (o->kind == OBJECT_PEER || o->kind == OBJECT_PEER_KEY) && !o->named;
}

CK_RV objects_add(struct object_table *t, struct object *o)
{
	if (t->count >= t->bucket_count && !table_grow(t)) {
		object_unref(o);
		return CKR_HOST_MEMORY;
	}
	o->handle = ++t->last_handle;
	hash_all(o);
	for (int i = 0; i < INDEX_COUNT; i++)
		chain_in(t, o, (enum object_index)i);
	o->older = t->newest;
	if (t->newest != NULL)
		t->newest->newer = o;
	else
		t->oldest = o;
	t->newest = o;
	t->count++;
	t->peers += is_plain_peer(o);
	return CKR_OK;
}

void objects_remove(struct object_table *t, struct object *o)
{
	for (int i = 0; i < INDEX_COUNT; i++)
		chain_out(o, (enum object_index)i);
	if (o->older != NULL)
		o->older->newer = o->newer;
	else
		t->oldest = o->newer;
	if (o->newer != NULL)
		o->newer->older = o->older;
	else
		t->newest = o->older;
	t->count--;
	t->peers -= is_plain_peer(o);
	atomic_store(&o->gone, true);
	object_unref(o);
}

void objects_reindex(struct object_table *t, struct object *o)
{
	for (int i = 0; i < INDEX_COUNT; i++)
		chain_out(o, (enum object_index)i);
	hash_all(o);
	for (int i = 0; i < INDEX_COUNT; i++)
		chain_in(t, o, (enum object_index)i);
}

void objects_clear(struct object_table *t)
{
	while (t->oldest != NULL)
		objects_remove(t, t->oldest);
	free(t->bucket[0]);
	*t = (struct object_table){.last_handle = t->last_handle};
}

struct object *objects_at(const struct object_table *t, CK_OBJECT_HANDLE handle)
{
	if (t->bucket_count == 0)
		return NULL;
	struct object *o = *bucket_of(t, INDEX_HANDLE, handle);
	while (o != NULL && o->handle != handle)
		o = o->next[INDEX_HANDLE];
	return o;
}

struct object *objects_stored_as(const struct object_table *t, const struct id *name)
{
	if (t->bucket_count == 0 || id_is_zero(name))
		return NULL;
	struct object *o = *bucket_of(t, INDEX_STORED, hash_stored(name, 0));
	while (o != NULL && !id_equal(&o->stored, name))
		o = o->next[INDEX_STORED];
	return o;
}

static enum object_index index_of(CK_ATTRIBUTE_TYPE type)
{
	switch (type) {
	case CKA_LABEL:
		return INDEX_LABEL;
	case CKA_UNIQUE_ID:
		return INDEX_UNIQUE_ID;
	default:
		return INDEX_ID;
	}
}

/* The first from o on whose hash is the same. */
static struct object *same_hash(struct object *o, enum object_index index, uint64_t hash)
{
	while (o != NULL && o->hash[index] != hash)
		o = o->next[index];
	return o;
}

struct object *objects_first(const struct object_table *t, CK_ATTRIBUTE_TYPE type, const void *bytes, size_t len)
{
	if (t->bucket_count == 0)
		return NULL;
	uint64_t hash = hash_bytes(bytes, len);
	return same_hash(*bucket_of(t, index_of(type), hash), index_of(type), hash);
}

struct object *objects_next(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
	enum object_index index = index_of(type);

	return same_hash(o->next[index], index, o->hash[index]);
}

void objects_end_session(struct object_table *t, CK_SESSION_HANDLE session)
{
	if (t->bucket_count == 0)
		return;
	for (struct object *o = *bucket_of(t, INDEX_SESSION, session), *next; o != NULL; o = next) {
		next = o->next[INDEX_SESSION];
		if (o->session == session)
			objects_remove(t, o);
	}
}

void objects_end_login(struct object_table *t)
{
	for (struct object *o = t->oldest, *newer; o != NULL; o = newer) {
		newer = o->newer;
		if (o->sight != SIGHT_ALL)
			objects_remove(t, o);
	}
}

bool object_visible(const struct module *m, CK_SLOT_ID slot, const struct object *o)
{
	return o->slot == slot && login_sees(m, o->sight);
}

struct object *object_get(struct module *m, const struct session *s, CK_OBJECT_HANDLE handle)
{
	module_lock(m);
	struct object *o = objects_at(&m->objects, handle);
	if (o != NULL && object_visible(m, s->slot, o))
		object_ref(o);
	else
		o = NULL;
	module_unlock(m);
	return o;
}

bool object_bool(struct module *m, const struct object *o, CK_ATTRIBUTE_TYPE type)
{
	module_lock(m);
	bool v = attrs_get_bool(&o->attrs, type);
	module_unlock(m);
	return v;
}

CK_ULONG object_ulong(struct module *m, const struct object *o, CK_ATTRIBUTE_TYPE type)
{
	module_lock(m);
	CK_ULONG v = attrs_get_ulong(&o->attrs, type, CK_UNAVAILABLE_INFORMATION);
	module_unlock(m);
	return v;
}
