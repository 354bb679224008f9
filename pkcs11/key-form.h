/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/key-form.h - an object as the token's store keeps it: its attributes, CKA_VALUE among them, packed as
 * attr-array.h says.
 */
#ifndef DSKE_PKCS11_KEY_FORM_H
#define DSKE_PKCS11_KEY_FORM_H

#include "pkcs11/object.h"

/* All of it, its value too; `form` is the caller's to drop.  NOMEM. */
dske_rc key_write(const struct object *key, struct secret *form);

/* Fills a fresh object, whose name in the store is known.  What is read was authenticated, but may be of another
 * version's making: CORRUPT, NOMEM. */
dske_rc key_read(struct object *key, const struct secret *form);

#endif
