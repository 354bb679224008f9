/* SPDX-License-Identifier: Apache-2.0 */
/* core/gf256.c - single products in GF(2^8), and the choice of the variant for whole rows. */
#include "config.h"

#include "core/gf256.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/gf256-impl.h"

uint8_t gf256_mul(uint8_t a, uint8_t b)
{
	unsigned power = a, left = b, product = 0;

	for (int i = 0; i < 8; i++) {
		product ^= power & (0u - (left & 1));
		left >>= 1;
		power = (power << 1) ^ (0x11bu & (0u - (power >> 7)));
	}
	return (uint8_t)product;
}

uint8_t gf256_inv(uint8_t a)
{
	/* a^254 = a^(2+4+..+128): 0 stays 0, every other element has order dividing 255. */
	uint8_t square = a, product = 1;

	for (int i = 1; i < 8; i++) {
		square = gf256_mul(square, square);
		product = gf256_mul(product, square);
	}
	return product;
}

const struct gf256_impl *const gf256_impls[] = {
#ifdef __x86_64__
	&gf256_gfni,
	&gf256_gfni256,
	&gf256_avx2,
#elif defined __aarch64__
	&gf256_neon,
#endif
	&gf256_portable,
	NULL,
};

static pthread_once_t selected_once = PTHREAD_ONCE_INIT;
static const struct gf256_impl *selected;

static void select_impl(void)
{
	const char *wanted = secure_getenv("DSKE_GF256");

	for (const struct gf256_impl *const *impl = gf256_impls; *impl; impl++) {
		if (!(*impl)->usable())
			continue;
		if (!selected)
			selected = *impl;
		if (wanted && strcmp(wanted, (*impl)->name) == 0)
			selected = *impl;
	}
}

const struct gf256_impl *gf256_selected(void)
{
	pthread_once(&selected_once, select_impl);
	return selected;
}

void gf256_matrix(uint8_t *const *out, size_t rows, const uint8_t *const *in, size_t columns,
		  const uint8_t *coefficients, size_t len)
{
	gf256_selected()->matrix(out, rows, in, columns, coefficients, len);
}
