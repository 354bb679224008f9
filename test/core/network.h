/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/core/network.h - a whole agreement inside one process: hubs that are only pads, an initiator
 * that deals, and the shares as the receiver gets them.
 */
#ifndef DSKE_TEST_CORE_NETWORK_H
#define DSKE_TEST_CORE_NETWORK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/agree.h"
#include "core/gf256.h"
#include "core/shamir.h"
#include "test/core/seeded.h"

#define assert_ok(rc) assert_rc(rc, DSKE_RC_OK)
#define assert_rc(rc, code_)                                                                         \
	do {                                                                                         \
		dske_rc rc_ = (rc);                                                                  \
		if (rc_.code != (code_))                                                             \
			print_message("# %s: %s\n", rc_name(rc_), rc_detail(rc_));                   \
		assert_int_equal(rc_.code, (code_));                                                 \
	} while (0)

struct network {
	struct seeded seed;
	struct terms terms;
	struct deal deal;
	uint8_t *pad[TERMS_HUBS_MAX];
	uint8_t *share[TERMS_HUBS_MAX]; /* as it leaves hub i: the pad, or what the deal computed */
	size_t share_len;
	struct acceptance accepts;
	struct receiver *bob;
};

static inline struct id id_of(uint8_t kind, unsigned number)
{
	struct id id = {{kind, (uint8_t)(number >> 8), (uint8_t)number}};

	return id;
}

static inline void network_terms(struct terms *t, uint8_t n, uint8_t k, enum scheme scheme, uint32_t key_len)
{
	memset(t, 0, sizeof *t);
	t->initiator = id_of('c', 1);
	t->key_id = id_of('k', 1);
	t->receiver_count = 1;
	t->receiver[0] = id_of('c', 2);
	t->n = n;
	t->k = k;
	for (unsigned i = 0; i < n; i++)
		t->hub[i] = id_of('h', i);
	t->scheme = scheme;
	t->key_len = key_len;
	t->context_len = 4;
	memcpy(t->context, "test", 4);
}

static inline void network_deal(struct network *w)
{
	bool ready[TERMS_HUBS_MAX], use_pad[TERMS_HUBS_MAX];
	const uint8_t *pads[TERMS_HUBS_MAX];

	w->share_len = terms_share_len(&w->terms);
	for (size_t i = 0; i < w->terms.n; i++) {
		ready[i] = true;
		w->pad[i] = malloc(w->share_len);
		w->share[i] = malloc(w->share_len);
		seeded_fill(&w->seed, w->pad[i], w->share_len);
	}
	assert_ok(agree_choose(use_pad, &w->terms, ready, seeded_next(&w->seed)));
	for (size_t i = 0; i < w->terms.n; i++)
		pads[i] = use_pad[i] ? w->pad[i] : NULL;
	assert_ok(agree_deal(&w->deal, &w->terms, pads, use_pad));
	for (size_t i = 0; i < w->terms.n; i++) {
		bool is_pad = w->deal.origin[i] == SHARE_IS_PAD;

		assert_int_equal(is_pad, use_pad[i]);
		assert_int_equal(w->deal.share[i].len, is_pad ? 0 : w->share_len);
		memcpy(w->share[i], is_pad ? w->pad[i] : w->deal.share[i].data, w->share_len);
	}
}

/* Alice has dealt n shares, Bob knows all hubs, accepts k_min and more, and has received nothing. */
static inline void network_start_as(struct network *w, uint64_t seed, uint8_t n, uint8_t k, enum scheme scheme,
				    uint32_t key_len, uint8_t k_min)
{
	memset(w, 0, sizeof *w);
	w->seed.state = seed;
	network_terms(&w->terms, n, k, scheme, key_len);
	network_deal(w);
	w->accepts = (struct acceptance){
		.k_min = k_min, .n_min = 1, .n_max = 255, .hubs = w->terms.hub, .hub_count = n};
	assert_ok(receiver_new(&w->bob, &w->terms.receiver[0], &w->terms.initiator, &w->accepts));
}

static inline void network_start(struct network *w, uint64_t seed, uint8_t n, uint8_t k, enum scheme scheme,
				 uint32_t key_len)
{
	network_start_as(w, seed, n, k, scheme, key_len, 1);
}

static inline void network_end(struct network *w)
{
	for (size_t i = 0; i < w->terms.n; i++) {
		free(w->pad[i]);
		free(w->share[i]);
	}
	deal_drop(&w->deal);
	receiver_free(w->bob);
}

/* Offers `bytes` as the share of hub i under the terms t. */
static inline dske_rc network_offer_as(struct network *w, const struct terms *t, size_t i, const uint8_t *bytes,
				       size_t len)
{
	AUTO(secret) share = {0};

	assert_ok(secret_from(&share, bytes, len));
	dske_rc rc = receiver_offer(w->bob, &t->hub[i], t, &share);
	assert_int_equal(share.data == NULL, rc_ok(rc)); /* moved in, or still ours */
	return rc;
}

static inline dske_rc network_offer(struct network *w, size_t i)
{
	return network_offer_as(w, &w->terms, i, w->share[i], w->share_len);
}

static inline void network_corrupt(struct network *w, size_t i)
{
	w->share[i][seeded_below(&w->seed, w->share_len)] ^= (uint8_t)(1 + seeded_below(&w->seed, 255));
}

/* The worst that these hubs can do without knowing k shares: offsets that are a polynomial of degree k - 1
 * with its roots at k - 1 others, so that with those they are consistent. */
static inline void network_shift(struct network *w, const bool *corrupt)
{
	uint8_t *offset = malloc(w->share_len);

	seeded_fill(&w->seed, offset, w->share_len);
	offset[0] |= 1;
	for (size_t i = 0; i < w->terms.n; i++) {
		uint8_t factor = 1, roots = 0;

		for (size_t j = 0; j < w->terms.n && roots + 1 < w->terms.k; j++)
			if (!corrupt[j]) {
				factor = gf256_mul(factor, (uint8_t)((i + 1) ^ (j + 1)));
				roots++;
			}
		for (size_t b = 0; b < w->share_len && corrupt[i]; b++)
			w->share[i][b] ^= gf256_mul(factor, offset[b]);
	}
	free(offset);
}

/* These hubs, at least t->k of them, deal a key of their own under the terms' key tag, all bytes of it alike: with
 * c = 0 is h' = d for any key.  Written over their shares. */
static inline void network_forge(struct network *w, const struct terms *t, const uint8_t *x, size_t count,
				 uint8_t key_byte)
{
	uint8_t *known[TERMS_HUBS_MAX], *wanted[TERMS_HUBS_MAX], known_x[TERMS_HUBS_MAX] = {0};
	size_t k = t->k;

	for (size_t i = 0; i < k; i++) {
		known[i] = malloc(w->share_len);
		seeded_fill(&w->seed, known[i], w->share_len);
		known_x[i] = i == 0 ? 0 : x[i - 1];
	}
	memset(known[0], key_byte, w->share_len);
	memset(known[0], 0, 16);
	memcpy(known[0] + 16, t->key_tag.b, 16);
	for (size_t i = 0; i < count; i++)
		wanted[i] = w->share[x[i] - 1];
	assert_ok(shamir_interpolate(known_x, (const uint8_t *const *)known, k, x, wanted, count, w->share_len));
	for (size_t i = 0; i < k; i++)
		free(known[i]);
}

/* Bob concludes; OK must mean Alice's key. */
static inline dske_rc network_conclude(struct network *w, bool final)
{
	AUTO(secret) key = {0};
	const struct terms *t = NULL;
	dske_rc rc = receiver_conclude(w->bob, final, &key, &t);

	assert_int_equal(key.data != NULL, rc_ok(rc));
	if (rc_ok(rc)) {
		assert_int_equal(key.len, w->deal.key.len);
		assert_memory_equal(key.data, w->deal.key.data, key.len);
		assert_true(terms_equal(t, &w->terms));
	}
	return rc;
}

#endif
