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
