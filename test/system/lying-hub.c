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

/* DSKE_LIES_AT=N: the N-th share or part that it seals is changed, and no other. */
static long lies_at, sealed;

__attribute__((constructor)) static void seed(void)
{
	const char *at = getenv("DSKE_LIES_AT");

	srandom((unsigned)getpid());
	lies_at = at ? strtol(at, NULL, 10) : 0;
}

/* Sealing is done in place, opening is not. */
dske_rc __wrap_pad_xor(struct pad *p, void *out, const void *in, size_t len)
{
	const bool seals = out == in;
	uint8_t *changed = out;
	dske_rc rc = __real_pad_xor(p, out, in, len);

	sealed += seals;
	if (lies_at != 0 && sealed != lies_at)
		return rc;
	/* no two alike: equal offsets of several hubs can cancel out, and then the key is right */
	for (size_t i = 0; rc_ok(rc) && seals && i < len; i += 1 + len / 7)
		changed[i] ^= (uint8_t)(1 + random() % 255);
	return rc;
}
