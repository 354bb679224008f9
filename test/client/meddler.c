/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "test/client/meddler.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/net.h"

#define HEAD 4u
#define TYPE_AT 6u /* behind the length, the array's head and the version */
#define PAIRS 32

/* Two ends, and what has come from each. */
struct pair {
	struct fd fd[2];
	size_t len[2];
	uint8_t in[2][MEDDLER_FRAME_MAX];
};

void free_address(char out[32])
{
	struct fd f = FD_NONE;
	struct net_address any;
	uint16_t port = 0;
	if (!rc_ok(net_address_parse(&any, "127.0.0.1:0")) || !rc_ok(net_listen(&f, &any, 1)) || !rc_ok(net_local_port(f.n, &port)))
		abort();
	snprintf(out, 32, "127.0.0.1:%u", port);
	fd_drop(&f);
}

static void hang_up(struct pair *p)
{
	fd_drop(&p->fd[0]);
	fd_drop(&p->fd[1]);
	p->fd[0] = p->fd[1] = (struct fd)FD_NONE;
	p->len[0] = p->len[1] = 0;
}

static void put(struct pair *p, int from, const uint8_t *frame, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t done = 0;
		if (!rc_ok(net_write(p->fd[!from].n, frame + at, len - at, &done)))
			return;
		at += done;
	}
}

/* False: the pair is over. */
static bool meddle(struct meddler *m, struct pair *p, int from, uint8_t *frame, size_t len, uint8_t type)
{
	size_t item = len - HEAD;
	m->meddled++;
	switch (m->how) {
	case MEDDLE_CUTS:
		return false;
	case MEDDLE_CUTS_AFTER:
		put(p, from, frame, len);
		return false;
	case MEDDLE_SWALLOWS:
	case MEDDLE_SWALLOWS_FROM:
		return true;
	case MEDDLE_FLIPS:
		frame[m->byte % len] ^= (uint8_t)(1u << m->byte % 8);
		break;
	case MEDDLE_DOUBLES:
		put(p, from, frame, len);
		break;
	case MEDDLE_REPLAYS:
		put(p, from, m->kept[type], m->kept_len[type]);
		return true;
	case MEDDLE_SHORTENS:
		frame[2] = (uint8_t)((item - 1) >> 8);
		frame[3] = (uint8_t)(item - 1);
		len--;
		break;
	case MEDDLE_NOT:
		break;
	}
	put(p, from, frame, len);
	return true;
}

static bool pass(struct meddler *m, struct pair *p, int from, uint8_t *frame, size_t len)
{
	uint8_t type = frame[TYPE_AT] < 6 ? frame[TYPE_AT] : 0;
	m->seen[type]++;
	bool is_meant = m->how == MEDDLE_SWALLOWS_FROM ? type >= m->type : type == m->type;
	if (m->how != MEDDLE_NOT && is_meant && m->meddled < m->times)
		return meddle(m, p, from, frame, len, type);
	memcpy(m->kept[type], frame, len);
	m->kept_len[type] = len;
	put(p, from, frame, len);
	return true;
}

/* Whole frames leave; the rest stays. */
static bool pass_all(struct meddler *m, struct pair *p, int from)
{
	size_t at = 0;
	uint8_t *in = p->in[from];
	while (p->len[from] - at > TYPE_AT) {
		size_t len = HEAD + ((size_t)in[at + 2] << 8 | in[at + 3]);
		if (p->len[from] - at < len)
			break;
		if (!pass(m, p, from, in + at, len))
			return false;
		at += len;
	}
	memmove(in, in + at, p->len[from] - at);
	p->len[from] -= at;
	return true;
}

static void turn(struct meddler *m, struct pair *p)
{
	for (int i = 0; i < 2 && p->fd[0].n >= 0; i++) {
		size_t done = 0;
		bool goes_on = rc_ok(net_read(p->fd[i].n, p->in[i] + p->len[i], sizeof p->in[i] - p->len[i], &done));
		p->len[i] += done;
		if (!goes_on || !pass_all(m, p, i))
			hang_up(p);
	}
}

static void accept_one(struct meddler *m, struct pair *pairs)
{
	char who[64];
	struct net_address to;
	struct fd f = FD_NONE;
	if (!rc_ok(net_accept(&f, m->listener.n, who, sizeof who)) || f.n < 0)
		return;
	for (size_t i = 0; i < PAIRS; i++) {
		struct pair *p = &pairs[i];
		if (p->fd[0].n >= 0)
			continue;
		struct pollfd ready = {.events = POLLOUT};
		if (rc_ok(net_address_parse(&to, m->to)) && rc_ok(net_connect_start(&p->fd[1], &to))) {
			ready.fd = p->fd[1].n;
			if (poll(&ready, 1, 1000) == 1 && rc_ok(net_connect_result(p->fd[1].n))) {
				p->fd[0].n = f.n;
				return;
			}
		}
		hang_up(p);
		break;
	}
	fd_drop(&f);
}

static void *run(void *context)
{
	struct meddler *m = context;
	struct pair *pairs = calloc(PAIRS, sizeof *pairs);
	if (pairs == NULL)
		abort();
	for (size_t i = 0; i < PAIRS; i++)
		pairs[i].fd[0] = pairs[i].fd[1] = (struct fd)FD_NONE;
	while (!m->stop) {
		struct pollfd p = {.fd = m->listener.n, .events = POLLIN};
		(void)poll(&p, 1, 1);
		accept_one(m, pairs);
		for (size_t i = 0; i < PAIRS; i++)
			turn(m, &pairs[i]);
	}
	for (size_t i = 0; i < PAIRS; i++)
		hang_up(&pairs[i]);
	free(pairs);
	return NULL;
}

void meddler_start(struct meddler *m, const char *to)
{
	struct net_address any;
	uint16_t port = 0;
	m->listener = (struct fd)FD_NONE;
	m->stop = false;
	m->meddled = 0;
	for (size_t i = 0; i < 6; i++)
		m->seen[i] = 0;
	snprintf(m->to, sizeof m->to, "%s", to);
	if (!rc_ok(net_address_parse(&any, "127.0.0.1:0")) || !rc_ok(net_listen(&m->listener, &any, 16)) ||
	    !rc_ok(net_local_port(m->listener.n, &port)))
		abort();
	snprintf(m->address, sizeof m->address, "127.0.0.1:%u", port);
	if (pthread_create(&m->thread, NULL, run, m) != 0)
		abort();
}

void meddler_stop(struct meddler *m)
{
	m->stop = true;
	pthread_join(m->thread, NULL);
	fd_drop(&m->listener);
}
