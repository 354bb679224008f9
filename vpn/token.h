/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/token.h - keys agreed through a PKCS#11 module, as any application would, by p11-kit.
 *
 * Any thread may agree; each agreement has a session of its own.  No forks.
 */
#ifndef DSKE_VPN_TOKEN_H
#define DSKE_VPN_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"

struct token;

struct token_where {
	const char *module;   /* the file of a PKCS#11 module; NULL: all that p11-kit knows */
	const char *token;    /* the token's label; NULL: the first token that agrees keys (CKM_DSKE_DERIVE) */
	const char *pin_file; /* its first line is the user's PIN; NULL: nobody logs in */
};

/* Loads the module, finds the token, logs in.  *out is the caller's, for token_close.
 * Errors: NOT_FOUND, PIN, PIN_LOCKED, STATE (no PIN is set), DENIED, IO, NOMEM. */
dske_rc token_open(struct token **out, const struct token_where *where);

/* Ends what threads wait for in it; from then on they fail with CANCELLED.  Any thread.  Safe on NULL. */
void token_cancel(struct token *t);

/* Logs out; no thread is inside any more.  Safe on NULL. */
void token_close(struct token *t);

/* Whose client ID is lower?  The same answer, turned around, at the peer.  Errors: NOT_FOUND (no such peer), CANCELLED, IO. */
dske_rc token_initiates(struct token *t, const char *peer, bool *initiates);

enum token_role { TOKEN_EITHER, TOKEN_INITIATES, TOKEN_RECEIVES }; /* EITHER: the lower client ID initiates */

struct token_ask {
	const char *peer;     /* by its name in the token */
	enum token_role role;
	const char *context;  /* what both ends call it; at most CKDSKE_CONTEXT_MAX bytes */
	bool confirm;         /* both ends get the key, or neither */
	size_t key_len;       /* bytes */
	int64_t timeout_ms;   /* 0: the configuration's */
};

#define TOKEN_KEY_ID_LEN 16

/* *key must be empty.  Errors: NOT_FOUND (no such peer), TIMEOUT (nobody came, or too few hubs), DENIED (the peer's keys may
 * not leave the token: `extract`), CANCELLED (token_cancel), EXHAUSTED (tables), IO. */
dske_rc token_agree(struct token *t, const struct token_ask *ask, struct secret *key, uint8_t key_id[TOKEN_KEY_ID_LEN]);

#endif
