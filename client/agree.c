/* SPDX-License-Identifier: Apache-2.0 */
/* client/agree.c - one key agreement (DSKE 2.3, 2.4): with whom, who begins, and on what terms. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "client/adapted.h"
#include "client/agreement.h"
#include "client/convoy.h"
#include "client/quota.h"

void agree_result_drop(struct agree_result *r)
{
	secret_drop(&r->key);
	report_drop(&r->report);
	*r = (struct agree_result){0};
}

static dske_rc find_group(struct agreement *a, struct client *c)
{
	TRY(group_gather(&a->group, c, a->q));
	a->peer = *group_peer(&a->group);
	a->initiates = group_we_initiate(&a->group);
	return DSKE_OK;
}

/* k_B is the operator's word: an application may ask for more, never for less. */
static uint8_t least_accepted(uint8_t asked, const struct config *config, size_t hubs)
{
	uint8_t least = config_k_b(config, hubs);
	return asked > least ? asked : least;
}

static const char *either(const char *first, const char *second)
{
	return first != NULL ? first : second;
}

/* Where the direct link is: the call's word, else the configuration's. */
static void find_link(struct agreement *a, const struct config *config)
{
	const struct config_peer *p = config_peer(config, a->peer.name);
	bool asked = a->q->direct != NULL || a->q->direct_listen != NULL;
	a->connect = either(a->q->direct, !asked && p != NULL ? p->direct : "");
	a->listen = either(a->q->direct_listen, asked ? "" : config->direct_listen);
}

/* Why the adapted protocol is not possible here; NULL: it is. */
static const char *why_not_adapted(const struct agreement *a)
{
	if (a->confirm)
		return "a key that is to be confirmed takes another scheme than the adapted one";
	if (a->group.count > 1)
		return "the adapted scheme is for one peer, not for a group";
	if (a->key_len > KEY_PART_LEN)
		return "the adapted scheme is for keys of at most 1 MiB";
	if (a->connect[0] == '\0' && a->listen[0] == '\0')
		return "the adapted scheme needs a direct link: set direct in the peer's section, or direct_listen in [client]";
	return NULL;
}

/* What a call asks for in so many words is refused where it cannot be; what the configuration says of all is not. */
static dske_rc settle_scheme(struct agreement *a, const struct config *config)
{
	bool asked = a->q->scheme <= SCHEME_ADAPTED;
	a->scheme = asked ? a->q->scheme : config->scheme;
	find_link(a, config);
	const char *why = a->scheme == SCHEME_ADAPTED && a->initiates ? why_not_adapted(a) : NULL;
	if (why == NULL)
		return DSKE_OK;
	if (asked)
		return FAIL(ARGS, "%s", why);
	a->scheme = SCHEME_SHAMIR;
	snprintf(a->r->fallback, sizeof a->r->fallback, "%s", why);
	return DSKE_OK;
}

/* As with k_B, an application may ask for more than the operator, never for less. */
static bool is_confirmed(const struct agreement *a, const struct config *config)
{
	return a->q->confirm || config->confirm == CONFIRM_ALL || (config->confirm == CONFIRM_GROUPS && a->group.count > 1);
}

static dske_rc settle_terms(struct agreement *a, const struct config *config)
{
	const struct agree_request *q = a->q;
	size_t n = exchange_hubs(&a->x), known = pool_hubs_known(a->x.client);
	a->n = (uint8_t)n;
	a->key_len = q->key_len != 0 || !a->initiates ? q->key_len : config->key_len;
	a->is_named = q->has_key_id;
	a->confirm = is_confirmed(a, config);
	TRY(settle_scheme(a, config));
	a->k = q->k != 0 ? q->k : config_k(config, known);
	if (a->scheme == SCHEME_XOR)
		a->k = a->n;
	a->k_b = least_accepted(q->k, config, known);
	if (a->key_len != 0 && (a->key_len < KEY_LEN_MIN || a->key_len > KEY_LEN_MAX))
		return FAIL(ARGS, "a key of %u bytes: between %u and %u", a->key_len, KEY_LEN_MIN, KEY_LEN_MAX);
	if (a->key_len > KEY_PART_LEN && q->sink == NULL)
		return FAIL(TOOBIG, "a key of %u bytes has to go to a file; %u are possible otherwise", a->key_len, KEY_HELD_MAX);
	if (a->confirm && a->key_len > KEY_PART_LEN - CONFIRM_MASK_LEN)
		return FAIL(ARGS, "a key of %u bytes: one that is confirmed has at most %u", a->key_len, KEY_PART_LEN - CONFIRM_MASK_LEN);
	uint8_t needed = a->initiates ? a->k : a->k_b;
	if (needed > n)
		return FAIL(TOO_FEW, "k = %u, but there are usable tables of %zu hubs only", needed, n);
	return DSKE_OK;
}

/* DSKE 4.1, depletion: quotas of all, and of each pair.  What one key takes of each table is a range. */
static dske_rc use_quota(struct agreement *a, uint32_t key_len, bool charge)
{
	const struct group *g = &a->group;
	bool is_adapted = a->scheme == SCHEME_ADAPTED || a->scheme == SCHEME_FIRST_PASS;
	uint64_t first_pass = (a->initiates && is_adapted) || a->second != NULL
				      ? PAD_KEYS_LEN + KEY_TAG_KEY_LEN + ADAPTED_MATERIAL_LEN(a->n) : 0;
	uint64_t confirming = a->confirm ? PAD_KEYS_LEN + CONFIRM_MASK_LEN : 0;
	uint64_t bytes = (uint64_t)PAD_KEYS_LEN * key_part_count(key_len) + KEY_TAG_KEY_LEN + key_len + confirming + first_pass;
	if (a->initiates)
		return quotas_use(&a->x.client->config, QUOTA_WE_SEND, g->member, g->count, bytes, charge);
	return quotas_use(&a->x.client->config, QUOTA_WE_RECEIVE, &a->peer, 1, bytes, charge);
}

dske_rc agree_admits(struct agreement *a, uint32_t key_len)
{
	return use_quota(a, key_len, false);
}

dske_rc agree_charge(struct agreement *a, uint32_t key_len)
{
	return use_quota(a, key_len, true);
}

dske_rc agree_charge_dealt(struct agreement *a)
{
	return agree_charge(a, a->counted_len != 0 ? a->counted_len : a->key_len);
}

void agree_progress(struct agreement *a)
{
	int64_t timeout = a->q->timeout_ms > 0 ? a->q->timeout_ms : a->x.client->config.timeout_ms;
	a->x.deadline_ms = clock_ms() + timeout;
}

void agree_name_result(struct agree_result *r, const struct terms *t)
{
	r->key_id = t->key_id;
	r->initiator = t->initiator;
	r->n = t->n;
	r->k = t->k;
	r->key_len = t->key_len;
	r->scheme = t->scheme;
	if (t->scheme == SCHEME_ADAPTED)
		adapted_second_id(&r->key_id, &t->key_id); /* its own inverse */
	if (t->scheme == SCHEME_FALLBACK) {
		adapted_fallback_id(&r->key_id, &t->key_id);
		r->scheme = SCHEME_SHAMIR;
	}
}

/* ---- keys of several parts in memory ------------------------------------------------------------------------------ */

static dske_rc hold_bytes(void *context, const uint8_t *bytes, size_t len)
{
	struct held *h = context;
	if (len > h->key.len - h->len)
		return FAIL(TOOBIG, "a key of more bytes than the %zu that were asked for", h->key.len);
	memcpy(h->key.data + h->len, bytes, len);
	h->len += len;
	return DSKE_OK;
}

/* Gathers the key of such a call itself, by a request that says so. */
static dske_rc hold_key(struct agreement *a, struct agree_request *with_sink)
{
	const struct agree_request *q = a->q;
	if (q->sink != NULL || q->key_len <= KEY_PART_LEN || q->key_len > KEY_HELD_MAX)
		return DSKE_OK;
	TRY(secret_alloc(&a->held.key, q->key_len));
	a->held.sink = (struct agree_sink){.context = &a->held, .write = hold_bytes};
	*with_sink = *q;
	with_sink->sink = &a->held.sink;
	a->q = with_sink;
	return DSKE_OK;
}

static dske_rc hand_out_held(struct agreement *a)
{
	struct held *h = &a->held;
	if (a->q->sink != &h->sink)
		return DSKE_OK;
	if (h->len != h->key.len)
		return FAIL(STATE, "%zu of %zu bytes of the key were written", h->len, h->key.len);
	secret_drop(&a->r->key);
	a->r->key = h->key;
	h->key = (struct secret){0};
	return DSKE_OK;
}

dske_rc agree_keep_key(struct agreement *a)
{
	TRY(hand_out_held(a));
	a->r->peer = a->peer.id;
	a->r->initiated = a->initiates;
	if (a->q->keep == NULL)
		return DSKE_OK;
	links_step_out(a->x.set); /* it may take as long as a disk */
	exchange_report(&a->x, &a->r->report, true);
	dske_rc rc = a->q->keep(a->q->keep_context, a->r);
	links_step_in(a->x.set);
	return rc;
}

/* A short key that one message of each hub brings: such calls use links together (client/convoy.h). */
static bool shares_links(const struct agreement *a, const struct config *config)
{
	const struct agree_request *q = a->q;
	enum scheme scheme = q->scheme <= SCHEME_ADAPTED ? q->scheme : config->scheme;
	uint32_t key_len = q->key_len != 0 || !a->initiates ? q->key_len : config->key_len;
	bool is_short = key_len >= KEY_LEN_MIN && key_len <= CONVOY_KEY_MOST && q->sink == NULL;
	return is_short && !is_confirmed(a, config) && scheme <= SCHEME_XOR && (a->initiates || q->has_key_id) &&
	       a->group.left_out_count == 0;
}

/* Where links of its own turn out to be needed: once more, on such. */
static dske_rc play(struct agreement *a, dske_rc (*part)(struct agreement *a))
{
	dske_rc rc = part(a);
	if (!a->needs_own)
		return rc;
	a->needs_own = false;
	TRY(exchange_unshare(&a->x));
	return part(a);
}

static dske_rc agree(struct agreement *a, struct client *c)
{
	TRY(client_check_pid(c));
	TRY(client_refresh(c));
	TRY(find_group(a, c));
	bool shares = shares_links(a, &c->config);
	TRY(exchange_begin_shared(&a->x, c, a->q->timeout_ms, a->q->cancelled, a->group.left_out, a->group.left_out_count,
				  shares, a->initiates ? NULL : &a->q->key_id));
	TRY(settle_terms(a, &c->config));
	TRY(use_quota(a, a->key_len != 0 ? a->key_len : KEY_LEN_MIN, false)); /* charged when it is dealt, or has come */
	if (!a->initiates)
		return play(a, agree_receive);
	if (a->scheme == SCHEME_ADAPTED)
		return adapted_initiate(a);
	return a->key_len > KEY_PART_LEN ? agree_initiate_long(a) : play(a, agree_initiate);
}

dske_rc client_agree(struct client *c, const struct agree_request *q, struct agree_result *r)
{
	struct agreement a = {.q = q, .r = r};
	*r = (struct agree_result){0};
	struct agree_request with_sink;
	dske_rc rc = hold_key(&a, &with_sink);
	if (rc_ok(rc))
		rc = agree(&a, c);
	secret_drop(&a.held.key);
	if (rc_is(rc, DSKE_RC_FORKED)) /* before anything was made */
		return rc;
	if (!rc_ok(rc))
		secret_drop(&r->key);
	r->peer = a.peer.id;
	r->initiated = a.initiates;
	group_drop(&a.group);
	return exchange_end(&a.x, rc, &r->report);
}
