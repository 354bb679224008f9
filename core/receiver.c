/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/receiver.c - the receiver: what it accepts, shares grouped by tuple, and the conclusion
 * (DSKE 2.3.2 to 2.4).
 *
 * Any hub may say anything, so memory is bounded by the receiver's own list: each acceptable hub takes
 * part in at most TUPLES_PER_HUB groups, with one share in each.
 */
#include "core/agree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/candidate.h"

#define TUPLES_PER_HUB 4 /* an honest hub takes part in one */
#define BYTES_PER_HUB ((size_t)KEY_TAG_KEY_LEN + CONFIRM_MASK_LEN + KEY_PART_LEN) /* in memory: the longest share */

struct receiver {
	struct id self, initiator;
	struct acceptance accepts; /* hubs owned */
	const struct share_source *source; /* borrowed; of long keys' shares */
	size_t group_count;
	struct share_group **group; /* owned; room for TUPLES_PER_HUB a hub */
	struct share_group *concluded; /* the group whose key was taken, or NULL */
	struct share_group *kept;      /* ... at the last conclusion that gave one: a later one may fail, and the key stays */
	bool is_fixed;                 /* a key was taken, and this is its name: others are other keys */
	struct id fixed;
	size_t aside_count;            /* names of keys that are not final yet */
	struct id aside[RECEIVER_ASIDE_MOST];
	uint8_t mask[CONFIRM_MASK_LEN]; /* d' of that key, if it has one */
};

dske_rc acceptance_check(const struct acceptance *a, const struct terms *t)
{
	size_t known = 0;

	/* DSKE 2.3.2: "n and k ... are each in an acceptable range (in particular that k_B <= k <= n ...)" */
	if (t->k < a->k_min)
		return FAIL(DENIED, "k = %d is below the least accepted, %d", t->k, a->k_min);
	if (a->k_max != 0 && t->k > a->k_max)
		return FAIL(DENIED, "k = %d is above the most accepted, %d", t->k, a->k_max);
	if (t->n < a->n_min || t->n > a->n_max)
		return FAIL(DENIED, "n = %d is outside the accepted range, %d to %d", t->n, a->n_min, a->n_max);
	if (t->k > t->n)
		return FAIL(DENIED, "k = %d is above n = %d", t->k, t->n);
	for (size_t i = 0; i < a->hub_count; i++)
		known += terms_hub_index(t, &a->hubs[i]) >= 0;
	if (known < t->k)
		return FAIL(DENIED, "%zu of the %d hubs named are acceptable, k = %d are needed", known, t->n, t->k);
	return DSKE_OK;
}

dske_rc receiver_new(struct receiver **out, const struct id *self, const struct id *initiator,
		     const struct acceptance *a)
{
	struct receiver *r = calloc(1, sizeof *r);
	struct id *hubs = calloc(a->hub_count + 1, sizeof *hubs);
	struct share_group **group = calloc(a->hub_count + 1, TUPLES_PER_HUB * sizeof(struct share_group *));

	if (!r || !hubs || !group) {
		free(r);
		free(hubs);
		free(group);
		return rc_make(DSKE_RC_NOMEM);
	}
	if (a->hub_count > 0)
		memcpy(hubs, a->hubs, a->hub_count * sizeof *hubs);
	r->self = *self;
	r->initiator = *initiator;
	r->accepts = *a;
	r->accepts.hubs = hubs;
	r->group = group;
	*out = r;
	return DSKE_OK;
}

void receiver_free(struct receiver *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->group_count; i++)
		share_group_free(r->group[i]);
	free(r->group);
	free((struct id *)(uintptr_t)r->accepts.hubs);
	mem_wipe(r->mask, sizeof r->mask);
	free(r);
}

/* ---- offers ------------------------------------------------------------------------------------- */

static bool hub_accepted(const struct receiver *r, const struct id *hub)
{
	for (size_t i = 0; i < r->accepts.hub_count; i++)
		if (id_equal(&r->accepts.hubs[i], hub))
			return true;
	return false;
}

void receiver_set_source(struct receiver *r, const struct share_source *source)
{
	r->source = source;
}

dske_rc receiver_accepts(const struct receiver *r, const struct id *hub, const struct terms *t)
{
	char hex[ID_HEX_LEN];

	/* DSKE 2.3.2: "B checks that the P_i are members of an acceptable set" */
	if (!hub_accepted(r, hub))
		return FAIL(DENIED, "hub %s is not acceptable here", id_hex(hub, hex));
	TRY(terms_check(t));
	if (t->scheme == SCHEME_ADAPTED)
		return FAIL(DENIED, "hub %s sent a share of a second pass, which no key tag confirms", id_hex(hub, hex));
	if (!id_equal(&t->initiator, &r->initiator))
		return FAIL(DENIED, "hub %s sent a share of another initiator", id_hex(hub, hex));
	if (terms_receiver_index(t, &r->self) < 0)
		return FAIL(DENIED, "hub %s sent a share for others", id_hex(hub, hex));
	if (terms_hub_index(t, hub) < 0)
		return FAIL(DENIED, "hub %s is not among the hubs of its own share", id_hex(hub, hex));
	return acceptance_check(&r->accepts, t);
}

static dske_rc offer_check(const struct receiver *r, const struct id *hub, const struct terms *t,
			   const struct secret *share)
{
	char hex[ID_HEX_LEN];

	TRY(receiver_accepts(r, hub, t));
	if (share->len != terms_share_len(t))
		return FAIL(FORMAT, "hub %s sent a share of %zu bytes, not %zu", id_hex(hub, hex), share->len,
			    terms_share_len(t));
	return DSKE_OK;
}

static struct share_group *group_find(const struct receiver *r, const struct terms *t)
{
	for (size_t i = 0; i < r->group_count; i++)
		if (terms_equal(&r->group[i]->terms, t))
			return r->group[i];
	return NULL;
}

/* This hub's share in this group, or NULL. */
static struct held_share *share_of(struct share_group *g, const struct id *hub)
{
	int index = terms_hub_index(&g->terms, hub);

	return index < 0 ? NULL : share_group_find(g, (uint8_t)(index + 1));
}

static size_t tuples_of(const struct receiver *r, const struct id *hub)
{
	size_t count = 0;

	for (size_t i = 0; i < r->group_count; i++)
		count += share_of(r->group[i], hub) != NULL;
	return count;
}

/* Locked memory is scarce: a hub that invents terms shall not leave secrets of others without. */
static dske_rc room_check(const struct receiver *r, const struct id *hub, size_t len)
{
	char hex[ID_HEX_LEN];
	size_t held = 0;

	for (size_t i = 0; i < r->group_count; i++) {
		const struct held_share *share = share_of(r->group[i], hub);
		held += share && !r->group[i]->is_aside ? share->bytes.len : 0;
	}
	if (held == 0 || held + len <= BYTES_PER_HUB)
		return DSKE_OK;
	return FAIL(TOOBIG, "hub %s sent shares of several agreements that are longer together than the longest one", id_hex(hub, hex));
}

/* The group that the hub's share joins: *g, or a new one. */
static dske_rc group_join(struct receiver *r, struct share_group **g, const struct terms *t, const struct id *hub,
			  const struct share_source *source)
{
	char hex[ID_HEX_LEN];

	if (tuples_of(r, hub) >= TUPLES_PER_HUB)
		return FAIL(DENIED, "hub %s sent shares of more than %d different agreements", id_hex(hub, hex),
			    TUPLES_PER_HUB);
	if (!*g) {
		TRY(share_group_new(g, t, source));
		r->group[r->group_count++] = *g;
	}
	return DSKE_OK;
}

dske_rc receiver_offer(struct receiver *r, const struct id *hub, const struct terms *t, struct secret *share)
{
	char hex[ID_HEX_LEN];

	TRY(offer_check(r, hub, t, share));
	struct share_group *g = group_find(r, t);
	struct held_share *held = g ? share_of(g, hub) : NULL;

	if (!held) {
		TRY(room_check(r, hub, share->len));
		TRY(group_join(r, &g, t, hub, NULL));
		return share_group_add(g, (uint8_t)(terms_hub_index(t, hub) + 1), share);
	}
	if (held->bytes.data && mem_equal(held->bytes.data, share->data, share->len))
		return FAIL(EXISTS, "hub %s sent its share again", id_hex(hub, hex));
	return FAIL(DENIED, "hub %s sent two different shares of one agreement; the first counts",
		    id_hex(hub, hex));
}

dske_rc receiver_offer_number(struct receiver *r, const struct id *hub, const struct terms *t, size_t number)
{
	char hex[ID_HEX_LEN];

	TRY(receiver_accepts(r, hub, t));
	struct share_group *g = group_find(r, t);

	if (g && share_of(g, hub))
		return FAIL(EXISTS, "hub %s sent a share of this agreement before", id_hex(hub, hex));
	TRY(group_join(r, &g, t, hub, r->source));
	return share_group_add_number(g, (uint8_t)(terms_hub_index(t, hub) + 1), number);
}

static void group_drop(struct receiver *r, size_t at)
{
	r->concluded = r->concluded == r->group[at] ? NULL : r->concluded;
	r->kept = r->kept == r->group[at] ? NULL : r->kept;
	share_group_free(r->group[at]);
	r->group_count--;
	memmove(&r->group[at], &r->group[at + 1], (r->group_count - at) * sizeof(struct share_group *));
}

void receiver_forget(struct receiver *r, const struct id *hub, const struct terms *t)
{
	for (size_t i = 0; i < r->group_count; i++) {
		struct share_group *g = r->group[i];
		int index = terms_hub_index(t, hub);

		if (index < 0 || !terms_equal(&g->terms, t))
			continue;
		share_group_remove(g, (uint8_t)(index + 1));
		if (g->count == 0)
			group_drop(r, i);
		return;
	}
}

/* ---- conclusion --------------------------------------------------------------------------------- */

/* The groups without a key, of which the one nearest to a key tells the story. */
struct tally {
	int code;
	char sentence[200];
};

static int nearness(int code)
{
	switch (code) {
	case DSKE_RC_TOO_FEW:
		return 1;
	case DSKE_RC_NO_CANDIDATE:
		return 2;
	case DSKE_RC_BUSY:
		return 3;
	default:
		return 0;
	}
}

static void tally_note(struct tally *y, dske_rc rc)
{
	if (nearness(rc.code) <= nearness(y->code))
		return;
	y->code = rc.code;
	snprintf(y->sentence, sizeof y->sentence, "%s", rc_detail(rc));
}

static bool is_aside(const struct receiver *r, const struct id *key_id)
{
	for (size_t i = 0; i < r->aside_count; i++)
		if (id_equal(&r->aside[i], key_id))
			return true;
	return false;
}

/* Keys that wait under other names, in one context, are for later calls: the one whose shares came first is this one's. */
static bool is_of_another_key(const struct receiver *r, const struct share_group *g)
{
	return r->is_fixed ? !id_equal(&r->fixed, &g->terms.key_id) : is_aside(r, &g->terms.key_id);
}

/* Takes a group's key, unless another group of its name gave a different one before. */
static dske_rc key_take(struct receiver *r, struct share_group *g, struct secret *key, struct secret *candidate)
{
	if (!key->data) {
		secret_move(key, candidate);
		r->concluded = g;
		r->fixed = g->terms.key_id;
		r->is_fixed = true;
		return DSKE_OK;
	}
	if (key->len == candidate->len && mem_equal(key->data, candidate->data, key->len))
		return DSKE_OK;
	return FAIL(CONFLICT, "the shares give two valid keys with different terms: no key was taken");
}

static dske_rc groups_search(struct receiver *r, bool final, struct secret *key, struct tally *y)
{
	for (size_t i = 0; i < r->group_count; i++) {
		AUTO(secret) candidate = {0};
		if (is_of_another_key(r, r->group[i]))
			continue;
		dske_rc rc = candidate_search(r->group[i], final, &candidate);

		if (rc_ok(rc))
			TRY(key_take(r, r->group[i], key, &candidate));
		else if (nearness(rc.code) > 0)
			tally_note(y, rc);
		else
			return rc;
	}
	return DSKE_OK;
}

/* What the key tag confirmed is S, or d' || S. */
static dske_rc key_split(struct receiver *r, struct secret *key, struct secret *found)
{
	if (!r->concluded->terms.confirm) {
		secret_move(key, found);
		return DSKE_OK;
	}
	memcpy(r->mask, found->data, sizeof r->mask);
	return secret_from(key, found->data + sizeof r->mask, found->len - sizeof r->mask);
}

const uint8_t *receiver_mask(const struct receiver *r)
{
	return r->mask;
}

dske_rc receiver_conclude(struct receiver *r, bool final, struct secret *key, const struct terms **t)
{
	AUTO(secret) found = {0};
	struct tally y = {.code = DSKE_RC_OK};

	r->concluded = NULL;
	dske_rc rc = groups_search(r, final, &found, &y);
	if (!rc_ok(rc)) {
		r->concluded = NULL;
		return rc;
	}
	if (r->group_count == 0)
		return FAIL(TOO_FEW, "no hub sent an acceptable share");
	if (!r->concluded && y.code == DSKE_RC_OK)
		return FAIL(TOO_FEW, "no hub sent a share of a key that is not known yet");
	if (!r->concluded)
		return rc_fail(y.code, "%s", y.sentence);
	TRY(key_split(r, key, &found));
	r->kept = r->concluded;
	*t = &r->concluded->terms;
	return DSKE_OK;
}

/* ---- keys that are not final yet ---------------------------------------------------------------- */

void receiver_set_aside(struct receiver *r)
{
	if (!r->concluded || r->aside_count == RECEIVER_ASIDE_MOST)
		return;
	r->concluded->is_aside = true;
	r->aside[r->aside_count++] = r->concluded->terms.key_id;
	r->kept = NULL;
	r->concluded = NULL;
	r->is_fixed = false;
}

void receiver_drop_aside(struct receiver *r, const struct id *key_id)
{
	const struct id name = *key_id; /* it may be in what goes */
	size_t kept = 0;

	for (size_t i = 0; i < r->aside_count; i++)
		if (!id_equal(&r->aside[i], &name))
			r->aside[kept++] = r->aside[i];
	r->aside_count = kept;
	for (size_t i = r->group_count; i > 0; i--)
		if (id_equal(&r->group[i - 1]->terms.key_id, &name))
			group_drop(r, i - 1);
}

void receiver_choose(struct receiver *r, const struct id *key_id)
{
	r->fixed = *key_id;
	r->is_fixed = true;
}

enum share_verdict receiver_verdict(const struct receiver *r, const struct id *hub)
{
	const struct held_share *held = r->concluded ? share_of(r->concluded, hub) : NULL;

	if (held)
		return held->verdict;
	return tuples_of(r, hub) > 0 ? SHARE_UNUSED : SHARE_ABSENT;
}

size_t receiver_share_count(const struct receiver *r)
{
	size_t count = 0;

	for (size_t i = 0; i < r->accepts.hub_count; i++)
		count += tuples_of(r, &r->accepts.hubs[i]) > 0;
	return count;
}

dske_rc receiver_key_block(const struct receiver *r, size_t block, uint8_t *out, size_t *len)
{
	if (!r->kept)
		return FAIL(TOO_FEW, "no key was concluded");
	return share_group_key_block(r->kept, block, out, len);
}
