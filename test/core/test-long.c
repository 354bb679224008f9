/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-long.c - keys that are dealt part by part and concluded block by block. */
#include "core/candidate.h"
#include "test/core/network.h"

/* ---- the key tag in pieces --------------------------------------------------------------------------- */

static void a_tag_in_pieces_is_that_of_the_whole(void **state)
{
	static uint8_t key[3000];
	struct seeded seed = {.state = 7};
	uint8_t u[KEY_TAG_KEY_LEN];

	(void)state;
	seeded_fill(&seed, key, sizeof key);
	for (unsigned i = 0; i < 300; i++) {
		size_t len = 1 + seeded_below(&seed, sizeof key);
		struct key_tagger tagger;
		struct tag whole, pieces;

		seeded_fill(&seed, u, sizeof u);
		key_tag_compute(&whole, u, key, len);
		key_tagger_begin(&tagger, u);
		for (size_t at = 0, piece; at < len; at += piece) {
			piece = 16 * seeded_below(&seed, 40);
			piece = piece < len - at ? piece : len - at;
			key_tagger_add(&tagger, key + at, piece);
		}
		key_tagger_end(&tagger, &pieces);
		assert_memory_equal(&whole, &pieces, TAG_LEN);
	}
}

/* ---- dealing ------------------------------------------------------------------------------------------ */

/* Deals all parts, another k hubs' pads in each, into w->share; the key into `key`. */
static void deal_in_parts(struct network *w, uint8_t *key)
{
	struct key_tagger tagger = {.of = {.len = 0}};
	bool ready[TERMS_HUBS_MAX], use_pad[TERMS_HUBS_MAX];

	memset(ready, true, sizeof ready);
	for (unsigned p = 0; p < terms_part_count(&w->terms); p++) {
		size_t at = terms_part_offset(&w->terms, p), len = terms_part_len(&w->terms, p);
		const uint8_t *pads[TERMS_HUBS_MAX];
		struct secret share[TERMS_HUBS_MAX] = {{0}}, piece = {0};

		assert_true(terms_lack_tag(&w->terms));
		assert_ok(agree_choose(use_pad, &w->terms, ready, p));
		for (size_t i = 0; i < w->terms.n; i++)
			pads[i] = w->pad[i] + at;
		assert_ok(agree_deal_part(&tagger, &w->terms, p, pads, use_pad, ready, share, &piece));
		for (size_t i = 0; i < w->terms.n; i++) {
			assert_int_equal(share[i].len, use_pad[i] ? 0 : len);
			memcpy(w->share[i] + at, use_pad[i] ? pads[i] : share[i].data, len);
			secret_drop(&share[i]);
		}
		memcpy(key + (p == 0 ? 0 : at - KEY_TAG_KEY_LEN), piece.data, piece.len);
		secret_drop(&piece);
	}
	assert_false(terms_lack_tag(&w->terms));
}

static void parts_make_one_key(void **state)
{
	static const uint32_t lengths[] = {KEY_PART_LEN + 1, KEY_PART_LEN + 48, 2 * KEY_PART_LEN, 2 * KEY_PART_LEN + 17};

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct network w;
		uint8_t *key = malloc(lengths[i]);

		network_start(&w, 11 + i, 5, 3, SCHEME_SHAMIR, lengths[i]);
		memset(&w.terms.key_tag, 0, TAG_LEN);
		deal_in_parts(&w, key);
		secret_drop(&w.deal.key);
		assert_ok(secret_from(&w.deal.key, key, lengths[i]));
		for (unsigned s = 0; s < 5; s++)
			assert_ok(network_offer(&w, s));
		assert_ok(network_conclude(&w, true));
		for (unsigned s = 0; s < 5; s++)
			assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[s]), SHARE_CONSISTENT);
		free(key);
		network_end(&w);
	}
}

/* ---- shares that lie elsewhere ----------------------------------------------------------------------- */

struct shelf {
	struct network *w;
	struct share_source source;
	size_t fail_after; /* reads, then IO */
};

static dske_rc shelf_read(void *context, size_t share, size_t block, uint8_t *out, size_t len)
{
	struct shelf *s = context;
	size_t at = block == 0 ? 0 : KEY_TAG_KEY_LEN + block * SHARE_BLOCK_LEN;

	if (s->fail_after-- == 0)
		return FAIL(IO, "the shelf broke");
	assert_int_equal(len, share_block_len(&s->w->terms, block));
	memcpy(out, s->w->share[share] + at, len);
	return DSKE_OK;
}

static void shelf_begin(struct shelf *s, struct network *w, uint64_t seed, uint8_t n, uint8_t k, uint32_t len)
{
	*s = (struct shelf){.w = w, .source = {.context = s, .read = shelf_read}, .fail_after = SIZE_MAX};
	assert_ok(random_fill(s->source.print_key, sizeof s->source.print_key));
	network_start(w, seed, n, k, n == k ? SCHEME_XOR : SCHEME_SHAMIR, len);
	receiver_set_source(w->bob, &s->source);
}

static void offer_all(struct network *w)
{
	for (unsigned i = 0; i < w->terms.n; i++)
		assert_ok(receiver_offer_number(w->bob, &w->terms.hub[i], &w->terms, i));
}

static dske_rc conclude(struct network *w)
{
	AUTO(secret) print = {0};
	const struct terms *t = NULL;
	dske_rc rc;

	do
		rc = receiver_conclude(w->bob, true, &print, &t);
	while (rc_is(rc, DSKE_RC_BUSY));
	assert_int_equal(print.len, rc_ok(rc) ? TAG_LEN : 0);
	return rc;
}

static void the_key_is_as_dealt(struct network *w)
{
	static uint8_t block[SHARE_BLOCK_MAX];
	size_t at = 0;

	for (size_t i = 0; i < share_block_count(&w->terms); i++) {
		size_t len = 0;

		assert_ok(receiver_key_block(w->bob, i, block, &len));
		assert_memory_equal(block, w->deal.key.data + at, len);
		at += len;
	}
	assert_int_equal(at, w->deal.key.len);
}

static void blocks_give_the_key(void **state)
{
	static const uint32_t lengths[] = {16, SHARE_BLOCK_LEN - 48, SHARE_BLOCK_LEN - 1, SHARE_BLOCK_LEN, SHARE_BLOCK_LEN + 1,
					   KEY_PART_LEN - 1, KEY_PART_LEN, KEY_PART_LEN + 1, 2 * KEY_PART_LEN + 17};

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
		for (uint8_t k = 1; k <= 4; k++) {
			struct network w;
			struct shelf s;

			shelf_begin(&s, &w, 31 + i, 4, k, lengths[i]);
			offer_all(&w);
			assert_ok(conclude(&w));
			the_key_is_as_dealt(&w);
			assert_ok(conclude(&w)); /* once more: the same */
			network_end(&w);
		}
}

/* One hub corrupt in one byte, whichever block it is in: the key comes, and it is named. */
static void a_corrupt_block_is_located(void **state)
{
	static const uint8_t ks[] = {2, 3, 4};

	(void)state;
	for (unsigned i = 0; i < 24; i++) {
		struct network w;
		struct shelf s;
		unsigned bad = i % 5;

		shelf_begin(&s, &w, 77 + i, 5, ks[i % 3], KEY_PART_LEN + 3 * SHARE_BLOCK_LEN / 2);
		network_corrupt(&w, bad);
		offer_all(&w);
		assert_ok(conclude(&w));
		the_key_is_as_dealt(&w);
		for (unsigned h = 0; h < 5; h++)
			assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[h]), h == bad ? SHARE_CORRUPT : SHARE_CONSISTENT);
		network_end(&w);
	}
}

static void too_many_corrupt_shares_give_none(void **state)
{
	struct network w;
	struct shelf s;

	(void)state;
	shelf_begin(&s, &w, 5, 4, 3, KEY_PART_LEN + 1);
	network_corrupt(&w, 0);
	network_corrupt(&w, 2);
	offer_all(&w);
	assert_rc(conclude(&w), DSKE_RC_NO_CANDIDATE);
	network_end(&w);
}

/* Where all sets would take more than 2^38 bytes it is said so, at once. */
static void a_search_that_costs_too_much_is_not_begun(void **state)
{
	struct network w;
	struct shelf s;

	(void)state;
	/* C(20, 10) = 184,756 sets of 2 MiB: 2^38.5. */
	shelf_begin(&s, &w, 6, 20, 10, 2 * KEY_PART_LEN);
	for (unsigned i = 0; i < 11; i++)
		network_corrupt(&w, i);
	offer_all(&w);
	assert_rc(conclude(&w), DSKE_RC_NO_CANDIDATE);
	assert_non_null(strstr(rc_detail(conclude(&w)), "too many sets"));
	network_end(&w);
}

static void two_keys_abort(void **state)
{
	struct network w;
	struct shelf s;
	const uint8_t x[] = {4, 5, 6};

	(void)state;
	shelf_begin(&s, &w, 8, 6, 3, KEY_PART_LEN + 5);
	network_forge(&w, &w.terms, x, 3, 0x55);
	offer_all(&w);
	assert_rc(conclude(&w), DSKE_RC_CONFLICT);
	network_end(&w);
}

/* Two forged ones that are one key are no conflict. */
static void one_key_by_two_polynomials_is_one(void **state)
{
	struct network w;
	struct shelf s;
	bool corrupt[TERMS_HUBS_MAX] = {[0] = true};

	(void)state;
	shelf_begin(&s, &w, 9, 4, 2, SHARE_BLOCK_LEN * 3);
	network_shift(&w, corrupt);
	offer_all(&w);
	assert_ok(conclude(&w));
	the_key_is_as_dealt(&w);
	assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[0]), SHARE_CORRUPT);
	network_end(&w);
}

static void trouble_with_the_source_ends_it(void **state)
{
	struct network w;
	struct shelf s;

	(void)state;
	for (size_t after = 0; after < 40; after += 3) {
		shelf_begin(&s, &w, 10, 3, 2, KEY_PART_LEN + 1);
		network_corrupt(&w, 1);
		s.fail_after = after;
		offer_all(&w);
		assert_rc(conclude(&w), DSKE_RC_IO);
		network_end(&w);
	}
}

static void offers_are_checked_as_short_ones(void **state)
{
	struct network w;
	struct shelf s;
	struct terms other;
	struct id stranger = id_of('h', 99);

	(void)state;
	shelf_begin(&s, &w, 12, 3, 2, KEY_PART_LEN + 1);
	assert_ok(receiver_offer_number(w.bob, &w.terms.hub[0], &w.terms, 0));
	assert_rc(receiver_offer_number(w.bob, &w.terms.hub[0], &w.terms, 1), DSKE_RC_EXISTS);
	assert_rc(receiver_offer_number(w.bob, &stranger, &w.terms, 1), DSKE_RC_DENIED);
	other = w.terms;
	other.initiator = id_of('c', 9);
	assert_rc(receiver_accepts(w.bob, &w.terms.hub[1], &other), DSKE_RC_DENIED);
	for (unsigned i = 0; i < 4; i++) {
		other = w.terms;
		other.key_id = id_of('k', 10 + i);
		assert_rc(receiver_offer_number(w.bob, &w.terms.hub[0], &other, 2 + i), i < 3 ? DSKE_RC_OK : DSKE_RC_DENIED);
	}
	assert_rc(conclude(&w), DSKE_RC_TOO_FEW);
	network_end(&w);
}

/* n is what a hub says: memory is had for shares that came, once they are enough to be looked at. */
static void memory_is_for_shares_that_came(void **state)
{
	AUTO(secret) print = {0};
	struct share_group *g = NULL;
	struct network w;
	struct shelf s;

	(void)state;
	shelf_begin(&s, &w, 13, 5, 3, KEY_PART_LEN + 1);
	w.terms.n = TERMS_HUBS_MAX;
	for (unsigned h = 0; h < TERMS_HUBS_MAX; h++)
		w.terms.hub[h] = id_of('h', h);
	assert_ok(share_group_new(&g, &w.terms, &s.source));
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(g->room.len, i < 3 ? 0 : 3 * SHARE_BLOCK_MAX);
		assert_in_range(g->places, i, i + 1);
		assert_ok(share_group_add_number(g, (uint8_t)(i + 1), i));
		s.fail_after = 0;
		assert_rc(candidate_search(g, true, &print), i + 1 < 3 ? DSKE_RC_TOO_FEW : DSKE_RC_IO);
	}
	assert_int_equal(g->room.len, 4 * SHARE_BLOCK_MAX);
	share_group_free(g);
	w.terms.n = 5;
	network_end(&w);
}

/* What is forgotten gives no key, may come again, and does not count toward what a hub may send. */
static void what_is_forgotten_may_come_again(void **state)
{
	struct network w;
	struct shelf s;

	(void)state;
	shelf_begin(&s, &w, 14, 4, 2, KEY_PART_LEN + 1);
	for (unsigned i = 0; i < 20; i++) {
		struct terms other = w.terms;

		other.key_tag.b[0] ^= (uint8_t)(i + 1);
		assert_ok(receiver_offer_number(w.bob, &w.terms.hub[0], &other, 0));
		receiver_forget(w.bob, &w.terms.hub[0], &other);
	}
	assert_int_equal(receiver_share_count(w.bob), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_ok(receiver_offer_number(w.bob, &w.terms.hub[i], &w.terms, i));
	assert_ok(conclude(&w));
	receiver_forget(w.bob, &w.terms.hub[0], &w.terms);
	receiver_forget(w.bob, &w.terms.hub[1], &w.terms);
	assert_int_equal(receiver_share_count(w.bob), 1);
	assert_rc(conclude(&w), DSKE_RC_TOO_FEW);
	assert_ok(receiver_offer_number(w.bob, &w.terms.hub[3], &w.terms, 3));
	assert_ok(conclude(&w));
	the_key_is_as_dealt(&w);
	network_end(&w);
}

/* Late shares are looked at again when the key stands; whatever goes wrong then, it stays, and can be had. */
static void trouble_after_the_key_leaves_it(void **state)
{
	struct shelf s;
	struct network w;

	(void)state;
	for (size_t reads = 0; reads < 12; reads++) {
		shelf_begin(&s, &w, 83, 5, 3, KEY_PART_LEN + 1000);
		for (unsigned i = 0; i < 3; i++)
			assert_ok(receiver_offer_number(w.bob, &w.terms.hub[i], &w.terms, i));
		assert_ok(conclude(&w));
		assert_ok(receiver_offer_number(w.bob, &w.terms.hub[3], &w.terms, 3));
		s.fail_after = reads;
		assert_rc(conclude(&w), DSKE_RC_IO);
		assert_int_equal(receiver_verdict(w.bob, &w.terms.hub[0]), SHARE_UNUSED);
		s.fail_after = SIZE_MAX;
		the_key_is_as_dealt(&w);
		network_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tag_in_pieces_is_that_of_the_whole),
		cmocka_unit_test(parts_make_one_key),
		cmocka_unit_test(blocks_give_the_key),
		cmocka_unit_test(a_corrupt_block_is_located),
		cmocka_unit_test(too_many_corrupt_shares_give_none),
		cmocka_unit_test(a_search_that_costs_too_much_is_not_begun),
		cmocka_unit_test(two_keys_abort),
		cmocka_unit_test(one_key_by_two_polynomials_is_one),
		cmocka_unit_test(trouble_with_the_source_ends_it),
		cmocka_unit_test(trouble_after_the_key_leaves_it),
		cmocka_unit_test(offers_are_checked_as_short_ones),
		cmocka_unit_test(memory_is_for_shares_that_came),
		cmocka_unit_test(what_is_forgotten_may_come_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
