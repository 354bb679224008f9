/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message-based signing and verification (PKCS#11 3.0, 5.14 and 5.16): many messages with one key, whose context stays
 * at hand.  Our MACs need no parameter for a message, so it has to be empty; those that take a nonce, or do one
 * message only, are not for this.  An error ends the message, and the process goes on until its final call.
 */
#include "config.h"

#include "pkcs11/module.h"
#include "pkcs11/output.h"
#include "pkcs11/sign.h"

static CK_RV check(const struct sign_op *op, bool in_parts, const void *param, CK_ULONG param_len)
{
	TRY_RV(sign_op_check(op));
	if (op->in_parts != in_parts)
		return in_parts ? CKR_OPERATION_NOT_INITIALIZED : CKR_OPERATION_ACTIVE;
	return param == NULL && param_len == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV begin(struct sign_op *op, const void *param, CK_ULONG param_len)
{
	TRY_RV(check(op, false, param, param_len));
	return mac_start(op->mac, NULL) ? CKR_OK : CKR_DEVICE_ERROR;
}

static CK_RV begin_parts(struct session *s, int which, const void *param, CK_ULONG param_len)
{
	struct sign_op *op = &s->sign[which];

	pthread_mutex_lock(&s->lock);
	CK_RV rv = begin(op, param, param_len);
	if (rv == CKR_OK)
		op->in_parts = true;
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_init(struct module *m, struct session *s, int which, const CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
	pthread_mutex_lock(&s->lock);
	CK_RV rv = sign_op_init(m, s, which, mech, key);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

/* Not while a message in parts is under way. */
static CK_RV do_final(struct session *s, int which)
{
	struct sign_op *op = &s->sign[which];

	pthread_mutex_lock(&s->lock);
	CK_RV rv = op->row == NULL ? CKR_OPERATION_NOT_INITIALIZED : op->in_parts ? CKR_OPERATION_ACTIVE : CKR_OK;
	if (rv == CKR_OK)
		sign_op_end(op);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

/* ---- signing ---------------------------------------------------------------------------------------------- */

CK_RV sign_messages_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key)
{
	return do_init(m, s, SIGN_MESSAGES, mech, key);
}

CK_RV sign_message(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
		   CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	struct sign_op *op = &s->sign[SIGN_MESSAGES];

	(void)m;
	pthread_mutex_lock(&s->lock);
	CK_RV rv = begin(op, param, param_len);
	if (rv == CKR_OK)
		rv = sign_op_sign(op, true, in, in_len, out, out_len);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

CK_RV sign_message_begin(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len)
{
	(void)m;
	return begin_parts(s, SIGN_MESSAGES, param, param_len);
}

/* "pulSignatureLen is set to NULL if there is more data part to follow." */
static CK_RV sign_next(struct sign_op *op, const uint8_t *in, CK_ULONG in_len, uint8_t *out, CK_ULONG *out_len)
{
	CK_RV rv;

	if (out_len == NULL)
		return sign_op_add(op, in, in_len);
	if (!output_wanted(out, out_len, op->len, &rv))
		return rv;
	TRY_RV(sign_op_add(op, in, in_len));
	return sign_op_sign(op, false, NULL, 0, out, out_len);
}

CK_RV sign_message_next(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
			CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	struct sign_op *op = &s->sign[SIGN_MESSAGES];

	(void)m;
	pthread_mutex_lock(&s->lock);
	CK_RV rv = check(op, true, param, param_len);
	if (rv == CKR_OK)
		rv = sign_next(op, in, in_len, out, out_len);
	op->in_parts = out_len == NULL ? rv == CKR_OK : output_pending(rv, out);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

CK_RV sign_messages_final(struct module *m, struct session *s)
{
	(void)m;
	return do_final(s, SIGN_MESSAGES);
}

/* ---- verifying -------------------------------------------------------------------------------------------- */

CK_RV sign_verify_messages_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech, CK_OBJECT_HANDLE key)
{
	return do_init(m, s, SIGN_VERIFY_MESSAGES, mech, key);
}

CK_RV sign_verify_message(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,
			  CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len)
{
	struct sign_op *op = &s->sign[SIGN_VERIFY_MESSAGES];

	(void)m;
	pthread_mutex_lock(&s->lock);
	CK_RV rv = begin(op, param, param_len);
	if (rv == CKR_OK)
		rv = sign_op_verify(op, true, in, in_len, mac, mac_len);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

CK_RV sign_verify_message_begin(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len)
{
	(void)m;
	return begin_parts(s, SIGN_VERIFY_MESSAGES, param, param_len);
}

/* The code comes with the last part. */
CK_RV sign_verify_message_next(struct module *m, struct session *s, CK_VOID_PTR param, CK_ULONG param_len,
			       CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR mac, CK_ULONG mac_len)
{
	struct sign_op *op = &s->sign[SIGN_VERIFY_MESSAGES];

	(void)m;
	pthread_mutex_lock(&s->lock);
	CK_RV rv = check(op, true, param, param_len);
	if (rv == CKR_OK)
		rv = mac == NULL ? sign_op_add(op, in, in_len) : sign_op_verify(op, false, in, in_len, mac, mac_len);
	op->in_parts = rv == CKR_OK && mac == NULL;
	pthread_mutex_unlock(&s->lock);
	return rv;
}

CK_RV sign_verify_messages_final(struct module *m, struct session *s)
{
	(void)m;
	return do_final(s, SIGN_VERIFY_MESSAGES);
}
