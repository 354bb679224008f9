/* SPDX-License-Identifier: Apache-2.0 */
/* test/core/test-gf128.c - GF(2^128): vectors, a bit-by-bit model, and what holds in any field. */
#include "test/core/vectors.h"

#include "core/gf128.h"
#include "test/core/seeded.h"

static bool equal(struct gf128 a, struct gf128 b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

static struct gf128 model_double(struct gf128 a)
{
	return (struct gf128){a.lo << 1 ^ (a.hi >> 63 ? 0x87 : 0), a.hi << 1 | a.lo >> 63};
}

static struct gf128 model_mul(struct gf128 a, struct gf128 b)
{
	struct gf128 sum = {0, 0};

	for (unsigned i = 128; i-- > 0;) {
		sum = model_double(sum);
		if ((i < 64 ? b.lo >> i : b.hi >> (i - 64)) & 1)
			sum = gf128_add(sum, a);
	}
	return sum;
}

static struct gf128 random_element(struct seeded *seed)
{
	struct gf128 a = {seeded_next(seed), seeded_next(seed)};

	switch (seeded_below(seed, 4)) { /* sparse and dense ones, for the carries */
	case 0:
		return (struct gf128){a.lo | seeded_next(seed) | seeded_next(seed), UINT64_MAX};
	case 1:
		return (struct gf128){a.lo & seeded_next(seed) & seeded_next(seed), a.hi & UINT64_C(0xf000000000000001)};
	default:
		return a;
	}
}

static void check_product(const struct vector *v)
{
	for (const struct gf128_impl *const *impl = gf128_impls; *impl; impl++) {
		uint8_t product[GF128_LEN];

		if (!(*impl)->usable())
			continue;
		gf128_store(product, (*impl)->mul(gf128_load(v->field[0]), gf128_load(v->field[1])));
		assert_memory_equal(product, v->field[2], GF128_LEN);
	}
}

static void known_answers(void **state)
{
	(void)state;
	vectors_each("gf128-mul.txt", 3, check_product);
}

static void random_products(void **state)
{
	struct seeded seed = {2};

	(void)state;
	for (const struct gf128_impl *const *impl = gf128_impls; *impl; impl++)
		for (int i = 0; i < 20000 && (*impl)->usable(); i++) {
			struct gf128 a = random_element(&seed), b = random_element(&seed);

			assert_true(equal((*impl)->mul(a, b), model_mul(a, b)));
		}
}

/* Every pair of single bits, and all ones against each bit: no carry is lost or kept. */
static void single_bits_of(const struct gf128_impl *impl)
{
	for (unsigned i = 0; i < 128; i++) {
		struct gf128 a = {i < 64 ? UINT64_C(1) << i : 0, i < 64 ? 0 : UINT64_C(1) << (i - 64)};
		struct gf128 ones = {UINT64_MAX, UINT64_MAX};

		assert_true(equal(impl->mul(a, ones), model_mul(a, ones)));
		for (unsigned j = 0; j < 128; j++) {
			struct gf128 b = {j < 64 ? UINT64_C(1) << j : 0, j < 64 ? 0 : UINT64_C(1) << (j - 64)};

			assert_true(equal(impl->mul(a, b), model_mul(a, b)));
		}
	}
	assert_true(equal(impl->mul((struct gf128){UINT64_MAX, UINT64_MAX}, (struct gf128){UINT64_MAX, UINT64_MAX}),
			  model_mul((struct gf128){UINT64_MAX, UINT64_MAX}, (struct gf128){UINT64_MAX, UINT64_MAX})));
}

static void single_bits(void **state)
{
	(void)state;
	for (const struct gf128_impl *const *impl = gf128_impls; *impl; impl++)
		if ((*impl)->usable())
			single_bits_of(*impl);
}

static void it_is_a_field(void **state)
{
	struct seeded seed = {3};
	struct gf128 one = {1, 0};

	(void)state;
	for (int i = 0; i < 300; i++) {
		struct gf128 a = random_element(&seed), b = random_element(&seed), c = random_element(&seed);
		struct gf128 square = a, power = one;

		assert_true(equal(gf128_mul(a, one), a));
		assert_true(equal(gf128_mul(a, b), gf128_mul(b, a)));
		assert_true(equal(gf128_mul(gf128_mul(a, b), c), gf128_mul(a, gf128_mul(b, c))));
		assert_true(equal(gf128_mul(a, gf128_add(b, c)), gf128_add(gf128_mul(a, b), gf128_mul(a, c))));
		for (int bit = 1; bit < 128; bit++) { /* a^(2^128 - 2) is the inverse */
			square = gf128_mul(square, square);
			power = gf128_mul(power, square);
		}
		if (a.lo | a.hi)
			assert_true(equal(gf128_mul(a, power), one));
		assert_true(equal(gf128_mul(square, square), a)); /* a^(2^128) = a */
	}
}

#define BYTES_MOST 2260 /* several of every variant's steps, and rests */

/* c^s acc + sum_{j=1..s} c^j y_j, from the lowest power on: the other way round than any variant. */
static struct gf128 model_sum(struct gf128 acc, struct gf128 c, const uint8_t *bytes, size_t len)
{
	struct gf128 sum = {0, 0}, power = {1, 0};

	for (size_t at = 0; at < len; at += GF128_LEN) {
		uint8_t block[GF128_LEN] = {0};

		memcpy(block, bytes + at, len - at < GF128_LEN ? len - at : GF128_LEN);
		power = model_mul(power, c);
		sum = gf128_add(sum, model_mul(power, gf128_load(block)));
	}
	return gf128_add(sum, model_mul(power, acc));
}

static void horner_is_the_sum(void **state)
{
	static uint8_t bytes[BYTES_MOST + 16];
	struct seeded seed = {4};

	(void)state;
	seeded_fill(&seed, bytes, sizeof bytes);
	for (const struct gf128_impl *const *impl = gf128_impls; *impl; impl++)
		for (size_t len = 0; len <= BYTES_MOST && (*impl)->usable(); len += len < 160 ? 1 : 37) {
			const uint8_t *first = bytes + len % 16;
			struct gf128 c = random_element(&seed), acc = random_element(&seed);

			assert_true(equal((*impl)->horner(acc, c, first, len), model_sum(acc, c, first, len)));
		}
}

static void tags_are_the_sum(void **state)
{
	static uint8_t bytes[BYTES_MOST + 16];
	uint8_t c[GF128_LEN], d[GF128_LEN], e[GF128_LEN], tag[GF128_LEN], key_tag[GF128_LEN];
	struct seeded seed = {5};

	(void)state;
	seeded_fill(&seed, bytes, sizeof bytes);
	for (const struct gf128_impl *const *impl = gf128_impls; *impl; impl++)
		for (size_t len = 0; len <= BYTES_MOST && (*impl)->usable(); len += len < 160 ? 1 : 37) {
			const uint8_t *first = bytes + len % 16;
			struct gf128 power, sum, length = {8 * len, 0};

			seeded_fill(&seed, c, sizeof c);
			seeded_fill(&seed, d, sizeof d);
			seeded_fill(&seed, e, sizeof e);
			power = gf128_load(c);
			sum = model_sum(model_mul(power, length), power, first, len);
			(*impl)->tag(tag, c, d, NULL, first, len);
			(*impl)->tag(key_tag, c, d, e, first, len);
			assert_true(equal(gf128_load(tag), gf128_add(gf128_load(d), sum)));
			sum = model_mul(power, gf128_add(sum, gf128_load(e)));
			assert_true(equal(gf128_load(key_tag), gf128_add(gf128_load(d), sum)));
		}
}

static void bytes_are_little_endian(void **state)
{
	uint8_t bytes[GF128_LEN], back[GF128_LEN];

	(void)state;
	for (uint8_t i = 0; i < GF128_LEN; i++)
		bytes[i] = (uint8_t)(0xf0 + i);
	struct gf128 a = gf128_load(bytes);
	assert_true(a.lo == UINT64_C(0xf7f6f5f4f3f2f1f0) && a.hi == UINT64_C(0xfffefdfcfbfaf9f8));
	gf128_store(back, a);
	assert_memory_equal(back, bytes, GF128_LEN);
}

static void an_unknown_name_is_passed_over(void **state)
{
	(void)state;
	assert_ptr_equal(gf128_selected(), gf128_selected());
	assert_true(gf128_selected()->usable()); /* main() asked for one that is not there */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),     cmocka_unit_test(random_products),
		cmocka_unit_test(single_bits),       cmocka_unit_test(it_is_a_field),
		cmocka_unit_test(horner_is_the_sum), cmocka_unit_test(tags_are_the_sum),
		cmocka_unit_test(bytes_are_little_endian),
		cmocka_unit_test(an_unknown_name_is_passed_over),
	};

	setenv("DSKE_GF128", "none", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
