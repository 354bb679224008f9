/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dske-tls.h - TLS 1.3 under keys of a PKCS#11 token, in programs that use OpenSSL.  Installed.
 *
 * A key that both ends have in their tokens under the same CKA_ID (as agreed keys do: the key ID) authenticates both
 * and is mixed into the traffic keys, together with an ephemeral Diffie-Hellman.  It is imported as RFC 9258 has it, so
 * that one key serves suites of SHA-256 and of SHA-384:
 *
 *	struct dske_tls_token where = {.token = "alice", .pin = my_pin};
 *	struct dske_tls *t = dske_tls_new(&where);
 *	dske_tls_client(t, ctx, "peer:bob", NULL);    at the server: dske_tls_server(t, ctx, NULL);
 *	... SSL_connect(ssl) ...
 *	dske_tls_key(ssl)                             the key's label, or NULL: none was used
 *
 * Functions that can fail return NULL or 0, and dske_tls_error() has a sentence then.  A failed look-up in a handshake
 * ends it with an alert; the sentence is that of the thread which did the handshake.  All but _new and _free may be
 * called from any thread.  A forked child logs in anew, by the same pin().
 */
#ifndef DSKE_TLS_H
#define DSKE_TLS_H 1

#include <openssl/ssl.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Bytes that an application may add to what both ends have to know, `context` below. */
#define DSKE_TLS_CONTEXT_MAX 200

/* Where the keys are.  Borrowed until dske_tls_new returns; pin and pin_user until dske_tls_free. */
struct dske_tls_token {
	const char *module; /* the file of a PKCS#11 module; NULL: all modules that p11-kit knows */
	const char *token;  /* the token's label; NULL: the module's first token */
	/* Writes the user's PIN, at most cap bytes, and returns its length; 0: there is none.  The buffer is wiped after
	 * use.  NULL: nobody logs in. */
	size_t (*pin)(char *pin, size_t cap, void *pin_user);
	void *pin_user;
};

struct dske_tls;

/* Loads the module, finds the token, logs in.  NULL: dske_tls_error() says why. */
struct dske_tls *dske_tls_new(const struct dske_tls_token *where);

/* After the last SSL_CTX that uses it is freed.  Safe on NULL. */
void dske_tls_free(struct dske_tls *t);

/*
 * From now on connections of ctx are clients under that key, by TLS 1.3 alone.  key is looked up for each connection, and
 * once here:
 *
 *	"lunch", or "label:lunch"    the newest key of that CKA_LABEL
 *	"peer:bob"                   the newest key that was agreed with that peer, by its name or its client ID in hexadecimal
 *	"id:c0ffee..."               the key of that CKA_ID
 *
 * A key counts if it can be used now: it has a CKA_ID and 16 bytes to 1 MiB, the token derives from it (CKA_DERIVE) or gives
 * it out, and today is neither before its CKA_START_DATE nor after its CKA_END_DATE, by UTC.  The newest is that of the
 * latest CKA_DSKE_MADE; where a token does not tell that, there must be one only.  Only the client chooses: the server
 * takes the key whose ID is offered, if it counts there.  So agree on a new key before the old one ends, at both ends, and
 * connections use it from then on.  context is what both ends have to have
 * said alike, a service's name for instance; NULL: nothing.  The hash is that of the first enabled suite of TLS 1.3;
 * OpenSSL's client offers one.  Certificates are verified from now on (SSL_VERIFY_PEER), so that a server which has a
 * certificate and not the key fails, unless the program says otherwise.  A connection that is to resume an earlier session
 * (SSL_set_session) fails: that session's server would do without the key.  Keys without Diffie-Hellman
 * (SSL_OP_ALLOW_NO_DHE_KEX) are switched off, whatever openssl.cnf says, here and at the server.
 */
int dske_tls_client(struct dske_tls *t, SSL_CTX *ctx, const char *key, const char *context);

/*
 * Connections of ctx are servers, by TLS 1.3 alone: a client with any key of the token, and the same context, comes
 * in.  It issues no tickets.  A ctx without a certificate serves nobody else.  One that is this token's own client is
 * refused (reflection, RFC 9258, appendix A).
 */
int dske_tls_server(struct dske_tls *t, SSL_CTX *ctx, const char *context);

/* The label of the key that a finished handshake used (its ID in hexadecimal, if it has none); NULL: it used none of
 * ours.  Borrowed from ssl. */
const char *dske_tls_key(const SSL *ssl);

/* Why this thread's last call, or the last look-up in a handshake of its, failed; NULL: it did not.  Borrowed until the
 * next. */
const char *dske_tls_error(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
