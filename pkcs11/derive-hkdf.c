/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_HKDF_DERIVE and CKM_HKDF_DATA (RFC 5869): extract, expand, or one of them. */
#include "config.h"

#include <string.h>

#include "pkcs11/derive-kdf.h"
#include "pkcs11/hash.h"

struct hkdf {
	CK_HKDF_PARAMS p;
	const struct hash *hash;
	const uint8_t *salt; /* of salt_len bytes; borrowed */
	size_t salt_len;
	struct object *salt_key; /* a reference, or NULL */
};

/* No salt is as many zeros as the hash has bytes (RFC 5869, 2.2). */
static CK_RV read_salt(struct hkdf *h, const struct derive_call *c)
{
	static const uint8_t zeros[CRYPTO_HASH_MAX];

	switch (h->p.ulSaltType) {
	case CKF_HKDF_SALT_NULL:
		h->salt = zeros;
		h->salt_len = h->hash->len;
		return CKR_OK;
	case CKF_HKDF_SALT_DATA:
		if (h->p.ulSaltLen == 0 || !kdf_input_ok(h->p.pSalt, h->p.ulSaltLen, KDF_INPUT_MAX))
			return CKR_MECHANISM_PARAM_INVALID;
		h->salt = h->p.pSalt;
		h->salt_len = h->p.ulSaltLen;
		return CKR_OK;
	case CKF_HKDF_SALT_KEY:
		TRY_RV(kdf_other_key(c, h->p.hSaltKey, &h->salt_key));
		h->salt = h->salt_key->value.data;
		h->salt_len = h->salt_key->value.len;
		return CKR_OK;
	default:
		return CKR_MECHANISM_PARAM_INVALID;
	}
}

static CK_RV read_params(struct hkdf *h, const struct derive_call *c)
{
	TRY_RV(kdf_param(c, &h->p, sizeof h->p));
	h->hash = hash_by_digest(h->p.prfHashMechanism);
	if (h->hash == NULL || h->p.bExtract > 1 || h->p.bExpand > 1 || (!h->p.bExtract && !h->p.bExpand))
		return CKR_MECHANISM_PARAM_INVALID;
	if (h->p.bExpand && !kdf_input_ok(h->p.pInfo, h->p.ulInfoLen, KDF_INPUT_MAX))
		return CKR_MECHANISM_PARAM_INVALID;
	return h->p.bExtract ? read_salt(h, c) : CKR_OK;
}

static bool extract(const struct hkdf *h, const struct secret *key, uint8_t prk[MAC_MAX])
{
	struct mac *mac = mac_new(CRYPTO_HMAC, h->hash, h->salt, h->salt_len);
	bool done = mac != NULL && mac_whole(mac, key->data, key->len, prk);

	mac_free(mac);
	return done;
}

/* T(i) = HMAC(PRK, T(i-1) || info || i), one after the other. */
static bool expand(const struct hkdf *h, const uint8_t *prk, size_t prk_len, struct secret *out)
{
	struct mac *mac = mac_new(CRYPTO_HMAC, h->hash, prk, prk_len);
	uint8_t t[MAC_MAX], i = 1;
	size_t t_len = 0;
	bool good = mac != NULL;

	for (size_t at = 0; good && at < out->len; at += h->hash->len, i++) {
		size_t rest = out->len - at;
		good = mac_start(mac, NULL) && mac_update(mac, t, t_len) && mac_update(mac, h->p.pInfo, h->p.ulInfoLen) &&
		       mac_update(mac, &i, 1) && mac_final(mac, t);
		t_len = h->hash->len;
		if (good)
			memcpy(out->data + at, t, rest < t_len ? rest : t_len);
	}
	mem_wipe(t, sizeof t);
	mac_free(mac);
	return good;
}

static CK_RV run(const struct hkdf *h, struct kdf *k)
{
	uint8_t prk[MAC_MAX];
	bool done = true;

	TRY_RV(h->p.bExpand ? kdf_alloc_wanted(k, 255 * h->hash->len) : kdf_alloc(k, h->hash->len));
	if (h->p.bExtract)
		done = extract(h, k->key, prk);
	if (done && !h->p.bExpand)
		memcpy(k->value.data, prk, k->len);
	else if (done && h->p.bExtract)
		done = expand(h, prk, h->hash->len, &k->value);
	else if (done)
		done = expand(h, k->key->data, k->key->len, &k->value);
	mem_wipe(prk, sizeof prk);
	return done ? CKR_OK : CKR_DEVICE_ERROR;
}

static CK_RV hkdf_value(struct kdf *k)
{
	struct hkdf h = {0};

	CK_RV rv = read_params(&h, k->call);
	if (rv == CKR_OK)
		rv = run(&h, k);
	object_unref(h.salt_key);
	return rv;
}

const struct derive_kind derive_hkdf = {.run = derive_kdf, .value = hkdf_value};
const struct derive_kind derive_hkdf_data = {.run = derive_kdf, .value = hkdf_value, .data = true};
