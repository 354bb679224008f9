/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C_GetOperationState and C_SetOperationState.  A state is, in this order:
 *	12 bytes  nonce, random
 *	          sealed under the key of this process (AES-256-GCM, STATE_PURPOSE as additional data):
 *	 1 byte   the hash (enum crypto_hash)
 *	 n bytes  what was digested
 *	16 bytes  tag
 */
#include "config.h"

#include <string.h>

#include "pkcs11/digest.h"
#include "pkcs11/hash.h"
#include "pkcs11/module.h"
#include "pkcs11/output.h"

#define STATE_PURPOSE "dske digest state 1"
#define STATE_OUTER (CRYPTO_NONCE_LEN + CRYPTO_TAG_LEN)
#define STATE_MAX (STATE_OUTER + 1 + DIGEST_HELD_MAX)

/* A copy of the key under which states are sealed, which is made at the first need. */
static CK_RV state_key(struct module *m, struct secret *key)
{
	dske_rc rc = DSKE_OK;

	module_lock(m);
	if (m->state_key.len == 0)
		rc = secret_random(&m->state_key, 32);
	if (rc_ok(rc))
		rc = secret_from(key, m->state_key.data, m->state_key.len);
	module_unlock(m);
	return rv_from(rc);
}

static CK_RV state_seal(struct module *m, const struct digest_op *op, uint8_t *out)
{
	AUTO(secret) key = {0};
	AUTO(secret) plain = {0};

	TRY_RV(state_key(m, &key));
	TRY_RV(rv_from(secret_alloc(&plain, 1 + op->held.len)));
	plain.data[0] = (uint8_t)op->hash->which;
	if (op->held.len > 0)
		memcpy(plain.data + 1, op->held.data, op->held.len);
	TRY_RV(rv_from(random_fill(out, CRYPTO_NONCE_LEN)));
	return rv_from(crypto_seal(out + CRYPTO_NONCE_LEN, &key, out, STATE_PURPOSE, strlen(STATE_PURPOSE), plain.data,
				   plain.len));
}

static CK_RV get_locked(struct module *m, const struct session *s, uint8_t *state, CK_ULONG *state_len)
{
	const struct digest_op *op = &s->digest;
	CK_RV rv;

	if (session_uses_key(s) || (op->hash != NULL && !op->kept))
		return CKR_STATE_UNSAVEABLE;
	if (op->hash == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (!output_wanted(state, state_len, STATE_OUTER + 1 + op->held.len, &rv))
		return rv;
	return state_seal(m, op, state);
}

CK_RV digest_state_get(struct module *m, struct session *s, CK_BYTE_PTR state, CK_ULONG_PTR state_len)
{
	if (state_len == NULL)
		return CKR_ARGUMENTS_BAD;
	pthread_mutex_lock(&s->lock);
	CK_RV rv = get_locked(m, s, state, state_len);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV state_open(struct module *m, const uint8_t *state, size_t len, struct secret *plain)
{
	AUTO(secret) key = {0};

	TRY_RV(state_key(m, &key));
	TRY_RV(rv_from(secret_alloc(plain, len - STATE_OUTER)));
	dske_rc rc = crypto_open(plain->data, &key, state, STATE_PURPOSE, strlen(STATE_PURPOSE), state + CRYPTO_NONCE_LEN,
				 plain->len);
	return rc_is(rc, DSKE_RC_TAG) ? CKR_SAVED_STATE_INVALID : rv_from(rc);
}

/* What the session digested before gives way; on failure it stays. */
CK_RV digest_state_set(struct module *m, struct session *s, CK_BYTE_PTR state, CK_ULONG state_len,
		       CK_OBJECT_HANDLE cipher_key, CK_OBJECT_HANDLE sign_key)
{
	AUTO(secret) plain = {0};
	struct digest_op op;

	if (state == NULL)
		return CKR_ARGUMENTS_BAD;
	if (state_len <= STATE_OUTER || state_len > STATE_MAX || s->slot != SLOT_AGREEMENT)
		return CKR_SAVED_STATE_INVALID;
	TRY_RV(state_open(m, state, state_len, &plain));
	if (cipher_key != 0 || sign_key != 0)
		return CKR_KEY_NOT_NEEDED;
	TRY_RV(digest_op_begin(&op, &hashes[plain.data[0]]));
	CK_RV rv = digest_op_add(&op, plain.data + 1, plain.len - 1);
	op.in_parts = plain.len > 1;
	if (rv != CKR_OK) {
		digest_op_end(&op);
		return rv;
	}
	pthread_mutex_lock(&s->lock);
	digest_op_end(&s->digest);
	s->digest = op;
	pthread_mutex_unlock(&s->lock);
	return CKR_OK;
}
