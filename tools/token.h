/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/token.h - the PKCS#11 module, used as any application would: through p11-kit, by its path.
 * DSKE_MODULE names another file than the installed one.
 */
#ifndef DSKE_TOOLS_TOKEN_H
#define DSKE_TOOLS_TOKEN_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include "base/rc.h"
#include "base/secret.h"

struct token {
	CK_FUNCTION_LIST *f; /* NULL: not loaded */
	bool initialized;
	CK_SLOT_ID slot;     /* of the agreement token, the first one */
	CK_SESSION_HANDLE session; /* 0: none */
};

/* What to do about a PIN that is missing, forgotten or locked. */
#define TOKEN_NEW_PIN "the security officer sets a new one: dske token pin --reset"

const char *token_module_path(void);

/* Loads and initialises the module.  Errors: NOT_FOUND (no module), UNSUPPORTED (it cannot be loaded), IO. */
dske_rc token_load(struct token *t);

/* Opens a session at the agreement token.  Errors: IO. */
dske_rc token_session(struct token *t, bool writable);

/* Has the token a PIN?  Errors: STATE (none yet; how to set one), IO. */
dske_rc token_need_pin(const struct token *t);

/* pin as secret_input gives it.  Errors: PIN, PIN_LOCKED, STATE (no PIN is set), IO. */
dske_rc token_login(struct token *t, CK_USER_TYPE who, const struct secret *pin);

/* Sets the label, the SO PIN and the user's PIN; destroys the token's objects.  Errors: as token_login. */
dske_rc token_init(struct token *t, const char *label, const struct secret *so_pin, const struct secret *pin);

/* Changes the PIN of whoever is logged in; the security officer, logged in, sets the user's.  Errors: PIN (the former is
 * wrong; the new one too short or too long), PIN_LOCKED, IO. */
dske_rc token_set_pin(struct token *t, const struct secret *former, const struct secret *fresh);
dske_rc token_reset_pin(struct token *t, const struct secret *fresh);

struct token_state {
	char label[33];
	CK_FLAGS flags; /* of its CK_TOKEN_INFO */
};
dske_rc token_state_read(struct token_state *out, const struct token *t); /* Errors: IO */

/* Reads one attribute of at most cap bytes; *len is 0 when it is not there or cannot be read. */
void token_attribute(const struct token *t, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out, size_t cap,
		     size_t *len);

/* Up to `most` objects that match.  Errors: IO. */
dske_rc token_find(const struct token *t, CK_ATTRIBUTE *like, size_t like_count, CK_OBJECT_HANDLE *out, size_t most,
		   size_t *count);

/* Logs out, closes and unloads; safe on a zeroed one. */
void token_drop(struct token *t);

#endif
