/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/entropy.c - the kernel's generator is the one source so far. */
#include "config.h"

#include "pskm/entropy.h"

#include "base/secret.h"

dske_rc entropy_fill(void *out, size_t len)
{
	return random_fill(out, len);
}
