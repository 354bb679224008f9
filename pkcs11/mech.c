/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/mech.h"

#include "core/terms.h"
#include "pkcs11/cipher.h"
#include "pkcs11/derive.h"
#include "pkcs11/hash.h"
#include "pkcs11/keygen.h"
#include "pkcs11/module.h"
#include "pkcs11/sign.h"
#include "pkcs11/ticket.h"

/* It has a value, and that is all that counts. */
static bool fits_all(CK_KEY_TYPE type)
{
	(void)type;
	return true;
}

static bool fits_none(CK_KEY_TYPE type)
{
	(void)type;
	return false;
}

static bool fits_aes(CK_KEY_TYPE type)
{
	return type == CKK_AES;
}

static bool fits_chacha20(CK_KEY_TYPE type)
{
	return type == CKK_CHACHA20;
}

static bool fits_poly1305(CK_KEY_TYPE type)
{
	return type == CKK_POLY1305;
}

/* An HMAC's own keys, and generic ones. */
#define X(id, bytes, prefix, derivation, prf)                                                        \
	static bool fits_hmac_##id(CK_KEY_TYPE type)                                                 \
	{                                                                                            \
		return type == CKK_GENERIC_SECRET || type == CKK_##prefix##_HMAC;                    \
	}
HASHES(X)
#undef X

static bool fits_generic(CK_KEY_TYPE type)
{
	return type == CKK_GENERIC_SECRET;
}

/* What is agreed on. */
static bool fits_agreed(CK_KEY_TYPE type)
{
	return fits_hmac_SHA256(type) || fits_aes(type);
}

#define OTP_KEY_MIN 66 /* two halves with a tag's key and a byte */
#define NAMED(type) type, #type
#define HASH(id) .hash = &hashes[CRYPTO_##id]
#define EC_FLAGS (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)
#define CIPHER_FLAGS (CKF_ENCRYPT | CKF_DECRYPT)
#define AEAD_FLAGS (CIPHER_FLAGS | CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE)
#define WRAP_FLAGS (CKF_WRAP | CKF_UNWRAP)
#define SIGN_FLAGS (CKF_SIGN | CKF_VERIFY)
#define MAC_FLAGS (SIGN_FLAGS | CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE)

static const struct mech rows[] = {
	{NAMED(CKM_ECDH1_DERIVE), 256, 521, CKF_DERIVE | EC_FLAGS, fits_agreed, .derive = &derive_ecdh1},
	{NAMED(CKM_DSKE_DERIVE), KEY_LEN_MIN, KEY_HELD_MAX, CKF_DERIVE, fits_agreed, .derive = &derive_dske},
	{NAMED(CKM_DSKE_KEY_GEN), KEY_LEN_MIN, KEY_HELD_MAX, CKF_GENERATE, fits_none, .keygen = &keygen_dske},
	{NAMED(CKM_DSKE_REDEEM), KEY_LEN_MIN, KEY_HELD_MAX, WRAP_FLAGS, fits_none, .wrap = &wrap_ticket},
	{NAMED(CKM_DSKE_OTP), OTP_KEY_MIN, KEY_HELD_MAX, CIPHER_FLAGS, fits_generic, .cipher = &cipher_otp},
	{NAMED(CKM_AES_GCM), 16, 32, AEAD_FLAGS | WRAP_FLAGS, fits_aes, .cipher = &cipher_gcm},
	{NAMED(CKM_AES_CCM), 16, 32, AEAD_FLAGS | WRAP_FLAGS, fits_aes, .cipher = &cipher_ccm},
	{NAMED(CKM_AES_CBC), 16, 32, CIPHER_FLAGS | WRAP_FLAGS, fits_aes, .cipher = &cipher_cbc},
	{NAMED(CKM_AES_CBC_PAD), 16, 32, CIPHER_FLAGS | WRAP_FLAGS, fits_aes, .cipher = &cipher_cbc_pad},
	{NAMED(CKM_AES_CTR), 16, 32, CIPHER_FLAGS | WRAP_FLAGS, fits_aes, .cipher = &cipher_ctr},
	{NAMED(CKM_AES_CTS), 16, 32, CIPHER_FLAGS | WRAP_FLAGS, fits_aes, .cipher = &cipher_cts},
	{NAMED(CKM_AES_ECB), 16, 32, CIPHER_FLAGS | WRAP_FLAGS, fits_aes, .cipher = &cipher_ecb},
	{NAMED(CKM_AES_KEY_WRAP), 16, 32, CIPHER_FLAGS | WRAP_FLAGS, fits_aes, .cipher = &cipher_kw},
	{NAMED(CKM_AES_KEY_WRAP_PAD), 16, 32, CIPHER_FLAGS | WRAP_FLAGS, fits_aes, .cipher = &cipher_kwp},
	{NAMED(CKM_AES_KEY_WRAP_KWP), 16, 32, CIPHER_FLAGS | WRAP_FLAGS, fits_aes, .cipher = &cipher_kwp},
	{NAMED(CKM_AES_KEY_WRAP_PKCS7), 16, 32, CIPHER_FLAGS | WRAP_FLAGS, fits_aes, .cipher = &cipher_kw_pkcs7},
	{NAMED(CKM_CHACHA20), 256, 256, CIPHER_FLAGS | WRAP_FLAGS, fits_chacha20, .cipher = &cipher_chacha20},
	{NAMED(CKM_CHACHA20_POLY1305), 256, 256, AEAD_FLAGS, fits_chacha20, .cipher = &cipher_chacha20_poly1305},
	{NAMED(CKM_AES_KEY_GEN), 16, 32, CKF_GENERATE, fits_none, .keygen = &keygen_aes},
	{NAMED(CKM_GENERIC_SECRET_KEY_GEN), 8, 8ul * KEY_HELD_MAX, CKF_GENERATE, fits_none, .keygen = &keygen_generic},
	{NAMED(CKM_HKDF_KEY_GEN), 1, KEY_HELD_MAX, CKF_GENERATE, fits_none, .keygen = &keygen_hkdf},
	{NAMED(CKM_CHACHA20_KEY_GEN), 256, 256, CKF_GENERATE, fits_none, .keygen = &keygen_chacha20},
	{NAMED(CKM_POLY1305_KEY_GEN), 256, 256, CKF_GENERATE, fits_none, .keygen = &keygen_poly1305},
	{NAMED(CKM_PKCS5_PBKD2), 1, KEY_HELD_MAX, CKF_GENERATE, fits_none, .keygen = &keygen_pbkdf2},
	{NAMED(CKM_HKDF_DERIVE), 1, KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_hkdf},
	{NAMED(CKM_HKDF_DATA), 1, KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_hkdf_data},
	{NAMED(CKM_SP800_108_COUNTER_KDF), 1, KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_108_counter},
	{NAMED(CKM_SP800_108_FEEDBACK_KDF), 1, KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_108_feedback},
	{NAMED(CKM_SP800_108_DOUBLE_PIPELINE_KDF), 1, KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_108_pipeline},
	{NAMED(CKM_CONCATENATE_BASE_AND_KEY), 8, 8ul * KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_base_and_key},
	{NAMED(CKM_CONCATENATE_BASE_AND_DATA), 8, 8ul * KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_base_and_data},
	{NAMED(CKM_CONCATENATE_DATA_AND_BASE), 8, 8ul * KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_data_and_base},
	{NAMED(CKM_XOR_BASE_AND_DATA), 8, 8ul * KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_xor},
	{NAMED(CKM_EXTRACT_KEY_FROM_KEY), 8, 8ul * KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_extract},
	{NAMED(CKM_AES_ECB_ENCRYPT_DATA), 16, 32, CKF_DERIVE, fits_aes, .derive = &derive_aes_ecb},
	{NAMED(CKM_AES_CBC_ENCRYPT_DATA), 16, 32, CKF_DERIVE, fits_aes, .derive = &derive_aes_cbc},
	{NAMED(CKM_TLS12_KDF), 1, KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_tls12},
	{NAMED(CKM_TLS_KDF), 1, KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_tls12},
	{NAMED(CKM_AES_CMAC), 16, 32, MAC_FLAGS, fits_aes, .sign = &sign_cmac},
	{NAMED(CKM_AES_CMAC_GENERAL), 16, 32, MAC_FLAGS, fits_aes, .sign = &sign_cmac_general},
	{NAMED(CKM_AES_GMAC), 16, 32, SIGN_FLAGS, fits_aes, .sign = &sign_gmac},
	{NAMED(CKM_POLY1305), 256, 256, SIGN_FLAGS, fits_poly1305, .sign = &sign_poly1305},
#define X(id, bytes, prefix, derivation, prf)                                                        \
	{NAMED(CKM_##prefix), 0, 0, CKF_DIGEST, fits_none, HASH(id)},                                \
	{NAMED(CKM_##prefix##_HMAC), 1, KEY_PART_LEN, MAC_FLAGS, fits_hmac_##id, .sign = &sign_hmac, HASH(id)}, \
	{NAMED(CKM_##prefix##_HMAC_GENERAL), 1, KEY_PART_LEN, MAC_FLAGS, fits_hmac_##id, .sign = &sign_hmac_general, HASH(id)}, \
	{NAMED(CKM_##prefix##_KEY_GEN), 1, KEY_HELD_MAX, CKF_GENERATE, fits_none, .keygen = &keygen_hmac, HASH(id)}, \
	{derivation, #derivation, 1, KEY_HELD_MAX, CKF_DERIVE, fits_all, .derive = &derive_hash, HASH(id)},
	HASHES(X)
#undef X
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

const struct mech *mech_rows(size_t *count)
{
	*count = ROW_COUNT;
	return rows;
}

const struct mech *mech_find(CK_MECHANISM_TYPE type)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].type == type)
			return &rows[i];
	}
	return NULL;
}

/* A PSKM's slot shows what is left of it and does nothing. */
CK_RV mech_list(struct module *m, CK_SLOT_ID slot, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR n)
{
	if (n == NULL)
		return CKR_ARGUMENTS_BAD;
	TRY_RV(slot_check(m, slot));
	CK_ULONG room = *n;
	*n = slot == SLOT_AGREEMENT ? ROW_COUNT : 0;
	if (list == NULL)
		return CKR_OK;
	if (room < *n)
		return CKR_BUFFER_TOO_SMALL;
	for (CK_ULONG i = 0; i < *n; i++)
		list[i] = rows[i].type;
	return CKR_OK;
}

CK_RV mech_info(struct module *m, CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info)
{
	if (info == NULL)
		return CKR_ARGUMENTS_BAD;
	TRY_RV(slot_check(m, slot));
	const struct mech *row = slot == SLOT_AGREEMENT ? mech_find(type) : NULL;
	if (row == NULL)
		return CKR_MECHANISM_INVALID;
	*info = (CK_MECHANISM_INFO){row->key_min, row->key_max, row->flags};
	return CKR_OK;
}
