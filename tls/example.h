/* SPDX-License-Identifier: Apache-2.0 */
/* tls/example.h - what the example client and server share: their options, the token, an address. */
#ifndef DSKE_TLS_EXAMPLE_H
#define DSKE_TLS_EXAMPLE_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "tls/dske-tls.h"

struct example {
	struct dske_tls_token token;
	const char *host, *port; /* of HOST:PORT */
	const char *key;         /* client's */
	const char *context, *suites, *groups;
	int count;               /* connections that a server takes; 0: without end */
	bool forks;              /* a server: each connection in a child */
};

/* Reads the options, or says how and exits with 2. */
void example_options(struct example *e, int argc, char **argv, bool is_client);

/* A context with the suites and groups that were asked for; and the token.  Both end the program when they fail. */
SSL_CTX *example_context(const struct example *e, const SSL_METHOD *method);
struct dske_tls *example_token(const struct example *e);

/* Says what failed, with OpenSSL's and the library's own words, and exits with 1. */
_Noreturn void example_die(const char *what);

/* A socket that listens at, or is connected to, e's address; exits with 1 when there is none. */
int example_listen(const struct example *e);
int example_connect(const struct example *e);

#endif
