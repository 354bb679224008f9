/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/otp-back.c - what a process has reserved of pads and not used goes back into the store. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "pkcs11/key.h"
#include "pkcs11/module.h"
#include "pkcs11/otp-state.h"

CK_RV otp_use_of(struct object *o, struct otp_use **out)
{
	if (o->otp == NULL)
		o->otp = calloc(1, sizeof *o->otp);
	*out = o->otp;
	return o->otp != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV pad_give_back_send(struct module *m, struct object *next, const struct otp_use *p)
{
	const struct reserve *w = &p->send;
	uint64_t sent = pad_sent(next);
	size_t left = reserve_left(w);

	if (left == 0 || reserve_range(w).end != sent)
		return CKR_OK;
	memcpy(pad_half_at(m, next, true) + sent - left, w->bytes.data + w->used, left);
	return pad_set_sent(next, sent - left);
}

/* The set without a range of it.  False: there would be too many. */
static bool subtract(struct ranges *set, const struct range *w)
{
	struct ranges rest = {0};

	for (size_t i = 0; i < set->count; i++) {
		struct range below = set->r[i], above = set->r[i];
		below.end = below.end < w->start ? below.end : w->start;
		above.start = above.start > w->end ? above.start : w->end;
		if (rest.count + 2 > RANGES_MAX)
			return false;
		if (below.start < below.end)
			rest.r[rest.count++] = below;
		if (above.start < above.end)
			rest.r[rest.count++] = above;
	}
	*set = rest;
	return true;
}

void pad_give_back_receive(struct module *m, struct object *next, const struct otp_use *p, struct ranges *gone)
{
	struct range w = reserve_range(&p->receive);
	uint8_t *half = pad_half_at(m, next, false);

	if (w.start >= w.end || !subtract(gone, &w))
		return;
	/* One that is not added lies in a hole that was closed for another. */
	for (size_t i = 0; i < p->opened.count; i++)
		(void)ranges_add(gone, p->opened.r[i].start, p->opened.r[i].end);
	memcpy(half + w.start, p->receive.bytes.data, p->receive.bytes.len);
	for (size_t i = 0; i < gone->count; i++)
		mem_wipe(half + gone->r[i].start, (size_t)(gone->r[i].end - gone->r[i].start));
}

struct back {
	struct module *m;
	const struct otp_use *p;
};

/* A key_stepper. */
static CK_RV give_back(struct object *next, void *context)
{
	const struct back *b = context;
	struct ranges gone;

	pad_received(next, &gone);
	pad_give_back_receive(b->m, next, b->p, &gone);
	TRY_RV(pad_set_received(next, &gone));
	TRY_RV(pad_count_forged(next, -(long)b->p->forged));
	return pad_give_back_send(b->m, next, b->p);
}

static bool has_reserve(const struct object *o)
{
	const struct otp_use *p = o->otp;

	return p != NULL && o->session == 0 && (p->send.bytes.len > 0 || p->receive.bytes.len > 0 || p->forged > 0);
}

/* A reference to the next one that has something to give back, or NULL. */
static struct object *next_with_reserve(struct module *m)
{
	struct object *found = NULL;

	module_lock(m);
	for (struct object *o = m->objects.oldest; o != NULL && found == NULL; o = o->newer) {
		if (has_reserve(o))
			found = object_ref(o);
	}
	module_unlock(m);
	return found;
}

void otpkey_give_back(struct module *m)
{
	struct object *o;

	pthread_mutex_lock(&m->token_lock);
	while ((o = next_with_reserve(m)) != NULL) {
		struct otp_use *p = o->otp;
		bool some = reserve_left(&p->send) > 0 || p->receive.bytes.len > 0 || p->forged > 0;
		if (some && key_step(m, o, give_back, &(struct back){m, p}) != CKR_OK)
			log_warn("what was reserved of a one-time pad could not be given back, and is lost");
		/* Whatever came of it: it may be another process's by now. */
		secret_drop(&p->send.bytes);
		secret_drop(&p->receive.bytes);
		p->send.used = 0;
		p->receive.at = 0;
		p->opened.count = 0;
		p->forged = 0;
		object_unref(o);
	}
	pthread_mutex_unlock(&m->token_lock);
}
