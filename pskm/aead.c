/* SPDX-License-Identifier: Apache-2.0 */
/* pskm/aead.c - EVP and libargon2, in the two shapes that the container needs. */
#include "config.h"

#include "pskm/aead.h"

#include <argon2.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/crypto.h"
#include "pskm/format.h"

#define KDF_PASSES_MAX 16u
#define KDF_MEMORY_MIN_KIB 8u
#define KDF_MEMORY_MAX_KIB (256u << 10)

dske_rc aead_init(struct aead *a, const uint8_t key[AEAD_KEY_LEN])
{
	const EVP_CIPHER *gcm = crypto_cipher(CRYPTO_GCM, AEAD_KEY_LEN);
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

	if (gcm == NULL || cipher == NULL || EVP_CipherInit_ex2(cipher, gcm, key, NULL, 1, NULL) != 1) {
		EVP_CIPHER_CTX_free(cipher);
		return FAIL(NOMEM, "libcrypto cannot set up AES-256-GCM");
	}
	a->cipher = cipher;
	return DSKE_OK;
}

void aead_drop(struct aead *a)
{
	EVP_CIPHER_CTX_free(a->cipher); /* wipes the key */
	a->cipher = NULL;
}

void aead_nonce(uint8_t nonce[AEAD_NONCE_LEN], uint64_t number)
{
	memset(nonce, 0, AEAD_NONCE_LEN);
	be64_put(nonce + AEAD_NONCE_LEN - 8, number);
}

/* Nonce, associated data and bytes; all but the tag. */
static bool aead_run(struct aead *a, const struct aead_context *c, const uint8_t *in, size_t len, uint8_t *out,
		     int seal)
{
	int n;

	return EVP_CipherInit_ex(a->cipher, NULL, NULL, NULL, c->nonce, seal) == 1 &&
	       EVP_CipherUpdate(a->cipher, NULL, &n, c->data, (int)c->data_len) == 1 &&
	       EVP_CipherUpdate(a->cipher, out, &n, in, (int)len) == 1;
}

dske_rc aead_seal(struct aead *a, const struct aead_context *c, const void *in, size_t len, uint8_t *out)
{
	int n;

	if (!aead_run(a, c, in, len, out, 1) || EVP_CipherFinal_ex(a->cipher, out + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(a->cipher, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, out + len) != 1)
		return FAIL(NOMEM, "libcrypto cannot encrypt");
	return DSKE_OK;
}

dske_rc aead_open(struct aead *a, const struct aead_context *c, const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t tag[AEAD_TAG_LEN], none[AEAD_TAG_LEN];
	int n;

	memcpy(tag, in + len, sizeof tag);
	if (!aead_run(a, c, in, len, out, 0) ||
	    EVP_CIPHER_CTX_ctrl(a->cipher, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, tag) != 1) {
		mem_wipe(out, len);
		return FAIL(NOMEM, "libcrypto cannot decrypt");
	}
	if (EVP_CipherFinal_ex(a->cipher, none, &n) != 1) {
		mem_wipe(out, len);
		return rc_make(DSKE_RC_TAG);
	}
	return DSKE_OK;
}

dske_rc kdf_cost_check(const struct kdf_cost *cost)
{
	if (cost->passes < 1 || cost->passes > KDF_PASSES_MAX || cost->lanes != 1 ||
	    cost->memory_kib < KDF_MEMORY_MIN_KIB || cost->memory_kib > KDF_MEMORY_MAX_KIB)
		return FAIL(FORMAT, "the PSKM asks for Argon2id with %u passes, %u KiB and %u lanes, which is out of bounds",
			    cost->passes, cost->memory_kib, cost->lanes);
	return DSKE_OK;
}

dske_rc kdf_derive(struct secret *key, const uint8_t *password, size_t password_len, const uint8_t *salt,
		   size_t salt_len, const struct kdf_cost *cost)
{
	TRY(kdf_cost_check(cost));
	TRY(secret_alloc(key, AEAD_KEY_LEN));
	int failure = argon2id_hash_raw(cost->passes, cost->memory_kib, cost->lanes, password, password_len, salt,
					salt_len, key->data, key->len);
	if (failure == ARGON2_OK)
		return DSKE_OK;
	secret_drop(key);
	return FAIL(NOMEM, "Argon2id failed: %s", argon2_error_message(failure));
}
