/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/otp-receive.c - bytes of the other half of a pad: each for one message, in whatever order they come. */
#include "config.h"

#include <string.h>

#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-state.h"

static bool inside(const struct range *r, const struct range *of)
{
	return r->start >= of->start && r->end <= of->end;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- looking -------------------------------------------------------------------------------------------------- */

/* The store's word holds outside of what we have reserved. */
static bool is_gone(const struct object *o, const struct otp_use *p, const struct range *r)
{
	struct range w = reserve_range(&p->receive);
	struct ranges gone;

	pad_received(o, &gone);
	return ranges_overlap(&gone, r->start, least(r->end, w.start)) || ranges_overlap(&gone, most(r->start, w.end), r->end) ||
	       ranges_overlap(&p->opened, r->start, r->end);
}

static CK_RV copy_out(struct module *m, struct object *o, const struct otp_use *p, const struct range *r, struct secret *out)
{
	struct range w = reserve_range(&p->receive);
	uint64_t from = most(r->start, w.start), to = least(r->end, w.end);

	if (r->end > pad_half(o) || r->start >= r->end || is_gone(o, p, r))
		return CKR_ENCRYPTED_DATA_INVALID;
	TRY_RV(rv_from(secret_from(out, pad_half_at(m, o, false) + r->start, (size_t)(r->end - r->start))));
	if (from < to)
		memcpy(out->data + (from - r->start), p->receive.bytes.data + (from - w.start), (size_t)(to - from));
	return CKR_OK;
}

/* With the token's lock. */
static CK_RV look(struct module *m, struct object *o, const struct range *r, struct secret *out)
{
	struct range w;
	struct otp_use *p;

	TRY_RV(otp_use_of(o, &p));
	w = reserve_range(&p->receive);
	if (!inside(r, &w))
		TRY_RV(key_follow(m));
	module_lock(m);
	CK_RV rv = copy_out(m, o, p, r, out);
	module_unlock(m);
	return rv;
}

CK_RV otpkey_look(struct module *m, struct object *o, uint64_t offset, size_t len, struct secret *out)
{
	struct range r = {offset, offset + len};

	if (r.end < offset)
		return CKR_ENCRYPTED_DATA_INVALID;
	pthread_mutex_lock(&m->token_lock);
	CK_RV rv = look(m, o, &r, out);
	pthread_mutex_unlock(&m->token_lock);
	return rv;
}

/* ---- taking --------------------------------------------------------------------------------------------------- */

struct claim {
	struct module *m;
	const struct otp_use *have;
	struct range r;
	uint64_t ahead;
	bool moves;          /* the window does, to after the message */
	struct secret bytes; /* of the new window */
};

static uint64_t ahead_of(struct module *m, const struct object *o)
{
	if (o->session != 0)
		return 0;
	CK_ULONG own = object_ulong(m, o, CKA_DSKE_OTP_RECEIVE_AHEAD);
	return own != CK_UNAVAILABLE_INFORMATION ? own : client_config(m->client)->pad_receive_ahead;
}

/* What is free from there on, but no more than wanted. */
static struct range free_after(const struct ranges *gone, uint64_t at, uint64_t half, uint64_t ahead)
{
	struct range w = {at, at + least(half - at, ahead)};

	for (size_t i = 0; i < gone->count; i++) {
		if (gone->r[i].end > at)
			w.end = least(w.end, most(gone->r[i].start, at));
	}
	return w;
}

/* The bytes of what was added are wiped; those of a hole that was closed for it too. */
static void wipe_added(uint8_t *half, const struct ranges *gone, bool was_full, const struct range *added)
{
	mem_wipe(half + added->start, (size_t)(added->end - added->start));
	for (size_t i = 0; was_full && i < gone->count; i++)
		mem_wipe(half + gone->r[i].start, (size_t)(gone->r[i].end - gone->r[i].start));
}

/* The copy for the new window, and the ranges with it. */
static CK_RV claim_ahead(struct claim *c, struct object *next, struct ranges *gone)
{
	struct range w = free_after(gone, c->r.end, pad_half(next), c->ahead);

	if (w.start >= w.end)
		return CKR_OK;
	TRY_RV(rv_from(secret_from(&c->bytes, pad_half_at(c->m, next, false) + w.start, (size_t)(w.end - w.start))));
	return rv_from(ranges_add(gone, w.start, w.end));
}

/* A key_stepper: the message's bytes, and with them those that are reserved ahead.  A message from before the window
 * leaves it where it is; else what is left of it goes back into the store, and another one begins after the message. */
static CK_RV burn(struct object *next, void *context)
{
	struct claim *c = context;
	struct range w = reserve_range(&c->have->receive), added = c->r;
	struct ranges gone;

	secret_drop(&c->bytes);
	pad_received(next, &gone);
	c->moves = c->r.end > w.start;
	if (c->moves)
		pad_give_back_receive(c->m, next, c->have, &gone);
	bool was_full = gone.count == RANGES_MAX;
	if (!rc_ok(ranges_add(&gone, c->r.start, c->r.end)))
		return CKR_ENCRYPTED_DATA_INVALID;
	if (c->moves)
		TRY_RV(claim_ahead(c, next, &gone));
	added.end += c->bytes.len;
	TRY_RV(pad_set_received(next, &gone));
	wipe_added(pad_half_at(c->m, next, false), &gone, was_full, &added);
	return CKR_OK;
}

/* What could not be written may have been all the same: then the old window is in the store again, and others' to use. */
static CK_RV burn_in_store(struct module *m, struct object *o, struct otp_use *p, const struct range *r)
{
	struct claim c = {.m = m, .have = p, .r = *r, .ahead = ahead_of(m, o)};

	CK_RV rv = key_step(m, o, burn, &c);
	if (c.moves && rv != CKR_ENCRYPTED_DATA_INVALID) {
		secret_drop(&p->receive.bytes);
		p->opened.count = 0;
		p->receive.at = rv == CKR_OK && c.bytes.len > 0 ? r->end : 0;
	}
	if (rv == CKR_OK && c.moves)
		secret_move(&p->receive.bytes, &c.bytes);
	secret_drop(&c.bytes);
	return rv;
}

static CK_RV burn_in_window(struct otp_use *p, const struct range *r)
{
	uint64_t at = p->receive.at;
	bool was_full = p->opened.count == RANGES_MAX;

	if (!rc_ok(ranges_add(&p->opened, r->start, r->end)))
		return CKR_ENCRYPTED_DATA_INVALID;
	struct ranges here = {.count = was_full ? p->opened.count : 0};
	for (size_t i = 0; i < here.count; i++)
		here.r[i] = (struct range){p->opened.r[i].start - at, p->opened.r[i].end - at};
	wipe_added(p->receive.bytes.data, &here, was_full, &(struct range){r->start - at, r->end - at});
	return CKR_OK;
}

/* With the token's lock. */
static CK_RV burn_somewhere(struct module *m, struct object *o, const struct range *r)
{
	struct range w;
	struct otp_use *p;

	TRY_RV(otp_use_of(o, &p));
	w = reserve_range(&p->receive);
	TRY_RV(inside(r, &w) ? burn_in_window(p, r) : burn_in_store(m, o, p, r));
	if (p->taken.count < RANGES_MAX)
		(void)ranges_add(&p->taken, r->start, r->end);
	return CKR_OK;
}

CK_RV otpkey_burn(struct module *m, struct object *o, uint64_t offset, size_t len)
{
	pthread_mutex_lock(&m->token_lock);
	CK_RV rv = burn_somewhere(m, o, &(struct range){offset, offset + len});
	pthread_mutex_unlock(&m->token_lock);
	return rv;
}

/* ---- forgeries ------------------------------------------------------------------------------------------------ */

static CK_RV count_forged(struct object *next, void *context)
{
	return pad_count_forged(next, *(const unsigned *)context);
}

/* Where messages need no write, who sends forgeries is not to cause one for each. */
static CK_RV forged(struct module *m, struct object *o)
{
	unsigned more = ahead_of(m, o) > 0 ? OTPKEY_FORGERIES_AHEAD : 1;
	struct otp_use *p;

	TRY_RV(otp_use_of(o, &p));
	if (p->forged == 0) {
		TRY_RV(key_step(m, o, count_forged, &more));
		p->forged = more;
	}
	p->forged--;
	return CKR_OK;
}

CK_RV otpkey_forged(struct module *m, struct object *o)
{
	pthread_mutex_lock(&m->token_lock);
	CK_RV rv = forged(m, o);
	pthread_mutex_unlock(&m->token_lock);
	return rv;
}
