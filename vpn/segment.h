/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vpn/segment.h - large packets of a TUN device with offloads cut into such as fit the tunnel, and put together again.
 *
 * The kernel hands over up to 64 KiB of one TCP stream, or of one UDP flow, with one header, and says how to cut it
 * (struct virtio_net_hdr).  Each piece goes on its own, so that a lost datagram costs one segment; what arrives
 * together is joined for the kernel again.  Checksums of TCP and UDP are left with the pseudo-header's sum alone
 * (PACKET_PARTIAL): the tunnel's tags say more.
 *
 * Pure functions over bytes; lengths in bytes.
 */
#ifndef DSKE_VPN_SEGMENT_H
#define DSKE_VPN_SEGMENT_H

#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define FRAME_MAX 65535 /* of an IP packet that the kernel hands over or takes */

/* What linux/virtio_net.h of Debian 12 has not got: UDP, cut as UDP_SEGMENT does. */
#define SEGMENT_GSO_UDP_L4 5

/* How a frame is cut. */
struct segments {
	const uint8_t *frame;
	size_t frame_len;
	size_t head_len;    /* IP headers, extensions included, and that of TCP or UDP, which each segment has; the whole frame where nothing is cut */
	size_t step;        /* bytes of payload in each but the last */
	size_t at;          /* how far it has come */
	size_t l4;          /* where the TCP or UDP header begins; 0: not looked for */
	bool is_v6, is_tcp;
	uint8_t flags;      /* PACKET_PARTIAL or 0: of each segment */
	unsigned number;
};

/* Begins with what was read from the device.  A checksum left open elsewhere than in the TCP or UDP header that we know (behind
 * an authentication header, in a packet within the packet) is ended in frame.  Errors: FORMAT (the kernel would not send it: passed
 * over). */
dske_rc segments_begin(struct segments *s, const struct virtio_net_hdr *hdr, uint8_t *frame, size_t len);

/* The next segment's length; 0: there is none.  It may be asked for again. */
size_t segments_next_len(const struct segments *s);

/* Writes the next segment, segments_next_len bytes. */
void segments_next(struct segments *s, uint8_t *out);

/* ---- the other way ---- */

/* A packet for the device that grows as segments of its stream come. */
struct merge {
	struct virtio_net_hdr hdr;
	uint8_t frame[FRAME_MAX];
	size_t len;      /* 0: empty */
	size_t head_len, step, l4;
	uint32_t next;   /* TCP sequence number of what would follow */
	bool is_open;    /* more may follow */
	bool is_v6, is_tcp;
	bool joins_udp;  /* the device takes SEGMENT_GSO_UDP_L4; its owner sets it */
	unsigned count;
};

/* Adds a packet; false: it does not follow what is there, which has to be written first (then it fits).  A packet that is
 * no IP packet, or says another length than it has, is an error.  Errors: FORMAT. */
dske_rc merge_add(struct merge *m, uint8_t flags, const uint8_t *packet, size_t len, bool *added);

/* Makes header and lengths fit what was added; then hdr and frame are what the device takes, and merge_empty begins the
 * next. */
void merge_finish(struct merge *m);
static inline void merge_empty(struct merge *m)
{
	m->len = 0;
}

#endif
