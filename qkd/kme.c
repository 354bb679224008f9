/* SPDX-License-Identifier: Apache-2.0 */
/* qkd/kme.c - a ring of requests, answered in order; three resources, two of them for keys. */
#include "config.h"

#include "qkd/kme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/net.h"
#include "base/secret.h"
#include "qkd/http.h"

#define PATH_ROOM (sizeof((struct qkdconf *)0)->peer + 32)
#define REQUEST_MOST (QKDCONF_PER_REQUEST_MOST * (UUID_TEXT_LEN + 16) + 64)
#define PAUSE_MS 500 /* before a KME that has no keys is asked again */

enum { HTTP_OK = 200, HTTP_BAD_REQUEST = 400, HTTP_UNAUTHORIZED = 401, HTTP_FORBIDDEN = 403, HTTP_NOT_READY = 503 };

struct request {
	const char *what; /* the resource; static */
	struct id *ids;   /* owned; NULL: fresh keys */
	size_t number;
};

struct kme {
	const struct qkdconf *conf;
	struct http *http;
	struct kme_status status;
	struct request ring[HTTP_SLOTS]; /* request i is in slot i */
	unsigned first, count;
	int64_t given_ms; /* when it last gave something */
};

const struct kme_status *kme_status(const struct kme *k)
{
	return &k->status;
}

size_t kme_key_len(const struct kme *k)
{
	return k->conf->key_bits / 8;
}

size_t kme_batch(const struct kme *k)
{
	return k->status.max_key_per_request < k->conf->per_request ? (size_t)k->status.max_key_per_request
								    : k->conf->per_request;
}

bool kme_has_room(const struct kme *k)
{
	return k->count < HTTP_SLOTS;
}

/* ---- requests ------------------------------------------------------------------------------------- */

static void write_ids(struct buf *b, const struct request *r)
{
	char uuid[UUID_TEXT_LEN + 1], item[UUID_TEXT_LEN + 32];

	buf_put(b, "{\"key_IDs\":[", 12);
	for (size_t i = 0; i < r->number; i++) {
		int len = snprintf(item, sizeof item, "%s{\"key_ID\":\"%s\"}", i > 0 ? "," : "", uuid_text(&r->ids[i], uuid));

		buf_put(b, item, (size_t)len);
	}
	buf_put(b, "]}", 2);
}

static void write_wanted(struct buf *b, const struct kme *k, const struct request *r)
{
	char text[64];
	int len = snprintf(text, sizeof text, "{\"number\":%zu,\"size\":%u}", r->number, k->conf->key_bits);

	buf_put(b, text, (size_t)len);
}

static struct answer_wanted wanted_of(const struct kme *k, const struct request *r)
{
	return (struct answer_wanted){.number = r->number, .key_len = kme_key_len(k)};
}

static dske_rc get_status(struct kme *k)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof path, "/api/v1/keys/%s/status", k->conf->peer);
	return http_start(k->http, 0, path, NULL, ANSWER_SMALL_ROOM);
}

/* Sends a slot's request, the first time or again. */
static dske_rc send_request(struct kme *k, unsigned slot)
{
	const struct request *r = &k->ring[slot];
	const struct answer_wanted wanted = wanted_of(k, r);
	char path[PATH_ROOM];
	AUTO(buf) body = {0};

	snprintf(path, sizeof path, "/api/v1/keys/%s/%s", k->conf->peer, r->what);
	buf_heap(&body, REQUEST_MOST);
	if (r->ids != NULL)
		write_ids(&body, r);
	else
		write_wanted(&body, k, r);
	buf_put_u8(&body, 0);
	TRY(buf_rc(&body));
	return http_start(k->http, slot, path, (const char *)body.data, answer_keys_room(&wanted));
}

dske_rc kme_ask(struct kme *k, const struct id *ids, size_t number)
{
	unsigned slot = (k->first + k->count) % HTTP_SLOTS;
	struct request *r = &k->ring[slot];

	if (!kme_has_room(k) || number == 0 || number > QKDCONF_PER_REQUEST_MOST)
		return rc_make(DSKE_RC_ARGS);
	*r = (struct request){.what = ids != NULL ? "dec_keys" : "enc_keys", .number = number};
	if (ids != NULL) {
		r->ids = malloc(number * sizeof *ids);
		if (r->ids == NULL)
			return rc_make(DSKE_RC_NOMEM);
		memcpy(r->ids, ids, number * sizeof *ids);
	}
	if (k->count++ == 0)
		k->given_ms = clock_ms();
	return send_request(k, slot);
}

static void forget_first(struct kme *k)
{
	http_done(k->http, k->first);
	free(k->ring[k->first].ids);
	k->ring[k->first].ids = NULL;
	k->first = (k->first + 1) % HTTP_SLOTS;
	k->count--;
}

/* ---- answers -------------------------------------------------------------------------------------- */

/* Any answer that is not what we asked for, in the KME's words. */
static dske_rc refusal(const struct kme *k, const char *what, const struct http_answer *a)
{
	char message[ANSWER_MESSAGE_MAX + 1];
	const char *url = k->conf->url, *says = answer_message(message, a->body, a->body_len);

	if (says[0] == '\0')
		says = "without a message";
	if (a->status == HTTP_UNAUTHORIZED || a->status == HTTP_FORBIDDEN)
		return FAIL(DENIED, "the KME at %s does not serve us (status %ld): %s; is our certificate the SAE's that it knows?",
			    url, a->status, says);
	if (a->status == HTTP_BAD_REQUEST)
		return FAIL(REFUSED, "the KME at %s refuses %s for the SAE %s: %s", url, what, k->conf->peer, says);
	if (a->status == HTTP_NOT_READY)
		return FAIL(TIMEOUT, "the KME at %s has had no keys for %lld s: %s", url, (long long)k->conf->timeout_ms / 1000, says);
	return FAIL(REFUSED, "the KME at %s answers %s with status %ld: %s", url, what, a->status, says);
}

static void pause_ms(int64_t ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&t, NULL);
}

/* The oldest request's answer, once there is one with keys. */
static dske_rc await_first(struct kme *k, struct http_answer *a)
{
	for (;;) {
		TRY(http_wait(k->http, k->first, a));
		if (a->status == HTTP_OK)
			break;
		if (a->status != HTTP_NOT_READY || clock_ms() - k->given_ms + PAUSE_MS > k->conf->timeout_ms)
			return refusal(k, k->ring[k->first].what, a);
		pause_ms(PAUSE_MS);
		TRY(send_request(k, k->first));
	}
	k->given_ms = clock_ms();
	return DSKE_OK;
}

/* Key j of the answer is the one with our ID at place *to. */
static dske_rc match(const struct request *r, const struct id *id, size_t *to)
{
	char uuid[UUID_TEXT_LEN + 1];

	for (*to = 0; *to < r->number; ++*to) {
		if (id_equal(&r->ids[*to], id))
			return DSKE_OK;
	}
	return FAIL(FORMAT, "the KME's answer has a key %s that nobody asked for", uuid_text(id, uuid));
}

/* A KME may answer in another order.  No ID is there twice, and as many as we asked for: so all of ours are there, if
 * each is one of ours. */
static dske_rc sort_keys(const struct request *r, size_t key_len, const struct id *ids, const uint8_t *from, uint8_t *keys)
{
	size_t to = 0;

	for (size_t j = 0; j < r->number; j++) {
		TRY(match(r, &ids[j], &to));
		memcpy(keys + to * key_len, from + j * key_len, key_len);
	}
	return DSKE_OK;
}

static dske_rc take_named(struct kme *k, struct http_answer *a, uint8_t *keys)
{
	const struct request *r = &k->ring[k->first];
	const struct answer_wanted wanted = wanted_of(k, r);
	struct id ids[QKDCONF_PER_REQUEST_MOST];
	AUTO(secret) unsorted = {0};

	TRY(secret_alloc(&unsorted, wanted.number * wanted.key_len));
	TRY(answer_keys(&wanted, a->body, a->body_len, ids, unsorted.data));
	return sort_keys(r, wanted.key_len, ids, unsorted.data, keys);
}

static dske_rc take_first(struct kme *k, struct id *ids, uint8_t *keys)
{
	const struct answer_wanted wanted = wanted_of(k, &k->ring[k->first]);
	struct http_answer a;

	TRY(await_first(k, &a));
	return ids != NULL ? answer_keys(&wanted, a.body, a.body_len, ids, keys) : take_named(k, &a, keys);
}

dske_rc kme_take(struct kme *k, struct id *ids, uint8_t *keys)
{
	if (k->count == 0 || (ids == NULL) != (k->ring[k->first].ids != NULL))
		return rc_make(DSKE_RC_ARGS);
	dske_rc rc = take_first(k, ids, keys);
	forget_first(k);
	return rc;
}

/* ---- opening -------------------------------------------------------------------------------------- */

static dske_rc check_status(const struct kme *k)
{
	const struct kme_status *s = &k->status;

	if (k->conf->key_bits < s->min_key_size || k->conf->key_bits > s->max_key_size)
		return FAIL(CONFIG, "[qkd %s]: key_size = %u, but the KME gives keys of %llu to %llu bits", k->conf->name,
			    k->conf->key_bits, (unsigned long long)s->min_key_size, (unsigned long long)s->max_key_size);
	if (s->max_key_per_request == 0)
		return FAIL(FORMAT, "the KME at %s says that it gives 0 keys a request", k->conf->url);
	return DSKE_OK;
}

static dske_rc open_status(struct kme *k)
{
	struct http_answer a;

	TRY(get_status(k));
	TRY(http_wait(k->http, 0, &a));
	if (a.status != HTTP_OK)
		return refusal(k, "status", &a);
	TRY(answer_status(&k->status, a.body, a.body_len));
	http_done(k->http, 0);
	return check_status(k);
}

dske_rc kme_open(struct kme **out, const struct qkdconf *conf)
{
	*out = NULL;
	struct kme *k = calloc(1, sizeof *k);
	if (k == NULL)
		return rc_make(DSKE_RC_NOMEM);
	k->conf = conf;
	dske_rc rc = http_open(&k->http, conf);
	if (rc_ok(rc))
		rc = open_status(k);
	if (!rc_ok(rc)) {
		kme_close(k);
		return rc;
	}
	*out = k;
	return DSKE_OK;
}

void kme_close(struct kme *k)
{
	if (k == NULL)
		return;
	http_close(k->http);
	for (unsigned i = 0; i < HTTP_SLOTS; i++)
		free(k->ring[i].ids);
	free(k);
}
