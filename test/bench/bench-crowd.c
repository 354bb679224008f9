/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/bench-crowd.c - one honest pair of clients at a hub, alone, then among thousands of connections that never
 * lease, then alone again; and the hub's memory.
 *
 *	bench-crowd [CONNECTIONS]     (default: 10000)
 *
 * The crowd is a process of its own.  A third of it says nothing; a third sends one byte a second of a frame that is
 * never whole; a third sends 4000 bytes of a frame of 64 KiB, and stops.  Who is put out comes again.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/net.h"
#include "test/bench/bench.h"
#include "test/bench/lone.h"
#include "test/bench/process.h"
#include "test/bench/swarm.h"
#include "test/bench/tables.h"

#define CROWD_DEFAULT 10000
#define CROWD_MOST 60000
#define TABLE_LEN (UINT64_C(64) << 20)
#define SECONDS_EACH 6.0
#define HALF_LEN 4000 /* bytes; of longer ones the hub puts most out */
#define PER_ADDRESS 10000 /* connections of one local address, of which 127/8 has plenty */
#define SLICES 100        /* of a second: in each a part of the crowd has its turn */

/* ---- the crowd ---------------------------------------------------------------------------------------------- */

struct guest {
	int fd; /* -1: not connected */
};

static struct guest guest[CROWD_MOST];

static void guest_connect(struct guest *g, unsigned port, size_t number)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	const int one = 1;

	from.sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~(in_addr_t)0xff) + 2 + (in_addr_t)(number / PER_ADDRESS));
	g->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bench_need(g->fd >= 0, "crowd: socket");
	setsockopt(g->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	if (bind(g->fd, (struct sockaddr *)&from, sizeof from) != 0 || connect(g->fd, (struct sockaddr *)&to, sizeof to) != 0 ||
	    fcntl(g->fd, F_SETFL, O_NONBLOCK) != 0) {
		close(g->fd);
		g->fd = -1;
	}
}

/* False when the hub has put it out. */
static bool guest_act(const struct guest *g, size_t number, bool first)
{
	static const uint8_t head[4] = {0, 0, 0xff, 0xff}; /* of a frame of nearly 64 KiB */
	static uint8_t half[HALF_LEN];
	uint8_t bytes[256];

	for (ssize_t n = 1; n > 0;) {
		n = recv(g->fd, bytes, sizeof bytes, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
	}
	if (number % 3 == 0)
		return true;
	if (first)
		return send(g->fd, head, sizeof head, MSG_NOSIGNAL) > 0 &&
		       (number % 3 == 1 || send(g->fd, half, sizeof half, MSG_NOSIGNAL) > 0);
	return number % 3 == 2 || send(g->fd, half, 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

static void guest_turn(unsigned port, size_t number)
{
	struct guest *g = &guest[number];
	bool first = g->fd < 0;

	if (first)
		guest_connect(g, port, number);
	if (g->fd >= 0 && !guest_act(g, number, first)) {
		close(g->fd);
		g->fd = -1;
	}
}

static void crowd_run(unsigned port, size_t count)
{
	double next = bench_now();

	for (size_t i = 0; i < count; i++)
		guest[i].fd = -1;
	for (size_t slice = 0;; slice = (slice + 1) % SLICES) {
		for (size_t i = slice; i < count; i += SLICES)
			guest_turn(port, i);
		next += 1.0 / SLICES;
		double left = next - bench_now();
		if (left > 0)
			usleep((useconds_t)(left * 1e6));
	}
}

static pid_t crowd_start(unsigned port, size_t count)
{
	pid_t parent = getpid(), pid = fork();

	bench_need(pid >= 0, "fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		crowd_run(port, count);
	_exit(0);
}

static size_t descriptors(pid_t pid)
{
	char path[64];
	size_t count = 0;

	for (int fd = 0; fd < 2 * CROWD_MOST; fd++) {
		snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)pid, fd);
		count += access(path, F_OK) == 0 || errno != ENOENT;
	}
	return count;
}

/* ---- the honest pair ------------------------------------------------------------------------------------------ */

static double measure(struct swarm *s, const struct lone *hub, const char *name)
{
	double cpu = process_cpu(hub->pid), start = bench_now(), p99;
	char text[100];

	swarm_run(s, SECONDS_EACH);
	cpu = (process_cpu(hub->pid) - cpu) / (bench_now() - start);
	snprintf(text, sizeof text, "%s: keys, one at a time", name);
	bench_line(text, (double)s->done / SECONDS_EACH, "a second");
	bench_line("    p50", bench_quantile(s->taken, s->done, 0.5) * 1e3, "ms");
	p99 = bench_quantile(s->taken, s->done, 0.99);
	bench_line("    p99", p99 * 1e3, "ms");
	bench_line("    the hub's processor time", cpu * 100, "% of a core");
	bench_line("    the hub's memory", process_memory(hub->pid, false) / (1 << 20), "MiB");
	return p99;
}

static void raise_limit(size_t count)
{
	struct rlimit l;

	bench_need(getrlimit(RLIMIT_NOFILE, &l) == 0, "getrlimit");
	l.rlim_cur = l.rlim_max;
	bench_need(setrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur > count + 100, "too few files may be open at once (ulimit -Hn)");
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : CROWD_DEFAULT;
	const struct path *scratch = bench_scratch();
	struct pskm_header h[2];
	struct table *table[2];
	char limits[64];
	struct lone hub;
	struct swarm s;
	double alone, among;

	bench_need(count > 0 && count <= CROWD_MOST, "1 to 60000 connections");
	raise_limit(count);
	bench_header(scratch->s);
	snprintf(limits, sizeof limits, "connections = %zu\n", count + 1000);
	lone_make(&hub, scratch, "hub1", limits);
	for (size_t i = 0; i < 2; i++)
		table[i] = lone_client(&hub, i, TABLE_LEN, &h[i]);
	lone_start(&hub);
	swarm_start(&s, &real_manner, hub.port, 1, 1,
		    (void *[]){real_end_new(table[0], &h[0], &h[1].client), real_end_new(table[1], &h[1], &h[0].client)});
	swarm_run(&s, 1);
	alone = measure(&s, &hub, "alone");

	pid_t crowd = crowd_start(hub.port, count);

	for (int i = 0; i < 30 && descriptors(hub.pid) < count; i++)
		sleep(1);
	bench_line("the crowd: connections that the hub has open", (double)descriptors(hub.pid), "with its files");
	among = measure(&s, &hub, "among them");
	bench_line("    p99, times that when alone", among / alone, "");
	bench_line("the hub's memory, at most", process_memory(hub.pid, true) / (1 << 20), "MiB");
	kill(crowd, SIGKILL);
	bench_need(waitpid(crowd, NULL, 0) == crowd, "waitpid");
	sleep(2);
	alone = measure(&s, &hub, "alone again");
	bench_line("    p99 among them, times this", among / alone, "");
	swarm_stop(&s);
	lone_stop(&hub);
	table_close(table[0]);
	table_close(table[1]);
	return 0;
}
