/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/wg-events.h - when an interface is made, set up or set down, as the kernel tells it (rtnetlink, RTNLGRP_LINK).  Of a
 * peer that is added to one nobody tells.
 */
#ifndef DSKE_VPN_WG_EVENTS_H
#define DSKE_VPN_WG_EVENTS_H

#include <stdint.h>

#include "base/file.h"
#include "base/rc.h"

struct mnl_socket;

struct wg_events {
	struct mnl_socket *links; /* owned; NULL: not open */
	struct fd end;            /* eventfd: nobody waits any more */
};
#define WG_EVENTS_NONE {.end = FD_NONE}

dske_rc wg_events_open(struct wg_events *e); /* Errors: IO */
void wg_events_drop(struct wg_events *e);    /* safe on WG_EVENTS_NONE */

/* Until something happens to that interface, or ms are over.  False: it was ended. */
bool wg_events_wait(const struct wg_events *e, const char *interface, int ms);

/* Ends that wait, and all later ones.  Any thread. */
void wg_events_end(const struct wg_events *e);

#endif
