/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/nonce-book.h - what nonces were made with which key (nonce.h), by the key's value, so that copies of it and what
 * was created, derived or unwrapped a second time go on where the first one is.
 *
 * An entry outlives its objects, since the key may come back: the book keeps the last BOOK_CHAIN of each bucket that no
 * object has any more.  Its names for values are under a key of the book's own.
 */
#ifndef DSKE_PKCS11_NONCE_BOOK_H
#define DSKE_PKCS11_NONCE_BOOK_H

#include <stdatomic.h>

#include "base/secret.h"
#include "pkcs11/nonce.h"

#define BOOK_BUCKETS 256u
#define BOOK_CHAIN 32u /* so that some 8,000 keys that are gone are remembered, in 2 MB */
#define BOOK_NAME_LEN 16u

struct nonce_entry {
	struct nonce_entry *older;
	atomic_uint refs; /* the book's, and one for each object with that value */
	uint8_t name[BOOK_NAME_LEN];
	struct nonce_made made;
};

/* Guarded by the module's lock. */
struct nonce_book {
	struct secret key;
	struct nonce_entry *bucket[BOOK_BUCKETS];
};

/* What was made with the value of that key; borrowed from the object, which keeps it.  Takes the module's lock.
 * HOST_MEMORY, DEVICE_ERROR. */
CK_RV nonce_book_find(struct module *m, struct object *key, struct nonce_made **made);

void nonce_entry_unref(struct nonce_entry *e); /* safe on NULL; without a lock */
void nonce_book_drop(struct nonce_book *b);

#endif
