/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/tunnel.h - packets between a device and the other end: one thread sends, one receives.
 *
 *	device -> segments (vpn/segment.h) -> packet_seal under the stock's pad -> outbox -> UDP
 *	UDP -> inbox -> packet_open -> merge (vpn/segment.h) -> device
 *
 * Without a pad the sender takes nothing from the device: what waits there goes when pads come, and the kernel drops
 * what is too much.  Nothing ever goes out in another way.  The other end is where its last authentic datagram came
 * from.
 */
#ifndef DSKE_VPN_TUNNEL_H
#define DSKE_VPN_TUNNEL_H

#include <stdint.h>

#include "base/rc.h"
#include "vpn/device.h"
#include "vpn/place.h"
#include "vpn/stock.h"

struct tunnel;

struct tunnel_figures {
	uint64_t sent, sent_bytes;         /* IP packets, and their bytes */
	uint64_t received, received_bytes;
	uint64_t too_large;                /* of the device's: longer than the MTU */
	uint64_t forged, repeated;         /* datagrams with a wrong tag; whose pad is used */
	uint64_t unknown, strange;         /* whose pad is not held; that are none of the tunnel's */
	uint64_t unsent;                   /* datagrams that the network did not take */
	uint64_t stops;                    /* how often traffic stopped for want of pads */
	int64_t heard_ms;                  /* clock_ms() of the last authentic datagram; 0: never */
	bool is_stopped;                   /* no pad to send under now */
	struct place remote;
};

/* Starts both threads.  device, fd (of place_listen) and stock outlive it; remote->len 0: whoever comes with an authentic
 * datagram.  Errors: NOMEM, IO. */
dske_rc tunnel_start(struct tunnel **out, struct device *device, int fd, const struct place *remote, struct stock *stock, unsigned mtu);

/* Ends the threads.  Safe on NULL. */
void tunnel_stop(struct tunnel *t);

/* Errors: IO: a thread ended, for that reason. */
dske_rc tunnel_check(struct tunnel *t);

void tunnel_figures(struct tunnel *t, struct tunnel_figures *out); /* any thread */

/* For how many milliseconds nothing authentic has come; from any thread. */
int64_t tunnel_silent_ms(struct tunnel *t);

#endif
