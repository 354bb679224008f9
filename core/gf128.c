/* SPDX-License-Identifier: Apache-2.0 */
/* core/gf128.c - elements of GF(2^128) in memory, and the choice of the variant. */
#include "config.h"

#include "core/gf128.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/gf128-impl.h"

struct gf128 gf128_load(const uint8_t bytes[GF128_LEN])
{
	uint64_t w[2];

	memcpy(w, bytes, sizeof w);
	return (struct gf128){le64toh(w[0]), le64toh(w[1])};
}

void gf128_store(uint8_t bytes[GF128_LEN], struct gf128 a)
{
	const uint64_t w[2] = {htole64(a.lo), htole64(a.hi)};

	memcpy(bytes, w, sizeof w);
}

struct gf128 gf128_add(struct gf128 a, struct gf128 b)
{
	return (struct gf128){a.lo ^ b.lo, a.hi ^ b.hi};
}

const struct gf128_impl *const gf128_impls[] = {
#ifdef __x86_64__
	&gf128_vpclmul,
	&gf128_pclmul,
#endif
#ifdef GF128_HAS_PMULL
	&gf128_pmull,
#endif
	&gf128_portable,
	NULL,
};

static pthread_once_t selected_once = PTHREAD_ONCE_INIT;
static const struct gf128_impl *selected;

static void select_impl(void)
{
	const char *wanted = secure_getenv("DSKE_GF128");

	for (const struct gf128_impl *const *impl = gf128_impls; *impl; impl++) {
		if (!(*impl)->usable())
			continue;
		if (!selected)
			selected = *impl;
		if (wanted && strcmp(wanted, (*impl)->name) == 0)
			selected = *impl;
	}
}

const struct gf128_impl *gf128_selected(void)
{
	pthread_once(&selected_once, select_impl);
	return selected;
}

struct gf128 gf128_mul(struct gf128 a, struct gf128 b)
{
	return gf128_selected()->mul(a, b);
}

struct gf128 gf128_horner(struct gf128 acc, struct gf128 c, const uint8_t *bytes, size_t len)
{
	return gf128_selected()->horner(acc, c, bytes, len);
}
