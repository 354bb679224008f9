/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/otp.h"

#include <string.h>

#include "base/log.h"
#include "pkcs11/cipher.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-key.h"

#define OTP_VERSION 1

/* ---- the bytes of a message ----------------------------------------------------------------------------------- */

static void put(uint8_t *p, uint64_t v, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint64_t get(const uint8_t *p, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

void otp_head_write(const struct otp_head *h, uint8_t out[OTP_HEAD])
{
	out[0] = OTP_VERSION;
	out[1] = (uint8_t)h->sender;
	put(out + 2, 0, 2);
	put(out + 4, h->len, 4);
	put(out + 8, h->offset, 8);
	memcpy(out + 16, h->key_id.b, ID_LEN);
}

bool otp_head_read(struct otp_head *h, const uint8_t in[OTP_HEAD])
{
	h->sender = in[1] == OTP_INITIATOR ? OTP_INITIATOR : OTP_RECEIVER;
	h->len = (uint32_t)get(in + 4, 4);
	h->offset = get(in + 8, 8);
	memcpy(h->key_id.b, in + 16, ID_LEN);
	return in[0] == OTP_VERSION && in[1] == h->sender && get(in + 2, 2) == 0;
}

static void xor_into(uint8_t *out, const uint8_t *pad, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] ^= pad[i];
}

void otp_seal(const struct otp_head *h, const uint8_t *pad, const uint8_t *in, uint8_t *out)
{
	struct tag tag;

	if (h->len > 0)
		memmove(out + OTP_HEAD, in, h->len);
	xor_into(out + OTP_HEAD, pad + TAG_KEY_LEN, h->len);
	otp_head_write(h, out);
	tag_compute(&tag, pad, out, OTP_HEAD + h->len);
	memcpy(out + OTP_HEAD + h->len, tag.b, TAG_LEN);
}

bool otp_check(const struct otp_head *h, const uint8_t *pad, const uint8_t *message)
{
	struct tag tag;

	memcpy(tag.b, message + OTP_HEAD + h->len, TAG_LEN);
	return tag_check(&tag, pad, message, OTP_HEAD + h->len);
}

/* ---- beginning ------------------------------------------------------------------------------------------------ */

static CK_RV read_none(struct cipher_op *op, const CK_MECHANISM *mech)
{
	struct otpkey_left left;
	bool initiator;

	if (mech->pParameter != NULL || mech->ulParameterLen != 0)
		return CKR_MECHANISM_PARAM_INVALID;
	TRY_RV(otpkey_side(op->m, op->key, &initiator));
	otpkey_left(op->m, op->key, &left);
	if (op->encrypt && left.send <= TAG_KEY_LEN) {
		log_warn("a one-time pad is used up: agree on a new one");
		return CKR_KEY_SIZE_RANGE;
	}
	if (!op->encrypt && left.forged >= OTPKEY_FORGERIES_MAX) {
		log_error("a one-time pad has met %lu messages with a wrong tag and opens no more: agree on a new one", left.forged);
		return CKR_FUNCTION_REJECTED;
	}
	return CKR_OK;
}

static CK_RV whole_len(const struct cipher_op *op, size_t in_len, size_t *out_len)
{
	struct otpkey_left left;

	if (!op->encrypt) {
		*out_len = in_len - OTP_MORE;
		return in_len >= OTP_MORE ? CKR_OK : CKR_ENCRYPTED_DATA_LEN_RANGE;
	}
	otpkey_left(op->m, op->key, &left);
	*out_len = in_len + OTP_MORE;
	if (in_len + TAG_KEY_LEN <= left.send)
		return CKR_OK;
	log_warn("a one-time pad has not %zu bytes left to send with: agree on a new one", in_len + TAG_KEY_LEN);
	return CKR_DATA_LEN_RANGE;
}

static void key_id_of(struct module *m, const struct object *o, struct id *id)
{
	module_lock(m);
	const CK_ATTRIBUTE *a = attrs_get(&o->attrs, CKA_DSKE_KEY_ID);
	if (a != NULL && a->ulValueLen == sizeof id->b)
		memcpy(id->b, a->pValue, sizeof id->b);
	module_unlock(m);
}

/* ---- the two ways --------------------------------------------------------------------------------------------- */

static CK_RV encrypt(struct cipher_op *op, const uint8_t *in, size_t len, uint8_t *out)
{
	struct otp_head h = {.len = (uint32_t)len};
	AUTO(secret) pad = {0};
	bool initiator;

	TRY_RV(otpkey_side(op->m, op->key, &initiator));
	h.sender = initiator ? OTP_INITIATOR : OTP_RECEIVER;
	key_id_of(op->m, op->key, &h.key_id);
	TRY_RV(otpkey_take(op->m, op->key, TAG_KEY_LEN + len, &pad, &h.offset));
	otp_seal(&h, pad.data, in, out);
	return CKR_OK;
}

/* A message to us under this key, by its header, and as long as that says. */
static CK_RV read_head(struct cipher_op *op, const uint8_t *in, size_t len, struct otp_head *h)
{
	struct id key_id = {0};
	bool initiator;

	TRY_RV(otpkey_side(op->m, op->key, &initiator));
	key_id_of(op->m, op->key, &key_id);
	if (!otp_head_read(h, in) || h->len != len || !id_equal(&h->key_id, &key_id) ||
	    h->sender != (initiator ? OTP_RECEIVER : OTP_INITIATOR))
		return CKR_ENCRYPTED_DATA_INVALID;
	return CKR_OK;
}

/* What the tag does not fit burns no byte; what it fits gives its plaintext once, when that is durable. */
static CK_RV decrypt(struct cipher_op *op, const uint8_t *in, size_t len, uint8_t *out)
{
	AUTO(secret) pad = {0};
	struct otp_head h;

	TRY_RV(read_head(op, in, len, &h));
	TRY_RV(otpkey_look(op->m, op->key, h.offset, TAG_KEY_LEN + len, &pad));
	if (!otp_check(&h, pad.data, in)) {
		TRY_RV(otpkey_forged(op->m, op->key));
		return CKR_ENCRYPTED_DATA_INVALID;
	}
	xor_into(pad.data + TAG_KEY_LEN, in + OTP_HEAD, len);
	TRY_RV(otpkey_burn(op->m, op->key, h.offset, TAG_KEY_LEN + len));
	if (len > 0)
		memcpy(out, pad.data + TAG_KEY_LEN, len);
	return CKR_OK;
}

static CK_RV run(struct cipher_op *op, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	*out_len = op->encrypt ? in_len + OTP_MORE : in_len - OTP_MORE;
	return op->encrypt ? encrypt(op, in, in_len, out) : decrypt(op, in, *out_len, out);
}

/* A message begins with its length, and nothing is given out before its tag is checked: parts wait for the last one. */
const struct cipher_kind cipher_otp = {
	.unit = 1,
	.hold = HOLD_BOTH,
	.waits = true,
	.read = read_none,
	.whole_len = whole_len,
	.run = run,
};
