/* SPDX-License-Identifier: Apache-2.0 */
/* AES Key Wrap: RFC 3394 (KW), the same over PKCS #7 padding, RFC 5649 (KWP); in one piece only (PKCS#11 3.0, 6.16). */
#include "config.h"

#include <openssl/evp.h>
#include <string.h>

#include "pkcs11/cipher.h"
#include "pkcs11/object.h"

#define SEMIBLOCK 8u

static CK_RV range_of(const struct cipher_op *op)
{
	return op->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

static size_t padded(size_t len)
{
	return (len + SEMIBLOCK - 1) / SEMIBLOCK * SEMIBLOCK;
}

/* Of two semiblocks at least, and one more when wrapped. */
static CK_RV len_kw(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	size_t least = op->encrypt ? 2 * SEMIBLOCK : 3 * SEMIBLOCK;

	*out_len = op->encrypt ? in_len + SEMIBLOCK : in_len - SEMIBLOCK;
	return in_len >= least && in_len % SEMIBLOCK == 0 ? CKR_OK : range_of(op);
}

/* Less than a semiblock is padded to one, which is too short for RFC 3394. */
static CK_RV len_kw_pkcs7(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	size_t inner = (in_len / SEMIBLOCK + 1) * SEMIBLOCK;

	return len_kw(op, op->encrypt ? inner : in_len, out_len);
}

static CK_RV len_kwp(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	*out_len = op->encrypt ? padded(in_len) + SEMIBLOCK : in_len - SEMIBLOCK;
	if (op->encrypt)
		return in_len > 0 ? CKR_OK : CKR_DATA_LEN_RANGE;
	return in_len >= 2 * SEMIBLOCK && in_len % SEMIBLOCK == 0 ? CKR_OK : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

static bool run_whole(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	int n = 0;

	EVP_CIPHER_CTX *ctx = crypto_cipher_new(op->kind->cipher, &op->key->value, op->encrypt);
	bool done = ctx != NULL && crypto_cipher_start(ctx, op->encrypt, op->iv_len > 0 ? op->iv : NULL) &&
		    EVP_CipherUpdate(ctx, out, &n, in, (int)in_len) == 1 && n > 0;
	crypto_cipher_free(ctx);
	*out_len = (size_t)n;
	return done;
}

/* What libcrypto unwraps needs as much room as it was wrapped, though it is shorter: when RFC 5649's padding is wrong, all of
 * that is wiped. */
static CK_RV unwrap_kw(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	AUTO(secret) whole = {0};

	TRY_RV(rv_from(secret_alloc(&whole, in_len)));
	if (!run_whole(op, in, in_len, whole.data, out_len))
		return CKR_ENCRYPTED_DATA_INVALID;
	memcpy(out, whole.data, *out_len);
	return CKR_OK;
}

static CK_RV run_kw(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	size_t most = 0;

	if (!op->encrypt)
		return unwrap_kw(op, in, in_len, out, out_len);
	if (run_whole(op, in, in_len, out, out_len))
		return CKR_OK;
	if (op->kind->whole_len(op, in_len, &most) == CKR_OK)
		mem_wipe(out, most);
	return CKR_DEVICE_ERROR;
}

static CK_RV wrap_pkcs7(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	AUTO(secret) inner = {0};
	size_t fill = SEMIBLOCK - in_len % SEMIBLOCK;

	TRY_RV(rv_from(secret_alloc(&inner, in_len + fill)));
	if (in_len > 0)
		memcpy(inner.data, in, in_len);
	memset(inner.data + in_len, (int)fill, fill);
	return run_kw(op, inner.data, inner.len, out, out_len);
}

/* The padding was authenticated with the rest: it is looked at in the open. */
static CK_RV unwrap_pkcs7(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	TRY_RV(run_kw(op, in, in_len, out, out_len));
	size_t fill = out[*out_len - 1];
	bool right = fill >= 1 && fill <= SEMIBLOCK;
	for (size_t i = 1; right && i <= fill; i++)
		right = out[*out_len - i] == fill;
	if (right) {
		*out_len -= fill;
		return CKR_OK;
	}
	mem_wipe(out, *out_len);
	return CKR_ENCRYPTED_DATA_INVALID;
}

static CK_RV run_kw_pkcs7(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	return (op->encrypt ? wrap_pkcs7 : unwrap_pkcs7)(op, in, in_len, out, out_len);
}

const struct cipher_kind cipher_kw = {
	.cipher = CRYPTO_KW, .unit = 1, .key_unit = SEMIBLOCK, .hold = HOLD_BOTH, .single = true,
	.read = cipher_read_kw, .whole_len = len_kw, .run = run_kw,
};
const struct cipher_kind cipher_kw_pkcs7 = {
	.cipher = CRYPTO_KW, .unit = 1, .key_unit = 1, .slack = SEMIBLOCK, .hold = HOLD_BOTH, .single = true,
	.read = cipher_read_kw, .whole_len = len_kw_pkcs7, .run = run_kw_pkcs7,
};
const struct cipher_kind cipher_kwp = {
	.cipher = CRYPTO_KWP, .unit = 1, .key_unit = 1, .slack = SEMIBLOCK - 1, .hold = HOLD_BOTH, .single = true,
	.read = cipher_read_kwp, .whole_len = len_kwp, .run = run_kw,
};
