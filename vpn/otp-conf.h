/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/otp-conf.h - the configuration of dske-vpn, dske-vpn.conf(5).
 *
 *   [tunnel]  name, peer, device, address (each line one), mtu, listen, remote, block, ahead, day_limit, day_file,
 *             agreements, timeout, user, offloads, status
 *   [token]   module, token, pin_file
 *   [log]     target, level
 */
#ifndef DSKE_VPN_OTP_CONF_H
#define DSKE_VPN_OTP_CONF_H

#include "base/rc.h"
#include "vpn/device.h"
#include "vpn/outbox.h"
#include "vpn/packet.h"
#include "vpn/service.h"

#define OTP_MTU_LEAST 1280                        /* of IPv6 (RFC 8200, 5) */
#define OTP_MTU_MOST (OUTBOX_BYTES - PACKET_MORE) /* with what the tunnel adds, one datagram of UDP */

struct otp_conf {
	char name[64];                 /* what both ends call the tunnel; default "vpn" */
	char peer[64];
	char device[DEVICE_NAME_MAX + 1]; /* default dske%d */
	char addresses[DEVICE_ADDRESSES_MAX][64];
	size_t address_count;
	unsigned mtu;                  /* default 1420 */
	char listen[280], remote[280]; /* default ":51821"; remote may be empty */
	uint64_t block, ahead, day_limit; /* bytes; 1 MiB, 16 MiB, 0 (no limit) */
	struct path day_file;          /* where a day's bytes are counted; default /var/lib/dske/vpn-NAME.day */
	unsigned agreements;           /* at a time in each direction; default 2 */
	int64_t timeout_ms;            /* of one; default 30 s */
	char user[64];                 /* who runs once the device is open; empty: nothing is given up */
	bool offloads;                 /* default yes */
	struct service_conf service;   /* status: default /run/dske/vpn-NAME */
};

const char *otp_conf_default_file(void);

/* Errors: NOT_FOUND, DENIED, IO, CONFIG with file and line. */
dske_rc otp_conf_read(struct otp_conf *c, const char *file);

#endif
