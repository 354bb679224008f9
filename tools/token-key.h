/* SPDX-License-Identifier: Apache-2.0 */
/* tools/token-key.h - a kept key of the token, by its label; or what the token derives from it. */
#ifndef DSKE_TOOLS_TOKEN_KEY_H
#define DSKE_TOOLS_TOKEN_KEY_H

#include "base/secret.h"
#include "client/client.h"
#include "tools/token.h"
#include "tools/tool.h"

#define TOKEN_DERIVED_LEN 32
#define TOKEN_PURPOSE_MAX 200 /* bytes */

/* Loads the module for common's client, and opens a session.  must: ask for the PIN when no source names it; else go on
 * without login.  Errors: as token_load, secret_input, token_login. */
dske_rc token_key_open(struct token *t, const struct common *common, const char *pin, bool must);

/*
 * The key's bytes; or, for a purpose, HKDF-SHA256 of it without a salt, with the info "dske " and the purpose
 * (RFC 5869), TOKEN_DERIVED_LEN bytes: for that the key need not be extractable, and who learns them does not learn the
 * key, nor what it gives for another purpose.  *key must be empty; purpose may be NULL.
 * Errors: NOT_FOUND, ARGS (more than one, purpose too long), DENIED (not extractable), and token_key_open's.
 */
dske_rc token_key_read(struct secret *key, const struct common *common, const char *pin, const char *label,
		       const char *purpose);

/* What was agreed on, for the token: persistent, encrypted there. */
struct token_keeping {
	const char *label;
	const char *peer; /* its name; NULL: a group, of which no one is the peer */
	bool extractable;
	const struct secret *pin; /* all borrowed */
	const struct agree_result *result;
};
/* Errors: as token_load, token_login; IO. */
dske_rc token_key_keep(const struct token_keeping *k);

#endif
