/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/sign.h"

#include <string.h>

#include "pkcs11/key.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"

const struct sign_kind sign_hmac = {false};
const struct sign_kind sign_hmac_general = {true};

void sign_op_end(struct sign_op *op)
{
	if (op->ctx != NULL && !atomic_load(&op->key->gone))
		op->ctx = atomic_exchange(&op->key->idle_mac, op->ctx); /* for the next message with this key */
	crypto_mac_free(op->ctx);
	object_unref(op->key);
	*op = (struct sign_op){0};
}

/* ---- beginning ---------------------------------------------------------------------------------------- */

static CK_RV read_parameter(struct sign_op *op, const struct sign_kind *kind, const CK_MECHANISM *mech)
{
	CK_ULONG len = CRYPTO_MAC_LEN;

	if (!kind->general && (mech->pParameter != NULL || mech->ulParameterLen != 0))
		return CKR_MECHANISM_PARAM_INVALID;
	if (kind->general) {
		if (mech->pParameter == NULL || mech->ulParameterLen != sizeof len)
			return CKR_MECHANISM_PARAM_INVALID;
		memcpy(&len, mech->pParameter, sizeof len);
	}
	if (len == 0 || len > CRYPTO_MAC_LEN)
		return CKR_MECHANISM_PARAM_INVALID;
	op->mac_len = len;
	return CKR_OK;
}

static CK_RV op_begin(struct module *m, struct sign_op *op, const struct mech *row, const CK_MECHANISM *mech, int which)
{
	TRY_RV(key_allows(m, op->key, row, which == SIGN_SIGN ? CKA_SIGN : CKA_VERIFY, CKR_KEY_TYPE_INCONSISTENT));
	TRY_RV(read_parameter(op, row->sign, mech));
	op->kind = row->sign;
	op->ctx = atomic_exchange(&op->key->idle_mac, NULL);
	if (op->ctx == NULL)
		op->ctx = crypto_mac_new(&op->key->value);
	return op->ctx != NULL && crypto_mac_start(op->ctx) ? CKR_OK : CKR_DEVICE_ERROR;
}

static CK_RV op_init(struct module *m, struct session *s, int which, const CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
	struct sign_op *op = &s->sign[which];

	if (mech == NULL) { /* PKCS#11 3.0, 5.13: ends the operation */
		sign_op_end(op);
		return CKR_OK;
	}
	if (op->kind != NULL)
		return CKR_OPERATION_ACTIVE;
	const struct mech *row = mech_find(mech->mechanism);
	if (row == NULL || row->sign == NULL)
		return CKR_MECHANISM_INVALID;
	struct sign_op fresh = {.key = object_get(m, s, key)};
	if (fresh.key == NULL)
		return CKR_KEY_HANDLE_INVALID;
	CK_RV rv = op_begin(m, &fresh, row, mech, which);
	if (rv != CKR_OK)
		sign_op_end(&fresh);
	else
		*op = fresh;
	return rv;
}

/* ---- going on ----------------------------------------------------------------------------------------- */

static CK_RV op_check(const struct sign_op *op)
{
	if (op->kind == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	return atomic_load(&op->key->gone) ? CKR_KEY_HANDLE_INVALID : CKR_OK;
}

static CK_RV op_add(struct sign_op *op, const uint8_t *in, CK_ULONG in_len)
{
	TRY_RV(op_check(op));
	if (in == NULL && in_len > 0)
		return CKR_ARGUMENTS_BAD;
	return crypto_mac_update(op->ctx, in, in_len) ? CKR_OK : CKR_DEVICE_ERROR;
}

/* The MAC of what was added (nothing is added when whole is false). */
static CK_RV op_sign(struct sign_op *op, bool whole, const uint8_t *in, CK_ULONG in_len, uint8_t *out, CK_ULONG *out_len)
{
	uint8_t mac[CRYPTO_MAC_LEN];

	TRY_RV(op_check(op));
	if (whole && op->in_parts)
		return CKR_OPERATION_ACTIVE;
	if (out_len == NULL || (in == NULL && in_len > 0))
		return CKR_ARGUMENTS_BAD;
	CK_ULONG room = *out_len;
	*out_len = op->mac_len;
	if (out == NULL)
		return CKR_OK;
	if (room < op->mac_len)
		return CKR_BUFFER_TOO_SMALL;
	if (whole)
		TRY_RV(op_add(op, in, in_len));
	if (!crypto_mac_final(op->ctx, mac))
		return CKR_DEVICE_ERROR;
	memcpy(out, mac, op->mac_len);
	return CKR_OK;
}

static CK_RV op_verify(struct sign_op *op, bool whole, const uint8_t *in, CK_ULONG in_len, const uint8_t *given,
		       CK_ULONG given_len)
{
	uint8_t mac[CRYPTO_MAC_LEN];

	TRY_RV(op_check(op));
	if (whole && op->in_parts)
		return CKR_OPERATION_ACTIVE;
	if (given == NULL)
		return CKR_ARGUMENTS_BAD;
	if (given_len != op->mac_len)
		return CKR_SIGNATURE_LEN_RANGE;
	TRY_RV(op_add(op, in, in_len));
	if (!crypto_mac_final(op->ctx, mac))
		return CKR_DEVICE_ERROR;
	return mem_equal(mac, given, op->mac_len) ? CKR_OK : CKR_SIGNATURE_INVALID;
}

/* ---- handlers ----------------------------------------------------------------------------------------- */

static CK_RV do_init(struct module *m, struct session *s, int which, const CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
	pthread_mutex_lock(&s->lock);
	crypto_quiet_begin();
	CK_RV rv = op_init(m, s, which, mech, key);
	crypto_quiet_end();
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_update(struct session *s, int which, CK_BYTE_PTR in, CK_ULONG in_len)
{
	struct sign_op *op = &s->sign[which];

	pthread_mutex_lock(&s->lock);
	crypto_quiet_begin();
	CK_RV rv = op_add(op, in, in_len);
	crypto_quiet_end();
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
	crypto_quiet_begin();
	CK_RV rv = op_sign(op, whole, in, in_len, out, out_len);
	crypto_quiet_end();
	if (rv != CKR_BUFFER_TOO_SMALL && !(rv == CKR_OK && out == NULL))
		sign_op_end(op);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_verify(struct session *s, bool whole, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len)
{
	struct sign_op *op = &s->sign[SIGN_VERIFY];

	pthread_mutex_lock(&s->lock);
	crypto_quiet_begin();
	CK_RV rv = op_verify(op, whole, in, in_len, mac, mac_len);
	crypto_quiet_end();
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
