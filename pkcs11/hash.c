/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/hash.h"

#include <openssl/evp.h>

const struct hash hashes[CRYPTO_HASHES] = {
#define X(id, bytes, prefix, derivation, prf)                                                        \
	[CRYPTO_##id] = {CRYPTO_##id, bytes, CKM_##prefix, CKM_##prefix##_HMAC, CKK_##prefix##_HMAC, prf},
	HASHES(X)
#undef X
};

const struct hash *hash_by_digest(CK_MECHANISM_TYPE type)
{
	for (size_t i = 0; i < CRYPTO_HASHES; i++) {
		if (hashes[i].digest == type)
			return &hashes[i];
	}
	return NULL;
}

const struct hash *hash_by_hmac(CK_MECHANISM_TYPE type)
{
	for (size_t i = 0; i < CRYPTO_HASHES; i++) {
		if (hashes[i].hmac == type)
			return &hashes[i];
	}
	return NULL;
}

const struct hash *hash_by_prf(CK_ULONG prf)
{
	for (size_t i = 0; i < CRYPTO_HASHES; i++) {
		if (prf != 0 && hashes[i].prf == prf)
			return &hashes[i];
	}
	return NULL;
}

bool hash_replaces_key(const struct hash *hash, size_t key_len)
{
	const EVP_MD *md = crypto_hash(hash->which);

	return md == NULL || key_len > (size_t)EVP_MD_get_block_size(md);
}
