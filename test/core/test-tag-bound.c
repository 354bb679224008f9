/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/core/test-tag-bound.c - the bounds that core/tag.h states, by trying everything in small fields,
 * and the forgery that the key tag was made against, in small fields and in GF(2^128).
 *
 * Both tags are d + f(c, e, y).  An adversary who saw y and its tag t knows d = t - f once c and e are
 * given, and these are as uniform as before.  So an offset (to c, e, y) together with an offset to d
 * and a tag t' forges for those (c, e) for which f after - f before has one certain value: the share of
 * the most frequent value is the adversary's chance.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/tag.h"
#include "test/core/seeded.h"

/* GF(q), q = 2^width. */
struct field {
	unsigned q, modulus;
	uint8_t mul[16][16];
};

static struct field field_make(unsigned width, unsigned modulus)
{
	struct field f = {.q = 1u << width, .modulus = modulus};

	for (unsigned a = 0; a < f.q; a++)
		for (unsigned b = 0; b < f.q; b++) {
			unsigned product = 0;

			for (unsigned i = 0; i < width; i++)
				product ^= b >> i & 1 ? a << i : 0;
			for (unsigned i = 2 * width; i-- > width;)
				product ^= product >> i & 1 ? modulus << (i - width) : 0;
			f.mul[a][b] = (uint8_t)product;
		}
	return f;
}

enum formula {
	MESSAGE_TAG, /* sum c^j y_j */
	KEY_TAG,     /* c e + sum c^(j+1) y_j */
};

/* y is a number with s digits to the base q, the first block in the lowest digit. */
static uint8_t formula_value(const struct field *f, enum formula formula, unsigned c, unsigned e, unsigned y,
			     unsigned s)
{
	uint8_t power = 1, sum = 0;

	for (unsigned j = 0; j < s; j++, y /= f->q) {
		power = f->mul[power][c];
		sum ^= f->mul[power][y % f->q];
	}
	return formula == MESSAGE_TAG ? sum : f->mul[c][sum ^ e];
}

#define VECTORS_MAX 512 /* q^s */
#define KEYS_MAX 256    /* q^2 */

/* f for every (c, e) and y; offsets are exclusive-or of the numbers. */
static uint8_t value[VECTORS_MAX][KEYS_MAX];

static unsigned values_fill(const struct field *f, enum formula formula, unsigned s)
{
	unsigned vectors = 1;

	for (unsigned j = 0; j < s; j++)
		vectors *= f->q;
	assert_true(vectors <= VECTORS_MAX);
	for (unsigned y = 0; y < vectors; y++)
		for (unsigned key = 0; key < f->q * f->q; key++)
			value[y][key] = formula_value(f, formula, key / f->q, key % f->q, y, s);
	return vectors;
}

/* Number of (c, e) for which the offset (key_offset, from y to other) gives its likeliest value. */
static unsigned chance(const struct field *f, unsigned y, unsigned other, unsigned key_offset)
{
	unsigned count[16] = {0}, best = 0;

	for (unsigned key = 0; key < f->q * f->q; key++) {
		unsigned n = ++count[value[y][key] ^ value[other][key ^ key_offset]];

		best = n > best ? n : best;
	}
	return best;
}

/* The adversary's best over every message seen, every other message, every offset to the key.  With
 * `same_len` the length block stays, as in a key tag, whose m is in the terms. */
static unsigned worst(const struct field *f, enum formula formula, unsigned s, bool related, bool same_len)
{
	unsigned vectors = values_fill(f, formula, s), best = 0;
	unsigned step = vectors > 64 ? 61 : 1; /* in the larger ones, a part of the messages seen */

	for (unsigned y = 0; y < vectors; y += step)
		for (unsigned other = 0; other < vectors; other++) {
			unsigned last = vectors / f->q;

			if (other == y || (same_len && other / last != y / last))
				continue;
			for (unsigned offset = 0; offset < (related ? f->q * f->q : 1); offset++) {
				unsigned n = chance(f, y, other, offset);

				best = n > best ? n : best;
			}
		}
	return best;
}

/* GF(4), GF(8), GF(16), with as many blocks as can be tried in full. */
static const struct {
	unsigned width, modulus, s_max;
} fields[] = {{2, 0x7, 4}, {3, 0xb, 3}, {4, 0x13, 2}};

#define FIELD_COUNT (sizeof fields / sizeof fields[0])

/* s/q, and some message reaches it: the bound is the true one. */
static void message_tag_bound(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		struct field f = field_make(fields[i].width, fields[i].modulus);

		for (unsigned s = 1; s <= fields[i].s_max; s++)
			assert_int_equal(worst(&f, MESSAGE_TAG, s, false, false), s * f.q);
	}
}

/* (s+1)/q, under every offset to the key as well. */
static void key_tag_bound(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		struct field f = field_make(fields[i].width, fields[i].modulus);

		for (unsigned s = 1; s <= fields[i].s_max; s++) {
			unsigned plain = worst(&f, KEY_TAG, s, false, false);
			unsigned related = worst(&f, KEY_TAG, s, true, false);

			assert_in_range(plain, f.q, (s + 1) * f.q);
			assert_in_range(related, plain, (s + 1) * f.q);
		}
	}
}

/* h as a key tag: with three blocks, 32 bytes of key and the length, an offset forges it every time. */
static void the_message_tag_falls_as_key_tag(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct field f = field_make(fields[i].width, fields[i].modulus);

		assert_int_equal(worst(&f, MESSAGE_TAG, 3, true, true), f.q * f.q);
		assert_in_range(worst(&f, KEY_TAG, 3, true, true), 1, 4 * f.q);
	}
}

/* With d in the count as well: over all keys that give t, at most (s+1)/q give t' after the offset. */
static void key_tag_bound_with_d(void **state)
{
	struct field f = field_make(2, 0x7);
	unsigned vectors = values_fill(&f, KEY_TAG, 2);

	(void)state;
	for (unsigned y = 0; y < vectors; y++)
		for (unsigned run = 0; run < vectors * 64; run++) {
			unsigned other = run / 64, offset = run % 16, d_offset = run / 16 % 4, joint[4][4] = {{0}};

			if (other == y)
				continue;
			for (unsigned key = 0; key < 16; key++)
				for (unsigned d = 0; d < 4; d++)
					joint[d ^ value[y][key]][d ^ d_offset ^ value[other][key ^ offset]]++;
			for (unsigned t = 0; t < 4; t++) {
				unsigned with_t = joint[t][0] + joint[t][1] + joint[t][2] + joint[t][3];

				assert_int_equal(with_t, 16);
				for (unsigned after = 0; after < 4; after++)
					assert_true(4 * joint[t][after] <= (2 + 1) * with_t);
			}
		}
}

/* ---- the same forgery in GF(2^128), by the code that runs --------------------------------------- */

struct attack {
	uint8_t u[KEY_TAG_KEY_LEN], key[32];   /* what Alice tagged */
	struct gf128 c, e, y1, y2, y3, x, x2;  /* x: the offset to c */
	uint8_t bad_u[KEY_TAG_KEY_LEN], bad_key[32];
};

static void attack_make(struct attack *a, struct seeded *seed)
{
	seeded_fill(seed, a->u, sizeof a->u);
	seeded_fill(seed, a->key, sizeof a->key);
	a->c = gf128_load(a->u);
	a->e = gf128_load(a->u + 32);
	a->y1 = gf128_load(a->key);
	a->y2 = gf128_load(a->key + 16);
	a->y3 = (struct gf128){8 * sizeof a->key, 0};
	a->x = (struct gf128){seeded_next(seed), seeded_next(seed)};
	a->x2 = gf128_mul(a->x, a->x);
	memcpy(a->bad_u, a->u, sizeof a->u);
	memcpy(a->bad_key, a->key, sizeof a->key);
}

static void offset(uint8_t at[GF128_LEN], struct gf128 by)
{
	gf128_store(at, gf128_add(gf128_load(at), by));
}

/* h: (c+x)^3 = c^3 + c^2 x + c x^2 + x^3, so y1 + x^2 y3, y2 + x y3 and a constant known to whoever
 * knows the key make up for the offset x, whatever c and d are. */
static void message_tag_is_forged(void **state)
{
	struct seeded seed = {15};

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct attack a;
		struct tag tag;

		attack_make(&a, &seed);
		tag_compute(&tag, a.u, a.key, sizeof a.key);
		offset(a.bad_key, gf128_mul(a.x2, a.y3));
		offset(a.bad_key + 16, gf128_mul(a.x, a.y3));
		offset(a.bad_u, a.x);
		offset(a.bad_u + 16, gf128_mul(a.x, gf128_load(a.bad_key)));
		offset(a.bad_u + 16, gf128_mul(a.x2, gf128_load(a.bad_key + 16)));
		offset(a.bad_u + 16, gf128_mul(gf128_mul(a.x2, a.x), a.y3));
		assert_memory_not_equal(a.bad_key, a.key, sizeof a.key);
		assert_true(tag_check(&tag, a.bad_u, a.bad_key, sizeof a.key));
	}
}

/* h': the constant now holds x e, and e is not known.  `guess` is what the adversary takes e for. */
static bool key_tag_attack(struct attack *a, struct gf128 guess)
{
	struct tag tag;
	struct gf128 x3 = gf128_mul(a->x2, a->x), x4 = gf128_mul(a->x2, a->x2);

	key_tag_compute(&tag, a->u, a->key, sizeof a->key);
	/* (c+x)^2 = c^2 + x^2, (c+x)^4 = c^4 + x^4: only the block y2 at c^3 leaves lower powers. */
	offset(a->bad_key, gf128_mul(a->x, a->y2));
	offset(a->bad_u, a->x);
	offset(a->bad_u + 32, gf128_mul(a->x2, a->y2));
	struct gf128 bad_e = gf128_add(guess, gf128_mul(a->x2, a->y2));
	offset(a->bad_u + 16, gf128_mul(a->x, bad_e));
	offset(a->bad_u + 16, gf128_mul(a->x2, gf128_load(a->bad_key)));
	offset(a->bad_u + 16, gf128_mul(x3, a->y2));
	offset(a->bad_u + 16, gf128_mul(x4, a->y3));
	assert_memory_not_equal(a->bad_key, a->key, sizeof a->key);
	return key_tag_check(&tag, a->bad_u, a->bad_key, sizeof a->key);
}

static void key_tag_holds(void **state)
{
	struct seeded seed = {16};

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct attack a, b;

		attack_make(&a, &seed);
		b = a;
		assert_true(key_tag_attack(&a, a.e)); /* the attack is right: e alone stands in its way */
		assert_false(key_tag_attack(&b, (struct gf128){seeded_next(&seed), seeded_next(&seed)}));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_tag_bound),
		cmocka_unit_test(key_tag_bound),
		cmocka_unit_test(key_tag_bound_with_d),
		cmocka_unit_test(the_message_tag_falls_as_key_tag),
		cmocka_unit_test(message_tag_is_forged),
		cmocka_unit_test(key_tag_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
