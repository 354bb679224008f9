/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/cipher.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11/key.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"
#include "pkcs11/output.h"

#define HELD_MAX ((size_t)1 << 30)
#define REST_IV_LEN 12 /* of an AEAD whose context rests */

/* ---- beginning and ending ------------------------------------------------------------------------------ */

/* Into a free place, or not at all. */
static bool put_to_rest(struct object *key, size_t i, EVP_CIPHER_CTX *ctx)
{
	EVP_CIPHER_CTX *none = NULL;

	return atomic_compare_exchange_strong(&key->idle_cipher[i], &none, ctx);
}

/* A keyed context rests with its key until the next message: setting it up costs more than a short message.  Not one
 * with a key of its own, nor with an IV of an unusual length. */
static void context_rest(struct cipher_op *op)
{
	bool usual = op->subkey.len == 0 && (op->tag_len == 0 || op->iv_len == REST_IV_LEN);

	if (op->ctx == NULL)
		return;
	for (size_t i = 0; usual && i < OBJECT_IDLE && !atomic_load(&op->key->gone); i++) {
		if (put_to_rest(op->key, i, op->ctx)) {
			op->ctx = NULL;
			return;
		}
	}
	crypto_cipher_free(op->ctx);
	op->ctx = NULL;
}

static EVP_CIPHER_CTX *context_at_rest(const struct cipher_op *op)
{
	for (size_t i = 0; i < OBJECT_IDLE; i++) {
		EVP_CIPHER_CTX *ctx = atomic_exchange(&op->key->idle_cipher[i], NULL);
		if (ctx != NULL && crypto_cipher_fits(ctx, op->kind->cipher, op->encrypt))
			return ctx;
		if (ctx != NULL && !put_to_rest(op->key, i, ctx))
			crypto_cipher_free(ctx);
	}
	return NULL;
}

static EVP_CIPHER_CTX *context_of(const struct cipher_op *op)
{
	EVP_CIPHER_CTX *ctx = op->subkey.len == 0 ? context_at_rest(op) : NULL;
	const struct secret *key = op->subkey.len > 0 ? &op->subkey : &op->key->value;

	return ctx != NULL ? ctx : crypto_cipher_new(op->kind->cipher, key, op->encrypt);
}

void cipher_op_end(struct cipher_op *op)
{
	if (op->key == NULL)
		return;
	context_rest(op);
	secret_drop(&op->subkey);
	free(op->ad);
	buf_drop(&op->held);
	object_unref(op->key);
	*op = (struct cipher_op){0};
}

static bool op_start(struct cipher_op *op)
{
	return op->kind->start == NULL || op->kind->start(op);
}

void cipher_op_prepare(struct cipher_op *op, struct object *key, bool encrypt)
{
	*op = (struct cipher_op){.key = key, .encrypt = encrypt, .left = CIPHER_NO_END};
	buf_heap(&op->held, HELD_MAX);
}

CK_RV cipher_op_ready(struct cipher_op *op, const struct cipher_kind *kind)
{
	op->kind = kind;
	if (kind->start == NULL)
		return CKR_OK;
	if (kind->extend != NULL)
		TRY_RV(rv_from(kind->extend(op)));
	op->ctx = context_of(op);
	return op->ctx != NULL && op_start(op) ? CKR_OK : CKR_DEVICE_ERROR;
}

CK_RV cipher_op_begin(struct cipher_op *op, const struct cipher_kind *kind, const CK_MECHANISM *mech)
{
	TRY_RV(kind->read(op, mech));
	return cipher_op_ready(op, kind);
}

/* Into libcrypto; NULL: there is no operation, and nothing will be done. */
static bool enter(const struct cipher_kind *kind)
{
	return (kind != NULL && kind->waits) || crypto_quiet_begin();
}

static void leave(const struct cipher_kind *kind)
{
	if (kind == NULL || !kind->waits)
		crypto_quiet_end();
}

static CK_RV begin_checked(struct module *m, struct cipher_op *op, const struct mech *row, const CK_MECHANISM *mech)
{
	TRY_RV(key_allows(m, op->key, row, op->encrypt ? CKA_ENCRYPT : CKA_DECRYPT, CKR_KEY_TYPE_INCONSISTENT));
	if (!enter(row->cipher))
		return CKR_DEVICE_ERROR;
	CK_RV rv = cipher_op_begin(op, row->cipher, mech);
	leave(row->cipher);
	return rv;
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
	struct object *found = object_get(m, s, key);
	if (found == NULL)
		return CKR_KEY_HANDLE_INVALID;
	cipher_op_prepare(op, found, encrypt);
	op->m = m;
	CK_RV rv = begin_checked(m, op, row, mech);
	if (rv != CKR_OK)
		cipher_op_end(op);
	return rv;
}

/* ---- going on ----------------------------------------------------------------------------------------- */

static CK_RV range_of(const struct cipher_op *op)
{
	return op->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

CK_RV cipher_op_len(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	return in_len > CIPHER_PART_MAX ? range_of(op) : op->kind->whole_len(op, in_len, out_len);
}

bool cipher_holds(const struct cipher_op *op)
{
	return op->kind->hold == HOLD_BOTH || (op->kind->hold == HOLD_DECRYPTION && !op->encrypt);
}

/* How much shorter than cipher_op_len() the result may be. */
static size_t slack(const struct cipher_op *op)
{
	return op->encrypt ? 0 : op->kind->slack;
}

/* An active operation whose key is still there. */
static CK_RV op_check(struct cipher_op *op)
{
	if (op->kind == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	return atomic_load(&op->key->gone) ? CKR_KEY_HANDLE_INVALID : CKR_OK;
}

/* Padding makes a plaintext shorter than what it is decrypted in: the host's buffer may be just right. */
static CK_RV run_into_less(struct cipher_op *op, const uint8_t *in, size_t in_len, size_t need, uint8_t *out,
			   CK_ULONG *out_len)
{
	AUTO(secret) whole = {0};
	size_t len = 0;

	TRY_RV(rv_from(secret_alloc(&whole, need)));
	TRY_RV(op->kind->run(op, in, in_len, whole.data, &len));
	CK_ULONG room = *out_len;
	*out_len = len;
	if (room < len)
		return op_start(op) ? CKR_BUFFER_TOO_SMALL : CKR_DEVICE_ERROR;
	if (len > 0)
		memcpy(out, whole.data, len);
	return CKR_OK;
}

/* A whole message by the conventions on lengths. */
static CK_RV give_whole(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, CK_ULONG *out_len)
{
	size_t need;
	CK_RV rv;

	TRY_RV(cipher_op_len(op, in_len, &need));
	CK_ULONG room = *out_len;
	if (out != NULL && room < need && room + slack(op) >= need)
		return run_into_less(op, in, in_len, need, out, out_len);
	return output_wanted(out, out_len, need, &rv) ? op->kind->run(op, in, in_len, out, out_len) : rv;
}

static CK_RV op_whole(struct cipher_op *op, const uint8_t *in, CK_ULONG in_len, uint8_t *out, CK_ULONG *out_len)
{
	TRY_RV(op_check(op));
	if (op->in_parts)
		return CKR_OPERATION_ACTIVE;
	if (out_len == NULL || (in == NULL && in_len > 0))
		return CKR_ARGUMENTS_BAD;
	return give_whole(op, in, in_len, out, out_len);
}

/* What a part of in_len bytes gives: whole units, of which decryption with padding holds back the last. */
static size_t part_len(const struct cipher_op *op, size_t in_len)
{
	size_t all = op->pending + in_len, unit = op->kind->unit;

	if (cipher_holds(op))
		return 0;
	if (slack(op) > 0)
		return all == 0 ? 0 : (all - 1) / unit * unit;
	return all / unit * unit;
}

/* libcrypto writes the bytes that it held back before it has read as many: not where it reads. */
static bool tramples(const struct cipher_op *op, const uint8_t *in, size_t in_len, const uint8_t *out, size_t out_len)
{
	return op->pending > 0 && (uintptr_t)in < (uintptr_t)out + out_len && (uintptr_t)out < (uintptr_t)in + in_len;
}

static bool update(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t wanted)
{
	int n = 0;

	return in_len == 0 || (EVP_CipherUpdate(op->ctx, out, &n, in, (int)in_len) == 1 && (size_t)n == wanted);
}

static CK_RV run_part(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t wanted)
{
	AUTO(secret) copy = {0};

	if (tramples(op, in, in_len, out, wanted)) {
		TRY_RV(rv_from(secret_from(&copy, in, in_len)));
		in = copy.data;
	}
	if (!update(op, in, in_len, out, wanted))
		return CKR_DEVICE_ERROR;
	op->pending = op->pending + in_len - wanted;
	if (op->left != CIPHER_NO_END)
		op->left -= in_len;
	return CKR_OK;
}

static CK_RV op_part(struct cipher_op *op, const uint8_t *in, CK_ULONG in_len, uint8_t *out, CK_ULONG *out_len)
{
	TRY_RV(op_check(op));
	if (op->kind->single)
		return CKR_FUNCTION_NOT_SUPPORTED;
	if (out_len == NULL || (in == NULL && in_len > 0) || op->finished)
		return CKR_ARGUMENTS_BAD;
	if (in_len > CIPHER_PART_MAX || in_len > op->left)
		return CKR_DATA_LEN_RANGE;
	size_t need = part_len(op, in_len);
	CK_RV rv;
	if (!output_wanted(out, out_len, need, &rv))
		return rv;
	op->in_parts = true;
	if (!cipher_holds(op))
		return run_part(op, in, in_len, out, need);
	buf_put(&op->held, in, in_len);
	return rv_from(buf_rc(&op->held));
}

/* The end of a message in parts that were kept.  An empty result has nothing to ask a length for: the call that gets
 * it checks the tag. */
static CK_RV last_held(struct cipher_op *op, uint8_t *out, CK_ULONG *out_len, bool *ended)
{
	uint8_t none[CRYPTO_TAG_LEN];
	size_t need;

	*ended = true;
	TRY_RV(cipher_op_len(op, op->held.len, &need));
	*ended = out != NULL || need == 0;
	return give_whole(op, op->held.data, op->held.len, need == 0 && out == NULL ? none : out, out_len);
}

/* What the end of a message in parts gives at most: a tag, or a last block of padding. */
static size_t last_len(const struct cipher_op *op)
{
	return op->tag_len > 0 ? op->tag_len : op->kind->slack > 0 ? op->kind->unit : 0;
}

static CK_RV run_last(struct cipher_op *op, uint8_t *out, CK_ULONG *out_len)
{
	uint8_t tail[2 * CIPHER_BLOCK];
	CK_ULONG room = *out_len;
	size_t len = 0;

	if (op->kind->run(op, NULL, 0, tail, &len) != CKR_OK)
		return op->encrypt ? CKR_DEVICE_ERROR : CKR_ENCRYPTED_DATA_INVALID;
	*out_len = len;
	if (len > room) {
		op->finished = true; /* there is no way back to before the end: it waits for a larger buffer */
		buf_put(&op->held, tail, len);
	} else if (len > 0) {
		memcpy(out, tail, len);
	}
	mem_wipe(tail, sizeof tail);
	TRY_RV(rv_from(buf_rc(&op->held)));
	return len > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

static CK_RV give_finished(struct cipher_op *op, uint8_t *out, CK_ULONG *out_len)
{
	CK_RV rv;

	if (!output_wanted(out, out_len, op->held.len, &rv))
		return rv;
	memcpy(out, op->held.data, op->held.len);
	return CKR_OK;
}

/* Ends a message in parts; *ended is false when the host only asked for a length. */
static CK_RV op_last(struct cipher_op *op, uint8_t *out, CK_ULONG *out_len, bool *ended)
{
	*ended = out != NULL;
	TRY_RV(op_check(op));
	if (op->kind->single)
		return CKR_FUNCTION_NOT_SUPPORTED;
	if (out_len == NULL)
		return CKR_ARGUMENTS_BAD;
	if (cipher_holds(op))
		return last_held(op, out, out_len, ended);
	if (op->finished)
		return give_finished(op, out, out_len);
	if (op->kind->slack == 0 && op->pending > 0)
		return range_of(op);
	size_t most = last_len(op);
	CK_ULONG room = *out_len;
	if (out == NULL || (room < most && slack(op) == 0)) {
		*out_len = most;
		*ended = most == 0;
		return out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
	}
	return run_last(op, out, out_len);
}

/* ---- handlers ----------------------------------------------------------------------------------------- */

/* An operation ends with its result and with any error, but not with a question for a length, nor with a
 * buffer that is too small (PKCS#11 2.40, 5.2). */
static CK_RV close_whole(struct cipher_op *op, CK_RV rv, const uint8_t *out)
{
	if (!output_pending(rv, out) && rv != CKR_OPERATION_NOT_INITIALIZED)
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
	CK_RV rv = CKR_DEVICE_ERROR;

	pthread_mutex_lock(&s->lock);
	const struct cipher_kind *kind = s->cipher[encrypt].kind;
	if (enter(kind)) {
		rv = op_whole(&s->cipher[encrypt], in, in_len, out, out_len);
		leave(kind);
	}
	close_whole(&s->cipher[encrypt], rv, out);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_part(struct session *s, bool encrypt, CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out,
		     CK_ULONG_PTR out_len)
{
	CK_RV rv = CKR_DEVICE_ERROR;

	pthread_mutex_lock(&s->lock);
	if (crypto_quiet_begin()) {
		rv = op_part(&s->cipher[encrypt], in, in_len, out, out_len);
		crypto_quiet_end();
	}
	if (rv != CKR_OK)
		close_whole(&s->cipher[encrypt], rv, out);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_last(struct session *s, bool encrypt, CK_BYTE_PTR out, CK_ULONG_PTR out_len)
{
	CK_RV rv = CKR_DEVICE_ERROR;
	bool ended = false;

	pthread_mutex_lock(&s->lock);
	if (crypto_quiet_begin()) {
		rv = op_last(&s->cipher[encrypt], out, out_len, &ended);
		crypto_quiet_end();
	}
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
