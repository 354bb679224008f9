/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/wg-link.h - one link whose key is kept fresh: a WireGuard peer, or a command that takes the key.
 *
 * Its thread agrees a key with the other end, by the token, each interval.  The key is confirmed: an end that gets it knows
 * that the other has it too, and only then puts it in place.  Whatever fails leaves the key that is there.
 *
 *	    start --- fail closed: a key that nobody has is put in place
 *	      |
 *	  -> agree --- initiator: each interval, and at once when handshakes fail; receiver: always
 *	  |   |
 *	  -- put in place --- and again, when the interface was made anew
 *
 * The initiator is whose client ID is lower.  Nothing here goes through the tunnel that is keyed.
 */
#ifndef DSKE_VPN_WG_LINK_H
#define DSKE_VPN_WG_LINK_H

#include <stdint.h>

#include "base/file.h"
#include "base/rc.h"
#include "vpn/token.h"
#include "vpn/wg-device.h"
#include "vpn/wg-hook.h"

struct wg_link_conf {
	char label[64];         /* what this end calls it */
	char peer[64];          /* the other end, by its name in the token */
	char name[64];          /* what both ends call it */
	struct wg_peer wg;      /* interface empty: there is none */
	struct path hook;       /* empty: there is none */
	int64_t interval_ms, timeout_ms;
	bool closed;            /* no traffic before the first key */
};

struct wg_link;

/* conf, hook (NULL: there is none) and token outlive it.  Errors: NOMEM, IO. */
dske_rc wg_link_start(struct wg_link **out, const struct wg_link_conf *conf, struct wg_hook *hook, struct token *token);

/* Asks it to end; then, after token_cancel, waits until it has.  Safe on NULL. */
void wg_link_end(struct wg_link *l);
void wg_link_free(struct wg_link *l);

struct wg_link_figures {
	bool initiates;
	uint64_t keys, failures, resets; /* put in place; agreements that failed; put in place again */
	int64_t key_ms;                  /* age of the last key; -1: none yet */
	int64_t handshake_ms;            /* for how long the last handshake has been known; -1: none */
	bool closed;                     /* nothing can go: no key yet, fail = closed, and that is in place */
	bool stuck;                      /* handshakes fail */
	bool in_place;                   /* the last key is where it belongs */
	char why[256];                   /* the last failure, if nothing succeeded since */
};
void wg_link_figures(struct wg_link *l, struct wg_link_figures *out); /* any thread */

#endif
