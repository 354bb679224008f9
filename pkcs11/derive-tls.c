/* SPDX-License-Identifier: Apache-2.0 */
/* CKM_TLS12_KDF and CKM_TLS_KDF: keying material of TLS 1.2 (RFC 5246, 5; RFC 5705).  Not with the PRF of TLS 1.0, which
 * RFC 8996 gave up. */
#include "config.h"

#include <string.h>

#include "core/terms.h"
#include "pkcs11/derive-kdf.h"
#include "pkcs11/hash.h"

struct seed {
	const uint8_t *part[5];
	size_t len[5];
};

/* Label, both randoms, and the context with its length before it (RFC 5705, 4), if there is one. */
static CK_RV read_params(const struct derive_call *c, const struct hash **hash, struct seed *seed, uint8_t length[2])
{
	CK_TLS_KDF_PARAMS p;

	TRY_RV(kdf_param(c, &p, sizeof p));
	const CK_SSL3_RANDOM_DATA *r = &p.RandomInfo;
	*hash = hash_by_digest(p.prfMechanism);
	if (*hash == NULL || !kdf_input_ok(p.pLabel, p.ulLabelLength, KDF_INPUT_MAX) ||
	    !kdf_input_ok(r->pClientRandom, r->ulClientRandomLen, KDF_INPUT_MAX) ||
	    !kdf_input_ok(r->pServerRandom, r->ulServerRandomLen, KDF_INPUT_MAX) ||
	    !kdf_input_ok(p.pContextData, p.ulContextDataLength, UINT16_MAX))
		return CKR_MECHANISM_PARAM_INVALID;
	*seed = (struct seed){{p.pLabel, r->pClientRandom, r->pServerRandom, length, p.pContextData},
			      {p.ulLabelLength, r->ulClientRandomLen, r->ulServerRandomLen,
			       p.pContextData != NULL ? 2 : 0, p.ulContextDataLength}};
	length[0] = (uint8_t)(p.ulContextDataLength >> 8);
	length[1] = (uint8_t)p.ulContextDataLength;
	return CKR_OK;
}

static bool add_seed(struct mac *mac, const struct seed *seed)
{
	bool good = true;

	for (size_t i = 0; i < 5; i++)
		good = good && mac_update(mac, seed->part[i], seed->len[i]);
	return good;
}

/* P_hash: A(1) = HMAC(seed), A(i) = HMAC(A(i-1)); the output is HMAC(A(i) || seed), one after the other. */
static bool p_hash(struct mac *mac, const struct seed *seed, struct secret *out)
{
	uint8_t a[MAC_MAX], block[MAC_MAX];
	size_t len = mac_len(mac);
	bool good = mac_start(mac, NULL) && add_seed(mac, seed) && mac_final(mac, a);

	for (size_t at = 0; good && at < out->len; at += len) {
		size_t rest = out->len - at;
		good = mac_start(mac, NULL) && mac_update(mac, a, len) && add_seed(mac, seed) && mac_final(mac, block) &&
		       mac_whole(mac, a, len, a);
		if (good)
			memcpy(out->data + at, block, rest < len ? rest : len);
	}
	mem_wipe(a, sizeof a);
	mem_wipe(block, sizeof block);
	return good;
}

static CK_RV tls12(struct kdf *k)
{
	const struct hash *hash;
	struct seed seed;
	uint8_t length[2];

	TRY_RV(read_params(k->call, &hash, &seed, length));
	TRY_RV(kdf_alloc_wanted(k, KEY_HELD_MAX));
	struct mac *mac = mac_new(CRYPTO_HMAC, hash, k->key->data, k->key->len);
	bool done = mac != NULL && p_hash(mac, &seed, &k->value);
	mac_free(mac);
	return done ? CKR_OK : CKR_DEVICE_ERROR;
}

const struct derive_kind derive_tls12 = {.run = derive_kdf, .value = tls12};
