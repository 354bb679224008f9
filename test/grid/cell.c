/* SPDX-License-Identifier: Apache-2.0 */
/* test/grid/cell.c - deals a key, lets hubs be silent and corrupt, and has the receiver conclude. */
#include "test/grid/cell.h"

#include <time.h>

#include "test/core/network.h"

#define FORGED_BYTE 0x5a /* of every key that corrupt hubs make within the initiator's agreement */

struct play {
	const struct cell *cell;
	struct network w;
	uint8_t order[TERMS_HUBS_MAX]; /* of arrival: hubs, the first s of them; the rest are silent */
	bool corrupt[TERMS_HUBS_MAX];
	uint8_t corrupt_x[TERMS_HUBS_MAX]; /* coordinates of the corrupt hubs, ascending */
	struct terms own;                  /* what the corrupt hubs agreed among themselves, k_B < k */
	struct deal own_deal;
	bool has_own;
};

/* ---- who does what ------------------------------------------------------------------------------------- */

static void shuffle(struct seeded *seed, uint8_t *order, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = seeded_below(seed, i);
		uint8_t swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
}

static void roles_draw(struct play *p)
{
	size_t count = 0;

	for (uint8_t i = 0; i < p->cell->n; i++)
		p->order[i] = i;
	shuffle(&p->w.seed, p->order, p->cell->n);
	for (size_t i = 0; i < p->cell->corrupt; i++)
		p->corrupt[p->order[i]] = true;
	for (size_t i = 0; i < p->cell->n; i++)
		if (p->corrupt[i])
			p->corrupt_x[count++] = (uint8_t)(i + 1);
	shuffle(&p->w.seed, p->order, p->cell->s);
}

/* As many of their shares as count: do they give the key? */
static bool leaks(const struct play *p)
{
	size_t count = p->cell->corrupt < p->cell->k ? p->cell->corrupt : p->cell->k;
	const uint8_t *known[TERMS_HUBS_MAX], zero = 0;
	uint8_t *y0 = malloc(p->w.share_len);
	bool equal = false;

	for (size_t i = 0; i < count; i++)
		known[i] = p->w.share[p->corrupt_x[i] - 1];
	if (count > 0) {
		assert_ok(shamir_interpolate(p->corrupt_x, known, count, &zero, &y0, 1, p->w.share_len));
		equal = memcmp(y0 + KEY_TAG_KEY_LEN, p->w.deal.key.data, p->cell->key_len) == 0;
	}
	free(y0);
	return equal;
}

static void corrupt_all(struct play *p)
{
	for (size_t i = 0; i < p->cell->n; i++)
		if (p->corrupt[i])
			seeded_fill(&p->w.seed, p->w.share[i], p->w.share_len);
}

/* k_B corrupt hubs agree a key of their own, under the initiator's name and key ID. */
static void deal_own(struct play *p)
{
	bool use_pad[TERMS_HUBS_MAX] = {false};
	const uint8_t *pads[TERMS_HUBS_MAX] = {NULL};

	p->own = p->w.terms;
	p->own.k = p->cell->k_b;
	for (size_t i = 0; i < p->own.k; i++) {
		size_t hub = p->corrupt_x[i] - 1u;

		use_pad[hub] = true;
		pads[hub] = p->w.pad[hub];
	}
	assert_ok(agree_deal(&p->own_deal, &p->own, pads, use_pad));
	for (size_t i = 0; i < p->own.n; i++)
		memcpy(p->w.share[i], p->corrupt[i] ? use_pad[i] ? p->w.pad[i] : p->own_deal.share[i].data : p->w.share[i],
		       p->w.share_len);
	p->has_own = true;
}

/* What serves them best: a key of their own where they can; else to be consistent with as many as they can, so
 * that the honest ones are not the largest set; else, where too few honest ones are left, anything. */
static void act(struct play *p)
{
	const struct cell *c = p->cell;

	if (c->corrupt == 0)
		return;
	if (c->kind == CELL_HOSTILE && c->corrupt >= c->k)
		network_forge(&p->w, &p->w.terms, p->corrupt_x, c->corrupt, FORGED_BYTE);
	else if (c->kind == CELL_HOSTILE && c->corrupt >= c->k_b)
		deal_own(p);
	else if (c->kind == CELL_HOSTILE && c->s - c->corrupt >= c->k)
		network_shift(&p->w, p->corrupt);
	else
		corrupt_all(p);
}

/* ---- what comes of it ---------------------------------------------------------------------------------- */

static void offer(struct play *p)
{
	for (size_t i = 0; i < p->cell->s; i++) {
		size_t hub = p->order[i];
		const struct terms *t = p->has_own && p->corrupt[hub] ? &p->own : &p->w.terms;

		assert_ok(network_offer_as(&p->w, t, hub, p->w.share[hub], p->w.share_len));
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_theirs(const struct play *p, const struct secret *key)
{
	if (p->has_own)
		return memcmp(key->data, p->own_deal.key.data, key->len) == 0;
	for (size_t i = 0; i < key->len; i++)
		if (key->data[i] != FORGED_BYTE)
			return false;
	return true;
}

static enum cell_outcome conclude(struct play *p)
{
	AUTO(secret) key = {0};
	const struct terms *t = NULL;
	dske_rc rc;

	do
		rc = receiver_conclude(p->w.bob, true, &key, &t);
	while (rc_is(rc, DSKE_RC_BUSY));
	if (!rc_ok(rc))
		return CELL_ABORT;
	assert_int_equal(key.len, p->cell->key_len);
	if (memcmp(key.data, p->w.deal.key.data, key.len) == 0)
		return CELL_KEY;
	return is_theirs(p, &key) ? CELL_INJECTED : CELL_WRONG;
}

struct cell_result cell_run(const struct cell *c)
{
	struct play *p = calloc(1, sizeof *p);
	struct cell_result result;

	assert_non_null(p);
	p->cell = c;
	network_start_as(&p->w, c->seed, c->n, c->k, SCHEME_SHAMIR, c->key_len, c->k_b);
	roles_draw(p);
	result.leaked = leaks(p);
	act(p);
	offer(p);
	double began = now();
	result.outcome = conclude(p);
	result.seconds = now() - began;
	deal_drop(&p->own_deal);
	network_end(&p->w);
	free(p);
	return result;
}

enum cell_outcome cell_predict(const struct cell *c)
{
	bool is_cut_off = c->n - c->s + c->corrupt >= c->n - c->k + 1;

	if (c->kind == CELL_HOSTILE && c->corrupt >= c->k_b)
		return is_cut_off ? CELL_INJECTED : CELL_ABORT;
	return is_cut_off ? CELL_ABORT : CELL_KEY;
}
