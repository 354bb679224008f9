/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/crypto.h - libcrypto as the module may use it: in a library context of its own that holds the
 * default provider alone, so that nothing the host configures reaches us and nothing we do waits for the
 * host's configuration.  The context is made at the first need, without a lock, and lives as long as the
 * process.  A forked child makes its own.
 *
 * Calls leave the host's error queue as it was.
 */
#ifndef DSKE_PKCS11_CRYPTO_H
#define DSKE_PKCS11_CRYPTO_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"

/* Is libcrypto still there?  Hosts close sessions and finalize from exit handlers, after libcrypto's own
 * clean-up has run; from then on nothing of it may be called, and contexts are left where they are. */
bool crypto_is_alive(void);

enum crypto_cipher { CRYPTO_GCM, CRYPTO_CBC };

/* A context for AES with a key of 16, 24 or 32 bytes.  GCM runs AES forwards in both directions, so that
 * its context serves either; a CBC one serves the direction it was made for.
 * NULL when there is no memory or no such key length. */
EVP_CIPHER_CTX *crypto_cipher_new(enum crypto_cipher which, const struct secret *key, bool encrypt);
void crypto_cipher_free(EVP_CIPHER_CTX *c); /* nothing when libcrypto is gone; safe on NULL */

/* Begins a message on a keyed context.  CBC takes 16 bytes of IV, and `pad` adds PKCS#7 padding; GCM
 * takes 1 to 128. */
bool crypto_cipher_start(EVP_CIPHER_CTX *c, enum crypto_cipher which, bool encrypt, const uint8_t *iv, size_t iv_len,
			 bool pad);

/* HMAC-SHA256 with a key of any length; crypto_mac_start begins a message anew with the same key. */
#define CRYPTO_MAC_LEN 32
EVP_MAC_CTX *crypto_mac_new(const struct secret *key);
bool crypto_mac_start(EVP_MAC_CTX *c);
bool crypto_mac_update(EVP_MAC_CTX *c, const uint8_t *in, size_t len);
bool crypto_mac_final(EVP_MAC_CTX *c, uint8_t mac[CRYPTO_MAC_LEN]);
void crypto_mac_free(EVP_MAC_CTX *c); /* nothing when libcrypto is gone; safe on NULL */

/* Brackets for a stretch of libcrypto calls: what they leave on the thread's error queue goes away. */
void crypto_quiet_begin(void);
void crypto_quiet_end(void);

#define CRYPTO_SHA1_LEN 20
#define CRYPTO_SHA256_LEN 32
dske_rc crypto_sha1(uint8_t out[CRYPTO_SHA1_LEN], const void *bytes, size_t len);
dske_rc crypto_sha256(uint8_t out[CRYPTO_SHA256_LEN], const void *bytes, size_t len);

/* First three bytes of the encryption of a zero block (PKCS#11 2.40, 4.10.2: CKA_CHECK_VALUE). */
dske_rc crypto_aes_check(uint8_t out[3], const struct secret *key);

/* AES-256-GCM in one piece.  out holds len bytes and a 16-byte tag; opening takes len + 16 bytes and
 * wipes out when the tag is wrong.  Errors: TAG, NOMEM. */
#define CRYPTO_NONCE_LEN 12
#define CRYPTO_TAG_LEN 16
dske_rc crypto_seal(uint8_t *out, const struct secret *key, const uint8_t nonce[CRYPTO_NONCE_LEN], const void *ad,
		    size_t ad_len, const void *bytes, size_t len);
dske_rc crypto_open(uint8_t *out, const struct secret *key, const uint8_t nonce[CRYPTO_NONCE_LEN], const void *ad,
		    size_t ad_len, const uint8_t *sealed, size_t len);

#endif
