/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/login.h - who is logged in to the agreement token, and the calls that take a PIN. */
#ifndef DSKE_PKCS11_LOGIN_H
#define DSKE_PKCS11_LOGIN_H

#include <stdbool.h>

#include "base/secret.h"
#include "pkcs11/object.h"
#include "pkcs11/rv.h"

struct module;
struct session;

enum login_who { LOGIN_NOBODY, LOGIN_USER, LOGIN_SO };

struct login {
	enum login_who who;
	struct secret master; /* the store's key, while somebody is logged in */
	bool unread;          /* what is in the store has to be read anew, all of it; with the token's lock */
	bool required;        /* the token is initialised, so that a PIN stands before its use */
};

/* May this application agree on keys and see private objects?  True for a token that was never
 * initialised (it has no PIN to ask for), unless the PIN has the key of the tables.  With the module's lock. */
bool login_suffices(const struct module *m);

/* May it see such objects now?  With the module's lock. */
bool login_sees(const struct module *m, enum object_sight sight);

/* Asks the store whether the token is initialised, as another process may have done. */
CK_RV login_refresh(struct module *m);

/* With the module's lock: nobody is logged in any more, and what only a user may see is gone.  Without it, afterwards:
 * login_follow(). */
void login_end(struct module *m);

/* Takes the key of the tables away, where it comes from the PIN (`table_key = pin`) and no user is logged in. */
void login_follow(struct module *m);

/* Handlers. */
CK_RV login_login(struct module *m, struct session *s, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len);
CK_RV login_login_user(struct module *m, struct session *s, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,
		       CK_UTF8CHAR_PTR name, CK_ULONG name_len);
CK_RV login_logout(struct module *m, struct session *s);
CK_RV login_init_token(struct module *m, CK_SLOT_ID slot, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len, CK_UTF8CHAR_PTR label);
CK_RV login_init_pin(struct module *m, struct session *s, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len);
CK_RV login_set_pin(struct module *m, struct session *s, CK_UTF8CHAR_PTR old, CK_ULONG old_len, CK_UTF8CHAR_PTR pin,
		    CK_ULONG pin_len);

#endif
