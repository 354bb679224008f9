/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/stock.h - the pads of one end: what it may send under, and what it receives under.
 *
 * Pads come from threads that agree keys (vpn/supply.h); one thread sends, one receives.  What the other end says
 * (vpn/word.h) decides which pads the sender uses for traffic: those it holds.  Its own word goes under any pad, since
 * the first pad of one direction is confirmed through the other, whose first is not confirmed yet either.
 *
 * A run of the other end that is not the one before has lost its memory: pads that it does not name are given up.  So are
 * those that it has not named for a minute while it spoke: it will not get them any more.
 */
#ifndef DSKE_VPN_STOCK_H
#define DSKE_VPN_STOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "vpn/pad.h"
#include "vpn/word.h"

struct stock;

/* hold_max: bytes of pads that are kept to receive under; beyond them the oldest goes.  *out is the caller's, for
 * stock_free.  Errors: NOMEM, IO. */
dske_rc stock_new(struct stock **out, uint64_t hold_max);
void stock_free(struct stock *s); /* wipes all pads; safe on NULL */

/* Milliseconds that never go back; clock_ms (base/net.h) when nothing is set.  Before threads use it. */
void stock_set_clock(struct stock *s, int64_t (*clock)(void));

/* Wipes and frees pads that are over, and returns how many.  That takes the kernel its time: for threads that neither send nor
 * receive. */
size_t stock_tidy(struct stock *s);

/* A key has been agreed; it is empty afterwards.  Tidies, too.  Any thread but those two.  Errors: NOMEM, TOOBIG. */
dske_rc stock_add(struct stock *s, enum pad_side side, uint64_t name, struct secret *key);

/* The pad to send traffic under with at least len bytes left; NULL: there is none now.  The sender's thread only; valid
 * until its next call of the stock. */
struct pad *stock_sending(struct stock *s, size_t len);

/* The newest pad that the other end has not said it holds: a word goes under it as well, lest both ends wait for each
 * other's.  The same otherwise. */
struct pad *stock_sending_new(struct stock *s, size_t len);

/* The pad of that name to receive under; NULL: not held, which the next word tells.  Anybody can write a name: this changes
 * nothing else.  The receiver's thread only; valid until its next call. */
struct pad *stock_receiving(struct stock *s, uint64_t name);

/* Traffic that was authentic came under the pad that stock_receiving gave last: those before it are over soon.
 * now_ms: by the stock's clock. */
void stock_used(struct stock *s, int64_t now_ms);

/* The other end's word, which was authentic, and came under the pad that stock_receiving gave last.  The receiver's thread. */
void stock_take_word(struct stock *s, const struct word *w);

/* This end's word, as of now.  The sender's thread. */
void stock_make_word(struct stock *s, struct word *w);

/* Is there something to say that no word has said yet?  Any thread. */
bool stock_word_due(const struct stock *s);

/* Is that pad to send under here, and the other end has not said yet that it holds it?  Any thread; for who agrees the
 * next. */
bool stock_is_waiting(struct stock *s, uint64_t name);

/* That pad's key will not reach the other end any more, unless it has: no word has said so.  Any thread. */
void stock_give_up(struct stock *s, uint64_t name);

struct stock_figures {
	uint64_t send_left, send_unconfirmed, receive_left; /* bytes: for traffic; not held by the other end yet; held here */
	uint64_t sent_pads, received_pads;                  /* that were added */
	uint64_t given_up;                                  /* bytes of pads that the other end lost */
	uint64_t restarts;                                  /* of the other end, seen */
	uint64_t other_keeps;                               /* bytes that the other end keeps to receive under; 0: not told yet */
	uint64_t used[2];                                   /* bytes, by enum pad_side; what was wiped as too little counts */
};
void stock_figures(struct stock *s, struct stock_figures *out); /* any thread */

#endif
