/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an input as what comes to the tunnel: by its first byte a datagram's head and a word (0), a frame of the device (1), or
 * packets of the other end, which are joined (2).  What is made of it is held against what the next one may rely on. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "vpn/packet.h"
#include "vpn/segment.h"
#include "vpn/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void hold(bool is_so)
{
	if (!is_so)
		abort();
}

/* Where a sanitizer sees its end. */
static uint8_t *copy_of(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	hold(copy != NULL);
	memcpy(copy, data, len);
	return copy;
}

static void datagram(const uint8_t *data, size_t len)
{
	struct packet_head head;
	struct word w;
	uint8_t again[WORD_LEN_MAX];
	if (packet_read_head(&head, data, len))
		hold(len > PACKET_MORE && len - PACKET_MORE <= PACKET_CONTENT_MAX && (head.flags & ~PACKET_PARTIAL) == 0);
	if (rc_ok(word_read(&w, data, len)))
		hold(word_write(again, &w) == len && memcmp(again, data, len) == 0);
}

/* Pieces are no longer than the kernel said, and hold all of the payload. */
static void frame(const uint8_t *data, size_t len)
{
	static uint8_t piece[FRAME_MAX + 1];
	struct virtio_net_hdr hdr;
	struct segments s;
	size_t payload = 0, next;
	if (len < sizeof hdr || len - sizeof hdr > FRAME_MAX)
		return;
	memcpy(&hdr, data, sizeof hdr);
	uint8_t *frame = copy_of(data + sizeof hdr, len - sizeof hdr);
	if (rc_ok(segments_begin(&s, &hdr, frame, len - sizeof hdr))) {
		while ((next = segments_next_len(&s)) > 0) {
			hold(next <= FRAME_MAX && next >= s.head_len && (s.step == 0 || next <= s.head_len + s.step));
			segments_next(&s, piece);
			payload += next - s.head_len;
		}
		hold(payload == len - sizeof hdr - s.head_len);
	}
	free(frame);
}

/* What the device is given: places and sizes lie within the frame. */
static void hold_merged(struct merge *m)
{
	if (m->len == 0)
		return;
	merge_finish(m);
	hold(m->len <= FRAME_MAX && m->hdr.hdr_len <= m->len);
	if ((m->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0)
		hold((size_t)m->hdr.csum_start + m->hdr.csum_offset + 2 <= m->len);
	if (m->hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		hold(m->hdr.gso_size > 0 && m->hdr.flags == VIRTIO_NET_HDR_F_NEEDS_CSUM);
	merge_empty(m);
}

/* Packets: flags (the lowest bit), length (2 bytes), bytes. */
static void packets(const uint8_t *data, size_t len)
{
	static struct merge m;
	m.joins_udp = true;
	merge_empty(&m);
	while (len > 3) {
		size_t of_this = (size_t)data[1] << 8 | data[2];
		bool added = false;
		of_this = of_this < len - 3 ? of_this : len - 3;
		uint8_t *packet = copy_of(data + 3, of_this);
		dske_rc rc = merge_add(&m, data[0] & PACKET_PARTIAL, packet, of_this, &added);
		if (rc_ok(rc) && !added) {
			hold_merged(&m);
			hold(rc_ok(merge_add(&m, data[0] & PACKET_PARTIAL, packet, of_this, &added)) && added);
		}
		free(packet);
		data += 3 + of_this;
		len -= 3 + of_this;
	}
	hold_merged(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const readers[])(const uint8_t *data, size_t len) = {datagram, frame, packets};
	if (len > 0)
		readers[data[0] % 3](data + 1, len - 1);
	return 0;
}
