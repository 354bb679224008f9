/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "vpn/tunnel.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/net.h"
#include "base/secret.h"
#include "vpn/inbox.h"
#include "vpn/outbox.h"
#include "vpn/packet.h"
#include "vpn/segment.h"
#include "vpn/word.h"

#define WORD_EACH_MS 1000
#define WORD_LEAST_MS 10  /* between two, when something is due */
#define FRAMES_A_TURN 64
#define LOOK_MS 5         /* for pads, when there are none */

enum { SENT, SENT_BYTES, RECEIVED, RECEIVED_BYTES, TOO_LARGE, FORGED, REPEATED, UNKNOWN, STRANGE, UNSENT, STOPS, COUNTERS };

struct tunnel {
	struct device *device;
	int fd;
	struct stock *stock;
	unsigned mtu;
	struct fd wake;          /* eventfd: the sender has something to look at */
	struct fd end;           /* eventfd: both end */
	atomic_bool stopping, is_stopped;
	_Atomic uint64_t counters[COUNTERS];
	_Atomic int64_t heard_ms;
	pthread_mutex_t lock;    /* of what follows */
	struct place remote;
	bool failed;
	char why[RC_SENTENCE_MAX];
	pthread_t sender, receiver;
	size_t threads;
};

static void count(struct tunnel *t, unsigned which, uint64_t more)
{
	atomic_fetch_add_explicit(&t->counters[which], more, memory_order_relaxed);
}

static void wake(int fd)
{
	uint64_t one = 1;
	(void)!write(fd, &one, sizeof one);
}

static void wake_taken(int fd)
{
	uint64_t ignored;
	(void)!read(fd, &ignored, sizeof ignored);
}

static void failed(struct tunnel *t, dske_rc rc)
{
	pthread_mutex_lock(&t->lock);
	t->failed = true;
	snprintf(t->why, sizeof t->why, "%s", rc_detail(rc));
	pthread_mutex_unlock(&t->lock);
	kill(getpid(), SIGTERM);
}

static struct place remote_of(struct tunnel *t)
{
	pthread_mutex_lock(&t->lock);
	struct place p = t->remote;
	pthread_mutex_unlock(&t->lock);
	return p;
}

/* ---- sending ----------------------------------------------------------------------------------------------- */

struct sender {
	struct tunnel *t;
	struct packet_tagger tagger;
	struct secret memory; /* struct outbox, and FRAME_MAX of a frame: what is not encrypted yet */
	struct outbox *out;
	struct place to;
	uint8_t *frame;
	int64_t word_ms; /* when the last was said */
};

static void sender_drop(struct sender *s)
{
	packet_tagger_drop(&s->tagger);
	secret_drop(&s->memory);
}

static dske_rc sender_init(struct sender *s, struct tunnel *t)
{
	*s = (struct sender){.t = t, .word_ms = INT64_MIN / 2};
	TRY(secret_alloc(&s->memory, sizeof *s->out + FRAME_MAX));
	s->out = (struct outbox *)(void *)s->memory.data;
	s->frame = s->memory.data + sizeof *s->out;
	outbox_init(s->out, t->fd);
	return packet_tagger_init(&s->tagger);
}

static void say_word_under(struct sender *s, struct pad *pad, const uint8_t *word, size_t len)
{
	if (pad == NULL)
		return;
	uint8_t *at = outbox_place(s->out, &s->to, len + PACKET_MORE);
	if (!rc_ok(packet_seal(&s->tagger, pad, PACKET_WORD, 0, at, word, len)))
		outbox_take_back(s->out, len + PACKET_MORE);
}

/* Under the pad in use and under the newest that the other end has not named yet. */
static void say_word(struct sender *s, int64_t now)
{
	struct word w;
	uint8_t bytes[WORD_LEN_MAX];
	bool is_due = stock_word_due(s->t->stock) && now - s->word_ms >= WORD_LEAST_MS;
	if (s->to.len == 0 || (!is_due && now - s->word_ms < WORD_EACH_MS))
		return;
	s->word_ms = now;
	stock_make_word(s->t->stock, &w);
	size_t len = word_write(bytes, &w);
	say_word_under(s, stock_sending(s->t->stock, len + PACKET_KEY), bytes, len);
	say_word_under(s, stock_sending_new(s->t->stock, len + PACKET_KEY), bytes, len);
}

/* False: there is no pad for it. */
static bool send_segment(struct sender *s, struct segments *cut, size_t len)
{
	struct pad *pad = stock_sending(s->t->stock, len + PACKET_KEY);
	if (pad == NULL)
		return false;
	uint8_t *at = outbox_place(s->out, &s->to, len + PACKET_MORE);
	segments_next(cut, at + PACKET_HEAD);
	if (!rc_ok(packet_seal(&s->tagger, pad, PACKET_DATA, cut->flags, at, at + PACKET_HEAD, len))) {
		outbox_take_back(s->out, len + PACKET_MORE);
		return false;
	}
	count(s->t, SENT, 1);
	count(s->t, SENT_BYTES, len);
	return true;
}

static void send_frame(struct sender *s, const struct virtio_net_hdr *hdr, size_t len)
{
	struct segments cut;
	size_t next;
	if (!rc_ok(segments_begin(&cut, hdr, s->frame, len))) {
		count(s->t, STRANGE, 1);
		return;
	}
	while ((next = segments_next_len(&cut)) > 0) {
		if (next > s->t->mtu) {
			count(s->t, TOO_LARGE, 1);
			return;
		}
		if (!send_segment(s, &cut, next))
			return;
	}
}

static bool has_pad(struct sender *s)
{
	bool has = s->to.len > 0 && stock_sending(s->t->stock, PACKET_KEY + s->t->mtu) != NULL;
	if (!has && !atomic_exchange(&s->t->is_stopped, true))
		count(s->t, STOPS, 1);
	if (has)
		atomic_store(&s->t->is_stopped, false);
	return has;
}

static dske_rc send_waiting(struct sender *s)
{
	struct virtio_net_hdr hdr;
	size_t len = 1;
	for (int i = 0; i < FRAMES_A_TURN && len > 0 && has_pad(s); i++) {
		TRY(device_read(s->t->device, &hdr, s->frame, FRAME_MAX, &len));
		if (len > 0)
			send_frame(s, &hdr, len);
	}
	return DSKE_OK;
}

/* For how long there is nothing to do unless somebody wakes: until a word is due, or pads are looked for. */
static int wait_ms(const struct sender *s, bool may_send)
{
	if (s->to.len == 0)
		return WORD_EACH_MS;
	int64_t wait = s->word_ms + WORD_EACH_MS - clock_ms();
	int most = !may_send || stock_word_due(s->t->stock) ? LOOK_MS : WORD_EACH_MS;
	return wait < 0 ? 0 : wait < most ? (int)wait : most;
}

static dske_rc send_all(struct sender *s)
{
	struct tunnel *t = s->t;
	while (!atomic_load(&t->stopping)) {
		s->to = remote_of(t);
		bool may_send = has_pad(s);
		struct pollfd p[] = {{may_send ? t->device->fd.n : -1, POLLIN, 0}, {t->wake.n, POLLIN, 0}, {t->end.n, POLLIN, 0}};
		poll(p, 3, wait_ms(s, may_send));
		if ((p[1].revents & POLLIN) != 0)
			wake_taken(t->wake.n);
		say_word(s, clock_ms());
		if ((p[0].revents & (POLLERR | POLLHUP)) != 0)
			return FAIL(IO, "the device %s is gone", t->device->name);
		if (may_send && p[0].revents != 0)
			TRY(send_waiting(s));
		outbox_flush(s->out, &s->to);
		atomic_store_explicit(&t->counters[UNSENT], s->out->lost, memory_order_relaxed);
	}
	return DSKE_OK;
}

static void *sender_main(void *given)
{
	struct sender s;
	dske_rc rc = sender_init(&s, given);
	if (rc_ok(rc))
		rc = send_all(&s);
	if (!rc_ok(rc))
		failed(given, rc);
	sender_drop(&s);
	return NULL;
}

/* ---- receiving --------------------------------------------------------------------------------------------- */

struct receiver {
	struct tunnel *t;
	struct packet_tagger tagger;
	struct inbox in;
	struct secret memory; /* struct merge: what is decrypted */
	struct merge *merge;
	int64_t now_ms; /* when what is in the inbox was read */
};

static void receiver_drop(struct receiver *r)
{
	packet_tagger_drop(&r->tagger);
	inbox_drop(&r->in);
	secret_drop(&r->memory);
}

static dske_rc receiver_init(struct receiver *r, struct tunnel *t)
{
	*r = (struct receiver){.t = t, .in.fd = -1};
	TRY(secret_alloc(&r->memory, sizeof *r->merge));
	r->merge = (struct merge *)(void *)r->memory.data;
	r->merge->joins_udp = t->device->cuts_udp;
	TRY(inbox_init(&r->in, t->fd));
	return packet_tagger_init(&r->tagger);
}

static dske_rc write_merged(struct receiver *r)
{
	struct merge *m = r->merge;
	if (m->len == 0)
		return DSKE_OK;
	merge_finish(m);
	dske_rc rc = device_write(r->t->device, &m->hdr, m->frame, m->len);
	merge_empty(m);
	return rc;
}

static dske_rc take_packet(struct receiver *r, uint8_t flags, const uint8_t *packet, size_t len)
{
	bool added = false;
	dske_rc rc = merge_add(r->merge, flags, packet, len, &added);
	if (rc_ok(rc) && !added) {
		TRY(write_merged(r));
		rc = merge_add(r->merge, flags, packet, len, &added);
	}
	if (!rc_ok(rc)) {
		count(r->t, STRANGE, 1);
		return DSKE_OK;
	}
	count(r->t, RECEIVED, 1);
	count(r->t, RECEIVED_BYTES, len);
	return DSKE_OK;
}

static void take_word(struct receiver *r, const uint8_t *bytes, size_t len)
{
	struct word w;
	if (!rc_ok(word_read(&w, bytes, len))) {
		count(r->t, STRANGE, 1);
		return;
	}
	stock_take_word(r->t->stock, &w);
	wake(r->t->wake.n);
}

/* The other end is there: it may have moved, and the sender may have waited to learn where it is. */
static void heard(struct tunnel *t, const struct place *from, int64_t now_ms)
{
	char text[PLACE_TEXT_MAX];
	bool is_new = false;
	atomic_store_explicit(&t->heard_ms, now_ms, memory_order_relaxed);
	pthread_mutex_lock(&t->lock);
	if (!place_is(&t->remote, from)) {
		t->remote = *from;
		is_new = true;
	}
	pthread_mutex_unlock(&t->lock);
	if (!is_new)
		return;
	wake(t->wake.n);
	log_info("the other end is at %s", place_text(from, text));
}

static void count_refusal(struct tunnel *t, dske_rc rc)
{
	count(t, rc_is(rc, DSKE_RC_TAG) ? FORGED : REPEATED, 1);
}

static dske_rc take_datagram(struct receiver *r, uint8_t *datagram, size_t len, const struct place *from)
{
	struct packet_head head;
	if (!packet_read_head(&head, datagram, len)) {
		count(r->t, STRANGE, 1);
		return DSKE_OK;
	}
	struct pad *pad = stock_receiving(r->t->stock, head.name);
	if (pad == NULL) {
		count(r->t, UNKNOWN, 1);
		return DSKE_OK;
	}
	dske_rc rc = packet_open(&r->tagger, pad, &head, datagram + PACKET_HEAD, datagram, len);
	if (!rc_ok(rc)) {
		count_refusal(r->t, rc);
		return DSKE_OK;
	}
	heard(r->t, from, r->now_ms);
	if (head.kind == PACKET_DATA) {
		stock_used(r->t->stock, r->now_ms);
		return take_packet(r, head.flags, datagram + PACKET_HEAD, len - PACKET_MORE);
	}
	take_word(r, datagram + PACKET_HEAD, len - PACKET_MORE);
	return DSKE_OK;
}

static dske_rc receive_waiting(struct receiver *r)
{
	const struct place *from;
	uint8_t *datagram;
	size_t len;
	bool any = true;
	TRY(inbox_read(&r->in, &any));
	r->now_ms = clock_ms();
	while ((datagram = inbox_next(&r->in, &len, &from)) != NULL)
		TRY(take_datagram(r, datagram, len, from));
	return write_merged(r);
}

static dske_rc receive_all(struct receiver *r)
{
	while (!atomic_load(&r->t->stopping)) {
		struct pollfd p[] = {{r->t->fd, POLLIN, 0}, {r->t->end.n, POLLIN, 0}};
		poll(p, 2, -1);
		if (p[0].revents != 0)
			TRY(receive_waiting(r));
	}
	return DSKE_OK;
}

static void *receiver_main(void *given)
{
	struct receiver r;
	dske_rc rc = receiver_init(&r, given);
	if (rc_ok(rc))
		rc = receive_all(&r);
	if (!rc_ok(rc))
		failed(given, rc);
	receiver_drop(&r);
	return NULL;
}

/* ---- life -------------------------------------------------------------------------------------------------- */

static dske_rc start(struct tunnel *t)
{
	sigset_t all, before;
	t->wake.n = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->end.n = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->wake.n < 0 || t->end.n < 0)
		return FAIL(IO, "no eventfd: %s", strerror(errno));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int e = pthread_create(&t->sender, NULL, sender_main, t);
	t->threads = e == 0 ? 1 : 0;
	if (e == 0) {
		e = pthread_create(&t->receiver, NULL, receiver_main, t);
		t->threads += e == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return e == 0 ? DSKE_OK : FAIL(IO, "no thread for the tunnel: %s", strerror(e));
}

dske_rc tunnel_start(struct tunnel **out, struct device *device, int fd, const struct place *remote, struct stock *stock, unsigned mtu)
{
	struct tunnel *t = calloc(1, sizeof *t);
	*out = NULL;
	if (t == NULL)
		return rc_make(DSKE_RC_NOMEM);
	t->device = device;
	t->fd = fd;
	t->remote = *remote;
	t->stock = stock;
	t->mtu = mtu;
	t->wake = t->end = (struct fd)FD_NONE;
	pthread_mutex_init(&t->lock, NULL);
	dske_rc rc = start(t);
	if (!rc_ok(rc)) {
		tunnel_stop(t);
		return rc;
	}
	*out = t;
	return DSKE_OK;
}

void tunnel_stop(struct tunnel *t)
{
	if (t == NULL)
		return;
	atomic_store(&t->stopping, true);
	wake(t->end.n);
	if (t->threads > 0)
		pthread_join(t->sender, NULL);
	if (t->threads > 1)
		pthread_join(t->receiver, NULL);
	fd_drop(&t->wake);
	fd_drop(&t->end);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

dske_rc tunnel_check(struct tunnel *t)
{
	pthread_mutex_lock(&t->lock);
	dske_rc rc = t->failed ? FAIL(IO, "%s", t->why) : DSKE_OK;
	pthread_mutex_unlock(&t->lock);
	return rc;
}

int64_t tunnel_silent_ms(struct tunnel *t)
{
	return clock_ms() - atomic_load(&t->heard_ms);
}

void tunnel_figures(struct tunnel *t, struct tunnel_figures *out)
{
	*out = (struct tunnel_figures){0};
	uint64_t *const places[COUNTERS] = {
		[SENT] = &out->sent, [SENT_BYTES] = &out->sent_bytes, [RECEIVED] = &out->received,
		[RECEIVED_BYTES] = &out->received_bytes, [TOO_LARGE] = &out->too_large, [FORGED] = &out->forged,
		[REPEATED] = &out->repeated, [UNKNOWN] = &out->unknown, [STRANGE] = &out->strange, [UNSENT] = &out->unsent,
		[STOPS] = &out->stops};
	for (size_t i = 0; i < COUNTERS; i++)
		*places[i] = atomic_load_explicit(&t->counters[i], memory_order_relaxed);
	out->heard_ms = atomic_load(&t->heard_ms);
	out->is_stopped = atomic_load(&t->is_stopped);
	out->remote = remote_of(t);
}
