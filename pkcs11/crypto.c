/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/crypto.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

EVP_CIPHER_CTX *crypto_cipher_new(enum crypto_cipher which, const struct secret *key, bool encrypt)
{
	const EVP_CIPHER *cipher = crypto_cipher(which, key->len);

	if (cipher == NULL)
		return NULL;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL)
		return NULL;
	if (EVP_CipherInit_ex2(ctx, cipher, key->data, NULL, encrypt, NULL) != 1) {
		EVP_CIPHER_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

void crypto_cipher_free(EVP_CIPHER_CTX *c)
{
	if (c != NULL && crypto_is_alive())
		EVP_CIPHER_CTX_free(c);
}

bool crypto_cipher_start(EVP_CIPHER_CTX *c, enum crypto_cipher which, bool encrypt, const uint8_t *iv, size_t iv_len,
			 bool pad)
{
	if (iv_len == 0 || iv_len > INT_MAX)
		return false;
	if (which == CRYPTO_GCM) {
		/* The length stands before the IV is read. */
		if (EVP_CipherInit_ex2(c, NULL, NULL, NULL, encrypt, NULL) != 1 ||
		    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, (int)iv_len, NULL) != 1)
			return false;
	} else if (iv_len != 16) {
		return false;
	}
	if (EVP_CipherInit_ex2(c, NULL, NULL, iv, encrypt, NULL) != 1)
		return false;
	return which == CRYPTO_GCM || EVP_CIPHER_CTX_set_padding(c, pad) == 1;
}

dske_rc crypto_aes_check(uint8_t out[3], const struct secret *key)
{
	static const uint8_t zeros[16];
	const EVP_CIPHER *cipher = crypto_cipher(CRYPTO_ECB, key->len);
	uint8_t block[32];
	int len = 0;

	EVP_CIPHER_CTX *ctx = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
	if (ctx == NULL)
		return FAIL(NOMEM, "libcrypto could not compute a check value");
	crypto_quiet_begin();
	bool done = EVP_EncryptInit_ex2(ctx, cipher, key->data, NULL, NULL) == 1 &&
		    EVP_EncryptUpdate(ctx, block, &len, zeros, sizeof zeros) == 1 && len == sizeof zeros;
	EVP_CIPHER_CTX_free(ctx);
	crypto_quiet_end();
	if (!done)
		return FAIL(NOMEM, "libcrypto could not compute a check value");
	memcpy(out, block, 3);
	return DSKE_OK;
}

/* One direction of AES-256-GCM in one piece; tag is written or checked. */
static bool gcm_run(EVP_CIPHER_CTX *ctx, bool encrypt, uint8_t *out, const uint8_t *nonce, const void *ad, size_t ad_len,
		    const uint8_t *in, size_t len, uint8_t tag[CRYPTO_TAG_LEN])
{
	int n = 0;

	if (ad_len > INT_MAX || len > INT_MAX || !crypto_cipher_start(ctx, CRYPTO_GCM, encrypt, nonce, CRYPTO_NONCE_LEN, false))
		return false;
	if (!encrypt && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_LEN, tag) != 1)
		return false;
	if (ad_len > 0 && EVP_CipherUpdate(ctx, NULL, &n, ad, (int)ad_len) != 1)
		return false;
	if (len > 0 && EVP_CipherUpdate(ctx, out, &n, in, (int)len) != 1)
		return false;
	if (EVP_CipherFinal_ex(ctx, out + len, &n) != 1)
		return false;
	return !encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_LEN, tag) == 1;
}

dske_rc crypto_seal(uint8_t *out, const struct secret *key, const uint8_t nonce[CRYPTO_NONCE_LEN], const void *ad,
		    size_t ad_len, const void *bytes, size_t len)
{
	EVP_CIPHER_CTX *ctx = crypto_cipher_new(CRYPTO_GCM, key, true);

	if (ctx == NULL)
		return FAIL(NOMEM, "libcrypto could not encrypt");
	crypto_quiet_begin();
	bool done = gcm_run(ctx, true, out, nonce, ad, ad_len, bytes, len, out + len);
	EVP_CIPHER_CTX_free(ctx);
	crypto_quiet_end();
	return done ? DSKE_OK : FAIL(NOMEM, "libcrypto could not encrypt");
}

dske_rc crypto_open(uint8_t *out, const struct secret *key, const uint8_t nonce[CRYPTO_NONCE_LEN], const void *ad,
		    size_t ad_len, const uint8_t *sealed, size_t len)
{
	EVP_CIPHER_CTX *ctx = crypto_cipher_new(CRYPTO_GCM, key, false);
	uint8_t tag[CRYPTO_TAG_LEN];

	if (ctx == NULL)
		return FAIL(NOMEM, "libcrypto could not decrypt");
	memcpy(tag, sealed + len, sizeof tag);
	crypto_quiet_begin();
	bool done = gcm_run(ctx, false, out, nonce, ad, ad_len, sealed, len, tag);
	EVP_CIPHER_CTX_free(ctx);
	crypto_quiet_end();
	if (done)
		return DSKE_OK;
	mem_wipe(out, len);
	return rc_make(DSKE_RC_TAG);
}
