/* SPDX-License-Identifier: Apache-2.0 */
/* core/gf256-gfni256.c - GFNI without AVX-512: its multiplication is in this very field; 32 bytes at once. */
#include "core/gf256.h"

#include "core/gf256-impl.h"

#ifdef __x86_64__

#include "base/cpu.h"

#define TARGET __attribute__((target("gfni,avx2")))
#define ROWS_MOST 6

#include "core/gf256-ymm.h"

struct operand {
	vec x;
};

struct factor {
	vec c;
};

TARGET INLINE struct operand operand_make(vec x)
{
	return (struct operand){x};
}

TARGET INLINE struct factor factor_make(const struct rows *m, uint8_t c)
{
	(void)m;
	return (struct factor){_mm256_set1_epi8((char)c)};
}

TARGET INLINE vec times(struct factor f, struct operand x)
{
	return _mm256_gf2p8mul_epi8(x.x, f.c);
}

#include "core/gf256-lanes.h"

static bool usable(void)
{
	return cpu_has(CPU_AVX2) && cpu_has(CPU_GFNI);
}

const struct gf256_impl gf256_gfni256 = {"gfni256", usable, matrix, NULL};

#endif
