/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/wg-conf.h - the configuration of dske-wg, dske-wg.conf(5).
 *
 *   [wg]          interval, timeout, fail (of all links that do not say otherwise and come later), status
 *   [link LABEL]  peer, name, interface, public_key, hook, interval, timeout, fail
 *   [token]       module, token, pin_file
 *   [log]         target, level
 */
#ifndef DSKE_VPN_WG_CONF_H
#define DSKE_VPN_WG_CONF_H

#include "base/rc.h"
#include "vpn/service.h"
#include "vpn/wg-link.h"

#define WG_LINKS_MAX 256

struct wg_conf {
	struct wg_link_conf *links;  /* owned */
	size_t count;
	struct wg_link_conf preset;  /* what links begin with */
	struct service_conf service; /* status: default /run/dske/wg */
};

const char *wg_conf_default_file(void);

/* Errors: NOT_FOUND, DENIED, IO, CONFIG with file and line, NOMEM. */
dske_rc wg_conf_read(struct wg_conf *c, const char *file);
void wg_conf_drop(struct wg_conf *c);

/* A key in base64 of 44 characters, as wg(8) shows it; public ones alone.  Errors: FORMAT. */
dske_rc wg_key_parse(uint8_t key[WG_KEY_LEN], const char *text);

#endif
