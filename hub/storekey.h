/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub/storekey.h - shares that wait are encrypted at rest: AES-256-GCM under a key derived from the
 * store key (a file beside the mailbox, 0600) and a salt that each process draws when it starts; the
 * nonce is a counter of that process.  So no nonce comes twice under one key, whatever a crash undoes.
 *
 * This is a computational step, and protects what an erased share leaves on a disk, no more: whoever reads
 * the store key reads the tables beside it.
 */
#ifndef DSKE_HUB_STOREKEY_H
#define DSKE_HUB_STOREKEY_H

#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"
#include "pskm/aead.h"

#define STOREKEY_LEN AEAD_KEY_LEN
#define STOREKEY_SALT_LEN 16

struct storekey {
	struct secret root;     /* owned; the file's 32 bytes */
	struct aead own;        /* owned; of this process ... */
	uint8_t salt[STOREKEY_SALT_LEN];
	uint64_t counter;       /* ... and the nonces it has used */
	struct aead other;      /* owned; of the process whose salt was last met */
	uint8_t other_salt[STOREKEY_SALT_LEN];
};

/* What is stored beside a ciphertext. */
struct storekey_seal {
	uint8_t salt[STOREKEY_SALT_LEN];
	uint64_t counter;
};

/* Reads the file, or makes it if `may_make`.  Errors: NOT_FOUND, CORRUPT, as file_open, SYNC, NOMEM. */
dske_rc storekey_open(struct storekey *k, const char *path, bool may_make);

/* Another key from the same file, of at most 32 bytes, by a label that is not as long as a salt.  Errors: NOMEM. */
dske_rc storekey_derive(const struct storekey *k, const char *label, void *out, size_t len);

/* about: what the bytes belong to, authenticated, not stored.  out: len + AEAD_TAG_LEN bytes.
 * Errors: NOMEM. */
struct storekey_about {
	const void *bytes;
	size_t len;
};
dske_rc storekey_encrypt(struct storekey *k, struct storekey_seal *seal, struct storekey_about about,
			 const void *in, size_t len, uint8_t *out);

/* in: len + AEAD_TAG_LEN bytes, out: len.  Errors: CORRUPT (out is wiped), NOMEM. */
dske_rc storekey_decrypt(struct storekey *k, const struct storekey_seal *seal, struct storekey_about about,
			 const uint8_t *in, size_t len, uint8_t *out);

void storekey_drop(struct storekey *k);

#endif
