/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pkcs11/otp-key.h"

#include <string.h>

#include "base/log.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"

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
		return CKR_OK;
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

static uint64_t half_of(const struct object *o)
{
	return o->value.len / 2;
}

static uint64_t sent_of(const struct object *o)
{
	uint64_t half = half_of(o), left = attrs_get_ulong(&o->attrs, CKA_DSKE_OTP_SEND_LEFT, 0);

	return left <= half ? half - left : half;
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

static void received_of(const struct object *o, struct ranges *r)
{
	const CK_ATTRIBUTE *a = attrs_get(&o->attrs, CKA_DSKE_OTP_RECEIVED);
	const uint8_t *p = a != NULL ? a->pValue : NULL;

	r->count = 0;
	for (CK_ULONG i = 0; a != NULL && i < a->ulValueLen / 16 && r->count < RANGES_MAX; i++)
		r->r[r->count++] = (struct range){get_u64(p + 16 * i), get_u64(p + 16 * i + 8)};
}

static CK_RV set_received(struct object *o, const struct ranges *r)
{
	uint8_t bytes[16 * RANGES_MAX];
	uint64_t gone = 0;

	for (size_t i = 0; i < r->count; i++) {
		set_u64(bytes + 16 * i, r->r[i].start);
		set_u64(bytes + 16 * i + 8, r->r[i].end);
		gone += r->r[i].end - r->r[i].start;
	}
	TRY_RV(attrs_set_ulong(&o->attrs, CKA_DSKE_OTP_RECEIVE_LEFT, half_of(o) - gone));
	return attrs_set(&o->attrs, CKA_DSKE_OTP_RECEIVED, bytes, 16 * r->count);
}

/* Has the stored state bytes left that are gone in ours? */
static bool is_earlier(const struct object *stored, const struct object *o)
{
	static const CK_ATTRIBUTE_TYPE left[] = {CKA_DSKE_OTP_SEND_LEFT, CKA_DSKE_OTP_RECEIVE_LEFT};

	for (int i = 0; i < 2; i++) {
		if (attrs_get_ulong(&stored->attrs, left[i], 0) > attrs_get_ulong(&o->attrs, left[i], 0))
			return true;
	}
	return false;
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

/* Where our half, or the other, begins in the value. */
static uint8_t *half_at(struct module *m, struct object *o, bool ours)
{
	bool first = is_id(o, CKA_DSKE_INITIATOR, &client_config(m->client)->id);

	return o->value.data + (first == ours ? 0 : half_of(o));
}

void otpkey_left(struct module *m, const struct object *o, struct otpkey_left *left)
{
	pthread_mutex_lock(&m->token_lock);
	module_lock(m);
	left->half = half_of(o);
	left->send = half_of(o) - sent_of(o) + (o->ahead.bytes.len - o->ahead.used);
	left->receive = attrs_get_ulong(&o->attrs, CKA_DSKE_OTP_RECEIVE_LEFT, 0);
	left->forged = attrs_get_ulong(&o->attrs, CKA_DSKE_OTP_FORGED, 0);
	module_unlock(m);
	pthread_mutex_unlock(&m->token_lock);
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

struct taking {
	struct module *m;
	const struct ahead *have; /* what this process has left, to be continued if nobody came in between */
	size_t need;
	struct secret bytes;      /* the new reserve, with what is continued */
	uint64_t at;
};

static size_t left_ahead(const struct ahead *a)
{
	return a->bytes.len - a->used;
}

/* On a copy of the key. */
static CK_RV reserve(struct object *next, void *context)
{
	struct taking *t = context;
	uint64_t sent = sent_of(next), left = half_of(next) - sent;
	size_t kept = t->have->at + t->have->bytes.len == sent ? left_ahead(t->have) : 0;
	size_t need = t->need - kept, more = half_of(next) / OTPKEY_AHEAD_PART;

	secret_drop(&t->bytes); /* of a try that another process was faster than */
	if (need > left)
		return CKR_DATA_LEN_RANGE;
	more = more < OTPKEY_AHEAD_MAX ? more : OTPKEY_AHEAD_MAX;
	more = more < left - need ? more : (size_t)(left - need);
	TRY_RV(rv_from(secret_alloc(&t->bytes, kept + need + more)));
	uint8_t *from = half_at(t->m, next, true) + sent;
	if (kept > 0)
		memcpy(t->bytes.data, t->have->bytes.data + t->have->used, kept);
	memcpy(t->bytes.data + kept, from, need + more);
	mem_wipe(from, need + more);
	t->at = sent - kept;
	return attrs_set_ulong(&next->attrs, CKA_DSKE_OTP_SEND_LEFT, left - need - more);
}

/* With the token's lock. */
static CK_RV fill_ahead(struct module *m, struct object *o, size_t len)
{
	struct taking t = {.m = m, .have = &o->ahead, .need = len};

	CK_RV rv = key_step(m, o, reserve, &t);
	if (rv == CKR_OK) {
		secret_move(&o->ahead.bytes, &t.bytes);
		o->ahead.at = t.at;
		o->ahead.used = 0;
	}
	secret_drop(&t.bytes);
	return rv;
}

CK_RV otpkey_take(struct module *m, struct object *o, size_t len, struct secret *out, uint64_t *offset)
{
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&m->token_lock);
	if (left_ahead(&o->ahead) < len)
		rv = fill_ahead(m, o, len);
	if (rv == CKR_OK)
		rv = rv_from(secret_from(out, o->ahead.bytes.data + o->ahead.used, len));
	if (rv == CKR_OK) {
		*offset = o->ahead.at + o->ahead.used;
		mem_wipe(o->ahead.bytes.data + o->ahead.used, len);
		o->ahead.used += len;
	}
	pthread_mutex_unlock(&m->token_lock);
	if (rv == CKR_DATA_LEN_RANGE)
		log_warn("a one-time pad has not %zu bytes left to send with: agree on a new one", len);
	return rv;
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

CK_RV otpkey_look(struct module *m, struct object *o, uint64_t offset, size_t len, struct secret *out)
{
	struct ranges gone;

	TRY_RV(key_sync(m));
	module_lock(m);
	uint64_t half = half_of(o);
	CK_RV rv = CKR_ENCRYPTED_DATA_INVALID;
	received_of(o, &gone);
	if (offset <= half && len <= half - offset && len > 0 && !ranges_overlap(&gone, offset, offset + len))
		rv = rv_from(secret_from(out, half_at(m, o, false) + offset, len));
	module_unlock(m);
	return rv;
}

struct burning {
	struct module *m;
	uint64_t offset;
	size_t len;
};

/* What the set closed to stay small is gone as well. */
static CK_RV burn(struct object *next, void *context)
{
	const struct burning *b = context;
	struct ranges gone;

	received_of(next, &gone);
	if (!rc_ok(ranges_add(&gone, b->offset, b->offset + b->len)))
		return CKR_ENCRYPTED_DATA_INVALID;
	uint8_t *half = half_at(b->m, next, false);
	for (size_t i = 0; i < gone.count; i++)
		mem_wipe(half + gone.r[i].start, gone.r[i].end - gone.r[i].start);
	return set_received(next, &gone);
}

static CK_RV count_forged(struct object *next, void *context)
{
	(void)context;
	return attrs_set_ulong(&next->attrs, CKA_DSKE_OTP_FORGED, attrs_get_ulong(&next->attrs, CKA_DSKE_OTP_FORGED, 0) + 1);
}

static CK_RV step(struct module *m, struct object *o, key_stepper *how, void *context)
{
	pthread_mutex_lock(&m->token_lock);
	CK_RV rv = key_step(m, o, how, context);
	pthread_mutex_unlock(&m->token_lock);
	return rv;
}

CK_RV otpkey_burn(struct module *m, struct object *o, uint64_t offset, size_t len)
{
	return step(m, o, burn, &(struct burning){m, offset, len});
}

CK_RV otpkey_forged(struct module *m, struct object *o)
{
	return step(m, o, count_forged, NULL);
}
