/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/keystream.c - requests kept under way, and their keys given out byte by byte. */
#include "config.h"

#include "pskm/keystream.h"

#include <stdlib.h>
#include <string.h>

dske_rc keystream_init(struct keystream *k, const struct key_link *link, uint64_t total, keystream_ids *known, void *context)
{
	*k = (struct keystream){.link = link, .total = total, .known = known, .context = context};
	if (total > KEYSTREAM_KEYS_MOST)
		return FAIL(ARGS, "%llu keys of %zu bits are more than the %llu that one PSKM may have: take larger keys, or make "
			    "several PSKMs", (unsigned long long)total, 8 * link->key_len, (unsigned long long)KEYSTREAM_KEYS_MOST);
	TRY(repeats_init(&k->seen));
	return secret_alloc(&k->batch, link->batch * link->key_len);
}

void keystream_drop(struct keystream *k)
{
	secret_drop(&k->batch);
	free(k->ids);
	health_drop(&k->health);
	repeats_drop(&k->seen);
	*k = (struct keystream){.link = NULL};
}

static size_t next_batch(const struct keystream *k, uint64_t done)
{
	uint64_t left = k->total - done;

	return left < k->link->batch ? (size_t)left : k->link->batch;
}

/* ---- asking --------------------------------------------------------------------------------------- */

static dske_rc ask_known(struct keystream *k, size_t number)
{
	struct id *ids = calloc(number, sizeof *ids);

	if (ids == NULL)
		return rc_make(DSKE_RC_NOMEM);
	dske_rc rc = k->known(k->context, k->asked, number, ids);
	if (rc_ok(rc))
		rc = k->link->ask(k->link->context, ids, number);
	free(ids);
	return rc;
}

static dske_rc ask_on(struct keystream *k)
{
	while (k->asked < k->total && k->link->has_room(k->link->context)) {
		size_t number = next_batch(k, k->asked);

		TRY(k->known != NULL ? ask_known(k, number) : k->link->ask(k->link->context, NULL, number));
		k->asked += number;
	}
	return DSKE_OK;
}

/* ---- testing what came ---------------------------------------------------------------------------- */

static dske_rc enter(struct keystream *k, const void *bytes, size_t len, const char *what)
{
	bool before = false;

	TRY(repeats_enter(&k->seen, bytes, len, &before));
	return before ? FAIL(FORMAT, "the KME gave one %s twice; no byte of a table may be there twice", what) : DSKE_OK;
}

static dske_rc test_keys(struct keystream *k, const struct id *ids, size_t number)
{
	size_t len = k->link->key_len;

	for (size_t i = 0; i < number; i++) {
		TRY(enter(k, &ids[i], sizeof ids[i], "key ID"));
		TRY(enter(k, k->batch.data + i * len, len, "key"));
	}
	enum health_verdict v = health_take(&k->health, k->batch.data, number * len);
	if (v == HEALTH_GOOD)
		return DSKE_OK;
	return FAIL(IO, "what the QKD link gives %s, at byte %llu; nothing of it is used", health_verdict_text(v),
		    (unsigned long long)k->health.seen);
}

/* ---- taking --------------------------------------------------------------------------------------- */

static dske_rc reserve_ids(struct keystream *k, size_t number)
{
	if (k->ids_count + number <= k->ids_cap)
		return DSKE_OK;
	size_t cap = 2 * (k->ids_count + number);
	struct id *grown = reallocarray(k->ids, cap, sizeof *grown);
	if (grown == NULL)
		return rc_make(DSKE_RC_NOMEM);
	k->ids = grown;
	k->ids_cap = cap;
	return DSKE_OK;
}

/* Room for the IDs is behind those that nobody fetched yet; known ones are looked at there and forgotten. */
static dske_rc take_batch(struct keystream *k)
{
	size_t number = next_batch(k, k->taken);

	if (number == 0)
		return FAIL(STATE, "the QKD link's keys are used up"); /* more bytes than keystream_init was told */
	TRY(ask_on(k));
	TRY(reserve_ids(k, number));
	struct id *ids = k->ids + k->ids_count;
	TRY(k->link->take(k->link->context, k->known != NULL ? NULL : ids, k->batch.data));
	if (k->known != NULL)
		TRY(k->known(k->context, k->taken, number, ids));
	TRY(test_keys(k, ids, number));
	if (k->known == NULL)
		k->ids_count += number;
	k->taken += number;
	k->at = 0;
	k->len = number * k->link->key_len;
	return ask_on(k);
}

dske_rc keystream_fill(void *context, void *out, size_t len)
{
	struct keystream *k = context;
	uint8_t *to = out;

	while (len > 0) {
		if (k->at == k->len)
			TRY(take_batch(k));
		size_t part = k->len - k->at < len ? k->len - k->at : len;
		memcpy(to, k->batch.data + k->at, part);
		mem_wipe(k->batch.data + k->at, part);
		k->at += part;
		to += part;
		len -= part;
	}
	return DSKE_OK;
}

void keystream_take_ids(struct keystream *k, size_t number, struct id *out)
{
	if (number > k->ids_count)
		number = k->ids_count;
	memcpy(out, k->ids, number * sizeof *out);
	k->ids_count -= number;
	memmove(k->ids, k->ids + number, k->ids_count * sizeof *k->ids);
}
