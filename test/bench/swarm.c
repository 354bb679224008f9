/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "test/bench/swarm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/bench/bench.h"
#include "test/bench/process.h"

#define EVENTS_MAX 256
#define OUT_MAX ((size_t)1 << 20)
#define TAKEN_MAX ((size_t)1 << 21)
#define PATIENCE_MS 10000

/* ---- bytes ----------------------------------------------------------------------------------------------- */

void swarm_queued(struct swarm_end *e)
{
	bench_need_ok(buf_rc(&e->out), "a frame");
	e->dirty = true;
}

static void flush(struct swarm_end *e)
{
	if (!e->dirty)
		return;
	for (size_t at = 0; at < e->out.len;) {
		ssize_t n = send(e->fd, e->out.data + at, e->out.len - at, MSG_NOSIGNAL);
		bench_need(n > 0, "send");
		at += (size_t)n;
	}
	buf_reset(&e->out);
	e->dirty = false;
}

static void take_all(struct swarm_end *e)
{
	const uint8_t *item;
	size_t cap, len;
	uint8_t *space = stream_space(&e->in, &cap);
	ssize_t n = recv(e->fd, space, cap, 0);

	bench_need(n > 0, "the hub is gone");
	stream_filled(&e->in, (size_t)n);
	for (;;) {
		bench_need_ok(stream_next(&e->in, &item, &len), "stream_next");
		if (item == NULL)
			return;
		e->pair->swarm->manner->take(e, item, len);
	}
}

static void one_round(struct swarm *s)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(s->epoll, events, EVENTS_MAX, PATIENCE_MS);

	bench_need(n > 0 || (n < 0 && errno == EINTR), "nothing came for ten seconds");
	for (int i = 0; i < n; i++)
		take_all(events[i].data.ptr);
	/* What one connection brought may have been answered on the other one of the pair. */
	for (int i = 0; i < n; i++) {
		struct swarm_end *e = events[i].data.ptr;
		flush(&e->pair->initiator);
		flush(&e->pair->receiver);
	}
}

/* ---- keys ------------------------------------------------------------------------------------------------ */

static void begin_key(struct swarm_pair *p, struct flight *f)
{
	*f = (struct flight){0};
	if (bench_now() >= p->swarm->until)
		return;
	p->swarm->under_way++;
	p->swarm->manner->wait(p, f);
}

void swarm_waited(struct swarm_pair *p, struct flight *f)
{
	f->start = bench_now();
	f->shared = true;
	p->swarm->manner->share(p, f);
}

static void end_if_whole(struct swarm_pair *p, struct flight *f)
{
	struct swarm *s = p->swarm;

	if (!f->replied || !f->instructed)
		return;
	if (s->done < s->taken_max)
		s->taken[s->done++] = bench_now() - f->start;
	s->under_way--;
	begin_key(p, f);
}

void swarm_replied(struct swarm_pair *p, struct flight *f)
{
	f->replied = true;
	end_if_whole(p, f);
}

void swarm_instructed(struct swarm_pair *p, struct flight *f)
{
	f->instructed = true;
	end_if_whole(p, f);
}

double swarm_run(struct swarm *s, double seconds)
{
	double start = bench_now();

	s->done = s->under_way = 0;
	s->until = start + seconds;
	for (size_t i = 0; i < s->pair_count; i++) {
		for (size_t j = 0; j < s->flights; j++)
			begin_key(&s->pair[i], &s->pair[i].flight[j]);
		flush(&s->pair[i].receiver);
	}
	while (s->under_way > 0)
		one_round(s);
	return (double)s->done / (bench_now() - start);
}

/* ---- beginning and end ----------------------------------------------------------------------------------- */

static void open_end(struct swarm *s, struct swarm_end *e, struct swarm_pair *p, bool receives, unsigned port, void *own)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = e};

	*e = (struct swarm_end){.pair = p, .receives = receives, .fd = process_connect(port), .own = own};
	stream_init(&e->in, FRAME_MAX);
	buf_heap(&e->out, OUT_MAX);
	bench_need(epoll_ctl(s->epoll, EPOLL_CTL_ADD, e->fd, &ev) == 0, "epoll_ctl");
	s->manner->begin(e);
	flush(e);
}

void swarm_ready(struct swarm *s)
{
	s->ready++;
}

void swarm_start(struct swarm *s, const struct manner *manner, unsigned port, size_t pairs, size_t flights, void *const *own)
{
	*s = (struct swarm){.manner = manner, .pair_count = pairs, .flights = flights, .taken_max = TAKEN_MAX};
	s->pair = calloc(pairs, sizeof *s->pair);
	s->taken = calloc(s->taken_max, sizeof *s->taken);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	bench_need(s->pair != NULL && s->taken != NULL && s->epoll >= 0 && flights <= FLIGHTS_MAX, "swarm_start");
	for (size_t i = 0; i < pairs; i++) {
		struct swarm_pair *p = &s->pair[i];
		p->swarm = s;
		p->number = i;
		open_end(s, &p->initiator, p, false, port, own != NULL ? own[2 * i] : NULL);
		open_end(s, &p->receiver, p, true, port, own != NULL ? own[2 * i + 1] : NULL);
	}
	while (s->ready < 2 * pairs)
		one_round(s);
}

static void close_end(struct swarm *s, struct swarm_end *e)
{
	s->manner->end(e);
	close(e->fd);
	stream_drop(&e->in);
	buf_drop(&e->out);
}

void swarm_stop(struct swarm *s)
{
	for (size_t i = 0; i < s->pair_count; i++) {
		close_end(s, &s->pair[i].initiator);
		close_end(s, &s->pair[i].receiver);
	}
	close(s->epoll);
	free(s->pair);
	free(s->taken);
}
