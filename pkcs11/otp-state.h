/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/otp-state.h - between otp-key.c, otp-send.c and otp-receive.c: what a pad's attributes and value say, and what this
 * process has reserved of it. */
#ifndef DSKE_PKCS11_OTP_STATE_H
#define DSKE_PKCS11_OTP_STATE_H

#include "pkcs11/otp-key.h"

/* Bytes of a half that are gone from the store, so that this process alone has them. */
struct reserve {
	struct secret bytes;
	uint64_t at;  /* where they begin in the half */
	size_t used;  /* of one to send with: so many at its beginning; wiped */
};

/* Of one key, guarded by the token's lock. */
struct otp_use {
	struct reserve send, receive;
	struct ranges opened; /* in the receiving window: what messages took; wiped */
	unsigned forged;       /* forgeries that are counted durably, and have not come yet */
	/* All that this process has used itself, so that a store that was put back does not make it use that again. */
	uint64_t sent;        /* below this */
	struct ranges taken;  /* what it forgets when there is too much of it, `opened` and the store remember */
};

static inline size_t reserve_left(const struct reserve *w)
{
	return w->bytes.len - w->used;
}

static inline struct range reserve_range(const struct reserve *w)
{
	return (struct range){w->at, w->at + w->bytes.len};
}

/* With the module's lock, or of a copy that nobody else sees.  A setter that fails has set nothing that frees a byte. */
uint64_t pad_half(const struct object *o);
uint64_t pad_sent(const struct object *o);
void pad_received(const struct object *o, struct ranges *r);
CK_RV pad_set_sent(struct object *o, uint64_t sent);
CK_RV pad_set_received(struct object *o, const struct ranges *r);
CK_RV pad_count_forged(struct object *o, long more);
/* Where our half, or the other, begins in the value. */
uint8_t *pad_half_at(struct module *m, struct object *o, bool ours);

/* With the token's lock.  HOST_MEMORY. */
CK_RV otp_use_of(struct object *o, struct otp_use **out);

/* Puts what was reserved to send with back into a copy of the key, if nobody has reserved after it. */
CK_RV pad_give_back_send(struct module *m, struct object *next, const struct otp_use *p);
/* The same of the other half: what no message took, so far as the ranges allow it.  `gone` is the copy's set, and becomes
 * what is to be set. */
void pad_give_back_receive(struct module *m, struct object *next, const struct otp_use *p, struct ranges *gone);

#endif
