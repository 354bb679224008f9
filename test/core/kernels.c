/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/core/kernels.c - every variant of both fields that this processor can run, beside the portable one.  Needs no
 * library but C's, so that any compiler builds it, for any machine (test/core/test-kernels).
 *
 *     kernels [SEED [SHAPES]]
 *
 * Built with POISON_MSAN or POISON_MEMCHECK, what is secret counts as uninitialised until a variant is through with it;
 * MemorySanitizer and valgrind then report whatever is decided or addressed by it.  Built with LEAKY, one variant more
 * looks products up by secrets, and has to be reported.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/gf128.h"
#include "core/gf256-public.h"
#include "core/gf256.h"
#include "test/core/seeded.h"

#if defined POISON_MSAN
#include <sanitizer/msan_interface.h>
#define POISON(p, len) __msan_allocated_memory(p, len)
#define CLEAR(p, len) __msan_unpoison(p, len)
#elif defined POISON_MEMCHECK
#include <valgrind/memcheck.h>
#define POISON(p, len) (void)VALGRIND_MAKE_MEM_UNDEFINED(p, len)
#define CLEAR(p, len) (void)VALGRIND_MAKE_MEM_DEFINED(p, len)
#else
#define POISON(p, len) ((void)(p), (void)(len))
#define CLEAR(p, len) ((void)(p), (void)(len))
#endif

#define SIDE_MOST 40
#define LEN_MOST 9000 /* of a few shapes; 300 of most */
#define GUARD 0xa5

static struct seeded seed;
static size_t shapes, printed, failures;

static const struct gf256_impl *shares_portable;
static const struct gf128_impl *tags_portable;

static void report(const char *field, const char *name, bool usable, bool good)
{
	printf("%sok %zu - %s %s%s\n", good ? "" : "not ", ++printed, field, name,
	       usable ? ": as the portable one" : " # SKIP this processor has not what it needs");
	fflush(stdout);
	failures += !good;
}

/* ---- GF(2^8) -------------------------------------------------------------------------------------------- */

/* Rows begin anywhere, and what surrounds those that are written has to stay. */
struct board {
	uint8_t in[SIDE_MOST][LEN_MOST + 64], out[SIDE_MOST][LEN_MOST + 64], expected[SIDE_MOST][LEN_MOST];
	const uint8_t *from[SIDE_MOST];
	uint8_t *to[SIDE_MOST], *right[SIDE_MOST];
};

static struct board b;

static void board_fill(size_t rows, size_t columns, size_t len)
{
	for (size_t i = 0; i < columns; i++) {
		b.from[i] = b.in[i] + seeded_below(&seed, 64);
		seeded_fill(&seed, b.in[i], len + 64);
		CLEAR(b.in[i], len + 64);
	}
	for (size_t i = 0; i < rows; i++) {
		b.to[i] = b.out[i] + 1 + seeded_below(&seed, 62);
		b.right[i] = b.expected[i];
		memset(b.out[i], GUARD, len + 64);
	}
}

static void board_poison(size_t columns, size_t len)
{
	for (size_t i = 0; i < columns; i++)
		POISON(b.in[i], len + 64);
}

static bool board_is_right(size_t rows, size_t columns, size_t len)
{
	for (size_t i = 0; i < columns; i++)
		CLEAR(b.in[i], len + 64);
	for (size_t i = 0; i < rows; i++) {
		size_t at = (size_t)(b.to[i] - b.out[i]);

		CLEAR(b.to[i], len);
		if (len > 0 && memcmp(b.to[i], b.right[i], len) != 0)
			return false;
		for (size_t j = 0; j < len + 64; j++)
			if ((j < at || j >= at + len) && b.out[i][j] != GUARD)
				return false;
	}
	return true;
}

static bool matrix_is_right(const struct gf256_impl *impl, size_t rows, size_t columns, size_t len)
{
	static uint8_t coefficients[SIDE_MOST * SIDE_MOST];

	seeded_fill(&seed, coefficients, sizeof coefficients);
	board_fill(rows, columns, len);
	shares_portable->matrix(b.right, rows, b.from, columns, coefficients, len);
	board_poison(columns, len);
	impl->matrix(b.to, rows, b.from, columns, coefficients, len);
	return board_is_right(rows, columns, len);
}

/* Different coordinates: multiples of an odd number. */
static void coordinates(uint8_t *x, size_t count)
{
	unsigned start = (unsigned)seeded_below(&seed, 256), step = 2 * (unsigned)seeded_below(&seed, 128) + 1;

	for (size_t i = 0; i < count; i++)
		x[i] = (uint8_t)(start + i * step);
}

static uint8_t lagrange(const uint8_t *x, size_t k, size_t i, uint8_t w)
{
	uint8_t above = 1, below = 1;

	for (size_t j = 0; j < k; j++)
		if (j != i) {
			above = gf256_mul(above, w ^ x[j]);
			below = gf256_mul(below, x[i] ^ x[j]);
		}
	return gf256_mul(above, gf256_inv(below));
}

static bool interpolation_is_right(const struct gf256_impl *impl, size_t count, size_t k, size_t len)
{
	uint8_t x[SIDE_MOST], wanted_x[SIDE_MOST], coefficients[SIDE_MOST * SIDE_MOST];

	coordinates(x, k);
	seeded_fill(&seed, wanted_x, count);
	wanted_x[0] = x[k - 1];
	for (size_t r = 0; r < count; r++)
		for (size_t i = 0; i < k; i++)
			coefficients[r * k + i] = lagrange(x, k, i, wanted_x[r]);
	board_fill(count, k, len);
	shares_portable->matrix(b.right, count, b.from, k, coefficients, len);
	board_poison(k, len);
	return impl->interpolate(x, b.from, k, wanted_x, b.to, count, len) && board_is_right(count, k, len);
}

static bool shares_are_right(const struct gf256_impl *impl)
{
	for (size_t i = 0; i < shapes; i++) {
		size_t rows = seeded_below(&seed, SIDE_MOST + 1), columns = 1 + seeded_below(&seed, SIDE_MOST);
		size_t len = i % 64 > 0 ? i % 301 : LEN_MOST - seeded_below(&seed, 300);

		if (!matrix_is_right(impl, rows, columns, len))
			return false;
		rows = 1 + rows % GF256_FEW;
		columns = 1 + columns % GF256_FEW;
		if (impl->interpolate && !interpolation_is_right(impl, rows, columns, i % 301))
			return false;
	}
	return true;
}

#ifdef LEAKY
static void leaky_matrix(uint8_t *const *out, size_t rows, const uint8_t *const *in, size_t columns,
			 const uint8_t *coefficients, size_t len)
{
	const struct gf256_public *gf = gf256_public();

	for (size_t r = 0; r < rows; r++)
		for (size_t i = 0; i < len; i++) {
			uint8_t sum = 0;

			for (size_t c = 0; c < columns; c++)
				sum ^= gf->product[coefficients[r * columns + c]][in[c][i]];
			out[r][i] = sum;
		}
}

static const struct gf256_impl leaky = {"leaky", NULL, leaky_matrix, NULL};
#endif

/* ---- GF(2^128) ------------------------------------------------------------------------------------------ */

static bool elements_are_right(const struct gf128_impl *impl, const uint8_t *bytes, size_t len, uint8_t key[4 * GF128_LEN])
{
	uint8_t expected[4][GF128_LEN], actual[4][GF128_LEN];
	const struct gf128_impl *both[] = {tags_portable, impl};

	for (int i = 0; i < 2; i++) {
		uint8_t (*out)[GF128_LEN] = i == 0 ? expected : actual;
		struct gf128 c, acc;

		if (i == 1) {
			POISON(key, 4 * GF128_LEN);
			POISON((void *)(uintptr_t)bytes, len);
		}
		c = gf128_load(key);
		acc = gf128_load(key + 3 * GF128_LEN);
		gf128_store(out[0], both[i]->mul(c, acc));
		gf128_store(out[1], both[i]->horner(acc, c, bytes, len));
		both[i]->tag(out[2], key, key + GF128_LEN, NULL, bytes, len);
		both[i]->tag(out[3], key, key + GF128_LEN, key + 2 * GF128_LEN, bytes, len);
	}
	CLEAR(actual, sizeof actual);
	return memcmp(actual, expected, sizeof actual) == 0;
}

static bool tags_are_right(const struct gf128_impl *impl)
{
	static uint8_t bytes[LEN_MOST + 64];
	uint8_t key[4 * GF128_LEN];

	for (size_t i = 0; i < shapes; i++) {
		size_t len = i % 16 > 0 ? i % 301 : seeded_below(&seed, LEN_MOST), at = seeded_below(&seed, 64);

		CLEAR(bytes, sizeof bytes);
		CLEAR(key, sizeof key);
		seeded_fill(&seed, bytes + at, len);
		seeded_fill(&seed, key, sizeof key);
		if (!elements_are_right(impl, bytes + at, len, key))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	size_t count = 0;

	seed.state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	shapes = argc > 2 ? strtoul(argv[2], NULL, 0) : 1000;
	for (const struct gf256_impl *const *i = gf256_impls; *i; i++, count++)
		shares_portable = *i; /* the last */
	for (const struct gf128_impl *const *i = gf128_impls; *i; i++, count++)
		tags_portable = *i;
#ifdef LEAKY
	printf("1..1\n");
	report("gf256", leaky.name, true, shares_are_right(&leaky));
	return failures > 0;
#endif
	printf("1..%zu\n", count);
	for (const struct gf256_impl *const *i = gf256_impls; *i; i++) {
		bool usable = (*i)->usable();
		report("gf256", (*i)->name, usable, !usable || shares_are_right(*i));
	}
	for (const struct gf128_impl *const *i = gf128_impls; *i; i++) {
		bool usable = (*i)->usable();
		report("gf128", (*i)->name, usable, !usable || tags_are_right(*i));
	}
	return failures > 0;
}
