/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lying-hub: what makes dske-hubd-lying lie.  The product's own hub, linked with --wrap so that each share is changed
 * before it is tagged for its receiver: the hostile hub of DSKE 4.2, whose messages all verify.  No source of the product
 * has a switch for it, and the program is not installed.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/pad.h"

dske_rc __real_pad_xor(struct pad *p, void *out, const void *in, size_t len);
dske_rc __wrap_pad_xor(struct pad *p, void *out, const void *in, size_t len);

__attribute__((constructor)) static void seed(void)
{
	srandom((unsigned)getpid());
}

/* Sealing is done in place, opening is not. */
dske_rc __wrap_pad_xor(struct pad *p, void *out, const void *in, size_t len)
{
	const bool seals = out == in;
	uint8_t *changed = out;
	dske_rc rc = __real_pad_xor(p, out, in, len);

	/* no two alike: equal offsets of several hubs can cancel out, and then the key is right */
	for (size_t i = 0; rc_ok(rc) && seals && i < len; i += 1 + len / 7)
		changed[i] ^= (uint8_t)(1 + random() % 255);
	return rc;
}
