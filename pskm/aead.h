/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pskm/aead.h - the computational step of a PSKM's journey: AES-256-GCM (SP 800-38D) and Argon2id
 * (RFC 9106).  For programs: in libcrypto's default library context.
 */
#ifndef DSKE_PSKM_AEAD_H
#define DSKE_PSKM_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"

#define AEAD_KEY_LEN 32
#define AEAD_NONCE_LEN 12
#define AEAD_TAG_LEN 16

struct aead {
	void *cipher; /* owned, holds the key; NULL when empty */
};

/* Errors: NOMEM. */
dske_rc aead_init(struct aead *a, const uint8_t key[AEAD_KEY_LEN]);
void aead_drop(struct aead *a);

/* A nonce from a number that the key never meets twice. */
void aead_nonce(uint8_t nonce[AEAD_NONCE_LEN], uint64_t number);

struct aead_context {
	uint8_t nonce[AEAD_NONCE_LEN];
	const void *data; /* associated; borrowed for the call */
	size_t data_len;
};

/* out: len + AEAD_TAG_LEN bytes.  Errors: NOMEM. */
dske_rc aead_seal(struct aead *a, const struct aead_context *c, const void *in, size_t len, uint8_t *out);

/* in: len + AEAD_TAG_LEN bytes, out: len, wiped when the tag fails.  Errors: TAG, NOMEM. */
dske_rc aead_open(struct aead *a, const struct aead_context *c, const uint8_t *in, size_t len, uint8_t *out);

/* What guessing one passphrase costs. */
struct kdf_cost {
	uint32_t passes, memory_kib, lanes;
};
#define KDF_COST_DEFAULT {3, 64u << 10, 1}

/* Within what this program is ready to spend on the word of a file?  Errors: FORMAT. */
dske_rc kdf_cost_check(const struct kdf_cost *cost);

/* key: AEAD_KEY_LEN bytes.  Errors: NOMEM, ARGS. */
dske_rc kdf_derive(struct secret *key, const uint8_t *password, size_t password_len, const uint8_t *salt,
		   size_t salt_len, const struct kdf_cost *cost);

#endif
