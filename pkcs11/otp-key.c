/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/otp-key.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-state.h"

/* ---- what is a pad ------------------------------------------------------------------------------------------ */

static bool allows(const CK_ATTRIBUTE *list, CK_ULONG i, CK_MECHANISM_TYPE type)
{
	return memcmp((const uint8_t *)list->pValue + i * sizeof type, &type, sizeof type) == 0;
}

bool otpkey_is(const struct attrs *a)
{
	const CK_ATTRIBUTE *list = attrs_get(a, CKA_ALLOWED_MECHANISMS);

	return list != NULL && list->ulValueLen == sizeof(CK_MECHANISM_TYPE) && allows(list, 0, CKM_DSKE_OTP);
}

static bool wants_to_be(const struct attrs *a)
{
	const CK_ATTRIBUTE *list = attrs_get(a, CKA_ALLOWED_MECHANISMS);

	for (CK_ULONG i = 0; list != NULL && i < list->ulValueLen / sizeof(CK_MECHANISM_TYPE); i++) {
		if (allows(list, i, CKM_DSKE_OTP))
			return true;
	}
	return false;
}

CK_RV otpkey_check_template(struct attrs *a, bool agreed)
{
	static const CK_ATTRIBUTE_TYPE never[] = {CKA_EXTRACTABLE, CKA_COPYABLE, CKA_WRAP,  CKA_UNWRAP,
						  CKA_SIGN,        CKA_VERIFY,   CKA_DERIVE};
	const CK_ATTRIBUTE *check = attrs_get(a, CKA_CHECK_VALUE), *sensitive = attrs_get(a, CKA_SENSITIVE);

	if (!wants_to_be(a))
		return attrs_get(a, CKA_DSKE_OTP_SEND_AHEAD) == NULL && attrs_get(a, CKA_DSKE_OTP_RECEIVE_AHEAD) == NULL
			       ? CKR_OK
			       : CKR_TEMPLATE_INCONSISTENT;
	for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
		if (attrs_get_bool(a, never[i]))
			return CKR_TEMPLATE_INCONSISTENT;
	}
	if (!otpkey_is(a) || !agreed || attrs_get_ulong(a, CKA_KEY_TYPE, CKK_GENERIC_SECRET) != CKK_GENERIC_SECRET ||
	    (check != NULL && check->ulValueLen > 0) || (sensitive != NULL && !attrs_get_bool(a, CKA_SENSITIVE)))
		return CKR_TEMPLATE_INCONSISTENT;
	TRY_RV(attrs_set(a, CKA_CHECK_VALUE, NULL, 0));
	return attrs_set_bool(a, CKA_COPYABLE, false);
}

CK_RV otpkey_begin(struct attrs *a, size_t len)
{
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_OTP_SEND_LEFT, len / 2));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_OTP_RECEIVE_LEFT, len / 2));
	TRY_RV(attrs_set(a, CKA_DSKE_OTP_RECEIVED, NULL, 0));
	TRY_RV(attrs_set_ulong(a, CKA_DSKE_OTP_CHANGES, 0));
	return attrs_set_ulong(a, CKA_DSKE_OTP_FORGED, 0);
}

static bool same(const struct attrs *a, const struct attrs *b, CK_ATTRIBUTE_TYPE type)
{
	const CK_ATTRIBUTE *x = attrs_get(a, type), *y = attrs_get(b, type);

	return x != NULL && y != NULL && x->ulValueLen == y->ulValueLen && memcmp(x->pValue, y->pValue, x->ulValueLen) == 0;
}

CK_RV otpkey_is_alone(struct module *m, const struct object *key)
{
	bool alone = true, is = otpkey_is(&key->attrs);

	TRY_RV(key_sync(m));
	module_lock(m);
	for (const struct object *o = m->objects.oldest; o != NULL && alone; o = o->newer)
		alone = o->kind != OBJECT_KEY || !same(&o->attrs, &key->attrs, CKA_DSKE_KEY_ID) ||
			!same(&o->attrs, &key->attrs, CKA_DSKE_INITIATOR) || (!is && !otpkey_is(&o->attrs));
	module_unlock(m);
	if (alone)
		return CKR_OK;
	log_error("the token has a key of this key ID already, and one of both is a one-time pad: no byte of it is used twice");
	return CKR_FUNCTION_REJECTED;
}

/* ---- its state, with the module's lock ------------------------------------------------------------------------ */

uint64_t pad_half(const struct object *o)
{
	return o->value.len / 2;
}

uint64_t pad_sent(const struct object *o)
{
	uint64_t half = pad_half(o), left = attrs_get_ulong(&o->attrs, CKA_DSKE_OTP_SEND_LEFT, 0);

	return left <= half ? half - left : half;
}

/* A state of the key that none had before. */
static CK_RV count_change(struct object *o)
{
	return attrs_set_ulong(&o->attrs, CKA_DSKE_OTP_CHANGES, attrs_get_ulong(&o->attrs, CKA_DSKE_OTP_CHANGES, 0) + 1);
}

CK_RV pad_set_sent(struct object *o, uint64_t sent)
{
	TRY_RV(attrs_set_ulong(&o->attrs, CKA_DSKE_OTP_SEND_LEFT, pad_half(o) - sent));
	return count_change(o);
}

CK_RV pad_count_forged(struct object *o, long more)
{
	CK_ULONG forged = attrs_get_ulong(&o->attrs, CKA_DSKE_OTP_FORGED, 0);

	/* A store that was put back may not have counted what is taken back. */
	forged = more < 0 && forged < (CK_ULONG)-more ? 0 : forged + (CK_ULONG)more;
	TRY_RV(attrs_set_ulong(&o->attrs, CKA_DSKE_OTP_FORGED, forged));
	return count_change(o);
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static void set_u64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

void pad_received(const struct object *o, struct ranges *r)
{
	const CK_ATTRIBUTE *a = attrs_get(&o->attrs, CKA_DSKE_OTP_RECEIVED);
	const uint8_t *p = a != NULL ? a->pValue : NULL;

	r->count = 0;
	for (CK_ULONG i = 0; a != NULL && i < a->ulValueLen / 16 && r->count < RANGES_MAX; i++)
		r->r[r->count++] = (struct range){get_u64(p + 16 * i), get_u64(p + 16 * i + 8)};
}

CK_RV pad_set_received(struct object *o, const struct ranges *r)
{
	uint8_t bytes[16 * RANGES_MAX];
	uint64_t gone = 0;

	for (size_t i = 0; i < r->count; i++) {
		set_u64(bytes + 16 * i, r->r[i].start);
		set_u64(bytes + 16 * i + 8, r->r[i].end);
		gone += r->r[i].end - r->r[i].start;
	}
	TRY_RV(attrs_set(&o->attrs, CKA_DSKE_OTP_RECEIVED, bytes, 16 * r->count));
	TRY_RV(attrs_set_ulong(&o->attrs, CKA_DSKE_OTP_RECEIVE_LEFT, pad_half(o) - gone));
	return count_change(o);
}

/* Is the stored state one from before ours, or one to which a byte that this process used is not used? */
static bool is_earlier(const struct object *stored, const struct object *o)
{
	const struct otp_use *p = o->otp;
	struct ranges gone;

	if (attrs_get_ulong(&stored->attrs, CKA_DSKE_OTP_CHANGES, 0) < attrs_get_ulong(&o->attrs, CKA_DSKE_OTP_CHANGES, 0))
		return true;
	if (p == NULL)
		return false;
	pad_received(stored, &gone);
	for (size_t i = 0; i < p->taken.count; i++) {
		if (!ranges_cover(&gone, p->taken.r[i].start, p->taken.r[i].end))
			return true;
	}
	return pad_sent(stored) < p->sent;
}

static void swap_state(struct object *a, struct object *b)
{
	struct attrs attrs = a->attrs;
	struct secret value = a->value;

	a->attrs = b->attrs;
	a->value = b->value;
	b->attrs = attrs;
	b->value = value;
}

void otpkey_follow(struct object *o, struct object *stored)
{
	if (!is_earlier(stored, o)) {
		swap_state(o, stored);
		return;
	}
	log_error("the token's store was put back to an earlier state: this process goes on where it was, but others would use "
		  "bytes of a one-time pad a second time; destroy the pads and agree on new ones");
}

void otpkey_drop(struct otp_use *p)
{
	if (p == NULL)
		return;
	secret_drop(&p->send.bytes);
	secret_drop(&p->receive.bytes);
	free(p);
}

/* ---- whose half ----------------------------------------------------------------------------------------------- */

static bool is_id(const struct object *o, CK_ATTRIBUTE_TYPE type, const struct id *id)
{
	const CK_ATTRIBUTE *a = attrs_get(&o->attrs, type);

	return a != NULL && a->ulValueLen == sizeof id->b && memcmp(a->pValue, id->b, sizeof id->b) == 0;
}

CK_RV otpkey_side(struct module *m, const struct object *o, bool *initiator)
{
	const struct id *own = &client_config(m->client)->id;

	module_lock(m);
	*initiator = is_id(o, CKA_DSKE_INITIATOR, own);
	bool told = otpkey_is(&o->attrs) && (*initiator || same(&o->attrs, &o->attrs, CKA_DSKE_INITIATOR));
	module_unlock(m);
	return told ? CKR_OK : CKR_KEY_FUNCTION_NOT_PERMITTED;
}

uint8_t *pad_half_at(struct module *m, struct object *o, bool ours)
{
	bool first = is_id(o, CKA_DSKE_INITIATOR, &client_config(m->client)->id);

	return o->value.data + (first == ours ? 0 : pad_half(o));
}

void otpkey_left(struct module *m, const struct object *o, struct otpkey_left *left)
{
	pthread_mutex_lock(&m->token_lock);
	module_lock(m);
	left->half = pad_half(o);
	left->send = pad_half(o) - pad_sent(o) + (o->otp != NULL ? reserve_left(&o->otp->send) : 0);
	left->receive = attrs_get_ulong(&o->attrs, CKA_DSKE_OTP_RECEIVE_LEFT, 0);
	CK_ULONG counted = attrs_get_ulong(&o->attrs, CKA_DSKE_OTP_FORGED, 0), to_come = o->otp != NULL ? o->otp->forged : 0;
	left->forged = counted > to_come ? counted - to_come : 0;
	module_unlock(m);
	pthread_mutex_unlock(&m->token_lock);
}
