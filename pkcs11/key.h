/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/key.h - secret keys from templates, whichever call makes them (key.c), and what the token's store and the
 * table of objects do with them (key-store.c).
 */
#ifndef DSKE_PKCS11_KEY_H
#define DSKE_PKCS11_KEY_H

#include "pkcs11/object.h"
#include "store/store.h"

struct mech;

/* How a key comes about: the rules of its attributes go by that. */
struct key_origin {
	enum attr_when when;       /* which call's template it is; C_DeriveKey's is ATTR_IN_GENERATE too */
	CK_KEY_TYPE type;          /* if the template names none; CK_UNAVAILABLE_INFORMATION: it must */
	CK_MECHANISM_TYPE mech;    /* of C_GenerateKey, and then the key is CKA_LOCAL; else CK_UNAVAILABLE_INFORMATION */
	const struct object *base; /* borrowed: what it is derived from or unwrapped with, or NULL */
	bool data;                 /* a template of class CKO_DATA makes a data object; else it is refused */
};

/* A key with the template's attributes and no value yet; checks the template and what the session may
 * do.  One reference, the caller's.  CKA_VALUE, CKA_VALUE_LEN and CKA_CHECK_VALUE of the template are the caller's to
 * read.  Errors: as attr_check; TEMPLATE_INCONSISTENT, TEMPLATE_INCOMPLETE, SESSION_READ_ONLY, USER_NOT_LOGGED_IN. */
CK_RV key_new(struct module *m, const struct session *s, const struct key_origin *from, const CK_ATTRIBUTE *templ,
	      CK_ULONG n, struct object **out);

/* A copy of one that can be copied, value and all, with the changes of the template.  One reference, the caller's.
 * Errors: as attr_check; ATTRIBUTE_READ_ONLY (it would be less secret), TEMPLATE_INCONSISTENT (private no more),
 * SESSION_READ_ONLY, USER_NOT_LOGGED_IN. */
CK_RV key_copy(struct module *m, const struct session *s, const struct object *from, const CK_ATTRIBUTE *templ,
	       CK_ULONG n, struct object **out);

/* The length that the template asks for (CKA_VALUE_LEN), or that the base key's CKA_UNWRAP_TEMPLATE or
 * CKA_DERIVE_TEMPLATE demands of a key_new() one; 0: neither. */
CK_ULONG key_wanted_len(const struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n);

/* Its value, which is moved, and what follows from it: length and check value.  ATTRIBUTE_VALUE_INVALID
 * when it cannot be a key of its type, or has not the check value that the template gave; TEMPLATE_INCONSISTENT when its
 * base key demands another length. */
CK_RV key_set_value(struct object *key, struct secret *value);

/* Can a key of that type be so long (bytes)?  False for what is no secret key's type. */
bool key_type_known(CK_KEY_TYPE type);
bool key_len_possible(CK_KEY_TYPE type, CK_ULONG len);
/* The longest of a type that has few lengths (AES: 32); 0 for others. */
CK_ULONG key_len_preset(CK_KEY_TYPE type);
/* The length of a type that has but one; else 0. */
CK_ULONG key_len_only(CK_KEY_TYPE type);

/* May the key be used so?  Every verb asks here: it is a secret key of a type that fits the row (else `unfit`, the
 * verb's own word for it), has the verb's attribute (CKA_ENCRYPT and so on; else KEY_FUNCTION_NOT_PERMITTED), and
 * CKA_ALLOWED_MECHANISMS, if it has any, names the mechanism (else MECHANISM_INVALID).  Its dates are for the
 * application to heed: PKCS#11 3.0, 4.7, "Cryptoki does not attach any special meaning to them".  With no lock. */
CK_RV key_allows(struct module *m, const struct object *key, const struct mech *row, CK_ATTRIBUTE_TYPE verb, CK_RV unfit);

/* Does that template of the key (CKA_UNWRAP_TEMPLATE, CKA_DERIVE_TEMPLATE) let nobody make one that can be read?  With no
 * lock. */
bool key_makes_protected(struct module *m, const struct object *key, CK_ATTRIBUTE_TYPE which);

/* Does CKA_ALLOWED_MECHANISMS, if it names any, name that one?  With the module's lock. */
bool key_allows_mech(const struct object *key, CK_MECHANISM_TYPE type);

/* May `wrapping`, which key_allows() CKA_WRAP, wrap that key?  KEY_UNEXTRACTABLE; KEY_NOT_WRAPPABLE (only a trusted
 * key may: CKA_WRAP_WITH_TRUSTED); KEY_HANDLE_INVALID (not one that its CKA_WRAP_TEMPLATE describes).  With no lock. */
CK_RV key_wrappable(struct module *m, const struct object *wrapping, const struct object *key);

/* May such an object be made or copied by this session?  Sets who sees it and how long it lives, by its attributes. */
CK_RV key_may_be(struct module *m, const struct session *s, struct object *o);

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
typedef CK_RV key_permission(const struct module *m, const struct object *key, const CK_ATTRIBUTE *a);
CK_RV key_change(struct module *m, struct object *key, const CK_ATTRIBUTE *templ, CK_ULONG n, key_permission *allowed);

/* Changes attributes and value of a key at once, if the step answers CKR_OK: it is given a copy of what holds now, which
 * becomes the key, in the store first.  It is called again with a fresh copy when another process was faster.  Of a
 * session object it is given that itself, with the module's lock: where it fails it has to leave what can be used as
 * it is.  With the token's lock. */
typedef CK_RV key_stepper(struct object *next, void *context);
CK_RV key_step(struct module *m, struct object *key, key_stepper *step, void *context);

/* Out of the table, and out of the store before if it is a token object. */
CK_RV key_destroy(struct module *m, struct object *key);

/* Brings the table up to date with the store, if somebody is logged in and the file is not what was read last: all of it
 * after a login, then what changed. */
CK_RV key_sync(struct module *m);
CK_RV key_follow(struct module *m); /* the same for whoever has the token's lock */

/* What a visitor of the store has read, for key_take_in(). */
struct key_news {
	struct key_news_item {
		struct id name;
		struct object *key; /* owned, one reference; NULL: it is gone */
	} *item;
	size_t count, cap;
};
store_visitor key_visit; /* context: struct key_news */
void key_news_drop(struct key_news *all);
/* With the token's lock: that is all that is stored. */
CK_RV key_take_in(struct module *m, const struct key_news *all);

#endif
