/* SPDX-License-Identifier: Apache-2.0 */
/* base/cpu.c - CPUID and XGETBV, as the processor's manual has them; on ARM what the kernel hands every process. */
#include "base/cpu.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <stdint.h>

enum reg { EAX, EBX, ECX, EDX };

#define OSXSAVE_BIT 27 /* leaf 1, ECX: XGETBV may be used */
#define SSE_STATE 0x02u
#define AVX_STATE (SSE_STATE | 0x04u)
#define AVX512_STATE (AVX_STATE | 0xe0u)

/* Leaf (with subleaf 0), register and bit that tell of it, a second bit of that register that it needs too (or the
 * same again), and the registers' state that the kernel has to keep. */
static const struct {
	unsigned leaf;
	enum reg reg;
	unsigned bit, second;
	unsigned state;
} rows[CPU_FEATURE_COUNT] = {
	[CPU_PCLMUL] = {1, ECX, 1, 1, 0},
	[CPU_AVX2] = {7, EBX, 5, 5, AVX_STATE},
	[CPU_AVX512] = {7, EBX, 16, 30, AVX512_STATE},
	[CPU_AVX512VL] = {7, EBX, 31, 31, AVX512_STATE},
	[CPU_GFNI] = {7, ECX, 8, 8, 0},
	[CPU_VPCLMUL] = {7, ECX, 10, 10, AVX_STATE},
};

static bool leaf_read(unsigned leaf, unsigned reg[4])
{
	return __get_cpuid_count(leaf, 0, &reg[EAX], &reg[EBX], &reg[ECX], &reg[EDX]) != 0;
}

static bool bit_is_set(unsigned leaf, enum reg which, unsigned bit)
{
	unsigned reg[4];

	return leaf_read(leaf, reg) && (reg[which] >> bit & 1) != 0;
}

static unsigned kept_state(void)
{
	unsigned low, high;

	if (!bit_is_set(1, ECX, OSXSAVE_BIT))
		return 0;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	(void)high;
	return low;
}

bool cpu_has(enum cpu_feature which)
{
	unsigned state = rows[which].state;

	if (rows[which].leaf == 0)
		return false;
	return bit_is_set(rows[which].leaf, rows[which].reg, rows[which].bit) &&
	       bit_is_set(rows[which].leaf, rows[which].reg, rows[which].second) && (state == 0 || (kept_state() & state) == state);
}

#elif defined __aarch64__

#include <sys/auxv.h>

bool cpu_has(enum cpu_feature which)
{
	return which == CPU_PMULL && (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0;
}

#else

bool cpu_has(enum cpu_feature which)
{
	(void)which;
	return false;
}

#endif
