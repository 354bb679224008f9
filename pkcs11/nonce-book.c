/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/nonce-book.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "pkcs11/module.h"

void nonce_entry_unref(struct nonce_entry *e)
{
	if (e != NULL && atomic_fetch_sub(&e->refs, 1) == 1)
		free(e);
}

void nonce_book_drop(struct nonce_book *b)
{
	for (size_t i = 0; i < BOOK_BUCKETS; i++) {
		for (struct nonce_entry *e = b->bucket[i], *older; e != NULL; e = older) {
			older = e->older;
			nonce_entry_unref(e);
		}
	}
	secret_drop(&b->key);
}

/* A copy of the key for names, which is made at the first need. */
static dske_rc book_key(struct module *m, struct secret *key)
{
	dske_rc rc = DSKE_OK;

	module_lock(m);
	if (m->nonces.key.len == 0)
		rc = secret_random(&m->nonces.key, CRYPTO_MAC_LEN);
	if (rc_ok(rc))
		rc = secret_from(key, m->nonces.key.data, m->nonces.key.len);
	module_unlock(m);
	return rc;
}

static dske_rc name_of(struct module *m, const struct secret *value, uint8_t name[CRYPTO_MAC_LEN])
{
	AUTO(secret) key = {0};

	TRY(book_key(m, &key));
	return crypto_mac(name, &key, value->data, value->len);
}

/* The oldest that no object has, once there are too many. */
static void forget(struct nonce_entry **bucket)
{
	struct nonce_entry **oldest = NULL;
	unsigned gone = 0;

	for (struct nonce_entry **at = bucket; *at != NULL; at = &(*at)->older) {
		if (atomic_load(&(*at)->refs) > 1)
			continue;
		oldest = at;
		gone++;
	}
	if (gone <= BOOK_CHAIN)
		return;
	struct nonce_entry *e = *oldest;
	*oldest = e->older;
	nonce_entry_unref(e);
}

/* With the module's lock.  One reference, the caller's; NULL: no memory. */
static struct nonce_entry *entry_of(struct nonce_book *b, const uint8_t *name)
{
	struct nonce_entry **bucket = &b->bucket[name[0] % BOOK_BUCKETS], *e = *bucket;

	while (e != NULL && !mem_equal(e->name, name, BOOK_NAME_LEN))
		e = e->older;
	if (e == NULL) {
		e = calloc(1, sizeof *e);
		if (e == NULL)
			return NULL;
		memcpy(e->name, name, BOOK_NAME_LEN);
		atomic_init(&e->refs, 1);
		e->older = *bucket;
		*bucket = e;
	}
	atomic_fetch_add(&e->refs, 1);
	forget(bucket);
	return e;
}

CK_RV nonce_book_find(struct module *m, struct object *key, struct nonce_made **made)
{
	uint8_t name[CRYPTO_MAC_LEN];

	module_lock(m);
	struct nonce_entry *e = key->nonces;
	module_unlock(m);
	if (e == NULL) {
		TRY_RV(rv_from(name_of(m, &key->value, name)));
		module_lock(m);
		if (key->nonces == NULL) /* another thread may have been faster */
			key->nonces = entry_of(&m->nonces, name);
		e = key->nonces;
		module_unlock(m);
	}
	if (e == NULL)
		return CKR_HOST_MEMORY;
	*made = &e->made;
	return CKR_OK;
}
