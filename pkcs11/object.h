/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/object.h - objects, and the table that finds them by handle, by label and by ID.
 *
 * The table and its links are guarded by the module's lock.  An object is counted: who holds one may use
 * it after the table let it go, but looks at `gone` before each use of its key (a session closed, a
 * logout, C_DestroyObject).  Attributes change only under the module's lock.
 */
#ifndef DSKE_PKCS11_OBJECT_H
#define DSKE_PKCS11_OBJECT_H

#include <openssl/types.h>
#include <stdatomic.h>

#include "base/id.h"
#include "base/secret.h"
#include "pkcs11/attr.h"

struct mac;
struct module;
struct nonce_entry;
struct otp_use;
struct session;

enum object_kind {
	OBJECT_KEY,      /* a secret key */
	OBJECT_DATA,     /* CKO_DATA */
	OBJECT_PEER,     /* CKO_DSKE_PEER */
	OBJECT_PEER_KEY, /* the same as CKO_PRIVATE_KEY of CKK_EC, for stock clients */
	OBJECT_PSKM,     /* CKO_DSKE_PSKM */
	OBJECT_PROFILE,  /* CKO_PROFILE */
};

/* Who sees it. */
enum object_sight {
	SIGHT_ALL,
	SIGHT_LOGGED_IN, /* token objects that are not CKA_PRIVATE: the store is encrypted, whatever stock tools say */
	SIGHT_USER,      /* CKA_PRIVATE */
};

enum object_index { INDEX_HANDLE, INDEX_LABEL, INDEX_ID, INDEX_UNIQUE_ID, INDEX_STORED, INDEX_SESSION, INDEX_COUNT };

#define OBJECT_IDLE 4 /* as many threads encrypt with one key without setting it up each time */

struct object {
	CK_OBJECT_HANDLE handle;
	enum object_kind kind;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE session; /* it ends with this one; 0: a token object */
	enum object_sight sight;
	bool named;                /* found only by its whole ID, by its session: a peer key with a context */
	struct attrs attrs;
	struct secret value;       /* keys and data */
	struct id stored;          /* of those that are token objects: the name in the store */
	char peer[NAME_MAX_LEN + 1]; /* peers and peer keys */
	unsigned char context[255];  /* peer keys that are `named` */
	unsigned char context_len;

	atomic_bool gone;
	atomic_uint refs;
	_Atomic(EVP_CIPHER_CTX *) idle_cipher[OBJECT_IDLE]; /* keyed and at rest, for the next messages */
	_Atomic(struct mac *) idle_mac;
	bool elsewhere;               /* its value comes of a key that others have too: nonce.h */
	struct nonce_entry *nonces;   /* a reference, from the first nonce that the token makes; under the lock */
	struct otp_use *otp; /* what this process has of a one-time pad (otp-state.h), or NULL; guarded by the token's lock */

	struct object *next[INDEX_COUNT]; /* chains of the table */
	struct object **link[INDEX_COUNT]; /* what points at it there */
	struct object *newer, *older;     /* all of them, by age */
	uint64_t hash[INDEX_COUNT];
	bool seen;                        /* of a sweep in find.c */
};

struct object_table {
	struct object **bucket[INDEX_COUNT]; /* bucket_count each */
	size_t bucket_count, count;
	size_t peers; /* of them, OBJECT_PEER and OBJECT_PEER_KEY that are not `named` */
	struct object *oldest, *newest;
	CK_OBJECT_HANDLE last_handle; /* counts up: a handle is never given twice */
};

/* Is it one that an application made, so that it can change and destroy it? */
static inline bool object_is_made(const struct object *o)
{
	return o->kind == OBJECT_KEY || o->kind == OBJECT_DATA;
}

/* By CKA_TOKEN and CKA_PRIVATE. */
enum object_sight object_sight_of(const struct attrs *a);

/* One reference, the caller's. NULL: no memory. */
struct object *object_new(enum object_kind kind, CK_SLOT_ID slot);
struct object *object_ref(struct object *o);
void object_unref(struct object *o); /* safe on NULL */

/* With the module's lock.  Adding takes the caller's reference and gives the handle. */
CK_RV objects_add(struct object_table *t, struct object *o);
void objects_remove(struct object_table *t, struct object *o); /* o is gone, and the table's reference with it */
void objects_clear(struct object_table *t);
struct object *objects_at(const struct object_table *t, CK_OBJECT_HANDLE handle); /* borrowed */
/* First and further objects that may have this label or ID (attribute type CKA_LABEL, CKA_ID or CKA_UNIQUE_ID), newest
 * first; the caller compares. */
struct object *objects_first(const struct object_table *t, CK_ATTRIBUTE_TYPE type, const void *bytes, size_t len);
struct object *objects_next(const struct object *o, CK_ATTRIBUTE_TYPE type);
/* The token key of that name in the store, or NULL; borrowed. */
struct object *objects_stored_as(const struct object_table *t, const struct id *name);
/* After attributes changed. */
void objects_reindex(struct object_table *t, struct object *o);
/* Removes what belongs to one session; or what only those see who are logged in (slot 0). */
void objects_end_session(struct object_table *t, CK_SESSION_HANDLE session);
void objects_end_login(struct object_table *t);

/* A reference to the object that this session may see, or NULL; takes the lock itself. */
struct object *object_get(struct module *m, const struct session *s, CK_OBJECT_HANDLE handle);
bool object_visible(const struct module *m, CK_SLOT_ID slot, const struct object *o); /* with the lock */

/* Attributes of an object that is not under the lock now; take it themselves. */
bool object_bool(struct module *m, const struct object *o, CK_ATTRIBUTE_TYPE type);
CK_ULONG object_ulong(struct module *m, const struct object *o, CK_ATTRIBUTE_TYPE type);

/* Handlers. */
CK_RV object_create(struct module *m, struct session *s, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR out);
CK_RV object_copy(struct module *m, struct session *s, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_PTR templ, CK_ULONG n,
		  CK_OBJECT_HANDLE_PTR out);
CK_RV object_destroy(struct module *m, struct session *s, CK_OBJECT_HANDLE handle);
CK_RV object_size(struct module *m, struct session *s, CK_OBJECT_HANDLE handle, CK_ULONG_PTR size);
CK_RV object_get_attributes(struct module *m, struct session *s, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_PTR templ,
			    CK_ULONG n);
CK_RV object_set_attributes(struct module *m, struct session *s, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_PTR templ,
			    CK_ULONG n);

#endif
