/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/crypto.h - libcrypto as a module inside a host may use it: in a library context of its own that
 * holds the default provider alone, so that none of the host's providers reaches us.  The context is made
 * at the first need, without a lock, and lives as long as the process.  A forked child makes its own.
 *
 * Calls that return dske_rc leave the host's error queue as it was.
 */
#ifndef DSKE_BASE_CRYPTO_H
#define DSKE_BASE_CRYPTO_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"

/* Is libcrypto still there?  Hosts close sessions and finalize from exit handlers, after libcrypto's own
 * clean-up has run; from then on nothing of it may be called, and contexts are left where they are. */
bool crypto_is_alive(void);

/* Before a lock is taken.  Whatever algorithm is begun with, libcrypto 3 asks its engines first, and for that has the host's
 * configuration read, if nobody has yet: which may load a PKCS#11 provider, which may call us back in this very thread.
 * From the first call on nothing of that is left to be done. */
void crypto_settle(void);

/* Ends what libcrypto does once a process or in a thread's first call, and makes our context: what a fork or another
 * thread would meet half-way.  Before anything else, again in a forked child.  False: no memory, or libcrypto is gone. */
bool crypto_start(void);

/* Brackets for a stretch of libcrypto calls: what they leave on the thread's error queue goes away.  They go through
 * the gate of base/gate.h, as every call of libcrypto has to, and nest.  False: libcrypto is gone, and the bracket is not
 * to be closed. */
bool crypto_quiet_begin(void) __attribute__((warn_unused_result));
void crypto_quiet_end(void);

/* AES with a key of 16, 24 or 32 bytes, ChaCha20 with one of 32; borrowed, NULL when there is no memory or no such
 * key length. */
enum crypto_cipher {
	CRYPTO_GCM,
	CRYPTO_CBC,
	CRYPTO_ECB,
	CRYPTO_CTR,
	CRYPTO_CCM,
	CRYPTO_CTS, /* SP 800-38A, addendum: CBC-CS1 */
	CRYPTO_KW,  /* SP 800-38F: RFC 3394 */
	CRYPTO_KWP, /* RFC 5649 */
	CRYPTO_CHACHA20,
	CRYPTO_CHACHA20_POLY1305,
	CRYPTO_CIPHERS
};
const EVP_CIPHER *crypto_cipher(enum crypto_cipher which, size_t key_len);

/* Digests; borrowed, NULL when there is no memory. */
enum crypto_hash {
	CRYPTO_SHA1, CRYPTO_SHA224, CRYPTO_SHA256, CRYPTO_SHA384, CRYPTO_SHA512, CRYPTO_SHA512_224, CRYPTO_SHA512_256,
	CRYPTO_SHA3_224, CRYPTO_SHA3_256, CRYPTO_SHA3_384, CRYPTO_SHA3_512, CRYPTO_HASHES
};
#define CRYPTO_HASH_MAX 64 /* bytes of the longest digest */
const EVP_MD *crypto_hash(enum crypto_hash which);

/* What a MAC is made by, and PBKDF2 (PKCS #5); borrowed, NULL when there is no memory. */
enum crypto_maker { CRYPTO_HMAC, CRYPTO_CMAC, CRYPTO_GMAC, CRYPTO_POLY1305, CRYPTO_MAKERS };
EVP_MAC *crypto_maker(enum crypto_maker which);
EVP_KDF *crypto_pbkdf2(void);

#define CRYPTO_SHA1_LEN 20
#define CRYPTO_SHA256_LEN 32
dske_rc crypto_sha1(uint8_t out[CRYPTO_SHA1_LEN], const void *bytes, size_t len);
dske_rc crypto_sha256(uint8_t out[CRYPTO_SHA256_LEN], const void *bytes, size_t len);

/* HMAC-SHA256 with a key of any length. */
#define CRYPTO_MAC_LEN 32
EVP_MAC_CTX *crypto_mac_new(const struct secret *key);
bool crypto_mac_update(EVP_MAC_CTX *c, const uint8_t *in, size_t len);
bool crypto_mac_final(EVP_MAC_CTX *c, uint8_t mac[CRYPTO_MAC_LEN]);
void crypto_mac_free(EVP_MAC_CTX *c); /* nothing when libcrypto is gone; safe on NULL */

/* The same in one piece.  Errors: NOMEM. */
dske_rc crypto_mac(uint8_t mac[CRYPTO_MAC_LEN], const struct secret *key, const void *bytes, size_t len);

/* AES in counter mode, the counter from 0 (16 bytes, big-endian): out = in XOR the keystream from its byte
 * `at` on.  in and out may be the same.  Errors: NOMEM, and then out is zero. */
dske_rc crypto_ctr(const struct secret *key, uint64_t at, void *out, const void *in, size_t len);

/* AES-256-GCM in one piece.  out holds len bytes and a 16-byte tag; opening takes len + 16 bytes and
 * wipes out when the tag is wrong.  Errors: TAG, NOMEM. */
#define CRYPTO_NONCE_LEN 12
#define CRYPTO_TAG_LEN 16
dske_rc crypto_seal(uint8_t *out, const struct secret *key, const uint8_t nonce[CRYPTO_NONCE_LEN], const void *ad,
		    size_t ad_len, const void *bytes, size_t len);
dske_rc crypto_open(uint8_t *out, const struct secret *key, const uint8_t nonce[CRYPTO_NONCE_LEN], const void *ad,
		    size_t ad_len, const uint8_t *sealed, size_t len);

/* The same for many messages under one key, which is set up once.  Errors: NOMEM; TAG. */
dske_rc crypto_opener_new(EVP_CIPHER_CTX **c, const struct secret *key);
dske_rc crypto_opener_open(EVP_CIPHER_CTX *c, uint8_t *out, const uint8_t nonce[CRYPTO_NONCE_LEN], const void *ad, size_t ad_len,
			   const uint8_t *sealed, size_t len);
void crypto_opener_free(EVP_CIPHER_CTX *c); /* nothing when libcrypto is gone; safe on NULL */

#endif
