/* SPDX-License-Identifier: Apache-2.0 */
/* psk-client: sends standard input's first line to psk-server, under a key of the token, and shows the answer. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "tls/example.h"

int main(int argc, char **argv)
{
	struct example e;
	char line[1024] = "";
	example_options(&e, argc, argv, true);
	struct dske_tls *tls = example_token(&e);
	SSL_CTX *ctx = example_context(&e, TLS_client_method());
	if (!dske_tls_client(tls, ctx, e.key, e.context))
		example_die("no key");
	SSL *ssl = SSL_new(ctx);
	if (ssl == NULL || SSL_set_fd(ssl, example_connect(&e)) != 1 || SSL_connect(ssl) != 1 || dske_tls_key(ssl) == NULL)
		example_die("no connection under the key");
	if (fgets(line, sizeof line, stdin) == NULL || SSL_write(ssl, line, (int)strlen(line)) <= 0)
		example_die("nothing sent");
	int n = SSL_read(ssl, line, sizeof line - 1);
	printf("%s %.*s", SSL_get_cipher(ssl), n > 0 ? n : 0, line);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	dske_tls_free(tls);
	return n <= 0;
}
