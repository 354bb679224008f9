/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/hash.h - the hashes, one row each.  Rows of mech.c follow from these: the digest itself, its HMAC of
 * full and of general length, key generation and derivation.
 *
 *	X(id, bytes, prefix, derivation, prf): CRYPTO_id; CKM_prefix, CKM_prefix_HMAC, ..., CKK_prefix_HMAC; the
 *	mechanism of key derivation, whose name is irregular; what PBKDF2 calls its HMAC, or 0.
 */
#ifndef DSKE_PKCS11_HASH_H
#define DSKE_PKCS11_HASH_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/crypto.h"
#include "pkcs11/p11-3x.h"

/* clang-format off */
#define HASHES(X) \
	X(SHA1,       20, SHA_1,      CKM_SHA1_KEY_DERIVATION,       CKP_PKCS5_PBKD2_HMAC_SHA1) \
	X(SHA224,     28, SHA224,     CKM_SHA224_KEY_DERIVATION,     CKP_PKCS5_PBKD2_HMAC_SHA224) \
	X(SHA256,     32, SHA256,     CKM_SHA256_KEY_DERIVATION,     CKP_PKCS5_PBKD2_HMAC_SHA256) \
	X(SHA384,     48, SHA384,     CKM_SHA384_KEY_DERIVATION,     CKP_PKCS5_PBKD2_HMAC_SHA384) \
	X(SHA512,     64, SHA512,     CKM_SHA512_KEY_DERIVATION,     CKP_PKCS5_PBKD2_HMAC_SHA512) \
	X(SHA512_224, 28, SHA512_224, CKM_SHA512_224_KEY_DERIVATION, CKP_PKCS5_PBKD2_HMAC_SHA512_224) \
	X(SHA512_256, 32, SHA512_256, CKM_SHA512_256_KEY_DERIVATION, CKP_PKCS5_PBKD2_HMAC_SHA512_256) \
	X(SHA3_224,   28, SHA3_224,   CKM_SHA3_224_KEY_DERIVATION,   0) \
	X(SHA3_256,   32, SHA3_256,   CKM_SHA3_256_KEY_DERIVATION,   0) \
	X(SHA3_384,   48, SHA3_384,   CKM_SHA3_384_KEY_DERIVATION,   0) \
	X(SHA3_512,   64, SHA3_512,   CKM_SHA3_512_KEY_DERIVATION,   0)
/* clang-format on */

struct hash {
	enum crypto_hash which;
	size_t len; /* bytes of a digest, and of a whole HMAC */
	CK_MECHANISM_TYPE digest, hmac;
	CK_KEY_TYPE key;
	CK_ULONG prf; /* of PBKDF2; 0: none */
};

extern const struct hash hashes[CRYPTO_HASHES]; /* by enum crypto_hash */

/* NULL if unknown. */
const struct hash *hash_by_digest(CK_MECHANISM_TYPE type);
const struct hash *hash_by_hmac(CK_MECHANISM_TYPE type);
const struct hash *hash_by_prf(CK_ULONG prf);

/* Is the digest of a key of that length as good as the key?  HMAC takes it in place of one that is longer than a block
 * (RFC 2104). */
bool hash_replaces_key(const struct hash *hash, size_t key_len);

#endif
