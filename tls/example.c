/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tls/example.h"

#include <getopt.h>
#include <netdb.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* From the environment: an argument would show in the list of processes. */
static size_t pin_from_environment(char *pin, size_t cap, void *user)
{
	const char *value = getenv(user);
	size_t len = value != NULL ? strlen(value) : 0;
	if (len == 0 || len > cap)
		return 0;
	memcpy(pin, value, len);
	return len;
}

static _Noreturn void usage(const char *program, bool is_client)
{
	fprintf(stderr, "usage: %s --token LABEL [--module FILE] %s [--context TEXT] [--suites LIST] [--groups LIST] HOST:PORT\n"
		"The token's PIN is in the environment, DSKE_PIN.\n", program, is_client ? "--key LABEL|peer:NAME|id:HEX" : "[--count N] [--fork]");
	exit(2);
}

void example_options(struct example *e, int argc, char **argv, bool is_client)
{
	static const struct option rows[] = {
		{"module", required_argument, NULL, 'm'},  {"token", required_argument, NULL, 't'},
		{"key", required_argument, NULL, 'k'},     {"context", required_argument, NULL, 'c'},
		{"suites", required_argument, NULL, 's'},  {"groups", required_argument, NULL, 'g'},
		{"count", required_argument, NULL, 'n'},   {"fork", no_argument, NULL, 'f'},
		{0},
	};
	static char variable[] = "DSKE_PIN";
	*e = (struct example){.token = {.pin = pin_from_environment, .pin_user = variable}};
	for (int c; (c = getopt_long(argc, argv, "", rows, NULL)) != -1;) {
		switch (c) {
		case 'm': e->token.module = optarg; break;
		case 't': e->token.token = optarg; break;
		case 'k': e->key = optarg; break;
		case 'c': e->context = optarg; break;
		case 's': e->suites = optarg; break;
		case 'g': e->groups = optarg; break;
		case 'n': e->count = atoi(optarg); break;
		case 'f': e->forks = true; break;
		default: usage(argv[0], is_client);
		}
	}
	char *colon = optind == argc - 1 ? strrchr(argv[optind], ':') : NULL;
	if (colon == NULL || e->token.token == NULL || is_client != (e->key != NULL))
		usage(argv[0], is_client);
	*colon = '\0';
	e->host = argv[optind];
	e->port = colon + 1;
}

_Noreturn void example_die(const char *what)
{
	const char *why = dske_tls_error();
	fprintf(stderr, "%s%s%s\n", what, why != NULL ? ": " : "", why != NULL ? why : "");
	ERR_print_errors_fp(stderr);
	exit(1);
}

SSL_CTX *example_context(const struct example *e, const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	if (ctx == NULL || (e->suites != NULL && SSL_CTX_set_ciphersuites(ctx, e->suites) != 1) ||
	    (e->groups != NULL && SSL_CTX_set1_groups_list(ctx, e->groups) != 1))
		example_die("no TLS");
	return ctx;
}

struct dske_tls *example_token(const struct example *e)
{
	struct dske_tls *t = dske_tls_new(&e->token);
	if (t == NULL)
		example_die("no token");
	return t;
}

static int open_socket(const struct example *e, bool listens)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = listens ? AI_PASSIVE : 0}, *found = NULL;
	int yes = 1, s = -1;
	if (getaddrinfo(e->host, e->port, &hints, &found) == 0)
		s = socket(found->ai_family, found->ai_socktype, 0);
	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
	    (listens ? bind(s, found->ai_addr, found->ai_addrlen) : connect(s, found->ai_addr, found->ai_addrlen)) != 0 ||
	    (listens && listen(s, 5) != 0)) {
		perror(e->host);
		exit(1);
	}
	freeaddrinfo(found);
	return s;
}

int example_listen(const struct example *e)
{
	return open_socket(e, true);
}

int example_connect(const struct example *e)
{
	return open_socket(e, false);
}
