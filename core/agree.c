/* SPDX-License-Identifier: Apache-2.0 */
/* core/agree.c - the initiator: shares are dealt from k of its tables, then answers are counted. */
#include "core/agree.h"

#include <string.h>

#include "core/shamir.h"
#include "core/xorshare.h"

#define BLOCK_LEN ((size_t)16 << 10) /* of a share, at a time; a multiple of GF128_LEN, and longer than what is before S */

static dske_rc choose(bool *use_pad, const struct terms *t, const bool *ready, size_t count, uint64_t spread)
{
	size_t ready_count = 0, at, chosen = 0;

	memset(use_pad, 0, t->n * sizeof *use_pad);
	for (size_t i = 0; i < t->n; i++)
		ready_count += ready[i];
	if (ready_count < t->k)
		return FAIL(TOO_FEW, "%zu of the %d hubs can take part, %d are needed", ready_count, t->n, t->k);

	at = (size_t)(spread % t->n);
	while (chosen < count) {
		if (ready[at]) {
			use_pad[at] = true;
			chosen++;
		}
		at = at + 1 < t->n ? at + 1 : 0;
	}
	return DSKE_OK;
}

dske_rc agree_choose(bool *use_pad, const struct terms *t, const bool *ready, uint64_t spread)
{
	return choose(use_pad, t, ready, t->k, spread);
}

dske_rc agree_choose_again(bool *use_pad, const struct terms *t, const bool *ready, uint64_t spread)
{
	return choose(use_pad, t, ready, t->k - 1u, spread);
}

static dske_rc pads_check(const struct terms *t, const uint8_t *const *pads, const bool *use_pad, size_t needed)
{
	size_t count = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (use_pad[i] && !pads[i])
			return FAIL(ARGS, "hub %zu has no pad to be its share", i + 1);
		count += use_pad[i];
	}
	if (count != needed)
		return FAIL(ARGS, "%zu pads were given as shares, k = %d", count, t->k);
	return DSKE_OK;
}

/* What is known of a share, or a part of it, and what is asked for. */
struct points {
	const uint8_t *known[TERMS_HUBS_MAX];
	uint8_t *wanted[TERMS_HUBS_MAX + 1];
	uint8_t known_x[TERMS_HUBS_MAX], wanted_x[TERMS_HUBS_MAX + 1];
	size_t known_count, wanted_count;
};

static void points_want(struct points *p, uint8_t x, uint8_t *out)
{
	p->wanted[p->wanted_count] = out;
	p->wanted_x[p->wanted_count++] = x;
}

static dske_rc points_make(struct points *p, const struct terms *t, const uint8_t *const *pads, const bool *use_pad,
			   const bool *wanted, struct secret *share, size_t len, bool given)
{
	p->known_count = given;
	p->wanted_count = 0;
	if (given)
		p->known_x[0] = 0;
	else
		points_want(p, 0, NULL);
	for (size_t i = 0; i < t->n; i++) {
		if (use_pad[i]) {
			p->known[p->known_count] = pads[i];
			p->known_x[p->known_count++] = (uint8_t)(i + 1);
		} else if (wanted[i]) {
			TRY(secret_alloc(&share[i], len));
			points_want(p, (uint8_t)(i + 1), share[i].data);
		}
	}
	return DSKE_OK;
}

/* DSKE 2.3.1: "she uses these k shares and the secret sharing scheme to construct the remaining n - k".
 * One interpolation gives them and the secret, Y_0, whose bytes go to y0; unless they are `given`, and then they
 * are the first of the known points.  The pointers move on behind the block. */
static dske_rc block_compute(struct points *p, const struct terms *t, uint8_t *y0, bool given, size_t len)
{
	if (given)
		p->known[0] = y0;
	else
		p->wanted[0] = y0;
	if (t->scheme == SCHEME_XOR) /* n = k: all are pads (DSKE 2.5.2) */
		xorshare_combine(y0, p->known, p->known_count, len);
	else
		TRY(shamir_interpolate(p->known_x, p->known, p->known_count, p->wanted_x, p->wanted, p->wanted_count, len));
	for (size_t i = given; i < p->known_count; i++)
		p->known[i] += len;
	for (size_t i = !given; i < p->wanted_count; i++)
		p->wanted[i] += len;
	return DSKE_OK;
}

/* DSKE 2.3.2: "partitions Y_0 into a parameter u of l bits, and a remainder S of m bits"; before S is the mask, where there
 * is one.  The first bytes of it. */
static void y0_begin(struct deal *d, const struct terms *t, const uint8_t *block, size_t len)
{
	size_t head = terms_share_len(t) - t->key_len;

	if (t->confirm)
		memcpy(d->mask, block + KEY_TAG_KEY_LEN, sizeof d->mask);
	memcpy(d->key.data, block + head, len - head);
}

static void y0_go_on(struct deal *d, const struct terms *t, struct key_tagger *tagger, const uint8_t *block, size_t at, size_t len)
{
	size_t head = terms_share_len(t) - t->key_len;

	if (at == 0) {
		key_tagger_begin(tagger, block);
		key_tagger_add(tagger, block + KEY_TAG_KEY_LEN, len - KEY_TAG_KEY_LEN);
		y0_begin(d, t, block, len);
	} else {
		key_tagger_add(tagger, block, len);
		memcpy(d->key.data + (at - head), block, len);
	}
}

/* Block by block, so that each is tagged and copied while it is in the nearest cache. */
static dske_rc blocks_fill(struct deal *d, struct terms *t, struct points *p, uint8_t *y0, const uint8_t *given)
{
	size_t share_len = terms_share_len(t);
	struct key_tagger tagger;

	for (size_t at = 0; at < share_len; at += BLOCK_LEN) {
		size_t len = share_len - at < BLOCK_LEN ? share_len - at : BLOCK_LEN;

		if (given)
			memcpy(y0, given + at, len);
		TRY(block_compute(p, t, y0, given != NULL, len));
		y0_go_on(d, t, &tagger, y0, at, len);
	}
	key_tagger_end(&tagger, &t->key_tag);
	return DSKE_OK;
}

static dske_rc deal_fill(struct deal *d, struct terms *t, const uint8_t *const *pads, const bool *use_pad,
			 const uint8_t *given)
{
	AUTO(secret) y0 = {0};
	size_t share_len = terms_share_len(t);
	bool all[TERMS_HUBS_MAX];
	struct points p;

	memset(all, true, t->n * sizeof *all);
	TRY(secret_alloc(&y0, share_len < BLOCK_LEN ? share_len : BLOCK_LEN));
	TRY(secret_alloc(&d->key, t->key_len));
	TRY(points_make(&p, t, pads, use_pad, all, d->share, share_len, given != NULL));
	if (share_len > BLOCK_LEN)
		return blocks_fill(d, t, &p, y0.data, given);
	if (given)
		memcpy(y0.data, given, share_len);
	TRY(block_compute(&p, t, y0.data, given != NULL, share_len));
	y0_begin(d, t, y0.data, share_len);
	key_tag_compute(&t->key_tag, y0.data, y0.data + KEY_TAG_KEY_LEN, terms_tagged_len(t));
	return DSKE_OK;
}

static dske_rc deal(struct deal *d, struct terms *t, const uint8_t *const *pads, const bool *use_pad, const uint8_t *given)
{
	memset(d, 0, sizeof *d);
	TRY(terms_check(t));
	TRY(pads_check(t, pads, use_pad, given ? t->k - 1u : t->k));
	d->n = t->n;
	for (size_t i = 0; i < t->n; i++)
		d->origin[i] = use_pad[i] ? SHARE_IS_PAD : SHARE_COMPUTED;

	dske_rc rc = deal_fill(d, t, pads, use_pad, given);
	if (!rc_ok(rc))
		deal_drop(d);
	return rc;
}

dske_rc agree_deal(struct deal *d, struct terms *t, const uint8_t *const *pads, const bool *use_pad)
{
	return deal(d, t, pads, use_pad, NULL);
}

dske_rc agree_deal_again(struct deal *d, struct terms *t, const uint8_t *const *pads, const bool *use_pad, const uint8_t *y0)
{
	if (t->scheme == SCHEME_XOR)
		return FAIL(ARGS, "the simple scheme has no share that could be chosen");
	return deal(d, t, pads, use_pad, y0);
}

dske_rc agree_deal_part(struct key_tagger *tagger, struct terms *t, unsigned number, const uint8_t *const *pads,
			const bool *use_pad, const bool *wanted, struct secret *share, struct secret *key)
{
	AUTO(secret) y0 = {0};
	size_t len, u_len = number == 0 ? KEY_TAG_KEY_LEN : 0;
	struct points p;

	TRY(terms_check(t));
	TRY(pads_check(t, pads, use_pad, t->k));
	if (number >= terms_part_count(t))
		return FAIL(ARGS, "part %u of %u", number, terms_part_count(t));
	len = terms_part_len(t, number);
	TRY(secret_alloc(&y0, len));
	TRY(points_make(&p, t, pads, use_pad, wanted, share, len, false));
	TRY(block_compute(&p, t, y0.data, false, len));
	TRY(secret_from(key, y0.data + u_len, len - u_len));
	if (number == 0)
		key_tagger_begin(tagger, y0.data);
	key_tagger_add(tagger, key->data, key->len);
	if (number + 1 == terms_part_count(t))
		key_tagger_end(tagger, &t->key_tag);
	return DSKE_OK;
}

enum deal_verdict agree_reply(struct deal *d, const struct terms *t, size_t hub_index, bool accepted)
{
	if (hub_index < t->n && !d->replied[hub_index]) {
		d->replied[hub_index] = true;
		if (accepted)
			d->accepted++;
		else
			d->refused++;
	}
	if (d->accepted >= t->k)
		return DEAL_AGREED;
	return t->n - d->refused < t->k ? DEAL_FAILED : DEAL_WAIT;
}

void deal_drop(struct deal *d)
{
	for (size_t i = 0; i < d->n; i++)
		secret_drop(&d->share[i]);
	secret_drop(&d->key);
	mem_wipe(d->mask, sizeof d->mask);
	memset(d, 0, sizeof *d);
}
