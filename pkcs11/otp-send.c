/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/otp-send.c - bytes of our half of a pad, each once. */
#include "config.h"

#include <string.h>

#include "base/log.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-state.h"

#define AHEAD_PART 64u /* of its half a process reserves, where nothing else is said */

struct taking {
	struct module *m;
	const struct reserve *have; /* what this process has left, to be continued if nobody came in between */
	size_t need;
	uint64_t ahead;
	struct secret bytes; /* the new reserve, with what is continued */
	uint64_t at;
};

/* How much beyond what it needs, with the token's lock. */
static uint64_t ahead_of(struct module *m, const struct object *o)
{
	uint64_t said = client_config(m->client)->pad_send_ahead;

	if (o->session != 0)
		return 0; /* it is written nowhere */
	CK_ULONG own = object_ulong(m, o, CKA_DSKE_OTP_SEND_AHEAD);
	if (own != CK_UNAVAILABLE_INFORMATION)
		return own;
	return said != CONFIG_PAD_PART ? said : pad_half(o) / AHEAD_PART;
}

/* A key_stepper. */
static CK_RV reserve_more(struct object *next, void *context)
{
	struct taking *t = context;
	uint64_t sent = pad_sent(next), left = pad_half(next) - sent;
	size_t kept = reserve_range(t->have).end == sent ? reserve_left(t->have) : 0, need = t->need - kept;

	secret_drop(&t->bytes); /* of a try that another process was faster than */
	if (need > left)
		return CKR_DATA_LEN_RANGE;
	size_t more = (size_t)(t->ahead < left - need ? t->ahead : left - need);
	TRY_RV(rv_from(secret_alloc(&t->bytes, kept + need + more)));
	uint8_t *from = pad_half_at(t->m, next, true) + sent;
	if (kept > 0)
		memcpy(t->bytes.data, t->have->bytes.data + t->have->used, kept);
	memcpy(t->bytes.data + kept, from, need + more);
	t->at = sent - kept;
	TRY_RV(pad_set_sent(next, sent + need + more));
	mem_wipe(from, need + more);
	return CKR_OK;
}

static CK_RV fill(struct module *m, struct object *o, struct otp_use *p, size_t len)
{
	struct taking t = {.m = m, .have = &p->send, .need = len, .ahead = ahead_of(m, o)};

	CK_RV rv = key_step(m, o, reserve_more, &t);
	if (rv == CKR_OK) {
		secret_move(&p->send.bytes, &t.bytes);
		p->send.at = t.at;
		p->send.used = 0;
	}
	secret_drop(&t.bytes);
	return rv;
}

/* Off the front of what is reserved. */
static dske_rc cut_front(struct reserve *w, size_t len, struct secret *out, uint64_t *offset)
{
	*offset = w->at + w->used;
	if (w->used == 0 && w->bytes.len == len) {
		secret_move(out, &w->bytes);
		w->at += len;
		return DSKE_OK;
	}
	TRY(secret_from(out, w->bytes.data + w->used, len));
	mem_wipe(w->bytes.data + w->used, len);
	w->used += len;
	return DSKE_OK;
}

CK_RV otpkey_take(struct module *m, struct object *o, size_t len, struct secret *out, uint64_t *offset)
{
	struct otp_use *p;

	pthread_mutex_lock(&m->token_lock);
	CK_RV rv = otp_use_of(o, &p);
	if (rv == CKR_OK && reserve_left(&p->send) < len)
		rv = fill(m, o, p, len);
	if (rv == CKR_OK)
		rv = rv_from(cut_front(&p->send, len, out, offset));
	if (rv == CKR_OK)
		p->sent = *offset + len;
	pthread_mutex_unlock(&m->token_lock);
	if (rv == CKR_DATA_LEN_RANGE)
		log_warn("a one-time pad has not %zu bytes left to send with: agree on a new one", len);
	return rv;
}
