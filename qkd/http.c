/* SPDX-License-Identifier: Apache-2.0 */
/* qkd/http.c - libcurl's multi interface under a fixed number of slots. */
#include "config.h"

#include "qkd/http.h"

#include <curl/curl.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define POLL_MS 1000
#define PATH_LEN_MAX 512

struct slot {
	CURL *easy;            /* kept from request to request, with its connection */
	struct secret answer;  /* as long as an answer may be */
	size_t len;            /* of the answer so far */
	struct buf body;       /* of the request, which curl borrows */
	char url[sizeof((struct qkdconf *)0)->url + PATH_LEN_MAX];
	char why[CURL_ERROR_SIZE];
	bool running, overflow;
	CURLcode result;
};

struct http {
	const struct qkdconf *conf;
	CURLM *multi;
	struct curl_slist *headers;
	struct slot slot[HTTP_SLOTS];
};

/* ---- curl's memory is wiped as it is freed --------------------------------------------------------- */

static void wipe_free(void *p)
{
	if (p == NULL)
		return;
	mem_wipe(p, malloc_usable_size(p));
	free(p);
}

/* Not realloc, which may leave the bytes behind. */
static void *wipe_realloc(void *old, size_t len)
{
	size_t had = old != NULL ? malloc_usable_size(old) : 0;
	void *grown = malloc(len);

	if (grown == NULL)
		return NULL;
	if (old != NULL)
		memcpy(grown, old, had < len ? had : len);
	wipe_free(old);
	return grown;
}

static dske_rc start_library(void)
{
	static bool started;

	if (!started && curl_global_init_mem(CURL_GLOBAL_SSL, malloc, wipe_free, wipe_realloc, strdup, calloc) != CURLE_OK)
		return FAIL(NOMEM, "libcurl does not start");
	started = true;
	return DSKE_OK;
}

/* ---- what curl calls ------------------------------------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct slot *s = context;
	size_t len = size * count;

	if (len > s->answer.len - s->len) {
		s->overflow = true;
		return 0; /* ends the transfer */
	}
	memcpy(s->answer.data + s->len, bytes, len);
	s->len += len;
	return len;
}

static CURLcode prepare_tls(CURL *easy, void *tls, void *context)
{
	(void)easy;
	(void)context;
	SSL_CTX_set_options(tls, SSL_OP_CLEANSE_PLAINTEXT);
	return CURLE_OK;
}

/* ---- settings -------------------------------------------------------------------------------------- */

#define SET(option, value)                                                                           \
	do {                                                                                         \
		if (curl_easy_setopt(easy, option, value) != CURLE_OK)                               \
			return FAIL(UNSUPPORTED, "this libcurl does not do " #option);               \
	} while (0)

static dske_rc set_tls(CURL *easy, const struct qkdconf *c)
{
	SET(CURLOPT_PROTOCOLS_STR, qkdconf_is_plain(c) ? "http" : "https");
	if (qkdconf_is_plain(c))
		return DSKE_OK;
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2); /* or later, as the standard asks (5.1) */
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_CAINFO, c->ca.s);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_SSLCERT, c->certificate.s);
	SET(CURLOPT_SSLKEY, c->key.s);
	SET(CURLOPT_SSL_CTX_FUNCTION, prepare_tls);
	return DSKE_OK;
}

static dske_rc set_common(CURL *easy, struct slot *s, const struct http *h)
{
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)h->conf->timeout_ms);
	SET(CURLOPT_TIMEOUT_MS, (long)h->conf->timeout_ms);
	SET(CURLOPT_HTTPHEADER, h->headers);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, s);
	SET(CURLOPT_ERRORBUFFER, s->why);
	SET(CURLOPT_PRIVATE, s);
	return DSKE_OK;
}

static dske_rc open_slot(struct http *h, struct slot *s)
{
	buf_heap(&s->body, (size_t)QKDCONF_PER_REQUEST_MOST * 64 + 256);
	s->easy = curl_easy_init();
	if (s->easy == NULL)
		return rc_make(DSKE_RC_NOMEM);
	TRY(set_common(s->easy, s, h));
	return set_tls(s->easy, h->conf);
}

static dske_rc open_all(struct http *h)
{
	h->multi = curl_multi_init();
	h->headers = curl_slist_append(NULL, "Content-Type: application/json");
	struct curl_slist *more = h->headers != NULL ? curl_slist_append(h->headers, "Accept: application/json") : NULL;
	if (h->multi == NULL || more == NULL)
		return rc_make(DSKE_RC_NOMEM);
	for (unsigned i = 0; i < HTTP_SLOTS; i++)
		TRY(open_slot(h, &h->slot[i]));
	return DSKE_OK;
}

dske_rc http_open(struct http **out, const struct qkdconf *conf)
{
	*out = NULL;
	TRY(start_library());
	struct http *h = calloc(1, sizeof *h);
	if (h == NULL)
		return rc_make(DSKE_RC_NOMEM);
	h->conf = conf;
	dske_rc rc = open_all(h);
	if (!rc_ok(rc)) {
		http_close(h);
		return rc;
	}
	*out = h;
	return DSKE_OK;
}

void http_close(struct http *h)
{
	if (h == NULL)
		return;
	for (unsigned i = 0; i < HTTP_SLOTS; i++) {
		http_done(h, i);
		curl_easy_cleanup(h->slot[i].easy);
		buf_drop(&h->slot[i].body);
	}
	curl_slist_free_all(h->headers);
	curl_multi_cleanup(h->multi);
	free(h);
}

/* ---- one request ----------------------------------------------------------------------------------- */

static dske_rc set_request(struct slot *s, const char *body)
{
	CURL *easy = s->easy;

	SET(CURLOPT_URL, s->url);
	if (body == NULL) {
		SET(CURLOPT_HTTPGET, 1L);
		return DSKE_OK;
	}
	buf_reset(&s->body);
	buf_put(&s->body, body, strlen(body));
	TRY(buf_rc(&s->body));
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_POSTFIELDSIZE, (long)s->body.len);
	SET(CURLOPT_POSTFIELDS, s->body.data);
	return DSKE_OK;
}

dske_rc http_start(struct http *h, unsigned slot, const char *path, const char *body, size_t answer_most)
{
	struct slot *s = &h->slot[slot];

	http_done(h, slot);
	if ((size_t)snprintf(s->url, sizeof s->url, "%s%s", h->conf->url, path) >= sizeof s->url)
		return FAIL(TOOBIG, "the URL for %s is too long", path);
	TRY(set_request(s, body));
	TRY(secret_alloc(&s->answer, answer_most));
	s->len = 0;
	s->overflow = false;
	s->why[0] = '\0';
	if (curl_multi_add_handle(h->multi, s->easy) != CURLM_OK)
		return rc_make(DSKE_RC_NOMEM);
	s->running = true;
	return DSKE_OK;
}

void http_done(struct http *h, unsigned slot)
{
	struct slot *s = &h->slot[slot];

	if (s->running)
		curl_multi_remove_handle(h->multi, s->easy);
	s->running = false;
	secret_drop(&s->answer);
}

/* Notes which transfers have ended. */
static void collect(struct http *h)
{
	int left;
	CURLMsg *m;

	while ((m = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct slot *s = NULL;

		if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &s) != CURLE_OK)
			continue;
		s->result = m->data.result;
		s->running = false;
		curl_multi_remove_handle(h->multi, s->easy);
	}
}

static dske_rc step(struct http *h)
{
	int running;
	CURLMcode code = curl_multi_perform(h->multi, &running);

	if (code == CURLM_OK) {
		collect(h);
		if (running > 0)
			code = curl_multi_poll(h->multi, NULL, 0, POLL_MS, NULL);
	}
	return code == CURLM_OK ? DSKE_OK : FAIL(IO, "libcurl: %s", curl_multi_strerror(code));
}

/* A failed transfer in our words. */
static dske_rc tell(const struct http *h, const struct slot *s)
{
	const char *url = h->conf->url, *why = s->why[0] != '\0' ? s->why : curl_easy_strerror(s->result);

	switch (s->result) {
	case CURLE_OK:
		return DSKE_OK;
	case CURLE_OPERATION_TIMEDOUT:
		return FAIL(TIMEOUT, "the KME at %s gives no answer: %s", url, why);
	case CURLE_WRITE_ERROR:
		if (s->overflow)
			return FAIL(TOOBIG, "the KME at %s answers with more than %zu bytes, which nobody asked for", url, s->answer.len);
		return FAIL(IO, "the KME at %s: %s", url, why);
	case CURLE_PEER_FAILED_VERIFICATION:
		return FAIL(DENIED, "whoever listens at %s is not the KME that 'ca' vouches for: %s", url, why);
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return FAIL(DENIED, "[qkd %s]: certificate, key or ca cannot be used: %s", h->conf->name, why);
	case CURLE_SSL_CONNECT_ERROR:
		return FAIL(DENIED, "no TLS with the KME at %s (does it know our certificate?): %s", url, why);
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		return FAIL(CLOSED, "the KME at %s broke off: %s", url, why);
	default:
		return FAIL(UNREACHABLE, "the KME at %s cannot be reached: %s", url, why);
	}
}

dske_rc http_wait(struct http *h, unsigned slot, struct http_answer *out)
{
	struct slot *s = &h->slot[slot];

	while (s->running)
		TRY(step(h));
	TRY(tell(h, s));
	*out = (struct http_answer){.body = s->answer.data, .body_len = s->len};
	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &out->status);
	return DSKE_OK;
}
