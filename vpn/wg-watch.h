/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/wg-watch.h - do handshakes succeed?  WireGuard makes one every two minutes while there is traffic, and tries again
 * each five seconds when none comes about, which its counters of bytes show.  Ends that have not the same key are found so
 * within one handshake.  Pure: times are told, in milliseconds of a clock that never goes back; the interface's own time of
 * the last handshake is only compared with itself.
 */
#ifndef DSKE_VPN_WG_WATCH_H
#define DSKE_VPN_WG_WATCH_H

#include <stdint.h>

#include "vpn/wg-device.h"

struct wg_watch {
	bool looked;
	int64_t handshake_s, handshake_ms; /* the interface's word, and when it was first seen; 0: none */
	uint64_t bytes;                    /* sent and received, at the last look */
	int64_t bytes_ms;                  /* when they grew last */
	int64_t changed_ms;                /* when a key was put in place */
	int64_t asked_ms, gap_ms;          /* when another key was last asked for, and for how long not again */
};

void wg_watch_look(struct wg_watch *w, const struct wg_state *s, int64_t now);
void wg_watch_changed(struct wg_watch *w, int64_t now);

/* Somebody tries, and for longer than a handshake takes none has succeeded. */
bool wg_watch_is_stuck(const struct wg_watch *w, int64_t now);

/* Shall another key be asked for now?  Less and less often until a handshake succeeds. */
bool wg_watch_may_ask(struct wg_watch *w, int64_t now);

/* For how long the last handshake has been known; -1: there was none. */
int64_t wg_watch_age(const struct wg_watch *w, int64_t now);

#endif
