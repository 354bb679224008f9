/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/sign.h"

#include <string.h>

#include "pkcs11/key.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"
#include "pkcs11/output.h"

void sign_op_end(struct sign_op *op)
{
	/* For the next message with this key.  A key of Poly1305 has one message. */
	if (op->mac != NULL && op->row->sign->maker != CRYPTO_POLY1305 && !atomic_load(&op->key->gone))
		op->mac = atomic_exchange(&op->key->idle_mac, op->mac);
	mac_free(op->mac);
	object_unref(op->key);
	*op = (struct sign_op){0};
}

/* ---- parameters --------------------------------------------------------------------------------------- */

static size_t whole_len(const struct sign_op *op)
{
	return op->row->hash != NULL ? op->row->hash->len : MAC_BLOCK;
}

static CK_RV read_none(struct sign_op *op, const CK_MECHANISM *mech)
{
	op->len = whole_len(op);
	return mech->pParameter == NULL && mech->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV read_general(struct sign_op *op, const CK_MECHANISM *mech)
{
	CK_MAC_GENERAL_PARAMS len;

	if (mech->pParameter == NULL || mech->ulParameterLen != sizeof len)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(&len, mech->pParameter, sizeof len);
	if (len == 0 || len > whole_len(op))
		return CKR_MECHANISM_PARAM_INVALID;
	op->len = len;
	return CKR_OK;
}

/* PKCS#11 2.40, mechanisms, AES-GMAC: the parameter is an IV of 12 bytes, the tag has 16. */
static CK_RV read_gmac(struct sign_op *op, const CK_MECHANISM *mech)
{
	if (mech->pParameter == NULL || mech->ulParameterLen != sizeof op->iv)
		return CKR_MECHANISM_PARAM_INVALID;
	memcpy(op->iv, mech->pParameter, sizeof op->iv);
	op->has_iv = true;
	op->len = whole_len(op);
	return CKR_OK;
}

const struct sign_kind sign_hmac = {CRYPTO_HMAC, read_none};
const struct sign_kind sign_hmac_general = {CRYPTO_HMAC, read_general};
const struct sign_kind sign_cmac = {CRYPTO_CMAC, read_none};
const struct sign_kind sign_cmac_general = {CRYPTO_CMAC, read_general};
const struct sign_kind sign_gmac = {CRYPTO_GMAC, read_gmac};
const struct sign_kind sign_poly1305 = {CRYPTO_POLY1305, read_none};

/* ---- beginning ---------------------------------------------------------------------------------------- */

/* The key's context at rest, if it is of the same kind, or a new one. */
static struct mac *take_mac(const struct sign_op *op)
{
	enum crypto_maker maker = op->row->sign->maker;
	struct mac *idle = atomic_exchange(&op->key->idle_mac, NULL);

	if (idle != NULL && mac_is(idle, maker, op->row->hash))
		return idle;
	mac_free(idle);
	return mac_new(maker, op->row->hash, op->key->value.data, op->key->value.len);
}

static const struct {
	CK_FLAGS flag; /* that the mechanism has to have */
	CK_ATTRIBUTE_TYPE verb;
} uses[SIGN_COUNT] = {
	[SIGN_SIGN] = {CKF_SIGN, CKA_SIGN},
	[SIGN_VERIFY] = {CKF_VERIFY, CKA_VERIFY},
	[SIGN_VERIFY_GIVEN] = {CKF_VERIFY, CKA_VERIFY},
	[SIGN_MESSAGES] = {CKF_MESSAGE_SIGN, CKA_SIGN},
	[SIGN_VERIFY_MESSAGES] = {CKF_MESSAGE_VERIFY, CKA_VERIFY},
};

static CK_RV op_begin(struct module *m, struct sign_op *op, const CK_MECHANISM *mech, int which)
{
	TRY_RV(key_allows(m, op->key, op->row, uses[which].verb, CKR_KEY_TYPE_INCONSISTENT));
	TRY_RV(op->row->sign->read(op, mech));
	op->mac = take_mac(op);
	return op->mac != NULL && mac_start(op->mac, op->has_iv ? op->iv : NULL) ? CKR_OK : CKR_DEVICE_ERROR;
}

CK_RV sign_op_init(struct module *m, struct session *s, int which, const CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
	struct sign_op *op = &s->sign[which];

	if (mech == NULL) { /* PKCS#11 3.0, 5.13: ends the operation */
		sign_op_end(op);
		return CKR_OK;
	}
	if (op->row != NULL)
		return CKR_OPERATION_ACTIVE;
	const struct mech *row = mech_find(mech->mechanism);
	if (row == NULL || row->sign == NULL || (row->flags & uses[which].flag) == 0)
		return CKR_MECHANISM_INVALID;
	struct sign_op fresh = {.row = row, .key = object_get(m, s, key)};
	if (fresh.key == NULL)
		return CKR_KEY_HANDLE_INVALID;
	CK_RV rv = op_begin(m, &fresh, mech, which);
	if (rv != CKR_OK)
		sign_op_end(&fresh);
	else
		*op = fresh;
	return rv;
}

/* ---- going on ----------------------------------------------------------------------------------------- */

CK_RV sign_op_check(const struct sign_op *op)
{
	if (op->row == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	return atomic_load(&op->key->gone) ? CKR_KEY_HANDLE_INVALID : CKR_OK;
}

CK_RV sign_op_add(struct sign_op *op, const uint8_t *in, CK_ULONG in_len)
{
	TRY_RV(sign_op_check(op));
	if (in == NULL && in_len > 0)
		return CKR_ARGUMENTS_BAD;
	return mac_update(op->mac, in, in_len) ? CKR_OK : CKR_DEVICE_ERROR;
}

CK_RV sign_op_sign(struct sign_op *op, bool whole, const uint8_t *in, CK_ULONG in_len, uint8_t *out, CK_ULONG *out_len)
{
	uint8_t code[MAC_MAX];
	CK_RV rv;

	TRY_RV(sign_op_check(op));
	if (whole && op->in_parts)
		return CKR_OPERATION_ACTIVE;
	if (out_len == NULL || (in == NULL && in_len > 0))
		return CKR_ARGUMENTS_BAD;
	if (!output_wanted(out, out_len, op->len, &rv))
		return rv;
	if (!mac_last(op->mac, in, whole ? in_len : 0, code))
		return CKR_DEVICE_ERROR;
	memcpy(out, code, op->len);
	return CKR_OK;
}

CK_RV sign_op_verify(struct sign_op *op, bool whole, const uint8_t *in, CK_ULONG in_len, const uint8_t *given,
		       CK_ULONG given_len)
{
	uint8_t code[MAC_MAX];

	TRY_RV(sign_op_check(op));
	if (whole && op->in_parts)
		return CKR_OPERATION_ACTIVE;
	if (given == NULL)
		return CKR_ARGUMENTS_BAD;
	if (given_len != op->len)
		return CKR_SIGNATURE_LEN_RANGE;
	if (in == NULL && in_len > 0)
		return CKR_ARGUMENTS_BAD;
	if (!mac_last(op->mac, in, in_len, code))
		return CKR_DEVICE_ERROR;
	return mem_equal(code, given, op->len) ? CKR_OK : CKR_SIGNATURE_INVALID;
}

/* ---- handlers ----------------------------------------------------------------------------------------- */

static CK_RV do_init(struct module *m, struct session *s, int which, const CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
	pthread_mutex_lock(&s->lock);
	CK_RV rv = sign_op_init(m, s, which, mech, key);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_update(struct session *s, int which, CK_BYTE_PTR in, CK_ULONG in_len)
{
	struct sign_op *op = &s->sign[which];

	pthread_mutex_lock(&s->lock);
	CK_RV rv = sign_op_add(op, in, in_len);
	op->in_parts = true;
	if (rv != CKR_OK)
		sign_op_end(op);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_sign(struct session *s, bool whole, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
		     CK_ULONG_PTR out_len)
{
	struct sign_op *op = &s->sign[SIGN_SIGN];

	pthread_mutex_lock(&s->lock);
	CK_RV rv = sign_op_sign(op, whole, in, in_len, out, out_len);
	if (!output_pending(rv, out))
		sign_op_end(op);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_verify(struct session *s, bool whole, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len)
{
	struct sign_op *op = &s->sign[SIGN_VERIFY];

	pthread_mutex_lock(&s->lock);
	CK_RV rv = sign_op_verify(op, whole, in, in_len, mac, mac_len);
	sign_op_end(op);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

CK_RV sign_sign_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key)
{
	return do_init(m, s, SIGN_SIGN, mech, key);
}

CK_RV sign_sign(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
		CK_ULONG_PTR out_len)
{
	(void)m;
	return do_sign(s, true, in, in_len, out, out_len);
}

CK_RV sign_sign_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len)
{
	(void)m;
	return do_update(s, SIGN_SIGN, in, in_len);
}

CK_RV sign_sign_final(struct module *m, struct session *s, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	(void)m;
	return do_sign(s, false, NULL, 0, out, out_len);
}

CK_RV sign_verify_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key)
{
	return do_init(m, s, SIGN_VERIFY, mech, key);
}

CK_RV sign_verify(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len)
{
	(void)m;
	return do_verify(s, true, in, in_len, mac, mac_len);
}

CK_RV sign_verify_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len)
{
	(void)m;
	return do_update(s, SIGN_VERIFY, in, in_len);
}

CK_RV sign_verify_final(struct module *m, struct session *s, CK_BYTE_PTR mac, CK_ULONG mac_len)
{
	(void)m;
	return do_verify(s, false, NULL, 0, mac, mac_len);
}

/* ---- verification of a code that comes before what it is of ----------------------------------------- */

static CK_RV given_init(struct module *m, struct session *s, const CK_MECHANISM *mech, CK_OBJECT_HANDLE key,
			const uint8_t *mac, CK_ULONG mac_len)
{
	struct sign_op *op = &s->sign[SIGN_VERIFY_GIVEN];

	TRY_RV(sign_op_init(m, s, SIGN_VERIFY_GIVEN, mech, key));
	if (mech == NULL)
		return CKR_OK;
	CK_RV rv = mac == NULL ? CKR_ARGUMENTS_BAD : mac_len != op->len ? CKR_SIGNATURE_LEN_RANGE : CKR_OK;
	if (rv != CKR_OK)
		sign_op_end(op);
	else
		memcpy(op->given, mac, mac_len);
	return rv;
}

CK_RV sign_given_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key, CK_BYTE_PTR mac,
		      CK_ULONG mac_len)
{
	pthread_mutex_lock(&s->lock);
	CK_RV rv = given_init(m, s, mech, key, mac, mac_len);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_given(struct session *s, bool whole, CK_BYTE_PTR in, CK_ULONG in_len)
{
	struct sign_op *op = &s->sign[SIGN_VERIFY_GIVEN];

	pthread_mutex_lock(&s->lock);
	CK_RV rv = sign_op_verify(op, whole, in, in_len, op->given, op->len);
	sign_op_end(op);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

CK_RV sign_given(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len)
{
	(void)m;
	return do_given(s, true, in, in_len);
}

CK_RV sign_given_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len)
{
	(void)m;
	return do_update(s, SIGN_VERIFY_GIVEN, in, in_len);
}

CK_RV sign_given_final(struct module *m, struct session *s)
{
	(void)m;
	return do_given(s, false, NULL, 0);
}
