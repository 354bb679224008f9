/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-tag.c - both tags: known answers, and that every byte and the length count. */
#include "test/core/vectors.h"

#include "core/tag.h"
#include "test/core/seeded.h"

static void check_tag(const struct vector *v)
{
	struct tag tag;

	assert_int_equal(v->len[0], TAG_KEY_LEN);
	assert_int_equal(v->len[2], TAG_LEN);
	tag_compute(&tag, v->field[0], v->field[1], v->len[1]);
	assert_memory_equal(tag.b, v->field[2], TAG_LEN);
	assert_true(tag_check(&tag, v->field[0], v->field[1], v->len[1]));
}

static void check_key_tag(const struct vector *v)
{
	struct tag tag;

	assert_int_equal(v->len[0], KEY_TAG_KEY_LEN);
	assert_int_equal(v->len[2], TAG_LEN);
	key_tag_compute(&tag, v->field[0], v->field[1], v->len[1]);
	assert_memory_equal(tag.b, v->field[2], TAG_LEN);
	assert_true(key_tag_check(&tag, v->field[0], v->field[1], v->len[1]));
}

static void known_answers(void **state)
{
	(void)state;
	vectors_each("tag.txt", 3, check_tag);
	vectors_each("key-tag.txt", 3, check_key_tag);
}

typedef bool check_fn(const struct tag *expected, const uint8_t *key, const void *message, size_t len);

static void tamper_each(check_fn *check, const struct tag *tag, uint8_t *at, size_t len, const uint8_t *key,
			const uint8_t *message, size_t message_len)
{
	for (size_t i = 0; i < len; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			at[i] ^= (uint8_t)(1u << bit);
			assert_false(check(tag, key, message, message_len));
			at[i] ^= (uint8_t)(1u << bit);
		}
	assert_true(check(tag, key, message, message_len));
}

static void every_bit_counts(check_fn *check, bool key_tag, size_t key_len)
{
	uint8_t key[KEY_TAG_KEY_LEN], message[70];
	struct seeded seed = {11};
	struct tag tag;

	seeded_fill(&seed, key, sizeof key);
	seeded_fill(&seed, message, sizeof message);
	for (size_t len = 0; len <= 64; len++) {
		if (key_tag)
			key_tag_compute(&tag, key, message, len);
		else
			tag_compute(&tag, key, message, len);
		tamper_each(check, &tag, message, len, key, message, len);
		tamper_each(check, &tag, tag.b, TAG_LEN, key, message, len);
		/* h of the empty message is d: its c is free. */
		size_t from = len > 0 || key_tag ? 0 : GF128_LEN;
		tamper_each(check, &tag, key + from, key_len - from, key, message, len);
		for (size_t cut = 0; cut <= 70; cut++)
			assert_int_equal(check(&tag, key, message, cut), cut == len);
	}
}

static void every_bit_of_a_message_tag_counts(void **state)
{
	(void)state;
	every_bit_counts(tag_check, false, TAG_KEY_LEN);
}

static void every_bit_of_a_key_tag_counts(void **state)
{
	(void)state;
	every_bit_counts(key_tag_check, true, KEY_TAG_KEY_LEN);
}

/* Zeros at the end are not padding. */
static void padding_is_injective(void **state)
{
	uint8_t key[KEY_TAG_KEY_LEN];
	static const uint8_t zeros[80];
	struct seeded seed = {12};
	struct tag seen[81], seen_key[81];

	(void)state;
	seeded_fill(&seed, key, sizeof key);
	for (size_t len = 0; len <= 80; len++) {
		tag_compute(&seen[len], key, zeros, len);
		key_tag_compute(&seen_key[len], key, zeros, len);
		for (size_t i = 0; i < len; i++) {
			assert_memory_not_equal(seen[i].b, seen[len].b, TAG_LEN);
			assert_memory_not_equal(seen_key[i].b, seen_key[len].b, TAG_LEN);
		}
	}
}

static void alignment_does_not_matter(void **state)
{
	uint8_t key[KEY_TAG_KEY_LEN + 8], message[200 + 8], moved_key[KEY_TAG_KEY_LEN + 8], moved[200 + 8];
	struct seeded seed = {13};
	struct tag a, b;

	(void)state;
	seeded_fill(&seed, key, sizeof key);
	seeded_fill(&seed, message, sizeof message);
	for (size_t at = 1; at < 8; at++)
		for (size_t len = 180; len <= 200; len++) {
			memcpy(moved_key + at, key, KEY_TAG_KEY_LEN);
			memcpy(moved + at, message, len);
			tag_compute(&a, key, message, len);
			tag_compute(&b, moved_key + at, moved + at, len);
			assert_memory_equal(a.b, b.b, TAG_LEN);
			key_tag_compute(&a, key, message, len);
			key_tag_compute(&b, moved_key + at, moved + at, len);
			assert_memory_equal(a.b, b.b, TAG_LEN);
		}
}

/* Whatever the pieces are; the key tag's are test-long's too. */
static void pieces_make_the_whole(void **state)
{
	static uint8_t message[5000];
	uint8_t key[KEY_TAG_KEY_LEN];
	struct seeded seed = {14};
	struct tag whole, pieces;

	(void)state;
	seeded_fill(&seed, message, sizeof message);
	for (size_t len = 0; len <= sizeof message; len += len < 100 ? 1 : 77) {
		size_t piece = GF128_LEN * (1 + seeded_below(&seed, 40));
		struct key_tagger k;
		struct tagger t;

		seeded_fill(&seed, key, sizeof key);
		tagger_begin(&t, key);
		key_tagger_begin(&k, key);
		for (size_t at = 0; at < len;) {
			size_t now = len - at < piece ? len - at : piece;

			tagger_add(&t, message + at, now);
			key_tagger_add(&k, message + at, now);
			at += now;
			piece = at % 3 == 0 ? piece : GF128_LEN * (1 + seeded_below(&seed, 40));
		}
		tagger_end(&t, &pieces);
		tag_compute(&whole, key, message, len);
		assert_memory_equal(pieces.b, whole.b, TAG_LEN);
		key_tagger_end(&k, &pieces);
		key_tag_compute(&whole, key, message, len);
		assert_memory_equal(pieces.b, whole.b, TAG_LEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(every_bit_of_a_message_tag_counts),
		cmocka_unit_test(every_bit_of_a_key_tag_counts),
		cmocka_unit_test(padding_is_injective),
		cmocka_unit_test(alignment_does_not_matter),
		cmocka_unit_test(pieces_make_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
