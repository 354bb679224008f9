/* SPDX-License-Identifier: Apache-2.0 */
/* What the host gives beside a mechanism: structures in its memory, aligned or not, that are copied out once. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11/cipher.h"

/* A structure of just that size. */
static bool read_struct(const CK_MECHANISM *mech, void *into, size_t len)
{
	if (mech->pParameter == NULL || mech->ulParameterLen != len)
		return false;
	memcpy(into, mech->pParameter, len);
	return true;
}

static CK_RV take_iv(struct cipher_op *op, const void *iv, size_t len)
{
	if (iv == NULL || len == 0 || len > CIPHER_IV_MAX)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(op->iv, iv, len);
	op->iv_len = len;
	return CKR_OK;
}

CK_RV cipher_take_ad(struct cipher_op *op, const void *ad, CK_ULONG len)
{
	if ((ad == NULL && len > 0) || len > CIPHER_PART_MAX)
		return CKR_MECHANISM_PARAM_INVALID;
	if (len == 0)
		return CKR_OK;
	op->ad = malloc(len);
	if (op->ad == NULL)
		return CKR_HOST_MEMORY;
	memcpy(op->ad, ad, len);
	op->ad_len = len;
	return CKR_OK;
}

CK_RV cipher_read_none(struct cipher_op *op, const CK_MECHANISM *mech)
{
	(void)op;
	return mech->pParameter == NULL && mech->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV cipher_read_block(struct cipher_op *op, const CK_MECHANISM *mech)
{
	if (mech->ulParameterLen != CIPHER_BLOCK)
		return CKR_MECHANISM_PARAM_INVALID;
	return take_iv(op, mech->pParameter, CIPHER_BLOCK);
}

/* ---- counters ------------------------------------------------------------------------------------------- */

/* Bytes until the lowest `bits` bits of a big-endian counter come round, at `block` bytes a step. */
static uint64_t counter_room(const uint8_t counter[CIPHER_BLOCK], CK_ULONG bits, unsigned block)
{
	uint64_t steps = 0;

	for (unsigned i = 0; i < CIPHER_BLOCK; i++) {
		unsigned above = 8 * (CIPHER_BLOCK - 1 - i); /* bits to the right of this byte */
		unsigned mask = bits >= above + 8 ? 0xff : bits > above ? (1u << (bits - above)) - 1 : 0;
		if (steps >> 48 != 0)
			return CIPHER_NO_END;
		steps = steps << 8 | (~counter[i] & mask);
	}
	return steps >> 48 != 0 ? CIPHER_NO_END : (steps + 1) * block;
}

/* PKCS#11 3.0, 6.11: the counter must not come round. */
CK_RV cipher_read_ctr(struct cipher_op *op, const CK_MECHANISM *mech)
{
	CK_AES_CTR_PARAMS p;

	if (!read_struct(mech, &p, sizeof p) || p.ulCounterBits == 0 || p.ulCounterBits > 128)
		return CKR_MECHANISM_PARAM_INVALID;
	op->left = counter_room(p.cb, p.ulCounterBits, CIPHER_BLOCK);
	return take_iv(op, p.cb, sizeof p.cb);
}

/* PKCS#11 3.0, 6.58: the original (counter of 64 bits, nonce of 64), RFC 8439 (32 and 96), XChaCha20 (64 and 192).  The
 * counter lies in memory as the cipher has it, little-endian. */
static bool chacha20_variant(CK_ULONG counter_bits, CK_ULONG nonce_bits)
{
	return counter_bits == 32 ? nonce_bits == 96 : counter_bits == 64 && (nonce_bits == 64 || nonce_bits == 192);
}

CK_RV cipher_read_chacha20(struct cipher_op *op, const CK_MECHANISM *mech)
{
	CK_CHACHA20_PARAMS p;
	uint8_t iv[2 * CIPHER_BLOCK], counter[CIPHER_BLOCK] = {0};

	if (!read_struct(mech, &p, sizeof p) || p.pBlockCounter == NULL || p.pNonce == NULL)
		return CKR_MECHANISM_PARAM_INVALID;
	if (!chacha20_variant(p.blockCounterBits, p.ulNonceBits))
		return CKR_MECHANISM_PARAM_INVALID;
	size_t counter_len = p.blockCounterBits / 8, nonce_len = p.ulNonceBits / 8;
	memcpy(iv, p.pBlockCounter, counter_len);
	memcpy(iv + counter_len, p.pNonce, nonce_len);
	for (size_t i = 0; i < counter_len; i++)
		counter[CIPHER_BLOCK - 1 - i] = iv[i];
	op->left = counter_room(counter, p.blockCounterBits, 64);
	return take_iv(op, iv, counter_len + nonce_len);
}

/* ---- AEAD ------------------------------------------------------------------------------------------------ */

/* SP 800-38D, 5.2.1.2, without its short tags, which are for special applications. */
static bool gcm_tag_fits(CK_ULONG bits)
{
	return bits >= 96 && bits <= 128 && bits % 8 == 0;
}

/* SP 800-38C, A.1. */
static bool ccm_tag_fits(CK_ULONG len)
{
	return len >= 4 && len <= 16 && len % 2 == 0;
}

/* Bytes of a nonce; 0: no such.  The text counts bits (PKCS#11 3.0, 6.61), others bytes: 96 and 192 of the one are 12
 * and 24 of the other.  The original's 64 are not here: it authenticates otherwise. */
static size_t chacha20_nonce_len(CK_ULONG said)
{
	return said == 96 || said == 12 ? 12 : said == 192 || said == 24 ? 24 : 0;
}

/* As the header has it, or as the text of 2.40 did, and hosts after it: without ulIvBits, which says nothing. */
static bool read_gcm_params(const CK_MECHANISM *mech, CK_GCM_PARAMS *p)
{
	struct {
		CK_BYTE_PTR pIv;
		CK_ULONG ulIvLen;
		CK_BYTE_PTR pAAD;
		CK_ULONG ulAADLen, ulTagBits;
	} text;

	if (!read_struct(mech, &text, sizeof text))
		return read_struct(mech, p, sizeof *p);
	*p = (CK_GCM_PARAMS){text.pIv, text.ulIvLen, 0, text.pAAD, text.ulAADLen, text.ulTagBits};
	return true;
}

CK_RV cipher_read_gcm(struct cipher_op *op, const CK_MECHANISM *mech)
{
	CK_GCM_PARAMS p;

	if (!read_gcm_params(mech, &p) || !gcm_tag_fits(p.ulTagBits))
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(take_iv(op, p.pIv, p.ulIvLen));
	op->tag_len = p.ulTagBits / 8;
	return cipher_take_ad(op, p.pAAD, p.ulAADLen);
}

CK_RV cipher_read_ccm(struct cipher_op *op, const CK_MECHANISM *mech)
{
	CK_CCM_PARAMS p;

	if (!read_struct(mech, &p, sizeof p) || !ccm_tag_fits(p.ulMACLen))
		return CKR_MECHANISM_PARAM_INVALID;
	if (p.ulNonceLen < 7 || p.ulNonceLen > 13)
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(take_iv(op, p.pNonce, p.ulNonceLen));
	op->tag_len = p.ulMACLen;
	op->data_len = p.ulDataLen;
	return cipher_take_ad(op, p.pAAD, p.ulAADLen);
}

CK_RV cipher_read_chacha20_poly1305(struct cipher_op *op, const CK_MECHANISM *mech)
{
	CK_SALSA20_CHACHA20_POLY1305_PARAMS p;

	if (!read_struct(mech, &p, sizeof p))
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(take_iv(op, p.pNonce, chacha20_nonce_len(p.ulNonceLen)));
	op->tag_len = CRYPTO_TAG_LEN;
	return cipher_take_ad(op, p.pAAD, p.ulAADLen);
}

/* ---- the same for messages, with the tag apart (PKCS#11 3.0, 6.13 and 6.61) ------------------------------------ */

static CK_RV nonce_fits(const struct nonce *n)
{
	return n->at != NULL && n->len > 0 && n->len <= CIPHER_IV_MAX ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV cipher_message_gcm(const void *param, CK_ULONG len, struct cipher_message *out)
{
	CK_GCM_MESSAGE_PARAMS p;

	if (!read_struct(&(CK_MECHANISM){0, (void *)param, len}, &p, sizeof p) || !gcm_tag_fits(p.ulTagBits))
		return CKR_MECHANISM_PARAM_INVALID;
	*out = (struct cipher_message){
		{p.pIv, p.ulIvLen, p.ulIvFixedBits, p.ivGenerator}, p.pTag, p.ulTagBits / 8, CIPHER_ANY_LEN};
	return out->tag != NULL ? nonce_fits(&out->nonce) : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV cipher_message_ccm(const void *param, CK_ULONG len, struct cipher_message *out)
{
	CK_CCM_MESSAGE_PARAMS p;

	if (!read_struct(&(CK_MECHANISM){0, (void *)param, len}, &p, sizeof p) || !ccm_tag_fits(p.ulMACLen) ||
	    p.ulNonceLen < 7 || p.ulNonceLen > 13)
		return CKR_MECHANISM_PARAM_INVALID;
	*out = (struct cipher_message){
		{p.pNonce, p.ulNonceLen, p.ulNonceFixedBits, p.nonceGenerator}, p.pMAC, p.ulMACLen, p.ulDataLen};
	return out->tag != NULL ? nonce_fits(&out->nonce) : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV cipher_message_chacha20_poly1305(const void *param, CK_ULONG len, struct cipher_message *out)
{
	CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS p;

	if (!read_struct(&(CK_MECHANISM){0, (void *)param, len}, &p, sizeof p))
		return CKR_MECHANISM_PARAM_INVALID;
	*out = (struct cipher_message){{p.pNonce, chacha20_nonce_len(p.ulNonceLen), 0, CKG_NO_GENERATE}, p.pTag, CRYPTO_TAG_LEN, CIPHER_ANY_LEN};
	return out->tag != NULL ? nonce_fits(&out->nonce) : CKR_MECHANISM_PARAM_INVALID;
}

/* ---- wrapping: 3.2's parameters, in which the token may make the nonce, or those of encryption ------------------- */

CK_RV cipher_wrap_gcm(struct cipher_op *op, const CK_MECHANISM *mech, struct nonce *n)
{
	CK_GCM_WRAP_PARAMS p;

	if (!read_struct(mech, &p, sizeof p))
		return cipher_read_gcm(op, mech);
	*n = (struct nonce){p.pIv, p.ulIvLen, p.ulIvFixedBits, p.ivGenerator};
	TRY_RV(gcm_tag_fits(p.ulTagBits) ? nonce_fits(n) : CKR_MECHANISM_PARAM_INVALID);
	op->iv_len = n->len;
	op->tag_len = p.ulTagBits / 8;
	return cipher_take_ad(op, p.pAAD, p.ulAADLen);
}

CK_RV cipher_wrap_ccm(struct cipher_op *op, const CK_MECHANISM *mech, struct nonce *n)
{
	CK_CCM_WRAP_PARAMS p;

	if (!read_struct(mech, &p, sizeof p))
		return cipher_read_ccm(op, mech);
	*n = (struct nonce){p.pNonce, p.ulNonceLen, p.ulNonceFixedBits, p.nonceGenerator};
	if (!ccm_tag_fits(p.ulMACLen) || n->len < 7 || n->len > 13)
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(nonce_fits(n));
	op->iv_len = n->len;
	op->tag_len = p.ulMACLen;
	return cipher_take_ad(op, p.pAAD, p.ulAADLen);
}

/* ---- AES Key Wrap: an initial value, or none for the default (PKCS#11 3.0, 6.16) ------------------------------ */

static CK_RV read_initial(struct cipher_op *op, const CK_MECHANISM *mech, size_t len)
{
	if (mech->pParameter == NULL && mech->ulParameterLen == 0)
		return CKR_OK;
	if (mech->ulParameterLen != len)
		return CKR_MECHANISM_PARAM_INVALID;
	return take_iv(op, mech->pParameter, len);
}

CK_RV cipher_read_kw(struct cipher_op *op, const CK_MECHANISM *mech)
{
	return read_initial(op, mech, 8);
}

CK_RV cipher_read_kwp(struct cipher_op *op, const CK_MECHANISM *mech)
{
	return read_initial(op, mech, 4);
}
