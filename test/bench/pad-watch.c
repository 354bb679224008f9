/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/pad-watch.c - an auditor on the wire that keeps up with gigabits: which bytes of which pads the datagrams of a
 * tunnel used (vpn/packet.h), both ways.
 *
 *	pad-watch NETNS DEVICE PORT      until SIGTERM; then one JSON object:
 *
 *	datagrams   that passed, from or to that UDP port             pads    that they named
 *	bytes       of pad that they used                             twice   datagrams that used a byte another had used; must be 0
 *	lost        packets that passed and were not looked at; must be 0
 *
 * Large packets are looked at as they are cut afterwards (UDP_SEGMENT): virtio_net_hdr says how.
 */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/bench/bench.h"
#include "vpn/packet.h"

#define PADS 65536
#define UNITS ((size_t)1 << 16) /* of a pad of 1 MiB */
#define FRAME 70000

struct seen {
	uint64_t name; /* 0: a free place */
	uint64_t used[UNITS / 64];
};

static volatile sig_atomic_t is_over;
static struct seen *pads[PADS];
static unsigned long long datagrams, bytes, twice, strange;
static size_t pad_count;

static void end(int number)
{
	(void)number;
	is_over = 1;
}

static struct seen *pad_of(uint64_t name)
{
	size_t i = (size_t)(name % PADS);
	while (pads[i] != NULL && pads[i]->name != name)
		i = (i + 1) % PADS;
	if (pads[i] == NULL) {
		bench_need(pad_count < PADS / 2, "too many pads");
		pads[i] = calloc(1, sizeof *pads[i]);
		bench_need(pads[i] != NULL, "memory for a pad");
		pads[i]->name = name;
		pad_count++;
	}
	return pads[i];
}

static void take_datagram(const uint8_t *d, size_t len)
{
	struct packet_head head;
	if (!packet_read_head(&head, d, len)) {
		strange++;
		return;
	}
	struct seen *p = pad_of(head.name);
	size_t count = (PACKET_KEY + len - PACKET_MORE + PAD_UNIT - 1) / PAD_UNIT;
	bool is_twice = head.unit + count > UNITS;
	for (size_t u = head.unit; u < head.unit + count && u < UNITS; u++) {
		uint64_t bit = UINT64_C(1) << u % 64;
		is_twice = is_twice || (p->used[u / 64] & bit) != 0;
		p->used[u / 64] |= bit;
	}
	datagrams++;
	bytes += count * PAD_UNIT;
	twice += is_twice;
}

/* An Ethernet frame of IPv4 with what the kernel says of it. */
static void take_frame(const struct virtio_net_hdr *hdr, const uint8_t *frame, size_t len, uint16_t port)
{
	if (len < 14 + 20 + 8 || frame[12] != 8 || frame[13] != 0 || frame[14 + 9] != IPPROTO_UDP)
		return;
	size_t at = 14 + (size_t)(frame[14] & 15) * 4 + 8;
	uint16_t from = (uint16_t)(frame[at - 8] << 8 | frame[at - 7]), to = (uint16_t)(frame[at - 6] << 8 | frame[at - 5]);
	if (len <= at || (from != port && to != port))
		return;
	size_t step = hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE && hdr->gso_size > 0 ? hdr->gso_size : len - at;
	for (; at < len; at += step)
		take_datagram(frame + at, len - at < step ? len - at : step);
}

static int open_socket(const char *namespace, const char *device)
{
	int yes = 1, room = 512 << 20;
	int space = open(namespace, O_RDONLY | O_CLOEXEC);
	bench_need(space >= 0 && setns(space, CLONE_NEWNET) == 0, "there is no such network namespace, or it may not be entered");
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(device)};
	struct timeval wait = {.tv_usec = 100000};
	bench_need(s >= 0 && at.sll_ifindex != 0, "a packet socket, or the device");
	bench_need(setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &yes, sizeof yes) == 0, "what the kernel says of packets");
	bench_need(setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) == 0, "room for packets");
	bench_need(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0, "a time limit");
	bench_need(bind(s, (struct sockaddr *)&at, sizeof at) == 0, "binding to the device");
	return s;
}

int main(int argc, char **argv)
{
	static uint8_t packet[sizeof(struct virtio_net_hdr) + FRAME];
	struct tpacket_stats stats = {0};
	socklen_t stats_len = sizeof stats;
	bench_need(argc == 4, "pad-watch NETNS DEVICE PORT");
	uint16_t port = (uint16_t)strtoul(argv[3], NULL, 10);
	signal(SIGTERM, end);
	int s = open_socket(argv[1], argv[2]);
	for (ssize_t n = 0; !is_over || n > 0;) { /* what was there at the end is looked at, too */
		struct virtio_net_hdr hdr;
		n = recv(s, packet, sizeof packet, 0);
		if (n < (ssize_t)sizeof hdr)
			continue;
		memcpy(&hdr, packet, sizeof hdr);
		take_frame(&hdr, packet + sizeof hdr, (size_t)n - sizeof hdr, port);
	}
	getsockopt(s, SOL_PACKET, PACKET_STATISTICS, &stats, &stats_len);
	printf("{\"datagrams\": %llu, \"pads\": %zu, \"bytes\": %llu, \"twice\": %llu, \"strange\": %llu, \"lost\": %u}\n", datagrams, pad_count,
	       bytes, twice, strange, stats.tp_drops);
	return 0;
}
