/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11/otp-key.h - agreed keys whose bytes are used once: what CKM_DSKE_OTP (otp.c) works with.
 *
 * A key is a pad from its beginning or never: its template's CKA_ALLOWED_MECHANISMS is CKM_DSKE_OTP and nothing else.  It is
 * agreed with a peer, a generic secret, sensitive, not extractable and not copyable, and has no check value.
 *
 *	value of len bytes      first half, len / 2 bytes       second half, as many     one byte if len is odd
 *	used by                 the initiator, to send          the receiver, to send    nobody
 *
 * An offset counts from the beginning of its half.  We send from ours in order, each byte once:
 *
 *	0 ............ at ........ sent ............ half
 *	 used or lost   reserved    not used
 *
 * `sent` is durable: half - CKA_DSKE_OTP_SEND_LEFT.  The bytes before it are zero in the value, in memory and in the store.
 * Some of them may be reserved by this process (otp-send.c), which has a copy of them in memory alone.
 *
 * From the other half bytes go as messages come, in any order: CKA_DSKE_OTP_RECEIVED has the ranges that are gone,
 * OTPKEY_RANGES_MAX at most; when there are more, the lowest hole is closed.  Among them may be one that this process has
 * reserved (otp-receive.c), so that what messages take of it needs no write:
 *
 *	0 .......... at .......... at + len .......... half
 *	 taken, or    of this process    taken, or not
 *	 not
 *
 * In either half: first it is durable that a byte is gone from the store, then it is in a reserve, then it is used, once,
 * and wiped.  So a process that is killed loses what it had reserved, and nobody uses any of it twice.  C_Logout gives back
 * what is left (otp-back.c), and a reserve that moves on what it leaves behind: the copy in memory goes with the write.
 *
 * Value and attributes change together, first in the store (key_step()), then in memory; only then a byte is used.
 */
#ifndef DSKE_PKCS11_OTP_KEY_H
#define DSKE_PKCS11_OTP_KEY_H

#include "base/secret.h"
#include "core/ranges.h"
#include "pkcs11/object.h"
#include "pkcs11/rv.h"

struct otp_use;

#define OTPKEY_RANGES_MAX RANGES_MAX
#define OTPKEY_FORGERIES_MAX 65536ul /* messages with a wrong tag, for the whole life of a pad */
#define OTPKEY_FORGERIES_AHEAD 64u   /* counted by one write, where a process reserves to receive */

bool otpkey_is(const struct attrs *a);

/* Of a new key, before its defaults are set: if it is to be a pad, is all as above?  TEMPLATE_INCONSISTENT. */
CK_RV otpkey_check_template(struct attrs *a, bool agreed);

/* Of a new key that is a pad, with its value: all of it is left. */
CK_RV otpkey_begin(struct attrs *a, size_t len);

/* Before an agreed key is kept: an agreement that was cut off may give the same key again, and bytes of a pad are in no
 * other key.  FUNCTION_REJECTED. */
CK_RV otpkey_is_alone(struct module *m, const struct object *key);

/* The store has another state of it: swaps it in, unless that is an earlier one, which is what a restored backup looks
 * like to a process that was there before.  With the module's lock. */
void otpkey_follow(struct object *o, struct object *stored);

/* What this process has of it: wiped and freed.  Safe on NULL. */
void otpkey_drop(struct otp_use *p);
/* What it has reserved of all pads, and not used, goes back into the store.  Takes the locks itself. */
void otpkey_give_back(struct module *m);

/* Whose half is ours?  KEY_FUNCTION_NOT_PERMITTED when that cannot be told.  The following take the token's and the module's lock
 * themselves. */
CK_RV otpkey_side(struct module *m, const struct object *o, bool *initiator);

struct otpkey_left {
	uint64_t half, send, receive; /* bytes; what is reserved counts as left to send */
	CK_ULONG forged;
};
void otpkey_left(struct module *m, const struct object *o, struct otpkey_left *left);

/* The next `len` bytes of our half, which were never given out and never will be again; *offset is where they began.
 * DATA_LEN_RANGE when there are not so many; as key_step(). */
CK_RV otpkey_take(struct module *m, struct object *o, size_t len, struct secret *out, uint64_t *offset);

/* A copy of bytes of the other half that are still there, or reserved by this process.  ENCRYPTED_DATA_INVALID: some are
 * gone, or never were. */
CK_RV otpkey_look(struct module *m, struct object *o, uint64_t offset, size_t len, struct secret *out);
/* They are gone now.  ENCRYPTED_DATA_INVALID: they were already. */
CK_RV otpkey_burn(struct module *m, struct object *o, uint64_t offset, size_t len);
/* One more message with a wrong tag. */
CK_RV otpkey_forged(struct module *m, struct object *o);

#endif
