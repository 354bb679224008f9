/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/device.h - the tunnel's network device: Linux's TUN, with offloads (large packets and open checksums).
 *
 * Opening it and setting it up wants CAP_NET_ADMIN; reading and writing does not.
 */
#ifndef DSKE_VPN_DEVICE_H
#define DSKE_VPN_DEVICE_H

#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/file.h"
#include "base/rc.h"

#define DEVICE_NAME_MAX 15
#define DEVICE_ADDRESSES_MAX 8

struct device {
	struct fd fd;           /* not blocking */
	char name[DEVICE_NAME_MAX + 1];
	bool cuts_udp;          /* the kernel hands over and takes large packets of UDP too */
};

/* name may have %d (tun%d); offloads false: one packet a call.  Errors: DENIED (what right is missing), IO, ARGS. */
dske_rc device_open(struct device *d, const char *name, bool offloads);
void device_drop(struct device *d); /* the device goes, with its addresses and routes; safe on an empty one */

/* Addresses as ADDRESS/PREFIX, of IPv4 or IPv6; the device is up afterwards.  Errors: CONFIG (no address), DENIED, IO. */
dske_rc device_set_up(const struct device *d, unsigned mtu, const char *const *addresses, size_t count);

/* One frame; *len is 0 when none waits.  Errors: IO (the device is gone or down). */
dske_rc device_read(const struct device *d, struct virtio_net_hdr *hdr, uint8_t *frame, size_t cap, size_t *len);

/* What the kernel does not take is lost, as on any network.  Errors: IO (the device is gone). */
dske_rc device_write(const struct device *d, const struct virtio_net_hdr *hdr, const uint8_t *frame, size_t len);

#endif
