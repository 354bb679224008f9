/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/cpu.h - which instructions may be used.  Asked of the processor itself: the compiler's own way,
 * __builtin_cpu_supports, brings a constructor along, and the module must have none.
 */
#ifndef DSKE_BASE_CPU_H
#define DSKE_BASE_CPU_H

#include <stdbool.h>

/* CPU_PMULL is of 64-bit ARM, the others of x86-64. */
enum cpu_feature { CPU_PCLMUL, CPU_AVX2, CPU_AVX512, /* F and BW */ CPU_AVX512VL, CPU_GFNI, CPU_VPCLMUL, CPU_PMULL, CPU_FEATURE_COUNT };

/* Does the processor have it, and does the kernel keep the registers it needs?  False for what
 * belongs to another kind of machine. */
bool cpu_has(enum cpu_feature which);

#endif
