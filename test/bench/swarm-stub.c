/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test/bench/swarm-stub.c - what a hub could be at the least: a process that reads a connection once and writes to it
 * once a round, makes 8 bytes durable for all that came in it, and passes on messages of a hub's number and sizes.
 *
 * An item is its kind, the number of its key within the pair, and zeros.
 */
#include "config.h"

#include "test/bench/swarm.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/bench/bench.h"

enum kind { KIND_HELLO, KIND_WAIT, KIND_WAITED, KIND_SHARE, KIND_REPLY, KIND_INSTRUCTION, KIND_RECEIPT, KIND_COUNT };

/* As of echo.c, less the four bytes of length. */
static const size_t lengths[KIND_COUNT] = {
	[KIND_HELLO] = 4, /* the pair's number, and whether it is its receiver */
	[KIND_WAIT] = 100,
	[KIND_WAITED] = 64,
	[KIND_SHARE] = 263,
	[KIND_REPLY] = 64,
	[KIND_INSTRUCTION] = 308,
	[KIND_RECEIPT] = 64,
};

#define ITEM_MAX 512
#define ENDS_MAX ((size_t)2 * PAIRS_OF_SWARM_MAX)

static void put(struct buf *out, enum kind kind, unsigned key)
{
	uint8_t item[ITEM_MAX] = {(uint8_t)kind, (uint8_t)key};

	buf_put_be32(out, (uint32_t)lengths[kind]);
	buf_put(out, item, lengths[kind]);
}

/* ---- the stub ---------------------------------------------------------------------------------------------- */

struct guest {
	int fd;
	struct stream in;
	struct buf out;
	unsigned pair;
};

static struct stub {
	int file, epoll, listener;
	struct guest guest[ENDS_MAX];
	size_t count;
	struct guest *receiver[PAIRS_OF_SWARM_MAX];
	bool changed;
} stub;

static void hello(struct guest *g, const uint8_t *item)
{
	g->pair = item[1];
	if (item[2] != 0)
		stub.receiver[g->pair] = g;
}

static void guest_item(struct guest *g, const uint8_t *item)
{
	switch (item[0]) {
	case KIND_HELLO:
		hello(g, item);
		break;
	case KIND_WAIT:
		put(&g->out, KIND_WAITED, item[1]);
		break;
	case KIND_SHARE:
		put(&g->out, KIND_REPLY, item[1]);
		put(&stub.receiver[g->pair]->out, KIND_INSTRUCTION, item[1]);
		stub.changed = true;
		break;
	default:
		stub.changed = true;
	}
}

static bool guest_read(struct guest *g)
{
	const uint8_t *item;
	size_t cap, len;
	uint8_t *space = stream_space(&g->in, &cap);
	ssize_t n = recv(g->fd, space, cap, 0);

	if (n <= 0)
		return false;
	stream_filled(&g->in, (size_t)n);
	while (rc_ok(stream_next(&g->in, &item, &len)) && item != NULL)
		guest_item(g, item);
	return true;
}

static void guest_accept(void)
{
	struct guest *g = &stub.guest[stub.count++];
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = g};

	bench_need(stub.count <= ENDS_MAX, "stub: too many connections");
	g->fd = accept(stub.listener, NULL, NULL);
	stream_init(&g->in, FRAME_MAX);
	buf_heap(&g->out, FRAME_MAX);
	bench_need(g->fd >= 0 && epoll_ctl(stub.epoll, EPOLL_CTL_ADD, g->fd, &ev) == 0, "stub: accept");
}

static void flush_all(void)
{
	for (size_t i = 0; i < stub.count; i++) {
		struct guest *g = &stub.guest[i];
		if (g->out.len > 0)
			bench_need(send(g->fd, g->out.data, g->out.len, MSG_NOSIGNAL) == (ssize_t)g->out.len, "stub: send");
		buf_reset(&g->out);
	}
}

static bool stub_round(void)
{
	struct epoll_event events[256];
	uint64_t number = 1;
	int n = epoll_wait(stub.epoll, events, 256, -1);

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr == NULL)
			guest_accept();
		else if (!guest_read(events[i].data.ptr))
			return false;
	}
	if (stub.changed)
		bench_need(pwrite(stub.file, &number, sizeof number, 0) == sizeof number && fdatasync(stub.file) == 0,
			   "stub: write and fdatasync");
	stub.changed = false;
	flush_all();
	return true;
}

static void stub_run(const char *path)
{
	struct epoll_event ev = {.events = EPOLLIN};
	static const char zeros[4096];

	stub.file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	stub.epoll = epoll_create1(EPOLL_CLOEXEC);
	bench_need(stub.file >= 0 && write(stub.file, zeros, sizeof zeros) == (ssize_t)sizeof zeros && fsync(stub.file) == 0 &&
			   epoll_ctl(stub.epoll, EPOLL_CTL_ADD, stub.listener, &ev) == 0,
		   path);
	while (stub_round()) {
	}
}

pid_t stub_start(const char *path, unsigned *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	const int one = 1;

	/* Accepted connections inherit the option. */
	stub.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bench_need(stub.listener >= 0 && setsockopt(stub.listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
			   bind(stub.listener, (struct sockaddr *)&a, sizeof a) == 0 &&
			   listen(stub.listener, ENDS_MAX) == 0 &&
			   getsockname(stub.listener, (struct sockaddr *)&a, &len) == 0,
		   "stub: listen");
	*port = ntohs(a.sin_port);

	pid_t parent = getpid(), pid = fork();

	bench_need(pid >= 0, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			stub_run(path);
		_exit(0);
	}
	close(stub.listener);
	return pid;
}

void stub_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	bench_need(waitpid(pid, NULL, 0) == pid, "waitpid");
}

/* ---- its clients -------------------------------------------------------------------------------------------- */

static void begin(struct swarm_end *e)
{
	const uint8_t item[] = {KIND_HELLO, (uint8_t)e->pair->number, e->receives, 0};

	buf_put_be32(&e->out, sizeof item);
	buf_put(&e->out, item, sizeof item);
	swarm_queued(e);
	swarm_ready(e->pair->swarm);
}

static unsigned key_of(const struct swarm_pair *p, const struct flight *f)
{
	return (unsigned)(f - p->flight);
}

static void wait_send(struct swarm_pair *p, struct flight *f)
{
	put(&p->receiver.out, KIND_WAIT, key_of(p, f));
	swarm_queued(&p->receiver);
}

static void share_send(struct swarm_pair *p, struct flight *f)
{
	put(&p->initiator.out, KIND_SHARE, key_of(p, f));
	swarm_queued(&p->initiator);
}

static void take(struct swarm_end *e, const uint8_t *item, size_t len)
{
	struct flight *f = &e->pair->flight[item[1] % FLIGHTS_MAX];

	bench_need(item[0] < KIND_COUNT && len == lengths[item[0]], "the stub says something else");
	if (item[0] == KIND_WAITED)
		swarm_waited(e->pair, f);
	if (item[0] == KIND_REPLY)
		swarm_replied(e->pair, f);
	if (item[0] != KIND_INSTRUCTION)
		return;
	put(&e->out, KIND_RECEIPT, item[1]);
	swarm_queued(e);
	swarm_instructed(e->pair, f);
}

static void end(struct swarm_end *e)
{
	(void)e;
}

const struct manner stub_manner = {.begin = begin, .wait = wait_send, .share = share_send, .take = take, .end = end};
