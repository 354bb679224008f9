/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/wrap.h"

#include <string.h>

#include "pkcs11/cipher.h"
#include "pkcs11/derive-kdf.h"
#include "pkcs11/key.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"
#include "pkcs11/output.h"

/* What both directions are given: the mechanism, the key that wraps, and, apart from the data, a tag if there is one. */
struct wrapping {
	const CK_MECHANISM *mech;
	CK_OBJECT_HANDLE with;
	bool apart; /* by the 3.2 calls */
	const CK_BYTE *ad;
	CK_ULONG ad_len;

	struct cipher_op op;
	struct cipher_message message; /* nonce, and tag where it is apart */
};

/* Does the mechanism wrap in a way of its own?  The 3.2 calls have none. */
static const struct wrap_kind *own_kind(const struct wrapping *w)
{
	const struct mech *row = w->apart ? NULL : mech_find(w->mech->mechanism);

	return row != NULL ? row->wrap : NULL;
}

/* ---- the key that wraps ------------------------------------------------------------------------------------- */

static CK_RV read_parameter(struct wrapping *w, const struct cipher_kind *kind)
{
	if (w->apart) {
		if (w->ad == NULL && w->ad_len > 0)
			return CKR_ARGUMENTS_BAD;
		TRY_RV(kind->read_message(w->mech->pParameter, w->mech->ulParameterLen, &w->message));
		w->op.iv_len = w->message.nonce.len;
		w->op.tag_len = w->message.tag_len;
		TRY_RV(cipher_take_ad(&w->op, w->ad, w->ad_len));
	} else if (kind->read_wrap != NULL) {
		TRY_RV(kind->read_wrap(&w->op, w->mech, &w->message.nonce));
	} else {
		TRY_RV(kind->read(&w->op, w->mech));
	}
	w->op.kind = kind;
	w->op.data_len = CIPHER_ANY_LEN; /* the key's, whatever the parameter says (PKCS#11 3.2, 6.13.6) */
	return CKR_OK;
}

static CK_RV open_wrapping(struct module *m, const struct session *s, struct wrapping *w, bool encrypt)
{
	const struct mech *row = mech_find(w->mech->mechanism);

	if (row == NULL || row->cipher == NULL || (row->flags & CKF_WRAP) == 0)
		return CKR_MECHANISM_INVALID;
	if (w->apart && row->cipher->read_message == NULL)
		return CKR_MECHANISM_INVALID;
	struct object *key = object_get(m, s, w->with);
	if (key == NULL)
		return encrypt ? CKR_WRAPPING_KEY_HANDLE_INVALID : CKR_UNWRAPPING_KEY_HANDLE_INVALID;
	cipher_op_prepare(&w->op, key, encrypt);
	TRY_RV(key_allows(m, key, row, encrypt ? CKA_WRAP : CKA_UNWRAP,
			  encrypt ? CKR_WRAPPING_KEY_TYPE_INCONSISTENT : CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT));
	return read_parameter(w, row->cipher);
}

static CK_RV set_nonce(struct module *m, struct wrapping *w)
{
	const struct nonce *n = &w->message.nonce;

	if (n->at == NULL)
		return CKR_OK; /* read() has copied it */
	if (!w->op.encrypt || n->how == CKG_NO_GENERATE) {
		memcpy(w->op.iv, n->at, n->len);
		return CKR_OK;
	}
	TRY_RV(nonce_make(m, w->op.key, n, w->op.iv));
	memcpy(n->at, w->op.iv, n->len);
	return CKR_OK;
}

/* data_len bytes of a key: with the tag apart, or behind it as run() has it. */
static CK_RV run_inside(struct wrapping *w, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	struct cipher_op *op = &w->op;
	uint8_t tag[CRYPTO_TAG_LEN] = {0};

	TRY_RV(cipher_op_ready(op, op->kind));
	if (!w->apart)
		return op->kind->run(op, in, in_len, out, out_len);
	if (!op->encrypt)
		memcpy(tag, w->message.tag, op->tag_len);
	*out_len = in_len;
	if (!op->kind->detached(op, in, in_len, out, tag))
		return op->encrypt ? CKR_DEVICE_ERROR : CKR_ENCRYPTED_DATA_INVALID;
	if (op->encrypt)
		memcpy(w->message.tag, tag, op->tag_len);
	return CKR_OK;
}

static CK_RV run(struct module *m, struct wrapping *w, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	TRY_RV(set_nonce(m, w));
	if (!crypto_quiet_begin())
		return CKR_DEVICE_ERROR;
	CK_RV rv = run_inside(w, in, in_len, out, out_len);
	crypto_quiet_end();
	return rv;
}

/* What in_len bytes become. */
static CK_RV result_len(const struct wrapping *w, size_t in_len, size_t *out_len)
{
	bool tag_comes = w->apart && !w->op.encrypt;

	TRY_RV(cipher_op_len(&w->op, tag_comes ? in_len + w->op.tag_len : in_len, out_len));
	*out_len = w->apart ? in_len : *out_len;
	return CKR_OK;
}

/* ---- wrapping ----------------------------------------------------------------------------------------------- */

/* "padded on the trailing end with null bytes" (PKCS#11 3.0, 6.10.6) where the mechanism wants whole blocks. */
static CK_RV wrap_value(struct module *m, struct wrapping *w, const struct secret *value, CK_BYTE *out, CK_ULONG *out_len)
{
	AUTO(secret) padded = {0};
	size_t unit = w->op.kind->key_unit, len = (value->len + unit - 1) / unit * unit, need;
	CK_RV rv;

	if (result_len(w, len, &need) != CKR_OK)
		return CKR_KEY_SIZE_RANGE;
	if (!output_wanted(out, out_len, need, &rv))
		return rv;
	TRY_RV(rv_from(secret_alloc(&padded, len)));
	memcpy(padded.data, value->data, value->len);
	return run(m, w, padded.data, len, out, out_len);
}

static CK_RV wrap_opened(struct module *m, struct session *s, struct wrapping *w, CK_OBJECT_HANDLE handle, CK_BYTE *out,
			 CK_ULONG *out_len)
{
	TRY_RV(open_wrapping(m, s, w, true));
	struct object *key = object_get(m, s, handle);
	if (key == NULL)
		return CKR_KEY_HANDLE_INVALID;
	CK_RV rv = key_wrappable(m, w->op.key, key);
	if (rv == CKR_OK)
		rv = wrap_value(m, w, &key->value, out, out_len);
	object_unref(key);
	return rv;
}

static CK_RV do_wrap(struct module *m, struct session *s, struct wrapping *w, CK_OBJECT_HANDLE key, CK_BYTE *out,
		     CK_ULONG *out_len)
{
	if (w->mech == NULL || out_len == NULL)
		return CKR_ARGUMENTS_BAD;
	const struct wrap_kind *own = own_kind(w);
	if (own != NULL)
		return own->wrap(m, s, w->mech, w->with, key, out, out_len);
	CK_RV rv = wrap_opened(m, s, w, key, out, out_len);
	cipher_op_end(&w->op);
	return rv;
}

CK_RV wrap_key(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key,
	       CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	struct wrapping w = {.mech = mech, .with = wrapping};

	return do_wrap(m, s, &w, key, out, out_len);
}

CK_RV wrap_key_authenticated(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE wrapping,
			     CK_OBJECT_HANDLE key, CK_BYTE_PTR ad, CK_ULONG ad_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	struct wrapping w = {.mech = mech, .with = wrapping, .apart = true, .ad = ad, .ad_len = ad_len};

	return do_wrap(m, s, &w, key, out, out_len);
}

/* ---- unwrapping --------------------------------------------------------------------------------------------- */

/* The sentences of decryption, as the verb says them. */
static CK_RV as_unwrapping(CK_RV rv)
{
	if (rv == CKR_ENCRYPTED_DATA_LEN_RANGE || rv == CKR_DATA_LEN_RANGE)
		return CKR_WRAPPED_KEY_LEN_RANGE;
	return rv == CKR_ENCRYPTED_DATA_INVALID ? CKR_WRAPPED_KEY_INVALID : rv;
}

static CK_RV decrypt_value(struct module *m, struct wrapping *w, const uint8_t *in, size_t in_len, struct secret *value)
{
	size_t most, len = 0;

	TRY_RV(result_len(w, in_len, &most));
	if (most == 0)
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	TRY_RV(rv_from(secret_alloc(value, most)));
	TRY_RV(run(m, w, in, in_len, value->data, &len));
	if (len == 0)
		return CKR_ENCRYPTED_DATA_LEN_RANGE;
	secret_cut(value, len);
	return CKR_OK;
}

static bool is_padding(const uint8_t *bytes, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= bytes[i];
	return any == 0;
}

/* CKA_VALUE_LEN takes padding away, and no more than there can be; without it all is the key.  Of Key Wrap, which is
 * authentic, it is padding if it is zero.  Of ECB and CBC nobody knows, and to look would tell who changes bytes what they
 * are. */
static CK_RV cut_value(const struct wrapping *w, CK_ULONG wanted, struct secret *value)
{
	if (wanted == 0)
		return CKR_OK;
	if (wanted > value->len || value->len - wanted >= w->op.kind->key_unit)
		return CKR_WRAPPED_KEY_LEN_RANGE;
	if (w->op.kind->cipher == CRYPTO_KW && !is_padding(value->data + wanted, value->len - wanted))
		return CKR_WRAPPED_KEY_INVALID;
	secret_cut(value, wanted);
	return CKR_OK;
}

/* Where nothing tells a part of a ciphertext from the whole, and nobody can make a key that can be read, it has whole units
 * or as many bytes as the other key demands: it could be read on one byte at a time, as in derivations. */
static CK_RV check_len(struct module *m, const struct wrapping *w, const struct object *key, const struct secret *value)
{
	CK_KEY_TYPE type = attrs_get_ulong(&key->attrs, CKA_KEY_TYPE, CKK_GENERIC_SECRET);
	bool authentic = w->op.kind->detached != NULL || w->op.kind->single;
	bool demanded = attrs_get(&key->attrs, CKA_VALUE_LEN) != NULL;

	if (!key_len_possible(type, value->len))
		return CKR_WRAPPED_KEY_LEN_RANGE;
	if (authentic || demanded || value->len % KDF_UNIT == 0)
		return CKR_OK;
	return key_makes_protected(m, w->op.key, CKA_UNWRAP_TEMPLATE) ? CKR_WRAPPED_KEY_LEN_RANGE : CKR_OK;
}

/* A key with its value, kept if it is the token's; the caller drops it when the answer is not CKR_OK. */
static CK_RV unwrap_opened(struct module *m, struct session *s, struct wrapping *w, const uint8_t *in, size_t in_len,
			   const CK_ATTRIBUTE *templ, CK_ULONG n, struct object **key)
{
	AUTO(secret) value = {0};
	TRY_RV(open_wrapping(m, s, w, false));
	const struct key_origin from = {.when = ATTR_IN_UNWRAP,
					.type = CK_UNAVAILABLE_INFORMATION,
					.mech = CK_UNAVAILABLE_INFORMATION,
					.base = w->op.key};

	TRY_RV(key_new(m, s, &from, templ, n, key));
	TRY_RV(as_unwrapping(decrypt_value(m, w, in, in_len, &value)));
	TRY_RV(cut_value(w, key_wanted_len(*key, templ, n), &value));
	TRY_RV(check_len(m, w, *key, &value));
	TRY_RV(key_set_value(*key, &value));
	return key_keep(m, *key);
}

static CK_RV do_unwrap(struct module *m, struct session *s, struct wrapping *w, const uint8_t *in, CK_ULONG in_len,
		       const CK_ATTRIBUTE *templ, CK_ULONG n, CK_OBJECT_HANDLE *out)
{
	struct object *key = NULL;

	if (w->mech == NULL || out == NULL || (in == NULL && in_len > 0) || (templ == NULL && n > 0))
		return CKR_ARGUMENTS_BAD;
	const struct wrap_kind *own = own_kind(w);
	if (own != NULL)
		return own->unwrap(m, s, w->mech, w->with, in, in_len, templ, n, out);
	CK_RV rv = unwrap_opened(m, s, w, in, in_len, templ, n, &key);
	cipher_op_end(&w->op);
	if (rv == CKR_OK)
		return key_add(m, s, key, out);
	object_unref(key);
	return rv;
}

CK_RV wrap_unwrap(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE unwrapping, CK_BYTE_PTR in,
		  CK_ULONG in_len, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_OBJECT_HANDLE_PTR key)
{
	struct wrapping w = {.mech = mech, .with = unwrapping};

	return do_unwrap(m, s, &w, in, in_len, templ, n, key);
}

CK_RV wrap_unwrap_authenticated(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE unwrapping,
				CK_BYTE_PTR in, CK_ULONG in_len, CK_ATTRIBUTE_PTR templ, CK_ULONG n, CK_BYTE_PTR ad,
				CK_ULONG ad_len, CK_OBJECT_HANDLE_PTR key)
{
	struct wrapping w = {.mech = mech, .with = unwrapping, .apart = true, .ad = ad, .ad_len = ad_len};

	return do_unwrap(m, s, &w, in, in_len, templ, n, key);
}
