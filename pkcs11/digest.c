/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/digest.h"

#include <openssl/evp.h>

#include "base/gate.h"
#include "pkcs11/hash.h"
#include "pkcs11/key.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"
#include "pkcs11/output.h"

void digest_op_end(struct digest_op *op)
{
	if (op->ctx != NULL && gate_enter_to_free()) {
		EVP_MD_CTX_free(op->ctx);
		gate_leave();
	}
	buf_drop(&op->held);
	object_unref(op->key);
	*op = (struct digest_op){0};
}

CK_RV digest_op_begin(struct digest_op *op, const struct hash *hash)
{
	const EVP_MD *md = crypto_hash(hash->which);

	if (md == NULL || !crypto_quiet_begin())
		return CKR_HOST_MEMORY;
	*op = (struct digest_op){.hash = hash, .ctx = EVP_MD_CTX_new(), .kept = true};
	buf_heap(&op->held, DIGEST_HELD_MAX);
	bool begun = op->ctx != NULL && EVP_DigestInit_ex2(op->ctx, md, NULL) == 1;
	crypto_quiet_end();
	if (begun)
		return CKR_OK;
	digest_op_end(op);
	return CKR_HOST_MEMORY;
}

static void forget_held(struct digest_op *op)
{
	op->kept = false;
	buf_drop(&op->held);
}

static bool update(struct digest_op *op, const uint8_t *in, size_t in_len)
{
	return in_len == 0 || EVP_DigestUpdate(op->ctx, in, in_len) == 1;
}

static CK_RV op_update(struct digest_op *op, const uint8_t *in, size_t in_len)
{
	if (!gate_enter())
		return CKR_DEVICE_ERROR;
	bool done = update(op, in, in_len);
	gate_leave();
	return done ? CKR_OK : CKR_DEVICE_ERROR;
}

CK_RV digest_op_add(struct digest_op *op, const uint8_t *in, size_t in_len)
{
	op->in_parts = true;
	if (op->kept) {
		buf_put(&op->held, in, in_len);
		if (!rc_ok(buf_rc(&op->held)))
			forget_held(op);
	}
	return op_update(op, in, in_len);
}

/* ---- steps, with the session's lock ----------------------------------------------------------------------- */

static CK_RV op_init(struct session *s, const CK_MECHANISM *mech)
{
	if (mech == NULL) { /* PKCS#11 3.0, 5.12.1: ends the operation */
		digest_op_end(&s->digest);
		return CKR_OK;
	}
	if (s->digest.hash != NULL)
		return CKR_OPERATION_ACTIVE;
	const struct mech *row = s->slot == SLOT_AGREEMENT ? mech_find(mech->mechanism) : NULL;
	if (row == NULL || (row->flags & CKF_DIGEST) == 0)
		return CKR_MECHANISM_INVALID;
	if (mech->pParameter != NULL || mech->ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	return digest_op_begin(&s->digest, row->hash);
}

static CK_RV op_last(struct digest_op *op, const uint8_t *in, size_t in_len, uint8_t *out)
{
	if (!gate_enter())
		return CKR_DEVICE_ERROR;
	bool done = update(op, in, in_len) && EVP_DigestFinal_ex(op->ctx, out, NULL) == 1;
	gate_leave();
	return done ? CKR_OK : CKR_DEVICE_ERROR;
}

/* The digest of what was added, and of the whole of `in` if it is all there is. */
static CK_RV op_digest(struct digest_op *op, bool whole, const uint8_t *in, CK_ULONG in_len, uint8_t *out,
		       CK_ULONG *out_len)
{
	CK_RV rv;

	if (op->hash == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (whole && op->in_parts)
		return CKR_OPERATION_ACTIVE;
	if (out_len == NULL || (in == NULL && in_len > 0))
		return CKR_ARGUMENTS_BAD;
	if (!output_wanted(out, out_len, op->hash->len, &rv))
		return rv;
	return op_last(op, in, whole ? in_len : 0, out);
}

static CK_RV op_part(struct digest_op *op, const uint8_t *in, CK_ULONG in_len)
{
	if (op->hash == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (in == NULL && in_len > 0)
		return CKR_ARGUMENTS_BAD;
	return digest_op_add(op, in, in_len);
}

/* The text leaves that to the token (CKR_KEY_INDIGESTIBLE).  A digest is what CKM_..._KEY_DERIVATION gives, in clear: not of
 * a key that may not be used so (a pad, for one), that says how its keys shall be, or whose digest is as good as the key. */
static bool is_digestible(struct module *m, const struct object *key, const struct hash *hash)
{
	if (key->kind != OBJECT_KEY)
		return false;
	module_lock(m);
	const CK_ATTRIBUTE *demands = attrs_get(&key->attrs, CKA_DERIVE_TEMPLATE);
	bool may = key_allows_mech(key, hash->digest) && (demands == NULL || demands->ulValueLen == 0) &&
		   (key_readable(key) || !hash_replaces_key(hash, key->value.len));
	module_unlock(m);
	return may;
}

static CK_RV op_key(struct module *m, struct session *s, CK_OBJECT_HANDLE handle)
{
	struct digest_op *op = &s->digest;

	if (op->hash == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	struct object *key = object_get(m, s, handle);
	if (key == NULL)
		return CKR_KEY_HANDLE_INVALID;
	CK_RV rv = CKR_KEY_INDIGESTIBLE;
	if (is_digestible(m, key, op->hash)) {
		op->in_parts = true;
		forget_held(op); /* a state never holds a key */
		rv = op_update(op, key->value.data, key->value.len);
	}
	if (rv == CKR_OK && op->key == NULL && key->sight != SIGHT_ALL)
		op->key = object_ref(key);
	object_unref(key);
	return rv;
}

/* ---- handlers --------------------------------------------------------------------------------------------- */

CK_RV digest_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech)
{
	(void)m;
	pthread_mutex_lock(&s->lock);
	CK_RV rv = op_init(s, mech);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_digest(struct session *s, bool whole, const uint8_t *in, CK_ULONG in_len, uint8_t *out, CK_ULONG *out_len)
{
	pthread_mutex_lock(&s->lock);
	CK_RV rv = op_digest(&s->digest, whole, in, in_len, out, out_len);
	if (!output_pending(rv, out))
		digest_op_end(&s->digest);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

CK_RV digest_whole(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
		   CK_ULONG_PTR out_len)
{
	(void)m;
	return do_digest(s, true, in, in_len, out, out_len);
}

CK_RV digest_final(struct module *m, struct session *s, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	(void)m;
	return do_digest(s, false, NULL, 0, out, out_len);
}

CK_RV digest_update(struct module *m, struct session *s, CK_BYTE_PTR in, CK_ULONG in_len)
{
	(void)m;
	pthread_mutex_lock(&s->lock);
	CK_RV rv = op_part(&s->digest, in, in_len);
	if (rv != CKR_OK)
		digest_op_end(&s->digest);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

CK_RV digest_key(struct module *m, struct session *s, CK_OBJECT_HANDLE key)
{
	pthread_mutex_lock(&s->lock);
	CK_RV rv = op_key(m, s, key);
	if (rv != CKR_OK)
		digest_op_end(&s->digest);
	pthread_mutex_unlock(&s->lock);
	return rv;
}
