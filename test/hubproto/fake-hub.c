/* SPDX-License-Identifier: Apache-2.0 */
#include "test/hubproto/fake-hub.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/net.h"

#define TICK_MS 10

static void insist(bool it)
{
	if (!it)
		abort();
}

static bool wait_for(struct fake_hub *h, int fd, short events)
{
	while (!atomic_load(&h->stop)) {
		struct pollfd p = {.fd = fd, .events = events};

		if (poll(&p, 1, TICK_MS) == 1)
			return true;
	}
	return false;
}

static bool send_all(struct fake_hub *h, int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		size_t done;

		if (!wait_for(h, fd, POLLOUT) || !rc_ok(net_write(fd, bytes, len, &done)))
			return false;
		bytes += done;
		len -= done;
	}
	return true;
}

static bool trickle(struct fake_hub *h, int fd)
{
	for (size_t i = 0; i < h->answer_len; i++) {
		usleep(2000);
		if (!send_all(h, fd, (const uint8_t *)h->answer + i, 1))
			return false;
	}
	return true;
}

static bool answer(struct fake_hub *h, int fd)
{
	switch (h->manner) {
	case FAKE_TRICKLES:
		return trickle(h, fd);
	case FAKE_LATE:
		usleep(300000);
		return send_all(h, fd, h->answer, h->answer_len);
	case FAKE_ANSWERS:
		return send_all(h, fd, h->answer, h->answer_len);
	default:
		return true;
	}
}

/* Counts frames as their bytes pass. */
struct counter {
	uint8_t head[4];
	size_t head_len, left;
};

static size_t frames_in(struct counter *c, const uint8_t *bytes, size_t len)
{
	size_t frames = 0;

	while (len > 0) {
		if (c->head_len < sizeof(c->head)) {
			c->head[c->head_len++] = *bytes++;
			len--;
			c->left = (size_t)c->head[0] << 24 | (size_t)c->head[1] << 16 | (size_t)c->head[2] << 8 |
				  c->head[3];
			continue;
		}
		size_t part = len < c->left ? len : c->left;
		bytes += part;
		len -= part;
		c->left -= part;
		if (c->left == 0) {
			frames++;
			c->head_len = 0;
		}
	}
	return frames;
}

static void converse(struct fake_hub *h, int fd)
{
	struct counter counter = {0};
	uint8_t bytes[16384];
	size_t done;

	while (wait_for(h, fd, POLLIN) && rc_ok(net_read(fd, bytes, sizeof(bytes), &done))) {
		atomic_fetch_add(&h->received, done);
		for (size_t i = frames_in(&counter, bytes, done); i > 0; i--) {
			if (!answer(h, fd))
				return;
		}
	}
}

static void serve(struct fake_hub *h, int fd)
{
	switch (h->manner) {
	case FAKE_DEAF:
		while (!atomic_load(&h->stop))
			usleep(TICK_MS * 1000);
		return;
	case FAKE_FLOODS:
		while (send_all(h, fd, h->answer, h->answer_len))
			;
		return;
	case FAKE_LEAVES:
		send_all(h, fd, h->answer, h->answer_len);
		return;
	case FAKE_GREETS:
		send_all(h, fd, h->answer, h->answer_len);
		break;
	default:
		break;
	}
	converse(h, fd);
}

static void *run(void *context)
{
	struct fake_hub *h = context;

	while (wait_for(h, h->listener.n, POLLIN)) {
		AUTO(fd) f = FD_NONE;
		char peer[64];

		insist(rc_ok(net_accept(&f, h->listener.n, peer, sizeof(peer))));
		if (f.n < 0)
			continue;
		atomic_fetch_add(&h->connections, 1);
		serve(h, f.n);
	}
	return NULL;
}

static void listen_somewhere(struct fd *f, char address[32])
{
	struct net_address any;
	uint16_t port;

	f->n = -1;
	insist(rc_ok(net_address_parse(&any, "127.0.0.1:0")));
	insist(rc_ok(net_listen(f, &any, 16)));
	insist(rc_ok(net_local_port(f->n, &port)));
	/* A small window, so that whoever sends much has to wait half-way. */
	insist(setsockopt(f->n, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int)) == 0);
	snprintf(address, 32, "127.0.0.1:%u", port);
}

void fake_hub_start(struct fake_hub *h, enum fake_manner manner, const void *answer_bytes, size_t answer_len)
{
	memset(h, 0, sizeof(*h));
	h->manner = manner;
	h->answer = answer_bytes;
	h->answer_len = answer_len;
	listen_somewhere(&h->listener, h->address);
	insist(pthread_create(&h->thread, NULL, run, h) == 0);
}

void fake_hub_stop(struct fake_hub *h)
{
	atomic_store(&h->stop, true);
	insist(pthread_join(h->thread, NULL) == 0);
	fd_drop(&h->listener);
}

void fake_address_unused(char address[32])
{
	struct fd f;

	listen_somewhere(&f, address);
	fd_drop(&f);
}
