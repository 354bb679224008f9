/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/crypto.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_LENS 3 /* 16, 24, 32 */

/* What a process fetches once.  `older` keeps a parent's reachable: its locks may be held by threads
 * that do not exist in the child, so it is neither used nor freed. */
struct crypto {
	pid_t pid;
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *provider;
	EVP_CIPHER *cipher[2][KEY_LENS];
	EVP_CIPHER *block[KEY_LENS];
	EVP_MAC *hmac;
	EVP_MD *sha1, *sha256;
	struct crypto *older;
};

static _Atomic(struct crypto *) current;

bool crypto_is_alive(void)
{
	/* Once OPENSSL_cleanup() has begun, this answers 0 and touches nothing; before, it asks for nothing. */
	return OPENSSL_init_crypto(0, NULL) == 1;
}

void crypto_quiet_begin(void)
{
	ERR_set_mark();
}

void crypto_quiet_end(void)
{
	ERR_pop_to_mark();
}

static void crypto_free(struct crypto *c)
{
	for (size_t i = 0; i < KEY_LENS; i++) {
		EVP_CIPHER_free(c->cipher[CRYPTO_GCM][i]);
		EVP_CIPHER_free(c->cipher[CRYPTO_CBC][i]);
		EVP_CIPHER_free(c->block[i]);
	}
	EVP_MAC_free(c->hmac);
	EVP_MD_free(c->sha1);
	EVP_MD_free(c->sha256);
	if (c->provider != NULL)
		OSSL_PROVIDER_unload(c->provider);
	OSSL_LIB_CTX_free(c->lib);
	free(c);
}

static bool crypto_fetch(struct crypto *c)
{
	static const char *const names[3][KEY_LENS] = {
		{"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"},
		{"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"},
		{"AES-128-ECB", "AES-192-ECB", "AES-256-ECB"},
	};
	bool all = true;

	c->lib = OSSL_LIB_CTX_new();
	if (c->lib == NULL)
		return false;
	c->provider = OSSL_PROVIDER_load(c->lib, "default");
	if (c->provider == NULL)
		return false;
	for (size_t i = 0; i < KEY_LENS; i++) {
		c->cipher[CRYPTO_GCM][i] = EVP_CIPHER_fetch(c->lib, names[0][i], NULL);
		c->cipher[CRYPTO_CBC][i] = EVP_CIPHER_fetch(c->lib, names[1][i], NULL);
		c->block[i] = EVP_CIPHER_fetch(c->lib, names[2][i], NULL);
		all = all && c->cipher[CRYPTO_GCM][i] != NULL && c->cipher[CRYPTO_CBC][i] != NULL && c->block[i] != NULL;
	}
	c->hmac = EVP_MAC_fetch(c->lib, "HMAC", NULL);
	c->sha1 = EVP_MD_fetch(c->lib, "SHA1", NULL);
	c->sha256 = EVP_MD_fetch(c->lib, "SHA256", NULL);
	return all && c->hmac != NULL && c->sha1 != NULL && c->sha256 != NULL;
}

/* This process's, or NULL.  Of two threads that come first at once, one throws its own away. */
static const struct crypto *crypto_get(void)
{
	struct crypto *c = atomic_load_explicit(&current, memory_order_acquire);
	pid_t self = getpid();

	if (c != NULL && c->pid == self)
		return c;
	if (!crypto_is_alive())
		return NULL;
	struct crypto *made = calloc(1, sizeof *made);
	if (made == NULL)
		return NULL;
	made->pid = self;
	made->older = c;
	crypto_quiet_begin();
	bool ready = crypto_fetch(made);
	if (!ready || !atomic_compare_exchange_strong(&current, &c, made)) {
		crypto_free(made);
		made = ready ? c : NULL;
	}
	crypto_quiet_end();
	return made;
}

static size_t key_index(size_t key_len)
{
	return key_len == 16 ? 0 : key_len == 24 ? 1 : key_len == 32 ? 2 : KEY_LENS;
}

EVP_CIPHER_CTX *crypto_cipher_new(enum crypto_cipher which, const struct secret *key, bool encrypt)
{
	const struct crypto *c = crypto_get();
	size_t i = key_index(key->len);

	if (c == NULL || i == KEY_LENS)
		return NULL;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	if (ctx == NULL)
		return NULL;
	if (EVP_CipherInit_ex2(ctx, c->cipher[which][i], key->data, NULL, encrypt, NULL) != 1) {
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

EVP_MAC_CTX *crypto_mac_new(const struct secret *key)
{
	const struct crypto *c = crypto_get();
	OSSL_PARAM params[2] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
				OSSL_PARAM_construct_end()};

	EVP_MAC_CTX *ctx = c != NULL ? EVP_MAC_CTX_new(c->hmac) : NULL;
	if (ctx == NULL)
		return NULL;
	if (EVP_MAC_init(ctx, key->data, key->len, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

bool crypto_mac_start(EVP_MAC_CTX *c)
{
	return EVP_MAC_init(c, NULL, 0, NULL) == 1;
}

bool crypto_mac_update(EVP_MAC_CTX *c, const uint8_t *in, size_t len)
{
	return len == 0 || EVP_MAC_update(c, in, len) == 1;
}

bool crypto_mac_final(EVP_MAC_CTX *c, uint8_t mac[CRYPTO_MAC_LEN])
{
	size_t len = 0;

	return EVP_MAC_final(c, mac, &len, CRYPTO_MAC_LEN) == 1 && len == CRYPTO_MAC_LEN;
}

void crypto_mac_free(EVP_MAC_CTX *c)
{
	if (c != NULL && crypto_is_alive())
		EVP_MAC_CTX_free(c);
}

static dske_rc crypto_digest(const EVP_MD *md, uint8_t *out, const void *bytes, size_t len)
{
	crypto_quiet_begin();
	bool done = md != NULL && EVP_Digest(bytes, len, out, NULL, md, NULL) == 1;
	crypto_quiet_end();
	return done ? DSKE_OK : FAIL(NOMEM, "libcrypto could not compute a digest");
}

dske_rc crypto_sha1(uint8_t out[CRYPTO_SHA1_LEN], const void *bytes, size_t len)
{
	const struct crypto *c = crypto_get();

	return crypto_digest(c != NULL ? c->sha1 : NULL, out, bytes, len);
}

dske_rc crypto_sha256(uint8_t out[CRYPTO_SHA256_LEN], const void *bytes, size_t len)
{
	const struct crypto *c = crypto_get();

	return crypto_digest(c != NULL ? c->sha256 : NULL, out, bytes, len);
}

dske_rc crypto_aes_check(uint8_t out[3], const struct secret *key)
{
	static const uint8_t zeros[16];
	const struct crypto *c = crypto_get();
	size_t i = key_index(key->len);
	uint8_t block[32];
	int len = 0;

	EVP_CIPHER_CTX *ctx = c != NULL && i < KEY_LENS ? EVP_CIPHER_CTX_new() : NULL;
	if (ctx == NULL)
		return FAIL(NOMEM, "libcrypto could not compute a check value");
	crypto_quiet_begin();
	bool done = EVP_EncryptInit_ex2(ctx, c->block[i], key->data, NULL, NULL) == 1 &&
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
