/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/core/test-leakage.c - what fewer than k hubs learn of a key, counted (DSKE 4.2: leakage at k).
 *
 * In fields of four and eight elements all tables that hubs and clients can have are gone through, and for
 * everything that k - 1 corrupt hubs can see, each key must come up equally often.  The algebra is that of the
 * product, with smaller symbols: shares by Shamir's scheme or by exclusive-or, Y_0 = (c, d, e) || S, the key tag
 * h' = d + c e + sum c^(j+1) y_j, messages encrypted with a pad and tagged with h = d + sum c^j y_j.  The same
 * functions over GF(2^8) and GF(2^128) are held against the product's first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/shamir.h"
#include "core/tag.h"
#include "test/core/seeded.h"

#define U_LEN 3       /* symbols of u */
#define SYMBOLS 4     /* of Y_0: u, and S of one symbol */
#define LENGTH_BLOCK 1u
#define N_MAX 3

__extension__ typedef unsigned __int128 element;

struct field {
	unsigned bits;
	element modulus; /* without its highest term */
};

static const struct field gf4 = {2, 3}, gf8 = {3, 3}, gf256 = {8, 0x1b}, gf128 = {128, 0x87};

/* ---- the algebra, in any field -------------------------------------------------------------------------- */

static element times(const struct field *f, element a, element b)
{
	element product = 0, top = (element)1 << (f->bits - 1);

	for (unsigned i = f->bits; i-- > 0;) {
		element carry = product & top;

		product = (product ^ carry) << 1;
		if (carry)
			product ^= f->modulus;
		if (b >> i & 1)
			product ^= a;
	}
	return product;
}

static element inverse(const struct field *f, element a)
{
	element product = 1, square = a;

	for (unsigned i = 1; i < f->bits; i++) {
		square = times(f, square, square);
		product = times(f, product, square);
	}
	return product;
}

/* The value at `at` of the polynomial through k points. */
static element interpolate(const struct field *f, const uint8_t *x, const element *y, size_t k, element at)
{
	element sum = 0;

	for (size_t i = 0; i < k; i++) {
		element term = y[i];

		for (size_t j = 0; j < k; j++)
			if (j != i)
				term = times(f, times(f, term, at ^ x[j]), inverse(f, x[i] ^ x[j]));
		sum ^= term;
	}
	return sum;
}

/* d + sum c^j y_j; the length block is one of the y. */
static element message_tag(const struct field *f, element c, element d, const element *y, size_t count)
{
	element sum = 0;

	for (size_t j = count; j-- > 0;)
		sum = times(f, sum ^ y[j], c);
	return sum ^ d;
}

static element key_tag(const struct field *f, const element u[U_LEN], const element *y, size_t count)
{
	return u[1] ^ times(f, u[0], message_tag(f, u[0], u[2], y, count));
}

/* ---- it is the product's --------------------------------------------------------------------------------- */

static element load(const uint8_t b[16])
{
	element e = 0;

	for (unsigned i = 16; i-- > 0;)
		e = e << 8 | b[i];
	return e;
}

static void shares_are_the_products(void **state)
{
	struct seeded seed = {1};

	(void)state;
	for (size_t k = 1; k <= 12; k++)
		for (unsigned at = 0; at < 256; at += 5) {
			uint8_t x[12], bytes[12], value, wanted = (uint8_t)at, *out = &value;
			const uint8_t *known[12];
			element y[12];

			for (size_t i = 0; i < k; i++) {
				x[i] = (uint8_t)(i * 21 + 1);
				seeded_fill(&seed, &bytes[i], 1);
				known[i] = &bytes[i];
				y[i] = bytes[i];
			}
			assert_true(rc_ok(shamir_interpolate(x, known, k, &wanted, &out, 1, 1)));
			assert_true(interpolate(&gf256, x, y, k, at) == value);
		}
}

static void tags_are_the_products(void **state)
{
	struct seeded seed = {2};

	(void)state;
	for (size_t blocks = 1; blocks <= 9; blocks++) {
		uint8_t key[KEY_TAG_KEY_LEN], message[9 * 16];
		element u[U_LEN], y[10];
		struct tag tag;

		seeded_fill(&seed, key, sizeof key);
		seeded_fill(&seed, message, sizeof message);
		for (size_t i = 0; i < U_LEN; i++)
			u[i] = load(key + 16 * i);
		for (size_t i = 0; i < blocks; i++)
			y[i] = load(message + 16 * i);
		y[blocks] = blocks * 128; /* the length, in bits */
		key_tag_compute(&tag, key, message, blocks * 16);
		assert_true(key_tag(&gf128, u, y, blocks + 1) == load(tag.b));
		tag_compute(&tag, key, message, blocks * 16);
		assert_true(message_tag(&gf128, u[0], u[1], y, blocks + 1) == load(tag.b));
	}
}

/* ---- every table ------------------------------------------------------------------------------------------ */

/*
 * A symbol of each of the first k tables makes one symbol of everything: `secret` of Y_0, `share` of the hubs.
 * Combinations of such symbols are numbered, the first table's lowest.
 */
struct scheme_model {
	const struct field *f;
	size_t n, k, combinations;
	bool is_xor;
	bool masked; /* do d and e mask the key tag (either would do)?  The control is without. */
	uint8_t secret[1 << 9], share[1 << 9][N_MAX];
};

static void model_make(struct scheme_model *m)
{
	static const uint8_t x[N_MAX] = {1, 2, 3};

	m->combinations = (size_t)1 << m->f->bits * m->k;
	for (size_t v = 0; v < m->combinations; v++) {
		element y[N_MAX], sum = 0;

		for (size_t i = 0; i < m->k; i++) {
			y[i] = v >> i * m->f->bits & ((1u << m->f->bits) - 1);
			sum ^= y[i];
		}
		m->secret[v] = (uint8_t)(m->is_xor ? sum : interpolate(m->f, x, y, m->k, 0));
		for (size_t i = 0; i < m->n; i++)
			m->share[v][i] = (uint8_t)(m->is_xor ? y[i] : interpolate(m->f, x, y, m->k, x[i]));
	}
}

/* The key tag of each Y_0, as symbols c, d, e, S from the lowest. */
static void tags_make(const struct scheme_model *m, uint8_t *tag)
{
	unsigned bits = m->f->bits, mask = (1u << bits) - 1;

	for (unsigned v = 0; v < 1u << SYMBOLS * bits; v++) {
		element u[U_LEN] = {v & mask, v >> bits & mask, v >> 2 * bits & mask};
		element y[2] = {v >> 3 * bits & mask, LENGTH_BLOCK};

		if (!m->masked)
			u[1] = u[2] = 0;
		tag[v] = (uint8_t)key_tag(m->f, u, y, 2);
	}
}

/* What these hubs (bits) have of each combination, packed. */
static void views_make(const struct scheme_model *m, unsigned hubs, uint32_t *view)
{
	for (size_t v = 0; v < m->combinations; v++) {
		unsigned at = 0;

		view[v] = 0;
		for (size_t i = 0; i < m->n; i++)
			if (hubs >> i & 1)
				view[v] |= (uint32_t)m->share[v][i] << m->f->bits * at++;
	}
}

/* Counts, for each view of these hubs and each key, the tables that give both.  *shift: bits of a view. */
static uint32_t *count_all(const struct scheme_model *m, unsigned hubs, unsigned *shift)
{
	unsigned bits = m->f->bits, wide = bits * (unsigned)__builtin_popcount(hubs), step = bits * (unsigned)m->k;
	static uint8_t tag[1 << SYMBOLS * 3];
	uint32_t view[1 << 9], *count;

	*shift = SYMBOLS * wide + bits;
	count = calloc((size_t)1 << (*shift + bits), sizeof *count);
	assert_non_null(count);
	tags_make(m, tag);
	views_make(m, hubs, view);
	for (uint64_t tables = 0; tables < UINT64_C(1) << SYMBOLS * step; tables++) {
		uint32_t seen = 0, y0 = 0;

		for (unsigned p = 0; p < SYMBOLS; p++) {
			size_t v = tables >> p * step & (m->combinations - 1);

			seen |= view[v] << p * wide;
			y0 |= (uint32_t)m->secret[v] << p * bits;
		}
		seen |= (uint32_t)tag[y0] << SYMBOLS * wide;
		count[(size_t)seen << bits | y0 >> U_LEN * bits]++;
	}
	return count;
}

/* Is every key equally likely, whatever these hubs see? */
static bool tells_nothing(const struct scheme_model *m, unsigned hubs)
{
	unsigned shift, q = 1u << m->f->bits;
	uint32_t *count = count_all(m, hubs, &shift);
	bool equal = true;

	for (size_t view = 0; view < (size_t)1 << shift; view++)
		for (unsigned s = 1; s < q; s++)
			equal &= count[view * q + s] == count[view * q];
	free(count);
	return equal;
}

/* Is there one key for each thing that these hubs can see? */
static bool tells_all(const struct scheme_model *m, unsigned hubs)
{
	uint32_t view[1 << 9];
	int secret_of[1 << 9];

	views_make(m, hubs, view);
	memset(secret_of, -1, sizeof secret_of);
	for (size_t v = 0; v < m->combinations; v++) {
		if (secret_of[view[v]] >= 0 && secret_of[view[v]] != m->secret[v])
			return false;
		secret_of[view[v]] = m->secret[v];
	}
	return true;
}

static void check_scheme(const struct field *f, size_t n, size_t k, bool is_xor)
{
	struct scheme_model m = {.f = f, .n = n, .k = k, .is_xor = is_xor, .masked = true};

	model_make(&m);
	for (unsigned hubs = 0; hubs < 1u << n; hubs++) {
		size_t count = (size_t)__builtin_popcount(hubs);

		if (count == k - 1)
			assert_true(tells_nothing(&m, hubs));
		if (count == k)
			assert_true(tells_all(&m, hubs));
	}
}

static void fewer_than_k_hubs_learn_nothing(void **state)
{
	(void)state;
	for (size_t n = 1; n <= N_MAX; n++)
		for (size_t k = 1; k <= n; k++)
			check_scheme(&gf4, n, k, false);
	for (size_t n = 1; n <= N_MAX; n++)
		check_scheme(&gf4, n, n, true);
	check_scheme(&gf8, 1, 1, false);
	check_scheme(&gf8, 2, 2, false);
}

/* The counting would see it: a key tag that nothing masks tells of the key. */
static void an_unmasked_key_tag_is_noticed(void **state)
{
	struct scheme_model m = {.f = &gf4, .n = 2, .k = 2, .masked = false};

	(void)state;
	model_make(&m);
	assert_false(tells_nothing(&m, 1));
}

/* ---- the adapted protocol (DSKE 3) -------------------------------------------------------------------------- */

/* Hub 1's share by Shamir of Y_0, all symbols of it, where hub 2's is a pad. */
static unsigned dealt_again(unsigned y0, unsigned pad)
{
	static const uint8_t x[2] = {0, 2};
	unsigned share = 0;

	for (unsigned p = 0; p < SYMBOLS; p++) {
		element points[2] = {y0 >> 2 * p & 3, pad >> 2 * p & 3};
		share |= (unsigned)interpolate(&gf4, x, points, 2, 1) << 2 * p;
	}
	return share;
}

/* What passes on the direct link of hub 2's share, when hub 1 has `own`: its tag under (c, d), of which c is shown in the
 * end; and h'(S).  `bare`, the control: the tag is of the share's part of S alone, and d is zero. */
static unsigned on_the_link(unsigned own, unsigned other, unsigned key, bool bare)
{
	unsigned y0 = own ^ other;
	element u[U_LEN] = {y0 & 3, y0 >> 2 & 3, y0 >> 4 & 3}, s[2] = {y0 >> 6, LENGTH_BLOCK};
	element share[SYMBOLS + 1] = {other & 3, other >> 2 & 3, other >> 4 & 3, other >> 6, LENGTH_BLOCK};
	unsigned c = key & 3, d = key >> 2, skip = bare ? U_LEN : 0;
	unsigned tag = (unsigned)message_tag(&gf4, c, bare ? 0 : d, share + skip, SYMBOLS + 1 - skip);

	return c | tag << 2 | (unsigned)key_tag(&gf4, u, s, 2) << 4;
}

/* Two hubs, both on the list; hub 1 is corrupt.  The list is lost, so that Y_0 comes by Shamir as well, and hub 1 has a
 * share of that, too.  Over all that it cannot see, is each key equally likely? */
static bool adapted_tells_nothing(unsigned own, bool bare)
{
	static uint32_t count[1 << 16];
	bool equal = true;

	memset(count, 0, sizeof count);
	for (unsigned other = 0; other < 1u << 8; other++) {
		unsigned link[16];

		for (unsigned key = 0; key < 16; key++)
			link[key] = on_the_link(own, other, key, bare);
		for (unsigned pad = 0; pad < 1u << 8; pad++) {
			unsigned again = dealt_again(own ^ other, pad);

			for (unsigned key = 0; key < 16; key++)
				count[again << 8 | link[key] << 2 | (own ^ other) >> 6]++;
		}
	}
	for (size_t view = 0; view < 1u << 14; view++)
		for (unsigned s = 1; s < 4; s++)
			equal &= count[view << 2 | s] == count[view << 2];
	return equal;
}

static void the_direct_link_tells_nothing(void **state)
{
	(void)state;
	for (unsigned own = 0; own < 1u << 8; own += 15)
		assert_true(adapted_tells_nothing(own, false));
	assert_false(adapted_tells_nothing(0x5a, true));
}

/* ---- the wire ---------------------------------------------------------------------------------------------- */

/* What passes of a share of two symbols: ciphertext and message tag, over all pads and tag keys, counted.  With
 * `again`, the same pad for another share, whose ciphertext passes, too: the control. */
static void wire_count(unsigned share, bool again, uint32_t *count)
{
	for (unsigned pad = 0; pad < 16; pad++)
		for (unsigned key = 0; key < 16; key++) {
			unsigned sent = share ^ pad;
			element y[3] = {sent & 3, sent >> 2, LENGTH_BLOCK};
			unsigned tag = (unsigned)message_tag(&gf4, key & 3, key >> 2, y, 3);

			count[(again ? pad ^ 5 : 0) << 6 | sent << 2 | tag]++;
		}
}

static bool wire_tells_nothing(bool again)
{
	uint32_t first[1 << 10] = {0};

	wire_count(0, again, first);
	for (unsigned share = 1; share < 16; share++) {
		uint32_t count[1 << 10] = {0};

		wire_count(share, again, count);
		if (memcmp(first, count, sizeof first) != 0)
			return false;
	}
	return true;
}

/* What passes of an honest hub's share, on either leg, is equally likely for every share.  Legs and hubs have pads
 * and keys of their own, so that all of it together is, too. */
static void the_wire_tells_nothing(void **state)
{
	(void)state;
	assert_true(wire_tells_nothing(false));
	assert_false(wire_tells_nothing(true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_the_products),
		cmocka_unit_test(tags_are_the_products),
		cmocka_unit_test(fewer_than_k_hubs_learn_nothing),
		cmocka_unit_test(an_unmasked_key_tag_is_noticed),
		cmocka_unit_test(the_direct_link_tells_nothing),
		cmocka_unit_test(the_wire_tells_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
