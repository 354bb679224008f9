/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/entropy.h - where the bytes of a new table come from. */
#ifndef DSKE_PSKM_ENTROPY_H
#define DSKE_PSKM_ENTROPY_H

#include <stddef.h>

#include "base/rc.h"

/* Fills out with len bytes.  DSKE 2.1 asks the hub for "high-quality random bits"; the kernel's generator
 * is a computational one, so a hub with a physical source adds it here, by exclusive-or.  Errors: IO. */
dske_rc entropy_fill(void *out, size_t len);

#endif
