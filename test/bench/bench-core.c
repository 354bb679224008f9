/* SPDX-License-Identifier: Apache-2.0 */
/* test/bench/bench-core.c - tags and shares, for every variant of the fields that this machine can run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/gf128.h"
#include "core/gf256.h"
#include "core/shamir.h"
#include "core/tag.h"

#define MIB ((size_t)1 << 20)
#define SHARES 20
#define SECONDS 0.3 /* a measurement */

static uint8_t *share[SHARES];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Runs `work` until SECONDS have gone; prints units per second, or microseconds when units is 0. */
static void measure(const char *name, const char *variant, void (*work)(void), double mib)
{
	double start = now(), taken;
	size_t runs = 0;

	do {
		work();
		runs++;
		taken = now() - start;
	} while (taken < SECONDS);
	if (mib > 0)
		printf("%-28s %-10s %10.0f MiB/s\n", name, variant, mib * (double)runs / taken);
	else
		printf("%-28s %-10s %10.2f us\n", name, variant, 1e6 * taken / (double)runs);
}

static const struct gf256_impl *rows;
static const struct gf128_impl *blocks;

static void horner(void)
{
	struct gf128 c = gf128_load(share[0]);

	gf128_store(share[0], blocks->horner(c, c, share[1], MIB / GF128_LEN));
}

static void row_of_ten(void)
{
	static const uint8_t coefficients[10] = {3, 7, 1, 255, 19, 84, 201, 33, 99, 140};

	rows->matrix(&share[10], 1, (const uint8_t *const *)share, 10, coefficients, MIB);
}

static void short_key_tag(void)
{
	struct tag tag;

	key_tag_compute(&tag, share[0], share[1], 32);
	share[0][0] ^= tag.b[0];
}

static void deal(void)
{
	static const uint8_t known_x[3] = {1, 2, 3}, wanted_x[3] = {0, 4, 5};

	if (!rc_ok(shamir_interpolate(known_x, (const uint8_t *const *)share, 3, wanted_x, share + 3, 3, 80)))
		abort();
}

int main(void)
{
	for (size_t i = 0; i < SHARES; i++) {
		share[i] = malloc(MIB);
		if (!share[i])
			return 1;
		for (size_t j = 0; j < MIB; j++)
			share[i][j] = (uint8_t)(i * 37 + j * 11);
	}
	for (const struct gf128_impl *const *impl = gf128_impls; *impl; impl++)
		if ((blocks = *impl)->usable())
			measure("tag of 1 MiB", blocks->name, horner, 1);
	for (const struct gf256_impl *const *impl = gf256_impls; *impl; impl++)
		if ((rows = *impl)->usable())
			measure("share of 1 MiB, k = 10, read", rows->name, row_of_ten, 10);
	measure("key tag of 32 bytes", gf128_selected()->name, short_key_tag, 0);
	measure("deal 32 bytes, n = 5, k = 3", gf256_selected()->name, deal, 0);
	for (size_t i = 0; i < SHARES; i++)
		free(share[i]);
	return 0;
}
