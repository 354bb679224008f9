/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/cipher.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/key.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"

#define BLOCK 16u
#define PART_MAX ((CK_ULONG)INT_MAX - 4 * BLOCK) /* libcrypto counts in int */
#define HELD_MAX ((size_t)1 << 30)

void cipher_op_end(struct cipher_op *op)
{
	if (op->kind != NULL && op->kind->cipher == CRYPTO_GCM && op->ctx != NULL && !atomic_load(&op->key->gone))
		op->ctx = atomic_exchange(&op->key->idle_gcm, op->ctx); /* for the next message with this key */
	crypto_cipher_free(op->ctx);
	free(op->ad);
	buf_drop(&op->held);
	object_unref(op->key);
	*op = (struct cipher_op){0};
}

/* ---- parameters -------------------------------------------------------------------------------------- */

static CK_RV init_gcm(struct cipher_op *op, const CK_MECHANISM *mech)
{
	CK_GCM_PARAMS p;

	if (mech->pParameter == NULL || mech->ulParameterLen != sizeof p)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(&p, mech->pParameter, sizeof p);
	if (p.pIv == NULL || p.ulIvLen == 0 || p.ulIvLen > CIPHER_IV_MAX || (p.pAAD == NULL && p.ulAADLen > 0))
		return CKR_MECHANISM_PARAM_INVALID;
	/* SP 800-38D, 5.2.1.2, without its short tags, which are for special applications. */
	if (p.ulTagBits < 96 || p.ulTagBits > 128 || p.ulTagBits % 8 != 0 || p.ulAADLen > PART_MAX)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(op->iv, p.pIv, p.ulIvLen);
	op->iv_len = p.ulIvLen;
	op->tag_len = p.ulTagBits / 8;
	if (p.ulAADLen == 0)
		return CKR_OK;
	op->ad = malloc(p.ulAADLen);
	if (op->ad == NULL)
		return CKR_HOST_MEMORY;
	memcpy(op->ad, p.pAAD, p.ulAADLen);
	op->ad_len = p.ulAADLen;
	return CKR_OK;
}

static CK_RV init_cbc(struct cipher_op *op, const CK_MECHANISM *mech)
{
	if (mech->pParameter == NULL || mech->ulParameterLen != BLOCK)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(op->iv, mech->pParameter, BLOCK);
	op->iv_len = BLOCK;
	return CKR_OK;
}

const struct cipher_kind cipher_gcm = {CRYPTO_GCM, false, init_gcm};
const struct cipher_kind cipher_cbc = {CRYPTO_CBC, false, init_cbc};
const struct cipher_kind cipher_cbc_pad = {CRYPTO_CBC, true, init_cbc};

/* ---- libcrypto --------------------------------------------------------------------------------------- */

/* Begins the message, the first time or over again. */
static bool op_start(struct cipher_op *op)
{
	int n = 0;

	op->pending = 0;
	if (!crypto_cipher_start(op->ctx, op->kind->cipher, op->encrypt, op->iv, op->iv_len, op->kind->pad))
		return false;
	return op->ad_len == 0 || EVP_CipherUpdate(op->ctx, NULL, &n, op->ad, (int)op->ad_len) == 1;
}

static bool op_update(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	int n = 0;

	*out_len = 0;
	if (in_len > 0 && EVP_CipherUpdate(op->ctx, out, &n, in, (int)in_len) != 1)
		return false;
	*out_len = (size_t)n;
	return true;
}

static bool op_final(struct cipher_op *op, uint8_t *out, size_t *out_len)
{
	int n = 0;

	if (EVP_CipherFinal_ex(op->ctx, out, &n) != 1)
		return false;
	*out_len = (size_t)n;
	if (op->tag_len == 0 || !op->encrypt)
		return true;
	*out_len += op->tag_len;
	return EVP_CIPHER_CTX_ctrl(op->ctx, EVP_CTRL_AEAD_GET_TAG, (int)op->tag_len, out + n) == 1;
}

/* ---- lengths ----------------------------------------------------------------------------------------- */

/* What a part of in_len bytes gives: whole blocks, of which decryption with padding holds back the last. */
static size_t update_len(const struct cipher_op *op, size_t in_len)
{
	size_t all = op->pending + in_len;

	if (op->kind->cipher == CRYPTO_GCM)
		return op->encrypt ? in_len : 0;
	if (op->kind->pad && !op->encrypt)
		return all == 0 ? 0 : (all - 1) / BLOCK * BLOCK;
	return all / BLOCK * BLOCK;
}

/* What a whole message of in_len bytes gives, at most; or no such message exists. */
static CK_RV whole_len(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	CK_RV range = op->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;

	*out_len = in_len;
	if (in_len > PART_MAX)
		return range;
	if (op->kind->cipher == CRYPTO_GCM) {
		if (!op->encrypt && in_len < op->tag_len)
			return range;
		*out_len = op->encrypt ? in_len + op->tag_len : in_len - op->tag_len;
		return CKR_OK;
	}
	if (op->kind->pad && op->encrypt) {
		*out_len = (in_len / BLOCK + 1) * BLOCK;
		return CKR_OK;
	}
	return in_len % BLOCK != 0 || (op->kind->pad && in_len == 0) ? range : CKR_OK;
}

/* ---- beginning ---------------------------------------------------------------------------------------- */

static CK_RV op_begin(struct module *m, struct cipher_op *op, const struct mech *row, const CK_MECHANISM *mech)
{
	TRY_RV(key_allows(m, op->key, row, op->encrypt ? CKA_ENCRYPT : CKA_DECRYPT, CKR_KEY_TYPE_INCONSISTENT));
	TRY_RV(row->cipher->init(op, mech));
	op->kind = row->cipher;
	op->ctx = op->kind->cipher == CRYPTO_GCM ? atomic_exchange(&op->key->idle_gcm, NULL) : NULL;
	if (op->ctx == NULL)
		op->ctx = crypto_cipher_new(op->kind->cipher, &op->key->value, op->encrypt);
	return op->ctx != NULL && op_start(op) ? CKR_OK : CKR_DEVICE_ERROR;
}

static CK_RV op_init(struct module *m, struct session *s, bool encrypt, const CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
	struct cipher_op *op = &s->cipher[encrypt];

	if (mech == NULL) { /* PKCS#11 3.0, 5.8: ends the operation */
		cipher_op_end(op);
		return CKR_OK;
	}
	if (op->kind != NULL)
		return CKR_OPERATION_ACTIVE;
	const struct mech *row = mech_find(mech->mechanism);
	if (row == NULL || row->cipher == NULL)
		return CKR_MECHANISM_INVALID;
	struct cipher_op fresh = {.key = object_get(m, s, key), .encrypt = encrypt};
	if (fresh.key == NULL)
		return CKR_KEY_HANDLE_INVALID;
	buf_heap(&fresh.held, HELD_MAX);
	crypto_quiet_begin();
	CK_RV rv = op_begin(m, &fresh, row, mech);
	crypto_quiet_end();
	if (rv != CKR_OK)
		cipher_op_end(&fresh);
	else
		*op = fresh;
	return rv;
}

/* ---- going on ----------------------------------------------------------------------------------------- */

/* An active operation whose key is still there. */
static CK_RV op_check(struct cipher_op *op)
{
	if (op->kind == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	return atomic_load(&op->key->gone) ? CKR_KEY_HANDLE_INVALID : CKR_OK;
}

/* All at once.  What cannot be right is wiped. */
static CK_RV run_whole(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	size_t first = 0, last = 0;
	uint8_t tag[CRYPTO_TAG_LEN];

	if (op->tag_len > 0 && !op->encrypt) {
		in_len -= op->tag_len;
		memcpy(tag, in + in_len, op->tag_len);
		if (EVP_CIPHER_CTX_ctrl(op->ctx, EVP_CTRL_AEAD_SET_TAG, (int)op->tag_len, tag) != 1)
			return CKR_DEVICE_ERROR;
	}
	if (op_update(op, in, in_len, out, &first) && op_final(op, out + first, &last)) {
		*out_len = first + last;
		return CKR_OK;
	}
	mem_wipe(out, first);
	return op->encrypt ? CKR_DEVICE_ERROR : CKR_ENCRYPTED_DATA_INVALID;
}

/* Padding makes a plaintext shorter than what it is decrypted in: the host's buffer may be just right. */
static CK_RV run_into_less(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, CK_ULONG *out_len)
{
	AUTO(secret) whole = {0};
	size_t len = 0;

	TRY_RV(rv_from(secret_alloc(&whole, in_len)));
	TRY_RV(run_whole(op, in, in_len, whole.data, &len));
	CK_ULONG room = *out_len;
	*out_len = len;
	if (room < len)
		return op_start(op) ? CKR_BUFFER_TOO_SMALL : CKR_DEVICE_ERROR;
	if (len > 0)
		memcpy(out, whole.data, len);
	return CKR_OK;
}

static CK_RV op_whole(struct cipher_op *op, const uint8_t *in, CK_ULONG in_len, uint8_t *out, CK_ULONG *out_len)
{
	size_t need;

	TRY_RV(op_check(op));
	if (op->in_parts)
		return CKR_OPERATION_ACTIVE;
	if (out_len == NULL || (in == NULL && in_len > 0))
		return CKR_ARGUMENTS_BAD;
	TRY_RV(whole_len(op, in_len, &need));
	if (out == NULL) {
		*out_len = need;
		return CKR_OK;
	}
	bool padded = op->kind->pad && !op->encrypt;
	if (padded && *out_len < need && *out_len + BLOCK >= need)
		return run_into_less(op, in, in_len, out, out_len);
	if (*out_len < need) {
		*out_len = need;
		return CKR_BUFFER_TOO_SMALL;
	}
	return run_whole(op, in, in_len, out, out_len);
}

static CK_RV op_part(struct cipher_op *op, const uint8_t *in, CK_ULONG in_len, uint8_t *out, CK_ULONG *out_len)
{
	size_t done;

	TRY_RV(op_check(op));
	if (out_len == NULL || (in == NULL && in_len > 0))
		return CKR_ARGUMENTS_BAD;
	if (in_len > PART_MAX)
		return CKR_DATA_LEN_RANGE;
	size_t need = update_len(op, in_len);
	CK_ULONG room = *out_len;
	*out_len = need;
	if (out == NULL)
		return CKR_OK;
	if (room < need)
		return CKR_BUFFER_TOO_SMALL;
	op->in_parts = true;
	if (op->tag_len > 0 && !op->encrypt) {
		buf_put(&op->held, in, in_len);
		return rv_from(buf_rc(&op->held));
	}
	if (!op_update(op, in, in_len, out, &done) || done != need)
		return CKR_DEVICE_ERROR;
	op->pending = op->pending + in_len - need;
	return CKR_OK;
}

static CK_RV final_held(struct cipher_op *op, uint8_t *out, CK_ULONG *out_len)
{
	if (op->held.len < op->tag_len)
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	if (op->held.len > PART_MAX)
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	size_t need = op->held.len - op->tag_len;
	CK_ULONG room = *out_len;
	*out_len = need;
	/* An empty plaintext has nothing to ask a length for: the call that gets it checks the tag. */
	if (out == NULL && need > 0)
		return CKR_OK;
	if (room < need)
		return CKR_BUFFER_TOO_SMALL;
	uint8_t none[1];
	return run_whole(op, op->held.data, op->held.len, out != NULL ? out : none, out_len);
}

/* Ends a message in parts; *ended is false when the host only asked for a length. */
static CK_RV op_last(struct cipher_op *op, uint8_t *out, CK_ULONG *out_len, bool *ended)
{
	uint8_t tail[2 * BLOCK];
	size_t len = 0;

	*ended = out != NULL;
	TRY_RV(op_check(op));
	if (out_len == NULL)
		return CKR_ARGUMENTS_BAD;
	if (op->tag_len > 0 && !op->encrypt) {
		CK_RV rv = final_held(op, out, out_len);
		*ended = out != NULL || rv != CKR_OK || *out_len == 0;
		return rv;
	}
	if (op->kind->cipher == CRYPTO_CBC && !op->kind->pad && op->pending > 0)
		return op->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
	size_t most = op->tag_len > 0 ? op->tag_len : op->kind->pad ? BLOCK : 0;
	CK_ULONG room = *out_len;
	if (out == NULL || (room < most && (op->encrypt || !op->kind->pad))) {
		*out_len = most;
		*ended = most == 0;
		return out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
	}
	if (!op_final(op, tail, &len))
		return op->encrypt ? CKR_DEVICE_ERROR : CKR_ENCRYPTED_DATA_INVALID;
	*out_len = len;
	CK_RV rv = len <= room ? CKR_OK : CKR_DATA_LEN_RANGE;
	if (rv == CKR_OK && len > 0)
		memcpy(out, tail, len);
	mem_wipe(tail, sizeof tail);
	return rv;
}

/* ---- handlers ----------------------------------------------------------------------------------------- */

/* An operation ends with its result and with any error, but not with a question for a length, nor with a
 * buffer that is too small (PKCS#11 2.40, 5.2). */
static CK_RV close_whole(struct cipher_op *op, CK_RV rv, const uint8_t *out)
{
	bool stays = rv == CKR_BUFFER_TOO_SMALL || rv == CKR_OPERATION_NOT_INITIALIZED || (rv == CKR_OK && out == NULL);

	if (!stays)
		cipher_op_end(op);
	return rv;
}

static CK_RV do_init(struct module *m, struct session *s, bool encrypt, const CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
	pthread_mutex_lock(&s->lock);
	CK_RV rv = op_init(m, s, encrypt, mech, key);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_whole(struct session *s, bool encrypt, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
		      CK_ULONG_PTR out_len)
{
	pthread_mutex_lock(&s->lock);
	crypto_quiet_begin();
	CK_RV rv = op_whole(&s->cipher[encrypt], in, in_len, out, out_len);
	crypto_quiet_end();
	close_whole(&s->cipher[encrypt], rv, out);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_part(struct session *s, bool encrypt, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
		     CK_ULONG_PTR out_len)
{
	pthread_mutex_lock(&s->lock);
	crypto_quiet_begin();
	CK_RV rv = op_part(&s->cipher[encrypt], in, in_len, out, out_len);
	crypto_quiet_end();
	if (rv != CKR_OK)
		close_whole(&s->cipher[encrypt], rv, out);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_last(struct session *s, bool encrypt, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	bool ended;

	pthread_mutex_lock(&s->lock);
	crypto_quiet_begin();
	CK_RV rv = op_last(&s->cipher[encrypt], out, out_len, &ended);
	crypto_quiet_end();
	if (rv != CKR_OK || ended)
		close_whole(&s->cipher[encrypt], rv, (const uint8_t *)"");
	pthread_mutex_unlock(&s->lock);
	return rv;
}

#define CIPHER_HANDLERS(verb, encrypt)                                                               \
	CK_RV cipher_##verb##_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech,       \
				   CK_OBJECT_HANDLE key)                                             \
	{                                                                                            \
		return do_init(m, s, encrypt, mech, key);                                            \
	}                                                                                            \
	CK_RV cipher_##verb(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len,    \
			    CK_BYTE_PTR out, CK_ULONG_PTR out_len)                                   \
	{                                                                                            \
		(void)m;                                                                             \
		return do_whole(s, encrypt, in, in_len, out, out_len);                               \
	}                                                                                            \
	CK_RV cipher_##verb##_update(struct module *m, struct session *s, CK_BYTE_PTR in,            \
				     CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)         \
	{                                                                                            \
		(void)m;                                                                             \
		return do_part(s, encrypt, in, in_len, out, out_len);                                \
	}                                                                                            \
	CK_RV cipher_##verb##_final(struct module *m, struct session *s, CK_BYTE_PTR out,            \
				    CK_ULONG_PTR out_len)                                            \
	{                                                                                            \
		(void)m;                                                                             \
		return do_last(s, encrypt, out, out_len);                                            \
	}

CIPHER_HANDLERS(encrypt, true)
CIPHER_HANDLERS(decrypt, false)
