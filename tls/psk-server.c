/* SPDX-License-Identifier: Apache-2.0 */
/* psk-server: answers a line from each client who has a key of the token with that key's label and the line. */
#include <config.h>

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tls/example.h"

static void answer(SSL *ssl)
{
	char line[1024], text[1400];
	if (SSL_accept(ssl) != 1 || dske_tls_key(ssl) == NULL) {
		const char *why = dske_tls_error();
		fprintf(stderr, "refused: %s\n", why != NULL ? why : "no suite in common, or no TLS 1.3");
		ERR_clear_error();
		return;
	}
	int n = SSL_read(ssl, line, sizeof line);
	if (n <= 0)
		return;
	int len = snprintf(text, sizeof text, "%s: %.*s", dske_tls_key(ssl), n, line);
	SSL_write(ssl, text, len);
	SSL_shutdown(ssl);
}

/* In a child, as many servers do it: the library logs in again there. */
static void serve(SSL *ssl, bool forks)
{
	pid_t child = forks ? fork() : 0;
	if (child == 0)
		answer(ssl);
	if (forks && child == 0)
		_exit(0);
	if (child > 0)
		waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	struct example e;
	example_options(&e, argc, argv, false);
	struct dske_tls *tls = example_token(&e);
	SSL_CTX *ctx = example_context(&e, TLS_server_method());
	if (!dske_tls_server(tls, ctx, e.context))
		example_die("no key");
	int listener = example_listen(&e);
	for (int i = 0; e.count == 0 || i < e.count; i++) {
		int s = accept(listener, NULL, NULL);
		SSL *ssl = SSL_new(ctx);
		if (s < 0 || ssl == NULL || SSL_set_fd(ssl, s) != 1)
			example_die("no connection");
		serve(ssl, e.forks);
		SSL_free(ssl);
		close(s);
	}
	close(listener);
	SSL_CTX_free(ctx);
	dske_tls_free(tls);
	return 0;
}
