/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume-host MODULE TOKEN LABEL: a client under a key meets a server that has not got it, but gave out a ticket before, to
 * a client without a key.  Nobody may take that for the key.  The PIN is 123456.  Exits with 1, and says why, if that is so.
 */
#include <config.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/dske-tls.h"

static SSL_SESSION *ticket;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, dske_tls_error() != NULL ? dske_tls_error() : "no reason");
	exit(1);
}

static size_t give_pin(char *pin, size_t cap, void *user)
{
	(void)cap, (void)user;
	memcpy(pin, "123456", 6);
	return 6;
}

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(ticket);
	ticket = session;
	return 1;
}

static SSL_CTX *impostor(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_set_pubkey(cert, key);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	if (X509_sign(cert, key, EVP_sha256()) == 0 || SSL_CTX_use_certificate(ctx, cert) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1)
		die("no certificate");
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}

/* What the client's SSL_connect said in the end; *key: what dske_tls_key says. */
static int meet(SSL_CTX *client, SSL_CTX *server, SSL_SESSION *resume, const char **key)
{
	static char label[256];
	BIO *ours, *theirs;
	SSL *c = SSL_new(client), *s = SSL_new(server);
	char byte;
	int rc = 0;

	if (BIO_new_bio_pair(&ours, 0, &theirs, 0) != 1 || (resume != NULL && SSL_set_session(c, resume) != 1))
		die("no connection");
	SSL_set_bio(c, ours, ours);
	SSL_set_bio(s, theirs, theirs);
	for (int i = 0; i < 5; i++) {
		rc = SSL_connect(c);
		(void)SSL_accept(s);
	}
	(void)SSL_read(c, &byte, 1); /* tickets */
	*key = dske_tls_key(c);
	if (*key != NULL)
		*key = strncpy(label, *key, sizeof label - 1);
	SSL_set_shutdown(c, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* else its ticket is worth nothing */
	SSL_free(c);
	SSL_free(s);
	return rc;
}

int main(int argc, char **argv)
{
	struct dske_tls_token where = {.module = argc > 1 ? argv[1] : NULL, .token = argc > 2 ? argv[2] : NULL, .pin = give_pin};
	const char *key;
	struct dske_tls *t = dske_tls_new(&where);
	SSL_CTX *plain = SSL_CTX_new(TLS_client_method()), *ctx = SSL_CTX_new(TLS_client_method()), *server = impostor();

	SSL_CTX_set_session_cache_mode(plain, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(plain, keep_ticket);
	if (meet(plain, server, NULL, &key) != 1 || ticket == NULL || key != NULL)
		die("no ticket");
	SSL_CTX_set_options(ctx, SSL_OP_ALLOW_NO_DHE_KEX);
	if (t == NULL || argc < 4 || !dske_tls_client(t, ctx, argv[3], NULL))
		die("no key");
	if ((SSL_CTX_get_options(ctx) & SSL_OP_ALLOW_NO_DHE_KEX) != 0)
		die("without Diffie-Hellman");
	if (meet(ctx, server, NULL, &key) == 1 || key != NULL)
		die("a server without the key");
	if (meet(ctx, server, ticket, &key) == 1 || key != NULL)
		die("a ticket in the key's place");
	printf("refused: %s\n", dske_tls_error());
	SSL_SESSION_free(ticket);
	SSL_CTX_free(plain);
	SSL_CTX_free(ctx);
	SSL_CTX_free(server);
	dske_tls_free(t);
	return 0;
}
