/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qkd/http.h - HTTPS with certificates on both sides, a few requests at a time.  For programs, one thread.
 *
 * Bodies land in secret memory of a size fixed beforehand.  libcurl and libcrypto have copies of their own on the
 * way there: libcurl's memory is wiped as it is freed, and OpenSSL is told to cleanse its buffers
 * (SSL_OP_CLEANSE_PLAINTEXT).  No proxy, no redirection, no cookie, and no certificate of the system's: whoever
 * `ca` vouches for, under the name in the URL, is the KME, and nobody else.
 */
#ifndef DSKE_QKD_HTTP_H
#define DSKE_QKD_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"
#include "pskm/qkdconf.h"

#define HTTP_SLOTS 4 /* requests under way at one time */

struct http;

/* Touches no network.  conf is borrowed and outlives it.  Errors: NOMEM, and for certificates those of
 * http_wait. */
dske_rc http_open(struct http **out, const struct qkdconf *conf);
void http_close(struct http *h); /* ends what is under way; safe on NULL */

/* Begins a request in a free slot: POST with a body, or GET where that is NULL; path begins with a slash.  An
 * answer of more than answer_most bytes fails.  Errors: NOMEM. */
dske_rc http_start(struct http *h, unsigned slot, const char *path, const char *body, size_t answer_most);

struct http_answer {
	long status;     /* 200 */
	uint8_t *body;   /* borrowed from the slot, secret, writable; until the slot's next http_start */
	size_t body_len; /* bytes */
};

/* Waits for the slot's answer, while the others go on.  Errors: UNREACHABLE, TIMEOUT, DENIED (one of the two sides
 * does not accept the other's certificate), TOOBIG, CLOSED, IO. */
dske_rc http_wait(struct http *h, unsigned slot, struct http_answer *out);

/* Wipes the slot's answer, and frees the slot. */
void http_done(struct http *h, unsigned slot);

#endif
