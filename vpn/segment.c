/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/segment.h"

#include <endian.h>
#include <netinet/in.h>
#include <string.h>

#include "vpn/packet.h"

/* Places in headers (RFC 791, 8200, 9293, 768). */
enum {
	IP4_HEAD = 20, IP4_LEN = 2, IP4_ID = 4, IP4_FRAGMENT = 6, IP4_PROTOCOL = 9, IP4_SUM = 10, IP4_ADDRESSES = 12,
	IP6_HEAD = 40, IP6_LEN = 4, IP6_NEXT = 6,
	TCP_HEAD = 20, TCP_SEQUENCE = 4, TCP_OFFSET = 12, TCP_FLAGS = 13, TCP_SUM = 16,
	UDP_HEAD = 8, UDP_LEN = 4, UDP_SUM = 6
};
enum { TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_ACK = 0x10, TCP_CWR = 0x80 };

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* ---- sums (RFC 1071) --------------------------------------------------------------------------------------- */

static uint32_t sum(const uint8_t *bytes, size_t len, uint32_t start)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		start += get16(bytes + i);
	return start;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

/* In the checksum's place stands the pseudo-header's sum, for others to end.  It has the length in it, which is another now;
 * and the last destination, which behind a routing header is not the packet's: so it is changed, not made anew. */
static void fit_pseudo_sum(uint8_t *l4, bool is_tcp, size_t before, size_t now)
{
	uint8_t *at = l4 + (is_tcp ? TCP_SUM : UDP_SUM);
	put16(at, fold((uint32_t)get16(at) + (uint16_t)~before + (uint16_t)now));
}

static void put_lengths(uint8_t *packet, size_t len, size_t l4, bool is_v6, bool is_tcp)
{
	if (is_v6) {
		put16(packet + IP6_LEN, len - IP6_HEAD);
	} else {
		put16(packet + IP4_LEN, len);
		put16(packet + IP4_SUM, 0);
		put16(packet + IP4_SUM, fold(sum(packet, l4, 0)) ^ 0xffff);
	}
	if (!is_tcp)
		put16(packet + l4 + UDP_LEN, len - l4);
}

/* What stands in the checksum's place is the pseudo-header's sum.  Zero is written as its other form: UDP takes it for none. */
static bool end_sum(const struct virtio_net_hdr *hdr, uint8_t *packet, size_t len)
{
	size_t start = hdr->csum_start, at = start + hdr->csum_offset;
	if (at + 2 > len)
		return false;
	uint32_t last = (len - start) % 2 == 0 ? 0 : (uint32_t)packet[len - 1] << 8;
	uint16_t ended = fold(sum(packet + start, len - start, last)) ^ 0xffff;
	put16(packet + at, ended == 0 ? 0xffff : ended);
	return true;
}

/* ---- what a packet is -------------------------------------------------------------------------------------- */

struct layout {
	bool is_v6, is_tcp;
	size_t l4, head_len; /* 0: no TCP or UDP that we know to cut or join */
};

/* Where what follows the extension headers begins, and what it is; that each piece gets alike.  Others, those of fragments
 * among them, are as unknown as any protocol. */
static size_t skip_extensions(const uint8_t *packet, size_t len, uint8_t *protocol)
{
	size_t at = IP6_HEAD;
	*protocol = packet[IP6_NEXT];
	while ((*protocol == IPPROTO_HOPOPTS || *protocol == IPPROTO_ROUTING || *protocol == IPPROTO_DSTOPTS) && at + 2 <= len) {
		*protocol = packet[at];
		at += ((size_t)packet[at + 1] + 1) * 8;
	}
	return at;
}

/* Fragments are left alone. */
static void find_l4(struct layout *l, const uint8_t *packet, size_t len)
{
	uint8_t protocol = packet[IP4_PROTOCOL];
	size_t l4 = l->is_v6 ? skip_extensions(packet, len, &protocol) : (size_t)(packet[0] & 0x0f) * 4;
	bool is_part = !l->is_v6 && (get16(packet + IP4_FRAGMENT) & 0x3fff) != 0;
	size_t head = protocol == IPPROTO_TCP ? TCP_HEAD : UDP_HEAD;
	if (l4 < (l->is_v6 ? IP6_HEAD : IP4_HEAD) || is_part || len < l4 + head ||
	    (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP))
		return;
	l->is_tcp = protocol == IPPROTO_TCP;
	if (l->is_tcp)
		head = (size_t)(packet[l4 + TCP_OFFSET] >> 4) * 4;
	if (l->is_tcp && (head < TCP_HEAD || len < l4 + head))
		return;
	l->l4 = l4;
	l->head_len = l4 + head;
}

/* Is it an IP packet of this length? */
static bool layout_of(struct layout *l, const uint8_t *packet, size_t len)
{
	*l = (struct layout){.is_v6 = len >= IP6_HEAD && packet[0] >> 4 == 6};
	bool is_v4 = len >= IP4_HEAD && packet[0] >> 4 == 4;
	if (!l->is_v6 && !is_v4)
		return false;
	find_l4(l, packet, len);
	return true;
}

static bool says_its_length(const uint8_t *packet, size_t len, bool is_v6)
{
	return is_v6 ? (size_t)get16(packet + IP6_LEN) + IP6_HEAD == len : get16(packet + IP4_LEN) == len;
}

/* ---- cutting ----------------------------------------------------------------------------------------------- */

dske_rc segments_begin(struct segments *s, const struct virtio_net_hdr *hdr, uint8_t *frame, size_t len)
{
	struct layout l;
	uint8_t gso = hdr->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	if (!layout_of(&l, frame, len))
		return FAIL(FORMAT, "the device sends what is no IP packet");
	*s = (struct segments){.frame = frame, .frame_len = len, .head_len = len, .is_v6 = l.is_v6, .is_tcp = l.is_tcp, .l4 = l.l4};
	bool is_partial = (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0;
	bool is_ours = l.l4 != 0 && hdr->csum_start == l.l4;
	if (is_partial && !is_ours && gso == VIRTIO_NET_HDR_GSO_NONE)
		return end_sum(hdr, frame, len) ? DSKE_OK : FAIL(FORMAT, "the device leaves a checksum open beyond the packet");
	s->flags = is_partial ? PACKET_PARTIAL : 0;
	if (gso == VIRTIO_NET_HDR_GSO_NONE)
		return DSKE_OK;
	bool is_known = gso == SEGMENT_GSO_UDP_L4 ? !l.is_tcp
						  : l.is_tcp && gso == (l.is_v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4);
	if (l.l4 == 0 || !is_known || !is_partial || !is_ours || hdr->gso_size == 0 || l.head_len >= len)
		return FAIL(FORMAT, "the device sends a large packet of an unknown kind");
	s->head_len = l.head_len;
	s->step = hdr->gso_size;
	return DSKE_OK;
}

size_t segments_next_len(const struct segments *s)
{
	if (s->step == 0)
		return s->number == 0 ? s->frame_len : 0;
	size_t left = s->frame_len - s->head_len - s->at;
	return left == 0 ? 0 : s->head_len + (left < s->step ? left : s->step);
}

static void fit_head(const struct segments *s, uint8_t *out, size_t len, bool is_last)
{
	if (!s->is_v6)
		put16(out + IP4_ID, get16(out + IP4_ID) + s->number);
	if (s->is_tcp) {
		uint8_t *tcp = out + s->l4;
		put32(tcp + TCP_SEQUENCE, get32(tcp + TCP_SEQUENCE) + (uint32_t)s->at);
		if (!is_last)
			tcp[TCP_FLAGS] &= (uint8_t)~(TCP_FIN | TCP_PSH);
		if (s->number > 0)
			tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
	}
	put_lengths(out, len, s->l4, s->is_v6, s->is_tcp);
	fit_pseudo_sum(out + s->l4, s->is_tcp, s->frame_len - s->l4, len - s->l4);
}

void segments_next(struct segments *s, uint8_t *out)
{
	size_t len = segments_next_len(s);
	if (s->step == 0) {
		memcpy(out, s->frame, len);
	} else {
		size_t payload = len - s->head_len;
		memcpy(out, s->frame, s->head_len);
		memcpy(out + s->head_len, s->frame + s->head_len + s->at, payload);
		fit_head(s, out, len, s->head_len + s->at + payload == s->frame_len);
		s->at += payload;
	}
	s->number++;
}

/* ---- joining ----------------------------------------------------------------------------------------------- */

static void merge_begin(struct merge *m, const struct layout *l, uint8_t flags, const uint8_t *packet, size_t len)
{
	memcpy(m->frame, packet, len);
	m->len = len;
	m->count = 1;
	m->l4 = l->l4;
	m->head_len = l->head_len;
	m->is_v6 = l->is_v6;
	m->is_tcp = l->is_tcp;
	m->hdr = (struct virtio_net_hdr){0};
	bool is_partial = (flags & PACKET_PARTIAL) != 0 && l->l4 != 0;
	if (is_partial) {
		m->hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		m->hdr.csum_start = (uint16_t)l->l4;
		m->hdr.csum_offset = l->is_tcp ? TCP_SUM : UDP_SUM;
	}
	m->step = l->l4 == 0 ? 0 : len - l->head_len;
	m->is_open = is_partial && m->step > 0 && (m->is_tcp || m->joins_udp);
	if (m->is_open && m->is_tcp) {
		m->next = get32(packet + m->l4 + TCP_SEQUENCE) + (uint32_t)m->step;
		m->is_open = (packet[m->l4 + TCP_FLAGS] & (uint8_t)~TCP_PSH) == TCP_ACK && (packet[m->l4 + TCP_FLAGS] & TCP_PSH) == 0;
	}
}

/* All of IP's headers that does not change within a cut packet. */
static bool ip_is_alike(const struct merge *m, const uint8_t *p)
{
	const uint8_t *f = m->frame;
	if (m->is_v6)
		return memcmp(f, p, IP6_LEN) == 0 && memcmp(f + IP6_NEXT, p + IP6_NEXT, m->l4 - IP6_NEXT) == 0;
	return memcmp(f, p, IP4_LEN) == 0 && memcmp(f + IP4_FRAGMENT, p + IP4_FRAGMENT, IP4_SUM - IP4_FRAGMENT) == 0 &&
	       memcmp(f + IP4_ADDRESSES, p + IP4_ADDRESSES, m->l4 - IP4_ADDRESSES) == 0 &&
	       (uint16_t)(get16(f + IP4_ID) + m->count) == get16(p + IP4_ID);
}

static bool tcp_follows(const struct merge *m, const uint8_t *p)
{
	const uint8_t *f = m->frame + m->l4, *t = p + m->l4;
	return memcmp(f, t, TCP_SEQUENCE) == 0 && get32(t + TCP_SEQUENCE) == m->next && memcmp(f + 8, t + 8, 5) == 0 &&
	       (t[TCP_FLAGS] & (uint8_t)~TCP_PSH) == TCP_ACK && memcmp(f + 14, t + 14, 2) == 0 &&
	       memcmp(f + 18, t + 18, m->head_len - m->l4 - 18) == 0;
}

static bool follows(const struct merge *m, const struct layout *l, uint8_t flags, const uint8_t *p, size_t len)
{
	if (!m->is_open || (flags & PACKET_PARTIAL) == 0 || l->l4 != m->l4 || l->head_len != m->head_len || l->is_v6 != m->is_v6 ||
	    l->is_tcp != m->is_tcp || len == l->head_len || len - l->head_len > m->step || m->len + len - l->head_len > FRAME_MAX)
		return false;
	return ip_is_alike(m, p) && (m->is_tcp ? tcp_follows(m, p) : memcmp(m->frame + m->l4, p + m->l4, UDP_LEN) == 0);
}

dske_rc merge_add(struct merge *m, uint8_t flags, const uint8_t *packet, size_t len, bool *added)
{
	struct layout l;
	if (!layout_of(&l, packet, len) || !says_its_length(packet, len, l.is_v6))
		return FAIL(FORMAT, "a datagram holds no IP packet of its length");
	*added = true;
	if (m->len == 0) {
		merge_begin(m, &l, flags, packet, len);
	} else if (follows(m, &l, flags, packet, len)) {
		size_t payload = len - l.head_len;
		memcpy(m->frame + m->len, packet + l.head_len, payload);
		m->len += payload;
		m->next += (uint32_t)payload;
		m->count++;
		bool is_pushed = l.is_tcp && (packet[l.l4 + TCP_FLAGS] & TCP_PSH) != 0;
		if (is_pushed)
			m->frame[l.l4 + TCP_FLAGS] |= TCP_PSH;
		m->is_open = payload == m->step && !is_pushed && m->count < 64;
	} else {
		*added = false;
	}
	return DSKE_OK;
}

void merge_finish(struct merge *m)
{
	if (m->count < 2)
		return;
	uint8_t tcp = m->is_v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	m->hdr.gso_type = m->is_tcp ? tcp : SEGMENT_GSO_UDP_L4;
	m->hdr.gso_size = (uint16_t)m->step;
	m->hdr.hdr_len = (uint16_t)m->head_len;
	put_lengths(m->frame, m->len, m->l4, m->is_v6, m->is_tcp);
	fit_pseudo_sum(m->frame + m->l4, m->is_tcp, m->head_len + m->step - m->l4, m->len - m->l4);
}
