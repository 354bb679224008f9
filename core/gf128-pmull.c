/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/gf128-pmull.c - as gf128-pclmul.c, with the polynomial multiplication of 64-bit ARM, whose time does not depend
 * on its operands.
 */
#include "core/gf128.h"

#include "core/gf128-impl.h"

#ifdef GF128_HAS_PMULL

#include <arm_neon.h>

#include "base/cpu.h"

#ifdef __ARM_FEATURE_AES
#define TARGET
#else
#define TARGET __attribute__((target("+crypto")))
#endif

typedef uint64x2_t vec;

/* A product of degree below 255, not reduced: low + x^64 middle + x^128 high. */
struct wide {
	vec low, middle, high;
};

TARGET static inline vec load(const uint8_t *block)
{
	return vreinterpretq_u64_u8(vld1q_u8(block));
}

TARGET static inline void store(uint8_t *block, vec a)
{
	vst1q_u8(block, vreinterpretq_u8_u64(a));
}

TARGET static inline vec from_element(struct gf128 a)
{
	return vcombine_u64(vcreate_u64(a.lo), vcreate_u64(a.hi));
}

TARGET static inline struct gf128 to_element(vec a)
{
	return (struct gf128){vgetq_lane_u64(a, 0), vgetq_lane_u64(a, 1)};
}

TARGET static inline vec multiply(uint64_t a, uint64_t b)
{
	return vreinterpretq_u64_p128(vmull_p64((poly64_t)a, (poly64_t)b));
}

TARGET static inline struct wide product(vec a, vec b)
{
	uint64_t a0 = vgetq_lane_u64(a, 0), a1 = vgetq_lane_u64(a, 1), b0 = vgetq_lane_u64(b, 0), b1 = vgetq_lane_u64(b, 1);

	return (struct wide){multiply(a0, b0), veorq_u64(multiply(a0, b1), multiply(a1, b0)), multiply(a1, b1)};
}

TARGET static inline vec add(vec a, vec b)
{
	return veorq_u64(a, b);
}

TARGET static inline struct wide wide_add(struct wide a, struct wide b)
{
	return (struct wide){veorq_u64(a.low, b.low), veorq_u64(a.middle, b.middle), veorq_u64(a.high, b.high)};
}

TARGET static inline vec up(vec a)
{
	return vextq_u64(vdupq_n_u64(0), a, 1);
}

TARGET static inline vec down(vec a)
{
	return vextq_u64(a, vdupq_n_u64(0), 1);
}

/* x^128 = x^7 + x^2 + x + 1, 0x87: folds the upper 64 bits, then the 64 below them. */
TARGET static inline vec reduce(struct wide p)
{
	vec low = veorq_u64(p.low, up(p.middle)), high = veorq_u64(p.high, down(p.middle));
	vec fold = multiply(vgetq_lane_u64(high, 1), 0x87);

	low = veorq_u64(low, up(fold));
	high = veorq_u64(high, down(fold));
	return veorq_u64(low, multiply(vgetq_lane_u64(high, 0), 0x87));
}

#include "core/gf128-steps.h"

static bool usable(void)
{
	return cpu_has(CPU_PMULL);
}

const struct gf128_impl gf128_pmull = {"pmull", usable, mul, horner, tag};

#endif
