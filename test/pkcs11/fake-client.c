/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/pkcs11/fake-client.c - client/client.h without hubs, tables or a network, for tests of the token
 * alone.  Configuration and peers are the real ones.  Keys follow from the two clients' IDs, the key ID
 * or context, and the length, so that two processes agree; nothing about them is secret.
 *
 * DSKE_FAKE, blank-separated words:
 *	too-few   client_agree fails as if two of three hubs were away
 *	too-long  ... or as if the peer had agreed on a key that has to go to a file
 *	slow      client_agree takes a second, unless it is cancelled
 *	broken    the second table is damaged
 *	pulled    the third table's medium is away
 *	low       the second table is low
 *	sinking   ... and an exchange has found it so
 *	killed    the process dies once the key was to be kept, as if on its way to tell the hubs
 *	unkept    client_agree fails after the key was kept
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"

#define HUBS 3
#define TABLE_BYTES 1000000u

struct client {
	struct config config;
};

static bool told(const char *word)
{
	const char *all = getenv("DSKE_FAKE");

	return all != NULL && strstr(all, word) != NULL;
}

dske_rc client_open(struct client **out, const char *conf_path)
{
	struct client *c = calloc(1, sizeof *c);

	*out = NULL;
	if (c == NULL)
		return rc_make(DSKE_RC_NOMEM);
	dske_rc rc = config_read(&c->config, conf_path);
	if (!rc_ok(rc)) {
		free(c);
		return rc;
	}
	*out = c;
	return DSKE_OK;
}

void client_close(struct client *c)
{
	if (c == NULL)
		return;
	config_drop(&c->config);
	free(c);
}

const struct config *client_config(const struct client *c)
{
	return &c->config;
}

dske_rc client_refresh(struct client *c)
{
	(void)c;
	return DSKE_OK;
}

dske_rc client_peers(struct client *c, struct peers *out)
{
	return peers_read(out, &c->config);
}

static void fake_hub(struct client_hub *h, unsigned i, const struct config *c)
{
	snprintf(h->name, sizeof h->name, "hub%u", i + 1);
	snprintf(h->address, sizeof h->address, "127.0.0.1:%u", 7001 + i);
	memset(h->hub.b, (int)(0x10 * (i + 1)), sizeof h->hub.b);
	memset(h->table.b, (int)(0x11 * (i + 1)), sizeof h->table.b);
	h->table.b[ID_LEN - 1] = c->id.b[0];
	h->status = (struct table_status){.state = TABLE_ACTIVE,
					  .up_left = TABLE_BYTES - i,
					  .up_len = TABLE_BYTES,
					  .down_left = TABLE_BYTES / 2,
					  .down_len = TABLE_BYTES,
					  .clone_alarms = i,
					  .supply.lasts_s = i == 1 ? 777600 : SUPPLY_UNKNOWN};
	h->low = i == 1 && (told("low") || told("sinking"));
	h->is_absent = i == 2 && told("pulled");
	if (h->is_absent)
		h->rc = FAIL(NOT_FOUND, "the medium is not there");
	if (i == 1 && told("broken")) {
		h->rc = FAIL(CORRUPT, "no record of its ledger verifies");
		snprintf(h->detail, sizeof h->detail, "%s", rc_detail(h->rc));
	}
}

dske_rc client_hubs(struct client *c, struct client_hub **out, size_t *count)
{
	*out = calloc(HUBS, sizeof **out);
	if (*out == NULL)
		return rc_make(DSKE_RC_NOMEM);
	for (unsigned i = 0; i < HUBS; i++)
		fake_hub(&(*out)[i], i, &c->config);
	*count = HUBS;
	return DSKE_OK;
}

dske_rc client_presence(struct client *c, struct table_presence **out, size_t *count)
{
	struct client_hub h = {0};

	*out = calloc(HUBS, sizeof **out);
	if (*out == NULL)
		return rc_make(DSKE_RC_NOMEM);
	for (unsigned i = 0; i < HUBS; i++) {
		fake_hub(&h, i, &c->config);
		(*out)[i].table = h.table;
		(*out)[i].is_absent = h.is_absent;
		(*out)[i].is_low = h.low && told("sinking");
	}
	*count = HUBS;
	return DSKE_OK;
}

dske_rc client_unlock(struct client *c, const struct secret *key)
{
	(void)c, (void)key;
	return DSKE_OK;
}

void client_relock(struct client *c)
{
	(void)c;
}

void agree_result_drop(struct agree_result *r)
{
	secret_drop(&r->key);
	report_drop(&r->report);
}

/* Mixes bytes into a state; splitmix64's finisher gives the key's bytes from it. */
static void mix(uint64_t *state, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		*state = (*state ^ p[i]) * 0x100000001b3u;
}

static uint8_t mixed_byte(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	uint64_t z = *state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint8_t)(z >> 56);
}

static dske_rc fake_report(struct report *r, bool failed)
{
	r->hub = calloc(HUBS, sizeof *r->hub);
	if (r->hub == NULL)
		return rc_make(DSKE_RC_NOMEM);
	r->count = HUBS;
	for (unsigned i = 0; i < HUBS; i++) {
		snprintf(r->hub[i].name, sizeof r->hub[i].name, "hub%u", i + 1);
		snprintf(r->hub[i].address, sizeof r->hub[i].address, "127.0.0.1:%u", 7001 + i);
		if (failed && i > 0) {
			r->hub[i].rc = FAIL(UNREACHABLE, "connection refused");
			snprintf(r->hub[i].detail, sizeof r->hub[i].detail, "connection refused");
		}
	}
	if (failed)
		snprintf(r->advice, sizeof r->advice, "start hub2 or hub3, or see `dske hub status`");
	return DSKE_OK;
}

static dske_rc fake_wait(const struct agree_request *q)
{
	int steps = told("stuck") ? 1000 : told("slow") ? 100 : 0; /* of a hundredth of a second */
	for (int i = 0; i < steps; i++) {
		if (q->cancelled != NULL && *q->cancelled)
			return rc_make(DSKE_RC_CANCELLED);
		usleep(10000);
	}
	return DSKE_OK;
}

static dske_rc fake_keep(const struct agree_request *q, const struct agree_result *r)
{
	if (q->keep != NULL)
		TRY(q->keep(q->keep_context, r));
	if (told("killed"))
		_exit(0);
	return told("unkept") ? FAIL(SYNC, "the key's name could not be entered") : DSKE_OK;
}

dske_rc client_agree(struct client *c, const struct agree_request *q, struct agree_result *r)
{
	AUTO(peers) known = {0};
	uint64_t state = 0xcbf29ce484222325u;

	TRY(peers_read(&known, &c->config));
	const struct peer *p = peers_by_name(&known, q->peer);
	if (p == NULL)
		return FAIL(NOT_FOUND, "no peer has the name %s", q->peer);
	TRY(fake_wait(q));
	TRY(fake_report(&r->report, told("too-few")));
	if (told("too-few"))
		return FAIL(TOO_FEW, "1 of 3 hubs answered, 2 are needed");
	if (told("too-long"))
		return FAIL(TOOBIG, "the peer agreed on a key that has to go to a file");
	r->initiated = id_compare(&c->config.id, &p->id) < 0;
	r->initiator = r->initiated ? c->config.id : p->id;
	r->peer = p->id;
	r->confirmed = q->confirm;
	r->n = HUBS;
	r->k = q->k != 0 ? q->k : 2;
	r->scheme = q->scheme == SCHEME_COUNT ? SCHEME_SHAMIR : q->scheme;
	mix(&state, &r->initiator, sizeof r->initiator);
	mix(&state, r->initiated ? p->id.b : c->config.id.b, ID_LEN);
	mix(&state, q->context, q->context_len);
	if (q->has_key_id)
		mix(&state, q->key_id.b, ID_LEN);
	r->key_id = q->key_id;
	for (int i = 0; i < ID_LEN && !q->has_key_id; i++)
		r->key_id.b[i] = mixed_byte(&state);
	TRY(secret_alloc(&r->key, q->key_len != 0 ? q->key_len : 32));
	for (size_t i = 0; i < r->key.len; i++)
		r->key.data[i] = mixed_byte(&state);
	return fake_keep(q, r);
}
