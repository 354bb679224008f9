/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/crypto.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/gate.h"

/* Their addresses name a context's cipher: asking libcrypto's tables takes a system call. */
static const char tags[CRYPTO_CIPHERS];

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
	EVP_CIPHER_CTX_set_app_data(ctx, (void *)&tags[which]);
	return ctx;
}

void crypto_cipher_free(EVP_CIPHER_CTX *c)
{
	if (c == NULL || !gate_enter_to_free())
		return;
	EVP_CIPHER_CTX_free(c);
	gate_leave();
}

bool crypto_cipher_start(EVP_CIPHER_CTX *c, bool encrypt, const uint8_t *iv)
{
	return EVP_CipherInit_ex2(c, NULL, NULL, iv, encrypt, NULL) == 1;
}

/* Do these run the cipher forwards whatever the direction, so that a key set for one serves the other? */
static bool serves_both(enum crypto_cipher which)
{
	return which == CRYPTO_GCM || which == CRYPTO_CTR || which == CRYPTO_CHACHA20 || which == CRYPTO_CHACHA20_POLY1305;
}

bool crypto_cipher_fits(const EVP_CIPHER_CTX *c, enum crypto_cipher which, bool encrypt)
{
	if (EVP_CIPHER_CTX_get_app_data(c) != &tags[which])
		return false;
	return serves_both(which) || EVP_CIPHER_CTX_is_encrypting(c) == encrypt;
}

static uint32_t le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* out = a - b, both little-endian. */
static void subtract(uint8_t out[4], const uint8_t *a, const uint8_t *b)
{
	uint32_t d = le32(a) - le32(b);

	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(d >> 8 * i);
}

/* A block of ChaCha20 is its permutation plus what went in: of the words that are wanted that is known. */
dske_rc crypto_hchacha20(struct secret *out, const struct secret *key, const uint8_t nonce[16])
{
	static const uint8_t zeros[64], constants[] = "expand 32-byte k";
	AUTO(secret) block = {0};
	int n = 0;

	TRY(secret_alloc(out, 32));
	TRY(secret_alloc(&block, sizeof zeros));
	EVP_CIPHER_CTX *ctx = crypto_cipher_new(CRYPTO_CHACHA20, key, true);
	bool done = ctx != NULL && crypto_cipher_start(ctx, true, nonce) &&
		    EVP_CipherUpdate(ctx, block.data, &n, zeros, sizeof zeros) == 1;
	crypto_cipher_free(ctx);
	if (!done)
		return FAIL(NOMEM, "libcrypto could not run ChaCha20");
	for (size_t i = 0; i < 16; i += 4) {
		subtract(out->data + i, block.data + i, constants + i);
		subtract(out->data + 16 + i, block.data + 48 + i, nonce + i);
	}
	return DSKE_OK;
}

dske_rc crypto_aes_check(uint8_t out[3], const struct secret *key)
{
	static const uint8_t zeros[16];
	const EVP_CIPHER *cipher = crypto_cipher(CRYPTO_ECB, key->len);
	uint8_t block[32];
	int len = 0;

	if (!crypto_quiet_begin())
		return FAIL(NOMEM, "libcrypto has been cleaned up: the process ends");
	EVP_CIPHER_CTX *ctx = cipher != NULL ? EVP_CIPHER_CTX_new() : NULL;
	bool done = ctx != NULL && EVP_EncryptInit_ex2(ctx, cipher, key->data, NULL, NULL) == 1 &&
		    EVP_EncryptUpdate(ctx, block, &len, zeros, sizeof zeros) == 1 && len == sizeof zeros;
	EVP_CIPHER_CTX_free(ctx);
	crypto_quiet_end();
	if (!done)
		return FAIL(NOMEM, "libcrypto could not compute a check value");
	memcpy(out, block, 3);
	return DSKE_OK;
}
