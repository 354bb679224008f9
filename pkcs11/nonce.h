/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/nonce.h - IVs and nonces that the token makes (PKCS#11 3.0, 6.13: CKG_...).
 *
 * The first `fixed` bits are the host's, the others ours.  Counters begin at zero with each process of messages, as the
 * text has it, so that the host has to change the key or the fixed bits before the next.  CKG_GENERATE begins at random
 * and counts on, CKG_GENERATE_RANDOM draws each (both SP 800-38D, 8.2.2): there the token answers for it that none
 * comes twice, and wants 64 bits or more, and ends before two random ones are likely to be the same.
 */
#ifndef DSKE_PKCS11_NONCE_H
#define DSKE_PKCS11_NONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkcs11/rv.h"

#define NONCE_MAX 128

/* One nonce, as a parameter has it: `at` is the host's memory. */
struct nonce {
	CK_BYTE *at;
	size_t len;
	CK_ULONG fixed; /* bits */
	CK_GENERATOR_FUNCTION how;
};

/* What one process of messages has made. */
struct nonce_maker {
	bool begun;
	CK_GENERATOR_FUNCTION how;
	CK_ULONG fixed;
	size_t len;
	uint64_t made;
	uint8_t first[NONCE_MAX], last[NONCE_MAX]; /* of CKG_GENERATE_COUNTER_XOR: what the host gave; what came of it */
};

/* The next one into out, n->len bytes, by the bits that the host has in n->at; nothing is written there.  A zeroed maker
 * begins.  MECHANISM_PARAM_INVALID: no such generator, too few bits, or not what the process began with; DATA_LEN_RANGE:
 * no other can be made; FUNCTION_FAILED: no random bytes. */
CK_RV nonce_make(struct nonce_maker *maker, const struct nonce *n, uint8_t *out);

#endif
