/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "tls/import.h"

#include <string.h>

#include "base/crypto.h"

/* ---- ImportedIdentity --------------------------------------------------------------------------------------- */

static uint8_t *put_number(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t *put_bytes(uint8_t *at, const uint8_t *bytes, size_t len)
{
	at = put_number(at, len);
	memcpy(at, bytes, len);
	return at + len;
}

size_t import_write(uint8_t out[IMPORT_IDENTITY_MAX], const struct imported_identity *identity)
{
	uint8_t *at = put_bytes(out, identity->external, identity->external_len);
	at = put_bytes(at, identity->context, identity->context_len);
	at = put_number(at, identity->protocol);
	at = put_number(at, identity->kdf);
	return (size_t)(at - out);
}

struct reader {
	const uint8_t *at;
	size_t left;
};

static dske_rc take_number(uint16_t *value, struct reader *r)
{
	if (r->left < 2)
		return FAIL(FORMAT, "the offered identity is cut short");
	*value = (uint16_t)(r->at[0] << 8 | r->at[1]);
	r->at += 2;
	r->left -= 2;
	return DSKE_OK;
}

static dske_rc take_bytes(uint8_t *out, size_t most, size_t *len, struct reader *r)
{
	uint16_t n;
	TRY(take_number(&n, r));
	if (n > most || n > r->left)
		return FAIL(FORMAT, "the offered identity has a part that is too long");
	memcpy(out, r->at, n);
	*len = n;
	r->at += n;
	r->left -= n;
	return DSKE_OK;
}

dske_rc import_read(struct imported_identity *out, const uint8_t *bytes, size_t len)
{
	struct reader r = {bytes, len};
	TRY(take_bytes(out->external, sizeof out->external, &out->external_len, &r));
	TRY(take_bytes(out->context, sizeof out->context, &out->context_len, &r));
	TRY(take_number(&out->protocol, &r));
	TRY(take_number(&out->kdf, &r));
	if (r.left != 0 || out->external_len == 0)
		return FAIL(FORMAT, "the offered identity is no imported one");
	return DSKE_OK;
}

/* ---- the derived key ---------------------------------------------------------------------------------------- */

size_t import_psk_len(uint16_t kdf)
{
	return kdf == IMPORT_KDF_SHA256 ? 32 : kdf == IMPORT_KDF_SHA384 ? 48 : 0;
}

dske_rc import_info(uint8_t info[IMPORT_INFO_LEN], const uint8_t *identity, size_t len, size_t psk_len)
{
	static const char label[] = "tls13 derived psk";
	uint8_t *at = put_number(info, psk_len);
	*at++ = sizeof label - 1;
	memcpy(at, label, sizeof label - 1);
	at += sizeof label - 1;
	*at++ = CRYPTO_SHA256_LEN;
	return crypto_sha256(at, identity, len);
}

/* HKDF-Expand (RFC 5869, section 2.3): T(i) = HMAC(prk, T(i - 1) | info | i). */
static dske_rc expand(uint8_t *out, size_t len, const struct secret *prk, const uint8_t info[IMPORT_INFO_LEN])
{
	AUTO(secret) block = {0};
	size_t before = 0;
	TRY(secret_alloc(&block, CRYPTO_MAC_LEN + IMPORT_INFO_LEN + 1));
	for (uint8_t i = 1; len > 0; i++) {
		size_t part = len < CRYPTO_MAC_LEN ? len : CRYPTO_MAC_LEN;
		memcpy(block.data + before, info, IMPORT_INFO_LEN);
		block.data[before + IMPORT_INFO_LEN] = i;
		TRY(crypto_mac(block.data, prk, block.data, before + IMPORT_INFO_LEN + 1));
		before = CRYPTO_MAC_LEN;
		memcpy(out, block.data, part);
		out += part;
		len -= part;
	}
	return DSKE_OK;
}

dske_rc import_psk(struct secret *psk, const struct secret *key, const uint8_t info[IMPORT_INFO_LEN], size_t psk_len)
{
	AUTO(secret) salt = {0};
	AUTO(secret) prk = {0};
	TRY(secret_alloc(&salt, CRYPTO_MAC_LEN)); /* no salt is as many zeros as the hash has bytes */
	TRY(secret_alloc(&prk, CRYPTO_MAC_LEN));
	TRY(secret_alloc(psk, psk_len));
	TRY(crypto_mac(prk.data, &salt, key->data, key->len));
	return expand(psk->data, psk_len, &prk, info);
}
