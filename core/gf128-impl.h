/* SPDX-License-Identifier: Apache-2.0 */
/* core/gf128-impl.h - the variants that gf128.c lists, one a file, named by their property. */
#ifndef DSKE_CORE_GF128_IMPL_H
#define DSKE_CORE_GF128_IMPL_H

#include "core/gf128.h"

extern const struct gf128_impl gf128_portable;
#ifdef __x86_64__
extern const struct gf128_impl gf128_pclmul, gf128_vpclmul;
#endif

/* clang 14 has the intrinsics only where every processor that is built for has the instruction. */
#if defined __aarch64__ && (defined __ARM_FEATURE_AES || !defined __clang__)
#define GF128_HAS_PMULL 1
extern const struct gf128_impl gf128_pmull;
#endif

#endif
