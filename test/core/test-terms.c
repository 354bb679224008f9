/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-terms.c - which terms are well formed. */
#include "test/core/network.h"

static void good_terms(void **state)
{
	struct terms t;

	(void)state;
	network_terms(&t, 5, 3, SCHEME_SHAMIR, 32);
	assert_ok(terms_check(&t));
	assert_int_equal(terms_share_len(&t), 80);
	assert_int_equal(terms_part_len(&t, 0), 80);
	t.confirm = true;
	assert_ok(terms_check(&t));
	assert_int_equal(terms_share_len(&t), 96);
	assert_int_equal(terms_part_len(&t, 0), 96);
	network_terms(&t, 255, 255, SCHEME_XOR, KEY_LEN_MAX);
	assert_ok(terms_check(&t));
	network_terms(&t, 1, 1, SCHEME_SHAMIR, KEY_LEN_MIN);
	t.receiver_count = TERMS_RECEIVERS_MAX;
	for (unsigned i = 0; i < TERMS_RECEIVERS_MAX; i++)
		t.receiver[i] = id_of('c', 2 + i);
	assert_ok(terms_check(&t));
	assert_int_equal(terms_receiver_index(&t, &t.receiver[63]), 63);
	t.receiver_count = 63;
	assert_int_equal(terms_receiver_index(&t, &t.receiver[63]), -1);
}

/* The parts adjoin, cover the share and are as long as protocol.md 8.6 says; a short key has one. */
static void parts_cover_the_share(void **state)
{
	static const struct {
		uint32_t key_len;
		unsigned count;
		size_t last;
	} rows[] = {
		{KEY_LEN_MIN, 1, 16 + 48},
		{KEY_PART_LEN - 1, 1, KEY_PART_LEN + 47},
		{KEY_PART_LEN, 1, KEY_PART_LEN + 48},
		{KEY_PART_LEN + 1, 2, 1},
		{2 * KEY_PART_LEN, 2, KEY_PART_LEN},
		{2 * KEY_PART_LEN + 17, 3, 17},
		{KEY_LEN_MAX - 1, 1024, KEY_PART_LEN - 1},
		{KEY_LEN_MAX, 1024, KEY_PART_LEN},
	};
	struct terms t;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t at = 0;

		network_terms(&t, 3, 2, SCHEME_SHAMIR, rows[i].key_len);
		assert_ok(terms_check(&t));
		assert_int_equal(terms_part_count(&t), rows[i].count);
		assert_int_equal(terms_are_long(&t), rows[i].count > 1);
		for (unsigned p = 0; p < rows[i].count; p++) {
			assert_int_equal(terms_part_offset(&t, p), at);
			assert_true(p == 0 || (at - KEY_TAG_KEY_LEN) % KEY_PART_LEN == 0);
			at += terms_part_len(&t, p);
		}
		assert_int_equal(at, terms_share_len(&t));
		assert_int_equal(terms_part_len(&t, rows[i].count - 1), rows[i].last);
	}
	network_terms(&t, 3, 2, SCHEME_SHAMIR, KEY_PART_LEN - CONFIRM_MASK_LEN);
	t.confirm = true;
	assert_ok(terms_check(&t));
	assert_int_equal(terms_part_len(&t, 0), terms_share_len(&t));
	assert_true(terms_lack_tag(&t));
	t.key_tag.b[15] = 1;
	assert_false(terms_lack_tag(&t));
}

static void malformed_terms(void **state)
{
	struct terms good, t;

	(void)state;
	network_terms(&good, 5, 3, SCHEME_SHAMIR, 32);
	good.receiver[good.receiver_count++] = id_of('c', 3);
#define REFUSED(change)                                                                              \
	do {                                                                                         \
		t = good;                                                                            \
		change;                                                                              \
		assert_rc(terms_check(&t), DSKE_RC_FORMAT);                                          \
	} while (0)
	assert_ok(terms_check(&good));
	REFUSED(t.k = 0);
	REFUSED(t.k = 6);
	REFUSED(t.n = 0);
	REFUSED(t.n = t.k = 0);
	REFUSED(t.receiver_count = 0);
	REFUSED(t.receiver_count = TERMS_RECEIVERS_MAX + 1);
	REFUSED(t.scheme = SCHEME_COUNT);
	REFUSED(t.scheme = SCHEME_XOR);
	REFUSED(t.key_len = 0);
	REFUSED(t.key_len = KEY_LEN_MIN - 1);
	REFUSED(t.key_len = KEY_LEN_MAX + 1);
	REFUSED(t.key_len = UINT32_MAX);
	REFUSED(t.confirm = true; t.key_len = KEY_PART_LEN - CONFIRM_MASK_LEN + 1);
	REFUSED(t.hub[4] = t.hub[0]);
	REFUSED(t.hub[0] = t.hub[1]);
	REFUSED(t.receiver[1] = t.receiver[0]);
	REFUSED(t.receiver[1] = t.initiator);
#undef REFUSED
	good.hub[5] = good.hub[0]; /* beyond the list: no matter */
	assert_ok(terms_check(&good));
}

static void parts_of_the_adapted_protocol(void **state)
{
	static const enum scheme parts[] = {SCHEME_ADAPTED, SCHEME_FIRST_PASS, SCHEME_FALLBACK};
	struct terms t;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		network_terms(&t, 5, 3, parts[i], ADAPTED_MATERIAL_LEN(5));
		assert_ok(terms_check(&t));
		t.key_len++; /* a first pass has the length that n says */
		assert_int_equal(rc_ok(terms_check(&t)), parts[i] != SCHEME_FIRST_PASS);
		t.key_len--;
		t.key_tag.b[15] = 1; /* a second pass has no key tag */
		assert_int_equal(rc_ok(terms_check(&t)), parts[i] != SCHEME_ADAPTED);
		t.key_tag.b[15] = 0;
		t.receiver[t.receiver_count++] = id_of('c', 3);
		assert_rc(terms_check(&t), DSKE_RC_FORMAT);
	}
}

static void schemes_have_names(void **state)
{
	enum scheme s = SCHEME_COUNT;

	(void)state;
	for (int i = SCHEME_SHAMIR; i <= SCHEME_ADAPTED; i++) {
		assert_ok(scheme_parse(&s, scheme_name((enum scheme)i)));
		assert_int_equal(s, i);
	}
	assert_string_equal(scheme_name(SCHEME_FALLBACK), "?");
	assert_rc(scheme_parse(&s, "?"), DSKE_RC_ARGS);
	assert_rc(scheme_parse(&s, "first-pass"), DSKE_RC_ARGS);
}

static void equality_is_of_every_field(void **state)
{
	struct terms a, b;

	(void)state;
	network_terms(&a, 5, 3, SCHEME_SHAMIR, 32);
	a.receiver[a.receiver_count++] = id_of('c', 3);
#define DIFFERENT(change)                                                                            \
	do {                                                                                         \
		b = a;                                                                               \
		change;                                                                              \
		assert_false(terms_equal(&a, &b));                                                   \
		assert_false(terms_equal(&b, &a));                                                   \
	} while (0)
	b = a;
	assert_true(terms_equal(&a, &b));
	DIFFERENT(b.confirm = true);
	for (size_t i = 0; i < ID_LEN; i++) {
		DIFFERENT(b.initiator.b[i] ^= 1);
		DIFFERENT(b.key_id.b[i] ^= 1);
		DIFFERENT(b.receiver[1].b[i] ^= 1);
		DIFFERENT(b.hub[4].b[i] ^= 1);
		DIFFERENT(b.key_tag.b[i] ^= 1);
	}
	DIFFERENT(b.receiver[0] = a.receiver[1]; b.receiver[1] = a.receiver[0]);
	DIFFERENT(b.hub[0] = a.hub[1]; b.hub[1] = a.hub[0]);
	DIFFERENT(b.receiver_count = 1);
	DIFFERENT(b.n = 4);
	DIFFERENT(b.k = 4);
	DIFFERENT(b.scheme = SCHEME_XOR);
	DIFFERENT(b.key_len++);
	DIFFERENT(b.context_len--);
	DIFFERENT(b.context[0] ^= 1);
#undef DIFFERENT
	b = a;
	b.hub[5].b[0] ^= 1; /* beyond what counts */
	b.receiver[2].b[0] ^= 1;
	b.context[4] ^= 1;
	assert_true(terms_equal(&a, &b));
}

static void positions(void **state)
{
	struct terms t;
	struct id unknown = id_of('h', 99);

	(void)state;
	network_terms(&t, 255, 3, SCHEME_SHAMIR, 32);
	for (int i = 0; i < 255; i++)
		assert_int_equal(terms_hub_index(&t, &t.hub[i]), i);
	t.n = 9;
	assert_int_equal(terms_hub_index(&t, &unknown), -1);
	assert_int_equal(terms_receiver_index(&t, &t.hub[0]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_terms),
		cmocka_unit_test(parts_cover_the_share),
		cmocka_unit_test(malformed_terms),
		cmocka_unit_test(parts_of_the_adapted_protocol),
		cmocka_unit_test(schemes_have_names),
		cmocka_unit_test(equality_is_of_every_field),
		cmocka_unit_test(positions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
