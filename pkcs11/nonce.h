/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/nonce.h - IVs and nonces that the token makes (PKCS#11 3.0, 6.13: CKG_...).
 *
 * The first `fixed` bits are the host's, the others ours.  A key's counter begins at zero and goes on as long as the
 * process has the key, whichever session asks, and for whichever object has its value (nonce-book.h).  It does not count
 * for a key that is elsewhere too: a token object and its copies are in every process, an agreed key is at both ends.
 * CKG_GENERATE and CKG_GENERATE_RANDOM draw each nonce (SP 800-38D, 8.2.2), want 64 bits or more for that, and end before
 * two are likely to be the same.
 */
#ifndef DSKE_PKCS11_NONCE_H
#define DSKE_PKCS11_NONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkcs11/rv.h"

#define NONCE_MAX 128

struct module;
struct object;

/* One nonce, as a parameter has it: `at` is the host's memory. */
struct nonce {
	CK_BYTE *at;
	size_t len;
	CK_ULONG fixed; /* bits */
	CK_GENERATOR_FUNCTION how;
};

/* What was made with one key; guarded by the module's lock. */
struct nonce_made {
	uint64_t all;    /* by whichever generator */
	CK_ULONG drawn;  /* the fewest bits of one that were drawn; 0: none was */
	struct nonce_counter {
		CK_GENERATOR_FUNCTION how; /* CKG_NO_GENERATE: it has not begun */
		CK_ULONG fixed;
		size_t len;
		uint64_t next;
		uint8_t first[NONCE_MAX]; /* what the host gave: of CKG_GENERATE_COUNTER_XOR it has to stay */
	} counter;
};

/* The next one with that key into out, n->len bytes, by the bits that the host has in n->at; nothing is written there.
 * MECHANISM_PARAM_INVALID: no such generator, too few bits, not what the key's counter began with, or a counter for a key
 * that is elsewhere too; DATA_LEN_RANGE: no other can be made; FUNCTION_FAILED: no random bytes; HOST_MEMORY. */
CK_RV nonce_make(struct module *m, struct object *key, const struct nonce *n, uint8_t *out);

/* Does another process or another end have that value too, or could have?  A key is so that is copied, joined or cut of one
 * that is. */
bool nonce_key_elsewhere(const struct object *key);

/* The arithmetic of it, with the module's lock: counts one more, and its number if there is a counter.  Errors: as above. */
CK_RV nonce_count(struct nonce_made *made, const struct nonce *n, uint64_t *number);

#endif
