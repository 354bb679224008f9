/* SPDX-License-Identifier: Apache-2.0 */
/* Block modes and streams: ECB, CBC, CBC with padding, CBC with ciphertext stealing, CTR; ChaCha20. */
#include "config.h"

#include <openssl/evp.h>
#include <string.h>

#include "pkcs11/cipher.h"
#include "pkcs11/object.h"

static CK_RV range_of(const struct cipher_op *op)
{
	return op->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

static CK_RV len_blocks(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	*out_len = in_len;
	return in_len % CIPHER_BLOCK == 0 ? CKR_OK : range_of(op);
}

static CK_RV len_padded(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	*out_len = op->encrypt ? (in_len / CIPHER_BLOCK + 1) * CIPHER_BLOCK : in_len;
	return op->encrypt || (in_len > 0 && in_len % CIPHER_BLOCK == 0) ? CKR_OK : range_of(op);
}

static CK_RV len_stolen(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	*out_len = in_len;
	return in_len >= CIPHER_BLOCK ? CKR_OK : range_of(op);
}

/* PKCS#11 3.0, 6.11: DATA_LEN_RANGE in both directions. */
static CK_RV len_counted(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	*out_len = in_len;
	return in_len <= op->left ? CKR_OK : CKR_DATA_LEN_RANGE;
}

static bool start_block(struct cipher_op *op)
{
	op->pending = 0;
	return crypto_cipher_start(op->ctx, op->encrypt, op->iv_len > 0 ? op->iv : NULL) &&
	       EVP_CIPHER_CTX_set_padding(op->ctx, op->kind->slack > 0) == 1;
}

static CK_RV run_block(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	int first = 0, last = 0;

	if ((in_len == 0 || EVP_CipherUpdate(op->ctx, out, &first, in, (int)in_len) == 1) &&
	    EVP_CipherFinal_ex(op->ctx, out + first, &last) == 1) {
		*out_len = (size_t)first + (size_t)last;
		return CKR_OK;
	}
	mem_wipe(out, (size_t)first);
	return op->encrypt ? CKR_DEVICE_ERROR : CKR_ENCRYPTED_DATA_INVALID;
}

/* The parameter had 8 bytes of counter and 24 of nonce. */
static dske_rc extend_chacha20(struct cipher_op *op)
{
	if (op->iv_len != 32)
		return DSKE_OK;
	TRY(crypto_hchacha20(&op->subkey, &op->key->value, op->iv + 8));
	memmove(op->iv + 8, op->iv + 24, 8);
	op->iv_len = CIPHER_BLOCK;
	return DSKE_OK;
}

/* libcrypto takes such a message in one piece only, and each needs a fresh context. */
static CK_RV run_stolen(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	int n = 0;

	EVP_CIPHER_CTX *ctx = crypto_cipher_new(op->kind->cipher, &op->key->value, op->encrypt);
	bool done = ctx != NULL && crypto_cipher_start(ctx, op->encrypt, op->iv) &&
		    EVP_CipherUpdate(ctx, out, &n, in, (int)in_len) == 1 && (size_t)n == in_len;
	crypto_cipher_free(ctx);
	*out_len = in_len;
	if (!done)
		mem_wipe(out, in_len);
	return done ? CKR_OK : CKR_DEVICE_ERROR;
}

const struct cipher_kind cipher_ecb = {
	.cipher = CRYPTO_ECB, .unit = CIPHER_BLOCK, .read = cipher_read_none,
	.key_unit = CIPHER_BLOCK,
	.whole_len = len_blocks, .start = start_block, .run = run_block,
};
const struct cipher_kind cipher_cbc = {
	.cipher = CRYPTO_CBC, .unit = CIPHER_BLOCK, .read = cipher_read_block,
	.key_unit = CIPHER_BLOCK,
	.whole_len = len_blocks, .start = start_block, .run = run_block,
};
const struct cipher_kind cipher_cbc_pad = {
	.cipher = CRYPTO_CBC, .unit = CIPHER_BLOCK, .slack = CIPHER_BLOCK, .read = cipher_read_block,
	.key_unit = 1,
	.whole_len = len_padded, .start = start_block, .run = run_block,
};
/* The text names SP 800-38A's addendum and none of its three variants (PKCS#11 3.0, 6.12): the first, CBC-CS1, is what
 * gives plain CBC for whole blocks, and what NSS has. */
const struct cipher_kind cipher_cts = {
	.cipher = CRYPTO_CTS, .unit = 1, .hold = HOLD_BOTH, .read = cipher_read_block,
	.key_unit = 1,
	.whole_len = len_stolen, .run = run_stolen,
};
const struct cipher_kind cipher_ctr = {
	.cipher = CRYPTO_CTR, .unit = 1, .read = cipher_read_ctr,
	.key_unit = 1,
	.whole_len = len_counted, .start = start_block, .run = run_block,
};
const struct cipher_kind cipher_chacha20 = {
	.cipher = CRYPTO_CHACHA20, .unit = 1, .read = cipher_read_chacha20,
	.key_unit = 1,
	.whole_len = len_counted, .extend = extend_chacha20, .start = start_block, .run = run_block,
};
