/* SPDX-License-Identifier: Apache-2.0 */
/* test/vpn/test-segment.c - large packets cut and joined: nothing changes but how they are cut, and each piece is right by
 * itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/core/seeded.h"
#include "vpn/packet.h"
#include "vpn/segment.h"

struct shape {
	bool is_v6, is_tcp;
	size_t options; /* of TCP, bytes */
	size_t payload;
	bool is_extended; /* of IPv6: destination options, and a routing header with the last destination */
};
enum { EXTENSIONS = 8 + 24 };

static size_t l4_of(const struct shape *s)
{
	return (s->is_v6 ? 40u : 20u) + (s->is_extended ? EXTENSIONS : 0u);
}

static void put16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint16_t ones_sum(const uint8_t *p, size_t len, uint32_t s)
{
	for (size_t i = 0; i < len; i++)
		s += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static uint16_t pseudo(const uint8_t *p, size_t len, const struct shape *s)
{
	uint32_t more = (uint32_t)(len - l4_of(s)) + (s->is_tcp ? 6 : 17);
	if (s->is_extended)
		return ones_sum(p + 8, 16, ones_sum(p + 40 + 8 + 8, 16, more));
	return ones_sum(p + (s->is_v6 ? 8 : 12), s->is_v6 ? 32 : 8, more);
}

static void put_extensions(uint8_t *p, uint8_t protocol)
{
	p[6] = 60;
	p[40] = 43;
	p[41] = 0;
	p[48] = protocol;
	p[49] = 2;
}

/* As the kernel hands it over. */
static size_t make(uint8_t *p, struct virtio_net_hdr *hdr, const struct shape *s, uint32_t seq)
{
	struct seeded seed = {s->payload + seq};
	size_t l4 = l4_of(s), head = l4 + (s->is_tcp ? 20 + s->options : 8), len = head + s->payload;
	seeded_fill(&seed, p, len);
	p[0] = s->is_v6 ? 0x60 : 0x45;
	put16(p + (s->is_v6 ? 4 : 2), s->is_v6 ? len - 40 : len);
	p[s->is_v6 ? 6 : 9] = s->is_tcp ? 6 : 17;
	if (!s->is_v6) {
		put16(p + 6, 0x4000);
		put16(p + 10, 0);
		put16(p + 10, ones_sum(p, 20, 0) ^ 0xffffu);
	}
	if (s->is_tcp) {
		put16(p + l4 + 4, seq >> 16);
		put16(p + l4 + 6, seq & 0xffff);
		p[l4 + 12] = (uint8_t)((20 + s->options) / 4 << 4);
		p[l4 + 13] = 0x10;
	} else {
		put16(p + l4 + 4, len - l4);
	}
	if (s->is_extended)
		put_extensions(p, p[6]);
	put16(p + l4 + (s->is_tcp ? 16 : 6), pseudo(p, len, s));
	uint8_t tcp = s->is_v6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	*hdr = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = s->is_tcp ? tcp : SEGMENT_GSO_UDP_L4,
				       .hdr_len = (uint16_t)head, .gso_size = 1300, .csum_start = (uint16_t)l4,
				       .csum_offset = s->is_tcp ? 16 : 6};
	return len;
}

static void piece_is_right(const uint8_t *p, size_t len, const struct shape *s)
{
	size_t l4 = l4_of(s);
	assert_int_equal(get16(p + (s->is_v6 ? 4 : 2)) + (s->is_v6 ? 40u : 0u), len);
	assert_true(s->is_v6 || ones_sum(p, 20, 0) == 0xffff);
	assert_int_equal(get16(p + l4 + (s->is_tcp ? 16 : 6)), pseudo(p, len, s));
	assert_true(s->is_tcp || get16(p + l4 + 4) == len - l4);
}

static uint8_t frame[FRAME_MAX + 1], piece[FRAME_MAX + 1];
static struct merge merge;

static void round_trip(const struct shape *s, uint32_t seq)
{
	struct virtio_net_hdr hdr;
	struct segments cut;
	size_t len = make(frame, &hdr, s, seq), next, pieces = 0, payload = 0, head = hdr.hdr_len;
	assert_true(rc_ok(segments_begin(&cut, &hdr, frame, len)));
	assert_int_equal(cut.flags, PACKET_PARTIAL);
	merge.joins_udp = true;
	merge_empty(&merge);
	while ((next = segments_next_len(&cut)) > 0) {
		bool added = false;
		segments_next(&cut, piece);
		piece_is_right(piece, next, s);
		assert_memory_equal(piece + head, frame + head + payload, next - head);
		payload += next - head;
		assert_true(rc_ok(merge_add(&merge, PACKET_PARTIAL, piece, next, &added)));
		assert_true(added);
		pieces++;
	}
	assert_int_equal(pieces, (s->payload + 1299) / 1300);
	merge_finish(&merge);
	assert_int_equal(merge.len, len);
	assert_memory_equal(merge.frame, frame, len);
	assert_int_equal(merge.hdr.flags, hdr.flags);
	assert_int_equal(merge.hdr.csum_start, hdr.csum_start);
	assert_int_equal(merge.hdr.csum_offset, hdr.csum_offset);
	if (pieces > 1) {
		assert_int_equal(merge.hdr.gso_type, hdr.gso_type);
		assert_int_equal(merge.hdr.gso_size, 1300);
	}
}

static void cut_and_joined(void **state)
{
	(void)state;
	static const size_t payloads[] = {1, 1299, 1300, 1301, 2600, 40000, 64000};
	for (unsigned kind = 0; kind < 8; kind++) {
		for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
			struct shape s = {kind & 1, kind & 2, kind & 2 ? 12 : 0, payloads[i], (kind & 5) == 5};
			round_trip(&s, UINT32_MAX - 3000); /* sequence numbers wrap around */
		}
	}
}

/* FIN and PSH are the last piece's, CWR the first's. */
static void flags_stay_where_they_belong(void **state)
{
	(void)state;
	struct shape s = {.is_tcp = true, .payload = 5000};
	struct virtio_net_hdr hdr;
	struct segments cut;
	size_t len = make(frame, &hdr, &s, 1), next;
	hdr.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	frame[33] = 0x10 | 0x01 | 0x08 | 0x80;
	assert_true(rc_ok(segments_begin(&cut, &hdr, frame, len)));
	for (unsigned i = 0; (next = segments_next_len(&cut)) > 0; i++) {
		segments_next(&cut, piece);
		assert_int_equal(piece[33], i == 0 ? 0x90 : segments_next_len(&cut) == 0 ? 0x19 : 0x10);
	}
}

static void others_are_not_joined(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint8_t mask;
	} changes[] = {{1, 4}, {8, 1}, {12, 1}, {16, 1}, {20, 1}, {22, 1}, {27, 1}, {31, 1}, {33, 0x02}, {34, 1}, {40, 1}};
	struct shape s = {.is_tcp = true, .options = 12, .payload = 2600};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct virtio_net_hdr hdr;
		struct segments cut;
		bool added;
		size_t len = make(frame, &hdr, &s, 7);
		assert_true(rc_ok(segments_begin(&cut, &hdr, frame, len)));
		merge_empty(&merge);
		size_t next = segments_next_len(&cut);
		segments_next(&cut, piece);
		assert_true(rc_ok(merge_add(&merge, PACKET_PARTIAL, piece, next, &added)));
		next = segments_next_len(&cut);
		segments_next(&cut, piece);
		piece[changes[i].at] ^= changes[i].mask;
		assert_true(rc_ok(merge_add(&merge, PACKET_PARTIAL, piece, next, &added)));
		assert_false(added);
		piece[changes[i].at] ^= changes[i].mask;
		assert_true(rc_ok(merge_add(&merge, 0, piece, next, &added)));
		assert_false(added); /* its checksum is whole: the joined one's would not be */
		assert_true(rc_ok(merge_add(&merge, PACKET_PARTIAL, piece, next, &added)));
		assert_true(added);
	}
}

/* Nor are those whose extension headers say something else. */
static void extensions_are_compared(void **state)
{
	(void)state;
	struct shape s = {.is_v6 = true, .is_tcp = true, .payload = 2600, .is_extended = true};
	for (size_t at = 40; at <= 40 + EXTENSIONS; at++) {
		struct virtio_net_hdr hdr;
		struct segments cut;
		bool added;
		size_t len = make(frame, &hdr, &s, 7), next;
		assert_true(rc_ok(segments_begin(&cut, &hdr, frame, len)));
		merge_empty(&merge);
		next = segments_next_len(&cut);
		segments_next(&cut, piece);
		assert_true(rc_ok(merge_add(&merge, PACKET_PARTIAL, piece, next, &added)));
		next = segments_next_len(&cut);
		segments_next(&cut, piece);
		piece[at] ^= at == 40 + EXTENSIONS ? 0 : 1;
		assert_true(rc_ok(merge_add(&merge, PACKET_PARTIAL, piece, next, &added)));
		assert_int_equal(added, at == 40 + EXTENSIONS);
	}
}

/* Whatever the bytes are: no reading or writing outside, and what comes out of cutting fits its length. */
static void anything(void **state)
{
	(void)state;
	struct seeded seed = {2026};
	for (int i = 0; i < 200000; i++) {
		struct virtio_net_hdr hdr;
		struct segments cut;
		bool added;
		size_t len = 1 + seeded_below(&seed, 200), next;
		seeded_fill(&seed, &hdr, sizeof hdr);
		seeded_fill(&seed, frame, len);
		frame[0] = seeded_below(&seed, 2) == 0 ? 0x45 : 0x60;
		hdr.gso_type = (uint8_t)seeded_below(&seed, 6);
		hdr.csum_start = frame[0] == 0x45 ? 20 : 40;
		if (seeded_below(&seed, 2) == 0)
			put16(frame + (frame[0] == 0x45 ? 2 : 4), frame[0] == 0x45 || len < 40 ? len : len - 40);
		frame[frame[0] == 0x45 ? 9 : 6] = (uint8_t[]){6, 17, 0, 43, 60}[seeded_below(&seed, frame[0] == 0x45 ? 2 : 5)];
		if (len > 50 && seeded_below(&seed, 2) == 0) {
			frame[40] = 6;
			frame[41] = (uint8_t)seeded_below(&seed, 4);
		}
		if (rc_ok(segments_begin(&cut, &hdr, frame, len))) {
			for (int n = 0; n < 300 && (next = segments_next_len(&cut)) > 0; n++) {
				assert_in_range(next, 1, len);
				segments_next(&cut, piece);
			}
		}
		uint8_t *apart = test_malloc(len); /* so that a sanitizer sees the end */
		memcpy(apart, frame, len);
		if (merge.len > 60000 || (rc_ok(merge_add(&merge, (uint8_t)seeded_below(&seed, 2), apart, len, &added)) && !added))
			merge_finish(&merge), merge_empty(&merge);
		test_free(apart);
	}
}

/* UDP behind an authentication header, whose sum the kernel leaves open: it is ended, whatever the length. */
static void sums_that_we_do_not_know_are_ended(void **state)
{
	(void)state;
	for (size_t payload = 0; payload < 300; payload++) {
		struct seeded seed = {payload};
		uint8_t p[400], out[400];
		size_t l4 = 48, len = l4 + 8 + payload;
		struct virtio_net_hdr hdr = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = (uint16_t)l4, .csum_offset = 6};
		struct segments s;
		seeded_fill(&seed, p, len);
		p[0] = 0x60;
		put16(p + 4, len - 40);
		p[6] = 51;
		p[40] = 17;
		p[41] = 0;
		put16(p + l4 + 4, len - l4);
		uint32_t of_pseudo = ones_sum(p + 8, 32, (uint32_t)(len - l4) + 17);
		put16(p + l4 + 6, of_pseudo);
		assert_true(rc_ok(segments_begin(&s, &hdr, p, len)));
		assert_int_equal(s.flags, 0);
		assert_int_equal(segments_next_len(&s), len);
		segments_next(&s, out);
		assert_int_equal(ones_sum(out + l4, len - l4, of_pseudo), 0xffff);
		for (hdr.csum_offset = (uint16_t)(len - l4 - 1); hdr.csum_offset < 1000; hdr.csum_offset++)
			assert_int_equal(segments_begin(&s, &hdr, p, len).code, DSKE_RC_FORMAT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_and_joined), cmocka_unit_test(flags_stay_where_they_belong),
		cmocka_unit_test(others_are_not_joined), cmocka_unit_test(extensions_are_compared), cmocka_unit_test(anything),
		cmocka_unit_test(sums_that_we_do_not_know_are_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
