/* SPDX-License-Identifier: Apache-2.0 */
/* AES-GCM, AES-CCM, ChaCha20-Poly1305: the tag stands behind the ciphertext. */
#include "config.h"

#include <openssl/evp.h>
#include <string.h>

#include "pkcs11/cipher.h"
#include "pkcs11/object.h"

#define USUAL_IV_LEN 12 /* what a context at rest has */

static CK_RV len_sealed(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	*out_len = in_len + op->tag_len;
	if (op->encrypt)
		return CKR_OK;
	*out_len = in_len - op->tag_len;
	return in_len >= op->tag_len ? CKR_OK : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

/* The data's length stands in the parameter too, and in 2 to 8 bytes of the first block (SP 800-38C, A.1). */
static CK_RV len_ccm(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	CK_RV range = op->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
	size_t len_len = 15 - op->iv_len;

	TRY_RV(len_sealed(op, in_len, out_len));
	size_t data_len = op->encrypt ? in_len : *out_len;
	if (op->data_len != CIPHER_ANY_LEN && data_len != op->data_len)
		return range;
	return len_len < sizeof data_len && data_len >> (8 * len_len) != 0 ? range : CKR_OK;
}

static bool add_ad(EVP_CIPHER_CTX *ctx, const struct cipher_op *op)
{
	int n = 0;

	return op->ad_len == 0 || EVP_CipherUpdate(ctx, NULL, &n, op->ad, (int)op->ad_len) == 1;
}

static bool start_sealed(struct cipher_op *op)
{
	op->pending = 0;
	if (op->iv_len != USUAL_IV_LEN && (!crypto_cipher_start(op->ctx, op->encrypt, NULL) ||
					   EVP_CIPHER_CTX_ctrl(op->ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)op->iv_len, NULL) != 1))
		return false;
	return crypto_cipher_start(op->ctx, op->encrypt, op->iv) && add_ad(op->ctx, op);
}

/* draft-irtf-cfrg-xchacha, 2.3: the nonce's last 8 bytes behind four zeros. */
static dske_rc extend_chacha20_poly1305(struct cipher_op *op)
{
	if (op->iv_len != 24)
		return DSKE_OK;
	TRY(crypto_hchacha20(&op->subkey, &op->key->value, op->iv));
	memmove(op->iv + 4, op->iv + 16, 8);
	memset(op->iv, 0, 4);
	op->iv_len = USUAL_IV_LEN;
	return DSKE_OK;
}

static bool seal(struct cipher_op *op, const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag)
{
	int n = 0;

	if (len > 0 && EVP_CipherUpdate(op->ctx, out, &n, in, (int)len) != 1)
		return false;
	return EVP_CipherFinal_ex(op->ctx, out + n, &n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(op->ctx, EVP_CTRL_AEAD_GET_TAG, (int)op->tag_len, tag) == 1;
}

static bool unseal(struct cipher_op *op, const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag)
{
	int n = 0;

	return EVP_CIPHER_CTX_ctrl(op->ctx, EVP_CTRL_AEAD_SET_TAG, (int)op->tag_len, tag) == 1 &&
	       (len == 0 || EVP_CipherUpdate(op->ctx, out, &n, in, (int)len) == 1) &&
	       EVP_CipherFinal_ex(op->ctx, out + n, &n) == 1;
}

static bool detached_sealed(struct cipher_op *op, const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag)
{
	return (op->encrypt ? seal : unseal)(op, in, len, out, tag);
}

/* With the tag behind the ciphertext.  It is copied before out, which may be in, is written to. */
static CK_RV run_attached(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	size_t data_len = op->encrypt ? in_len : in_len - op->tag_len;
	uint8_t tag[CRYPTO_TAG_LEN] = {0};

	if (!op->encrypt)
		memcpy(tag, in + data_len, op->tag_len);
	bool done = op->kind->detached(op, in, data_len, out, tag);
	*out_len = op->encrypt ? in_len + op->tag_len : data_len;
	if (done && op->encrypt)
		memcpy(out + data_len, tag, op->tag_len);
	if (done)
		return CKR_OK;
	if (data_len > 0)
		mem_wipe(out, data_len);
	return op->encrypt ? CKR_DEVICE_ERROR : CKR_ENCRYPTED_DATA_INVALID;
}

/* libcrypto wants the lengths of nonce and tag (the tag itself, when decrypting) before the key, and the data's length
 * before anything else. */
static bool start_ccm(EVP_CIPHER_CTX *ctx, const struct cipher_op *op, size_t data_len, uint8_t *tag)
{
	const struct secret *key = &op->key->value;
	int n = 0;

	return EVP_CipherInit_ex2(ctx, crypto_cipher(CRYPTO_CCM, key->len), NULL, NULL, op->encrypt, NULL) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN, (int)op->iv_len, NULL) == 1 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)op->tag_len, op->encrypt ? NULL : tag) == 1 &&
	       EVP_CipherInit_ex2(ctx, NULL, key->data, op->iv, op->encrypt, NULL) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &n, NULL, (int)data_len) == 1 && add_ad(ctx, op);
}

static bool detached_ccm(struct cipher_op *op, const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag)
{
	uint8_t none[CIPHER_BLOCK] = {0};
	int n = 0;

	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	/* Empty data is data too: the call with it computes the tag, or checks it. */
	bool done = ctx != NULL && start_ccm(ctx, op, len, tag) &&
		    EVP_CipherUpdate(ctx, len > 0 ? out : none, &n, len > 0 ? in : none, (int)len) == 1 &&
		    (!op->encrypt || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)op->tag_len, tag) == 1);
	crypto_cipher_free(ctx);
	return done;
}

const struct cipher_kind cipher_gcm = {
	.cipher = CRYPTO_GCM, .unit = 1, .hold = HOLD_DECRYPTION, .read = cipher_read_gcm,
	.whole_len = len_sealed, .start = start_sealed, .run = run_attached, .detached = detached_sealed,
	.key_unit = 1, .read_wrap = cipher_wrap_gcm, .read_message = cipher_message_gcm, .message_size = sizeof(CK_GCM_MESSAGE_PARAMS),
};
const struct cipher_kind cipher_chacha20_poly1305 = {
	.cipher = CRYPTO_CHACHA20_POLY1305, .unit = 1, .hold = HOLD_DECRYPTION, .read = cipher_read_chacha20_poly1305,
	.whole_len = len_sealed, .extend = extend_chacha20_poly1305, .start = start_sealed, .run = run_attached, .detached = detached_sealed,
	.read_message = cipher_message_chacha20_poly1305, .message_size = sizeof(CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS),
};
const struct cipher_kind cipher_ccm = {
	.cipher = CRYPTO_CCM, .unit = 1, .hold = HOLD_BOTH, .read = cipher_read_ccm,
	.whole_len = len_ccm, .run = run_attached, .detached = detached_ccm,
	.key_unit = 1, .read_wrap = cipher_wrap_ccm, .read_message = cipher_message_ccm, .message_size = sizeof(CK_CCM_MESSAGE_PARAMS),
};
