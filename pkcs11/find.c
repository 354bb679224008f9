/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/find.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11/attr-array.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "pkcs11/peer.h"
#include "pkcs11/profile.h"

void find_drop(struct find *f)
{
	free(f->handle);
	*f = (struct find){0};
}

static bool find_keep(struct find *f, CK_OBJECT_HANDLE handle)
{
	if (f->count == f->cap) {
		size_t cap = f->cap > 0 ? 2 * f->cap : 16;
		CK_OBJECT_HANDLE *grown = reallocarray(f->handle, cap, sizeof *grown);
		if (grown == NULL)
			return false;
		f->handle = grown;
		f->cap = cap;
	}
	f->handle[f->count++] = handle;
	return true;
}

/* A key's CKA_VALUE never matches: a search would be a way to ask for its bytes. */
static bool attribute_matches(const struct object *o, const CK_ATTRIBUTE *want)
{
	CK_ATTRIBUTE value = {CKA_VALUE, o->value.data, o->value.len};

	if (want->type == CKA_VALUE)
		return o->kind == OBJECT_DATA && attr_same(&value, want);
	return attr_same(attrs_get(&o->attrs, want->type), want);
}

static bool object_matches(const struct session *s, const struct object *o, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	if (o->named && (o->session != s->handle || attr_find(templ, n, CKA_ID) == NULL))
		return false;
	for (CK_ULONG i = 0; i < n; i++) {
		if (!attribute_matches(o, &templ[i]))
			return false;
	}
	return true;
}

/* What of the template there is an index of, the sharpest first; NULL: nothing. */
static const CK_ATTRIBUTE *find_by(const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	static const CK_ATTRIBUTE_TYPE indexed[] = {CKA_UNIQUE_ID, CKA_ID, CKA_LABEL};
	const CK_ATTRIBUTE *by = NULL;

	for (size_t i = 0; i < sizeof indexed / sizeof indexed[0] && by == NULL; i++)
		by = attr_find(templ, n, indexed[i]);
	return by;
}

/* With the module's lock: through an index if the template has one of those attributes, else over all. */
static bool find_collect(struct module *m, const struct session *s, const CK_ATTRIBUTE *templ, CK_ULONG n,
			 struct find *f)
{
	const CK_ATTRIBUTE *by = find_by(templ, n);
	struct object *o = by != NULL ? objects_first(&m->objects, by->type, by->pValue, by->ulValueLen) : m->objects.oldest;

	while (o != NULL) {
		if (object_visible(m, s->slot, o) && object_matches(s, o, templ, n) && !find_keep(f, o->handle))
			return false;
		o = by != NULL ? objects_next(o, by->type) : o->newer;
	}
	return true;
}

static int by_handle(const void *a, const void *b)
{
	CK_OBJECT_HANDLE x = *(const CK_OBJECT_HANDLE *)a, y = *(const CK_OBJECT_HANDLE *)b;

	return x < y ? -1 : x > y;
}

/* What other processes changed, as far as this search can see it. */
static CK_RV find_refresh(struct module *m, const struct session *s, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	CK_OBJECT_CLASS class = attr_ulong(templ, n, CKA_CLASS, CK_UNAVAILABLE_INFORMATION);
	const CK_ATTRIBUTE *id = attr_find(templ, n, CKA_ID);

	bool made = class == CKO_SECRET_KEY || class == CKO_DATA;

	if (!made && class != CKO_PROFILE)
		TRY_RV(peer_sync(m, s->slot));
	if (s->slot != SLOT_AGREEMENT)
		return CKR_OK;
	if (!made && m->client != NULL)
		TRY_RV(profile_sync(m));
	if (class == CKO_PRIVATE_KEY && id != NULL && id->ulValueLen > 0)
		TRY_RV(peer_name_key(m, s, id->pValue, id->ulValueLen));
	if (made || class == CK_UNAVAILABLE_INFORMATION)
		TRY_RV(key_sync(m));
	return CKR_OK;
}

static CK_RV find_begin(struct module *m, struct session *s, const CK_ATTRIBUTE *templ, CK_ULONG n)
{
	struct find found = {.active = true};

	if (s->find.active)
		return CKR_OPERATION_ACTIVE;
	TRY_RV(find_refresh(m, s, templ, n));
	module_lock(m);
	bool all = find_collect(m, s, templ, n, &found);
	module_unlock(m);
	if (!all) {
		find_drop(&found);
		return CKR_HOST_MEMORY;
	}
	if (found.count > 1)
		qsort(found.handle, found.count, sizeof found.handle[0], by_handle);
	s->find = found;
	return CKR_OK;
}

CK_RV find_init(struct module *m, struct session *s, CK_ATTRIBUTE_PTR templ, CK_ULONG n)
{
	if (templ == NULL && n > 0)
		return CKR_ARGUMENTS_BAD;
	for (CK_ULONG i = 0; i < n; i++) {
		if (templ[i].pValue == NULL && templ[i].ulValueLen > 0)
			return CKR_ATTRIBUTE_VALUE_INVALID;
	}
	pthread_mutex_lock(&s->lock);
	CK_RV rv = find_begin(m, s, templ, n);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

CK_RV find_next(struct module *m, struct session *s, CK_OBJECT_HANDLE_PTR out, CK_ULONG max, CK_ULONG_PTR n)
{
	(void)m;
	if (n == NULL || (out == NULL && max > 0))
		return CKR_ARGUMENTS_BAD;
	CK_RV rv = CKR_OPERATION_NOT_INITIALIZED;
	pthread_mutex_lock(&s->lock);
	if (s->find.active) {
		size_t left = s->find.count - s->find.at;
		*n = max < left ? max : left;
		if (*n > 0)
			memcpy(out, s->find.handle + s->find.at, *n * sizeof *out);
		s->find.at += *n;
		rv = CKR_OK;
	}
	pthread_mutex_unlock(&s->lock);
	return rv;
}

CK_RV find_final(struct module *m, struct session *s)
{
	(void)m;
	pthread_mutex_lock(&s->lock);
	bool active = s->find.active;
	find_drop(&s->find);
	pthread_mutex_unlock(&s->lock);
	return active ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
}
