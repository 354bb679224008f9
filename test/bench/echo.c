/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/bench/echo.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/bench/bench.h"
#include "test/bench/process.h"

/* A message is its type, its pair's number, and zeros up to its type's length: that of the real one for
 * 256 bits and five hubs (SHARE: the mean of three whose share is the pad and two that are sent). */
enum kind { KIND_RECEIVER, KIND_WAIT, KIND_WAITED, KIND_SHARE, KIND_REPLY, KIND_INSTRUCTION, KIND_RECEIPT, KIND_COUNT };

static const size_t lengths[KIND_COUNT] = {
	[KIND_RECEIVER] = 2, /* says of a connection that it is the receiver's */
	[KIND_WAIT] = 104,
	[KIND_WAITED] = 68,
	[KIND_SHARE] = 267,
	[KIND_REPLY] = 68,
	[KIND_INSTRUCTION] = 312,
	[KIND_RECEIPT] = 68,
};

#define SHARE_MAX ((size_t)1 << 20)
#define MESSAGE_MAX (SHARE_MAX + 512)
#define CONNECTIONS_MAX (2 * PAIRS_MAX)

static size_t share_more; /* what an INSTRUCTION is longer by; said before there are stubs and threads */

static size_t length_of(enum kind kind)
{
	return lengths[kind] + (kind == KIND_INSTRUCTION ? share_more : 0);
}

static void put(int fd, enum kind kind, size_t pair)
{
	static uint8_t zeros[MESSAGE_MAX];
	uint8_t head[2] = {(uint8_t)kind, (uint8_t)pair};
	struct iovec parts[2] = {{.iov_base = head, .iov_len = sizeof head},
				 {.iov_base = zeros, .iov_len = length_of(kind) - sizeof head}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};

	for (size_t left = length_of(kind); left > 0;) {
		ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);
		bench_need(n >= (ssize_t)sizeof head, "echo: sendmsg");
		left -= (size_t)n;
		parts[0].iov_len = 0;
		parts[1].iov_len = left;
	}
}

/* Takes one whole message, which its sender sent in one piece; false at the end of the connection. */
static bool take(int fd, enum kind *kind, size_t *pair)
{
	uint8_t bytes[4096];

	if (recv(fd, bytes, 2, MSG_WAITALL) != 2)
		return false;
	bench_need(bytes[0] < KIND_COUNT && bytes[1] < PAIRS_MAX, "echo: a message makes no sense");
	*kind = (enum kind)bytes[0];
	*pair = bytes[1];
	for (size_t left = length_of(*kind) - 2; left > 0;) {
		ssize_t n = recv(fd, bytes, left < sizeof bytes ? left : sizeof bytes, MSG_WAITALL);
		if (n <= 0)
			return false;
		left -= (size_t)n;
	}
	return true;
}

/* ---- a stub --------------------------------------------------------------------------------------------- */

struct stub {
	int file;
	struct pollfd poll[1 + CONNECTIONS_MAX]; /* the listener first */
	nfds_t count;
	int receiver[PAIRS_MAX];
	struct {
		int fd;
		enum kind kind;
		size_t pair;
	} queue[2 * CONNECTIONS_MAX];
	size_t queued;
	bool dirty;
	size_t shares; /* taken in this round */
};

static void queue(struct stub *s, int fd, enum kind kind, size_t pair)
{
	s->queue[s->queued].fd = fd;
	s->queue[s->queued].kind = kind;
	s->queue[s->queued++].pair = pair;
}

static bool stub_take(struct stub *s, int fd)
{
	enum kind kind;
	size_t pair;

	if (!take(fd, &kind, &pair))
		return false;
	if (kind == KIND_RECEIVER)
		s->receiver[pair] = fd;
	if (kind == KIND_WAIT)
		queue(s, fd, KIND_WAITED, pair);
	if (kind == KIND_SHARE) {
		queue(s, fd, KIND_REPLY, pair);
		queue(s, s->receiver[pair], KIND_INSTRUCTION, pair);
	}
	s->dirty |= kind == KIND_SHARE || kind == KIND_RECEIPT;
	s->shares += kind == KIND_SHARE;
	return true;
}

/* Long shares one behind the other, over those of the round before. */
static void make_durable(struct stub *s)
{
	static const uint8_t bytes[SHARE_MAX + sizeof(uint64_t)];
	size_t len = sizeof(uint64_t) + share_more;

	for (size_t i = 0; i < s->shares || i == 0; i++)
		bench_need(pwrite(s->file, bytes, len, (off_t)(i * len)) == (ssize_t)len, "echo: write");
	bench_need(fdatasync(s->file) == 0, "echo: fdatasync");
	s->dirty = false;
	s->shares = 0;
}

/* Takes what is there, makes it durable, sends. */
static bool stub_round(struct stub *s)
{
	bench_need(poll(s->poll, s->count, -1) > 0, "echo: poll");
	for (nfds_t i = 1; i < s->count; i++)
		if (s->poll[i].revents != 0 && !stub_take(s, s->poll[i].fd))
			return false;
	if ((s->poll[0].revents & POLLIN) != 0 && s->count <= CONNECTIONS_MAX)
		s->poll[s->count++] = (struct pollfd){.fd = accept(s->poll[0].fd, NULL, NULL), .events = POLLIN};
	if (s->dirty)
		make_durable(s);
	for (size_t i = 0; i < s->queued; i++)
		put(s->queue[i].fd, s->queue[i].kind, s->queue[i].pair);
	s->queued = 0;
	return true;
}

static void stub_run(int listener, const char *path)
{
	static struct stub s;
	static const char zeros[4096];

	s.file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bench_need(s.file >= 0 && write(s.file, zeros, sizeof zeros) == (ssize_t)sizeof zeros && fsync(s.file) == 0, path);
	s.poll[0] = (struct pollfd){.fd = listener, .events = POLLIN};
	s.count = 1;
	while (stub_round(&s)) {
	}
}

static int listen_anywhere(unsigned *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;

	/* Accepted connections inherit the option. */
	bench_need(fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
			   bind(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
			   listen(fd, CONNECTIONS_MAX) == 0 && getsockname(fd, (struct sockaddr *)&a, &len) == 0,
		   "echo: listen");
	*port = ntohs(a.sin_port);
	return fd;
}

static pid_t stub_start(const struct path *folder, size_t number, unsigned *port)
{
	int listener = listen_anywhere(port);
	pid_t parent = getpid(), pid = fork();
	struct path path;

	bench_need(pid >= 0, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bench_need_ok(path_format(&path, "%s/echo%zu", folder->s, number), "path");
		if (getppid() == parent)
			stub_run(listener, path.s);
		_exit(0);
	}
	close(listener);
	return pid;
}

/* ---- both ends ------------------------------------------------------------------------------------------- */

static void connect_pair(struct echo *e, size_t pair)
{
	for (size_t i = 0; i < e->count; i++) {
		e->initiator[pair].fd[i] = process_connect(e->port[i]);
		e->receiver[pair].fd[i] = process_connect(e->port[i]);
		put(e->receiver[pair].fd[i], KIND_RECEIVER, pair);
	}
}

void echo_start(struct echo *e, size_t stubs, const struct path *folder, size_t share_len)
{
	*e = (struct echo){.count = stubs};
	bench_need(stubs <= ECHO_STUBS_MAX && share_len <= SHARE_MAX, "too many stubs, or too long shares");
	share_more = share_len;
	for (size_t i = 0; i < stubs; i++)
		e->pid[i] = stub_start(folder, i, &e->port[i]);
	for (size_t p = 0; p < PAIRS_MAX; p++)
		connect_pair(e, p);
}

void echo_stop(struct echo *e)
{
	for (size_t i = 0; i < e->count; i++) {
		kill(e->pid[i], SIGKILL);
		bench_need(waitpid(e->pid[i], NULL, 0) == e->pid[i], "waitpid");
		for (size_t p = 0; p < PAIRS_MAX; p++) {
			close(e->initiator[p].fd[i]);
			close(e->receiver[p].fd[i]);
		}
	}
}

static void put_all(const struct echo *e, const struct echo_end *end, enum kind kind, size_t pair)
{
	for (size_t i = 0; i < e->count; i++)
		put(end->fd[i], kind, pair);
}

/* One of that kind from every stub, in whatever order; others are passed over. */
static void await_all(const struct echo *e, const struct echo_end *end, enum kind wanted)
{
	struct pollfd p[ECHO_STUBS_MAX];
	size_t missing = e->count, pair;
	enum kind kind;

	for (size_t i = 0; i < e->count; i++)
		p[i] = (struct pollfd){.fd = end->fd[i], .events = POLLIN};
	while (missing > 0) {
		bench_need(poll(p, e->count, -1) > 0, "echo: poll");
		for (size_t i = 0; i < e->count; i++) {
			if (p[i].revents == 0)
				continue;
			bench_need(take(end->fd[i], &kind, &pair), "echo: a stub is gone");
			if (kind != wanted)
				continue;
			p[i].fd = -1; /* poll looks past it */
			missing--;
		}
	}
}

static dske_rc echo_initiate(struct pair *p)
{
	const struct echo *e = p->context;

	put_all(e, &e->initiator[p->number], KIND_SHARE, p->number);
	await_all(e, &e->initiator[p->number], KIND_REPLY);
	return DSKE_OK;
}

static dske_rc echo_receive(struct pair *p)
{
	const struct echo *e = p->context;

	put_all(e, &e->receiver[p->number], KIND_WAIT, p->number);
	await_all(e, &e->receiver[p->number], KIND_INSTRUCTION);
	put_all(e, &e->receiver[p->number], KIND_RECEIPT, p->number);
	return DSKE_OK;
}

const struct way echo_way = {.initiate = echo_initiate, .receive = echo_receive};
