/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/delay.c - a long line between two network namespaces, in user space: delay, and a rate if it is given.
 *
 *	delay MICROSECONDS MBIT NETNS NAME NETNS NAME      MBIT 0: as fast as it goes; NETNS: /proc/PID/ns/net
 *
 * Makes a TUN device of that NAME in either namespace and passes on what comes to one to the other, so much later.  As
 * the delay is the same for all, each direction is a queue.  A line of a rate sends one packet after the other, and drops
 * what would wait longer than QUEUE_MS; large packets count as what they will be cut into.  Ends at SIGTERM, and says
 * what it did.
 */
#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "test/bench/bench.h"
#include "vpn/device.h"

#define FRAME_MOST 65536
#define QUEUE_BYTES ((size_t)128 << 20)
#define QUEUE_MS 50
#define FRAMES_A_TURN 32

struct waiting {
	int64_t due;
	size_t len;
	struct virtio_net_hdr hdr;
	uint8_t frame[];
};

/* Records one behind the other; one that does not fit before the end begins at 0 again, and a due time of END says so. */
#define END INT64_MIN
struct line {
	struct device *from, *to;
	uint8_t *bytes;              /* QUEUE_BYTES */
	size_t first, next, held;    /* places, and how many records */
	int64_t free_at;             /* when what was sent before has left */
	unsigned long long passed, dropped;
};

static volatile sig_atomic_t is_over;
static int64_t delay_ns;
static double ns_a_byte;

static void end(int number)
{
	(void)number;
	is_over = 1;
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static size_t size_of(size_t len)
{
	return (sizeof(struct waiting) + len + 15) / 16 * 16;
}

/* The record at that place, as it lies there; the end's mark is passed over. */
static struct waiting *first_of(struct line *l)
{
	struct waiting *w = (struct waiting *)(void *)(l->bytes + l->first);
	if (w->due == END) {
		l->first = 0;
		w = (struct waiting *)(void *)l->bytes;
	}
	return w;
}

/* Room for the longest frame and a mark behind it; NULL: the queue is full. */
static struct waiting *place(struct line *l)
{
	size_t most = size_of(FRAME_MOST) + size_of(0);
	if (l->held == 0)
		l->first = l->next = 0;
	bool is_wrapped = l->held > 0 && l->next <= l->first;
	if (is_wrapped)
		return l->first - l->next >= most ? (struct waiting *)(void *)(l->bytes + l->next) : NULL;
	if (QUEUE_BYTES - l->next >= most)
		return (struct waiting *)(void *)(l->bytes + l->next);
	if (l->first < most)
		return NULL;
	((struct waiting *)(void *)(l->bytes + l->next))->due = END;
	l->next = 0;
	return (struct waiting *)(void *)l->bytes;
}

/* Of the headers that each piece gets; hdr_len is but a hint. */
static size_t head_of(const struct waiting *w)
{
	size_t l4 = w->hdr.csum_start;
	bool is_tcp = w->hdr.csum_offset == 16;
	return l4 + 20 > w->len ? w->len : is_tcp ? l4 + (size_t)(w->frame[l4 + 12] >> 4) * 4 : l4 + 8;
}

static size_t length_on_line(const struct waiting *w)
{
	size_t head = head_of(w);
	if (w->hdr.gso_type == VIRTIO_NET_HDR_GSO_NONE || w->hdr.gso_size == 0 || w->len <= head)
		return w->len;
	size_t pieces = (w->len - head + w->hdr.gso_size - 1) / w->hdr.gso_size;
	return w->len + (pieces - 1) * head;
}

/* False: nothing waits at the device. */
static bool take(struct line *l, int64_t now)
{
	static struct virtio_net_hdr lost_hdr;
	static uint8_t lost[FRAME_MOST];
	struct waiting *w = place(l);
	size_t len;
	bench_need_ok(device_read(l->from, w != NULL ? &w->hdr : &lost_hdr, w != NULL ? w->frame : lost, FRAME_MOST, &len), "reading");
	if (len == 0)
		return false;
	int64_t begins = l->free_at > now ? l->free_at : now;
	if (w == NULL || (ns_a_byte > 0 && begins - now > QUEUE_MS * INT64_C(1000000))) {
		l->dropped++;
		return true;
	}
	w->len = len;
	l->free_at = begins + (int64_t)(ns_a_byte * (double)length_on_line(w));
	w->due = l->free_at + delay_ns;
	l->next += size_of(len);
	l->held++;
	return true;
}

static void give(struct line *l, int64_t now)
{
	while (l->held > 0) {
		struct waiting *w = first_of(l);
		if (w->due > now)
			return;
		bench_need_ok(device_write(l->to, &w->hdr, w->frame, w->len), "writing");
		l->first += size_of(w->len);
		l->held--;
		l->passed++;
	}
}

static void relay(struct line lines[2])
{
	while (!is_over) {
		int64_t now = now_ns(), wait = 100000000;
		for (int i = 0; i < 2; i++) {
			int64_t due = lines[i].held > 0 ? first_of(&lines[i])->due - now : wait;
			wait = due < wait ? due : wait;
		}
		struct timespec t = {0, wait < 0 ? 0 : wait};
		struct pollfd p[] = {{lines[0].from->fd.n, POLLIN, 0}, {lines[1].from->fd.n, POLLIN, 0}};
		ppoll(p, 2, &t, NULL);
		for (int i = 0; i < 2; i++) {
			now = now_ns();
			give(&lines[i], now);
			for (int n = 0; n < FRAMES_A_TURN && take(&lines[i], now); n++)
				continue;
		}
	}
}

static void open_in(struct device *d, const char *namespace, const char *name)
{
	int fd = open(namespace, O_RDONLY | O_CLOEXEC);
	bench_need(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, "there is no such network namespace, or it may not be entered");
	bench_need_ok(device_open(d, name, true), "a device");
	bench_need_ok(device_set_up(d, 1500, NULL, 0), "a device");
}

int main(int argc, char **argv)
{
	static struct device ends[2];
	struct line lines[] = {{.from = &ends[0], .to = &ends[1]}, {.from = &ends[1], .to = &ends[0]}};
	bench_need(argc == 7, "delay MICROSECONDS MBIT NETNS NAME NETNS NAME");
	delay_ns = strtoll(argv[1], NULL, 10) * 1000;
	double mbit = strtod(argv[2], NULL);
	ns_a_byte = mbit > 0 ? 8000 / mbit : 0;
	signal(SIGTERM, end);
	signal(SIGINT, end);
	prctl(PR_SET_TIMERSLACK, 1UL);
	(void)sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 10}); /* a line does not wait for processors */
	for (int i = 0; i < 2; i++) {
		open_in(&ends[i], argv[3 + 2 * i], argv[4 + 2 * i]);
		lines[i].bytes = malloc(QUEUE_BYTES);
		bench_need(lines[i].bytes != NULL, "memory for the line");
	}
	relay(lines);
	printf("passed %llu and %llu, dropped %llu and %llu\n", lines[0].passed, lines[1].passed, lines[0].dropped, lines[1].dropped);
	return 0;
}
