/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/supply.h - pads, agreed ahead of need by threads of their own.
 *
 * Each direction has its own keys: who sends under a pad initiates its agreement.  A thread agrees one pad after the other,
 * in a context of its own ("NAME/0", "NAME/1", ...), which both ends have alike; it goes on when the other end has said
 * that it holds the last one, so that no share of it is superseded at the hubs, or after a while.  Nothing depends on
 * the tunnel itself: agreements go through the hubs.
 *
 * An end that began anew knows no pad, and perhaps not where the other is.  So who hears nothing calls: agrees a short pad
 * ("NAME/call"), under which a word goes; again and again, less and less often.
 */
#ifndef DSKE_VPN_SUPPLY_H
#define DSKE_VPN_SUPPLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "vpn/stock.h"
#include "vpn/token.h"

#define SUPPLY_THREADS_MAX 8 /* of each direction */

struct supply_conf {
	const char *peer;   /* its name in the token; borrowed */
	const char *name;   /* what both ends call the tunnel; borrowed */
	size_t block;       /* bytes of a pad */
	uint64_t ahead;     /* bytes to send under that are kept ready */
	uint64_t day_limit; /* bytes to send under that are agreed in 24 hours, but for calls; 0: no limit */
	const char *day_file; /* where they are counted (vpn/day.h); borrowed */
	unsigned threads;   /* of each direction, alike at both ends */
	int64_t timeout_ms; /* of one agreement */
	int64_t (*silent_ms)(void *context); /* for how long nothing has been heard of the other end */
	void *silent_context;
};

struct supply;

/* Starts the threads.  token and stock outlive it.  Errors: NOMEM, IO; as day_open. */
dske_rc supply_start(struct supply **out, const struct supply_conf *conf, struct token *token, struct stock *stock);

/* After token_cancel: waits for the threads.  Safe on NULL. */
void supply_stop(struct supply *s);

struct supply_figures {
	uint64_t agreed[2], failed[2]; /* keys, by enum pad_side */
	uint64_t agreed_bytes[2];
	uint64_t today;                /* bytes to send under, of the limit */
	bool is_limited;               /* the day's limit is reached */
	char why[256];                 /* the last failure since the last success to send under; empty: none */
};
void supply_figures(struct supply *s, struct supply_figures *out); /* any thread */

#endif
