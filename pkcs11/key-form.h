/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/key-form.h - a key as the token's store keeps it: for each attribute its type (8 bytes), its length (4) and
 * its value, integers big-endian; CKA_VALUE is among them.
 */
#ifndef DSKE_PKCS11_KEY_FORM_H
#define DSKE_PKCS11_KEY_FORM_H

#include "pkcs11/object.h"

/* All of the key, its value too; `form` is the caller's to drop.  NOMEM. */
dske_rc key_write(const struct object *key, struct secret *form);

/* Fills a fresh object.  What is read was authenticated, but may be of another version's making: CORRUPT, NOMEM. */
dske_rc key_read(struct object *key, const struct secret *form);

#endif
