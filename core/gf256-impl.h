/* SPDX-License-Identifier: Apache-2.0 */
/* core/gf256-impl.h - the variants that gf256.c lists, one a file, named by their property. */
#ifndef DSKE_CORE_GF256_IMPL_H
#define DSKE_CORE_GF256_IMPL_H

#include "core/gf256.h"

extern const struct gf256_impl gf256_portable;
#ifdef __x86_64__
extern const struct gf256_impl gf256_gfni, gf256_gfni256, gf256_avx2;
#elif defined __aarch64__
extern const struct gf256_impl gf256_neon;
#endif

#endif
