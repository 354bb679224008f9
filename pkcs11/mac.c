/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/mac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

#include "base/gate.h"

struct mac {
	EVP_MAC_CTX *ctx;
	enum crypto_maker maker;
	const struct hash *hash;
};

static const char *cipher_name(enum crypto_maker maker, size_t key_len)
{
	const EVP_CIPHER *cipher = crypto_cipher(maker == CRYPTO_GMAC ? CRYPTO_GCM : CRYPTO_CBC, key_len);

	return cipher != NULL ? EVP_CIPHER_get0_name(cipher) : NULL;
}

/* What the maker works with: names in our own library context. */
static bool mac_key(EVP_MAC_CTX *ctx, enum crypto_maker maker, const struct hash *hash, const uint8_t *key, size_t key_len)
{
	const char *item = maker == CRYPTO_HMAC ? OSSL_MAC_PARAM_DIGEST : OSSL_MAC_PARAM_CIPHER;
	const char *name = NULL;
	OSSL_PARAM params[2] = {OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};

	if (maker == CRYPTO_HMAC) {
		const EVP_MD *md = crypto_hash(hash->which);
		name = md != NULL ? EVP_MD_get0_name(md) : NULL;
	} else if (maker != CRYPTO_POLY1305) {
		name = cipher_name(maker, key_len);
	}
	if (maker != CRYPTO_POLY1305) {
		if (name == NULL)
			return false;
		params[0] = OSSL_PARAM_construct_utf8_string(item, (char *)name, 0);
	}
	return EVP_MAC_init(ctx, key, key_len, params) == 1;
}

struct mac *mac_new(enum crypto_maker maker, const struct hash *hash, const uint8_t *key, size_t key_len)
{
	EVP_MAC *type = crypto_maker(maker);

	if (type == NULL)
		return NULL;
	struct mac *c = malloc(sizeof *c);
	if (c == NULL || !crypto_quiet_begin()) {
		free(c);
		return NULL;
	}
	*c = (struct mac){EVP_MAC_CTX_new(type), maker, hash};
	bool keyed = c->ctx != NULL && mac_key(c->ctx, maker, hash, key, key_len);
	crypto_quiet_end();
	if (keyed)
		return c;
	mac_free(c);
	return NULL;
}

void mac_free(struct mac *c)
{
	if (c != NULL && gate_enter_to_free()) {
		EVP_MAC_CTX_free(c->ctx);
		gate_leave();
	}
	free(c);
}

bool mac_is(const struct mac *c, enum crypto_maker maker, const struct hash *hash)
{
	return c->maker == maker && c->hash == hash;
}

size_t mac_len(const struct mac *c)
{
	return c->hash != NULL ? c->hash->len : MAC_BLOCK;
}

bool mac_start(struct mac *c, const uint8_t *iv)
{
	OSSL_PARAM params[2] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, (void *)iv, MAC_IV_LEN),
				OSSL_PARAM_construct_end()};

	if (!gate_enter())
		return false;
	bool done = EVP_MAC_init(c->ctx, NULL, 0, iv != NULL ? params : NULL) == 1;
	gate_leave();
	return done;
}

static bool update(struct mac *c, const uint8_t *in, size_t len)
{
	return len == 0 || EVP_MAC_update(c->ctx, in, len) == 1;
}

static bool final(struct mac *c, uint8_t out[MAC_MAX])
{
	size_t len = 0;

	return EVP_MAC_final(c->ctx, out, &len, MAC_MAX) == 1 && len == mac_len(c);
}

bool mac_update(struct mac *c, const uint8_t *in, size_t len)
{
	if (!gate_enter())
		return false;
	bool done = update(c, in, len);
	gate_leave();
	return done;
}

bool mac_final(struct mac *c, uint8_t out[MAC_MAX])
{
	return mac_last(c, NULL, 0, out);
}

bool mac_last(struct mac *c, const uint8_t *in, size_t len, uint8_t out[MAC_MAX])
{
	if (!gate_enter())
		return false;
	bool done = update(c, in, len) && final(c, out);
	gate_leave();
	return done;
}

bool mac_whole(struct mac *c, const uint8_t *in, size_t len, uint8_t out[MAC_MAX])
{
	return mac_start(c, NULL) && mac_last(c, in, len, out);
}
