/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/wg-device.h - one peer of a WireGuard interface: its pre-shared key, and whether handshakes succeed.
 *
 *	wg-user.c      wireguard-go and others, by the text protocol at /var/run/wireguard/NAME.sock
 *	wg-kernel.c    the kernel's, by generic netlink (linux/wireguard.h)
 *
 * Which of the two has the interface is looked up in each call: either may come and go.
 */
#ifndef DSKE_VPN_WG_DEVICE_H
#define DSKE_VPN_WG_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/secret.h"

#define WG_KEY_LEN 32
#define WG_INTERFACE_MAX 15

struct wg_peer {
	char interface[WG_INTERFACE_MAX + 1];
	uint8_t public_key[WG_KEY_LEN];
};

struct wg_state {
	struct secret psk;      /* owned: WG_KEY_LEN bytes; zeros: none is set */
	int64_t handshake_s;    /* the last one's time by the wall clock, to be compared with a later answer; 0: none */
	uint64_t received, sent; /* bytes, handshakes included */
};
void wg_state_drop(struct wg_state *s);

/* *s must be empty.  Errors: NOT_FOUND (no such interface, or peer of it), DENIED, IO. */
dske_rc wg_look(const struct wg_peer *p, struct wg_state *s);

/* Sets the pre-shared key of a peer that is there.  psk has WG_KEY_LEN bytes.  Errors: as wg_look. */
dske_rc wg_set(const struct wg_peer *p, const struct secret *psk);

/* What the two files offer. */
struct wg_backend {
	bool (*has)(const char *interface);
	dske_rc (*look)(const struct wg_peer *p, struct wg_state *s);
	dske_rc (*set)(const struct wg_peer *p, const struct secret *psk);
};
extern const struct wg_backend wg_user, wg_kernel;

#endif
