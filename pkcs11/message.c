/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/message.h"

#include <openssl/evp.h>
#include <string.h>

#include "pkcs11/key.h"
#include "pkcs11/mech.h"
#include "pkcs11/module.h"
#include "pkcs11/output.h"

/* What one call is about. */
struct call {
	const void *param;
	CK_ULONG param_len;
	const uint8_t *ad;
	CK_ULONG ad_len;
	const uint8_t *in;
	CK_ULONG in_len;
	uint8_t *out;
	CK_ULONG *out_len;
	bool last; /* CKF_END_OF_MESSAGE */
};

void message_op_end(struct message_op *op)
{
	cipher_op_end(&op->one);
	object_unref(op->key);
	*op = (struct message_op){0};
}

/* ---- beginning ---------------------------------------------------------------------------------------- */

static CK_RV op_init(struct module *m, struct session *s, bool encrypt, const CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
	struct message_op *op = &s->message[encrypt];

	if (mech == NULL) { /* PKCS#11 3.0, 5.9.1: ends the process, and a message under way */
		message_op_end(op);
		return CKR_OK;
	}
	if (op->kind != NULL)
		return CKR_OPERATION_ACTIVE;
	const struct mech *row = mech_find(mech->mechanism);
	if (row == NULL || row->cipher == NULL || row->cipher->read_message == NULL)
		return CKR_MECHANISM_INVALID;
	/* Each message brings its own parameter: this one, if it is there, says nothing more. */
	if (mech->ulParameterLen != 0 && (mech->pParameter == NULL || mech->ulParameterLen != row->cipher->message_size))
		return CKR_MECHANISM_PARAM_INVALID;
	struct object *found = object_get(m, s, key);
	if (found == NULL)
		return CKR_KEY_HANDLE_INVALID;
	CK_RV rv = key_allows(m, found, row, encrypt ? CKA_ENCRYPT : CKA_DECRYPT, CKR_KEY_TYPE_INCONSISTENT);
	if (rv != CKR_OK) {
		object_unref(found);
		return rv;
	}
	*op = (struct message_op){.kind = row->cipher, .key = found, .encrypt = encrypt, .m = m};
	return CKR_OK;
}

static CK_RV op_check(const struct message_op *op)
{
	if (op->kind == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	return atomic_load(&op->key->gone) ? CKR_KEY_HANDLE_INVALID : CKR_OK;
}

/* A message before its nonce, so that its lengths can be looked at. */
static CK_RV open_message(struct message_op *op, const struct cipher_message *p, const struct call *c, struct cipher_op *one)
{
	cipher_op_prepare(one, object_ref(op->key), op->encrypt);
	one->kind = op->kind;
	one->iv_len = p->nonce.len;
	one->tag_len = p->tag_len;
	one->data_len = p->data_len;
	if (c->ad == NULL && c->ad_len > 0)
		return CKR_ARGUMENTS_BAD;
	return cipher_take_ad(one, c->ad, c->ad_len);
}

/* The nonce is made, and told to the host, when nothing else can be wrong with what it asked for. */
static CK_RV give_nonce(struct message_op *op, const struct cipher_message *p, struct cipher_op *one)
{
	if (op->encrypt && p->nonce.how != CKG_NO_GENERATE) {
		TRY_RV(nonce_make(op->m, op->key, &p->nonce, one->iv));
		memcpy(p->nonce.at, one->iv, p->nonce.len);
	} else {
		memcpy(one->iv, p->nonce.at, p->nonce.len);
	}
	return cipher_op_ready(one, op->kind);
}

/* ---- running -------------------------------------------------------------------------------------------- */

static CK_RV data_range(const struct cipher_op *one, size_t len)
{
	size_t most;

	if (len > CIPHER_PART_MAX)
		return one->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
	return one->kind->whole_len(one, one->encrypt ? len : len + one->tag_len, &most);
}

/* The end of a message, or all of it: the tag goes to where the host said, or comes from there. */
static CK_RV run_end(struct cipher_op *one, const struct cipher_message *p, const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t tag[CRYPTO_TAG_LEN] = {0}, none[CIPHER_BLOCK];

	if (!one->encrypt)
		memcpy(tag, p->tag, one->tag_len);
	if (one->kind->detached(one, in, len, len > 0 ? out : none, tag)) {
		if (one->encrypt)
			memcpy(p->tag, tag, one->tag_len);
		return CKR_OK;
	}
	if (len > 0)
		mem_wipe(out, len);
	return one->encrypt ? CKR_DEVICE_ERROR : CKR_AEAD_DECRYPT_FAILED;
}

/* By the conventions on lengths, what can be said before anything is done; *go: it is to be done.  Where nothing will
 * come out there is nothing to ask for either, and only the tag is wanted. */
static CK_RV room_for(size_t need, const struct call *c, bool *go)
{
	CK_RV rv;

	*go = output_wanted(c->out, c->out_len, need, &rv) || need == 0;
	return *go ? CKR_OK : rv;
}

static CK_RV run_message(struct message_op *op, const struct call *c, struct cipher_op *one)
{
	struct cipher_message p;
	bool go;

	TRY_RV(op->kind->read_message(c->param, c->param_len, &p));
	TRY_RV(open_message(op, &p, c, one));
	TRY_RV(data_range(one, c->in_len));
	CK_RV rv = room_for(c->in_len, c, &go);
	if (!go)
		return rv;
	TRY_RV(give_nonce(op, &p, one));
	return run_end(one, &p, c->in, c->in_len, c->out);
}

static bool data_is_there(const struct call *c)
{
	return c->out_len != NULL && (c->in != NULL || c->in_len == 0);
}

static CK_RV op_message(struct message_op *op, const struct call *c)
{
	struct cipher_op one = {0};

	TRY_RV(op_check(op));
	if (op->one.kind != NULL)
		return CKR_OPERATION_ACTIVE;
	if (!data_is_there(c))
		return CKR_ARGUMENTS_BAD;
	CK_RV rv = run_message(op, c, &one);
	cipher_op_end(&one);
	return rv;
}

static CK_RV begin_message(struct message_op *op, const struct call *c)
{
	struct cipher_message p;

	TRY_RV(op->kind->read_message(c->param, c->param_len, &p));
	TRY_RV(open_message(op, &p, c, &op->one));
	return give_nonce(op, &p, &op->one);
}

static CK_RV op_begin(struct message_op *op, const struct call *c)
{
	TRY_RV(op_check(op));
	if (op->one.kind != NULL)
		return CKR_OPERATION_ACTIVE;
	CK_RV rv = begin_message(op, c);
	if (rv != CKR_OK)
		cipher_op_end(&op->one);
	return rv;
}

/* Of the parameter only the tag counts now. */
static CK_RV read_tag(const struct message_op *op, const struct call *c, struct cipher_message *p)
{
	TRY_RV(op->kind->read_message(c->param, c->param_len, p));
	return p->tag_len == op->one.tag_len ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

/* Parts that are kept: everything comes out with the last, whose tag was checked. */
static CK_RV next_held(struct message_op *op, const struct call *c, bool *ended)
{
	struct cipher_op *one = &op->one;
	struct cipher_message p;
	bool go;

	size_t all = one->held.len + c->in_len;
	if (c->last)
		TRY_RV(data_range(one, all));
	CK_RV rv = room_for(c->last ? all : 0, c, &go);
	if (!go)
		return rv;
	if (c->last)
		TRY_RV(read_tag(op, c, &p));
	buf_put(&one->held, c->in, c->in_len);
	TRY_RV(rv_from(buf_rc(&one->held)));
	*ended = c->last;
	return c->last ? run_end(one, &p, one->held.data, all, c->out) : CKR_OK;
}

static CK_RV next_streamed(struct message_op *op, const struct call *c, bool *ended)
{
	struct cipher_op *one = &op->one;
	struct cipher_message p;
	int n = 0;
	bool go;

	CK_RV rv = room_for(c->in_len, c, &go);
	if (!go)
		return rv;
	if (c->last)
		TRY_RV(read_tag(op, c, &p));
	if (c->in_len > 0 && EVP_CipherUpdate(one->ctx, c->out, &n, c->in, (int)c->in_len) != 1)
		return CKR_DEVICE_ERROR;
	*ended = c->last;
	return c->last ? run_end(one, &p, NULL, 0, NULL) : CKR_OK;
}

static CK_RV next_part(struct message_op *op, const struct call *c, bool *ended)
{
	if (!data_is_there(c))
		return CKR_ARGUMENTS_BAD;
	if (c->in_len > CIPHER_PART_MAX)
		return CKR_DATA_LEN_RANGE;
	return (cipher_holds(&op->one) ? next_held : next_streamed)(op, c, ended);
}

/* An error ends the message, and a success with the last part does. */
static CK_RV op_next(struct message_op *op, const struct call *c)
{
	bool ended = false;

	TRY_RV(op_check(op));
	if (op->one.kind == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	CK_RV rv = next_part(op, c, &ended);
	if (ended || (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL))
		cipher_op_end(&op->one);
	return rv;
}

static CK_RV op_final(struct message_op *op, const struct call *c)
{
	(void)c;
	if (op->kind == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (op->one.kind != NULL)
		return CKR_OPERATION_ACTIVE;
	message_op_end(op);
	return CKR_OK;
}

/* ---- handlers -------------------------------------------------------------------------------------------- */

static CK_RV do_init(struct module *m, struct session *s, bool encrypt, const CK_MECHANISM *mech, CK_OBJECT_HANDLE key)
{
	pthread_mutex_lock(&s->lock);
	CK_RV rv = op_init(m, s, encrypt, mech, key);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

static CK_RV do_call(struct session *s, bool encrypt, CK_RV (*step)(struct message_op *, const struct call *),
		     const struct call *c)
{
	struct message_op *op = &s->message[encrypt];

	CK_RV rv = CKR_DEVICE_ERROR;

	pthread_mutex_lock(&s->lock);
	if (crypto_quiet_begin()) {
		rv = step(op, c);
		crypto_quiet_end();
	}
	if (rv == CKR_KEY_HANDLE_INVALID) /* the key went */
		message_op_end(op);
	pthread_mutex_unlock(&s->lock);
	return rv;
}

#define MESSAGE_HANDLERS(verb, encrypt)                                                              \
	CK_RV message_##verb##_init(struct module *m, struct session *s, CK_MECHANISM_PTR mech,      \
				    CK_OBJECT_HANDLE key)                                            \
	{                                                                                            \
		return do_init(m, s, encrypt, mech, key);                                            \
	}                                                                                            \
	CK_RV message_##verb(struct module *m, struct session *s, CK_VOID_PTR param,                 \
			     CK_ULONG param_len, CK_BYTE_PTR ad, CK_ULONG ad_len, CK_BYTE_PTR in,    \
			     CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len)                 \
	{                                                                                            \
		struct call c = {param, param_len, ad, ad_len, in, in_len, out, out_len, true};      \
		(void)m;                                                                             \
		return do_call(s, encrypt, op_message, &c);                                          \
	}                                                                                            \
	CK_RV message_##verb##_begin(struct module *m, struct session *s, CK_VOID_PTR param,         \
				     CK_ULONG param_len, CK_BYTE_PTR ad, CK_ULONG ad_len)            \
	{                                                                                            \
		struct call c = {.param = param, .param_len = param_len, .ad = ad, .ad_len = ad_len}; \
		(void)m;                                                                             \
		return do_call(s, encrypt, op_begin, &c);                                            \
	}                                                                                            \
	CK_RV message_##verb##_next(struct module *m, struct session *s, CK_VOID_PTR param,          \
				    CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,             \
				    CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags)           \
	{                                                                                            \
		struct call c = {param, param_len, NULL, 0, in, in_len, out, out_len,                \
				 (flags & CKF_END_OF_MESSAGE) != 0};                                 \
		(void)m;                                                                             \
		return do_call(s, encrypt, op_next, &c);                                             \
	}                                                                                            \
	CK_RV message_##verb##_final(struct module *m, struct session *s)                            \
	{                                                                                            \
		struct call none = {0};                                                              \
		(void)m;                                                                             \
		return do_call(s, encrypt, op_final, &none);                                         \
	}

MESSAGE_HANDLERS(encrypt, true)
MESSAGE_HANDLERS(decrypt, false)
