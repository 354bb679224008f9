/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/key.h - secret keys from templates, shared by C_CreateObject and C_DeriveKey; and their form in
 * the token's store.
 */
#ifndef DSKE_PKCS11_KEY_H
#define DSKE_PKCS11_KEY_H

#include "pkcs11/object.h"
#include "client/store.h"

/* A key with the template's attributes and no value yet; checks the template and what the session may
 * do.  One reference, the caller's.  Errors: as attr_check; TEMPLATE_INCONSISTENT, TEMPLATE_INCOMPLETE,
 * SESSION_READ_ONLY, USER_NOT_LOGGED_IN. */
CK_RV key_new(struct module *m, const struct session *s, const CK_ATTRIBUTE *templ, CK_ULONG n, enum attr_when when,
	      struct object **out);

/* Its value, which is moved, and what follows from it: length and check value.  ATTRIBUTE_VALUE_INVALID
 * when it cannot be a key of its type. */
CK_RV key_set_value(struct object *key, struct secret *value);

/* A token object into the store, before it is shown; nothing for a session object.
 * USER_NOT_LOGGED_IN, DEVICE_ERROR, DEVICE_MEMORY. */
CK_RV key_keep(struct module *m, struct object *key);
CK_RV key_forget(struct module *m, const struct object *key); /* takes it out again */

/* Into the table, after key_keep().  The table takes over one reference; on failure it is dropped.
 * SESSION_HANDLE_INVALID when the session was closed meanwhile: a token object is there all the same. */
CK_RV key_add(struct module *m, const struct session *s, struct object *key, CK_OBJECT_HANDLE *handle);

/* May CKA_VALUE be read (PKCS#11 2.40, 4.7)? */
bool key_readable(const struct object *key);

/* Changes attributes, which attr_check() has seen, of a token object or a session object: in the table,
 * and in the store.  `allowed` is asked about each, with the module's lock. */
typedef CK_RV key_permission(const struct object *key, const CK_ATTRIBUTE *a);
CK_RV key_change(struct module *m, struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n, key_permission *allowed);

/* Out of the table, and out of the store before if it is a token object. */
CK_RV key_destroy(struct module *m, struct object *key);

/* Brings the table up to date with the store, if the user is logged in and (unless always) the file is
 * not what was read last. */
CK_RV key_sync(struct module *m, bool always);

#endif
